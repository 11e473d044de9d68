"""NumPy functions of Python floats become `math` functions, which are five times faster on a number.

Before:                                  After:
    s0 = np.exp(x)                           s0 = math.exp(x)

Where `math` raises and NumPy gives inf or nan, the specialisation falls back to the unchanged text
(see `dispatch`); so this applies only to functions without effects, and without float32, whose
promotion tells a Python float from a NumPy scalar.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from revcompile.gates.effects import EFFECTS, backward_begins, identity
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Statement,
    Structure,
    Value,
    leaves,
    map_values,
    results,
    uses,
)
from revcompile.ir.types import Array, Scalar
from revcompile.passes.walk import Walk
from revcompile.runtime import over, sigmoid

AS_MATH: dict[Callable[..., Any], Callable[..., Any]] = {
    np.exp: math.exp, np.expm1: math.expm1, np.log: math.log, np.log2: math.log2, np.log10: math.log10,
    np.log1p: math.log1p, np.sqrt: math.sqrt, np.sin: math.sin, np.cos: math.cos, np.tan: math.tan,
    np.arcsin: math.asin, np.arccos: math.acos, np.arctan: math.atan, np.arctan2: math.atan2,
    np.sinh: math.sinh, np.cosh: math.cosh, np.tanh: math.tanh, np.arcsinh: math.asinh,
    np.arccosh: math.acosh, np.arctanh: math.atanh, np.hypot: math.hypot, np.fabs: math.fabs,
    np.absolute: abs, np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.negative: operator.neg, np.power: math.pow, np.float64: float,
    np.degrees: math.degrees, np.radians: math.radians, np.rad2deg: math.degrees, np.deg2rad: math.radians,
    np.copysign: math.copysign,
}  # fmt: skip
ARITHMETIC = frozenset({operator.add, operator.sub, operator.mul, operator.truediv})
SAME = frozenset({identity, sigmoid, over, *AS_MATH.values(), operator.pos})


def applies(function: Function) -> bool:
    """Whether the function may run on `math`."""
    statements = list(_walk(function.body))
    if any(isinstance(s, Apply) and s.function in EFFECTS - {backward_begins} for s in statements):
        return False
    values = [v for p in function.parameters for v in leaves(p.structure)]
    values += [v for s in statements if isinstance(s, Apply) for v in leaves((s.args, s.result))]
    types = [v.type for v in values]
    if any(isinstance(t, (Scalar, Array)) and t.dtype.kind == "f" and t.dtype != float for t in types):
        return False
    return any(isinstance(t, Scalar) and t.python and t.dtype.kind == "f" for t in types)


def _walk(block: Block) -> Iterator[Statement]:
    for statement in block.statements:
        yield statement
        if isinstance(statement, Branch):
            yield from _walk(statement.then)
            yield from _walk(statement.orelse)


def use_math(function: Function, as_floats: bool) -> Function:
    """The function on `math`, with Python floats where NumPy scalars were.

    With `as_floats`, a rule's whole numbers (`1 - y`) become floats: Python adds those faster.
    """
    returned = set(leaves(function.body.yields[0][2]))

    def visit(statement: Apply, out: list[Statement]) -> Structure | None:
        if statement.function is np.float64 and statement.result in returned:
            return None  # a NumPy scalar for a NumPy scalar
        chosen = AS_MATH.get(statement.function)
        if chosen is None and statement.function in SAME:
            chosen = statement.function
        if chosen is operator.pow and not is_static(statement.args[1]):
            chosen = math.pow
        if chosen is None or not all(_is_python(a) for a in statement.args):
            return None
        result = statement.result
        if not isinstance(result.type, Scalar) or result.type.dtype.kind != "f":
            return None
        args = TABLE[chosen].bind(tuple(TABLE[statement.function].split(statement.args)[0]), {})
        if as_floats and statement.note and chosen in ARITHMETIC:
            args = tuple(float(a) if type(a) is int else a for a in args)
        new = Value(replace(result.type, python=True, extent=None), result.hint, result.of, result.fold)
        out.append(replace(statement, function=chosen, args=args, result=new))
        return new

    walk = Walk(visit)
    return _as_before(walk.function(function), function)


def _as_before(function: Function, before: Function) -> Function:
    """Gradients that were NumPy scalars are NumPy scalars still."""
    casts: list[Statement] = []
    ((value, aux, gradients),) = function.body.yields
    were = iter(leaves(before.body.yields[0][2]))

    def restore(gradient: Value) -> Value:
        was = next(were)
        if not _is_python(gradient) or _is_python(was):
            return gradient
        casts.append(Apply(np.float64, (gradient,), Value(was.type)))
        return casts[-1].result  # type: ignore[union-attr]

    gradients = map_values(restore, gradients)
    body = Block((*function.body.statements, *casts), ((value, aux, gradients),))
    return replace(function, body=body)


def is_static(structure: Structure) -> bool:
    return not isinstance(structure, Value)


def _is_python(atom: Structure) -> bool:
    if not isinstance(atom, Value):
        return type(atom) in (int, float)
    return isinstance(atom.type, Scalar) and atom.type.python and atom.type.dtype.kind in "fi"


def numpy_backward(function: Function) -> Function:
    """The function whose backward pass reads its Python floats as NumPy's, which never raise."""
    statements = list(function.body.statements)
    split = next(i for i, s in enumerate(statements) if isinstance(s, Apply) and s.function is backward_begins)
    read = [v for s in statements[split + 1 :] for v in uses(Block((s,)))]
    wrapped: dict[Value, Value] = {}
    casts: list[Statement] = []
    forward = {v for p in function.parameters for v in leaves(p.structure)}
    forward.update(v for s in statements[:split] for v in results(s))
    seed = statements[split + 1] if split + 1 < len(statements) else None
    if isinstance(seed, Apply) and seed.function is identity and seed.args == (1.0,):
        statements[split + 1] = replace(seed, function=np.float64)
    for value in dict.fromkeys(read):
        if value in forward and _is_python(value) and value.type.dtype.kind == "f":  # type: ignore[union-attr]
            wrapped[value] = Value(Scalar(np.dtype(float)), value.hint, value.of, fold=False)
            casts.append(Apply(np.float64, (value,), wrapped[value]))
    walk = Walk(lambda s, out: None)
    walk.replaced.update(wrapped)
    backward = walk.block(Block(tuple(statements[split + 1 :]), function.body.yields))
    body = Block((*statements[: split + 1], *casts, *backward.statements), backward.yields)
    return replace(function, body=body)

