"""Least squares, equations of tensors, condition numbers: what is made of inverses and singular values.

Imports NumPy, the gate table, `products`, `linalg` and `decompositions`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.gates.decompositions import of_values, plus, shorter
from revcompile.gates.linalg import of_cut_off_inverse
from revcompile.gates.products import Dims, agree, axes_of, outer_product, transposed
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim
from revcompile.runtime import scatter


def _lstsq_dims(facts: Facts, a: Any, b: Any, rcond: Any = None) -> tuple[Dims, Dims, Dims, Dims]:
    (rows, columns), right = axes_of(a), axes_of(b)
    agree(facts, (rows,), right[:1])
    if facts.same(rows, columns):
        residuals = Dim(size=0)
    else:
        height, width = facts.size_of(rows), facts.size_of(columns)
        wide = height is not None and width is not None and height <= width
        residuals = Dim(size=0) if wide else facts.fresh()  # there are none where the rank is not full
    return (columns, *right[1:]), (residuals,), (), (shorter(facts, rows, columns),)


@gate(
    np.linalg.lstsq,
    dims=_lstsq_dims,
    examples=[
        example(real(4, 3), real(4)),
        example(real(4, 3), real(4, 2)),
        example(real(3, 3), real(3)),
        example(real(3, 4), real(3, 2)),
        example(real(4, 3), real(4), rcond=1e-10),
        example(real(4, 3), real(4), rcond=0.5),
    ],
)
def lstsq(grad_y: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    grad_x, grad_residuals, grad_values = grad_y[0], grad_y[1], grad_y[3]
    grad_a = None if grad_values is None else of_values(grad_values, a)
    grad_b = None
    if grad_residuals is not None and not is_known(grad_residuals.shape[0], 0):
        if b.ndim == 1:
            total = np.sum(grad_residuals)
        else:  # there are as many as columns, or none
            total = scatter(grad_residuals, slice(grad_residuals.shape[0]), (b.shape[1],))
        grad_b = 2 * total * (b - a @ y[0])
        grad_a = plus(grad_a, -outer(grad_b, y[0]))
    if grad_x is not None:
        cut = _least(a, rcond)
        inverse = np.linalg.pinv(a, cut)
        grad_c = transposed(inverse) @ grad_x
        if cut <= 1e-8:
            change = outer(b - a @ y[0], inverse @ grad_c) - outer(grad_c, y[0])
            change = change + outer(transposed(inverse) @ y[0], grad_x - transposed(a) @ grad_c)
        else:
            change = of_cut_off_inverse(outer(grad_x, b), a, cut)
        grad_a, grad_b = plus(grad_a, change), plus(grad_b, grad_c)
    return grad_a, grad_b


def _least(a: Any, rcond: Any) -> Any:
    """How small a singular value may be beside the largest one, if it is not taken for zero."""
    precision = float(np.finfo(a.dtype).eps)
    if rcond is None:
        largest = max(a.shape)
        return precision * (largest if isinstance(largest, int) else 10_000)
    return rcond if 0 < rcond < 1 else precision


def is_known(n: Any, number: int) -> bool:
    """Whether a length is known to be this number."""
    return isinstance(n, int) and n == number


def outer(a: Any, b: Any) -> Any:
    """The outer product of vectors, or the sum of those of the columns of two matrices."""
    return outer_product(a, b) if a.ndim == 1 else a @ transposed(b)


@composed(
    np.linalg.cond,
    examples=[
        example(real(3, 3)),
        example(real(4, 3)),
        example(real(2, 3, 3), 2),
        example(real(3, 3), -2),
        example(real(3, 3), "fro"),
        example(real(3, 3), 1),
        example(real(2, 3, 3), "nuc"),
    ],
)
def cond(x: Any, p: Any = None) -> Any:
    if p is None or p == 2:
        values = np.linalg.svd(x, compute_uv=False)
        return values[..., 0] / values[..., -1]
    if p == -2:
        values = np.linalg.svd(x, compute_uv=False)
        return values[..., -1] / values[..., 0]
    return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))


@composed(
    np.linalg.tensorsolve,
    examples=[
        example(real(2, 3, 6), real(2, 3)),
        example(real(6, 2, 3), real(6)),
        example(real(2, 6, 3), real(2, 3), axes=(1,)),
    ],
)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = np.asarray(a), np.asarray(b)
    if axes is not None:
        a = np.moveaxis(a, axes, tuple(range(a.ndim - len(axes), a.ndim)))
    shape = a.shape[b.ndim :]
    n = math.prod(shape)
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.reshape(b, n)), shape)


@composed(np.linalg.tensorinv, examples=[example(real(2, 3, 6)), example(real(6, 2, 3), 1)])
def tensorinv(a: Any, ind: int = 2) -> Any:
    a = np.asarray(a)
    shape = a.shape[ind:] + a.shape[:ind]
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    n = math.prod(a.shape[ind:])
    return np.reshape(np.linalg.inv(np.reshape(a, (n, n))), shape)


@composed(np.linalg.matrix_transpose, examples=[example(real(3, 4)), example(real(2, 3, 4))])
def matrix_transpose(x: Any, /) -> Any:
    return np.matrix_transpose(x)


@composed(
    np.linalg.diagonal,
    examples=[example(real(3, 4)), example(real(2, 3, 4), offset=1), example(real(3, 3), offset=-1)],
)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)
