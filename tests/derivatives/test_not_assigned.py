"""Second derivatives, reverse mode twice, of arrays that are not assigned on every way before they are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, hvp, jacfwd, jacrev, vjp


def under_one_flag(x: Any) -> Any:
    flag = np.sum(x) > 0.1
    if flag:
        t = x[1:] * x[0]
    b = x[0]
    if flag:
        b = np.sum(t * t)
    return b * b


def in_an_inner_loop(x: Any) -> Any:
    s = 0.0
    for i in range(3):
        for j in range(i):
            row = x * x[j]
            row[0] = s
        if i > 0:
            s = s + np.mean(row) * np.std(row * x)
    return s


def in_an_inner_while(x: Any) -> Any:
    s, i = 1.0, 0
    while i < 3:
        k = 0
        while k * x[1] < i - 1:
            row = np.sin(x * s)
            k += 1
        if k > 0:
            s = s + np.sum(row * row)
        i += 1
    return s


def in_trips_that_go_on(x: Any) -> Any:
    y = x * 1.0
    for i in range(3):
        for j in range(3):
            if i == j:
                continue
            d = y[j] - y[i] + x * 0.1
            y[i] += 0.1 * np.sum(d * d)
    return np.sum(y * y)


def in_a_stack_that_a_while_carries(x: Any) -> Any:
    s, t = np.eye(3), 0.0
    while t < 0.5:
        s = np.stack([np.sin(x) * s[:, i] for i in range(3)], axis=1)
        t += 0.1
    return np.sum(s**2 * x)


def before_a_return(x: Any) -> Any:
    s = 0.0
    for i in range(4):
        if i == 1:
            t = np.exp(-x * x)
        if i >= 1:
            s = s + np.sum(t * x) * (s + 1)
        if s > x[1]:
            return s * np.sum(t)
        s = s + x[0] ** 2
    return s


def of_a_helper(x: Any) -> Any:
    s = 0.0
    for i in range(3):
        s = s + helper(x * (i + 1), i) * s + x[2]
    return s


def helper(x: Any, n: Any) -> Any:
    for i in range(n):
        t = x * x[i]
    return np.sum(t * x) if n > 0 else x[0] * x[1]


def of_a_list(x: Any) -> Any:
    parts = []
    for i in range(3):
        if i > 0:
            parts.append(np.sum(t * t))  # noqa: F821
        t = np.sin(x) * (i + 1)
        parts.append(t[0] * x[1])
    return np.sum(np.array(parts) ** 2)


def two_items_a_trip(x: Any) -> Any:
    parts, y = [], x
    for i in range(3):
        z = y * x
        y = y + x * i
        parts.append(z)
        parts.append(y)
    return np.sum(parts[0] * parts[-1]) + np.sum(np.stack(parts) ** 3)


FUNCTIONS = [
    under_one_flag,
    in_an_inner_loop,
    in_an_inner_while,
    in_a_stack_that_a_while_carries,
    in_trips_that_go_on,
    before_a_return,
    of_a_helper,
    of_a_list,
    two_items_a_trip,
]
POINTS = (np.array([0.4, 0.9, -0.3]), np.array([-0.8, 0.3, 0.2]), np.array([0.1, 1.7, 0.6]))
UNITS = np.eye(3)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_hessians(f: Callable[[Any], Any], optimize: bool) -> None:
    gradient = grad(f, optimize=optimize)
    again = vjp(gradient)
    product = grad(lambda x, v: np.sum(gradient(x) * v), argnums=0, optimize=optimize)
    ways: tuple[Callable[[Any], Any], ...] = (
        jacfwd(gradient),
        jacrev(gradient),
        lambda x: np.array([again(x)[1](unit) for unit in UNITS]),
        lambda x: np.array([product(x, unit) for unit in UNITS]),
        lambda x: np.array([hvp(f)(x, unit) for unit in UNITS]),
    )
    for x in POINTS:
        expected = [(gradient(x + 1e-6 * e) - gradient(x - 1e-6 * e)) / 2e-6 for e in UNITS]
        for way in ways:
            before = x.copy()
            np.testing.assert_allclose(way(x), expected, rtol=1e-5, atol=1e-5)
            assert np.array_equal(x, before)
