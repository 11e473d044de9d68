"""Functions that choose among their operands: max, min, clip, where; Python's max, min, sum, float.

A tie shares the gradient equally. `a > b` and `a >= b`, half the gradient each, do that without a
special case, keep the dtype, and are right for infinite operands. Imports NumPy and the gate table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.gates.axes import broadcast_dims
from revcompile.gates.compositions import when_given
from revcompile.gates.numbers import (
    CHOSEN,
    LOST,
    PARTS,
    Numbers,
    same_sign,
    sign_of_larger,
    sign_of_smaller,
)
from revcompile.gates.samples import example, real
from revcompile.gates.shape import METHOD_ADAPTERS
from revcompile.gates.table import elementwise, gate, known
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import Facts
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Dim, Scalar
from revcompile.runtime import step

UNSET: Any = np._NoValue

PAIRS = [
    example(real(), real()),
    example(real(), 0.0),
    example(real(5), 0),
    example(0.0, real(2, 3)),
    example(real(5), 0.5),
    example(real(3), real(3)),
    example(real(2, 1), real(3)),
    example(real(2, 3), real()),
]


# -- two operands --------------------------------------------------------------------------------


def is_zero(x: Any) -> bool:
    """Whether an operand is the number 0, known while compiling."""
    return isinstance(x, (int, float)) and x == 0


def to_larger(grad_y: Any, x1: Any, x2: Any) -> Any:
    """`grad_y` where x1 > x2, nothing where x1 < x2, half of it at a tie."""
    if is_number_of_python(x1) and is_number_of_python(x2):
        whole = float(grad_y)
        return whole if x1 > x2 else 0.0 if x1 < x2 else 0.5 * whole
    half = 0.5 * grad_y
    return half * (x1 > x2) + half * (x1 >= x2)


def is_number_of_python(x: Any) -> bool:
    return type(x) is float or type(x) is int


def share(grad_y: Any, x1: Any, x2: Any) -> Any:
    """`grad_y` split between x1 and x2: the larger one gets it. Against a 0 (relu), a step does that."""
    if is_zero(x2) and np.ndim(x1) > 0:
        return grad_y * step(x1), grad_y * step(-x1)
    if is_zero(x1) and np.ndim(x2) > 0:
        return grad_y * step(-x2), grad_y * step(x2)
    grad_x1 = to_larger(grad_y, x1, x2)
    if is_number_of_python(x1) and is_number_of_python(x2):
        return grad_x1, to_larger(grad_y, x2, x1)
    return grad_x1, grad_y - grad_x1


def by_product(*args: Any) -> bool:
    """Whether what loses gets zero times the gradient: of two numbers of Python's, it gets zero."""
    return not (len(args) == 2 and all(map(is_of_python, args)))


def is_of_python(x: Any) -> bool:
    t = getattr(x, "type", None)
    return isinstance(t, Scalar) and t.python if t is not None else type(x) in (int, float)


OF_LARGER = Numbers(sign=sign_of_larger, zeros=LOST, chooses=by_product, at_least=0, pointwise=True)
OF_SMALLER = Numbers(sign=sign_of_smaller, zeros=LOST, chooses=by_product, pointwise=True)


@gate(np.maximum, name="max", dims=broadcast_dims, numbers=OF_LARGER, examples=PAIRS)
def maximum(grad_y: Any, x1: Any, x2: Any) -> Any:
    return share(grad_y, x1, x2)


@gate(np.minimum, name="min", dims=broadcast_dims, numbers=OF_SMALLER, examples=PAIRS)
def minimum(grad_y: Any, x1: Any, x2: Any) -> Any:
    return share(grad_y, x2, x1)


def share_chosen(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    """`grad_y` split between x1 and x2: the one that the result equals gets it; a NaN that lost, nothing."""
    half = 0.5 * grad_y
    grad_x1 = half * (y == x1) + half * (y != x2)
    return grad_x1, grad_y - grad_x1


@gate(np.fmax, name="max", dims=broadcast_dims, numbers=replace(OF_LARGER, asks=True), examples=PAIRS)
def fmax(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    return share_chosen(grad_y, y, x1, x2)


@gate(np.fmin, name="min", dims=broadcast_dims, numbers=replace(OF_SMALLER, asks=True), examples=PAIRS)
def fmin(grad_y: Any, y: Any, x1: Any, x2: Any) -> Any:
    return share_chosen(grad_y, y, x1, x2)


known(step)  # its derivative is zero wherever it has one
elementwise("copysign", (np.copysign, math.copysign), a="np.sign(a) * np.copysign(1.0, b)", b="0")
elementwise("heaviside", np.heaviside, numbers=Numbers(zeros=PARTS), a="0", b="a == 0")


# -- clip ----------------------------------------------------------------------------------------


def sign_of_clipped(args: Any, a: int, low: int, high: int, minimum: int, maximum: int) -> int:
    """Of `a` between bounds, of which each may not be there."""
    for bound, sign, of in zip(args[1:], (low, high, minimum, maximum), (0, 1, 0, 1), strict=True):
        if bound is not None and bound is not UNSET:
            a = sign_of_smaller((), a, sign) if of else sign_of_larger((), a, sign)
    return a


def is_number(x: Any) -> bool:
    return isinstance(x, (int, float)) and math.isfinite(x)


def minus(a: Any, number: Any) -> Any:
    return a if number == 0 else a - number


@gate(
    np.clip,
    dims=broadcast_dims,
    numbers=Numbers(sign=sign_of_clipped, zeros=LOST, chooses=True, pointwise=True),
    examples=[
        example(real(5), -0.9, 0.8),
        example(real(2, 3), 0, 1),
        example(real(), -0.9, 0.8),
        example(real(5), 0.1, None),
        example(real(5), 0, None),
        example(real(5), None, 0.1),
        example(real(5), -np.inf, 0.1),
        example(real(5), 0.5, -0.5),
        example(real(5), real(5), real(5)),
        example(real(2, 3), real(3), 0.5),
        example(real(2, 3), None, real(2, 1)),
        example(real(), real(), real()),
    ],
)
def clip(
    grad_y: Any, a: Any, a_min: Any = UNSET, a_max: Any = UNSET, *, min: Any = UNSET, max: Any = UNSET
) -> Any:
    """The gradient of `minimum(maximum(a, low), high)`: at a bound, `a` gets half of it."""
    low = min if a_min is UNSET else a_min
    high = max if a_max is UNSET else a_max
    low = None if low is UNSET else low
    high = None if high is UNSET else high
    grad_a, grad_low, grad_high = clip_between(grad_y, a, low, high)
    return grad_a, grad_low, grad_high, grad_low, grad_high


def clip_between(grad_y: Any, a: Any, low: Any, high: Any) -> Any:
    if is_number(low) and is_number(high) and low < high and np.ndim(a) > 0:
        grad_a = 0.5 * grad_y * (np.sign(minus(a, low)) - np.sign(minus(a, high)))
        return grad_a, to_larger(grad_y, low, a), to_larger(grad_y, a, high)
    grad_low = grad_high = None
    grad_a = grad_y
    if high is not None:
        raised = a if low is None else np.maximum(a, low)
        grad_a, grad_high = share(grad_a, high, raised)
    if low is not None:
        grad_a, grad_low = share(grad_a, a, low)
    return grad_a, grad_low, grad_high


def clip_method(
    min: Any = None, max: Any = None, out: Any = None
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """`x.clip(0)` as a call of `np.clip`, which wants both bounds."""
    return np.clip, (min, max), {} if out is None else {"out": out}


METHOD_ADAPTERS["clip"] = clip_method


# -- conditions ----------------------------------------------------------------------------------

CONDITION = np.array([[True, False, True], [False, False, True]])


def sign_of_where(args: Any, condition: int, x1: int, x2: int) -> int:
    return x1 | x2


def places(condition: Any) -> Any:
    """`np.where(condition)`"""
    return np.nonzero(condition)


@gate(
    np.where,
    means=lambda args, kwargs: places if len(args) + len(kwargs) == 1 else None,
    kind=Kind.CHOICE,
    dims=broadcast_dims,
    numbers=Numbers(sign=sign_of_where, zeros=CHOSEN, passes=True, condition=0, pointwise=True),
    examples=[
        example(True, real(), real()),
        example(CONDITION, real(2, 3), real(2, 3)),
        example(CONDITION, real(3), real(2, 1)),
        example(CONDITION[0], real(2, 3), 0.0),
        example(CONDITION, real(), real()),
    ],
)
def where(grad_y: Any, condition: Any, x1: Any, x2: Any) -> Any:
    """Not a product with the condition: an infinite `grad_y` must not make NaN of a branch not taken."""
    return None, np.where(condition, grad_y, 0.0), np.where(condition, 0.0, grad_y)


def select_dims(facts: Facts, condlist: Any, choicelist: Any, default: Any = 0) -> tuple[Dim, ...]:
    return broadcast_dims(facts, condlist, choicelist, default)


def select_of_rows(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    return np.select(list(condlist), list(choicelist), default)


@gate(
    np.select,
    means=lambda args, kwargs: (
        None if all(isinstance(x, (list, tuple)) for x in args[:2]) else select_of_rows
    ),
    dims=select_dims,
    numbers=Numbers(zeros=CHOSEN, passes=True, pointwise=True),
    examples=[
        example([CONDITION], [real(2, 3)]),
        example([CONDITION, ~CONDITION[:1]], [real(2, 3), real(3)], real()),
        example([CONDITION, CONDITION, ~CONDITION], [real(2, 3), real(2, 3), real(2, 3)], default=0.5),
    ],
)
def select(grad_y: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first condition that holds takes its share of `grad_y`; what is left is the others'."""
    grad_choicelist = []
    for condition in condlist:
        grad_choicelist = [*grad_choicelist, np.where(condition, grad_y, 0.0)]
        grad_y = np.where(condition, 0.0, grad_y)
    return None, grad_choicelist, grad_y


def nan_to_num_in_place(x: Any, copy: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Without a copy: into the array itself."""
    found = np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
    if copy or not isinstance(x, np.ndarray):
        return found
    x[...] = found
    return x


@gate(
    np.nan_to_num,
    means=when_given(nan_to_num_in_place, "copy"),
    numbers=Numbers(zeros=CHOSEN, passes=True, asks=True, pointwise=True),
    examples=[
        example(real()),
        example(real(5)),
        example(real(2, 3), nan=1.0, posinf=2.0),
    ],
)
def nan_to_num(grad_y: Any, x: Any, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    grad_x = np.where(np.isfinite(x), grad_y, 0.0)
    above = None if posinf is None else np.where(np.equal(x, np.inf), grad_y, 0.0)
    below = None if neginf is None else np.where(np.equal(x, -np.inf), grad_y, 0.0)
    return grad_x, np.where(np.isnan(x), grad_y, 0.0), above, below


# -- Python's own --------------------------------------------------------------------------------

SCALARS = [
    example(real(), 0.0),
    example(0.0, real()),
    example(real(), real()),
    example(real(), real(), real(), 0.5),
    example([real(), real(), real()]),
    example((real(),)),
    example(real(4)),
]


@gate(
    max,
    name="max",
    picks=True,
    extreme=True,
    numbers=Numbers(zeros=LOST, chooses=by_product),
    examples=SCALARS,
)
def max_(grad_y: Any, y: Any, *args: Any) -> Any:
    if len(args) == 2 and is_number_of_python(args[0]) and is_number_of_python(args[1]):
        return list(routed(grad_y, args[0], args[1]))
    return extremum(grad_y, y, args)


@gate(
    min,
    name="min",
    picks=True,
    extreme=True,
    numbers=Numbers(zeros=LOST, chooses=by_product),
    examples=SCALARS,
)
def min_(grad_y: Any, y: Any, *args: Any) -> Any:
    if len(args) == 2 and is_number_of_python(args[0]) and is_number_of_python(args[1]):
        return list(routed_down(grad_y, args[0], args[1]))
    return extremum(grad_y, y, args)


def routed(grad_y: Any, x1: Any, x2: Any) -> Any:
    """The gradients of Python's `max(x1, x2)`: x2 is chosen if it is larger, else x1, a NaN included."""
    whole = float(grad_y)
    grad_x1 = 0.0 if x1 < x2 else whole if x1 != x2 else 0.5 * whole
    grad_x2 = whole if x1 < x2 else 0.5 * whole if x1 == x2 else 0.0
    return grad_x1, grad_x2


def routed_down(grad_y: Any, x1: Any, x2: Any) -> Any:
    """The same for `min(x1, x2)`."""
    whole = float(grad_y)
    grad_x1 = 0.0 if x1 > x2 else whole if x1 != x2 else 0.5 * whole
    grad_x2 = whole if x1 > x2 else 0.5 * whole if x1 == x2 else 0.0
    return grad_x1, grad_x2


def extremum(grad_y: Any, y: Any, args: Any) -> Any:
    """The gradient of `max(*args)`: what equals the result shares it. Of an iterable, in its structure."""
    if len(args) > 1:
        return share_equally(grad_y, y, args)
    if isinstance(args[0], (list, tuple)):
        return [share_equally(grad_y, y, args[0])]
    equal = args[0] == y
    return [grad_y * equal / np.sum(equal)]


def share_equally(grad_y: Any, y: Any, operands: Any) -> Any:
    if len(operands) == 2:
        return list(share_chosen(grad_y, y, operands[0], operands[1]))
    count = 0
    for x in operands:
        count = count + (x == y)
    return [grad_y * (x == y) / count for x in operands]


@gate(
    sum,
    name="sum",
    examples=[
        example([real(), real(), real()]),
        example([real(), real()], 1.5),
        example((real(3), real(2, 3)), real()),
        example(real(4)),
        example(real(3, 2), real(2)),
        example(real(4), real(2)),
        example(real(3, 1), real(2, 2)),
    ],
)
def sum_(grad_y: Any, iterable: Any, start: Any = 0) -> Any:
    if isinstance(iterable, (list, tuple)):
        return [grad_y for x in iterable], grad_y
    if np.ndim(start) == 0:
        return np.broadcast_to(grad_y, np.shape(iterable)), grad_y
    row = np.sum(grad_y, tuple(range(np.ndim(grad_y) - np.ndim(iterable) + 1)))  # each is stretched alike
    return np.broadcast_to(row, (np.shape(iterable)[0], *np.shape(row))), grad_y


@gate(
    float,
    name="float",
    kind=Kind.FLOAT,
    cheap=True,
    casts=True,
    odd=True,
    numbers=Numbers(sign=same_sign),
    examples=[example(real())],
)
def float_(grad_y: Any, x: Any) -> Any:
    return grad_y
