"""`check_grads` next to the edge of a domain: a right gradient is never called wrong, a wrong one never right."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, grad

# Each with the edge of its domain, and the side on which it is defined.
FUNCTIONS = {
    "sqrt": (np.sqrt, 0.0, 1),
    "math.sqrt": (math.sqrt, 0.0, 1),
    "log": (np.log, 0.0, 1),
    "a root": (lambda x: x**0.3, 0.0, 1),
    "a power": (lambda x: x**1.5, 0.0, 1),
    "arcsin": (np.arcsin, 1.0, -1),
    "arccos": (np.arccos, -1.0, 1),
    "arctanh": (np.arctanh, 1.0, -1),
    "arccosh": (np.arccosh, 1.0, 1),
    "circle": (lambda x: np.sqrt(1.0 - x * x), 1.0, -1),
    "log1p": (np.log1p, -1.0, 1),
    "x log x": (lambda x: x * np.log(x), 0.0, 1),
    "root of a logarithm": (lambda x: np.sqrt(-np.log(x)), 1.0, -1),
    "log of a root": (lambda x: np.log(np.sqrt(x)), 0.0, 1),
    "sin of a logarithm": (lambda x: np.sin(np.log(x)), 0.0, 1),
    "logit": (lambda x: np.log(x / (1.0 - x)), 1.0, -1),
    "entropy": (lambda x: -x * np.log(x) - (1.0 - x) * np.log(1.0 - x), 0.0, 1),
}
DISTANCES = (1e-6, 1e-11, 1e-12, 1e-13, 1e-15, 1e-20, 1e-300)
FACTORS = (0.5, 1.5, -1.0)


def verdict(f: Any, gradient: Any, x: float, factor: float) -> str:
    def scaled(x: float) -> Any:
        return gradient(x) * factor

    scaled.primal = f  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            check_grads(scaled, (x,))
        except AssertionError:
            return "wrong"
        except ValueError as e:
            assert "cannot be judged" in str(e)
            return "not judged"
    return "right"


def compiled(name: str) -> tuple[Any, Any, float, float]:
    """A function and its gradient; the edge, and to which side of that it is defined."""
    function, edge, side = FUNCTIONS[name]

    def f(x: float) -> Any:
        return function(x)

    return f, grad(f), edge, side


@pytest.mark.parametrize("name", FUNCTIONS)
def test_next_to_an_edge(name: str) -> None:
    f, gradient, edge, side = compiled(name)
    for distance in DISTANCES:
        x = edge + side * distance
        if x != edge:
            assert verdict(f, gradient, x, 1.0) in ("right", "not judged"), distance
            for factor in FACTORS:
                assert verdict(f, gradient, x, factor) in ("wrong", "not judged"), (distance, factor)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_where_it_can_be_judged_it_is(name: str) -> None:
    f, gradient, edge, side = compiled(name)
    x = edge + side * 1e-6
    assert verdict(f, gradient, x, 1.0) == "right"
    assert [verdict(f, gradient, x, factor) for factor in FACTORS] == ["wrong"] * 3


@pytest.mark.parametrize("f", [lambda x: np.sqrt(x), lambda x: x**0.5])
def test_a_finite_slope_where_it_is_infinite_is_wrong(f: Any) -> None:
    def finite(x: float) -> float:
        return 1.0

    finite.primal = f  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="wrong gradient"):
        check_grads(finite, (0.0,))


def test_of_several_elements_the_others_are_compared() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.arcsin(x))

    x = np.array([0.5, 1.0 - 1e-13, 0.25])
    with pytest.warns(UserWarning, match="1 of 3 elements .* cannot be judged"):
        check_grads(f, (x,))


@pytest.mark.parametrize("x", [1e-300, 1e-200, 1e-160])
@pytest.mark.parametrize("slope", [1e-300, 1e-310, 0.0])
def test_values_that_underflow(slope: float, x: float) -> None:
    """Where the values are rounded to nought, that is what is known of them."""
    for f in (lambda x: x * slope, lambda x: x * x, lambda x: x**3 * 1e-200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check_grads(f, (x,))


def test_what_is_nothing_but_rounding_is_linear() -> None:
    def f(x: Any, w: Any) -> Any:
        return np.average(x, 0, w)

    check_grads(f, (np.array([0.7]), np.array([0.4])), order=2, modes=("fwd", "rev"))
