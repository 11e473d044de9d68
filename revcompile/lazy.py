"""Attributes that are computed when they are first asked for. Imports the standard library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Computed = TypeVar("Computed")


class lazy(Generic[Computed]):
    """`functools.cached_property` without a lock, which Pythons before 3.12 have for each: it costs more than
    most of what is computed here, and the child of a fork may find it held. Two threads may compute the same.
    """

    def __init__(self, compute: Callable[[Any], Computed]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Computed:
        if owner is None:
            return self  # type: ignore[return-value]
        value = self.compute(owner)
        object.__setattr__(owner, self.name, value)  # into `vars(owner)`, all attributes would be read slowly
        return value
