"""The operators on functions besides `grad`, inside a function that is compiled: `jvp(h, …)`, `hessian(h)(x)`.

What each means is told in `frontend/derivatives`; here, how they are met.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from revcompile.frontend import columns
from revcompile.frontend.derivatives import OPERATORS, along, pulled
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure
from revcompile.syntax.abstract import Frame, Native

HOME = "revcompile.transforms.operators"


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
        return OPERATORS[vars(function)["operator"]](low, f, *args, **vars(function)["options"], **kwargs)
    f, *rest = args
    operator = OPERATORS[function.__name__]
    kwargs.pop("optimize", None)
    if rest or "tangents" in kwargs:
        return operator(low, f, *rest, **kwargs)
    return Native(lambda *args: operator(low, f, *args, **kwargs))


def _along(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    return along(low, *args)


def _pulled(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    return pulled(low, *args)


def apply(operator: str, options: Any, function: Any, *args: Any) -> Any:
    """What a compiled function of an operator is said to do: it is read, and run to raise what `function`
    raises."""
    if operator == "jvp":
        primals, _ = args
        return function(*primals)
    return function(*args[:-1]) if operator == "hvp" else function(*args)


def _apply(
    low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    operator, options, function, *given = args
    return OPERATORS[operator](low, function, *given, **options)


SPECIAL: dict[Any, Any] = {columns.along: _along, columns.pulled: _pulled, apply: _apply}
