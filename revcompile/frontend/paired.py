"""What one lowering knows of the functions that it meets, and of the pairs that it makes of them.

The records that `pairs` (which calls are calls of a pair), `alone` and `recursive` (how one is made) keep.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from revcompile.errors import UnsupportedError
from revcompile.gates.halves import Half, Pair, Variant
from revcompile.ir.nodes import Block, Structure, Value, applications
from revcompile.ir.types import Type
from revcompile.syntax.abstract import NeedStatic
from revcompile.syntax.decisions import AsPair, Decision

Where = tuple[int, int]  # the number of an argument's part, and its axis


class Assembly(Protocol):
    """How a structure is put together of its parts: `frontend/parts`."""

    shape: Any
    atoms: list[Structure]

    def build(self, atoms: Sequence[Structure]) -> tuple[dict[str, Structure], Any, Any]: ...


@dataclass(eq=False)
class Lowered:
    """A pair, and how its calls are taken apart and its result is put together."""

    pair: Pair
    shape: Any
    atoms: list[Structure]  # a value for each part that is a parameter; the rest is compiled in
    results: Assembly | None = None  # of the result
    outs: list[Type] | None = None  # None: it is not known yet what it gives
    fresh: bool = True  # whether its arrays share memory with nothing
    calls_itself: bool = False
    keep: tuple[int, ...] = ()  # the parts that are passed on
    given: tuple[int, ...] = ()  # the parts of the result that a run gives
    steers: frozenset[Value] = frozenset()  # the parameters that are an index, a bound or a length in it


@dataclass(eq=False)
class Inlined:
    """A call that was interpreted where it stands: not a small one."""

    key: Any
    outer: tuple[Inlined, ...]
    witness: Value | None = None  # one of the values that it made
    again: bool = False

    @property
    def is_recursive(self) -> bool:
        function, *_ = self.key
        return any(outer.key[0] == function for outer in self.outer)


class Pairs:
    """What one lowering knows of the functions that it meets."""

    def __init__(self) -> None:
        self.inlined: list[Inlined] = []
        self.around: list[Inlined] = []  # the calls that are being interpreted, the innermost last
        self.known: dict[Any, Lowered | None] = {}  # by signature; None: it is interpreted in place
        self.needs: dict[Any, tuple[int, NeedStatic]] = {}  # by signature: which argument must be known
        self.large: set[Any] = set()  # signatures of what was interpreted in place and is not small
        self.lengths: dict[Pair, int] = {}
        self.found: set[Any] = set()  # those of which it was found out late that they are called twice
        self.recursive: dict[Any, list[Lowered]] = {}  # by function
        self.regained: dict[Any, Any] = {}  # the classes of what they give, see `frontend/regained`
        self.attempts: list[Lowered] = []  # recursive functions that are being lowered
        self.nested: Counter[Any] = Counter()  # calls of a function in itself under conditions, by function
        self.making = 0  # functions that are being lowered on their own, to see whether they can be
        self.weights: dict[ast.AST, int] = {}  # about how long functions are, see `_weight`
        # Lengths of arguments that a function had better take to be equal: by signature, where they stand.
        self.alike: dict[Any, list[tuple[Where, Where]]] = {}
        self.again = False  # whether the call to come is one whose inside is computed again, see `checkpoint`
        self.closed = 0  # where no pairs are made, since their gradients are differentiated again
        # Of their differentiation, see `autodiff/halves`: the variants, those that are being made, which one
        # it is whose forward half gives what is saved, and what is saved for gradients within the program.
        self.variants: dict[Any, Any] = {}
        self.open: list[Any] = []
        self.again = False  # whether a backward half may be called many times with what was saved once
        self.chosen: dict[Value, Any] = {}
        self.settled: set[Value] = set()
        # Those whose calls give tangents, see `autodiff/forward`: by the pair, and the parameters that vary.
        self.tangents: dict[tuple[Pair, frozenset[int]], Pair] = {}
        # Those whose calls give gradients, and those that are computed again for that: see `autodiff/halves`.
        self.twins: dict[Pair, Pair] = {}
        self.gradients: dict[Variant, Pair] = {}

    @contextmanager
    def none(self) -> Iterator[None]:
        self.closed += 1
        try:
            yield
        finally:
            self.closed -= 1

    @contextmanager
    def computed_again(self) -> Iterator[None]:
        """The call inside is one whose inside is computed again in the backward pass."""
        self.again = not self.closed
        try:
            yield
            if self.again:
                raise UnsupportedError("checkpoint takes a function of the program")
        finally:
            self.again = False

    def made(self) -> list[Pair]:
        """The pairs that there are."""
        found = [*self.known.values(), *(one for items in self.recursive.values() for one in items)]
        lowered = [one.pair for one in found if one is not None]
        return [*lowered, *self.tangents.values(), *self.gradients.values()]

    def keep_called(self, block: Block) -> None:
        """Forget the pairs that are not called, after all: attempts have called them that were given up."""
        halves = (s.function for s in applications(block) if isinstance(s.function, Half))
        called = {pair for half in halves for pair in half.pair.reached()}
        self.known = {k: one for k, one in self.known.items() if one is None or one.pair in called}

    def wanted(self, block: Block) -> frozenset[Decision]:
        """The decisions to make pairs of what was interpreted in place, and is not small."""
        functions = [pair.function for pair in self.made()]
        alive = {v for b in (block, *(f.body for f in functions if f is not None)) for v in b.defined}
        seen: set[Any] = set()
        found: set[Any] = set()
        for call in self.inlined:
            if call.witness in alive and not any(outer.again for outer in call.outer):
                call.again = call.key in seen
                seen.add(call.key)
                if call.again or not call.is_recursive:
                    found.add(call.key)
        tried = {key for key, lowered in self.known.items() if lowered is None}
        return frozenset(AsPair(key) for key in (found | self.found) - tried)
