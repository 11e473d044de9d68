"""Functions that call themselves: each call is interpreted where it stands, as deep as the arguments say.

A recursion that goes on and on under conditions that only the run decides is taken to be steered by the
whole numbers that change from call to call, or by the lengths of the arrays that do; the function is
compiled again for the given ones. Where these are not known, or none changes, the run decides how deep it
goes: the function is lowered again with the decision that this one is a pair (`frontend/pairs`).
"""

from __future__ import annotations

import ast

from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.parts import Inseparable, Parts
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, Scalar, is_float, scalar_type
from revcompile.syntax.abstract import Frame, NeedShape, NeedStatic
from revcompile.syntax.decisions import AsRecursion, Restart
from revcompile.syntax.mutable import is_growing

MAX_DEPTH = 200
TOO_MANY = 200  # calls of a function inside itself, all in all
SUSPICIOUS = 8  # calls of a function inside itself, after which it is asked what they depend on


def check(low: Lowering, node: ast.FunctionDef | ast.Lambda, frame: Frame) -> None:
    """Called when `frame` begins. Raises NeedStatic for what steers a recursion."""
    if frame.is_rule:
        return
    frame.given, frame.base = dict(frame.names), low.builder.depth
    frame.activation = frame.key(node)
    if len(low.frames) < SUSPICIOUS:
        return
    before = [f for f in low.frames if f.activation == frame.activation and f is not frame]
    run_decides = Restart(AsRecursion(frame.activation))
    if before and before[0].base < low.builder.depth:
        low.pairs.nested[frame.activation] += 1
        if low.pairs.nested[frame.activation] > TOO_MANY:
            raise run_decides
    if len(before) >= SUSPICIOUS and before[0].base < low.builder.depth:
        if _only_reals_change(low, before[-1], frame) or _lists_grow(before[-1], frame):
            raise run_decides
        try:
            _look_for_what_steers(low, before[0], before[-1], frame)
        except NeedStatic as need:
            (need.decision,) = run_decides.decisions
            raise
    deep = low.builder.depth - before[0].base >= MAX_DEPTH if before else False
    if frame.depth >= MAX_DEPTH or deep:
        if before:
            raise run_decides
        raise UnsupportedError(f"calls are nested more than {MAX_DEPTH} deep", way_out="Write a loop.")


def _only_reals_change(low: Lowering, last: Frame, frame: Frame) -> bool:
    """Whether nothing changes from call to call but real numbers, and what is in arrays."""
    try:
        before, now = (Parts(low, f.given, together=False) for f in (last, frame))
    except Inseparable:
        return False
    pairs = list(zip(before.atoms, now.atoms, strict=False))
    return before.shape == now.shape and all(a is b or _is_real_as(a, b) for a, b in pairs)


def _lists_grow(last: Frame, frame: Frame) -> bool:
    """Whether nothing changes from call to call but lists as long as the run makes them, and reals."""
    changed = [now for name, now in frame.given.items() if now is not last.given.get(name)]
    lists = [now for now in changed if is_growing(now)]
    rest = (now for now in changed if not is_growing(now))
    return bool(lists) and all(isinstance(x, Value) and is_float(x.type) for x in rest)


def _is_real_as(a: Structure, b: Structure) -> bool:
    s, t = (x.type if isinstance(x, Value) else scalar_type(x) for x in (a, b))
    return is_float(s) and is_float(t) and s.dims == t.dims


def _look_for_what_steers(low: Lowering, first: Frame, last: Frame, frame: Frame) -> None:
    changed = [name for name, now in frame.given.items() if now is not last.given.get(name)]
    for name in changed:
        number = _earliest(first, frame, name)
        if isinstance(number, Value) and isinstance(number.type, Scalar) and number.type.dtype.kind in "iu":
            raise NeedStatic(number, f"as {name}, which steers a recursion")
    for name in dict.fromkeys([*changed, *frame.given]):
        _need_lengths(low, _earliest(first, frame, name), name)
    scope = frame.parent
    while scope is not None:
        for name, structure in scope.names.items():
            _need_lengths(low, structure, name)
        scope = scope.parent


def _need_lengths(low: Lowering, array: Structure, name: str) -> None:
    if isinstance(array, Value) and isinstance(array.type, Array):
        if any(low.builder.facts.size_of(d) is None for d in array.type.dims):
            raise NeedShape(array, f"as the length of {name}, which steers a recursion")


def _earliest(first: Frame, frame: Frame, name: str) -> Structure:
    given = first.given.get(name)
    return given if isinstance(given, Value) else frame.given[name]
