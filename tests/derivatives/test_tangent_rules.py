"""Rules of forward mode that a user gives with a gate, and forward mode of a forward/backward pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, check_grads, gate, grad, hvp, jacfwd, jvp, stop_gradient, vjp
from tests.support.program import make

X = np.array([0.5, -1.25, 2.0, 0.75])
V = np.array([1.0, -0.5, 0.25, 2.0])
A = np.array([[0.3, -0.7, 1.1, 0.2], [0.9, 0.4, -0.6, 1.3], [-1.2, 0.8, 0.5, -0.1], [0.2, 0.1, 1.0, 0.4]])
BOTH = ("fwd", "rev")
FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def softplus(x: Any) -> Any:
    return np.logaddexp(0.0, x)


@gate(softplus, tangent=lambda tangent_x, y, x: tangent_x * (1.0 - np.exp(-y)))
def softplus_rule(grad_y: Any, y: Any, x: Any) -> Any:
    return grad_y * (1.0 - np.exp(-y))


def scaled(a: Any, b: Any, power: int = 2) -> Any:
    return a * b**power


def scaled_tangent(tangent_a: Any, tangent_b: Any, a: Any, b: Any, power: int = 2) -> Any:
    return tangent_a * b**power + a * power * b ** (power - 1) * tangent_b


@gate(scaled, tangent=scaled_tangent)
def scaled_rule(grad_y: Any, a: Any, b: Any, power: int = 2) -> Any:
    return grad_y * b**power, grad_y * a * power * b ** (power - 1)


def both(x: Any) -> Any:
    return np.sin(x), np.sum(x * x)


@gate(both, tangent=lambda tangent_x, x: (np.cos(x) * tangent_x, 2.0 * np.sum(x * tangent_x)))
def both_rule(grad_y: Any, x: Any) -> Any:
    return grad_y[0] * np.cos(x) + grad_y[1] * 2.0 * x


def solved(m: Any, b: Any) -> Any:
    return np.linalg.solve(m, b)


def solved_tangent(tangent_m: Any, tangent_b: Any, y: Any, m: Any, b: Any) -> Any:
    return solved(m, tangent_b - tangent_m @ y)


@gate(solved, forward=lambda m, b: (np.linalg.solve(m, b), m), tangent=solved_tangent)
def solved_backward(grad_y: Any, saved: Any) -> Any:
    grad_b = np.linalg.solve(saved.T, grad_y)
    return None, grad_b


def energy(x: Any, by: Any) -> Any:
    return by * np.sum(x**3)


@gate(energy, forward=lambda x, by: (by * np.sum(x**3), (x, by)))
def energy_backward(grad_y: Any, saved: Any) -> Any:
    x, k = saved
    return grad_y * k * 3.0 * x**2, grad_y * np.sum(x**3)


def branches(x: Any) -> Any:
    return softplus(x) * 2.0 if x[0] > 0.0 else scaled(x, 3.0)


def loops(x: Any) -> Any:
    y = x
    for i in range(3):
        if i == 2:
            break
        y = softplus(y) - scaled(y, 0.1 * x)
    while np.sum(y) > 1.0:
        y = y * 0.5
    return y


def stores(x: Any) -> Any:
    y = np.zeros(4)
    parts = []
    for i in range(4):
        y[i] = softplus(x[i]) * x[0]
        parts.append(scaled(y[i], x[i], power=3))
    return y + np.array(parts)


def helper(x: Any) -> Any:
    def inner(a: Any, b: Any) -> Any:
        s, n = both(a)
        return softplus(s) * n + scaled(b, a)

    return inner(x, x[::-1]) if x[1] < 5.0 else x


@FORMS
@pytest.mark.parametrize("f", [branches, loops, stores, helper], ids=lambda f: f.__name__)
def test_tangents_by_rules_of_the_users(f: Any, optimize: bool) -> None:
    move = jvp(f, optimize=optimize)
    for x in (X, -0.5 * X):
        value, tangent = move((x,), (V,))
        h = 1e-6
        np.testing.assert_allclose(tangent, (f(x + h * V) - f(x - h * V)) / (2 * h), rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
    _, pull = vjp(f, X)
    assert np.isclose(np.sum(move((X,), (V,))[1] * A[0]), np.sum(pull(A[0]) * V))


@pytest.mark.parametrize("f", [branches, loops, stores, helper], ids=lambda f: f.__name__)
def test_second_derivatives_through_tangent_rules(f: Any) -> None:
    def loss(x):
        return np.sum(f(x) ** 2)

    check_grads(loss, (X,), order=2, modes=("fwd",))
    gradient, h = grad(loss), 1e-6
    expected = (gradient(X + h * V) - gradient(X - h * V)) / (2 * h)
    np.testing.assert_allclose(hvp(loss)(X, V), expected, rtol=1e-6, atol=1e-7)


def test_what_is_still_has_zeros_for_tangents() -> None:
    check_grads(lambda a, b: scaled(a, b), (X, V), modes=BOTH, argnums=1)
    check_grads(lambda a: scaled(2.0, a), (0.7,), order=2, modes=BOTH)
    assert np.allclose(
        jvp(lambda x: softplus(x), (X.astype(np.float32),), (V.astype(np.float32),))[1].dtype.itemsize, 4
    )


def test_the_text_is_the_rule() -> None:
    @jvp
    def f(x):
        return softplus(x)

    f((X,), (V,))
    assert "tangent_x * (1.0 - np.exp(-s0))" in f.tangent_source


# -- pairs -----------------------------------------------------------------------------------------


def test_a_pair_with_a_tangent_rule() -> None:
    """Forward mode of what runs as it is; the rule is read, so reverse mode over it works, too."""

    def f(b):
        return solved(A + 2.0 * np.eye(4), b) ** 2

    check_grads(f, (X,), modes=BOTH)
    m = A + 2.0 * np.eye(4)
    tangent = jvp(lambda m: solved(m, X), (m,), (A,))[1]
    h = 1e-6
    expected = (np.linalg.solve(m + h * A, X) - np.linalg.solve(m - h * A, X)) / (2 * h)
    np.testing.assert_allclose(tangent, expected, rtol=1e-7)
    np.testing.assert_allclose(jacfwd(f)(X), 2.0 * solved(m, X)[:, None] * np.linalg.inv(m), rtol=1e-9)

    def along(b):
        return np.sum(jvp(f, (b,), (V,))[1] ** 2)

    check_grads(along, (X,))


@FORMS
def test_a_pair_that_gives_one_number_needs_no_tangent_rule(optimize: bool) -> None:
    def f(x, k):
        s = 0.0
        for i in range(3):
            s = s + energy(x * i, k) * k
        return s

    _, tangent = jvp(f, (X, 0.3), (V, 2.0), optimize=optimize)
    by_x, by_k = grad(f)(X, 0.3)
    assert np.isclose(tangent, np.sum(by_x * V) + 2.0 * by_k)
    check_grads(f, (X, 0.3), modes=BOTH)
    check_grads(lambda k: energy(k, 2.0), (0.3,), modes=BOTH)


def doubled(x: Any) -> Any:
    return 2.0 * x


@gate(doubled, forward=lambda x: (2.0 * x, None))
def doubled_backward(grad_y: Any, saved: Any) -> Any:
    return 2.0 * grad_y


def test_what_a_pair_cannot_do_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedError, match=r"no tangent of more than one number(.|\n)*tangent=\.\.\."):
        jvp(lambda x: doubled(x), (X,), (V,))
    assert jvp(lambda x: doubled(x), (3.0,), (1.0,)) == (6.0, 2.0)
    with pytest.raises(UnsupportedError, match="runs as it is, also backwards"):
        hvp(lambda x: energy(x, 2.0))(X, V)


# -- what is wrong ---------------------------------------------------------------------------------


def wrong(tangent: Any, f: Any = np.square) -> Any:
    """A function with a gate whose backward rule is right."""
    g = make("def g(x):\n    return f(x)\n", name="g", f=f)

    @gate(g, tangent=tangent)
    def rule(grad_y: Any, x: Any) -> Any:
        return grad_y * 2.0 * x

    return lambda s, x: s * np.sum(g(x))


def test_check_grads_rejects_wrong_tangents() -> None:
    right = wrong(lambda tangent_x, x: 2.0 * x * tangent_x)
    check_grads(right, (2.0, X), order=2, modes=BOTH)
    factor = wrong(lambda tangent_x, x: 2.1 * x * tangent_x)
    check_grads(factor, (2.0, X), order=2)
    with pytest.raises(
        AssertionError, match=r"wrong tangent of <lambda>: 4 of 5 elements(.|\n)*x\[2\] = 2\.0"
    ):
        check_grads(factor, (2.0, X), modes=BOTH)
    with pytest.raises(AssertionError, match=r"wrong tangent of <lambda>: it is not linear in the direction"):
        check_grads(wrong(lambda tangent_x, x: 2.0 * x * tangent_x**3), (2.0, X), modes="fwd")


def test_check_grads_rejects_wrong_second_derivatives_of_tangents() -> None:
    f = wrong(lambda tangent_x, x: stop_gradient(2.0 * x) * tangent_x)
    check_grads(f, (2.0, X), modes=BOTH)
    check_grads(f, (2.0, X), order=2)
    with pytest.raises(AssertionError, match=r"wrong tangent of a tangent of <lambda>: 4 of 5 elements"):
        check_grads(f, (2.0, X), order=2, modes="fwd")


def test_rules_that_do_not_fit_are_told() -> None:
    def g(x, by):
        return x * by

    for rule in (lambda x, by: x, lambda tangent_z, x, by: x, lambda x, tangent_x, by: x):
        with pytest.raises(ValueError, match="takes first tangents, named tangent_x, tangent_by; then"):
            gate(g, tangent=rule)(lambda grad_y, x, by: grad_y)
    gate(g, tangent=lambda tangent_x, x, by: tangent_x * by)(lambda grad_y, x, by: (grad_y * by, grad_y * x))
    assert jvp(lambda x: g(x, 3.0), (2.0,), (1.0,)) == (6.0, 3.0)
    with pytest.raises(UnsupportedError, match="takes no tangent of this argument"):
        jvp(lambda by: g(2.0, by), (3.0,), (1.0,))
    gate(g, tangent=lambda tangent_x, x, by: (tangent_x, by))(lambda grad_y, x, by: (grad_y * by,))
    with pytest.raises(UnsupportedError, match="must return"):
        jvp(lambda x: g(x, 3.0), (2.0,), (1.0,))


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_a_rule_that_branches_on_lengths_that_only_the_run_knows(mode: str) -> None:
    def f(a: Any) -> Any:
        found = np.linalg.qr(a @ a + 2.0 * np.eye(len(a)), mode)
        return np.sum(np.sin(found)) if mode == "r" else np.sum(found[0] ** 3) + np.sum(np.sin(found[1]))

    for n in (3, 2):
        a = np.random.default_rng(n).uniform(-1.0, 1.0, (n, n))
        along = np.cos(np.arange(n * n)).reshape(n, n)
        slope = (f(a + 1e-6 * along) - f(a - 1e-6 * along)) / 2e-6
        np.testing.assert_allclose(jvp(f, (a,), (along,))[1], slope, rtol=1e-6)
        np.testing.assert_allclose(np.sum(grad(f)(a) * along), slope, rtol=1e-6)
