"""What is converted to whole numbers or truth values has no derivative, and an integer argument has one.

`i = x.astype(int)` follows x by steps: it is a constant to whatever is computed from it.
"""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check
from tests.support.program import make

X = np.array([0.37, 1.71, 2.23])

CONVERSIONS = [
    "x.astype(int)", "x.astype(bool)", "x.astype('i4').astype(float)", "np.array(x, dtype=int)", "np.asarray(x, dtype=bool)",
    "np.array([x[2], x[1], x[0]], dtype=int)", "np.asfortranarray(x, dtype=int)", "np.ascontiguousarray(x, dtype=np.int16)",
    "np.full(3, x[1], dtype=int)", "np.full_like(np.arange(3), x)", "np.full_like(x, x[2], dtype=int)",
    "np.sum(x, dtype=int)", "x.sum(dtype=np.uint8)", "np.prod(x, dtype=int)", "np.cumsum(x, dtype=int)", "x.cumprod(dtype=int)",
    "np.mean(x, dtype=int)", "np.var(x, dtype=int)", "np.std(x, dtype=int)", "np.add.reduce(x, dtype=int)", "np.nansum(x, dtype=int)",
    "np.linspace(x[0], x[1], 3, dtype=int)", "np.arange(x[0], x[0] + 3, dtype=int)", "np.int64(x[1])", "np.uint8(x)", "np.bool_(x)", "int(x[2])",
    "np.floor(x)", "np.rint(x)", "np.trunc(x).astype(int)", "x // 1", "divmod(x, 2)[0]", "np.round(x)", "np.where(x > 1, x.astype(int), x)",
    "np.clip(x.astype(int), 0, 1)", "x.astype(int) @ x.astype(int)", "np.repeat(x.astype(int), 2)[:3]", "x.astype(int)[::-1]",
    "x[x.astype(int)]", "np.ix_(x.astype(int))[0]", "np.ix_(x)[0]", "np.stack([x, x]).astype(int)[0]", "np.average(x.astype(int))",
]  # fmt: skip

FORMS = {
    "if": "if x[0] < 1:\n        y = {c}\n    else:\n        y = x\n    return np.sum((x - y) ** 2)",
    "for": "s = 0.0\n    for k in range(3):\n        y = {c}\n        s += x[k] * np.sum((x - y) ** 2)\n    return s",
    "carried": "y = x * 0\n    for k in range(3):\n        y = y + {c}\n    return np.sum((x - y) ** 2)",
    "while": "s, k = 0.0, 0\n    while s < 2:\n        s, k = s + x[k], k + 1\n        y = {c}\n    return s * np.sum((x - y) ** 2)",
    "exit": "for k in range(3):\n        y = {c}\n        if x[k] > 1:\n            return np.sum((x - y) ** 2)\n    return x[0]",
    "helper": "y = convert(x)\n    return np.sum((x - y) ** 2)",
    "pair": "y = longer(x)\n    return np.sum((x - y) ** 2) + np.sum(longer(x * 2) * x)",
    "method": "y = Converter(x).convert()\n    return np.sum((x - y) ** 2)",
    "closure": "def inner():\n        return {c} * x[1]\n    return np.sum((x - inner()) ** 2)",
    "list": "parts = [{c}, x, {c}]\n    return sum([np.sum(p * x[1]) for p in parts])",
    "grown": "parts = []\n    for k in range(3):\n        parts.append(np.sum({c}) * x[k])\n    return np.sum(np.array(parts) * x)",
    "store": "y = np.zeros(3, dtype=int)\n    y[:] = {c}\n    y[1] = x[2]\n    return np.sum((x - y) ** 2)",
    "stored": "y = np.zeros((2, 3))\n    y[0] = {c}\n    y[1] = x\n    return np.sum((x - y) ** 2)",
}  # fmt: skip

PROGRAM = """
def convert(x):
    return {c}

def longer(x):
    y = x
    for k in range(4):
        y = np.sin(y) + np.cos(y * x) * 0.1 + y * y * 0.2 + np.tanh(y) - y / (1 + y * y) + np.exp(-y) + 1
    if x[0] > 5:
        y = y + 1
    z = y
    x = np.sqrt(y) * 1.3 + np.log(y) * 0.3 + np.arctan(y) * 0.2
    return {c}

class Converter:
    def __init__(self, x):
        self.x = x

    def convert(self):
        x = self.x
        return {c}

def f(x):
    """


def program(form, conversion):
    return make((PROGRAM + form + "\n").replace("{c}", conversion))


@pytest.mark.parametrize("conversion", CONVERSIONS)
def test_a_conversion_is_a_cut(conversion):
    check(program("y = {c}\n    return np.sum((x - y) ** 2) + np.sum(y * x)", conversion), X)


@pytest.mark.parametrize("conversion", ["np.full_like(np.arange(3), x)", "np.cumsum(x, dtype=int)"])
@pytest.mark.parametrize("form", FORMS)
def test_in_every_form(form, conversion):
    check(program(FORMS[form], conversion), X)


@pytest.mark.parametrize("optimize", [True, False])
def test_the_second_derivative(optimize):
    f = make("def f(x):\n    return (x - int(x)) ** 3 * np.floor(x) + np.full(2, x, dtype=int)[1] * x * x\n")
    twice = grad(grad(f, optimize=optimize), optimize=optimize)
    np.testing.assert_allclose(twice(2.25), 6 * 0.25 * 2 + 2 * 2, rtol=1e-12)
    np.testing.assert_allclose(twice(3.5), 6 * 0.5 * 3 + 2 * 3, rtol=1e-12)


N = np.array([3, 1, 4])

REAL = {
    "np.sum(n * n + 2)": 2.0 * N,
    "np.sum(-n * x)": -X,
    "np.sum(np.where(n > 2, n, 0) * x)": X * (N > 2),
    "np.sum(np.array([n[0], 2, n[1]]) * x)": np.array([X[0], X[2], 0.0]),
    "np.sum(np.full_like(n, n) * x) + np.sum(n.copy() * x)": 2 * X,
    "np.sum(kept(n, x))": X,
    "np.sum(longer(n) * x) ": 2 * N * X * 3,
}
CUT = [
    "np.sum(n.astype(int) * x)", "np.sum(np.array(n, dtype=int) * x)", "np.sum(np.cumsum(n, dtype=int) * x)", "np.sum(n // 1 * x)",
    "np.sum(np.int64(n) * x)", "float(int(n[1])) * x[0]", "np.sum((n > 2) * x)", "np.sum(np.full_like(n, x) * x) + 0 * np.sum(n)",
]  # fmt: skip
WHOLE = """
def kept(n, x):
    y = np.zeros(3, dtype=int)
    y[:] = n
    return y * x

def longer(n):
    m = n * n
    for k in range(3):
        m = m + n * n
        m = m - n * 2 + n * 2 - k + k + n - n
        m = m * 1 - 3 + 3 - n + n
        m = m - n * n
    return m * 3

def f(n, x):
    return """


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("expression", REAL)
def test_an_integer_argument_is_real(expression, optimize):
    f = make(WHOLE + expression + "\n")
    found = grad(f, argnums=0, optimize=optimize)(N, X)
    np.testing.assert_allclose(found, REAL[expression], rtol=1e-12)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("expression", CUT)
def test_until_it_is_converted(expression, optimize):
    f = make(WHOLE + expression + "\n")
    np.testing.assert_array_equal(grad(f, argnums=0, optimize=optimize)(N, X), np.zeros(3))


@pytest.mark.parametrize("optimize", [True, False])
def test_a_float_is_cut_off_though_an_integer_beside_it_is_real(optimize):
    f = make(
        "def f(n, x):\n    y = np.full_like(n, x)\n    n[1] = x[1]\n    return np.sum(y * x) + np.sum(n * x)\n"
    )
    of_n, of_x = grad(f, argnums=(0, 1), optimize=optimize)(N, X)
    np.testing.assert_allclose(of_n, [X[0], 0, X[2]], rtol=1e-12)
    np.testing.assert_allclose(of_x, np.array([0, 1, 2]) + [3, 1, 4], rtol=1e-12)
