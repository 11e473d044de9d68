"""What a forward loop keeps of its trips for the backward pass, and what is the same in each of them.

Of what is the same in each trip the last is enough: it is not saved trip by trip. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from revcompile.dataflow.presence import missing
from revcompile.dataflow.variance import Variance
from revcompile.ir.nodes import Block, Loop, Statement, Value
from revcompile.ir.values import ValueTable
from revcompile.lazy import lazy


class Last(NamedTuple):
    """An inner value of a loop that is the same in each trip that computes it."""

    value: Value
    carried: Value  # what a trip that does not compute it hands on
    after: Value  # what is read after the loop; None if no trip has computed it


class LoopResiduals:
    """What each forward loop has to keep: the values to save with their lists, the count of its trips; and
    the values of which the last is enough."""

    def __init__(self, every_trip: bool, many: bool, table: ValueTable, forward: Block) -> None:
        self.forward, self.many = forward, many
        self.every_trip = every_trip  # whether a list is kept of what is the same in each trip, too
        self.table = table
        self.saves: dict[int, list[tuple[Value, Value]]] = {}
        self.trips: dict[int, Value] = {}
        self.last: dict[int, dict[Value, Last]] = {}
        self.keeping: dict[int, tuple[Statement, Loop]] = {}  # those that keep states; what is before them

    @lazy
    def missing(self) -> set[Value]:
        """What may be None in the forward pass."""
        return missing(self.forward)

    def read(self) -> Iterator[Value]:
        """The inner values of loops that are kept, of each trip or of the last."""
        yield from (v for saves in self.saves.values() for v, _ in saves)
        yield from (v for last in self.last.values() for v in last)

    def of(self, statement: Statement) -> Iterator[Value]:
        """What a loop gives because of that."""
        yield from (items for _, items in self.saves.get(id(statement), ()))
        yield from (last.after for last in self.last.get(id(statement), {}).values())
        if id(statement) in self.trips:
            yield self.trips[id(statement)]


def same_in_each_trip(loop: Loop, inner: set[Value], residuals: LoopResiduals) -> set[Value]:
    """The values among `inner`, those of a trip, that are the same in each trip which computes them."""
    stands_for = {one.after: one.value for last in residuals.last.values() for one in last.values()}
    found = Variance(loop, inner, stands_for)
    return {v for v in inner if not found.of(v)}
