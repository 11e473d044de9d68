"""Operators of functions that read attributes of an object beside what is differentiated."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import hvp, jacfwd, jacobian, jacrev, jvp, linearize, value_and_jacobian, vjp

X = np.array([0.5, -0.3, 1.2])


def jacobian_of(f, x, step=1e-6):
    """By central differences."""
    return np.stack([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))], axis=-1)


class Part:
    def __init__(self, gain: float) -> None:
        self.gain = gain


class Model:
    def __init__(self, w: np.ndarray, gain: float) -> None:
        self.w, self.part, self.options = w, Part(gain), {"shift": [0.5]}

    def plain(self, x):
        return np.tanh(self.w * x) * self.part.gain

    @vjp
    def pulled(self, x):
        return np.tanh(self.w * x) * self.part.gain


def straight(model, x):
    return np.tanh(model.w * x) * model.part.gain + model.options["shift"][0]


def in_a_loop(model, x):
    y = x * 1.0
    for k in range(3):
        y = y * model.w + np.sin(x) * model.part.gain * k
    return y


def on_one_side(model, x):
    if x[0] > 0:
        y = model.w * x * x
    else:
        y = x * model.part.gain
    y[1] = model.options["shift"][0] * x[2] * x[0]
    return y


def of_a_helper(model, x):
    return straight(model, x) * model.plain(x)


FUNCTIONS = [straight, in_a_loop, on_one_side, of_a_helper]
MODELS = [Model(np.array([1.0, 2.0, -0.5]), 2.0), Model(np.array([0.3, -1.0, 0.7]), -3.0)]


@pytest.mark.parametrize("optimize", [True, False], ids=["default", "textbook"])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_pullbacks(f, optimize):
    pulled = vjp(f, argnums=1, optimize=optimize)
    kept = []
    for x in (X, -X):
        for model in MODELS:
            value, pullback = pulled(model, x)
            np.testing.assert_array_equal(value, f(model, x))
            kept.append((pullback, jacobian_of(lambda z, model=model: f(model, z), x)))
    for pullback, wanted in kept:  # each keeps what its own call has read
        for g in np.eye(3):
            np.testing.assert_allclose(pullback(g), g @ wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("operator", [jacobian, jacrev, jacfwd])
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_jacobians(f, operator):
    made = operator(f, argnums=1)
    for x in (X, -X):
        for model in MODELS:
            wanted = jacobian_of(lambda z, model=model: f(model, z), x)
            np.testing.assert_allclose(made(model, x), wanted, rtol=1e-6, atol=1e-8)


def test_a_method():
    """It may be decorated, bound, or bound and used inside."""
    for model in MODELS:
        wanted = jacobian_of(model.plain, X)
        for value, pullback in (model.pulled(X), vjp(model.plain, X), vjp(model.plain)(X)):
            np.testing.assert_array_equal(value, model.plain(X))
            np.testing.assert_allclose(pullback(X), X @ wanted, rtol=1e-6)
        np.testing.assert_allclose(linearize(model.plain, X)[1](X), wanted @ X, rtol=1e-6)
        np.testing.assert_allclose(jvp(model.plain, (X,), (X,))[1], wanted @ X, rtol=1e-6)
        np.testing.assert_allclose(value_and_jacobian(model.plain)(X)[1], wanted, rtol=1e-6, atol=1e-8)
        second = hvp(lambda x, model=model: np.sum(model.plain(x) ** 2))(X, X)
        twice = jacobian(lambda x, model=model: vjp(model.plain, x)[1](2.0 * model.plain(x)))(X)
        np.testing.assert_allclose(second, twice @ X, rtol=1e-8)
