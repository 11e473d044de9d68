"""A Python function around a callable that has no source of its own: what is differentiated in its place.

A gradient function, a `functools.partial`, a ufunc or a builtin with a rule, an object with `__call__`. The
call in it is interpreted where it stands, so the text is that of what is called. Imports the front end and
the code generator.
"""

from __future__ import annotations

import functools
import inspect
import math
from types import FunctionType, MethodType
from typing import Any

from revcompile.codegen import load
from revcompile.codegen.module import function_text
from revcompile.errors import NOWHERE, HostError, host
from revcompile.frontend.names import is_host_object
from revcompile.frontend.naming import is_hashable
from revcompile.frontend.objects import look_up
from revcompile.gates.table import TABLE
from revcompile.ir.identifiers import function_name, identifier
from revcompile.syntax.source import place_of

ANY = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])
PLAIN = (type(None), bool, int, float, str)
CACHED = type(functools.lru_cache(int))


def has_rule(f: Any) -> bool:
    """Whether it is a function of NumPy, SciPy or Python that the compiler knows."""
    return is_hashable(f) and (f in TABLE or f in (math.prod, math.fsum, math.dist))


def is_callable_object(f: Any) -> bool:
    """Whether calling it is calling a function that the program has."""
    if isinstance(f, (functools.partial, CACHED)):
        return True
    return is_host_object(f) and isinstance(look_up(type(f), "__call__")[1], FunctionType)


class _Known:
    """Stands for a function; its parameters are those that the compiler knows."""

    def __init__(self, f: Any) -> None:
        self.__signature__ = signature_of(f)

    def __call__(self) -> None:
        pass


def around(f: Any) -> FunctionType | MethodType:
    """The function `def name(x, ...): return f(x, ...)`; of an object, one that is bound to it."""
    name = _name_of(f)
    signature = signature_of(f)
    if not is_callable_object(f):
        return function_around(f, signature, name)
    own = next(
        n for n in (name, *map(f"the_{name}{{}}".format, ("", *range(999)))) if n not in signature.parameters
    )
    owner = inspect.Parameter(own, inspect.Parameter.POSITIONAL_ONLY)
    given = signature.replace(parameters=[owner, *signature.parameters.values()])
    text = _text(name, given, f"{own}({_passed(signature)})")
    return MethodType(_function(text, name, {}, signature, f), f)


def function_around(f: Any, signature: inspect.Signature, name: str) -> FunctionType:
    """The function `def name(x, ...): return f(x, ...)`."""
    own = next(
        n for n in map("{}{}".format, [_noun(f)] * 1000, ("", *range(999))) if n not in signature.parameters
    )
    return function_of(f"{own}({_passed(signature)})", name, {own: f}, signature, f)


def function_of(
    call: str, name: str, names: dict[str, Any], signature: inspect.Signature, f: Any
) -> FunctionType:
    """The function `def name(x, ...): return <call>`, which reads these `names`; documented as `f` is."""
    return _function(_text(name, signature, call), name, names, signature, f)


def _text(name: str, signature: inspect.Signature, call: str) -> str:
    """The text of a function. Defaults are the function object's: they make no text of its own."""
    plain = [p if p.default is p.empty else p.replace(default=...) for p in signature.parameters.values()]
    return function_text(name, signature.replace(parameters=plain), [f"    return {call}"])


def _function(
    text: str, name: str, names: dict[str, Any], signature: inspect.Signature, f: Any
) -> FunctionType:
    code, shown = load.kept_code(text, f"call of {name}")
    made = FunctionType(code, {**names, "__name__": "gradients", "__text__": shown}, name)
    with_default = [p for p in signature.parameters.values() if p.default is not p.empty]
    made.__defaults__ = tuple(p.default for p in with_default if p.kind is not p.KEYWORD_ONLY)
    made.__kwdefaults__ = {p.name: p.default for p in with_default if p.kind is p.KEYWORD_ONLY}
    made.__doc__, made.__qualname__ = f.__doc__, f"<locals>.{name}"
    made.__dict__["interpreted"] = True  # see frontend/pairs
    made.__dict__["around"] = place_of(f) or NOWHERE
    return made


def _passed(signature: inspect.Signature) -> str:
    passed = []
    for p in signature.parameters.values():
        stars = "*" * (p.kind is p.VAR_POSITIONAL) + "**" * (p.kind is p.VAR_KEYWORD)
        by_name = p.kind is p.KEYWORD_ONLY or (p.default is not p.empty and p.kind is not p.POSITIONAL_ONLY)
        passed.append(f"{p.name}={p.name}" if by_name else f"{stars}{p.name}")
    return ", ".join(passed)


def _noun(f: Any) -> str:
    return "gradient" if hasattr(f, "primal") else "function"


def _name_of(f: Any) -> str:
    if isinstance(f, functools.partial):
        return _name_of(f.func)
    if not hasattr(f, "__name__"):
        return identifier(type(f).__name__.lower(), "function")
    return function_name(f)


def signature_of(f: Any) -> inspect.Signature:
    """The parameters; of what has a rule, those that the rule has, which are passed by position."""
    if has_rule(f) and f in TABLE:
        signature = TABLE[f].signature
    else:
        is_partial = isinstance(f, functools.partial)
        given = functools.partial(_Known(f.func), *f.args, **f.keywords) if is_partial else f
        try:
            with host():
                signature = inspect.signature(given)
        except HostError as e:
            e.unless(ValueError)
            signature = ANY
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    if any(not isinstance(p.default, PLAIN) and p.default is not p.empty for p in parameters) and has_rule(f):
        return ANY  # a default that stands for no argument cannot be passed on
    return signature.replace(parameters=parameters, return_annotation=signature.empty)
