"""Run-time values, and the table of what is known of them beside their types.

Imports the types.
"""

from __future__ import annotations

from revcompile.ir.identifiers import identifier
from revcompile.ir.types import Type


class Value:
    """A run-time value: a type, and what the writer may call it.

    `hint` is the user's name for it, or None for a temporary; `of` marks the gradient of another
    value; `fold` says that a single use may be written in place of the name.
    """

    __slots__ = ("type", "_hint", "of", "fold")

    def __init__(
        self, type: Type, hint: str | None = None, of: Value | None = None, fold: bool = True
    ) -> None:
        self.type = type
        self._hint = None if hint is None else identifier(hint)
        self.of = of
        self.fold = fold

    @property
    def hint(self) -> str | None:
        return self._hint

    @hint.setter
    def hint(self, wish: str | None) -> None:
        self._hint = None if wish is None else identifier(wish)

    def __repr__(self) -> str:
        name = self.hint or (f"grad of {self.of!r}" if self.of else "value")
        return f"<{name}: {self.type}>"


class ValueTable:
    """What is known of the values of a compilation beside their types.

    `unset` holds those that may be None: what a name is that is not assigned. `whole` holds those that have
    the type of a float and were, or are given by a call, a whole number.
    """

    def __init__(self) -> None:
        self.unset: set[Value] = set()
        self.whole: set[Value] = set()
