"""What operations are of stacks: of operands that have one axis more, in front, item by item.

A rule has the parameters of its gate and is read as code, like a backward rule; None says that it cannot
tell. It stands for the gate where many directions are followed at once (`autodiff/batch`). Gates that go
element by element need none.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import revcompile.gates.vectors  # noqa: F401 (a rule is of a gate that is in the table)
from revcompile.gates.einsum import spelled_out, unused_labels
from revcompile.gates.indexing import is_gather
from revcompile.gates.products import pairs_of_axes
from revcompile.gates.record import Function
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Structure
from revcompile.runtime import scatter, scatter_add, scatter_along_axis, unbroadcast, zeros_for


def of_stacks(*functions: Function, of: str) -> Callable[[Function], Function]:
    """The rule below is what the gates of these functions are of stacks for the operands of this name, or of
    these names, with a blank between. Others are as they are."""

    def decorate(rule: Function) -> Function:
        for function in functions:
            TABLE[function].batched[of] = rule
        return rule

    return decorate


# -- axes ----------------------------------------------------------------------------------------


def behind(axis: Any) -> Any:
    """The axes of an item, as axes of a stack of items."""
    if isinstance(axis, (tuple, list)):
        return tuple([behind(i) for i in axis])
    return axis + 1 if axis >= 0 else axis


def all_behind(axis: Any, stack: Any) -> Any:
    """The same, where None stands for all axes."""
    if axis is None:
        return 1 if stack.ndim == 2 else tuple(range(1, stack.ndim))
    return behind(axis)


def laid_flat(stack: Any) -> Any:
    """A stack of the elements of its items, in one axis."""
    return stack if stack.ndim == 2 else np.reshape(stack, (stack.shape[0], -1))


def raised(stack: Any, rank: int) -> Any:
    """The stack of items that have axes of length 1 before theirs, so that they have so many."""
    missing = rank + 1 - stack.ndim
    return np.expand_dims(stack, tuple(range(1, 1 + missing))) if missing > 0 else stack


def stacked(x: Any) -> Any:
    """A stack of arrays, for a nested list of stacks of numbers or arrays."""
    return np.stack([stacked(item) for item in x], 1) if isinstance(x, (list, tuple)) else x


def of_each_item(index: Structure) -> Structure:
    """The index that takes, of each item of a stack, what this one takes of an item."""
    parts = index if isinstance(index, tuple) else (index,)
    return (slice(None), *parts)


def is_together(index: Structure) -> bool:
    """Whether the parts of an index that arrays have to do with are side by side: the axes of arrays that are
    not come first."""
    parts = index if isinstance(index, tuple) else (index,)
    picks = [i for i, p in enumerate(parts) if not (p is None or p is Ellipsis or isinstance(p, slice))]
    return not is_gather(index) or picks == list(range(picks[0], picks[-1] + 1))


# -- rules ---------------------------------------------------------------------------------------


@of_stacks(np.cumsum, of="a")
def cumsum_of_each(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.cumsum(laid_flat(a), 1, dtype) if axis is None else np.cumsum(a, behind(axis), dtype)


@of_stacks(np.reshape, of="a")
def reshape_of_each(a: Any, shape: Any, order: str = "C") -> Any:
    if order != "C":
        return None  # another order than C
    return np.reshape(a, (a.shape[0], *(shape if isinstance(shape, (tuple, list)) else (shape,))))


@of_stacks(np.ravel, np.ndarray.flatten, of="a")
def ravel_of_each(a: Any, order: str = "C") -> Any:
    if order != "C":
        return None  # another order than C
    return a[:, None] if a.ndim == 1 else laid_flat(a)


@of_stacks(np.ndarray.item, of="a")
def item_of_each(a: Any) -> Any:
    return np.reshape(a, -1)


@of_stacks(np.transpose, of="a")
def transpose_of_each(a: Any, axes: Any = None) -> Any:
    if axes is None:
        return a if a.ndim <= 2 else np.transpose(a, (0, *range(a.ndim - 1, 0, -1)))
    return np.transpose(a, (0, *behind(axes)))


@of_stacks(np.swapaxes, of="a")
def swapaxes_of_each(a: Any, axis1: int, axis2: int) -> Any:
    return np.swapaxes(a, behind(axis1), behind(axis2))


@of_stacks(np.moveaxis, of="a")
def moveaxis_of_each(a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(a, behind(source), behind(destination))


@of_stacks(np.expand_dims, of="a")
def expand_dims_of_each(a: Any, axis: Any) -> Any:
    return np.expand_dims(a, behind(axis))


@of_stacks(np.squeeze, of="a")
def squeeze_of_each(a: Any, axis: Any = None) -> Any:
    if axis is None:
        return None  # all axes of length 1
    return a if a.ndim == 1 else np.squeeze(a, behind(axis))


@of_stacks(np.broadcast_to, of="array")
def broadcast_to_of_each(array: Any, shape: Any) -> Any:
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    return np.broadcast_to(raised(array, len(lengths)), (array.shape[0], *lengths))


@of_stacks(np.atleast_1d, of="a")
def atleast_1d_of_each(a: Any) -> Any:
    return a[:, None] if a.ndim == 1 else a


@of_stacks(np.atleast_2d, of="a")
def atleast_2d_of_each(a: Any) -> Any:
    return raised(a, 2)


@of_stacks(np.rot90, of="m")
def rot90_of_each(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return np.rot90(m, k, behind(axes))


@of_stacks(np.flip, of="m")
def flip_of_each(m: Any, axis: Any = None) -> Any:
    return np.flip(m, all_behind(axis, m))


@of_stacks(np.fliplr, of="m")
def fliplr_of_each(m: Any) -> Any:
    return np.flip(m, 2)


@of_stacks(np.flipud, of="m")
def flipud_of_each(m: Any) -> Any:
    return np.flip(m, 1)


@of_stacks(np.roll, of="a")
def roll_of_each(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.roll(laid_flat(a), shift, 1), a.shape)
    return np.roll(a, shift, behind(axis))


@of_stacks(operator.getitem, of="a")
def getitem_of_each(a: Any, index: Any) -> Any:
    return a[of_each_item(index)] if is_together(index) else None


@of_stacks(scatter, of="grad")
def scatter_of_each(grad: Any, index: Any, shape: Any) -> Any:
    return scatter(grad, of_each_item(index), (grad.shape[0], *shape)) if is_together(index) else None


@of_stacks(scatter_add, of="grad")
def scatter_add_of_each(grad: Any, index: Any, shape: Any) -> Any:
    return scatter_add(grad, of_each_item(index), (grad.shape[0], *shape)) if is_together(index) else None


@of_stacks(np.take, of="a")
def take_of_each(a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    if axis is None or a.ndim == 1:
        return np.take(laid_flat(a), indices, 1, mode=mode)
    return np.take(a, indices, behind(axis), mode=mode)


@of_stacks(np.repeat, of="a")
def repeat_of_each(a: Any, repeats: Any, axis: Any = None) -> Any:
    if axis is None or a.ndim == 1:
        return np.repeat(laid_flat(a), repeats, 1)
    return np.repeat(a, repeats, behind(axis))


@of_stacks(np.tile, of="A")
def tile_of_each(A: Any, reps: Any) -> Any:
    counts = tuple(reps) if isinstance(reps, (list, tuple)) else (reps,)
    rank = max(A.ndim - 1, len(counts))
    return np.tile(raised(A, rank), (1, *((1,) * (rank - len(counts))), *counts))


@of_stacks(np.concatenate, of="arrays")
def concatenate_of_each(arrays: Any, axis: Any = 0) -> Any:
    if axis is None:
        return None  # arrays laid flat
    return np.concatenate([stacked(a) for a in arrays], behind(axis))


@of_stacks(np.stack, of="arrays")
def stack_of_each(arrays: Any, axis: int = 0) -> Any:
    return np.stack([stacked(a) for a in arrays], behind(axis))


@of_stacks(np.vstack, of="tup")
def vstack_of_each(tup: Any) -> Any:
    return np.concatenate([raised(stacked(a), 2) for a in tup], 1)


@of_stacks(np.hstack, of="tup")
def hstack_of_each(tup: Any) -> Any:
    arrays = [raised(stacked(a), 1) for a in tup]
    return np.concatenate(arrays, 1 if arrays[0].ndim == 2 else 2)


@of_stacks(np.column_stack, of="tup")
def column_stack_of_each(tup: Any) -> Any:
    arrays = [stacked(a) for a in tup]
    return np.concatenate([a if a.ndim == 3 else raised(a, 1)[:, :, None] for a in arrays], 2)


@of_stacks(operator.matmul, np.matmul, np.linalg.matmul, of="a")
def matmul_of_each_a(a: Any, b: Any, /) -> Any:
    if a.ndim == 2 and b.ndim > 2:
        return None  # a vector times a stack of matrices
    return a @ b if b.ndim <= 2 else raised(a, b.ndim) @ b


@of_stacks(operator.matmul, np.matmul, np.linalg.matmul, of="b")
def matmul_of_each_b(a: Any, b: Any, /) -> Any:
    if b.ndim > 2:
        return a @ raised(b, a.ndim)
    if a.ndim > 2:
        return np.tensordot(b, a, (1, a.ndim - 1))
    return b @ (a.T if a.ndim == 2 else a)


@of_stacks(np.dot, of="a")
def dot_of_each_a(a: Any, b: Any) -> Any:
    if a.ndim == 1 or np.ndim(b) == 0:
        return raised(a, np.ndim(b)) * b
    return np.tensordot(a, b, (a.ndim - 1, max(b.ndim - 2, 0)))


@of_stacks(np.dot, of="b")
def dot_of_each_b(a: Any, b: Any) -> Any:
    if b.ndim == 1 or np.ndim(a) == 0:
        return a * raised(b, np.ndim(a))
    if a.ndim == 1:
        return np.tensordot(b, a, (max(b.ndim - 2, 1), 0))
    return np.moveaxis(np.tensordot(a, b, (a.ndim - 1, max(b.ndim - 2, 1))), a.ndim - 1, 0)


@of_stacks(np.inner, of="a")
def inner_of_each_a(a: Any, b: Any, /) -> Any:
    if a.ndim == 1 or np.ndim(b) == 0:
        return raised(a, np.ndim(b)) * b
    return np.inner(a, b)


@of_stacks(np.inner, of="b")
def inner_of_each_b(a: Any, b: Any, /) -> Any:
    if b.ndim == 1 or np.ndim(a) == 0:
        return a * raised(b, np.ndim(a))
    return np.moveaxis(np.inner(a, b), a.ndim - 1, 0)


@of_stacks(np.vdot, of="a")
def vdot_of_each_a(a: Any, b: Any, /) -> Any:
    return a * b if a.ndim == 1 else laid_flat(a) @ np.ravel(b)


@of_stacks(np.vdot, of="b")
def vdot_of_each_b(a: Any, b: Any, /) -> Any:
    return vdot_of_each_a(b, a)


@of_stacks(np.outer, np.linalg.outer, of="a")
def outer_of_each_a(a: Any, b: Any) -> Any:
    rows = a[:, None] if a.ndim == 1 else laid_flat(a)
    return rows[:, :, None] * np.ravel(b)


@of_stacks(np.outer, np.linalg.outer, of="b")
def outer_of_each_b(a: Any, b: Any) -> Any:
    columns = b[:, None] if b.ndim == 1 else laid_flat(b)
    return np.ravel(a)[:, None] * columns[:, None, :]


@of_stacks(np.tensordot, np.linalg.tensordot, of="a")
def tensordot_of_each_a(a: Any, b: Any, axes: Any = 2) -> Any:
    over_a, over_b = pairs_of_axes(axes, a.ndim - 1, np.ndim(b))
    return np.tensordot(a, b, (behind(over_a), over_b))


@of_stacks(np.tensordot, np.linalg.tensordot, of="b")
def tensordot_of_each_b(a: Any, b: Any, axes: Any = 2) -> Any:
    over_a, over_b = pairs_of_axes(axes, np.ndim(a), b.ndim - 1)
    return np.moveaxis(np.tensordot(a, b, (over_a, behind(over_b))), np.ndim(a) - len(over_a), 0)


@of_stacks(np.trace, of="a")
def trace_of_each(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.trace(a, offset, behind(axis1), behind(axis2))


@of_stacks(np.diag, of="v")
def diag_of_each(v: Any, k: int = 0) -> Any:
    if v.ndim == 3:
        return np.diagonal(v, k, 1, 2)
    if k != 0:
        return None  # beside the diagonal
    return v[:, :, None] * np.eye(v.shape[1], dtype=v.dtype)


@of_stacks(np.diagonal, of="a")
def diagonal_of_each(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.diagonal(a, offset, behind(axis1), behind(axis2))


@of_stacks(np.tril, of="m")
def tril_of_each(m: Any, k: Any = 0) -> Any:
    if m.ndim == 2:
        return None  # of a vector
    return np.tril(m, k)


@of_stacks(np.triu, of="m")
def triu_of_each(m: Any, k: Any = 0) -> Any:
    if m.ndim == 2:
        return None  # of a vector
    return np.triu(m, k)


@of_stacks(np.diff, of="a")
def diff_of_each(a: Any, n: int = 1, axis: int = -1) -> Any:
    return np.diff(a, n, behind(axis))


@of_stacks(np.linalg.solve, of="b")
def solve_of_each_b(a: Any, b: Any) -> Any:
    if b.ndim > 2:
        return np.linalg.solve(a, raised(b, a.ndim))
    if a.ndim > 2:
        return None  # a stack of matrices for one vector
    return np.linalg.solve(a, b.T).T


@of_stacks(np.sum, of="a")
def sum_of_each(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    if a.ndim == 1:
        return a
    if where is True:
        return np.sum(a, all_behind(axis, a), dtype, keepdims=keepdims)
    return np.sum(a, all_behind(axis, a), dtype, keepdims=keepdims, where=where)


@of_stacks(np.mean, of="a")
def mean_of_each(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return a if a.ndim == 1 else np.mean(a, all_behind(axis, a), dtype, keepdims=keepdims)


@of_stacks(np.add.reduce, of="array")
def add_reduce_of_each(array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return np.add.reduce(array, all_behind(axis, array), dtype, keepdims=keepdims)


@of_stacks(np.array, of="object")
def array_of_each(object: Any, dtype: Any = None, *, copy: Any = True) -> Any:
    arrays = stacked(object)
    return np.array(arrays) if dtype is None else np.array(arrays, dtype)


@of_stacks(np.asarray, of="a")
def asarray_of_each(a: Any, dtype: Any = None) -> Any:
    arrays = stacked(a)
    return np.asarray(arrays) if dtype is None else np.asarray(arrays, dtype)


@of_stacks(unbroadcast, of="gradient")
def unbroadcast_of_each(gradient: Any, shape: Any) -> Any:
    extra = gradient.ndim - 1 - len(shape)
    if extra > 0:
        gradient = np.sum(gradient, tuple(range(1, 1 + extra)))
    return unbroadcast(raised(gradient, len(shape)), (gradient.shape[0], *shape))


@of_stacks(np.copy, of="a")
def copy_of_each(a: Any, order: str = "K") -> Any:
    return np.copy(a)


@of_stacks(np.ndarray.copy, of="a")
def copy_method_of_each(a: Any, order: str = "C") -> Any:
    return a.copy()


@of_stacks(np.zeros_like, of="a")
def zeros_like_of_each(a: Any, dtype: Any = None) -> Any:
    return np.zeros_like(a) if dtype is None else np.zeros_like(a, dtype)


@of_stacks(np.ones_like, of="a")
def ones_like_of_each(a: Any, dtype: Any = None) -> Any:
    return np.ones_like(a) if dtype is None else np.ones_like(a, dtype)


@of_stacks(zeros_for, of="x")
def zeros_for_each(x: Any) -> Any:
    return zeros_for(x)


@of_stacks(np.einsum, of="operands")
def einsum_of_each(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if "..." in subscripts:
        return None  # which axes these are
    deeper = with_an_axis(subscripts, tuple([np.ndim(x) for x in operands]))
    return np.einsum(deeper, *operands, optimize=optimize) if optimize else np.einsum(deeper, *operands)


def with_an_axis(subscripts: str, ranks: tuple[int, ...]) -> str:
    """The subscripts with one more in front, where an operand has an axis more than they name.

    >>> with_an_axis("ij,jk", (3, 2))
    'Aij,jk->Aik'
    """
    inputs = subscripts.replace(" ", "").partition("->")[0].split(",")
    terms, output = spelled_out(subscripts, tuple(map(len, inputs)))
    axis = unused_labels(subscripts, 1)
    deeper = (axis + t if rank > len(t) else t for t, rank in zip(terms, ranks, strict=True))
    return f"{','.join(deeper)}->{axis}{output}"


@of_stacks(np.take_along_axis, of="arr")
def take_along_axis_of_each(arr: Any, indices: Any, axis: Any) -> Any:
    if axis is None:
        return None  # laid flat
    return np.take_along_axis(arr, indices[None], behind(axis))


@of_stacks(scatter_along_axis, of="grad")
def scatter_along_axis_of_each(grad: Any, indices: Any, shape: Any, axis: Any) -> Any:
    if axis is None:
        return None  # laid flat
    return scatter_along_axis(
        grad, np.broadcast_to(indices, grad.shape), (grad.shape[0], *shape), behind(axis)
    )


@of_stacks(np.linalg.cross, of="a")
def cross_of_each_a(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    return np.linalg.cross(raised(a, b.ndim), b) if axis == -1 else None


@of_stacks(np.linalg.cross, of="b")
def cross_of_each_b(a: Any, b: Any, /, *, axis: int = -1) -> Any:
    return np.linalg.cross(a, raised(b, a.ndim)) if axis == -1 else None
