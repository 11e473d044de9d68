"""What a name of the user's environment means: live numbers, guarded statics.

A global, a closure cell, an attribute of a user's module is an object of the host program, reached
by a `Path`. Numbers and arrays among them are *live*: generated code reads them at each call.
Everything else is static, baked into the code, and *guarded*: the code runs only while it still is.
Imports the IR.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Facts, Type

LIBRARIES = frozenset({"numpy", "math", "operator", "builtins", "functools", "itertools", "scipy"})


@dataclass(frozen=True)
class Path:
    """How generated code reaches an object: a root in its namespace, then attributes and keys."""

    root: str
    target: Any = field(compare=False, hash=False)
    steps: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.root + "".join(self.steps)

    def then(self, step: str) -> Path:
        return Path(self.root, self.target, (*self.steps, step))


@dataclass(frozen=True)
class Guard:
    """A condition under which a specialisation holds: the object at `path` is still `expected`.

    `kind` is "is" (the same object), "equal" (an equal plain constant) or "type" (a live number of
    the same type, `expected` being a `Type`) or "length" (a container of the same type and keys).
    """

    path: Path
    kind: str
    expected: Any


@dataclass(frozen=True, eq=False)
class Live:
    """A number of the host program that generated code reads at each call."""

    path: Path
    value: Value
    name: str


class HostNames:
    """Collects what a compilation takes from the host program."""

    def __init__(
        self, facts: Facts, type_of: Callable[[Any, Facts], Type | None], static: frozenset[Any] = frozenset()
    ) -> None:
        self.facts = facts
        self.static = static  # paths of numbers that the compiler must know
        self.type_of = type_of
        self.guards: dict[tuple[Path, str], Guard] = {}
        self.live: dict[Path, Live] = {}
        self._roots: dict[str, Any] = {}

    def globals_root(self, function: FunctionType) -> Path:
        """The path of a function's globals: its module, or a stand-in that shares their dictionary."""
        name = function.__globals__.get("__name__") or "module"
        module = sys.modules.get(name)
        if module is None or module.__dict__ is not function.__globals__:
            module = _Namespace(function.__globals__)
        return self._root(name.rpartition(".")[2].strip("_") or "module", module)

    def cell_root(self, name: str, cell: Any) -> Path:
        return self._root(f"{name}_cell", cell).then(".cell_contents")

    def function_root(self, function: FunctionType) -> Path:
        return self._root(function.__name__ if function.__name__ != "<lambda>" else "function", function)

    def _root(self, name: str, target: Any) -> Path:
        name = name if name.isidentifier() and not hasattr(builtins, name) else f"the_{name.strip('<>')}"
        unique, n = name, 1
        while unique in self._roots and not _same_target(self._roots[unique], target):
            unique, n = f"{name}_{n}", n + 1
        self._roots.setdefault(unique, target)
        return Path(unique, self._roots[unique])

    def bring(self, path: Path, obj: Any, name: str) -> Structure:
        """The abstract value of the host object `obj`, which generated code finds at `path`."""
        if path in self.live:
            return self.live[path].value
        if path in self.static and isinstance(obj, (int, float, np.generic)):
            self._guard(path, "equal", obj)
            return obj
        if type(obj) in (tuple, list) or (isinstance(obj, tuple) and hasattr(obj, "_fields")):
            self._guard(path, "length", (type(obj), len(obj)))
            items = [self.bring(path.then(f"[{i}]"), x, f"{name}_{i}") for i, x in enumerate(obj)]
            return type(obj)(*items) if hasattr(obj, "_fields") else type(obj)(items)
        if type(obj) is dict:
            self._guard(path, "length", (dict, tuple(obj)))
            return {k: self.bring(path.then(f"[{k!r}]"), x, f"{name}_{k}") for k, x in obj.items()}
        if type(obj) in (bool, int, str, bytes, type(None), np.bool_):
            self._guard(path, "equal", obj)
            return obj
        found = self.type_of(obj, self.facts)
        if found is not None:
            self._guard(path, "type", found)
            value = Value(found, hint=name, fold=False)
            self.live[path] = Live(path, value, name)
            return value
        if not self._is_library(path, obj):
            self._guard(path, "is", obj)
        return obj

    def _guard(self, path: Path, kind: str, expected: Any) -> None:
        self.guards[path, kind] = Guard(path, kind, expected)

    @staticmethod
    def _is_library(path: Path, obj: Any) -> bool:
        """Builtins cannot sensibly change under a running program."""
        return path.root == "builtins"


def _same_target(a: Any, b: Any) -> bool:
    if isinstance(a, _Namespace) and isinstance(b, _Namespace):
        return a.__dict__ is b.__dict__
    return a is b


class _Namespace:
    """A dictionary of globals seen as attributes: for functions whose module is not importable."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.__dict__ = names


def is_library(obj: Any) -> bool:
    """Whether an object belongs to a library whose attributes are constants."""
    name = obj.__name__ if isinstance(obj, ModuleType) else getattr(obj, "__module__", None)
    if isinstance(obj, (BuiltinFunctionType, np.ufunc)):
        return True
    return (name or "").partition(".")[0] in LIBRARIES
