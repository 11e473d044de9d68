"""Whole numbers of functions made again: compiled in at first, read at each call where there are many."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from revcompile import grad
from tests.face.made_again import FORMS, Model, X, gradient
from tests.support.program import make

pytestmark = pytest.mark.usefixtures("compilations")


def _whole_factor(n):
    return lambda x: n * x + x * x * (n // 2) / (n + 1)


def _whole_exponent(n):
    return lambda x: x**n + x ** (-n)


def _whole_range(n):
    def f(x):
        y = x
        for _ in range(n):
            y = y * x
        return y

    return f


def _whole_while(n):
    def f(x):
        i = 0
        while i < n:
            x, i = x * 1.1, i + 1
        return x * x

    return f


def _whole_branch(n):
    return lambda x: x * x if n > 7 else (x * 3 if n == 4 else x * n)


def _whole_exit(n):
    def f(x):
        for i in range(40):
            if i == n:
                return x * x * i
            x = x * 1.01
        return x

    return f


def _whole_shape(n):
    return lambda x: np.sum(np.ones(n) * x * x) + np.sum(np.linspace(0.0, x, n + 1))


def _whole_index(n):
    return lambda x: np.arange(40.0)[n] * x * x + np.sum(np.arange(40.0)[:n]) * x


def _whole_store(n):
    def f(x):
        y = np.zeros(40)
        y[n] = x * x
        y[:n] += x
        return np.sum(y)

    return f


def _whole_key(n):
    table = {i: float(i) for i in range(40)}
    return lambda x: x * x * table[n]


def _whole_text(n):
    return lambda x: x * len(str(n)) + x * x


def _whole_attribute(n):
    model = types.SimpleNamespace(n=n, more=[n, {"n": n + 1}])
    return lambda x: x * x * model.n + x * model.more[0] * model.more[1]["n"]


def _whole_method(n):
    model = Model(n)
    model.act = lambda y: y**n
    return model.loss


def _whole_helper(n):
    def h(y, m=n):
        return y * y * m if m > 3 else y**n

    return lambda x: h(x) * n


def _whole_axis(n):
    return lambda x: np.sum(np.ones((2, 3)).sum(n % 2)) * x * x


WHOLE = [v for name, v in list(globals().items()) if name.startswith("_whole_")]


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", WHOLE, ids=lambda m: m.__name__[7:])
def test_whole_numbers(made, transform, optimize, compilations):
    for n in (0, 1, 2, 3, 4, 5, 8, 9, 17, 3, 0, 31):
        f = made(n)
        g = transform(f, 0, optimize=optimize)
        for x in (0.9, 1.2):
            expected = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
            assert float(gradient(g(x), transform)) == pytest.approx(expected, rel=1e-5)
    if made in (_whole_key, _whole_text, _whole_axis):
        assert len(compilations) <= 11
    else:
        assert len(compilations) == 5


def test_whole_numbers_that_change_in_a_cell():
    def made(n):
        def f(x):
            return n * np.exp(x) / (n - 5)

        def change(to):
            nonlocal n
            n = to

        return grad(f), change

    with np.errstate(all="ignore"):
        for n in range(6, 16):
            g, change = made(n)
            assert g(0.0) == pytest.approx(n / (n - 5), rel=1e-15) and g(1000.0) == math.inf
            change(2)
            assert g(0.0) == pytest.approx(2 / -3, rel=1e-15) and g(1000.0) == -math.inf
            change(3.5)
            assert g(0.0) == pytest.approx(3.5 / -1.5, rel=1e-15) and g(1000.0) == -math.inf
            change(True)
            assert g(0.0) == pytest.approx(1 / -4, rel=1e-15)
            change(10**30)
            assert g(0.0) == pytest.approx(1.0, rel=1e-15)


def test_whole_numbers_and_precision():
    def made(n):
        return grad(lambda x: np.sum(x * n + (x * n) ** 2))

    for n in range(8):
        answer = made(n)(X.astype(np.float32))
        assert answer.dtype == np.float32 and np.allclose(answer, n + 2 * X * n * n)
        assert made(n)(X).dtype == np.float64


def test_a_global_whole_number_that_changes(compilations):
    f = make("def f(x):\n    return x ** n * len('a' * m)\n", n=0, m=3)
    g = grad(f)
    for n in range(12):
        f.__globals__["n"] = n
        assert g(1.0) == 3.0 * n
    f.__globals__["m"] = 4
    assert g(1.0) == 4.0 * n
    assert len(compilations) <= 6


def test_what_fails_fails_with_each_number(compilations):
    def made(n):
        def f(x):
            if n > 100:
                return x
            raise KeyError(n)

        return grad(f)

    for n in range(8):
        with pytest.raises(KeyError, match=str(n)):
            made(n)(1.0)
    assert made(101)(1.0) == 1.0


@pytest.mark.parametrize("optimize", [True, False])
def test_what_must_be_known_elsewhere_is_read_live_here(optimize):
    """A number that one signature has to know is none that the others compile in."""

    def made(k):
        def f(x, how):
            if how == "rank":
                return np.sum(np.ones((2,) * int(k))) * x
            return k * np.exp(x)

        def change(to):
            nonlocal k
            k = to

        return grad(f, 0, optimize=optimize), change

    with np.errstate(over="ignore"):
        assert made(1.0)[0](0.0, "exp") == 1.0
        for k in (2.0, 3.0, 4.0):
            g, change = made(k)
            assert g(0.0, "exp") == k
            assert g(1.0, "rank") == 2.0**k
            assert g(1000.0, "exp") == math.inf
            change(-k)
            assert g(1000.0, "exp") == -math.inf
            assert g(0.0, "exp") == -k
            assert made(-5.0)[0](1000.0, "exp") == -math.inf
