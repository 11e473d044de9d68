"""What the methods of ufuncs mean: `np.hypot.reduce`, `accumulate`, `outer`, `reduceat`. Those that have a
rule of their own are in `reductions`. Imports NumPy and the compositions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.compositions import as_array, one_axis
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, known

UFUNCS = (
    np.hypot, np.subtract, np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp,
    np.logaddexp2, np.divide, np.power, np.float_power, np.arctan2, np.remainder, np.fmod, np.copysign,
)  # fmt: skip
RULED = (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp)  # which have a rule for `reduce`

known(
    *(u.reduce for u in (np.logical_and, np.logical_or, np.logical_xor)),
    signature=("array", "axis", "keepdims"),
)


@composed(
    *(u.reduce for u in UFUNCS if u not in RULED),
    name="reduce",
    examples=[
        example(real(4, low=0.5)),
        example(real(1, low=0.5)),
        example(real(3, 2, low=0.5)),
        example(real(3, 2, low=0.5), axis=-1, keepdims=True),
        example(real(3, 2, low=0.5), initial=0.7),
    ],
)
def reduce(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    array = as_array(array, dtype)
    axes = range(array.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(sorted([i % array.ndim for i in axes])) if array.ndim else ()
    items = in_front(array, axes)
    chosen = None if where is True else in_front(np.broadcast_to(where, array.shape), axes)
    initial = ufunc.identity if initial is None else initial
    first = items[0] if items.ndim == 1 else items[0].copy()
    y = first if initial is None else np.zeros(items.shape[1:], array.dtype) + initial
    for i in range(1 if initial is None else 0, len(items)):
        y = ufunc(y, items[i]) if chosen is None else np.where(chosen[i], ufunc(y, items[i]), y)
    return np.expand_dims(y, axes) if keepdims else y


def folded(ufunc: Any, items: Any) -> Any:
    """From the first item on: that of one item is the item, and not what the ufunc makes of its identity."""
    if ufunc in RULED:
        return ufunc.reduce(items, 0)
    y = items[0]
    for i in range(1, len(items)):
        y = ufunc(y, items[i])
    return y


def in_front(array: Any, axes: Any) -> Any:
    """`array` with those axes as one, the first."""
    if len(axes) == 1:
        return array if axes[0] == 0 else np.moveaxis(array, axes[0], 0)
    rest = tuple([n for i, n in enumerate(array.shape) if i not in axes])
    return np.reshape(np.moveaxis(array, axes, range(len(axes))), (-1, *rest))


@composed(
    *(u.accumulate for u in UFUNCS),
    name="accumulate",
    examples=[
        example(real(4, low=0.5)),
        example(real(1, low=0.5)),
        example(real(3, 2, low=0.5)),
        example(real(3, 2, low=0.5), axis=-1),
    ],
)
def accumulate(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None) -> Any:
    array, axis = as_array(array, dtype), one_axis(axis)
    if ufunc is np.add:
        return np.cumsum(array, axis)
    if ufunc is np.multiply:
        return np.cumprod(array, axis)
    out = np.moveaxis(array, axis, 0).copy()
    for i in range(1, len(out)):
        out[i] = ufunc(out[i - 1], out[i])
    return np.moveaxis(out, 0, axis)


@composed(
    *(u.outer for u in UFUNCS),
    name="outer",
    examples=[
        example(real(3, low=0.5), real(2, low=0.5)),
        example(real(3, 2, low=0.5), real(2, low=0.5)),
        example(real(low=0.5), real(2, low=0.5)),
        example(real(low=0.5), real(low=0.5)),
    ],
)
def outer(ufunc: Any, A: Any, B: Any, *, dtype: Any = None) -> Any:
    A, B = as_array(A), as_array(B)
    return ufunc(np.reshape(A, A.shape + (1,) * B.ndim), B, dtype=dtype)


@composed(
    *(u.reduceat for u in UFUNCS),
    name="reduceat",
    examples=[
        example(real(5, low=0.5), [0, 2, 1, 4]),
        example(real(5, 2, low=0.5), [1, 3]),
        example(real(2, 5, low=0.5), [0, 4, 2], axis=1),
    ],
)
def reduceat(ufunc: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Of the part from each index to the next; one element where that is not after it."""
    array, axis = as_array(array, dtype), one_axis(axis)
    indices = [int(i) for i in indices] if isinstance(indices, (list, tuple)) else indices.astype(int)
    items = np.moveaxis(array, axis, 0)
    parts = []
    for j in range(len(indices)):
        start, stop = indices[j], indices[j + 1] if j + 1 < len(indices) else len(items)
        parts.append(folded(ufunc, items[start:stop]) if start < stop else items[start])
    return np.moveaxis(np.array(parts), 0, axis)
