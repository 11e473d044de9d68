"""A called function on its own: a pair of functions of generated code, and the gates that their calls are.

Before differentiation a call is one statement, `y, saved = call(x, w)`. Reversed, it is a call of the
forward half, which also gives what the backward half will read, and a call of the backward half:

    def forward_layer(x, w):                 def backward_layer(grad_y, saved):
        y = np.tanh(w * x)                       x, w, y = saved
        return y, (x, w, y)                      ...
                                                 return grad_x, grad_w

How a pair is made from a function of the user's is told in `frontend/pairs`, how its backward half comes
about in `autodiff/halves`. Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from revcompile.gates.record import Gate
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Function, Value
from revcompile.ir.types import Dim, Opaque, Type
from revcompile.lazy import lazy

SAVED = Opaque("saved values")


@dataclass(eq=False)
class Pair:
    """A function of the user's, lowered once for all calls that have its signature.

    `parameters` are what a call passes on, in order; the result of `function` is a tuple of what it gives.
    `again`: its forward half runs in the backward pass, where the primal is called in the forward pass.
    `equal` are lengths that every run of it takes to be equal, `compared` all that it compares, `calls` the
    pairs that it calls, `live` the numbers of the program that it reads; `raises` says whether it may raise,
    print or assert. If it is computed `again`, the
    backward half is both passes, of the arguments.
    """

    name: str
    parameters: tuple[Value, ...] = ()
    function: Function | None = None  # None while it is being lowered
    equal: tuple[tuple[Dim, Dim], ...] = ()
    compared: tuple[tuple[Dim, Dim, bool], ...] = ()
    calls: frozenset[Pair] = frozenset()
    live: frozenset[Value] = frozenset()
    raises: bool = False
    again: bool = False
    integral: bool = False  # whether it may give whole numbers for floats, see `dataflow/integrality`
    along: Pair | None = None  # whose results it gives, and after them their tangents

    def reached(self) -> set[Pair]:
        """The pair, and all that are called in it."""
        found, ahead = {self}, [self]
        while ahead:
            more = ahead.pop().calls - found
            found |= more
            ahead.extend(more)
        return found

    @lazy
    def call(self) -> Half:
        return Half(self, "call")

    @lazy
    def primal(self) -> Half:
        return Half(self, "primal")


@dataclass(eq=False)
class Variant:
    """The two halves of a pair for the calls of which these parameters are differentiated and these results
    have a gradient. `gives` are the parameters that get one, with the types of their gradients.

    `strong` are the gradients that come in as NumPy's numbers for Python's. `told` says where those that
    come in may be zero or infinite, and which parameters may be infinite: see `dataflow/knowledge`.
    """

    pair: Pair
    wanted: frozenset[int]
    seeded: frozenset[int]
    strong: frozenset[int]
    told: frozenset[tuple[str, int, int]]
    gives: dict[int, Type] = field(default_factory=dict)
    function: Function | None = None  # both passes, as one function of the parameters and of `upstream`
    upstream: tuple[Value, ...] = ()
    chosen: dict[Value, Variant] = field(default_factory=dict)  # for the calls in it, by what they save
    cautious: bool = False  # whether it would be another one if it were told nothing
    used: bool = False  # whether it is called by itself
    linear: bool = False  # whether its second half makes tangents of tangents, see `autodiff/parted`

    @lazy
    def forward(self) -> Half:
        return Half(self.pair, "forward", self)

    @lazy
    def backward(self) -> Half:
        return Half(self.pair, "backward", self)


@dataclass(eq=False)
class Half:
    """What a statement calls: "call" until it is known what for, then "primal", "forward" or "backward"."""

    pair: Pair
    kind: str
    variant: Variant | None = None

    @property
    def wish(self) -> str:
        """What it would be called in generated code."""
        name = self.pair.name
        return name if self.kind in ("call", "primal") else f"{self.word}_{name}"

    @property
    def word(self) -> str:
        """Which half it is."""
        turned = self.variant is not None and self.variant.linear and self.kind == "backward"
        return "tangent" if turned else self.kind

    @property
    def effects(self) -> bool:
        """Whether a call is never left out, and never moved."""
        return self.kind != "backward" and any(pair.raises for pair in self.pair.reached())

    @property
    def takes(self) -> tuple[Type, ...]:
        """The types of what is passed to it."""
        own = tuple(v.type for v in self.pair.parameters)
        if self.kind == "backward" and self.variant is not None:
            return (*(v.type for v in self.variant.upstream), *(own if self.pair.again else (SAVED,)))
        return own

    @lazy
    def gate(self) -> Gate:
        types: Callable[..., Any] = self._types if self.kind == "call" else lambda *_: SAVED
        return Gate(self.pair.name, (self,), (), types=types, backward=self, kind=Kind.CALL)

    def __call__(self, *_: Any) -> Any:
        raise TypeError("a half of a pair runs in generated code only")

    def _types(self, facts: Facts, *args: Any) -> Type:
        """Notes what a call proves about lengths."""
        bound = bind(self.pair.parameters, args)
        for a, b in self.pair.equal:
            facts.unify(expressed(a, bound), expressed(b, bound))
        return SAVED


def note_compared(pair: Pair, args: tuple[Any, ...], facts: Facts) -> None:
    """Note what a call compares in terms of the lengths of what is passed."""
    bound = bind(pair.parameters, args)
    for a, b, stretches in pair.compared:
        left, right = facts.restated(a, bound), facts.restated(b, bound)
        if left is not None and right is not None:
            facts.compare(left, right, stretches)


def lengths(t: Type) -> tuple[Dim, ...]:
    """The lengths that a type tells of: those of the axes; of a number, the length that it is."""
    extent = getattr(t, "extent", None)
    return t.dims if extent is None else (extent,)


def bind(parameters: tuple[Value, ...], args: tuple[Any, ...]) -> dict[int, Dim]:
    """What the symbols among the parameters' lengths stand for in a call."""
    bound: dict[int, Dim] = {}
    for parameter, arg in zip(parameters, args, strict=True):
        if isinstance(arg, Value):
            for own, given in zip(lengths(parameter.type), lengths(arg.type), strict=False):
                if own.symbol is not None:
                    bound.setdefault(own.symbol, given)
    return bound


def expressed(dim: Dim, bound: dict[int, Dim]) -> Dim:
    """A length of a pair in terms of a call."""
    return bound[dim.symbol].trimmed(dim.trim) if dim.symbol in bound else dim
