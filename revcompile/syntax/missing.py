"""Values that are None on the ways on which nothing sets them.

    s0 = None
    if c:
        s0 = np.sin(x)

Where it is decided so (`Hold`), s0 is one value after the `if`, which is there where `c` holds. It may be
handed on; what is read of it where it is not known to be there is tested at run time, or, where a branch
has joined it, the rest of the function is written on either side of that. Imports the IR.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from revcompile.ir.nodes import Structure, Value
from revcompile.syntax.decisions import Decision, Decisions, Hold, Restart

Condition = tuple[Value, bool]
PARTS = (ast.Name, ast.Subscript, ast.Attribute)


class Lack(NamedTuple):
    """Where a value is there: where all of some of these conditions hold. `decision` tells the ways apart."""

    decision: Decision | None
    there: frozenset[frozenset[Condition]] = frozenset()

    def renamed(self, names: Mapping[Condition, Value]) -> Lack:
        """The same with other conditions, which hold where these do."""
        there = (frozenset((names.get((c, s), c), s) for c, s in ways) for ways in self.there)
        return self._replace(there=self.there.union(there))


Item = tuple[Any, Structure, list[Value]]  # a list, what it gets, and whose elements these are


@dataclass
class Trip:
    """A trip of a loop that is being interpreted: how deep in blocks it is, and what it keeps in lists."""

    depth: int
    saves: dict[int, Item] = field(default_factory=dict)


class Missing:
    """Which values may be None, and what is known where the interpreter is."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.lacks: dict[Value, Lack] = {}
        self.holds: dict[Value, bool] = {}  # the conditions of the branches around
        self.joined: tuple[Value, Decision | None] | None = None  # the branch whose ways are being joined
        self.trips: list[Trip] = []
        self.begun: dict[int, int] = {}  # the lists with one item a trip: in how many loops they were made
        self.kept: set[Value] = set()  # the arrays in such lists

    @property
    def is_held(self) -> bool:
        """Whether it is decided that what may be None is a value. If not, it is noted that this was asked."""
        if Hold() in self.decisions:
            return True
        self.decisions.miss(Hold())
        return False

    @contextmanager
    def where(self, condition: Value, holds: bool) -> Iterator[None]:
        """On a side of a branch."""
        around = self.holds
        self.holds = {**around, condition: holds}
        try:
            yield
        finally:
            self.holds = around

    @contextmanager
    def joining(self, test: Value, decision: Decision | None) -> Iterator[None]:
        around, self.joined = self.joined, (test, decision)
        try:
            yield
        finally:
            self.joined = around

    @contextmanager
    def trip(self, depth: int) -> Iterator[Trip]:
        self.trips.append(Trip(depth))
        try:
            yield self.trips[-1]
        finally:
            self.trips.pop()

    def note(self, value: Value, ends: Sequence[Structure]) -> None:
        """Note where `value` is there, which is either of these `ends`; None on a way without one."""
        lacking = [end is None or end in self.lacks for end in ends]
        if not any(lacking):
            return
        if self.joined is None:  # of trips of a loop
            self.lacks[value] = Lack(None)
            return
        test, decision = self.joined
        there: set[frozenset[Condition]] = set()
        for end, lacks, side in zip(ends, lacking, (True, False), strict=True):
            here = frozenset({(test, side)})
            if not lacks:
                there.add(here)
            elif end is not None:
                there.update(here | ways for ways in self.lacks[end].there)
        self.lacks[value] = Lack(decision, frozenset(there))

    def rename(self, pairs: Sequence[tuple[Structure, Structure, Value]]) -> None:
        """Conditions that were joined stand for what they were on a way, if they are not set on the other."""
        names: dict[Condition, Value] = {}
        for a, b, new in pairs:
            for end, other in ((a, b), (b, a)):
                if isinstance(end, Value) and (other is None or type(other) is bool):
                    names.update({(end, side): new for side in (True, False) if other is not side})
        for *_, value in pairs:
            if value in self.lacks:
                self.lacks[value] = self.lacks[value].renamed(names)

    def like(self, new: Value, value: Value) -> None:
        if value in self.lacks:
            self.lacks[new] = self.lacks[value]

    def must_be_tested(self, value: Structure) -> bool:
        """Whether what is read may be None here. Raises Restart where the ways can be told apart."""
        lack = self.lacks.get(value)
        if lack is None or any(all(self.holds.get(c) is s for c, s in ways) for ways in lack.there):
            return False
        if lack.decision is not None and lack.decision not in self.decisions:
            raise Restart(lack.decision)
        return True


@lru_cache(maxsize=256)
def handed_on(function: ast.AST) -> frozenset[ast.AST]:
    """The expressions of a function that only get another name, or are given to a function, or returned."""
    found: set[ast.AST] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Return, ast.Assign)) and node.value is not None:
            waiting = [node.value]
        elif isinstance(node, ast.Call):
            waiting = list(node.args)
        else:
            continue
        while waiting:
            part = waiting.pop()
            if isinstance(part, ast.Tuple):
                waiting.extend(part.elts)
            elif isinstance(part, PARTS):
                found.add(part)
    return frozenset(found)


@lru_cache(maxsize=256)
def one_a_trip(function: ast.AST) -> frozenset[ast.AST]:
    """The empty displays of lists to which a loop adds an item in each trip, and nothing else is added."""
    made: dict[str, list[ast.AST]] = {}
    added: dict[str, int] = {}
    in_loops: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and not node.value.elts:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    made.setdefault(target.id, []).append(node.value)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr == "append":
            added[node.value.id] = added.get(node.value.id, 0) + 1
        if isinstance(node, (ast.For, ast.While)):
            in_loops.update(map(_appended_to, node.body))
    return frozenset(
        n for name, nodes in made.items() for n in nodes if added.get(name) == 1 and name in in_loops
    )


def _appended_to(statement: ast.stmt) -> str:
    call: Any = statement.value if isinstance(statement, ast.Expr) else None
    owner = getattr(getattr(call, "func", None), "value", None)
    return owner.id if isinstance(owner, ast.Name) and call.func.attr == "append" else ""
