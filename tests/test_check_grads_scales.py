"""`check_grads` of functions whose values are tiny or huge: a wrong gradient is rejected, or cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, gate

Case = tuple[Callable[[Any], Any], Callable[[Any], Any], float]  # a function, its slope, a point
STEEP: dict[str, Case] = {
    **{
        f"exp(-{k} x)": (lambda x, k=k: np.exp(-k * x), lambda x, k=k: -k * np.exp(-k * x), 1.0)
        for k in (100, 600, 700, 715)
    },
    "exp(600 x)": (lambda x: np.exp(600 * x), lambda x: 600 * np.exp(600 * x), 0.95),
    "exp(-x) at 690": (lambda x: np.exp(-x), lambda x: -np.exp(-x), 690.0),
    "exp(-x x)": (lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), 25.5),
    "softplus": (lambda x: np.log1p(np.exp(-650 * x)), lambda x: -650 * np.exp(-650 * x), 1.0),
    "x**100": (lambda x: x**100, lambda x: 100 * x**99, 0.1),
    "x**-200": (lambda x: x**-200.0, lambda x: -200 * x**-201.0, 0.1),
}
SCALED: dict[str, Case] = {
    f"{name} by {s}": (lambda x, f=f, s=s: s * f(x), lambda x, d=d, s=s: s * d(x), x)
    for s in (1e-300, 1e-200, 1e-100, 1e100, 1e200)
    for name, f, d, x in (
        ("sin", np.sin, np.cos, 0.7),
        ("cubic", lambda x: x**3 - x, lambda x: 3 * x * x - 1, 1.0),
        ("gauss", lambda x: np.exp(-x * x / 2), lambda x: -x * np.exp(-x * x / 2), 3.0),
    )
}
UNKNOWN: dict[str, Case] = {  # numbers of a digit or two
    "exp(-740 x)": (lambda x: np.exp(-740 * x), lambda x: -740 * np.exp(-740 * x), 1.0),
    "exp(-x) at 740": (lambda x: np.exp(-x), lambda x: -np.exp(-x), 740.0),
}


def gated(case: Case, factor: float) -> Callable[[Any], Any]:
    """The function as a gate whose rule is a number of times the slope."""
    f, slope, _ = case

    def opaque(x: Any) -> Any:
        return f(x)

    def forward(x: Any) -> Any:
        return f(x), x

    def backward(grad_y: Any, x: Any) -> Any:
        return grad_y * slope(x) * factor

    gate(opaque, forward=forward)(backward)
    return lambda x: np.sum(opaque(x))


@pytest.mark.parametrize("name", [*STEEP, *SCALED])
def test_the_right_one_passes_and_wrong_ones_are_rejected(name: str) -> None:
    case = (STEEP | SCALED)[name]
    point = (case[2],)
    check_grads(gated(case, 1.0), point)
    for factor in (1.1, 0.9, -1.0, 0.0, 2.0):
        with pytest.raises(AssertionError, match="wrong gradient"):
            check_grads(gated(case, factor), point)


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_digits_cannot_be_judged(name: str) -> None:
    for factor in (1.0, 1.1, 0.0, -1.0):
        with pytest.raises((ValueError, AssertionError), match="cannot be judged|wrong gradient"):
            check_grads(gated(UNKNOWN[name], factor), (UNKNOWN[name][2],))
