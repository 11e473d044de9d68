"""Lists that the run makes long: the reversal of adding an item and of taking the last one.

The gradient of a list has one row for each item: the last row is that of the item that was added, the others
are the gradient of the list before. Imports the IR and the gates.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

from revcompile.gates.rows import appended, popped
from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.types import Array
from revcompile.runtime import with_row
from revcompile.statements.store import RESTORED


def reverse_append(rev: Any, statement: Apply) -> None:
    """Take back `after = appended(before, x)`."""
    before, x = statement.args
    after = statement.result
    gradient = rev.adjoints.pop(after, None)
    if gradient is not None:
        rev.builder.note = "append gate"
        if isinstance(x, Value) and x in rev.plan.active:
            last = rev.low.apply(operator.getitem, (gradient, -1), {})
            rev.accumulate(x, _like(last, x))
        if before in rev.plan.active:
            rest = rev.low.apply(operator.getitem, (gradient, slice(None, -1)), {})
            rev.accumulate(before, _like(rest, before), gradient in rev.masked)
    rev.builder.note = RESTORED
    restored, item = rev.low.emit(popped, after)
    if isinstance(x, Value) and x in rev.here:  # made in this block: it need not be saved
        item.hint, item.fold = x.hint, False
        item.type = x.type
        rev.memory.now[x] = item
    _restore(rev, before, restored)


def reverse_pop(rev: Any, statement: Apply) -> None:
    """Take back `after, x = popped(before)`."""
    (before,) = statement.args
    after, x = statement.result
    gradient, of_item = rev.adjoints.pop(after, None), rev.adjoints.pop(x, None)
    if (gradient is not None or of_item is not None) and before in rev.plan.active:
        rev.builder.note = "pop gate"
        gradient = rev.zero(after) if gradient is None else gradient
        of_item = rev.zero(x) if of_item is None else of_item
        both = rev.low.emit(with_row, gradient, of_item)
        rev.accumulate(before, _like(both, before), True)
    rev.builder.note = RESTORED
    _restore(rev, before, rev.low.emit(appended, after, x))


def _restore(rev: Any, before: Value, restored: Value) -> None:
    """From here back, `restored` holds what `before` did."""
    restored.hint, restored.fold = before.hint, False
    restored.type = before.type
    rev.memory.now[before] = restored
    rev.builder.note = ""


def _like(gradient: Value, of: Value) -> Structure:
    """A gradient that is known to have the shape of what it is the gradient of."""
    if isinstance(gradient.type, Array) and of.type.dims:
        gradient.type = replace(gradient.type, dims=of.type.dims)
    return gradient
