"""Gradients of functions that are made again and again: of one code object, with other closures.

What is compiled once serves all of them that it is right for, and no other.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.face.made_again import FORMS, Model, X, difference, gradient

pytestmark = pytest.mark.usefixtures("compilations")


# -- what is compiled once -------------------------------------------------------------------------------


def power_of(k):
    def f(x):
        if np.sum(x) > k:
            return np.sum(k * x * x)
        return np.sum(x) * k

    return f


def in_a_loop(k):
    def f(x):
        total = 0.0
        for i in range(3):
            total = total + k * np.sum(x) * i
        return total

    return f


def in_a_while(k):
    def f(x):
        i, y = 0, x
        while i < 2:
            y, i = y * k, i + 1
        return np.sum(y)

    return f


def with_a_store(k):
    def f(x):
        y = x.copy()
        y[0] = k * x[1]
        return np.sum(y * k)

    return f


def with_an_exit(k):
    def f(x):
        for i in range(3):
            if x[i] > 1.0:
                return x[i] * k
        return np.sum(x)

    return f


def with_a_helper(k):
    def h(y):
        return k * y * y

    def f(x):
        return np.sum(h(x))

    return f


def with_a_large_helper(k):
    def h(y):
        for _ in range(4):
            y = np.tanh(y) + k * np.sin(y) * np.cos(y) - np.sin(y * y) * 0.1 + np.exp(-np.abs(y)) * k
        return np.sum(y) * k

    def f(x):
        return h(x) + h(x * k)

    return f


def with_a_shared_cell(k):
    def h(y):
        return y * k

    def f(x):
        return np.sum(h(x) * k)

    return f


def with_a_list(k):
    ks = [k, 2.0 * k, {"a": k}]

    def f(x):
        rows = [x * c for c in ks[:2]]
        rows.append(x * ks[2]["a"])
        return np.sum(rows[0] * rows[1]) + np.sum(rows[2])

    return f


def with_a_lambda(k):
    square = lambda y: y * y * k
    return lambda x: np.sum(square(x))


def with_a_tuple_of_functions(k):
    return lambda x, fs=(lambda y: y * k, lambda y: y * y): (
        np.sum(sum(f(x) for f in fs[:0])) + np.sum(k * x * x)
    )


def with_functions_in_a_tuple(k):
    fs = (lambda y: y * k, lambda y: y * y * k)
    return lambda x: np.sum(fs[0](x)) + np.sum(fs[1](x))


def with_an_object(k):
    model = Model(k)
    return lambda x: model.loss(x)


def a_method(k):
    return Model(k).loss


def with_a_nested_gradient(k):
    def f(x):
        return np.sum(grad(lambda y: np.sum(k * y * y * y))(x))

    return f


def with_an_array(k):
    w = np.array([k, 1.0, 2.0 * k])
    return lambda x: np.sum(w * x * x)


def with_a_default(k):
    return lambda x, k=k: np.sum(k * x * x)


def with_a_default_array(k):
    def f(x, w=np.array([k, 1.0, 2.0])):
        return np.sum(w * x * x)

    return f


def with_a_wrapper(k):
    def scaled(h):
        @functools.wraps(h)
        def wrapper(*args):
            return k * h(*args)

        return wrapper

    @scaled
    def f(x):
        return np.sum(x * x * k)

    return f


def with_a_wrapped_helper(k):
    def scaled(h):
        @functools.wraps(h)
        def wrapper(*args, **kwargs):
            return k * h(*args, **kwargs)

        return wrapper

    h = scaled(scaled(lambda y, c=k: y * y * c))
    return lambda x: np.sum(h(x) + h(x, c=2.0))


def with_a_cache(k):
    @functools.lru_cache
    def h(c):
        return k * c

    return lambda x: np.sum(x * x * h(2.0))


MAKERS = [
    power_of, in_a_loop, in_a_while, with_a_store, with_an_exit, with_a_helper, with_a_large_helper, with_a_shared_cell,
    with_a_list, with_a_lambda, with_functions_in_a_tuple, with_an_object, a_method, with_a_nested_gradient,
    with_an_array, with_a_default, with_a_default_array, with_a_wrapper,
    with_a_wrapped_helper, with_a_cache,
]  # fmt: skip


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", MAKERS, ids=lambda m: m.__name__)
def test_one_code_object_compiles_once(made, transform, optimize, compilations):
    for n, k in enumerate((0.5, 0.75, -1.25, 0.3)):
        f = made(k)
        g = transform(f, 0, optimize=optimize)
        for x in (X, X * 0.7):
            answer = g(x)
            assert np.allclose(gradient(answer, transform), difference(f, x), rtol=1e-5, atol=1e-6)
            if transform is value_and_grad:
                assert np.isclose(answer[0], f(x), rtol=1e-14)
        if n == 0:
            first = len(compilations)
    assert len(compilations) == first <= 2  # where something must be known, it is found out once


@pytest.mark.parametrize("k", [0.5, 2.0])
def test_scalars_compile_once(k, compilations):
    for j in range(4):
        c = k + j
        assert grad(lambda x: c * x * x)(3.0) == 6.0 * c
        assert grad(lambda x: math.sin(c * x))(1.0) == pytest.approx(c * math.cos(c))
    assert len(compilations) == 2


def test_a_signature_of_its_own_compiles_once_each(compilations):
    for k in (1.0, 2.0, 3.0):
        f = lambda x: np.sum(k * x * x)
        g = grad(f)
        for x in (2.0, X, np.float32(2.0), X.astype(np.float32), X[:1], 2):
            answer = g(x)
            assert np.allclose(answer, 2 * k * x)
            assert np.asarray(answer).dtype == np.asarray(x if np.asarray(x).dtype.kind == "f" else 1.0).dtype
    assert len(compilations) == 6


def test_in_another_order_of_signatures(compilations):
    def made(k):
        return grad(lambda x: np.sum(k * x * x))

    calls = [2.0, X, np.float32(3.0)]
    for start in range(3):
        g = made(1.0 + start)
        for x in calls[start:] + calls[:start]:
            assert np.allclose(g(x), 2 * (1.0 + start) * x)
    assert len(compilations) <= 3 + 2


def test_what_must_be_known_is_known_at_once(compilations):
    for k in (1.0, 2.0):
        g = grad(lambda x, n: np.sum(np.reshape(x, (n, 2)) @ np.ones(2)) * k, 0)
        assert g(np.ones(4), 2).tolist() == [k] * 4
        assert g(np.ones(6), 3).tolist() == [k] * 6
    assert len(compilations) <= 4
