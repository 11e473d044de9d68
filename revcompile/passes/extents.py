"""Lengths are asked of what is there anyway: no array is made, or kept, for its shape alone.

Before:                                  After:
    s0 = x + y                               grad_x = np.full(x.shape, 2.0)
    grad_x = np.full(s0.shape, 2.0)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from revcompile.gates.effects import begins_backward
from revcompile.gates.lengths import length
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import Facts, same_axes
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Loop,
    Statement,
    Structure,
    Value,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Rows, Type
from revcompile.ir.values import ValueTable
from revcompile.passes.dead import eliminate_dead
from revcompile.passes.walk import Walk


def query_live_shapes(function: Function, facts: Facts) -> Function:
    asking = {f for f in function.body.functions if TABLE[f].of_shape or TABLE[f].kind is Kind.ITEM_LENGTH}
    if not asking:
        return function
    table = function.table
    parameters = [v for p in function.parameters for v in leaves(p.structure) if v not in table.unset]
    upstream = {v for v in parameters if v in table.primals}  # of a pair: the forward half is not given these
    backward: list[Statement] = []
    without = eliminate_dead(replace(function, body=_without_lengths(function.body)))
    needed = {*without.body.uses, *parameters}
    known = list(parameters)
    outer = {v for s in function.body.statements if isinstance(s, Apply) for v in s.outputs}
    early, last = _last_versions(function)

    def visit(statement: Apply, out: list[Statement]) -> Structure | None:
        result = statement.result
        of_shape = TABLE[statement.function].of_shape
        if not of_shape and not upstream.isdisjoint(statement.inputs):
            backward.append(statement)
        if isinstance(result, Value) and result in needed and result in outer and has_shape(statement):
            known.append(result)
        of_items = not of_shape and statement.function in asking
        good = of_shape and _is_good(table, statement.args[0], needed) and result not in early
        if not of_items and (not of_shape or good):
            return None
        there = known if backward else [v for v in known if v not in upstream]
        if result in early:  # so that the name is free for it
            there = [_last_version(table, v, last, facts) for v in there]
        for other in _equals(table, statement, there, facts):
            new = Value(result.type)
            out.append(Apply(length if of_items else statement.function, other, new, statement.line))
            return new
        return None

    return Walk(visit, function.table).function(function)


def _last_versions(function: Function) -> tuple[set[Value], dict[str, Value]]:
    """What is computed, and read, between the forward pass and the first loop of the backward pass; and, by
    their names, the arrays that the loops of the forward pass give."""
    block, hints, unset = function.body, function.table.hints, function.table.unset
    early: set[Value] = set()
    last: dict[str, Value] = {}
    in_backward = False
    for i, s in enumerate(block.statements):
        in_backward = in_backward or begins_backward(s)
        if isinstance(s, Loop) and in_backward:
            early.difference_update(_reads(Block(block.statements[i:], block.yields)))
            break
        if isinstance(s, Loop):
            for init, result in zip(s.inits, s.results, strict=True):
                if isinstance(init, Value) and result in hints and result not in unset:
                    last[hints[result]] = result
        elif in_backward:
            early.update(s.outputs)
    return early, last


def _reads(block: Block) -> Iterator[Value]:
    """What is read in a block, but for what is mostly zeros: that is going to be added where it is not."""
    yield from leaves(block.yields)
    for s in block.statements:
        if not isinstance(s, Apply) or TABLE[s.function].added_to is None:
            yield from s.inputs
        for inner in s.blocks:
            yield from _reads(inner)


def _last_version(table: ValueTable, v: Value, last: dict[str, Value], facts: Facts) -> Value:
    """The array that has the name of `v` at the end of the forward pass, if that is of the same shape."""
    now = last.get(table.hints[v]) if v in table.hints else None
    if now is None or not _has_axes(now.type) or not _has_axes(v.type):
        return v
    return now if same_axes(facts, now.type.dims, v.type.dims) else v


def has_shape(statement: Apply) -> bool:
    """Whether what a statement gives is an array in any case: the gradient of what has no value is none."""
    return not TABLE[statement.function].passes_none


def _is_good(table: ValueTable, x: Value, needed: set[Value]) -> bool:
    """Whether an array has a name of its own and is read for its elements too."""
    return x in needed and x in table.unfolded


def _equals(
    table: ValueTable, statement: Apply, known: list[Value], facts: Facts
) -> Iterator[tuple[Any, ...]]:
    """What to ask instead: arrays of the same shape; for one axis, any axis of that length."""
    x, *axis = statement.args
    arrays = sorted((v for v in known if _has_axes(v.type)), key=lambda v: v not in table.unfolded)
    for v in arrays:
        if len(v.type.dims) == len(x.type.dims) and all(map(facts.same, v.type.dims, x.type.dims)):
            yield (v, *axis)
    if axis:
        wanted: Dim = x.type.dims[axis[0]]
        yield from ((v, i) for v in arrays for i, d in enumerate(v.type.dims) if facts.same(d, wanted))


def _has_axes(t: Type) -> bool:
    return isinstance(t, Array) and not isinstance(t, Rows)


def _without_lengths(block: Block) -> Block:
    def without(s: Statement) -> Statement:
        return replace(s, args=()) if isinstance(s, Apply) and TABLE[s.function].of_shape else s

    return block.map(without)
