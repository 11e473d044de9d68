"""Simple statements: assignment, expression statements, return, assert, raise, nested def."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from revcompile.errors import HostError, UnsupportedError
from revcompile.gates.effects import assert_
from revcompile.ir.nodes import Raise, Structure, Value, is_static
from revcompile.ir.types import Array
from revcompile.statements import store
from revcompile.statements.exits import Known
from revcompile.syntax.abstract import Frame, NestedFunction
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.mutable import is_growing, name_list
from revcompile.syntax.operators import BINARY

Pending = list[ast.stmt]


def assign(low: Interpreter, node: ast.Assign, frame: Frame, _: Pending) -> None:
    value = _to_be_named(low, node.value, node.targets, frame)
    for target in node.targets:
        bind(low, target, value, frame)


def annotated(low: Interpreter, node: ast.AnnAssign, frame: Frame, _: Pending) -> None:
    if node.value is not None:
        bind(low, node.target, _to_be_named(low, node.value, [node.target], frame), frame)


def _to_be_named(low: Interpreter, node: ast.expr, targets: list[ast.expr], frame: Frame) -> Structure:
    """What is assigned: an iterator that gets a name is not gone through yet."""
    if all(isinstance(target, ast.Name) for target in targets):
        return low.lazily(node, frame)
    if isinstance(node, ast.Tuple) and not any(isinstance(item, ast.Starred) for item in node.elts):
        parts = [target.elts if isinstance(target, ast.Tuple) else [] for target in targets]
        if all(len(part) == len(node.elts) for part in parts):
            items = zip(node.elts, *parts, strict=True)
            return tuple(_to_be_named(low, item, list(names), frame) for item, *names in items)
    return low.evaluate(node, frame)


def augmented(low: Interpreter, node: ast.AugAssign, frame: Frame, _: Pending) -> None:
    """`x += y`. On an array, and on a list, it writes in place, which another name can see."""
    target, function = node.target, BINARY[type(node.op)]
    if isinstance(target, ast.Name):
        old = low.evaluate(ast.copy_location(ast.Name(target.id, ast.Load()), target), frame)
        new = low.evaluate(node.value, frame)
        result = in_place(low, function, old, new, node, frame)
        if result is not old:
            bind(low, target, result, frame)
        return
    if isinstance(target, ast.Subscript):
        owner, index = low.evaluate(target.value, frame), low.evaluate(target.slice, frame)
        old = low.item(owner, index)
        result = in_place(low, function, old, low.evaluate(node.value, frame), node, frame)
        if not _is_part(low, owner, old, result):
            store.store_item(low, owner, index, result, target, frame)
        return
    assert isinstance(target, ast.Attribute)
    owner = low.evaluate(target.value, frame)
    old = low.attribute(owner, target.attr, frame)
    result = in_place(low, function, old, low.evaluate(node.value, frame), node, frame)
    if result is not old:
        low.set_attribute(owner, target.attr, result, target, frame)


def in_place(
    low: Interpreter, function: Any, old: Structure, new: Structure, node: ast.AugAssign, frame: Frame
) -> Structure:
    """`old op= new`: `old` itself, changed, where it is an array or a list; else a new object."""
    if isinstance(old, Value) and isinstance(old.type, Array):
        store.write_in_place(low, old, low.apply(function, (old, new), {}))
        return old
    if isinstance(old, (list, dict)) or is_growing(old):
        return low.extend(old, function, new, node, frame)
    if isinstance(old, Value) and old in low.memory.may_be_arrays:
        raise UnsupportedError(
            "this may be a number, or an array without axes that another name stands for too: "
            "what is changed is known only at run time",
            way_out="Make it a number first: float(x).",
        )
    return low.operate_in_place(function, old, new)


def _is_part(low: Interpreter, owner: Structure, old: Structure, result: Structure) -> bool:
    """Whether `owner[index] op= …` is done with: the item is a part of the array, or was changed in place."""
    if not isinstance(owner, Value):
        return result is old and isinstance(old, (Value, list, dict))
    return result is old and old in low.memory.views


def bind(low: Interpreter, target: ast.expr, value: Structure, frame: Frame) -> None:
    """Give the names of an assignment's target their values."""
    if isinstance(target, ast.Name):
        low.assign_name(target.id, value, frame)
        name(low, value, target.id, frame)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(low, target, value, frame)
    elif isinstance(target, ast.Starred):
        bind(low, target.value, value, frame)
    elif isinstance(target, ast.Subscript):
        store.assign_item(low, target, value, frame)
    elif isinstance(target, ast.Attribute):
        low.set_attribute(low.evaluate(target.value, frame), target.attr, value, target, frame)
    else:
        raise low.unsupported("this target of an assignment is not supported", target, frame)


def name(low: Interpreter, value: Structure, hint: str, frame: Frame) -> None:
    """Let the user's name be the one that is written, if the value has none yet.

    The names inside a gate's rule say nothing to the user: there, temporaries stay temporaries.
    """
    table = low.builder.table
    if frame.is_rule:
        return
    if isinstance(value, Value):
        if table.is_temporary(value):
            table.name(value, hint)
    elif is_growing(value):
        name_list(table, value, hint)


def _unpack(low: Interpreter, target: ast.Tuple | ast.List, value: Structure, frame: Frame) -> None:
    starred = [i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred)]
    count = len(target.elts)
    value = low.regained(value)
    if starred and is_growing(value):
        items = _parts_of_growing(low, target, value, starred[0], frame)
    elif is_growing(value) or (not starred and not frame.is_rule and not low.length_follows(value)):
        items = _counted(low, target, value, frame)
    else:
        items = low.iterate(value, target, frame)
        if starred:
            items = _gathered(low, items, starred[0], count - 1)
    if len(items) != count:
        many = "too many" if len(items) > count else "not enough"
        raise HostError(ValueError(f"{many} values to unpack (expected {count}, got {len(items)})"))
    for t, item in zip(target.elts, items, strict=True):
        bind(low, t, item, frame)


def _gathered(low: Interpreter, items: list[Structure], i: int, others: int) -> list[Structure]:
    """The items with those that the starred name at `i` takes as one list."""
    if len(items) < others:
        raise HostError(
            ValueError(f"not enough values to unpack (expected at least {others}, got {len(items)})")
        )
    tail = len(items) - (others - i)
    return [*items[:i], low.own(list(items[i:tail])), *items[tail:]]


def _counted(
    low: Interpreter, target: ast.Tuple | ast.List, value: Structure, frame: Frame
) -> list[Structure]:
    """`a, b = xs` where only the run knows how long `xs` is: it sees to it that there are as many."""
    count = len(target.elts)
    few = low.operate(operator.lt, low.invoke(len, value), count)
    _raise_if(low, few, f"not enough values to unpack (expected {count})", target, frame)
    many = low.operate(operator.gt, low.invoke(len, value), count)
    _raise_if(low, many, f"too many values to unpack (expected {count})", target, frame)
    return [low.item(value, i) for i in range(count)]


def _raise_if(low: Interpreter, test: Structure, message: str, target: ast.expr, frame: Frame) -> None:
    complaint = ast.Raise(ast.Call(Known(ValueError, target), [ast.Constant(message)], []))
    choice = ast.copy_location(ast.If(Known(test, target), [complaint], []), target)
    low.run([ast.fix_missing_locations(choice)], frame)


def _parts_of_growing(
    low: Interpreter, target: ast.Tuple | ast.List, value: Structure, before: int, frame: Frame
) -> list[Structure]:
    """`a, *rest, b = xs` of a list whose length only the run decides."""
    after = len(target.elts) - 1 - before
    few = low.operate(operator.lt, low.invoke(len, value), before + after)
    _raise_if(low, few, f"not enough values to unpack (expected at least {before + after})", target, frame)
    first = [low.item(value, i) for i in range(before)]
    last = [low.item(value, i) for i in range(-after, 0)]
    return [*first, low.item(value, slice(before, -after or None)), *last]


def expression(low: Interpreter, node: ast.Expr, frame: Frame, _: Pending) -> None:
    if not isinstance(node.value, ast.Constant):  # a docstring, or `...`
        low.evaluate(node.value, frame)


def assertion(low: Interpreter, node: ast.Assert, frame: Frame, _: Pending) -> None:
    test = low.decisive(low.evaluate(low.condition(node.test, frame), frame))
    if is_static(test):
        if not test:
            message = low.evaluate(node.msg, frame) if node.msg is not None else None
            low.builder.statements.append(Raise(_exception(AssertionError, message), low.builder.line))
        return
    if node.msg is not None and any(isinstance(part, _DOING) for part in ast.walk(node.msg)):
        said = ast.Raise(ast.Call(Known(AssertionError, node.msg), [node.msg], []))
        failed = ast.If(ast.UnaryOp(ast.Not(), Known(test, node.test)), [said], [])
        low.run([ast.fix_missing_locations(ast.copy_location(failed, node))], frame)
        return
    low.emit(assert_, test, low.evaluate(node.msg, frame) if node.msg is not None else None)


# What a message of `assert` may do, which is done only where it is said.
_DOING = (ast.Call, ast.Subscript, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp, ast.Starred)


def _exception(kind: type[BaseException], message: Structure) -> Structure:
    return (kind, () if message is None else (message,))


def raise_(low: Interpreter, node: ast.Raise, frame: Frame, _: Pending) -> None:
    if node.exc is None or node.cause is not None:
        raise low.unsupported("only `raise Exception(...)` is supported", node, frame)
    call = node.exc
    kind = low.evaluate(call.func if isinstance(call, ast.Call) else call, frame)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise low.unsupported("only `raise Exception(...)` is supported", node, frame)
    args: list[Structure] = []
    if isinstance(call, ast.Call):
        if call.keywords:
            raise low.unsupported("an exception with keyword arguments is not supported", node, frame)
        args = [low.evaluate(a, frame) for a in call.args]
    if frame.is_own and kind is UnsupportedError:  # what a composition does not serve
        raise UnsupportedError(*args)
    low.builder.statements.append(Raise((kind, tuple(args)), low.builder.line))


def nested_def(low: Interpreter, node: ast.FunctionDef, frame: Frame, _: Pending) -> None:
    decorators = [low.evaluate(decorator, frame) for decorator in node.decorator_list]
    value: Structure = make_nested(low, node, frame)
    for decorator in reversed(decorators):
        value = low.invoke(decorator, value)
    low.assign_name(node.name, value, frame)


def make_nested(low: Interpreter, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> NestedFunction:
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults: dict[str, Structure] = {}
    for arg, default in zip(positional[len(positional) - len(a.defaults) :], a.defaults, strict=True):
        defaults[arg.arg] = low.evaluate(default, frame)
    for arg, kw_default in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        if kw_default is not None:
            defaults[arg.arg] = low.evaluate(kw_default, frame)
    return NestedFunction(node, frame, defaults)


def delete(low: Interpreter, node: ast.Delete, frame: Frame, _: Pending) -> None:
    for target in node.targets:
        _delete(low, target, frame)


def _delete(low: Interpreter, target: ast.expr, frame: Frame) -> None:
    if isinstance(target, ast.Name):
        low.evaluate(ast.copy_location(ast.Name(target.id, ast.Load()), target), frame)
        low.delete_name(target.id, frame)
    elif isinstance(target, ast.Subscript):
        low.delete_item(low.evaluate(target.value, frame), low.evaluate(target.slice, frame))
    elif isinstance(target, ast.Attribute):
        low.delete_attribute(low.evaluate(target.value, frame), target.attr, frame)
    elif isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            _delete(low, item, frame)


def nonlocal_(low: Interpreter, node: ast.Nonlocal, frame: Frame, _: Pending) -> None:
    for identifier in node.names:
        low.declare_nonlocal(identifier, frame)


def pass_(*_: Any) -> None:
    return None


STATEMENTS: dict[type[ast.stmt], Callable[..., Any]] = {
    ast.Assign: assign,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.Expr: expression,
    ast.Assert: assertion,
    ast.Raise: raise_,
    ast.FunctionDef: nested_def,
    ast.Pass: pass_,
    ast.Delete: delete,
    ast.Nonlocal: nonlocal_,
}
