"""Exponentials and logarithms. Imports NumPy, the gate table, the reductions, `sigmoid`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.gates import shifts
from revcompile.gates.axes import broadcast_dims, is_python_number, is_value
from revcompile.gates.compositions import when_given
from revcompile.gates.numbers import (
    NEGATIVE,
    Numbers,
    grows_above_zero,
    same_sign,
)
from revcompile.gates.numbers import (
    POSITIVE as ABOVE_ZERO,
)
from revcompile.gates.reductions import FIRST_AXIS_EXAMPLES, reduce_of_more, restore_axes
from revcompile.gates.samples import example, real
from revcompile.gates.table import elementwise, gate
from revcompile.gates.traits import Kind, Text
from revcompile.ir.rebuild import replace
from revcompile.runtime import sigmoid

LN2 = math.log(2.0)
POSITIVE = (0.1, 2.0)

GROWS = Numbers(sign=ABOVE_ZERO, grows=grows_above_zero, saturates=(0,), saturates_at=NEGATIVE)
elementwise("exp", (np.exp, math.exp), kind=Kind.EXP, numbers=GROWS, shift=shifts.exponential, x="y")
elementwise("exp2", (np.exp2, *([math.exp2] if hasattr(math, "exp2") else [])), numbers=GROWS, x=f"{LN2} * y")
elementwise(
    "expm1",
    (np.expm1, math.expm1),
    numbers=replace(GROWS, sign=same_sign),
    x="y + 1",
)

OF_LOGARITHM = Numbers(pole=0, undefined=NEGATIVE)
elementwise(
    "log", np.log, domain=POSITIVE, singular=True, numbers=OF_LOGARITHM, shift=shifts.logarithm,
    python=math.log, x="1 / x",
)  # fmt: skip
elementwise(
    "log2", (np.log2, math.log2), domain=POSITIVE, singular=True, numbers=OF_LOGARITHM, x=f"{1 / LN2} / x"
)
elementwise(
    "log10",
    (np.log10, math.log10),
    domain=POSITIVE,
    singular=True,
    numbers=OF_LOGARITHM,
    x=f"{1 / math.log(10.0)} / x",
)
elementwise(
    "log1p",
    (np.log1p, math.log1p),
    domain=(-0.9, 2.0),
    singular=True,
    numbers=Numbers(pole=0, undefined=NEGATIVE, pole_at=NEGATIVE, sign=same_sign),
    x="1 / (1 + x)",
)


def written_sigmoid(to: Text, x: Any) -> str:
    """The textbook form names the gate; of a NumPy scalar it takes a float, as `math.exp` does."""
    is_float = is_python_number(to.result)
    if not to.textbook:
        return f"1.0 / (1.0 + {'math' if is_float else 'np'}.exp(-x))"
    return "sigmoid(float(x))" if is_float and is_value(x) and not is_python_number(x.type) else ""


elementwise(
    "sigmoid",
    sigmoid,
    written=written_sigmoid,
    python=sigmoid,
    numbers=Numbers(sign=ABOVE_ZERO, saturates=(0,)),
    x="(1 - y) * y",
)
elementwise(
    "erf",
    math.erf,
    numbers=Numbers(sign=same_sign, saturates=(0,)),
    x=f"{2 / math.sqrt(math.pi)} * np.exp(-x * x)",
)
elementwise(
    "erfc",
    math.erfc,
    numbers=Numbers(sign=ABOVE_ZERO, saturates=(0,)),
    x=f"-{2 / math.sqrt(math.pi)} * np.exp(-x * x)",
)


@gate(
    math.log,
    singular=True,
    numbers=replace(OF_LOGARITHM, pointwise=True),
    examples=[
        example(real(low=0.1)),
        example(real(low=0.1), 2),
        example(real(low=0.1), real(low=1.5)),
        example(3.0, real(low=1.5)),
    ],
)
def log(grad_y: Any, y: Any, x: Any, *base: Any) -> Any:
    """`math.log(x)` and `math.log(x, base)`, which takes no keyword."""
    if len(base) == 0:
        return grad_y / x
    grad_x = grad_y / (x * math.log(base[0]))
    grad_base = -grad_y * y / (base[0] * math.log(base[0]))
    return grad_x, (grad_base,)


PAIRS = [
    example(real(), real()),
    example(real(3), real(3)),
    example(real(2, 3), 0.5),
    example(real(2, 1), real(3)),
]


def above_infinity(y: Any) -> Any:
    """`y`, but the lowest finite number for -inf: there `a - y` would be NaN, and exp of it has to be 0."""
    return np.maximum(y, float(np.finfo(y.dtype).min))


@gate(np.logaddexp, dims=broadcast_dims, numbers=Numbers(pointwise=True), examples=PAIRS)
def logaddexp(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    total = above_infinity(y)
    return grad_y * np.exp(x1 - total), grad_y * np.exp(x2 - total)


@gate(np.logaddexp2, dims=broadcast_dims, numbers=Numbers(pointwise=True), examples=PAIRS)
def logaddexp2(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    total = above_infinity(y)
    return grad_y * np.exp2(x1 - total), grad_y * np.exp2(x2 - total)


@gate(
    np.logaddexp.reduce,
    means=when_given(reduce_of_more, "initial", "where", "dtype"),
    numbers=Numbers(reduces=True),
    examples=FIRST_AXIS_EXAMPLES,
)
def logaddexp_reduce(grad_y: Any, y: Any, array: Any, axis: Any = 0, *, keepdims: bool = False) -> Any:
    """The logarithm of a sum of exponentials, whose gradient is a softmax."""
    total = above_infinity(restore_axes(y, axis, keepdims))
    return restore_axes(grad_y, axis, keepdims) * np.exp(array - total)
