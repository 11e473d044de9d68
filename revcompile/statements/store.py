"""Writing into arrays: `x[i] = v`, `x += v`, `x[i] *= v`; the lowering, and the reversal.

The reversal of `A1 = store(A0, place, v)`: the gradient of v is what A1's gradient has at that place, the
gradient of A0 has a zero there; and A0's content, should anything before read it, is A1 with the old
elements written back. Imports the IR, the gates and the interpreter's interface.
"""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.gates.axes import takes_all
from revcompile.gates.indexing import has_index_array
from revcompile.gates.storing import holds, is_part, part, store, store_types
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import same_axes
from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.types import Array, Foreign, Rows, Scalar
from revcompile.runtime import last_written, scatter_add
from revcompile.statements import either, overlap
from revcompile.statements.branch import on_either_side
from revcompile.syntax.abstract import Frame
from revcompile.syntax.decisions import Restart
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.memory import Path

OVERWRITTEN, RESTORED = "overwritten", "restored"


# -- lowering --------------------------------------------------------------------------------------


def write(low: Interpreter, array: Value, index: Structure, value: Structure) -> None:
    """`array[index] = value`."""
    if isinstance(array.type, Foreign):
        raise UnsupportedError(
            f"writing into {an(array.type)} is not supported", way_out="Make a new one with the change in it."
        )
    if isinstance(value, (list, tuple)):
        value = low.apply(np.array, (value,), {})
    if not isinstance(array.type, Array):
        raise HostError(TypeError(f"{an(array.type)} object does not support item assignment"))
    root = low.memory.root(array)
    low.check_may_write(root)
    if root in low.memory.read_only or array in low.memory.read_only:
        raise HostError(ValueError("assignment destination is read-only"))
    unsure = [v for v in (array, root) if v in low.memory.may_be_read_only]
    if unsure:
        decision = low.memory.may_be_read_only[unsure[0]]
        if decision is not None and decision not in low.decisions:
            raise Restart(decision)
        raise UnsupportedError(
            "whether this array is read-only, and cannot be written, is known only at run time",
            way_out="Write into a copy, .copy().",
        )
    if not root.type.dims:
        if array.type.dims:
            raise UnsupportedError(
                "writing into an array without axes through a view that has some is not supported",
                way_out="Write into the array itself: x[...] = v.",
            )
        own = value.type if isinstance(value, Value) else None
        same = isinstance(own, (Array, Scalar)) and own.dtype == array.type.dtype
        value = low.apply(np.array, (value,), {} if same else {"dtype": array.type.dtype.type})
        replace_content(low, array, value)
        return
    path = way_to(low.memory.path(array), index)
    if any(TABLE[function].kind is Kind.FLAT for function, *_ in path):
        value = _one_by_one(low, root, path, value)
    value = overlap.copied(low, root, path, value)
    if root in low.memory.either:
        either.write(low, root, path, value, on_either_side, store_at)
        return
    if takes_everything(index) and _fills(low, array, path, value):
        replace_content(low, array, value)
        return
    store_at(low, root, path, value)


def _one_by_one(low: Interpreter, root: Value, path: Path, value: Structure) -> Structure:
    """What is written through `.flat`, which reads what it writes while it does so."""
    if not isinstance(value, Value) or not value.type.dims:
        return value
    if overlap.may_overlap(low, root, value):
        overlap.refuse()
    return low.invoke(as_many, value, low.derive(low.resolve(root), path))


def as_many(values: Any, place: Any) -> Any:
    """They begin again where there are too few."""
    return np.ravel(values) if values.size == place.size else np.resize(values, place.size)


def store_at(low: Interpreter, root: Value, path: Path, value: Structure) -> None:
    """A store into a part of an array."""
    if isinstance(root.type, Rows):  # several of its items may be one array
        raise UnsupportedError(
            "writing into an item of a list whose length only the run decides is not supported"
        )
    version, old = low.emit(store, root, path, value)
    table = low.builder.table
    name = table.hints.get(root)
    table.name(version, name)
    table.name(old, f"old_{name}" if name else None)
    low.memory.write(root, version)


def write_in_place(low: Interpreter, array: Value, value: Structure) -> None:
    """What `array += …` does, once the sum is there: all elements are written, in the array's own dtype."""
    assert isinstance(array.type, Array)
    t = value.type if isinstance(value, Value) else None
    if isinstance(t, (Array, Scalar)) and not np.can_cast(t.dtype, array.type.dtype, "same_kind"):
        said = f"Cannot cast ufunc output from dtype('{t.dtype}') to dtype('{array.type.dtype}')"
        raise HostError(TypeError(f"{said} with casting rule 'same_kind'"))
    write(low, array, Ellipsis, value)


def takes_everything(index: Structure) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return takes_all(index) and all(p is Ellipsis or isinstance(p, slice) for p in parts)


def _fills(low: Interpreter, array: Value, path: Path, value: Structure) -> bool:
    """Whether `value` has the type of the whole array, so that it can take its place."""
    t, own = array.type, value.type if isinstance(value, Value) else None
    if low.memory.path(array) or not isinstance(own, Array) or not isinstance(t, Array):
        return False
    store_types(low.builder.facts, low.memory.root(array), path, value)  # which proves lengths equal
    return own.dtype == t.dtype and bool(t.dims) and same_axes(low.builder.facts, own.dims, t.dims)


def replace_content(low: Interpreter, array: Value, value: Value) -> None:
    """`value` is what `array` holds from now on."""
    made, table = low.builder.definitions.get(value), low.builder.table
    last = low.builder.statements[-1] if low.builder.statements else None
    if made is None or made is not last or value in table.hints or value in low.memory.views:
        value = low.emit(np.ndarray.copy, value, "C")
    table.name(value, table.hints.get(low.memory.root(array)))
    low.memory.write(array, value)


def way_to(path: Path, index: Structure) -> Path:
    """The path to `view[index]`, where `path` leads to the view; indices by numbers alone are joined."""
    if not path or not is_part(path[-1]):
        return (*path, part(index))
    *before, (_, first) = path
    if takes_everything(index) and not isinstance(first, (bool, np.bool_)):
        return path
    numbers = first if isinstance(first, tuple) else (first,)
    if all(_is_number(n) for n in numbers):
        more = index if isinstance(index, tuple) else (index,)
        return (*before, part((*numbers, *more)))
    return (*path, part(index))


def _is_number(part: Structure) -> bool:
    if isinstance(part, Value):
        return isinstance(part.type, Scalar) and part.type.dtype.kind in "iu"
    return type(part) is int


# -- reversal --------------------------------------------------------------------------------------


def reverse(rev: Any, statement: Apply) -> None:
    """Take back a store: in the gradients, and in the array."""
    array, path, value = statement.args
    after, old = statement.result
    builder = rev.builder
    gradient, gradient_old = rev.adjoints.pop(after, None), rev.adjoints.pop(old, None)
    if gradient is not None and isinstance(value, Value) and value in rev.plan.active and holds(array, value):
        builder.note = "store gate"
        rev.accumulate(value, _taken(rev, gradient, path))
    builder.note = RESTORED
    before, _ = rev.low.emit(store, after, path, old)
    rev.table.name(before, rev.table.hints.get(array))
    rev.memory.now[array] = before
    if gradient_old is not None and has_index_array(stand_in(path[-1][1])):
        _read_from(rev, array, path, gradient_old)
        gradient_old = None
    if (gradient is not None or gradient_old is not None) and array in rev.plan.active:
        builder.note = OVERWRITTEN
        gradient = rev.zero(array) if gradient is None else gradient
        gradient, _ = rev.low.emit(store, gradient, path, 0.0 if gradient_old is None else gradient_old)
        rev.table.fold(gradient, False)
        rev.accumulate(array, gradient)
    builder.note = ""


def _read_from(rev: Any, array: Value, path: Path, gradient: Structure) -> None:
    """Add the gradient of what stood at the end of a path of one step, where elements may be read twice."""
    if len(path) > 1:
        raise UnsupportedError(
            "differentiating the gradient of a store by an index array into a view is not supported yet"
        )
    rev.accumulate(array, rev.low.emit(scatter_add, gradient, path[0][1], rev.shape(array)))


def _taken(rev: Any, gradient: Value, path: Path) -> Structure:
    """The gradient of what was written at the end of a path."""
    *way, (function, index) = path
    for step in way:
        gradient = rev.low.emit(step[0], gradient, *step[1:])
    if has_index_array(stand_in(index)):
        return rev.low.emit(last_written, gradient, index)
    return rev.low.emit(function, gradient, index)


def stand_in(index: Structure) -> Structure:
    """An index with arrays in place of run-time values, as the rules of indexing see it."""

    def example(part: Structure) -> Structure:
        if isinstance(part, Value):
            return np.zeros((1,) * len(part.type.dims), part.type.dtype) if part.type.dims else 0  # type: ignore[union-attr]
        return part

    return tuple(map(example, index)) if isinstance(index, tuple) else example(index)


# -- targets of assignments ------------------------------------------------------------------------


def assign_item(low: Interpreter, target: ast.Subscript, value: Structure, frame: Frame) -> None:
    owner = low.evaluate(target.value, frame)
    index = low.evaluate(target.slice, frame)
    store_item(low, owner, index, value, target, frame)


def store_item(
    low: Interpreter, owner: Structure, index: Structure, value: Structure, node: ast.expr, frame: Frame
) -> None:
    """`owner[index] = value`."""
    if isinstance(owner, Value):
        low.steer(index)
        write(low, owner, index, value)
    else:
        low.set_item(owner, index, value, node, frame)
