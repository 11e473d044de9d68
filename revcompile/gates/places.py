"""Indices by their shape, elements by a function: tril_indices, apply_along_axis, piecewise, choose by place.

Imports NumPy and the compositions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.axes import Dims, dims_of, dtype_kind
from revcompile.gates.compositions import as_array
from revcompile.gates.numbers import Numbers, same_sign
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate, known
from revcompile.ir.lengths import Facts


@composed(np.tril_indices)
def tril_indices(n: Any, k: Any = 0, m: Any = None) -> Any:
    return np.nonzero(np.tri(n, m, k, dtype=bool))


@composed(np.triu_indices)
def triu_indices(n: Any, k: Any = 0, m: Any = None) -> Any:
    return np.nonzero(~np.tri(n, m, k - 1, dtype=bool))


def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> None: ...


def flat_places(facts: Facts, multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Dims:
    if any(dtype_kind(x) not in "iu" for x in (multi_index, dims)):
        raise NotImplementedError("np.ravel_multi_index counts: only whole numbers are supported")
    if isinstance(multi_index, (tuple, list)):
        return facts.broadcast(*(dims_of(facts, x) for x in multi_index))
    return dims_of(facts, multi_index)[1:]


known(np.ravel_multi_index, signature=_ravel_multi_index, dims=flat_places)


@composed(np.isfortran)
def isfortran(a: Any) -> Any:
    if np.ndim(a) > 1:
        raise UnsupportedError("np.isfortran asks how an array lies in memory")
    return False


@composed(np.fromiter, examples=[example([real(), real()], float), example(real(4), float, 3)])
def fromiter(iter: Any, dtype: Any, count: Any = -1, *, like: Any = None) -> Any:
    items = np.array(iter if isinstance(iter, (list, np.ndarray)) else [item for item in iter], dtype)
    return items if count == -1 else items[:count]


@composed(np.tril_indices_from)
def tril_indices_from(arr: Any, k: Any = 0) -> Any:
    return np.tril_indices(arr.shape[0], k, arr.shape[1])


@composed(np.triu_indices_from)
def triu_indices_from(arr: Any, k: Any = 0) -> Any:
    return np.triu_indices(arr.shape[0], k, arr.shape[1])


@composed(np.diag_indices)
def diag_indices(n: Any, ndim: int = 2) -> Any:
    return (np.arange(n),) * ndim


@composed(np.diag_indices_from)
def diag_indices_from(arr: Any) -> Any:
    return np.diag_indices(arr.shape[0], arr.ndim)


@composed(np.isscalar)
def isscalar(element: Any) -> Any:
    return isinstance(element, (int, float, complex, str, bytes, np.generic))


@composed(np.iterable)
def iterable(y: Any) -> Any:
    return isinstance(y, (list, tuple, dict, str)) or np.ndim(y) > 0


@composed(
    np.apply_along_axis,
    examples=[
        example(np.sum, 0, real(2, 3)),
        example(np.cumsum, 1, real(2, 3)),
        example(np.max, -1, real(2, 2, 3)),
    ],
)
def apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """Of each line along the axis; the axes of what the function gives stand where that was."""
    arr = as_array(arr)
    axis = axis % arr.ndim
    lines = np.moveaxis(arr, axis, -1)
    rest = lines.shape[:-1]
    flat = np.reshape(lines, (-1, lines.shape[-1]))
    found = np.array([func1d(row, *args, **kwargs) for row in flat])
    inner = found.ndim - 1
    found = np.reshape(found, rest + found.shape[1:])
    return (
        found if inner == 0 else np.moveaxis(found, tuple(range(-inner, 0)), tuple(range(axis, axis + inner)))
    )


@composed(
    np.apply_over_axes,
    examples=[example(np.sum, real(2, 3, 2), [0, 2]), example(np.max, real(2, 3), 0)],
)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    a = as_array(a)
    rank = a.ndim
    for axis in axes if isinstance(axes, (tuple, list)) else (axes,):
        found = func(a, axis)
        a = found if np.ndim(found) == rank else np.expand_dims(found, axis)
    return a


@composed(
    np.piecewise,
    examples=[
        example(real(4), [np.array([True, False, True, False])], [real(), real()]),
        example(real(3), [np.array([True, False, True])], [np.sin, np.cos]),
    ],
)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """The last condition that holds says which function; where none does, the one beyond them, or zero."""
    x = as_array(x)
    conditions = [as_array(c) for c in condlist] if isinstance(condlist, (list, tuple)) else [condlist]
    y = np.zeros(x.shape, x.dtype)
    if len(funclist) == len(conditions) + 1:
        none = ~conditions[0]
        for condition in conditions[1:]:
            none = none & ~condition
        conditions = [*conditions, none]
    for condition, part in zip(conditions, funclist):
        y[condition] = part(x[condition], *args, **kw) if callable(part) else part
    return y


@gate(
    np.partition,
    numbers=Numbers(sign=same_sign),
    examples=[
        example(real(5), 2),
        example(real(3, 4), 1),
        example(real(3, 4), 1, axis=0),
        example(real(2, 3), 2, None),
    ],
)
def partition(grad_y: Any, y: Any, a: Any, kth: Any, axis: Any = -1) -> Any:
    """Each element of the result is that of the same rank in the operand."""
    flat = a if axis is not None else np.reshape(a, -1)
    along = -1 if axis is None else axis
    where, rank = np.argsort(y, along), np.argsort(np.argsort(flat, along), along)
    grad_a = np.take_along_axis(np.take_along_axis(grad_y, where, along), rank, along)
    return grad_a if axis is not None else np.reshape(grad_a, a.shape)
