"""Arithmetic: + - * / and their kin, powers and roots. Imports NumPy, the gate table, `safe_divide`."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from revcompile.gates import shifts, squares
from revcompile.gates.axes import broadcast_dims, dtype_kind, is_python_number, is_value
from revcompile.gates.numbers import (
    EXPONENTIAL,
    LARGE,
    NEGATIVE,
    PARTS,
    POSITIVE,
    ZERO,
    Numbers,
    grows_if_both_vary,
    same_sign,
    sign_of_difference,
    sign_of_negative,
    sign_of_power,
    sign_of_product,
    sign_of_root,
    sign_of_size,
    sign_of_sum,
)
from revcompile.gates.samples import example, real
from revcompile.gates.table import TABLE, elementwise, gate, known
from revcompile.gates.traits import Kind, Line, Text
from revcompile.runtime import number_or_nan, power_or_nan, real_power, safe_divide, share, square_of_root

HIGH = 8  # a higher power of 1e38 overflows


def add_to(old: Any, extra: Any) -> Any:
    """Stands for `old += extra`."""


def subtract_from(old: Any, extra: Any) -> Any:
    """Stands for `old -= extra`."""


known(add_to, writes=True, line=Line.ADD)
known(subtract_from, writes=True, line=Line.SUBTRACT)

elementwise(
    "add",
    (operator.add, np.add),
    numbers=Numbers(sign=sign_of_sum),
    in_place=add_to,
    symbol="+",
    shift=shifts.additive(1.0),
    cheap=True,
    a="1",
    b="1",
)
elementwise(
    "sub",
    (operator.sub, np.subtract),
    numbers=Numbers(sign=sign_of_difference, difference=True),
    in_place=subtract_from,
    symbol="-",
    shift=shifts.additive(-1.0),
    cheap=True,
    a="1",
    b="-1",
)
elementwise(
    "mul",
    (operator.mul, np.multiply),
    numbers=Numbers(sign=sign_of_product, grows=grows_if_both_vary),
    symbol="*",
    shift=shifts.product,
    cheap=True,
    a="b",
    b="a",
)
elementwise(
    "div",
    (operator.truediv, np.true_divide),
    domain={"a": (-2.0, 2.0), "b": (0.5, 2.0)},
    singular=True,
    numbers=Numbers(sign=sign_of_product, pole=1, raises_there=True, saturates=(1,)),
    symbol="/",
    shift=shifts.quotient,
    cheap=True,
    raises=True,
    a="1 / b",
    b="-y / b",
)
elementwise(
    "neg",
    (operator.neg, np.negative),
    numbers=Numbers(sign=sign_of_negative),
    symbol="-x",
    shift=shifts.negative,
    cheap=True,
    x="-1",
)
elementwise(
    "pos", (operator.pos, np.positive), numbers=Numbers(sign=same_sign), symbol="+x", shift=shifts.same, x="1"
)
elementwise(
    "abs",
    (abs, operator.abs, np.absolute, np.fabs, math.fabs),
    numbers=Numbers(sign=sign_of_size),
    squared=squares.of_abs,
    x="np.sign(x)",
)

# Between its jumps, a remainder is a - n * b with a whole number n. The quotient of `fmod` is taken
# from the result, so that it is the one which the result was computed with.
elementwise(
    "mod",
    (operator.mod, np.remainder),
    domain={"a": (-2.0, 2.0), "b": (0.5, 0.9)},
    singular=True,
    symbol="%",
    cheap=True,
    raises=True,
    numbers=Numbers(pole=1),
    a="1",
    b="-(a // b)",
)
elementwise(
    "fmod",
    (np.fmod, math.fmod),
    domain={"a": (-2.0, 2.0), "b": (0.5, 0.9)},
    singular=True,
    raises=True,
    numbers=Numbers(pole=1),
    a="1",
    b="np.rint((y - a) / b)",
)

elementwise("square", np.square, numbers=Numbers(sign=sign_of_size, grows=LARGE), power=2, x="2.0 * x")
elementwise(
    "reciprocal",
    np.reciprocal,
    domain=(0.5, 2.0),
    singular=True,
    numbers=Numbers(sign=same_sign, pole=0, saturates=(0,)),
    x="-y * y",
)

POSITIVE_NUMBERS = [example(real(low=0.1)), example(real(5, low=0.1)), example(real(2, 3, low=0.1))]


@gate(
    np.sqrt,
    math.sqrt,
    power=0.5,
    squared=squares.of_sqrt,
    numbers=Numbers(sign=sign_of_root, undefined=NEGATIVE, steep=True, pointwise=True),
    examples=POSITIVE_NUMBERS,
)
def sqrt(grad_y: Any, y: Any, x: Any) -> Any:
    return safe_divide(0.5 * grad_y, y)


@gate(
    np.cbrt,
    *([math.cbrt] if hasattr(math, "cbrt") else []),
    numbers=Numbers(sign=same_sign, steep=True, pointwise=True),
    examples=POSITIVE_NUMBERS,
)
def cbrt(grad_y: Any, y: Any, x: Any) -> Any:
    return safe_divide(grad_y, 3.0 * y * y)


def singular_power(x1: Any, x2: Any) -> bool:
    """Whether a power's slope can be infinite or NaN (of a negative base) and its rule leaves it so."""
    return not (isinstance(x2, (int, float)) and x2 >= 0 and (x2 < 1 or x2 == int(x2)))


def undefined_power(args: Any, *signs: int) -> int:
    """A fractional power of a negative base is NaN."""
    return 0 if isinstance(args[1], (int, float)) and args[1] == int(args[1]) else NEGATIVE


def is_root(x1: Any, x2: Any) -> bool:
    return isinstance(x2, (int, float)) and 0 < x2 < 1


def growing_power(args: Any, *signs: int) -> int:
    """A number to a high power, or a known number to any, soon overflows, as an exponential does."""
    base, exponent = (isinstance(a, (int, float)) for a in args[:2])
    return EXPONENTIAL if base or (exponent and abs(args[1]) > HIGH) else LARGE


def growing_slope(args: Any, *signs: int) -> int:
    """Beside the numbers, a slope has a power of its own."""
    return 0 if isinstance(args[1], (int, float)) and 0 <= args[1] <= 2 else growing_power(args)


def constant_power(x1: Any, x2: Any) -> tuple[int, ...]:
    """1 / x1**n goes to 0 where x1 is infinite, c**x2 may."""
    of_base = not (isinstance(x2, (int, float)) and x2 > 0)
    return (0, 1) if of_base else (1,)


def may_be_complex(function: Any, x1: Any, x2: Any) -> bool:
    """Whether a power that is Python's may be complex if its base is negative."""
    if function not in (operator.pow, pow):
        return False
    is_whole = isinstance(x2, int) or (not is_value(x2) and float(x2).is_integer())
    numbers = [x.type for x in (x1, x2) if is_value(x)]
    return not (is_whole or (is_value(x2) and dtype_kind(x2) != "f")) and all(map(is_python_number, numbers))


def is_made_numpys(function: Any) -> bool:
    """Whether a call makes a number of NumPy's of one of Python's."""
    return TABLE[function].python is float


@gate(
    operator.pow,
    np.power,
    np.float_power,
    pow,
    math.pow,
    dims=broadcast_dims,
    singular=singular_power,
    symbol="**",
    python=math.pow,
    numbers=Numbers(
        sign=sign_of_power,
        grows=growing_power,
        slope_grows=growing_slope,
        pole=0,
        undefined=undefined_power,
        steep=is_root,
        saturates=constant_power,
        pointwise=True,
    ),
    examples=[
        *(example(real(3, low=0.1), n) for n in (0, 1, 2, 0.5, -1, 3, 0.3, 2.5, -2, -0.5)),
        *(example(real(2, 3), n) for n in (0, 1, 2, -1, 3, 4)),
        example(real(low=0.1), 3),
        example(real(), 2),
        example(2.0, real(3)),
        example(0, real(3, low=0.5)),
        example(3, real(2, 3)),
        example(real(low=0.1), real()),
        example(real(3, low=0.1), real(3)),
        example(real(2, 3, low=0.1), real(3)),
        example(real(low=0.1), real(2, 1)),
    ],
)
def pow_(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    return power_base(grad_y, y, x1, x2), power_exponent(grad_y, y, x1, x2)


def power_base(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    """The gradient of the base. A run-time exponent of 0 leaves x1**0, not 0 * x1**-1, which may be NaN."""
    if np.ndim(x2) > 0 and np.issubdtype(x2.dtype, np.bool_):
        return grad_y * x2
    if not isinstance(x2, (int, float)):
        return grad_y * x2 * x1 ** (x2 - (x2 != 0))
    if x2 == 2:
        return grad_y * 2.0 * x1
    if x2 == 0:
        return None
    if x2 == 1:
        return grad_y
    if x2 == -1:
        return -grad_y * y * y
    if x2 == 0.5:
        return safe_divide(grad_y, 2.0 * y)
    if 0 < x2 < 1:
        return safe_divide(grad_y * x2, x1 ** (1 - x2))
    return grad_y * x2 * x1 ** (x2 - 1)


def power_exponent(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    """The gradient of the exponent. A base of 0 is 1 under the logarithm: its powers stay 0."""
    if not isinstance(x1, (int, float)):
        return grad_y * y * np.log(x1 + (x1 == 0))
    if x1 == 0:
        return None
    if x1 < 0:
        return grad_y * np.nan
    return grad_y * y * math.log(x1)


def hypot_of_coordinates(*coordinates: Any) -> Any:
    """`math.hypot` of other than two."""
    total = 0.0
    for i, x in enumerate(coordinates):
        total = math.hypot(total, x) if i else abs(float(x))
    return total


@gate(
    np.hypot,
    math.hypot,
    means=lambda args, kwargs: None if len(args) == 2 or kwargs else hypot_of_coordinates,
    squared=squares.of_hypot,
    dims=broadcast_dims,
    numbers=Numbers(sign=ZERO | POSITIVE, steep=True, pointwise=True),
    examples=[
        example(real(), real()),
        example(real(3), real(3)),
        example(real(2, 3), 1.5),
        example(real(2, 1), real(3)),
    ],
)
def hypot(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    return safe_divide(grad_y * x1, y), safe_divide(grad_y * x2, y)


def written_as_division(to: Text, upstream: Any, denominator: Any) -> str:
    """Python's own division raises for a zero, NumPy's would give NaN."""
    types = (to.result, *(x.type for x in (upstream, denominator) if is_value(x)))
    return "upstream / denominator" if all(map(is_python_number, types)) else ""


GUARDED = Numbers(steep=True, saturates=(1,), zeros=PARTS, pointwise=True)
QUOTIENTS = [
    example(real(), real(low=0.5)),
    example(real(3), real(3, low=0.5)),
    example(real(2, 3), real(low=0.5)),
    example(real(2, 1), real(3, low=0.5)),
]


@gate(
    safe_divide,
    kind=Kind.QUOTIENT,
    name="safe_divide",
    dims=broadcast_dims,
    python=safe_divide,
    written=written_as_division,
    numbers=GUARDED,
    examples=QUOTIENTS,
)
def safe_divide_(grad_y: Any, y: Any, upstream: Any, denominator: Any) -> Any:
    """Where nothing is divided, the denominator does not matter, be its tangent infinite."""
    grad_denominator = -safe_divide(grad_y * y, denominator)
    if np.ndim(y) > 0:
        grad_denominator = -safe_divide(np.where(y != 0, grad_y, 0.0) * y, denominator)
    return safe_divide(grad_y, denominator), grad_denominator


@gate(
    share,
    name="share",
    dims=broadcast_dims,
    python=share,
    numbers=GUARDED,
    examples=QUOTIENTS,
)
def share_(grad_y: Any, y: Any, part: Any, whole: Any) -> Any:
    return share(grad_y, whole), -share(grad_y * y, whole)


@gate(
    square_of_root,
    name="square of a root",
    singular=True,
    numbers=Numbers(sign=ZERO | POSITIVE, pointwise=True, undefined=NEGATIVE, pole=0, pole_at=NEGATIVE),
    dims=lambda facts, x, root: root.type.dims if hasattr(root, "type") else (),
    examples=[],
)
def root_squared(grad_y: Any, x: Any, root: Any) -> Any:
    return np.where(x < 0, np.nan, grad_y), None


known(real_power, power_or_nan, number_or_nan)
