"""The parts of floating-point numbers, their neighbours; the gamma function. Imports NumPy, the gate table.

What is whole, or as small as the last digit, has no slope; its neighbour moves with a number.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.gates.axes import broadcast_dims
from revcompile.gates.numbers import Numbers
from revcompile.gates.products import Dims, axes_of
from revcompile.gates.samples import example, real
from revcompile.gates.table import elementwise, gate, known
from revcompile.ir.lengths import Facts
from revcompile.runtime import digamma, polygamma

EXPONENTS = np.array([1, -2, 0])
SHAPES = (example(real()), example(real(4)), example(real(2, 3)))


def _two_of_the_shape(facts: Facts, x: Any) -> tuple[Dims, Dims]:
    return axes_of(x), axes_of(x)


@gate(np.modf, math.modf, dims=_two_of_the_shape, examples=SHAPES)
def modf(grad_y: Any, x: Any) -> Any:
    return grad_y[0]


@gate(np.frexp, math.frexp, dims=_two_of_the_shape, examples=SHAPES)
def frexp(grad_y: Any, y: Any, x: Any) -> Any:
    return None if grad_y[0] is None else np.ldexp(grad_y[0], -y[1])


@gate(
    np.ldexp,
    math.ldexp,
    examples=[
        example(real(), 3),
        example(real(3), 2),
        example(real(3), EXPONENTS),
        example(real(2, 3), EXPONENTS),
        example(real(), EXPONENTS),
    ],
)
def ldexp(grad_y: Any, x1: Any, x2: Any) -> Any:
    return np.ldexp(grad_y, x2), None


elementwise("nextafter", (np.nextafter, math.nextafter), a="1", b="0")
known(np.spacing, math.ulp)
elementwise(
    "remainder",
    math.remainder,
    domain={"a": (-2.0, 2.0), "b": (0.5, 0.9)},
    singular=True,
    raises=True,
    numbers=Numbers(pole=1),
    a="1",
    b="np.rint((y - a) / b)",
)
if hasattr(math, "fma"):
    elementwise("fma", math.fma, a="b", b="a", c="1")


def _two_broadcast(facts: Facts, x1: Any, x2: Any) -> tuple[Dims, Dims]:
    dims = broadcast_dims(facts, x1, x2)
    return dims, dims


@gate(
    np.divmod,
    singular=True,
    dims=_two_broadcast,
    numbers=Numbers(pole=1),
    examples=[
        example(real(), 0.7),
        example(real(3), real(3, low=0.5, high=0.9)),
        example(real(2, 1), real(3, low=0.5, high=0.9)),
    ],
)
def divmod_(grad_y: Any, y: Any, x1: Any, x2: Any, /) -> Any:
    return (None, None) if grad_y[1] is None else (grad_y[1], -grad_y[1] * y[0])


# ----- the gamma function ------------------------------------------------------------------------


@gate(math.gamma, raises=True, examples=[example(real(low=0.5))])
def gamma(grad_y: Any, y: Any, x: Any) -> Any:
    return grad_y * y * digamma(x)


@gate(math.lgamma, raises=True, examples=[example(real(low=0.5)), example(real(low=-0.9, high=-0.2))])
def lgamma(grad_y: Any, x: Any) -> Any:
    return grad_y * digamma(x)


@gate(digamma, raises=True, examples=[example(real(low=0.5)), example(real(low=-0.9, high=-0.2))])
def digamma_(grad_y: Any, x: Any) -> Any:
    return grad_y * polygamma(1, x)


@gate(polygamma, raises=True, examples=[example(1, real(low=0.5)), example(3, real(low=0.5))])
def polygamma_(grad_y: Any, n: int, x: Any) -> Any:
    return None, grad_y * polygamma(n + 1, x)
