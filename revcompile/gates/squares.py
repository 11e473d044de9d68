"""The square of a root: of a norm, of an absolute value. It is smooth where the root is not.

Each function here is the fact `squared` of a gate. It takes the application of the root, whether its operand
may be negative, and `emit(type, function, *args)`, and gives the square: None where that is no other's.
Imports the IR and the gate table.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Value
from revcompile.ir.types import Array, Scalar, is_float
from revcompile.runtime import square_of_root

Emit = Callable[..., Value]


def of_abs(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    (x,) = s.args
    t = s.result.type
    if not isinstance(x, Value) or not is_float(x.type):
        return None
    square = emit(x.type, operator.mul, x, x)
    if isinstance(t, Scalar) and t != x.type:  # `math.fabs` gives Python's number, `np.fabs` NumPy's
        return emit(t, float if t.python else t.dtype.type, square)
    return square


def of_sqrt(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    (x,) = s.args
    if not isinstance(x, Value) or not is_float(x.type):
        return None
    if x.type == s.result.type and not may_be_negative:
        return x
    return emit(s.result.type, square_of_root, x, s.result)


def of_hypot(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    t = s.result.type
    if any(x.type != t if isinstance(x, Value) else type(x) is not float for x in s.args):
        return None
    a, b = (emit(t, operator.mul, x, x) if isinstance(x, Value) else x * x for x in s.args)
    return emit(t, operator.add, a, b)


def of_std(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    return emit(s.result.type, np.var, *s.args)


def of_norm(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    x, ord, axis, keepdims = s.args
    is_vector = len(x.type.dims) == 1 or isinstance(axis, int)
    return _sum_of_squares(s, emit, axis, keepdims) if _is_euclidean(ord, is_vector) else None


def of_vector_norm(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    _, axis, keepdims, ord = s.args
    return _sum_of_squares(s, emit, axis, keepdims) if _is_euclidean(ord, True) else None


def of_matrix_norm(s: Apply, may_be_negative: bool, emit: Emit) -> Value | None:
    x, keepdims, ord = s.args
    is_vector = len(x.type.dims) == 1
    return _sum_of_squares(s, emit, (-2, -1), keepdims) if _is_euclidean(ord, is_vector) else None


def _is_euclidean(ord: Any, is_vector: bool) -> bool:
    return ord is None or ord in ("fro", "f") or (ord == 2 and is_vector)


def _sum_of_squares(s: Apply, emit: Emit, axis: Any, keepdims: Any) -> Value | None:
    x = s.args[0]
    if not isinstance(x, Value) or not isinstance(x.type, Array) or x.type.dtype != s.result.type.dtype:
        return None
    squares = emit(x.type, operator.mul, x, x)
    args = TABLE[np.sum].bind((squares,), {"axis": axis, "keepdims": keepdims})
    return emit(s.result.type, np.sum, *args)
