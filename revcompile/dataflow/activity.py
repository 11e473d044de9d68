"""Which values follow a differentiated input, through gates that have a gradient?

The facts are sets of VARIED, a number that changes smoothly with an input, and TOLD, what is made of such a
number without being one: a text of it. Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from revcompile.dataflow.engine import Forward
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import SAVED, Half
from revcompile.gates.storing import holds
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Each, Structure, Value
from revcompile.ir.types import Opaque, is_float, is_number

VARIED, TOLD = 1, 2


def active(body: Block, inputs: Iterable[Value], constant: Collection[Value]) -> frozenset[Value]:
    """The values that follow the inputs. `constant` are those on which the result provably does not depend.

    Raises UnsupportedError where one of them enters a call that is made as it is.
    """
    found = Activity(frozenset(inputs), constant)
    found.block(body)
    return found.inputs.union(v for v, fact in found.facts.items() if fact & VARIED)


class Activity(Forward):
    def __init__(self, inputs: frozenset[Value], fixed: Collection[Value]) -> None:
        super().__init__()
        self.inputs, self.fixed = inputs, fixed

    def outside(self, value: Value) -> int:
        return VARIED if value in self.inputs else 0

    def constant(self, atom: Structure) -> int:
        return 0

    def item(self, each: Each) -> int:
        return self.of(each.args[0]) if each.kind.endswith("list") else 0

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return self.apply(statement)

    def apply(self, statement: Apply) -> Sequence[int]:
        if TABLE[statement.function].writes:
            return self._written(statement)
        if not any(map(self.of, statement.inputs)):
            return [0 for _ in statement.outputs]
        if isinstance(statement.function, ForeignCall):
            if not statement.function.excused:
                raise statement.function.refusal
            told = 0
        else:
            told = TOLD
        smooth = set(self._varied(statement))
        return [
            VARIED if v in smooth else told if isinstance(v.type, Opaque) and v.type != SAVED else 0
            for v in statement.outputs
        ]

    def _written(self, statement: Apply) -> list[int]:
        """Of an array into which the last operand is written, or added; and of what stood there."""
        array, value = statement.args[0], statement.args[-1]
        before = self.of(array) & VARIED
        added = self.of(value) & VARIED if holds(array, value) else 0
        others = (before if is_float(v.type) else 0 for v in statement.outputs[1:])
        return [before | added, *others]

    def _varied(self, statement: Apply) -> Iterator[Value]:
        """The results of a gate that may change smoothly with its operands.

        A result of whole numbers or truth values is a cut: it follows floats by steps. Of whole numbers it is
        real (an argument that is an integer counts as a real number), unless the call says `dtype=int`.
        """
        operands = [v for v in statement.inputs if self.of(v) & VARIED]
        if not operands or not TABLE[statement.function].carries_gradient or _converts(statement):
            return
        of_whole = any(not is_float(v.type) for v in operands)
        for v in statement.outputs:
            if v not in self.fixed and (
                is_float(v.type) or v.type == SAVED or (is_number(v.type) and of_whole)
            ):
                yield v


def is_cut_off(statement: Apply, operand: Value) -> bool:
    """Whether the results of a gate follow this operand by steps, if at all: it is a float, they are not."""
    return is_float(operand.type) and not any([is_float(v.type) for v in statement.outputs])


def _converts(statement: Apply) -> bool:
    """Whether a call says that it gives, or adds up, whole numbers or truth values."""
    names = TABLE[statement.function].signature.parameters
    if "dtype" not in names:
        return False
    dtype = statement.args[list(names).index("dtype")]
    try:
        return dtype is not None and np.dtype(dtype).kind in "iub"
    except TypeError:  # a parameter of a user's gate, which means something else
        return False
