"""Joining: concatenate, stack, block and their kin.

The gradient of a join is cut into pieces. Imports NumPy, the gate table and the axis arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import HostError
from revcompile.gates.axes import Dims, agree, along, dims_of, is_value, normal, product, total
from revcompile.gates.compositions import existing
from revcompile.gates.numbers import UNREAD_ITEM, UNREAD_PART, Numbers, same_sign
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate
from revcompile.ir.lengths import Facts
from revcompile.ir.types import ONE, Dim

JOINED = Numbers(sign=same_sign, within=UNREAD_PART)
STACKED = Numbers(sign=same_sign, within=UNREAD_ITEM)

# -- joining -------------------------------------------------------------------------------------


def pieces(grad_y: Any, lengths: Any, axis: int) -> list[Any]:
    """`grad_y` cut along `axis` into pieces of these lengths; None is one element without that axis."""
    out: list[Any] = []
    start = None
    for i, length in enumerate(lengths):
        begin = 0 if start is None else start
        stop = begin + (1 if length is None else length)
        end = None if i == len(lengths) - 1 else stop
        out = [*out, grad_y[along(axis, begin if length is None else slice(start, end))]]
        start = stop
    return out


def operands(facts: Facts, arrays: Any) -> list[Dims]:
    """The axes of each array of a list of arrays."""
    if not isinstance(arrays, (list, tuple)):
        raise NotImplementedError("the arrays to be joined must be a list or a tuple of them")
    return [dims_of(facts, a) for a in arrays]


def joined(facts: Facts, shapes: list[Dims], axis: int) -> Dims:
    """The axes of arrays laid end to end along `axis`."""
    axis = normal(axis, len(shapes[0]))
    if any(len(s) != len(shapes[0]) for s in shapes):
        raise HostError(ValueError("all the arrays to be joined must have the same number of dimensions"))
    out = list(agree(facts, shapes, [i for i in range(len(shapes[0])) if i != axis]))
    out[axis] = total(facts, [s[axis] for s in shapes])
    return tuple(out)


def concatenate_dims(facts: Facts, arrays: Any, axis: int | None = 0) -> Dims:
    shapes = operands(facts, arrays)
    if axis is None:
        return (total(facts, [product(facts, s) for s in shapes]),)
    return joined(facts, shapes, axis)


def means_joined(join: Any, of_items: Any, casts: bool = False) -> Any:
    """What a join means of an array, whose rows are the list; and with `dtype=`, which casts."""

    def cast(arrays: Any, *args: Any, dtype: Any = None, casting: Any = None, **options: Any) -> Any:
        y = join(arrays, *args, **options)
        return y if dtype is None else y.astype(dtype)

    def of_rows(arrays: Any, *args: Any, **options: Any) -> Any:
        return of_items(arrays.copy(), *args, **options)

    def means(args: Any, kwargs: Any) -> Any:
        arrays: Any = args[0] if args else ()
        if casts and not kwargs.keys().isdisjoint(("dtype", "casting")):
            return cast
        return of_rows if is_value(arrays) and arrays.type.dims else None

    return means


def concatenated_items(items: Any, axis: int = 0) -> Any:
    """The items end to end along one of their axes: side by side first, then the two axes made one."""
    rank = items.ndim - 1
    if rank == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    beside = items if axis % rank == 0 else np.moveaxis(items, 0, axis % rank)
    return np.reshape(beside, beside.shape[: axis % rank] + (-1,) + beside.shape[axis % rank + 2 :])


def joined_items(arrays: Any, axis: Any = 0) -> Any:
    return np.ravel(arrays) if axis is None else concatenated_items(arrays, axis)


@gate(
    np.concatenate,
    joins=True,
    linear=((0,),),
    reads_late=True,
    of_items=concatenated_items,
    means=means_joined(np.concatenate, joined_items, casts=True),
    numbers=JOINED,
    dims=concatenate_dims,
    examples=[
        example([real(3), real(2)]),
        example([real(3)]),
        example((real(3, 2), real(1, 2), real(2, 2))),
        example([real(3, 4), real(3, 2)], axis=1),
        example([real(2, 3, 4), real(2, 3, 1)], axis=-1),
        example([real(2, 3), real(4), real()], axis=None),
        example([[0.0], real(3)]),
    ],
)
def concatenate(grad_y: Any, arrays: Any, axis: Any = 0) -> Any:
    if axis is None:
        parts = pieces(grad_y, [None if np.ndim(a) == 0 else np.size(a) for a in arrays], 0)
        return [part if np.ndim(a) < 2 else np.reshape(part, a.shape) for part, a in zip(parts, arrays)]
    axis = axis % np.ndim(grad_y)
    return pieces(grad_y, [np.shape(a)[axis] for a in arrays], axis)


def stack_dims(facts: Facts, arrays: Any, axis: int = 0) -> Dims:
    shapes = operands(facts, arrays)
    if not shapes:
        raise HostError(ValueError("need at least one array to stack"))
    common = agree(facts, shapes)
    axis = normal(axis, len(common) + 1)
    return (*common[:axis], Dim(size=len(shapes)), *common[axis:])


def stacked_items(items: Any, axis: int = 0) -> Any:
    return items if axis == 0 else np.moveaxis(items, 0, axis)


@gate(
    np.stack,
    joins=True,
    linear=((0,),),
    reads_late=True,
    of_items=stacked_items,
    means=means_joined(np.stack, stacked_items, casts=True),
    numbers=STACKED,
    dims=stack_dims,
    examples=[
        example([real(3), real(3)]),
        example((real(3), real(3)), axis=1),
        example([real(2, 3), real(2, 3), real(2, 3)], axis=-1),
        example([real(2, 3), real(2, 3)], axis=1),
        example([real(), real(), real()]),
    ],
)
def stack(grad_y: Any, arrays: Any, axis: int = 0) -> Any:
    return [grad_y[along(axis % grad_y.ndim, i)] for i in range(len(arrays))]


def vstack_dims(facts: Facts, tup: Any) -> Dims:
    return joined(facts, [(ONE,) * (2 - len(s)) + s for s in operands(facts, tup)], 0)


def vstacked_items(items: Any) -> Any:
    if items.ndim > 2:
        return concatenated_items(items)
    return items if items.ndim == 2 else np.expand_dims(items, 1)


@gate(
    np.vstack,
    joins=True,
    linear=((0,),),
    numbers=STACKED,
    of_items=vstacked_items,
    means=means_joined(np.vstack, vstacked_items, casts=True),
    dims=vstack_dims,
    examples=[
        example([real(3), real(3)]),
        example((real(2, 3), real(3), real(1, 3))),
        example([real(), real()]),
        example([real(2, 3, 4), real(1, 3, 4)]),
    ],
)
def vstack(grad_y: Any, tup: Any) -> Any:
    return pieces(grad_y, [np.shape(a)[0] if np.ndim(a) >= 2 else None for a in tup], 0)


@composed(*existing("row_stack"), examples=[example([real(3), real(3)])])
def row_stack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return np.vstack(tup, dtype=dtype, casting=casting)


def hstack_dims(facts: Facts, tup: Any) -> Dims:
    shapes = [s or (ONE,) for s in operands(facts, tup)]
    return joined(facts, shapes, 0 if len(shapes[0]) == 1 else 1)


def hstacked_items(items: Any) -> Any:
    if items.ndim == 1:
        return items
    return concatenated_items(items, 0 if items.ndim == 2 else 1)


@gate(
    np.hstack,
    joins=True,
    linear=((0,),),
    numbers=JOINED,
    of_items=hstacked_items,
    means=means_joined(np.hstack, hstacked_items, casts=True),
    dims=hstack_dims,
    examples=[
        example([real(3), real(2)]),
        example((real(), real(3), real())),
        example([real(2, 3), real(2, 1)]),
        example([real(2, 3, 4), real(2, 1, 4)]),
    ],
)
def hstack(grad_y: Any, tup: Any) -> Any:
    axis = min(grad_y.ndim - 1, 1)
    return pieces(grad_y, [np.shape(a)[axis] if np.ndim(a) >= 1 else None for a in tup], axis)


def depths_of_items(tup: Any) -> Any:
    if tup.ndim > 3:
        return concatenated_items(tup, 2)
    if tup.ndim == 3:
        return np.moveaxis(tup, 0, -1)
    return np.transpose(tup)[None] if tup.ndim == 2 else tup[None, None]


def dstack_dims(facts: Facts, tup: Any) -> Dims:
    shapes = operands(facts, tup)
    return joined(facts, [(ONE,) * (2 - len(s)) + s + (ONE,) if len(s) < 3 else s for s in shapes], 2)


@gate(
    np.dstack,
    joins=True,
    means=means_joined(np.dstack, depths_of_items),
    numbers=STACKED,
    dims=dstack_dims,
    examples=[
        example([real(3), real(3)]),
        example((real(2, 3), real(2, 3), real(2, 3, 4))),
        example([real(), real()]),
    ],
)
def dstack(grad_y: Any, tup: Any) -> Any:
    return pieces(grad_y, [np.shape(a)[2] if np.ndim(a) >= 3 else None for a in tup], 2)


def column_stack_dims(facts: Facts, tup: Any) -> Dims:
    shapes = operands(facts, tup)
    return joined(facts, [(s or (ONE,)) + (ONE,) if len(s) < 2 else s for s in shapes], 1)


def columns_of_items(items: Any) -> Any:
    if items.ndim > 2:
        return concatenated_items(items, 1)
    return np.transpose(items) if items.ndim == 2 else np.expand_dims(items, 0)


@gate(
    np.column_stack,
    joins=True,
    numbers=STACKED,
    of_items=columns_of_items,
    means=means_joined(np.column_stack, columns_of_items),
    dims=column_stack_dims,
    examples=[
        example([real(3), real(3)]),
        example((real(3, 2), real(3), real(3, 1))),
        example([real(), real()]),
    ],
)
def column_stack(grad_y: Any, tup: Any) -> Any:
    return pieces(grad_y, [np.shape(a)[1] if np.ndim(a) >= 2 else None for a in tup], 1)


def append_dims(facts: Facts, arr: Any, values: Any, axis: int | None = None) -> Dims:
    return concatenate_dims(facts, (arr, values), axis)


@gate(
    np.append,
    numbers=Numbers(within=UNREAD_PART),
    dims=append_dims,
    examples=[
        example(real(3), real(2)),
        example(real(3), real()),
        example(real(2, 3), real(2, 2)),
        example(real(2, 3), real(1, 3), axis=0),
        example(real(2, 3), real(2, 1), axis=-1),
    ],
)
def append(grad_y: Any, arr: Any, values: Any, axis: Any = None) -> Any:
    grad_arr, grad_values = concatenate(grad_y, (arr, values), axis)
    return grad_arr, grad_values


def block_dims(facts: Facts, arrays: Any) -> Dims:
    depth = nesting(arrays)
    return _block_dims(facts, arrays, max(depth, max_rank(facts, arrays)), depth)


def nesting(arrays: Any) -> int:
    """How deep the lists of a block matrix are nested."""
    return 1 + nesting(arrays[0]) if isinstance(arrays, list) else 0


def max_rank(facts: Facts, arrays: Any) -> int:
    if isinstance(arrays, list):
        return max(max_rank(facts, a) for a in arrays)
    return len(dims_of(facts, arrays))


def _block_dims(facts: Facts, arrays: Any, rank: int, depth: int) -> Dims:
    if isinstance(arrays, list):
        return joined(facts, [_block_dims(facts, a, rank, depth - 1) for a in arrays], rank - depth)
    dims = dims_of(facts, arrays)
    return (ONE,) * (rank - len(dims)) + dims


def block_length(block: Any, axis: int) -> Any:
    """The length of a block, which may be nested lists, along `axis`, counted from the end."""
    if isinstance(block, list):  # its own parts are joined along a later axis
        return block_length(block[0], axis)
    return np.shape(block)[axis] if np.ndim(block) >= -axis else 1


@gate(
    np.block,
    numbers=STACKED,
    dims=block_dims,
    examples=[
        example([real(2), real(3)]),
        example([[real(2, 2), real(2, 3)], [real(1, 2), real(1, 3)]]),
        example([[real(2, 3)], [real(3)]]),
        example([[real(), real(2)], [real(1, 1), real(1, 2)]]),
        example([[[real(2, 2, 1), real(2, 2, 2)]], [[real(1, 2, 3)]]]),
        example([real(2, 3), real(2, 1)]),
    ],
)
def block(grad_y: Any, arrays: Any) -> Any:
    if not isinstance(arrays, list):
        return grad_y
    axis = -nesting(arrays)
    parts = pieces(grad_y, [block_length(a, axis) for a in arrays], axis % grad_y.ndim)
    return [block(part, a) for part, a in zip(parts, arrays)]
