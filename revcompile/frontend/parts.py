"""What a call gives to a function, taken apart: the numbers and arrays, and all the rest.

    f(x, {"W": W, "steps": 3}, np.tanh)      parts  x, W, 3
                                             shape  (·, {"W": ·, "steps": ·}, np.tanh)

Two calls of the same shape may run the same code, if their parts are of the same types. What a nested
function reads of the functions around it is a part of the call. What cannot be taken apart, or may be
something else at another call although it looks the same, is `Inseparable`. Imports the IR.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import an
from revcompile.frontend.absent import is_there
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.ir.identifiers import step_name
from revcompile.ir.nodes import Instance, Structure, Value
from revcompile.ir.types import Array, Scalar
from revcompile.ir.values import NONE
from revcompile.syntax.abstract import Frame, Method, NestedFunction, Partial, Poison
from revcompile.syntax.source import assigned_in, parameters

CONSTANTS = (type(None), bool, str, bytes, type(Ellipsis), np.bool_, range)
BY_IDENTITY = (type, np.dtype, FunctionType, BuiltinFunctionType, np.ufunc, ModuleType)
Make = Callable[["Build"], Structure]


class Inseparable(Exception):
    """What a function is given, or gives, cannot be told apart from the call."""


class Build:
    """One structure put together again, with these atoms as its parts."""

    def __init__(self, atoms: Sequence[Structure]) -> None:
        self.atoms = atoms
        self.made: dict[int, Any] = {}  # containers and frames, by their number


class Parts:
    """A structure taken apart: `shape` is hashable, and the same for calls that differ in `atoms` only.

    With `gives`, parts may be None on one way. With `together`, a value that stands in several places is one
    atom.
    """

    def __init__(
        self,
        low: Lowering,
        names: dict[str, Structure],
        home: Frame | None = None,
        free: frozenset[str] = frozenset(),
        together: bool = True,
        gives: bool = False,
    ) -> None:
        if any(overlay.attributes for _, overlay in low.host.overlays.values()):
            raise Inseparable("attributes of the program's objects were assigned")
        self.low, self.together, self.gives = low, together, gives
        self.atoms: list[Structure] = []
        self.names: list[str] = []  # what each atom may be called
        self._numbers: dict[int, int] = {}  # of containers, frames and values that were met
        self.met: list[Any] = []  # everything that was met by identity, which keeps it alive
        self._taken: set[tuple[int, str]] = set()  # the names of frames that were met
        parts = {name: self.take(s, name) for name, s in names.items()}
        self._home = self._frame(home, free) if home is not None else None
        self.shape: Any = (tuple((n, key) for n, (key, _) in parts.items()), self._home and self._home[0])
        self._make = {name: make for name, (_, make) in parts.items()}

    def build(self, atoms: Sequence[Structure]) -> tuple[dict[str, Structure], Frame | None, Build]:
        """The names and the frame around them, with other atoms."""
        build = Build(atoms)
        names = {name: make(build) for name, make in self._make.items()}
        return names, self._home[1](build) if self._home is not None else None, build

    # -- structures ---------------------------------------------------------------------------

    def take(self, s: Structure, name: str) -> tuple[Any, Make]:
        if isinstance(s, Value):
            return self._value(s, name)
        if type(s) in (int, float) or isinstance(s, (np.floating, np.integer)):
            return self._atom(s, name)
        if type(s) in CONSTANTS:
            return (type(s), s), lambda _: s
        if isinstance(s, BY_IDENTITY):
            self.met.append(s)
            return (id(s),), lambda _: s
        if isinstance(s, HostObject):
            return (HostObject, s.path), lambda _: s
        if isinstance(s, Poison):
            return (Poison, s.reason, s.decision), lambda _: s
        if isinstance(s, tuple):
            return self._sequence(s, name)
        if isinstance(s, slice):
            key, make = self._sequence((s.start, s.stop, s.step), name)
            return (slice, key), lambda build: slice(*make(build))
        if isinstance(s, (list, dict, Instance)):
            return self._container(s, name)
        return self._function(s, name)

    def _value(self, v: Value, name: str) -> tuple[Any, Make]:
        table = self.low.builder.table
        if self.gives and table.unset.get(v) == NONE:
            return self._absent(v, name)
        if not (is_there(self.low, v) and isinstance(v.type, (Array, Scalar))):
            raise Inseparable("it is given, or gives, what is neither a number nor an array")
        if self.together and id(v) in self._numbers:
            i = self._numbers[id(v)]
            return ("again", i), lambda build: build.atoms[i]
        self._numbers[id(v)] = len(self.atoms)
        self.met.append(v)
        return self._atom(v, name)

    def _absent(self, v: Value, name: str) -> tuple[Any, Make]:
        """What is None on one way."""
        i, unset = len(self.atoms), self.low.builder.table.unset
        self._atom(v, name)

        def make(build: Build) -> Structure:
            unset[build.atoms[i]] = NONE
            return build.atoms[i]

        return "part or None", make

    def _atom(self, s: Structure, name: str) -> tuple[Any, Make]:
        i = len(self.atoms)
        self.atoms.append(s)
        self.names.append(name)
        return "part", lambda build: build.atoms[i]

    def _sequence(self, s: Any, name: str) -> tuple[Any, Make]:
        fields = getattr(s, "_fields", None)
        names = fields or [f"{name}_{i}" for i in range(len(s))]
        parts = [self.take(item, n) for n, item in zip(names, s, strict=True)]
        kind = type(s)
        if fields is not None:
            return self._key(kind, parts), lambda build: kind(*(make(build) for _, make in parts))
        if kind is not tuple:
            raise Inseparable("a tuple of a class of its own")
        return self._key(kind, parts), lambda build: tuple(make(build) for _, make in parts)

    def _key(self, kind: Any, parts: Sequence[tuple[Any, Make]]) -> Any:
        return (kind, *(key for key, _ in parts))

    def _container(self, s: Any, name: str) -> tuple[Any, Make]:
        if id(s) in self._numbers:
            i = self._numbers[id(s)]
            return ("again", i), lambda build: build.made[i]
        self.low.mutables.read(s)
        number = self._numbers[id(s)] = len(self.met)
        self.met.append(s)

        def noted(build: Build, made: Any) -> Any:
            build.made[number] = made
            return made

        if type(s) is list:
            items = [self.take(item, f"{name}_{i}") for i, item in enumerate(s)]
            return self._key(list, items), lambda build: noted(build, [make(build) for _, make in items])
        held = s.attributes if isinstance(s, Instance) else s
        if type(s) not in (dict, Instance) or not all(isinstance(key, (str, int, bytes)) for key in held):
            raise Inseparable(f"{an(type(s).__name__)}")
        parts = {key: self.take(item, step_name(name, key)) for key, item in held.items()}
        keys = tuple((key, inner) for key, (inner, _) in parts.items())
        if isinstance(s, Instance):
            cls = s.cls
            return (cls, keys), lambda build: noted(
                build, Instance(cls, {key: make(build) for key, (_, make) in parts.items()})
            )
        return (dict, keys), lambda build: noted(
            build, {key: make(build) for key, (_, make) in parts.items()}
        )

    # -- functions ----------------------------------------------------------------------------

    def _function(self, s: Structure, name: str) -> tuple[Any, Make]:
        if isinstance(s, NestedFunction):
            home, make_home = self._frame(s.frame, free_names(s.node))
            defaults = {n: self.take(d, n) for n, d in s.defaults.items()}
            self.met.append(s.frame.function)
            key = (
                NestedFunction,
                identity(s.frame, s.node),
                home,
                tuple((n, k) for n, (k, _) in defaults.items()),
            )
            return key, lambda build: NestedFunction(
                s.node, make_home(build), {n: make(build) for n, (_, make) in defaults.items()}
            )
        if isinstance(s, Method):
            key, make = self.take(s.value, name)
            return (Method, s.name, key), lambda build: Method(make(build), s.name)
        if isinstance(s, MethodType):
            key, make = self.take((s.__func__, s.__self__), name)
            return (MethodType, key), lambda build: MethodType(*make(build))
        if isinstance(s, Partial):
            key, make = self.take((s.function, s.args, s.kwargs), name)
            return (Partial, key), lambda build: Partial(*make(build))
        raise Inseparable(f"{an(type(s).__name__)}")

    def _frame(self, frame: Frame, wanted: frozenset[str]) -> tuple[Any, Make]:
        """What is read of a frame, and of those around it, as one frame of its own."""
        found: dict[str, Structure] = {}
        for name in sorted(wanted):
            scope: Frame | None = frame
            while scope is not None and name not in found:
                if scope.cells is not None and name in scope.cells.attributes:
                    raise Inseparable("a variable that several functions assign")
                if name in scope.names:
                    found[name] = scope.names[name]
                scope = scope.parent
        number = self._numbers.get(id(frame))
        if number is None:
            number = self._numbers[id(frame)] = len(self.met)
            self.met.append(frame)
        parts: dict[str, tuple[Any, Make]] = {}
        key = (number, *self._inner(frame, number, found, parts))

        def make(build: Build) -> Frame:
            known = build.made.get(number)
            if known is None:
                known = build.made[number] = Frame(frame.source, {}, None, False, frame.depth)
            for name, (_, make_part) in parts.items():
                if name not in known.names:
                    known.names[name] = None
                    known.names[name] = make_part(build)
            return known

        return key, make

    def _inner(
        self, frame: Frame, number: int, found: dict[str, Structure], parts: dict[str, tuple[Any, Make]]
    ) -> Iterator[Any]:
        for name, structure in found.items():
            if (number, name) in self._taken:
                continue
            self._taken.add((number, name))
            parts[name] = self.take(structure, name)
            yield name, parts[name][0]


def identity(frame: Frame, node: ast.FunctionDef | ast.Lambda) -> Any:
    """Which function it is: functions of one text may read variables of their own."""
    return id(frame.function), *frame.key(node)


@lru_cache(maxsize=1024)
def free_names(node: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a nested function, or a function in it, may read of the functions around it."""
    own = {a.arg for a in parameters(node)}
    declared = {n for s in ast.walk(node) if isinstance(s, ast.Nonlocal) for n in s.names}
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    for statement in node.body if isinstance(node, ast.FunctionDef) else ():
        own.update(assigned_in(statement))
    return frozenset((read - own) | declared)
