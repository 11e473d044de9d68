"""Texts that keep some states only (`checkpoint=`), saved, imported and differentiated again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from revcompile import grad, hvp, jvp, vjp
from tests.derivatives.again import imported
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

X = np.array([0.5, 1.2, 0.9, 1.1])


def of_an_array(x, n):
    for _ in range(n):
        x = np.sin(x) * x
    return np.sum(x)


def of_two(x, n):
    v = x * x
    for k in range(2, n):
        v = v - 0.1 * np.sin(x) * k
        x = x + 0.1 * v
    return np.sum(x * v)


def with_a_store(x, n):
    u = x * 1.0
    for _ in range(n):
        u[1:-1] = u[1:-1] + 0.1 * u[:-2] * u[2:]
    return np.sum(u * u)


def of_a_number(x, n):
    s = 0.3
    for _ in range(n):
        s = s * x[1] * (1 - s)
    return s


def of_a_while(x, n):
    k = 0
    while np.sum(x * x) > 0.1 and k < n:
        x = np.sin(x) * x
        k += 1
    return np.sum(x)


def with_a_break(x, n):
    for _ in range(n):
        x = np.sin(x) * 1.1 * x
        if np.sum(x * x) < 0.2:
            break
    return np.sum(x)


FUNCTIONS = [of_an_array, of_two, with_a_store, of_a_number, of_a_while, with_a_break]


@pytest.mark.parametrize("optimize", [True, False], ids=["default", "textbook"])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_second_derivatives(f, optimize, tmp_path: Path):
    derived = grad(f, argnums=0, checkpoint=5, optimize=optimize)
    text = derived.source_for(X, 9)
    assert "checkpoints(5" in text
    again = getattr(imported(text, tmp_path / f"{f.__name__}_again.py"), f"grad_{f.__name__}")

    def total(x, n):
        return np.sum(np.sin(again(x, n)))

    for args in ((X, 9), (0.9 * X, 7), (X, 3)):
        assert_close((grad(total, argnums=0)(*args),), numerical_gradients(total, args)[:1], rtol=1e-4)
        forward = jvp(total, args, (np.ones(4), None))[1]
        np.testing.assert_allclose(forward, np.sum(grad(total, argnums=0)(*args)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("f", [of_two, with_a_store], ids=lambda f: f.__name__)
def test_texts_of_other_operators(f, tmp_path: Path):
    """Of a pullback, which goes back over a copy of the states, and of a Hessian product."""
    product = hvp(f, argnums=0, checkpoint=5)
    module = imported(product.source_for(X, 9, X), tmp_path / f"hvp_{f.__name__}_again.py")
    again = next(g for n, g in vars(module).items() if n.startswith("hvp_"))
    third = grad(lambda x: np.sum(again(x, 9, X) * X))(X)
    assert_close((third,), numerical_gradients(lambda x: np.sum(again(x, 9, X) * X), (X,)), rtol=1e-4)
    _, pullback = vjp(f, X, 9, argnums=0, checkpoint=5)
    np.testing.assert_allclose(pullback(1.0), grad(f, argnums=0)(X, 9), rtol=1e-12)


STEPS = """
class Steps:
    def __init__(self, x):
        self.x, self.made = x, 0

    def __next__(self):
        self.x = self.x * 0.9 + 0.1 * np.sin(self.x)
        self.made += 1
        return self.x

def f(x, n):
    steps, s = Steps(x), 0.0
{body}
    return s * np.sum(x)
"""
FORMS = {
    "for": "    for _ in range(n):\n        s = s + np.sum(next(steps) ** 2)",
    "while": "    while s < 8.0:\n        s = s + np.sum(next(steps) ** 2)",
    "branch": "    for k in range(n):\n        if s < 4.0:\n            s = s + np.sum(next(steps) ** 2)\n"
    "        else:\n            s = s * 0.9",
    "break": "    for k in range(n):\n        y = next(steps)\n        if np.sum(y) < 3.0:\n            break\n"
    "        s = s + np.sum(y * y)",
    "helper": "    def more(s):\n        return s + np.sum(next(steps) ** 2)\n    for _ in range(n):\n        s = more(s)",
}


@pytest.mark.parametrize("optimize", [True, False], ids=["default", "textbook"])
@pytest.mark.parametrize("form", FORMS)
def test_next_of_an_object_where_the_run_decides(form, optimize):
    f = make("import numpy as np\n" + STEPS.format(body=FORMS[form]))
    gradient = grad(f, argnums=0, optimize=optimize)
    for args in ((X, 4), (2.0 * X, 2), (X, 0)):
        assert_close((gradient(*args),), numerical_gradients(f, args)[:1])
