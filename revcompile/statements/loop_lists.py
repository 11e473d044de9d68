"""The gradients of what one loop keeps, trip by trip, for another.

A loop that saves an inner value in a list, and a loop that goes through that list, are what the gradient of
a loop is made of. Where it is differentiated again, the reversal of the second one saves the gradients of
the items in a list of its own, and the reversal of the first one goes through that. Imports the IR.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from revcompile.errors import UnsupportedError
from revcompile.gates.effects import identity
from revcompile.ir.nodes import UNDEFINED, Block, Branch, Each, Loop, Value
from revcompile.ir.types import Array, Opaque, Type

LIST = Opaque("list")
KINDS = ("list", "reversed list")


class Gradients(NamedTuple):
    """A list of the gradients of a list's items."""

    items: Value
    in_order: bool  # as the list has its items; else from the last to the first
    type: Type  # of one gradient
    inner: Gradients | None = None  # what a gradient is, where the items are lists


Each_ = tuple[Value, Each]


def active_items(rev: Any, loop: Loop) -> list[Each_]:
    """The lists that a loop goes through whose items have gradients."""
    return [(item, each) for item, each in loop.each if each.kind in KINDS and item in rev.plan.active]


def returned_to(rev: Any, loop: Loop) -> list[tuple[Value, Gradients]]:
    """The values that a loop saves, with the gradients that have come back for them."""
    found = [(v, gradients) for v, items in loop.saves for gradients in rev.lists.pop(items, ())]
    for statement in loop.body.statements:
        if isinstance(statement, Branch):
            for sides in zip(statement.results, statement.then.yields, statement.orelse.yields, strict=False):
                v, *ends = sides
                if isinstance(v.type, Array) and any(end is None or end is UNDEFINED for end in ends):
                    if any(v is saved for saved, _ in found):
                        raise UnsupportedError(
                            "differentiating the gradient of a branch in a loop again is not supported yet"
                        )
    return found


def receiving(block: Block, returned: set[Value]) -> set[Value]:
    """The values to which these gradients come back: of a list, those that are saved in it."""
    found = returned - {items for s in block.statements if isinstance(s, Loop) for _, items in s.saves}
    for s in block.statements:
        if isinstance(s, Loop):
            inside = {v for v, items in s.saves if items in returned}
            found |= receiving(s.body, inside) if inside else inside
        for side in s.blocks if isinstance(s, Branch) else ():
            found |= receiving(side, returned) - returned
    return found


def begin(rev: Any, returned: list[tuple[Value, Gradients]]) -> tuple[Each_, ...]:
    """At the start of a reversed trip: take the gradients of what the trip has saved."""
    out: list[Each_] = []
    for v, gradients in returned:
        one = rev.table.new(gradients.type, of=v if gradients.inner is None else None)
        out.append((one, Each("reversed list" if gradients.in_order else "list", (gradients.items,))))
        if gradients.inner is None:
            rev.accumulate(v, one)
        else:
            rev.lists[v] = (*rev.lists.get(v, ()), gradients.inner._replace(items=one))
    return tuple(out)


def end(
    rev: Any, items: list[Each_]
) -> tuple[tuple[tuple[Value, Value], ...], list[tuple[Value, Gradients]]]:
    """At the end of a reversed trip: what it saves, and for which lists."""
    saves: list[tuple[Value, Value]] = []
    found: list[tuple[Value, Gradients]] = []
    for item, each in items:
        in_order, (source, *_) = each.kind == "reversed list", each.args
        for inner in rev.lists.pop(item, ()):
            saves.append((inner.items, rev.table.new(LIST, "saved_gradients")))
            found.append((source, Gradients(saves[-1][1], in_order, LIST, inner)))
        gradient = rev.adjoints.get(item)
        if gradient is not None:
            gradient = rev.low.emit(identity, gradient)
            rev.table.fold(gradient, False)
            rev.table.primals[gradient] = item
            saves.append((gradient, rev.table.new(LIST, "saved_gradients")))
            found.append((source, Gradients(saves[-1][1], in_order, gradient.type)))
    return tuple(saves), found
