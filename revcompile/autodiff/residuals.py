"""What the backward pass reads of the insides of the forward pass's branches and loops.

A value that a side of a branch makes becomes one more result of the branch. A value that a trip of a loop
makes is, for the reversed trip,

- read after the loop, once, where it is the same in each trip that computes it: as the last of these did;
- computed again, where that is as cheap as remembering it: views, lengths, comparisons, the arithmetic of
  a few numbers; in a trip that depends on nothing carried, of a few more;
- otherwise *saved*: kept in a list, one item a trip, which the reversed loop goes through backwards; or
  computed again with all that the trip computes, from a state that is kept of some trips (`states`).

Imports the IR and the statements' reversals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from revcompile.autodiff.states import FromStates, is_length, not_restored
from revcompile.autodiff.trips import Last, LoopResiduals, same_in_each_trip
from revcompile.errors import UnsupportedError
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Each,
    Loop,
    Statement,
    Structure,
    Value,
    applications,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import INT, Array, Opaque, Scalar
from revcompile.ir.undefined import none_instead
from revcompile.ir.values import ValueTable
from revcompile.statements.branch import residuals_of, with_residuals
from revcompile.statements.loop_lists import KINDS

CHEAP, INDEPENDENT = 3, 8  # operations that are worth repeating rather than remembering their result


def keep_residuals(
    forward: tuple[Statement, ...],
    backward: Block,
    unstable: Iterable[Value],
    outer: dict[Value, Value],
    table: ValueTable,
    passed_on: bool = False,
    every_trip: bool = False,
    many: bool = False,
) -> Block:
    """The forward and the backward pass as one block, in which every value is defined where it is read.

    `outer` maps a value that one side of a branch yields to the branch's result. What is
    `passed_on` from one function to another is defined on every way: None where it is not read. Of
    `every_trip` is kept what is the same in each, where that is going to have a gradient of its own. `many`
    says whether the backward pass may be made many times with what was kept once.
    """
    if not any(s.blocks for s in forward):  # as in most functions
        return Block((*forward, *backward.statements), backward.yields)
    residuals = LoopResiduals(every_trip, many, table, Block(forward))
    backward = _complete(substitute(backward, outer), residuals, frozenset(unstable), outer)
    backward = substitute(backward, outer)
    read = {*backward.uses, *residuals.read()}
    nothing = None if passed_on else UNDEFINED
    block = Block((*_keep(forward, residuals, read, nothing, {}), *backward.statements), backward.yields)
    asked = {v for s in applications(backward) if TABLE[s.function].passes_none for v in s.inputs}
    return none_instead(block, asked) if asked else block


def outer_names(block: Block) -> dict[Value, Value]:
    """What a side of a branch computes and yields is known outside as the branch's result."""
    outer: dict[Value, Value] = {}

    def index(block: Block) -> None:
        for statement in block.nested:
            made = {v for inner in statement.blocks for s in inner.statements for v in s.outputs}
            for result, ends in () if statement.repeats else statement.gives:
                for end in ends:
                    if isinstance(end, Value) and end in made:
                        outer.setdefault(end, outer.get(result, result))
            for inner in statement.blocks:
                index(inner)

    index(block)
    return outer


def _keep(
    statements: tuple[Statement, ...],
    residuals: LoopResiduals,
    read: set[Value],
    nothing: Structure,
    handed_on: Mapping[Value, Value],
) -> tuple[Statement, ...]:
    """The statements with what is read of their insides as results: `handed_on`, or `nothing`, where there is
    no such value."""
    out: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Branch):
            then, orelse = (
                replace(b, statements=_keep(b.statements, residuals, read, nothing, handed_on))
                for b in statement.blocks
            )
            statement = with_residuals(replace(statement, then=then, orelse=orelse), read, nothing, handed_on)
        elif id(statement) in residuals.keeping:
            before, statement = residuals.keeping[id(statement)]
            out.append(before)
        elif isinstance(statement, Loop):
            statement = _keep_in(statement, residuals, read, nothing, handed_on)
        out.append(statement)
    return tuple(out)


def _keep_in(
    loop: Loop,
    residuals: LoopResiduals,
    read: set[Value],
    nothing: Structure,
    handed_on: Mapping[Value, Value],
) -> Loop:
    last = residuals.last.get(id(loop), {}).values()
    statements = _keep(loop.body.statements, residuals, read, None, {one.value: one.carried for one in last})
    *ends, leaves_early = loop.body.yields
    made = {v for s in loop.body.statements for v in s.outputs}  # in any trip, but for what one side makes
    branches = (s for s in loop.body.statements if isinstance(s, Branch))
    made.difference_update(v for branch in branches for _, v, _ in residuals_of(branch))
    begin = [handed_on.get(one.after, nothing if one.value in made else None) for one in last]
    return replace(
        loop,
        inits=(*(nothing if init is UNDEFINED else init for init in loop.inits), *begin),
        params=(*loop.params, *(one.carried for one in last)),
        body=Block(statements, (*ends, *(one.value for one in last), leaves_early)),
        results=(*loop.results, *(one.after for one in last)),
        saves=(*loop.saves, *residuals.saves.get(id(loop), ())),
        trips=residuals.trips.get(id(loop), loop.trips),
    )


def _complete(
    block: Block, residuals: LoopResiduals, unstable: frozenset[Value], outer: dict[Value, Value]
) -> Block:
    """The block whose reversed loops bring what they read, the innermost first."""

    def complete(s: Statement) -> tuple[Statement, ...]:
        s = s.map_blocks(lambda b: _complete(b, residuals, unstable, outer))
        if isinstance(s, Loop) and s.reverses is not None:
            return _Residuals(s, s.reverses, residuals, unstable, outer).complete()
        return (s,)

    return replace(block, statements=tuple(chain.from_iterable(map(complete, block.statements))))


class _Residuals:
    """What one reversed loop reads of its forward loop, and where it takes that from."""

    def __init__(
        self,
        reversal: Loop,
        forward: Loop,
        residuals: LoopResiduals,
        unstable: frozenset[Value],
        outer: dict[Value, Value],
    ) -> None:
        self.reversal, self.forward, self.residuals, self.unstable = reversal, forward, residuals, unstable
        self.outer = outer
        self.inner = {*forward.body.defined, *forward.bound, *_given(forward.body, residuals)}
        self.indices = {v for v, _ in forward.each}
        trip = substitute(forward.body, outer)
        self.statements = trip.statements
        self.made = {v: s for s in self.statements if isinstance(s, Apply) for v in s.outputs}
        self.again: dict[Value, Apply] = {}
        self.constant = set() if residuals.every_trip else same_in_each_trip(forward, self.inner, residuals)
        self.last: dict[Value, Last] = {}
        self.saved: dict[Value, None] = {}

    def complete(self) -> tuple[Statement, ...]:
        """The loop, and what is before it."""
        self._share_lengths()
        table = self.residuals.table
        needed = [v for v in dict.fromkeys(self.reversal.body.uses) if v in self.inner]
        seen: set[Value] = set()  # of which none is carried
        free = not any(self._is_carried(v, seen) for v in needed)
        limit = INDEPENDENT if free else CHEAP
        for v in needed:
            if v in self.constant and self._cost(v, False, CHEAP) > CHEAP:
                self.last[v] = Last(v, *(table.like(v, fold=False) for _ in range(2)))
        for sure in (True, False):  # what has to be saved in any case makes others cheap
            for v in needed:
                made = self.made.get(v)
                if self._is_known(v) or (sure and made is not None and self._is_repeatable(made, free)):
                    continue
                if self._cost(v, free, limit) > limit:
                    self.saved[v] = None
        if self.saved and self.forward.slots and not self.residuals.every_trip:
            return self._from_states()
        if self.saved and self.forward.stored is not None:
            why, way_out = self.forward.stored
            text = f"checkpoint= cannot keep some states only of a loop that {why}"
            raise UnsupportedError(text, self.forward.line, way_out=way_out)
        for v in needed:
            self._repeat(v)
        self.residuals.last[id(self.forward)] = self.last
        names = {v: last.after for v, last in self.last.items()}
        lists = []
        shifted = self._shifted()
        for v in shifted:
            del self.saved[v]
        for v in self.saved:
            items = table.new(Opaque("list"))
            self.residuals.saves.setdefault(id(self.forward), []).append((v, items))
            names[v] = table.like(v, fold=False)
            kind = "list" if self.reversal.onward else "reversed list"
            lists.append((names[v], Each(kind, (items,))))
        each = self._counting(names, lists)
        made_again = set(self.again.values())
        repeated = [s for s in self.statements if s in made_again]
        for s in repeated:
            for v in s.outputs:
                names[v] = table.like(v)
        reversal = self._carrying(shifted, names)
        body = Block((*repeated, *reversal.body.statements), reversal.body.yields)
        return (replace(reversal, each=each, body=substitute(body, names)),)

    def _from_states(self) -> tuple[Statement, ...]:
        """The reversed loop that computes each trip again, from a state of the forward loop's."""
        residuals, forward, body = self.residuals, self.forward, self.reversal.body
        inside = {*body.uses, *residuals.read()}
        again = _keep(forward.body.statements, residuals, inside, None, {})
        body = not_restored(again, body)
        found = FromStates(forward, again, body.uses, residuals.table, residuals.missing)
        names = found.own_names({*self.outer, *self.outer.values()})
        each = self._counting(names, [])
        trips, reverses = residuals.trips.get(id(forward)), self.reversal.reverses
        if found.states is not None:
            residuals.keeping[id(forward)] = _, reverses = found.forward(trips, residuals.many)
        body = replace(body, statements=(*found.statements, *body.statements))
        reversal = replace(self.reversal, each=each, body=substitute(body, names), reverses=reverses)
        before = () if found.states is None else found.backward(trips, residuals.many)
        return (*before, reversal)

    def _shifted(self) -> dict[Value, int]:
        """What would be saved as the end of each trip and as the beginning of the next: by its slot."""
        found: dict[Value, int] = {}
        slots = zip(self.forward.params, self.forward.body.yields, self.forward.results, strict=False)
        for i, (param, end, result) in enumerate(slots):
            end = self.outer.get(end, end) if isinstance(end, Value) else end
            if param in self.saved and end in self.saved and end is not param:
                same = (
                    _is_alike(param, end)
                    and _is_alike(result, end)
                    and param not in self.residuals.table.unset
                )
                same = same and not self.reversal.onward
                if same and self.unstable.isdisjoint((param, end, result)) and not self.residuals.every_trip:
                    found[end] = i
        return found

    def _carrying(self, shifted: dict[Value, int], names: dict[Value, Value]) -> Loop:
        """The reversed loop that carries back how the trip after began, which is how this one ended."""
        if not shifted:
            return self.reversal
        forward = self.forward
        slots = [
            (v, forward.params[i], self.outer.get(forward.results[i], forward.results[i]))
            for v, i in shifted.items()
        ]
        table = self.residuals.table
        ends = [table.like(v, fold=False) for v, _, _ in slots]
        names.update((v, end) for (v, _, _), end in zip(slots, ends, strict=True))
        *yields, last = self.reversal.body.yields
        return replace(
            self.reversal,
            inits=(*self.reversal.inits, *(result for _, _, result in slots)),
            params=(*self.reversal.params, *ends),
            results=(*self.reversal.results, *(table.new(end.type) for end in ends)),
            body=replace(self.reversal.body, yields=(*yields, *(param for _, param, _ in slots), last)),
        )

    def _share_lengths(self) -> None:
        """A length that the forward trip has asked for already is read: its array need not be kept for it."""
        known = {(s.function, s.args): s.result for s in self.statements if is_length(s)}
        names = {
            s.result: known[s.function, s.args]
            for s in applications(self.reversal.body)
            if is_length(s) and (s.function, s.args) in known
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
                went = each if self.reversal.onward else each.backwards
                each = Each(f"first of {went.kind}", (*went.args, self._trips()))
                each = each if self.reversal.onward else each.backwards
            names[index] = self.residuals.table.like(index, fold=False)
            out.append((names[index], each))
        if not out:
            out.append((self.residuals.table.new(INT, "_"), Each("range", (0, self._trips(), 1))))
        return (*out, *lists)

    def _trips(self) -> Value:
        if self.forward.trips is not None:
            return self.forward.trips
        return self.residuals.trips.setdefault(id(self.forward), self.residuals.table.new(INT, "trips"))

    def _is_carried(self, v: Value, seen: set[Value]) -> bool:
        """Whether a value depends on what the loop carries."""
        if v in seen or v not in self.inner or v in self.indices:
            return False
        seen.add(v)
        made = self.made.get(v)
        return made is None or any(self._is_carried(a, seen) for a in made.inputs)

    def _is_known(self, v: Value) -> bool:
        """Whether the reversed trip has a value without computing it."""
        return v not in self.inner or v in self.indices or v in self.saved or v in self.last

    def _cost(self, v: Value, free: bool, most: float) -> float:
        """How many operations it takes to compute a value again in the reversed trip; if that is more than
        `most`, something more."""
        if self._is_known(v):
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
        if self._is_known(v) or v in self.again:
            return
        self.again[v] = self.made[v]
        for a in self.made[v].inputs:
            self._repeat(a)


def _is_alike(a: Value, b: Value) -> bool:
    """Whether two values that a loop carries in one slot are of one type, but for the names of lengths."""
    if isinstance(a.type, Array) and isinstance(b.type, Array):
        return a.type.dtype == b.type.dtype and len(a.type.dims) == len(b.type.dims)
    return a.type == b.type


def _without(block: Block, dropped: frozenset[Value]) -> Block:
    """The block without the operations that make these values."""
    return block.map(lambda s: None if isinstance(s, Apply) and not dropped.isdisjoint(s.outputs) else s)


def _given(block: Block, residuals: LoopResiduals) -> Iterator[Value]:
    """What the loops in a block are going to give, besides what they give already."""
    for statement in block.nested:
        yield from residuals.of(statement)
        for inner in statement.blocks:
            yield from _given(inner, residuals)
