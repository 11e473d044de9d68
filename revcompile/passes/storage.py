"""What is in one storage, as far as the text tells.

Each array has *tokens*, one for each storage that it may be a part of: a fresh array has one of
its own; a view has those of what it is a view of; a caller's array has FOREIGN. A loop's array that is
written into has one of its own for the whole loop, and the loop begins with a copy where it must. A list has
the tokens of the arrays in it, and one that is the list itself: adding an item writes into no array.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, NamedTuple

from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.types import Array, Rows
from revcompile.passes.order import Order, Point

FOREIGN = "the caller's, or not to be written"
Tokens = frozenset[Any]
NONE: Tokens = frozenset()


class ListItself(NamedTuple):
    """The token of a list, apart from those of its items."""

    made_as: Value


class Storage:
    """The tokens of the values of a function, in their order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.kept: Tokens = NONE  # those of what is not to be written from now on
        self.tokens: dict[Value, Tokens] = {}
        # By token, in the order of their last reads: those numbers, and the values.
        self.holders: dict[Any, tuple[list[int], list[Value]]] = {}

    def hold(self, value: Value, tokens: Tokens) -> None:
        if isinstance(value.type, Array):
            self.share(value, tokens)

    def share(self, holder: Value, tokens: Tokens) -> None:
        """A list of arrays, or of such lists, or an item of it: it has all that its items have."""
        self.tokens[holder] = tokens
        last = self.order.last_read(holder)
        for token in tokens:
            numbers, values = self.holders.setdefault(token, ([], []))
            at = bisect_right(numbers, last)
            numbers.insert(at, last)
            values.insert(at, holder)

    def of(self, structure: Structure) -> Tokens:
        found: Tokens = NONE
        for v in leaves(structure):
            found |= self.tokens.get(v, NONE)
        return found

    def itself(self, structure: Structure) -> Tokens:
        """The tokens of what is written where a value is: of a list, not those of its items."""
        found: Tokens = NONE
        for v in leaves(structure):
            tokens = self.tokens.get(v, NONE)
            found |= frozenset(filter(is_list, tokens)) if isinstance(v.type, Rows) else tokens
        return found

    def items(self, structure: Structure) -> Tokens:
        """The tokens of the arrays in a list."""
        return frozenset(t for t in self.of(structure) if not is_list(t))

    def readers(self, value: Value, point: Point) -> list[Value] | None:
        """Who else reads the storage of `value` after a point. None: it must not be written at all."""
        tokens = self.itself(value)
        if FOREIGN in tokens or not tokens or tokens & self.kept:
            return None
        found = []
        for token in tokens:
            numbers, values = self.holders[token]
            for other in values[bisect_right(numbers, point.number) :]:
                defined = self.order.defined.get(other)
                before = defined is None or defined.number < point.number
                if before and self.order.is_read_after(other, point):
                    found.append(other)
        return found

    def is_read_between(self, value: Value, first: int, last: int) -> bool:
        """Whether the storage of `value` is read after a point, and before another one."""
        holders = (v for token in self.of(value) for v in self.holders[token][1])
        return any(first < point.number < last for v in holders for point in self.order.reads.get(v, ()))


def is_list(token: Any) -> bool:
    return isinstance(token, ListItself)


def own_token(v: Value) -> Tokens:
    """The token of storage that nothing else has."""
    return frozenset({ListItself(v)}) if isinstance(v.type, Rows) else frozenset({v})
