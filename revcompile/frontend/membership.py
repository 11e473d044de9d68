"""`x in items`, and what else compares the items of a container, where Python itself cannot be asked: where
the run decides, and of objects, whose classes say what equals what. Imports the front end's names and the IR.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.ir.nodes import Instance, Structure, Value, is_static
from revcompile.ir.types import Array, Scalar, is_float
from revcompile.statements import branch

SEQUENCES = (tuple, list, deque)


def among(low: Lowering, x: Structure, items: Structure) -> Structure | None:
    """`x in items` of a real number that only the run knows, and of numbers; None of anything else."""
    if hasattr(type(items), "__next__"):  # what it has given by then, it gives no more
        raise UnsupportedError("`in` an iterator is not supported", way_out="Make it a list.")
    if not (isinstance(x, Value) and is_float(x.type) and not x.type.dims):
        return None
    if isinstance(items, Value) and isinstance(items.type, Array):
        return low.apply(np.any, (low.operate(operator.eq, items, x),), {})
    if not isinstance(items, (tuple, list, set, frozenset)) or not items:
        return None
    if not all(isinstance(i, (int, float)) or (isinstance(i, Value) and not i.type.dims) for i in items):
        return None
    return low.invoke(any, [low.operate(operator.eq, i, x) for i in items])


def has_objects(structures: Iterable[Structure]) -> bool:
    """Whether objects of the program's classes are among structures, or inside them."""
    for x in structures:
        if isinstance(x, (HostObject, Instance)):
            return True
        if isinstance(x, SEQUENCES) and has_objects(x):
            return True
        if isinstance(x, dict) and has_objects(x.values()):
            return True
    return False


def key(low: Lowering, x: Structure, what: str) -> Any:
    """`x`, a key of a dict or an item of a set: no object whose class says itself what it equals."""
    for inner in x if isinstance(x, (tuple, frozenset)) else (x,):
        if isinstance(inner, Instance) and vars(object)["__hash__"] is not inner.cls.__hash__:
            raise UnsupportedError(
                f"{an(inner.cls.__name__)} is not supported {what}",
                way_out="Use a string or a number that names it.",
            )
    return low.static(x, what)


def are_compared(args: tuple[Structure, ...]) -> bool:
    """Whether a comparison of two containers compares objects, or what the run decides."""
    if not all(isinstance(a, (*SEQUENCES, dict)) for a in args):
        return False
    return has_objects(args) or not is_static(args)


def equal(low: Lowering, left: Structure, right: Structure) -> Structure:
    """`left == right`; of `x.shape == (n, 3)` item by item, up to the first that differ."""
    if isinstance(left, SEQUENCES) and isinstance(right, SEQUENCES):
        if _kind(left) is not _kind(right) or len(left) != len(right):
            return False
        return _all_equal(low, list(left), list(right))
    if are_compared((left, right)):
        if not (isinstance(left, dict) and isinstance(right, dict)) or left.keys() != right.keys():
            return False
        return _all_equal(low, list(left.values()), [right[key] for key in left])
    if left is right or _same_length(low, left, right):
        return True
    return low.operate(operator.eq, left, right)


def _all_equal(low: Lowering, left: list[Structure], right: list[Structure]) -> Structure:
    if not left:
        return True
    first = equal(low, left[0], right[0])
    if len(left) == 1:
        return first
    frame = low.frames[-1]
    return branch.choose(low, frame, first, lambda: _all_equal(low, left[1:], right[1:]), lambda: False)


def _kind(sequence: Structure) -> type:
    return next(kind for kind in SEQUENCES if isinstance(sequence, kind))


def _same_length(low: Lowering, left: Structure, right: Structure) -> bool:
    extents = [x.type.extent for x in (left, right) if isinstance(x, Value) and isinstance(x.type, Scalar)]
    if len(extents) != 2 or extents[0] is None or extents[1] is None:
        return False
    return low.builder.facts.same(extents[0], extents[1])


def among_objects(low: Lowering, x: Structure, items: Structure) -> Structure | None:
    """`x in items` where objects are compared, up to the first that is equal; None of anything else."""
    if not isinstance(items, SEQUENCES) or not has_objects((x, items)):
        return None

    def look(place: int) -> Structure:
        if place == len(items):
            return False
        equal = low.equal(items[place], x)
        return branch.choose(low, low.frames[-1], equal, lambda: True, lambda: look(place + 1))

    return look(0)


def index_of(low: Lowering, items: Sequence[Structure], x: Structure, *bounds: Any) -> int:
    """`items.index(x, *bounds)` where objects are compared."""
    for place in range(*slice(*(bounds if len(bounds) > 1 else (*bounds, None))).indices(len(items))):
        if _is_equal(low, items[place], x):
            return place
    raise HostError(ValueError(f"{type(items).__name__}.index(x): x not in {type(items).__name__}"))


def count_of(low: Lowering, items: Sequence[Structure], x: Structure) -> int:
    """`items.count(x)` where objects are compared."""
    return sum([_is_equal(low, item, x) for item in items])


def _is_equal(low: Lowering, item: Structure, x: Structure) -> bool:
    return bool(low.static(low.truth(low.equal(item, x)), "as whether two objects are equal"))
