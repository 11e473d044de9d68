"""What the names of generated code mean for another function than it was compiled for.

A function of the same code object, whose cells lead to what is alike, may take the place of the first: the
code's names then mean it, its cells, the functions that the guards find there. What cannot change places is
kept, if the process keeps it anyhow, or must be the same object still.
Imports the front end's names and the function that is differentiated.
"""

from __future__ import annotations

import builtins
import functools
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from revcompile.codegen.constants import is_lasting
from revcompile.codegen.primal import Primal
from revcompile.errors import is_own
from revcompile.frontend.gradients import is_gradient
from revcompile.frontend.homes import home_of
from revcompile.frontend.names import Guard, Path, is_host_object, is_library
from revcompile.gates.table import TABLE

LONGEST = 1000  # of a text, or of a container, that is kept
_NUMPYS = type(np.sum)  # to which there are no weak references
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), slice)
AROUND = {"interpreted", "around"}  # marks of functions around the user's, see transforms/around


class Unshareable(Exception):
    """Code that serves only the function that it was compiled for."""


@dataclass(frozen=True)
class Step:
    """How to get from a primal, and from what was found before, to an object that the code has a name for."""

    get: Callable[[Primal, Sequence[Any]], Any]
    same: int  # the step that has found the object first
    fits: Callable[[Any], bool]  # whether another object may take its place


def _traits(f: Any, depth: int = 0) -> tuple[Any, ...] | None:
    """What functions of one code object that may stand for each other agree in; None where there are none."""
    marks = vars(f).keys() - {"__wrapped__"}
    if depth > 8 or f.__builtins__ is not vars(builtins) or f in TABLE:
        return None
    if marks and not (marks == AROUND and f.interpreted is True):
        return None
    count = None if f.__defaults__ is None else len(f.__defaults__)
    names = None if f.__kwdefaults__ is None else tuple(f.__kwdefaults__)
    traits = f.__name__, f.__qualname__, f.__module__, count, names, len(marks)
    if "__wrapped__" not in vars(f):
        return traits
    wrapped = f.__wrapped__  # the parameters may be its
    inside = _traits(wrapped, depth + 1) if type(wrapped) is FunctionType else None
    return None if inside is None else (*traits, weakref.ref(wrapped.__code__), inside)


def _like_function(f: FunctionType) -> Callable[[Any], bool]:
    itself, code, traits = weakref.ref(f), weakref.ref(f.__code__), _traits(f)

    def fits(g: Any) -> bool:
        if type(g) is not FunctionType or g.__code__ is not code():
            return False
        return g is itself() or (traits is not None and _traits(g) == traits)

    return fits


def _like_cell(constant: Any) -> Callable[[Any], bool]:
    """A cell with the same constant. The guards ask for it, too; here what is not right is soon left."""
    if not _is_kept(constant):
        return _any
    return lambda cell: type(cell.cell_contents) is type(constant) and cell.cell_contents == constant


def _like_gradient(f: Any) -> Callable[[Any], bool]:
    """Another gradient function with the same options."""
    options = f.specializations.options

    def fits(g: Any) -> bool:
        return type(g) is FunctionType and is_gradient(g) and vars(g)["specializations"].options == options

    return fits


def _like_home(home: Any) -> Callable[[Any], bool]:
    """The same module; for names that are no module's, others that are none either."""
    if isinstance(home, ModuleType):
        itself = weakref.ref(home)
        return lambda found: found is itself()
    kind = type(home)
    return lambda found: type(found) is kind


def _any(_: Any) -> bool:
    return True


class _Ways:
    """The ways from a function to what its code names; in the guards' order, which is that of reading."""

    def __init__(self, primal: Primal, guards: Sequence[Guard], used: set[int]) -> None:
        self.steps: list[Step] = []
        self.at: dict[int, int] = {}  # by the object's id: the step that finds it first
        self.single: set[int] = set()  # of these, those of objects that must not become one object
        self.used = used
        self.alive: list[Any] = []  # whose ids these are
        self.constants = {
            id(g.path.target): g.expected
            for g in guards
            if g.kind == "equal" and g.path.text == f"{g.path.root}.cell_contents"
        }
        self._function(primal.function, lambda p, _: p.function)
        if primal.owner is not None:
            self._add(primal.owner, lambda p, _: p.owner, _like_owner(primal.owner, guards), single=True)
        for name, default in primal.lent.items():
            self._add(default, lambda p, _, name=name: p.lent[name])
        for guard in guards:
            root = self.at.get(id(primal.namespace.globals.get(guard.path.root)))
            if guard.kind != "is" or guard.path.is_parameter or root is None:
                continue
            if isinstance(guard.expected, FunctionType):
                self._function(guard.expected, _along(guard.path, root))
            elif _is_read(guard.expected, guard.path, guards):
                self._add(guard.expected, _along(guard.path, root), _like_read(guard.expected), single=True)

    def _add(
        self,
        obj: Any,
        get: Callable[..., Any],
        fits: Callable[[Any], bool] = _any,
        single: bool = False,
    ) -> int:
        self.alive.append(obj)
        n = len(self.steps)
        same = self.at.setdefault(id(obj), n)
        self.steps.append(Step(get, same, fits))
        if single:
            self.single.add(same)
        return n

    def _function(self, f: FunctionType, get: Callable[..., Any]) -> None:
        if is_gradient(f):  # of which only what it is the gradient of is compiled in
            self._add(f, get, _like_gradient(f), single=True)
            return
        known = id(f) in self.at
        n = self._add(f, get, _like_function(f), single=True)
        if known:
            return
        for i, cell in enumerate(f.__closure__ or ()):
            fits = _like_cell(self.constants[id(cell)]) if id(cell) in self.constants else _any
            self._add(cell, lambda _, found, i=i: found[n].__closure__[i], fits, single=True)
        home = home_of(f)
        self._add(home, lambda _, found: home_of(found[n]), _like_home(home), single=True)
        parts = ("__globals__", "__code__", "__defaults__", "__kwdefaults__")
        for part in parts:
            obj = getattr(f, part)
            if id(obj) in self.used and obj is not None:
                self._add(obj, lambda _, found, part=part: getattr(found[n], part))


# Of what is called in their place, the compiler asks what is in it.
READ = {functools.partial: ("func", "args", "keywords"), type(functools.lru_cache(int)): ("__wrapped__",)}


def _like_read(obj: Any) -> Callable[[Any], bool]:
    kind, own = type(obj), vars(obj).keys()
    return lambda found: type(found) is kind and vars(found).keys() == own


def _is_read(obj: Any, path: Path, guards: Sequence[Guard]) -> bool:
    """Whether the guards ask what is in it."""
    parts = {f"{path.text}.{part}" for part in READ.get(type(obj), ())}
    return bool(parts) and parts <= {g.path.text for g in guards}


def _like_owner(owner: Any, guards: Sequence[Guard]) -> Callable[[Any], bool]:
    """Another object of its class, where the guards ask what is in it; or that object only."""
    paths = [g.path for g in guards if g.kind == "is" and g.expected is owner]
    if is_host_object(owner) and not paths:
        return is_host_object
    if paths and all(_is_read(owner, path, guards) for path in paths):
        return _like_read(owner)
    itself = _weakly(owner)
    return lambda found: found is itself()


def _along(path: Path, root: int) -> Callable[..., Any]:
    """What is found at a path from what a step finds."""
    code, name, get = compile(path.text, "<path>", "eval"), path.root, path.getattr
    return lambda _, found: eval(code, {name: found[root], get: getattr})


def _weakly(obj: Any) -> weakref.ref[Any]:
    try:
        return weakref.ref(obj)
    except TypeError:
        raise Unshareable from None


def _is_kept(obj: Any, depth: int = 0) -> bool:
    """Whether it may be kept: what lasts anyhow, and small constants."""
    if type(obj) in (tuple, list):
        return depth < 8 and len(obj) <= LONGEST and all(_is_kept(item, depth + 1) for item in obj)
    if type(obj) in PLAIN:
        return len(obj) <= LONGEST if isinstance(obj, (str, bytes)) else True
    return (is_lasting(obj) or (type(obj) is _NUMPYS and is_library(obj))) and not isinstance(obj, CodeType)


def weak_key(key: Any) -> Any:
    """A signature that keeps no object of the program's: weak references to these are equal if they are.

    What cannot be referred to so is equal to nothing.
    """
    if type(key) is tuple:
        return tuple(map(weak_key, key))
    if _is_kept(key) or isinstance(key, str):
        return key
    try:
        return weakref.ref(key)
    except TypeError:
        return object()


class Names:
    """What the names mean that code uses, for one function and for another."""

    def __init__(self, names: Iterable[str], primal: Primal, guards: Sequence[Guard]) -> None:
        objects = {name: primal.namespace.globals[name] for name in names}
        self.every = frozenset(objects)
        ways = _Ways(primal, guards, {id(obj) for obj in objects.values()})
        self.steps, self.single = ways.steps, ways.single
        self.found: dict[str, int] = {}
        self.fixed: dict[str, Any] = {}
        self.weak: dict[str, weakref.ref[Any]] = {}
        for name, obj in objects.items():
            if id(obj) in ways.at:
                self.found[name] = ways.at[id(obj)]
            elif _is_kept(obj):
                self.fixed[name] = obj
            else:
                cells = obj.__closure__ or () if isinstance(obj, FunctionType) else ()
                if any(id(cell) in ways.at for cell in cells):  # it would not go along with them
                    raise Unshareable
                if isinstance(obj, MethodType) or is_own(type(obj)) or (cells and is_own(obj)):
                    raise Unshareable  # a part of the compiler that belongs to one gradient function
                self.weak[name] = _weakly(obj)

    def of(self, primal: Primal) -> dict[str, Any] | None:
        """What the names mean for a function. None where the code would not be right for it."""
        found: list[Any] = []
        for step in self.steps:
            try:
                found.append(step.get(primal, found))
                right = found[step.same] is found[-1] and step.fits(found[-1])
            except Exception:  # there is nothing at a path, or in a cell
                return None
            if not right:
                return None
        single = {id(found[n]) for n in self.single}
        names = {name: found[n] for name, n in self.found.items()} | self.fixed
        for name, reference in self.weak.items():
            names[name] = reference()
        gone = any(names[name] is None or id(names[name]) in single for name in self.weak)
        return names if len(single) == len(self.single) and not gone else None
