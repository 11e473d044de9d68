"""`checkpoint`: what is inside is computed again in the backward pass, and nothing of it is kept."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from revcompile import (
    UnsupportedError,
    check_grads,
    checkpoint,
    grad,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)

X = np.array([0.6, -0.3, 0.9])
W = np.array([[0.4, -0.7, 0.2], [0.3, 0.5, -0.6], [-0.1, 0.8, 0.25]])


def plain(x: Any, w: Any) -> Any:
    return np.tanh(w @ np.sin(w @ x))


step = checkpoint(plain)


def loop(x: Any, w: Any, f: Any) -> Any:
    for _ in range(3):
        x = f(x, w)
    return np.sum(x * x)


def branch(x: Any, w: Any, f: Any) -> Any:
    if np.sum(x) > 0:
        x = f(x, w) * 2.0
    else:
        x = x * x
    return np.sum(f(x, w))


def while_(x: Any, w: Any, f: Any) -> Any:
    n = 0
    while np.sum(x * x) > 0.05 and n < 4:
        x = f(x, w)
        n += 1
    return x[0] * x[1]


def early(x: Any, w: Any, f: Any) -> Any:
    for i in range(4):
        x = f(x, w)
        if x[0] < 0.1 * i:
            return np.sum(x**3)
    return np.sum(x)


def stored(x: Any, w: Any, f: Any) -> Any:
    """The argument is written into after the call."""
    x = x.copy()
    y = f(x, w)
    x[0] = 5.0
    x *= 2.0
    return np.sum(y * y) + np.sum(x)


def written(x: Any, w: Any, f: Any) -> Any:
    """What the call gives is written into."""
    y = f(x, w)
    y[1] = x[0]
    return np.sum(y * x)


def listed(x: Any, w: Any, f: Any) -> Any:
    rows = [x]
    for _ in range(3):
        rows.append(f(rows[-1], w))
    return np.sum(np.array(rows) ** 2)


def twice(x: Any, w: Any, f: Any) -> Any:
    return f(x, w) @ f(x, w) + f(f(x, w), w)[0]


def through_a_helper(x: Any, w: Any, f: Any) -> Any:
    def helper(z: Any) -> Any:
        return f(z, w) + z

    return np.sum(helper(helper(x)))


def not_read(x: Any, w: Any, f: Any) -> Any:
    f(x, w)
    return np.sum(x)


PROGRAMS = [
    loop, branch, while_, early, stored, written, listed, twice, through_a_helper, not_read,
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients_are_the_same(program: Any, optimize: bool) -> None:
    def again(x: Any, w: Any) -> Any:
        return program(x, w, step)

    def kept(x: Any, w: Any) -> Any:
        return program(x, w, plain)

    one = value_and_grad(again, argnums=(0, 1), optimize=optimize)
    other = value_and_grad(kept, argnums=(0, 1), optimize=optimize)
    for args in ((X, W), (-X, 0.5 * W), (X[:2], W[:2, :2]), (X, W)):
        given = tuple(a.copy() for a in args)
        value, gradients = one(*given)
        expected, wanted = other(*args)
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        for g, h, a, before in zip(gradients, wanted, given, args, strict=True):
            np.testing.assert_allclose(g, h, rtol=1e-12, atol=1e-14)
            np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_derivative(program: Any) -> None:
    def again(x: Any) -> Any:
        return program(x, W, step)

    def kept(x: Any) -> Any:
        return program(x, W, plain)

    np.testing.assert_allclose(jvp(again, (X,), (X,))[1], jvp(kept, (X,), (X,))[1], rtol=1e-12)
    np.testing.assert_allclose(hvp(again)(X, X), hvp(kept)(X, X), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(vjp(again, X)[1](2.0), 2.0 * grad(kept)(X), rtol=1e-12)


def test_it_is_the_same_function() -> None:
    np.testing.assert_array_equal(step(X, W), plain(X, W))
    np.testing.assert_allclose(jacobian(step, argnums=0)(X, W), jacobian(plain, argnums=0)(X, W))
    np.testing.assert_allclose(
        grad(lambda x: np.sum(checkpoint(plain)(x, w=W)))(X), grad(lambda x: np.sum(plain(x, W)))(X)
    )


def test_checkpoints_in_checkpoints() -> None:
    @checkpoint
    def outer(x: Any, w: Any) -> Any:
        return step(step(x, w) * 2.0, w)

    found = grad(lambda x, w: np.sum(outer(x, w)), argnums=(0, 1))(X, W)
    expected = grad(lambda x, w: np.sum(plain(plain(x, w) * 2.0, w)), argnums=(0, 1))(X, W)
    for g, h in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, h, rtol=1e-12)


def test_trees_and_several_results() -> None:
    @checkpoint
    def layer(state: Any, k: float) -> Any:
        position, momentum = state["position"], state["momentum"]
        momentum = momentum - k * np.sin(position)
        return {"position": position + k * momentum, "momentum": momentum}, np.sum(momentum**2)

    def run(x: Any, k: float, f: Any) -> Any:
        state, total = {"position": x, "momentum": 0.0 * x}, 0.0
        for _ in range(5):
            state, energy = f(state, k)
            total = total + energy
        return total + np.sum(state["position"])

    found = grad(lambda x, k: run(x, k, layer), argnums=(0, 1))(X, 0.1)
    original = layer.primal
    expected = grad(lambda x, k: run(x, k, original), argnums=(0, 1))(X, 0.1)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)


def test_the_backward_half_is_both_passes() -> None:
    def f(x: Any, w: Any) -> Any:
        return np.sum(step(step(x, w), w))

    gradient = grad(f)
    gradient(X, W)
    assert "backward_plain(grad_y, x, w)" in gradient.source
    assert "saved" not in gradient.source


def test_the_inside_is_not_kept() -> None:
    def costly(x: Any) -> Any:
        for _ in range(20):
            x = np.sin(x) * 1.01
        return x

    def peak(f: Any) -> int:
        gradient = grad(lambda x: np.sum(f(f(f(f(f(f(x))))))))
        gradient(np.ones(2))
        x = np.linspace(0.0, 1.0, 100_000)
        tracemalloc.start()
        try:
            gradient(x)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(checkpoint(costly)) < 0.35 * peak(costly)


def test_what_is_no_function_of_its_arguments_alone_is_refused() -> None:
    random = np.random.default_rng(1)

    @checkpoint
    def draws(x: Any) -> Any:
        return x * random.normal()

    with pytest.raises(UnsupportedError, match="draws is no function of its arguments alone"):
        grad(lambda x: draws(x))(1.0)

    @checkpoint
    def writes(x: Any) -> Any:
        x[0] = 0.0
        return x * x

    with pytest.raises(UnsupportedError, match="writes is no function of its arguments alone"):
        grad(lambda x: np.sum(writes(x * 1.0)))(X)


def test_effects_happen_once(capsys: pytest.CaptureFixture[str]) -> None:
    @checkpoint
    def shows(x: Any) -> Any:
        print("inside", x[0])
        if x[0] > 10.0:
            raise ValueError("too large")
        return x * x

    gradient = grad(lambda x: np.sum(shows(x)))
    np.testing.assert_allclose(gradient(X), 2.0 * X)
    assert capsys.readouterr().out == "inside 0.6\n"
    with pytest.raises(ValueError, match="too large"):
        gradient(100.0 * X)


def test_what_it_reads_of_functions_around_it() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            k = 2.0 * x[i]

            def inside(z: Any) -> Any:
                return np.sin(z * k) + k

            total = total + np.sum(checkpoint(inside)(x))
            k = 0.0
        return total

    check_grads(f, (X,))


def test_methods_options_and_known_arguments() -> None:
    class Layer:
        def __init__(self, w: Any) -> None:
            self.w = w

        @checkpoint
        def apply(self, x: Any, times: int, mode: str = "sin") -> Any:
            for _ in range(times):
                x = np.sin(self.w @ x) if mode == "sin" else np.tanh(self.w @ x)
            return x

    layer = Layer(W)
    check_grads(lambda x: np.sum(layer.apply(layer.apply(x, 2), 1, mode="tanh")), (X,))
