"""A little knowledge of numbers: which denominators are not zero, what stays finite, what may be Python's.

Imports the IR and the gate table.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Container, Mapping

import numpy as np

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Structure, Value, leaves
from revcompile.ir.types import Array, Scalar

_POSITIVE = frozenset({np.exp, np.exp2, np.cosh, math.exp, math.cosh})
_KEEPS_SIGN = frozenset({np.sum, np.mean, np.max, np.min, np.sqrt, math.sqrt, np.expand_dims, np.reshape})
_SUMS = frozenset({operator.add, np.add})
_PRODUCTS = frozenset({operator.mul, np.multiply})
UNKNOWN, NOT_NEGATIVE, POSITIVE = range(3)


_SQUARES = frozenset({np.square, abs, np.absolute, np.sqrt, math.sqrt})
# What gives NaN outside its domain, though its rule takes care of the domain's edge.
_PARTIAL = frozenset({np.sqrt, math.sqrt, np.arcsin, math.asin, np.arccos, math.acos, np.arccosh, math.acosh})


_POWERS = frozenset({operator.pow, np.power, np.float_power, pow, math.pow})


def _is_whole(exponent: Structure) -> bool:
    return type(exponent) in (int, float) and float(exponent).is_integer()


def is_regular(name: str, args: tuple[Structure, ...], definitions: Mapping[Value, Apply]) -> bool:
    """Whether a singular gate stays clear of its singularity: a quotient whose denominator is never zero."""
    if name == "log":
        return at_least_one(args[0], definitions) or never_zero(args[0], definitions)
    return (name == "div" and never_zero(args[1], definitions)) or (
        name == "pow" and isinstance(args[0], Value) and never_zero(args[0], definitions)
    )


def may_be_infinite(atom: Structure, definitions: Mapping[Value, Apply], known: dict[Value, bool]) -> bool:
    """Whether a value of the forward pass can be infinite or NaN where the function's arguments are finite.

    Overflow apart. `known` keeps what was found out.
    """
    if not isinstance(atom, Value) or (atom not in known and atom not in definitions):
        return False
    if atom not in known:
        made = definitions[atom]
        gate = TABLE[made.function]
        if made.function in _PARTIAL or (made.function in _POWERS and not _is_whole(made.args[1])):
            own = not not_negative(made.args[0], definitions)
            own = own or (gate.is_singular(made.args) and not is_regular(gate.name, made.args, definitions))
        else:
            own = gate.is_singular(made.args) and not is_regular(gate.name, made.args, definitions)
        known[atom] = gate.carries_gradient and (
            own or any(may_be_infinite(a, definitions, known) for a in leaves(made.args))
        )
    return known[atom]


def never_zero(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    """Whether an atom is positive, or a number that is not zero (underflow apart)."""
    if not isinstance(atom, Value):
        return type(atom) in (int, float) and atom != 0
    return _sign(atom, definitions) == POSITIVE


def not_negative(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    """Whether an atom is a square, a sum of squares or the like."""
    return _sign(atom, definitions) >= NOT_NEGATIVE


def _sign(atom: Structure, definitions: Mapping[Value, Apply], depth: int = 10) -> int:
    if not isinstance(atom, Value):
        if type(atom) not in (int, float) or not atom >= 0:
            return UNKNOWN
        return POSITIVE if atom > 0 else NOT_NEGATIVE
    made = definitions.get(atom)
    if made is None or depth == 0:
        return UNKNOWN
    if made.function in _POSITIVE:
        return POSITIVE
    if made.function in _KEEPS_SIGN:
        of_argument = _sign(made.args[0], definitions, depth - 1)
        return NOT_NEGATIVE if of_argument == UNKNOWN and made.function in _SQUARES else of_argument
    if made.function in _SQUARES:
        return NOT_NEGATIVE
    if made.function in (operator.pow, np.power):
        return NOT_NEGATIVE if type(made.args[1]) is int and made.args[1] % 2 == 0 else UNKNOWN
    if made.function in _PRODUCTS and made.args[0] is made.args[1]:
        return NOT_NEGATIVE
    if made.function in _SUMS or made.function in _PRODUCTS:
        a, b = (_sign(x, definitions, depth - 1) for x in made.args)
        if UNKNOWN in (a, b):
            return UNKNOWN
        return max(a, b) if made.function in _SUMS else min(a, b)
    return UNKNOWN


def at_least_one(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    """Whether a sum has a term exp(0): `sum(exp(x - max(x)))` over the axes of that maximum."""
    if not isinstance(atom, Value):
        return False
    total = definitions.get(atom)
    if total is None or total.function is not np.sum or total.args[4] is not True:
        return False
    powers = definitions.get(total.args[0]) if isinstance(total.args[0], Value) else None
    shifted = definitions.get(powers.args[0]) if powers is not None and powers.function is np.exp else None
    if (
        shifted is None
        or shifted.function not in (operator.sub, np.subtract)
        or not isinstance(shifted.args[1], Value)
    ):
        return False
    x, m = shifted.args
    largest = definitions.get(m)
    if largest is None or largest.function is not np.max or largest.args[0] is not x:
        return False
    axis, keepdims = largest.args[1:3]
    return axis == total.args[1] and (axis is None or axis == 0 or keepdims is True)


def may_be_python(x: Structure, definitions: Mapping[Value, Apply], given: Container[Value]) -> bool:
    """Whether what has the type of a NumPy scalar may be a Python number: the zero that a loop or a branch
    began with, or what is computed from such numbers alone. What is `given` is what its type says.
    """
    seen: set[Value] = set()
    ahead = [x]
    while ahead:
        x = ahead.pop()
        t = x.type if isinstance(x, Value) else None
        if isinstance(x, np.generic) or isinstance(t, Array):
            return False
        if not isinstance(x, Value) or x in seen or (isinstance(t, Scalar) and t.python):
            continue
        seen.add(x)
        made = definitions.get(x)
        if x in given or (made is not None and isinstance(made.function, type)):  # a cast
            return False
        ahead.extend(made.args if made is not None else ())
    return True
