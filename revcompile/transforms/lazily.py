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
    make: Callable[[], None]
    made: bool
    making: bool
    lock: Any

    def __new__(cls, name: str, make: Callable[[], None]) -> Lazily:
        self = super().__new__(cls, name)
        self.make, self.made, self.making = make, False, False
        self.lock = threading.RLock()
        return self

    def renew(self) -> None:
        """Let it be made again, of what is new now."""
        self.made = False

    def __eq__(self, other: object) -> bool:
        if not str.__eq__(self, other):
            return False
        with self.lock:  # another thread may be making it
            if self.making:  # and this is where it is assigned
                return True
            self.making = True
            try:
                while not self.made:  # or it was renewed meanwhile
                    self.made = True
                    self.make()
            except BaseException:
                self.made = False
                raise
            finally:
                self.making = False
        return True

    def __ne__(self, other: object) -> bool:
        return not self == other


def attribute(function: FunctionType, name: str, make: Callable[[], None]) -> Lazily:
    """Let `function` have the attribute `name` that `make()` assigns, when it is first looked for."""
    key = Lazily(name, make)
    function.__dict__[key] = None
    return key
