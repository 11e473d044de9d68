"""Linear algebra: solve, inverse, determinant. Imports NumPy, the gate table and `products`.

Square matrices come alone or in stacks. The transpose of a stack of matrices is that of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.products import Dims, agree, axes_of, outer_product, transposed
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate, known
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.runtime import cofactor

known(np.linalg.matrix_rank)

MATRICES = (
    example(real(1, 1, low=0.5)),
    example(real(2, 2)),
    example(real(3, 3)),
    example(real(2, 3, 3)),
    example(real(2, 1, 3, 3)),
)


def square(facts: Facts, a: Any) -> Dims:
    """The axes of a stack of square matrices, the last two of them proved equal."""
    dims = axes_of(a)
    agree(facts, dims[-2:-1], dims[-1:])
    return dims


def _batch_dims(facts: Facts, a: Any) -> Dims:
    return square(facts, a)[:-2]


def _slogdet_dims(facts: Facts, a: Any) -> tuple[Dims, Dims]:
    batch = square(facts, a)[:-2]
    return batch, batch


def _solve_dims(facts: Facts, a: Any, b: Any) -> Dims:
    matrix, right = square(facts, a), axes_of(b)
    if len(right) == 1:
        agree(facts, matrix[-1:], right)
        return matrix[:-1]
    agree(facts, matrix[-1:], right[-2:-1])
    return (*facts.broadcast(matrix[:-2], right[:-2]), matrix[-1], *right[-1:])


def _pinv_dims(facts: Facts, a: Any, rcond: Any = None) -> Dims:
    dims = axes_of(a)
    return (*dims[:-2], *dims[-1:], *dims[-2:-1])


def _power_dims(facts: Facts, a: Any, n: int) -> Dims:
    return square(facts, a)


def for_matrices(x: Any, a: Any) -> Any:
    """One number for each matrix in the stack `a`, ready to multiply the matrices."""
    return x if a.ndim == 2 else x[..., None, None]


@gate(np.linalg.inv, dims=square, examples=MATRICES)
def inv(grad_y: Any, y: Any, a: Any) -> Any:
    return -transposed(y) @ grad_y @ transposed(y)


@gate(
    np.linalg.solve,
    dims=_solve_dims,
    examples=[
        example(real(3, 3), real(3)),
        example(real(3, 3), real(3, 2)),
        example(real(3, 3), real(3, 1)),
        example(real(2, 3, 3), real(2, 3, 4)),
        example(real(2, 3, 3), real(3, 4)),
        example(real(3, 3), real(2, 3, 4)),
        example(real(2, 3, 3), real(3)),
        example(real(1, 3, 3), real(2, 3, 1)),
        example(real(1, 1, low=0.5), real(1)),
    ],
)
def solve(grad_y: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1 and a.ndim > 2:
        grad_b = np.linalg.solve(transposed(a), grad_y[..., None])[..., 0]
    else:
        grad_b = np.linalg.solve(transposed(a), grad_y)
    if b.ndim == 1:
        return -outer_product(grad_b, y), grad_b
    return -grad_b @ transposed(y), grad_b


@gate(np.linalg.det, dims=_batch_dims, examples=MATRICES)
def det(grad_y: Any, a: Any) -> Any:
    return for_matrices(grad_y, a) * cofactor(a)


@gate(cofactor, dims=square, examples=MATRICES)
def cofactor_(grad_y: Any, y: Any, a: Any) -> Any:
    """From y = det(a) inv(a).T; it needs a matrix that is not singular."""
    inverse = transposed(np.linalg.inv(a))
    return np.sum(grad_y * y, (-2, -1), keepdims=True) * inverse - y @ transposed(grad_y) @ inverse


@gate(np.linalg.slogdet, dims=_slogdet_dims, examples=MATRICES)
def slogdet(grad_y: Any, a: Any) -> Any:
    if grad_y[1] is None:  # the sign is constant
        return None
    return for_matrices(grad_y[1], a) * transposed(np.linalg.inv(a))


def symmetric(a: Any) -> Any:
    """The matrix whose lower triangle is that of `a`."""
    return np.tril(a) + transposed(np.tril(a, -1))


def pinv_with_options(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    a = np.asarray(a)
    if rtol is not np._NoValue:
        rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps if rtol is None else rtol
    return np.linalg.pinv(symmetric(a) if hermitian else a, 1e-15 if rcond is None else rcond)


@gate(
    np.linalg.pinv,
    means=lambda args, kwargs: pinv_with_options if len(args) > 2 or kwargs.keys() - {"a", "rcond"} else None,
    dims=_pinv_dims,
    examples=[
        example(real(3, 3)),
        example(real(3, 2)),
        example(real(2, 3)),
        example(real(2, 4, 3)),
        example(real(2, 3, 4), rcond=1e-10),
        example(real(3, 3), rcond=0.5),
        example(real(4, 3), rcond=0.5),
        example(real(2, 3, 4), rcond=0.5),
    ],
)
def pinv(grad_y: Any, y: Any, a: Any, rcond: Any = None) -> Any:
    """Where the rank of `a` does not change (Golub and Pereyra, 1973)."""
    if rcond is not None and not (isinstance(rcond, float) and rcond <= 1e-8):
        return of_cut_off_inverse(grad_y, a, rcond)
    transpose, upstream = transposed(y), transposed(grad_y)
    left = upstream @ y @ transpose
    right = transpose @ y @ upstream
    return left - a @ (y @ left) + right - (right @ y) @ a - transpose @ grad_y @ transpose


def of_cut_off_inverse(grad_y: Any, a: Any, rcond: Any) -> Any:
    """Of the inverse f(s) = 1 / s of some singular values, 0 of the others, that may be larger than zero.

    The differences of f over those of s, and the sums over the sums, are the slopes of such a function of
    singular values for the symmetric and the antisymmetric part of a change (Noferini, 2017).
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    kept = s > np.asarray(rcond)[..., None] * np.max(s, -1, keepdims=True)
    f = kept / np.where(kept, s, 1.0)
    row, column, f_row, f_column = s[..., None, :], s[..., :, None], f[..., None, :], f[..., :, None]
    one_is_kept = kept[..., None, :] != kept[..., :, None]
    apart = np.where(
        one_is_kept, (f_row - f_column) / np.where(one_is_kept, row - column, 1.0), -f_row * f_column
    )
    together = np.where(
        one_is_kept, (f_row + f_column) / np.where(one_is_kept, row + column, 1.0), f_row * f_column
    )
    upstream = transposed(grad_y)
    left, right = upstream @ transposed(vh), transposed(u) @ upstream
    inner = transposed(u) @ left
    turned = apart * (inner + transposed(inner)) + together * (inner - transposed(inner))
    beside_u, beside_vh = (left - u @ inner) * f_row**2, f_column**2 * (right - inner @ vh)
    return (u @ (turned / 2) + beside_u) @ vh + u @ beside_vh


@gate(
    np.linalg.matrix_power,
    memory=Memory.SHARED,
    dims=_power_dims,
    examples=[
        *[example(real(3, 3), n) for n in (0, 1, 2, 3, 4, 5, 7, -1, -2, -3)],
        example(real(2, 3, 3), 3),
        example(real(2, 3, 3), -2),
    ],
)
def matrix_power(grad_y: Any, a: Any, n: int) -> Any:
    if n == 0:
        return None
    if n > 0:
        return _power_gradient(grad_y, a, n)
    inverse = np.linalg.inv(a)
    upstream = _power_gradient(grad_y, inverse, -n)
    return -transposed(inverse) @ upstream @ transposed(inverse)


def _power_gradient(grad_y: Any, a: Any, n: int) -> Any:
    """As repeated squaring goes: a**n is the square of a**(n // 2), times `a` if n is odd."""
    if n == 1:
        return grad_y
    if n % 2 == 1:
        rest = transposed(np.linalg.matrix_power(a, n - 1))
        return grad_y @ rest + _power_gradient(transposed(a) @ grad_y, a, n - 1)
    half = transposed(a if n == 2 else np.linalg.matrix_power(a, n // 2))
    return _power_gradient(grad_y @ half + half @ grad_y, a, n // 2)
