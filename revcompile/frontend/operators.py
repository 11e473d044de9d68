"""The operators besides `grad`, inside a function that is compiled: `jvp(h, …)`, `hessian(h)(x)`.

What each means is told in `frontend/derivatives`; here, how they are met.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from revcompile.frontend import columns
from revcompile.frontend.derivatives import OPERATORS, along, pulled, valued
from revcompile.frontend.gradients import refuse_states, states_of
from revcompile.frontend.halving import halved, linearized
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import identity
from revcompile.ir.nodes import Structure, map_values
from revcompile.syntax.abstract import Frame, Native, Partial

HOME = "revcompile.transforms.operators"
GIVE_HALVES = {"vjp": halved, "linear": linearized}


def is_operator(function: Any) -> bool:
    """Whether it is one of the operators, or what one has made of a function."""
    if not isinstance(function, FunctionType):
        return False
    return "operator" in vars(function) or (function.__module__ == HOME and function.__name__ in OPERATORS)


def call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`jvp(h, …)`, `hessian(h)`, or `H(x)` where `H = hessian(h)`."""
    if "operator" in vars(function):
        path, f = low.host.path_of(function), vars(function)["primal"]
        if path is not None:
            f = low.host.bring(path.attribute("primal"), f, function.__name__)
        refuse_states(states_of(function))
        return _applied(low, vars(function)["operator"], vars(function)["options"], f, args, kwargs)
    name, (f, *rest) = function.__name__, args
    options = {key: kwargs.pop(key) for key in ("argnums", "has_aux") if key in kwargs}
    refuse_states(kwargs.pop("checkpoint", None))
    kwargs.pop("backend", None)  # what is inside is run with what is around it
    for key in ("optimize", "sparsity") if name == "jacobian" else ("optimize",):
        kwargs.pop(key, None)
    if rest or kwargs:
        return OPERATORS[name](low, f, *rest, **kwargs, **options)
    return Native(lambda *args, **kwargs: _applied(low, name, options, f, args, kwargs))


def _applied(
    low: Lowering, operator: str, options: Any, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Structure:
    """What an operator makes of `f`, called. What is passed by name is not differentiated."""
    return OPERATORS[operator](low, Partial(f, (), kwargs) if kwargs else f, *args, **options)


def _along(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    f, primals, tangents = args
    return along(low, f, primals, tangents, quietly=True)


def _value(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    f, primals = args
    return valued(low, f, low.items(primals), quietly=True)


def _pulled(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    f, primals, argnums, cotangent = args
    return pulled(low, f, primals, argnums, cotangent, quietly=True)


def _mapped(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    function, stack, _ = args
    stacks = low.batch(lambda item: low.invoke(function, item), stack)
    if stacks is None:
        return low.read(columns.one_by_one, args, {}, frame)
    return low.mutables.adopt(map_values(lambda v: low.emit(identity, v), stacks))


def _last(low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    (stack,) = args
    is_matrix = len(stack.type.dims) == 2
    moved = low.apply(np.transpose, args, {}) if is_matrix else low.apply(np.moveaxis, (*args, 0, -1), {})
    low.builder.table.derived.add(moved)
    return moved


def apply(operator: str, options: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a compiled function of an operator is said to do: it is read, and run to raise what `function`
    raises."""
    if operator == "jvp":
        primals, _ = args
        return function(*primals, **kwargs)
    return function(*(args[:-1] if operator in ("hvp", "jvps", "vjps") else args), **kwargs)


def _apply(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    operator, options, function, *given = args
    if operator in GIVE_HALVES:
        return GIVE_HALVES[operator](low, function, tuple(given), kwargs, **options)
    return _applied(low, operator, options, function, tuple(given), kwargs)


SPECIAL: dict[Any, Any] = {
    columns.along: _along,
    columns.pulled: _pulled,
    columns.value: _value,
    columns.mapped: _mapped,
    columns.last: _last,
    apply: _apply,
}
