"""Parts of an array that are not boxes: diagonals, triangles, sliding windows.

Imports NumPy, the gate table, the axis arithmetic and the run-time helpers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from revcompile.gates.axes import (
    Dims,
    dims_of,
    is_value,
    longer,
    normal,
    shape_dims,
)
from revcompile.gates.numbers import PARTS, UNREAD_PART, Numbers
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim
from revcompile.runtime import scatter, scatter_windows

SOME_ARE_READ = Numbers(zeros=PARTS)
ON_DIAGONAL = Numbers(zeros=PARTS, within=UNREAD_PART)

# -- diagonals, triangles ------------------------------------------------------------------------


def diagonal_length(facts: Facts, rows: Dim, columns: Dim, offset: Any) -> Dim:
    if is_value(offset):
        return facts.fresh()
    if rows.size is not None and columns.size is not None:
        long = columns.size - offset if offset >= 0 else rows.size + offset
        return Dim(size=max(min(long, rows.size if offset >= 0 else columns.size), 0))
    return rows.trimmed(abs(offset)) if facts.same(rows, columns) else facts.fresh()


def on_diagonal(grad_y: Any, offset: int, shape: Any, axis1: int, axis2: int) -> Any:
    """Zeros of `shape` but for `grad_y` on the diagonals of two axes (the last axis of `grad_y`)."""
    i = np.arange(grad_y.shape[-1])
    rows = i - offset if offset < 0 else i
    columns = i + offset if offset > 0 else i
    rank = len(shape)
    axis1 = axis1 % rank
    axis2 = axis2 % rank
    first, last = min(axis1, axis2), max(axis1, axis2)
    index = tuple(rows if k == axis1 else columns if k == axis2 else slice(None) for k in range(last + 1))
    place = first if last - first == 1 else 0  # where NumPy puts the axis of an index of two arrays
    if place != rank - 2:
        grad_y = np.moveaxis(grad_y, -1, place)
    return scatter(grad_y, index, shape)


def diag_dims(facts: Facts, v: Any, k: Any = 0) -> Dims:
    dims = dims_of(facts, v)
    if len(dims) == 1:
        side = facts.fresh() if is_value(k) else longer(facts, dims[0], abs(k))
        return side, side
    return (diagonal_length(facts, dims[0], dims[1], k),)


@gate(
    np.diag,
    memory=Memory.READ_ONLY,
    numbers=ON_DIAGONAL,
    copies=lambda v, k=0: is_value(v) and len(v.type.dims) == 1,
    dims=diag_dims,
    examples=[
        example(real(3)),
        example(real(3), 1),
        example(real(3), k=-2),
        example(real(3, 3)),
        example(real(3, 4)),
        example(real(4, 3), 1),
        example(real(3, 5), -1),
        example(real(3, 3), k=2),
    ],
)
def diag(grad_y: Any, v: Any, k: int = 0) -> Any:
    return np.diag(grad_y, k) if v.ndim == 1 else on_diagonal(grad_y, k, v.shape, 0, 1)


@gate(np.diagflat, numbers=Numbers(within=UNREAD_PART), examples=[example(real(3)), example(real(2, 2), 1)])
def diagflat(grad_y: Any, v: Any, k: int = 0) -> Any:
    diagonal = np.diagonal(grad_y, k)
    return diagonal if np.ndim(v) == 1 else np.reshape(diagonal, np.shape(v))


def diagonal_dims(facts: Facts, a: Any, offset: Any = 0, axis1: int = 0, axis2: int = 1) -> Dims:
    dims = dims_of(facts, a)
    axis1, axis2 = normal(axis1, len(dims)), normal(axis2, len(dims))
    others = [d for i, d in enumerate(dims) if i not in (axis1, axis2)]
    return (*others, diagonal_length(facts, dims[axis1], dims[axis2], offset))


@gate(
    np.diagonal,
    numbers=SOME_ARE_READ,
    methods=["diagonal"],
    memory=Memory.READ_ONLY,
    dims=diagonal_dims,
    examples=[
        example(real(3, 3)),
        example(real(3, 4), 1),
        example(real(2, 3, 4)),
        example(real(2, 3, 4), axis1=1, axis2=2),
        example(real(2, 3, 4), 1, axis1=-1, axis2=-2),
        example(real(2, 3, 4), offset=-1, axis1=0, axis2=2),
        example(real(2, 3, 2, 3), 1, 1, 2),
    ],
)
def diagonal(grad_y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return on_diagonal(grad_y, offset, a.shape, axis1, axis2)


TRIANGLES = (
    example(real(3, 3)),
    example(real(3, 4), 1),
    example(real(4, 3), k=-1),
    example(real(2, 3, 3)),
    example(real(3)),
)


@gate(np.tril, numbers=SOME_ARE_READ, examples=TRIANGLES)
def tril(grad_y: Any, m: Any, k: Any = 0) -> Any:
    return np.tril(grad_y, k)


@gate(np.triu, numbers=SOME_ARE_READ, examples=TRIANGLES)
def triu(grad_y: Any, m: Any, k: Any = 0) -> Any:
    return np.triu(grad_y, k)


# -- windows -------------------------------------------------------------------------------------


def window_dims(facts: Facts, x: Any, window_shape: Any, axis: Any = None) -> Dims:
    dims = list(dims_of(facts, x))
    window = shape_dims(facts, window_shape)
    axes = range(len(dims)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    for i, d in zip(axes, window, strict=True):
        dims[i] = dims[i].trimmed(d.size - 1) if d.size is not None and d.size > 0 else facts.fresh()
    return (*dims, *window)


@gate(
    sliding_window_view,
    memory=Memory.STRETCHED,
    dims=window_dims,
    examples=[
        example(real(5), 3),
        example(real(5), (2,)),
        example(real(4, 5), (2, 3)),
        example(real(4, 5), 2, axis=0),
        example(real(4, 5), 3, axis=-1),
        example(real(2, 4, 5), (2, 3), axis=(2, 1)),
        example(real(6), (2, 3), axis=(0, 0)),
    ],
)
def sliding_windows(grad_y: Any, x: Any, window_shape: Any, axis: Any = None) -> Any:
    return scatter_windows(grad_y, x.shape, window_shape, axis)


def scatter_windows_dims(facts: Facts, grad: Any, shape: Any, window_shape: Any, axis: Any = None) -> Dims:
    return shape_dims(facts, shape)


@gate(
    scatter_windows,
    dims=scatter_windows_dims,
    examples=[
        example(real(3, 3), (5,), 3),
        example(real(3, 5, 2), (4, 5), (2,), axis=0),
        example(real(3, 3, 2, 3), (4, 5), (2, 3)),
    ],
)
def scatter_windows_(grad_y: Any, grad: Any, shape: Any, window_shape: Any, axis: Any = None) -> Any:
    return sliding_window_view(grad_y, window_shape, axis)
