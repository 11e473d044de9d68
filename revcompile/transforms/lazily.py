"""Attributes of a function that are made when somebody looks at them.

A plain function has no properties: its attributes are the items of a dictionary. But a dictionary asks a key
of a class of its own whether it is the one that is looked for; that is when the attribute is made.
Imports the standard library.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FunctionType
from typing import Any


class Lazily(str):
    """The name of an attribute, which `make` assigns as soon as it is looked for."""

    __hash__ = str.__hash__
    make: Callable[[], None] | None
    lock: Any

    def __new__(cls, name: str, make: Callable[[], None]) -> Lazily:
        self = super().__new__(cls, name)
        self.make = make
        self.lock = threading.RLock()
        return self

    def __eq__(self, other: object) -> bool:
        if not str.__eq__(self, other):
            return False
        with self.lock:  # another thread may be making it
            make, self.make = self.make, None
            if make is not None:
                try:
                    make()
                except BaseException:
                    self.make = make
                    raise
        return True

    def __ne__(self, other: object) -> bool:
        return not self == other


def attribute(function: FunctionType, name: str, make: Callable[[], None]) -> None:
    """Let `function` have the attribute `name` that `make()` assigns, when it is first looked for."""
    function.__dict__[Lazily(name, make)] = None
