"""Pickling of gradient functions, and of those of the operators: plain functions, which are pickled by name.

A decorated function is found under its own name. The gradient `g = grad(f)` of a function that keeps
its own name gets a name that spells how to make it: `grad(module:f)` in the module
`importable`, whose attributes are made on demand; a second one alike is `grad(module:f)#2`.
"""

from __future__ import annotations

import sys
import weakref
from types import FunctionType
from typing import Any

from revcompile.frontend.wanted import Options

made_so_far: weakref.WeakValueDictionary[str, FunctionType] = weakref.WeakValueDictionary()
IMPORTABLE = f"{__package__}.importable"
DOT = "\N{ONE DOT LEADER}"  # stands for a dot, at which pickle would split the name


def make_importable(entry: FunctionType, f: FunctionType, label: str, words: Any = ()) -> None:
    """Give `entry`, made of `f`, a module and a qualified name under which it can be imported again.

    `label` says what it is, `words` with which options, where not with those that go without saying.
    """
    owner: Any = sys.modules.get(f.__module__ or "")
    for part in f.__qualname__.split("."):
        owner = getattr(owner, part, None)
    if owner is f:  # else it is a decorated function, or one that cannot be imported at all
        _spell(entry, f, label, words)


def make_attribute_importable(entry: FunctionType, f: FunctionType, options: Options) -> None:
    """The same for `value_and_grad` of a function that is being decorated."""
    if entry.__module__ != IMPORTABLE and "<" not in f.__qualname__:
        _spell(entry, f, options.label, words_of(options))


def words_of(options: Options) -> Any:
    words = (options.argnums, options.has_aux, options.optimize, options.checkpoint, options.backend)
    return () if words == (None, False, True, 0, "numpy") else words


def _spell(entry: FunctionType, f: FunctionType, label: str, words: Any) -> None:
    spelled = f",{words!r}" if words else ""
    name = f"{label}({f.__module__}:{f.__qualname__}{spelled})".replace(".", DOT)
    first, n = name, 1
    while name in made_so_far:
        name, n = f"{first}#{n + 1}", n + 1
    entry.__module__, entry.__qualname__ = IMPORTABLE, name
    made_so_far[name] = entry
