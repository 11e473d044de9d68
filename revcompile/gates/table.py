"""The table of gates: which function is which gate, and how a rule is written down.

A gate is an operation with a derivative. There are three ways to state one, all *code that the
compiler itself reads*, so that a rule is specialised, simplified and differentiated like any other:

`elementwise(name, functions, x="1 - y * y")`
    One formula for the local gradient of each operand, over the operands and the output `y`.
    Broadcasting, upstream × local and forward mode follow.

`@gate(function)` on a rule `def name(grad_y, [y,] a, b, axis=None)`
    Ordinary NumPy code. After `grad_y` (the upstream gradient) and, if the rule wants it, `y` (the
    output), come the parameters of the NumPy function under NumPy's own names. It returns the
    gradients of the leading parameters, None where there is none. `x.ndim`, dtypes and options are
    known while compiling: an `if` on them, or a loop over them, is resolved then. Where an operand
    was broadcast, the rule need not sum: the compiler brings each gradient to its operand's shape.
    The rule of forward mode is made of it, or is `tangent=`: `def name(tangent_a, tangent_b, [y,] a, b)`.

`@composed(function)` on code `def name(a, b, axis=None)`
    A function that others make up. It has no rule: a call of it is a call of the code.

`known(functions)`
    Operations whose result carries no gradient.

Every gate carries examples; one parametrised test walks the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from revcompile.gates.numbers import PLAIN, Numbers
from revcompile.gates.record import Function, Gate
from revcompile.gates.samples import Example, Real, example
from revcompile.gates.traits import Kind, Memory, Traits
from revcompile.ir.nodes import Apply

if TYPE_CHECKING:
    from typing import TypeGuard

    from typing_extensions import Unpack


class Table(dict[Function, Gate]):
    """Function → gate.

    What is made for one compilation (`gates/halves`) is not in it, but brings its own. A user's function
    keeps its gate itself, so that both go together.
    """

    def __missing__(self, function: Function) -> Gate:
        own = _kept(function) or getattr(function, "gate", None)
        if not isinstance(own, Gate):
            raise KeyError(function)
        return own

    def __contains__(self, function: object) -> bool:
        return dict.__contains__(self, function) or _kept(function) is not None

    def get(self, function: Function, default: Any = None) -> Any:
        return super().get(function) or _kept(function) or default


def _kept(function: Any) -> Gate | None:
    """The gate that a user's function keeps. (A wrapper may have a copy of its function's attributes.)"""
    found = function.__dict__.get(KEEPS) if isinstance(function, FunctionType) else None
    return found if isinstance(found, Gate) and function in found.functions else None


KEEPS = "__gate__"
TABLE = Table()
METHODS: dict[str, Function] = {}


def register(gate: Gate, methods: Iterable[str] = ()) -> None:
    for function in gate.functions:
        if gate.foreign and isinstance(function, FunctionType):
            function.__dict__[KEEPS] = gate
        else:
            TABLE[function] = gate
    for method in methods:
        METHODS[method] = gate.functions[0]


def is_of(statement: object, kind: Kind) -> TypeGuard[Apply]:
    """Whether a statement is an application of such an operation."""
    return isinstance(statement, Apply) and TABLE[statement.function].kind is kind


def is_cheap(function: Function) -> bool:
    """Whether computing a gate of numbers again costs no more than keeping its result."""
    return TABLE[function].cheap


def _functions(functions: Function | Iterable[Function]) -> tuple[Function, ...]:
    return (functions,) if callable(functions) else tuple(functions)


def elementwise(
    name: str,
    functions: Function | Iterable[Function],
    *,
    domain: tuple[float, float] | dict[str, tuple[float, float]] = (-2.0, 2.0),
    methods: Iterable[str] = (),
    singular: bool = False,
    memory: Memory = Memory.NEW,
    in_place: Function | None = None,
    symbol: str = "",
    written: str | Function = "",
    python: Function | None = None,
    cheap: bool = False,
    raises: bool = False,
    power: float = 1,
    squared: Function | None = None,
    shift: Function | None = None,
    kind: Kind | None = None,
    numbers: Numbers = PLAIN,
    **locals: str,
) -> None:
    """Register an elementwise gate: `elementwise("mul", (operator.mul, np.multiply), a="b", b="a")`.

    `domain` is the open interval that test samples are drawn from, for all operands or by name.
    `singular=True`: the local gradient can be infinite or NaN; see `Gate.is_singular`, and `gates/numbers`.
    The formulas may also use `np` and `grad_y`-free constants; write dtype-neutral code.
    """
    low_high = domain if isinstance(domain, dict) else dict.fromkeys(locals, domain)
    samples = tuple(Real((), *low_high[operand]) for operand in locals)
    examples = (example(*samples),)
    register(
        Gate(
            name,
            _functions(functions),
            tuple(locals),
            locals,
            memory=memory,
            in_place=in_place,
            symbol=symbol,
            written=written,
            python=python,
            cheap=cheap,
            raises=raises,
            power=power,
            squared=squared,
            examples=examples,
            singular=singular,
            shift=shift,
            kind=kind,
            numbers=numbers,
        ),
        methods,
    )


def gate(
    *functions: Function,
    name: str | None = None,
    methods: Iterable[str] = (),
    dims: Function | None = None,
    examples: Iterable[Example] = (),
    singular: bool | Function = False,
    foreign: bool = False,
    types: Function | None = None,
    **traits: Unpack[Traits],
) -> Callable[[Function], Function]:
    """Register the decorated backward rule for `functions`; see the head of this module.

    `methods` are array methods that mean the first function (`x.sum(0)` is `np.sum(x, 0)`).
    `dims(facts, *args)` gives the result's axes, for a gate whose axes an example cannot tell: the
    arguments are `Value`s with a `.type.dims` (or static objects), in signature order.
    `types(facts, *args)` gives the whole type of the result.
    `singular=True`, or a function of the arguments that tells: see `Gate.is_singular`, and `gates/numbers`.
    `traits` are the other facts of `Gate`: in whose memory the result is, …
    """

    def decorate(rule: Function) -> Function:
        label = name or rule.__name__.rstrip("_")
        made = Gate(
            label, functions, None, None, rule, dims, tuple(examples), singular,
            foreign=foreign, types=types, **traits,
        )  # fmt: skip
        register(made, methods)
        return rule

    return decorate


def composed(
    *functions: Function,
    methods: Iterable[str] = (),
    examples: Iterable[Example] = (),
    name: str | None = None,
) -> Callable[[Function], Function]:
    """Register the decorated code as what calls of `functions` mean: `np.polyval` is a sum of powers.

    It has their parameters, under NumPy's names; that of methods of ufuncs is given the ufunc first.
    """

    def decorate(code: Function) -> Function:
        of_ufuncs = any([owner_of(f) is not None for f in functions])
        made = Gate(
            name or code.__name__.rstrip("_"), functions, partial(code, None) if of_ufuncs else code,
            examples=tuple(examples), means=lambda args, kwargs: code, composed=True,
        )  # fmt: skip
        register(made, methods if functions else ())
        return code

    return decorate


def owner_of(function: Any) -> np.ufunc | None:
    """The ufunc of which it is a method: `reduce`."""
    owner = getattr(function, "__self__", None)
    return owner if isinstance(owner, np.ufunc) else None


def opaque(
    function: Function,
    forward: Function,
    backward: Function,
    name: str,
    types: Function | None = None,
    tangent: Function | None = None,
) -> None:
    """Register a pair of functions that run as they are: `forward(*args)` gives (output, saved values),
    `backward(upstream, saved)` the gradients of the leading parameters. Each may return its argument."""
    made = partial(Gate, name, memory=Memory.SHARED, foreign=True)
    register(made((function,), function, forward=forward, types=types), ())
    register(made((forward,), function, backward=backward, tangent=tangent), ())
    register(made((backward,), backward, last=True), ())


def known(
    *functions: Function,
    methods: Iterable[str] = (),
    signature: Function | tuple[str, ...] | None = None,
    dims: Function | None = None,
    **traits: Unpack[Traits],
) -> None:
    """Register functions whose results carry no gradient; `signature` is one that has it, or names.

    `dims` is that of `gate`, for a result whose lengths depend on what is in the arrays; so are `traits`.
    """
    for function in functions:
        register(Gate(function.__name__, (function,), signature or function, dims=dims, **traits))
    for method, function in zip(methods, functions, strict=False):
        METHODS[method] = function
