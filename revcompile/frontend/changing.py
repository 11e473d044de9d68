"""Whether a call as it is may change what the program's other functions read: globals, attributes, items.

Answered from the bytecode of the function and of those it calls, for functions of libraries from tables; what
cannot be told may. Imports what is known of libraries.
"""

from __future__ import annotations

import dis
from functools import partial
from io import IOBase
from queue import Queue
from random import Random
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import module_of
from revcompile.frontend.names import is_library

STORES = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "STORE_SLICE", "DELETE_GLOBAL", "DELETE_ATTR",
          "DELETE_SUBSCR", "IMPORT_NAME")  # fmt: skip
METHODS = ("LOAD_METHOD", "LOAD_ATTR", "LOAD_SUPER_ATTR")
CHANGING = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "update", "setdefault", "add", "discard",
     "popitem", "sort", "reverse", "appendleft", "popleft", "fill", "put", "itemset", "resize", "setflags",
     "setfield", "partition", "byteswap", "rotate", "move_to_end"}
)  # fmt: skip
# What gives a new result, and does nothing else: it is called with the program's own arrays.
PURE = ("numpy", "scipy", "math", "cmath", "statistics")
NOT_PURE = frozenset(
    {"load", "loadtxt", "genfromtxt", "fromfile", "save", "savetxt", "savez", "savez_compressed",
     "fromregex", "memmap", "empty", "seterr", "errstate", "set_printoptions", "show_config", "test",
     "info", "put", "copyto", "fill_diagonal", "place", "putmask", "apply_along_axis", "apply_over_axes",
     "fromfunction", "vectorize", "fromiter", "frompyfunc", "piecewise", "real_if_close",
     "asarray_chkfinite", "require", "asfortranarray", "ascontiguousarray", "asmatrix", "seterrcall",
     "setbufsize", "nditer", "shuffle"}
)  # fmt: skip
STATEFUL = (Random, np.random.Generator, np.random.RandomState, Queue)
HARMLESS = frozenset(
    {name for kind in (str, float, int, dict, list, tuple, set, np.ndarray, np.float64) for name in dir(kind)}
    - CHANGING
)


def may_change(function: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Whether calling a function may change something that is read elsewhere."""
    if isinstance(function, MethodType):
        function = function.__func__
    if isinstance(function, partial):
        return any(is_iterator(x) for x in function.args) or may_change(function.func, seen)
    if is_iterator(getattr(function, "__self__", None)):
        return True
    if isinstance(function, (BuiltinFunctionType, np.ufunc, type(np.unique))) or function in seen:
        return False
    if not isinstance(function, FunctionType):
        return bool(getattr(type(function), "__flags__", 0) & 1 << 9) and not isinstance(function, type)
    return _code_may_change(function.__code__, function.__globals__, seen | {function})


def may_keep(cls: type) -> bool:
    """Whether an object may call a function that it was made with."""
    later = ("__call__", "__next__", "__missing__")
    return not is_library(cls) or any(name in vars(base) for base in cls.__mro__ for name in later)


def is_iterator(x: Any) -> bool:
    """Whether an object is an iterator; a file, which can be wound back, counts as none."""
    return hasattr(type(x), "__next__") and not isinstance(x, IOBase)


def _code_may_change(code: CodeType, names: dict[str, Any], seen: frozenset[Any]) -> bool:
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if instruction.opname in STORES:
            return True
        if instruction.opname == "STORE_DEREF" and name in code.co_freevars:
            return True
        if instruction.opname == "LOAD_DEREF" and name in code.co_freevars:
            return True  # what a closure variable is, and does, is not looked into
        if instruction.opname in METHODS and name not in HARMLESS and not _is_of_module(name, code, names):
            return True
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            found = names.get(str(name))
            if (found is None and name == "next") or is_iterator(found) or isinstance(found, STATEFUL):
                return True
            if isinstance(found, type) and found.__flags__ & 1 << 9 and not issubclass(found, BaseException):
                return True
            if callable(found) and not isinstance(found, type) and may_change(found, seen):
                return True
    return any(_code_may_change(c, names, seen) for c in code.co_consts if isinstance(c, CodeType))


def _is_of_module(name: Any, code: CodeType, names: dict[str, Any]) -> bool:
    """Whether it is an attribute of one of the modules that the code names, and of a library."""
    modules = [m for n in code.co_names if isinstance(m := names.get(n), ModuleType)]
    found = [getattr(m, str(name)) for m in modules if hasattr(m, str(name))]
    return bool(found) and not any(may_change(f) if callable(f) else False for f in found)


def is_pure(function: Any) -> bool:
    """Whether a function of a library does nothing but give a new result."""
    module = module_of(function)
    if isinstance(function, np.ufunc):
        return True
    name = getattr(function, "__name__", "")
    return (
        any(module == home or module.startswith(f"{home}.") for home in PURE)
        and not module.startswith(("numpy.random", "numpy.ma"))
        and isinstance(function, (FunctionType, BuiltinFunctionType, type(np.unique)))
        and name not in NOT_PURE
    )
