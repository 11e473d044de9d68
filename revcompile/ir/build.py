"""Emission: statements into blocks, with types. Used by the front end and by differentiation.

Imports the IR; what a function's result type is comes in as `infer`, so that this stays below the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from revcompile.errors import Place, UnsupportedError
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Apply, Parameter, Raise, Statement, Structure, Value, leaves
from revcompile.ir.types import Array, Opaque, Scalar
from revcompile.ir.values import ValueTable

DEEPEST = 250  # blocks in blocks; what compiling them costs grows faster than their number
Infer = Callable[[Callable[..., Any], tuple[Any, ...], Facts], Structure]


class Builder:
    """The block under construction, the facts proved so far, and where we are in the user's code."""

    def __init__(self, infer: Infer, facts: Facts | None = None) -> None:
        self.infer = infer
        self.facts = facts or Facts()
        self.table = ValueTable()
        self.statements: list[Statement] = []
        self.line: Place | None = None
        self.note = ""
        self.depth = 0  # how many blocks are open around the statement to come
        self.facts.definitions = self.definitions = dict[Value, Apply]()
        self._remembered: list[dict[Any, Value]] = [{}]

    def emit(self, function: Callable[..., Any], args: tuple[Any, ...], types: Structure = None) -> Structure:
        """Append `function(*args)`; the structure of its results.

        They have these `types`, where more is known of them than follows from the arguments.
        """
        before = len(self.facts.doubts)
        types = self.infer(function, args, self.facts) if types is None else types
        result = Value(types) if type(types) is Scalar else _values(types)
        if len(self.facts.doubts) > before:
            compared = tuple(self.facts.doubts[before:])
            self.table.comparing.update((v, compared) for v in leaves(result))
        self.apply(function, args, result)
        return result

    def apply(self, function: Callable[..., Any], args: tuple[Any, ...], result: Structure) -> None:
        """Append `result = function(*args)`, of results that are there."""
        statement = Apply(function, args, result, self.line, self.note)
        self.statements.append(statement)
        for value in statement.outputs:
            self.definitions[value] = statement

    def remember(self, key: Any, make: Callable[[], Value]) -> Value:
        """A value that is computed once in this block and those inside it."""
        for known in self._remembered:
            if key in known:
                return known[key]
        value = self._remembered[-1][key] = make()
        return value

    def remembers(self, key: Any) -> bool:
        return any(key in known for known in self._remembered)

    def forget(self) -> None:
        """Remember nothing: the statements are about to be, or have been, changed."""
        self._remembered = [{}]

    def ancestors(self, values: Iterable[Value]) -> set[Value]:
        """All that values are computed from, themselves included."""
        found: set[Value] = set()
        waiting = list(values)
        while waiting:
            v = waiting.pop()
            if v not in found:
                found.add(v)
                made = self.definitions.get(v)
                waiting.extend(made.inputs if made is not None else ())
        return found

    def mark(self) -> Any:
        """Where the block under construction is now, for `take_back`."""
        return len(self.statements), dict(self._remembered[-1])

    def take_back(self, mark: Any) -> None:
        """Drop what was emitted into this block since `mark`."""
        count, self._remembered[-1] = mark
        del self.statements[count:]

    @contextmanager
    def block(self) -> Iterator[list[Statement]]:
        """Statements emitted inside go to a list of their own; facts learnt inside stay inside."""
        if self.depth >= DEEPEST:
            raise UnsupportedError(
                f"conditions and loops are nested more than {DEEPEST} deep here",
                way_out="Each `elif` is nested in the one before: look a value up in an array or a list.",
            )
        outer, self.statements = self.statements, []
        facts = self.facts.snapshot()
        self._remembered.append({})
        self.depth += 1
        inside, self.facts.in_block = self.facts.in_block, True
        try:
            yield self.statements
        finally:
            self.depth -= 1
            self.facts.in_block = inside
            self.statements = outer
            self._remembered.pop()
            self.facts.restore(facts)

    @contextmanager
    def apart(self) -> Iterator[list[Statement]]:
        """Statements emitted inside are those of a function of their own."""
        with self.forgetting(), self.block() as statements:
            yield statements

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """What was remembered is not known inside, nor is what is remembered inside known after it."""
        remembered, self._remembered = self._remembered, [{}]
        try:
            yield
        finally:
            self._remembered = remembered

    @contextmanager
    def tentatively(self) -> Iterator[list[Statement]]:
        """Statements emitted inside go to a list of their own. What fails leaves no trace."""
        outer, self.statements = self.statements, []
        facts, remembered = self.facts.snapshot(), [dict(known) for known in self._remembered]
        try:
            yield self.statements
        except BaseException:
            self.facts.restore(facts)
            self._remembered[:] = remembered
            raise
        finally:
            self.statements = outer

    @property
    def left(self) -> bool:
        """Whether control cannot reach the end of the block under construction."""
        return bool(self.statements) and isinstance(self.statements[-1], Raise)


def _values(types: Structure) -> Structure:
    if isinstance(types, (Scalar, Array, Opaque)):
        return Value(types)
    if hasattr(types, "_fields"):
        return type(types)(*map(_values, types))
    if isinstance(types, dict):
        return {key: _values(t) for key, t in types.items()}
    return type(types)(map(_values, types)) if isinstance(types, (tuple, list)) else types


def own_parameters(table: ValueTable, values: Iterable[Value], default: str) -> tuple[Parameter, ...]:
    """Parameters under names of their own."""
    names: dict[str, Value] = {}
    for v in values:
        wish = table.wish(v) or default
        name, n = wish, 1
        while name in names:
            name, n = f"{wish}_{n}", n + 1
        names[name] = v
    return tuple(Parameter(name, v) for name, v in names.items())
