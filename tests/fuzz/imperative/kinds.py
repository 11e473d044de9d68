"""What the generator knows while it grows a program: choices, kinds of values, names in scope.

Imports nothing of ours and nothing of the compiler.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any


class Dead(Exception):
    """Nothing of the wanted kind is in scope: something else is to be grown."""


@dataclass(frozen=True)
class Kind:
    """A number, an array (its axes' lengths are symbols), or a list of one kind of item."""

    form: str  # "number", "array", "list"
    dims: tuple[str, ...] = ()
    item: Kind | None = None
    filled: bool = False  # a list that has an item for sure


NUMBER = Kind("number")


def vector(dim: str) -> Kind:
    return Kind("array", (dim,))


def matrix(rows: str, columns: str) -> Kind:
    return Kind("array", (rows, columns))


@dataclass(frozen=True)
class Place:
    """What may stand left of `=`: a name, or an item of a container such as `box['u']`."""

    kind: Kind
    rebinds: bool = True  # may be given another object (an item of a tuple may not)
    item: bool = False


class Scope:
    """The places in scope, and the expressions that are indices along a length."""

    def __init__(self) -> None:
        self.places: dict[str, Place] = {}
        self.indices: dict[str, list[str]] = {}
        self.counters: list[str] = []  # names of run-time integers
        self.flags: list[str] = []  # names of run-time booleans
        self.wholes: dict[str, str] = {}  # names of vectors of whole numbers, to be read, and their lengths

    def copy(self) -> Scope:
        new = Scope()
        new.places = dict(self.places)
        new.indices = {d: list(e) for d, e in self.indices.items()}
        new.counters, new.flags, new.wholes = list(self.counters), list(self.flags), dict(self.wholes)
        return new

    def add(self, name: str, kind: Kind, rebinds: bool = True) -> None:
        self.places.pop(name, None)  # the latest stands last
        self.places[name] = Place(kind, rebinds, "[" in name)

    def of(self, kind: Kind, rebinds: bool = False) -> list[str]:
        return [n for n, p in self.places.items() if p.kind == kind and (p.rebinds or not rebinds)]

    def arrays(self, rank: int | None = None) -> list[str]:
        return [
            n
            for n, p in self.places.items()
            if p.kind.form == "array" and (rank is None or len(p.kind.dims) == rank)
        ]

    def lists(self) -> list[str]:
        return [n for n, p in self.places.items() if p.kind.form == "list"]

    def dims(self) -> list[str]:
        """The lengths of vectors in scope, each as often as there are vectors of it."""
        return [self.places[n].kind.dims[0] for n in self.arrays(1)]

    def joined(self, *others: Scope) -> Scope:
        """What is in scope after control paths meet."""
        new = self.copy()
        for other in others:
            new.places = {
                n: p if p == other.places[n] else replace(p, kind=_unfilled(p.kind))
                for n, p in new.places.items()
                if n in other.places and _unfilled(other.places[n].kind) == _unfilled(p.kind)
            }
            new.counters = [c for c in new.counters if c in other.counters]
            new.flags = [c for c in new.flags if c in other.flags]
            new.wholes = {n: d for n, d in new.wholes.items() if other.wholes.get(n) == d}
        return new


def _unfilled(kind: Kind) -> Kind:
    return replace(kind, filled=False)


class Choices:
    """Random choices, from `random.Random` or from hypothesis' stand-in for it."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def chance(self, probability: float) -> bool:
        return self.source.random() < probability

    def below(self, count: int) -> int:
        return min(int(self.source.random() * count), count - 1)

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def pick(self, options: Sequence[Any]) -> Any:
        if not options:
            raise Dead
        return options[self.below(len(options))]

    def recent(self, options: Sequence[Any]) -> Any:
        """One of the latest, more often than not."""
        return self.pick(options[-3:] if self.chance(0.5) else options)

    def weighted(self, options: Iterable[tuple[float, Any]]) -> Any:
        table = list(options)
        at = self.source.random() * sum(w for w, _ in table)
        for weight, option in table:
            at -= weight
            if at < 0:
                return option
        return table[-1][1]
