"""What a call made to find out what it gives does to the program is undone: the call is made again.

What it may change is looked for where its code names it: globals, closures, its owner, and what is in them.
A file that it writes is not undone. Imports NumPy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from revcompile.frontend.names import HostObject, is_library

MOST = 10_000  # objects that are looked at
MISSING = object()


@contextmanager
def undone(functions: Iterable[Any]) -> Iterator[None]:
    """After it, what these functions may change is as it was before."""
    undo: list[Callable[[], None]] = []
    seen: dict[int, Any] = {}
    for function in functions:
        _look(function.obj if isinstance(function, HostObject) else function, seen, undo)
    try:
        yield
    finally:
        for step in undo:
            step()


def _look(x: Any, seen: dict[int, Any], undo: list[Callable[[], None]]) -> None:
    ahead = [x]
    while ahead and len(seen) < MOST:
        x = ahead.pop()
        if id(x) in seen or x is None or isinstance(x, (ModuleType, str, bytes, int, float)):
            continue
        seen[id(x)] = x
        if isinstance(x, MethodType):
            ahead += [x.__func__, x.__self__]
        elif isinstance(x, FunctionType):
            if not is_library(x):
                ahead += _reached(x, undo)
        elif isinstance(x, np.ndarray):
            if x.flags.writeable and x.dtype != object:
                undo.append(_array(x, x.copy()))
        elif type(x) is tuple:
            ahead += x
        elif type(x) in (list, deque):
            undo.append(_items(x, list(x)))
            ahead += x
        elif type(x) is set:
            undo.append(_set(x, x.copy()))
        elif isinstance(x, dict):
            undo.append(_dict(x, dict(x)))
            ahead += x.values()
        elif not is_library(type(x)) and not isinstance(x, type) and hasattr(x, "__dict__"):
            ahead.append(x.__dict__)
            ahead += [f for c in type(x).__mro__ for f in vars(c).values() if isinstance(f, FunctionType)]


def _reached(function: FunctionType, undo: list[Callable[[], None]]) -> list[Any]:
    """What a function's code names; the names and cells themselves are put back."""
    names = set(_names(function.__code__)) & function.__globals__.keys()
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


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _array(x: Any, before: Any) -> Callable[[], None]:
    def step() -> None:
        if x.shape == before.shape and x.tobytes() != before.tobytes():
            x[...] = before

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
