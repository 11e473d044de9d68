"""The specialisations of a function by their signatures, of which those are kept that were used last.

Imports what a specialisation is.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from revcompile.codegen.specialization import Specialization

MAX_SPECIALIZATIONS = 64  # signatures
MAX_STALE = 4  # specialisations of one signature whose guards differ


class Recent:
    """Signature → specialisations, the one used last in front. Whoever changes it holds the lock."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Any, list[Specialization]] = OrderedDict()

    def __iter__(self) -> Iterator[Specialization]:
        return iter([s for group in list(self._groups.values()) for s in group])

    def of(self, key: Any) -> tuple[Specialization, ...]:
        """Those of one signature."""
        return tuple(self._groups.get(key, ()))

    def use(self, key: Any, specialization: Specialization) -> None:
        """Note that it is used."""
        group = self._groups.get(key, [])
        if specialization in group:
            self._groups.move_to_end(key)
            group.remove(specialization)
            group.insert(0, specialization)

    def add(self, key: Any, made: Specialization, shown: Specialization | None) -> list[Specialization]:
        """Add one. Returns those that are dropped for it, never the one that is shown."""
        group = self._groups.setdefault(key, [])
        group.insert(0, made)
        dropped = group[MAX_STALE:]
        del group[MAX_STALE:]
        while len(self._groups) > MAX_SPECIALIZATIONS:
            dropped += self._groups.pop(next(k for k, group in self._groups.items() if shown not in group))
        return dropped

    def clear(self) -> list[Specialization]:
        """Drop all, and return them."""
        dropped = list(self)
        self._groups.clear()
        return dropped
