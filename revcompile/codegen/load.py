"""Text to callables: a namespace for one function's generated code, and its registration with linecache.

Imports the standard library and NumPy.
"""

from __future__ import annotations

import itertools
import keyword
import linecache
import math
from types import CodeType, FunctionType
from typing import Any

import numpy as np

import revcompile.runtime as runtime

_counter = itertools.count(1)
_HELPERS = {name: obj for name, obj in vars(runtime).items() if isinstance(obj, FunctionType)}


class Namespace:
    """The globals of generated code. `refer` gives any object a name there, the same one each time."""

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {"np": np, "math": math, "__builtins__": __builtins__, **_HELPERS}
        self._names: dict[int, str] = {}

    def refer(self, obj: Any) -> str:
        if id(obj) in self._names:
            return self._names[id(obj)]
        if isinstance(obj, np.dtype):
            wish = f"{obj.name}_dtype"
        else:
            wish = str(getattr(obj, "__name__", type(obj).__name__)).strip("<>")
        return self.put(wish if wish.isidentifier() and not keyword.iskeyword(wish) else "thing", obj)

    def put(self, wish: str, obj: Any) -> str:
        name, n = wish, 1
        while name in self.globals and self.globals[name] is not obj:
            name, n = f"{wish}_{n}", n + 1
        self.globals[name] = obj
        self._names[id(obj)] = name
        return name


def compile_text(text: str, label: str) -> CodeType:
    """The code of the one function that `text` defines; tracebacks show the text."""
    filename = f"<revcompile {label} {next(_counter)}>"
    module = compile(text, filename, "exec")
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    return next(c for c in module.co_consts if isinstance(c, CodeType))


def forget(code: CodeType) -> None:
    """Drop the text of code that no longer runs."""
    linecache.cache.pop(code.co_filename, None)


def make_function(code: CodeType, namespace: Namespace, like: FunctionType) -> FunctionType:
    """A function of that code, with the parameters' defaults of `like`."""
    function = FunctionType(code, namespace.globals, code.co_name, like.__defaults__)
    function.__kwdefaults__ = like.__kwdefaults__
    return function
