"""Sums with what is mostly zero: only what is not zero is added, and only where it is.

Before:                                  After:
    s0 = zeros but for c at i                g[i] += c
    g = g + s0

    g[i] = 0.0                               g[i] = c
    g[i] += c

Imports the IR.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from revcompile.gates.indexing import is_gather
from revcompile.gates.storing import part, reads_part
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Statement,
    Value,
    applications,
    leaves,
    map_values,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import Array
from revcompile.ir.values import ValueTable
from revcompile.passes.cse import key_of
from revcompile.passes.dead import eliminate_dead


def add_where_it_is(function: Function) -> Function:
    if not any(g.added_to is not None or g.writes for g in map(TABLE.__getitem__, function.body.functions)):
        return function
    function = eliminate_dead(_absorb_scatters(function))  # the shapes of what is absorbed are not asked
    counts = Counter(function.body.uses)
    return replace(function, body=_blocks(function.body, counts))


def _blocks(block: Block, counts: Counter[Value], saved: frozenset[Any] = frozenset()) -> Block:
    """The block, of which a loop saves the values `saved`."""
    statements: list[Statement] = []
    for s in block.statements:
        inside = frozenset(v for v, _ in s.saves)
        statements.append(s.map_blocks(partial(_blocks, counts=counts, saved=inside)))
    additions = [s for s in statements if is_of(s, Kind.ADD_AT) and s.result not in saved]
    if not additions:
        return replace(block, statements=tuple(statements))
    sequence = _Sequence(statements, counts)
    for s in additions:
        sequence.write_at_once(s)
    return sequence.block(block.yields)


class _Sequence:
    """The statements of a block, each in a place of its own, while some change or go away."""

    def __init__(self, statements: list[Statement], counts: Counter[Value]) -> None:
        self.counts = counts
        self.places: list[list[Statement]] = [[s] for s in statements]
        self.at = {v: i for i, s in enumerate(statements) for v in s.outputs}  # where a value is made
        self.made = {v: s for s in statements if isinstance(s, Apply) for v in s.outputs}
        self.names: dict[Value, Value] = {}  # what stands for a value that is made no more
        self.begun: dict[Value, Value] = {}  # what sums of several lines begin with

    def block(self, yields: tuple[Any, ...]) -> Block:
        statements = tuple(s for place in self.places for s in place)
        return substitute(Block(statements, yields), {v: self._now(v) for v in self.names})

    def _now(self, v: Value) -> Value:
        while v in self.names:
            v = self.names[v]
        return v

    def _args(self, s: Apply) -> tuple[Any, ...]:
        return map_values(self._now, s.args) if self.names else s.args

    def _beginning(self, v: Value) -> Value:
        """The array that `v` is, without what has been added to it in lines of their own."""
        passed = []
        while True:
            v = self._now(self.begun.get(v, v))
            made = self.made.get(v)
            if made is None or not is_of(made, Kind.ADD_AT) or self.counts[v] != 1:
                break
            passed.append(v)
            v = made.args[0]
        self.begun.update(dict.fromkeys(passed, v))
        return v

    def write_at_once(self, addition: Apply) -> None:
        """`g[i] = 0.0; …; g[i] += c` as `g[i] = c`; as nothing at all, if c is what g[i] was."""
        old, index, extra = self._args(addition)
        zero = self.made.get(self._beginning(old))
        if zero is None or not is_of(zero, Kind.STORE) or self.counts[zero.result[1]]:
            return
        after = zero.result[0]
        array, path, value = self._args(zero)
        if self.counts[after] != 1 or type(value) is not float or value != 0.0 or is_gather(index):
            return
        if key_of(path) != key_of((part(index),)):
            return
        at = self.at[after]
        taken = self.made.get(extra) if isinstance(extra, Value) else None
        if taken is not None and reads_part(taken):
            source, taken_index = self._args(taken)
            if source is array and key_of(taken_index) == key_of(index):
                self._remove(addition, zero, *([taken] if self.counts[extra] == 1 else []))
                self.names[addition.result] = array if old is after else old
                self.names[after] = array
                return
        moved = [] if taken is None or self.at[extra] < at else [taken]
        if not moved and isinstance(extra, Value) and self.at.get(extra, -1) >= at:
            self._write_below(addition, zero, old)
            return
        for s in moved:
            needs_later = any(self.at.get(v, -1) >= at for v in leaves(self._args(s)))
            if needs_later or (is_of(s, Kind.ADD_AT) and not isinstance(extra.type, Array)):
                self._write_below(addition, zero, old)
                return
        self._remove(addition, zero, *moved)
        self._put(at, *moved, replace(zero, args=(array, path, extra), note=addition.note))
        self.names[addition.result] = old

    def _write_below(self, addition: Apply, zero: Apply, old: Value) -> None:
        """The same where `c` is computed after the zero is stored: the store comes after that."""
        after = zero.result[0]
        if old is not after:
            return
        at, (array, path, _) = self.at[addition.result], zero.args
        self._remove(addition, zero)
        self._put(at, replace(zero, args=(array, path, addition.args[2]), note=addition.note))
        self.names[addition.result] = after

    def _remove(self, *statements: Apply) -> None:
        for s in statements:
            at = self.at[s.outputs[0]]
            self.places[at] = [other for other in self.places[at] if other is not s]

    def _put(self, at: int, *statements: Apply) -> None:
        self.places[at].extend(statements)
        self.at.update((v, at) for s in statements for v in s.outputs)
        self.made.update((v, s) for s in statements for v in s.outputs)


def _absorb_scatters(function: Function) -> Function:
    """`g + scatter(c, index, shape)`, c at an index and zeros elsewhere, as `add_at(g, index, c)`."""
    counts = Counter(function.body.uses)
    made = {s.result: s for s in applications(function.body) if TABLE[s.function].added_to is not None}
    absorbed: set[Value] = set()

    def visit(block: Block) -> Block:
        local: set[Value] = set()
        statements = []
        for s in block.statements:
            statements.append(_absorb(function.table, s, made, counts, local, absorbed, visit))
            if isinstance(s, Apply):
                local.update(s.outputs)
        return replace(block, statements=tuple(statements))

    done = visit(function.body)
    return replace(function, body=_without(done, absorbed)) if absorbed else function


def _absorb(
    table: ValueTable,
    s: Statement,
    made: dict[Any, Apply],
    counts: Counter[Value],
    local: set[Value],
    absorbed: set[Value],
    visit: Callable[[Block], Block],
) -> Statement:
    s = s.map_blocks(visit)
    if not (isinstance(s, Apply) and TABLE[s.function].symbol == "+" and isinstance(s.result, Value)):
        return s
    old, extra = s.args
    few = [isinstance(x, Value) and x in made and x in local and counts[x] == 1 for x in s.args]
    if few[0] and not few[1]:
        old, extra = extra, old
    if not any(few) or not isinstance(old, Value) or not same_form(old, s.result):
        return s
    if not same_axes(extra, s.result):  # it is stretched in the sum
        return s
    absorbed.add(extra)
    if table.is_temporary(old) and s.result in table.primals:
        table.primals[old] = table.primals[s.result]
    gradient, index, _ = made[extra].args
    function = TABLE[made[extra].function].added_to
    assert function is not None
    return replace(s, function=function, args=(old, index, gradient))


def _without(block: Block, absorbed: set[Value]) -> Block:
    return block.map(lambda s: None if isinstance(s, Apply) and not absorbed.isdisjoint(s.outputs) else s)


def same_form(old: Value, result: Value) -> bool:
    """Whether a result has the dtype and the axes of the array that it is to be written into."""
    return (
        isinstance(old.type, Array)
        and old.type.dims != ()
        and isinstance(result.type, Array)
        and old.type.dtype == result.type.dtype
        and same_axes(old, result)
    )


def same_axes(term: Value, result: Value) -> bool:
    """Whether a term of a sum has the axes of the sum: none is stretched."""
    dims, sums = term.type.dims, result.type.dims
    return len(dims) == len(sums) and all(d == r or not d.can_be_one for d, r in zip(dims, sums, strict=True))
