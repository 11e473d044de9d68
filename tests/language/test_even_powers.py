"""Even powers of roots are smooth: their Hessians at the kink of the root are those of what is under it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.language.checking import check

Loss = Callable[[Any], Any]
Y = np.array([0.5, -1.0])


def hessian(f: Loss, x: Any, optimize: bool) -> Any:
    def slope(x: Any, v: Any) -> Any:
        return np.sum(grad(f)(x) * v)

    rows = grad(slope, argnums=0, optimize=optimize)
    return np.array([rows(x, v) for v in np.eye(x.size)])


def in_a_branch(x: Any) -> Any:
    r = np.linalg.norm(x)
    if r < 1.0:
        y = r * r
    else:
        y = 3.0 * r**2
    return y


def in_a_loop(x: Any) -> Any:
    s = 0.0
    for i in range(3):
        s += np.linalg.norm(i * x) ** 2 / 5.0
    return s


def in_a_while(x: Any) -> Any:
    s, n = 0.0, 0
    r = np.abs(x)
    while n < 2:
        s, n = s + 0.5 * np.sum(r * r), n + 1
    return s


def left_early(x: Any) -> Any:
    for r in (np.hypot(x[0], x[1]), 7.0):
        if r < 5.0:
            return r**2
    return 0.0


def squared(r: Any) -> Any:
    return r * r


def in_a_helper(x: Any) -> Any:
    return squared(np.linalg.norm(x))


def larger(x: Any) -> Any:
    r = np.sqrt(x @ x)
    a = r**2
    for _ in range(3):
        a = a * np.cos(0.0 * x[0]) + 0.0 * np.sin(x[1]) - 0.0 * np.exp(x[0]) * x[1] + 0.0 * np.tanh(x[0])
    return a * 0.5 + 0.5 * r * r


def in_a_larger_helper(x: Any) -> Any:
    return larger(x) / 2.0 + larger(x) / 2.0


class Model:
    def loss(self, x: Any) -> Any:
        return self.root(x) ** 2

    def root(self, x: Any) -> Any:
        return np.linalg.norm(x)


MODEL = Model()


def in_a_method(x: Any) -> Any:
    return MODEL.loss(x)


def in_a_list(x: Any) -> Any:
    roots = [abs(x[0]), math.fabs(x[1])]
    return sum([r * r for r in roots])


def after_a_store(x: Any) -> Any:
    y = x * 1.0
    r = np.linalg.norm(y)
    y[0] = 3.0
    return r**2 + 0.0 * np.sum(y)


TO_ONE: list[Loss] = [
    lambda x: np.sum(np.abs(x) * np.abs(x)),
    lambda x: np.sum(np.square(abs(x))),
    lambda x: np.linalg.norm(x) ** 2,
    lambda x: np.linalg.norm(x, 2) * np.linalg.norm(x, 2),
    lambda x: np.power(np.linalg.vector_norm(x), 2),
    lambda x: np.sum(np.linalg.norm(x[None, :], axis=1, keepdims=True) ** 2),
    lambda x: np.linalg.norm(x[None, :]) ** 2.0,
    lambda x: np.linalg.matrix_norm(x[None, :]) ** 2,
    lambda x: np.linalg.norm(x[:, None], "fro") ** 2,
    lambda x: np.sqrt(np.sum(x**2)) ** 2,
    lambda x: math.sqrt(x[0] * x[0] + x[1] * x[1]) ** 2,
    lambda x: 2.0 * (x.size * np.std(x) ** 2) + np.sum(x) ** 2 - np.sum(x * x),
    lambda x: 1.0 - np.exp(-(np.linalg.norm(x) ** 2)),
    in_a_branch, in_a_loop, in_a_while, left_early, in_a_helper, in_a_larger_helper, in_a_method, in_a_list,
    after_a_store,
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", TO_ONE)
def test_at_the_kink(f: Loss, optimize: bool) -> None:
    np.testing.assert_allclose(hessian(f, np.zeros(2), optimize), 2.0 * np.eye(2), atol=1e-12)


@pytest.mark.parametrize("f", TO_ONE)
def test_elsewhere(f: Loss) -> None:
    for x in (Y, 1e-3 * Y, np.array([0.0, 0.3])):
        check(f, x)


@pytest.mark.parametrize("optimize", [True, False])
def test_other_powers_of_a_norm(optimize: bool) -> None:
    zero = np.zeros(2)
    for power in (3, 4, 6):
        np.testing.assert_array_equal(hessian(lambda x: np.linalg.norm(x) ** power, zero, optimize), 0.0)
    for power in (-2, 2, 4, 6, 2.0):
        check(lambda x: np.linalg.norm(x) ** power, Y)


@pytest.mark.parametrize("optimize", [True, False])
def test_what_has_no_root_stays_nan(optimize: bool) -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sqrt(x) ** 2)

    with np.errstate(invalid="ignore"):
        value, gradient = value_and_grad(f, optimize=optimize)(np.array([4.0, 0.0]))
        assert (value, gradient.tolist()) == (4.0, [1.0, 1.0])
        value, gradient = value_and_grad(f, optimize=optimize)(np.array([-1.0, 4.0]))
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, [np.nan, 1.0])
    np.testing.assert_array_equal(hessian(f, np.zeros(2), optimize), 0.0)


@pytest.mark.parametrize("optimize", [True, False])
def test_single_precision(optimize: bool) -> None:
    x = Y.astype(np.float32)
    for f in TO_ONE[:9]:
        value, gradient = value_and_grad(f, optimize=optimize)(x)
        assert (gradient.dtype, np.asarray(value).dtype) == (np.float32, np.asarray(f(x)).dtype)
        np.testing.assert_allclose(gradient, 2.0 * x, rtol=1e-6)


def test_a_norm_that_is_a_spectral_one_stays() -> None:
    m = np.array([[2.0, 0.3], [0.1, 1.0]])
    check(lambda a: np.linalg.norm(a, 2) ** 2, m)
    check(lambda a: np.linalg.norm(a, "nuc") ** 2, m)
    check(lambda a: np.linalg.norm(a[0], 1) ** 2 + np.linalg.norm(a[1], np.inf) ** 2, m)


def std_in_a_loop(x: Any) -> Any:
    s = 0.0
    for i in range(2):
        s += np.std(x) + np.var(i * x) ** 0.5
    return s


def std_in_a_helper(x: Any) -> Any:
    def spread(x: Any) -> Any:
        return np.var(x) ** 0.5 if x.size > 0 else 0.0

    return spread(x)


SPREADS: list[Loss] = [
    lambda x: np.std(x),
    lambda x: x.std(),
    lambda x: np.nanstd(x),
    lambda x: np.var(x) ** 0.5,
    lambda x: np.sqrt(np.var(x)),
    lambda x: math.sqrt(np.var(x)),
    lambda x: np.power(np.var(x), 0.5),
    lambda x: np.sqrt(np.nanvar(x)),
    lambda x: np.sum(np.std(x[None, :], axis=0)),
    lambda x: np.sum(np.std(x[:, None], axis=1, keepdims=True)),
    lambda x: np.sum(np.var(x[None, :], axis=0) ** 0.5),
    lambda x: np.std(x[x > 1.0]),
    std_in_a_loop, std_in_a_helper,
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", SPREADS)
def test_spread_of_one_element(f: Loss, optimize: bool) -> None:
    x = np.array([2.0])
    np.testing.assert_array_equal(grad(f, optimize=optimize)(x), 0.0)
    np.testing.assert_array_equal(hessian(f, x, optimize), 0.0)


@pytest.mark.parametrize("f", SPREADS)
def test_spread_of_several(f: Loss) -> None:
    check(f, np.array([1.5, 2.0, 4.0]))
