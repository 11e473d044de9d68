"""Which gradients a call returns: what `argnums` and the way in which the arguments were passed say.

Imports NumPy and the errors.
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from revcompile.errors import HostError, host
from revcompile.statements.probe import Probe
from revcompile.syntax.source import own_signature

_signatures: WeakKeyDictionary[CodeType, inspect.Signature] = WeakKeyDictionary()
Argnums = int | str | tuple[int | str, ...] | None


@dataclass(frozen=True)
class Options:
    """What a user asked of `grad`, `value_and_grad` or another operator."""

    argnums: Argnums
    has_aux: bool
    optimize: bool
    with_value: bool
    operator: str = ""  # which one the function itself applies, that is to be run, not differentiated
    checkpoint: int = 0  # of how many trips of a long loop the states are kept; 0: all that is read of each
    probe: Probe | None = None  # which is told of all values and gradients, for a picture
    backend: str = "numpy"  # by what the text is run

    @property
    def label(self) -> str:
        if self.operator:
            return self.operator
        return "value_and_grad" if self.with_value else "grad"


def explicit_names(signature: inspect.Signature, argnums: Argnums, name: str) -> tuple[str, ...] | None:
    """The parameters that argnums names, or None. Raises a HostError for bad ones."""
    if argnums is None:
        return None
    names = list(signature.parameters)
    out: list[str] = []
    for which in argnums if isinstance(argnums, (tuple, list)) else (argnums,):
        which = int(which) if isinstance(which, np.integer) else which
        if isinstance(which, bool) or not isinstance(which, (int, str)):
            raise HostError(TypeError(f"argnums must be integers or parameter names, not {which!r}"))
        if isinstance(which, str):
            if which not in names:
                text = f"argnums: {name} has no parameter {which!r}; it has {', '.join(names)}"
                raise HostError(ValueError(text))
            out.append(which)
        else:
            out.append(_numbered(list(signature.parameters.values()), which, name))
    return tuple(out)


class Item(str):
    """The name of the parameter `*args`, of whose arguments one is meant: the one `at` which index."""

    at: int
    said: str


def _numbered(parameters: list[inspect.Parameter], number: int, name: str) -> str:
    """The parameter that takes the argument with that number."""
    star = next((i for i, p in enumerate(parameters) if p.kind is p.VAR_POSITIONAL), None)
    if star is None or 0 <= number < star:
        if not -len(parameters) <= number < len(parameters):
            text = f"argnums: {name} has {len(parameters)} parameters, no number {number}"
            raise HostError(ValueError(text))
        return parameters[number].name
    item = Item(parameters[star].name)
    item.at = number - star if number >= 0 else number
    item.said = f"argnums: this call of {name} has no argument number {number}"
    return item


def picked(name: str, gradient: Any) -> Any:
    """The gradient of what a name of `explicit_names` means, of that of the whole parameter."""
    if not isinstance(name, Item):
        return gradient
    if not -len(gradient) <= name.at < len(gradient):
        raise HostError(ValueError(name.said))
    return gradient[name.at]


def unwrapped_signature(function: FunctionType) -> tuple[inspect.Signature, tuple[str, ...] | None]:
    """The parameters; of what `functools.wraps` has made of a function, those of that function.

    In that case also the names by which the wrapper takes them, `*args` or `*args` and `**kwargs`.
    """
    signature = _own_signature(function)
    own = list(signature.parameters.values())
    variadic = [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]
    wraps_another = hasattr(function, "__wrapped__") and _wraps_python(function)
    if [p.kind for p in own] in (variadic, variadic[:1]) and wraps_another:
        inner = inspect.signature(function)
        if not any(
            p.kind in variadic or (p.kind is p.KEYWORD_ONLY and len(own) == 1)
            for p in inner.parameters.values()
        ):
            return inner, tuple(p.name for p in own)
    return signature, None


def _wraps_python(function: Any) -> bool:
    """Whether what a wrapper stands for is a Python function: a builtin may not say what it takes."""
    with host():  # a wrapper may say that it wraps itself
        inner = inspect.unwrap(function, stop=lambda f: not isinstance(f, FunctionType))
    return isinstance(inner, FunctionType)


def counts_as_wrapped(function: Any) -> bool:
    """Whether a wrapper made with `functools.wraps` takes `*args`, but stands for a builtin, an object or a
    method that takes so many arguments and no more."""
    if not (isinstance(function, FunctionType) and hasattr(function, "__wrapped__")):
        return False
    variadic = inspect.Parameter.VAR_POSITIONAL
    if any(p.kind < variadic for p in own_signature(function).parameters.values()):
        return False
    try:
        inner = inspect.unwrap(function)
        while isinstance(inner, functools.partial):
            inner = inner.func
        if isinstance(inner, np.ufunc):
            return True
        return all(p.kind is not variadic for p in inspect.signature(inner).parameters.values())
    except (TypeError, ValueError):  # it does not say what it takes
        return False


def _own_signature(function: FunctionType) -> inspect.Signature:
    """The signature; one that follows from the code alone is made once."""
    if function.__defaults__ or function.__kwdefaults__ or function.__annotations__ or function.__dict__:
        return own_signature(function)
    found = _signatures.get(function.__code__)
    if found is None:
        found = _signatures[function.__code__] = own_signature(function)
    return found


def is_method(qualname: str, signature: inspect.Signature) -> bool:
    """Whether the first parameter is the object that a method is called on."""
    home = qualname.rpartition(".")[0]
    first = next(iter(signature.parameters), "")
    return bool(home) and not home.endswith("<locals>") and first in ("self", "cls")


def names_by_call(
    signature: inspect.Signature, positional: int, method: bool
) -> tuple[tuple[str, ...], bool]:
    """The parameters that a call with so many arguments by position differentiates, and whether a gradient
    comes bare."""
    names = []
    for i, p in enumerate(signature.parameters.values()):
        if i == 0 and method:
            continue
        required = p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        if (
            required
            or (p.kind is p.POSITIONAL_OR_KEYWORD and i < positional)
            or (p.kind is p.VAR_POSITIONAL and positional > i)
        ):
            names.append(p.name)
    star = any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())
    return tuple(names), len(names) == 1 and not star


def without_defaults(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call but those that are the parameters' defaults.

    >>> without_defaults(inspect.signature(lambda x, y=None, z=None: 0), (1, None, 3), {})
    ((1,), {'z': 3})
    """
    parameters = signature.parameters
    positional = [p for p in parameters.values() if p.kind < p.VAR_POSITIONAL]
    if len(args) > len(positional):  # with `*args`, all before it are passed
        return args, kwargs
    given = {p.name: a for p, a in zip(positional, args, strict=False)} | kwargs
    left_out = {n for n, a in given.items() if n in parameters and parameters[n].default is a}
    first = next((i for i, p in enumerate(positional) if p.name in left_out), len(args))
    names = [*(p.name for p in positional[first:]), *kwargs]
    return args[:first], {n: given[n] for n in names if n in given and n not in left_out}
