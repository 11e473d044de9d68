"""Calls that are done while compiling: of Python's own functions, on what is known.

Imports the abstract values.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from types import BuiltinFunctionType, BuiltinMethodType, MethodType
from typing import Any

import numpy as np

from revcompile.errors import host
from revcompile.frontend import containers, membership
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.frontend.naming import name_of
from revcompile.ir.nodes import Structure, is_static, map_values
from revcompile.syntax.abstract import FUNCTIONS
from revcompile.syntax.mutable import KINDS

PURE_METHODS = frozenset(
    {"items", "keys", "values", "get", "index", "count", "_replace", "_asdict", "format", "join", "split",
     "startswith", "endswith", "lower", "upper", "title", "strip", "lstrip", "rstrip", "replace", "zfill",
     "partition", "rpartition", "isdigit", "isalpha", "isidentifier", "ljust", "rjust", "center", "issubset",
     "issuperset", "isdisjoint", "splitlines", "capitalize", "removeprefix", "removesuffix"}
)  # fmt: skip
STATIC_CALLS = frozenset(
    {len, range, tuple, list, dict, zip, enumerate, reversed, sorted, isinstance, issubclass, slice, set,
     frozenset, getattr, hasattr, callable, str, repr, all, any, type, int, bool, divmod, id, hash, min,
     max, sum, abs, round, float, pow, map, filter, iter, next, np.dtype, np.result_type, np.issubdtype,
     np.finfo, np.iinfo, np.promote_types, np.broadcast_shapes, np.ndim, np.shape, np.size, bytes, ord, chr,
     format, hex, bin, ascii, OrderedDict, Counter}
)  # fmt: skip


def is_pure(function: Any, args: Any, kwargs: Any) -> bool:
    """A named tuple's constructor, an exception, a method of a static container, a math function."""
    if isinstance(function, type):
        return hasattr(function, "_fields") or (
            is_static(args) and issubclass(function, (np.generic, BaseException))
        )
    if isinstance(function, (BuiltinMethodType, MethodType)) and not isinstance(
        getattr(function, "__self__", None), type(np)
    ):
        owner = getattr(function, "__self__", None)
        if type(owner) in (str, bytes, range, frozenset):
            return True
        return isinstance(owner, (dict, list, tuple, str, set)) and function.__name__ in PURE_METHODS
    if isinstance(function, BuiltinFunctionType):
        return is_static(args) and is_static(kwargs) and function.__module__ in ("math", "_operator")
    return False


def is_plain(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether all is known, and nothing in it is the program's to call or to compare."""
    given = (*args, *kwargs.values())
    own = any(
        isinstance(x, FUNCTIONS) or (callable(x) and not isinstance(x, (BuiltinFunctionType, np.ufunc)))
        for x in given
    )
    return is_static(given) and not own and not membership.has_objects(given)


def call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    if function is range or function is slice:
        low.steer(args)
    if args and isinstance(getattr(function, "__self__", None), dict):
        args = (membership.key(low, args[0], "as a key of a dict"), *args[1:])
    if function not in _TRANSPARENT and not _is_container_call(function, args):
        what = f"as an argument of {name_of(function)}"
        args = map_values(lambda v: low.static(v, what), args)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, membership.SEQUENCES) and membership.has_objects((owner, args)):
        if function.__name__ in ("index", "count"):
            return getattr(membership, f"{function.__name__}_of")(low, owner, *args)
    for x in args:
        if isinstance(x, HostObject) and function not in _TRANSPARENT:
            x.refuse()
    if getattr(function, "__name__", "") in (
        "index",
        "count",
    ):  # they compare, and a run-time value has no value yet
        owner = getattr(function, "__self__", ())
        if not is_static(owner):
            known = low.static(owner, f"as what {name_of(function)} looks through")
            function = getattr(known, function.__name__)
        args = low.static(args, f"as an argument of {name_of(function)}")
    with host():
        result = function(*args, **kwargs)
    low.host.tells(function, (*args, *kwargs.values()), result)
    if isinstance(result, KINDS) and (
        function in containers.MADE_BY or isinstance(getattr(function, "__self__", None), str)
    ):
        low.own(result)
    return result


_TRANSPARENT = frozenset(
    {slice, isinstance, len, tuple, list, dict, zip, enumerate, reversed, iter, next, type}
)


def _is_container_call(function: Any, args: tuple[Any, ...]) -> bool:
    if isinstance(function, type):
        return hasattr(function, "_fields")
    return isinstance(getattr(function, "__self__", None), (dict, list, tuple))
