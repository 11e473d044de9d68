"""May the cotangent of a value be zero where the program means that nothing flows? May it be infinite?

A zero has to stay zero through a local gradient that is infinite or NaN, and an infinite cotangent must not
make NaN where a gate sends nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence

from revcompile.dataflow.engine import Backward, Found
from revcompile.dataflow.finiteness import Finiteness, is_steep, of_operand
from revcompile.gates.halves import Half
from revcompile.gates.numbers import CHOSEN, ENDS, LOST, PARTS, TRIP, UNREAD_ITEM, WHOLE
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Structure, Value, leaves
from revcompile.ir.types import is_float, is_number
from revcompile.lazy import lazy

OfCall = Callable[[Apply, Half, Sequence[Found]], Sequence[Found]]


class Cotangents(Backward):
    """What all analyses of cotangents share: through which statements they flow."""

    def __init__(self, active: Container[Value] | None, of_call: OfCall) -> None:
        super().__init__()
        self.active, self.of_call = active, of_call

    def is_active(self, v: Structure) -> bool:
        if not isinstance(v, Value) or not is_number(v.type):
            return False
        return is_float(v.type) if self.active is None else v in self.active

    def flows(self, statement: Apply) -> Iterator[tuple[int, Value]]:
        """The operands of a gate that have a gradient, with the argument that each is or is in."""
        if TABLE[statement.function].carries_gradient:
            for i, arg in enumerate(statement.args):
                for v in (arg,) if type(arg) is Value else leaves(arg):
                    if self.is_active(v):
                        yield i, v

    def call(self, statement: Apply, half: Half, outs: Sequence[Found]) -> Sequence[Found]:
        found = self.of_call(statement, half, outs)
        return [t if self.is_active(arg) else None for arg, t in zip(statement.args, found, strict=True)]


class Useful(Cotangents):
    """Which values have a cotangent at all?"""

    def apply(self, statement: Apply, outs: Sequence[Found]) -> Iterable[tuple[Value, Found]]:
        return ((v, 1) for _, v in self.flows(statement))


class Zeros(Cotangents):
    """Where may a cotangent be zero? A sum of two is so only where both are."""

    def __init__(
        self,
        active: Container[Value] | None,
        of_call: OfCall,
        useful: Callable[[], Container[Value]],
        finite: Finiteness,
    ) -> None:
        super().__init__(active, of_call)
        self._find_useful, self.finite = useful, finite

    @lazy
    def useful(self) -> Container[Value]:
        """The values that have a cotangent at all: loops ask."""
        return self._find_useful()

    def apply(self, statement: Apply, outs: Sequence[Found]) -> Iterable[tuple[Value, Found]]:
        gate = TABLE[statement.function]
        coming = 0
        for found in outs:
            is_part = found is None and len(outs) > 1 and gate.kind is not Kind.STORE
            coming |= PARTS if is_part else found or 0
        for i, v in self.flows(statement):
            found = coming | of_operand(gate.numbers.zeros, statement, i)
            within = of_operand(gate.numbers.within, statement, i)
            if found & (within if v.type.dims or not within else UNREAD_ITEM):
                found |= WHOLE
            yield v, found | LOST if self.finite.is_constant(statement, i) else found

    def both(self, a: int, b: int) -> int:
        if ENDS in (a, b) and a and b:
            return ENDS
        return a | b if a and b else 0

    def either(self, then: Found, orelse: Found) -> Found:
        if then is None or orelse is None:
            return (then or 0) | (orelse or 0) | WHOLE | CHOSEN
        return then | orelse

    def end_of_trip(self, last: Found, others: Found) -> Found:
        if last is None and others is None:
            return None
        return (last or 0) | (others or 0) | (TRIP if last is None or others is None else 0)

    def of_trips(self, inside: Found) -> Found:
        return None if inside is None else inside | WHOLE

    def of_start(self, first: Found, result: Found) -> Found:
        if first is None and result is None:
            return None
        return (first or 0) | (result or 0) | (WHOLE if first is None or result is None else 0)

    def begin(self, param: Value) -> Found:
        return 0 if param in self.useful else None


class Infinite(Cotangents):
    """May a cotangent be infinite?"""

    def __init__(self, active: Container[Value] | None, of_call: OfCall, finite: Finiteness) -> None:
        super().__init__(active, of_call)
        self.finite = finite

    def apply(self, statement: Apply, outs: Sequence[Found]) -> Iterable[tuple[Value, Found]]:
        gate = TABLE[statement.function]
        steep = is_steep(gate, statement.args) or self.finite.own(statement)
        found = 1 if steep else max(t or 0 for t in outs)
        return ((v, found) for _, v in self.flows(statement))
