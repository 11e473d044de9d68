"""The arguments of a call that are differentiated, by their positions and names. Imports `wanted`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from revcompile.frontend.wanted import Argnums


def name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))


def names_of(function: Callable[..., Any], count: int) -> list[str]:
    """A name for each positional argument: the parameter's, or `args[k]` where there is none."""
    names: list[str] = []
    parameters = parameters_of(function)
    for parameter in parameters[:count]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names.extend(f"{parameter.name}[{k}]" for k in range(count - len(names)))
            break
        names.append(parameter.name)
    return names + [f"args[{k}]" for k in range(len(names), count)]


def with_defaults(function: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, ...]:
    """The arguments, up to the last parameter that `argnums` names, with the defaults of those not given."""
    if argnums is None:
        return args
    chosen = (argnums,) if isinstance(argnums, int | str) else argnums
    for p in parameters_of(function):
        if p.kind is p.KEYWORD_ONLY and p.name in chosen:
            raise ValueError(
                f"check_grads passes arguments by position, and {p.name} is taken by keyword only: "
                f"check lambda {p.name}: {name_of(function)}(..., {p.name}={p.name})"
            )
    parameters = [p for p in parameters_of(function) if p.kind < p.VAR_POSITIONAL]
    names = [p.name for p in parameters]
    last = max(
        (names.index(a) if a in names else -1 if isinstance(a, str) else a for a in chosen), default=-1
    )
    more = parameters[len(args) : last + 1]
    return args + tuple(p.default for p in more) if all(p.default is not p.empty for p in more) else args


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin
        return []


def positions_of(argnums: Argnums, names: list[str]) -> list[int]:
    """The differentiated arguments as positions."""
    if argnums is None:
        return list(range(len(names)))
    chosen = (argnums,) if isinstance(argnums, int | str) else argnums
    return [names.index(a) if isinstance(a, str) else range(len(names))[a] for a in chosen]
