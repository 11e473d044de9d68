"""Python floats in a program with float32: where a slope is infinite it is infinite, and nothing raises.

Python's division raises for a zero, and there is no second text for such a program to run then.
"""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make
from tests.support.texts import TEXTS

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# A function of the Python float v, and a number at which it is finite and its slope is not.
PARTIALS = {
    "sqrt": ("math.sqrt(v)", 0.0),
    "root": ("v ** 0.5", 0.0),
    "third root": ("v ** 0.3", 0.0),
    "run-time root": ("v ** w", 0.0),
    "math.pow": ("math.pow(v, w)", 0.0),
    "two roots": ("v ** 0.25 * math.sqrt(v)", 0.0),
    "root of a product": ("(v * w) ** 0.5", 0.0),
    "hypot": ("math.hypot(v, 0.0 * w)", 0.0),
    "asin": ("math.asin(v)", 1.0),
    "acos": ("math.acos(v)", 1.0),
    "acosh": ("math.acosh(v)", 1.0),
    "sqrt of log": ("math.sqrt(math.log(v))", 1.0),
    "reciprocal": ("1e-180 / (1e-200 + v)", 0.0),
    "negative power": ("1e-240 * (1e-90 + v) ** -3", 0.0),
    "run-time negative power": ("1e-240 * (1e-90 + v) ** (-6.0 * w)", 0.0),
    "log": ("math.log(1e-320 + v)", 0.0),
    "quotient": ("1e-150 * w / (1e-170 + v)", 0.0),
}

FORMS = {
    "expression": "    return y * k",
    "zero": "    return y * float(x[3]) + k",
    "if": "    r = 2.0 * k\n    if k > 1.5:\n        r = y * k\n    return r",
    "early return": "    if k <= 1.5:\n        return 2.0 * k\n    return y * k",
    "where": "    return np.where(k > 1.5, y, 2.0) * k",
    "for": "    r = 0.0\n    for i in range(2):\n        v = float(x[0])\n        if k > 1.5:\n"
    "            r = r + PARTIAL * k\n        r = r + k\n    return r",
    "while": "    r, i = 0.0, 0\n    while i < 2:\n        i += 1\n        r += k\n        if k <= 1.5:\n"
    "            continue\n        r += PARTIAL\n    return r * k",
    "helper": "    return chosen(PARTIAL, 2.0, k > 1.5) * k",
    "larger helper": "    return larger(v, w, k)",
    "list": "    t = [y, 2.0]\n    return t[0 if k > 1.5 else 1] * k",
    "closure": "    def g(a):\n        return PARTIAL * a\n    return g(k) if k > 1.5 else 2.0 * k",
    "print": "    print(end='')\n    return y * k if k > 1.5 else 2.0 * k",
}

HELPERS = """
def chosen(a, b, first):
    return a if first else b

def larger(v, w, k):
    t = k
    for i in range(2):
        t = t * 0.5 + k * k - t * k * 0.25
    y = PARTIAL
    u = t * 0.5 - k * k + t * t
    for i in range(2):
        u = u * 0.5 + k * t - u * k * 0.25
    return u * y if k > 1.5 else u

"""


ALL = ("expression", "if")  # of these forms all functions are tried, of the others some
SOME = ("sqrt", "run-time root", "negative power", "quotient")


@pytest.mark.parametrize("optimize", TEXTS, ids=["fast", "textbook"])
@pytest.mark.parametrize("form", FORMS)
def test_slopes_are_those_of_float64(form, optimize):
    for name in PARTIALS if form in ALL else SOME:
        partial, at = PARTIALS[name]
        head = "def f(x):\n    v, w, k = float(x[0]), float(x[1]), x[2]\n    y = PARTIAL\n"
        f = make((HELPERS + head + FORMS[form] + "\n").replace("PARTIAL", partial))
        gradient = value_and_grad(f, optimize=optimize)
        for k, v in [(2.0, at), (1.0, at), (2.0, 0.75 if name in ("asin", "acos") else at + 0.25), (2.0, at)]:
            x = np.array([v, 0.5, k, 0.0])
            value, expected = gradient(x)
            value32, found = gradient(x.astype(np.float32))
            np.testing.assert_allclose(np.float32(value32), np.float32(value), 2e-5, err_msg=name)
            np.testing.assert_allclose(found, expected.astype(np.float32), 2e-5, err_msg=name)
            assert found.dtype == np.float32
            if k == 1.0 and form not in ("expression", "zero"):
                assert found[0] == 0.0, name


def test_an_infinite_slope_and_one_that_does_not_matter():
    f = make("def f(x):\n    return math.sqrt(float(x[0])) * float(x[2]) * x[1]\n")
    for optimize in (True, False):
        gradient = grad(f, optimize=optimize)
        found = gradient(np.array([0.0, 2.0, 3.0], np.float32))
        np.testing.assert_array_equal(found, np.array([np.inf, 0.0, 0.0], np.float32), strict=True)
        found = gradient(np.array([0.0, 2.0, 0.0], np.float32))
        np.testing.assert_array_equal(found, np.zeros(3, np.float32), strict=True)


@pytest.mark.parametrize("optimize", TEXTS, ids=["fast", "textbook"])
@pytest.mark.parametrize("partial", ["v ** 0.5", "v ** 0.3", "v ** -0.5", "v ** w", "w / v ** 0.5"])
def test_a_complex_power_that_does_not_matter(partial, optimize):
    f = make(
        f"def f(x):\n    v, w = float(x[0]), 0.5\n    y = {partial}\n    return y * x[1] if x[1] > 1.5 else x[1]\n"
    )
    gradient = grad(f, optimize=optimize)
    for _ in range(2):
        found = gradient(np.array([-1.0, 1.0], np.float32))
        np.testing.assert_array_equal(found, np.array([0.0, 1.0], np.float32), strict=True)
