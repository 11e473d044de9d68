"""Stores of a part of an array into another part of it: `a[1:] = a[:-1]`, `A[k] = A[:, 0]`.

NumPy makes a copy of what is stored where the two overlap, unless the place has one axis along which both run
in one direction: it then begins at the end that is right where they have one step. Where they have not, it
may read what it has just written; so may a mask. A store of ours is one of what the elements were: where the
two may differ, that is looked at in the run (`copy_to_store`), or refused. Imports the IR and the gates.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.indexing import is_gather, is_mask_part
from revcompile.gates.storing import is_part, part_type
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, Rows
from revcompile.runtime import READ_LATE, copy_to_store
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.memory import Path


def copied(low: Interpreter, root: Value, path: Path, value: Structure) -> Structure:
    """`value`, or a copy of it: all of it is read before it is written."""
    if not isinstance(value, Value) or not may_overlap(low, root, value):
        return value
    memory = low.memory
    *_, (_, index) = path
    if len(part_type(low.builder.facts, root, path).dims) != 1 or (
        is_gather(index) and not is_mask_part(index)
    ):
        return value
    if is_gather(index) or memory.root(value) is not root:
        memory.look_closer()
        refuse()
    axes = len(root.type.dims)
    place, own = _line(path, axes), _line(memory.path(value), axes)
    if place is not None and own is not None and _in_step(place, own):
        return value
    room = low.apply(np.empty, (low.attribute(root, "shape", None),), {})  # type: ignore[arg-type]
    parts = low.derive(room, path), low.derive(room, memory.path(value))
    return low.emit(copy_to_store, value, *parts, axes > 1 and not memory.is_in_order(root))


def may_overlap(low: Interpreter, array: Value, value: Structure) -> bool:
    """Whether several elements are read of what may share memory with an array."""
    if not isinstance(value, Value) or not isinstance(value.type, Array) or isinstance(array.type, Rows):
        return False
    return low.memory.may_share(value, array) and not all(d.is_one for d in value.type.dims)


def refuse() -> NoReturn:
    raise UnsupportedError(
        f"what is stored may be a part of the array, {READ_LATE}",
        way_out="Store a copy: .copy().",
    )


def _line(path: Path, axes: int) -> list[Any] | None:
    """The numbers and the one slice that lead to a line of an array, axis by axis; None if they do not."""
    if len(path) > 1 or not all(map(is_part, path)):
        return None
    index = path[0][1] if path else ()
    parts = list(index) if isinstance(index, tuple) else [index]
    if None in parts:
        return None
    rest = [slice(None)] * (axes - len(parts) + (Ellipsis in parts))
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[at : at + 1] = rest
    return parts if sum(isinstance(p, slice) for p in parts) == 1 else None


def _in_step(place: list[Any], own: list[Any]) -> bool:
    """Whether NumPy's store of one line of an array into another is known to be one of a copy."""
    i, j = ([isinstance(p, slice) for p in line].index(True) for line in (place, own))
    if i == j:
        step, stride = (1 if s.step is None else s.step for s in (place[i], own[i]))
        return type(step) is int and type(stride) is int and (step == stride or step * stride < 0)
    return bool(place[i] == own[j] and place[j] == own[i])  # an element of both stands at one place in both
