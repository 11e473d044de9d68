"""A gradient has its argument's precision, also where a Python number and a NumPy one take turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad


def assigned(y: Any, k: int) -> Any:
    s = 0.0
    for _ in range(k):
        s = np.sum(y)
    return np.sum((y - np.tanh(s)) ** 2)


def assigned_in_a_branch(y: Any, k: int) -> Any:
    s = 0.0
    for t in range(k):
        if t > 0:
            s = np.sum(y)
    return np.sum((y - np.tanh(s)) ** 2)


def summed(y: Any, k: int) -> Any:
    s = 0.0
    for t in range(k):
        s += y[t % 3]
    return np.sum((y - np.tanh(s)) ** 2)


def multiplied(y: Any, k: int) -> Any:
    s = 1
    for t in range(k):
        s = s * y[t % 3]
    return np.sum(y * np.exp(s))


def in_a_while(y: Any, k: int) -> Any:
    s = 0.5
    while k > 0:
        k -= 1
        s = np.sum(y) + s
    return np.sum((y - np.tanh(s)) ** 2)


def left_early(y: Any, k: int) -> Any:
    s = 0.0
    for t in range(4):
        if t >= k:
            break
        s = s + y[0]
    return np.sum((y - np.tanh(s)) ** 2)


def in_a_list(y: Any, k: int) -> Any:
    sums = [0.0, 0.0]
    for _ in range(k):
        sums[0] = sums[0] + y[1]
    return np.sum((y - np.tanh(sums[0])) ** 2)


def first(y: Any, k: int) -> Any:
    s = 0.0
    for _ in range(k):
        s = y[0] * y[1]
    return s


def in_a_helper(y: Any, k: int) -> Any:
    return np.sum((y - np.cos(first(y, k))) ** 2)


FORMS = [assigned, assigned_in_a_branch, summed, multiplied, in_a_while, left_early, in_a_list, in_a_helper]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", FORMS)
def test_a_number_before_a_loop(f: Callable[..., Any], optimize: bool) -> None:
    gradient = grad(f, argnums=0, optimize=optimize)
    y = np.array([0.3, 0.5, 0.2], np.float32)
    for k in (0, 1, 3, 0, 2):
        found = gradient(y, k)
        assert (found.dtype, found.shape) == (y.dtype, y.shape)
        wide = y.astype(float)
        slope = [(f(wide + e, k) - f(wide - e, k)) / 2e-6 for e in 1e-6 * np.eye(3)]
        np.testing.assert_allclose(found, slope, rtol=1e-5, atol=1e-6)
