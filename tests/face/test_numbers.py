"""At the edge of floating point: the primal's own errors, NumPy's inf and nan, and zeros that stay zero."""

from __future__ import annotations

import math

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make

POINTS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.5,
    1000.0,
    -1000.0,
    1e200,
    -1e200,
    1e308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
]
NUMPY = [
    "np.exp(x)", "np.log(x)", "np.sqrt(x)", "np.power(x, 0.5)", "np.power(x, -1)", "np.cbrt(x)", "np.arcsin(x)",
    "np.arccosh(x)", "np.arctanh(x)", "np.tan(x)", "np.tanh(x)", "np.cosh(x)", "np.log1p(x)", "np.expm1(x)", "np.exp2(x)",
    "np.square(x)", "np.hypot(x, 0.0)", "np.arctan2(x, 0.0)", "np.reciprocal(x)", "1.0 / (1.0 + np.exp(-x))", "np.sinc(x)",
    "np.logaddexp(x, 1000.0)", "np.log(np.exp(x) + 1.0)", "np.abs(x)", "np.sign(x) * x", "np.exp(x) / x", "np.float_power(x, 1.5)",
    "np.remainder(x, 0.3)", "np.fmod(x, 0.3)", "np.fabs(x)", "pow(np.tanh(x), 0.5)", "np.positive(x) * x", "pow(np.power(x, 2), 0.5)",
]  # fmt: skip
PYTHON = [
    "x * x", "x ** 2", "x ** 0.5", "x ** -1", "x ** 3.5", "1.0 / x", "x / (x - x)", "2.0 ** x", "x % 0.3", "x // 0.3", "math.exp(x)",
    "math.log(x)", "math.sqrt(x)", "math.asin(x)", "math.sinh(x)", "math.pow(x, 0.5)", "math.tanh(x)", "x ** x", "abs(x) ** 0.5", "math.hypot(x, x)",
    "math.log1p(x)", "math.atan(x) * math.log(x)", "x * 1e308 * 10", "max(x, 0.0) ** 0.5", "(x * x) ** 0.5", "math.sin(x)",
]  # fmt: skip


def outcome(f, *args):
    try:
        with np.errstate(all="ignore"):
            return f(*args)
    except Exception as e:
        return type(e)


@pytest.mark.parametrize("expression", NUMPY + PYTHON)
@pytest.mark.parametrize("optimize", [True, False])
def test_the_gradient_raises_just_where_the_primal_does(expression, optimize):
    f = make(f"def f(x):\n    return {expression}\n")
    both = value_and_grad(f, optimize=optimize)
    alone = grad(f, optimize=optimize)
    for x in POINTS:
        expected = outcome(f, x)
        if isinstance(expected, complex) or (x == -math.inf and "power" in expression):
            continue  # np.power(-inf, 0.5) is nan, that of C is inf
        found = outcome(both, x)
        if isinstance(expected, type):
            assert found is expected, (x, found)
            continue
        assert not isinstance(found, type), (x, found)
        value, gradient = found
        np.testing.assert_allclose(value, expected, rtol=1e-12, err_msg=str(x))
        assert type(gradient) is float
        np.testing.assert_equal(outcome(alone, x), gradient)
        with np.errstate(all="ignore"):
            wide = (
                outcome(grad(make(f"def f(x):\n    return {expression}\n"), optimize=optimize), np.array(x))
                if "math" not in expression
                else None
            )
        if (
            wide is not None
            and not isinstance(wide, type)
            and 1e-100 < abs(x) < 1e100
            and "max" not in expression
        ):
            np.testing.assert_allclose(gradient, wide, rtol=1e-9, err_msg=f"{x} against an array")
        if math.isfinite(expected) and 0.01 < abs(x) < 100:
            h = 1e-6
            sides = [outcome(f, x + h), outcome(f, x - h)]
            if all(isinstance(s, float) and math.isfinite(s) for s in sides) and "//" not in expression:
                np.testing.assert_allclose(
                    gradient, (sides[0] - sides[1]) / (2 * h), rtol=1e-4, atol=1e-5, err_msg=str(x)
                )


def test_infinite_slopes_and_zeros_that_stay_zero():
    assert grad(lambda x: x**0.5)(0.0) == math.inf
    assert grad(lambda x: math.sqrt(x))(0.0) == math.inf
    assert grad(lambda x: np.sqrt(x))(0.0) == math.inf
    for f in (
        lambda x: np.where(x > 0, np.sqrt(x), 0.0),
        lambda x: np.where(x > 0, np.log(x), x),
        lambda x: np.where(x == 0, 1.0, 1.0 / x),
        lambda x: np.sqrt(x) * 0.0 if x > 0 else 0.0 * x,
        lambda x: np.where(x > 0, x**0.5, 0.0),
        lambda x: np.where(x > 0, x**-1.5, 0.0),
        lambda x: np.maximum(np.sqrt(x), 1.0),
        lambda x: np.sqrt(np.maximum(x, 1.0)),
    ):
        for x in (0.0, np.float64(0.0)):
            with np.errstate(all="ignore"):
                if isinstance(outcome(f, x), float):
                    assert np.isfinite(grad(f)(x))
        with np.errstate(all="ignore"):
            array = np.array([0.0])
            if not isinstance(outcome(f, array), type):
                assert np.isfinite(grad(f)(array)).all()


def test_overflow_is_pythons_or_numpys():
    with pytest.raises(OverflowError):
        grad(lambda x: math.exp(x))(1000.0)
    with np.errstate(all="ignore"):
        assert grad(lambda x: np.exp(x))(1000.0) == math.inf
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: 1.0 / x)(0.0)
    with pytest.raises(ValueError):
        value_and_grad(lambda x: math.log(x))(-1.0)
    with pytest.raises(OverflowError):
        grad(lambda x: x**3)(1e200)


def test_integers_beyond_64_bits():
    assert grad(lambda x: x * 3.0)(10**30) == 3.0
    assert grad(lambda n, x: n * x)(10**30, 2.0) == (2.0, 1e30)


def test_bool_is_no_number():
    assert grad(lambda x, flag: x * flag)(3.0, True) == (1.0, None)
    assert grad(lambda x, flag: x * flag)(3.0, False) == (0.0, None)
    gx, gm = grad(lambda x, mask: np.sum(x * mask))(np.ones(2), np.array([True, False]))
    assert gx.tolist() == [1.0, 0.0] and gm is None
