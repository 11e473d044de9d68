"""README's table of points where the derivative is not defined, line by line."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.sum(np.maximum(x, y)),
        lambda x, y: np.sum(np.minimum(x, y)),
        lambda x, y: np.sum(np.max(np.stack([x, y]), axis=0)),
        lambda x, y: np.sum(np.min(np.stack([x, y]), axis=0)),
    ],
    ids=["maximum", "minimum", "max", "min"],
)
def test_a_tie_is_shared_on_arrays(f):
    for gradient in grad(f)(np.array([1.0, 2.0]), np.array([1.0, 2.0])):
        np.testing.assert_array_equal(gradient, [0.5, 0.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: np.maximum(x, y),
        lambda x, y: np.minimum(x, y),
        lambda x, y: max(x, y),
        lambda x, y: min(x, y),
    ],
    ids=["np.maximum", "np.minimum", "max", "min"],
)
def test_a_tie_is_shared_on_numbers(f):
    assert grad(f)(1.0, 1.0) == (0.5, 0.5)


def test_a_tie_among_three_elements():
    def f(x):
        return np.max(x)

    np.testing.assert_allclose(grad(f)(np.array([2.0, 1.0, 2.0, 2.0])), [1 / 3, 0, 1 / 3, 1 / 3])


def test_relu_at_zero():
    def on_a_number(x):
        return np.maximum(0, x)

    def on_an_array(x):
        return np.sum(np.maximum(0.0, x))

    assert grad(on_a_number)(0.0) == 0.5
    np.testing.assert_array_equal(grad(on_an_array)(np.zeros(2)), [0.5, 0.5])


def test_abs_and_norm_at_zero():
    def by_operator(x):
        return abs(x)

    def by_numpy(x):
        return np.sum(np.abs(x))

    def norm(x):
        return np.linalg.norm(x)

    assert grad(by_operator)(0.0) == 0.0
    np.testing.assert_array_equal(grad(by_numpy)(np.zeros(3)), np.zeros(3))
    np.testing.assert_array_equal(grad(norm)(np.zeros(3)), np.zeros(3))


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_sqrt_at_zero_is_infinite():
    def on_a_number(x):
        return np.sqrt(x)

    def on_an_array(x):
        return np.sum(np.sqrt(x))

    assert grad(on_a_number)(0.0) == np.inf
    np.testing.assert_array_equal(grad(on_an_array)(np.array([0.0, 4.0])), [np.inf, 0.25])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)),
        lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)),
        lambda x: np.sum(np.where(x > 0, x / x, x)),
        lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)),
        lambda x: np.sum(np.where(x > 0, 1 / x, 0.0)),
    ],
    ids=["sqrt", "log", "x/x", "x**0.5", "1/x"],
)
def test_a_branch_not_taken_makes_no_nan(f):
    gradient = grad(f)(np.array([0.0, 4.0]))
    assert np.all(np.isfinite(gradient)), gradient


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([2.0, 3.0, 5.0], [15.0, 10.0, 6.0]),
        ([0.0, 3.0, 5.0], [15.0, 0.0, 0.0]),
        ([0.0, 3.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_prod_with_zeros(x, expected):
    def f(x):
        return np.prod(x)

    np.testing.assert_array_equal(grad(f)(np.array(x)), expected)


def test_steps_and_comparisons_carry_no_gradient():
    def f(x):
        return np.sum((x > 0.5) * 1.0) + np.sum(np.floor(x)) + np.sum(np.round(x)) + np.sum(np.sign(x))

    np.testing.assert_array_equal(grad(f)(np.array([0.2, 0.7, 1.4])), np.zeros(3))


def test_repeated_indices_accumulate():
    def f(x):
        return np.sum(x[[0, 0, 1]] * np.array([1.0, 10.0, 100.0]))

    np.testing.assert_array_equal(grad(f)(np.zeros(3)), [11.0, 100.0, 0.0])
