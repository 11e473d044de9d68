"""Which list displays will grow in a loop that stays a loop: seen in the text, before the loop is reached.

    hs = []                       a list that the run makes as long as it is,
    for t in range(steps):        since a loop over a range stays a loop
        hs.append(h)

Only what is plain is seen here; what shows when the loop is interpreted is a reason to lower all again.
Imports the abstract values.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Scalar, is_float
from revcompile.syntax.abstract import Frame
from revcompile.syntax.decisions import Unroll
from revcompile.syntax.mutable import is_growing
from revcompile.syntax.source import parameters

Loop = ast.For | ast.While
Reason = Loop | str  # a loop, or the name of an index that is a parameter
Display = ast.List | ast.ListComp
Around = tuple[ast.AST, ...]
REORDERING = ("sort", "reverse")
CHANGING = ("append", "extend", "insert", "pop")
FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.AsyncFunctionDef)
NO_NUMBER = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.JoinedStr, ast.Lambda)
CALLED = ("enumerate", "zip", "reversed")


def is_written_out(node: ast.expr, frame: Frame) -> bool:
    """Whether a list that is made here cannot be one whose length only the run decides: what is added to it
    is no number, nor an array, or an item of it is written, or it is sorted."""
    return _seen(frame.source.node).get(node) == ()  # type: ignore[call-overload]


def will_grow(low: Lowering, node: ast.expr, items: list[Structure], frame: Frame) -> bool:
    """Whether the list that this display makes will certainly be one whose length only the run decides."""
    if not isinstance(node, ast.List) or not all(isinstance(x, (Value, int, float)) for x in items):
        return False
    reasons = _seen(frame.source.node).get(node, ())
    return any(
        _is_number(frame.names.get(why)) if isinstance(why, str) else _stays(low, why, frame)
        for why in reasons
    )


def _is_number(x: Structure) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Scalar) and not is_float(x.type)


def _stays(low: Lowering, loop: Loop, frame: Frame) -> bool:
    """Whether a loop stays a loop."""
    if Unroll(frame.key(loop)) in low.decisions:
        return False
    return isinstance(loop, ast.While) or _is_long(low, loop.iter, frame)


def _is_long(low: Lowering, node: ast.expr, frame: Frame) -> bool:
    """Whether what a `for` goes through is as long as the run says, or a range."""
    if isinstance(node, ast.Name):
        known = frame.names.get(node.id)
        return is_growing(known) or (isinstance(known, Value) and bool(known.type.dims))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return _is_long(low, node.value, frame)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)) or node.func.id in frame.names:
        return False
    if node.func.id in CALLED:
        return all(_is_long(low, a, frame) and not _is_range(a) for a in node.args)
    return _is_range(node) and low.evaluate(node.func, frame) is range


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def is_no_number(node: ast.expr | None, names: Container[str] = ()) -> bool:
    """Whether an expression certainly gives a container, a text or a function: `[0.0] * n`, or `names`."""
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.BinOp):
        return isinstance(node.left, NO_NUMBER) or isinstance(node.right, NO_NUMBER)
    if isinstance(node, ast.Tuple):
        return any(is_no_number(x, names) for x in node.elts)
    return isinstance(node, NO_NUMBER) or (isinstance(node, ast.Constant) and type(node.value) is str)


# -- the text ------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _seen(function: ast.AST) -> dict[Display, tuple[Reason, ...]]:
    """The list displays that get a name, and why they will grow; no reasons if they cannot."""
    found: dict[Display, tuple[Reason, ...]] = {}
    for scope in ast.walk(function):
        if isinstance(scope, ast.FunctionDef):
            lists = _Lists(scope)
            lists.look(scope.body, ())
            found |= lists.reasons | dict.fromkeys(lists.apart, ())
    return found


class _Lists:
    """The list displays of a function, found by going through its statements in order."""

    def __init__(self, scope: ast.FunctionDef) -> None:
        nodes = list(ast.walk(scope))
        inner = {n for c in nodes if isinstance(c, ast.comprehension) for n in ast.walk(c.target)}
        stores = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        made = {s.targets[0] for s in nodes if isinstance(s, ast.Assign) and is_no_number(s.value)}
        stored, given = {n.id for n in stores if n not in inner}, {a.arg for a in parameters(scope)}
        self.given = given - stored  # the parameters that stay what they are
        # the names that stand for no numbers
        self.containers = stored - {n.id for n in stores if n not in inner | made} - given
        self.named: dict[str, tuple[Display, Around]] = {}
        self.reasons: dict[Display, tuple[Reason, ...]] = {}
        self.apart: set[Display] = set()  # of which an item is written, or that are sorted

    def look(self, statements: list[ast.stmt], around: Around) -> None:
        """Go through statements. `around`: the loops and conditions that they stand in."""
        for s in statements:
            for name, display in _displays(s):
                self.named[name] = display, around
            for name, item in _changed(s):
                for each in self._called(name):
                    self._grows(each, item, around)
            for indexed, index in _indexed(s):
                if isinstance(indexed, ast.List):
                    self._is_indexed(indexed, index, ())
                elif indexed.id in self.named:
                    display, outside = self.named[indexed.id]
                    if _always(around, outside, indexed.id):
                        self._is_indexed(display, index, around[len(outside) :])
            for name in _taken_apart(s):
                if name in self.named and _always(around, self.named[name][1], name):
                    self.apart.add(self.named[name][0])
            if isinstance(s, (ast.For, ast.While, ast.If, ast.With)):
                for block in (s.body, getattr(s, "orelse", [])):
                    self.look(block, around if isinstance(s, ast.With) else (*around, s))

    def _called(self, name: str) -> list[str]:
        """The names of the lists that are meant: of `d[k]`, all that are in the dict `d`."""
        return [n for n in self.named if n == name or (name.endswith("[") and n.startswith(name))]

    def _grows(self, name: str, item: ast.expr | None, around: Around) -> None:
        """Note that a list gets one more item, or loses one (None)."""
        display, outside = self.named[name]
        inside = around[len(outside) :]
        loops = tuple(one for one in inside if isinstance(one, Loop))
        other = is_no_number(item, self.containers)
        if display in self.reasons and other != (not self.reasons[display]):  # numbers, and what is none
            del self.named[name], self.reasons[display]
        elif other and loops:
            self.reasons[display] = ()
        elif around[: len(outside)] == outside and inside and isinstance(inside[0], Loop):
            self.reasons[display] = (*self.reasons.get(display, ()), *loops)

    def _is_indexed(self, display: Display, index: ast.expr, inside: Around) -> None:
        """Note that an item is read that the run chooses, in these loops."""
        used = {n.id for n in ast.walk(index) if isinstance(n, ast.Name)}
        fors = [one for one in inside if isinstance(one, ast.For)]
        counting = [one for one in fors if not used.isdisjoint(_targets(one))]
        if self.reasons.get(display) != () and (counting or used & self.given):
            known = self.reasons.get(display, ())
            self.reasons[display] = (*known, *counting, *sorted(used & self.given))


def _always(around: Around, outside: Around, name: str) -> bool:
    """Whether what stands there is certainly done where a list is made `outside`, if all loops are, and the
    list is not empty."""
    inside = [one for one in around[len(outside) :] if isinstance(one, ast.If)]
    asked = all(isinstance(one.test, ast.Name) and one.test.id == name for one in inside)
    return around[: len(outside)] == outside and asked


def _displays(s: ast.stmt) -> Iterator[tuple[str, Display]]:
    """The names that a statement gives to list displays: `a = []`, `a, b = [], [x]`, `d = {"a": []}`."""
    targets = s.targets if isinstance(s, ast.Assign) else [s.target] if isinstance(s, ast.AnnAssign) else []
    value: Any = getattr(s, "value", None)
    for target in targets:
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for t, v in pairs:
            if isinstance(t, ast.Name) and isinstance(v, Display):
                yield t.id, v
            elif isinstance(t, ast.Name) and isinstance(v, ast.Dict):
                for key, item in zip(v.keys, v.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(item, ast.List):
                        yield f"{t.id}[{key.value!r}", item


def _name_of(owner: ast.expr) -> str | None:
    """What a list is called here: `a`; of `d["a"]`, `d['a'`; of `d[k]`, `d[`."""
    if isinstance(owner, ast.Name):
        return owner.id
    if isinstance(owner, ast.Subscript) and isinstance(owner.value, ast.Name):
        key = owner.slice
        return f"{owner.value.id}[{key.value!r}" if isinstance(key, ast.Constant) else f"{owner.value.id}["
    return None


def _changed(s: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """The names whose lists a simple statement makes longer or shorter, each with an item that is added."""
    if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add):
        name = _name_of(s.target)
        items = s.value.elts if isinstance(s.value, ast.List) else []
        if name is not None and (items or isinstance(s.target, ast.Name)):
            yield name, items[0] if items else None
    if isinstance(s, (ast.Expr, ast.Assign)):
        for node in ast.walk(s.value):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = _name_of(node.func.value)
                if node.func.attr in CHANGING and name is not None:
                    item = node.args[-1] if node.args else None
                    if node.func.attr == "extend":
                        items = item.elts if isinstance(item, (ast.List, ast.Tuple)) else []
                        item = items[0] if items else None
                    yield name, item


def _taken_apart(s: ast.stmt) -> Iterator[str]:
    """The names of lists of which a simple statement writes into an item, or that it sorts."""
    targets = s.targets if isinstance(s, ast.Assign) else [s.target] if isinstance(s, ast.AugAssign) else []
    for target in targets:
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Subscript):
            if isinstance(target.value.value, ast.Name):
                yield target.value.value.id
    called = s.value.func if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in REORDERING and isinstance(called.value, ast.Name):
        yield called.value.id


def _indexed(s: ast.stmt) -> Iterator[tuple[ast.Name | ast.List, ast.expr]]:
    """The names and displays of which a simple statement reads an item, each with the index."""
    if isinstance(s, (ast.Expr, ast.Assign, ast.AugAssign, ast.Return)) and s.value is not None:
        for node in ast.walk(s.value):
            if isinstance(node, ast.Subscript) and isinstance(node.value, (ast.Name, ast.List)):
                yield node.value, node.slice


def _targets(loop: ast.For) -> set[str]:
    return {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
