"""Axes that are put into another order, and then into another: one order is written, or none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad
from tests.support.oracle import numerical_gradients
from tests.support.program import make

X = np.random.default_rng(0).normal(size=(2, 3, 4))
CHAINS = {
    "np.moveaxis(np.moveaxis(x, 1, 0), 0, -1)": "np.moveaxis(x, 1, 2)",
    "np.moveaxis(np.moveaxis(x, 0, 2), 2, 0)": "x",
    "np.swapaxes(np.transpose(x, (1, 2, 0)), 0, 2)": "np.moveaxis(x, 1, 2)",
    "np.transpose(np.moveaxis(x, 0, 2))": "np.moveaxis(x, 1, 2)",
    "np.swapaxes(x.T, -1, 0)": "x",
    "np.transpose(x.transpose(2, 0, 1), (1, 2, 0))": "x",
    "np.moveaxis(np.transpose(x, (0, 2, 1)), (0, 1), (-1, 0))": "x.T",
    "np.moveaxis(x[0], 0, 1).T": "x[0]",
}


@pytest.mark.parametrize("chain", CHAINS)
def test_orders_are_joined(chain: str) -> None:
    f: Any = make(f"def f(x, w):\n    return np.sum(np.sin({chain}) * w)\n", name="f")
    y = np.asarray(eval(chain, {"np": np, "x": X}))
    w = np.random.default_rng(1).normal(size=y.shape)
    for optimize in (True, False):
        found = grad(f, argnums=0, optimize=optimize)(X, w)
        np.testing.assert_allclose(found, numerical_gradients(f, (X, w))[0], atol=1e-8)
    gradient = grad(f, argnums=1)
    np.testing.assert_array_equal(gradient(X, w), np.sin(y))
    assert f"np.sin({CHAINS[chain]})" in gradient.backward_source
