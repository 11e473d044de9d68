"""Second derivatives where a mask hides a singular point: zero there."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad, hessian, hvp
from tests.derivatives.test_operators import differences
from tests.support.program import make

MASKED = """
np.where(x > 0, x * np.log(x), 0.0)
np.where(x > 0, np.sqrt(x), 0.0)
np.where(x > 0, x**0.3, 0.0)
np.where(x > 0, x**0.5 * np.log(x), x)
np.where(x > 0, 1.0 / np.sqrt(x), x)
np.where(x > 0, np.cbrt(x), x)
np.where(x > 0, np.hypot(x, 0.0*x), 0.0)
np.where(x > 0, np.sin(np.sqrt(x)) / np.sqrt(x), 1.0)
np.where(x > 0, np.sqrt(np.sqrt(x)), 0.0)
np.where(x > 0, np.arcsin(1.0 - x * 0.5), 0.0)
np.where(x > 0, np.arccosh(1.0 + x), 0.0)
np.where(x > 0, np.log(np.sqrt(x)), 0.0)
np.where(x > 0, np.exp(np.sqrt(x)) / x, 0.0)
np.where(x > 0, np.sqrt(x) * np.sqrt(x), 0.0)
np.where(x > 0, np.sqrt(x * x), 0.0)
np.where(x > 0, x / np.sqrt(x * x), 0.0)
np.where(x > 0, np.abs(x) ** 1.5, 0.0)
np.where(x > 0, np.power(x, x), 1.0)
np.where(x > 0, np.sum(np.sqrt(x[:, None] * np.ones(2)), axis=1), 0.0)
np.where(x > 0, np.logaddexp(np.log(x), 0.0), 0.0)
np.where(x > 0, np.tanh(np.sqrt(x)) ** 2, 0.0)
np.where(x > 0, np.log1p(np.sqrt(x)) / np.sqrt(x), 1.0)
""".strip().split("\n")
X = np.array([0.0, 1.0, 1.7, 0.0])
INNER = X > 0


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("masked", MASKED)
def test_hessians(masked: str, optimize: bool) -> None:
    f = make(f"def f(x):\n    return np.sum({masked})\n", name="f")
    with np.errstate(all="ignore"):
        gradient = grad(f)

        def inside(x: np.ndarray) -> np.ndarray:
            moved = X.copy()
            moved[INNER] = x
            return gradient(moved)[INNER]

        expected = np.zeros((4, 4))
        expected[np.ix_(INNER, INNER)] = differences(inside, (X[INNER],), 0)
        found = hessian(f, optimize=optimize)(X)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        vector = np.array([1.0, -0.5, 2.0, 0.3])
        product = hvp(f, optimize=optimize)(X, vector)
        np.testing.assert_allclose(product[INNER], (expected @ vector)[INNER], rtol=1e-5, atol=1e-6)
        assert np.isfinite(product).all()
