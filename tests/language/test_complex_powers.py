"""A power of a negative number that Python would make complex is refused where it is used, and only there."""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make


def alone(x: float) -> Any:
    return x**0.5


def by_pow(x: float) -> Any:
    return pow(x, 0.3) * 2.0


def only_its_slope(x: float) -> Any:
    return 3.0 * x**1.5


def in_a_branch(x: float) -> Any:
    if x < 0:
        y = x**0.5
    else:
        y = x
    return y


def made_real(x: float) -> Any:
    return abs(x**0.5)


def real_part(x: float) -> Any:
    return (x**0.5).real  # type: ignore[attr-defined]


def helper(x: float) -> Any:
    return x**0.25


def in_a_helper(x: float) -> Any:
    return helper(x) * 2.0


def in_place(x: float) -> Any:
    x **= 0.5
    return x


def in_a_list(x: float) -> Any:
    ys = [x**0.5]
    return ys[0]


def in_a_loop(x: float) -> Any:
    s = 0.0
    while x > -9.0:
        x = x - 4.0
        s = s + x**0.5
    return s


def after_printing(x: float) -> Any:
    print(end="")
    return x**0.5


def beside_float32(x: float) -> Any:
    return x**0.5 * float(np.float32(1.0) * np.float32(2.0))


def to_a_variable(x: float) -> Any:
    return x ** (x / -4.0)


def larger(x: float) -> Any:
    y = x**0.5
    for k in range(3):
        y = y * 1.5 + np.sin(1.0) * k
    return y


ALL = [
    alone, by_pow, only_its_slope, in_a_branch, made_real, real_part, in_a_helper, in_place, in_a_list, in_a_loop,
    after_printing, beside_float32, to_a_variable, larger,
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", ALL)
def test_refused(f: Any, optimize: bool) -> None:
    gradient = grad(f, optimize=optimize)
    for call in (gradient, gradient.value_and_grad):
        for _ in range(2):
            with pytest.raises(TypeError, match=r"\(-\d\.\d\) \*\* .* is a complex number.*np\.power"):
                call(-2.0)


def root(d: float) -> Any:
    r = d**0.5
    if d < 0:
        return -3.0 * d
    return (r - 3.0) / 2.0


def root_moved_on(d: float) -> Any:
    r = (-3.0 + d**0.5) * 2.0
    s = r / 4.0
    return d * d if d < 0 else s


def chosen_in_a_loop(d: float) -> Any:
    s = 0.0
    for k in range(4):
        r = (d + k) ** 0.5
        if d + k < 0:
            continue
        s += r
    return s


@pytest.mark.parametrize("optimize", [True, False])
def test_what_is_not_used_is_not_refused(optimize: bool) -> None:
    for f, slope in (
        (root, -3.0),
        (root_moved_on, -4.0),
        (chosen_in_a_loop, 0.5 / 0.5**0.5 + 0.5 / 1.5**0.5),
    ):
        x = -2.0 if f is not chosen_in_a_loop else -1.5
        gradient = grad(f, optimize=optimize)
        for _ in range(2):
            assert gradient(x) == pytest.approx(slope, rel=1e-14)
            assert gradient.value_and_grad(x)[1] == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize("optimize", [True, False])
def test_what_is_real_is_as_it_was(optimize: bool) -> None:
    for f, slope in (
        (alone, 0.25),
        (only_its_slope, 9.0),
        (in_a_helper, 0.5 * 4.0**-0.75),
        (after_printing, 0.25),
    ):
        gradient = grad(f, optimize=optimize)
        for _ in range(2):
            assert gradient(4.0) == pytest.approx(slope, rel=1e-14)
            assert type(gradient(4.0)) is float
    assert math.isnan(grad(lambda x: np.power(x, 0.5), optimize=optimize)(-2.0))
    assert grad(alone, optimize=optimize)(0.0) == math.inf
    assert grad(lambda x: x**3.0, optimize=optimize)(-2.0) == 12.0
    assert "math.pow" not in grad(lambda x: (x * x + 1.0) ** 0.5, optimize=optimize).backward_source


@pytest.mark.parametrize(
    "text, name",
    [
        ("np.sum(np.abs(np.fft.fft(x)) ** 2)", "numpy.fft.fft"),
        ("np.sum(np.fft.rfft(x).real)", "numpy.fft.rfft"),
        ("np.sum(np.emath.sqrt(x))", "numpy.lib.scimath.sqrt"),
        ("np.sum(np.lib.scimath.log(x))", "numpy.lib.scimath.log"),
        ("cmath.sqrt(x[0]).real", "cmath.sqrt"),
        ("abs(complex(x[0], 1.0))", "complex"),
    ],
)
def test_what_gives_complex_numbers(text: str, name: str) -> None:
    f = make(f"def f(x):\n    return {text}\n", cmath=cmath)
    with pytest.raises(UnsupportedError) as caught:
        grad(f)(np.array([1.0, 2.0]))
    said = str(caught.value)
    assert f"no gate rule for {name}, which gives complex numbers: only real ones are differentiated" in said
    assert ("gives NaN outside its domain" in said) == ("scimath" in name)
    assert "stop_gradient" in said


def test_a_complex_literal() -> None:
    with pytest.raises(
        UnsupportedError, match="complex numbers are not supported.*\n(.*\n)*.*two real numbers"
    ):
        grad(lambda x: (x * 1j).imag)(2.0)


KNOWN = {
    "abs(3 + 4j)": 5.0,
    "(1 + 2j).real * ((2j) ** 2).real": -4.0,
    "[1j, 2.0][1]": 2.0,
    "(3.0 if 1j * 1j == -1 else 2.0)": 3.0,
}


@pytest.mark.parametrize("expression", KNOWN)
def test_complex_numbers_that_are_known(expression: str) -> None:
    f = make(f"def f(x):\n    return x * {expression}\n")
    assert grad(f)(2.0) == KNOWN[expression]
