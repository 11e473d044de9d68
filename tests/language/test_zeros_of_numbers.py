"""Where no gradient comes in, none goes out: of programs of Python's numbers alone, which run on `math`.

`math` raises where NumPy gives an infinite number, and then the text with guards runs. A product of Python's
numbers that overflows raises nothing, nor does a ufunc without a sibling in `math`. At the number `v` that is
tried, a function of it or its derivative is infinite, and what the program does with that does not matter.
"""

from __future__ import annotations

import math

import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# A function of v, and a number at which it, its derivative or what leads to it is infinite or NaN.
PARTIALS = {
    "square of a product": ("(v * 1e10 * v) * (v * 1e10 * v)", 1e150),
    "product of many": ("v * v * v * v", 1e120),
    "multiple of a square": ("1e10 * v * v", 1e200),
    "quotient of products": ("(v * v * v) / (1.0 + v * v)", 1e180),
    "sum of products": ("(v * v - v * v * v) * v", 1e150),
    "negative": ("-(v * v) * v", 1e190),
    "power": ("np.power(v, 4.0)", 1e120),
    "exp": ("np.exp(v) * v", 800.0),
    "square": ("np.square(v) * v", 1e200),
    "reciprocal": ("np.reciprocal(v)", 0.0),
    "reciprocal twice": ("np.reciprocal(v) ** 2 * v", 0.0),
    "quotient": ("np.divide(1.0, v)", 0.0),
    "log": ("np.log(v) * v", 0.0),
    "sqrt": ("math.sqrt(v)", 0.0),
    "cbrt": ("np.cbrt(v)", 0.0),
}

FORMS = {
    "expression": "    return y * k if v == 1.5 else 2.0 * v",
    "if": "    r = 2.0 * v\n    if v == 1.5:\n        r = y * y * k\n    return r",
    "early return": "    if v != 1.5:\n        return 2.0 * v\n    return y * k + y",
    "for": "    r = 0.0\n    for i in range(2):\n        if v == 1.5:\n            r = r + y * k\n        r = r + v\n    return r",
    "while": "    r, i = 0.0, 0\n    while i < 2:\n        i += 1\n        r += v\n        if v != 1.5:\n            continue\n        r += y * y\n    return r",
    "break": "    r = 2.0 * v\n    for i in range(2):\n        if v != 1.5:\n            break\n        r = r + y * k\n    return r",
    "no trip": "    r = 2.0 * v\n    for i in range(1 if v == 1.5 else 0):\n        r = r + y * k\n    return r",
    "helper": "    return chosen(y, 2.0 * v, v == 1.5)",
    "larger helper": "    return larger(y, 2.0 * v, v == 1.5, k)",
    "list": "    t = [y * k, 2.0 * v]\n    return t[0] if v == 1.5 else t[1]",
    "dict": "    d = {'y': y}\n    return d['y'] * k if v == 1.5 else 2.0 * v",
    "method": "    return Pair(y, 2.0 * v).chosen(v == 1.5)",
    "two ways": "    z = y * k\n    z = z if v == 1.5 else v\n    return z + v",
}  # fmt: skip

HELPERS = """
import math
import numpy as np

def chosen(a, b, first):
    return a if first else b

def larger(a, b, first, k):
    t = a * k + a
    for i in range(2):
        t = t * 0.5 + a * a - t * k * 0.25
    u = t * t - a * k
    w = u * 0.5 + t
    if first:
        return w * u + t * k
    return b

class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b

    def chosen(self, first):
        return self.a * 2.0 if first else self.b

"""


DAILY = ("square of a product", "reciprocal", "exp", "sqrt")


@pytest.mark.parametrize("form", FORMS)
def test_what_does_not_matter_makes_no_nan(form):
    check(form, DAILY, True)


@pytest.mark.fuzz
@pytest.mark.parametrize("optimize", [True, False], ids=["fast", "textbook"])
@pytest.mark.parametrize("form", FORMS)
def test_each_of_them(form, optimize):
    check(form, PARTIALS, optimize)


def check(form, names, optimize):
    for name in names:
        partial, at = PARTIALS[name]
        f = make(f"{HELPERS}def f(v, k):\n    y = {partial}\n{FORMS[form]}\n")
        gradient = grad(f, argnums=(0, 1), optimize=optimize)
        for _ in range(2):
            assert gradient(at, 0.5) == (2.0, 0.0), name
        value, slopes = value_and_grad(f, argnums=(0, 1), optimize=optimize)(at, 0.5)
        assert value == 2.0 * at and slopes == (2.0, 0.0), name
        step = 1e-6
        below, above = (_taken(form, partial)(1.5 + h, 0.5) for h in (-step, step))
        assert math.isclose(gradient(1.5, 0.5)[0], (above - below) / (2 * step), rel_tol=1e-6), name


def _taken(form, partial):
    """The program that goes the way of 1.5 wherever it is."""
    taken = FORMS[form].replace("v == 1.5", "True").replace("v != 1.5", "False")
    return make(f"{HELPERS}def f(v, k):\n    y = {partial}\n{taken}\n")
