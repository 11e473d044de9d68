"""The kernels' losses as a JAX user writes them: arrays are values, loops over time are `lax` loops.

Loops over triangles become masked matrix algebra or the library's own factorisation. What would need
another algorithm to be expressed at all (lu without pivoting, durbin, seidel_2d) is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.benchmarks.peers import installed

jax, np = installed("jax"), installed("jax.numpy")


def gemm(alpha, beta, C, A, B, W):
    return np.sum(W * (alpha * A @ B + beta * C) ** 2)


def k3mm(A, B, C, D, W):
    return np.sum(W * (A @ B @ C @ D) ** 2)


def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z, W, W_x, W_A):
    A = A + np.outer(u1, v1) + np.outer(u2, v2)
    x = x + beta * y @ A + z
    w = w + alpha * A @ x
    return np.sum(W * w**2) + np.sum(W_x * x**2) + np.sum(W_A * A**2)


def softmax(x, W):
    exponentials = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.sum(W * (exponentials / np.sum(exponentials, axis=-1, keepdims=True)) ** 2)


def hdiff(field, out, coeff, W):
    inner = field[1:-1, 1:-1]
    lap = 4.0 * inner - (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:] + field[1:-1, :-2])
    res = lap[1:, 1:-1] - lap[:-1, 1:-1]
    flx = np.where(res * (inner[1:, 1:-1] - inner[:-1, 1:-1]) > 0, 0, res)
    res = lap[1:-1, 1:] - lap[1:-1, :-1]
    fly = np.where(res * (inner[1:-1, 1:] - inner[1:-1, :-1]) > 0, 0, res)
    out = field[2:-2, 2:-2] - coeff * (flx[1:] - flx[:-1] + fly[:, 1:] - fly[:, :-1])
    return np.sum(W * out**2)


def jacobi_2d(TSTEPS, A, B, W, W_B):
    def smooth(source, target):
        around = source[1:-1, :-2] + source[1:-1, 2:] + source[2:, 1:-1] + source[:-2, 1:-1]
        return target.at[1:-1, 1:-1].set(0.2 * (source[1:-1, 1:-1] + around))

    def step(_, state):
        A, B = state
        B = smooth(A, B)
        return smooth(B, A), B

    A, B = jax.lax.fori_loop(1, TSTEPS, step, (A, B))
    return np.sum(W * A**2) + np.sum(W_B * B**2)


def heat_3d(TSTEPS, A, B, W, W_B):
    inner = (slice(1, -1),) * 3

    def smooth(source, target):
        middle = source[inner]
        return target.at[inner].set(
            0.125 * (source[2:, 1:-1, 1:-1] - 2.0 * middle + source[:-2, 1:-1, 1:-1])
            + 0.125 * (source[1:-1, 2:, 1:-1] - 2.0 * middle + source[1:-1, :-2, 1:-1])
            + 0.125 * (source[1:-1, 1:-1, 2:] - 2.0 * middle + source[1:-1, 1:-1, :-2])
            + middle
        )

    def step(_, state):
        A, B = state
        B = smooth(A, B)
        return smooth(B, A), B

    A, B = jax.lax.fori_loop(1, TSTEPS, step, (A, B))
    return np.sum(W * A**2) + np.sum(W_B * B**2)


def fdtd_2d(TMAX, ex, ey, hz, fict, W, W_ey, W_hz):
    def step(state, source):
        ex, ey, hz = state
        ey = ey.at[0, :].set(source)
        ey = ey.at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
        ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
        hz = hz.at[:-1, :-1].add(-0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]))
        return (ex, ey, hz), None

    (ex, ey, hz), _ = jax.lax.scan(step, (ex, ey, hz), fict)
    return np.sum(W * ex**2) + np.sum(W_ey * ey**2) + np.sum(W_hz * hz**2)


def syrk(alpha, beta, C, A, W):
    C = np.tril(alpha * A @ A.T + beta * C) + np.triu(C, 1)
    return np.sum(W * C**2)


def cholesky(A, W):
    """The library's factorisation reads both triangles: the upper one is made of the lower."""
    lower = np.tril(A)
    symmetric = lower + np.tril(A, -1).T
    factor = jax.lax.linalg.cholesky(symmetric, symmetrize_input=False)
    return np.sum(W * (np.tril(factor) + np.triu(A, 1)) ** 2)


def go_fast(a, W):
    return np.sum(W * (a + np.sum(np.tanh(np.diag(a)))) ** 2)


LOSSES: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        gemm,
        k3mm,
        gemver,
        softmax,
        hdiff,
        jacobi_2d,
        heat_3d,
        fdtd_2d,
        syrk,
        cholesky,
        go_fast,
    )
}
