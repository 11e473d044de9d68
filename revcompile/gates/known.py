"""Operations whose result carries no gradient: comparisons, logic, rounding. Imports the gate table.

Those that search or sort are registered with their families.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from revcompile.errors import an, host
from revcompile.gates.axes import broadcast_dims, dims_of
from revcompile.gates.numbers import Numbers
from revcompile.gates.record import Gate
from revcompile.gates.table import known, register
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Array, Dim, Scalar


def one(x: Any, /) -> None:
    """The signature of a conversion; `int(text, base)` is not one."""


def rounding(a: Any, decimals: int = 0) -> None:
    """The signature of NumPy's rounding, without `out`."""


BOTH = ("a", "b")  # the operands of an operator: reading them off the function takes Python longer
for function, symbol, mirrored in (
    (operator.lt, "<", "gt"),
    (operator.le, "<=", "ge"),
    (operator.eq, "==", "eq"),
    (operator.ne, "!=", "ne"),
    (operator.gt, ">", "lt"),
    (operator.ge, ">=", "le"),
):
    known(function, signature=BOTH, dims=broadcast_dims, symbol=symbol, mirrored=mirrored, tests=True)
known(np.less, np.less_equal, np.equal, np.not_equal, np.greater, np.greater_equal, dims=broadcast_dims)
known(np.array_equal, np.allclose, np.isclose, math.isclose)

known(operator.not_, symbol="not x", tests=True)
known(operator.and_, signature=BOTH, symbol="&")
known(operator.or_, signature=BOTH, symbol="|")
known(operator.xor, signature=BOTH, symbol="^")
known(operator.invert, symbol="~x")
known(np.logical_not, np.logical_and, np.logical_or, np.logical_xor)
known(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert)
known(operator.lshift, signature=BOTH, symbol="<<")
known(operator.rshift, signature=BOTH, symbol=">>")
known(np.left_shift, np.right_shift)
known(any, all)

known(np.isnan, np.isinf, np.isfinite, math.isnan, math.isinf, math.isfinite, numbers=Numbers(asks=True))
known(np.signbit)

known(np.sign, np.floor, np.ceil, np.trunc, np.rint, math.floor, math.ceil, math.trunc, round)
known(np.round, np.around, methods=["round"], signature=rounding)
known(np.fix, int, bool, signature=one)
known(operator.floordiv, signature=BOTH, symbol="//", cheap=True, raises=True)
known(np.floor_divide)


# How many elements are not zero is known at run time only.
def nonzero_dims(facts: Facts, a: Any) -> tuple[tuple[Dim, ...], ...]:
    return ((facts.fresh(),),) * max(len(dims_of(facts, a)), 1)


def flatnonzero_dims(facts: Facts, a: Any) -> tuple[Dim, ...]:
    return (facts.fresh(),)


def argwhere_dims(facts: Facts, a: Any) -> tuple[Dim, ...]:
    return facts.fresh(), Dim(size=len(dims_of(facts, a)))


known(np.nonzero, methods=["nonzero"], dims=nonzero_dims)
known(np.flatnonzero, dims=flatnonzero_dims)
known(np.argwhere, dims=argwhere_dims)


def as_it_is(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Stands for the call of a function without a rule on arguments that are known while compiling."""
    return function(*args, **options)


def type_of_result(facts: Facts, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    with host():
        outcome = function(*args, **options)
    return _type_of(outcome)


def _type_of(outcome: Any) -> Any:
    if isinstance(outcome, (tuple, list)):
        return tuple(map(_type_of, outcome))
    if isinstance(outcome, np.ndarray):
        return Array(outcome.dtype, tuple(Dim(size=n) for n in outcome.shape))
    if isinstance(outcome, (bool, int, float, complex)):
        return Scalar(np.dtype(type(outcome)), python=True)
    if isinstance(outcome, np.generic):
        return Scalar(outcome.dtype)
    raise NotImplementedError(f"a call that gives {an(type(outcome).__name__)}")


register(Gate("call", (as_it_is,), as_it_is, types=type_of_result, written="function(*args, **options)"))
