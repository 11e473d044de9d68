"""A number that is Python's on one way and a float32 of NumPy's on the other is, on each, what the program has.

Python's has 64 bits, overflows later, has no dtype, and can be truncated; so has what is computed of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.texts import TEXTS

X = np.array([0.3, 0.5, 0.6], np.float32)
CALLS = [(1.0, 2), (-1.0, 0), (1.0, 0), (-1.0, 3), (1.0, 2)]


def in_a_branch(x: Any, c: Any, n: int, of: Any) -> Any:
    s = 0.35
    if c > 0:
        s = np.mean(x)
    return of(s, x)


def in_an_expression(x: Any, c: Any, n: int, of: Any) -> Any:
    s = np.sum(x) if c > 0 else math.sin(x[1])
    return of(s, x)


def in_a_loop(x: Any, c: Any, n: int, of: Any) -> Any:
    s = 0
    for i in range(n):
        s = s + x[i]
    return of(s, x)


def in_a_branch_of_a_loop(x: Any, c: Any, n: int, of: Any) -> Any:
    s = float(x[0])
    for i in range(n):
        if x[i] > 0.45:
            s = np.sum(x) + s
    return of(s, x)


def in_a_while(x: Any, c: Any, n: int, of: Any) -> Any:
    s, k = 0.5, 0
    while k < n:
        s, k = s * x[k], k + 1
    return of(s, x)


def with_an_early_exit(x: Any, c: Any, n: int, of: Any) -> Any:
    s = 0.5
    for i in range(5):
        if i >= n:
            break
        s = np.max(x) * 0.9
    return of(s, x)


def either(x: Any, c: Any) -> Any:
    if c > 0:
        return np.sum(x * x)
    return 0.25


def in_a_helper(x: Any, c: Any, n: int, of: Any) -> Any:
    return of(either(x, c), x)


def in_a_list(x: Any, c: Any, n: int, of: Any) -> Any:
    items = [0.35, 1.0]
    if c > 0:
        items[0] = np.sum(x)
    return of(items[0], x)


def in_a_dict(x: Any, c: Any, n: int, of: Any) -> Any:
    d = {"a": 0.35}
    if c > 0:
        d["a"] = x[0] * x[1]
    return of(d["a"], x)


FORMS = [
    in_a_branch,
    in_an_expression,
    in_a_loop,
    in_a_branch_of_a_loop,
    in_a_while,
    with_an_early_exit,
    in_a_helper,
    in_a_list,
    in_a_dict,
]
USES: list[Callable[[Any, Any], Any]] = [
    lambda s, x: s,
    lambda s, x: s * s * 2,
    lambda s, x: math.trunc(9 * s) * s,
    lambda s, x: np.exp(s) * s if np.log(np.exp(100.0 * s)) < 120.0 else s * x[1],
    lambda s, x: np.sum(np.tanh(s) * x),
    lambda s, x: np.sum(x / (s + 1)) + np.sum((s + 1) / x),
    lambda s, x: (s + 1) ** -1.5 + 2.0**s,
    lambda s, x: np.sum(np.full(3, s) * x),
    lambda s, x: max(s, x[0]) + np.hypot(s, x[1]),
    lambda s, x: np.float64(s) * s + math.exp(s),
    lambda s, x: np.where(s > 0.2, s * s, s),
    lambda s, x: (s + 0.1) / 3 % 0.7,
]


def _slope(f: Any, x: Any, *rest: Any) -> Any:
    wide = x.astype(float)
    return [(f(wide + e, *rest) - f(wide - e, *rest)) / 2e-6 for e in 1e-6 * np.eye(x.size)]


EACH = [
    pytest.param(form, use, marks=pytest.mark.fuzz if (i + use) % 3 else ())
    for i, form in enumerate(FORMS)
    for use in range(len(USES))
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(("form", "use"), EACH)
def test_it_is_what_the_program_has(form: Any, use: int, optimize: bool) -> None:
    of = USES[use]

    def f(x: Any, c: Any, n: int) -> Any:
        return form(x, c, n, of)

    both = value_and_grad(f, argnums=0, optimize=optimize)
    for call in CALLS:
        try:
            wanted = f(X.copy(), *call)
        except TypeError as e:  # a float32 cannot be truncated
            with pytest.raises(TypeError, match=str(e)):
                both(X, *call)
            continue
        value, found = both(X, *call)
        assert type(value) is type(wanted)
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
        assert (found.dtype, found.shape) == (X.dtype, X.shape)
        np.testing.assert_allclose(found, _slope(f, X, *call), rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", [in_a_branch, in_a_loop, in_a_list])
@pytest.mark.parametrize(
    "asks", [lambda s, x: s if isinstance(s, float) else 2 * s, lambda s, x: np.zeros(3, s.dtype)[0] + s]
)
def test_what_asks_of_which_kind_it_is_is_refused(form: Any, asks: Any, optimize: bool) -> None:
    gradient = grad(lambda x, c, n: form(x, c, n, asks), argnums=0, optimize=optimize)
    with pytest.raises(
        UnsupportedError, match=r"np\.float32 or another float.*\n.*\n.*\n.*\n.*np\.float32\("
    ):
        gradient(X, 1.0, 2)


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", FORMS)
def test_at_zero_its_slopes_are_those_of_numpy(form: Any, optimize: bool) -> None:
    """A rule divides by it: Python's zero would raise."""

    def f(x: Any, c: Any, n: int) -> Any:
        return form(x, c, n, lambda s, x: np.sum(x) + np.sqrt(s - s))

    gradient = grad(f, argnums=0, optimize=optimize)
    for call in CALLS:
        found = gradient(X, *call)
        assert found.dtype == X.dtype
        assert np.all(np.isnan(found) | np.isinf(found) | (found == 1))


def test_whether_it_begins_as_a_numpy_number_is_known() -> None:
    def f(x: Any, n: int) -> Any:
        s = np.float32(0.0)
        for i in range(n):
            s = s + x[i] * x[i]
        return s.dtype.type(2) * s

    for n in (0, 2, 3):
        np.testing.assert_allclose(grad(f, 0)(X, n), 4 * X * (np.arange(3) < n), rtol=1e-6)


def test_single_and_double_numbers() -> None:
    def f(x: Any, y: Any, c: Any) -> Any:
        s = x[0] if c > 0 else y[1]
        return np.sum(np.exp(s) + y) + s * 2.0

    y = np.array([0.2, 0.4])
    for c in (1.0, -1.0):
        value, (gx, gy) = value_and_grad(f, argnums=(0, 1))(X, y, c)
        wanted = f(X, y, c)
        assert type(value) is type(wanted)
        np.testing.assert_allclose(value, wanted, rtol=1e-6)
        assert (gx.dtype, gy.dtype) == (X.dtype, y.dtype)
        np.testing.assert_allclose(gx, _slope(lambda x: f(x, y, c), X), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(gy, _slope(lambda y: f(X.astype(float), y, c), y), rtol=1e-4, atol=1e-5)


def overflowing_in_a_branch(x: Any, w: Any, k: int) -> Any:
    if k < 2:
        w = x.sum()
    return w * x[0] if np.exp(900.0 * w) > 1e300 else w * x[1]


def overflowing_in_an_expression(x: Any, w: Any, k: int) -> Any:
    return x[0] * 2.0 if np.exp((x[2] if k < 2 else w) * 200.0) > 1e300 else x[1] * 3.0


def truncated_in_a_loop(x: Any, w: Any, k: int) -> Any:
    s, total = 0.5, np.sum(x)
    for _ in range(k):
        if math.trunc(s) > 0.1:
            s = np.mean(x)
        total += s * x[0]
    return total


def truncated_if_it_is_the_larger(x: Any, w: Any, k: int) -> Any:
    s = 0.5 * w + 5.0
    total = np.sum(x)
    for i in range(x.shape[0]):
        total += x[i] * math.trunc(k * max(x[i], s))
    return total


OF_64_BITS = [
    overflowing_in_a_branch,
    overflowing_in_an_expression,
    truncated_in_a_loop,
    truncated_if_it_is_the_larger,
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("f", OF_64_BITS)
def test_found_by_random_programs(f: Any, optimize: bool) -> None:
    """A way on which 32 bits would overflow, or could not be truncated, and on which the program has 64."""
    both = value_and_grad(f, argnums=0, optimize=optimize)
    for w, k in ((0.3, 3), (0.3, 1), (0.4, 2), (0.1, 5)):
        value, found = both(X, w, k)
        wanted = f(X.copy(), w, k)
        assert value == pytest.approx(wanted, rel=1e-6)
        assert found.dtype == X.dtype
        steps = np.float32(1e-2) * np.eye(3, dtype=np.float32)
        slope = [(float(f(X + e, w, k)) - float(f(X - e, w, k))) / 2e-2 for e in steps]
        np.testing.assert_allclose(found, slope, rtol=1e-3, atol=1e-4)
