"""Lengths of arguments that are equal in a call: where slices of such arrays meet, nothing is summed back.

A later call with other lengths, of which one may be stretched to the other, is another specialisation.
"""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import body, make

HEAD = """
def small(u, k):
    return u[1:-1] * k[1:-1]

def larger(u, k):
    flux = -np.exp(0.1 * k[1:]) * (u[1:] - u[:-1]) / 0.5
    v = u.copy()
    v[1:-1] = v[1:-1] - 0.3 * (flux[1:] - flux[:-1]) * np.cos(k[1:-1]) + 0.2 * np.sin(u[1:-1])
    return v * 0.5 + np.tanh(u) * 0.1

def around(u, k):
    w = larger(u, k)
    s = np.sum(w[2:] * k[1:-1] ** 2) + np.sum(np.sin(w)) - np.sum(w * w) * 0.1 + np.sum(np.cos(w[1:]))
    return s + np.sum(u) * 0.3 - np.sum(k[2:] * u[1:-1])

class Step:
    def __init__(self, k):
        self.k = k

    def __call__(self, u):
        return larger(u, self.k)
"""
FORMS = {
    "plain": "return np.sum(x[1:-1] * y[1:-1])",
    "three terms": "return np.sum((x[2:] - 2.0 * x[1:-1] + x[:-2]) * y[:-2] / 3.0)",
    "for": """
        u = x.copy()
        for _ in range(3):
            u[1:-1] += 0.1 * y[1:-1] * (u[2:] - u[:-2])
        return np.sum(u * u)""",
    "while": """
        u, n = x.copy(), 3
        while n > 0:
            u[1:-1] = u[1:-1] * (1.0 - 0.1 * y[1:-1])
            n -= 1
        return np.sum(u)""",
    "if": """
        s = np.sum(x)
        if x[0] > 0.0:
            s = s + np.sum(x[1:-1] * y[1:-1])
        else:
            s = s - np.sum(x[2:] * y[:-2])
        return s + np.sum(x[1:] * y[1:])""",
    "exit": """
        for i in range(3):
            if i == 1:
                return np.sum(x[1:-1] * y[2:])
        return np.sum(x)""",
    "helper": "return np.sum(small(x, y) ** 2)",
    "larger helper": "return np.sum(larger(x, y))",
    "larger helper in a loop": """
        u = x
        for _ in range(3):
            u = larger(u, y)
        return np.sum(u)""",
    "helper of a helper": "return around(x, y) + 0.5 * around(y, x)",
    "method": "return np.sum(Step(y)(x)) + np.sum(Step(x)(y))",
    "list": "parts = [x[1:-1], y[1:-1]]\nreturn np.sum(parts[0] * parts[1])",
    "closure": "scaled = lambda u: u[1:-1] * y[1:-1]\nreturn np.sum(scaled(x) * x[1:-1])",
    "store": "z = np.zeros(x.shape)\nz[1:-1] = x[1:-1] / (2.0 + y[1:-1])\nreturn np.sum(z[2:] * y[2:])",
    "two axes": "a = np.outer(x, x)\nreturn np.sum(a[1:-1, 1:-1] * y[1:-1])",
    "interior stored": "u = x.copy()\nu[1:-1] = y[2:] * y[:-2]\nreturn np.sum(u * x)",
    "interior added": "u = x * 1.0\nu[1:-1] += y[1:-1] ** 2\nreturn np.sum(u * x)",
    "first three": "return np.sum(x[:3] * y[1:4] + np.arange(3.0) * x[:3])",
    "carried": """
        h = np.zeros(x.shape[0])
        for i in range(3):
            h = np.tanh(y * x[i] + h)
        return np.sum(h * y)""",
    "either": "h = x * 2.0 if x[0] > 0.5 else y * 3.0\nreturn np.sum(h * y)",
    "concatenated": "h = np.concatenate((x, y))\nreturn np.sum(h[1:] * np.concatenate((y, x))[:-1])",
    "scaled alike": "u = x * y\nreturn np.sum(u[1:-1] * y[1:-1] * x[2:])",
}


def arguments(n, m):
    x, y = np.sin(np.arange(1.0, n + 1.0)), np.cos(0.7 * np.arange(m))
    return x, y


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_calls_with_equal_lengths_and_with_others(form, optimize):
    f = make(f"{HEAD}\ndef f(x, y):\n{body(FORMS[form])}\n")
    gradient = value_and_grad(f, (0, 1), optimize=optimize)
    for n, m in ((7, 7), (7, 3), (5, 5), (3, 3), (3, 7), (2, 2), (7, 7)):
        args = arguments(n, m)
        try:
            value = f(*args)
        except (ValueError, IndexError):  # lengths that NumPy refuses
            with pytest.raises((ValueError, IndexError)):
                gradient(*args)
            continue
        found, gradients = gradient(*args)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        assert_close(gradients, numerical_gradients(f, args))
        for g, arg in zip(gradients, args, strict=True):
            assert g.shape == arg.shape and g.dtype == arg.dtype


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_summed_back_where_lengths_are_equal(form):
    f = make(f"{HEAD}\ndef f(x, y):\n{body(FORMS[form])}\n")
    gradient = grad(f, (0, 1))
    gradient(*arguments(7, 7))
    assert "unbroadcast" not in gradient.source


STAGGERED = {
    "plain": "return np.sum((x[1:] - x[:-1]) * y)",
    "loop": """
        for _ in range(n):
            y = y + 0.1 * (x[1:] - x[:-1])
            x = x.copy()
            x[1:-1] = x[1:-1] + 0.1 * (y[1:] - y[:-1])
        return np.sum(x * x) + np.sum(y[:-1] * x[1:-1])""",
    "in place": """
        y = y.copy()
        for _ in range(n):
            y += 0.1 * (x[1:] - x[:-1]) * y
        return np.sum(y**2)""",
    "while": """
        while n > 0:
            y = np.sin(y) * x[:-1] + x[1:]
            n -= 1
        return np.sum(y)""",
    "if": "if n > 0:\n    return np.sum(y * x[1:])\nreturn np.sum(y) * np.sum(x)",
    "exit": """
        for k in range(n):
            y = y * x[1:]
            if k == 1:
                return np.sum(y)
        return np.sum(y) * np.sum(x)""",
    "helper": "return np.sum(staggered(x, y))",
    "larger helper": "return np.sum(longer(x, y))",
    "method": "return np.sum(Grid(x).flux(y))",
    "list": "return sum([np.sum(a * b) for a, b in [(x[1:], y), (x[:-1], y)]])",
    "store": "z = np.zeros(len(x))\nz[1:] = y\nz[:-1] = y * z[1:]\nreturn np.sum(z * x)",
    "two axes": "A = np.outer(x, x)\nreturn np.sum(A[1:, :-1] * y)",
}
STAGGERED_HEAD = """
def staggered(u, v):
    return v * (u[1:] - u[:-1])

def longer(u, v):
    a = np.sin(u[1:]) * v
    b = np.cos(u[:-1]) * v + a
    c = a * b - v
    e = c * a + b * 0.5
    g = np.tanh(e) * v + c * c
    return g * e + np.sin(g) * u[1:]

class Grid:
    def __init__(self, u):
        self.u = u

    def flux(self, v):
        return v * (self.u[1:] + self.u[:-1]) * 0.5
"""


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", STAGGERED)
def test_grids_of_which_one_is_longer(form, optimize):
    f = make(f"{STAGGERED_HEAD}\ndef f(x, y, n):\n{body(STAGGERED[form])}\n")
    gradient = value_and_grad(f, (0, 1), optimize=optimize)
    for n, m, trips in (
        (6, 5, 2),
        (6, 5, 0),
        (2, 1, 2),
        (3, 2, 1),
        (5, 1, 0),
        (4, 4, 0),
        (9, 8, 1),
        (6, 1, 2),
    ):
        args = arguments(n, m)
        try:
            value = f(*args, trips)
        except (ValueError, IndexError):
            with pytest.raises((ValueError, IndexError)):
                gradient(*args, trips)
            continue
        found, gradients = gradient(*args, trips)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        assert_close(gradients, numerical_gradients(lambda *a, trips=trips: f(*a, trips), args))
        for g, arg in zip(gradients, args, strict=True):
            assert g.shape == arg.shape and g.dtype == arg.dtype


@pytest.mark.parametrize("form", [form for form in STAGGERED if form != "larger helper"])
def test_nothing_is_summed_back_on_staggered_grids(form):
    f = make(f"{STAGGERED_HEAD}\ndef f(x, y, n):\n{body(STAGGERED[form])}\n")
    gradient = grad(f, (0, 1))
    gradient(*arguments(7, 6), 2)
    assert "unbroadcast" not in gradient.source


COUNTED = {
    "carried": "h = np.zeros(n)\nfor _ in range(3):\n    h = np.tanh(h + x)\nreturn np.sum(h * x)",
    "interior": "u = np.zeros(n)\nu[1:-1] = x[1:-1] * 2.0\nreturn np.sum(u * u)",
    "slices": "y = x[:n]\nreturn np.sum(y * x[1 : n + 1])",
    "one less": "y = np.zeros(n - 1)\ny += x[1:]\nreturn np.sum(y * y)",
    "matrix": "A = np.zeros((n, 2))\nA[:, 0] = x\nreturn np.sum((A + x[:, None]) ** 2)",
    "while": "u = np.ones(n)\nwhile u[0] < 5.0:\n    u = u + x * x + 0.1\nreturn np.sum(u * x)",
    "helper": "return np.sum(started(n, x) * x)",
}
COUNTED_HEAD = "def started(n, x):\n    u = np.zeros(n)\n    return u + np.sin(x) * u + x\n"


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", COUNTED)
def test_lengths_that_an_argument_says(form, optimize):
    f = make(f"{COUNTED_HEAD}\ndef f(x, n):\n{body(COUNTED[form])}\n")
    gradient = value_and_grad(f, 0, optimize=optimize)
    for length, n in ((7, 7), (7, 1), (1, 4), (7, 6), (3, 3), (2, 5), (4, 0), (4, -2), (7, 7)):
        x = 1.0 + 0.5 * np.sin(np.arange(1.0, length + 1.0))
        try:
            value = f(x, n)
        except (ValueError, IndexError) as e:
            with pytest.raises(type(e)):
                gradient(x, n)
            continue
        found, slope = gradient(x, n)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        assert_close([slope], numerical_gradients(lambda x, n=n: f(x, n), (x,)))


@pytest.mark.parametrize("form", [form for form in COUNTED if form not in ("slices", "helper")])
def test_nothing_is_summed_back_where_an_argument_says_the_length(form):
    gradient = grad(make(f"{COUNTED_HEAD}\ndef f(x, n):\n{body(COUNTED[form])}\n"), 0)
    gradient(np.arange(1.0, 8.0), 7)
    assert "unbroadcast" not in gradient.source


def test_the_programs_own_arrays_count_too():
    f = make("def f(x):\n    return np.sum(x[1:-1] * K[1:-1])\n", K=np.arange(5.0))
    gradient = grad(f)
    for n in (5, 3, 5):
        x = np.arange(1.0, n + 1.0)
        assert_close([gradient(x)], numerical_gradients(f, (x,)))
    f.__globals__["K"] = np.arange(3.0)
    x = np.arange(1.0, 6.0)
    assert_close([gradient(x)], numerical_gradients(f, (x,)))
    np.testing.assert_array_equal(gradient(np.ones(3)), [0.0, 1.0, 0.0])


def test_a_block_that_does_not_run_proves_nothing():
    f = make(
        "def f(x, y, p, n):\n"
        "    s = 0.0\n"
        "    for _ in range(n):\n"
        "        s += x @ y + np.sum(x[1:-1] * p[1:-1])\n"
        "    return s + np.sum(x) * np.sum(y) * np.sum(p)\n"
    )
    gradient = grad(f, (0, 1, 2))
    for sizes, n in (((4, 4, 4), 0), ((4, 5, 4), 0), ((4, 4, 3), 2), ((4, 5, 6), 0), ((4, 4, 4), 2)):
        args = tuple(np.cos(np.arange(1.0, k + 1.0)) for k in sizes)
        assert_close(gradient(*args, n), numerical_gradients(lambda *a: f(*a, n), args))


def test_lengths_that_differ_are_one_more_specialisation() -> None:
    """Not one for each pair of lengths."""
    f = make(
        "def f(x, y, short):\n"
        "    s = np.sum(x) * np.sum(y)\n"
        "    if not short:\n"
        "        s = s + np.sum(x[1:-1] * y[1:-1])\n"
        "    return s\n"
    )
    gradient = grad(f, (0, 1))
    compiled = set()
    for n, m in ((7, 7), (7, 5), (8, 4), (9, 4), (7, 7), (6, 3), (12, 5), (4, 4)):
        short = n != m and m != 3
        x, y = arguments(n, m)
        assert_close(gradient(x, y, short), numerical_gradients(lambda a, b: f(a, b, short), (x, y)))
        compiled.add(gradient.source)
    assert len(compiled) <= 4


def test_a_length_that_is_computed_of_the_length_of_a_part() -> None:
    f = make(
        "def f(x, y):\n"
        "    a = x[:2]\n"
        "    more = y.shape[0] - a.shape[0]\n"
        "    if more == 0:\n"
        "        return np.sum(a * y)\n"
        "    if more < 0:\n"
        "        return np.sum(a) * np.sum(y)\n"
        "    return np.sum(np.concatenate((np.ones(more), a)) * y)\n"
    )
    gradient = grad(f, (0, 1))
    for n, m in ((4, 3), (4, 2), (5, 1), (1, 3), (3, 5), (2, 2)):
        args = arguments(n, m)
        assert_close(gradient(*args), numerical_gradients(f, args))
