"""Second derivatives, reverse mode twice, of loops whose trips do not all do the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, jacfwd, jacrev, vjp


def in_a_branch(x: Any, y: Any) -> Any:
    s = 0.0
    for i in range(3):
        if i > x:
            s += x * x
        else:
            s += math.hypot(x, y)
    return s


def two_of_them(x: Any, y: Any) -> Any:
    s = 0.0
    for i in range(4):
        if i > 2 * x:
            s += x * x
        elif i == 1:
            s += math.hypot(math.hypot(x, y), 1.0)
        else:
            s += math.sqrt(x * x + y) * s
    return s


def in_a_while(x: Any, y: Any) -> Any:
    s, i = 0.0, 0
    while i < 4:
        i += 1
        if i > 2 + x / 4:
            continue
        s += math.exp(math.hypot(x, y)) * (1 + s)
    return s


def in_an_inner_loop(x: Any, y: Any) -> Any:
    s = 0.0
    for i in range(4):
        for j in range(2 - i):
            s += math.hypot(x, y) * (j + 1)
    return s


def in_a_branch_of_an_inner_loop(x: Any, y: Any) -> Any:
    s = 0.0
    for i in range(4):
        for j in range(3):
            if i + j < 3 * x:
                s += math.hypot(x, y) * (j + 1)
        if i < x:
            s += math.exp(math.sin(x * y)) * s
    return s


def before_a_return(x: Any, y: Any) -> Any:
    s = 0.0
    for i in range(5):
        if i < 2:
            s += math.exp(math.hypot(x, y))
        if s > 9.0 * x:
            return s * x
        s = s + x * y
    return s


def of_arrays(x: Any, y: Any) -> Any:
    v = np.array([x, y, x * y])
    s = 0.0
    for i in range(4):
        if i % 2 == 0:
            s += np.linalg.norm(v) * (1 + s)
        elif i < x:
            s += np.sum(np.tanh(v @ np.outer(v, v)))
    return s


def from_the_end(x: Any, y: Any) -> Any:
    s = 1.0
    for i in reversed(range(2, 6)):
        s += x**i * math.sin(y * s)
        if s > 4.0 + i:
            break
        if i < 4 and x < 1:
            return s * x * i
    return s * y


def in_lockstep(x: Any, y: Any) -> Any:
    s = 1.0
    for k, (i, w) in enumerate(zip(range(9, 1, -2), [x, y, x * y, 0.5])):
        s += w * s * i + math.hypot(x, y) * k
        if s > 30 * x:
            break
    return s * s


def of_rows(x: Any, y: Any) -> Any:
    s = x
    for k, w in enumerate(np.array([x, y, x + y, 1.0])[::-1]):
        if k == 1:
            continue
        s = s * w + math.sin(x * k)
        if s > 1.5:
            return s * k
    return s


def of_lengths_that_a_trip_decides(x: Any, y: Any) -> Any:
    v = np.array([x, y, x * y, 2.0])
    s = 0.0
    for i in range(1, 5):
        if i != 3:
            w = v[v > 0.13 * i]
            s += np.sum(np.exp(np.sin(w) * w)) * s + np.sum(w)
        else:
            w = np.full(i + 2, y)
            s = s + np.sum(w * np.tanh(w * x)) * x
    return s


def of_stores(x: Any, y: Any) -> Any:
    v = np.array([x, y, x * y, 2.0])
    s, w = 0.0, v
    for i in range(4):
        if i % 2 == 0:
            w = np.tanh(w * s + v)
        elif i < x:
            u = w * w
            u[i] = s * y
            s += np.sum(np.exp(-u))
        else:
            w = w[::-1] * 2
    return s + np.sum(w)


def loop_in_a_branch(x: Any, y: Any) -> Any:
    v = np.array([x, y, x * y, 2.0])
    i, s = 0, x
    while i < 5:
        i += 1
        if i == 2:
            continue
        w = np.exp(v * s * 0.1)
        for j in range(i):
            if j % 2:
                w = w * np.sin(w) + v
        s = s + np.sum(w[i % 4 :] ** 2) * 0.1
        if s > 20:
            break
    return s


def loop_on_either_side(x: Any, y: Any) -> Any:
    s = x
    for i in range(3):
        if s > y:
            for j in range(i + 1):
                s = math.sin(s) * x + j
        else:
            for j in range(3):
                s = math.exp(-s) * y + x
                if s > 2.0:
                    break
    return s


def helper(x: Any, y: Any, i: Any) -> Any:
    if i > x:
        return x * x
    return math.hypot(x, y)


def in_a_helper(x: Any, y: Any) -> Any:
    return sum([helper(x, y, i) * (i + 1) for i in range(3)]) ** 2


FUNCTIONS = [
    in_a_branch, two_of_them, in_a_while, in_an_inner_loop, in_a_branch_of_an_inner_loop, before_a_return,
    of_arrays, from_the_end, in_lockstep, of_rows, in_a_helper,
    of_lengths_that_a_trip_decides, of_stores, loop_in_a_branch, loop_on_either_side,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("optimize", [True, False])
def test_second_derivatives(f: Callable[..., Any], optimize: bool) -> None:
    first = grad(f, argnums=0, optimize=optimize)
    second = grad(first, argnums=(0, 1), optimize=optimize)
    for x, y in ((1.3, 0.7), (0.4, 1.2), (2.6, 0.3), (-0.5, 0.9)):
        h = 1e-6
        expected = [
            (first(x + h, y) - first(x - h, y)) / (2 * h),
            (first(x, y + h) - first(x, y - h)) / (2 * h),
        ]
        np.testing.assert_allclose(second(x, y), expected, rtol=1e-6, atol=1e-6)
        value, pullback = vjp(first, x, y)
        np.testing.assert_allclose(pullback(1.0), second(x, y), rtol=1e-10, atol=1e-10)
        assert value == pytest.approx(first(x, y), rel=1e-12)
        slope = (f(x + h, y) - f(x - h, y)) / (2 * h)
        np.testing.assert_allclose(first(x, y), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", [in_a_branch, in_a_while, in_an_inner_loop, before_a_return, from_the_end])
def test_third_derivatives(f: Callable[..., Any]) -> None:
    second = grad(grad(f, argnums=0), argnums=0)
    third = grad(second, argnums=0)
    for x, y in ((1.3, 0.7), (0.4, 1.2)):
        h = 1e-5
        expected = (second(x + h, y) - second(x - h, y)) / (2 * h)
        np.testing.assert_allclose(third(x, y), expected, rtol=1e-5, atol=1e-5)


def test_lengths_of_other_trips_are_refused_or_right() -> None:
    """Directions at once ask for the length of a part, which is another one in each trip."""

    def parts_of_a_list(x: Any, w: Any) -> Any:
        places = [0]
        places.append(2)
        places.append(1)
        s = 0.0
        for j in range(2):
            a, b = places[j], places[j + 1]
            s = s + w[j] * (np.logaddexp.reduce(x[a:b]) if a < b else x[a])
        return s

    def parts(x: Any, w: Any) -> Any:
        s = 0.0
        for j in range(3):
            s = s + w[j] * (np.logaddexp.reduce(x[j : 2 * j + 1]) if j != 1 else x[j])
        return s

    x, w = np.linspace(0.5, 2.0, 5), np.arange(1.0, 5.0)
    for f in (parts_of_a_list, parts):
        first = grad(f, argnums=0)
        expected = jacfwd(first, argnums=0)(x, w)
        columns = [(first(x + 1e-6 * e, w) - first(x - 1e-6 * e, w)) / 2e-6 for e in np.eye(5)]
        np.testing.assert_allclose(expected, np.transpose(columns), rtol=1e-6, atol=1e-7)
        for derive in (
            jacrev(first, argnums=0),
            lambda *args, g=first: [vjp(g, argnums=0)(*args)[1](e) for e in np.eye(5)],
        ):
            try:
                found = derive(x, w)
            except UnsupportedError as e:
                assert "asked for in another" in str(e)
            else:
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
