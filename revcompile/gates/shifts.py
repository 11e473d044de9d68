"""What a shift of a value by c does to what is computed of it.

A value that follows from one that is shifted is v + k c (shifted) or v * exp(k c) (scaled); where the shift
cancels, it is v. Every rule here is an identity of these; a gate's record names its own (`Gate.shift`), and
what has none is taken to depend on the shift. `autodiff/invariance.py` follows a shift through a program.
Imports the IR.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Dim, Scalar


@dataclass(frozen=True)
class Effect:
    """What a shift does to a value. `axes`: which axis of c runs along each axis (None: c is constant)."""

    kind: str  # "shifted" or "scaled"
    weight: float
    axes: tuple[int | None, ...]


class Effects(dict[Value, Effect]):
    """The values that follow from m; and how each value was made."""

    made: dict[Value, Apply]


class Depends(Exception):
    """The shift may matter."""


def trimmed(axes: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Without leading axes along which c is constant: they align by themselves."""
    while axes and axes[0] is None:
        axes = axes[1:]
    return axes


def _need(effect: Effect | None, kind: str) -> Effect:
    if effect is None or effect.kind != kind:
        raise Depends
    return effect


def _get(atom: Structure, effects: Effects) -> Effect | None:
    return effects.get(atom) if isinstance(atom, Value) else None


def _combine(a: Effect | None, b: Effect | None, kind: str, sign: float) -> Effect:
    """The effect on a sum or a difference of shifted values, on a product or a quotient of scaled ones."""
    if b is None:
        return _need(a, kind)
    _need(b, kind)
    if a is None:
        return replace(b, weight=sign * b.weight)
    _need(a, kind)
    if a.axes != b.axes:
        raise Depends
    return replace(a, weight=a.weight + sign * b.weight)


def additive(sign: float) -> Callable[[Apply, Effects], Effect]:
    return lambda s, effects: _combine(_get(s.args[0], effects), _get(s.args[1], effects), "shifted", sign)


def product(s: Apply, effects: Effects) -> Effect:
    a, b = (_get(x, effects) for x in s.args)
    for one, other in ((a, s.args[1]), (b, s.args[0])):
        if one is not None and one.kind == "shifted":  # a multiple of a shifted value
            if type(other) not in (int, float) or not math.isfinite(other):
                raise Depends
            return replace(one, weight=one.weight * other)
    return _combine(a, b, "scaled", 1.0)


def quotient(s: Apply, effects: Effects) -> Effect:
    a, b = (_get(x, effects) for x in s.args)
    if a is not None and a.kind == "shifted" and type(s.args[1]) in (int, float) and s.args[1] != 0:
        return replace(a, weight=a.weight / s.args[1])
    return _combine(a, b, "scaled", -1.0)


def negative(s: Apply, effects: Effects) -> Effect:
    effect = effects[s.args[0]]
    return replace(effect, weight=-effect.weight) if effect.kind == "shifted" else effect


def exponential(s: Apply, effects: Effects) -> Effect:
    return replace(_need(effects[s.args[0]], "shifted"), kind="scaled")


def logarithm(s: Apply, effects: Effects) -> Effect:
    return replace(_need(effects[s.args[0]], "scaled"), kind="shifted")


def same(s: Apply, effects: Effects) -> Effect:
    return effects[s.args[0]]


def sum_of(s: Apply, effects: Effects) -> Effect:
    """c comes out of a sum of scaled values, if it is constant along what is summed."""
    x, axis, dtype, keepdims, where = s.args
    if x not in effects or where is not True or dtype is not None:
        raise Depends
    return _reduced(_need(effects[x], "scaled"), x.type.dims, axis, keepdims)


def extreme(s: Apply, effects: Effects) -> Effect:
    """So does it come out of a maximum, of shifted values and of scaled ones."""
    axis, keepdims = s.args[1], s.args[2]
    return _reduced(effects[s.args[0]], s.args[0].type.dims, axis, keepdims)


def _reduced(effect: Effect, dims: tuple[Dim, ...], axis: Any, keepdims: Any) -> Effect:
    rank = len(dims)
    reduced = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    gone = {i % rank for i in reduced}
    axes = (None,) * (rank - len(effect.axes)) + effect.axes
    if any(axes[i] is not None for i in gone):
        raise Depends
    return replace(
        effect, axes=trimmed(axes if keepdims else tuple(a for i, a in enumerate(axes) if i not in gone))
    )


def part(s: Apply, effects: Effects) -> Effect:
    """New axes, whole axes, and any part of an axis along which c is constant: `m[:, None]`, `z[:, 0]`."""
    x, index = s.args
    if x not in effects:
        raise Depends
    effect = effects[x]
    left = list((None,) * (len(x.type.dims) - len(effect.axes)) + effect.axes)
    out: list[int | None] = []
    parts = index if isinstance(index, tuple) else (index,)
    if _is_one_of_each_row(parts, x, effects):
        if left[1] is not None:
            raise Depends
        return replace(effect, axes=trimmed((left[0],)))
    for part in parts:
        if part is None:
            out.append(None)
        elif (isinstance(part, slice) and (part.start, part.stop, part.step) == (None, None, None)) or (
            isinstance(part, slice) and left[0] is None
        ):
            out.append(left.pop(0))
        elif _is_whole_number(part) and left[0] is None:
            left.pop(0)
        else:
            raise Depends
    return replace(effect, axes=trimmed((*out, *left)))


def _is_whole_number(part: Structure) -> bool:
    if isinstance(part, Value):
        return isinstance(part.type, Scalar) and part.type.dtype.kind in "iu"
    return type(part) is int


def _is_one_of_each_row(parts: tuple[Structure, ...], x: Value, effects: Effects) -> bool:
    """`z[np.arange(len(z)), labels]`."""
    if len(parts) != 2 or len(x.type.dims) != 2 or not all(isinstance(p, Value) for p in parts):
        return False
    made = effects.made.get(parts[0])
    counts_up = made is not None and made.function is np.arange and len(made.args[0]) == 1
    return counts_up and parts[0].type.dims == x.type.dims[:1] and len(parts[1].type.dims) == 1


def expanded(s: Apply, effects: Effects) -> Effect:
    x, axis = s.args
    effect = effects[x]
    left = list((None,) * (len(x.type.dims) - len(effect.axes)) + effect.axes)
    where = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = len(left) + len(where)
    new = {i % rank for i in where}
    return replace(effect, axes=trimmed(tuple(None if i in new else left.pop(0) for i in range(rank))))
