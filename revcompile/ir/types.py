"""What the compiler knows of a run-time value: its kind, its dtype and its axes.

An axis length is a `Dim`. Lengths are symbols: two axes with the same symbol are equally long in
every call that has this signature, which is what decides, once and statically, where a broadcast
must be undone. This module imports NumPy and nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from revcompile.ir.rebuild import replace


@dataclass(frozen=True)
class Dim:
    """The length of one axis: a known number, or `max(symbol - trim, 0)`."""

    size: int | None = None
    symbol: int | None = None
    trim: int = 0
    maybe_one: bool = False

    @property
    def is_one(self) -> bool:
        return self.size == 1

    @property
    def can_be_one(self) -> bool:
        return self.size == 1 if self.size is not None else self.maybe_one

    def trimmed(self, by: int) -> Dim:
        """The length after `by` elements are sliced off (never below zero)."""
        if by == 0:
            return self
        if self.size is not None:
            return Dim(size=max(self.size - by, 0))
        return Dim(symbol=self.symbol, trim=self.trim + by, maybe_one=True)


ONE = Dim(size=1)


@dataclass(frozen=True)
class Scalar:
    """A number. `python` tells a Python `float` from a NumPy scalar of the same dtype.

    One that `varies` is a float of this dtype, of a narrower one or of Python's: only the run knows. One that
    is made to be of this type, but in the program is of some `others` on some ways, is computed with as if it
    were of this one: who asks for its class must be told so.
    """

    dtype: np.dtype[Any]
    python: bool = False
    extent: Dim | None = None  # an integer that is the length of an axis
    varies: bool = False
    others: frozenset[Scalar] = field(default=frozenset(), compare=False, repr=False)
    dims: ClassVar[tuple[Dim, ...]] = ()

    def __str__(self) -> str:
        if self.python:
            return {"f": "float", "i": "int", "b": "bool", "c": "complex"}[self.dtype.kind]
        return f"np.{self.dtype.name}" + (" or another float" if self.varies else "")

    @property
    def kinds(self) -> list[Scalar]:
        """The types that it may be of, the widest first."""
        if not self.varies:
            return [self]
        narrower = (np.dtype(f) for f in "fe" if np.dtype(f).itemsize < self.dtype.itemsize)
        return [Scalar(self.dtype), *map(Scalar, narrower), FLOAT]

    @property
    def possible(self) -> frozenset[Scalar]:
        """The types of which it may be in the program."""
        return self.others.union(self.kinds if self.varies else (Scalar(self.dtype, self.python),))

    def one_of(self, *types: Scalar) -> Scalar:
        """This type, for what is of some of these in the program."""
        others = frozenset().union(*(t.possible for t in types)) - {Scalar(self.dtype, self.python)}
        return self if others == self.others else replace(self, others=others)


@dataclass(frozen=True)
class Array:
    """A NumPy array of a dtype and a rank."""

    dtype: np.dtype[Any]
    dims: tuple[Dim, ...]

    def __str__(self) -> str:
        axes = ", ".join("1" if d.is_one else ":" for d in self.dims)
        return f"{self.dtype.name}[{axes}]"


@dataclass(frozen=True)
class Rows(Array):
    """A Python list as long as the run makes it, of numbers or of arrays of one shape.

    Its axes and its gradient are those of the array of its items.
    """

    python: bool = False  # whether its numbers are Python's
    others: frozenset[Scalar] = field(default=frozenset(), compare=False, repr=False)  # as those of a number

    @property
    def item(self) -> Scalar | Array:
        rest = self.dims[1:]
        return Array(self.dtype, rest) if rest else Scalar(self.dtype, self.python, others=self.others)

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True)
class Opaque:
    """A run-time value without numbers in it: a formatted string, the result of an unknown call."""

    what: str
    dims: ClassVar[tuple[Dim, ...]] = ()

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class Foreign(Opaque):
    """A run-time object that is no number, no array and not made of them: a data frame, a sparse matrix.

    What is done with it is done as it is, see `gates/foreign`. A sparse matrix has a dtype and two lengths.
    """

    cls: type = object
    dtype: np.dtype[Any] | None = None
    lengths: tuple[Dim, ...] = field(default=(), compare=False)


Type = Scalar | Array | Opaque

FLOAT = Scalar(np.dtype(float), python=True)
INT = Scalar(np.dtype(int), python=True)
BOOL = Scalar(np.dtype(bool), python=True)


def scalar_type(number: Any) -> Scalar:
    """The type of a literal number."""
    if isinstance(number, np.generic):
        return Scalar(number.dtype)
    return Scalar(np.dtype(type(number)), python=True)


def is_exactly(a: Type, b: Type) -> bool:
    """Whether types are the same, also in what numbers are on other ways in the program."""
    return a == b and getattr(a, "others", None) == getattr(b, "others", None)


def rank(t: Type) -> int:
    return len(t.dims)


def is_number(t: Type) -> bool:
    return isinstance(t, (Scalar, Array)) and t.dtype.kind in "fiu"


def is_float(t: Type) -> bool:
    return isinstance(t, (Scalar, Array)) and t.dtype.kind == "f"


def gradient_type(t: Type) -> Scalar | Array:
    """The type of a gradient: that of its variable, a number or an array, with float64 for whole numbers."""
    assert isinstance(t, (Scalar, Array))
    if isinstance(t, Rows):
        t = Array(t.dtype, t.dims)
    if t.dtype.kind != "f":
        t = replace(t, dtype=np.dtype(float))
    is_plain = isinstance(t, Array) or (t.extent is None and not t.varies)
    return t if is_plain else replace(t, extent=None, varies=False)
