"""What a function gives on one way, and leaves None on another: as the forward halves of generated text do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, hvp, jvp
from tests.derivatives.again import differentiates

X = np.array([0.3, 0.8, -0.2])


def forward(x: Any) -> Any:
    positive = np.sum(x) > 0
    y = None
    if positive:
        z = x * x
    else:
        y = np.exp(x)
        z = y - 1
    return z, (positive, y)


def backward(gradient: Any, saved: Any) -> Any:
    positive, y = saved
    if positive:
        return gradient
    return gradient * y * y


def halves_of_a_pair(x: Any, w: Any) -> Any:
    value, saved = forward(x * w)
    return np.sum(value * backward(x, saved))


def on_three_ways(x: Any, w: Any) -> Any:
    a = b = None
    if w > 1:
        y = np.sum(x)
    elif w > 0:
        a = np.sin(x)
        y = np.sum(a) * w
    else:
        b = np.cos(x * w)
        y = np.sum(b)
    return y, w, (a, b)


def of_three_ways(x: Any, w: Any) -> Any:
    y, w, (a, b) = on_three_ways(x, w)
    if w > 1:
        return y * y
    if w > 0:
        return y * np.sum(a * a)
    return y * np.sum(b * b * b)


def in_a_loop(x: Any, w: Any) -> Any:
    total = 0.0
    for i in range(4):
        value, saved = forward(x * w - 0.2 * i)
        total = total * 0.5 + np.sum(backward(value, saved))
    return total


def in_a_while_that_is_left(x: Any, w: Any) -> Any:
    i = 0
    total = 1.0
    while total < 100.0:
        value, saved = forward(x * (w - 0.3 * i))
        i += 1
        if i == 2:
            continue
        total = total + np.sum(backward(value * total, saved))
        if i > 4:
            return total * w
    return total


def handed_on_by_another(x: Any) -> Any:
    value, saved = forward(np.sin(x))
    return value * x, saved


def of_a_helper_of_a_helper(x: Any, w: Any) -> Any:
    value, saved = handed_on_by_another(x * w)
    return np.sum(backward(value, saved))


@dataclass
class Cell:
    scale: Any

    def forward(self, x: Any) -> Any:
        return forward(x * self.scale)


def of_a_method(x: Any, w: Any) -> Any:
    value, saved = Cell(w).forward(x)
    return np.sum(backward(value, saved) * value)


def of_a_trip(x: Any) -> Any:
    y = None
    while np.sum(x) < 2.0:
        y = x * x
        x = x + 0.4 * y
    return x, y


def of_the_last_trip(x: Any, w: Any) -> Any:
    z, y = of_a_trip(x * w)
    if np.sum(z - x * w) > 0.0:
        return np.sum(y * z)
    return np.sum(z)


def stored(x: Any, w: Any) -> Any:
    rows = np.zeros((3, 3))
    for i in range(3):
        value, saved = forward(x * w - 0.3 * i)
        rows[i] = backward(value, saved)
        rows[i, 0] *= w
    return np.sum(rows * rows)


def number_or_none(x: Any) -> Any:
    if x > 0:
        return x * x


def of_numbers(x: Any, w: Any) -> Any:
    y = number_or_none(w)
    total = np.sum(x)
    if w > 0:
        total = total * y + y
    return total * w


CASES: list[tuple[Callable[..., Any], tuple[float, ...]]] = [
    (halves_of_a_pair, (0.7, -0.7)),
    (of_three_ways, (1.5, 0.6, -0.4)),
    (in_a_loop, (0.9, -0.4)),
    (in_a_while_that_is_left, (0.85, 3.0)),
    (of_a_helper_of_a_helper, (0.7, -0.7)),
    (of_a_method, (0.7, -0.7)),
    (of_the_last_trip, (0.9, 4.0)),
    (stored, (0.9, -0.4)),
    (of_numbers, (0.7, -0.7)),
]


@pytest.mark.parametrize(("f", "numbers"), CASES)
@pytest.mark.parametrize("optimize", [True, False])
def test_derivatives(f: Callable[..., Any], numbers: tuple[float, ...], optimize: bool) -> None:
    gradient = grad(f, (0, 1), optimize=optimize)
    for w in (*numbers, numbers[0] * 1.01):
        differentiates(f, f, (X, w), (0, 1))
        differentiates(gradient, grad(f, (0, 1)), (X, w), (0, 1))


def read_without_a_test(x: Any, w: Any) -> Any:
    _, (_, y) = forward(x * w)
    return np.sum(y)


def read_as_an_item(x: Any, w: Any) -> Any:
    return np.sum(forward(x * w)[1][1] * x)


def given_back(x: Any, w: Any) -> Any:
    return number_or_none(np.sum(x) * w)


def read_in_a_helper(x: Any, w: Any) -> Any:
    return np.sum(x) * doubled(number_or_none(w))


def doubled(x: Any) -> Any:
    return 2.0 * x


def of_a_list(x: Any, w: Any) -> Any:
    return np.sum(np.array([number_or_none(w), 1.0]) * x[:2])


@pytest.mark.parametrize(
    ("f", "there", "missing"),
    [
        (read_without_a_test, -0.7, 0.7),
        (read_as_an_item, -0.7, 0.7),
        (given_back, 0.7, -0.7),
        (read_in_a_helper, 0.7, -0.7),
        (of_a_list, 0.7, -0.7),
    ],
)
def test_none_is_no_number(f: Callable[..., Any], there: float, missing: float) -> None:
    for w in (there, there * 1.1):
        differentiates(f, f, (X, w), (0, 1))
    for run in (grad(f, (0, 1)), lambda *a: jvp(f)(a, a), lambda *a: hvp(f, (0, 1))(*a, a)):
        with pytest.raises(TypeError):
            run(X, missing)


def is_there(x: Any, w: Any) -> Any:
    y = number_or_none(w)
    return np.sum(x) if y is None else np.sum(x) * y


def is_set(x: Any, w: Any) -> Any:
    return np.sum(x) * (number_or_none(w) or 3.0)


def is_a_number(x: Any, w: Any) -> Any:
    return np.sum(x) * (2.0 if isinstance(number_or_none(w), float) else w)


@pytest.mark.parametrize("f", [is_there, is_set, is_a_number])
def test_whether_it_is_there_is_never_guessed(f: Callable[..., Any]) -> None:
    for w in (0.7, -0.7):
        try:
            differentiates(f, f, (X, w), (0, 1))
        except TypeError as error:  # a refusal is one, too
            assert isinstance(error, UnsupportedError) or w < 0
