"""How deep Python's own calls may nest while the compiler runs. Imports errors only.

An expression of 1,500 terms is a tree 1,500 deep: Python compiles it, and so must we. What nests deeper than
this allows is refused.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from revcompile.errors import UnsupportedError, is_too_deep

DEEPEST = 12_000  # calls of Python's; the C stack has room for what they do

_lock = threading.Lock()
_limits: list[int] = []  # what the limit was, once for each compilation that is running


@contextmanager
def deep_stack() -> Iterator[None]:
    """Lets Python's own calls nest as deep as the compiler needs them to. Raises UnsupportedError beyond."""
    with _lock:
        _limits.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_limits[0], DEEPEST))
    try:
        yield
    except RecursionError as e:
        if not is_too_deep(e):
            raise
        raise UnsupportedError(
            "this function is nested too deeply to be compiled",
            way_out="Split it: give parts of long expressions names, or use fewer branches.",
        ) from None
    finally:
        with _lock:
            first = _limits[0] if _limits else sys.getrecursionlimit()
            del _limits[-1:]
            if not _limits:
                sys.setrecursionlimit(first)


def renew_lock() -> None:
    """In the child of a fork: what other threads compiled is at an end."""
    global _lock
    _lock = threading.Lock()
    if _limits:
        sys.setrecursionlimit(_limits[0])
        _limits.clear()


def parsed(text: str, mode: str = "exec", flags: int = 0) -> Any:
    """The syntax of a text. In CPython 3.11 threads that parse disturb each other: then again."""
    for _ in range(100):
        try:
            return compile(text, "", mode, ast.PyCF_ONLY_AST | flags, dont_inherit=True)
        except SystemError:
            pass
    return compile(text, "", mode, ast.PyCF_ONLY_AST | flags, dont_inherit=True)
