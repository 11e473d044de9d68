"""Which signs a value may have: what is never zero is divided by safely. NaN and underflow apart."""

from __future__ import annotations

from collections.abc import Sequence

from revcompile.dataflow.engine import Forward
from revcompile.gates.halves import Half
from revcompile.gates.numbers import ANY_SIGN, NEGATIVE, POSITIVE, sign_of
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Each, Structure, Value


class Signs(Forward):
    def outside(self, value: Value) -> int:
        return ANY_SIGN

    def constant(self, atom: Structure) -> int:
        return sign_of(atom)

    def apply(self, statement: Apply) -> int:
        numbers, args = TABLE[statement.function].numbers, statement.args
        if isinstance(numbers.sign, int):
            return numbers.sign
        found = numbers.sign(args, *map(self.of, args))
        if numbers.difference and found & POSITIVE and self._is_maximum_of(args[1], args[0]):
            found &= ~POSITIVE
        return found

    def _is_maximum_of(self, upper: Structure, lower: Structure) -> bool:
        """Whether one atom is a maximum of the other, seen through views."""
        while isinstance(upper, Value) and (made := self.definitions.get(upper)) is not None:
            gate = TABLE[made.function]
            if gate.numbers.at_least is not None:
                return made.args[gate.numbers.at_least] is lower
            if not gate.view:
                return False
            upper = made.args[0]
        return False

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return [ANY_SIGN] * len(statement.outputs)

    def item(self, each: Each) -> int:
        if each.kind != "range" or self.of(each.args[2]) != POSITIVE:
            return ANY_SIGN
        first = self.of(each.args[0])
        return ANY_SIGN if first & NEGATIVE else first | POSITIVE
