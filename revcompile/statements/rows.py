"""Lists that the run makes long: the reversal of adding an item and of taking the last one.

The gradient of a list has one row for each item: the last row is that of the item that was added, the others
are the gradient of the list before. Imports the IR and the gates.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass
from typing import Any

from revcompile.gates.rows import appended, popped, sublist
from revcompile.gates.table import is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import EMPTY, Apply, Loop, Structure, Value
from revcompile.ir.types import Array, Rows
from revcompile.runtime import with_row
from revcompile.statements.store import RESTORED


@dataclass(frozen=True)
class Filled:
    """A list to which each trip of a loop adds one item: the item of a trip is known by its number."""

    end: Value  # the list as a trip leaves it
    start: Structure  # as the loop finds it
    rows: Value  # what is in it at the end
    gradient: Structure  # of that
    trip: Value  # the number of a trip
    shift: int  # from there to the number of the item
    size: int  # how many items there are at the start


def know_items(rev: Any, loop: Loop) -> list[Filled]:
    """The lists that a loop fills, whose gradients are taken note of here."""
    found = []
    for i, (start, end, result) in enumerate(zip(loop.inits, loop.body.yields, loop.results, strict=False)):
        size = _size(start)
        if size is not None and _gets_one_item(loop, i):
            trip, each = loop.each[0]
            rows, gradient = rev.memory.now.get(result, result), rev.adjoints.pop(result, None)
            found.append(Filled(end, start, rows, gradient, trip, size - each.args[0], size))
    rev.items.update((filled.end, filled) for filled in found)
    return found


def _size(start: Structure) -> int | None:
    if start is EMPTY:
        return 0
    return start.type.dims[0].size if isinstance(start, Value) and isinstance(start.type, Rows) else None


def _gets_one_item(loop: Loop, slot: int) -> bool:
    """Whether each trip appends one item to a list, which is not read in the loop."""
    before, after = loop.params[slot], loop.body.yields[slot]
    if loop.body.yields[-1] is not False or len(loop.each) != 1:
        return False
    each = loop.each[0][1]
    if each.kind != "range" or isinstance(each.args[0], Value) or each.args[2] != 1:
        return False
    reads = Counter(loop.body.uses)
    appends = [s for s in loop.body.statements if isinstance(s, Apply) and s.result is after]
    if not appends or not is_of(appends[0], Kind.APPEND) or appends[0].args[0] is not before:
        return False
    return reads[before] == reads[after] == 1


def give_back(rev: Any, filled: list[Filled]) -> None:
    """After the reversed loop: the lists that it fills are what they were before."""
    for one in filled:
        if not isinstance(one.start, Value):
            continue
        beginning = slice(None, one.size)
        if one.gradient is not None and one.start in rev.plan.active:
            rev.builder.note = "append gate"
            args = (one.gradient, beginning)
            part = rev.builder.emit(operator.getitem, args, _like(one.start, one.gradient))
            rev.accumulate(one.start, part)
        rev.builder.note = ""
        rev.memory.now[one.start] = rev.low.emit(sublist, one.rows, beginning)


def reverse_append(rev: Any, statement: Apply) -> None:
    """Take back `after = appended(before, x)`."""
    before, x = statement.args
    after = statement.result
    if after in rev.items:
        _take_item(rev, x, rev.items[after])
        return
    gradient = rev.adjoints.pop(after, None)
    if gradient is not None:
        rev.builder.note = "append gate"
        if isinstance(x, Value) and x in rev.plan.active:
            last = rev.builder.emit(operator.getitem, (gradient, -1), _like(x, gradient))
            rev.accumulate(x, last)
        if before in rev.plan.active:
            rest = (gradient, slice(None, -1))
            rev.accumulate(before, rev.builder.emit(operator.getitem, rest, _like(before, gradient)))
    rev.builder.note = RESTORED
    args, item = rev.low.resolve((after,)), Value(after.type.item)
    if isinstance(x, Value) and x in rev.here:  # made in this block: it need not be saved
        item = rev.memory.now[x] = rev.table.like(x, fold=False)
    rev.builder.apply(popped, args, (_restored(rev, before), item))
    rev.builder.note = ""


def _take_item(rev: Any, x: Structure, filled: Filled) -> None:
    """Take back an `append` of which it is known what the whole list and its gradient are."""
    if not isinstance(x, Value) or x not in rev.plan.active:
        return
    index: Structure = filled.trip
    if filled.shift:
        index = rev.low.apply(
            operator.add if filled.shift > 0 else operator.sub, (index, abs(filled.shift)), {}
        )
    if filled.gradient is not None:
        rev.builder.note = "append gate"
        args = (filled.gradient, index)
        rev.accumulate(x, rev.builder.emit(operator.getitem, args, _like(x, filled.gradient)))
    if x in rev.here:
        args = rev.low.resolve((filled.rows, index))
        item = rev.memory.now[x] = rev.table.like(x)
        rev.builder.apply(operator.getitem, args, item)
    rev.builder.note = ""


def reverse_pop(rev: Any, statement: Apply) -> None:
    """Take back `after, x = popped(before)`."""
    (before,) = statement.args
    after, x = statement.result
    gradient, of_item = rev.adjoints.pop(after, None), rev.adjoints.pop(x, None)
    if (gradient is not None or of_item is not None) and before in rev.plan.active:
        rev.builder.note = "pop gate"
        gradient = rev.zero(after) if gradient is None else gradient
        of_item = rev.zero(x) if of_item is None else of_item
        both = rev.builder.emit(with_row, (gradient, of_item), _like(before, gradient))
        rev.accumulate(before, both)
    rev.builder.note = RESTORED
    args = rev.low.resolve((after, x))
    rev.builder.apply(appended, args, _restored(rev, before))
    rev.builder.note = ""


def _restored(rev: Any, before: Value) -> Value:
    """What holds, from here back, what `before` did."""
    restored = rev.memory.now[before] = rev.table.like(before, fold=False)
    return restored


def _like(of: Value, gradient: Value) -> Array | None:
    """The type of what is taken of a gradient to be that of `of`: of its shape."""
    assert isinstance(gradient.type, Array)
    return Array(gradient.type.dtype, of.type.dims) if of.type.dims else None
