"""A pullback is called many times: what the forward pass saved stays as it is, without being copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad, vjp
from tests.support.program import make

X = np.array([0.5, -1.25, 2.0, 0.75])
SEEDS = (np.array([1.0, -0.5, 2.0, 0.25]), np.array([-3.0, 0.1, 0.0, 1.0]))


def stores(x: Any) -> Any:
    y = np.exp(x)
    y[1:] = y[1:] * y[:-1]
    y[0] = y[2] ** 2
    return y * x


def views(x: Any) -> Any:
    y = x * 2.0
    half = y[1:3]
    half *= y[:2]
    y[:2] += half**2
    return y * y


def loop(x: Any) -> Any:
    y = x * 1.0
    for i in range(3):
        y[i] = np.sin(y[i + 1]) * y[i]
        y = y * np.cos(y)
    return y


def while_loop(x: Any) -> Any:
    y = np.tanh(x)
    while np.sum(y * y) > 0.5:
        y[0] = y[1] * y[2]
        y = y * 0.7
    return y * np.exp(y)


def lists(x: Any) -> Any:
    parts = []
    for v in x:
        parts.append(v * v)
    parts[1] = parts[0] * parts[2]
    return np.array(parts) * x


def early(x: Any) -> Any:
    y = np.exp(x)
    for i in range(4):
        if y[i] > 5.0:
            return y * y
        y[i] = y[i] ** 2
    return y


def helped(x: Any) -> Any:
    def larger(a: Any, k: Any) -> Any:
        b = np.exp(a) * k
        b[0] = b[1] * b[2]
        c = np.sin(b) * b
        c[1:] += b[:-1] ** 2
        d = np.cos(c) * a
        d[2] = d[0] * c[1]
        return d * c + np.tanh(d)

    y = larger(x, 0.5)
    return larger(y, 0.3) * y


PROGRAMS = [stores, views, loop, while_loop, lists, early, helped]


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_each_call_gives_the_gradient(f: Any, optimize: bool) -> None:
    weighted = make("def weighted(x, seed):\n    return np.sum(f(x) * seed)\n", name="weighted", f=f, np=np)
    gradient = grad(weighted, argnums=0)
    at = vjp(f, optimize=optimize)
    for x in (X, 0.5 * X[::-1]):
        value, pullback = at(x)
        expected = [gradient(x, seed) for seed in SEEDS]
        np.testing.assert_allclose(value, f(x.copy()), rtol=1e-12)
        for _ in range(2):
            for seed, want in zip(SEEDS, expected, strict=True):
                kept = seed.copy()
                np.testing.assert_allclose(pullback(seed), want, rtol=1e-10, atol=1e-12)
                np.testing.assert_array_equal(seed, kept)
        value *= 0.0  # it is the caller's, who may change it
        found = pullback(SEEDS[0])
        np.testing.assert_allclose(found, expected[0], rtol=1e-10, atol=1e-12)
        found *= 0.0
        np.testing.assert_allclose(pullback(SEEDS[0]), expected[0], rtol=1e-10, atol=1e-12)


def test_the_value_is_apart_from_what_is_saved() -> None:
    for f in (np.exp, np.tanh, lambda x: (np.exp(x), x**2)):
        value, pullback = vjp(f, X)
        seed = (SEEDS[0], SEEDS[1]) if isinstance(value, tuple) else SEEDS[0]
        before = pullback(seed)
        for part in value if isinstance(value, tuple) else (value,):
            part -= 1.0
        np.testing.assert_array_equal(pullback(seed), before)


def test_the_forward_half_copies_no_more_than_it_must() -> None:
    at = vjp(lambda x: x * 2.0)
    at(X)
    assert "copy" not in at.source
