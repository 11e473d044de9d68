"""What a forward loop keeps of its trips for the backward pass, and what is the same in each of them.

Of what is the same in each trip the last is enough: it is not saved trip by trip. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from revcompile.gates.effects import is_noticed
from revcompile.gates.halves import SAVED
from revcompile.ir.nodes import Apply, Block, Branch, Loop, Value, leaves
from revcompile.ir.types import Array, Rows, Scalar
from revcompile.ir.values import ValueTable


class Last(NamedTuple):
    """An inner value of a loop that is the same in each trip that computes it."""

    value: Value
    carried: Value  # what a trip that does not compute it hands on
    after: Value  # what is read after the loop; None if no trip has computed it


class Kept:
    """What each forward loop has to keep: the values to save with their lists, the count of its trips; and
    the values of which the last is enough."""

    def __init__(self, every_trip: bool, table: ValueTable) -> None:
        self.every_trip = every_trip  # whether a list is kept of what is the same in each trip, too
        self.table = table
        self.saves: dict[int, list[tuple[Value, Value]]] = {}
        self.trips: dict[int, Value] = {}
        self.last: dict[int, dict[Value, Last]] = {}

    def of(self, loop: Loop) -> Iterator[Value]:
        """What a loop gives because of that."""
        yield from (items for _, items in self.saves.get(id(loop), ()))
        yield from (last.after for last in self.last.get(id(loop), {}).values())
        if id(loop) in self.trips:
            yield self.trips[id(loop)]


def same_in_each_trip(loop: Loop, inner: set[Value], kept: Kept) -> set[Value]:
    """The values among `inner`, those of a trip, that are the same in each trip which computes them."""
    found = _Sources(inner, kept)
    found.trace(loop.body)
    return found.same


class _Sources:
    """What each value of a trip follows from, and from that alone: neither draws nor what is carried do."""

    def __init__(self, inner: set[Value], kept: Kept) -> None:
        self.inner, self.kept = inner, kept
        self.sources: dict[Value, tuple[Value, ...]] = {}
        self.same: set[Value] = set()

    def trace(self, block: Block) -> None:
        for s in block.statements:
            for inside in s.blocks:
                self.trace(inside)
            if isinstance(s, Apply):
                if not is_noticed(s.function) and all(map(_is_plain, s.outputs)):
                    for v in s.outputs:
                        self._note(v, s.inputs)
            elif isinstance(s, Branch):
                sides = [side.yields for side in s.blocks if not side.raises]
                for result, *ends in zip(s.results, *sides, strict=False):
                    if result not in self.sources:
                        self._note(result, tuple(leaves((s.condition, ends))))
            elif isinstance(s, Loop):
                for last in self.kept.last.get(id(s), {}).values():
                    self._note(last.after, self.sources[last.value])
                for i, result in enumerate(s.results):
                    follows = self._of_result(s, i) if _is_plain(result) else None
                    if follows is not None:
                        self._note(result, follows)

    def _note(self, v: Value, sources: tuple[Value, ...]) -> None:
        self.sources[v] = sources
        if all(a in self.same or a not in self.inner for a in sources):
            self.same.add(v)

    def _of_result(self, loop: Loop, slot: int) -> tuple[Value, ...] | None:
        """What a loop's result follows from: how it begins, what a trip leaves, how many trips there are.
        None if part of that is not known."""
        own = {*loop.bound, *(v for b in loop.blocks for v in b.defined)}
        slots = dict(zip(loop.params, zip(loop.inits, loop.body.yields, strict=False), strict=True))
        items = {v: each.args for v, each in loop.each}
        found = dict.fromkeys(
            leaves((loop.params[slot], *items.values(), *(b.yields[-1:] for b in loop.blocks)))
        )
        waiting = list(found)
        while waiting:
            v = waiting.pop()
            if v in own:
                follows = self.sources[v] if v in self.sources else slots[v] if v in slots else items.get(v)
                if follows is None:
                    return None
                new = [a for a in leaves(follows) if a not in found]
                found.update(dict.fromkeys(new))
                waiting.extend(new)
        return tuple(v for v in found if v not in own)


def _is_plain(v: Value) -> bool:
    """Whether a value is numbers, or what a call saves: nothing that grows."""
    return v.type == SAVED or (isinstance(v.type, (Scalar, Array)) and not isinstance(v.type, Rows))
