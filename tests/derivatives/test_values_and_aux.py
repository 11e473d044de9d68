"""`linearize`, `value_and_jacobian`, `has_aux`: against autograd and differences; what is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import revcompile as rc
from revcompile import UnsupportedError

autograd = pytest.importorskip("autograd")
X = np.array([0.5, -1.25, 2.0])
W = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.6]])
FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def layer(x: Any, w: Any, np: Any = np) -> Any:
    return np.tanh(w @ x)


def branch(x: Any, w: Any, np: Any = np) -> Any:
    h = w @ x
    return np.sin(h) if h[0] > 0.0 else h * x[0]


def loop(x: Any, w: Any, np: Any = np) -> Any:
    y = x[:2]
    for i in range(3):
        if i == 2:
            break
        y = y * np.cos(w @ x)
    return y


def rows(x: Any, w: Any, np: Any = np) -> Any:
    made = []
    for row in w:
        made.append(np.sum(row * x) ** 2)
    return np.array(made)


def jacobians(f: Any, x: Any, w: Any) -> tuple[Any, Any]:
    """By autograd."""
    import autograd.numpy as anp

    return tuple(autograd.jacobian(lambda x, w: f(x, w, anp), k)(x, w) for k in (0, 1))


PROGRAMS = pytest.mark.parametrize("f", [layer, branch, loop, rows], ids=lambda f: f.__name__)


def close(found: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list, dict)):
        assert type(found) is type(expected) and len(found) == len(expected)
        for key in expected if isinstance(expected, dict) else range(len(expected)):
            close(found[key], expected[key])
        return
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@FORMS
@PROGRAMS
def test_linearize(f: Any, optimize: bool) -> None:
    at = rc.linearize(f, optimize=optimize)
    for x in (X, -X):
        kept = x.copy()
        value, f_jvp = at(x, W)
        close(value, f(x, W))
        by_x, by_w = jacobians(f, x, W)
        for by, tangents in (((X, W), (X, W)), ((-x, 0.5 * W), (-x, 0.5 * W))):
            close(f_jvp(*tangents), by_x @ by[0] + np.tensordot(by_w, by[1], 2))
        close(f_jvp(X, None), by_x @ X)
        np.testing.assert_array_equal(x, kept)
    x = X.copy()
    _, f_jvp = rc.linearize(f, x, W)
    x[:] = 0.0  # what was given is kept as it was
    h = 1e-6
    differences = (f(X + h * X, W) - f(X - h * X, W)) / (2 * h)
    np.testing.assert_allclose(f_jvp(X, None), differences, rtol=1e-6, atol=1e-8)


def test_linearize_computes_the_function_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        print("here")
        return x * np.random.normal()

    value, f_jvp = rc.linearize(f, X)
    np.testing.assert_allclose(f_jvp(X), value)
    np.testing.assert_allclose(f_jvp(2.0 * X), 2.0 * value)
    assert capsys.readouterr().out == "here\n"


def test_what_linearize_refuses() -> None:
    @rc.grad
    def inside(x: Any) -> Any:
        _, f_jvp = rc.linearize(lambda x: x * np.random.normal(), x)
        return np.sum(f_jvp(x))

    with pytest.raises(UnsupportedError, match="computes the function again in each direction: normal"):
        inside(X)
    _, f_jvp = rc.linearize(lambda x, n: x * n, 0.5, 3)
    assert f_jvp(1.0, None) == f_jvp(1.0, 0) == 3.0
    with pytest.raises(TypeError, match="argument 1 is no real number: its tangent is None"):
        f_jvp(1.0, 1.0)
    with pytest.raises(TypeError, match="2 arguments have 1 tangents"):
        f_jvp(1.0)


@FORMS
@PROGRAMS
def test_value_and_jacobian(f: Any, optimize: bool) -> None:
    both = rc.value_and_jacobian(f, argnums=(0, 1), optimize=optimize)
    for x in (X, -X):
        close(both(x, W), (f(x, W), jacobians(f, x, W)))
    assert rc.value_and_jacobian(lambda x: x * x)(3.0) == (9.0, 6.0)


@FORMS
@PROGRAMS
def test_auxiliary_results(f: Any, optimize: bool) -> None:
    def pair(x, w):
        return f(x, w), {"s": x[0] * 2.0, "n": 3, "x": x}

    value, aux, (by_x, by_w) = f(X, W), {"s": 1.0, "n": 3, "x": X}, jacobians(f, X, W)
    options = {"has_aux": True, "optimize": optimize}
    for operator in (rc.jacfwd, rc.jacrev, rc.jacobian):
        close(operator(pair, 0, **options)(X, W), (by_x, aux))
    close(rc.value_and_jacobian(pair, 0, **options)(X, W), ((value, aux), by_x))
    tangent = np.tensordot(by_w, W, 2) - by_x @ X
    close(rc.jvp(pair, (X, W), (-X, W), **options), (value, tangent, aux))
    found, pullback, found_aux = rc.vjp(pair, X, W, **options)
    close((found, found_aux), (value, aux))
    for seed in (np.array([1.0, -0.5]), np.array([0.0, 2.0])):
        close(pullback(seed), (seed @ by_x, np.tensordot(seed, by_w, 1)))

    def loss(x, w):
        return np.sum(f(x, w) ** 2), x[1]

    import autograd.numpy as anp

    expected = autograd.hessian(lambda x: anp.sum(f(x, W, anp) ** 2))(X)
    close(rc.hessian(loss, 0, **options)(X, W), (expected, X[1]))


def test_inside_a_compiled_function() -> None:
    def inner(x, w):
        value, jac = rc.value_and_jacobian(lambda x: np.sin(w @ x))(x)
        same, along = rc.linearize(lambda x: np.sin(w @ x), x)
        rows, aux = rc.jacrev(lambda x: (np.sin(w @ x), x[0]), has_aux=True)(x)
        _, pullback, more = rc.vjp(lambda x: (np.sin(w @ x), x[0]), x, has_aux=True)
        _, tangent, _ = rc.jvp(lambda x: (np.sin(w @ x), x[0]), (x,), (x,), has_aux=True)
        parts = np.sum(jac * rows) + np.sum(along(x) * tangent) + np.sum(pullback(value) ** 2)
        return parts + aux * more * np.sum(same)

    def in_full(x):
        rows = np.cos(W @ x)[:, None] * W
        value = np.sin(W @ x)
        parts = np.sum(rows**2) + np.sum((rows @ x) ** 2) + np.sum((value @ rows) ** 2)
        return parts + x[0] ** 2 * np.sum(value)

    assert np.isclose(rc.jvp(inner, (X, W), (X, None))[0], in_full(X))
    rc.check_grads(lambda x: inner(x, W), (X,), modes=("fwd", "rev"))


def writes(x: Any) -> Any:
    x *= 2.0
    x[0] = x[1]
    return x * x


def test_what_a_function_writes_into_its_argument_is_its_own() -> None:
    slopes = 8.0 * X
    expected = np.array([[0.0, slopes[1], 0.0], [0.0, slopes[1], 0.0], [0.0, 0.0, slopes[2]]])
    x = X.copy()
    for operator in (rc.jacfwd, rc.jacrev, rc.jacobian):
        close(operator(writes)(x), expected)
        close(rc.value_and_jacobian(writes)(x), (writes(X.copy()), expected))

    def inner(x):
        y = x * 1.0
        value, pullback = rc.vjp(writes, y)
        same, along = rc.linearize(writes, y)
        jacobians = rc.jacfwd(writes)(y), rc.jacrev(writes)(y)
        return value, same, pullback(np.ones(3)), along(np.ones(3)), jacobians, y

    value, same, gradient, tangent, jacobians, y = rc.jvp(inner, (x,), (x,))[0]
    close((value, same, gradient, tangent), (writes(X.copy()),) * 2 + (expected.sum(0), expected.sum(1)))
    close(jacobians, (expected, expected))
    close((y, x), (X, X))


def test_what_a_function_prints_is_printed_once(capsys: Any) -> None:
    def talks(x, y):
        print("here")
        return x * y, x

    for call in (
        lambda: rc.jacfwd(talks, (0, 1), has_aux=True)(X, X),
        lambda: rc.jacrev(talks, (0, 1), has_aux=True)(X, X),
        lambda: rc.value_and_jacobian(talks, (0, 1), has_aux=True)(X, X),
        lambda: rc.jvp(talks, (X, X), (X, X), has_aux=True),
        lambda: rc.vjp(talks, X, X, has_aux=True)[1](X),
        lambda: rc.linearize(talks, X, X)[1](X, X),
    ):
        call()
        assert capsys.readouterr().out == "here\n"


def test_what_is_no_pair_is_told() -> None:
    for call in (
        lambda: rc.jacfwd(lambda x: x, has_aux=True)(X),
        lambda: rc.vjp(lambda x: x, X, has_aux=True),
        lambda: rc.jvp(lambda x: (x, x, x), (X,), (X,), has_aux=True),
    ):
        with pytest.raises(UnsupportedError, match="must return a pair"):
            call()
