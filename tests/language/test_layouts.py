"""Writing through `ravel` and `reshape` of an argument: a view where the argument lies in C order."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check

X = np.arange(6.0).reshape(2, 3) * 0.3 + 0.5


def through_ravel(x, w):
    y = x.ravel()
    y[0] = w
    y[1:] += w * y[:-1]
    return np.sum(x * x)


def through_reshape(x, w):
    y = x.reshape(-1)
    for i in range(3):
        y[i] = y[i + 1] * w
    z = y.reshape(x.shape)
    z[1] *= 0.5
    return np.sum(x**2 * w) + np.sum(z[0])


def of_a_part(p, w):
    y = p["x"].ravel()
    y *= w
    return np.sum(p["x"] ** 3)


@pytest.mark.parametrize("f", [through_ravel, through_reshape])
def test_a_view_of_what_lies_in_order(f):
    check(f, X, 0.7)


def test_a_part_of_an_argument():
    check(of_a_part, {"x": X}, 0.7)


def test_another_layout_is_another_specialisation():
    gradient = grad(through_ravel, (0, 1))
    expected = gradient(X, 0.7)
    for other in (np.asfortranarray(X), X[:, ::-1], X.T):
        with pytest.raises(UnsupportedError, match="may share"):
            gradient(other, 0.7)
    np.testing.assert_array_equal(gradient(X, 0.7)[0], expected[0])
    flat = X.reshape(-1).copy()
    assert gradient(flat, 0.7)[0].shape == flat.shape


def between(x, w):
    y = np.linspace(x, x + w, 3)
    y.reshape(-1)[1] = 0.0
    return np.sum(y * y)


def test_points_between_arrays_lie_as_the_arrays_do():
    with pytest.raises(UnsupportedError, match="may share"):
        grad(between)(np.asfortranarray(X), 0.7)


def test_points_between_numbers_lie_in_order():
    check(between, 0.5, 0.7)
