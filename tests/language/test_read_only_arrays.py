"""Where NumPy says that an array is read-only, so does a gradient, or it is refused: it is never written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.texts import TEXTS

X = np.array([0.3, 0.5, 0.6])


def in_a_branch(x: Any, k: int, made: Any) -> Any:
    y = np.zeros((2, 3))
    if k > 0:
        y = made(x)
    y[0] = 1.0
    return np.sum(y * x)


def in_an_expression(x: Any, k: int, made: Any) -> Any:
    y = made(x) if k > 0 else np.ones((2, 3))
    y += 1.0
    return np.sum(y * x)


def in_a_loop(x: Any, k: int, made: Any) -> Any:
    y = np.zeros((2, 3))
    for _ in range(k):
        y = made(x)
    y[1, 1] = 1.0
    return np.sum(y * x)


def in_each_trip(x: Any, k: int, made: Any) -> Any:
    y = np.zeros((2, 3))
    for _ in range(k + 1):
        y[0] = 2.0
        y = made(x)
    return np.sum(y * x)


def in_a_while(x: Any, k: int, made: Any) -> Any:
    y = np.zeros((2, 3))
    while k > 0:
        y, k = made(x), k - 1
    np.multiply(y, 2.0, out=y)
    return np.sum(y * x)


def with_an_early_exit(x: Any, k: int, made: Any) -> Any:
    y = np.zeros((2, 3))
    for i in range(5):
        if i == k:
            break
        y = made(x)
    y.fill(2.0)
    return np.sum(y * x)


def either(x: Any, k: int, made: Any) -> Any:
    if k > 0:
        return made(x)
    return np.zeros((2, 3))


def in_a_helper(x: Any, k: int, made: Any) -> Any:
    y = either(x, k, made)
    y[:, 0] *= 2.0
    return np.sum(y * x)


def in_a_list(x: Any, k: int, made: Any) -> Any:
    items = [np.zeros((2, 3)), made(x)]
    items[k % 2][0, 0] = 1.0
    return np.sum(items[0] * x) + np.sum(items[1] * x)


def in_a_dict(x: Any, k: int, made: Any) -> Any:
    d = {"a": np.zeros((2, 3))}
    if k > 0:
        d["a"] = made(x)
    d["a"][0] = x
    return np.sum(d["a"] * x)


FORMS = [
    in_a_branch,
    in_an_expression,
    in_a_loop,
    in_each_trip,
    in_a_while,
    with_an_early_exit,
    in_a_helper,
    in_a_list,
    in_a_dict,
]
MADE: list[Callable[[Any], Any]] = [
    lambda x: np.broadcast_to(x, (2, 3)),
    lambda x: np.diagonal(np.ones((3, 3, 2)) * x[:, None, None]),
    lambda x: np.broadcast_to(x[0], (2, 3))[::-1],
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("form", FORMS)
def test_what_may_be_read_only(form: Any, made: Any, optimize: bool) -> None:
    def f(x: Any, k: int) -> Any:
        return form(x, k, made)

    gradient = grad(f, argnums=0, optimize=optimize)
    for k in (0, 1, 2, 0):
        try:
            f(X.copy(), k)
        except ValueError:
            with pytest.raises((ValueError, UnsupportedError), match="read-only"):
                gradient(X, k)
            continue
        try:
            found = gradient(X, k)
        except UnsupportedError as e:
            assert "read-only" in str(e)
            continue
        slope = [(f(X + e, k) - f(X - e, k)) / 2e-6 for e in 1e-6 * np.eye(3)]
        np.testing.assert_allclose(found, slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("optimize", TEXTS)
def test_a_diagonal_of_a_matrix_alone_is_read_only(optimize: bool) -> None:
    def f(x: Any) -> Any:
        y = np.diag(x)
        y[0, 1] = x[2]
        return np.sum(y * x)

    np.testing.assert_allclose(grad(f, optimize=optimize)(X), [0.6, 1.6, 1.7])

    def g(x: Any) -> Any:
        y = np.diag(np.outer(x, x))
        y[0] = 1.0
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        grad(g, optimize=optimize)(X)


def doubled(x: Any, c: float) -> Any:
    x *= 2.0
    return np.sum(x * x)


def through_a_view(x: Any, c: float) -> Any:
    y = x[1:]
    y[0] = c
    return np.sum(x * x)


def on_one_side(x: Any, c: float) -> Any:
    if c > 0:
        x[0] = 1.0
    return np.sum(x * x)


def on_one_side_of_an_expression(x: Any, c: float) -> Any:
    y = x if c > 0 else np.ones(3)
    y[0] = 2.0
    return np.sum(x) * y[0]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("f", [doubled, through_a_view, on_one_side, on_one_side_of_an_expression])
def test_a_read_only_argument(f: Any, optimize: bool) -> None:
    both = value_and_grad(f, argnums=0, optimize=optimize)
    fixed = X.copy()
    fixed.flags.writeable = False
    for c in (1.0, -1.0, 1.0):
        both(X, c)
        try:
            wanted = f(fixed, c)
        except ValueError:
            with pytest.raises(ValueError, match="read-only"):
                both(fixed, c)
        else:
            assert both(fixed, c)[0] == wanted
    assert not fixed.flags.writeable


def test_in_a_structure() -> None:
    def f(p: Any) -> Any:
        p["w"][0] = 2.0
        return np.sum(p["w"] * p["b"])

    fixed = X.copy()
    fixed.flags.writeable = False
    gradient = grad(f)
    np.testing.assert_allclose(gradient({"w": X, "b": fixed})["b"], [2.0, 0.5, 0.6])
    with pytest.raises(ValueError, match="read-only"):
        gradient({"w": fixed, "b": X})


@pytest.mark.parametrize("optimize", TEXTS)
def test_what_a_call_as_it_is_gives(optimize: bool) -> None:
    def f(x: Any, n: int) -> Any:
        y = np.frombuffer(bytes(8 * n))
        y[0] = x[0]
        return np.sum(y * x)

    with pytest.raises(ValueError, match="read-only"):
        grad(f, argnums=0, optimize=optimize)(X, 3)
