"""The axes of a gate whose operands are broadcast together. Imports the IR only."""

from __future__ import annotations

from typing import Any

from revcompile.ir.nodes import leaves
from revcompile.ir.types import Dim, Facts


def broadcast_dims(facts: Facts, *args: Any) -> tuple[Dim, ...]:
    """The result's axes: those of all run-time operands, aligned as NumPy aligns them."""
    return facts.broadcast(*(operand.type.dims for operand in leaves(args)))
