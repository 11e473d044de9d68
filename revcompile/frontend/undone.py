"""What a call made to find out what it gives does to the program is undone: the call is made again.

What it may change is looked for where its code names it: globals, closures, its owner, and what is in them.
A file that it writes is not undone. Imports NumPy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from io import IOBase
from queue import Queue
from random import Random
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any

import numpy as np

from revcompile.frontend.changing import is_iterator
from revcompile.frontend.names import HostObject, is_library
from revcompile.gates.draws import set_state, state_of

MOST = 10_000  # objects that are looked at
MISSING = object()
PLAIN = frozenset({int, float, str, bytes, bool, type(None), ModuleType, np.float64})  # with nothing inside


def is_final(functions: Iterable[Any]) -> bool:
    """Whether what calls of these functions do may be for good: an iterator gives its items once."""
    return any(is_iterator(x) and not _is_plain(x) for x in _found(functions, []))


@contextmanager
def undone(functions: Iterable[Any]) -> Iterator[None]:
    """After it, what these functions may change is as it was before."""
    undo: list[Callable[[], None]] = []
    _found(functions, undo)
    try:
        yield
    finally:
        for step in undo:
            step()


@contextmanager
def undone_by(errors: tuple[type[Exception], ...], functions: Iterable[Any]) -> Iterator[None]:
    """The same where it ends by one of these errors."""
    undo: list[Callable[[], None]] = []
    _found(functions, undo)
    try:
        yield
    except errors:
        for step in undo:
            step()
        raise


def _found(functions: Iterable[Any], undo: list[Callable[[], None]]) -> list[Any]:
    """The objects that are looked at."""
    seen: dict[int, Any] = {}
    for function in functions:
        _look(function.obj if isinstance(function, HostObject) else function, seen, undo)
    return list(seen.values())


def _is_plain(x: Any) -> bool:
    """Whether an object is of a class of the program: its attributes are looked at."""
    return not is_library(type(x)) and hasattr(x, "__dict__")


def _look(x: Any, seen: dict[int, Any], undo: list[Callable[[], None]]) -> None:
    ahead = [x]
    while ahead and len(seen) < MOST:
        x = ahead.pop()
        if type(x) in PLAIN or id(x) in seen or isinstance(x, (ModuleType, str, bytes, int, float)):
            continue
        seen[id(x)] = x
        if isinstance(x, MethodType):
            ahead += [x.__func__, x.__self__]
        elif isinstance(x, FunctionType):
            if not is_library(x):
                ahead += _reached(x, undo)
        elif isinstance(x, partial):
            ahead += [x.func, *x.args, *x.keywords.values()]
        elif isinstance(x, (BuiltinMethodType, MethodWrapperType)):
            ahead.append(x.__self__)
        elif isinstance(x, (Random, np.random.Generator, np.random.RandomState)):
            undo.append(partial(set_state, x, state_of(x)))
        elif isinstance(x, IOBase):
            undo.append(_position(x))
        elif isinstance(x, Queue):
            ahead.append(x.queue)
        elif isinstance(x, np.ndarray):
            if x.flags.writeable and x.dtype != object:
                undo.append(_array(x, x.copy()))
        elif type(x) is tuple:
            ahead += x
        elif type(x) in (list, deque):
            undo.append(_items(x, list(x)))
            ahead += _inside(x)
        elif type(x) is set:
            undo.append(_set(x, x.copy()))
        elif isinstance(x, dict):
            undo.append(_dict(x, dict(x)))
            ahead += _inside(x.values())
        elif isinstance(x, type):
            if not is_library(x) and x.__flags__ & 1 << 9:
                undo.append(_class(x, dict(vars(x))))
        elif _is_plain(x):
            ahead.append(x.__dict__)
            ahead += [f for c in type(x).__mro__ for f in vars(c).values() if isinstance(f, FunctionType)]


def _inside(items: Collection[Any]) -> Collection[Any]:
    return () if PLAIN.issuperset(map(type, items)) else items


def _reached(function: FunctionType, undo: list[Callable[[], None]]) -> list[Any]:
    """What a function's code names; the names and cells themselves are put back."""
    names = [name for name in _names(function.__code__) if name in function.__globals__]
    found = [function.__globals__[name] for name in names]
    for name in names:
        undo.append(_name(function.__globals__, name, function.__globals__[name]))
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not assigned yet
            continue
        undo.append(_cell(cell, cell.cell_contents))
    return [*found, *(function.__defaults__ or ()), *vars(function).values()]


@lru_cache(maxsize=1000)
def _names(code: CodeType) -> tuple[str, ...]:
    inside = [name for c in code.co_consts if isinstance(c, CodeType) for name in _names(c)]
    return tuple(dict.fromkeys((*code.co_names, *inside)))


def _array(x: Any, before: Any) -> Callable[[], None]:
    def step() -> None:
        if x.shape == before.shape and x.tobytes() != before.tobytes():
            x[...] = before

    return step


def _position(x: Any) -> Callable[[], None]:
    """Wind a file back that is read."""
    try:
        before = x.tell() if x.readable() and x.seekable() else None
    except (OSError, ValueError):  # it is closed, or being gone through
        before = None

    def step() -> None:
        if before is not None and not x.closed and x.tell() != before:
            x.seek(before)

    return step


def _class(x: type, before: dict[str, Any]) -> Callable[[], None]:
    def step() -> None:
        for name in vars(x).keys() - before.keys():
            delattr(x, name)
        for name, value in before.items():
            if vars(x).get(name, MISSING) is not value:
                setattr(x, name, value)

    return step


def _items(x: Any, before: list[Any]) -> Callable[[], None]:
    def step() -> None:
        if len(x) != len(before) or any(a is not b for a, b in zip(x, before)):
            x.clear()
            x.extend(before)

    return step


def _set(x: set[Any], before: set[Any]) -> Callable[[], None]:
    def step() -> None:
        if x != before:
            x.clear()
            x.update(before)

    return step


def _dict(x: dict[Any, Any], before: dict[Any, Any]) -> Callable[[], None]:
    def step() -> None:
        if len(x) != len(before) or any(x.get(k, MISSING) is not v for k, v in before.items()):
            x.clear()
            x.update(before)

    return step


def _name(names: dict[str, Any], name: str, before: Any) -> Callable[[], None]:
    def step() -> None:
        if names.get(name, MISSING) is not before:
            names[name] = before

    return step


def _cell(cell: Any, before: Any) -> Callable[[], None]:
    def step() -> None:
        cell.cell_contents = before

    return step
