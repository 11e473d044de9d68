"""A generated function and the halves of pairs that it calls, each as text under a name of its own.

Imports the passes and the IR.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from revcompile.codegen.constants import is_lasting
from revcompile.codegen.load import Namespace
from revcompile.codegen.module import origin
from revcompile.codegen.names import RESERVED
from revcompile.codegen.places import joined
from revcompile.codegen.write import Writer
from revcompile.gates.halves import Half
from revcompile.gates.table import TABLE
from revcompile.ir.identifiers import identifier
from revcompile.ir.nodes import ATOMS, Apply, Block, Function, Parameter, Structure, Value, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar
from revcompile.passes.split import alone, called, split

Helpers = dict[str, str]  # the texts of functions, by their names
Written = tuple[list[str], Helpers]  # the lines of a function's body, and the texts of what it calls


class Linked:
    """`function` and what it calls. `process` gives the function that a half is of, ready to be written."""

    def __init__(self, function: Function, process: Callable[[Half], Function]) -> None:
        self.function = function
        self.halves: dict[Half, Function] = {}  # what is called stands before what calls it
        self._seen: set[Half] = set()
        self._add(function, process)

    def _add(self, function: Function, process: Callable[[Half], Function]) -> None:
        for half in called(function):
            if half in self._seen:
                continue
            done = process(half)
            halves = {half: alone(done)} if half.variant is None else split(done, half.variant)
            self._seen.update(halves)
            for one in halves.values():
                self._add(one, process)
            self.halves.update(halves)

    @property
    def functions(self) -> tuple[Function, ...]:
        return (self.function, *self.halves.values())


class Texts:
    """Writes functions that belong together: in what they say, a name means the same."""

    def __init__(
        self,
        namespace: Namespace,
        own: Iterable[str],
        live: Iterable[tuple[Value, str]],
        roots: Iterable[str],
        textbook: bool,
    ) -> None:
        self.namespace, self.live, self.textbook = namespace, list(live), textbook
        self.roots = set(roots)
        self.taken = {*own, *self.roots}
        self.names: dict[Half, str] = {}
        self.named: dict[str, str] = {}  # where a module would have the names from that are used here

    def later(
        self,
        function: Function,
        finish: Callable[[Function], Function],
        process: Callable[[Half], Function],
    ) -> Callable[[], Written]:
        """What writes a function that is shown to readers alone: nearly nobody looks.

        It gives what would be written now, and holds no object of the program's: where it would, or there is
        more than one function, that is written now.
        """
        if any(called(function)) or not _is_lasting(function):
            written = self.write(Linked(finish(function), process), function.result)
            return lambda: written
        alone = copy.copy(self)
        alone.namespace, alone.names, alone.taken = self.namespace.lasting(), {}, set(self.taken)
        return lambda: alone.write(Linked(finish(function), _of_nothing), function.result)

    def write(self, linked: Linked, answer: Structure) -> Written:
        """The lines of the function's body, and the texts of those that it calls."""
        hints = {name for function in linked.functions for name in _hints(function)}
        self.namespace.locals |= hints
        self.taken |= hints
        for half in linked.halves:
            self.names.setdefault(half, self._name(half.wish))
        helpers = {self.names[half]: self._text(half, f) for half, f in linked.halves.items()}
        return self._lines(linked.function, answer), helpers

    def _name(self, wish: str) -> str:
        """A name that means nothing else in these texts, whatever else was compiled before."""
        name = wish = identifier(wish, "function")
        n = 1
        while name in self.taken or self.namespace.is_reserved(name):
            n += 1
            name = f"{wish}_{n}"
        self.taken.add(name)
        return name

    def _text(self, half: Half, function: Function) -> str:
        heading = "" if half.variant is None else f"{half.word} pass"
        function = self._hiding_nothing(function)
        parameters = ", ".join(p.name for p in function.parameters)
        answer = function.body.yields[0] if len(function.body.yields) == 1 else function.body.yields
        lines = self._lines(function, answer, heading)
        return joined([f"def {self.names[half]}({parameters}):", *lines])

    def _hiding_nothing(self, function: Function) -> Function:
        """Its parameters under names that mean nothing else in its text."""
        names: dict[str, Parameter] = {}
        taken = {*RESERVED, *self.namespace.globals, *self.names.values()}
        for parameter in function.parameters:
            name, n = parameter.name, 1
            while name in names or name in taken:
                name, n = f"{parameter.name}_{n}", n + 1
            names[name] = replace(parameter, name=name)
        return replace(function, parameters=tuple(names.values()))

    def _lines(self, function: Function, answer: Structure, heading: str = "") -> list[str]:
        reserved = {*self.roots, *self.names.values()}
        outer, given = self.namespace.globals, self.namespace.locals
        writer = Writer(function, self._refer, reserved, outer, given, self.textbook)
        return writer.write(self.live, answer, heading)

    def _refer(self, obj: Any) -> str:
        if isinstance(obj, Half):
            return self.names[obj]
        name = self.namespace.refer(obj)
        if name in self.names.values():
            name = self.namespace.put(f"the_{name}", obj)
        self.named[name] = origin(name, obj)
        return name


def _hints(function: Function) -> Iterator[str]:
    """The names that the variables of generated code may be given."""
    given = (v for p in function.parameters for v in leaves(p.structure))
    for value in {*function.body.uses, *given}:
        hint = function.table.hints.get(value)
        if hint is not None:
            yield from (hint, f"grad_{hint}")


def _of_nothing(half: Half) -> Function:
    raise AssertionError("a function that calls no pair has no halves")


def _is_lasting(function: Function) -> bool:
    """Whether a function's statements hold nothing that would go before the process does."""
    structures = [p.structure for p in function.parameters]
    return all(map(_lasts, structures)) and _lasts_in(function.body)


def _lasts_in(block: Block) -> bool:
    """The same of a block's."""
    return all(
        type(s) is Apply and _is_own(s.function) and _lasts(s.args) and _lasts(s.result)
        if not s.blocks
        else all(map(_lasts_in, s.blocks))
        for s in block.statements
    ) and _lasts(block.yields)


def _is_own(function: Any) -> bool:
    """Whether a function is one of the compiler's table, which no user has put there."""
    return dict.__contains__(TABLE, function) and not TABLE[function].foreign


def _lasts(structure: Structure) -> bool:
    kind = type(structure)
    if kind is Value:
        return isinstance(structure.type, (Scalar, Array))
    if kind is tuple or kind is list:
        return all(map(_lasts, structure))
    return kind in ATOMS or is_lasting(structure)
