"""Text to callables: a namespace for one function's generated code, and its registration with linecache.

Imports the standard library and NumPy.
"""

from __future__ import annotations

import builtins
import copy
import itertools
import keyword
import linecache
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType, FunctionType, MappingProxyType
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
        self.own = frozenset(self.globals)
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
        hidden = self.reserved, self.own, self.locals
        while any(name in names for names in hidden) or self.globals.get(name, obj) is not obj:
            name, n = f"{wish}__{n}", n + 1  # no local variable is numbered so
        self.globals[name] = obj
        self._names[id(obj)] = name
        return name

    def base(self) -> dict[str, Any]:
        """What every namespace has."""
        return {name: self.globals[name] for name in self.own}

    def lasting(self) -> Namespace:
        """The same names, with no object that would go before the process does."""
        other = copy.copy(self)
        kept = {n: o for n, o in self.globals.items() if n in self.own or is_lasting(o)}
        other.globals = {name: kept.get(name) for name in self.globals}
        other._names = {i: name for i, name in self._names.items() if name in kept}
        other.locals = set(self.locals)
        return other

    def has_room_for(self, names: dict[str, Any], new: Iterable[str]) -> bool:
        """Whether these names mean the same here, or nothing yet; those of `new`, nothing."""
        return all(self.globals.get(name, obj) is obj for name, obj in names.items()) and not any(
            name in self.globals for name in new
        )

    def take(self, names: dict[str, Any]) -> None:
        """Let names mean these objects."""
        self.globals.update(names)
        for name, obj in names.items():
            self._names.setdefault(id(obj), name)

    def is_reserved(self, name: str) -> bool:
        """Whether a name means something in all generated code."""
        return name in self.reserved or name in self.own or keyword.iskeyword(name) or hasattr(builtins, name)

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
        used = {*also, *self.own}
        for code in codes:
            used.update(names_in(code))
        for name in [n for n in self.globals if n not in used]:
            self._names.pop(id(self.globals[name]), None)
            del self.globals[name]


def names_in(code: CodeType) -> Iterator[str]:
    """The names that code looks up: globals and attributes."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)


def compile_text(
    text: str, label: str, marked: str = "", fill: Callable[[CodeType], CodeType] = lambda code: code
) -> CodeType:
    """The code of the one function that `text` defines; tracebacks show the text while it is in use.

    What is compiled is `marked`, if given: the same with marks that `fill` replaces.
    """
    filename = _numbered(f"<revcompile {label}")
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
    return _registered(fill(codes[0]), text.splitlines(keepends=True))


def _numbered(label: str) -> str:
    """The name of a file that is like no other."""
    return f"{label} {next(_counter)}>"


def _registered(code: CodeType, lines: list[str]) -> CodeType:
    """Code whose text tracebacks show while it is in use."""
    filename = code.co_filename
    drop_texts()
    linecache.cache[filename] = (len(lines), None, lines, filename)
    weakref.finalize(code, _unused.append, filename).atexit = False
    return code


class Printed:
    """Code with its text, of which more can be made. `names` are globals that may be constants of it."""

    def __init__(self, code: CodeType, names: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.lines = linecache.getlines(code.co_filename)
        self.places = PLACES.get(code.co_filename)
        by_id = {id(obj): name for name, obj in names.items() if is_lasting(obj)}
        self.constants = {i: by_id[id(c)] for i, c in enumerate(code.co_consts) if id(c) in by_id}
        self.code = code.replace(co_consts=self._constants(code, {}))

    def _constants(self, code: CodeType, names: Mapping[str, Any]) -> tuple[Any, ...]:
        constants = list(code.co_consts)
        for i, name in self.constants.items():
            constants[i] = names.get(name)
        return tuple(constants)

    def again(
        self, heading: tuple[str, str] = ("", ""), names: Mapping[str, Any] = MappingProxyType({})
    ) -> CodeType:
        """The same code, with other constants; its text begins with another heading."""
        filename = _numbered(self.code.co_filename.rpartition(" ")[0])
        if self.places is not None:
            PLACES[filename] = self.places
        code = _in_file(self.code, filename, self._constants(self.code, names))
        return _registered(code, [*(line.replace(*heading) for line in self.lines[:1]), *self.lines[1:]])


@lru_cache(maxsize=256)
def _printed(text: str, label: str) -> Printed:
    return Printed(compile_text(text, label))


class Shown:
    """While there is such an object, tracebacks show the text of a file."""

    def __init__(self, filename: str) -> None:
        weakref.finalize(self, _unused.append, filename).atexit = False


_texts: weakref.WeakValueDictionary[str, Shown] = weakref.WeakValueDictionary()


def kept_code(text: str, label: str) -> tuple[CodeType, Shown]:
    """The same code each time, and what has to be kept with what uses it."""
    printed = _printed(text, label)
    filename = printed.code.co_filename
    shown = _texts.setdefault(filename, Shown(filename))
    linecache.cache[filename] = (len(printed.lines), None, printed.lines, filename)
    return printed.code, shown


def compile_again(text: str, label: str) -> CodeType:
    """What `compile_text` gives, of a text that is likely to come again."""
    return _printed(text, label).again()


def _in_file(code: CodeType, filename: str, constants: tuple[Any, ...]) -> CodeType:
    """Code, and the code inside it, that is said to stand in a file."""
    inside = [
        _in_file(c, filename, c.co_consts)
        if isinstance(c, CodeType) and c.co_filename == code.co_filename
        else c
        for c in constants
    ]
    return code.replace(co_filename=filename, co_consts=tuple(inside))


_unused: deque[str] = deque()  # the files of texts that are in use no more


def drop_texts() -> None:
    """Drop the texts that are in use no more, and what is known of their lines.

    When the next text is compiled, not when the garbage is collected: that may be while `linecache` goes
    through its cache, as a debugger lets it.
    """
    while _unused:
        filename = _unused.popleft()
        if _texts.get(filename) is None:
            linecache.cache.pop(filename, None)
            PLACES.pop(filename, None)


def make_function(
    code: CodeType, namespace: Namespace, like: FunctionType, own: dict[str, Any] | None = None
) -> FunctionType:
    """A function of that code, with the parameters' defaults of `like`; `own` are other globals for it."""
    function = FunctionType(code, own or namespace.globals, code.co_name, like.__defaults__)
    function.__kwdefaults__ = like.__kwdefaults__
    return function
