"""What has the globals of a function as its attributes. Imports nothing of ours."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any
from weakref import WeakValueDictionary


def home_of(function: FunctionType) -> Any:
    """What has a function's globals as attributes: its module, or a stand-in that shares their dictionary."""
    module = sys.modules.get(str(function.__globals__.get("__name__") or "module"))
    if module is None or module.__dict__ is not function.__globals__:
        return _namespace(function.__globals__)
    return module


class _Namespace:
    """A dictionary of globals seen as attributes: for functions whose module is not importable."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


_namespaces: WeakValueDictionary[int, _Namespace] = WeakValueDictionary()


def _namespace(names: dict[str, Any]) -> _Namespace:
    """The same stand-in for the same dictionary, as long as it is in use."""
    found = _namespaces.get(id(names))
    if found is None or found.__dict__ is not names:
        found = _namespaces[id(names)] = _Namespace(names)
    return found
