"""The gradients of what one loop keeps, trip by trip, for another.

A loop that saves an inner value in a list, and a loop that goes through that list, are what the gradient of
a loop is made of. Where it is differentiated again, the reversal of the second one saves the gradients of
the items in a list of its own, and the reversal of the first one goes through that. Imports the IR.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from revcompile.errors import UnsupportedError
from revcompile.gates.effects import identity
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Each, Loop, Statement, Structure, Value
from revcompile.ir.types import Opaque, Type

LIST = Opaque("list")
KINDS = ("list", "reversed list")


class Gradients(NamedTuple):
    """A list of the gradients of a list's items."""

    items: Value
    in_order: bool  # as the list has its items; else from the last to the first
    type: Type  # of one gradient
    inner: Gradients | None = None  # what a gradient is, where the items are lists


Each_ = tuple[Value, Each]
Lists = dict[Value, tuple[Gradients, ...]]  # the gradients of what a list holds


def active_items(rev: Any, loop: Loop) -> list[Each_]:
    """The lists that a loop goes through whose items have gradients."""
    return [(item, each) for item, each in loop.each if each.kind in KINDS and item in rev.plan.active]


def returned_to(rev: Any, loop: Loop) -> list[tuple[Value, Gradients]]:
    """The values that a loop saves, with the gradients that have come back for them."""
    found = [(v, gradients) for v, items in loop.saves for gradients in rev.lists.pop(items, ())]
    return found


def is_of_a_gradient(block: Block) -> bool:
    """Whether something is kept in a block for a backward pass: of trips of a loop, of a side of a branch; or
    is made for what may not be assigned."""
    return any(_keeps(s) or any(map(is_of_a_gradient, s.blocks)) for s in block.statements)


def _keeps(s: Statement) -> bool:
    if isinstance(s, Apply):
        return TABLE[s.function].passes_none
    return bool(s.saves) or any(result in ends for result, ends in s.gives)


def receiving(block: Block, returned: set[Value]) -> set[Value]:
    """The values to which these gradients come back: of a list, those that are saved in it."""
    found = returned - {items for s in block.nested for _, items in s.saves}
    for s in block.nested:
        inside = {v for v, items in s.saves if items in returned} if s.repeats else returned
        for inner in s.blocks if inside else ():
            found |= receiving(inner, inside) - (set() if s.repeats else returned)
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


def handed_on(lists: Lists, side: Block, results: tuple[Value, ...]) -> Lists:
    """The lists of gradients at the end of a side of a branch: of what that gives, for what it is there."""
    found = {k: v for k, v in lists.items() if k not in results}
    for atom, result in zip(side.yields, results, strict=False):
        if isinstance(atom, Value) and result in lists:
            found[atom] = (*found.get(atom, ()), *lists[result])
    return found


def of_either(
    rev: Any, before: Lists, after: tuple[Lists, Lists]
) -> tuple[Lists, list[tuple[Value, Structure, Structure]]]:
    """The lists of gradients after a branch, of those before it and at the end of either side; and those that
    it gives, with what they are on each side.

    What a side has taken was for what it saves itself, and is gone. What one side alone has made is for what
    only that side has saved: on the other one there is nothing.
    """
    found = {k: v for k, v in before.items() if all(k in side for side in after)}
    given: list[tuple[Value, Structure, Structure]] = []
    for k, side in enumerate(after):
        for source, lists in side.items():
            known = len(before.get(source, ()))
            new = lists[known:]
            if new and (len(after[1 - k].get(source, ())) > known or source not in rev.table.unset):
                raise _refused()
            for gradients in new:
                items = rev.table.new(LIST, "saved_gradients")
                given.append((items, *((gradients.items, None) if k == 0 else (None, gradients.items))))
                found[source] = (*found.get(source, ()), gradients._replace(items=items))
    return found, given


def refuse_left_over(rev: Any) -> None:
    """Each list of gradients has come back to a loop that has saved the items: else they would be lost."""
    if rev.lists:
        raise _refused()


def _refused() -> UnsupportedError:
    return UnsupportedError(
        "differentiating the gradient of a loop again that a branch goes through is not supported"
    )
