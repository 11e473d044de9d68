"""What may differ from trip to trip of a loop?

What is carried does, and what is drawn or written, and all that follows from those, be it by a condition or
by the number of an inner loop's trips. The facts are VARIES, or nothing. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from revcompile.dataflow.engine import Forward
from revcompile.gates.effects import is_noticed
from revcompile.gates.halves import SAVED, Half
from revcompile.ir.nodes import Apply, Each, Loop, Statement, Structure, Value
from revcompile.ir.types import Array, Rows, Scalar

VARIES = 1


class Variance(Forward):
    """Of the trips of `loop`. `inner` are values of a trip; some are what `stands_for` says."""

    def __init__(self, loop: Loop, inner: Container[Value], stands_for: Mapping[Value, Value]) -> None:
        super().__init__()
        self.inner, self.stands_for = inner, stands_for
        self.facts.update(dict.fromkeys(loop.bound, VARIES))
        self.block(loop.body)

    def outside(self, value: Value) -> int:
        if value in self.stands_for:
            return self.of(self.stands_for[value])
        return VARIES if value in self.inner else 0

    def constant(self, atom: Structure) -> int:
        return 0

    def item(self, each: Each) -> int:
        return self.of(each.args)

    def apply(self, statement: Apply) -> int:
        plain = not is_noticed(statement.function) and all(map(_is_plain, statement.outputs))
        return self.of(statement.args) if plain else VARIES

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return [self.apply(statement) for _ in statement.outputs]

    def either(self, statement: Statement, result: Value, ends: tuple[Structure, ...]) -> int:
        if any(end is result for end in ends):  # it is what one side has computed, where that has
            return self.of(result)
        return self.of(ends) | self.of(statement.decides)


def _is_plain(v: Value) -> bool:
    """Whether a value is numbers, or what a call saves: nothing that grows."""
    return v.type == SAVED or (isinstance(v.type, (Scalar, Array)) and not isinstance(v.type, Rows))
