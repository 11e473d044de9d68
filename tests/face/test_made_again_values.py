"""Functions made again of one code object with other values, which are compiled in: none is taken for another."""

from __future__ import annotations

import functools
import types

import numpy as np
import pytest

from revcompile import grad
from tests.face.made_again import FORMS, X, gradient

pytestmark = pytest.mark.usefixtures("compilations")


def _in_branch(k):
    return lambda x: x * x if k > 2 else x


def _in_range(k):
    def f(x):
        y = x
        for _ in range(k):
            y = y * x
        return y

    return f


def _as_exponent(k):
    return lambda x: x**k


def _as_shape(k):
    return lambda x: np.sum(x * np.ones((k, k)))


def _as_key(k):
    table = {1: 10.0, 2: 20.0, 3: 30.0, 4: 5.0}
    return lambda x: x * x * table[k]


def _as_index(k):
    ks = [1.0, 2.0, 3.0, 4.0, 5.0]
    return lambda x: x * ks[k]


def _as_text(k):
    name = "ab"[k % 2]
    return lambda x: x * x if name == "a" else x * 3.0


def _as_none(k):
    c = None if k == 2 else float(k)
    return lambda x: x * x if c is None else x * c


def _as_truth(k):
    flag = k > 2
    return lambda x: x * x if flag else x


def _as_set(k):
    chosen = {1, k}
    return lambda x: x * x if 3 in chosen else x


def _as_length(k):
    ws = [0.5] * k
    return lambda x: sum(w * x * x for w in ws)


def _as_array(k):
    w = np.arange(1.0, k + 1)
    return lambda x: np.sum(w * x * x)


def _as_matrix(k):
    w = np.ones((2,) * k)
    return lambda x: np.sum(w * x * x)


def _as_dtype(k):
    dtype = (np.float32, np.float64)[k % 2]
    return lambda x: np.ones(2, dtype).itemsize * x * k


def _as_function(k):
    h = (np.sin, np.cos)[k % 2]
    return lambda x: h(x) * 2.0


def _as_users_function(k):
    h = (lambda y: y * y, lambda y: y * 3.0)[k % 2]
    return lambda x: h(x) * 2.0


def _as_depth(k):
    def twice(h):
        return lambda y: h(h(y))

    h = lambda y: y * y
    for _ in range(k % 3):
        h = twice(h)
    return lambda x: h(x)


def _as_class(k):
    class One:
        w = 2.0 + k

        def __call__(self, y):
            return y * y * self.w

    class Two(One):
        def __call__(self, y):
            return y * 7.0

    model = (One, Two)[k % 2]()
    return lambda x: model(x)


def _as_attribute(k):
    model = types.SimpleNamespace(n=k, w=0.5 * k)
    return lambda x: x**model.n * model.w


def _as_partial(k):
    h = functools.partial(lambda a, y: a * y * y, k)
    return lambda x: h(x)


def _as_default(k):
    return lambda x, n=k: x**n


def _as_keyword(k):
    def f(x, *, n=k):
        return x**n

    return f


def _as_default_of_a_helper(k):
    def h(y, n=k):
        return y**n

    return lambda x: h(x)


def _as_named_tuple(k):
    from collections import namedtuple

    pair = namedtuple("pair", "a n")(0.5 * k, k)
    return lambda x: pair.a * x**pair.n


OTHERS = [v for name, v in list(globals().items()) if name.startswith("_") and name[1:3] in ("as", "in")]


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", OTHERS, ids=lambda m: m.__name__[1:])
def test_what_is_compiled_in_is_compared(made, transform, optimize):
    for k in (1, 2, 3, 1, 4):
        f = made(k)
        g = transform(f, 0, optimize=optimize)
        answer = gradient(g(1.5), transform)
        assert float(answer) == pytest.approx((f(1.5 + 1e-6) - f(1.5 - 1e-6)) / 2e-6, rel=1e-6)
        with np.errstate(all="raise"):
            assert float(gradient(g(2.5), transform)) == pytest.approx(
                (f(2.5 + 1e-6) - f(2.5 - 1e-6)) / 2e-6, rel=1e-6
            )


def test_number_or_none_or_array_or_list(compilations):
    def made(c):
        def f(x):
            if c is None:
                return x * x
            if isinstance(c, list):
                return x * c[0]
            return np.sum(c * x)

        return grad(f)

    for c, expected in [
        (None, 4.0),
        (3.0, 3.0),
        ([7.0], 7.0),
        (np.ones(3), 3.0),
        (np.ones((2, 2)), 4.0),
        (5, 5.0),
    ] * 2:
        assert made(c)(2.0) == expected
    assert len(compilations) == 6


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.float16])
def test_arrays_of_another_dtype(kind):
    def made(w):
        return grad(lambda x: np.sum(w * x))

    assert made(np.ones(3))(X).dtype == np.float64
    answer = made(np.full(3, 2, kind))(X.astype(np.float32))
    assert answer.dtype == np.float32 and answer.tolist() == [2.0] * 3
    assert made(np.full(3, 2, kind))(X).tolist() == [2.0] * 3


def test_lengths_that_do_not_agree_are_an_error_each_time():
    def made(w):
        return grad(lambda x: np.sum(w * x))

    assert made(np.ones(3))(X).tolist() == [1.0] * 3
    for _ in range(2):
        with pytest.raises(ValueError, match="broadcast"):
            made(np.ones(2))(X)
    assert made(np.full(1, 4.0))(X).tolist() == [4.0] * 3
    assert made(np.full((2, 3), 4.0))(X).tolist() == [8.0] * 3
