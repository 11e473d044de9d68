"""From decoration to the first gradient of a function of twenty statements."""

from __future__ import annotations

import ast
import inspect
from time import perf_counter
from types import FunctionType

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import installed, with_numpy


def twenty(W1, b1, W2, b2, X, Y):
    rows = X.shape[0]
    s1 = X @ W1
    s2 = s1 + b1
    h = np.tanh(s2)
    gate = 1.0 / (1.0 + np.exp(-s2))
    mixed = gate * h + (1.0 - gate) * s2
    centred = mixed - np.mean(mixed, axis=0)
    spread = np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
    normal = centred / spread
    s3 = normal @ W2
    s4 = s3 + b2
    clipped = np.maximum(s4, 0.01 * s4)
    error = clipped - Y
    squares = error * error
    data = np.sum(squares) / rows
    l2 = np.sum(W1**2) + np.sum(W2**2)
    l1 = np.sum(np.abs(W1)) + np.sum(np.abs(W2))
    penalty = 1e-3 * l2 + 1e-4 * l1
    scale = np.log(1.0 + data)
    return scale + penalty


def data() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in ((8, 6), (6,), (6, 3), (3,)))
    return W1, b1, W2, b2, rng.standard_normal((16, 8)), rng.standard_normal((16, 3))


def operations() -> int:
    """How many operations the function computes."""
    kinds = (ast.BinOp, ast.UnaryOp, ast.Call)
    return sum(isinstance(node, kinds) for node in ast.walk(ast.parse(inspect.getsource(twenty))))


def _copy() -> FunctionType:
    """A function never seen before, with the same source: of another code object, since one is compiled once."""
    return FunctionType(twenty.__code__.replace(), twenty.__globals__, twenty.__name__)


def ours(repeats: int = 15) -> list[float]:
    """Seconds for each of `repeats` compilations, the first one cold."""
    args, times = data(), []
    for _ in range(repeats):
        function = _copy()
        start = perf_counter()
        grad(function)(*args)
        times.append(perf_counter() - start)
    return times


def made_again(repeats: int = 300) -> list[float]:
    """Seconds from decoration to the first gradient, for lambdas of one code object that close over numbers."""
    x, times = np.arange(5.0), []

    def once(a: float) -> None:
        start = perf_counter()
        grad(lambda x: np.sum((x - a) ** 2))(x)
        times.append(perf_counter() - start)

    for n in range(repeats):
        once(0.5 * n)
    return times


def jax_jit(repeats: int = 3) -> list[float] | None:
    """The same for tracing and compiling with JAX."""
    jax = installed("jax")
    if jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    args, times = data(), []
    for _ in range(repeats):
        function = with_numpy(_copy(), installed("jax.numpy"))
        start = perf_counter()
        jax.block_until_ready(jax.jit(jax.grad(function, argnums=tuple(range(6))))(*args))
        times.append(perf_counter() - start)
    return times
