"""The names with which a function of the program begins, of the arguments of a call."""

from __future__ import annotations

import inspect
from typing import Any

from revcompile.errors import host
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure
from revcompile.syntax.abstract import NestedFunction
from revcompile.syntax.source import Source, parameters


def bind_parameters(
    low: Lowering, source: Source, args: tuple[Any, ...], kwargs: dict[str, Any], is_own: bool
) -> dict[str, Structure]:
    """The names with which a called user function begins. Defaults are host objects, read live."""
    signature = source.signature
    if is_own and args and not kwargs and len(args) == len(source.plain_parameters):
        return dict(zip(source.plain_parameters, args, strict=True))
    with host():
        bound = signature.bind(*args, **kwargs)
    given = set(bound.arguments)
    bound.apply_defaults()
    out: dict[str, Structure] = {}
    for name, argument in bound.arguments.items():
        parameter = signature.parameters[name]
        if not is_own and name not in given and parameter.default is not parameter.empty:
            argument = low.default(source.function, parameter)
        out[name] = low.own(argument) if parameter.kind is parameter.VAR_KEYWORD else argument
    return out


def bind_nested(
    low: Lowering, nested: NestedFunction, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Structure]:
    """The names with which a nested function begins."""
    signature = nested_signature(nested)
    with host():
        bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            low.own(bound.arguments[name])
    return dict(bound.arguments)


def nested_signature(nested: NestedFunction) -> inspect.Signature:
    a = nested.node.args
    kind = inspect.Parameter
    shown: list[inspect.Parameter] = []
    for arg in parameters(nested.node):
        form: Any
        if arg is a.vararg:
            form = kind.VAR_POSITIONAL
        elif arg is a.kwarg:
            form = kind.VAR_KEYWORD
        elif arg in a.posonlyargs:
            form = kind.POSITIONAL_ONLY
        else:
            form = kind.KEYWORD_ONLY if arg in a.kwonlyargs else kind.POSITIONAL_OR_KEYWORD
        default = nested.defaults.get(arg.arg, kind.empty)
        shown.append(kind(arg.arg, form, default=default))
    shown.sort(key=lambda p: p.kind)
    return inspect.Signature(shown)
