"""Simple statements: assignment, expression statements, return, assert, raise, nested def."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from revcompile.gates.effects import assert_
from revcompile.ir.nodes import Raise, Structure, Value, is_static
from revcompile.syntax.abstract import Frame, NestedFunction, Returned
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.operators import INPLACE

Pending = list[ast.stmt]


def assign(low: Interpreter, node: ast.Assign, frame: Frame, _: Pending) -> None:
    value = low.evaluate(node.value, frame)
    for target in node.targets:
        bind(low, target, value, frame)


def annotated(low: Interpreter, node: ast.AnnAssign, frame: Frame, _: Pending) -> None:
    if node.value is not None:
        bind(low, node.target, low.evaluate(node.value, frame), frame)


def augmented(low: Interpreter, node: ast.AugAssign, frame: Frame, _: Pending) -> None:
    """`x += y` on a name. On an array it writes in place, which another name could see."""
    if not isinstance(node.target, ast.Name):
        raise low.unsupported("a store into an array or an object is not supported yet", node, frame)
    old = low.evaluate(ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target), frame)
    new = low.evaluate(node.value, frame)
    if isinstance(old, Value) and old.type.dims:
        raise low.unsupported(
            f"{node.target.id} is an array: an in-place operator on it is not supported yet",
            node,
            frame,
            f"Write {node.target.id} = {node.target.id} {INPLACE[type(node.op)][0]} ...",
        )
    if not isinstance(old, Value) and isinstance(old, (list, dict)):
        raise low.unsupported("an in-place operator on a container is not supported yet", node, frame)
    result = low.apply(INPLACE[type(node.op)][1], (old, new), {})
    bind(low, node.target, result, frame)


def bind(low: Interpreter, target: ast.expr, value: Structure, frame: Frame) -> None:
    """Give the names of an assignment's target their values."""
    if isinstance(target, ast.Name):
        frame.names[target.id] = value
        name(value, target.id, frame)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(low, target, value, frame)
    elif isinstance(target, ast.Starred):
        bind(low, target.value, value, frame)
    else:
        raise low.unsupported("a store into an array or an object is not supported yet", target, frame)


def name(value: Structure, hint: str, frame: Frame) -> None:
    """Let the user's name be the one that is written, if the value has none yet.

    The names inside a gate's rule say nothing to the user: there, temporaries stay temporaries.
    """
    if isinstance(value, Value) and value.hint is None and value.of is None and not frame.is_rule:
        value.hint = hint
        value.fold = False


def _unpack(low: Interpreter, target: ast.Tuple | ast.List, value: Structure, frame: Frame) -> None:
    items = low.iterate(value, target, frame)
    starred = [i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred)]
    count = len(target.elts)
    if starred:
        i = starred[0]
        if len(items) < count - 1:
            raise ValueError(f"not enough values to unpack (expected at least {count - 1}, got {len(items)})")
        tail = len(items) - (count - 1 - i)
        items = [*items[:i], list(items[i:tail]), *items[tail:]]
    if len(items) != count:
        many = "too many" if len(items) > count else "not enough"
        raise ValueError(f"{many} values to unpack (expected {count}, got {len(items)})")
    for t, item in zip(target.elts, items, strict=True):
        bind(low, t, item, frame)


def expression(low: Interpreter, node: ast.Expr, frame: Frame, _: Pending) -> None:
    if not isinstance(node.value, ast.Constant):  # a docstring, or `...`
        low.evaluate(node.value, frame)


def return_(low: Interpreter, node: ast.Return, frame: Frame, _: Pending) -> Any:
    return Returned(low.evaluate(node.value, frame) if node.value is not None else None)


def assertion(low: Interpreter, node: ast.Assert, frame: Frame, _: Pending) -> None:
    test = low.evaluate(node.test, frame)
    message = low.evaluate(node.msg, frame) if node.msg is not None else None
    if is_static(test):
        if not test:
            low.builder.statements.append(Raise(_exception(AssertionError, message), node.lineno))
        return
    low.emit(assert_, test, message)


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
    low.builder.statements.append(Raise((kind, tuple(args)), node.lineno))


def nested_def(low: Interpreter, node: ast.FunctionDef, frame: Frame, _: Pending) -> None:
    if node.decorator_list:
        raise low.unsupported("a decorator on a nested function is not supported yet", node, frame)
    frame.names[node.name] = make_nested(low, node, frame)


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


def pass_(*_: Any) -> None:
    return None


STATEMENTS: dict[type[ast.stmt], Callable[..., Any]] = {
    ast.Assign: assign,
    ast.AnnAssign: annotated,
    ast.AugAssign: augmented,
    ast.Expr: expression,
    ast.Return: return_,
    ast.Assert: assertion,
    ast.Raise: raise_,
    ast.FunctionDef: nested_def,
    ast.Pass: pass_,
}
