"""`argnums` by position on `*args`; what `functools.wraps` makes of a function counts as that function."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, grad, value_and_grad

X = np.array([1.0, 2.0])


def total(*xs):
    return xs[0] * xs[0] + 3.0 * xs[1] * xs[2]


def led(a, *xs, k=2.0):
    return k * a * np.sum(xs[0]) + xs[1] ** 2


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("f", "args", "argnums", "expected"),
    [
        (total, (1.0, 2.0, 4.0), 0, 2.0),
        (total, (1.0, 2.0, 4.0), 1, 12.0),
        (total, (1.0, 2.0, 4.0), -1, 6.0),
        (total, (1.0, 2.0, 4.0), (1,), (12.0,)),
        (total, (1.0, 2.0, 4.0), (2, 0), (6.0, 2.0)),
        (total, (1.0, 2.0, 4.0), "xs", (2.0, 12.0, 6.0)),
        (total, (1.0, 2.0, 4.0), None, (2.0, 12.0, 6.0)),
        (led, (3.0, X, 5.0), 0, 6.0),
        (led, (3.0, X, 5.0), 1, np.array([6.0, 6.0])),
        (led, (3.0, X, 5.0), 2, 10.0),
        (led, (3.0, X, 5.0), ("k", 2), (9.0, 10.0)),
        (led, (3.0, X, 5.0), "a", 6.0),
    ],
)  # fmt: skip
def test_the_argument_with_that_number(
    f: Any, args: Any, argnums: Any, expected: Any, optimize: bool
) -> None:
    gradient = grad(f, argnums, optimize=optimize)
    for _ in range(2):
        assert repr(gradient(*args)) == repr(expected)
    assert repr(value_and_grad(f, argnums)(*args)[1]) == repr(expected)
    assert repr(
        grad(lambda *a: np.sum(grad(f, argnums)(*a)[0] if isinstance(argnums, tuple) else 0.0))(*args)
    )
    if not isinstance(expected, tuple):
        check_grads(gradient, args)

        def inside(*args: Any) -> Any:
            return np.sum(grad(f, argnums)(*args) ** 2)

        assert value_and_grad(inside, 0)(*args)[0] == pytest.approx(np.sum(expected**2))


@pytest.mark.parametrize("number", [3, -4])
def test_an_argument_that_is_not_there(number: int) -> None:
    with pytest.raises(ValueError, match=f"this call of total has no argument number {number}"):
        grad(total, number)(1.0, 2.0, 4.0)


# -- wrappers ---------------------------------------------------------------------------------------


def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs)

    return wrapper


def positional(f):
    @functools.wraps(f)
    def wrapper(*args):
        return 2.0 * f(*args)

    return wrapper


def plain(x, y=3.0, *, z=1.0):
    return np.sum(x * x) * y * z


def one(x):
    return np.sum(x * x)


def two(x, y):
    return x * y * y


@pytest.mark.parametrize(
    "wrap", [logged, positional, lambda f: logged(logged(f)), lambda f: positional(logged(f))]
)
def test_a_wrapper_counts_as_its_function(wrap: Any) -> None:
    factor = 2.0 if wrap in (logged, positional) else 4.0
    assert grad(wrap(one))(3.0) == factor * 6.0
    assert grad(wrap(one))(X).tolist() == (factor * 2.0 * X).tolist()
    assert grad(wrap(two))(3.0, 5.0) == (factor * 25.0, factor * 30.0)
    for argnums in ("y", 1, -1):
        assert grad(wrap(two), argnums)(3.0, 5.0) == factor * 30.0
    assert list(grad(wrap(two)).__signature__.parameters) == ["x", "y"]
    with pytest.raises(ValueError, match="no parameter 'w'; it has x, y"):
        grad(wrap(two), "w")
    with pytest.raises(ValueError, match="has 2 parameters, no number 2"):
        grad(wrap(two), 2)


def test_a_wrapper_of_a_function_with_defaults() -> None:
    wrapped = logged(plain)
    assert grad(wrapped)(2.0) == 24.0
    assert grad(wrapped)(2.0, 5.0) == (40.0, 8.0)
    assert grad(wrapped)(2.0, y=5.0) == 40.0
    assert grad(wrapped)(x=2.0, z=2.0) == 48.0
    assert grad(wrapped, "y")(2.0) == 8.0
    assert grad(wrapped, 1)(2.0, 7.0) == 8.0
    assert grad(wrapped, ("z", 0))(2.0, 5.0, z=2.0) == (40.0, 80.0)
    assert grad(lambda x: grad(wrapped)(x))(2.0) == 12.0


class Model:
    def __init__(self) -> None:
        self.w = 3.0

    @logged
    def energy(self, x, y=2.0):
        return self.w * x * x * y

    @positional
    def square(self, x):
        return self.w * x * x


def test_a_wrapped_method() -> None:
    model = Model()
    assert grad(model.energy)(2.0) == 48.0
    assert grad(model.energy)(2.0, 5.0) == (120.0, 24.0)
    assert grad(model.energy, "y")(2.0) == 24.0
    assert grad(model.square)(2.0) == 24.0
    assert grad(Model.square)(model, 2.0) == 24.0
    model.w = 4.0
    assert grad(model.square)(2.0) == 32.0
    assert value_and_grad(model.energy)(2.0) == (64.0, 64.0)
