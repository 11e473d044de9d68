"""The abstract values that are neither a run-time `Value` nor a plain static object.

Imports the IR only.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np

from revcompile.errors import HostError, Place, UnsupportedError
from revcompile.gates.draws import generator_type
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Instance, Structure, Value
from revcompile.ir.types import ONE, Array, Foreign, Scalar, Type
from revcompile.syntax.decisions import Decision
from revcompile.syntax.source import Source


@dataclass(eq=False)
class Frame:
    """One activation of a function being interpreted: its names, and where they come from."""

    source: Source
    names: dict[str, Structure]
    parent: Frame | None = None  # the frame that a nested function closes over
    is_rule: bool = False  # a gate's rule
    depth: int = 0
    in_comprehension: bool = False  # what := assigns there is a name of `parent`
    unset: set[str] = field(default_factory=set)  # names that were read before they were assigned
    outer: dict[str, Frame] = field(default_factory=dict)  # whose the names are that it declares `nonlocal`
    cells: Instance | None = None  # the variables that functions inside it assign
    given: dict[str, Structure] = field(default_factory=dict)  # its arguments
    activation: Any = None  # which function it is that runs
    base: int = 0  # how many blocks were open where it was called
    own: frozenset[str] = frozenset()  # of a nested function: the names that are its own, bound or not yet
    is_own: bool = False  # a function of this package: what its names mean is ours, and stays what it is

    def key(self, node: ast.AST) -> tuple[Any, ...]:
        """What names a statement of this function in every attempt to compile it."""
        return (self.function.__code__, node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def site(self, node: ast.AST) -> tuple[Any, ...]:
        """What names an expression: others may begin at the same place."""
        return (*self.key(node), type(node).__name__)

    @property
    def function(self) -> FunctionType:
        return self.source.function

    def __post_init__(self) -> None:
        inside = self.parent is not None and self.parent.is_own
        self.is_own = self.is_own or inside or (self.is_rule and self.source.is_own)


def unbound(identifier: str, scope: Frame, frame: Frame) -> HostError:
    """What Python raises where a frame reads a name without a value, of a `scope`: itself or one around."""
    scope.unset.add(identifier)
    if scope is frame:
        said = f"cannot access local variable {identifier!r} where it is not associated with a value"
        return HostError(UnboundLocalError(said))
    said = f"cannot access free variable {identifier!r} where it is not associated with a value"
    return HostError(NameError(f"{said} in enclosing scope"))


@dataclass(eq=False)
class NestedFunction:
    """A `def` or a `lambda` inside the function being compiled."""

    node: ast.FunctionDef | ast.Lambda
    frame: Frame
    defaults: dict[str, Structure] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Method:
    """`x.sum` before it is called."""

    value: Value
    name: str


@dataclass(frozen=True, eq=False)
class Partial:
    """`functools.partial(function, *args, **kwargs)`."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Native:
    """A method without source: what it does is ours to say. It has the parameters of another function."""

    run: Callable[..., Any]
    of: Any = None


@dataclass(frozen=True, eq=False)
class Gradient:
    """What `grad` or `value_and_grad` makes of a function.

    `cotangent` gives, of a value that is not one number, what the gradients begin with. One that is `silent`
    prints nothing.
    """

    function: Any
    argnums: Any = None
    has_aux: bool = False
    with_value: bool = False
    cotangent: Any = None
    silent: bool = False


FUNCTIONS = (NestedFunction, Method, Partial, Gradient)  # what `callable` is true of


@dataclass(frozen=True, eq=False)
class Poison:
    """A name that has no single meaning after a branch or a loop.

    Reading it is an error, or, where there is a `decision` that gives it one, a reason to begin again.
    """

    reason: str
    decision: Decision | None = None


class Regained(tuple[Structure, ...]):
    """A part of what a call gave, as what was given to the call: see `frontend/regained`."""

    contents: Any = None  # the part itself, where it was not passed on


class Returned:
    """How a list of statements ended when it did not reach its end: with this value."""

    def __init__(self, value: Structure) -> None:
        self.value = value


class Left(Exception):
    """Control does not get here: what is being interpreted has raised an exception of the user's."""


class NeedStatic(Exception):
    """A number that is known only at run time stands where the compiler must know it."""

    def __init__(self, value: Value, what: str) -> None:
        super().__init__(what)
        self.value = value
        self.place: Place | None = None  # in the user's source, once it is known
        self.what = what
        self.decision: Decision | None = None  # what else can be done, if it cannot be known

    def of(self, value: Value) -> NeedStatic:
        """The same of another value, from which this one is computed."""
        other = type(self)(value, self.what)
        other.place, other.decision = self.place, self.decision
        return other


class NeedShape(NeedStatic):
    """The lengths of an array are known only at run time where the compiler must know them.

    `number` is what is computed with them, and must be known.
    """

    def __init__(self, value: Value, what: str, number: Value | None = None) -> None:
        super().__init__(value, what)
        self.number = number


def type_of(obj: Any, facts: Facts) -> Type | None:
    """The type of a number, an array (with fresh symbols for its lengths) or a generator; else None."""
    if type(obj) is float:
        return Scalar(np.dtype(float), python=True)
    if type(obj) is int:
        return Scalar(np.dtype(int), python=True, extent=facts.of_number(obj))
    if isinstance(obj, np.generic) and obj.dtype.kind in "fiu":
        return Scalar(obj.dtype)
    if type(obj) in (np.ndarray, np.memmap) and obj.dtype.kind in "fiub" and obj.dtype.isnative:
        dims = tuple(ONE if n == 1 else facts.of_argument(n) for n in obj.shape)
        return Array(obj.dtype, dims)
    return generator_type(obj)


def refuse_varying(t: Type, answer: Callable[[type], Any] = id) -> None:
    """Raises where the program asks of what class a number is, and only the run knows the `answer`."""
    if isinstance(t, Scalar) and (t.varies or t.others):
        if len({answer(class_of_type(kind)) for kind in t.possible}) > 1:
            kinds = t if t.varies else " or ".join(sorted(map(str, t.possible), reverse=True))
            raise UnsupportedError(
                f"whether this number is {kinds} is known only at run time",
                way_out=f"Begin with a NumPy number: np.{t.dtype.name}(…).",
            )


def class_of(value: Value) -> type:
    """The class that `type(x)` would give for a run-time value."""
    return class_of_type(value.type)


def class_of_type(t: Type) -> type:
    if isinstance(t, Array):
        return np.ndarray
    if isinstance(t, Scalar):
        if t.python:
            return {"f": float, "i": int, "b": bool, "c": complex}[t.dtype.kind]
        return t.dtype.type
    return t.cls if isinstance(t, Foreign) else str
