"""`on_gradient`: what a function of the program does with a gradient, in the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, hvp, jvp, on_gradient, value_and_grad

X = np.array([0.6, -0.3, 0.9])
W = np.array([[0.4, -0.7, 0.2], [0.3, 0.5, -0.6], [-0.1, 0.8, 0.25]])
FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def straight(x: Any, w: Any, k: Any) -> Any:
    y = on_gradient(w @ x, lambda g: g * k)
    return np.sum(y * y)


def straight_slope(x: Any, w: Any, k: Any) -> Any:
    return k * 2.0 * (w @ x) @ w


def loop(x: Any, w: Any, k: Any) -> Any:
    for _ in range(3):
        x = on_gradient(w @ x, lambda g: g * k)
    return np.sum(x)


def loop_slope(x: Any, w: Any, k: Any) -> Any:
    g = np.ones(3)
    for _ in range(3):
        g = (g * k) @ w
    return g


def changing(x: Any, w: Any, k: Any) -> Any:
    """What the function reads changes from trip to trip, and after it was given."""
    total = 0.0
    for i in range(3):
        c = k + i
        total = total + np.sum(on_gradient(x, lambda g: g * c) * x)
        c = 100.0
    return total


def changing_slope(x: Any, w: Any, k: Any) -> Any:
    return sum(x + (k + i) * x for i in range(3))


def branch(x: Any, w: Any, k: Any) -> Any:
    y = w @ x
    if np.sum(y) > 0:
        y = on_gradient(y, lambda g: g * k)
    else:
        y = on_gradient(y, lambda g: -g)
    return np.sum(y)


def branch_slope(x: Any, w: Any, k: Any) -> Any:
    return (k if np.sum(w @ x) > 0 else -1.0) * np.ones(3) @ w


def while_and_exit(x: Any, w: Any, k: Any) -> Any:
    n = 0
    while n < 4:
        x = on_gradient(0.5 * x, lambda g: g * k)
        n += 1
        if np.sum(x * x) < 0.1:
            return np.sum(x)
    return 2.0 * np.sum(x)


def while_and_exit_slope(x: Any, w: Any, k: Any) -> Any:
    factor, n = 1.0, 0
    while n < 4:
        x, factor, n = 0.5 * x, factor * 0.5 * k, n + 1
        if np.sum(x * x) < 0.1:
            return factor * np.ones(3)
    return 2.0 * factor * np.ones(3)


def stored(x: Any, w: Any, k: Any) -> Any:
    """The value is written into afterwards, and so is what the function reads."""
    c = k * np.ones(3)
    y = on_gradient(x * 1.0, lambda g: g * c)
    y[0] = 5.0
    c[1] = 50.0
    return np.sum(y * y)


def stored_slope(x: Any, w: Any, k: Any) -> Any:
    return k * 2.0 * np.array([0.0, x[1], x[2]])


def listed(x: Any, w: Any, k: Any) -> Any:
    rows = []
    for i in range(3):
        rows.append(on_gradient(x[i] * x, lambda g: g * k))
    return np.sum(np.array(rows))


def listed_slope(x: Any, w: Any, k: Any) -> Any:
    return k * 2.0 * np.sum(x) * np.ones(3)


def by_a_helper(x: Any, w: Any, k: Any) -> Any:
    def kept_small(z: Any) -> Any:
        return on_gradient(z, lambda g: g * min(1.0, k / np.linalg.norm(g)))

    return np.sum(kept_small(w @ x) ** 2)


def by_a_helper_slope(x: Any, w: Any, k: Any) -> Any:
    g = 2.0 * (w @ x)
    return (g * min(1.0, k / np.linalg.norm(g))) @ w


def numbers(x: Any, w: Any, k: Any) -> Any:
    s = on_gradient(x[0] * x[1], lambda g: max(-k, min(k, g)))
    return 10.0 * s + x[2]


def numbers_slope(x: Any, w: Any, k: Any) -> Any:
    return np.array([min(k, 10.0) * x[1], min(k, 10.0) * x[0], 1.0])


def with_statements(x: Any, w: Any, k: Any) -> Any:
    def replaced(g: Any) -> Any:
        out = np.zeros(3)
        for i in range(3):
            if g[i] > 0:
                out[i] = k
        return out

    return np.sum(on_gradient(x, replaced) * w[0])


def with_statements_slope(x: Any, w: Any, k: Any) -> Any:
    return np.where(w[0] > 0, k, 0.0)


PROGRAMS = [
    (straight, straight_slope), (loop, loop_slope), (changing, changing_slope), (branch, branch_slope),
    (while_and_exit, while_and_exit_slope), (stored, stored_slope), (listed, listed_slope),
    (by_a_helper, by_a_helper_slope), (numbers, numbers_slope), (with_statements, with_statements_slope),
]  # fmt: skip


@FORMS
@pytest.mark.parametrize(("f", "slope"), PROGRAMS, ids=lambda p: p.__name__)
def test_gradients(f: Any, slope: Any, optimize: bool) -> None:
    gradient = value_and_grad(f, argnums=0, optimize=optimize)
    for x, w, k in ((X, W, 0.5), (-X, 2.0 * W, 0.25), (X, W, 3.0), (X, W, 0.5)):
        given = x.copy()
        value, found = gradient(given, w, k)
        np.testing.assert_allclose(value, f(x.copy(), w, k), rtol=1e-13)
        np.testing.assert_allclose(found, slope(x, w, k), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(given, x)


@pytest.mark.parametrize(("f", "slope"), PROGRAMS, ids=lambda p: p.__name__)
def test_forward_mode_is_that_of_the_value(f: Any, slope: Any) -> None:
    h = 1e-6
    value, tangent = jvp(f, (X, W, 0.5), (X, None, None))
    np.testing.assert_allclose(value, f(X.copy(), W, 0.5))
    expected = (f(X + h * X, W, 0.5) - f(X - h * X, W, 0.5)) / (2 * h)
    np.testing.assert_allclose(tangent, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("f", "slope"), PROGRAMS, ids=lambda p: p.__name__)
def test_second_derivatives_are_those_of_the_gradient_that_is_computed(f: Any, slope: Any) -> None:
    h = 1e-6
    expected = (slope(X + h * X, W, 0.5) - slope(X - h * X, W, 0.5)) / (2 * h)
    np.testing.assert_allclose(hvp(f, argnums=0)(X, W, 0.5, X), expected, rtol=1e-5, atol=1e-7)


def test_the_text_says_what_is_done() -> None:
    def f(x: Any) -> Any:
        return np.sum(on_gradient(np.sin(x), lambda g: np.clip(g, -0.5, 0.5)) * 3.0)

    gradient = grad(f)
    gradient(X)
    assert "np.clip(" in gradient.backward_source
    assert "on_gradient" not in gradient.source


def test_printing_is_done_in_the_backward_pass_once(capsys: pytest.CaptureFixture[str]) -> None:
    def told(g: Any) -> Any:
        print("gradient", g)
        return g

    def f(x: Any) -> Any:
        return on_gradient(x * x, told) * 3.0

    assert grad(f)(2.0) == 12.0
    assert capsys.readouterr().out == "gradient 3.0\n"
    assert f(2.0) == 12.0
    assert capsys.readouterr().out == ""


def test_a_gradient_that_is_not_there_is_not_given() -> None:
    def f(x: Any) -> Any:
        on_gradient(x, lambda g: g * np.inf)
        return 2.0 * x

    assert grad(f)(1.0) == 2.0
    assert grad(lambda x: x * on_gradient(3.0, lambda g: g))(1.0) == 3.0


def test_a_gradient_may_become_a_zero() -> None:
    """What is masked by the function stays masked where a slope is infinite."""

    def f(x: Any) -> Any:
        y = on_gradient(np.sqrt(x), lambda g: np.where(x > 0, g, 0.0))
        return np.sum(y)

    x = np.array([0.0, 4.0])
    np.testing.assert_array_equal(grad(f)(x), [0.0, 0.25])


def test_what_is_refused() -> None:
    with pytest.raises(TypeError, match="takes a number or an array"):
        grad(lambda x: on_gradient((x, x), lambda g: g)[0])(1.0)
    with pytest.raises(TypeError, match="must give a number or an array"):
        grad(lambda x: on_gradient(x, lambda g: (g, g)))(1.0)

    def fails(g: Any) -> Any:
        raise ValueError("no")

    with pytest.raises(UnsupportedError, match="always raises"):
        grad(lambda x: on_gradient(x * x, fails))(1.0)
