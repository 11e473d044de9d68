"""The reversal of a loop: a loop that goes through the same trips from the last to the first.

A trip of it begins with the gradients of what the forward trip has left, and ends with the gradients of
what the forward trip began with. Gradients of values from outside the loop are carried along and added
to; the content of arrays that the body writes is carried along and restored. What the reversed body reads
of the forward body is found afterwards, by `autodiff/residuals`. Imports the IR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    EMPTY,
    Apply,
    Block,
    Loop,
    Statement,
    Structure,
    Value,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Scalar, Type, is_number
from revcompile.statements import loop_lists, rows
from revcompile.statements.join import alike, join_gradients, type_of
from revcompile.statements.origins import restorable_slots


@dataclass(frozen=True)
class CarriedBack:
    """One thing that the reversed loop carries: where it comes from, and what it is in a trip."""

    init: Structure
    param: Value
    of: Value  # whose gradient it is, or which array
    after: Type | None = None  # what it is after the loop, if not the same


def reverse(rev: Any, loop: Loop) -> None:
    """Emit the loop that undoes `loop`."""
    filled = rows.know_items(rev, loop)
    _reverse(rev, loop, {one.end for one in filled}, [one.end for one in filled if one.gradient is not None])
    rows.give_back(rev, filled)


def _reverse(rev: Any, loop: Loop, filled: set[Value], returning: list[Value]) -> None:
    """`filled` are lists whose items are known, `returning` those among them that have a gradient."""
    returned, items = loop_lists.returned_to(rev, loop), loop_lists.active_items(rev, loop)
    flowing = flow(rev, loop, {*returning, *loop_lists.receiving(loop.body, {v for v, _ in returned})})
    seeded = [
        i
        for i, (p, r) in enumerate(zip(loop.params, loop.results, strict=True))
        if (p in flowing or r in rev.adjoints) and loop.body.yields[i] not in filled
    ]
    inner = {*loop.body.defined, *loop.bound}
    outer = [v for v in dict.fromkeys(loop.body.uses) if v in flowing and v not in inner]
    slots = {} if loop.slots else restorable_slots(loop)
    restorable = {i: j for i, j in slots.items() if loop.body.yields[i] not in filled}
    if not seeded and not outer and not restorable and not returned:
        return
    types = rev.loop_types.setdefault(loop, {})
    outside, now, lists = rev.adjoints, dict(rev.memory.now), rev.lists
    outermost, rev.in_loop = not rev.in_loop, True
    while True:
        rev.adjoints, rev.memory.now, rev.lists = dict(outside), dict(now), dict(lists)
        attempt = _Attempt(rev, loop, seeded, outer, restorable, types, returned, items)
        if attempt.learns():
            rev.is_settled = False
        if rev.is_settled or not outermost:
            break
        attempt.take_back()
        rev.is_settled = True
    attempt.finish()
    rev.in_loop = not outermost


class _Attempt:
    """The reversed loop, if its gradients have these types: a number may be Python's or NumPy's.

    Where one turns out to be wider, the outermost loop is reversed once more, with all that was learnt of it
    and of the loops inside it: what comes out of a loop has the wider type at once, so that two or three
    attempts do at any depth.
    """

    def __init__(
        self,
        rev: Any,
        loop: Loop,
        seeded: list[int],
        outer: list[Value],
        restorable: dict[int, int],
        types: dict[Value, Type],
        returned: list[tuple[Value, loop_lists.Gradients]],
        items: list[loop_lists.Each_],
    ) -> None:
        self.rev, self.loop, self.seeded, self.outer = rev, loop, seeded, outer
        self.restorable, self.types = restorable, types
        self.line = rev.builder.line
        now = dict(rev.memory.now)
        self.before = rev.builder.mark()
        gradients = [self._gradient(i) for i in seeded]
        sums = [self._slot(v, v, rev.adjoints.get(v)) for v in outer]
        arrays = [self._array(i) for i in restorable]
        self.slots = [*gradients, *sums, *arrays]
        self._fit_inits()
        self.outside = rev.adjoints
        builder = rev.builder
        with builder.block() as self.statements:
            rev.adjoints = {v: slot.param for v, slot in zip(outer, sums, strict=True)}
            rev.learn(loop.body)
            for i, slot in zip(seeded, gradients, strict=True):
                end = loop.body.yields[i]
                if isinstance(end, Value):
                    rev.hand_on(end, slot.param)
            for i, slot in zip(restorable, arrays, strict=True):
                rev.memory.now[loop.body.yields[i]] = slot.param
            self.lists = loop_lists.begin(rev, returned)
            rev.block(loop.body.statements)
            ends: list[Structure] = []
            for i in seeded:
                gradient = rev.adjoints.get(loop.params[i])
                if gradient is None:
                    gradient = rev.zero(self._assigned(i))
                ends.append(gradient)
            ends += [rev.adjoints[v] for v in outer]
            ends += [rev.memory.now.get(loop.params[i], loop.params[i]) for i in restorable]
            self.saves, self.given = loop_lists.end(rev, items)
        self.ends = ends
        rev.adjoints, rev.memory.now = self.outside, now  # what is restored inside is so only there
        builder.note = ""

    def _assigned(self, i: int) -> Value:
        """What has the shape of a slot when a trip begins. In the first, a name may not be assigned: it has
        no shape then, which nobody asks for where it is the same in each trip."""
        param, result = self.loop.params[i], self.loop.results[i]
        return param if self.loop.inits[i] is not None or param.type.dims != result.type.dims else result

    def _gradient(self, i: int) -> CarriedBack:
        """The gradient of a slot: in a trip, of its end; after the loop, of what it began with."""
        loop = self.loop
        slot = self._slot(loop.results[i], loop.params[i], self.rev.adjoints.pop(loop.results[i], None))
        end, init, t = loop.body.yields[i], loop.inits[i], slot.param.type
        if not (isinstance(t, Array) and t.dims):
            return slot
        if isinstance(init, Value) and isinstance(init.type, Array):
            slot = replace(slot, after=replace(t, dims=init.type.dims))
        elif init is EMPTY:
            slot = replace(slot, after=replace(t, dims=(Dim(size=0), *t.dims[1:])))
        if isinstance(end, Value) and isinstance(end.type, Array) and end.type.dims != t.dims:
            slot = replace(slot, param=self.rev.table.new(replace(t, dims=end.type.dims), of=slot.of))
        return slot

    def _slot(self, result: Value, of: Value, known: Structure) -> CarriedBack:
        rev = self.rev
        init = known if known is not None else rev.zero(result)
        t = self._joined(self.types.get(of, rev.gradient_type(of)), init)
        return CarriedBack(init, rev.table.new(t, of=of), of)

    def _array(self, i: int) -> CarriedBack:
        result, param = self.loop.results[i], self.loop.params[i]
        init = self.rev.memory.now.get(result, result)
        return CarriedBack(init, self.rev.table.like(param, fold=False), param)

    def _joined(self, t: Type, atom: Structure) -> Type:
        """What a gradient's type is if it may be `atom`: Python's numbers may turn out to be NumPy's."""
        if not isinstance(t, Scalar) or not t.python:
            return t
        have = type_of(atom)
        have = Scalar(have.dtype) if isinstance(have, Array) else have
        return join_gradients(self.rev.builder.facts, t, have)

    def _fit_inits(self) -> None:
        """A number that stands for no gradient yet needs no type of its own, unless it may be returned."""

        def fitted(slot: CarriedBack) -> Structure:
            of = slot.of.type
            if not isinstance(slot.init, Value) and not (
                isinstance(of, Scalar) and slot.of in self.rev.inputs
            ):
                return slot.init
            return alike(self.rev.low, self.rev.builder.statements, slot.init, slot.param.type)

        self.inits = tuple(map(fitted, self.slots))

    def learns(self) -> bool:
        """Whether a gradient is of a wider type than was assumed. All that are so are noted."""
        wider = {
            slot.of: t
            for slot, end in zip(self.slots, self.ends, strict=True)
            if (t := self._joined(slot.param.type, end)) != slot.param.type
        }
        self.types.update(wider)
        return bool(wider)

    def take_back(self) -> None:
        self.rev.builder.take_back(self.before)

    def finish(self) -> None:
        rev, loop = self.rev, self.loop
        ends = [
            alike(rev.low, self.statements, end, slot.param.type)
            for end, slot in zip(self.ends, self.slots, strict=True)
        ]
        types = (s.after or self.types.get(s.of, s.param.type) for s in self.slots)
        results = tuple(
            rev.table.like(s.param, t, fold=False) for t, s in zip(types, self.slots, strict=True)
        )
        params = tuple(slot.param for slot in self.slots)
        body = Block(tuple(self.statements), (*ends, False))
        each = (*((v, each.backwards) for v, each in loop.each), *self.lists)  # `residuals` completes it
        reversal = Loop(
            each, None, self.inits, params, body, results, self.saves, line=self.line, reverses=loop
        )
        rev.builder.statements.append(reversal)
        for source, gradients in self.given:
            rev.lists[source] = (*rev.lists.get(source, ()), gradients)
        n, m = len(self.seeded), len(self.seeded) + len(self.outer)
        for v, gradient in zip(self.outer, results[n:m], strict=True):
            rev.adjoints[v] = gradient
        for i, gradient in zip(self.seeded, results, strict=False):
            init = loop.inits[i]
            if isinstance(init, Value):
                rev.hand_on(init, gradient)
        for i, content in zip(self.restorable, results[m:], strict=True):
            init = loop.inits[i]
            if isinstance(init, Value):
                rev.memory.now[init] = content


# -- what flows ------------------------------------------------------------------------------------


def flow(rev: Any, loop: Loop, returned: set[Value]) -> set[Value]:
    """The values inside the loop, and outside it, that get a gradient from its reversal."""
    found: set[Value] = set(returned)
    size = -1
    while size != len(found):
        size = len(found)
        begun = {
            p for (p, _), (result, _) in zip(loop.begins, loop.gives, strict=True) if result in rev.adjoints
        }
        ends = {end for p, end in loop.goes_on if isinstance(end, Value) and (p in found or p in begun)}
        found |= ends & rev.plan.active
        _spread(loop.body.statements, found, rev.plan.active)
    return found


def _spread(statements: tuple[Statement, ...], found: set[Value], active: Any) -> None:
    """Add to `found` the active values from which its own are computed."""
    for statement in reversed(statements):
        if isinstance(statement, Apply):
            if TABLE[statement.function].carries_gradient and not found.isdisjoint(statement.outputs):
                found.update(v for v in statement.inputs if v in active and is_number(v.type))
            continue
        size = -1
        while size != len(found):
            ends = {end for v, end in statement.flows if v in found and isinstance(end, Value)}
            found |= ends & active
            size = len(found)
            for block in statement.blocks:
                _spread(block.statements, found, active)
            if not statement.repeats:
                break
