"""Shifts that cannot matter: the maximum that a softmax subtracts carries no gradient.

In `m = max(x); L = m + log(sum(exp(x - m)))` the value of L does not depend on m at all, whatever m is:
dL/dm is zero, not only small. This is proved by following a shift of m by c through the program.
A value that follows from m is then one of

    v               (the shift cancelled),
    v + k c         (shifted),
    v * exp(k c)    (scaled),

and every rule below is an identity of these. What has no rule here is taken to depend on m. If the
shift cancels in the result, m is not differentiated. Imports the IR and the gate table.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import Apply, Function, Statement, Structure, Value, leaves
from revcompile.ir.types import Dim, Scalar
from revcompile.records import dataclass, replace


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


def irrelevant(function: Function, loss: Structure) -> frozenset[Value]:
    """The maxima and minima in `function` on which `loss` does not depend."""
    statements = function.body.statements
    found = set()
    for i, statement in enumerate(statements):
        if (
            isinstance(statement, Apply)
            and TABLE[statement.function].extreme
            and isinstance(statement.result, Value)
        ):
            m = statement.result
            if _cancels(m, statements[:i], statements[i + 1 :], loss):
                found.add(m)
    return frozenset(found)


def _cancels(m: Value, before: tuple[Statement, ...], after: tuple[Statement, ...], loss: Structure) -> bool:
    axes = tuple(None if d.is_one else i for i, d in enumerate(m.type.dims))
    effects = Effects({m: Effect("shifted", 1.0, _trimmed(axes))})
    applied = (s for s in (*before, *after) if isinstance(s, Apply))
    effects.made = {s.result: s for s in applied if isinstance(s.result, Value)}
    try:
        for statement in after:
            _follow(statement, effects)
    except Depends:
        return False
    return effects.keys().isdisjoint(leaves(loss))


def _follow(statement: Statement, effects: Effects) -> None:
    if not isinstance(statement, Apply):
        if not effects.keys().isdisjoint(statement.uses):
            raise Depends
        return
    if effects.keys().isdisjoint(leaves(statement.args)):
        return
    gate = TABLE[statement.function]
    rule = ARITHMETIC.get(gate.symbol) or RULES.get(statement.function)
    rule = _same if gate.memory is Memory.SAME else rule
    if rule is None or not isinstance(statement.result, Value):
        raise Depends
    effect = rule(statement, effects)
    if effect.weight != 0.0:
        effects[statement.result] = effect


def _trimmed(axes: tuple[int | None, ...]) -> tuple[int | None, ...]:
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


def _additive(sign: float) -> Callable[[Apply, Effects], Effect]:
    return lambda s, effects: _combine(_get(s.args[0], effects), _get(s.args[1], effects), "shifted", sign)


def _product(s: Apply, effects: Effects) -> Effect:
    a, b = (_get(x, effects) for x in s.args)
    for one, other in ((a, s.args[1]), (b, s.args[0])):
        if one is not None and one.kind == "shifted":  # a multiple of a shifted value
            if type(other) not in (int, float) or not math.isfinite(other):
                raise Depends
            return replace(one, weight=one.weight * other)
    return _combine(a, b, "scaled", 1.0)


def _quotient(s: Apply, effects: Effects) -> Effect:
    a, b = (_get(x, effects) for x in s.args)
    if a is not None and a.kind == "shifted" and type(s.args[1]) in (int, float) and s.args[1] != 0:
        return replace(a, weight=a.weight / s.args[1])
    return _combine(a, b, "scaled", -1.0)


def _negative(s: Apply, effects: Effects) -> Effect:
    effect = effects[s.args[0]]
    return replace(effect, weight=-effect.weight) if effect.kind == "shifted" else effect


def _exp(s: Apply, effects: Effects) -> Effect:
    return replace(_need(effects[s.args[0]], "shifted"), kind="scaled")


def _log(s: Apply, effects: Effects) -> Effect:
    return replace(_need(effects[s.args[0]], "scaled"), kind="shifted")


def _same(s: Apply, effects: Effects) -> Effect:
    return effects[s.args[0]]


def _sum(s: Apply, effects: Effects) -> Effect:
    """c comes out of a sum of scaled values, if it is constant along what is summed."""
    if s.function is np.sum and (s.args[4] is not True or s.args[2] is not None):
        raise Depends
    axis, keepdims = (s.args[1], s.args[3]) if s.args[0] in effects else (None, None)
    return _reduced(_need(effects[s.args[0]], "scaled"), s.args[0].type.dims, axis, keepdims)


def _extreme(s: Apply, effects: Effects) -> Effect:
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
        effect, axes=_trimmed(axes if keepdims else tuple(a for i, a in enumerate(axes) if i not in gone))
    )


def _getitem(s: Apply, effects: Effects) -> Effect:
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
        return replace(effect, axes=_trimmed((left[0],)))
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
    return replace(effect, axes=_trimmed((*out, *left)))


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


def _expand_dims(s: Apply, effects: Effects) -> Effect:
    x, axis = s.args
    effect = effects[x]
    left = list((None,) * (len(x.type.dims) - len(effect.axes)) + effect.axes)
    where = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = len(left) + len(where)
    new = {i % rank for i in where}
    return replace(effect, axes=_trimmed(tuple(None if i in new else left.pop(0) for i in range(rank))))


ARITHMETIC: dict[str, Callable[[Apply, Effects], Effect]] = {
    "+": _additive(1.0), "-": _additive(-1.0), "*": _product, "/": _quotient, "-x": _negative, "+x": _same,
}  # fmt: skip
RULES: dict[Any, Callable[[Apply, Effects], Effect]] = {
    np.exp: _exp, math.exp: _exp, np.log: _log, np.sum: _sum, np.max: _extreme, np.min: _extreme,
    operator.getitem: _getitem, np.expand_dims: _expand_dims,
}  # fmt: skip
