"""What must be known while compiling, and is known at run time only: which arguments to compile for.

A number that follows from the arguments is known in the call for which the compiler runs. So the attempt that
meets one goes on with what it is there, and finds all others; then the function is lowered again with these
arguments known from the beginning. Imports the abstract values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from revcompile.frontend.arguments import origins_of, places_of
from revcompile.frontend.at_hand import UNKNOWN, value_of
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Parameter, Value, leaves
from revcompile.ir.types import Array, is_float
from revcompile.syntax.abstract import NeedShape, NeedStatic
from revcompile.syntax.decisions import Restart, Unroll


class Needed:
    """What one attempt has found to be needed: the places of arguments and the paths of globals."""

    def __init__(self) -> None:
        self.parameters: Sequence[Parameter] = ()
        self.wanted: Sequence[str] = ()  # the parameters that are differentiated
        self.places: frozenset[Any] = frozenset()
        self.first: NeedStatic | None = None  # what is said if knowing these does not help

    def note(self, low: Any, need: NeedStatic) -> bool:
        """Note what `need` follows from, unless it is nothing that could be known.

        Raises Restart if it is what a loop counts with, and the loop can be written out.
        """
        places = origins(need, self.parameters, low)
        if not places or differentiated(places, self.parameters, self.wanted):
            return False
        self.places |= places
        self.first = self.first or need
        return True

    def note_lengths(self, low: Any) -> None:
        """Note what would have to be known if the lists that grow were written out: how long they are."""
        for key, bounds in low.counters.values() if self.parameters else ():
            for v in leaves(bounds) if Unroll(key) in low.mutables.filling else ():
                with suppress(Restart):
                    self.note(low, unknown_number(low, v, "as how often this loop runs"))

    def settle(self, low: Any, need: NeedStatic, number: Callable[[], Any]) -> Any:
        """What is needed, as it is in this call. Raises `need` where that is not known."""
        if not self.parameters or not self.note(low, need):
            raise need
        if isinstance(need, NeedShape):
            self._settle_lengths(low, need.value)
        found = number()
        if found is UNKNOWN or found is None:
            raise need
        return found

    def may_settle(self, low: Any, need: NeedStatic, number: Callable[[], Any]) -> bool:
        """Whether what is needed can be known. Nothing is noted."""
        noted, lengths = (self.places, self.first), low.builder.facts.snapshot()
        try:
            self.settle(low, need, number)
        except NeedStatic:
            return False
        finally:
            self.places, self.first = noted
            low.builder.facts.restore(lengths)
        return True

    def _settle_lengths(self, low: Any, array: Value) -> None:
        """Let the lengths from which those of an array follow be what they are in this call."""
        facts, before = low.builder.facts, low.builder.ancestors([array])
        for v in before & low.values.keys():
            shape = getattr(low.values[v], "shape", ())
            if isinstance(v.type, Array) and len(shape) == len(v.type.dims):
                for dim, n in zip(v.type.dims, shape, strict=True):
                    if dim.symbol is not None:
                        facts.settle(dim, n)


def unknown_number(low: Any, n: Value, what: str) -> NeedStatic:
    """What is needed where a number must be known: the shape of an array, where it is made of a length."""
    waiting, seen = [n], set()
    while waiting:
        v = waiting.pop()
        made = low.builder.definitions.get(v)
        if made is None or v in seen:
            continue
        seen.add(v)
        if TABLE[made.function].of_shape:
            return NeedShape(made.args[0], what)
        waiting.extend(made.inputs)
    return NeedStatic(n, what)


def number_at_hand(low: Any, number: Value) -> Any:
    """What a number is in this call, or UNKNOWN; no array is computed for it."""
    waiting = [number]
    while waiting:
        v = waiting.pop()
        made = low.builder.definitions.get(v)
        if v in low.values or made is None:
            continue
        if v.type.dims:
            return UNKNOWN
        if TABLE[made.function].of_shape:
            array, *axis = made.args
            sizes = [low.builder.facts.size_of(d) for d in array.type.dims]
            if None in sizes:
                return UNKNOWN
            low.values[v] = made.function(np.broadcast_to(0.0, sizes), *axis)
        else:
            waiting.extend(made.inputs)
    return value_of(low, number)


def origins(need: NeedStatic, parameters: Sequence[Parameter], low: Any) -> frozenset[Any]:
    """The places of the arguments, and the paths of the globals, from which a number is computed.

    Raises Restart if it is what a loop counts with, and the loop can be written out.
    """
    if isinstance(need, NeedShape):
        return _shaping(need.value, parameters, low)
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
    if loops and not found:
        raise Restart(Unroll(loops[-1]))
    if any(isinstance(v.type, Array) for _, v in found):
        return frozenset()
    return frozenset(origin for origin, _ in found)


def _shaping(array: Value, parameters: Sequence[Parameter], low: Any) -> frozenset[Any]:
    """The places and paths of the arrays, and of the numbers that steer, which give an array its lengths."""
    seen = low.builder.ancestors([array])
    given = ((o, v) for o, v in origins_of(parameters, low) if v in seen)
    return frozenset(o for o, v in given if isinstance(v.type, Array) or v in low.steering)


def differentiated(places: frozenset[Any], parameters: Sequence[Parameter], wanted: Sequence[str]) -> bool:
    """Whether a real number among these places would lose its gradient by becoming static."""
    found = {
        place: v for p in parameters if p.name in wanted for place, v in places_of(p.structure, (p.name,))
    }
    numbers = [found[p].type for p in places if p in found]
    return any(is_float(t) and not isinstance(t, Array) for t in numbers)
