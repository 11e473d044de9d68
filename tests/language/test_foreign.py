"""Calls that are made as they are, where nothing that is differentiated enters."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient, value_and_grad
from tests.language.checking import check

LABELS = np.array([0, 1, 1, 2, 0])
DATA = np.linspace(0.0, 1.0, 7) ** 2
CALLS: list[Any] = []


def risky(n: Any) -> float:
    """A helper that is not read: it has a `try`."""
    CALLS.append(n)
    try:
        return [1.0, 2.0, 3.0][n]
    except IndexError:
        return 0.5


class Table:
    def __init__(self) -> None:
        self.rows = {0: 2.0, 1: 3.0}

    def look_up(self, n: int) -> float:
        try:
            return self.rows[n]
        except KeyError:
            return 1.5


TABLE = Table()


def straight(x: float, n: int) -> float:
    return x * risky(n) + x**2 * np.percentile(DATA, 5)


def in_if(x: float, n: int) -> float:
    if n > 1:
        y = x * risky(n)
    else:
        y = x * x
    return y * x


def both_sides(x: float, n: int) -> float:
    return x * risky(n) if n > 1 else x * TABLE.look_up(n) ** 2


def in_for(x: float, n: int) -> float:
    s = 0.0
    for i in range(n):
        s = s + math.sin(x) * risky(i)
    return s


def in_a_later_trip(x: float, n: int) -> float:
    s = x
    for i in range(n):
        if i > 2:
            s = s * risky(i - 2)
        else:
            s = s + x * x
    return s


def in_while(x: float, n: int) -> float:
    while n > 0:
        x = x * x * risky(n - 1)
        n = n - 1
    return x


def in_test_of_while(x: float, n: int) -> float:
    i = 0
    while risky(i) < 3.0 and i < n:
        x = x * risky(i) * math.sin(x)
        i = i + 1
    return x * x


def early(x: float, n: int) -> float:
    for i in range(5):
        x = x * 1.5
        if risky(i) == 0.5 or i == n:
            return x * x
    return x


def small(x: float, n: int) -> float:
    return x * risky(n)


def in_helper(x: float, n: int) -> float:
    return small(x * x, n) + small(x, n + 5)


def large(x: float, n: int) -> float:
    s = x
    s = s * math.sin(s) + x * math.cos(s) + x * x * math.exp(-x) + math.tanh(s)
    s = s * risky(n) + math.sin(x * s) + s * s + x * x * x + math.cos(x) * x
    return s


def in_large_helper(x: float, n: int) -> float:
    return large(x, n) * large(x * x, n + 1)


def in_list(x: float, n: int) -> float:
    ws = [risky(i) for i in range(3)]
    return sum(w * x**i for i, w in enumerate(ws))


def in_growing_list(x: float, n: int) -> float:
    ws = []
    for i in range(n):
        ws.append(risky(i) * x)
    s = 0.0
    for w in ws:
        s = s + w * w
    return s


def in_store(x: float, n: int) -> float:
    a = np.zeros(4)
    for i in range(4):
        a[i] = x * risky(i)
    return np.sum(a * a)


def in_closure(x: float, n: int) -> float:
    def scaled(v: float) -> float:
        return v * risky(n)

    return scaled(x) + scaled(x * x)


def by_method(x: float, n: int) -> float:
    return x * TABLE.look_up(n) + x * x


def of_float(x: float, n: int) -> float:
    k = risky(n)
    return x * risky(int(k)) * math.lgamma(k + 1.0)


FORMS = [
    straight, in_if, both_sides, in_for, in_a_later_trip, in_while, in_test_of_while, early, in_helper, in_large_helper, in_list,
    in_growing_list, in_store, in_closure, by_method, of_float,
]  # fmt: skip


@pytest.mark.parametrize("f", FORMS)
def test_in_every_form(f: Callable[..., float]) -> None:
    for n in (2, 1, 4):
        check(f, 0.7, n, argnums=(0,))


@pytest.mark.parametrize("f", FORMS)
def test_with_other_values_at_the_second_call(f: Callable[..., float]) -> None:
    gradient = value_and_grad(f, argnums=0)
    for x, n in ((0.3, 0), (0.7, 5), (0.9, 1), (0.2, 3)):
        value, slope = gradient(x, n)
        h = 1e-6
        assert value == pytest.approx(f(x, n), rel=1e-12)
        assert slope == pytest.approx((f(x + h, n) - f(x - h, n)) / (2 * h), rel=1e-5, abs=1e-8)


def test_is_made_as_often_as_the_program_makes_it() -> None:
    gradient = value_and_grad(in_for, argnums=0)
    gradient(0.5, 3)
    CALLS.clear()
    gradient(0.6, 4)
    assert CALLS == [0, 1, 2, 3]


def lenient(v: Any) -> float:
    try:
        return float(np.sum(v))
    except TypeError:
        return 2.0


def varied(x: float) -> float:
    return x * lenient(x)


def varied_in_loop(x: float) -> float:
    y = 0.0
    for _ in range(3):
        k = lenient(y)
        y = y + x
    return x * k


def varied_in_a_list(x: float) -> float:
    ys = [1.0, 2.0]
    ys[1] = x
    return x * lenient(ys)


def varied_by_store(x: float) -> float:
    a = np.zeros(3)
    a[1] = x
    return x * np.fft.fft(a).real[1]


def varied_by_branch(x: float, n: int = 1) -> float:
    y = x if n > 0 else 2.0
    return x * lenient(y)


def varied_in_text(x: float) -> float:
    return x * lenient(f"{x}")


def larger(x: float) -> float:
    s = x * math.sin(x) + x * math.cos(x) + x * x * math.exp(-x) + math.tanh(x)
    return s * lenient(s) + math.sin(x * s) + s * s + x * x * x + math.cos(x) * x


def varied_in_helper(x: float) -> float:
    return larger(x)


@pytest.mark.parametrize(
    "f", [varied, varied_in_loop, varied_in_a_list, varied_by_store, varied_by_branch, varied_in_text,
          varied_in_helper],
)  # fmt: skip
@pytest.mark.parametrize("optimize", [True, False])
def test_what_is_differentiated_does_not_enter(f: Callable[..., float], optimize: bool) -> None:
    with pytest.raises(UnsupportedError, match="not supported|no gate rule"):
        grad(f, argnums=0, optimize=optimize)(0.5)


def test_stop_gradient_is_a_way_out() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * stop_gradient(np.fft.fft(x).real))

    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(grad(f)(x), np.fft.fft(x).real)


def test_stop_gradient_of_a_helper() -> None:
    def f(x: float) -> float:
        return x * stop_gradient(risky(x))

    with pytest.raises(TypeError):  # the helper's own: a list's index is no float
        grad(f)(1.0)
    g = grad(lambda x: x * stop_gradient(TABLE.look_up(x)))
    assert g(1.0) == 3.0 and g(7.0) == 1.5


def test_of_libraries() -> None:
    special = pytest.importorskip("scipy.special")
    k = np.array([1.0, 2.0, 3.0])

    def f(x: Any) -> Any:
        lengths, edges = np.histogram(DATA, bins=3)
        total = 0.0
        for label in np.unique(LABELS):
            total = total + np.sum(x[LABELS == label]) ** 2
        return total * lengths[0] * edges[-1] + np.sum(x) * np.sum(special.gammaln(k + 1))

    check(f, np.linspace(0.1, 0.5, 5))


def test_objects() -> None:
    box = SimpleNamespace(rows=LABELS)

    def f(x: Any) -> Any:
        return np.sum(x * np.bincount(box.rows)[:2])

    check(f, np.array([1.0, 2.0]))


def _in_branch(x: Any, whole: Any, n: int) -> Any:
    return x[0] * sum(whole.tolist()) if n > 1 else x[1] * n.bit_length()


def _in_loop(x: Any, whole: Any, n: int) -> Any:
    s = x[0]
    for i in range(3):
        s = s * whole[i:].tolist()[0] + len(whole.tobytes()) * x[1]
    return s


def _of_a_cut(x: Any, whole: Any, n: int) -> Any:
    return np.sum(np.insert(x.astype(int), 1, 5) * x[0]) + np.gradient(np.floor(x).astype(int)) @ x


def _of_a_comparison(x: Any, whole: Any, n: int) -> Any:
    return x[0] * sum((x > 1.0).tolist()) * float(n).as_integer_ratio()[0] * whole.nbytes


@pytest.mark.parametrize("f", [_in_branch, _in_loop, _of_a_cut, _of_a_comparison])
def test_methods_of_what_is_not_differentiated(f: Callable[..., Any]) -> None:
    for n in (2, 1):
        check(f, np.array([0.5, 1.7, 2.2]), np.array([3, 1, 2]), n, argnums=(0,))


def test_a_method_without_a_rule_of_what_is_differentiated() -> None:
    with pytest.raises(UnsupportedError, match=r"no gate rule for the method 'tobytes' of a float64\[:\]"):
        grad(lambda x: sum(x.tobytes()) * x[0])(np.ones(3))
