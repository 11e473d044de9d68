"""Pickling of gradient functions, which are plain functions and so are pickled by name.

A decorated function is found under its own name. The gradient `g = grad(f)` of a function that keeps
its own name gets a name that spells how to make it: `grad(module:f)` in this module, whose attributes
are made on demand; a second one alike is `grad(module:f)#2`.
"""

from __future__ import annotations

import ast
import importlib
import sys
import weakref
from types import FunctionType
from typing import Any

from revcompile.frontend.wanted import Options

_made: weakref.WeakValueDictionary[str, FunctionType] = weakref.WeakValueDictionary()
DOT = "\N{ONE DOT LEADER}"  # stands for a dot, at which pickle would split the name


def make_importable(entry: FunctionType, f: FunctionType, options: Options) -> None:
    """Give `entry` a module and a qualified name under which it can be imported again."""
    owner: Any = sys.modules.get(f.__module__ or "")
    for part in f.__qualname__.split("."):
        owner = getattr(owner, part, None)
    if owner is f:  # else it is a decorated function, or one that cannot be imported at all
        _spell(entry, f, options)


def make_attribute_importable(entry: FunctionType, f: FunctionType, options: Options) -> None:
    """The same for `value_and_grad` of a function that is being decorated."""
    if entry.__module__ != __name__ and "<" not in f.__qualname__:
        _spell(entry, f, options)


def _spell(entry: FunctionType, f: FunctionType, options: Options) -> None:
    words = (options.argnums, options.has_aux, options.optimize)
    spelled = "" if words == (None, False, True) else f",{words!r}"
    name = f"{options.label}({f.__module__}:{f.__qualname__}{spelled})".replace(".", DOT)
    first, n = name, 1
    while name in _made:
        name, n = f"{first}#{n + 1}", n + 1
    entry.__module__, entry.__qualname__ = __name__, name
    _made[name] = entry


def __getattr__(name: str) -> Any:
    if name in _made:
        return _made[name]
    label, bracket, rest = name.replace(DOT, ".").partition("#")[0].partition("(")
    if not bracket or label not in ("grad", "value_and_grad"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    path, _, words = rest.removesuffix(")").partition(",")
    module, _, qualname = path.partition(":")
    f: Any = importlib.import_module(module)
    for part in qualname.split("."):
        f = getattr(f, part)
    if hasattr(f, "primal"):  # the name means the gradient itself by now
        return f if label == "grad" else f.value_and_grad
    argnums, has_aux, optimize = ast.literal_eval(words) if words else (None, False, True)
    from revcompile.transforms.gradient import make_gradient

    made = make_gradient(f, Options(argnums, has_aux, optimize, label == "value_and_grad"))
    return _made.get(name, made)
