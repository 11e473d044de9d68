"""Products: matrix products, inner and outer products, and what is made of them.

Imports NumPy and the gate table. In the comments, axes are named: y[i, k] = a[i, j] b[j, k].
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.compositions import as_array, when_given
from revcompile.gates.meeting import where_it_meets, where_it_meets_in_dot, where_it_meets_in_outer
from revcompile.gates.numbers import LARGE, PARTS, Numbers, sign_of_product
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.ir.lengths import Facts
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Dim

Dims = tuple[Dim, ...]


# ----- helpers of rules: inlined where they are called -------------------------------------------


def transposed(x: Any) -> Any:
    """A matrix, or each matrix of a stack, transposed."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def permuted(x: Any, axes: tuple[int, ...]) -> Any:
    """`x` with its axes in another order, written as briefly as it can be."""
    if axes == tuple(range(len(axes))):
        return x
    return x.T if axes == (1, 0) else np.transpose(x, axes)


def outer_product(a: Any, b: Any) -> Any:
    """The outer product of the last axes of two (stacks of) vectors."""
    return np.outer(a, b) if a.ndim == b.ndim == 1 else a[..., :, None] * b[..., None, :]


def contracted(a: Any, b: Any, over_a: tuple[int, ...], over_b: tuple[int, ...]) -> Any:
    """`np.tensordot` over pairs of axes, written as a product where there is no pair."""
    if len(over_a) > 0:
        return np.tensordot(a, b, (over_a, over_b))
    return a * b if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, 0)


def matrix_product(grad_y: Any, a: Any, b: Any) -> Any:
    """The gradients of `a @ b` for one matrix or vector each."""
    if a.ndim == 1 and b.ndim == 1:
        return grad_y * b, grad_y * a
    if a.ndim == 1:
        return b @ grad_y, np.outer(a, grad_y)
    if b.ndim == 1:
        return np.outer(grad_y, b), grad_y @ a
    return grad_y @ b.T, a.T @ grad_y


# ----- axes of results ---------------------------------------------------------------------------


def axes_of(x: Any) -> Dims:
    """The axes of an argument; a number that is known while compiling has none."""
    return x.type.dims if hasattr(x, "type") else ()


def agree(facts: Facts, a: Dims, b: Dims) -> None:
    """Record that axes which are contracted with each other are equally long."""
    for d, e in zip(a, b, strict=True):
        facts.unify(d, e)


def _matmul_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    if not a or not b:
        np.matmul(*(np.ones((1,) * len(x)) for x in (a, b)))  # raises what NumPy has to say
    agree(facts, a[-1:], b[-2:][:1])
    return facts.broadcast(a[:-2], b[:-2]) + a[-2:-1] + b[-2:][1:]


def _dot_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    if not a or not b:
        return a or b
    agree(facts, a[-1:], b[-2:][:1])
    return a[:-1] + b[:-2] + b[-2:][1:]


def _inner_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    if not a or not b:
        return a or b
    agree(facts, a[-1:], b[-1:])
    return a[:-1] + b[:-1]


PRODUCT = Numbers(sign=sign_of_product, grows=LARGE)


MATRIX_PRODUCT = replace(PRODUCT, as_read=where_it_meets)

# ----- matrix products ---------------------------------------------------------------------------


@gate(
    operator.matmul,
    np.matmul,
    np.linalg.matmul,
    symbol="@",
    odd=True,
    numbers=MATRIX_PRODUCT,
    dims=_matmul_dims,
    examples=[
        example(real(3, 4), real(4, 2)),
        example(real(3, 4), real(4)),
        example(real(3), real(3, 4)),
        example(real(3), real(3)),
        example(real(2, 3, 4), real(2, 4, 5)),
        example(real(2, 3, 4), real(4, 5)),
        example(real(6, 2, 3, 4), real(4, 5)),
        example(real(3, 4), real(2, 4, 5)),
        example(real(3, 4), real(6, 2, 4, 5)),
        example(real(2, 3, 4), real(4)),
        example(real(3), real(2, 3, 4)),
        example(real(1, 3, 4), real(2, 4, 5)),
        example(real(2, 1, 3, 4), real(5, 4, 2)),
    ],
)
def matmul(grad_y: Any, a: Any, b: Any, /) -> Any:
    if a.ndim <= 2 and b.ndim <= 2:
        return matrix_product(grad_y, a, b)
    if a.ndim == 1:
        return (b @ grad_y[..., None])[..., 0], outer_product(a, grad_y)
    if b.ndim == 1:
        return outer_product(grad_y, b), np.tensordot(grad_y, a, grad_y.ndim)
    if b.ndim == 2:  # one weight matrix for a whole stack: a single product, nothing to sum
        rows = tuple(range(a.ndim - 1))
        return grad_y @ b.T, np.tensordot(a, grad_y, (rows, rows))
    if a.ndim == 2:
        others = (*range(b.ndim - 2), b.ndim - 1)
        return np.tensordot(grad_y, b, (others, others)), a.T @ grad_y
    return grad_y @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ grad_y


@gate(
    np.dot,
    numbers=replace(PRODUCT, as_read=where_it_meets_in_dot),
    methods=["dot"],
    dims=_dot_dims,
    examples=[
        example(real(3, 4), real(4, 2)),
        example(real(3, 4), real(4)),
        example(real(3), real(3, 4)),
        example(real(3), real(3)),
        example(real(), real()),
        example(real(), real(3)),
        example(real(2, 3), real()),
        example(real(2, 3, 4), real(4)),
        example(real(3), real(2, 3, 4)),
        example(real(2, 3, 4), real(4, 5)),
        example(real(3, 4), real(2, 4, 5)),
        example(real(2, 3, 4), real(5, 4, 2)),
    ],
)
def dot(grad_y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return grad_y * b, grad_y * a
    if a.ndim <= 2 and b.ndim <= 2:
        return matrix_product(grad_y, a, b)
    rows = tuple(range(a.ndim - 1))
    if b.ndim == 1:
        return outer_product(grad_y, b), np.tensordot(grad_y, a, grad_y.ndim)
    if a.ndim == 1:
        grad_b = outer_product(a, grad_y)
    else:
        grad_b = np.moveaxis(np.tensordot(a, grad_y, (rows, rows)), 0, -2)
    columns = tuple(range(a.ndim - 1, grad_y.ndim))
    return np.tensordot(grad_y, b, (columns, (*range(b.ndim - 2), b.ndim - 1))), grad_b


@gate(
    np.inner,
    numbers=PRODUCT,
    dims=_inner_dims,
    examples=[
        example(real(3), real(3)),
        example(real(), real(3)),
        example(real(2, 3), real()),
        example(real(2, 4), real(3, 4)),
        example(real(2, 4), real(4)),
        example(real(4), real(2, 4)),
        example(real(2, 3, 4), real(5, 4)),
        example(real(4), real(2, 3, 4)),
        example(real(2, 3, 4), real(4)),
        example(real(2, 3), real(4, 5, 3)),
    ],
)
def inner(grad_y: Any, a: Any, b: Any, /) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return grad_y * b, grad_y * a
    if a.ndim == 1 and b.ndim == 1:
        return grad_y * b, grad_y * a
    if a.ndim <= 2 and b.ndim <= 2:
        grad_a = outer_product(grad_y, b) if b.ndim == 1 else grad_y @ b
        grad_b = outer_product(grad_y, a) if a.ndim == 1 else grad_y.T @ a
        return grad_a, grad_b
    rows = tuple(range(a.ndim - 1))
    grad_a = outer_product(grad_y, b) if b.ndim == 1 else np.tensordot(grad_y, b, b.ndim - 1)
    grad_b = outer_product(grad_y, a) if a.ndim == 1 else np.tensordot(grad_y, a, (rows, rows))
    return grad_a, grad_b


def _vdot_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    if len(a) == len(b) == 1:
        agree(facts, a, b)
    return ()


@gate(
    np.vdot,
    numbers=PRODUCT,
    dims=_vdot_dims,
    examples=[
        example(real(3), real(3)),
        example(real(), real()),
        example(real(2, 3), real(2, 3)),
        example(real(2, 3), real(3, 2)),
        example(real(6), real(3, 2)),
    ],
)
def vdot(grad_y: Any, a: Any, b: Any, /) -> Any:
    if np.ndim(a) <= 1 and np.ndim(b) <= 1:
        return grad_y * b, grad_y * a
    return grad_y * np.reshape(b, a.shape), grad_y * np.reshape(a, b.shape)


OUTER_PRODUCT = replace(PRODUCT, as_read=where_it_meets_in_outer)


@gate(
    np.linalg.outer,
    name="outer",
    numbers=OUTER_PRODUCT,
    examples=[example(real(3), real(4)), example(real(1), real(4)), example(real(3), real(1))],
)
def linalg_outer(grad_y: Any, a: Any, b: Any, /) -> Any:
    return grad_y @ b, a @ grad_y


@gate(
    np.outer,
    odd=True,
    numbers=OUTER_PRODUCT,
    examples=[
        example(real(3), real(4)),
        example(real(1), real(4)),
        example(real(3), real(1)),
        example(real(), real(3)),
        example(real(2, 3), real()),
        example(real(), real()),
        example(real(2, 3), real(4)),
        example(real(2), real(3, 1, 2)),
    ],
)
def outer(grad_y: Any, a: Any, b: Any) -> Any:
    grad_a = grad_y @ (b if np.ndim(b) == 1 else np.ravel(b))
    grad_b = (a if np.ndim(a) == 1 else np.ravel(a)) @ grad_y
    return (
        np.reshape(grad_a, a.shape) if np.ndim(a) > 1 else grad_a,
        np.reshape(grad_b, b.shape) if np.ndim(b) > 1 else grad_b,
    )


# ----- contractions ------------------------------------------------------------------------------


def _sequence(axes: Any) -> tuple[int, ...]:
    return (axes,) if isinstance(axes, int) else tuple(axes)


def pairs_of_axes(axes: Any, rank_a: int, rank_b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that `np.tensordot(a, b, axes)` contracts, none of them negative."""
    if isinstance(axes, int):
        return tuple(range(rank_a - axes, rank_a)), tuple(range(axes))
    over_a, over_b = (_sequence(axes[0]), _sequence(axes[1]))
    return tuple(i % rank_a for i in over_a), tuple(i % rank_b for i in over_b)


def other_axes(rank: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of an array that are not among `axes`, in order."""
    return tuple(i for i in range(rank) if i not in axes)


def inverse_order(axes: Sequence[int]) -> tuple[int, ...]:
    """Where each axis has gone: the permutation that undoes `axes`."""
    return tuple(axes.index(i) for i in range(len(axes)))


def _tensordot_dims(facts: Facts, a: Any, b: Any, axes: Any = 2) -> Dims:
    a, b = axes_of(a), axes_of(b)
    over_a, over_b = pairs_of_axes(axes, len(a), len(b))
    agree(facts, tuple(a[i] for i in over_a), tuple(b[i] for i in over_b))
    free = [a[i] for i in other_axes(len(a), over_a)] + [b[i] for i in other_axes(len(b), over_b)]
    return tuple(free)


@gate(
    np.tensordot,
    np.linalg.tensordot,
    dims=_tensordot_dims,
    examples=[
        example(real(3, 4), real(4, 2), axes=1),
        example(real(3, 4), real(3, 4)),
        example(real(3), real(4, 2), axes=0),
        example(real(2, 3, 4), real(3, 4, 5), axes=2),
        example(real(2, 3, 4), real(4, 5), axes=((2,), (0,))),
        example(real(2, 3), real(3, 4), axes=(-1, 0)),
        example(real(2, 3), real(4, 3), axes=(1, 1)),
        example(real(3, 2), real(3, 4), axes=(0, 0)),
        example(real(3, 2), real(4, 3), axes=(0, 1)),
        example(real(3, 4), real(4, 3), axes=((0, 1), (1, 0))),
        example(real(2, 3, 4), real(4, 5, 2), axes=((0, 2), (2, 0))),
        example(real(2, 3, 4), real(4, 2, 5), axes=([-1, 0], [0, 1])),
        example(real(3), real(3), axes=1),
        example(real(3), real(2, 3, 4), axes=(0, 1)),
    ],
)
def tensordot(grad_y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    over_a, over_b = pairs_of_axes(axes, np.ndim(a), np.ndim(b))
    if np.ndim(a) == 2 and np.ndim(b) == 2 and len(over_a) == 1:
        return _one_pair(grad_y, a, b, over_a == (1,), over_b == (0,))
    free_a, free_b = other_axes(np.ndim(a), over_a), other_axes(np.ndim(b), over_b)
    rows = tuple(range(len(free_a)))
    columns = tuple(range(len(free_a), len(free_a) + len(free_b)))
    # the contracted axes come out in the order that they have in the other operand
    order_a = free_a + tuple(i for _, i in sorted(zip(over_b, over_a, strict=True)))
    order_b = tuple(i for _, i in sorted(zip(over_a, over_b, strict=True))) + free_b
    grad_a = contracted(grad_y, b, columns, free_b)
    grad_b = contracted(a, grad_y, free_a, rows)
    return permuted(grad_a, inverse_order(order_a)), permuted(grad_b, inverse_order(order_b))


def _one_pair(grad_y: Any, a: Any, b: Any, last_of_a: bool, first_of_b: bool) -> Any:
    """Two matrices and one pair of axes: each is taken as it is, or transposed."""
    grad_a = grad_y @ (b.T if first_of_b else b) if last_of_a else (b if first_of_b else b.T) @ grad_y.T
    grad_b = (a.T if last_of_a else a) @ grad_y if first_of_b else grad_y.T @ (a if last_of_a else a.T)
    return grad_a, grad_b


@gate(
    np.kron,
    examples=[
        example(real(3), real(2)),
        example(real(2, 3), real(3, 2)),
        example(real(3), real(2, 3)),
        example(real(2, 3), real(4)),
        example(real(2, 1, 3), real(2, 2)),
        example(real(), real(3)),
        example(real(2, 3), real()),
    ],
)
def kron(grad_y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return grad_y * b, grad_y * a
    if a.ndim == 1 and b.ndim == 1:
        blocks = np.reshape(grad_y, (a.shape[0], b.shape[0]))
        return blocks @ b, a @ blocks
    shape, of_a, of_b = (), (), ()
    for i in range(-max(a.ndim, b.ndim), 0):  # y's axes are pairs, aligned at the last one
        if i >= -a.ndim:
            of_a = (*of_a, len(shape))
            shape = (*shape, a.shape[i])
        if i >= -b.ndim:
            of_b = (*of_b, len(shape))
            shape = (*shape, b.shape[i])
    blocks = np.reshape(grad_y, shape)
    grad_a = np.tensordot(blocks, b, (of_b, tuple(range(b.ndim))))
    grad_b = np.tensordot(a, blocks, (tuple(range(a.ndim)), of_a))
    return grad_a, grad_b


# ----- the trace, and chains of products ---------------------------------------------------------


def _on_diagonal(grad_y: Any, a: Any, offset: int, axis1: int, axis2: int) -> Any:
    """`grad_y` put on a diagonal of zeros shaped like `a`."""
    rows, columns = axis1 % a.ndim, axis2 % a.ndim
    if rows > columns:
        rows, columns, offset = columns, rows, -offset
    if offset == 0:
        eye = np.eye(a.shape[rows], a.shape[columns], dtype=a.dtype)
    else:
        eye = np.eye(a.shape[rows], a.shape[columns], offset, dtype=a.dtype)
    if a.ndim == 2:
        return grad_y * eye
    later = tuple(range(rows + 1, columns)) + tuple(range(columns + 1, a.ndim))
    if len(later) > 0:
        eye = np.expand_dims(eye, tuple(i - rows for i in later))
    return np.expand_dims(grad_y, (rows, columns)) * eye


ON_DIAGONAL = Numbers(zeros=PARTS, chooses=True)


def trace_of_more(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "b":
        raise UnsupportedError("np.trace with dtype=bool is not supported")
    return np.trace(as_array(a, dtype), offset, axis1, axis2)


@gate(
    np.trace,
    means=when_given(trace_of_more, "dtype"),
    numbers=ON_DIAGONAL,
    methods=["trace"],
    examples=[
        example(real(3, 3)),
        example(real(3, 4)),
        example(real(4, 3), offset=1),
        example(real(3, 4), offset=-1),
        example(real(3, 4), offset=1, axis1=1, axis2=0),
        example(real(2, 3, 4)),
        example(real(2, 3, 4), axis1=-2, axis2=-1),
        example(real(2, 3, 4), offset=1, axis1=2, axis2=0),
        example(real(2, 3, 4, 3), axis1=1, axis2=3),
    ],
)
def trace(grad_y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return _on_diagonal(grad_y, a, offset, axis1, axis2)


def trace_as(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """`np.linalg.trace` with a dtype."""
    return np.sum(np.diagonal(x, offset, -2, -1), -1, dtype)


@gate(
    np.linalg.trace,
    means=lambda args, kwargs: trace_as if "dtype" in kwargs else None,
    numbers=ON_DIAGONAL,
    name="trace",
    examples=[example(real(3, 3)), example(real(2, 3, 4), offset=1)],
)
def linalg_trace(grad_y: Any, x: Any, /, *, offset: int = 0) -> Any:
    return _on_diagonal(grad_y, x, offset, -2, -1)


def _multi_dot_dims(facts: Facts, arrays: Any) -> Dims:
    if not isinstance(arrays, (list, tuple)):
        raise NotImplementedError("np.linalg.multi_dot of the rows of an array; write a list")
    if any(len(axes_of(a)) == 0 for a in arrays) or any(len(axes_of(a)) != 2 for a in arrays[1:-1]):
        raise NotImplementedError("np.linalg.multi_dot of other than vectors and matrices")
    shapes = [axes_of(a) for a in arrays]
    for a, b in pairwise(shapes):
        facts.unify(a[-1], b[0])
    return shapes[0][:-1] + shapes[-1][1:]


@gate(
    np.linalg.multi_dot,
    dims=_multi_dot_dims,
    examples=[
        example([real(2, 3), real(3, 4)]),
        example([real(2, 3), real(3, 4), real(4, 5)]),
        example([real(3), real(3, 4), real(4, 5), real(5, 2)]),
        example([real(2, 3), real(3, 4), real(4)]),
        example([real(3), real(3, 4), real(4)]),
        example([real(3), real(3)]),
    ],
)
def multi_dot(grad_y: Any, arrays: Any) -> Any:
    starts_with_row, ends_with_column = arrays[0].ndim == 1, arrays[-1].ndim == 1
    if starts_with_row and ends_with_column:
        grad_y = np.reshape(grad_y, (1, 1))
    elif starts_with_row:
        grad_y = grad_y[None, :]
    elif ends_with_column:
        grad_y = grad_y[:, None]
    first = arrays[0][:, None] if starts_with_row else arrays[0].T
    last = arrays[-1][None, :] if ends_with_column else arrays[-1].T
    factors = [first, *[x.T for x in arrays[1:-1]], last]
    gradients = [_chain([*factors[:k][::-1], grad_y, *factors[k + 1 :][::-1]]) for k in range(len(factors))]
    grad_first = gradients[0][0] if starts_with_row else gradients[0]
    grad_last = gradients[-1][:, 0] if ends_with_column else gradients[-1]
    return [grad_first, *gradients[1:-1], grad_last]


def _chain(matrices: Any) -> Any:
    return matrices[0] @ matrices[1] if len(matrices) == 2 else np.linalg.multi_dot(matrices)
