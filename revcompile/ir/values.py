"""Run-time values, and the table of what is known of them beside their types.

Imports the types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from revcompile.ir.identifiers import identifier
from revcompile.ir.lengths import Comparison
from revcompile.ir.types import Scalar, Type

NONE = "None"  # in place of the name of a value that may not be set


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Value:
    """A run-time value: itself, and its type. What else is known of it stands in the tables of the stages."""

    type: Type

    def __repr__(self) -> str:
        return f"<value: {self.type}>"


def varies(x: Any) -> bool:
    """Whether only the run knows of what kind a number is."""
    return isinstance(x, Value) and isinstance(x.type, Scalar) and x.type.varies


class ValueTable:
    """What is known of the values of a compilation beside their types.

    For the writer: `hints` are the names that the user has for them, a temporary has none; `primals` says, of
    a gradient, which value it is the gradient of; `unfolded` holds those whose single use is not written in
    place of the name.

    `unset` holds those that may be None, what a name is that is not assigned; with that name, where it is the
    program's, or with NONE, where the program says None. `integral` holds those that have the type of a float
    and were, or are given by a call, a whole number; `decisive` those that must be none, since they may say
    of what dtype others are. `derived` holds what is computed for derivatives that the function itself asks
    for, where division by zero does not raise. `comparing` holds results of steps that raise where lengths
    differ that no test before the call compares, with what they compare.
    """

    def __init__(self) -> None:
        self.hints: dict[Value, str] = {}
        self.primals: dict[Value, Value] = {}
        self.tangents: set[Value] = set()
        self.derived: set[Value] = set()
        self.unfolded: set[Value] = set()
        self.unset: dict[Value, str | None] = {}
        self.integral: set[Value] = set()
        self.decisive: set[Value] = set()
        self.comparing: dict[Value, tuple[Comparison, ...]] = {}

    def copy(self) -> ValueTable:
        """The same, for a stage that finds out more."""
        other = ValueTable()
        other.hints, other.primals, other.unset = dict(self.hints), dict(self.primals), dict(self.unset)
        other.tangents, other.derived = set(self.tangents), set(self.derived)
        other.unfolded, other.integral = set(self.unfolded), set(self.integral)
        other.comparing, other.decisive = dict(self.comparing), set(self.decisive)
        return other

    def new(self, type: Type, hint: str | None = None, of: Value | None = None) -> Value:
        """A value that is not folded, by this name or as the gradient of another."""
        value = Value(type)
        self.name(value, hint)
        if of is not None:
            self.primals[value] = of
        return value

    def like(self, value: Value, type: Type | None = None, fold: bool | None = None) -> Value:
        """Another value that is written as this one is; or is folded, or not, whatever that one is."""
        new = Value(value.type if type is None else type)
        self.rename(new, value)
        if fold is not None:
            self.fold(new, fold)
        return new

    def retyped(self, value: Value, type: Type) -> Value:
        """Another value, of which all is known that is known of this one, but of another type."""
        new = self.like(value, type)
        if value in self.unset:
            self.unset[new] = self.unset[value]
        if value in self.integral:
            self.integral.add(new)
        return new

    def name(self, value: Value, hint: str | None) -> None:
        """Let a value not be folded, and be known by a name or by none."""
        self.unfolded.add(value)
        if hint is not None:
            self.hints[value] = identifier(hint)
        else:
            self.hints.pop(value, None)

    def rename(self, value: Value, like: Value) -> None:
        """Let a value be written as another one is."""
        self.name(value, self.hints.get(like))
        self.fold(value, like not in self.unfolded)
        self.primals.pop(value, None)
        self.tangents.discard(value)
        self.derive(value, self.primals.get(like))
        for marked in (self.tangents, self.derived):
            if like in marked:
                marked.add(value)

    def derive(self, value: Value, of: Value | None) -> None:
        """Let a value be the gradient, or the tangent, of another; not where that is one of this value."""
        ahead = of
        while ahead is not None and ahead is not value:
            ahead = self.primals.get(ahead)
        if of is not None and ahead is None:
            self.primals[value] = of

    def fold(self, value: Value, fold: bool) -> None:
        """Say whether a single use of a value may be written in place of its name."""
        if fold:
            self.unfolded.discard(value)
        else:
            self.unfolded.add(value)

    def is_temporary(self, value: Value) -> bool:
        """Whether a value has no name of the user's, and is not the gradient of another."""
        return value not in self.hints and value not in self.primals

    def wish(self, value: Value) -> str | None:
        """The name that a value would like to have."""
        of = self.primals.get(value)
        if of is None:
            return self.hints.get(value)
        name = self.wish(of)
        return None if name is None else f"{self.prefix(value)}_{name}"

    def prefix(self, value: Value) -> str:
        """What the name of a gradient, or of a tangent, begins with."""
        return "tangent" if value in self.tangents else "grad"
