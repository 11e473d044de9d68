"""An even power of a root is differentiated as that of what stands under the root, which is smooth.

Before:                              After:
    r = np.linalg.norm(x)                y = np.sum(x * x)
    y = r ** 2

So is the root of a variance that of `std`, which has a gradient where all elements are equal.
The gradient of a norm at 0 is 0 by convention, and with it the Hessian of its square would be 0 there, not 2.
The square is computed where the root was. Imports the IR, the gates, `dataflow/signs`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import NamedTuple

from revcompile.dataflow.signs import Signs
from revcompile.gates.numbers import NEGATIVE
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Function, Statement, Structure, Value, applications
from revcompile.ir.types import FLOAT, Scalar, Type, is_float
from revcompile.passes.walk import Walk

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
    known = {v: by for v, s in made.items() if (by := _known_root(s, made)) is not None}
    if not roots and not known:
        return function
    squares: dict[Value, Value] = {}
    signs = Signs()
    signs.block(function.body)
    hints = function.table.hints

    def visit(s: Apply, out: list[Statement]) -> Structure | None:
        def emit(t: Type, function: Callable[..., Structure], *args: Structure) -> Value:
            value = Value(t)
            out.append(Apply(function, args, value, s.line, s.note))
            return value

        if not isinstance(s.result, Value):
            return None
        if s.result in known and s.result not in roots:
            by = known[s.result]
            root = emit(by.result.type, _root_of(by), *walk.atom(by.args))
            if s.result in hints:
                hints[root] = hints[s.result]
            return root if s.result.type == root.type else emit(s.result.type, float, root)
        if s.result in roots:
            out.append(s)
            write = TABLE[s.function].squared
            may_be_negative = bool(signs.of(s.args[0]) & NEGATIVE)
            square = write(s, may_be_negative, emit) if write is not None else None
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
        if square not in hints and s.result in hints:
            hints[square] = hints[s.result]
        return square

    walk = Walk(visit, function.table)
    return walk.function(function)


def _power(s: Apply, made: Definitions) -> Power | None:
    """The even power of a root that an application computes, in the kind that the root has."""
    gate = TABLE[s.function]
    if gate.symbol == "*":
        power = _product(s.args, made)
    elif gate.power == 2 and isinstance(s.args[0], Value):
        power = Power(s.args[0], 2)
    elif gate.symbol == "**" and isinstance(s.args[0], Value) and _is_even(s.args[1]):
        power = Power(s.args[0], int(s.args[1]))
    else:
        return None
    by = made.get(power.root) if power is not None else None
    if power is None or by is None or not _is_root(by) or not is_float(power.root.type):
        return None
    return power if isinstance(s.result, Value) and s.result.type == power.root.type else None


def _known_root(s: Apply, made: Definitions) -> Apply | None:
    """What has a root of its own, where that is what an application computes: a variance."""
    gate = TABLE[s.function]
    if not (gate.symbol == "**" and s.args[1] == 0.5) and gate.power != 0.5:
        return None
    by = made.get(s.args[0]) if isinstance(s.args[0], Value) else None
    if by is None or TABLE[by.function].root is None or not isinstance(s.result, Value):
        return None
    as_float = s.result.type == FLOAT and isinstance(by.result.type, Scalar)
    return by if as_float or s.result.type == by.result.type else None


def _root_of(s: Apply) -> Callable[..., Structure]:
    root = TABLE[s.function].root
    assert root is not None
    return root


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
    if a is None or b is None or a.function is not b.function or not _is_root(a):
        return False
    return all(x is y or (not isinstance(x, Value) and x == y) for x, y in zip(a.args, b.args, strict=True))


def _is_root(s: Apply) -> bool:
    return TABLE[s.function].squared is not None


def _is_even(exponent: Structure) -> bool:
    return type(exponent) in (int, float) and exponent > 0 and exponent % 2 == 0
