"""Chains whose gradient must not overflow where their value does not: log-sum-exp and softmax."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad

SIZES = (-700.0, -300.0, 0.0, 300.0, 700.0)


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def log_sum_exp(x):
    return np.log(np.sum(np.exp(x)))


def log_sum_exp_shifted(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def weighted_softmax(x, w):
    e = np.exp(x)
    p = e / e.sum()
    return p @ w


def softmax_loss(x, i):
    shifted = x - np.max(x)
    return np.log(np.sum(np.exp(shifted))) - shifted[i]


def softmax_loss_by_probability(x, i):
    e = np.exp(x - np.max(x))
    return -np.log((e / np.sum(e))[i])


@pytest.fixture(autouse=True)
def _strict():
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        yield


def spread(centre: float) -> np.ndarray:
    return centre + np.array([-3.0, -1.0, 0.0, 2.0])


@pytest.mark.parametrize("centre", SIZES)
@pytest.mark.parametrize("optimize", [True, False])
def test_log_sum_exp(centre, optimize):
    x = spread(centre)
    np.testing.assert_allclose(grad(log_sum_exp, optimize=optimize)(x), softmax(x), rtol=1e-9)


@pytest.mark.parametrize("centre", SIZES)
def test_log_sum_exp_with_a_large_upstream_gradient(centre):
    def f(x):
        return 1e6 * np.log(np.sum(np.exp(x)))

    x = spread(centre)
    np.testing.assert_allclose(grad(f)(x), 1e6 * softmax(x), rtol=1e-9)


def test_log_sum_exp_of_subnormal_numbers():
    x = np.array([-740.0, -741.0])  # 1 / sum(exp(x)) is infinite, the value is not
    np.testing.assert_allclose(grad(log_sum_exp)(x), softmax(x), rtol=0.2)


@pytest.mark.parametrize("centre", [*SIZES, -1e5, 1e5])
def test_shifted_log_sum_exp(centre):
    x = spread(centre)
    np.testing.assert_allclose(grad(log_sum_exp_shifted)(x), softmax(x), rtol=1e-9)


@pytest.mark.parametrize("centre", SIZES)
@pytest.mark.parametrize("optimize", [True, False])
def test_softmax_without_a_shift(centre, optimize):
    """The sum of the exponentials is up to 1e304 here: it must not be squared."""
    x, w = spread(centre), np.array([1.0, -2.0, 0.5, 3.0])
    p = softmax(x)
    gradient = grad(weighted_softmax, argnums="x", optimize=optimize)(x, w)
    np.testing.assert_allclose(gradient, p * (w - p @ w), rtol=1e-9)


@pytest.mark.parametrize("loss", [softmax_loss, softmax_loss_by_probability])
@pytest.mark.parametrize("centre", [*SIZES, -1e5, 1e5])
def test_softmax_loss(loss, centre):
    x = spread(centre)
    expected = softmax(x)
    expected[1] -= 1.0
    np.testing.assert_allclose(grad(loss, argnums="x")(x, 1), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", [log_sum_exp_shifted, softmax_loss, softmax_loss_by_probability])
def test_a_tie_for_the_maximum_is_no_kink(loss):
    """The shift cancels: where several elements are largest, the loss is as smooth as anywhere."""
    x = np.array([1.0, 1.0, 1.0])
    args = (x,) if loss is log_sum_exp_shifted else (x, 0)
    expected = np.full(3, 1 / 3) - (0 if loss is log_sum_exp_shifted else np.eye(3)[0])
    np.testing.assert_allclose(grad(loss, argnums="x")(*args), expected, rtol=1e-12, atol=1e-15)


# -- the shift that cancels, and shifts that do not -------------------------------------------------


LABELS = np.array([0, 2, 1])
WEIGHTS = np.array([1.0, 2.0, 3.0])


def rows(x):
    shifted = x - np.max(x, axis=1, keepdims=True)
    return np.sum(shifted[:, 0] - np.log(np.sum(np.exp(shifted), axis=1)))


def rows_with_a_new_axis(x):
    m = np.max(x, axis=1)
    e = np.exp(x - m[:, None])
    return np.sum(e[:, 0] / e.sum(axis=1)) + np.sum((e / e.sum(axis=1, keepdims=True)) ** 2)


def one_of_each_row(x):
    z = x - np.max(x, axis=1, keepdims=True)
    chosen = z[np.arange(x.shape[0]), LABELS]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - chosen)


def rows_out_of_order(x):
    z = x - np.max(x, axis=1, keepdims=True)
    chosen = z[np.array([0, 0, 1]), LABELS]
    return np.sum((np.log(np.sum(np.exp(z), axis=1)) - chosen) * WEIGHTS)


def along_the_other_axis(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum((e / np.sum(e, axis=0)) ** 2)


def not_normalised(x):
    return np.sum(np.exp(x - np.max(x)))


def temperature(x):
    m = np.max(x)
    return 2.0 * (m / 2.0 + np.log(np.sum(np.exp((x - m) / 2.0))))


def half_undone(x):
    m = np.max(x)
    return 0.5 * m + np.log(np.sum(np.exp(x - m)))


def squared_too_late(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m) ** 2))


def used_elsewhere(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m))) + 0.1 * m * m


def in_a_branch(x):
    m = np.max(x)
    y = m + np.log(np.sum(np.exp(x - m)))
    if m > 0.5:
        y = y + m
    return y


def row_against_column(x):
    m = np.max(x, axis=1)
    e = np.exp(x - m)  # the shift of row i goes to column i
    return np.sum(e[:, 0] / np.sum(e, axis=1))


PROGRAMS = [rows, rows_with_a_new_axis, along_the_other_axis, temperature, not_normalised, half_undone,
            squared_too_late, used_elsewhere, in_a_branch, row_against_column, one_of_each_row,
            rows_out_of_order]  # fmt: skip
CANCELLING = {rows, rows_with_a_new_axis, temperature, one_of_each_row}


@pytest.mark.parametrize("f", PROGRAMS)
def test_a_shift_is_left_out_only_where_it_cancels(f):
    x = np.array([[0.3, 1.1, -0.4], [0.9, -1.2, 0.2], [0.1, 0.6, 0.8]])
    numeric = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-6
        numeric[i] = (f(x + step) - f(x - step)) / 2e-6
    g = grad(f)
    np.testing.assert_allclose(g(x), numeric, rtol=1e-6, atol=1e-8)
    if f in CANCELLING:
        assert "==" not in g.backward_source  # no trace of the maximum's own rule
    if f in (not_normalised, half_undone, squared_too_late, used_elsewhere, rows_out_of_order):
        assert "==" in g.backward_source
