"""np.vectorize and np.frompyfunc: of constants as they are; differentiated, the loop that np.vectorize stands for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient, value_and_grad

X = np.array([0.3, 0.5, 0.6])
MATRIX = np.array([[0.3, -0.5, 0.6], [0.9, 0.1, -0.2]])


def bent(v: Any) -> Any:
    return v * v if v > 0.4 else 3.0 * v


def twice(v: Any, w: Any) -> Any:
    total = 0.0
    for _ in range(2):
        total += math.sin(v) * w
    return total


def guarded(v: Any) -> Any:
    try:
        return 1.0 / v
    except ZeroDivisionError:
        return 0.0


BENT = np.vectorize(bent, otypes=[float])
TWICE = np.vectorize(twice, otypes="d")
GUARDED, GUARDED_TOO = np.vectorize(guarded), np.frompyfunc(guarded, 1, 1)


@np.vectorize(otypes=[float])  # type: ignore[call-overload]
def decorated(v: Any) -> Any:
    return math.exp(v) if v < 0.57 else v


class Model:
    def __init__(self) -> None:
        self.each = np.vectorize(bent, otypes=[float])

    def square(self, v: Any) -> Any:
        return v * v

    def __call__(self, x: Any) -> Any:
        return np.sum(self.each(x) * x)


model = Model()


def made_inside(x: Any) -> Any:
    each = np.vectorize(bent, otypes=[np.float64])
    return np.sum(each(x) * x)


def of_a_lambda(x: Any) -> Any:
    k = 2.0
    return np.sum(np.vectorize(lambda v: k * v * x[0], otypes=[float])(x))


def of_a_method(x: Any) -> Any:
    return np.sum(np.vectorize(model.square, otypes=[float])(x))


def of_two(x: Any) -> Any:
    return np.sum(TWICE(x[:, None], x[:2]) * x[0]) + TWICE(x[0], 2.0)


def of_a_list(x: Any) -> Any:
    return np.sum(BENT([x[0], 1.5, x[2]]))


def in_a_branch(x: Any) -> Any:
    y = BENT(x) if x[0] > 0.2 else x
    if x[1] > 0.4:
        y = BENT(y)
    return np.sum(y)


def in_a_loop(x: Any) -> Any:
    for i in range(3):
        x = BENT(x * 0.9) + TWICE(x, i)
    return np.sum(x)


def in_a_while(x: Any) -> Any:
    n = 2
    while n > 0:
        x, n = decorated(x), n - 1
        if x[0] > 3.0:
            break
    return np.sum(x)


def helper(x: Any) -> Any:
    return BENT(x) * x


def in_a_helper(x: Any) -> Any:
    return np.sum(helper(x)) + np.sum(helper(2.0 * x))


def stored(x: Any) -> Any:
    out = np.zeros((2, 3))
    out[1] = BENT(x)
    out[0] = out[1] * x
    return np.sum(out * out)


def without_types(x: Any) -> Any:
    y = np.vectorize(lambda v, w: v * w if v > 0.4 else max(0.2, v))(x, x[0])
    for _ in range(2):
        y = np.vectorize(twice)(y, x)
    return np.sum(y) * np.vectorize(np.where)(x[0] > 0.2, x[1], 1.0)


FORMS = [
    without_types, made_inside, of_a_lambda, of_a_method, of_two, of_a_list, in_a_branch, in_a_loop, in_a_while, in_a_helper, stored, model,
]  # fmt: skip


def _slope(f: Any, x: Any) -> Any:
    steps = 1e-6 * np.eye(x.size).reshape(-1, *x.shape)
    return np.array([(f(x + e) - f(x - e)) / 2e-6 for e in steps]).reshape(x.shape)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", FORMS)
def test_the_loop_over_the_elements(f: Any, optimize: bool) -> None:
    both = value_and_grad(f, optimize=optimize)
    for x in (X, X[::-1] + 0.05, X):
        value, found = both(x)
        assert value == pytest.approx(f(x), rel=1e-13)
        np.testing.assert_allclose(found, _slope(f, x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("x", [MATRIX, MATRIX.T, np.asarray(0.7), MATRIX[:, :0], X.astype(np.float32)])
def test_shapes_and_dtypes(x: Any) -> None:
    found = grad(lambda x: np.sum(BENT(x) * 2.0))(x)
    assert (found.dtype, found.shape) == (x.dtype, x.shape)
    np.testing.assert_allclose(found, np.where(x > 0.4, 4.0 * x, 6.0), rtol=1e-6)


def test_whole_numbers_are_cut_and_results_have_the_dtype_that_is_said() -> None:
    whole = np.vectorize(lambda v: 3 * v, otypes=[int])
    single = np.vectorize(bent, otypes=[np.float32])
    np.testing.assert_array_equal(grad(lambda x: np.sum(whole(x) * x))(X), whole(X))
    value = value_and_grad(lambda x: np.sum(single(x)))(X)[0]
    assert value.dtype == np.float32
    halves = np.vectorize(lambda n, v: n / 2 * v, otypes=[float])
    np.testing.assert_allclose(grad(lambda x: np.sum(halves(np.arange(3), x)))(X), [0.0, 0.5, 1.0])


ONE = 1


@pytest.mark.parametrize(
    "function",
    [
        lambda v: max(0, v),
        lambda v: v if v > 0.4 else 0,
        lambda v: ONE if v < 0.4 else 0.5 * v,
        lambda v: (v, v),
        lambda v: np.float32(v),
        lambda v: int(v > 0.4),
        lambda v: (v if v > 0.4 else 2) * 3,
    ],
)
def test_the_first_result_may_cut_the_others(function: Any) -> None:
    """Without `otypes=`, all that it gives has the dtype of the first."""
    each = np.vectorize(function)
    for f in (lambda x: np.sum(each(x)), lambda x: np.sum(grad(lambda x: np.sum(each(x) * x))(x))):
        with pytest.raises(UnsupportedError, match="first(.*\n)*.*otypes=") as caught:
            grad(f)(X)
        assert caught.value.place is not None


def test_of_single_precision_the_first_decides() -> None:
    with pytest.raises(UnsupportedError, match="first"):
        grad(lambda x: np.sum(np.vectorize(lambda v: v * v)(x)))(X.astype(np.float32))


def test_of_nothing_there_is_no_first() -> None:
    with pytest.raises(ValueError, match="size 0"):
        grad(lambda x: np.sum(np.vectorize(lambda v: v * v)(x)))(X[:0])


def test_an_error_of_the_function_is_raised() -> None:
    over = np.vectorize(lambda v: 1.0 / v, otypes=[float])
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: np.sum(over(x)))(np.array([1.0, 0.0]))


@pytest.mark.parametrize("optimize", [True, False])
def test_of_constants_it_is_called_as_it_is(optimize: bool) -> None:
    numbers = np.array([2.0, 0.0, 4.0])

    def f(x: Any, n: int) -> Any:
        inside = np.frompyfunc(guarded, 1, 1)(numbers).astype(float)
        again = np.vectorize(guarded)(numbers) + np.vectorize(lambda v: v + 1.0)(numbers)
        as_they_are = GUARDED(np.arange(n)) + GUARDED_TOO(numbers).astype(float)
        return np.sum((inside + again + as_they_are + stop_gradient(BENT(x))) * x)

    with np.errstate(all="ignore"):
        wanted = 2 * np.array([guarded(float(v)) for v in numbers]) + numbers + 1
        found = grad(f, argnums=0, optimize=optimize)(X, 3)
        rest = GUARDED(np.arange(3)) + GUARDED_TOO(numbers).astype(float) + BENT(X)
    np.testing.assert_allclose(found, wanted + rest)


@pytest.mark.parametrize(
    "options", [{"cache": True}, {"otypes": [float], "cache": True}, {"otypes": [float], "excluded": {1}}]
)
def test_what_is_no_plain_loop_is_refused(options: Any) -> None:
    outside = np.vectorize(bent, **options)
    with pytest.raises(UnsupportedError, match=r"of tests\.\S+bent, which calls it for each element"):
        grad(lambda x: np.sum(outside(x)))(X)
    with pytest.raises(UnsupportedError, match="no gate rule"):
        grad(lambda x: np.sum(GUARDED_TOO(x)))(X)
    with pytest.raises(UnsupportedError, match=r"mul of an object array(.*\n)*.*astype\(float\)"):
        grad(lambda x: np.sum(np.frompyfunc(lambda v: v, 1, 1)(X) * x))(X)
    made = grad(lambda x: np.sum(np.frompyfunc(lambda v: v, 1, 1)(X).astype(float) * x))(X)
    np.testing.assert_allclose(made, X)


def test_another_function_in_the_same_object() -> None:
    each = np.vectorize(bent, otypes=[float])
    gradient = grad(lambda x: np.sum(each(x)))
    gradient(X)
    each.pyfunc = lambda v: 5.0 * v
    np.testing.assert_allclose(gradient(X), [5.0, 5.0, 5.0])
