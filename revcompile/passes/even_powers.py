"""An even power of a root is differentiated as that of what stands under the root, which is smooth.

Before:                              After:
    r = np.linalg.norm(x)                y = np.sum(x * x)
    y = r ** 2

The gradient of a norm at 0 is 0 by convention, and with it the Hessian of its square would be 0 there, not 2.
The square is computed where the root was. Imports the IR, the gates, `dataflow/signs`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from revcompile.dataflow.signs import Signs
from revcompile.gates.numbers import NEGATIVE
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Function, Statement, Structure, Value, applications
from revcompile.ir.types import Array, Scalar, Type, is_float
from revcompile.passes.walk import Walk
from revcompile.runtime import square_of_root

Definitions = Mapping[Value, Apply]
Emit = Callable[..., Value]  # emit(type, function, *args)


class Power(NamedTuple):
    """`factor * root ** exponent`."""

    root: Value
    exponent: int
    factor: Structure = None


def smooth_powers(function: Function) -> Function:
    """The function in which no even power of a root is computed by the root."""
    made = {v: s for s in applications(function.body) for v in s.outputs}
    powers = {v: p for v, s in made.items() if (p := _power(s, made)) is not None}
    roots = {p.root for p in powers.values()}
    if not roots:
        return function
    squares: dict[Value, Value] = {}
    signs = Signs()
    signs.block(function.body)

    def visit(s: Apply, out: list[Statement]) -> Structure | None:
        def emit(t: Type, function: Callable[..., Structure], *args: Structure) -> Value:
            value = Value(t)
            out.append(Apply(function, args, value, s.line, s.note))
            return value

        if s.result in roots:
            out.append(s)
            square = _square(s, signs, emit)
            if square is not None:
                squares[s.result] = square
            return s.result
        power = powers.get(s.result)
        if power is None or power.root not in squares:
            return None
        square = squares[power.root]
        if power.exponent > 2:
            square = emit(square.type, operator.pow, square, power.exponent // 2)
        if power.factor is not None:
            square = emit(square.type, operator.mul, walk.atom(power.factor), square)
        if square.hint is None:
            square.hint = s.result.hint
        return square

    walk = Walk(visit)
    return walk.function(function)


def _power(s: Apply, made: Definitions) -> Power | None:
    """The even power of a root that an application computes, in the kind that the root has."""
    symbol = TABLE[s.function].symbol
    if symbol == "*":
        power = _product(s.args, made)
    elif s.function is np.square and isinstance(s.args[0], Value):
        power = Power(s.args[0], 2)
    elif symbol == "**" and isinstance(s.args[0], Value) and _is_even(s.args[1]):
        power = Power(s.args[0], int(s.args[1]))
    else:
        return None
    by = made.get(power.root) if power is not None else None
    if power is None or by is None or by.function not in ROOTS or not is_float(power.root.type):
        return None
    return power if isinstance(s.result, Value) and s.result.type == power.root.type else None


def _product(factors: tuple[Structure, ...], made: Definitions) -> Power | None:
    """`root * root`, or with a factor, as `0.5 * root * root` is read."""
    for one, other in (factors, factors[::-1]):
        if not isinstance(one, Value) or not isinstance(other, Value):
            continue
        a, b = made.get(one), made.get(other)
        if one is other or _is_same(a, b):
            return Power(one, 2)
        if a is not None and TABLE[a.function].symbol == "*" and one.type == other.type and other in a.args:
            return Power(other, 2, a.args[a.args[0] is other])
    return None


def _is_same(a: Apply | None, b: Apply | None) -> bool:
    """Whether two applications of a root are of the same thing."""
    if a is None or b is None or a.function is not b.function or a.function not in ROOTS:
        return False
    return all(x is y or (not isinstance(x, Value) and x == y) for x, y in zip(a.args, b.args, strict=True))


def _is_even(exponent: Structure) -> bool:
    return type(exponent) in (int, float) and exponent > 0 and exponent % 2 == 0


# -- what the square of a root is: None where it is not another one's ------------------------------


def _square(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    return ROOTS[s.function](s, signs, emit)


def _of_abs(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    (x,) = s.args
    t = s.result.type
    if not isinstance(x, Value) or not is_float(x.type):
        return None
    square = emit(x.type, operator.mul, x, x)
    if isinstance(t, Scalar) and t != x.type:  # `math.fabs` gives Python's number, `np.fabs` NumPy's
        return emit(t, float if t.python else t.dtype.type, square)
    return square


def _of_sqrt(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    (x,) = s.args
    if not isinstance(x, Value) or not is_float(x.type):
        return None
    if x.type == s.result.type and not signs.of(x) & NEGATIVE:
        return x
    return emit(s.result.type, square_of_root, s.result, x)


def _of_norm(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    gate = TABLE[s.function]
    given = dict(zip(gate.signature.parameters, s.args, strict=True))
    x, ord = given["x"], given["ord"]
    axis = (-2, -1) if s.function is np.linalg.matrix_norm else given["axis"]
    if not isinstance(x, Value) or not isinstance(x.type, Array) or x.type.dtype != s.result.type.dtype:
        return None
    is_vector = s.function is np.linalg.vector_norm or len(x.type.dims) == 1 or isinstance(axis, int)
    if not (ord is None or ord in ("fro", "f") or (ord == 2 and is_vector)):
        return None
    squares = emit(x.type, operator.mul, x, x)
    args = TABLE[np.sum].bind((squares,), {"axis": axis, "keepdims": given["keepdims"]})
    return emit(s.result.type, np.sum, *args)


def _of_std(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    return emit(s.result.type, np.var, *s.args)


def _of_hypot(s: Apply, signs: Signs, emit: Emit) -> Value | None:
    t = s.result.type
    if any(x.type != t if isinstance(x, Value) else type(x) is not float for x in s.args):
        return None
    a, b = (emit(t, operator.mul, x, x) if isinstance(x, Value) else x * x for x in s.args)
    return emit(t, operator.add, a, b)


ROOTS: dict[Callable[..., object], Callable[[Apply, Signs, Emit], Value | None]] = {
    abs: _of_abs, operator.abs: _of_abs, np.absolute: _of_abs, np.fabs: _of_abs, math.fabs: _of_abs,
    np.sqrt: _of_sqrt, math.sqrt: _of_sqrt, np.std: _of_std, np.hypot: _of_hypot, math.hypot: _of_hypot,
    np.linalg.norm: _of_norm, np.linalg.vector_norm: _of_norm, np.linalg.matrix_norm: _of_norm,
}  # fmt: skip
