"""A little knowledge of numbers: what may be Python's, or of fewer bits. Imports the IR and the gates."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np

from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Function, Structure, Value, leaves
from revcompile.ir.types import Array, Scalar, Type


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


def has_narrow(function: Function) -> bool:
    """Whether there is a float of fewer bits than Python's in a function."""
    return any(0 < _bits_of(t) < 64 for t in function.types)


def may_be_narrow(x: Structure, definitions: Mapping[Value, Apply], given: Container[Value]) -> bool:
    """Whether what has 64 bits by its type may have fewer: what a branch or a loop gives that has them on one
    way, and what is computed of such things alone. What is `given` is what its type says.
    """
    if _bits(x) < 64:
        return False
    seen: set[Structure] = set()
    ahead = [x]
    while ahead:
        x = ahead.pop()
        if _bits(x) < 64 or x in seen:
            continue
        seen.add(x)
        if x in given:
            return False
        made = definitions.get(x)
        gate = TABLE[made.function] if made is not None else None
        if made is None or gate is None or gate.kind is Kind.CALL:
            continue
        operands = [v for v in leaves(made.args[:1] if gate.writes else made.args) if _bits(v)]
        if gate.casts or not operands:
            return False
        ahead.extend(operands)
    return True


def _bits(x: Structure) -> int:
    """Of a run-time float of NumPy's, or of an array of them: how many each has. 0 of anything else."""
    return _bits_of(x.type) if isinstance(x, Value) else 0


def _bits_of(t: Type) -> int:
    if not isinstance(t, (Array, Scalar)) or t.dtype.kind != "f" or getattr(t, "python", False):
        return 0
    return 8 * t.dtype.itemsize
