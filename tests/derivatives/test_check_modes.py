"""`check_grads` in both modes, at any order: what is right passes, and each wrong rule is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, gate, grad, stop_gradient, value_and_grad

X = np.array([0.5, -1.25, 2.0])
W = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.6]])
BOTH = ("fwd", "rev")


def branches(x: Any, w: Any) -> Any:
    h = w @ x
    if h[0] > 0.0:
        return np.sum(np.tanh(h) ** 2)
    return np.sum(np.sin(h) * h)


def loops(x: Any, w: Any) -> Any:
    total = 0.0
    for row in w:
        if row[0] > 5.0:
            break
        total = total + np.sum(row * x) ** 3
    while total > 1.0:
        total = total * 0.5
    return total


def stores(x: Any, w: Any) -> Any:
    y = w @ x
    y *= np.cos(x[0])
    y[0] = x[1] ** 2
    parts = []
    for v in y:
        parts.append(np.exp(0.1 * v))
    return np.sum(np.array(parts))


def trees(p: Any, scale: float) -> Any:
    return scale**2 * np.sum(p["w"][0] * np.tanh(p["b"])) + p["w"][1] ** 3 * scale


POINTS = {
    "branches": (branches, (X, W)),
    "loops": (loops, (X, W)),
    "stores": (stores, (X, W)),
    "trees": (trees, ({"w": (X, 0.7), "b": X**2}, 1.3)),
    "numbers": (lambda x, y: x * y**2 + np.sin(x), (0.4, -1.1)),
}


@pytest.mark.parametrize(("f", "args"), POINTS.values(), ids=POINTS)
def test_right_derivatives_pass_in_each_mode(f: Any, args: tuple[Any, ...]) -> None:
    check_grads(f, args, order=2, modes=BOTH)
    check_grads(grad(f, optimize=False), args, order=2, modes="rev")
    check_grads(value_and_grad(f, argnums=1), args, order=2, modes=["fwd"])


def test_the_third_order_and_auxiliary_results() -> None:
    check_grads(lambda x, k: np.sum(np.sin(x) * k**2), (X, 0.6), order=3, modes=BOTH)
    check_grads(grad(lambda x, n: (np.sum(x**n), x), has_aux=True), (X**2, 3), order=2, modes=BOTH)


def test_each_precision_and_whole_numbers() -> None:
    check_grads(lambda x: np.sum(x * x * x), (X.astype(np.float32),), order=2, modes=BOTH)
    check_grads(lambda x, n: np.sum(x) * n**2, (X, 3), modes=BOTH)


class Line:
    def __init__(self, slope: float) -> None:
        self.slope = slope

    def at(self, x: Any) -> Any:
        return self.slope * x**2


def test_methods_and_results_that_are_no_number() -> None:
    check_grads(Line(2.0).at, (0.5,), order=2, modes=BOTH)
    check_grads(Line(2.0).at, (X,), order=2, modes=BOTH)
    check_grads(lambda x, w: {"y": w @ x, "n": 3, "z": (x[0], None)}, (X, W), order=2, modes=BOTH)
    check_grads(np.tanh, (X,), order=2, modes=BOTH)
    with pytest.raises(NotImplementedError, match="do not take objects apart"):
        check_grads(lambda line: line.at(2.0), (Line(2.0),), modes=BOTH)


# -- what is wrong ---------------------------------------------------------------------------------


def cube(x: Any) -> Any:
    return x**3


@gate(cube)
def cube_rule(grad_y: Any, x: Any) -> Any:
    return grad_y * 3.1 * x**2


def quart(x: Any) -> Any:
    return x**4


@gate(quart)
def quart_rule(grad_y: Any, x: Any) -> Any:
    return grad_y * stop_gradient(4.0 * x**3)


def told(f: Any, *args: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_grads(f, args, **options)
    return str(caught.value)


@pytest.mark.parametrize("mode", BOTH)
def test_a_wrong_backward_rule(mode: str) -> None:
    def f(scale: float, x: Any) -> Any:
        return scale * np.sum(cube(x))

    text = told(f, 2.0, X, modes=mode)
    what = {"rev": "gradient", "fwd": "tangent"}[mode]
    assert f"wrong {what} of f: 3 of 4 elements" in text and "x[2] = 2.0" in text
    assert f"wrong {what} of <lambda>: 3 of 3 elements" in told(lambda x: cube(x), X, modes=mode)


@pytest.mark.parametrize("first", BOTH)
@pytest.mark.parametrize("then", BOTH)
def test_a_wrong_second_derivative(first: str, then: str) -> None:
    """Each order of the modes is checked, and named."""

    def f(scale: float, x: Any) -> Any:
        return scale * np.sum(quart(x))

    check_grads(f, (2.0, X), modes=BOTH)
    what = {"rev": "gradient", "fwd": "tangent"}
    seen = []
    for modes in ((first,), (then,)):
        seen.append(told(f, 2.0, X, order=2, modes=modes))
        assert f"wrong {what[modes[0]]} of a {what[modes[0]]} of f: 3 of 4 elements" in seen[-1]
    assert f"wrong {what[first]} of a {what[first]} of f" in told(f, 2.0, X, order=2, modes=(first, then))
