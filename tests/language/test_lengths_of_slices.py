"""Lengths that the run decides, and that do not agree, raise what NumPy raises, whatever the gradient needs.

A slice whose bounds are numbers of the run, of an argument or of anything else; lengths computed from numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make
from tests.support.texts import TEXTS

LENGTHS = [
    "np.arange(3)[:n]",
    "np.arange(3.0)[-n:]",
    "C[:n]",
    "x[:n]",
    "x[n:]",
    "x[n:m]",
    "x[:-n]",
    "x[::n]",
    "x[:n][:m]",
    "x[1:][:n]",
    "x[:-1][n:]",
    "A[:n, 0]",
    "A[:, :n][0]",
    "A.T[0][:n]",
    "np.concatenate([x, x])[:n]",
    "x[: n + 1]",
    "x[: len(x) - n]",
    "np.ones(min(n, 3))",
    "np.ones(max(n, m))",
    "np.ones(abs(n - m))",
    "np.ones(n % 3)",
    "np.ones(n // m)",
    "np.ones(2 * n - m)",
    "np.ones(2**n)",
    "np.ones(int(n * 1.5))",
    "np.linspace(0.0, 1.0, n + 2)[:m]",
    "x[x > 0.1 * n]",
]
USES = [
    "return np.sum({} + y)",
    "z = {} + y\n    return np.sum(y)",
    "z = ({} - y) * 0.0\n    return np.sum(y * y) + np.sum(z)",
    "z = y * 2.0\n    if n > 1:\n        z = z + {}\n    return np.sum(z)",
    "z = y * 1.0\n    for _ in range(m):\n        z = {} + z\n    return np.sum(z)",
    "z = y * 1.0\n    z[:] = {}\n    return np.sum(z) + np.sum(y)",
    "return np.sum(added({}, y))",
]
CALLS = [(k, n, m) for k in (3, 2) for n in (1, 2, 3, 0) for m in (1, 2)]
HELPER = "C = np.array([1.0, 2.0, 3.0])\ndef added(a, b):\n    return a + b\n"
EACH = [
    pytest.param(length, use, marks=() if (i + j) % 5 == 0 else pytest.mark.fuzz)
    for i, length in enumerate(LENGTHS)
    for j, use in enumerate(USES)
]


def error_of(f: Any, args: tuple[Any, ...]) -> type[BaseException] | None:
    try:
        f(*args)
    except (ValueError, IndexError, TypeError) as e:
        return type(e)
    return None


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(("length", "use"), EACH)
def test_it_raises_where_numpy_does(length: str, use: str, optimize: bool) -> None:
    f = make(f"{HELPER}def f(y, x, A, n, m):\n    {use.format(length)}\n")
    x, a = np.array([0.2, 0.45, 0.7]), np.arange(9.0).reshape(3, 3)
    for gradient in (grad(f, 0, optimize=optimize), value_and_grad(f, 0, optimize=optimize)):
        for k, n, m in CALLS:
            args = (np.linspace(0.1, 0.9, k), x, a, n, m)
            assert error_of(gradient, args) is error_of(f, args), (k, n, m)


def test_a_builtin_that_the_program_hides_is_not_needed() -> None:
    f = make(
        "def len(x):\n    return 7\ndef range(*x):\n    return 1\n"
        "def f(y, n):\n    return np.sum(np.arange(3)[:n] + y)\n"
    )
    gradient = grad(f, 0)
    for k, n in ((2, 2), (2, 3), (3, 3), (3, 2)):
        assert error_of(gradient, (np.ones(k), n)) is error_of(f, (np.ones(k), n))


def test_a_divisor_of_a_block_that_is_not_run_may_be_zero() -> None:
    f = make("def f(y, n):\n    if n:\n        y = y * np.ones(4 % n + 1)\n    return np.sum(y * y)\n")
    gradient = grad(f, 0)
    for n in (0, 2, 0, 4):
        np.testing.assert_array_equal(gradient(np.ones(3), n), np.full(3, 2.0))
