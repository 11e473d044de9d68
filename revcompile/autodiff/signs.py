"""A little knowledge of signs: which denominators are not zero. Imports the IR."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping

import numpy as np

from revcompile.ir.nodes import Apply, Structure, Value

_POSITIVE = frozenset({np.exp, np.exp2, np.cosh, math.exp, math.cosh})
_KEEPS_SIGN = frozenset({np.sum, np.mean, np.max, np.min, np.sqrt, math.sqrt, np.expand_dims, np.reshape})
_SUMS = frozenset({operator.add, np.add, operator.mul, np.multiply})


def never_zero(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    """Whether an atom is positive, or a number that is not zero (underflow apart)."""
    if not isinstance(atom, Value):
        return type(atom) in (int, float) and atom != 0
    made = definitions.get(atom)
    if made is None:
        return False
    if made.function in _POSITIVE:
        return True
    if made.function in _KEEPS_SIGN:
        return isinstance(made.args[0], Value) and never_zero(made.args[0], definitions)
    if made.function in _SUMS:
        return all(_positive(a, definitions) for a in made.args)
    return False


def _positive(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    if not isinstance(atom, Value):
        return type(atom) in (int, float) and atom > 0
    return never_zero(atom, definitions)


def at_least_one(atom: Structure, definitions: Mapping[Value, Apply]) -> bool:
    """Whether a sum has a term exp(0): `sum(exp(x - max(x)))` over the axes of that maximum."""
    if not isinstance(atom, Value):
        return False
    total = definitions.get(atom)
    if total is None or total.function is not np.sum or total.args[4] is not True:
        return False
    powers = definitions.get(total.args[0]) if isinstance(total.args[0], Value) else None
    shifted = definitions.get(powers.args[0]) if powers is not None and powers.function is np.exp else None
    if shifted is None or shifted.function not in (operator.sub, np.subtract) or not isinstance(shifted.args[1], Value):
        return False
    x, m = shifted.args
    largest = definitions.get(m)
    if largest is None or largest.function is not np.max or largest.args[0] is not x:
        return False
    axis, keepdims = largest.args[1:3]
    return axis == total.args[1] and (axis is None or axis == 0 or keepdims is True)
