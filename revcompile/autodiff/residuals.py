"""What the backward pass reads of the insides of the forward pass's branches and loops.

A value that a side of a branch makes becomes one more result of the branch. A value that a trip of a loop
makes is, for the reversed trip,

- computed before the loop, once, where it is the same in each trip;
- computed again, where that is as cheap as remembering it: views, lengths, comparisons, the arithmetic of
  a few numbers; in a trip that depends on nothing carried, of a few more;
- otherwise *saved*: kept in a list, one item a trip, which the reversed loop goes through backwards.

Imports the IR and the statements' reversals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Each,
    Loop,
    Statement,
    Value,
    applications,
    substitute,
)
from revcompile.ir.types import INT, Array, Opaque, Scalar
from revcompile.statements.branch import with_residuals
from revcompile.statements.loop_lists import KINDS

CHEAP, INDEPENDENT = 3, 8  # operations that are worth repeating rather than remembering their result


class Kept:
    """What each forward loop has to keep: the values to save with their lists, the count of its trips; and
    what is computed before it rather than in it."""

    def __init__(self) -> None:
        self.saves: dict[int, list[tuple[Value, Value]]] = {}
        self.trips: dict[int, Value] = {}
        self.before: dict[int, dict[Value, Apply]] = {}

    def has_moved(self, s: Statement) -> bool:
        return isinstance(s, Apply) and any(v in moved for moved in self.before.values() for v in s.outputs)


def keep_residuals(
    forward: tuple[Statement, ...],
    backward: Block,
    unstable: Iterable[Value],
    outer: dict[Value, Value],
    passed_on: bool = False,
) -> Block:
    """The forward and the backward pass as one block, in which every value is defined where it is read.

    `outer` says as what a value that a side of a branch makes and gives is known outside. What is
    `passed_on` from one function to another is defined on every way: None where it is not read.
    """
    kept = Kept()
    backward = _complete(substitute(backward, outer), kept, frozenset(unstable), outer)
    backward = substitute(backward, outer)
    read = {*backward.uses, *(v for saves in kept.saves.values() for v, _ in saves)}
    return Block((*_keep(forward, kept, read, passed_on), *backward.statements), backward.yields)


def outer_names(block: Block) -> dict[Value, Value]:
    """What a side of a branch computes and yields is known outside as the branch's result."""
    outer: dict[Value, Value] = {}

    def index(block: Block) -> None:
        for statement in block.statements:
            for inner in statement.blocks:
                if isinstance(statement, Branch):
                    made = {v for s in inner.statements for v in s.outputs}
                    for atom, result in zip(inner.yields, statement.results, strict=False):
                        if isinstance(atom, Value) and atom in made:
                            outer.setdefault(atom, outer.get(result, result))
                index(inner)

    index(block)
    return outer


def _keep(
    statements: tuple[Statement, ...], kept: Kept, read: set[Value], everywhere: bool
) -> tuple[Statement, ...]:
    out: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Branch):
            branch = statement.map_blocks(
                lambda b: replace(b, statements=_keep(b.statements, kept, read, everywhere))
            )
            statement = with_residuals(branch, read, None) if everywhere else with_residuals(branch, read)
        elif isinstance(statement, Loop):
            out.extend(kept.before.get(id(statement), {}).values())
            stays = tuple(s for s in statement.body.statements if not kept.has_moved(s))
            body = replace(statement.body, statements=_keep(stays, kept, read, True))
            saves = (*statement.saves, *kept.saves.get(id(statement), ()))
            statement = replace(
                statement, body=body, saves=saves, trips=kept.trips.get(id(statement), statement.trips)
            )
        out.append(statement)
    return tuple(out)


def _complete(block: Block, kept: Kept, unstable: frozenset[Value], outer: dict[Value, Value]) -> Block:
    """The block whose reversed loops bring what they read, the innermost first."""

    def complete(s: Statement) -> Statement:
        if isinstance(s, Loop) and s.of is not None:
            return _Residuals(s, s.of, kept, unstable, outer).complete()
        return s

    return block.map(complete)


class _Residuals:
    """What one reversed loop reads of its forward loop, and where it takes that from."""

    def __init__(
        self,
        reversal: Loop,
        forward: Loop,
        kept: Kept,
        unstable: frozenset[Value],
        outer: dict[Value, Value],
    ) -> None:
        self.reversal, self.forward, self.kept, self.unstable = reversal, forward, kept, unstable
        self.inner = {*forward.body.defined, *forward.bound, *_lists(forward.body, kept)}
        self.indices = {v for v, _ in forward.each}
        trip = tuple(_with_moved(forward.body.statements, kept))
        self.written = {v: s for s in trip if isinstance(s, Apply) for v in s.outputs}
        self.statements = substitute(Block(trip), outer).statements
        self.made = {v: s for s in self.statements if isinstance(s, Apply) for v in s.outputs}
        self.again: dict[Value, Apply] = {}
        self.constant: dict[Value, bool] = {}  # whether a value of the trip is the same in each
        self.saved: dict[Value, None] = {}

    def complete(self) -> Loop:
        self._share_lengths()
        for v in dict.fromkeys(self.reversal.body.uses):
            made = self.made.get(v)
            if made is not None and not self._is_repeatable(made, False) and self._is_constant(v):
                self._move_out(v)
        needed = [v for v in dict.fromkeys(self.reversal.body.uses) if v in self.inner]
        seen: set[Value] = set()  # of which none is carried
        free = not any(self._is_carried(v, seen) for v in needed)
        limit = INDEPENDENT if free else CHEAP
        for sure in (True, False):  # what has to be saved in any case makes others cheap
            for v in needed:
                made = self.made.get(v)
                if v in self.indices or (sure and made is not None and self._is_repeatable(made, free)):
                    continue
                if self._cost(v, free, limit) > limit:
                    self.saved[v] = None
        for v in needed:
            self._repeat(v)
        names: dict[Value, Value] = {}
        lists = []
        for v in self.saved:
            items = Value(Opaque("list"), fold=False)
            self.kept.saves.setdefault(id(self.forward), []).append((v, items))
            names[v] = Value(v.type, v.hint, v.of, fold=False)
            lists.append((names[v], Each("reversed list", (items,))))
        each = self._counting(names, lists)
        again = set(self.again.values())
        repeated = [s for s in self.statements if s in again]
        for s in repeated:
            for v in s.outputs:
                names[v] = Value(v.type, v.hint, v.of, v.fold)
        body = Block((*repeated, *self.reversal.body.statements), self.reversal.body.yields)
        return replace(self.reversal, each=each, body=substitute(body, names))

    def _share_lengths(self) -> None:
        """A length that the forward trip has asked for already is read: its array need not be kept for it."""
        known = {(s.function, s.args): s.result for s in self.statements if _is_length(s)}  # type: ignore[union-attr]
        names = {
            s.result: known[s.function, s.args]
            for s in applications(self.reversal.body)
            if _is_length(s) and (s.function, s.args) in known
        }
        body = _without(self.reversal.body, frozenset(names))
        self.reversal = replace(self.reversal, body=substitute(body, names))

    def _counting(
        self, names: dict[Value, Value], lists: list[tuple[Value, Each]]
    ) -> tuple[tuple[Value, Each], ...]:
        """What the reversed loop goes through: counters, lists. Those that it does not read are dead code."""
        leaves_early = self.forward.body.yields[-1] is not False
        out: list[tuple[Value, Each]] = []
        for index, each in self.reversal.each:
            if leaves_early and each.kind not in KINDS:  # a list has an item for each trip that there was
                each = Each(each.kind, (*each.args, self._trips()))
            names[index] = Value(index.type, index.hint, fold=False)
            out.append((names[index], each))
        if not out:
            out.append((Value(INT, "_", fold=False), Each("range", (0, self._trips(), 1))))
        return (*out, *lists)

    def _trips(self) -> Value:
        if self.forward.trips is not None:
            return self.forward.trips
        return self.kept.trips.setdefault(id(self.forward), Value(INT, "trips", fold=False))

    def _is_carried(self, v: Value, seen: set[Value]) -> bool:
        """Whether a value depends on what the loop carries."""
        if v in seen or v not in self.inner or v in self.indices:
            return False
        seen.add(v)
        made = self.made.get(v)
        return made is None or any(self._is_carried(a, seen) for a in made.inputs)

    def _is_constant(self, v: Value) -> bool:
        """Whether a value is the same in each trip, and can be computed even if there is none."""
        made = self.made.get(v)
        if v not in self.inner or made is None:
            return v not in self.inner
        if v not in self.constant:
            self.constant[v] = is_harmless(made) and all(map(self._is_constant, made.inputs))
        return self.constant[v]

    def _move_out(self, v: Value) -> None:
        if v not in self.inner:
            return
        made = self.made[v]
        for a in made.inputs:
            self._move_out(a)
        for moved in self.kept.before.values():
            moved.pop(made.result, None)
        self.kept.before.setdefault(id(self.forward), {})[made.result] = self.written[v]
        self.inner.discard(v)

    def _cost(self, v: Value, free: bool, most: float) -> float:
        """How many operations it takes to compute a value again in the reversed trip; if that is more than
        `most`, something more."""
        if v not in self.inner or v in self.indices or v in self.saved:
            return 0
        made = self.made.get(v)
        if made is None or not self._is_repeatable(made, free):
            return float("inf")
        cost: float = self._price(made)
        for a in dict.fromkeys(made.inputs):
            if cost > most:
                break
            cost += self._cost(a, free, most - cost)
        return cost

    def _price(self, s: Apply) -> int:
        return 0 if TABLE[s.function].of_shape or isinstance(s.result.type, Array) else 1

    def _is_repeatable(self, s: Apply, free: bool) -> bool:
        if not isinstance(s.result, Value) or any(a in self.unstable for a in s.inputs):
            return False
        gate = TABLE[s.function]
        if gate.of_shape or gate.tests:
            return True
        if gate.foreign:
            return False
        if gate.view and s.args and isinstance(s.args[0], Value) and isinstance(s.args[0].type, Array):
            return gate.may_be_view(s.args)
        if not isinstance(s.result.type, Scalar):
            return False
        if s.result.type.dtype.kind in "iub":
            return gate.cheap
        whole = all(not isinstance(a, Value) or not a.type.dims for a in s.args)
        return ((gate.cheap and not gate.raises) or (free and gate.locals is not None)) and whole

    def _repeat(self, v: Value) -> None:
        """Take what is not saved into the reversed trip, and what that is computed from."""
        if v not in self.inner or v in self.indices or v in self.saved or v in self.again:
            return
        self.again[v] = self.made[v]
        for a in self.made[v].inputs:
            self._repeat(a)


def _is_length(s: Statement) -> bool:
    return isinstance(s, Apply) and TABLE[s.function].of_shape


def _without(block: Block, dropped: frozenset[Value]) -> Block:
    """The block without the operations that make these values."""
    return block.map(lambda s: None if isinstance(s, Apply) and not dropped.isdisjoint(s.outputs) else s)


def is_harmless(s: Apply) -> bool:
    """Whether an operation never raises: a view of a whole array, arithmetic of one array and numbers."""
    gate = TABLE[s.function]
    if gate.memory is Memory.VIEW and not gate.raises:
        return True
    values = [a for a in s.args if isinstance(a, Value)]
    arrays = [a for a in values if a.type.dims]
    floats = all(isinstance(a.type, (Scalar, Array)) and a.type.dtype.kind == "f" for a in values)
    if gate.locals is None or gate.is_singular(s.args) or not floats:
        return False
    return len(arrays) == 1 or (not arrays and gate.cheap and not gate.raises)


def _with_moved(statements: Iterable[Statement], kept: Kept) -> Iterable[Statement]:
    """The statements of a trip, with what is computed before the loops among them."""
    for s in statements:
        yield from kept.before.get(id(s), {}).values()
        yield s


def _lists(block: Block, kept: Kept) -> Iterable[Value]:
    """The lists and counters that the loops in a block are going to keep."""
    for statement in block.statements:
        if isinstance(statement, Loop):
            yield from (items for _, items in kept.saves.get(id(statement), ()))
            if id(statement) in kept.trips:
                yield kept.trips[id(statement)]
        for inner in statement.blocks:
            yield from _lists(inner, kept)
