"""What the rooms of the frontend may ask of the lowering that they serve: the one interface between them.

`revcompile/frontend/lower` is what answers; it imports the rooms, and they import this.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, Protocol

from revcompile.frontend.names import HostNames
from revcompile.frontend.paired import Pairs
from revcompile.gates.foreign import Learning
from revcompile.gates.halves import Pair, Variant
from revcompile.ir.nodes import Function, Parameter, Structure, Value
from revcompile.syntax.abstract import Frame, NeedStatic, NestedFunction
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.source import Source


class Needed(Protocol):
    """`revcompile.frontend.needed.Needed`: which arguments must be known while compiling."""

    parameters: Sequence[Parameter]
    known: dict[Value, int]

    def note(self, low: Lowering, need: NeedStatic) -> frozenset[Any]: ...
    def is_varied(self, low: Lowering, need: NeedStatic) -> bool: ...
    def specialize(self, low: Lowering, need: NeedStatic, number: Callable[[], Any]) -> Any: ...
    def number(self, low: Lowering, n: Value, what: str) -> Any: ...
    def at_hand(self, low: Lowering, number: Value) -> Any: ...
    def may_specialize(self, low: Lowering, need: NeedStatic, number: Callable[[], Any]) -> bool: ...


class Lowering(Interpreter, Protocol):
    """One attempt to bring a function, and what it calls, into the IR."""

    host: HostNames  # what is taken from the program
    pairs: Pairs  # what is known of the program's functions
    learning: Learning  # what calls as they are give
    values: dict[Value, Any]  # what is at hand while compiling, see `foreign`
    varied: frozenset[Value]  # the numbers that are differentiated
    constants: frozenset[Value]  # the arguments that are not
    given: tuple[Value, ...]  # the arrays that the function under differentiation was given
    unknown: int  # calls as they are of which it is not known yet what they give
    acted: bool  # whether a call may have changed the program
    excused: int  # in how many calls of stop_gradient this is
    met: dict[Any, int]  # how often each of the calls as they are was met
    here: tuple[ast.AST, Frame] | None  # what is being interpreted
    frames: list[Frame]  # the activations that are being interpreted, the innermost last
    sources: dict[Callable[..., Any], Source]  # of the functions that were met
    iterators: dict[int, Any]  # Python's iterators that the program has, by their `id`
    reads: Any  # what the items of a loop are made of, see `iterators`
    spellings: dict[float, str]  # numbers as the user wrote them
    steering: set[Value]  # integers used as an index, a bound, an axis
    method_adapters: dict[str, Callable[..., Any]]
    differentiate: Callable[[Function, tuple[str, ...], bool, Structure], Function]
    push_forward: Callable[[Function, Mapping[Value, Structure]], Function]
    batch: Callable[[Callable[[Value], Structure], Value], Structure]
    halve: Callable[[Pair, frozenset[int], frozenset[int]], Variant]
    part: Callable[[Pair, int], Variant]
    slots: int  # so many states are kept of the loops of what an operator is applied to; 0: of all trips

    @property
    def needed(self) -> Needed: ...  # what must be known while compiling
    def work(self, operations: int) -> None: ...
    def spell(self, number: float, text: str) -> None: ...
    def static(self, structure: Structure, what: str) -> Any: ...
    def regained(self, structure: Structure) -> Structure: ...
    def items(self, source: Structure) -> list[Structure]: ...
    def listed(self, source: Iterable[Structure]) -> list[Structure]: ...
    def condition(self, node: ast.expr, frame: Frame) -> ast.expr: ...
    def truth(self, x: Structure) -> Structure: ...
    def equal(self, left: Structure, right: Structure) -> Structure: ...
    def same(self, left: Structure, right: Structure) -> Structure: ...
    def check_may_assign(self, owner: Structure, name: str) -> None: ...
    def source_of(self, function: Callable[..., Any]) -> Source: ...
    def default(self, function: FunctionType, parameter: inspect.Parameter) -> Structure: ...
    def call(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], node: ast.Call, frame: Frame
    ) -> Structure: ...
    def inline(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
    ) -> Structure: ...
    def read(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
    ) -> Structure: ...
    def inline_nested(
        self, nested: NestedFunction, args: tuple[Any, ...], kwargs: dict[str, Any], depth: int
    ) -> Structure: ...
    def body(self, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> Structure: ...
    def run_rule(
        self, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Structure: ...
