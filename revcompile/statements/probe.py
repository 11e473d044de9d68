"""A probe: what a run of a function, and of its backward pass or its tangents, tells of every value.

Before:                              After:
    s0 = mul(w, x)                       s0 = mul(w, x)
                                         token = probe(3, s0)
    # backward pass                      # backward pass
                                         gradients(token, grad_s0)
    grad_w = mul(grad_s0, x)             grad_w = mul(grad_s0, x)

Where a statement has been reversed, the gradients of what it gives are complete; in forward mode, tangents
are told beside it. The token says which run of the statement it was: it is a value like any other, kept for
the backward pass through loops, branches and calls. Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile.errors import Place
from revcompile.gates.halves import Half, Pair
from revcompile.gates.record import Gate
from revcompile.gates.traits import Kind, Line
from revcompile.ir.nodes import Apply, Block, Function, Loop, Statement, Value, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import INT, Array, Scalar

MOST = 100  # elements of an array up to which they are kept


class Shape(tuple[int, ...]):
    """What is kept of a large array."""


@dataclass(eq=False)
class Event:
    """One run of a statement: what it has given, and the gradients of that."""

    site: int
    values: tuple[Value, ...]
    numbers: list[Any]
    gradients: list[Any]


@dataclass(eq=False)
class Told:
    """What generated code calls to tell something."""

    name: str
    act: Callable[..., Any]
    line: Line | None = None
    back: Told | None = None  # what tells the gradients, in the backward pass
    effects = True

    def __post_init__(self) -> None:
        self.gate = Gate(self.name, (self,), ("what", "numbers"), kind=Kind.PROBE, line=self.line)

    def __call__(self, *args: Any) -> Any:
        return self.act(*args)


class Probe:
    """What was told of the last run of `function`, in order."""

    def __init__(self, below: str = "grad") -> None:
        self.below = below  # what is told besides values: gradients, or tangents
        self.told = Told("probe", self._value, back=Told("gradients", self._gradient, Line.BARE))
        self.events: list[Event] = []

    def watch(
        self, function: Function, place: Place, pairs: Iterable[Pair], live: tuple[Value, ...]
    ) -> Function:
        """The function that tells what happens in it, and in the pairs that it calls."""
        self.place = place
        self.sites: list[tuple[Value, ...]] = []
        self.function = self._watched(function, live)
        for pair in pairs:
            if pair.function is not None:
                pair.function = self._watched(pair.function)
                pair.raises, pair.again = True, False  # each call is made, and made once
        return self.function

    def _watched(self, function: Function, live: tuple[Value, ...] = ()) -> Function:
        given = leaves(tuple(p.structure for p in function.parameters))
        return replace(function, body=self._block(function.body, (*given, *live)))

    def _block(self, block: Block, given: Iterable[Value] | None) -> Block:
        """The same block; at its beginning it tells what it is `given`."""
        out: list[Statement] = [] if given is None else [self._tell(given)]
        for s in block.statements:
            if isinstance(s, Loop):
                test = None if s.test is None else self._block(s.test, None)
                s = replace(s, test=test, body=self._block(s.body, [v for v, _ in s.each]))
            else:
                s = s.map_blocks(lambda side: self._block(side, ()))
            out.append(s)
            if isinstance(s, Apply) and (s.outputs or isinstance(s.function, Half)):
                out.append(self._tell(s.outputs))
        return replace(block, statements=tuple(out))

    def _tell(self, values: Iterable[Value]) -> Apply:
        told = tuple(v for v in values if isinstance(v.type, (Scalar, Array)))
        self.sites.append(told)
        return Apply(self.told, (len(self.sites) - 1, told), Value(INT))

    # -- while the function runs ----------------------------------------------------------------

    def _value(self, site: int, numbers: tuple[Any, ...]) -> int:
        if site == 0:
            self.events.clear()
        self.events.append(Event(site, self.sites[site], [*map(_kept, numbers)], [None for _ in numbers]))
        return len(self.events) - 1

    def _gradient(self, token: int, gradients: tuple[Any, ...]) -> None:
        self.events[token].gradients = [*map(_kept, gradients)]


def reverse(rev: Any, statement: Apply) -> None:
    """Tell the gradients of what the statement before has given."""
    tell(rev.builder, statement, rev.adjoints)


def tell(builder: Any, statement: Apply, known: Mapping[Value, Any]) -> None:
    """Tell what is known, gradients or tangents, of what the statement before has given."""
    told = statement.function
    assert isinstance(told, Told)
    found = tuple(known.get(v) for v in statement.args[1])
    if any(x is not None for x in found):
        builder.note = ""
        builder.apply(told.back, (statement.result, found), ())


def _kept(x: Any) -> Any:
    """What is kept of a number or an array: as it is now."""
    if isinstance(x, list):
        x = np.array(x)
    if not isinstance(x, np.ndarray):
        return x
    return x.copy() if x.size <= MOST else Shape(x.shape)
