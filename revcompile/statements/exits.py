"""`break`, `continue`, `return` and what follows them; the marks that stand where a loop ends.

Statements that are still to be interpreted wait in a list, `pending`. A loop puts marks into it: `break`
drops what waits up to the end of the loop, `continue` up to the next trip. In a loop that stays a loop
they, and `return`, leave notes under the names below, which are carried like the user's own variables.
Imports the interpreter's interface.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from revcompile.ir.nodes import Structure
from revcompile.syntax.abstract import Frame, Returned
from revcompile.syntax.interpreter import Interpreter

Pending = list[ast.stmt]

STOP, BROKEN, RETURNED, RESULT = "stop", "broken", "returned", "result"
NOTES = {name: f"<{name}>" for name in (STOP, BROKEN, RETURNED, RESULT)}  # no name of the user's is so


class Mark(ast.stmt):
    """A place in a list of statements."""

    _fields: ClassVar[tuple[str, ...]] = ()


class NextTrip(Mark):
    """Where a trip of a loop that is written out begins: `target = item`, or what `make` makes of it then."""

    def __init__(
        self,
        loop: ast.AST,
        target: ast.expr | None = None,
        item: Structure = None,
        make: Callable[[], Structure] | None = None,
    ) -> None:
        self.target, self.item, self.make = target, item, make
        ast.copy_location(self, loop)


class EndLoop(Mark):
    """Where a loop that is written out ends. What `orelse` holds runs unless the loop was left by `break`."""

    _fields: ClassVar[tuple[str, ...]] = ("orelse",)

    def __init__(self, loop: ast.AST, orelse: Pending) -> None:
        self.orelse = orelse
        ast.copy_location(self, loop)


class EndBody(Mark):
    """Where the body ends of a loop that stays a loop."""

    def __init__(self, loop: ast.AST) -> None:
        ast.copy_location(self, loop)


class Known(ast.expr):
    """An expression whose structure is known already."""

    _fields = ()

    def __init__(self, structure: Structure, place: ast.AST) -> None:
        self.structure = structure
        ast.copy_location(self, place)


def note(frame: Frame, name: str, value: Structure) -> None:
    frame.names[NOTES[name]] = value


def break_(low: Interpreter, node: ast.stmt, frame: Frame, pending: Pending) -> None:
    while pending:
        mark = pending.pop(0)
        if isinstance(mark, EndLoop):
            return
        if isinstance(mark, EndBody):
            note(frame, STOP, True)
            note(frame, BROKEN, True)


def continue_(low: Interpreter, node: ast.stmt, frame: Frame, pending: Pending) -> None:
    while pending and not isinstance(pending[0], Mark):
        del pending[0]


def return_(low: Interpreter, node: ast.Return, frame: Frame, pending: Pending) -> Returned | None:
    value = low.at_once(node.value, frame) if node.value is not None else None
    if not any(isinstance(s, EndBody) for s in pending):
        return Returned(value)
    pending.clear()
    note(frame, STOP, True)
    note(frame, RETURNED, True)
    note(frame, RESULT, value)
    return None


def pass_mark(*_: Any) -> None:
    return None


def end_loop(low: Interpreter, node: EndLoop, frame: Frame, pending: Pending) -> None:
    pending[:0] = node.orelse


_kinds: WeakKeyDictionary[ast.AST, frozenset[str]] = WeakKeyDictionary()  # statements do not change


def kinds(node: ast.AST) -> frozenset[str]:
    """The ways in which the statements of `node` may leave it: "return", "break", "continue"."""
    if isinstance(node, ast.Return):
        return frozenset({"return"})
    if isinstance(node, (ast.Break, ast.Continue)):
        return frozenset({"break" if isinstance(node, ast.Break) else "continue"})
    if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.expr)):
        return frozenset()
    known = _kinds.get(node)
    if known is None:
        ways: set[str] = set()
        for name, field in ast.iter_fields(node):
            in_loop = isinstance(node, (ast.For, ast.While)) and name == "body"
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST):
                    inner = kinds(child)
                    ways |= inner - {"break", "continue"} if in_loop else inner
        known = _kinds[node] = frozenset(ways)
    return known


def first_return(node: ast.stmt) -> ast.stmt:
    """The first `return` of a loop, or the loop."""
    waiting: list[ast.AST] = [node] if "return" in kinds(node) else []
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, ast.Return):
            return found
        if not isinstance(found, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            waiting[:0] = ast.iter_child_nodes(found)
    return node


def until_joined(node: ast.AST, pending: Pending) -> int:
    """How many of the waiting statements belong to the ways that an `if` opens, before they meet again."""
    ways = set(kinds(node))
    for i, statement in enumerate(pending):
        if "return" in ways:
            break
        if isinstance(statement, EndBody):
            return i + 1
        if isinstance(statement, EndLoop):
            return i + ("break" in ways)
        if isinstance(statement, NextTrip) and "break" not in ways:
            return i
        ways.update(kinds(statement))
    return len(pending)
