"""Matrix decompositions: Cholesky, eigenvalues of symmetric matrices, QR, singular values.

`cholesky`, `eigh` and `eigvalsh` read one triangle of their matrix and take the other one for its
mirror image. Their gradient is that of the function as it is: it lies in the triangle that is read.
(In a program that makes a symmetric matrix, this and the symmetric gradient lead to the same result.)

Vectors that belong to equal eigenvalues or singular values are not defined one by one, and their
gradient is infinite; where nothing flows back from them, nothing is divided. Those that a full `svd`
adds, of no singular value, are some of many that span the same space: what depends on more is an error.
Imports NumPy, the gate table, `products` and `linalg`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import UnknownLength
from revcompile.gates.linalg import square
from revcompile.gates.numbers import PARTS, Numbers
from revcompile.gates.products import Dims, axes_of, transposed
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Array, Dim
from revcompile.runtime import of_a_space, real_eig, real_eigvals, safe_divide

SYMMETRIC = (
    example(real(3, 3, kind="positive_definite")),
    example(real(1, 1, kind="positive_definite")),
    example(real(2, 3, 3, kind="positive_definite")),
)


REAL_EIGENVALUES = (
    example(real(1, 1)),
    example(real(3, 3, kind="real_eigenvalues")),
    example(real(2, 3, 3, kind="real_eigenvalues")),
)


# ----- one triangle is read ----------------------------------------------------------------------


def folded(x: Any, triangle: str) -> Any:
    """A symmetric gradient folded onto the triangle that the function reads."""
    return np.tril(x) + np.tril(x, -1) if triangle == "L" else np.triu(x) + np.triu(x, 1)


def _eigh_dims(facts: Facts, a: Any, UPLO: str = "L") -> tuple[Dims, Dims]:
    dims = square(facts, a)
    return dims[:-1], dims


def _eigvalsh_dims(facts: Facts, a: Any, UPLO: str = "L") -> Dims:
    return square(facts, a)[:-1]


def _cholesky_dims(facts: Facts, a: Any, upper: bool = False) -> Dims:
    return square(facts, a)


ONE_TRIANGLE = Numbers(zeros=PARTS)  # the other one is not read


@gate(
    np.linalg.cholesky,
    numbers=ONE_TRIANGLE,
    dims=_cholesky_dims,
    examples=[
        *SYMMETRIC,
        example(real(3, 3, kind="positive_definite"), upper=True),
        example(real(2, 2, 2, kind="positive_definite"), upper=True),
    ],
)
def cholesky(grad_y: Any, y: Any, a: Any, /, *, upper: bool = False) -> Any:
    """As in I. Murray, Differentiation of the Cholesky decomposition (2016)."""
    inverse = np.linalg.inv(y)
    if upper:
        middle = folded(grad_y @ transposed(y), "U") / 2
        symmetric = inverse @ (middle + transposed(middle)) @ transposed(inverse) / 2
        return folded(symmetric, "U")
    middle = folded(transposed(y) @ grad_y, "L") / 2
    symmetric = transposed(inverse) @ (middle + transposed(middle)) @ inverse / 2
    return folded(symmetric, "L")


def off_diagonal(gaps: Any) -> Any:
    """The differences of all pairs, without the zeros between each and itself: no division by those."""
    return gaps + np.eye(gaps.shape[-1], dtype=gaps.dtype)


@gate(
    np.linalg.eigh,
    numbers=ONE_TRIANGLE,
    dims=_eigh_dims,
    examples=[
        *SYMMETRIC,
        example(real(3, 3)),
        example(real(3, 3, kind="positive_definite"), UPLO="U"),
    ],
)
def eigh(grad_y: Any, y: Any, a: Any, UPLO: str = "L") -> Any:
    grad_values, grad_vectors = grad_y[0], grad_y[1]
    if grad_values is None and grad_vectors is None:
        return None
    values, vectors = y[0], y[1]
    if grad_vectors is None:
        turned = vectors * grad_values[..., None, :]
    else:
        products = transposed(vectors) @ grad_vectors
        gaps = off_diagonal(values[..., None, :] - values[..., :, None])
        turned = vectors @ safe_divide(products - transposed(products), 2 * gaps)
        if grad_values is not None:
            turned = turned + vectors * grad_values[..., None, :]
    return folded(turned @ transposed(vectors), UPLO.upper())


@gate(
    np.linalg.eigvalsh,
    numbers=ONE_TRIANGLE,
    dims=_eigvalsh_dims,
    examples=[*SYMMETRIC, example(real(3, 3)), example(real(3, 3), UPLO="U")],
)
def eigvalsh(grad_y: Any, a: Any, UPLO: str = "L") -> Any:
    vectors = np.linalg.eigh(a, UPLO)[1]
    return folded((vectors * grad_y[..., None, :]) @ transposed(vectors), UPLO.upper())


def plus(total: Any, term: Any) -> Any:
    """One more term of a sum that may have none yet."""
    return term if total is None else total + term


# ----- QR ----------------------------------------------------------------------------------------


def shorter(facts: Facts, a: Dim, b: Dim) -> Dim:
    """The smaller of two lengths, as far as it is known."""
    if facts.same(a, b):
        return a
    if a.size is not None and b.size is not None:
        return Dim(size=min(a.size, b.size))
    return facts.fresh()


def _qr_dims(facts: Facts, a: Any, mode: str = "reduced") -> Any:
    *batch, rows, columns = axes_of(a)
    if mode == "raw":
        raise NotImplementedError("np.linalg.qr is not differentiated in mode='raw'")
    rank = columns
    if not facts.same(rows, columns):
        height, width = facts.size_of(rows), facts.size_of(columns)
        if height is None or width is None:
            raise UnknownLength("a matrix that may be wide")
        rank = rows if height < width else columns
        if mode == "complete" and height > width:
            raise NotImplementedError(
                "np.linalg.qr in mode='complete' of a matrix with more rows than columns: "
                "its last columns are not defined; mode='reduced' leaves them out"
            )
    triangle = (*batch, rank, columns)
    return triangle if mode == "r" else ((*batch, rows, rank), triangle)


@gate(
    np.linalg.qr,
    dims=_qr_dims,
    examples=[
        example(real(3, 3)),
        example(real(4, 3)),
        example(real(4, 3), mode="reduced"),
        example(real(2, 4, 3)),
        example(real(4, 1)),
        example(real(2, 4)),
        example(real(2, 3, 4)),
        example(real(3, 3), mode="complete"),
        example(real(2, 3), mode="complete"),
        example(real(4, 3), mode="r"),
        example(real(2, 3, 4), mode="r"),
    ],
)
def qr(grad_y: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """For matrices of full rank (Walter and Lehmann, 2018)."""
    if mode == "r":
        q, r = np.linalg.qr(a)
        grad_q, grad_r = None, grad_y
    else:
        q, r = y[0], y[1]
        grad_q, grad_r = grad_y[0], grad_y[1]
    if grad_q is None and grad_r is None:
        return None
    rank = q.shape[-1]
    if r.shape[-1] == rank:
        return _qr_gradient(q, r, grad_q, grad_r)
    square, others = r[..., :rank], a[..., rank:]  # a wide matrix: Q of its first columns makes the others
    if grad_r is None:
        return np.concatenate([_qr_gradient(q, square, grad_q, None), np.zeros_like(others)], -1)
    grad_square, grad_others = grad_r[..., :rank], grad_r[..., rank:]
    grad_q = plus(grad_q, others @ transposed(grad_others))
    return np.concatenate([_qr_gradient(q, square, grad_q, grad_square), q @ grad_others], -1)


def _qr_gradient(q: Any, r: Any, grad_q: Any, grad_r: Any) -> Any:
    """Of a matrix that has no more columns than rows."""
    if grad_q is None:
        products = r @ transposed(grad_r)
    elif grad_r is None:
        products = -transposed(grad_q) @ q
    else:
        products = r @ transposed(grad_r) - transposed(grad_q) @ q
    turned = q @ (np.tril(products) + transposed(np.tril(products, -1)))
    if grad_q is not None:
        turned = grad_q + turned
    return transposed(np.linalg.solve(r, transposed(turned)))


# ----- eigenvalues of any matrix -----------------------------------------------------------------


def _eigvals_type(facts: Facts, a: Any) -> Array:
    dims = square(facts, a)
    return Array(np.linalg.eigvalsh(np.eye(1, dtype=a.type.dtype)).dtype, dims[:-1])


def _eig_types(facts: Facts, a: Any) -> tuple[Array, Array]:
    values = _eigvals_type(facts, a)
    return values, Array(values.dtype, (*values.dims, values.dims[-1]))


@composed(np.linalg.eig, examples=REAL_EIGENVALUES)
def eig(a: Any) -> Any:
    return real_eig(np.asarray(a))


@composed(np.linalg.eigvals, examples=REAL_EIGENVALUES)
def eigvals(a: Any) -> Any:
    return real_eigvals(np.asarray(a))


@gate(real_eig, types=_eig_types, examples=REAL_EIGENVALUES)
def real_eig_(grad_y: Any, y: Any, a: Any) -> Any:
    """Of eigenvectors of length 1 (Boeddeker and others, 2017)."""
    grad_values, grad_vectors = grad_y[0], grad_y[1]
    if grad_values is None and grad_vectors is None:
        return None
    values, vectors = y[0], y[1]
    across = transposed(vectors)
    if grad_vectors is None:
        return np.linalg.solve(across, grad_values[..., :, None] * across)
    along = np.sum(vectors * grad_vectors, -2)[..., None, :]
    gaps = off_diagonal(values[..., None, :] - values[..., :, None])
    turned = safe_divide(across @ (grad_vectors - vectors * along), gaps)
    turned = turned * (1 - np.eye(gaps.shape[-1], dtype=gaps.dtype))
    if grad_values is not None:
        turned = turned + np.eye(gaps.shape[-1], dtype=gaps.dtype) * grad_values[..., None, :]
    return np.linalg.solve(across, turned @ across)


@gate(real_eigvals, types=_eigvals_type, examples=REAL_EIGENVALUES)
def real_eigvals_(grad_y: Any, a: Any) -> Any:
    across = transposed(real_eig(a)[1])
    return np.linalg.solve(across, grad_y[..., :, None] * across)


# ----- singular values ---------------------------------------------------------------------------


def _svd_dims(facts: Facts, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    *batch, rows, columns = axes_of(a)
    rank = shorter(facts, rows, columns)
    if not compute_uv:
        return (*batch, rank)
    if full_matrices:
        if not facts.same(rows, columns) and facts.size_of(rows) is None:
            raise UnknownLength("a matrix that may not be square")
        return (*batch, rows, rows), (*batch, rank), (*batch, columns, columns)
    return (*batch, rows, rank), (*batch, rank), (*batch, rank, columns)


def _svdvals_dims(facts: Facts, x: Any) -> Any:
    return _svd_dims(facts, x, compute_uv=False)


def of_values(grad_values: Any, a: Any) -> Any:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return (u * grad_values[..., None, :]) @ vh


@gate(
    of_a_space,
    memory=Memory.SHARED,
    examples=[example(real(3, 1), np.ones((3, 1), int)), example(real(2, 3, 1), np.ones((2, 3, 1), int))],
)
def of_a_space_(grad_y: Any, upstream: Any, vectors: Any) -> Any:
    return grad_y, None


@gate(
    np.linalg.svd,
    dims=_svd_dims,
    examples=[
        example(real(3, 3)),
        example(real(2, 3, 3)),
        example(real(4, 3), full_matrices=False),
        example(real(3, 4), full_matrices=False),
        example(real(2, 3, 4), full_matrices=False),
        example(real(4, 1), full_matrices=False),
        example(real(3, 4), compute_uv=False),
        example(real(2, 4, 3), compute_uv=False),
        example(real(3, 3), full_matrices=False, compute_uv=False),
        example(real(3, 4)),
        example(real(4, 3)),
        example(real(2, 3, 4)),
    ],
    means=lambda args, kwargs: svd_of_symmetric if len(args) > 3 or "hermitian" in kwargs else None,
)
def svd(grad_y: Any, y: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """As in J. Townsend, Differentiating the singular value decomposition (2016)."""
    if not compute_uv:
        return of_values(grad_y, a)
    grad_u, grad_s, grad_vh = grad_y[0], grad_y[1], grad_y[2]
    if grad_u is None and grad_vh is None:
        return None if grad_s is None else of_values(grad_s, a)
    u, s, vh = y[0], y[1], y[2]
    rank = s.shape[-1]
    more_u = more_vh = None
    if full_matrices and u.shape[-1] > rank:
        u, more_u = u[..., :rank], u[..., rank:]
        if grad_u is not None:
            grad_u, grad_more_u = grad_u[..., :rank], of_a_space(grad_u[..., rank:], more_u)
    if full_matrices and vh.shape[-2] > rank:
        vh, more_vh = vh[..., :rank, :], vh[..., rank:, :]
        if grad_vh is not None:
            grad_more_vh = of_a_space(transposed(grad_vh[..., rank:, :]), transposed(more_vh))
            grad_vh = grad_vh[..., :rank, :]
    row, column = s[..., None, :], s[..., :, None]
    gaps = off_diagonal((row - column) * (row + column))
    grad_a = None if grad_s is None else (u * grad_s[..., None, :]) @ vh
    if grad_u is not None:
        products = transposed(u) @ grad_u
        grad_a = plus(grad_a, u @ (safe_divide(products - transposed(products), gaps) * row) @ vh)
        if not full_matrices:
            grad_a = grad_a + safe_divide(grad_u - u @ products, row) @ vh
        if more_u is not None:
            turned = transposed(more_u) @ grad_u - transposed(grad_more_u) @ u
            grad_a = grad_a + more_u @ safe_divide(turned, row) @ vh
    if grad_vh is not None:
        products = vh @ transposed(grad_vh)
        grad_a = plus(grad_a, u @ (column * safe_divide(products - transposed(products), gaps)) @ vh)
        if not full_matrices:
            grad_a = grad_a + u @ safe_divide(grad_vh - transposed(products) @ vh, column)
        if more_vh is not None:
            turned = grad_vh @ transposed(more_vh) - vh @ grad_more_vh
            grad_a = grad_a + u @ safe_divide(turned, column) @ more_vh
    return grad_a


def svd_of_symmetric(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """`np.linalg.svd` with `hermitian=`, of the eigenvalues."""
    if not hermitian:
        return np.linalg.svd(a, full_matrices, compute_uv)
    if not compute_uv:
        return np.sort(np.abs(np.linalg.eigvalsh(a)))[..., ::-1]
    values, vectors = np.linalg.eigh(a)
    order = np.argsort(np.abs(values))[..., ::-1]
    values = np.take_along_axis(values, order, -1)
    vectors = np.take_along_axis(vectors, order[..., None, :], -1)
    return vectors, np.abs(values), transposed(vectors * np.sign(values)[..., None, :])


@gate(
    np.linalg.svdvals,
    dims=_svdvals_dims,
    examples=[example(real(3, 4)), example(real(2, 4, 3)), example(real(3, 3))],
)
def svdvals(grad_y: Any, x: Any, /) -> Any:
    return of_values(grad_y, x)
