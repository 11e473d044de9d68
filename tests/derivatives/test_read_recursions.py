"""The texts of gradients of recursions, as deep as the run decides, are differentiated again.

What one call has saved holds what the calls inside it have saved: `frontend/regained`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, jvp
from tests.derivatives import test_recursions_again as again
from tests.derivatives.test_read_what_is_written import reads


def fibonacci(x: Any) -> Any:
    def go(v: Any) -> Any:
        if v < 0.5:
            return v * v
        return go(v - 0.4) * go(v - 0.7) + v

    return go(x[0]) * x[1] + go(x[2])


def on_sides(x: Any) -> Any:
    def go(v: Any, w: Any) -> Any:
        y = np.tanh(v) * w
        if y > 0.3:
            if y < 0.9:
                return go(v * 0.7, w) * y + w
            return go(v * 0.5, w * 0.9) + v
        return y * y

    return go(x[0] + 2, x[1] + 1) * x[2]


def of_arrays(x: Any) -> Any:
    def go(A: Any, k: Any) -> Any:
        if np.sum(A * A) < k:
            return A * 2.0
        B = A.copy()
        B[0] = np.sin(A[1]) * A[0]
        return go(B * 0.6, k) * A + B[::-1]

    return np.sum(go(x, 0.2) ** 2)


def halved(v: Any) -> Any:
    if v < 0.4:
        return np.sin(v)
    return halved(v * 0.5) * v + v


def in_a_loop(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        s = s + halved(x[i] * x[i]) * s + x[i]
    return s


def in_some_trips(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0.7:
            s = s + halved(x[i] * x[i]) * s + x[i]
        else:
            s = s * x[i] + 0.1
    return s


def of_three(x: Any) -> Any:
    def a(v: Any) -> Any:
        return v * v if v < 0.5 else b(v * 0.8) * v

    def b(v: Any) -> Any:
        return np.sin(v) if v < 0.6 else c(v * 0.7) + v

    def c(v: Any) -> Any:
        return np.exp(-v) if v < 0.4 else a(v * 0.9) * 0.5

    return a(x[0] + 1.5) * b(x[1] + 1) + c(x[2] + 1)


def quadrature(x: Any) -> Any:
    def g(t: Any) -> Any:
        return np.exp(-t * x[0]) * np.sin(t * x[1])

    def area(a: Any, b: Any, ga: Any, gb: Any, error: Any) -> Any:
        m = 0.5 * (a + b)
        gm = g(m)
        one, two = (b - a) * (ga + gb) * 0.5, (b - a) * (ga + 2 * gm + gb) * 0.25
        if abs(one - two) < error:
            return two
        return area(a, m, ga, gm, error * 0.5) + area(m, b, gm, gb, error * 0.5)

    return area(0.0, 2.0, g(0.0), g(2.0), 0.03) * x[2]


FUNCTIONS = [fibonacci, on_sides, of_arrays, in_a_loop, in_some_trips, of_three, quadrature]
OPERATORS = ["gradient", "textbook", "Jacobian", "Hessian product", "tangent", "pullback"]


# What is saved as a list on one way only, or in a list whose items are what calls have saved.
REFUSED = {
    again.called_in_a_branch: ("gradient", "textbook", "Hessian product", "pullback"),
    again.in_a_loop_that_is_left: ("pullback",),
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("f", [*FUNCTIONS, *again.FUNCTIONS])
def test_texts_of_recursions(f: Any, operator: str, tmp_path: Path) -> None:
    args = (np.array([1.1, 0.6, 0.8]),)
    if operator in REFUSED.get(f, ()):
        with pytest.raises(UnsupportedError, match="list|number of items"):
            reads(operator, f, args, (0,), tmp_path)
        return
    reads(operator, f, args, (0,), tmp_path)


def test_what_a_recursion_saves_does_not_leave_the_function() -> None:
    def forward(x: Any) -> Any:
        if x < 1.0:
            return x * x, (x, None)
        y, inner = forward(x * 0.5)
        return y * x, (x, inner)

    with pytest.raises(UnsupportedError, match="does not leave"):
        jvp(forward)((3.0,), (1.0,))


def test_what_may_be_none_is_no_item_of_a_list_as_long_as_the_run_decides() -> None:
    def hit(v: Any) -> Any:
        return None if v < 1 else v * v

    def f(x: Any) -> Any:
        hits, i, total = [], 0, 0.0
        while i < 3 and total < 100.0:
            hits.append(hit(x[i]))
            i, total = i + 1, total + x[0]
        return sum(x[2] if one is None else one for one in hits)

    with pytest.raises(UnsupportedError, match="what may be None"):
        grad(f)(np.array([1.3, 0.7, 0.4]))
