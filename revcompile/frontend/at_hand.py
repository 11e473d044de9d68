"""What a value is in the call for which the compiler runs, where that follows from its arguments at once.

Imports the IR and the gate table.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from revcompile.errors import module_of
from revcompile.frontend.arguments import origins_of
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.gates.foreign import TEXT
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Structure, Value, map_structure
from revcompile.ir.types import Array, Scalar, Type, is_float

UNKNOWN = object()


def value_of(low: Lowering, leaf: Structure) -> Any:
    """What a value is in this call of the function, as far as that follows from its arguments at once."""
    if isinstance(leaf, HostObject):
        return leaf.obj
    if not isinstance(leaf, Value):
        return leaf
    if leaf in low.values:
        return low.values[leaf]
    live = low.host.objects_of.get(leaf, UNKNOWN)
    if live is not UNKNOWN:
        return live
    made = low.builder.definitions.get(leaf)
    if made is None or not isinstance(made.result, Value) or not is_plain(made.function):
        return UNKNOWN
    args = map_structure(lambda a: value_of(low, a), made.args)
    if any(x is UNKNOWN for x in flat(args)):
        return UNKNOWN
    positional, keywords = TABLE[made.function].split(args)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            outcome = made.function(*positional, **keywords)
    except Exception:  # the program's own: it is raised when the program gets there
        return UNKNOWN
    low.values[leaf] = outcome
    return outcome


def is_plain(function: Any) -> bool:
    """Whether a statement's function can be run here, and changes nothing."""
    if isinstance(function, np.ufunc):
        return True
    module = module_of(function)
    gate = TABLE[function]
    if gate.of_shape:
        return True
    plain = module.partition(".")[0] in ("numpy", "math", "_operator", "builtins") or gate.locals is not None
    return plain and not module.startswith("numpy.random") and not getattr(function, "effects", False)


def flat(structure: Structure) -> list[Any]:
    found: list[Any] = []
    map_structure(found.append, structure)
    return found


def outcomes(low: Lowering, key: Any, pattern: Any) -> list[Any]:
    """What the call gave while compiling, leaf by leaf."""
    found = low.learning.outcomes.get(key, UNKNOWN)
    if found is UNKNOWN:
        return []
    out: list[Any] = []

    def walk(p: Any, x: Any) -> None:
        if isinstance(p, (tuple, list)):
            for inner, y in zip(p, x, strict=True):
                walk(inner, y)
        elif isinstance(p, Type):
            out.append(x)

    walk(pattern, found)
    return out


def is_constant(low: Lowering, value: Value) -> bool:
    """Whether a value certainly passes no gradient on to an argument."""
    outside = low.constants.union(low.host.values())
    ahead, seen = [low.memory.holding(value)], set()
    while ahead:
        v = ahead.pop()
        if v in seen or v in outside:
            continue
        seen.add(v)
        made = low.builder.definitions.get(v)
        if made is None:
            return False
        ahead.extend(smooth_inputs(v, made))
    return True


def is_varied(low: Lowering, value: Value) -> bool:
    """Whether a value certainly depends on an argument that is differentiated. (The plan knows the rest.)"""
    ahead, seen = [low.memory.holding(value)], set()
    while ahead:
        v = ahead.pop()
        if v in seen or v.type == TEXT:
            continue
        seen.add(v)
        if v in low.varied:
            return True
        made = low.builder.definitions.get(v)
        if made is not None:
            ahead.extend(smooth_inputs(v, made))
    return False


def may_vary(low: Lowering, value: Value) -> bool:
    """Whether a value may depend on an argument that is differentiated: on what a loop carries, for one."""
    given = low.constants.union(low.host.values(), (v for _, v in origins_of(low.needed.parameters, low)))
    ahead, seen = [low.memory.holding(value)], set()
    while ahead:
        v = ahead.pop()
        if v in seen or v.type == TEXT:
            continue
        seen.add(v)
        made = low.builder.definitions.get(v)
        is_whole = isinstance(v.type, (Array, Scalar)) and not is_float(v.type)
        if v in low.varied or (made is None and v not in given and not is_whole):
            return True
        if made is not None:
            ahead.extend(smooth_inputs(v, made))
    return False


def smooth_inputs(v: Value, made: Apply) -> list[Value]:
    """The operands of a statement that its result may follow smoothly: a whole number follows no float."""
    if not TABLE[made.function].carries_gradient:
        return []
    if isinstance(v.type, (Array, Scalar)) and not is_float(v.type):
        return [x for x in made.inputs if not is_float(x.type)]
    return list(made.inputs)
