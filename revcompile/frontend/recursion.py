"""Functions that call themselves: each call is interpreted where it stands, as deep as the arguments say.

What decides how deep that is must be known while compiling. A recursion that goes on and on under
conditions that only the run decides is taken to be steered by the whole numbers that change from call to
call, or by the lengths of the arrays that do; the function is compiled again for the given ones.
"""

from __future__ import annotations

import ast
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from revcompile.errors import UnsupportedError
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, Scalar
from revcompile.syntax.abstract import Frame, NeedShape, NeedStatic

if TYPE_CHECKING:
    from revcompile.frontend.lower import Lowering

MAX_DEPTH = 200
SUSPICIOUS = 8  # calls of a function inside itself, after which it is asked what they depend on
FRAMES = 60  # Python's own calls that interpreting one call takes, at most

_lock = threading.Lock()
_limits: list[int] = []  # what the limit was, once for each compilation that is running


def check(low: Lowering, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> None:
    """Called when `frame` begins. Raises NeedStatic for what steers a recursion."""
    if frame.is_rule:
        return
    frame.given, frame.base = dict(frame.names), low.builder.depth
    frame.activation = frame.key(node)
    if len(low.frames) < SUSPICIOUS:
        return
    before = [f for f in low.frames if f.activation == frame.activation and f is not frame]
    if len(before) >= SUSPICIOUS and before[0].base < low.builder.depth:
        _look_for_what_steers(before[0], before[-1], frame)
    if frame.depth >= MAX_DEPTH:
        raise UnsupportedError(
            f"calls are nested more than {MAX_DEPTH} deep",
            way_out="How deep a recursion goes must follow from whole numbers, lengths or containers; "
            "else write a loop.",
        )


def _look_for_what_steers(first: Frame, last: Frame, frame: Frame) -> None:
    changed = [name for name, now in frame.given.items() if now is not last.given.get(name)]
    for name in changed:
        number = _earliest(first, frame, name)
        if isinstance(number, Value) and isinstance(number.type, Scalar) and number.type.dtype.kind in "iu":
            raise NeedStatic(number, f"as {name}, which steers a recursion")
    for name in dict.fromkeys([*changed, *frame.given]):
        _need_lengths(_earliest(first, frame, name), name)
    scope = frame.parent
    while scope is not None:
        for name, structure in scope.names.items():
            _need_lengths(structure, name)
        scope = scope.parent


def _need_lengths(array: Structure, name: str) -> None:
    if isinstance(array, Value) and isinstance(array.type, Array):
        if any(d.size is None for d in array.type.dims):
            raise NeedShape(array, f"as the length of {name}, which steers a recursion")


def _earliest(first: Frame, frame: Frame, name: str) -> Structure:
    given = first.given.get(name)
    return given if isinstance(given, Value) else frame.given[name]


@contextmanager
def deep_stack() -> Iterator[None]:
    """Lets Python's own calls nest as deep as the interpreter needs them to."""
    with _lock:
        _limits.append(sys.getrecursionlimit())
        sys.setrecursionlimit(max(_limits[0], MAX_DEPTH * FRAMES))
    try:
        yield
    finally:
        with _lock:
            first, _ = _limits[0], _limits.pop()
            if not _limits:
                sys.setrecursionlimit(first)
