"""Third derivatives of loops on one side of a branch: what such a loop saves, the branch gives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from revcompile import grad, jvp


def before_another_branch(x: Any) -> Any:
    s = x
    if x > 0.2:
        for _ in range(3):
            s = s * s * 0.7 + x
    if x > 0.5:
        s = s * s
    return s


def around_another_branch(x: Any) -> Any:
    u = 1.0
    if x > 0.2:
        y = x
        for _ in range(3):
            y = np.sin(y) * y + x
        u = y * x if x > 0.5 else x
    return u * x


def in_a_while(x: Any) -> Any:
    s, n = x, 0
    while s < 3.0:
        if s > 1.0:
            for _ in range(2):
                s = s * 1.2 + s * s * 0.1
        else:
            s = s * 1.5 + 0.1 * s * s
        n += 1
        if n > 6:
            return s * x
    return s


def before_a_return(x: Any) -> Any:
    if x > 0.9:
        s = x
        for _ in range(3):
            s = s * s * 0.7 + x
        return s
    if x > 0.5:
        s = 1.0
        for _ in range(2):
            s = s * s * 0.7 + x
        return s * x
    return x * x * x


Function = Callable[[Any], Any]


def _in_full(f: Function) -> Function:
    return grad(f, optimize=False)


def _along(f: Function) -> Function:
    return lambda x: jvp(f, (x,), (1.0,))[1]


ORDERS = list(product((grad, _along), repeat=3))


@pytest.mark.parametrize("order", [*ORDERS, (grad, _along, _in_full), (grad, grad, _in_full)])
@pytest.mark.parametrize("f", [before_another_branch, around_another_branch, in_a_while, before_a_return])
def test_third_derivatives(f: Function, order: tuple[Callable[[Function], Function], ...]) -> None:
    second = order[1](order[0](f))
    third = order[2](second)
    for x in (0.3, 0.7, 1.1):
        slope = (second(x + 1e-5) - second(x - 1e-5)) / 2e-5
        np.testing.assert_allclose(third(x), slope, rtol=1e-4, atol=1e-5)
