"""Second derivatives, by every way to them, of functions that call themselves as often as the run decides."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from revcompile import grad, hessian, hvp, jacfwd, jacrev, jvp, value_and_grad, vjp

UNITS = np.eye(3)


def until_it_is_small(x: Any) -> Any:
    def go(v: Any, k: Any) -> Any:
        if np.sum(v) < k:
            return np.sum(v * v)
        return np.sum(np.sin(v)) * go(v * 0.5, k) + v[0] ** 2

    return go(x, 0.3)


def newton(a: Any, y: Any, x: Any) -> Any:
    n = y - (y * y - a) / (2 * y)
    if abs(n - y) < 1e-3:
        return n * x[1]
    return newton(a, n, x) + 0.01 * n


def newton_steps(x: Any) -> Any:
    return newton(x[0] * x[1], x[2], x)


def tree(v: Any, d: Any) -> Any:
    if np.sum(v * v) > 4.0:
        return np.sum(v**3)
    return tree(v * 1.5, d) * 0.3 + tree(v + d, d) * v[0]


def two_calls(x: Any) -> Any:
    return tree(x, 0.4)


def even(v: Any, t: Any) -> Any:
    if v < t:
        return v * v
    return odd(v * 0.6, t) * t


def odd(v: Any, t: Any) -> Any:
    if v < t:
        return np.sin(v)
    return even(v - 0.3 * t, t) + v * v


def of_each_other(x: Any) -> Any:
    return even(np.sum(x * x) + 2, x[0] * x[0] + 0.5)


def with_a_loop(v: Any, k: Any) -> Any:
    s = 0.0
    for i in range(3):
        s = s + v[i] ** 2 * (i + 1)
        if s > 5:
            break
    w = v.copy()
    w[0] = s * 0.1
    if s < k:
        return s * v[1]
    return with_a_loop(w * 0.7, k) * v[2] + s


def a_loop_and_a_store_inside(x: Any) -> Any:
    return with_a_loop(x * 2, 0.5)


def two(v: Any, k: Any) -> Any:
    if v[0] < k:
        return v * k, np.sum(v)
    a, b = two(v * 0.6, k)
    return a * v[1] + 1, b * b + v[0]


def two_results(x: Any) -> Any:
    a, b = two(np.exp(x), 0.4)
    return np.sum(a * a) * b


class Layer:
    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def go(self, v: Any) -> Any:
        if np.sum(v * v) < 0.2:
            return np.sum(v * self.weights)
        return self.go(np.tanh(v * self.weights)) * v[0] + np.sum(v)


def a_method(x: Any) -> Any:
    return Layer(x * 0.5 + 0.3).go(x)


def in_a_loop_that_is_left(x: Any) -> Any:
    t = 0.0
    for i in range(2):
        t = t + until_it_is_small(x * (1 + 0.3 * i)) * t + x[i]
        if t > 3:
            return t * x[2]
    return t


def in_a_branch_of_a_loop(v: Any, t: Any) -> Any:
    y = v[0]
    if t > 1.0:
        return y**3
    for i in range(3):
        y = y + in_a_branch_of_a_loop(v * 0.5, t + v[1]) * y if i % 2 else y * v[2]
    return y


def called_in_a_branch(x: Any) -> Any:
    return in_a_branch_of_a_loop(x + 0.2, 0.1 * x[0])


FUNCTIONS = [
    until_it_is_small,
    newton_steps,
    two_calls,
    of_each_other,
    a_loop_and_a_store_inside,
    two_results,
    a_method,
    in_a_loop_that_is_left,
    called_in_a_branch,
]
Function = Callable[[Any], Any]


def _reverse_twice(f: Function, optimize: bool) -> Function:
    gradient = grad(f, optimize=optimize)
    product = grad(lambda x, v: np.sum(gradient(x) * v), argnums=0, optimize=optimize)
    return lambda x: np.array([product(x, unit) for unit in UNITS])


def _pullback_of_a_gradient(f: Function, optimize: bool) -> Function:
    pulled = vjp(grad(f, optimize=optimize))
    return lambda x: np.array([pulled(x)[1](unit) for unit in UNITS])


def _reverse_over_forward(f: Function, optimize: bool) -> Function:
    along = grad(lambda x, v: jvp(f, (x,), (v,))[1], argnums=0, optimize=optimize)
    return lambda x: np.array([along(x, unit) for unit in UNITS])


def _forward_over_reverse(f: Function, optimize: bool) -> Function:
    return lambda x: np.array([hvp(f)(x, unit) for unit in UNITS])


def _value_and_gradient(f: Function, optimize: bool) -> Function:
    product = grad(lambda x, v: np.sum(value_and_grad(f)(x)[1] * v), argnums=0, optimize=optimize)
    return lambda x: np.array([product(x, unit) for unit in UNITS])


WAYS: list[Callable[[Function, bool], Function]] = [
    _reverse_twice,
    _pullback_of_a_gradient,
    lambda f, optimize: jacrev(grad(f, optimize=optimize)),
    lambda f, optimize: jacfwd(grad(f, optimize=optimize)),
    _reverse_over_forward,
    _forward_over_reverse,
    _value_and_gradient,
    lambda f, optimize: hessian(f),
]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_second_derivatives(f: Function, way: Callable[..., Function], optimize: bool) -> None:
    gradient = grad(f, optimize=optimize)
    second = way(f, optimize)
    random = np.random.default_rng(1)
    for _ in range(3):
        x = random.uniform(0.3, 0.9, size=3)
        columns = [(gradient(x + 1e-6 * e) - gradient(x - 1e-6 * e)) / 2e-6 for e in UNITS]
        if np.max(np.abs(columns)) < 1e4:  # else differences tell nothing
            np.testing.assert_allclose(second(x), columns, rtol=1e-4, atol=2e-4)


def descend(x: Any, k: Any) -> Any:
    if x < k:
        return x * x * x
    return descend(x * 0.7, k) * np.sin(x) + descend(x - 0.4, k * 1.1)


def of_numbers(x: Any) -> Any:
    return descend(x, 0.5)


def of_a_dict(x: Any, n: Any) -> Any:
    a = [x, x * x]
    if n < 0.1:
        return {"u": a[0] * a[1], "n": n}
    return {"u": of_a_dict(np.cos(x) * n, n / 3)["u"] * a[1] + x, "n": n}


def an_item(x: Any) -> Any:
    return of_a_dict(x, 1.3)["u"] ** 2


def with_its_gradient(x: Any) -> Any:
    return of_numbers(x) * grad(of_numbers)(x) + x


def in_a_while(x: Any) -> Any:
    while x < 5:
        x = x + of_numbers(x) * 0.2 + 0.5
        if x > 4.5:
            return x * x * of_numbers(0.3 * x)
    return x


def _along(f: Function) -> Function:
    return lambda x: jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize("f", [of_numbers, an_item, with_its_gradient, in_a_while])
@pytest.mark.parametrize("orders", [(grad, grad, grad), (_along, grad, grad), (grad, grad, jacfwd)])
def test_third_derivatives(f: Function, orders: tuple[Callable[[Function], Function], ...]) -> None:
    chain = [f]
    for operator in orders:
        chain.append(operator(chain[-1]))
    for x in (0.8, 1.3):
        for lower, derivative in pairwise(chain):
            slope = (lower(x + 1e-5) - lower(x - 1e-5)) / 2e-5
            np.testing.assert_allclose(derivative(x), slope, rtol=1e-4, atol=1e-5)


def deep(x: Any, k: Any) -> Any:
    if k < 1.0:
        return x * x
    return np.sin(deep(x * 1.01, k - 1.0)) + x


def test_a_recursion_of_a_hundred_levels() -> None:
    second = grad(grad(lambda x: deep(x, 100.0)))
    first = grad(lambda x: deep(x, 100.0))
    assert second(0.3) == pytest.approx((first(0.3 + 1e-6) - first(0.3 - 1e-6)) / 2e-6, rel=1e-5)
