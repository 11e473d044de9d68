"""Which values are one variable: what a loop carries, what an array is before and after a store.

A variable may stand for several values if no two of them are needed at the same time. Values that a store
or a sum has put into the same storage share a name of necessity; those that a loop carries from trip to
trip, or that a branch gives, share one where they can and where the user has no two names for them.
Imports the IR.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Loop,
    Statement,
    Value,
    leaves,
)
from revcompile.ir.values import ValueTable

TWO_LINES = (Line.SCATTER, Line.ADD_AT, Line.ADD_MANY)  # first the array, then its elements


class Groups:
    """The groups of values that share a name, by union and find."""

    def __init__(self, function: Function) -> None:
        self._parent: dict[Value, Value] = {}
        self._members: dict[Value, dict[Value, None]] = {}  # by the root of a group of several
        self._conflicts: dict[Value, set[Value]] = {}
        table = function.table
        wishes = [*_wishes(function.body, table), *_same_again(function.body, table)]
        must = list(_necessities(function.body))
        self._relevant = {v for a, b, _ in wishes for v in (a, b)}.union(*must)
        # What a loop saves is read right after the statement that gives it.
        self._saved = {v for s in loops_of(function.body) for v, _ in s.saves if v in self._relevant}
        if self._relevant:
            end = {v for v in leaves(function.body.yields) if v in self._relevant}
            live = self._live(function.body, end)
            parameters = {v for p in function.parameters for v in leaves(p.structure)} & self._relevant
            for v in parameters:  # each has its own name, which stands for it from the beginning
                self._define(v, live | parameters)
        for a, b in must:
            self._merge(a, b)
        for a, b, whatever_name in wishes:
            if (whatever_name or _same_name(table, a, b)) and not self._conflict(a, b):
                self._merge(a, b)

    def find(self, v: Value) -> Value:
        parent = self._parent.get(v)
        if parent is None:
            return v
        root = parent
        while (above := self._parent.get(root)) is not None:
            root = above
        while parent is not root:  # whoever was passed on the way has a shorter one from now on
            self._parent[v] = root
            v, parent = parent, self._parent[parent]
        return root

    def members(self, v: Value) -> Collection[Value]:
        root = self.find(v)
        return self._members.get(root) or (root,)

    def is_shared(self, v: Value) -> bool:
        return v in self._parent or v in self._members

    def _merge(self, a: Value, b: Value) -> None:
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        self._members.setdefault(a, {a: None}).update(self._members.pop(b, {b: None}))
        self._parent[b] = a
        theirs = self._conflicts.pop(b, None)
        if theirs is not None:
            self._conflicts.setdefault(a, set()).update(theirs)

    def _conflict(self, a: Value, b: Value) -> bool:
        """Whether two groups are needed at the same time. One of the two knows of it."""
        a, b = self.find(a), self.find(b)
        return self._are_among(b, self._conflicts.get(a)) or self._are_among(a, self._conflicts.get(b))

    def _are_among(self, root: Value, values: set[Value] | None) -> bool:
        if not values:
            return False
        own = self._members.get(root)
        return root in values if own is None else not own.keys().isdisjoint(values)

    # -- what is needed at the same time ------------------------------------------------------

    def _define(self, value: Value, live: set[Value]) -> None:
        """Note what is needed at the same time as a value that is defined here: with the later one of two."""
        if value in self._relevant:
            others = self._conflicts.setdefault(value, set())
            others.update(live)
            others.discard(value)

    def _read_late(self, statement: Apply) -> set[Value]:
        """What a statement that is written in two lines reads in the second."""
        if TABLE[statement.function].line not in TWO_LINES:
            return set()
        in_place = TABLE[statement.function].writes
        late = set(leaves(statement.args[1:] if in_place else statement.args))
        return late & self._relevant

    def _read(self, values: Iterable[Value], live: set[Value]) -> None:
        live.update(self._relevant.intersection(values))

    def _live(self, block: Block, live: set[Value]) -> set[Value]:
        """What is needed at the beginning of a block, given what is needed at its end, yields included."""
        live = set(live)
        for statement in reversed(block.statements):
            given = statement.outputs
            live.update(self._saved.intersection(given))
            if type(statement) is Apply:
                late = self._read_late(statement)
                for v in given:
                    self._define(v, live | late if late else live)
                live.difference_update(given)
                self._read(statement.inputs, live)
                continue
            if isinstance(statement, Loop):
                live = self._live_loop(statement, live)
                continue
            for v in given:
                self._define(v, live)
            after = set(live) if isinstance(statement, Branch) else live
            live.difference_update(given)
            if isinstance(statement, Branch):
                beyond, live = live, set()
                for side in statement.blocks:
                    at_end = set(beyond)
                    self._read(leaves(side.yields), at_end)
                    for atom in leaves(side.yields):  # a residual is a result itself
                        if atom in after and atom in statement.results:
                            at_end.add(atom)
                    live |= self._live(side, beyond if side.raises else at_end)
            self._read(statement.inputs, live)
        return live

    def _live_loop(self, loop: Loop, after: set[Value]) -> set[Value]:
        for v in loop.outputs:
            self._define(v, after)
        beyond = after.difference(loop.outputs)
        at_end = set(beyond)  # and whatever comes from outside: the next trip reads it again
        for block in loop.blocks:
            self._read(block.uses, at_end)
        self._read((v for v, _ in loop.saves if isinstance(v, Value)), at_end)
        at_end.difference_update(loop.bound, *(block.defined for block in loop.blocks))
        self._read(leaves(loop.body.yields), at_end)
        at_start = self._live(loop.body, at_end)
        if loop.test is not None:
            at_start |= beyond
            self._read(leaves(loop.test.yields), at_start)
            at_start = self._live(loop.test, at_start)
        made = {v for s in loop.body.statements for v in s.outputs}  # all else is saved first in a trip
        self._read((v for v, _ in loop.saves if isinstance(v, Value) and v not in made), at_start)
        for v in loop.bound:
            self._define(v, at_start | (set(loop.bound) & self._relevant))
        live = at_start.difference(loop.bound) | beyond
        self._read(loop.inputs, live)
        return live


def _necessities(block: Block) -> Iterator[tuple[Value, Value]]:
    """Values that are in one storage."""
    for s in block.statements:
        if isinstance(s, Apply) and TABLE[s.function].writes:
            yield s.args[0], s.outputs[0]
        elif s.blocks:
            yield from ((param, result) for (param, _), (result, _) in zip(s.begins, s.gives, strict=False))
        for inner in s.blocks:
            yield from _necessities(inner)


Wish = tuple[Value, Value, bool]  # two values that had better be one variable; also if their names differ


def _wishes(block: Block, table: ValueTable) -> Iterator[Wish]:
    for s in block.statements:
        for inner in s.blocks:
            yield from _wishes(inner, table)
        yield from _wishes_of(s, table)


def _wishes_of(s: Statement, table: ValueTable) -> Iterator[Wish]:
    if isinstance(s, Apply) and TABLE[s.function].memory is Memory.COPY and not s.note:
        if isinstance(s.args[0], Value) and isinstance(s.result, Value):
            yield s.result, s.args[0], False
    elif isinstance(s, Apply) and isinstance(s.result, Value):
        name = table.wish(s.result)
        if name is not None:  # most results are temporaries
            yield from ((s.result, v, False) for v in s.inputs if table.wish(v) == name)
    elif isinstance(s, Loop):
        inside = {v for inner in s.body.statements for v in inner.outputs}
        for param, init, end in zip(s.params, s.inits, s.body.yields, strict=False):
            if isinstance(end, Value):
                yield param, end, end in inside
            if isinstance(init, Value):
                yield param, init, False
    elif isinstance(s, Branch):
        for block in s.blocks:
            inside = {v for inner in block.statements for v in inner.outputs}
            for result, atom in zip(s.results, block.yields, strict=False):
                if isinstance(atom, Value) and atom is not result:
                    yield result, atom, atom in inside


def _same_again(block: Block, table: ValueTable) -> Iterator[Wish]:
    """What a reversed loop reads or computes again, and what it was in the loop that it reverses."""
    saved: dict[Value, Value] = {}
    for loop in loops_of(block):
        saved.update((items, v) for v, items in loop.saves if isinstance(v, Value))
        for v, each in loop.each:
            if each.kind.endswith("list") and each.args[0] in saved:
                again = saved[each.args[0]]
                yield v, again, table.is_temporary(v) and table.is_temporary(again)
                if again in saved:  # a list of lists
                    saved[v] = saved[again]
            elif loop.reverses is not None:
                yield from ((v, index, False) for index, _ in loop.reverses.each)
        if loop.reverses is not None:
            before = dict(_named(loop.reverses.body, table))
            now = _named(loop.body, table)
            yield from ((again, before[key], False) for key, again in now if key in before)
            for s in loop.body.statements:
                if isinstance(s, Apply) and is_of(s, Kind.TAKE_BACK):
                    yield from ((v, p, False) for v in s.outputs for p in loop.reverses.params)


def _named(block: Block, table: ValueTable) -> Iterator[tuple[tuple[str, Any], Value]]:
    """The values with names that a trip computes, by name and function."""
    for s in block.statements:
        if isinstance(s, Apply) and isinstance(s.result, Value) and s.result in table.hints:
            yield (table.hints[s.result], s.function), s.result


def loops_of(block: Block) -> Iterator[Loop]:
    for s in block.nested:
        if isinstance(s, Loop):
            yield s
        for inner in s.blocks:
            yield from loops_of(inner)


def _same_name(table: ValueTable, a: Value, b: Value) -> bool:
    return table.wish(a) == table.wish(b) is not None
