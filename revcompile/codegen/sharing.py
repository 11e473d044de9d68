"""Compiled code for a function that is made again and again: a lambda in a loop, a method of many objects.

Code that was compiled for a function serves another one of the same code object where its names mean the new
function, its cells and what these lead to (`likeness`): its guards then ask whether the new ones are what was
compiled for, and what it reads at each call it reads from them. What is remembered is of text and of code; it
holds nothing that would go before the process does, and no object of the program's but weakly.
Imports what a specialisation is, and what loads text.
"""

from __future__ import annotations

import copy
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from revcompile.codegen.likeness import Names, Unshareable, weak_key
from revcompile.codegen.load import Namespace, Printed, make_function, names_in
from revcompile.codegen.primal import Primal
from revcompile.codegen.specialization import Blame, Careful, Specialization
from revcompile.frontend.names import Guard, Path
from revcompile.ir.rebuild import replace

MAX_ALL = 256  # specialisations that are remembered
MAX_EACH = 64  # of one code object
MAX_COMPILED_IN = 4  # values of a whole number; further ones are read at each call


@dataclass(frozen=True)
class Integers:
    """Paths of whole numbers of the program: of those that code reads at each call, and of those that it
    could not be compiled without."""

    varying: frozenset[Path]
    known: frozenset[Path]


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
        integers: Integers,
    ) -> None:
        """Raises Unshareable."""
        if any(g.kind in ("test", "itself") for g in guards):
            raise Unshareable
        names = primal.namespace.globals
        self.key, self.asked = weak_key(key), _asked(guards)
        self.integers = integers
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
        self.module, self.description = made.module, made.description
        self.backward_source = made.backward_source
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
        if not self.names.every <= primal.namespace.globals.keys() or self.asked != _asked(guards):
            raise Unshareable  # it has been retired meanwhile, or it is of a program that has changed
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
            careful = Careful(lambda *_: code.load(namespace, primal.like, heading), careful.seen)
        tests = {name: code.load(namespace, primal.like, heading) for name, code in self.tests.items()}
        return Specialization(
            run,
            careful if self.is_careful else None,
            tests["holds"],
            self.reads,
            blame,
            self.entry.again(heading, namespace.globals) if self.entry is not None else None,
            self.module,
            self.backward_source.replace(*heading),
            self.description,
            primal.callable,
            tests.get("agrees"),
            self.compared,
            tests.get("together"),
            tuple(self.run.helpers),
            heading=heading,
        )


def _asked(guards: Sequence[Guard]) -> frozenset[tuple[str, str]]:
    return frozenset((guard.path.text, guard.kind) for guard in guards)


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
        integers: Integers,
        age: int,
    ) -> Shared | None:
        """Remember a specialisation, if that can be, and all was not forgotten since the given age."""
        try:
            shared = Shared(key, static, made, primal, guards, integers)
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
            known |= shared.static | shared.integers.known
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
