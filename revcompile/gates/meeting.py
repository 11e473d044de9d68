"""What a product reads of its operands where some of the upstream gradient is zero: `Numbers.as_read`.

Rules, which the compiler reads: `passes` says where the upstream gradient is not zero. What is NaN in a row
that meets zeros alone is to reach no sum. Imports NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def where_it_meets(passes: Any, a: Any, b: Any) -> Any:
    """The operands of a matrix product with zeros in the rows and columns that meet zeros alone backwards.

    `passes` says where the upstream gradient is not zero: what is NaN there is to reach no sum.
    """
    if a.ndim > 1 and b.ndim > 1:
        rows, columns = np.any(passes, -1, keepdims=True), np.any(passes, -2, keepdims=True)
    else:
        rows = passes[..., None] if a.ndim > 1 else np.any(passes)
        columns = passes if b.ndim == 2 else passes[..., None, :] if b.ndim > 1 else np.any(passes)
    return np.where(rows, a, 0.0), np.where(columns, b, 0.0)


def where_it_meets_in_dot(passes: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0 or a.ndim > 2 or b.ndim > 2:
        return a, b
    return where_it_meets(passes, a, b)


def where_it_meets_in_outer(passes: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        return a, b
    return np.where(np.any(passes, 1), a, 0.0), np.where(np.any(passes, 0), b, 0.0)
