"""May a value be infinite or NaN, where the arguments of the function are finite, and why?

The facts are sets of reasons (`gates/numbers`): a product overflows beyond 1e150 or so, an exponential beyond
700; a quotient or a logarithm has a pole; and what the program itself asks about (`np.isnan(y)`, `np.nansum`)
is taken for what may be NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from revcompile.dataflow.engine import Backward, Forward, Found, called
from revcompile.dataflow.signs import Signs
from revcompile.gates.halves import Half
from revcompile.gates.numbers import (
    AT_ONCE,
    ENDS,
    EXPONENTIAL,
    GIVEN,
    INSIDE,
    LARGE,
    NEGATIVE,
    OVERFLOW,
    SINGULAR,
    UNIFORM,
    UNREAD_PART,
    Sends,
    SignRule,
)
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import Apply, Each, Structure, Value
from revcompile.ir.types import Array, Scalar, Type, is_float

OfCall = Callable[[Apply, Half, Sequence[int]], Sequence[int]]


class Finiteness(Forward):
    """`given` are facts of parameters; `of_call` says what a call gives, by those of its arguments."""

    def __init__(self, signs: Signs, given: dict[Value, int], of_call: OfCall) -> None:
        super().__init__()
        self.signs, self.given, self.of_call = signs, given, of_call

    def outside(self, value: Value) -> int:
        return self.given.get(value, 0)

    def constant(self, atom: Structure) -> int:
        if isinstance(atom, (float, np.floating)):
            return 0 if np.isfinite(atom) else GIVEN
        return 0

    def apply(self, statement: Apply) -> int:
        if not any([is_float(v.type) for v in statement.outputs]):
            return 0
        gate, args = TABLE[statement.function], statement.args
        constant_in = saturating(gate, args)
        found = self.grows(gate, args) | self.own(statement)
        for i, arg in enumerate(args):
            fact = self._read(arg, statement)
            found |= fact & ~OVERFLOW if i in constant_in else fact
        undefined = self._told(gate.numbers.undefined, args)
        if undefined and self.signs.of(args[0]) & undefined:
            found |= SINGULAR
        uniform = found & UNIFORM
        return found & ~UNIFORM | (self._uniform(statement, uniform) or SINGULAR) if uniform else found

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return self.of_call(statement, half, [self.of(arg) for arg in statement.args])

    def item(self, each: Each) -> int:
        return self.of(each.args[0]) if each.kind.endswith("list") else 0

    def _read(self, atom: Structure, statement: Apply) -> int:
        """The fact of what a gate reads; a number may be too large for the precision of the result."""
        if type(atom) is float and any(
            is_float(v.type) and not _has_room(v.type, atom) for v in statement.outputs
        ):
            return SINGULAR
        return self.of(atom)

    def _uniform(self, statement: Apply, operands: int) -> int:
        """How a result is AT_ONCE or INSIDE of what its operands are so; 0: some elements may be finite."""
        gate, args = TABLE[statement.function], statement.args
        if gate.kind is Kind.STORE:
            is_long = of_operand(gate.numbers.within, statement, 2) == UNREAD_PART
            return INSIDE if is_long and self.of(args[2]) & UNIFORM else 0
        if gate.kind is Kind.PART:
            is_long = not of_operand(gate.numbers.zeros, statement, 0) & ~ENDS
            return operands if is_long or operands == AT_ONCE else 0
        if gate.pointwise:
            return 0 if gate.numbers.zeros else operands
        is_view = gate.memory not in (Memory.NEW, Memory.FRESH)
        takes_all = is_view and not (gate.numbers.zeros or gate.numbers.within)
        return operands if takes_all or gate.kind is Kind.SUM else 0

    # -- of a gate ----------------------------------------------------------------------------

    def grows(self, gate: Gate, args: tuple[Structure, ...]) -> int:
        """How the result of a gate may overflow though its operands do not."""
        return self._told(gate.numbers.grows, args)

    def _told(self, rule: int | SignRule, args: tuple[Structure, ...]) -> int:
        return rule if isinstance(rule, int) else rule(args, *map(self.signs.of, args))

    def own(self, statement: Apply) -> int:
        """Whether a gate may be at its singularity."""
        gate, args = TABLE[statement.function], statement.args
        if not gate.is_singular(args) or (gate.numbers.raises_there and is_pythons(statement.result)):
            return 0
        pole = gate.numbers.pole
        if pole is None:
            return SINGULAR
        at = gate.numbers.pole_at | self._told(gate.numbers.undefined, args)
        if not self.signs.of(args[pole]) & at and not self._underflows(args[pole]):
            return 0
        of_number = isinstance(args[pole], Value) and not args[pole].type.dims
        return AT_ONCE if of_number and gate.pointwise else SINGULAR

    def _underflows(self, atom: Structure) -> bool:
        """Whether it is an exponential that may be so small that it is 0."""
        made = self.definitions.get(atom) if isinstance(atom, Value) else None
        is_exponential = made is not None and TABLE[made.function].kind is Kind.EXP
        return is_exponential and bool(self.signs.of(made.args[0]) & NEGATIVE)  # type: ignore[union-attr]

    def is_constant(self, statement: Apply, i: int) -> bool:
        """Whether an operand may be so large that the gate does not follow it: as in the logistic function.

        That is a quotient, 1 / (1 + exp(-x)), whose denominator overflows, though it does not. An operand
        without the axes of the result does not count: all that is computed with it would be as wrong.
        """
        if i not in saturating(TABLE[statement.function], statement.args):
            return False
        operand = statement.args[i]
        numbers = TABLE[statement.function].numbers
        if not (self.of(operand) & EXPONENTIAL and self.signs.of(operand) & numbers.saturates_at):
            return False
        return all(len(v.type.dims) <= len(operand.type.dims) for v in statement.outputs)

    def slope(self, statement: Apply, operand: Value, read: Iterable[Structure]) -> int:
        """Why a local gradient that reads these values may be infinite or NaN."""
        gate, args = TABLE[statement.function], statement.args
        found = self.own(statement) | self._told(gate.numbers.slope_grows, args)
        flat = [args[i] for i in saturating(gate, args)]  # its slope is 0 there, unless others overflow too
        if flat and any(self.of(a) & OVERFLOW for a in args if not any(a is f for f in flat)):
            flat = []
        for atom in read:
            fact = self._read(atom, statement) & (~LARGE if atom is statement.result else ~0)
            found |= fact & ~OVERFLOW if flat and any(atom is f for f in flat) else fact
        return found


def of_operand(rule: int | Sends, statement: Apply, operand: int) -> int:
    return rule if isinstance(rule, int) else rule(statement.args, operand)


def is_pythons(result: Structure) -> bool:
    return isinstance(result, Value) and isinstance(result.type, Scalar) and result.type.python


def _has_room(t: Type, number: float) -> bool:
    return isinstance(t, (Scalar, Array)) and abs(number) <= np.finfo(t.dtype).max


def saturating(gate: Gate, args: tuple[Structure, ...]) -> tuple[int, ...]:
    """The operands in which a gate is constant where they are infinite."""
    found = gate.numbers.saturates
    return found(*args) if callable(found) else found


class Asked(Backward):
    """Of which values, or of what follows from them, does the program ask whether they are NaN?"""

    def __init__(self, of_call: Callable[[Half, Sequence[Found]], Sequence[Found]]) -> None:
        super().__init__()
        self.of_call = of_call

    def starts(self, statement: Apply) -> bool:
        return called(statement) is not None or TABLE[statement.function].numbers.asks

    def apply(self, statement: Apply, outs: Sequence[Found]) -> Iterable[tuple[Value, Found]]:
        gate = TABLE[statement.function]
        if gate.carries_gradient or gate.numbers.asks:
            for v in statement.inputs:
                if is_float(v.type):
                    yield v, 1

    def call(self, statement: Apply, half: Half, outs: Sequence[Found]) -> Sequence[Found]:
        floats = (isinstance(arg, Value) and is_float(arg.type) for arg in statement.args)
        found = self.of_call(half, outs)
        return [t if is_real else None for is_real, t in zip(floats, found, strict=True)]


def is_steep(gate: Gate, args: tuple[Structure, ...]) -> bool:
    """Whether a local gradient may be infinite, of a rule that keeps zeros by itself."""
    steep = gate.numbers.steep
    return steep(*args) if callable(steep) else steep


def reads(gate: Gate, statement: Apply, operand: Value) -> list[Structure]:
    """The values that the local gradient of a gate that goes element by element reads."""
    if gate.locals is None:
        return [statement.result, *statement.args]
    names = dict(zip(gate.locals, statement.args, strict=True))
    read = {n for name, v in names.items() if v is operand for n in gate.names[name]}
    return [statement.result if n == "y" else names[n] for n in read if n == "y" or n in names]
