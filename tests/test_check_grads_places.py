"""`check_grads` near kinks and poles and at all scales: a right gradient passes, a wrong one does not.

What cannot be judged is said, and where it is not said, it was compared.
"""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, gate, grad
from tests.test_check_grads import Claimed

FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "abs": (abs, lambda x: math.copysign(1.0, x)),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x) if x else np.inf),
    "math.sqrt": (math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "log": (np.log, lambda x: 1.0 / x),
    "arcsin": (np.arcsin, lambda x: 1.0 / math.sqrt(1.0 - x * x)),
    "fast": (lambda x: np.sin(1e3 * x), lambda x: 1e3 * np.cos(1e3 * x)),
    "faster": (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x)),
    "exp": (np.exp, np.exp),
    "sin": (np.sin, np.cos),
    "square": (lambda x: x * x, lambda x: 2.0 * x),
    "sigmoid": (lambda x: 1.0 / (1.0 + np.exp(-x)), lambda x: np.exp(-x) / (1.0 + np.exp(-x)) ** 2),
    "raised a bit": (lambda x: 1e6 + x, lambda x: 1.0),
    "cube": (lambda x: x**3, lambda x: 3.0 * x * x),
    "raised": (lambda x: 1e8 + np.sin(x), np.cos),
    "raised and lowered": (lambda x: (1e8 + x) - 1e8, lambda x: 1.0),
    "shifted": (lambda x: (x - 1e8) ** 2, lambda x: 2.0 * (x - 1e8)),
    "ramp": (lambda x: 3.0 * max(x - 0.5, 0.0), lambda x: 3.0 * (x > 0.5)),
    "ramp from 0": (lambda x: max(x, 0.0), lambda x: 1.0 * (x > 0.0)),
    "reciprocal": (lambda x: 1.0 / x, lambda x: -1.0 / x**2),
    "tanh": (np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "tiny": (lambda x: 1e-20 * x * x, lambda x: 2e-20 * x),
    "constant": (lambda x: 0.0 * x + 3.0, lambda x: 0.0),
    "single": (lambda x: float(np.float32(np.sin(x))), np.cos),
}
PLACES: dict[str, tuple[float, ...]] = {
    "abs": (1e-4, -1e-4, 1e-13, 3.0), "sqrt": (1e-6, 1e-12, 1.0, 0.0), "math.sqrt": (1e-6,),
    "log": (1e-9, 1e-300, 5.0), "arcsin": (0.0, 0.999, 0.999999), "fast": (0.0, 0.3, 7.7), "faster": (0.3,),
    "exp": (-50.0, 0.0, 50.0, 700.0), "sin": (1e8, 0.0, 1e-9), "square": (1e8, 1e-8, 0.0),
    "cube": (1e9, 1e-8, 0.0), "raised": (0.3, 1e3), "raised and lowered": (0.3, 2.0), "sigmoid": (1e-12, 1e-9, 3.0), "raised a bit": (1e-9,),
    "shifted": (1e8 + 0.5, 1e8 + 1e-3), "ramp": (0.5001, 0.4999), "ramp from 0": (1e-13, -1e-13),
    "reciprocal": (1e-8, 1e-3, 1e8), "tanh": (5.0, 20.0), "tiny": (1.0,), "constant": (1.0, 1e8), "single": (0.3,),
}  # fmt: skip
WRONG: dict[str, Callable[[float], float]] = {
    "factor": lambda g: 1.01 * g, "sign": lambda g: -g, "missing": lambda g: 0.0, "nan": lambda g: math.nan,
    "summand": lambda g: g + 0.01 * (abs(g) or 1.0),
}  # fmt: skip


@pytest.mark.parametrize(("name", "x"), [(name, x) for name, xs in PLACES.items() for x in xs])
def test_right_passes_and_wrong_does_not(name: str, x: float) -> None:
    f, derivative = FUNCTIONS[name]
    right = float(derivative(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        check_grads(Claimed(f, lambda _: right), (x,))
        for change in WRONG.values():
            wrong = float(change(right))
            if wrong != right:
                with pytest.raises(AssertionError, match="wrong gradient"):
                    check_grads(Claimed(f, lambda _: wrong), (x,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["abs", "sqrt", "log", "sin", "fast", "exp", "tanh", "reciprocal", "ramp"])
def test_each_element_of_an_array_counts(name: str, dtype: type) -> None:
    f, derivative = FUNCTIONS[name]
    x = np.array([0.3, 1.7, 0.002], dtype)
    right = np.array([derivative(float(v)) for v in x]).astype(dtype)

    def total(x: Any) -> Any:
        return x.dtype.type(sum(f(v) for v in x))

    check_grads(Claimed(total, lambda _: right), (x,))
    for i in np.flatnonzero(right):
        wrong = right.copy()
        wrong[i] *= dtype(1.02)
        with pytest.raises(AssertionError, match=rf"1 of 3 elements(.|\n)*\[{i}\]"):
            check_grads(Claimed(total, lambda _: wrong), (x,))


@pytest.mark.parametrize(
    ("f", "x", "gradient", "why"),
    [
        (abs, 0.0, 0.0, "a kink: -1.0 to the left, 1.0 to the right"),
        (lambda x: max(x, 0.0), 0.0, 0.5, "a kink"),
        (lambda x: 1e12 + x, 2.0, 1.0, "known to"),
        (lambda x: 1.0 if x == 2.0 else math.nan, 2.0, 0.0, "is not defined next to it"),
        (np.arcsin, 1.0 - 1e-9, 22360.68, "known to"),
        (lambda x: np.log(1.0 - x), 1.0 - 1e-9, -1e9, "known to"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_said(f: Any, x: float, gradient: float, why: str) -> None:
    with pytest.raises(ValueError, match=rf"1 of 1 elements .* cannot be judged(.|\n)*{why}"):
        check_grads(Claimed(f, lambda x: gradient), (x,))
    two = Claimed(lambda x, y: f(x) + y * y, lambda x, y: (gradient, 2.0 * y))
    with pytest.warns(UserWarning, match=r"1 of 2 elements .* cannot be judged") as caught:
        check_grads(two, (x, 1e4))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("n", [3, 40])
def test_the_height_of_a_sum_excuses_no_element(dtype: type, n: int) -> None:
    x = np.linspace(0.5, 2.0, n).astype(dtype)
    check_grads(Claimed(lambda x: np.sum(3 * x), lambda x: np.full_like(x, 3)), (x,))
    for wrong in (2.0, -3.0):
        with pytest.raises(AssertionError, match=f"{n} of {n} elements"):
            check_grads(Claimed(lambda x: np.sum(3 * x), lambda x, g=wrong: np.full_like(x, g)), (x,))  # type: ignore[misc]


def test_a_parameter_that_is_taken_by_keyword_only() -> None:
    with pytest.raises(ValueError, match="k is taken by keyword only: check lambda k: energy"):

        def energy(x: Any, *, k: Any = 2.0) -> Any:
            return k * x * x

        check_grads(energy, (1.0,), argnums="k")


def test_outside_of_the_slopes_of_a_kink_is_wrong() -> None:
    for wrong in (1.1, -1.1):
        with pytest.raises(AssertionError, match="a kink"):
            check_grads(Claimed(abs, lambda x: wrong), (0.0,))


def test_nan_is_a_failure_even_where_the_function_has_no_slope() -> None:
    with pytest.raises(AssertionError, match="the analytic one is nan"):
        check_grads(Claimed(lambda x: 1.0 if x == 2.0 else math.nan, lambda x: math.nan), (2.0,))


@pytest.mark.parametrize("option", ["rtol", "atol", "eps"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -1.0])
def test_tolerances_are_numbers(option: str, number: float) -> None:
    with pytest.raises(ValueError, match=f"{option} must be a"):
        check_grads(lambda x: x * x, (1.0,), **{option: number})  # type: ignore[arg-type]


# -- whole numbers ----------------------------------------------------------------------------------


def triple(x: Any) -> Any:
    return 3.0 * x


@gate(triple)
def triple_rule(grad_y: Any, x: Any) -> Any:
    return 3.1 * grad_y


@pytest.mark.parametrize("x", [
    3, np.int64(3), np.array([1, 2, 3]), np.array([[1, 2], [3, 4]], np.uint8), [1, 2], {"a": 3}, (1, np.array([2])),
    OrderedDict(a=2),
])  # fmt: skip
def test_whole_numbers_are_checked_as_reals(x: Any) -> None:
    def leaves(x: Any) -> list[Any]:
        if isinstance(x, dict):
            x = list(x.values())
        return x if isinstance(x, list) else list(x) if isinstance(x, tuple) else [x]

    def right(x: Any) -> Any:
        return sum(np.sum(v * v) for v in leaves(x))

    def wrong(x: Any) -> Any:
        return sum(np.sum(triple(v)) for v in leaves(x))

    if isinstance(x, OrderedDict):
        x = dict(x)
    check_grads(right, (x,))
    with pytest.raises(AssertionError, match="wrong gradient"):
        check_grads(wrong, (x,))


def test_a_whole_number_that_steers_is_left_alone() -> None:
    with pytest.warns(UserWarning, match=r"n = 1.0(.|\n)*as the real number 1.0 it gives nan"):
        check_grads(lambda x, n: x[n] * n, (np.array([0.5, 2.0]), 1))
    check_grads(lambda x, n: x[n] ** 2, (np.array([0.5, 2.0]), 1))
    check_grads(lambda x, n: np.sum(x**n), (np.array([0.5, 2.0]), 3))


def test_functions_of_any_number_of_arguments_and_methods() -> None:
    class Spring:
        k = 2.0

        def energy(self, x: Any) -> Any:
            return self.k * x * x

    check_grads(lambda *xs: xs[0] * xs[0], (3.0,))
    check_grads(lambda *xs: xs[0] * xs[1], (3.0, 2.0))
    check_grads(lambda *xs: xs[0] * xs[1], (3.0, 2.0), argnums=1)
    check_grads(math.log, (2.0,))
    check_grads(math.log, (2.0,), argnums=0)
    check_grads(Spring().energy, (3.0,))


def test_a_float32_function_is_held_to_its_own_precision() -> None:
    x = np.linspace(0.1, 2.0, 50, dtype=np.float32)
    check_grads(lambda x: np.sum(x * np.log(x)), (x,))
    with pytest.raises(AssertionError):
        check_grads(Claimed(lambda x: np.sum(x * x), lambda x: np.float32(2.02) * x), (x,))


def test_the_gradient_of_functions_of_many_kinds() -> None:
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((4, 4)), 10.0 * rng.standard_normal(30)
    check_grads(lambda A: np.linalg.det(A), (A,))
    check_grads(lambda x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x), (x,))
    check_grads(grad(lambda x: np.sum(np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))))), (x,))
