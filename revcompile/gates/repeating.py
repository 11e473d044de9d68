"""More elements out of the same: repeat, tile, pad, meshgrid, ix_, broadcast_arrays.

Imports NumPy, the gate table, the axis arithmetic and `scatter_add` of the run-time helpers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import (
    Dims,
    along,
    dims_of,
    dtype_kind,
    entries,
    extent,
    is_value,
    longer,
    normal,
    product,
)
from revcompile.gates.compositions import as_array, as_places, of_other_places, when_given
from revcompile.gates.numbers import PARTS, UNREAD_PART, Numbers
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.ir.types import ONE, Dim
from revcompile.runtime import scatter_add


def times(facts: Facts, d: Dim, count: Any) -> Dim:
    """The length of `count` copies laid end to end."""
    if is_value(count):
        times = extent(facts, count)
        return times if d.is_one else facts.made("*", (d, times))
    return product(facts, [d, Dim(size=int(count))])


def repeat_dims(facts: Facts, a: Any, repeats: Any, axis: int | None = None) -> Dims:
    dims = dims_of(facts, a)
    dims = (product(facts, dims),) if axis is None or not dims else dims
    axis = normal(axis or 0, len(dims))
    single = len(dims_of(facts, repeats)) == 0
    repeated = times(facts, dims[axis], repeats) if single else facts.fresh()
    return (*dims[:axis], repeated, *dims[axis + 1 :])


def zeros_of_repeat(args: Any, operand: int) -> int:
    """What is repeated no time."""
    return 0 if isinstance(args[1], int) and args[1] > 0 else PARTS


def repeat_otherwise(a: Any, repeats: Any, axis: Any = None) -> Any:
    return np.repeat(a, as_places(repeats), axis)


@gate(
    np.repeat,
    means=of_other_places(repeat_otherwise, 1),
    numbers=Numbers(zeros=zeros_of_repeat),
    methods=["repeat"],
    dims=repeat_dims,
    examples=[
        example(real(3), 2),
        example(real(), 3),
        example(real(), 3, axis=-1),
        example(real(2, 3), 2),
        example(real(2, 3), 2, axis=0),
        example(real(2, 3), 3, axis=-1),
        example(real(3), [2, 0, 1]),
        example(real(3), np.array([2, 0, 1]), axis=0),
        example(real(2, 2), [1, 0, 2, 3]),
        example(real(2, 3), (1, 0, 2), axis=1),
        example(real(3), [2]),
    ],
)
def repeat(grad_y: Any, a: Any, repeats: Any, axis: Any = None) -> Any:
    if np.ndim(a) == 0:
        return np.sum(grad_y)
    whole = (a.size,) if axis is None else a.shape
    axis = 0 if axis is None else axis % a.ndim
    if not isinstance(repeats, (list, tuple)) and np.ndim(repeats) == 0:
        copies = np.reshape(grad_y, whole[: axis + 1] + (repeats,) + whole[axis + 1 :])
        grad_a = np.sum(copies, axis=axis + 1)
    else:
        origin = np.repeat(np.arange(whole[axis]), repeats)
        grad_a = scatter_add(grad_y, along(axis, origin), whole)
    return grad_a if len(whole) == a.ndim else np.reshape(grad_a, a.shape)


def tile_dims(facts: Facts, A: Any, reps: Any) -> Dims:
    dims, counts = dims_of(facts, A), entries(reps)
    dims = (ONE,) * (len(counts) - len(dims)) + dims
    counts = (1,) * (len(dims) - len(counts)) + counts
    return tuple(times(facts, d, count) for d, count in zip(dims, counts, strict=True))


@gate(
    np.tile,
    dims=tile_dims,
    examples=[
        example(real(3), 2),
        example(real(3), (2, 2)),
        example(real(2, 3), 2),
        example(real(2, 3), (2, 1)),
        example(real(2, 3), (2, 1, 3)),
        example(real(2, 1, 3), [3, 2]),
        example(real(), 3),
        example(real(), (2, 3)),
    ],
)
def tile(grad_y: Any, A: Any, reps: Any) -> Any:
    if np.ndim(A) == 0:
        return np.sum(grad_y)
    counts = tuple(reps) if isinstance(reps, (list, tuple)) else (reps,)
    untiled = max(np.ndim(A) - len(counts), 0)
    added = max(len(counts) - np.ndim(A), 0)
    copies = np.shape(A)[:untiled] + counts[:added]
    for count, length in zip(counts[added:], np.shape(A)[untiled:]):
        copies = copies + (count, length)
    axes = tuple(range(added)) + tuple(range(untiled + added, len(copies), 2))
    return np.sum(np.reshape(grad_y, copies), axis=axes)


def widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    """`pad_width` written out: how many elements are added before and after, for every axis."""
    if isinstance(pad_width, np.ndarray):
        pad_width = pad_width.tolist()
    if not isinstance(pad_width, (tuple, list)):
        return [(pad_width, pad_width)] * rank
    if not isinstance(pad_width[0], (tuple, list)):
        return [(pad_width[0], pad_width[-1])] * rank
    pairs = [(pair[0], pair[-1]) for pair in pad_width]
    return pairs * rank if len(pairs) == 1 else pairs


def pad_dims(
    facts: Facts, array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0
) -> Dims:
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise NotImplementedError(
            f"np.pad: mode={mode!r} has no rule; all others have but 'empty' and functions"
        )
    if len(dims_of(facts, constant_values)) > 0:
        raise NotImplementedError("np.pad: constant_values must be one number")
    dims = dims_of(facts, array)
    pairs = widths(pad_width, len(dims))
    return tuple(longer(facts, d, a + b) for d, (a, b) in zip(dims, pairs, strict=True))


STATISTICS: dict[str, Any] = {"mean": np.mean, "maximum": np.max, "minimum": np.min, "median": np.median}


def padded(
    array: Any, pad_width: Any, mode: str = "constant", *, stat_length: Any = None, end_values: Any = 0
) -> Any:
    """What is padded along an axis is padded along the next one."""
    y = as_array(array)
    ends, lengths = widths(end_values, y.ndim), widths(stat_length, y.ndim)
    for axis, (before, after) in enumerate(widths(pad_width, y.ndim)):
        parts = [y]
        for count, end, length, is_first in (
            (before, ends[axis][0], lengths[axis][0], True),
            (after, ends[axis][1], lengths[axis][1], False),
        ):
            if mode == "linear_ramp":
                edge = y[along(axis, slice(0, 1) if is_first else slice(-1, None))]
                steps = np.arange(count) if is_first else np.arange(count)[::-1]
                part = end + (edge - end) * np.reshape(steps / count, (-1,) + (1,) * (y.ndim - 1 - axis))
            else:
                length = y.shape[axis] if length is None else length
                near = y[along(axis, slice(0, length) if is_first else slice(-length, None))]
                part = np.repeat(STATISTICS[mode](near, axis=axis, keepdims=True), count, axis=axis)
            if count > 0:
                parts = [part, *parts] if is_first else [*parts, part]
        y = np.concatenate(parts, axis=axis)
    return y


def means_padded(args: Any, kwargs: Any) -> Any:
    mode = args[2] if len(args) > 2 else kwargs.get("mode")
    return padded if isinstance(mode, str) and mode in (*STATISTICS, "linear_ramp") else None


@gate(
    np.pad,
    means=means_padded,
    numbers=Numbers(within=UNREAD_PART),
    dims=pad_dims,
    examples=[
        example(real(3), 1),
        example(real(3), (1, 2)),
        example(real(3), (2, 0), constant_values=2),
        example(real(3), ((0, 2),)),
        example(real(2, 3), 1),
        example(real(2, 3), ((1, 0), (0, 2))),
        example(real(2, 3), [[1, 2]], constant_values=-1),
        example(real(4), 2, mode="edge"),
        example(real(4), (2, 1), mode="reflect"),
        example(real(3), (7, 5), mode="reflect"),
        example(real(3), (4, 5), mode="symmetric"),
        example(real(3), (4, 5), mode="wrap"),
        example(real(3, 4), ((1, 2), (0, 3)), "edge"),
        example(real(3, 4), ((0, 2), (3, 1)), mode="wrap"),
    ],
)
def pad(grad_y: Any, array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    pairs = widths(pad_width, array.ndim)
    if mode == "constant":
        inner = tuple(slice(before, -after if after > 0 else None) for before, after in pairs)
        grad_array = grad_y[inner[0] if array.ndim == 1 else inner]
        return grad_array, None, None, np.sum(grad_y) - np.sum(grad_array)
    shape = grad_y.shape
    for axis in range(array.ndim):
        shape = shape[:axis] + (array.shape[axis],) + shape[axis + 1 :]
        origin = np.pad(np.arange(array.shape[axis]), pairs[axis], mode=mode)
        grad_y = scatter_add(grad_y, along(axis, origin), shape)
    return grad_y


def meshgrid_of_views(*xi: Any, copy: Any, sparse: bool = False, indexing: str = "xy") -> Any:
    if copy:
        return np.meshgrid(*xi, sparse=sparse, indexing=indexing)
    n = len(xi)
    places = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else range(n)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for x, i in zip(xi, places)]
    return tuple(grids) if sparse else tuple(np.broadcast_arrays(*grids))


@gate(
    np.meshgrid,
    means=when_given(meshgrid_of_views, "copy"),
    examples=[
        example(real(3), real(2)),
        example(real(3), real(2), indexing="ij"),
        example(real(3), real(2), real(4)),
        example(real(3), real(2), sparse=True),
        example(real(3), real(2), real(4), indexing="ij", sparse=True),
        example(real(3)),
        example(real(), real(2)),
        example(real(2, 3), real(2)),
        example(real(2, 2), real(2, 3), sparse=True),
    ],
)
def meshgrid(grad_y: Any, *xi: Any, sparse: bool = False, indexing: str = "xy") -> Any:
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places = [1, 0, *places[2:]]
    return [along_one(grad, x, place, sparse) for grad, x, place in zip(grad_y, xi, places)]


def along_one(grad: Any, x: Any, place: int, sparse: bool) -> Any:
    """The gradient of a coordinate vector `x` from that of its grid: all axes but `place` are summed."""
    if grad is None:
        return None
    if np.ndim(x) == 0:
        return np.sum(grad)
    if not sparse and grad.ndim > 1:
        grad = np.sum(grad, axis=tuple(i for i in range(grad.ndim) if i != place))
    return grad if x.ndim == 1 and grad.ndim == 1 else np.reshape(grad, x.shape)


def ix_dims(facts: Facts, args: tuple[Any, ...]) -> tuple[Dims, ...]:
    """Of a mask, how many elements are picked is known at run time only."""
    lengths = [facts.fresh() if dtype_kind(a) == "b" else dims_of(facts, a)[0] for a in args]
    return tuple(tuple(n if i == j else ONE for j in range(len(args))) for i, n in enumerate(lengths))


def along_each(*args: Any) -> Any:
    """What `np.ix_` gives, one by one."""
    arrays = [as_array(x) for x in args]
    places = [np.nonzero(x)[0] if x.dtype == bool else x for x in arrays]
    n = len(places)
    return tuple([np.reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(places)])


@gate(
    np.ix_,
    parts=along_each,
    dims=ix_dims,
    memory=Memory.SHARED,
    examples=[example(real(3), real(2)), example(real(3), np.array([0, 2]), real(4))],
)
def ix_(grad_y: Any, *args: Any) -> Any:
    return [along_one(grad, x, place, True) for grad, x, place in zip(grad_y, args, range(len(args)))]


def broadcast_arrays_dims(facts: Facts, args: Any) -> tuple[Dims, ...]:
    return (facts.broadcast(*(dims_of(facts, a) for a in args)),) * len(args)


def broadcast_one_by_one(*args: Any) -> Any:
    shape = np.broadcast_shapes(*[np.shape(x) for x in args])
    return tuple([np.broadcast_to(x, shape) for x in args])


@gate(
    np.broadcast_arrays,
    parts=broadcast_one_by_one,
    memory=Memory.SPREAD,
    dims=broadcast_arrays_dims,
    examples=[example(real(3, 1), real(4)), example(real(2, 3), real()), example(real(3))],
)
def broadcast_arrays(grad_y: Any, *args: Any) -> Any:
    return list(grad_y)
