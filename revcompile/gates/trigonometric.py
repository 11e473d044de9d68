"""Trigonometric and hyperbolic functions and their inverses. Imports NumPy, the gate table, `safe_divide`.

Where a function is finite but its slope is not (`arcsin` at 1), the rule divides with `safe_divide`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.gates.axes import broadcast_dims
from revcompile.gates.numbers import (
    ANY_SIGN,
    EXPONENTIAL,
    POSITIVE,
    Numbers,
    same_sign,
)
from revcompile.gates.samples import example, real
from revcompile.gates.table import elementwise, gate
from revcompile.runtime import safe_divide

elementwise("sin", (np.sin, math.sin), x="np.cos(x)")
elementwise("cos", (np.cos, math.cos), x="-np.sin(x)")
elementwise("tan", (np.tan, math.tan), domain=(-1.2, 1.2), x="1 + y * y")
LEVELS_OFF = Numbers(sign=same_sign, saturates=(0,))
elementwise("arctan", (np.arctan, math.atan), numbers=LEVELS_OFF, x="1 / (1 + x * x)")

elementwise(
    "sinh",
    (np.sinh, math.sinh),
    numbers=Numbers(sign=same_sign, grows=EXPONENTIAL, slope_grows=EXPONENTIAL),
    x="np.cosh(x)",
)
elementwise(
    "cosh",
    (np.cosh, math.cosh),
    numbers=Numbers(sign=POSITIVE, grows=EXPONENTIAL, slope_grows=EXPONENTIAL),
    x="np.sinh(x)",
)
elementwise("tanh", (np.tanh, math.tanh), numbers=LEVELS_OFF, x="1 - y * y")
elementwise("arcsinh", (np.arcsinh, math.asinh), x="1 / np.sqrt(1 + x * x)")
UNDEFINED = Numbers(undefined=ANY_SIGN)
elementwise(
    "arctanh",
    (np.arctanh, math.atanh),
    domain=(-0.9, 0.9),
    singular=True,
    numbers=UNDEFINED,
    x="1 / (1 - x * x)",
)

elementwise("radians", (np.radians, np.deg2rad, math.radians), x=f"{math.pi / 180}")
elementwise("degrees", (np.degrees, np.rad2deg, math.degrees), x=f"{180 / math.pi}")

WITHIN_ONE = [example(real(low=-0.9, high=0.9)), example(real(2, 3, low=-0.9, high=0.9))]
ABOVE_ONE = [example(real(low=1.1, high=3)), example(real(2, 3, low=1.1, high=3))]


STEEP = Numbers(undefined=ANY_SIGN, steep=True, pointwise=True)


@gate(np.arcsin, math.asin, numbers=STEEP, examples=WITHIN_ONE)
def arcsin(grad_y: Any, x: Any) -> Any:
    return safe_divide(grad_y, np.sqrt(1 - x * x))


@gate(np.arccos, math.acos, numbers=STEEP, examples=WITHIN_ONE)
def arccos(grad_y: Any, x: Any) -> Any:
    return safe_divide(-grad_y, np.sqrt(1 - x * x))


@gate(np.arccosh, math.acosh, numbers=STEEP, examples=ABOVE_ONE)
def arccosh(grad_y: Any, x: Any) -> Any:
    return safe_divide(grad_y, np.sqrt(x * x - 1))


@gate(
    np.arctan2,
    math.atan2,
    dims=broadcast_dims,
    numbers=Numbers(steep=True, pointwise=True),
    examples=[
        example(real(), real()),
        example(real(3), real(3)),
        example(real(2, 3), 1.5),
        example(real(2, 1), real(3)),
    ],
)
def arctan2(grad_y: Any, x1: Any, x2: Any) -> Any:
    square = x1 * x1 + x2 * x2
    return safe_divide(grad_y * x2, square), safe_divide(-grad_y * x1, square)


@gate(np.sinc, examples=[example(real()), example(real(5)), example(np.array([0.0, 1e-9, 0.03, -0.2, 1.0]))])
def sinc(grad_y: Any, y: Any, x: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x; near 0, where that cancels, its series, which differentiates well too."""
    small = np.abs(x) < 0.05
    angle = math.pi * x
    square = angle * angle
    series = 1 / 3 - square * (1 / 30 - square * (1 / 840 - square * (1 / 45360 - square / 3991680)))
    slope = (np.cos(angle) - y) / np.where(small, 1.0, x)
    return grad_y * np.where(small, -math.pi * angle * series, slope)
