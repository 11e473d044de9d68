"""Arrays with elements more or less: delete, insert, append, resize. Imports NumPy and the compositions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.compositions import as_array, existing
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed


def flat(a: Any) -> Any:
    """The elements in C order, as an array of one axis."""
    return a if a.ndim == 1 else np.reshape(a, -1)


def along(axis: int, index: Any) -> Any:
    return index if axis == 0 else (slice(None),) * axis + (index,)


@composed(
    np.delete,
    examples=[
        example(real(4), 1),
        example(real(4), -1),
        example(real(4), [0, 2]),
        example(real(5), slice(1, 4, 2)),
        example(real(3, 4), 1, axis=0),
        example(real(3, 4), [0, -1], axis=1),
        example(real(2, 3), 4),
    ],
)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    arr = as_array(arr)
    if axis is None:
        arr, axis = flat(arr), 0
    kept = np.ones(arr.shape[axis], bool)
    kept[np.array(obj) if isinstance(obj, tuple) else obj] = False
    return arr[along(axis % arr.ndim, kept)]


@composed(
    np.insert,
    examples=[
        example(real(4), 1, real()),
        example(real(4), -1, real(2)),
        example(real(4), [0, 2], real(2)),
        example(real(4), [3, 1, 1], real()),
        example(real(4), [1], real(2)),
        example(real(3, 4), 1, real(4), axis=0),
        example(real(3, 4), 1, real(3), axis=1),
        example(real(3, 4), [0, 2], real(3, 2), axis=1),
        example(real(2, 3), 4, real()),
    ],
)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr = as_array(arr)
    if axis is None:
        arr, axis = flat(arr), 0
    axis, length = axis % arr.ndim, arr.shape[axis]
    values = as_array(values)
    values = np.reshape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
    if isinstance(obj, slice):
        obj = np.arange(*obj.indices(length))
    elif np.ndim(obj) == 0:
        values = np.moveaxis(values, 0, axis)
    elif as_array(obj).dtype.kind == "b":
        obj = np.flatnonzero(obj)
    if np.ndim(obj) == 0 or (isinstance(obj, (list, tuple)) and len(obj) == 1):
        first = obj if np.ndim(obj) == 0 else obj[0]
        first = first + length if first < 0 else first
        places = np.arange(first, first + values.shape[axis])
    else:
        first = np.where(np.less(obj, 0), np.add(obj, length), obj)
        places = first + np.argsort(np.argsort(first, kind="stable"))
    shape = arr.shape[:axis] + (length + places.size,) + arr.shape[axis + 1 :]
    old = np.ones(length + places.size, bool)
    old[places] = False
    found = np.zeros(shape, arr.dtype)
    found[along(axis, old)] = arr
    found[along(axis, places)] = values
    return found


@composed(
    np.resize,
    examples=[example(real(3), 5), example(real(3), (2, 4)), example(real(2, 3), (2, 2)), example(real(), 3)],
)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements again and again, until the shape is full."""
    if np.ndim(new_shape) > 0 and as_array(new_shape).dtype.kind == "f":
        raise UnsupportedError("np.resize is differentiated to a shape of whole numbers")
    a = flat(as_array(a))
    shape = tuple(new_shape) if np.ndim(new_shape) > 0 else (new_shape,)
    return np.reshape(a[np.arange(math.prod(shape)) % a.size], shape)


@composed(
    np.trim_zeros,
    examples=[example(real(3)), example(real(3), "f"), example(real(3), trim="b"), example(real(2, 3))],
)
def trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    """The part between the first and the last that is not zero, along each of the axes."""
    filt = as_array(filt)
    rank = filt.ndim
    named = range(rank) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    parts = [slice(None)] * rank
    for i in [i % rank for i in named]:
        there = np.any(np.not_equal(filt, 0.0), tuple([j for j in range(rank) if j != i]))
        first, last = 0, len(there)
        if "f" in trim.lower():
            first = np.argmax(there) if np.any(there) else len(there)
        if "b" in trim.lower():
            last = len(there) - np.argmax(there[::-1]) if np.any(there) else 0
        parts[i] = slice(first, last)
    return filt if rank == 0 else filt[parts[0]] if rank == 1 else filt[tuple(parts)]


@composed(*existing("unstack"), examples=[example(real(3, 2)), example(real(2, 3), axis=1)])
def unstack(x: Any, *, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


@composed(*existing("astype"), examples=[example(real(3), float)])
def astype(x: Any, dtype: Any, *, copy: Any = True) -> Any:
    return x.astype(dtype, copy=copy)


@composed(np.require, np.asarray_chkfinite, examples=[example(real(3)), example(real(2, 3))])
def require(a: Any, dtype: Any = None, *_: Any) -> Any:
    return as_array(a, dtype)


@composed(np.fft.fftshift, examples=[example(real(5)), example(real(2, 3)), example(real(2, 3), axes=1)])
def fftshift(x: Any, axes: Any = None) -> Any:
    x = as_array(x)
    axes = tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, (tuple, list)) else (axes,)
    return np.roll(x, [x.shape[i] // 2 for i in axes], tuple(axes))


@composed(np.fft.ifftshift, examples=[example(real(5)), example(real(2, 3)), example(real(2, 3), axes=1)])
def ifftshift(x: Any, axes: Any = None) -> Any:
    x = as_array(x)
    axes = tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, (tuple, list)) else (axes,)
    return np.roll(x, [-(x.shape[i] // 2) for i in axes], tuple(axes))
