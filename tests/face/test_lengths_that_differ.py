"""Lengths of arguments that do not agree raise what NumPy raises, though the gradient needs no sum of them."""

from __future__ import annotations

import contextlib
import io
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
COMPUTED = {  # lengths that follow from those of arguments
    "np.concatenate([x, x]) + y": "np.concatenate([a, a]) + b",
    "np.concatenate([x, np.ones(2)]) + np.concatenate([y, y])": "np.append(a, np.ones(2)) + np.append(b, b)",
    "x[1:] + y": "a[1:] + b",
    "x[::2] + y[:2]": "a[::2] + b[:2]",
    "np.repeat(x, 2) + y": "np.repeat(a, 2) + b",
    "np.tile(x, 2) * np.zeros(2 * len(y))": "np.tile(a, 2) * np.zeros(2 * len(b))",
    "x + np.arange(y.size + 1)": "a + np.arange(b.size + 1)",
    "np.pad(x, 1) + y": "np.pad(a, 1) + b",
    "np.eye(len(x)) @ y": "np.eye(len(a)) @ b",
    "np.arange(n) + y": "np.arange(2) + b",
    "np.arange(n, 2 * n) + y": "np.arange(2, 4) + b",
    "np.arange(4 * n, n, -2) + y": "np.arange(8, 2, -2) + b",
    "np.zeros((n, 2)).ravel() * y": "np.zeros(4) * b",
    "x[n:] * y": "a[2:] * b",
    "np.kron(x, np.ones(2)) + y": "np.kron(a, np.ones(2)) + b",
    "x[x > 0.15] + y": "a[a > 0.15] + b",
}


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


def printed(f: Any, *args: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        found = outcome(f, *args)
    return found, out.getvalue()


@pytest.mark.parametrize("effect", [pytest.param(True, marks=pytest.mark.fuzz), False])
@pytest.mark.parametrize("form", FORMS)
def test_lengths_that_are_computed(form: str, effect: bool) -> None:
    """Also where the function prints: then it is not run to see whether it raises."""
    for e, of_helper in COMPUTED.items():
        body = "print(n)\n    " * effect + FORMS[form]
        f = make((PROGRAM + body + "\n").replace("{of_helper}", of_helper).replace("{e}", e))
        gradient = grad(
            f, argnums=(0, 1), optimize=e in ("x[1:] + y", "np.pad(x, 1) + y", "np.arange(n) + y")
        )
        x = np.linspace(0.1, 0.2, 4)
        fits = [m for m in (2, 3, 4, 6, 8) if not isinstance(printed(f, x, np.ones(m), 2)[0], str)]
        for m in (fits[0], 2, 3, 4, 5, 6, 8):
            for n in (2, 0):
                y = np.linspace(0.3, 0.4, m)
                (expected, lines), (found, own) = printed(f, x, y, n), printed(gradient, x, y, n)
                assert lines == own, (e, m, n)
                if isinstance(expected, str):
                    assert found == expected, (e, m, n)
                else:
                    assert [g.shape for g in found] == [x.shape, y.shape], (e, m, n)


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
