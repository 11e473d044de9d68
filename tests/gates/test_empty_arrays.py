"""Reductions and order statistics of no elements: NumPy's value or NumPy's error, and an empty gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import value_and_grad
from tests.support.program import make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

CALLS = [
    "np.median(x)", "np.median(x, axis=0)", "np.median(x, axis=(0,), keepdims=True)", "np.mean(x)", "np.std(x)", "np.var(x)",
    "np.nanmean(x)", "np.sum(x)", "np.prod(x)", "np.sort(x)", "np.cumsum(x)", "np.min(x)", "x.max()", "np.ptp(x)",
    "x[np.argmax(x)]", "np.nanmin(x)", "max(x)", "np.average(x)", "np.linalg.norm(x)", "np.median(x[x > 9.0])",
]  # fmt: skip
FORMS = {
    "straight": "def f(x):\n    return np.sum({})\n",
    "if": "def f(x):\n    if x.size < 9:\n        return np.sum({})\n    return 0.0\n",
    "for": "def f(x):\n    s = 0.0\n    for k in range(2):\n        s = s + np.sum({})\n    return s\n",
    "helper": "def h(x):\n    return {}\n\n\ndef f(x):\n    return np.sum(h(x)) * 2.0\n",
}


def outcome(f: Any, *args: Any) -> Any:
    try:
        return f(*args)
    except (ValueError, IndexError, ZeroDivisionError) as e:
        return type(e), str(e).splitlines()[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("optimize", [True, False])
def test_no_elements(call: str, form: str, optimize: bool) -> None:
    f = make(FORMS[form].format(call))
    g = value_and_grad(f, optimize=optimize)
    outcome(g, np.arange(1.0, 4.0))
    expected, found = outcome(f, np.zeros(0)), outcome(g, np.zeros(0))
    if isinstance(expected, tuple):
        assert found == expected
    else:
        value, gradient = found
        np.testing.assert_array_equal(value, expected)
        assert gradient.shape == (0,) and gradient.dtype == float
