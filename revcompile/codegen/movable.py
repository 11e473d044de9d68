"""Whether an expression may be written later, in place of the name of its value: where it is used.

It may, if nothing in between changes what it reads: no store into an array of its own, no new value for a
variable. Imports the IR.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

from revcompile.codegen.coalesce import Groups
from revcompile.gates.effects import has_effects
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import (
    Apply,
    Statement,
    Structure,
    Value,
    leaves,
)
from revcompile.ir.types import Array, Rows
from revcompile.ir.values import ValueTable


class Variables:
    """What is known of the variables of one function, wherever in it something is to be moved."""

    def __init__(
        self,
        groups: Groups,
        definitions: Mapping[Value, Statement],
        counts: Counter[Value],
        carried: set[Value],
        table: ValueTable,
    ) -> None:
        self.table = table
        self.groups, self.definitions, self.counts, self.carried = groups, definitions, counts, carried
        self._changed: dict[Statement, frozenset[Value]] = {}
        self._aliases: dict[Value, set[Value]] = {}
        self._may_be_another: dict[Value, bool] = {}
        self._only_written: dict[Value, bool] = {}

    def changed(self, statement: Statement) -> frozenset[Value]:
        """The variables that get other values in a statement."""
        if isinstance(statement, Apply):
            return frozenset([self.groups.find(v) for v in statement.outputs if self.groups.is_shared(v)])
        if statement not in self._changed:
            values = (*statement.outputs, *statement.bound)
            own = {self.groups.find(v) for v in values if self.groups.is_shared(v)}
            inner = [self.changed(s) for block in statement.blocks for s in block.statements]
            self._changed[statement] = frozenset(own.union(*inner))
        return self._changed[statement]

    def aliases(self, variable: Value) -> set[Value]:
        """The variables whose arrays the values of a variable are, or are parts of."""
        if variable not in self._aliases:
            members = self.groups.members(variable)
            self._aliases[variable] = set().union(*map(self._aliases_of, members))
        return self._aliases[variable]

    def _aliases_of(self, value: Value) -> set[Value]:
        """The variables whose arrays a value is, or is a part of."""
        found: set[Value] = set()
        waiting = [value]
        while waiting:
            made = self.definitions.get(waiting.pop())
            if isinstance(made, Apply) and _is_view(made):
                waiting.extend(v for v in leaves(made.args) if isinstance(v.type, Array))
                found.update(self.groups.find(v) for v in leaves(made.args))
        return found

    def may_be_another(self, variable: Value) -> bool:
        """Whether a variable may be an array that has another name too: what a branch or a loop gives."""
        if not isinstance(variable.type, Array):
            return False
        if variable not in self._may_be_another:
            self._may_be_another[variable] = any(
                m in self.carried or ((made := self.definitions.get(m)) is not None and made.blocks)
                for m in self.groups.members(variable)
            )
        return self._may_be_another[variable]

    def is_stable(self, atom: Structure) -> bool:
        """Whether a variable never gets another value; of one array, whose elements alone change."""
        if not isinstance(atom, Value) or not self.groups.is_shared(atom):
            return True
        return bool(atom.type.dims) and self._is_only_written(self.groups.find(atom))

    def _is_only_written(self, variable: Value) -> bool:
        if variable not in self._only_written:
            members = self.groups.members(variable)
            first = [v for v in members if not _is_written(self.definitions.get(v), v)]
            self._only_written[variable] = len(first) <= 1
        return self._only_written[variable]

    def read(self, value: Value) -> set[Value]:
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
            if not isinstance(made, Apply) or (is_of(made, Kind.STORE) and not isinstance(v.type, Rows)):
                continue  # a store stands in a line of its own
            if v is value or self.counts[v] == 1 or _is_view(made):
                waiting.extend(leaves(made.args))
        found.discard(self.groups.find(value))
        return found


class Movable:
    """Answers for the values of one list of statements, whose end is `answer`."""

    def __init__(self, sequence: list[Statement], answer: Structure, variables: Variables) -> None:
        self.variables, self.groups = variables, variables.groups
        self._made: dict[Value, int] = {}
        self._used: dict[Value, int] = {}
        self._changes: list[int] = []  # where variables get other values
        self._changes_of: dict[Value, list[int]] = {}  # where a variable does
        self._barriers: list[int] = []
        self._writes: list[int] = []  # where elements of arrays are changed
        for i, statement in enumerate(sequence):
            if not statement.raises:
                self._used.update(dict.fromkeys(statement.inputs, i))
            self._made.update(dict.fromkeys(statement.outputs, i))
            self._note_changes(i, statement)
        for v in leaves(answer):  # what is returned keeps its name, a mere cast apart
            if variables.table.is_temporary(v):
                self._used[v] = len(sequence)
            else:
                self._used.pop(v, None)

    def _note_changes(self, i: int, statement: Statement) -> None:
        function = statement.function if isinstance(statement, Apply) else None
        gate = TABLE[function] if function is not None else None
        if gate is None or gate.foreign or has_effects(function):
            self._barriers.append(i)
        writes = gate is not None and gate.writes
        if writes:
            self._writes.append(i)
        variables = self.variables.changed(statement)
        if writes:  # what is written may have other names
            variables = variables.union(*[self.variables.aliases(variable) for variable in variables])
        if variables:
            self._changes.append(i)
        for variable in variables:
            self._changes_of.setdefault(variable, []).append(i)

    def __call__(self, value: Value) -> bool:
        """Whether the definition of `value` may move to its only use."""
        made, used = self._made.get(value), self._used.get(value)
        if made is None or used is None:
            return False
        if _any_between(self._barriers, made, used):
            return False
        if not _any_between(self._changes, made, used):
            return True
        reads = self.variables.read(value)
        if _any_between(self._writes, made, used) and any(map(self.variables.may_be_another, reads)):
            return False
        return not any(_any_between(self._changes_of.get(v, ()), made, used) for v in reads)


def _any_between(numbers: Sequence[int], first: int, last: int) -> bool:
    """Whether one of the ascending numbers lies between two others."""
    return bool(numbers) and bisect_left(numbers, last) > bisect_right(numbers, first)


def _is_view(made: Apply) -> bool:
    return TABLE[made.function].may_share(made.args)


def _is_written(made: Statement | None, value: Value) -> bool:
    """Whether a value is an array after a store."""
    if not isinstance(made, Apply):
        return False
    return TABLE[made.function].writes and made.outputs[0] is value
