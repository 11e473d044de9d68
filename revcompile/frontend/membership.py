"""`x in items` where the run decides. Imports the IR."""

from __future__ import annotations

import operator

import numpy as np

from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, is_float


def among(low: Lowering, x: Structure, items: Structure) -> Structure | None:
    """`x in items` of a real number that only the run knows, and of numbers; None of anything else."""
    if not (isinstance(x, Value) and is_float(x.type) and not x.type.dims):
        return None
    if isinstance(items, Value) and isinstance(items.type, Array):
        return low.apply(np.any, (low.operate(operator.eq, items, x),), {})
    if not isinstance(items, (tuple, list, set, frozenset)) or not items:
        return None
    if not all(isinstance(i, (int, float)) or (isinstance(i, Value) and not i.type.dims) for i in items):
        return None
    return low.invoke(any, [low.operate(operator.eq, i, x) for i in items])
