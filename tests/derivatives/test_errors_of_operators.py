"""What is wrong with what an operator is given is said: what was expected, what came, and where the function is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    value_and_jacobian,
    vjp,
)

X = np.array([0.5, -0.3, 0.8])


def scaled(x: Any, w: Any) -> Any:
    return np.sin(x) * w


def tree(p: Any) -> Any:
    return {"a": p["u"] * 2.0, "b": (p["v"], np.sum(p["u"]))}


def loss(x: Any, w: Any) -> Any:
    return np.sum(x * w)


PARAMETERS = {"u": X, "v": 1.0}


@pytest.mark.parametrize(
    ("cotangent", "error", "words"),
    [
        (np.ones(4), ValueError, r"has the shape \(4,\), not \(3,\)"),
        (1.0, ValueError, r"has the shape \(\), not \(3,\)"),
        ((1.0, 2.0, 3.0), TypeError, r"must be an array of the shape \(3,\), not a tuple of 3"),
        ("abc", TypeError, r"must be an array of the shape \(3,\), not a str"),
        (None, TypeError, r"must be an array of the shape \(3,\), not None"),
        (1j * X, TypeError, "must be of real numbers, not complex128"),
    ],
)
def test_cotangents_and_tangents(cotangent: Any, error: type[Exception], words: str) -> None:
    _, pullback = vjp(scaled, X, 2.0)
    with pytest.raises(error, match=f"the cotangent of the result {words}") as caught:
        pullback(cotangent)
    assert "in scaled" in str(caught.value)
    if cotangent is not None:  # as a tangent, it stands for zeros
        _, along = linearize(scaled, X, 2.0)
        with pytest.raises(error, match=f"the tangent of argument 0 {words}") as caught:
            along(cotangent, 1.0)
        assert "in scaled" in str(caught.value)


@pytest.mark.parametrize(
    ("cotangent", "words"),
    [
        ({"a": X}, r"the result must be a dict with 'a', 'b', not a dict with 'a'"),
        (X, r"the result must be a dict with 'a', 'b', not a number or an array"),
        ({"a": X, "b": (1.0,)}, r"the result\['b'\] must be a tuple of 2, not a tuple of 1"),
        ({"a": X, "b": (1.0, X)}, r"the result\['b'\]\[1\] has the shape \(3,\), not \(\)"),
        ({"a": X, "b": (1.0, (1.0,))}, r"the result\['b'\]\[1\] must be a number, not a tuple of 1"),
    ],
)
def test_cotangents_of_trees(cotangent: Any, words: str) -> None:
    _, pullback = vjp(tree, PARAMETERS)
    with pytest.raises((TypeError, ValueError), match=f"the cotangent of {words}"):
        pullback(cotangent)


@pytest.mark.parametrize(
    ("f", "primals", "tangents", "words"),
    [
        (scaled, (X, 2.0), (np.ones(4), 1.0), r"argument 0 has the shape \(4,\), not \(3,\)"),
        (scaled, (X, 2.0), ("a", 1.0), "a number or an array, not a str"),
        (scaled, (X, 2.0), (X,), "one tangent for each argument"),
        (scaled, X, X, "the arguments must be a tuple, not a number or an array"),
        (scaled, (X, 2.0), None, "the tangents must be a tuple, not None"),
        (tree, (PARAMETERS,), ({"u": X},), "a dict with 'u', 'v', not a dict with 'u'"),
        (tree, (PARAMETERS,), (X,), "a dict with 'u', 'v', not a number or an array"),
    ],
)
def test_tangents(f: Any, primals: Any, tangents: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        jvp(f, primals, tangents)


def test_vectors_of_hessian_products() -> None:
    for vector in (X, (X,), {"x": X, "w": X}, (X, X, X)):
        with pytest.raises(TypeError, match="the vector must be a tuple of 2, as the gradient is, not"):
            hvp(loss, (0, 1))(X, X, vector)
    with pytest.raises(ValueError, match=r"has the shape \(4,\), not \(3,\)"):
        hvp(loss, 0)(X, X, np.ones(4))


OPERATORS = [
    grad, value_and_grad, jacobian, jacfwd, jacrev, value_and_jacobian, hessian, elementwise_grad, hvp,
    lambda f, argnums: vjp(f, argnums=argnums),
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    ("argnums", "error", "words"),
    [
        (7, ValueError, "loss has 2 parameters, no number 7"),
        ("q", ValueError, "loss has no parameter 'q'; it has x, w"),
        (1.5, TypeError, "must be integers or parameter names, not 1.5"),
        ((0, None), TypeError, "must be integers or parameter names, not None"),
        (True, TypeError, "must be integers or parameter names, not True"),
    ],
)
def test_argnums(operator: Any, argnums: Any, error: type[Exception], words: str) -> None:
    args = (X, 2.0, X) if operator is hvp else (X, 2.0)
    with pytest.raises(error, match=f"argnums.* {words}|argnums: {words}"):
        operator(loss, argnums)(*args)


@pytest.mark.parametrize("operator", OPERATORS)
def test_arguments(operator: Any) -> None:
    rest = (X,) if operator is hvp else ()
    with pytest.raises(TypeError, match="only real numbers will do"):
        operator(loss, 0)(1j * X, 2.0, *rest)
    with pytest.raises(TypeError, match="'w'|by position"):
        operator(loss, 0)(X, *rest[:0])


@pytest.mark.parametrize(
    "operator", [jacobian, jacfwd, jacrev, value_and_jacobian, hessian, grad, elementwise_grad]
)
def test_what_always_raises_does_so_in_every_operator(operator: Any) -> None:
    def raises(x: Any) -> Any:
        y = np.sin(x)
        raise ValueError(f"not of {len(y)} numbers")

    with pytest.raises(ValueError, match="not of 3 numbers"):
        operator(raises)(X)


@pytest.mark.parametrize("operator", [jacobian, jacfwd, jacrev, hessian])
def test_a_call_that_is_found_out_first(operator: Any) -> None:
    def conditions(x: Any) -> Any:
        outer = np.multiply.outer(x, x)
        area = np.cross(x, [0.3, 0.5, 1.0])
        return np.linalg.cond(outer * 0.3 + 2.0 * np.eye(len(outer)), 1) + np.sum(area)

    step, x = 1e-6 * np.eye(3), np.array([0.5, -0.2, 0.8])  # where no two columns are as large
    if operator is hessian:
        slopes = [(grad(conditions)(x + by) - grad(conditions)(x - by)) / 2e-6 for by in step]
    else:
        slopes = [(conditions(x + by) - conditions(x - by)) / 2e-6 for by in step]
    np.testing.assert_allclose(operator(conditions)(x), slopes, rtol=1e-6, atol=1e-7)


def test_what_always_raises_does_so_before_there_are_tangents() -> None:
    def raises(x: Any, w: Any) -> Any:
        np.putmask(x, x > 0.1, x)
        raise ValueError("no number")

    with pytest.raises(ValueError, match="no number"):
        linearize(raises, X, np.float64(0.5))


def test_second_derivatives_beside_ways_that_raise() -> None:
    def f(x: Any, A: Any, k: Any) -> Any:
        first, second = x * 2.0, x * 3.0
        for _ in range(k):
            if len(x) > 3:
                break
            if A.shape[0] > 3:
                second = {"p": first[0]}  # of which there is no cosine
                second["p"] *= 0.5
                product = second["p"] * x
            else:
                first = A * A
        return np.sum(x * x) + np.sum(np.cos(second))

    x = np.arange(4.0) + 1.0
    ((by_x, *_), *_) = hessian(f)(x, np.ones((4, 3)), 3)
    np.testing.assert_allclose(by_x, np.diag(2.0 - 9.0 * np.cos(3.0 * x)))
    with pytest.raises(TypeError, match="dict"):
        hessian(f)(x[:3], np.ones((4, 3)), 3)


def test_a_loop_whose_trips_raise_that_makes_none() -> None:
    def f(x: Any, k: Any) -> Any:
        for _ in range(k, 0):
            raise ValueError("no trip")
        return np.sum(x**3)

    np.testing.assert_allclose(hessian(f)(X, 2)[0][0], np.diag(6.0 * X))
    np.testing.assert_allclose(jacrev(f)(X, 2)[0], 3.0 * X * X)
    with pytest.raises(ValueError, match="no trip"):
        jacfwd(f)(X, -1)
