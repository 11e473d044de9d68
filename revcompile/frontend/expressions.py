"""Expressions: one handler for each form of Python's grammar."""

from __future__ import annotations

import ast
import inspect
import math
import operator
from collections.abc import Callable
from functools import partial, reduce
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import HostError, host
from revcompile.frontend import (
    comprehensions,
    containers,
    displays,
    foreign,
    formatting,
    growing,
    identities,
    iterators,
    membership,
    objects,
    outside,
)
from revcompile.frontend.absent import THERE
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.mappings import with_keywords
from revcompile.frontend.names import HostObject, is_library
from revcompile.gates.effects import defined_, percent
from revcompile.gates.infer import ask_host
from revcompile.gates.lengths import length, size_of
from revcompile.gates.rows import count, source_list
from revcompile.gates.shape import flat
from revcompile.gates.table import METHODS, TABLE
from revcompile.ir.identifiers import is_name
from revcompile.ir.nodes import Instance, Structure, Value, are_numbers, is_static, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import INT, Array, Rows, Scalar
from revcompile.ir.values import NONE, varies
from revcompile.runtime import item_length
from revcompile.statements import branch, exits, simple
from revcompile.syntax.abstract import Frame, Method, NestedFunction, Poison, refuse_varying, unbound
from revcompile.syntax.decisions import Restart
from revcompile.syntax.mutable import is_growing
from revcompile.syntax.operators import BINARY, COMPARE, UNARY, binary_symbol, symbol_of

WRITING = frozenset({"fill", "sort", "partition", "put"})  # see `frontend/writing`
NUMBERS = frozenset({int, float, bool})
MATH = dict(vars(math))  # which generated text uses as it was
ASSIGNED = Poison("is assigned by := in a comprehension")
NAMED_TUPLE = frozenset({"_replace", "_asdict", "_make", "index", "count"})


def constant(low: Lowering, node: ast.Constant, frame: Frame) -> Structure:
    if type(node.value) is float and not frame.is_rule:
        low.spell(node.value, frame.source.segment(node))
    return node.value


def name(low: Lowering, node: ast.Name, frame: Frame) -> Structure:
    value = look_up(low, node.id, frame)
    if isinstance(value, iterators.Once):
        value = iterators.opened(value, node.id, frame)
    if isinstance(value, Poison):
        if value.decision is not None and value.decision not in low.decisions:
            raise Restart(value.decision)
        raise low.unsupported(f"{node.id} {value.reason}", node, frame)
    value = low.needed.known.get(value, value) if isinstance(value, Value) else value
    if (unset := low.builder.table.unset) and not frame.is_rule:
        for v in leaves(value):
            if unset.get(v) not in (None, NONE):
                check = (v, unset[v])
                low.builder.remember((THERE, v), partial(low.builder.emit, defined_, check))
    return value


def look_up(low: Lowering, identifier: str, frame: Frame) -> Structure:
    """A name's meaning: local, enclosing, closure cell, global, builtin — as Python resolves it."""
    scope: Frame | None = frame
    outermost = frame
    while scope is not None:
        if identifier in scope.names:
            if low.reads is not None:
                low.reads.note_name(scope, identifier, scope.names[identifier])
            return scope.names[identifier]
        if scope.cells is not None and identifier in scope.cells.attributes:
            return scope.cells.attributes[identifier]
        if identifier in scope.own:
            raise unbound(identifier, scope, frame)
        outermost, scope = scope, scope.parent
    function: Any = frame.function
    code = function.__code__
    if identifier in code.co_freevars:
        cell = (function.__closure__ or ())[code.co_freevars.index(identifier)]
        if frame.is_own:
            return cell.cell_contents
        try:
            contents = cell.cell_contents
        except ValueError:
            raise HostError(NameError(f"the closure variable {identifier!r} has no value yet")) from None
        return low.host.bring(low.host.cell_root(identifier, cell), contents, identifier)
    if identifier in code.co_cellvars or (frame.parent is None and identifier in code.co_varnames):
        raise unbound(identifier, outermost, frame)
    if identifier in function.__globals__:
        obj = function.__globals__[identifier]
        if frame.is_own:
            return obj
        return low.host.bring(low.host.globals_root(function).attribute(identifier), obj, identifier)
    if not frame.is_own:
        low.host.lacks(function, identifier)
    if identifier not in function.__builtins__:
        raise HostError(NameError(f"name {identifier!r} is not defined"))
    return function.__builtins__[identifier]


def attribute(low: Lowering, node: ast.Attribute, frame: Frame) -> Structure:
    iterators.refuse_next(low, node, frame)
    many = len(low.host.guards)
    owner = low.evaluate(node.value, frame)
    if len(low.host.guards) > many and isinstance(owner, ModuleType) and is_library(owner):
        low.host.forgo(owner)
    return low.attribute(owner, node.attr, frame)


def public_module(owner: Any) -> str:
    """The name that NumPy and math have in generated code, whatever the user calls them."""
    return "np" if owner is np else "math" if owner is math else ""


def static_attribute(low: Lowering, owner: Any, attr: str, frame: Frame) -> Structure:
    """An attribute of a host object, read along the path by which generated code reaches it."""
    if isinstance(owner, HostObject):
        return objects.read_host(low, owner, attr)
    if isinstance(owner, Instance):
        return objects.read(low, owner, attr)
    if isinstance(owner, objects.Super):
        return objects.read_super(low, owner, attr)
    if isinstance(owner, tuple) and hasattr(owner, "_fields"):
        home, raw = objects.look_up(type(owner), attr)
        if isinstance(raw, (property, FunctionType, classmethod, staticmethod)) and not frame.is_rule:
            if home.__module__ != "collections" and attr not in NAMED_TUPLE:
                return objects.bound(low, home, raw, attr, owner)
    try:
        with host():
            obj = getattr(owner, attr)
    except HostError:
        path = low.host.path_of(owner)
        if path is not None:
            low.host.note_has(path, attr, False)
        raise
    in_library = is_library(owner) and not isinstance(owner, partial)
    if in_library and not frame.is_own:
        low.host.library_attribute(owner, attr, obj)
    if frame.is_own or in_library or not is_static(obj):
        if type(obj) is float and not frame.is_rule and math.isfinite(obj):
            if public_module(owner) and is_name(attr) and (owner is np or MATH.get(attr) == obj):
                low.spell(obj, f"{public_module(owner)}.{attr}")
        return obj
    path = low.host.path_of(owner)
    return low.host.attribute(path, owner, attr) if path is not None else obj


def value_attribute(low: Lowering, value: Value, attr: str) -> Structure:
    """`x.shape`, `x.T`, `x.sum`: an attribute of a run-time number or array."""
    if foreign.is_foreign(value):
        return outside.attribute(low, value, attr)
    if attr == "shape":
        return shape_of(low, value)
    if attr == "ndim":
        return len(value.type.dims)
    if attr == "size":
        return element_count(low, value)
    if attr == "dtype" and isinstance(value.type, (Array, Scalar)):
        if varies(value):
            refuse_varying(value.type)
        return value.type.dtype
    if attr == "T":
        return value if not value.type.dims else low.apply(np.transpose, (value,), {})
    if attr == "mT" and len(value.type.dims) > 1:
        return low.apply(np.matrix_transpose, (value,), {})
    if attr == "imag" and isinstance(value.type, (Array, Scalar)):
        return low.apply(np.imag, (value,), {})
    if attr == "flat" and isinstance(value.type, Array):
        return low.apply(flat, (value,), {})
    if attr == "real" and isinstance(value.type, (Array, Scalar)) and value.type.dtype.kind in "fiu":
        return value
    if attr in METHODS or attr in low.method_adapters or attr in WRITING:
        return Method(value, attr)
    return outside.of_number(low, value, attr)


def shape_of(low: Lowering, value: Value) -> tuple[Structure, ...]:
    """The shape: lengths that are known as numbers, the others as run-time integers."""
    return tuple(axis_length(low, value, i) for i in range(len(value.type.dims)))


def axis_length(low: Lowering, value: Value, axis: int) -> Structure:
    dim = value.type.dims[axis]
    if dim.size is not None:
        return dim.size
    if isinstance(value.type, Rows):
        rows = source_list(value, low.builder.definitions)
        return low.emit(item_length, rows, axis) if axis else low.emit(count, value)

    def make() -> Value:
        of = low.memory.shape_of(value)
        return low.builder.emit(length, (of, axis), replace(INT, extent=dim))

    return low.builder.remember((length, value, axis), make)


def element_count(low: Lowering, value: Value) -> Structure:
    if all(d.size is not None for d in value.type.dims):
        return math.prod(d.size or 0 for d in value.type.dims)
    if isinstance(value.type, Rows):
        return reduce(lambda m, n: operate(low, operator.mul, m, n), shape_of(low, value))
    return low.builder.remember((size_of, value), lambda: low.emit(size_of, value))


def binary(low: Lowering, node: ast.BinOp, frame: Frame) -> Structure:
    left = low.evaluate(node.left, frame)
    right = low.evaluate(node.right, frame)
    if isinstance(node.op, ast.Mult) and not frame.is_rule:
        for items, count in ((left, right), (right, left)):
            if isinstance(items, list) and growing.is_wanted(low, frame.site(node), count):
                return growing.repeat(low, items, count)
    return (operate_in_rule if frame.is_rule else operate)(low, BINARY[type(node.op)], left, right)


def operate_in_rule(low: Lowering, function: Any, *args: Structure) -> Structure:
    """The same as `operate` in a rule, which has NumPy's infinities."""
    if len(args) == 2 and TABLE[function].may_raise_of_floats:
        args = tuple(low.apply(x.type.dtype.type, (x,), {}) if varies(x) else x for x in args)
    return operate(low, function, *args)


def operate(low: Lowering, function: Any, *args: Structure) -> Structure:
    """A Python operator on static objects or run-time values."""
    if are_numbers(args):
        return low.emit(function, *args)
    if all(type(a) in NUMBERS for a in args):
        with host():
            return function(*args)
    if isinstance(args[0], str) and binary_symbol(function) == "%" and not formatting.is_known(args):
        return low.emit(percent, *formatting.writable(args))
    if any(objects.is_object(a) or objects.has_operator(a, function) for a in args):
        return objects.operate(low, function, args)
    if foreign.has_foreign(*args) and not formatting.joins(function, args):
        return outside.operate(low, function, args)
    if symbol_of(function) in ("==", "!=") and membership.are_compared(args):
        same = low.equal(*args)
        return same if symbol_of(function) == "==" else operate(low, operator.not_, same)
    if all(map(is_static, args)) or all(isinstance(a, (tuple, list)) for a in args):
        containers.refuse_long(function, args)
        with host():
            result = function(*args)
        low.host.tells(function, args, result)
        return low.own(result) if isinstance(result, (list, dict, set)) else result
    if binary_symbol(function) == "+" and all(map(formatting.is_text, args)):
        return formatting.join_texts(low, args)
    if any(isinstance(a, (tuple, list, dict, str)) for a in args):
        if any(isinstance(a, (list, tuple)) for a in args) and any(is_array(a) for a in args):
            args = tuple(low.apply(np.array, (a,), {}) if isinstance(a, (list, tuple)) else a for a in args)
        else:
            containers.refuse_long(function, args)  # before the host repeats it
            ask_host(function, args)
            what = "as the count of a repeated sequence"
            args = tuple(low.static(a, what) if isinstance(a, Value) else a for a in args)
            containers.refuse_long(function, args)
            with host():
                result = function(*args)
            return low.own(result) if isinstance(result, list) else result
    return low.apply(function, args, {})


def is_array(x: Structure) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Array)


def unary(low: Lowering, node: ast.UnaryOp, frame: Frame) -> Structure:
    asked = low.condition(node.operand, frame) if isinstance(node.op, ast.Not) else node.operand
    return operate(low, UNARY[type(node.op)], low.evaluate(asked, frame))


def compare(low: Lowering, node: ast.Compare, frame: Frame) -> Structure:
    """`a < b`, and `a < b < c`, whose later comparisons are evaluated only if the earlier hold."""
    found = iterators.compared(low, node, frame)
    if found is not NotImplemented:
        return found
    left = low.evaluate(node.left, frame)
    return _compare_chain(low, left, list(zip(node.ops, node.comparators, strict=True)), frame)


def _compare_chain(
    low: Lowering, left: Structure, rest: list[tuple[ast.cmpop, ast.expr]], frame: Frame
) -> Structure:
    op, node = rest[0]
    right = low.evaluate(node, frame)
    first = _compare_two(low, op, left, right, frame)
    if len(rest) == 1:
        return first
    return branch.choose(
        low, frame, first, lambda: _compare_chain(low, right, rest[1:], frame), lambda: first
    )


def _compare_two(low: Lowering, op: ast.cmpop, left: Structure, right: Structure, frame: Frame) -> Structure:
    if isinstance(op, (ast.Is, ast.IsNot)):
        same = identities.is_same(low, left, right)
        return same if isinstance(op, ast.Is) else operate(low, operator.not_, same)
    if isinstance(op, (ast.In, ast.NotIn)):
        found = is_in(low, left, right)
        return found if isinstance(op, ast.In) else operate(low, operator.not_, found)
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return operate(low, COMPARE[type(op)], left, right)
    if foreign.has_foreign(left, right):
        return outside.operate(low, COMPARE[type(op)], (left, right))
    if (left is None or isinstance(left, str)) or (right is None or isinstance(right, str)):
        if not (is_static(left) and is_static(right)):
            ask_host(COMPARE[type(op)], (left, right))
            return isinstance(op, ast.NotEq)
    both = isinstance(left, membership.SEQUENCES) and isinstance(right, membership.SEQUENCES)
    if both and not is_static((left, right)):
        if isinstance(op, (ast.Eq, ast.NotEq)):
            same = low.equal(left, right)
            return same if isinstance(op, ast.Eq) else operate(low, operator.not_, same)
        left, right = low.static(left, "in a comparison"), low.static(right, "in a comparison")
    return operate(low, COMPARE[type(op)], left, right)


def is_in(low: Lowering, x: Structure, items: Structure) -> Structure:
    """`x in items`"""
    contains = objects.special(low, items, "contains") if objects.is_object(items) else None
    if contains is not None:
        return low.truth(low.invoke(contains, x))
    items = low.items(items) if objects.is_object(items) else items
    if foreign.has_foreign(x, items):
        return outside.operate(low, operator.contains, (items, x))
    if isinstance(items, str) or (isinstance(items, Value) and not items.type.dims):
        ask_host(operator.contains, (items, x))
    found = membership.among(low, x, items)
    if found is None:
        found = membership.among_objects(low, x, items)
    if found is not None:
        return found
    x, items = membership.key(low, x, "on the left of `in`"), low.static(items, "on the right of `in`")
    with host():
        return x in items


def boolean(low: Lowering, node: ast.BoolOp, frame: Frame) -> Structure:
    """`a and b`, `a or b`: the value of the operand that decides, as in Python."""
    decision = None if frame.is_rule else branch.fork_decision(node, frame)

    def rest(operands: list[ast.expr]) -> Structure:
        if len(operands) == 1:
            return low.evaluate(operands[0], frame)
        asked = low.condition(operands[0], frame)
        if asked is not operands[0] and isinstance(node.op, ast.Or):
            return iterators.at_once(low, operands[0], frame)
        first = low.evaluate(asked, frame)
        if isinstance(node.op, ast.And):
            return branch.choose(low, frame, first, lambda: rest(operands[1:]), lambda: first, decision)
        return branch.choose(low, frame, first, lambda: first, lambda: rest(operands[1:]), decision)

    return rest(node.values)


def conditional(low: Lowering, node: ast.IfExp, frame: Frame) -> Structure:
    test = low.evaluate(low.condition(node.test, frame), frame)
    then, orelse = (partial(low.evaluate, side, frame) for side in (node.body, node.orelse))
    decision = None if frame.is_rule else branch.fork_decision(node, frame)
    return branch.choose(low, frame, test, then, orelse, decision)


def subscript(low: Lowering, node: ast.Subscript, frame: Frame) -> Structure:
    iterators.refuse_items(low, node.value, frame)
    owner = low.evaluate(node.value, frame)
    index = low.evaluate(node.slice, frame)
    if isinstance(owner, Value) and not foreign.is_foreign(owner):
        low.steer(index)
        return low.apply(operator.getitem, (owner, index), {})
    return low.item(owner, index)


def slice_(low: Lowering, node: ast.Slice, frame: Frame) -> slice:
    parts = [low.evaluate(p, frame) if p is not None else None for p in (node.lower, node.upper, node.step)]
    return slice(*parts)


def lambda_(low: Lowering, node: ast.Lambda, frame: Frame) -> NestedFunction:
    return simple.make_nested(low, node, frame)


def call(low: Lowering, node: ast.Call, frame: Frame) -> Structure:
    node = iterators.by_hand(low, node, frame)
    function = low.evaluate(node.func, frame)
    if not foreign.excuses(function):
        return _call(low, node, function, frame)
    with foreign.excusing(low):
        return _call(low, node, function, frame)


def _call(low: Lowering, node: ast.Call, function: Any, frame: Frame) -> Structure:
    for find in (comprehensions.consumed, iterators.asked):
        found = find(low, node, function, frame)
        if found is not NotImplemented:
            return found
    if function is zip and len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
        pairs = low.evaluate(node.args[0].value, frame)
        columns = growing.unzipped(low, pairs) if is_growing(pairs) else None
        if columns is not None:
            return columns
    named = not frame.is_rule and _names_arguments(function)
    named = named and not any(isinstance(a, ast.Starred) for a in node.args)
    lazily = partial(iterators.lazily, low, frame=frame)
    args = list(map(lazily, node.args)) if named else displays.elements(low, node.args, frame, keeps=False)
    kwargs: dict[str, Structure] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            kwargs = with_keywords(low, kwargs, low.evaluate(keyword.value, frame))
        else:
            kwargs[keyword.arg] = low.evaluate(keyword.value, frame)
    return low.call(function, tuple(args), kwargs, node, frame)


def _names_arguments(function: Any) -> bool:
    """Whether the arguments of a call get names: an iterator among them can be gone through once."""
    if isinstance(function, NestedFunction):
        a = function.node.args
        return a.vararg is None
    return (
        type(function) is FunctionType
        and not is_library(function)
        and not function.__code__.co_flags & inspect.CO_VARARGS
        and not hasattr(function, "__wrapped__")
    )


def known(low: Lowering, node: exits.Known, frame: Frame) -> Structure:
    """An expression that has been evaluated already."""
    return node.structure


def starred(low: Lowering, node: ast.Starred, frame: Frame) -> Structure:
    raise low.unsupported("a starred expression is not supported here", node, frame)


def named(low: Lowering, node: ast.NamedExpr, frame: Frame) -> Structure:
    value = low.evaluate(node.value, frame)
    simple.bind(low, node.target, value, frame)
    home = frame
    while home.in_comprehension and home.parent is not None:
        home = home.parent
    if home is not frame:
        home.names[node.target.id] = ASSIGNED
    return value


EXPRESSIONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Constant: constant, ast.Name: name, ast.Attribute: attribute, ast.BinOp: binary,
    ast.UnaryOp: unary, ast.Compare: compare, ast.BoolOp: boolean, ast.IfExp: conditional,
    ast.Subscript: subscript, ast.Slice: slice_, ast.Tuple: displays.tuple_, ast.List: displays.list_,
    ast.Dict: displays.dict_, ast.Set: displays.set_, ast.JoinedStr: formatting.formatted,
    ast.Lambda: lambda_, ast.Call: call,
    **comprehensions.EXPRESSIONS,
    ast.Starred: starred, ast.NamedExpr: named, exits.Known: known,
}  # fmt: skip
