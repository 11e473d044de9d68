"""Lengths of arguments that do not agree raise what NumPy raises, though the gradient needs no sum of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make

PROGRAM = """
def small(a, b):
    return np.sum({of_helper})

def large(a, b):
    s = np.sum({of_helper})
    for k in range(4):
        s = s + np.sin(s) * 0.1 + np.cos(s) * 0.2 + np.tanh(s) * 0.3 - s / (1 + s * s) + np.exp(-s * s)
    return s

class Model:
    def loss(self, a, b):
        return np.sum({of_helper})

def f(x, y, n):
    """
FORMS = {
    "straight": "return np.sum({e})",
    "if": "if n > 0:\n        return np.sum({e})\n    return np.sum(x) + np.sum(y)",
    "for": "s = np.sum(x) + np.sum(y)\n    for k in range(n):\n        s = s + np.sum({e})\n    return s",
    "while": "s, k = np.sum(x) + np.sum(y), 0\n    while k < n:\n        s, k = s + np.sum({e}), k + 1\n    return s",
    "exit": "for k in range(n):\n        if k == 1:\n            return np.sum({e})\n    return np.sum(x) + np.sum(y)",
    "nested": "s = np.sum(x) + np.sum(y)\n    for k in range(n):\n        if k > 0:\n            for j in range(2):\n"
    "                s = s + np.sum({e})\n    return s",
    "helper": "s = np.sum(x) + np.sum(y)\n    for k in range(n):\n        s = s + small(x, y)\n    return s",
    "pair": "s = np.sum(x) + np.sum(y)\n    for k in range(n):\n        s = s + large(x, y) + large(x, y * 2)\n    return s",
    "method": "s = np.sum(x) + np.sum(y)\n    for k in range(n):\n        s = s + Model().loss(x, y)\n    return s",
    "closure": "def inner():\n        return np.sum({e})\n    return inner() if n > 0 else np.sum(x) + np.sum(y)",
    "list": "return sum([np.sum(x) + np.sum(y), *[np.sum({e}) for k in range(n)]])",
    "store": "z = np.zeros(3)\n    for k in range(n):\n        z[k] = np.sum({e})\n    return np.sum(z) + np.sum(x) + np.sum(y)",
}  # fmt: skip
SUMS = {"x + y": "a + b", "x - np.ones(3) + y": "a - np.ones(3) + b", "np.cumsum(x) + y": "np.cumsum(a) + b"}


def outcome(f: Any, *args: Any) -> Any:
    try:
        return f(*(a.copy() if isinstance(a, np.ndarray) else a for a in args))
    except ValueError as error:
        return str(error).splitlines()[0]


@pytest.mark.parametrize("e", SUMS)
@pytest.mark.parametrize("form", FORMS)
def test_in_every_form(form: str, e: str) -> None:
    f = make((PROGRAM + FORMS[form] + "\n").replace("{of_helper}", SUMS[e]).replace("{e}", e))
    for optimize in (True, False):
        gradient = grad(f, argnums=(0, 1), optimize=optimize)
        for m, n in ((3, 2), (4, 2), (3, 2), (4, 0), (3, 0), (4, 2)):
            x, y = np.linspace(0.1, 0.2, 3), np.linspace(0.3, 0.4, m)
            expected = outcome(f, x, y, n)
            found = outcome(gradient, x, y, n)
            if isinstance(expected, str):
                assert found == expected
            else:
                assert [g.shape for g in found] == [x.shape, y.shape]


def test_where_a_branch_asks_first() -> None:
    """Then they may differ, and each call gives what it should."""

    def f(x: Any, y: Any) -> Any:
        if x.shape == y.shape:
            return np.sum(x * y)
        return np.sum(x) * np.sum(y)

    gradient, both = grad(f, argnums=(0, 1)), value_and_grad(f, argnums=(0, 1))
    x = np.array([1.0, 2.0])
    for y in (np.array([3.0, 4.0]), np.array([3.0, 4.0, 5.0]), np.array([6.0, 7.0])):
        expected = (y, x) if len(y) == 2 else (np.full(2, 12.0), np.full(3, 3.0))
        for found in (gradient(x, y), both(x, y)[1]):
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])
