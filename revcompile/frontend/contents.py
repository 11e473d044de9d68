"""What is in a container of the program that is compiled in as it is: it may change without becoming another.

Imports NumPy.
"""

from __future__ import annotations

import array
from collections import deque
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np

CHANGING = (set, frozenset, deque, dict, list, MappingProxyType, bytearray, array.array, memoryview)
DEEPEST = 8  # a container in a container in a container


def is_changing(obj: Any) -> bool:
    """Whether it is such a container; a sparse matrix that is a dict, too, is none."""
    return isinstance(obj, CHANGING) and not hasattr(obj, "tocsr")


class Same:
    """Equal to nothing but itself, and to what stands for the same object."""

    def __init__(self, obj: Any) -> None:
        self.obj = obj

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.obj is other.obj

    __hash__ = None  # type: ignore[assignment]


def contents(obj: Any, depth: int = 0) -> Any:
    """What tells whether an object has changed, to be compared with `==`: order, classes and numbers count.

    >>> contents({1, 2}) == contents({2, 1}), contents([1]) == contents([1.0])
    (True, False)
    """
    kind = type(obj)
    if kind in (int, bool, str, bytes, type(None)):
        return kind, obj
    if isinstance(obj, (float, complex, np.generic)):
        return kind, repr(obj)
    if isinstance(obj, np.ndarray):
        return kind, obj.dtype.str, obj.shape, obj.tobytes()
    if depth > DEEPEST:
        return Same(obj)
    inside: Any
    if isinstance(obj, (dict, MappingProxyType)):
        inside = [(contents(k, depth + 1), contents(v, depth + 1)) for k, v in obj.items()]
    elif isinstance(obj, (bytearray, memoryview, array.array)):
        inside = [getattr(obj, "typecode", getattr(obj, "format", "")), bytes(obj)]
    elif isinstance(obj, (set, frozenset, deque, list, tuple)):
        inside = [contents(item, depth + 1) for item in obj]
    else:
        plain = isinstance(obj, (type, ModuleType, FunctionType)) or depth >= DEEPEST
        return Same(obj), None if plain else contents(getattr(obj, "__dict__", None), depth + 1)
    own = getattr(obj, "__dict__", None)  # of a class derived from a container's
    return kind, inside, getattr(obj, "maxlen", None), contents(own, depth + 1) if own else None
