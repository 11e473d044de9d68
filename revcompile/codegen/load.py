"""Text to callables: a namespace for one function's generated code, and its registration with linecache.

Imports the standard library and NumPy.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
import linecache
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np

import revcompile.runtime as runtime
from revcompile.codegen.constants import MATH, Marks, is_lasting
from revcompile.codegen.places import PLACES, Text
from revcompile.errors import InternalError, UnsupportedError
from revcompile.ir.identifiers import identifier

_counter = itertools.count(1)
_HELPERS = {name: obj for name, obj in vars(runtime).items() if isinstance(obj, FunctionType)}


class Namespace:
    """The globals of generated code. `refer` gives any object a name there, the same one each time.

    A builtin's name means that builtin: whatever the program calls so has another name here.
    """

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {"np": np, "math": MATH, "__builtins__": __builtins__, **_HELPERS}
        self._own = frozenset(self.globals)
        self.reserved: frozenset[str] = frozenset()  # the parameters' names, which would hide a global
        self._names: dict[int, str] = {}
        self.locals: set[str] = set()  # variables of the code under construction, which would hide a global

    def reserve(self, parameters: Iterable[str]) -> None:
        """Keep these names for the parameters."""
        self.reserved = frozenset(parameters)
        self._names = {i: name for i, name in self._names.items() if name not in self.reserved}

    def refer(self, obj: Any) -> str:
        if id(obj) in self._names:
            return self._names[id(obj)]
        if isinstance(obj, CodeType):
            wish = f"{obj.co_name}__code"
        elif isinstance(obj, np.dtype):
            wish = f"{obj.name}_dtype"
        else:
            wish = str(getattr(obj, "__name__", type(obj).__name__))
        return self.put(wish, obj)

    def put(self, wish: str, obj: Any) -> str:
        wish = identifier(wish, "thing")
        if getattr(builtins, wish, obj) is not obj:
            wish = f"the_{wish}"
        name, n = wish, 1
        hidden = self.reserved | self._own | self.locals
        while name in hidden or self.globals.get(name, obj) is not obj:
            name, n = f"{wish}__{n}", n + 1  # no local variable is numbered so
        self.globals[name] = obj
        self._names[id(obj)] = name
        return name

    def is_reserved(self, name: str) -> bool:
        """Whether a name means something in all generated code."""
        return (
            name in self.reserved or name in self._own or keyword.iskeyword(name) or hasattr(builtins, name)
        )

    def compile(self, text: str, label: str) -> CodeType:
        """The code of the one function that `text` defines, which this namespace serves."""
        return compile_text(text, label)

    def compile_fast(self, text: str, tests: Sequence[str], label: str) -> CodeType:
        """The same for code that is run often and begins with these tests: with constants for globals."""
        lasting = {n: o for n, o in self.globals.items() if n not in self.reserved and is_lasting(o)}
        marks = Marks(text, lasting)
        condition, marked = (" and ".join(way) for way in (tests, map(marks.test, tests)))
        return compile_text(text, label, text.replace(condition, marked, 1), marks.fill)

    def having(self, helpers: dict[str, str]) -> dict[str, Any]:
        """These globals, and the functions that `helpers` defines, by their names."""
        if not helpers:
            return self.globals
        own = dict(self.globals)
        for name, text in helpers.items():
            own[name] = FunctionType(self.compile(text, name), own, name)
        return own

    def keep(self, codes: Iterable[CodeType], also: Iterable[str]) -> None:
        """Drop the names that none of these codes uses."""
        used = {*also, *self._own}
        for code in codes:
            used.update(_names_of(code))
        for name in [n for n in self.globals if n not in used]:
            self._names.pop(id(self.globals[name]), None)
            del self.globals[name]


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names_of(inner)


def compile_text(
    text: str, label: str, marked: str = "", fill: Callable[[CodeType], CodeType] = lambda code: code
) -> CodeType:
    """The code of the one function that `text` defines; tracebacks show the text while it is in use.

    What is compiled is `marked`, if given: the same with marks that `fill` replaces.
    """
    filename = f"<revcompile {label} {next(_counter)}>"
    if isinstance(text, Text) and any(text.places):
        PLACES[filename] = text.places
    try:
        module = compile(marked or text, filename, "exec")
    except SyntaxError as e:
        if "too many" in str(e.msg):  # levels of indentation, parentheses or blocks
            raise UnsupportedError(
                f"this function is nested too deeply: its text would have {e.msg}",
                way_out="Give its parts names, or functions of their own.",
            ) from None
        raise
    codes = [c for c in module.co_consts if isinstance(c, CodeType)]
    if len(codes) != 1 or module.co_names != (codes[0].co_name,):
        raise InternalError(f"the text of {label} is more than one function")
    code = fill(codes[0])
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    weakref.finalize(code, _forget, filename).atexit = False
    return code


def _forget(filename: str) -> None:
    """Drop a text, and what is known of its lines."""
    linecache.cache.pop(filename, None)
    PLACES.pop(filename, None)


def make_function(
    code: CodeType, namespace: Namespace, like: FunctionType, own: dict[str, Any] | None = None
) -> FunctionType:
    """A function of that code, with the parameters' defaults of `like`; `own` are other globals for it."""
    function = FunctionType(code, own or namespace.globals, code.co_name, like.__defaults__)
    function.__kwdefaults__ = like.__kwdefaults__
    return function
