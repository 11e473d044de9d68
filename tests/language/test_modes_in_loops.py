"""What is no number and changes in a loop on a run-time condition: a mode, a function, None.

Each may be refused; none may be taken to stay what it was before the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients

CASES: list[tuple[Callable[..., Any], Any]] = []


def case(x: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append((function, x))
        return function

    return register


@case(0.5)
def a_text(x):
    mode = "double"
    for _ in range(4):
        x = x * 2 if mode == "double" else x * 3
        if x > 3:
            mode = "triple"
    return x


@case(0.5)
def a_text_in_a_while(x):
    mode = "double"
    while x < 100:
        if mode == "double":
            x = x * 2
        else:
            x = x * 3
        if x > 3:
            mode = "triple"
    return x


@case(np.array([-1.0, 1.0, -2.0]))
def a_text_before_it_is_read(x):
    mode = "double"
    y = 0.0
    for v in x:
        if v > 0:
            mode = "triple"
        y = y + (v * 2 if mode == "double" else v * 3)
    return y


@case(0.5)
def a_function(x):
    f = np.sin
    for _ in range(4):
        x = f(x)
        f = np.cos if x > 0.3 else np.sin
    return x


@case(0.5)
def none_then_a_flag(x):
    found = None
    for _ in range(4):
        x = x * 2 if found is None else x * 3
        if x > 3:
            found = True
    return x


@case(0.5)
def none_then_a_number(x):
    best = None
    while x < 50:
        x = x * 2 if best is None else x * best
        if x > 3:
            best = x
    return x


@case(0.5)
def none_then_a_constant(x):
    factor = None
    for _ in range(4):
        if factor is not None and x > 3:
            x = x * factor
        if x > 1:
            factor = 3.0
        x = x * 2
    return x


@case(np.array([0.7, -1.2, 0.4, 1.5]))
def none_then_the_product(x):
    y = None
    for v in x:
        y = v if y is None else y * v
    return y


@case(0.5)
def a_tuple_that_gets_longer(x):
    seen = ()
    for _ in range(4):
        x = x * 2 if len(seen) == 0 else x * 3
        if x > 3:
            seen = (x,)
    return x


@case(0.5)
def a_text_in_a_tuple(x):
    state = ("double", 1.0)
    for _ in range(4):
        x = x * 2 if state[0] == "double" else x * 3
        if x > 3:
            state = ("triple", state[1])
    return x


@case(0.5)
def a_text_in_a_list(x):
    state = ["double"]
    for _ in range(4):
        x = x * 2 if state[0] == "double" else x * 3
        if x > 3:
            state[0] = "triple"
    return x


@case(0.5)
def a_text_in_a_dict(x):
    state = {"mode": "double"}
    for _ in range(4):
        x = x * 2 if state["mode"] == "double" else x * 3
        if x > 3:
            state["mode"] = "triple"
    return x


class State:
    def __init__(self, mode):
        self.mode = mode


@case(0.5)
def a_text_in_an_object(x):
    state = State("double")
    for _ in range(4):
        x = x * 2 if state.mode == "double" else x * 3
        if x > 3:
            state.mode = "triple"
    return x


@case(0.5)
def set_again_by_an_outer_loop(x):
    for _ in range(2):
        mode = "double"
        for _ in range(4):
            x = x * 2 if mode == "double" else x * 1.5
            if x > 3:
                mode = "half"
                continue
    return x


@pytest.mark.parametrize(("function", "x"), CASES, ids=[f.__name__ for f, _ in CASES])
@pytest.mark.parametrize("optimize", [True, False])
def test_refused_or_right(function, x, optimize):
    try:
        value, gradient = value_and_grad(function, optimize=optimize)(x)
    except UnsupportedError:
        return
    assert value == pytest.approx(function(x))
    assert_close(gradient, numerical_gradients(function, (x,)))
