"""What must be known while compiling, and is known at run time only: for which arguments the code is.

A number that follows from the arguments is known in the call for which the compiler runs. Lowering goes on
with what it is there, and the code is for calls in which these arguments are the same; what was lowered
before reads them, and is as right. Where that does not do, the function is lowered again, with these
arguments known from the beginning. Imports the abstract values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from revcompile.frontend.arguments import origins_of, places_of
from revcompile.frontend.at_hand import UNKNOWN, is_plain, value_of
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Parameter, Value, leaves
from revcompile.ir.types import Array, is_float
from revcompile.syntax.abstract import NeedShape, NeedStatic
from revcompile.syntax.decisions import Restart, Unroll


class Needed:
    """What one attempt has found to be needed: the places of arguments and the paths of globals."""

    def __init__(self) -> None:
        self.parameters: Sequence[Parameter] = ()
        self.wanted: Sequence[str] = ()  # the parameters that are differentiated
        self.places: frozenset[Any] = frozenset()
        self.specialized: frozenset[Any] = frozenset()  # those that need not be known from the beginning
        self.known: dict[Value, int] = {}  # the numbers for which a name stands that is read from now on
        self.first: NeedStatic | None = None  # what is said if knowing these does not help

    def note(self, low: Any, need: NeedStatic) -> frozenset[Any]:
        """Note what `need` follows from, unless it is nothing that could be known.

        Raises Restart if it is what a loop counts with, and the loop can be written out.
        """
        places = origins(need, self.parameters, low)
        if not places or differentiated(places, self.parameters, self.wanted) or self.is_varied(low, need):
            return frozenset()
        self.places |= places
        self.first = self.first or need
        return places

    def is_varied(self, low: Any, need: NeedStatic) -> bool:
        """Whether a real number that a derivative inside the function is by would become static."""
        behind = set() if isinstance(need, NeedShape) else low.builder.ancestors([need.value])
        return any(is_float(v.type) and not v.type.dims for v in low.varied.intersection(behind))

    def note_lengths(self, low: Any) -> None:
        """Note what would have to be known if the lists that grow were written out: how long they are."""
        for key, bounds in low.counters.values() if self.parameters else ():
            for v in leaves(bounds) if Unroll(key) in low.mutables.filling else ():
                with suppress(Restart):
                    self.note(low, unknown_number(low, v, "as how often this loop runs"))

    def specialize(self, low: Any, need: NeedStatic, number: Callable[[], Any]) -> Any:
        """What is needed, as it is in this call. Raises `need` where that is not known."""
        places = self.note(low, need) if self.parameters else frozenset()
        if not places:
            raise need
        if isinstance(need, NeedShape):
            self._specialize_lengths(low, places)
        found = number()
        if found is UNKNOWN or found is None:
            raise need
        self.specialized |= {o for o, v in self._origins(low) if o in places and _passes_no_gradient(v, low)}
        n = need.number if isinstance(need, NeedShape) else need.value
        for v, _ in _computed_from(low, n) if n is not None else ():
            if type(low.values.get(v)) is int and v not in low.varied:
                self.known[v] = low.values[v]
        return found

    def number(self, low: Any, n: Value, what: str) -> Any:
        """What a number is in this call. Raises NeedStatic, or NeedShape where it is made of a length."""
        return self.specialize(low, unknown_number(low, n, what), lambda: self.at_hand(low, n))

    def at_hand(self, low: Any, number: Value) -> Any:
        """What a number is in this call, or UNKNOWN if it is not computed from what arguments are.

        What an array holds says nothing, nor do calls as they are: it may differ in another call.
        """
        given = {v for _, v in self._origins(low)}
        for v, made in _computed_from(low, number):
            if v.type.dims or (made is None and v not in given):
                return UNKNOWN
            if made is not None and TABLE[made.function].of_shape:
                array, *axis = made.args
                sizes = [low.builder.facts.size_of(d) for d in array.type.dims]
                if None in sizes:
                    return UNKNOWN
                low.values[v] = made.function(np.broadcast_to(0.0, sizes), *axis)
            elif made is not None and not is_plain(made.function):
                return UNKNOWN
        return value_of(low, number)

    def would_fold(self, low: Any, body: Block) -> bool:
        """Whether a condition, or an exponent, was lowered before it was known."""
        lengths = low.builder.facts.snapshot()
        self._specialize_lengths(low, self.specialized)
        found = any(self._is_specialized(low, v) for v in _folding(body))
        low.builder.facts.restore(lengths)
        return found

    def _is_specialized(self, low: Any, number: Value) -> bool:
        given = {v: o for o, v in self._origins(low)}
        read = [v for v, made in _computed_from(low, number) if made is None]
        return (
            self.specialized.issuperset(given.get(v) for v in read)
            and self.at_hand(low, number) is not UNKNOWN
        )

    def may_specialize(self, low: Any, need: NeedStatic, number: Callable[[], Any]) -> bool:
        """Whether what is needed can be known. Nothing is noted."""
        noted = (self.places, self.specialized, dict(self.known), self.first)
        lengths = low.builder.facts.snapshot()
        try:
            self.specialize(low, need, number)
        except NeedStatic:
            return False
        finally:
            self.places, self.specialized, self.known, self.first = noted
            low.builder.facts.restore(lengths)
        return True

    def _origins(self, low: Any) -> Iterator[tuple[Any, Value]]:
        return origins_of(self.parameters, low)

    def _specialize_lengths(self, low: Any, places: frozenset[Any]) -> None:
        """Let the lengths of the arrays at these places be what they are in this call."""
        for origin, v in self._origins(low):
            if origin in places and isinstance(v.type, Array):
                array = low.values[v] if v in low.values else low.host.objects_of[v]
                for dim, n in zip(v.type.dims, array.shape, strict=True):
                    if dim.symbol is not None:
                        low.builder.facts.settle(dim, n)


def unknown_number(low: Any, n: Value, what: str) -> NeedStatic:
    """What is needed where a number must be known: the shape of an array, where it is made of a length."""
    for _, made in _computed_from(low, n):
        if made is not None and TABLE[made.function].of_shape:
            return NeedShape(made.args[0], what, n)
    return NeedStatic(n, what)


def _computed_from(low: Any, number: Value) -> Iterator[tuple[Value, Apply | None]]:
    """The values from which a number is computed, with how; not those of which it is a length."""
    waiting, seen = [number], set()
    while waiting:
        v = waiting.pop()
        if v not in seen:
            seen.add(v)
            made = low.builder.definitions.get(v)
            yield v, made
            waiting.extend(made.inputs if made is not None and not TABLE[made.function].of_shape else ())


def _folding(block: Block) -> Iterator[Value]:
    """The conditions and exponents: if they are known, there is less to be lowered."""
    for s in block.statements:
        if s.blocks and not s.repeats:
            yield from leaves(s.decides)
        if isinstance(s, Apply) and TABLE[s.function].symbol == "**" and isinstance(s.args[1], Value):
            yield s.args[1]
        for inner in s.blocks:
            yield from _folding(inner)


def _passes_no_gradient(v: Value, low: Any) -> bool:
    return isinstance(v.type, Array) or v not in low.varied


def origins(need: NeedStatic, parameters: Sequence[Parameter], low: Any) -> frozenset[Any]:
    """The places of the arguments, and the paths of the globals, from which a number is computed.

    Raises Restart if it is what a loop counts with, and the loop can be written out.
    """
    if isinstance(need, NeedShape):
        return _shaping(need, parameters, low)
    wanted, seen, loops = [need.value], set(), []
    while wanted:
        v = wanted.pop()
        if v in seen:
            continue
        seen.add(v)
        statement = low.builder.definitions.get(v)
        if statement is not None:
            wanted.extend(statement.inputs)
        if v in low.counters:
            key, bounds = low.counters[v]
            loops.append(key)
            wanted.extend(leaves(bounds))
    found = [(origin, v) for origin, v in origins_of(parameters, low) if v in seen]
    if any(isinstance(v.type, Array) for _, v in found):
        return frozenset()
    if loops:
        raise Restart(Unroll(loops[-1]))
    return frozenset(origin for origin, _ in found)


def _shaping(need: NeedShape, parameters: Sequence[Parameter], low: Any) -> frozenset[Any]:
    """The places and paths of the arrays, and of the numbers that steer, which give an array its lengths;
    and of the numbers of which something is computed with these."""
    seen = low.builder.ancestors([need.value])
    read = {v for v, _ in _computed_from(low, need.number)} if need.number is not None else set()
    return frozenset(
        o
        for o, v in origins_of(parameters, low)
        if (v in seen and (isinstance(v.type, Array) or v in low.steering))
        or (v in read and not isinstance(v.type, Array))
    )


def differentiated(places: frozenset[Any], parameters: Sequence[Parameter], wanted: Sequence[str]) -> bool:
    """Whether a real number among these places would lose its gradient by becoming static."""
    found = {
        place: v for p in parameters if p.name in wanted for place, v in places_of(p.structure, (p.name,))
    }
    numbers = [found[p].type for p in places if p in found]
    return any(is_float(t) and not isinstance(t, Array) for t in numbers)
