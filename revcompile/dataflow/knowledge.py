"""What all analyses say of one function, and what they say of the functions that it calls.

From this follows where the backward pass has to take care: `keeps_zeros` and `chooses`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from revcompile.dataflow.cotangents import Infinite, Useful, Zeros
from revcompile.dataflow.engine import Found, union
from revcompile.dataflow.finiteness import Asked, Finiteness, is_steep, reads
from revcompile.dataflow.signs import Signs
from revcompile.gates.halves import Half, Pair
from revcompile.gates.numbers import (
    AT_ONCE,
    CHOSEN,
    ENDS,
    EXPONENTIAL,
    GIVEN,
    INSIDE,
    LARGE,
    LOST,
    PARTS,
    SINGULAR,
    UNIFORM,
)
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Function, Structure, Value
from revcompile.ir.types import Array
from revcompile.lazy import lazy

UNKNOWN = SINGULAR | GIVEN  # of a function that is still being read
BITS = (1, 2, 4, 8, 16, 32)  # of a fact


class Calls:
    """What a call does, found once for all calls of a function of which the same is known.

    A function that calls itself is analysed until what was assumed of the inner call is what comes out.
    `thorough`: a product counts as what may overflow wherever it stands.
    """

    def __init__(self, thorough: bool = False) -> None:
        self.thorough = thorough
        self.known: dict[Any, tuple[Found, ...]] = {}
        self._assumed: set[Any] = set()  # what was asked for while it was being found

    def told(self, fact: int) -> int:
        """What a called function is told of a parameter."""
        return fact if self.thorough else fact & ~LARGE

    def _settled(self, key: Any, size: int, find: Callable[[], Sequence[Found]]) -> tuple[Found, ...]:
        if key in self.known:
            self._assumed.add(key)
            return self.known[key]
        before = len(self.known)
        self.known[key] = (None,) * size
        while True:
            self._assumed.discard(key)
            assumed = self.known[key]
            self.known[key] = tuple(union(a, b) for a, b in zip(assumed, find(), strict=True))
            if key not in self._assumed or self.known[key] == assumed:
                return self.known[key]
            for other in list(self.known)[before + 1 :]:  # what was found from the assumption
                del self.known[other]

    def finite(self, half: Half, args: Sequence[int]) -> Sequence[int]:
        pair, given = half.pair, tuple(args)
        if pair.function is None:
            return [UNKNOWN] * 8
        results = pair.function.result

        def find() -> list[Found]:
            known = _Primal(pair, given, self)
            return [known.finite.of(r) for r in results]

        return [t or 0 for t in self._settled(("finite", pair, given), len(results), find)]

    def asked(self, half: Half, outs: Sequence[Found]) -> Sequence[Found]:
        pair, key = half.pair, tuple(outs)
        if pair.function is None:
            return [None] * len(pair.parameters)

        def find() -> list[Found]:
            asked = Asked(self.asked)
            assert pair.function is not None
            asked.run(pair.function.body, _seeds(pair, key))
            return [asked.facts.get(p) for p in pair.parameters]

        return self._settled(("asked", pair, key), len(pair.parameters), find)

    def cotangents(
        self, kind: str, pair: Pair, outs: Sequence[Found], args: Sequence[int]
    ) -> Sequence[Found]:
        """What comes back to the parameters: `kind` is "useful", "zeros" or "infinite"."""
        outs, given = tuple(outs), tuple(args)
        if pair.function is None:
            return [PARTS] * len(pair.parameters)

        def find() -> list[Found]:
            known = _Primal(pair, given, self)
            seeds = _seeds(pair, outs)
            found = Analyses(pair.function.body, None, known.signs, known.finite, self)  # type: ignore[union-attr]
            facts = getattr(found, kind)(seeds).facts
            return [facts.get(p) for p in pair.parameters]

        return self._settled((kind, pair, outs, given), len(pair.parameters), find)


def _seeds(pair: Pair, outs: Sequence[Found]) -> dict[Value, int]:
    assert pair.function is not None
    found: dict[Value, int] = {}
    for result, t in zip(pair.function.result, outs, strict=False):
        if isinstance(result, Value) and t is not None:
            found[result] = found.get(result, 0) | t
    return found


class _Primal:
    """The analyses of a called function that go forward."""

    def __init__(self, pair: Pair, given: Sequence[int], calls: Calls) -> None:
        assert pair.function is not None
        self.signs, self.finite = forward(
            pair.function.body, dict(zip(pair.parameters, given, strict=True)), calls
        )


def forward(body: Block, given: dict[Value, int], calls: Calls) -> tuple[Signs, Finiteness]:
    """Signs and finiteness; `given` is what is known of parameters."""
    asked = Asked(calls.asked)
    if any(isinstance(f, Half) or TABLE[f].numbers.asks for f in body.functions):
        asked.run(body, {})
    of_outside = {v: GIVEN for v in asked.facts}
    for v, known in given.items():
        of_outside[v] = of_outside.get(v, 0) | known
    signs = Signs()
    signs.block(body)
    finite = Finiteness(signs, of_outside, lambda _, half, args: calls.finite(half, args))
    finite.block(body)
    return signs, finite


class Analyses:
    """The analyses that go backward, over what those forward have found."""

    def __init__(
        self,
        body: Block,
        active: Container[Value] | None,
        signs: Signs,
        finite: Finiteness,
        calls: Calls,
    ) -> None:
        self.body, self.active, self.finite, self.calls = body, active, finite, calls

    def _of_call(self, kind: str) -> Callable[[Apply, Half, Sequence[Found]], Sequence[Found]]:
        def of_call(statement: Apply, half: Half, outs: Sequence[Found]) -> Sequence[Found]:
            args = tuple(
                0 if kind == "useful" else self.calls.told(self.finite.of(a)) for a in statement.args
            )
            return self.calls.cotangents(kind, half.pair, outs[:-1], args)

        return of_call

    def useful(self, seeds: dict[Value, int]) -> Useful:
        found = Useful(self.active, self._of_call("useful"))
        found.run(self.body, dict.fromkeys(seeds, 1))
        return found

    def zeros(self, seeds: dict[Value, int]) -> Zeros:
        found = Zeros(self.active, self._of_call("zeros"), lambda: self.useful(seeds).facts, self.finite)
        found.run(self.body, seeds)
        return found

    def infinite(self, seeds: dict[Value, int]) -> Infinite:
        found = Infinite(self.active, self._of_call("infinite"), self.finite)
        found.run(self.body, seeds)
        return found


@dataclass(frozen=True)
class Context:
    """What a function is told: `given` of its parameters; of the cotangents that come in, where they may be
    zero, and whether they may be infinite."""

    given: dict[Value, int]
    zeros: dict[Value, int]
    infinite: dict[Value, int]


class Knowledge:
    """What is known of the values of a function that is differentiated."""

    def __init__(self, body: Block, active: Container[Value], context: Context, calls: Calls) -> None:
        self.calls = calls
        self.signs, self.finite = forward(body, context.given, calls)
        analyses = Analyses(body, active, self.signs, self.finite, calls)
        self.zeros = analyses.zeros(context.zeros).facts
        self._infinite = lambda: analyses.infinite(context.infinite).facts
        self.in_loops = frozenset(_in_loops(body))

    @lazy
    def infinite(self) -> dict[Value, int]:
        """Which cotangents may be infinite; few functions ask."""
        return self._infinite()

    def keeps_zeros(self, statement: Apply, operand: Value) -> bool:
        """Whether a zero upstream gradient may meet a local gradient that is infinite or NaN there."""
        where = self.zeros_of(statement)
        if not where:
            return False
        gate = TABLE[statement.function]
        if gate.numbers.reduces or gate.numbers.as_read is not None:
            return self._mixes(statement, operand, where)
        if not gate.pointwise or gate.numbers.passes or is_steep(gate, statement.args):
            return False
        why = self.finite.slope(statement, operand, reads(gate, statement, operand))
        if why & (EXPONENTIAL | GIVEN):
            return True
        if why & SINGULAR or _is_apart(why, where):
            return True
        return bool(why & LARGE) and self._is_worth_it(statement, where)

    def _mixes(self, statement: Apply, operand: Value, where: int) -> bool:
        """Whether what a gate reads of many elements may be infinite or NaN where nothing comes in."""
        read = [a for a in statement.args if a is not operand or TABLE[statement.function].numbers.reduces]
        why = self.finite.of(read)
        if not _is_apart(why, where):
            why &= ~UNIFORM
        return bool(why & GIVEN) or (bool(why & ~LARGE) and self._is_worth_it(statement, where))

    def _is_worth_it(self, statement: Apply, where: int) -> bool:
        """Whether a product is guarded that overflows beyond 1e150, or a sum of products.

        Not before a relu, nor in a loop where elements are just not read; unless that costs nothing.
        """
        if self.calls.thorough:
            return True
        return bool(where & CHOSEN) or (where != LOST and self.in_loops.isdisjoint(statement.outputs))

    def may_be_infinite(self, atom: Structure) -> bool:
        return bool(self.finite.of(atom) & (SINGULAR | UNIFORM | EXPONENTIAL | GIVEN))

    def zeros_of(self, statement: Apply) -> int:
        """Where the upstream gradient of a gate may be zero."""
        if type(statement.result) is Value:
            return self.zeros.get(statement.result, 0)
        found = 0
        for v in statement.outputs:
            found |= self.zeros.get(v, 0)
        return found

    def is_given(self, statement: Apply, operands: Container[Value]) -> bool:
        """Whether that may be so because of an argument that is NaN or infinite."""
        gate = TABLE[statement.function]
        slopes = (
            self.finite.slope(statement, v, reads(gate, statement, v))
            for v in statement.inputs
            if v in operands
        )
        return any(why & GIVEN for why in slopes)

    def chooses(self, statement: Apply) -> bool:
        """Whether an infinite upstream gradient may meet a zero by which a gate sends nothing back."""
        chooses = TABLE[statement.function].numbers.chooses
        if callable(chooses):
            chooses = chooses(*statement.args)
        return chooses and any(self.infinite.get(v) for v in statement.outputs)


def _is_apart(why: int, where: int) -> bool:
    """Whether zeros may be all that meets what is infinite as a whole."""
    return bool((why & INSIDE and where & ~ENDS) or (why & AT_ONCE and where & ~(PARTS | ENDS)))


def _in_loops(block: Block) -> Iterator[Value]:
    for s in block.nested:
        yield from s.bound
        for inner in s.blocks:
            yield from inner.defined if s.repeats else _in_loops(inner)


def context_of_call(
    knowledge: Knowledge, statement: Apply, seeded: Sequence[int]
) -> frozenset[tuple[str, int, int]]:
    """What the backward half of a call is told: of parameters and of what comes in, by number."""
    found: set[tuple[str, int, int]] = set()
    for i, arg in enumerate(statement.args):
        found |= {("given", i, bit) for bit in _bits(knowledge.calls.told(knowledge.finite.of(arg)))}
    outs: Sequence[Structure] = statement.result
    for i in seeded:
        found |= {("zeros", i, bit) for bit in _bits(knowledge.zeros.get(outs[i], 0))}
        found |= {("infinite", i, bit) for bit in _bits(knowledge.infinite.get(outs[i], 0))}
    return frozenset(found)


def _bits(n: int) -> Iterator[int]:
    return (bit for bit in BITS if n & bit)


def context_of(
    items: frozenset[tuple[str, int, int]], parameters: Sequence[Value], results: dict[int, Structure]
) -> Context:
    """The same, of the values of the called function. `results` are those for which a cotangent comes in."""
    context = Context({}, {r: 0 for r in results.values() if isinstance(r, Value)}, {})
    for kind, i, bit in items:
        facts = getattr(context, kind)
        v = parameters[i] if kind == "given" else results[i]
        if isinstance(v, Value):
            facts[v] = facts.get(v, 0) | bit
    return context


def has_arrays(functions: Sequence[Function]) -> bool:
    """Whether there are arrays in any of some functions."""
    return any(isinstance(t, Array) for f in functions for t in f.types)
