"""Which leaves of a tree are numbers. Imports NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_float(leaf: Any) -> bool:
    return isinstance(leaf, float | np.floating) or (
        isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.floating)
    )


def is_number(leaf: Any) -> bool:
    """Whether a leaf may be differentiated: a real number, or an array of them; or whole ones."""
    if isinstance(leaf, bool | np.bool_) or not isinstance(leaf, int | float | np.generic | np.ndarray):
        return False
    return np.asarray(leaf).dtype.kind in "fiu"
