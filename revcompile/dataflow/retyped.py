"""Which numbers are Python's on one way and NumPy's on another, where compiled code has NumPy's on both?

Arithmetic is the same, but a function that is called as it is could tell: `1.0 / t` raises for a Python zero.
The facts are RETYPED, or nothing. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Sequence

from revcompile.dataflow.engine import Forward
from revcompile.errors import UnsupportedError
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import Half
from revcompile.ir.nodes import Apply, Block, Each, Structure, Value
from revcompile.ir.types import Array, Scalar

RETYPED = 1


def refuse_retyped(body: Block, begun: set[Value]) -> None:
    """Raises where what follows from such a number alone is passed to a call as it is. `begun` are those that
    a branch or a loop has made so."""
    if begun:
        Retyped(begun).block(body)


class Retyped(Forward):
    def __init__(self, begun: set[Value]) -> None:
        super().__init__()
        self.begun = begun

    def outside(self, value: Value) -> int:
        return RETYPED if value in self.begun else 0

    def constant(self, atom: Structure) -> int:
        return 0

    def item(self, each: Each) -> int:
        return 0

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return self.apply(statement)

    def apply(self, statement: Apply) -> Sequence[int]:
        follows = any(map(self.of, statement.inputs)) and self._follows(statement)
        numbers = (v for v in statement.outputs if isinstance(v.type, Scalar) and not v.type.python)
        found = self.begun.union(numbers if follows else ())
        return [RETYPED if v in found else 0 for v in statement.outputs]

    def _follows(self, statement: Apply) -> bool:
        """Whether the results of a step are numbers of the kind that these are."""
        function = statement.function
        if isinstance(function, ForeignCall):
            if not function.only_shows:
                raise UnsupportedError(
                    "a number that is Python's on one way and NumPy's on another is passed to a call as it "
                    "is, which may tell them apart",
                    function.refusal.place,
                    "Begin with a NumPy number, np.float64(...), or pass float(...) of it.",
                )
            return False
        firm = any(_is_of_numpy(v) and not self.of(v) for v in statement.inputs)
        return not firm and not isinstance(function, type)


def _is_of_numpy(value: Value) -> bool:
    return isinstance(value.type, Array) or (isinstance(value.type, Scalar) and not value.type.python)
