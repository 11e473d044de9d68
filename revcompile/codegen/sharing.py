"""Compiled code for a function that is made again and again: a lambda in a loop, a method of many objects.

Code that was compiled for a function serves another one of the same code object where its names mean the new
function, its cells and what these lead to: its guards then ask whether the new ones are what was compiled
for, and what it reads at each call it reads from them. What is remembered is of text and of code; it holds
nothing that would go before the process does, and no object of the program's but weakly.
Imports what a specialisation is, and what loads text.
"""

from __future__ import annotations

import builtins
import copy
import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from revcompile.codegen.constants import is_lasting
from revcompile.codegen.load import Namespace, Printed, make_function, names_in
from revcompile.codegen.primal import Primal
from revcompile.codegen.specialization import Blame, Careful, Specialization
from revcompile.errors import is_own
from revcompile.frontend.gradients import is_gradient
from revcompile.frontend.names import Guard, Path, home_of, is_host_object, is_library
from revcompile.gates.table import TABLE

MAX_ALL = 256  # specialisations that are remembered
MAX_EACH = 64  # of one code object
MAX_COMPILED_IN = 4  # values of a whole number; further ones are read at each call
LONGEST = 1000  # of a text, or of a container, that is kept
_NUMPYS = type(np.sum)  # to which there are no weak references
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis), slice)


class Unshareable(Exception):
    """Code that serves only the function that it was compiled for."""


@dataclass(frozen=True)
class Whole:
    """Paths of whole numbers of the program: of those that code reads at each call, and of those that it
    could not be compiled without."""

    varying: frozenset[Path]
    known: frozenset[Path]


@dataclass(frozen=True)
class Step:
    """How to get from a primal, and from what was found before, to an object that the code has a name for."""

    get: Callable[[Primal, Sequence[Any]], Any]
    same: int  # the step that has found the object first
    fits: Callable[[Any], bool]  # whether another object may take its place


def _traits(f: Any) -> tuple[Any, ...] | None:
    """What functions of one code object that may stand for each other agree in; None where there are none."""
    marked = vars(f).get("interpreted") is True
    if len(vars(f)) > marked or f.__builtins__ is not vars(builtins) or f in TABLE:
        return None
    count = None if f.__defaults__ is None else len(f.__defaults__)
    names = None if f.__kwdefaults__ is None else tuple(f.__kwdefaults__)
    return f.__name__, f.__qualname__, f.__module__, count, names, marked


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
                self._add(guard.expected, _along(guard.path, root), _is_partial, single=True)

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


def _is_partial(obj: Any) -> bool:
    return type(obj) is functools.partial and not obj.__dict__


def _is_read(obj: Any, path: Path, guards: Sequence[Guard]) -> bool:
    """Whether it is a partial of which the guards ask what is in it."""
    parts = {f"{path.text}.{part}" for part in ("func", "args", "keywords")}
    return _is_partial(obj) and parts <= {g.path.text for g in guards}


def _like_owner(owner: Any, guards: Sequence[Guard]) -> Callable[[Any], bool]:
    """Another object of its class, where the guards ask what is in it; or that object only."""
    paths = [g.path for g in guards if g.kind == "is" and g.expected is owner]
    if is_host_object(owner) and not paths:
        return is_host_object
    if paths and all(_is_read(owner, path, guards) for path in paths):
        return _is_partial
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


@dataclass(frozen=True)
class Code:
    """The code of one function, and of those that it calls."""

    own: Printed
    helpers: Mapping[str, Printed]

    @classmethod
    def of(cls, function: FunctionType, helpers: Iterable[str]) -> Code:
        inner = {name: Printed(function.__globals__[name].__code__) for name in helpers}
        return cls(Printed(function.__code__), inner)

    @property
    def codes(self) -> Iterator[CodeType]:
        for printed in (self.own, *self.helpers.values()):
            yield printed.code

    def load(self, namespace: Namespace, like: FunctionType, heading: tuple[str, str]) -> FunctionType:
        names = namespace.globals
        if self.helpers:
            names = dict(names)
            for name, printed in self.helpers.items():
                names[name] = FunctionType(printed.again(), names, name)
        return make_function(self.own.again(heading), namespace, like, names)


class Shared:
    """A specialisation as it is remembered."""

    def __init__(
        self,
        key: Any,
        static: frozenset[Any],
        made: Specialization,
        primal: Primal,
        guards: Sequence[Guard],
        whole: Whole,
    ) -> None:
        """Raises Unshareable."""
        if any(g.kind in ("test", "itself") for g in guards):
            raise Unshareable
        names = primal.namespace.globals
        self.key = weak_key(key)
        self.whole = whole
        self.static, self.compared = _without_targets(static), _without_targets(made.compared)
        self.parameters = primal.parameters
        self.compiled_in = {
            replace(g.path, target=None): g.expected
            for g in guards
            if g.kind == "equal" and type(g.expected) is int and not g.path.is_parameter
        }
        self.run = Code.of(made.run, made.helpers)
        self.careful: Code | None = None
        tests = {"holds": made.holds, "agrees": made.agrees, "together": made.together}
        self.tests = {name: Code.of(f, ()) for name, f in tests.items() if isinstance(f, FunctionType)}
        self.entry = Printed(made.entry, names) if made.entry is not None else None
        self.texts = made.source, made.backward_source, made.description
        self.reads, self.is_sure, self.is_careful = made.reads, made.blame.sure, made.careful is not None
        self.names_of_run = [n for n, obj in names.items() if obj is made.run]
        self.names_of_blame = [n for n, obj in names.items() if obj is made.blame]
        roots = {p.root for p in (*static, *made.compared) if isinstance(p, Path)}
        constants = self.entry.constants.values() if self.entry is not None else ()
        self.used = roots.union(*map(names_in, made.codes), constants)
        self._find_names(primal, guards)

    def _find_names(self, primal: Primal, guards: Sequence[Guard]) -> None:
        given = {*primal.own, *self.names_of_run, *self.names_of_blame, *primal.namespace.own}
        used = {name for name in self.used if name in primal.namespace.globals and name not in given}
        self.names = Names(sorted(used), primal, guards)

    def completed(self, careful: FunctionType, primal: Primal, guards: Sequence[Guard]) -> Shared:
        """The same with the code for numbers beyond `math`. Raises Unshareable."""
        if not self.names.every <= primal.namespace.globals.keys():  # it has been retired meanwhile
            raise Unshareable
        other = copy.copy(self)
        other.careful = Code.of(careful, self.run.helpers)
        other.used = self.used.union(*map(names_in, other.careful.codes))
        other._find_names(primal, guards)
        return other

    def serves(
        self,
        key: Any,
        static: frozenset[Any],
        primal: Primal,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """What the names mean for a function, if the code is right for a call of that (weak) signature."""
        if key != self.key or not self.static >= static:
            return None
        names, namespace = self.names.of(primal), primal.namespace
        if names is None or not namespace.has_room_for(names, (*self.names_of_run, *self.names_of_blame)):
            return None
        holds = FunctionType(self.tests["holds"].own.code, {**namespace.base(), **names})
        holds.__defaults__, holds.__kwdefaults__ = primal.like.__defaults__, primal.like.__kwdefaults__
        return names if holds(*args, **kwargs) else None

    def load(self, names: dict[str, Any], primal: Primal, careful: Careful) -> Specialization:
        """The specialisation for a function of which `serves` has told what the names mean.

        `careful` makes its text for numbers beyond `math`, where that is not remembered yet.
        """
        namespace, heading = primal.namespace, (f"({self.parameters}):", f"({primal.parameters}):")
        namespace.take(names)
        run = self.run.load(namespace, primal.like, heading)
        blame = Blame(self.is_sure)
        namespace.take(dict.fromkeys(self.names_of_run, run) | dict.fromkeys(self.names_of_blame, blame))
        code = self.careful
        if code is not None:
            careful = Careful(lambda *_: code.load(namespace, primal.like, heading))
        tests = {name: code.load(namespace, primal.like, heading) for name, code in self.tests.items()}
        source, backward_source, description = self.texts
        return Specialization(
            run,
            careful if self.is_careful else None,
            tests["holds"],
            self.reads,
            blame,
            self.entry.again(heading, namespace.globals) if self.entry is not None else None,
            source.replace(*heading),
            backward_source.replace(*heading),
            description,
            primal.callable,
            tests.get("agrees"),
            self.compared,
            tests.get("together"),
            tuple(self.run.helpers),
        )


def _without_targets(places: frozenset[Any]) -> frozenset[Any]:
    return frozenset(replace(p, target=None) if isinstance(p, Path) else p for p in places)


class Memory:
    """What is remembered, by code objects and by what else makes gradients alike. The latest stands first."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Any, tuple[weakref.ref[CodeType], list[Shared]]] = OrderedDict()
        self.age = 0  # how often all was forgotten
        self.renew_lock()

    def renew_lock(self) -> None:
        self._lock = threading.RLock()

    def of(self, primal: Primal) -> tuple[Shared, ...]:
        known, group = self._groups.get((id(primal.code), primal.alike), (None, []))
        return tuple(group) if known is not None and known() is primal.code else ()

    def add(
        self,
        key: Any,
        static: frozenset[Any],
        made: Specialization,
        primal: Primal,
        guards: Sequence[Guard],
        whole: Whole,
        age: int,
    ) -> Shared | None:
        """Remember a specialisation, if that can be, and all was not forgotten since the given age."""
        try:
            shared = Shared(key, static, made, primal, guards, whole)
        except Unshareable:
            return None
        with self._lock:
            if age == self.age:
                for gone in [k for k, (known, _) in list(self._groups.items()) if known() is None]:
                    del self._groups[gone]
                self._put(primal, [shared, *self.of(primal)][:MAX_EACH])
                while sum(len(group) for _, group in list(self._groups.values())) > MAX_ALL:
                    self._groups.popitem(last=False)
        return shared

    def complete(
        self, shared: Shared, careful: FunctionType, primal: Primal, guards: Sequence[Guard], age: int
    ) -> None:
        """Remember the code for numbers beyond `math`, too."""
        try:
            other = shared.completed(careful, primal, guards)
        except Unshareable:
            return
        with self._lock:
            group = self.of(primal)
            if shared in group and age == self.age:
                self._put(primal, [other, *(s for s in group if s is not shared)])

    def varying(self, primal: Primal, key: Any, static: frozenset[Any]) -> frozenset[Path]:
        """The paths of the whole numbers that were compiled in with many values, and need not be known."""
        values: dict[Path, set[int]] = {}
        known = set(static)
        for shared in self.of(primal):
            known |= shared.static | shared.whole.known
            for path, number in shared.compiled_in.items() if shared.key == key else ():
                values.setdefault(path, set()).add(number)
        return frozenset(
            path for path, n in values.items() if len(n) >= MAX_COMPILED_IN and path not in known
        )

    def use(self, primal: Primal, shared: Shared) -> None:
        """Note that one is used."""
        with self._lock:
            group = self.of(primal)
            if shared in group:
                self._put(primal, [shared, *(s for s in group if s is not shared)])

    def _put(self, primal: Primal, group: list[Shared]) -> None:
        key = id(primal.code), primal.alike
        self._groups[key] = (weakref.ref(primal.code), group)
        self._groups.move_to_end(key)

    def forget(self) -> None:
        with self._lock:
            self.age += 1
            self._groups.clear()
