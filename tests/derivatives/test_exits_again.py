"""Loops that are left early, differentiated again and again, in each order of the modes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from revcompile import grad, jacfwd, jacrev
from tests.derivatives.test_operators import differences
from tests.support.program import make

X = np.array([0.5, 0.7, 0.9, 0.8, 0.4])
THROUGH = [
    "range(len(x))",
    "range(1, len(x))",
    "range(0, len(x), 2)",
    "range(len(x) - 1, 0, -1)",
    "reversed(range(len(x)))",
    "reversed(range(1, len(x), 2))",
]
LEFT = {
    "break": "if a > limit:\n            break",
    "return": "if a > limit:\n            return a * np.sum(x**3)",
    "continue": "if a > limit:\n            continue\n        if a > 2 * limit:\n            break",
    "inner": "for j in range(i + 1):\n            a = a + 0.1 * x[j] ** 3\n            if a > limit:\n                break",
    "store": "y[i] = a * x[i]\n        if a > limit:\n            break",
}


def left(through: str, how: str) -> Any:
    text = f"""
def f(x, limit):
    a = 0.1
    y = np.sin(x)
    for i in {through}:
        a = a + x[i] * x[i] * (i + 1)
        {LEFT[how]}
        a = a * 1.1
    return a * y[0] * y[-1] + np.sum(y)
"""
    return make(text, name="f")


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("how", LEFT)
@pytest.mark.parametrize("through", THROUGH)
def test_second_derivatives(through: str, how: str, optimize: bool) -> None:
    f = left(through, how)
    gradient = grad(f, argnums=0)
    for limit in (0.93, 1.97, 100.0):
        expected = differences(gradient, (X, limit), 0)
        for outer in (jacfwd, jacrev):
            found = outer(gradient, argnums=0, optimize=optimize)(X, limit)
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        twice = grad(lambda x, limit: np.sum(grad(f, argnums=0)(x, limit) ** 2), argnums=0, optimize=optimize)
        np.testing.assert_allclose(twice(X, limit), 2 * gradient(X, limit) @ expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("through", THROUGH[::2])
def test_third_derivatives(through: str) -> None:
    f = left(through, "break")
    for limit in (0.93, 1.97):
        second = jacfwd(jacrev(f, argnums=0), argnums=0)
        expected = differences(second, (X, limit), 0)
        for modes in product((jacfwd, jacrev), repeat=3):
            found: Any = f
            for mode in modes:
                found = mode(found, argnums=0)
            np.testing.assert_allclose(found(X, limit), expected, rtol=1e-5, atol=1e-5)
