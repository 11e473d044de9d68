"""The record of a gate: all that is known of one operation. Imports NumPy, and what its facts are made of."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revcompile.errors import module_of
from revcompile.gates.axes import broadcast_dims, is_value
from revcompile.gates.numbers import PLAIN, Numbers
from revcompile.gates.options import COUNTS, MUST_BE_KNOWN, STEERING, signature_of
from revcompile.gates.samples import Example, Real
from revcompile.gates.traits import COMPUTED, ONLY_READ, OWN, UNWRITABLE, Kind, Line, Memory, Text
from revcompile.lazy import lazy

Function = Callable[..., Any]
TANGENT = "tangent_"  # begins the names of the tangents that a tangent rule takes


class NoSuchForm(TypeError):
    """The arguments of a call do not fit the signature."""


@dataclass(frozen=True, eq=False)
class Gate:
    """One row of the table."""

    name: str
    functions: tuple[Function, ...]
    parameters: Function | tuple[str, ...] | None  # whose parameters it has; or their names; None: the rule's
    locals: dict[str, str] | None = None  # an elementwise gate's formulas
    rule: Function | None = None  # any other gate's backward rule
    dims: Function | None = None  # the axes of the result, where an example cannot tell
    examples: tuple[Example, ...] = ()
    singular: bool | Function = False  # see `is_singular`
    forward: Function | None = None  # an opaque gate's: gives (output, saved values)
    backward: Function | None = None  # an opaque gate's: (upstream, saved values) to gradients
    types: Function | None = None  # the whole type of the result, where no example can be run
    last: bool = False  # an opaque gate's backward half: what it gives cannot be differentiated again
    foreign: bool = False  # it runs what a user wrote, which may have effects: not twice in a call
    kind: Kind | None = None  # what it is to those that rewrite or reverse operations
    folds: Function | None = None  # of arguments that are known: whether it is done while compiling
    linear: tuple[tuple[int, ...], ...] = ()  # the places of operands in which, all at once, it is linear
    tangent: Function | None = None  # its tangent rule, where that is not to be made of the backward rule
    batched: dict[str, Function] = field(default_factory=dict)  # what it is of stacks: see `gates/stacks`
    joins: bool = False  # its first operand is a sequence of arrays: a list in that means one, too
    # Facts: memory
    memory: Memory = Memory.NEW  # in whose memory the result is
    copies: Function | None = None  # of a view: whether that of these arguments is a copy
    in_order: bool | Function = False  # the result's elements lie in C order; or a function that tells
    writes: bool = False  # the first result is the first operand with other content: it may take its memory
    reads_late: bool = False  # with `out=`: it may read an operand after it wrote a part of the result
    in_place: Function | None = None  # what puts the result into the first operand instead: `a += b`
    added_to: Function | None = None  # of mostly zeros: what adds them to an array where they are not zero
    # Facts: what a call of it is in other words, as code that is read like a rule
    of_items: Function | None = None  # of a list that the run makes long, over an array of its items
    of_scalar: Function | None = None  # of a NumPy scalar, whose method it is too
    means: Function | None = None  # of arguments that do not fit the signature: gives the code, or None
    composed: bool = False  # `means` gives the code for all arguments
    parts: Function | None = None  # of one that gives several views: code that gives them one by one
    # Facts: how it is written
    symbol: str = ""  # Python's operator for the first function: `+`; of one operand, `-x`
    mirrored: str = ""  # of a comparison: the function of `operator` for operands in the other order
    written: str | Function = ""  # the expression for a call, if that is not a call; see `text`
    line: Line | None = None  # how it is written if it is no expression
    python: Function | None = None  # what computes it of Python floats, and gives one; see `on_floats`
    # Facts: what it does to numbers
    cheap: bool = False  # computing it again costs no more than keeping its result
    raises: bool = False  # it may, for what the run decides: an index, a zero by which a number is divided
    of_shape: bool = False  # it asks for the shape of its operand alone, the same for every version of that
    tests: bool = False  # it gives truth values, by comparing or negating
    picks: bool = False  # it gives one of its operands as it is
    passes_none: bool = False  # of None, for what is not assigned, it gives None
    casts: bool = False  # it gives the same numbers in another dtype, or as numbers of Python's
    odd: bool = False  # of the negative of its first operand it gives just the negative
    extreme: bool = False  # it gives the largest or the smallest of numbers
    power: float = 1  # it gives this power of its operand
    squared: Function | None = None  # what writes its square, which is smooth where it is not: see `squares`
    root: Function | None = None  # what gives the square root of its result, of the same arguments
    shift: Function | None = None  # what a shift of its operands does to its result: see `shifts`
    numbers: Numbers = PLAIN  # what the numbers may be that it gives, and that its rule gives

    @lazy
    def signature(self) -> inspect.Signature:
        """The parameters of a call. Made when first asked for: importing the package is to be quick."""
        if isinstance(self.parameters, tuple):
            kind = inspect.Parameter.POSITIONAL_ONLY
            return inspect.Signature([inspect.Parameter(operand, kind) for operand in self.parameters])
        if self.parameters is not None:
            return signature_of(self.parameters)
        assert self.rule is not None
        parameters = list(inspect.signature(self.rule).parameters.values())
        return inspect.Signature(parameters[2 if self.wants_output else 1 :])

    def is_singular(self, args: tuple[Any, ...]) -> bool:
        """Whether the local gradient can be infinite or NaN where the output is masked out afterwards.

        `log` at 0, in a branch that `where` does not take: a zero upstream gradient has to stay zero.
        """
        return bool(self.singular(*args)) if callable(self.singular) else self.singular

    @lazy
    def view(self) -> bool:
        """Whether the result may share memory with the first operand. Another name of that is no view."""
        return self.memory not in COMPUTED and self.memory is not Memory.SAME

    @lazy
    def fresh(self) -> bool:
        """Whether each call makes memory of its own, which is to stay its own."""
        return self.memory in OWN

    @lazy
    def unwritable(self) -> bool:
        """Whether it is not known that the operand can be written through the result."""
        return self.memory in UNWRITABLE

    @lazy
    def read_only(self) -> bool:
        return self.memory in ONLY_READ

    def may_be_view(self, args: tuple[Any, ...]) -> bool:
        """Whether the result of a call may share memory with the first operand."""
        return self.view and not (self.copies is not None and self.copies(*args))

    def may_share(self, args: tuple[Any, ...]) -> bool:
        """Whether it may be in the memory of an operand, or be that under another name."""
        return self.memory is Memory.SAME or self.may_be_view(args)

    def shares(self, args: tuple[Any, ...], result: Any, order: str) -> bool | None:
        """Whether the result, an array, shares the memory of the first operand; None: that is not known.

        `order` is the one in which that lies: "C", "F", "-" for neither; "" where it is not known.
        """
        if not self.may_be_view(args):
            return False
        if self.memory is Memory.VIEW or self.read_only:
            return True
        dims = args[0].type.dims if is_value(args[0]) else ()
        if self.memory is Memory.REGULAR and len(dims) == 1:
            return True  # a single stride can be split in any way
        wanted = self.needs_order and self.gives_order(args)
        if not order or not wanted:
            return None
        if order == wanted:
            return True
        certain = self.memory is Memory.IN_ORDER or (order != "-" and len(result.type.dims) == 1)
        return False if certain and len(dims) > 1 and not any(d.can_be_one for d in dims) else None

    @lazy
    def needs_order(self) -> bool:
        """Whether it is a view of what lies in the right order, and may copy else."""
        return self.memory in (Memory.REGULAR, Memory.IN_ORDER)

    def gives_order(self, args: tuple[Any, ...]) -> str:
        """The order in which the elements of the result of a call lie; if it is a view, of what does so."""
        found = self.in_order(*args) if callable(self.in_order) else self.in_order
        return found if found in ("C", "F") else "C" if found is True else ""

    def order_of(self, args: tuple[Any, ...], orders: list[str]) -> str:
        """How the result lies where the arrays among the operands lie so: "" where that is not known."""
        orders = orders or [""]
        if self.in_order is not False:
            order = self.gives_order(args)
            viewing = self.memory in (Memory.VIEW, Memory.REGULAR, Memory.IN_ORDER)
            return order if not viewing or order == orders[0] else ""
        if self.memory is Memory.ITSELF:
            return orders[0]
        if self.kind is Kind.TRANSPOSE:
            return {"C": "F", "F": "C"}.get(orders[0], "") if len(args) == 1 or args[1] is None else ""
        if self.locals is None:
            return ""
        ranks = {len(x.type.dims) for x in args if is_value(x) and x.type.dims}
        alike = orders[0] if len({*orders}) == 1 and (orders[0] == "C" or len(ranks) == 1) else ""
        return alike if alike in ("C", "F") else ""

    def on_floats(self, function: Function) -> Function | None:
        """What gives a Python float for Python floats where `function`, one of the gate's, is called."""
        return self._on_floats.get(function)

    @lazy
    def _on_floats(self) -> dict[Function, Function | None]:
        other = self.python or next(filter(is_pythons, self.functions), None)
        return {f: f if is_pythons(f) else other for f in self.functions}

    def text(self, args: tuple[Any, ...], to: Text) -> str:
        """The expression for an application, over the names of the parameters: `a.T`. "": a plain call.

        `written` is that expression, or a function of `to` and of the arguments that gives it.
        """
        return self.written if isinstance(self.written, str) else str(self.written(to, *args))

    @lazy
    def may_raise_of_floats(self) -> bool:
        """Whether it raises, for some of Python's floats, where NumPy's give an infinity."""
        return self.raises or self.python is not None

    @lazy
    def broadcasts(self) -> bool:
        """Whether its operands are stretched to the shape of the result."""
        return self.locals is not None or self.dims is broadcast_dims

    @lazy
    def of_a_shape(self) -> bool:
        """Whether it makes a new array of the shape that is its first parameter."""
        return self.fresh and next(iter(self.signature.parameters), None) == "shape"

    @lazy
    def places(self) -> int:
        """How many arguments it takes by position; a great number, where it takes any."""
        kinds = [p.kind for p in self.signature.parameters.values()]
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            return sys.maxsize
        by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return sum(kind in by_position for kind in kinds)

    @lazy
    def known_options(self) -> tuple[tuple[int, str], ...]:
        """The parameters that must be known while compiling: their places and names."""
        return self._named(MUST_BE_KNOWN) if self.locals is None else ()

    @lazy
    def counting_options(self) -> tuple[tuple[int, str], ...]:
        """The parameters of which a number must be known."""
        return self._named(COUNTS)

    @lazy
    def steering_options(self) -> tuple[tuple[int, str], ...]:
        """The parameters that are a length, or a place along an axis."""
        return self._named(STEERING)

    def _named(self, names: frozenset[str]) -> tuple[tuple[int, str], ...]:
        return tuple((i, name) for i, name in enumerate(self.signature.parameters) if name in names)

    @lazy
    def takes_arrays(self) -> tuple[bool, ...]:
        """Of each parameter, whether a list for it means the array of its items: no list is known there."""
        places = enumerate(self.signature.parameters.values())
        return tuple(p.kind is not p.VAR_POSITIONAL and self._takes_array(i) for i, p in places)

    @lazy
    def takes_each(self) -> tuple[bool, ...]:
        """The same of each argument that goes to `*operands`."""
        places = enumerate(self.signature.parameters.values())
        return tuple(p.kind is p.VAR_POSITIONAL and self._takes_array(i, and_later=True) for i, p in places)

    def _takes_array(self, place: int, *, and_later: bool = False) -> bool:
        if self.broadcasts:
            return True
        end = None if and_later else place + 1
        samples = [a for e in self.examples for a in e.args[place:end]]
        is_list = any(isinstance(s, (list, tuple)) for s in samples)
        return not is_list and any(isinstance(s, (Real, np.ndarray)) for s in samples)

    @lazy
    def wants_output(self) -> bool:
        assert self.rule is not None
        return list(inspect.signature(self.rule).parameters)[1:2] == ["y"]

    @lazy
    def tangent_operands(self) -> tuple[str, ...]:
        """The parameters whose tangents the tangent rule takes, in its order: before `y`, and them all."""
        assert self.tangent is not None
        names = list(inspect.signature(self.tangent).parameters)
        return tuple(n.removeprefix(TANGENT) for n in names if n.startswith(TANGENT))

    @lazy
    def tangent_wants_output(self) -> bool:
        assert self.tangent is not None
        n = len(self.tangent_operands)
        return list(inspect.signature(self.tangent).parameters)[n : n + 1] == ["y"]

    @property
    def pointwise(self) -> bool:
        """Whether an element of the result follows from the elements at its place alone."""
        return self.locals is not None or self.numbers.pointwise

    @lazy
    def names(self) -> dict[str, frozenset[str]]:
        """Of an elementwise gate: the names that the local gradient of each operand reads."""
        return {operand: _names_in(formula) for operand, formula in (self.locals or {}).items()}

    @property
    def carries_gradient(self) -> bool:
        has_rule = self.locals is not None or self.rule is not None or self.backward is not None
        return has_rule or self.last or self.composed

    @lazy
    def _defaults(self) -> tuple[Any, ...] | None:
        """What stands for each parameter that is not passed, where all can be passed by position."""
        parameters = self.signature.parameters.values()
        plain = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
        return tuple(p.default for p in parameters) if plain else None

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in the order of the signature, defaults filled in. Raises NoSuchForm."""
        if not kwargs and self._defaults is not None and len(args) <= len(self._defaults):
            rest = self._defaults[len(args) :]
            if not rest or all(default is not inspect.Parameter.empty for default in rest):
                return (*args, *rest)
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as e:
            raise NoSuchForm(str(e)) from None
        bound.apply_defaults()
        return tuple(bound.arguments.values())

    def split(self, args: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
        """`args` as a call would be written: positional ones, and keywords that are not defaults."""
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        for (name, default, spread), argument in zip(self._written, args, strict=True):
            if spread:
                positional.extend(argument)
            elif default is inspect.Parameter.empty:
                positional.append(argument)
            elif argument is not default:
                keywords[name] = argument
        return positional, keywords

    @lazy
    def _written(self) -> tuple[tuple[str, Any, bool], ...]:
        """Of each parameter: its name, its default, and whether it takes all that are left."""
        parameters = self.signature.parameters.values()
        return tuple((p.name, p.default, p.kind is p.VAR_POSITIONAL) for p in parameters)


def _names_in(formula: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(ast.parse(formula)) if isinstance(node, ast.Name))


def is_pythons(function: Function) -> bool:
    """Whether it is an operator, a builtin or a function of `math`: of Python's numbers it gives one."""
    return module_of(function) in ("_operator", "builtins", "math")
