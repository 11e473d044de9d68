"""Fourteen NumPy kernels, each called from a loss `sum(W * out**2)`, and arguments for them.

The kernels follow the published definitions of NPBench (A. N. Ziogas et al., ICS 2021), most of which
are PolyBench's. They are ordinary NumPy: they write into their arguments, loop over time, rows and columns,
and know nothing of gradients. `CASES` lists them for tests and benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# dense linear algebra without loops


def gemm(alpha, beta, C, A, B):
    C[:] = alpha * A @ B + beta * C


def loss_gemm(alpha, beta, C, A, B, W):
    gemm(alpha, beta, C, A, B)
    return np.sum(W * C**2)


def k3mm(A, B, C, D):
    return A @ B @ C @ D


def loss_k3mm(A, B, C, D, W):
    out = k3mm(A, B, C, D)
    return np.sum(W * out**2)


def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ A + z
    w += alpha * A @ x


def loss_gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z, W, W_x, W_A):
    gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z)
    return np.sum(W * w**2) + np.sum(W_x * x**2) + np.sum(W_A * A**2)


def softmax(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    return tmp_out / tmp_sum


def loss_softmax(x, W):
    return np.sum(W * softmax(x) ** 2)


# stencils


def hdiff(in_field, out_field, coeff):
    I, J, K = out_field.shape[0], out_field.shape[1], out_field.shape[2]
    lap_field = 4.0 * in_field[1 : I + 3, 1 : J + 3, :] - (
        in_field[2 : I + 4, 1 : J + 3, :]
        + in_field[0 : I + 2, 1 : J + 3, :]
        + in_field[1 : I + 3, 2 : J + 4, :]
        + in_field[1 : I + 3, 0 : J + 2, :]
    )

    res = lap_field[1:, 1 : J + 1, :] - lap_field[:-1, 1 : J + 1, :]
    flx_field = np.where(
        (res * (in_field[2 : I + 3, 2 : J + 2, :] - in_field[1 : I + 2, 2 : J + 2, :])) > 0,
        0,
        res,
    )

    res = lap_field[1 : I + 1, 1:, :] - lap_field[1 : I + 1, :-1, :]
    fly_field = np.where(
        (res * (in_field[2 : I + 2, 2 : J + 3, :] - in_field[2 : I + 2, 1 : J + 2, :])) > 0,
        0,
        res,
    )

    out_field[:, :, :] = in_field[2 : I + 2, 2 : J + 2, :] - coeff[:, :, :] * (
        flx_field[1:, :, :] - flx_field[:-1, :, :] + fly_field[:, 1:, :] - fly_field[:, :-1, :]
    )


def loss_hdiff(in_field, out_field, coeff, W):
    hdiff(in_field, out_field, coeff)
    return np.sum(W * out_field**2)


def jacobi_2d(TSTEPS, A, B):
    for t in range(1, TSTEPS):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])


def loss_jacobi_2d(TSTEPS, A, B, W, W_B):
    jacobi_2d(TSTEPS, A, B)
    return np.sum(W * A**2) + np.sum(W_B * B**2)


def heat_3d(TSTEPS, A, B):
    for t in range(1, TSTEPS):
        B[1:-1, 1:-1, 1:-1] = (
            0.125 * (A[2:, 1:-1, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[:-2, 1:-1, 1:-1])
            + 0.125 * (A[1:-1, 2:, 1:-1] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, :-2, 1:-1])
            + 0.125 * (A[1:-1, 1:-1, 2:] - 2.0 * A[1:-1, 1:-1, 1:-1] + A[1:-1, 1:-1, 0:-2])
            + A[1:-1, 1:-1, 1:-1]
        )
        A[1:-1, 1:-1, 1:-1] = (
            0.125 * (B[2:, 1:-1, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[:-2, 1:-1, 1:-1])
            + 0.125 * (B[1:-1, 2:, 1:-1] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, :-2, 1:-1])
            + 0.125 * (B[1:-1, 1:-1, 2:] - 2.0 * B[1:-1, 1:-1, 1:-1] + B[1:-1, 1:-1, 0:-2])
            + B[1:-1, 1:-1, 1:-1]
        )


def loss_heat_3d(TSTEPS, A, B, W, W_B):
    heat_3d(TSTEPS, A, B)
    return np.sum(W * A**2) + np.sum(W_B * B**2)


def fdtd_2d(TMAX, ex, ey, hz, _fict_):
    for t in range(TMAX):
        ey[0, :] = _fict_[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])


def loss_fdtd_2d(TMAX, ex, ey, hz, _fict_, W, W_ey, W_hz):
    fdtd_2d(TMAX, ex, ey, hz, _fict_)
    return np.sum(W * ex**2) + np.sum(W_ey * ey**2) + np.sum(W_hz * hz**2)


def seidel_2d(TSTEPS, N, A):
    for t in range(0, TSTEPS - 1):
        for i in range(1, N - 1):
            A[i, 1:-1] += (
                A[i - 1, :-2]
                + A[i - 1, 1:-1]
                + A[i - 1, 2:]
                + A[i, 2:]
                + A[i + 1, :-2]
                + A[i + 1, 1:-1]
                + A[i + 1, 2:]
            )
            for j in range(1, N - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0


def loss_seidel_2d(TSTEPS, N, A, W):
    seidel_2d(TSTEPS, N, A)
    return np.sum(W * A**2)


# triangular loops and recurrences


def syrk(alpha, beta, C, A):
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]


def loss_syrk(alpha, beta, C, A, W):
    syrk(alpha, beta, C, A)
    return np.sum(W * C**2)


def cholesky(A):
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])


def loss_cholesky(A, W):
    cholesky(A)
    return np.sum(W * A**2)


def lu(A):
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]


def loss_lu(A, W):
    lu(A)
    return np.sum(W * A**2)


def go_fast(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace


def loss_go_fast(a, W):
    return np.sum(W * go_fast(a) ** 2)


def durbin(r):
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]

    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha

    return y


def loss_durbin(r, W):
    y = durbin(r)
    return np.sum(W * y**2)


# arguments: random, in a range where no pivot is near zero and no condition near its edge


def _gemm(rng, rows, inner, columns):
    C, A, B = (rng.standard_normal(s) for s in ((rows, columns), (rows, inner), (inner, columns)))
    return 1.5, 1.2, C, A, B, rng.random(C.shape)


def _k3mm(rng, a, b, c, d, e):
    shapes = ((a, b), (b, c), (c, d), (d, e))
    return *(rng.standard_normal(s) for s in shapes), rng.random((a, e))


def _gemver(rng, n):
    vectors = tuple(rng.standard_normal((8, n)))
    return 1.5, 1.2, rng.standard_normal((n, n)), *vectors, *rng.random((2, n)), rng.random((n, n))


def _softmax(rng, *shape):
    return rng.standard_normal(shape), rng.random(shape)


def _hdiff(rng, i, j, k):
    out = rng.standard_normal((i, j, k))
    return rng.standard_normal((i + 4, j + 4, k)), out, rng.random((i, j, k)), rng.random((i, j, k))


def _stencil_2d(rng, steps, n):
    return steps, *rng.standard_normal((2, n, n)), *rng.random((2, n, n))


def _stencil_3d(rng, steps, n):
    return steps, *rng.standard_normal((2, n, n, n)), *rng.random((2, n, n, n))


def _fdtd_2d(rng, steps, rows, columns):
    fields = tuple(rng.standard_normal((3, rows, columns)))
    return steps, *fields, rng.standard_normal(steps), *rng.random((3, rows, columns))


def _seidel_2d(rng, steps, n):
    return steps, n, rng.standard_normal((n, n)), rng.random((n, n))


def _syrk(rng, n, m):
    return 1.5, 1.2, rng.standard_normal((n, n)), rng.standard_normal((n, m)), rng.random((n, n))


def _positive_definite(rng, n):
    M = rng.standard_normal((n, n))
    return M @ M.T / n + np.eye(n), rng.random((n, n))


def _square(rng, n):
    return rng.standard_normal((n, n)), rng.random((n, n))


def _dominant(rng, n):
    return rng.standard_normal((n, n)) + 2.0 * n * np.eye(n), rng.random((n, n))


def _durbin(rng, n):
    """Autocorrelations that fall off, so that every leading Toeplitz matrix is positive definite."""
    return 0.5 ** np.arange(1, n + 1) * rng.uniform(0.5, 1.0, n), rng.random(n)


@dataclass(frozen=True)
class Case:
    """A kernel, its loss, arguments in several sizes, and the names of those that it writes into."""

    kernel: Callable[..., Any]
    loss: Callable[..., Any]
    make: Callable[..., tuple[Any, ...]]
    sizes: dict[str, tuple[int, ...]]
    written: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The loss's parameters: the kernel's, then the weights of the outputs."""
        return self.loss.__code__.co_varnames[: self.loss.__code__.co_argcount]

    @property
    def count(self) -> int:
        """How many parameters the kernel has."""
        return self.kernel.__code__.co_argcount

    @property
    def active(self) -> tuple[str, ...]:
        """The float inputs of the kernel."""
        return tuple(name for name in self.names[: self.count] if name not in ("TSTEPS", "TMAX", "N"))

    def arguments(self, size: str) -> tuple[Any, ...]:
        """Arguments of the loss: the same ones at every call, in arrays of their own."""
        made = self.make(np.random.default_rng(0), *self.sizes[size])
        return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in made)


def _case(kernel, loss, make, tiny, moderate, large, edge=None, written=()):
    sizes = {"tiny": tiny, "moderate": moderate, "large": large}
    return Case(kernel, loss, make, sizes if edge is None else {**sizes, "edge": edge}, written)


# tiny: two or three elements, one time step; edge: loops that make no trip, axes of length 1
CASES: dict[str, Case] = {
    "gemm": _case(gemm, loss_gemm, _gemm, (2, 3, 2), (7, 5, 6), (200, 220, 240), (1, 1, 1), ("C",)),
    "k3mm": _case(k3mm, loss_k3mm, _k3mm, (2, 3, 2, 3, 2), (4, 5, 6, 7, 8), (160, 180, 200, 190, 210)),
    "gemver": _case(gemver, loss_gemver, _gemver, (2,), (8,), (500,), (1,), ("A", "x", "w")),
    "softmax": _case(softmax, loss_softmax, _softmax, (2, 3), (2, 3, 4, 5), (8, 8, 64, 64), (1, 1)),
    "hdiff": _case(hdiff, loss_hdiff, _hdiff, (2, 2, 2), (5, 6, 3), (64, 64, 40), (1, 1, 1), ("out_field",)),
    "jacobi_2d": _case(jacobi_2d, loss_jacobi_2d, _stencil_2d, (2, 3), (6, 9), (50, 150), (1, 4), ("A", "B")),
    "heat_3d": _case(heat_3d, loss_heat_3d, _stencil_3d, (2, 3), (4, 5), (25, 25), (1, 3), ("A", "B")),
    "fdtd_2d": _case(
        fdtd_2d, loss_fdtd_2d, _fdtd_2d, (1, 2, 3), (5, 6, 7), (60, 100, 120), (0, 2, 2), ("ex", "ey", "hz")
    ),
    "seidel_2d": _case(seidel_2d, loss_seidel_2d, _seidel_2d, (2, 3), (4, 6), (8, 50), (1, 3), ("A",)),
    "syrk": _case(syrk, loss_syrk, _syrk, (2, 3), (6, 4), (70, 50), (1, 1), ("C",)),
    "cholesky": _case(cholesky, loss_cholesky, _positive_definite, (2,), (6,), (60,), (1,), ("A",)),
    "lu": _case(lu, loss_lu, _dominant, (2,), (6,), (60,), (1,), ("A",)),
    "go_fast": _case(go_fast, loss_go_fast, _square, (2,), (7,), (400,), (1,)),
    "durbin": _case(durbin, loss_durbin, _durbin, (2,), (9,), (400,), (1,)),
}
