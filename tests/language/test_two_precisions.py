"""Arguments of 64 and of 32 bits in one program: each gradient has its own argument's dtype.

A name that holds one on one way and the other on another has no dtype that is known before the run.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import value_and_grad
from tests.support.texts import TEXTS

WIDE = np.array([0.3, 0.5, 0.6, 0.7])
NARROW = np.array([0.8, 0.55, 0.2, 0.1], np.float32)


def exchanged_with_a_number(x: Any, w: Any, k: int) -> Any:
    s = 1
    b = np.sum(x * w)
    for _ in range(k):
        b, s = s, b
    return s * 2.0


def exchanged(x: Any, w: Any, k: int) -> Any:
    s, t = x[0] * 2.0, w[0]
    while k > 0:
        k -= 1
        s, t = t, s * x[1]
    return s * w[1]


def in_a_branch(x: Any, w: Any, k: int) -> Any:
    y = x * 1.0
    if k > 1:
        y = w * 1.0
    return np.sum(y * w)


def in_an_expression(x: Any, w: Any, k: int) -> Any:
    y = x[1] if k > 1 else w[1]
    return np.sum(w * y)


def with_an_early_exit(x: Any, w: Any, k: int) -> Any:
    y = w[:2] * 2.0
    for i in range(4):
        if i == k:
            break
        y = y * x[i]
    return np.sum(y * w[2:])


def in_a_list(x: Any, w: Any, k: int) -> Any:
    items = [x[0], w[0], w[1]]
    for i in range(k):
        items[i % 3] = items[(i + 1) % 3] * w[1]
    return items[0] * items[1] + w[2] * items[2]


def one_of(a: Any, b: Any) -> Any:
    if a > 0.65:
        return a
    return b


def in_a_helper(x: Any, w: Any, k: int) -> Any:
    return w[1] * one_of(x[k], w[k]) * one_of(w[0] * x[k], w[2])


def in_a_larger_helper(x: Any, w: Any, k: int) -> Any:
    return long(x, w, k) * w[0] + w[1] * w[2]


def long(x: Any, w: Any, k: int) -> Any:
    y = w[0]
    for i in range(k):
        if i == 1:
            y = x[0] * y
        y = y * w[i] + w[1] * np.tanh(y) - np.sin(y) * w[2] + np.cos(y) / (w[3] + y * y) + y * w[0] * w[0]
    return y * w[3] - y * y


def converted(x: Any, w: Any, k: int) -> Any:
    y = x * 1e25 if k > 1 else w * np.float32(1e25)
    z = y.astype(float)
    return np.sum(z * z) * 1e-50  # which no float32 is


FORMS = [
    exchanged_with_a_number, exchanged, in_a_branch, in_an_expression, with_an_early_exit, in_a_list, in_a_helper,
    in_a_larger_helper, converted,
]  # fmt: skip


def slopes(f: Any, args: tuple[Any, ...], which: int, k: int) -> np.ndarray:
    """In the argument's own precision: a number that is one of 32 bits is not moved out of it."""
    step = 1e-6 if args[which].dtype == float else 2e-3
    found = []
    for e in np.eye(4) * step:
        values = []
        for sign in (1, -1):
            moved = list(args)
            moved[which] = (moved[which].astype(float) + sign * e).astype(moved[which].dtype)
            values.append(float(f(*moved, k)))
        found.append((values[0] - values[1]) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("args", [(WIDE, NARROW), (NARROW, WIDE)], ids=["wide", "narrow"])
@pytest.mark.parametrize("f", FORMS, ids=lambda f: f.__name__)
def test_each_gradient_has_its_own_dtype(f: Any, args: Any, optimize: bool) -> None:
    both = value_and_grad(f, argnums=(0, 1), optimize=optimize)
    for k in (0, 1, 2, 3):
        value, gradients = both(*args, k)
        np.testing.assert_allclose(value, f(*args, k), rtol=1e-6)
        for which in (0, 1):
            assert gradients[which].dtype == args[which].dtype
            np.testing.assert_allclose(gradients[which], slopes(f, args, which, k), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("optimize", TEXTS)
def test_a_number_has_its_own_dtype(optimize: bool) -> None:
    def f(x: Any, b: Any, k: int) -> Any:
        s = 1
        b = x[1] * b
        for _ in range(k):
            b, s = s, b
        b = 0.3 * sum(x)
        return s * 2.0

    both = value_and_grad(f, argnums=(0, 1), optimize=optimize)
    for b in (0.7, np.float64(0.7), np.float32(0.7)):
        for k in (0, 1, 2, 0):
            _, (gradient, slope) = both(NARROW, b, k)
            assert gradient.dtype == np.float32 and type(slope) is type(b)
            assert slope == pytest.approx(2.0 * NARROW[1] if k == 1 else 0.0, rel=1e-6)


def of_either(p: Any, q: Any, x: Any, k: int) -> Any:
    y = np.sum(x) * p if k else p
    return y * q


def in_turn(p: Any, q: Any, x: Any, k: int) -> Any:
    a, b = (p, q) if k > 1 else (q, p)
    return a * a * b


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("f", [of_either, in_turn])
def test_numbers_and_arrays_without_axes(f: Any, optimize: bool) -> None:
    kinds = [np.float32, np.float64, np.array, lambda v: np.array(v, np.float32)]
    both = value_and_grad(f, argnums=(0, 1), optimize=optimize)
    for p, q, k in ((p, q, k) for k in (0, 2) for p in kinds for q in kinds):
        args: tuple[Any, ...] = (p(0.5), q(0.75), np.array([0.5, 0.25]), k)
        value, gradients = both(*args)
        assert value == pytest.approx(f(*args))
        for gradient, arg in zip(gradients, args):
            assert (type(gradient), gradient.dtype) == (type(arg), arg.dtype)
