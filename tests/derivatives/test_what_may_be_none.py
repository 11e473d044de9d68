"""Values that only one way sets, and lists of what trips make, of any kind: as generated text has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, jvp
from tests.derivatives.again import differentiates

X = np.array([0.3, 0.8, -0.2])


def forward(x: Any) -> Any:
    set_before = x > 0
    y = None
    if set_before:
        z = x * x
    else:
        y = np.exp(x)
        z = y - 1
    return z, (set_before, y)


def backward(gradient: Any, saved: Any) -> Any:
    positive, y = saved
    if positive:
        return gradient
    return gradient * y


def halves_of_a_pair(x: Any, w: Any) -> Any:
    value, saved = forward(x * w)
    return value * backward(x, saved)


def of_three_ways(x: Any, w: Any) -> Any:
    a = b = None
    if w > 1:
        y = np.sum(x)
    elif w > 0:
        a = np.sin(x)
        y = np.sum(a) * w
    else:
        b = np.cos(x * w)
        y = np.sum(b)
    saved = (a, b)
    a, b = saved
    if w > 1:
        return y * y
    if w > 0:
        return y * np.sum(a * a)
    return y * np.sum(b * b * b)


def lists_of_trips(x: Any, w: Any) -> Any:
    ys = []
    masks = []
    sines = []
    y = x
    for _ in range(4):
        mask = np.sum(y) > 1.0
        masks.append(mask)
        ys.append(y)
        sine = None
        if mask:
            sine = np.sin(y)
            y = sine * 0.5
        else:
            y = y * w
        sines.append(sine)
    g = np.ones(x.shape)
    for y, sine, mask in zip(reversed(ys), reversed(sines), reversed(masks)):
        if mask:
            g = g * sine + np.cos(y)
        else:
            g = g * w * y
    return np.sum(g)


def of_several_lengths(x: Any, w: Any) -> Any:
    parts = []
    counts = []
    for i in range(len(x)):
        none = None
        part = x[i:] * w
        parts.append((part, none if i < 0 else part * part))
        counts.append(i)
    total = 0.0
    for part, square in parts:
        total = total * np.sum(part) + np.sum(square)
    return total


def lists_in_lists(x: Any, w: Any) -> Any:
    rows = []
    y = x
    for i in range(3):
        row = []
        for k in range(i + 1):
            row.append(y)
            y = np.sin(y) * w
        rows.append(row)
    g = np.ones(x.shape)
    for row in reversed(rows):
        for y in reversed(row):
            g = g * np.cos(y) + y * y
    return np.sum(g)


def carried_from_none(x: Any, w: Any) -> Any:
    last = None
    lasts = []
    ys = []
    y = x
    for i in range(4):
        lasts.append(last)
        ys.append(i > 0)
        last = y * w
        y = np.sin(last)
    total = np.sum(y)
    for last, later in zip(reversed(lasts), reversed(ys)):
        if later:
            total = total * np.sum(last * last)
    return total


def as_many_as_there_were(x: Any, w: Any) -> Any:
    ys = []
    trips = 0
    y = np.sum(x)
    for i in range(len(x)):
        if y > 1.2:
            break
        trips += 1
        ys.append(y)
        y = y + w * w
    for i, y in zip(reversed(range(len(x))[:trips]), reversed(ys)):
        w = w * y + x[i]
    return w


CASES: list[tuple[Callable[..., Any], tuple[float, ...]]] = [
    (halves_of_a_pair, (0.7, -0.7)),
    (of_three_ways, (1.5, 0.6, -0.4)),
    (lists_of_trips, (1.5, 2.5)),
    (of_several_lengths, (0.7,)),
    (lists_in_lists, (0.9,)),
    (carried_from_none, (0.9,)),
    (as_many_as_there_were, (0.5, 0.2)),
]


@pytest.mark.parametrize(("f", "numbers"), CASES)
@pytest.mark.parametrize("optimize", [True, False])
def test_derivatives(f: Callable[..., Any], numbers: tuple[float, ...], optimize: bool) -> None:
    first = 0.4 if f is halves_of_a_pair else X
    gradient = grad(f, optimize=optimize)
    for w in (*numbers, *numbers):
        differentiates(f, f, (first, w), (0, 1))
        differentiates(gradient, grad(f), (first, w), (0, 1))


def read_where_it_may_be_none(x: Any, w: Any) -> Any:
    y = None
    if w > 0:
        y = x * w
    return np.sum((y, x)[0] * 2.0)


def summed_where_it_may_be_none(x: Any, w: Any) -> Any:
    y = None
    if w > 0:
        y = x * w
    pair = (y, 1.0)
    return np.sum(pair[0])


def returned_where_it_may_be_none(x: Any, w: Any) -> Any:
    if w > 0:
        return np.sum(x * w)
    return None


def read_under_another_condition(x: Any, w: Any) -> Any:
    y = None
    positive = w > 0
    if x[0] > 0 and w > -1:
        if positive:
            y = x * w
    saved = (y, positive)
    if saved[1]:
        return np.sum(saved[0] * x)
    return np.sum(x)


def an_item_that_may_be_none(x: Any, w: Any) -> Any:
    ys = []
    for i in range(3):
        y = None
        if i * w < 1.5:
            y = x * w
        ys.append(y)
    total = 0.0
    for y in ys:
        total = total + np.sum(y * y)
    return total


@pytest.mark.parametrize(
    ("f", "there", "missing"),
    [
        (read_where_it_may_be_none, (X, 1.0), (X, -1.0)),
        (summed_where_it_may_be_none, (X, 1.0), None),
        (returned_where_it_may_be_none, (X, 1.0), (X, -1.0)),
        (read_under_another_condition, (X, 1.0), (-X, 1.0)),
        (an_item_that_may_be_none, (X, 0.5), (X, 1.0)),
    ],
)
def test_none_is_no_number(f: Callable[..., Any], there: Any, missing: Any) -> None:
    for args in (there, there):
        try:
            differentiates(f, f, args, (0, 1))
        except UnsupportedError:
            assert f in (returned_where_it_may_be_none, summed_where_it_may_be_none)
    if missing is not None:
        for run in (grad(f), lambda *a: jvp(f)(a, a)):
            with pytest.raises(TypeError):
                run(*missing)


def written_after_it_was_put_there(x: Any, w: Any) -> Any:
    ys = []
    y = x * w
    for i in range(3):
        z = None
        if w > 0:
            z = y * w
        ys.append((y, z))
        y[0] = w * i
    total = 0.0
    for y, z in ys:
        total = total + np.sum(y * y)
    return total


def written_after_the_loop(x: Any, w: Any) -> Any:
    ys = []
    y = x
    for i in range(3):
        y = y * w
        ys.append((y, None if w < 0 else y))
    y[0] = 5.0
    total = 0.0
    for a, b in ys:
        total = total + np.sum(a * a)
    return total


@pytest.mark.parametrize("f", [written_after_it_was_put_there, written_after_the_loop])
def test_what_a_list_holds_is_not_written(f: Callable[..., Any]) -> None:
    try:
        found = grad(f)(X, 0.7)
    except UnsupportedError:
        return
    differentiates(lambda *_: found, grad(f), (X, 0.7), ())
    differentiates(f, f, (X, 0.7), (0, 1))
