"""Sums with what is mostly zero: only what is not zero is added, and only where it is.

Before:                                  After:
    s0 = zeros but for c at i                g[i] += c
    g = g + s0

    g[i] = 0.0                               g[i] = c
    g[i] += c

Imports the IR.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from revcompile.gates.indexing import is_gather
from revcompile.gates.storing import add_at, add_many, store
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Loop,
    Statement,
    Value,
    applications,
    results,
    substitute,
    uses,
)
from revcompile.ir.types import Array
from revcompile.passes.cse import key_of
from revcompile.passes.dead import eliminate_dead
from revcompile.runtime import scatter, scatter_add

ADDITIONS = {scatter: add_at, scatter_add: add_many}


def add_where_it_is(function: Function) -> Function:
    function = eliminate_dead(_absorb_scatters(function))  # the shapes of what is absorbed are not asked
    counts = Counter(uses(function.body))
    return replace(function, body=_blocks(function.body, counts))


def _blocks(block: Block, counts: Counter[Value], kept: frozenset[Any] = frozenset()) -> Block:
    """The block, of which a loop keeps the values `kept`."""
    statements: list[Statement] = []
    for s in block.statements:
        if isinstance(s, Branch):
            s = replace(s, then=_blocks(s.then, counts), orelse=_blocks(s.orelse, counts))
        elif isinstance(s, Loop):
            s = replace(s, body=_blocks(s.body, counts, frozenset(v for v, _ in s.saves)))
        statements.append(s)
    block = replace(block, statements=tuple(statements))
    for s in statements:
        if isinstance(s, Apply) and s.function is add_at and s.result not in kept:
            block = _written_at_once(block, s, counts)
    return block


def _written_at_once(block: Block, addition: Apply, counts: Counter[Value]) -> Block:
    """`g[i] = 0.0; …; g[i] += c` as `g[i] = c`; as nothing at all, if c is what g[i] was."""
    statements = list(block.statements)
    made = {v: s for s in statements if isinstance(s, Apply) for v in s.outputs}
    old, index, extra = addition.args
    zero = made.get(old)
    while zero is not None and zero.function is add_at and counts[zero.result] == 1:
        zero = made.get(zero.args[0])
    if zero is None or zero.function is not store or counts[zero.result[1]] or counts[zero.result[0]] != 1:
        return block
    array, path, value = zero.args
    if type(value) is not float or value != 0.0 or is_gather(index):
        return block
    if key_of(path) != key_of(((operator.getitem, index),)):
        return block
    statements.remove(addition)
    taken = made.get(extra) if isinstance(extra, Value) else None
    if taken is not None and taken.function is operator.getitem and taken.args[0] is array:
        if key_of(taken.args[1]) == key_of(index):
            statements.remove(zero)
            if counts[extra] == 1:
                statements.remove(taken)
            return substitute(
                Block(tuple(statements), block.yields),
                {zero.result[0]: array, **_end(addition, zero, old, array)},
            )
    at = statements.index(zero)
    below = set(statements[at:])
    later = {v for s in below for v in results(s)}
    moved = taken if taken is not None and taken in below else None
    if moved is not None:
        if any(v in later for v in moved.inputs) or (
            not isinstance(extra.type, Array) and moved.function is add_at
        ):
            return _written_below(block, addition, zero)
        statements.remove(moved)
    elif isinstance(extra, Value) and extra in later:
        return _written_below(block, addition, zero)
    statements[statements.index(zero)] = replace(zero, args=(array, path, extra), note=addition.note)
    if moved is not None:
        statements.insert(at, moved)
    return substitute(Block(tuple(statements), block.yields), {addition.result: old})


def _written_below(block: Block, addition: Apply, zero: Apply) -> Block:
    """The same where `c` is computed after the zero is stored: the store comes after that."""
    if addition.args[0] is not zero.result[0]:
        return block
    array, path, _ = zero.args
    new = replace(zero, args=(array, path, addition.args[2]), note=addition.note)
    statements = [new if s is addition else s for s in block.statements if s is not zero]
    return substitute(Block(tuple(statements), block.yields), {addition.result: zero.result[0]})


def _end(addition: Apply, zero: Apply, old: Value, array: Value) -> dict[Value, Value]:
    return {addition.result: array if old is zero.result[0] else old}


def _absorb_scatters(function: Function) -> Function:
    """`g + scatter(c, index, shape)`, c at an index and zeros elsewhere, as `add_at(g, index, c)`."""
    counts = Counter(uses(function.body))
    made = {s.result: s for s in applications(function.body) if s.function in ADDITIONS}
    absorbed: set[Value] = set()

    def visit(block: Block) -> Block:
        local: set[Value] = set()
        statements = []
        for s in block.statements:
            statements.append(_absorb(s, made, counts, local, absorbed, visit))
            if isinstance(s, Apply):
                local.update(s.outputs)
        return replace(block, statements=tuple(statements))

    done = visit(function.body)
    return replace(function, body=_without(done, absorbed)) if absorbed else function


def _absorb(
    s: Statement,
    made: dict[Any, Apply],
    counts: Counter[Value],
    local: set[Value],
    absorbed: set[Value],
    visit: Callable[[Block], Block],
) -> Statement:
    if isinstance(s, Branch):
        return replace(s, then=visit(s.then), orelse=visit(s.orelse))
    if isinstance(s, Loop):
        return replace(s, body=visit(s.body))
    if not (isinstance(s, Apply) and s.function is operator.add and isinstance(s.result, Value)):
        return s
    old, extra = s.args
    few = [isinstance(x, Value) and x in made and x in local and counts[x] == 1 for x in s.args]
    if few[0] and not few[1]:
        old, extra = extra, old
    if not any(few) or not isinstance(old, Value) or not same_form(old, s.result):
        return s
    absorbed.add(extra)
    if old.of is None and old.hint is None:
        old.of = s.result.of
    gradient, index, _ = made[extra].args
    return replace(s, function=ADDITIONS[made[extra].function], args=(old, index, gradient))


def _without(block: Block, absorbed: set[Value]) -> Block:
    out: list[Statement] = []
    for s in block.statements:
        if isinstance(s, Apply) and isinstance(s.result, Value) and s.result in absorbed:
            continue
        if isinstance(s, Branch):
            s = replace(s, then=_without(s.then, absorbed), orelse=_without(s.orelse, absorbed))
        elif isinstance(s, Loop):
            s = replace(s, body=_without(s.body, absorbed))
        out.append(s)
    return replace(block, statements=tuple(out))


def same_form(old: Value, result: Value) -> bool:
    """Whether a result has the dtype and the axes of the array that it is to be written into."""
    return (
        isinstance(old.type, Array)
        and old.type.dims != ()
        and isinstance(result.type, Array)
        and old.type.dtype == result.type.dtype
        and len(old.type.dims) == len(result.type.dims)
        and all(d == r or not d.can_be_one for d, r in zip(old.type.dims, result.type.dims, strict=True))
    )
