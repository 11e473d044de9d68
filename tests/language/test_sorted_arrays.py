"""`sorted` of an array whose length the run decides: a list of its elements in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import value_and_grad

DATA = np.array([1.0, 5.0, 2.0, 8.0])
FORMS = {
    "item": lambda x, n: sorted(x)[0] * x[1] + sorted(x)[n - 1] * 2.0,
    "reversed": lambda x, n: sorted(x, reverse=True)[0] * sorted(DATA, reverse=True)[1],
    "constant": lambda x, n: sum(sorted(DATA)) * x[0] + sorted(DATA)[n] * x[1],
    "branch": lambda x, n: sorted(x)[1] if n > 1 else sorted(x * x)[0],
    "comprehension": lambda x, n: sum([v * v for v in sorted(x)]) + len(sorted(x)) * x[0],
}


def in_a_loop(x: Any, n: int) -> Any:
    total = 0.0
    for i, v in enumerate(sorted(x)):
        total += i * v
    return total


def in_a_while(x: Any, n: int) -> Any:
    total = 0.0
    while n > 0:
        ordered, n = sorted(x * total + x), n - 1
        if ordered[0] > 9.0:
            break
        total = total + ordered[-1]
    return total


def helper(x: Any) -> Any:
    ordered = sorted(x)
    return ordered[0] / ordered[-1]


def in_a_helper(x: Any, n: int) -> Any:
    return helper(x) + helper(x[:n] * 2.0 + 1.0)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", [*FORMS.values(), in_a_loop, in_a_while, in_a_helper])
def test_sorted(f: Any, optimize: bool) -> None:
    both = value_and_grad(f, argnums=0, optimize=optimize)
    for x, n in ((np.array([0.5, 0.3, 0.6]), 2), (np.array([0.9, 0.7, 0.2, 0.4]), 3), (DATA / 9.0, 1)):
        value, found = both(x, n)
        assert value == pytest.approx(f(x, n))
        slope = [(f(x + e, n) - f(x - e, n)) / 2e-6 for e in 1e-6 * np.eye(x.size)]
        np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-8)
