"""Long loops, of which some states are kept: the reversed trip computes again what it reads.

    states = checkpoints(20, range(n))
    for i in range(n):
        if i == states.due:
            states.keep(x)
        x = x - dt * np.sin(x)
    # backward pass
    back = states.backwards(range(n), advance, dt)
    for i in reversed(range(n)):
        x = next(back)
        grad_x = grad_x - grad_x * dt * np.cos(x)

A *state* is what a trip has to begin with, of what the loop carries: to compute what its reversal reads, and
the next state. `advance`, the primal of a pair, goes through trips, and gives the state of each:

    def advance(trips, x, dt):
        for i in trips:
            yield x
            x = x - dt * np.sin(x)

See `revcompile/checkpoints`. Imports the IR.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeGuard

from revcompile.autodiff.slices import slice_of, without_ends
from revcompile.errors import UnsupportedError
from revcompile.gates.checkpoints import BACK, STATES, Trips, begin, give, go_back, keep, take_back, trips_of
from revcompile.gates.draws import DRAWS
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import SAVED, Half, Pair
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import (
    Apply,
    Block,
    Each,
    Function,
    Loop,
    Parameter,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import INT, Array, Rows, Scalar
from revcompile.ir.values import ValueTable
from revcompile.statements.loop_lists import LIST

ADVANCE = "advance"
NO_RANGE: Trips = (None, None, None, False)


def is_length(s: Statement) -> TypeGuard[Apply]:
    return isinstance(s, Apply) and TABLE[s.function].of_shape


def _can_be_copied(v: Value) -> bool:
    """Whether it is a number or an array: a list of many is no part of a state."""
    return isinstance(v.type, (Scalar, Array)) and not isinstance(v.type, Rows)


class FromStates:
    """How the trips of a loop are computed again: from which `state`, and by which `statements`.

    What is `read` of a trip is given by its statements `body`. `states` is what the loop keeps its states
    in; None if it carries nothing that is read. Of a state, some may be `missing`.
    """

    def __init__(
        self,
        loop: Loop,
        body: tuple[Statement, ...],
        read: Iterable[Value],
        table: ValueTable,
        missing: set[Value],
    ) -> None:
        self.loop, self.table = loop, table
        again, wanted = slice_of(body, read)
        goes_on = without_ends(loop.body)
        ends = dict(zip(loop.params, goes_on.yields, strict=False))
        self.state: tuple[Value, ...] = ()
        forth: tuple[Statement, ...] = ()
        while (state := tuple(p for p in loop.params if p in wanted)) != self.state:
            self.state = state
            forth, found = slice_of(goes_on.statements, leaves(tuple(ends[p] for p in state)))
            wanted |= found
        self.states: Value | None = None
        for s in (*again, *forth):
            _refuse_other_results(s)
        self.statements = again
        if not state:
            return
        no_part = next((p for p in state if not _can_be_copied(p)), None)
        if no_part is not None:
            raise UnsupportedError(
                f"checkpoint= cannot keep some states only of a loop that carries "
                f"{table.hints.get(no_part) or 'a list'}, which is no array",
                loop.line,
                way_out="Carry what it reads of that in a variable of its own; or leave out checkpoint=.",
            )
        for p in missing.intersection(state):  # in the first trip
            table.unset.setdefault(p, None)
        name = table.hints.get(state[0])
        self.states = table.new(STATES, f"saved_{name}" if len(state) == 1 and name else "saved")
        self.advance, self.lengths, self.given = self._advance(forth, tuple(ends[p] for p in state))
        self.back = table.new(BACK, "states")
        self.statements = (Apply(take_back, (self.back,), _as_one(state), loop.line), *again)

    def _advance(
        self, statements: tuple[Statement, ...], ends: tuple[Structure, ...]
    ) -> tuple[Half, tuple[Statement, ...], tuple[Value, ...]]:
        """The function that goes through trips; and what it takes besides these and the state before them.

        Of an array that is only asked for its length, it takes that: the statements in between ask for it.
        """
        loop, table = self.loop, self.table
        index = loop.each[0][0] if loop.each else table.new(INT, "_")
        inside = {index, *self.state, *Block(statements).defined}
        lengths = tuple(s for s in statements if is_length(s) and inside.isdisjoint(s.inputs))
        body = Block(tuple(s for s in statements if s not in lengths), (*ends, False))
        inside = {index, *self.state, *body.defined}
        given = tuple(v for v in dict.fromkeys(body.uses) if v not in inside)
        names = self._others((index, *self.state), given, body.defined)
        for s in lengths:
            table.name(names[s.result], "length")
        begin, end = (tuple(table.retyped(p, p.type) for p in self.state) for _ in range(2))
        given_out = Apply(give, (_as_one(self.state),), (), loop.line)
        body = replace(body, statements=(given_out, *body.statements))
        trips = table.new(LIST, "trips")
        each = ((names[index], Each("full list", (trips,))),)
        params = tuple(names[p] for p in self.state)
        again = Loop(each, None, begin, params, substitute(body, names), end, line=loop.line)
        parameters = (trips, *begin, *(names[v] for v in given))
        named = tuple(Parameter(f"p{i}", v) for i, v in enumerate(parameters))
        function = Function(ADVANCE, named, Block((again,), ((),)), table)
        passed = self._others(v for s in lengths for v in s.outputs)
        asked = substitute(Block(lengths, given), passed)
        return Pair(ADVANCE, parameters, function).primal, asked.statements, asked.yields

    def _others(self, *values: Iterable[Value]) -> dict[Value, Value]:
        return {v: self.table.retyped(v, v.type) for v in chain.from_iterable(values)}

    def own_names(self, outer: set[Value]) -> dict[Value, Value]:
        """Values of their own for what the reversed trip computes and the forward pass gives elsewhere."""
        computed = (v for v in Block(self.statements).defined if self.states is None or v in outer)
        return self._others(v for v in computed if v.type != SAVED)

    def forward(self, trips: Value | None, many: bool) -> tuple[Statement, Loop]:
        """The forward loop that keeps its states, on values of its own; and what stands before it.

        If they may be gone through `many` times, half of them: each time keeps as many of its own.
        """
        loop = self.loop
        slots = max(1, loop.slots // 2) if many else loop.slots
        names = self._others(loop.bound, *(b.defined for b in loop.blocks))
        trip = names[loop.each[0][0]] if loop.each else None
        if trip is not None and self.table.hints.get(trip, "_") == "_":
            self.table.name(trip, "trip")
        before = Apply(begin, (slots, *self._range()), self.states, loop.line)
        note = Apply(keep, (self.states, _as_one([names[p] for p in self.state]), trip), (), loop.line)
        body = substitute(loop.body, names)
        return before, replace(
            loop,
            each=tuple((names[v], each) for v, each in loop.each),
            params=tuple(names[p] for p in loop.params),
            test=None if loop.test is None else substitute(loop.test, names),
            body=replace(body, statements=(note, *body.statements)),
            trips=trips,
        )

    def backward(self, trips: Value | None, many: bool) -> tuple[Statement, ...]:
        """What stands before the reversed loop; `trips` counts those that were made, if it may not be all;
        `many` says whether it may be gone through many times."""
        through = (*self._range(), trips) if self.loop.each else (0, trips, 1, False, None)
        passed = (self.states, *through, many, self.advance, self.given)
        return *self.lengths, Apply(go_back, passed, self.back, self.loop.line)

    def _range(self) -> Trips:
        return trips_of(self.loop.each[0][1]) if self.loop.each else NO_RANGE


def _as_one(state: Sequence[Value]) -> Structure:
    return state[0] if len(state) == 1 else tuple(state)


def not_restored(made: tuple[Statement, ...], body: Block) -> Block:
    """The reversed trip without restoring what is there: an array before a store, whose later content nothing
    else reads."""
    made, _ = slice_of(made, body.uses)
    counts = Counter(chain(body.uses, *(s.uses for s in made)))
    back = {
        s.args[0]: s for s in body.statements if isinstance(s, Apply) and TABLE[s.function].kind is Kind.STORE
    }
    names: dict[Value, Structure] = {}
    gone: set[Statement] = set()
    for s in reversed(made):
        if isinstance(s, Apply) and TABLE[s.function].kind is Kind.STORE:
            after, old = s.result
            restores = back.get(after)
            if restores is not None and restores.args[2] is old and counts[after] == 1:
                names[restores.result[0]] = s.args[0]
                gone.add(restores)
    statements = tuple(s for s in body.statements if s not in gone)
    return substitute(replace(body, statements=statements), names)


def _refuse_other_results(s: Statement) -> None:
    """A trip that is made again must be what it was."""
    for one in applications(Block((s,))):
        f = one.function
        if f in DRAWS:
            what = "draws random numbers"
        elif isinstance(f, ForeignCall) and not f.pure:
            what = f"calls {f.attribute or 'something'}, which may have effects,"
        else:
            continue
        raise UnsupportedError(
            f"a loop that {what} cannot be computed again in the backward pass",
            one.line,
            way_out="Do that before the loop, or leave out checkpoint=.",
        )
