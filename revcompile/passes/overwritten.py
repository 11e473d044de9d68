"""Stores that nobody reads before the next store into the same place.

Before:                                  After:
    x[i] = 1.0                               x[i] = y
    x[i] = y

Used by `dead`, which goes through a block from its end. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterable

from revcompile.gates.table import is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Loop, Statement, Value, leaves
from revcompile.ir.rebuild import replace
from revcompile.passes.cse import key_of


class Overwriting:
    """The stores of a block that are the only readers, so far, of the versions that they change."""

    def __init__(self, below: list[Statement], read: set[Value]) -> None:
        self.below, self.read = below, read  # the statements below, the last one first; what they read
        self.places: dict[Value, int] = {}  # by version: the store's place in `below`

    def reads(self, s: Statement) -> Iterable[Value]:
        """What a statement reads that is about to be kept: not the version that only such a store changes."""
        if not is_of(s, Kind.STORE):
            return s.inputs
        array, (_, old) = s.args[0], s.result
        if array in self.read or old in self.read:
            return s.inputs
        self.places[array] = len(self.below)
        return leaves(s.args[1:])

    def makes_dead(self, s: Statement) -> bool:
        """Whether all that a statement does is overwritten."""
        versions = [v for v in s.outputs if v in self.places]
        for after in versions:
            before = self._before(s, after)
            if before is None:
                self.read.add(after)
                del self.places[after]
                continue
            self._change(before, self.places.pop(after))
            if isinstance(s, Apply):
                return True
        return False

    def end(self) -> None:
        """At the head of the block, the versions that come from outside are read after all."""
        self.read.update(self.places)

    def _change(self, array: Value, at: int) -> None:
        """Let a store change an earlier version of its array."""
        second = self.below[at]
        assert isinstance(second, Apply)
        self.below[at] = replace(second, args=(array, *second.args[1:]))
        if array not in self.read:
            self.places[array] = at

    def _before(self, s: Statement, after: Value) -> Value | None:
        """The version that a statement began with, if it changes only what is overwritten."""
        second = self.below[self.places[after]]
        assert isinstance(second, Apply)
        if after in self.read:
            return None
        if is_of(s, Kind.STORE):
            free = s.result[1] not in self.read and key_of(s.args[1]) == key_of(second.args[1])
            return s.args[0] if free else None
        return _before_loop(s, after, key_of(second.args[1])) if isinstance(s, Loop) else None


def _before_loop(loop: Loop, after: Value, place: object) -> Value | None:
    """What a loop began with that writes nothing of an array but one place, and does not read it."""
    slot = loop.results.index(after)
    init, param, version = loop.inits[slot], loop.params[slot], loop.body.yields[slot]
    made = {s.result[0]: s for s in loop.body.statements if is_of(s, Kind.STORE)}
    versions = {param}
    while version is not param:
        s = made.get(version)
        if s is None or key_of(s.args[1]) != place or _is_read(s.result[1], loop):
            return None
        versions.add(version)
        version = s.args[0]
    reads = [v for block in loop.blocks for v in block.uses if v in versions]
    is_saved = any(v in versions for v, _ in loop.saves)
    return init if isinstance(init, Value) and len(reads) == len(versions) and not is_saved else None


def _is_read(v: Value, loop: Loop) -> bool:
    return v in set(loop.uses)
