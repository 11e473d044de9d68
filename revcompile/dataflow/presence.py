"""May a value be missing: that of a branch not taken, or of a loop that makes no trip?

Nothing reads what is missing; so nothing may be computed of it where it was not computed before. The facts
are PRESENT or MISSING. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Sequence

from revcompile.dataflow.engine import Forward
from revcompile.gates.halves import Half
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import UNDEFINED, Apply, Block, Each, Structure, Value

PRESENT, MISSING = 0, 1


class Presence(Forward):
    """What a gate gives is there, unless it is what it was given."""

    def outside(self, value: Value) -> int:
        return PRESENT

    def constant(self, atom: Structure) -> int:
        return MISSING if atom is None or atom is UNDEFINED else PRESENT

    def apply(self, statement: Apply) -> int:
        gate = TABLE[statement.function]
        if gate.kind is Kind.TAKE_BACK:  # of the first trip, some of it may not be there yet
            return MISSING
        if gate.passes_none or gate.memory in (Memory.SAME, Memory.VIEW):
            return self.of(statement.args)
        return PRESENT

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return [PRESENT for _ in statement.outputs]

    def item(self, each: Each) -> int:
        return self.of(each.args[0]) if each.kind.endswith("list") else PRESENT


def missing(block: Block) -> set[Value]:
    """The values that may be missing in a function's body; of a list, those of its items."""
    found = Presence()
    found.block(block)
    return {v for v, fact in found.facts.items() if fact == MISSING}
