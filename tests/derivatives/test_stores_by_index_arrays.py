"""Second derivatives of stores by index arrays, in which a place may stand twice: the last value stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, hvp, jacfwd, jacrev, vjp

PLACES = (np.array([0, 1, 1, 2]), np.array([2, 2, 2, 0]), np.array([3, 0, 1, 2]))


def added_to_in_a_loop(x: Any, where: Any) -> Any:
    y = np.zeros(4)
    for t in range(3):
        y[where] += x[where] * (t + 1)
        np.add.at(y, where, x[where] ** 2)
        x[where] *= 0.5
    return np.sum(y**2) + np.sum(x)


def read_before_and_after(x: Any, where: Any) -> Any:
    y = x * x
    s = np.sum(np.sin(y))
    y[where] = x * s
    t = np.sum(y * y * s)
    y[where] = y[where] * y[0] + t
    return np.sum(y * y * x)


def in_a_branch(x: Any, where: Any) -> Any:
    y = x * 1.0
    for i in range(3):
        if x[i] > 0.0:
            y[where] = np.exp(-y) * x[i]
        else:
            y[where] *= y
        if np.sum(y) > 4.0:
            break
    return np.sum(y**3)


def rows(x: Any, where: Any) -> Any:
    a = np.outer(x, x)
    for _ in range(2):
        a[where] = a * a[where, ::-1] * 0.5
    return np.sum(a * a)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", [added_to_in_a_loop, read_before_and_after, in_a_branch, rows])
def test_hessians(f: Callable[..., Any], optimize: bool) -> None:
    gradient = grad(f, 0, optimize=optimize)
    product = grad(lambda x, where, v: np.sum(gradient(x, where) * v), argnums=0, optimize=optimize)
    pulled = vjp(gradient, argnums=0)
    units = np.eye(4)
    ways: tuple[Callable[..., Any], ...] = (
        jacfwd(gradient, argnums=0),
        jacrev(gradient, argnums=0),
        lambda x, where: np.array([pulled(x, where)[1](e) for e in units]),
        lambda x, where: np.array([product(x, where, e) for e in units]),
        lambda x, where: np.array([hvp(f, 0)(x, where, e) for e in units]),
    )
    for x in (np.array([0.4, 0.9, -0.3, 0.7]), np.array([-0.6, 0.2, 0.8, 1.1])):
        for where in PLACES:
            up, down = zip(
                *((gradient(x + 1e-6 * e, where), gradient(x - 1e-6 * e, where)) for e in units), strict=True
            )
            expected = (np.array(up) - np.array(down)) / 2e-6
            for way in ways:
                np.testing.assert_allclose(way(x.copy(), where), expected, rtol=1e-5, atol=1e-5)
