"""Functions made inside a function and given to calls that are made as they are; what these may be given."""

from __future__ import annotations

import functools
import itertools
import random
import statistics
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make

DATA = np.array([3.0, 1.0, 2.0, 5.0])
WORDS = ["pear", "fig", "apple"]
LOG: list[Any] = []


def applied(function: Any, *args: Any) -> Any:
    """What is not read: it has a `try`."""
    try:
        return function(*args)
    except ZeroDivisionError:
        return 0.0


class Held:
    def __init__(self, function: Any) -> None:
        self.function = function

    def run(self, t: float) -> Any:
        return self.function(t)


def held(function: Any) -> Any:
    try:
        return Held(function)
    finally:
        pass


def logged(function: Any) -> None:
    try:
        LOG.append(function)
    finally:
        pass


NAMES = {
    "held": held, "logged": logged, "data": DATA, "words": WORDS, "applied": applied, "functools": functools,
    "random": random, "statistics": statistics, "itertools": itertools, "LOG": LOG,
}  # fmt: skip
FORMS = {
    "plain": "def f(x, n):\n    {before}\n    return x * x * {call}\n",
    "if": "def f(x, n):\n    y = x\n    if x > 0.1:\n        {before}\n        y = x * {call}\n    return y * x\n",
    "for": "def f(x, n):\n    s = x\n    for i in range(n):\n        {before}\n        s = s * x + {call} * x\n"
    "    return s\n",
    "helper": "def h(x, n):\n    {before}\n    return x * {call}\ndef f(x, n):\n    return h(x, n) * h(2 * x, n)\n",
    "method": "class M:\n    def h(self, x, n):\n        {before}\n        return x * {call}\nm = M()\n"
    "def f(x, n):\n    return m.h(x, n) * x\n",
}
CALLS = [
    ("pass", "np.frompyfunc(lambda a: a * a, 1, 1)(data).astype(float).sum()"),
    ("u = np.frompyfunc(lambda a, k=n: a + k, 1, 1)", "float(u(2.0))"),
    ("def g(a): return a + n", "float(np.frompyfunc(g, 1, 1)(2.0))"),
    ("k = 3", "np.vectorize(lambda a: a**k)(data).sum()"),
    ("w = data * n", "np.vectorize(lambda i: w[i])(np.array([0, 2]))[1]"),
    ("w = [1.0, n]", "applied(lambda t: w[1] * t + sum(w), 2.0)"),
    ("def g(t): return g(t - 1) if t > n else t * n", "applied(g, 7.0)"),
    ("g = lambda t: t + n", "applied(lambda t: g(t) * 2, 7.0)"),
    (
        "def even(k): return n if k <= 0 else odd(k - 1) * 2\ndef odd(k): return 7 if k <= 0 else even(k - 1) + 1",
        "applied(even, n + 1)",
    ),
    (
        "def a(t): return b(t - 1) if t > 0 else n\ndef b(t): return c(t - 1) + 1 if t > 0 else 2\n"
        "def c(t): return a(t - 1) * 2",
        "applied(a, 5)",
    ),
    (
        "def g(t):\n    try:\n        return t * n / 0.0\n    except ZeroDivisionError:\n        return 4.0 * n",
        "g(2.0)",
    ),
    ("def g(t):\n    for j in range(3):\n        yield j * t * n", "sum(g(2.0))"),
    ("def g(t):\n    class Q:\n        v = t\n    return Q.v * n", "g(2.0)"),
    ("def g(t):\n    from math import sqrt\n    return sqrt(t) * n", "g(2.0)"),
    ("k = 2.0 * n\nu = applied(lambda t: t * k, 2.0)\nk = 5.0", "(u + k)"),
    ("pass", "applied(functools.partial(lambda t, b: t * b, b=n), 2.0)"),
    ("pass", "applied(functools.partial(pow, 2.0), n)"),
    ("pass", "sum(applied(lambda t: t * j, 2.0) for j in range(n))"),
    ("pass", "np.fromfunction(lambda i: i * n, (4,))[2]"),
    ("pass", "np.piecewise(data, [data < 2, data >= 2], [lambda t: -t, lambda t: t]).sum()"),
    ("pass", "max(data, key=lambda t: abs(t - 2.2))"),
    ("pass", "sorted(data, key=lambda t: -t)[0]"),
    ("pass", "random.Random(3).random()"),
    ("pass", "statistics.NormalDist(0, 1).cdf(0.3)"),
    ("pass", "np.sum(np.array(['a', 'b']) == 'a')"),
    ("pass", "np.base_repr(n, 2).count('1')"),
    ("pass", "math.hypot(n, 2.0, *data)"),
    ("pass", "np.array([(1, 2.5)], dtype=[('a', int), ('b', float)])['b'].sum()"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("before", "call"), CALLS)
def test_what_needs_no_gradient_is_called(form: str, before: str, call: str) -> None:
    margin = FORMS[form].split("{before}")[0].rpartition("\n")[2]
    f = make(FORMS[form].format(before=before.replace("\n", f"\n{margin}"), call=call), **NAMES)
    check(f, 0.7, 3, argnums=(0,))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return applied(lambda t: t * x, 2.0)", "x is differentiated, and read by"),
        ("y = 2 * x\n    return applied(functools.partial(lambda t: t * y), 2.0)", "y is differentiated, and"),
        ("return float(np.frompyfunc(lambda t: t * x, 1, 1)(2.0))", "x is differentiated, and read by"),
        ("return float(np.frompyfunc(lambda t: t * n, 1, 1)(x))", "no gate rule for a ufunc"),
        ("return x * max(data, key=lambda t: t * x)", "x is differentiated, and read by"),
        ("k = 1.0\n    u = np.frompyfunc(lambda t: t * k, 1, 1)\n    k = x\n    return float(u(2.0))",
         "k may have changed"),
        ("w = data * 1.0\n    u = np.frompyfunc(lambda t: w[1] * t, 1, 1)\n    v = w\n    v[1] = x\n"
         "    return float(u(2.0))", "w may have changed"),
        ("w = data * 1.0\n    def g(t): w[0] = t\n    applied(g, 2.0)\n    return x * w[0]", "which it changes"),
        ("L = []\n    applied(lambda t: L.append(t), 2.0)\n    return x * len(L)", "which it changes"),
        ("def g(t):\n        try:\n            return t * x\n        finally:\n            pass\n    return g(2.0)",
         "a try block"),
        ("def g(t):\n        try:\n            return t * n\n        finally:\n            pass\n    return g(x)",
         "a try block"),
        ("k = 2.0\n    o = held(lambda t: t * k)\n    k = 5.0\n    return x * o.run(2.0) * k", "k may have changed"),
        ("k = 2.0\n    logged(lambda t: t * k)\n    k = 5.0\n    return x * k", "k may have changed"),
        ("c = 0\n    def g():\n        nonlocal c\n        c += 1\n    applied(g)\n    return x * c",
         "which it changes"),
    ],
)  # fmt: skip
def test_what_is_refused(body: str, words: str) -> None:
    f = make(f"def f(x, n):\n    {body}\n", **NAMES)
    for optimize in (True, False):
        with pytest.raises(UnsupportedError, match=words):
            grad(f, argnums=0, optimize=optimize)(0.7, 3)


def test_what_such_a_function_does_is_done_once() -> None:
    f = make("def f(x, n):\n    return x * applied(lambda t: LOG.append(n) or t * n, 2.0)\n", **NAMES)
    gradient = grad(f, argnums=0)
    for n in (3, 3, 2):
        LOG.clear()
        assert gradient(0.7, n) == 2.0 * n and LOG == [n]


def test_tuples_that_hold_more_than_their_items() -> None:
    stats = pytest.importorskip("scipy.stats")
    fitted = stats.linregress(DATA, 2.0 * DATA)
    f = make("def f(x):\n    r = linregress(data, data)\n    return x * r.slope + fitted[0] * x + x * fitted.slope\n",
             linregress=stats.linregress, fitted=fitted, **NAMES)  # fmt: skip
    check(f, 0.7)
    with pytest.raises(
        UnsupportedError, match="argument r is a LinregressResult, which is more than a tuple"
    ):
        grad(lambda x, r: x * r.slope)(0.7, fitted)
