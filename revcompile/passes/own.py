"""Whose storage it is: gradients that are returned belong to the caller alone, and sums go in place
into storage that is ours.

Before:                                  After:
    grad_x_1 = grad_x + s0                   grad_x += s0
    return (y, grad_x_1)                     return (y.copy(), grad_x)
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from revcompile.gates.effects import identity
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
    uses,
)
from revcompile.ir.types import Array, Scalar
from revcompile.runtime import scatter

ALIASING = frozenset({identity, np.asarray, np.nan_to_num})


def own_gradients(function: Function) -> Function:
    """Copy, at the end, each returned gradient that is not a fresh array of its own."""
    ((value, aux, gradients),) = function.body.yields
    made = _definitions(function.body)
    shared = set(leaves((value, aux)))
    taken: set[Value] = set()
    extra: list[Statement] = []

    def own(gradient: Value) -> Structure:
        if not isinstance(gradient.type, Array):
            return gradient
        fresh = gradient not in taken and is_fresh(gradient, made) and gradient not in shared
        taken.add(gradient)
        if fresh:
            return gradient
        stretched = made.get(gradient)
        new = Value(gradient.type, of=gradient.of, hint=gradient.hint, fold=True)
        if isinstance(stretched, Apply) and stretched.function is np.broadcast_to:
            number, shape = stretched.args[:2]
            if not isinstance(number, Value) or not number.type.dims:
                extra.append(Apply(np.full, _full_args(shape, number), new, note=stretched.note))
                return new
        extra.append(Apply(np.ndarray.copy, (gradient, *_copy_rest()), new))
        return new

    owned = map_values(own, gradients)
    body = Block((*function.body.statements, *extra), ((value, aux, owned),))
    return replace(function, body=body)


def _copy_rest() -> tuple[Any, ...]:
    return tuple(p.default for p in list(TABLE[np.ndarray.copy].signature.parameters.values())[1:])


def _full_args(shape: Structure, number: Structure) -> tuple[Any, ...]:
    rest = [p.default for p in list(TABLE[np.full].signature.parameters.values())[2:]]
    return (shape, number, *rest)


def _definitions(block: Block) -> dict[Value, Statement | Block]:
    made: dict[Value, Any] = {}

    def index(block: Block) -> None:
        for statement in block.statements:
            if isinstance(statement, Apply):
                for v in leaves(statement.result):
                    made.setdefault(v, statement)
            elif isinstance(statement, Branch):
                index(statement.then)
                index(statement.orelse)
                for v in statement.results:
                    made.setdefault(v, statement)

    index(block)
    return made


def is_fresh(value: Value, made: dict[Value, Any]) -> bool:
    """Whether a value is an array that its statement allocated, so that nobody else holds it."""
    statement = made.get(value)
    if isinstance(statement, Apply):
        if statement.function is add_at or statement.function in IN_PLACE.values():
            return True
        if statement.function is np.einsum and len(statement.args[1]) > 1:
            return True
        return not TABLE[statement.function].view and statement.function not in ALIASING
    return False


def add_at(old: Any, index: Any, extra: Any) -> Any:
    """Stands for `old[index] += extra`."""


IN_PLACE: dict[Any, Any] = {operator.add: operator.iadd, operator.sub: operator.isub}


def accumulate_in_place(function: Function) -> Function:
    """`g = g + c` becomes `g += c` where g is ours, of the sum's type, and read by nobody else.

    Where c is zero but for some elements, only those are added: `g[index] += c`.
    """
    made = _definitions(function.body)
    counts = Counter(uses(function.body))
    absorbed: list[Structure] = []

    def block(b: Block) -> Block:
        local = {v for s in b.statements if isinstance(s, Apply) for v in leaves(s.result)}
        read: Counter[Value] = Counter()  # by statements of this block so far, none of which made a view
        statements = []
        for s in b.statements:
            statements.append(statement(s, local, read))
            if isinstance(s, Apply) and s.function not in ALIASING and not TABLE[s.function].view:
                read.update(leaves(s.args))
        kept = [s for s in statements if not (isinstance(s, Apply) and any(s.result is a for a in absorbed))]
        return Block(tuple(kept), b.yields)

    def statement(s: Statement, local: set[Value], read: Counter[Value]) -> Statement:
        if isinstance(s, Branch):
            return replace(s, then=block(s.then), orelse=block(s.orelse))
        if not (isinstance(s, Apply) and s.function in IN_PLACE and isinstance(s.result, Value)):
            return s
        old, extra = s.args
        swapped = s.function is operator.add and sparse(old) is not None and sparse(extra) is None
        if swapped and isinstance(extra, Value) and extra in local and _may_add(extra, s, made):
            old, extra = extra, old
        if not isinstance(old, Value) or old not in local or not _may_add(old, s, made):
            return s
        few = sparse(extra) if s.function is operator.add and old.type.dims else None
        if few is not None and counts[old] == 1 + read[old]:  # who else reads it has done so
            if old.of is None and old.hint is None:
                old.of = s.result.of
            absorbed.append(extra)
            return replace(s, function=add_at, args=(old, few.args[1], few.args[0]))
        if counts[old] != 1 or old.of is None or old.of is not s.result.of:
            return s
        return replace(s, function=IN_PLACE[s.function], args=(old, extra))

    def sparse(atom: Structure) -> Apply | None:
        by = made.get(atom) if isinstance(atom, Value) and counts[atom] == 1 else None
        return by if isinstance(by, Apply) and by.function is scatter else None

    return replace(function, body=block(function.body))


def _may_add(old: Value, s: Apply, made: dict[Value, Any]) -> bool:
    if isinstance(old.type, Scalar):
        return True
    return (
        isinstance(old.type, Array)
        and old.type.dims != ()
        and isinstance(s.result.type, Array)
        and old.type.dtype == s.result.type.dtype
        and len(old.type.dims) == len(s.result.type.dims)
        and all(d == r or not d.can_be_one for d, r in zip(old.type.dims, s.result.type.dims, strict=True))
        and is_fresh(old, made)
    )
