"""Whether an expression may be written later, in place of the name of its value: where it is used.

It may, if nothing in between changes what it reads: no store into an array of its own, no new value for a
variable. Imports the IR.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping

from revcompile.codegen.coalesce import Groups
from revcompile.gates.effects import has_effects, is_the_users
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Branch,
    Loop,
    Statement,
    Structure,
    Value,
    blocks,
    defined,
    leaves,
    operands,
    results,
)
from revcompile.ir.types import Array


class Movable:
    """Answers for the values of one list of statements, whose end is `answer`."""

    def __init__(
        self,
        sequence: list[Statement],
        answer: Structure,
        groups: Groups,
        definitions: Mapping[Value, Statement],
        counts: Counter[Value],
        carried: set[Value],
    ) -> None:
        self.groups, self.definitions, self.counts, self.carried = groups, definitions, counts, carried
        self._made: dict[Value, int] = {}
        self._used: dict[Value, int] = {}
        self._changes: dict[int, set[Value]] = {}  # where variables get other values: which
        self._barriers: list[int] = []
        self._writes: list[int] = []  # where elements of arrays are changed
        self._aliases_of: dict[Value, set[Value]] = {}
        for i, statement in enumerate(sequence):
            reads = leaves(statement.args) if isinstance(statement, Apply) else operands(statement)
            if isinstance(statement, (Apply, Branch, Loop)):
                self._used.update((v, i) for v in reads)
            self._made.update((v, i) for v in results(statement))
            self._note_changes(i, statement)
        for v in leaves(answer):  # what is returned keeps its name, a mere cast apart
            if v.of is None and v.hint is None:
                self._used[v] = len(sequence)
            else:
                self._used.pop(v, None)

    def _note_changes(self, i: int, statement: Statement) -> None:
        function = statement.function if isinstance(statement, Apply) else None
        if function is None or has_effects(function) or is_the_users(function):
            self._barriers.append(i)
        if isinstance(statement, Apply) and TABLE[statement.function].writes:
            self._writes.append(i)
        changed = set(results(statement))
        for block in blocks(statement):
            changed.update(defined(block))
        groups = {self.groups.find(v) for v in changed if self.groups.is_shared(v)}
        if self._writes[-1:] == [i]:  # what is written may have other names
            groups.update(*[self._group_aliases(group) for group in groups])
        if groups:
            self._changes[i] = groups

    def __call__(self, value: Value) -> bool:
        """Whether the definition of `value` may move to its only use."""
        made, used = self._made.get(value), self._used.get(value)
        if made is None or used is None:
            return False
        if _any_between(self._barriers, made, used):
            return False
        between = [self._changes[i] for i in range(made + 1, used) if i in self._changes]
        if not between:
            return True
        reads = self._reads(value)
        if _any_between(self._writes, made, used) and any(map(self._may_be_another, reads)):
            return False
        return reads.isdisjoint({self.groups.find(v) for groups in between for v in groups})

    def _may_be_another(self, v: Value) -> bool:
        """Whether a variable may be an array that has another name too: what a branch or a loop gives."""
        if not isinstance(v.type, Array):
            return False
        return any(
            isinstance(self.definitions.get(m), (Branch, Loop)) or m in self.carried
            for m in self.groups.members(v)
        )

    def is_stable(self, atom: Structure) -> bool:
        """Whether a variable never gets another value."""
        return not isinstance(atom, Value) or not self.groups.is_shared(atom) or self._only_written(atom)

    def _only_written(self, atom: Value) -> bool:
        """Whether the variable is one array, whose elements alone change."""
        members = self.groups.members(atom)
        first = [v for v in members if not _is_written(self.definitions.get(v), v)]
        return len(first) <= 1 and bool(atom.type.dims)

    def _group_aliases(self, group: Value) -> set[Value]:
        """The variables whose arrays the values of a variable are, or are parts of."""
        if group not in self._aliases_of:
            members = self.groups.members(group)
            self._aliases_of[group] = set().union(*map(self._aliases, members))
        return self._aliases_of[group]

    def _aliases(self, value: Value) -> set[Value]:
        """The variables whose arrays a value is, or is a part of."""
        found: set[Value] = set()
        waiting = [value]
        while waiting:
            made = self.definitions.get(waiting.pop())
            if isinstance(made, Apply) and _is_view(made):
                waiting.extend(v for v in leaves(made.args) if isinstance(v.type, Array))
                found.update(self.groups.find(v) for v in leaves(made.args))
        return found

    def _reads(self, value: Value) -> set[Value]:
        """The variables that an expression reads, through what may be written into it and through views."""
        found: set[Value] = set()
        waiting = [value]
        seen: set[Value] = set()
        while waiting:
            v = waiting.pop()
            if v in seen:
                continue
            seen.add(v)
            found.add(self.groups.find(v))
            made = self.definitions.get(v)
            if isinstance(made, Apply) and (v is value or self.counts[v] == 1 or _is_view(made)):
                waiting.extend(leaves(made.args))
        found.discard(self.groups.find(value))
        return found


def _any_between(numbers: list[int], first: int, last: int) -> bool:
    """Whether one of the ascending numbers lies between two others."""
    return bisect_left(numbers, last) > bisect_right(numbers, first)


def _is_view(made: Apply) -> bool:
    return TABLE[made.function].may_share(made.args)


def _is_written(made: Statement | None, value: Value) -> bool:
    """Whether a value is an array after a store."""
    if not isinstance(made, Apply):
        return False
    return TABLE[made.function].writes and made.outputs[0] is value
