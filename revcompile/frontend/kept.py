"""Lists to which a loop adds one item in each trip, of any kind: an array of any shape, None, a list of such.

    ys = []                                for y in reversed(ys):
    for x in xs:                               …
        ys.append(f(x))

Such a list is made where a list that only grows does not do (`Hold`). It is what the reversal of a loop
reads, see `statements/loop_lists`: a value of the type `Kept`, which loops go through.
"""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import defined_, identity
from revcompile.ir.nodes import EMPTY, Each, Instance, Structure, Value, leaves, map_values
from revcompile.ir.types import Array, Kept, Scalar
from revcompile.statements.iterables import Iteration, told_apart
from revcompile.syntax.abstract import Frame
from revcompile.syntax.missing import Lack, handed_on
from revcompile.syntax.mutable import ITEMS, is_growing


def begin(low: Lowering) -> Instance:
    made: Instance = low.own(Instance(list, {ITEMS: EMPTY}))
    low.missing.begun[id(made)] = len(low.missing.trips)
    return made


def append(low: Lowering, owner: Instance, x: Structure) -> None:
    """Keep an item: once in each trip of the loop before which the list was made."""
    trips = low.missing.trips
    if len(trips) != low.missing.begun[id(owner)] + 1 or trips[-1].depth != low.builder.depth:
        raise _refused("to which each trip of a loop does not add one item")
    if id(owner) in trips[-1].saves or _held(owner) is not EMPTY:
        raise _refused("to which a trip adds more than one item")
    item = _content(low, x)
    trips[-1].saves[id(owner)] = owner, low.resolve(item), [low.memory.root(v) for v in leaves(item)]


def _content(low: Lowering, x: Structure) -> Structure:
    """An item, lists in it as the values that they are."""
    if isinstance(x, Value) and isinstance(x.type, (Array, Scalar, Kept)):
        return x
    if x is None:  # so far: a later trip may begin with something else
        return None
    if type(x) in (bool, int, float):
        return low.emit(identity, x)
    if type(x) is tuple and x:
        return tuple(_content(low, part) for part in x)
    if is_growing(x):
        found = _held(x)
        if isinstance(found, Value) and isinstance(found.type, Kept):
            return found
    raise _refused("of such items")


def _held(owner: Instance) -> Structure:
    (found,) = owner.attributes.values()
    return found


def check_read(low: Lowering, owner: Instance) -> None:
    """A list is not read before the loop is done that fills it."""
    if _held(owner) is EMPTY and len(low.missing.trips) > low.missing.begun[id(owner)]:
        raise _refused("that is read in the loop that fills it,")


def _refused(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"a list {what} and that holds None, lists or arrays of several shapes, is not supported"
    )


def iteration(low: Lowering, owner: Instance, content: Structure) -> Iteration:
    """How to go through the items."""
    items: dict[Value, Value] = {}
    table = low.builder.table
    for rows in leaves(content):
        t: Any = rows.type
        item = items[rows] = table.new(t.item, table.hints.get(t.saved))
        if t.missing:
            table.unset[item] = None
            low.missing.lacks[item] = Lack(None)
        if isinstance(item.type, Array):
            low.missing.kept.add(item)
    lists = told_apart(low, [(item, Each("list", (rows,))) for rows, item in items.items()])
    one = map_values(items.__getitem__, content)

    def refuse() -> Structure:
        raise _refused("of which the length is asked,")

    def item_of(_: Structure) -> Structure:
        return _as_item(low, one)

    return Iteration(refuse, item_of, owners=(owner,), lists=lists, counts=False)


def _as_item(low: Lowering, x: Structure) -> Structure:
    if isinstance(x, tuple):
        return tuple(_as_item(low, part) for part in x)
    return low.own(Instance(list, {ITEMS: x})) if isinstance(x.type, Kept) else x


def read(low: Lowering, node: ast.AST, found: Structure, frame: Frame) -> Structure:
    """What the program reads is there, or raises."""
    if isinstance(found, Value) and not frame.is_rule and node not in handed_on(frame.source.node):
        must_be_there(low, found)
    return found


def must_be_there(low: Lowering, structure: Structure) -> None:
    """Let the run see to it that nothing is None of what a gate, or who calls the function, is given."""
    for v in leaves(structure):
        if low.missing.must_be_tested(v):
            low.builder.remember((defined_, v), partial(low.builder.emit, defined_, (v, "")))
