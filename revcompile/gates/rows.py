"""Lists that the run makes long: making one, adding to it, taking from it.

A list of numbers, or of arrays of one shape, is one run-time value of the type `Rows`. Its gradient is an
array with one row for each item. Adding an item gives another list, as a store gives another array; that it
may be the same one is found by `passes/in_place`. The reversal of adding is in `statements/rows.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.gates.indexing import getitem_dims
from revcompile.gates.numbers import PARTS, PLAIN, UNREAD_ITEM, Numbers
from revcompile.gates.record import Gate
from revcompile.gates.table import register
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.lengths import Facts, same_axes
from revcompile.ir.nodes import Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import BOOL, INT, Array, Dim, Rows, Scalar, gradient_type, scalar_type
from revcompile.runtime import item_length, scatter, with_row, zero_rows


def listed(items: Any) -> Any:
    """`[a, b]`"""
    return list(items)


def repeated(x: Any, n: int) -> Any:
    """`[x] * n`"""
    return [x] * n


def appended(rows: Any, x: Any) -> Any:
    """What `rows` is after `rows.append(x)`."""
    return [*rows, x]


def popped(rows: Any) -> Any:
    """What `rows` is after `rows.pop()`, and the item."""
    return rows[:-1], rows[-1]


def sublist(rows: Any, index: slice) -> Any:
    """`rows[index]`, a list."""
    return rows[index]


def chained(a: Any, b: Any) -> Any:
    """`a + b`"""
    return a + b


def stacked(rows: Any) -> Any:
    """`np.stack(rows)`"""
    return np.stack(rows)


def count(rows: Any) -> int:
    """`len(rows)`"""
    return len(rows)


def source_list(rows: Value, definitions: Mapping[Value, Any]) -> Value:
    """The list of which one is a part: it may have items, which tell the axes, where the part has none."""
    made = definitions.get(rows)
    while made is not None and made.function is sublist:
        rows = made.args[0]
        made = definitions.get(rows)
    return rows


def has_room(rows: Any, x: Any) -> bool:
    """Whether an item has the shape of those that are there."""
    return not rows or x.shape == rows[0].shape


class OfOtherKind(UnsupportedError):
    """An item is not like the items that are there."""


def item_type(x: Any) -> Scalar | Array:
    t = x.type if isinstance(x, Value) else scalar_type(x)
    return replace(t, extent=None) if isinstance(t, Scalar) else t  # type: ignore[return-value]


def rows_of(length: Dim, item: Scalar | Array) -> Rows:
    """The type of a list of such items."""
    if isinstance(item, Scalar):
        return Rows(item.dtype, (length,), item.python, item.others)
    return Rows(item.dtype, (length, *item.dims))


def either(facts: Facts, a: Scalar | Array, b: Scalar | Array) -> Scalar | Array:
    """The type of the items where they are of either type. Raises OfOtherKind."""
    if isinstance(a, Array) or isinstance(b, Array):
        if isinstance(a, Array) and isinstance(b, Array) and a.dtype == b.dtype:
            if same_axes(facts, a.dims, b.dims):
                return a
        raise OfOtherKind(f"{an(a)} and {an(b)}")
    if a.dtype != b.dtype and {a.dtype, b.dtype} & {np.dtype(np.float32), np.dtype(np.float16)}:
        raise OfOtherKind(f"{an(a)} and {an(b)}")
    return Scalar(np.result_type(a.dtype, b.dtype), a.python and b.python).one_of(a, b)


def _listed_type(facts: Facts, items: Any) -> Rows:
    first, *rest = map(item_type, items)
    for other in rest:
        first = either(facts, first, other)
    return rows_of(Dim(size=len(items)), first)


def _repeated_type(facts: Facts, x: Any, n: Any) -> Rows:
    if not isinstance(n, Value):
        return rows_of(Dim(size=max(n, 0)), item_type(x))
    assert isinstance(n.type, Scalar)
    return rows_of(n.type.extent or facts.fresh(), item_type(x))


def _appended_type(facts: Facts, rows: Value, x: Any) -> Rows:
    assert isinstance(rows.type, Rows)
    n = rows.type.dims[0]
    longer = Dim(size=n.size + 1) if n.size is not None else facts.fresh()
    item = rows.type.item  # an array has been held against the others already
    return rows_of(longer, item if isinstance(item, Array) else either(facts, item, item_type(x)))


def _popped_types(facts: Facts, rows: Value) -> Any:
    assert isinstance(rows.type, Rows)
    n = rows.type.dims[0]
    if n.size == 0:
        raise HostError(IndexError("pop from empty list"))
    shorter = Dim(size=n.size - 1) if n.size is not None else facts.fresh()
    return replace(rows.type, dims=(shorter, *rows.type.dims[1:])), rows.type.item


def _part_type(facts: Facts, rows: Value, index: slice) -> Rows:
    assert isinstance(rows.type, Rows)
    return replace(rows.type, dims=getitem_dims(facts, rows, index))


def _chained_type(facts: Facts, a: Value, b: Value) -> Rows:
    assert isinstance(a.type, Rows) and isinstance(b.type, Rows)
    return rows_of(facts.fresh(), either(facts, a.type.item, b.type.item))


def _stacked_type(facts: Facts, rows: Value) -> Array:
    return Array(rows.type.dtype, rows.type.dims)  # type: ignore[union-attr]


def _with_row_type(facts: Facts, rows: Value, row: Any) -> Array:
    t = item_type(row)
    return Array(np.result_type(rows.type.dtype, t.dtype), (facts.fresh(), *t.dims))  # type: ignore[union-attr]


def _zeros_type(facts: Facts, rows: Value) -> Rows:
    assert isinstance(rows.type, Rows)
    return replace(rows.type, dtype=gradient_type(rows.type).dtype)


def _count_type(facts: Facts, rows: Value) -> Scalar:
    return replace(INT, extent=rows.type.dims[0])


def _item_length_type(facts: Facts, rows: Value, axis: int) -> Scalar:
    return replace(INT, extent=rows.type.dims[axis])


def _listed_rule(grad_y: Any, items: Any) -> Any:
    return [grad_y[i] for i in range(len(items))]


def _repeated_rule(grad_y: Any, x: Any, n: Any) -> Any:
    return np.sum(grad_y, axis=0)


def _part_rule(grad_y: Any, rows: Any, index: Any) -> Any:
    return scatter(grad_y, index, rows.shape)


def _chained_rule(grad_y: Any, a: Any, b: Any) -> Any:
    return grad_y[: len(a)], grad_y[len(a) :]


def _stacked_rule(grad_y: Any, rows: Any) -> Any:
    return grad_y


def _with_row_rule(grad_y: Any, rows: Any, row: Any) -> Any:
    return grad_y[:-1], grad_y[-1]


def _reversed_by_statements(grad_y: Any, rows: Any, x: Any = None) -> Any:
    raise NotImplementedError("the reversal of this is a statement's: statements/rows.py")


FIRST, BOTH = ((0,),), ((0, 1),)  # the operands in which an operation is linear
for name, function, rule, types, written, kind, linear, numbers in (
    ("list", listed, _listed_rule, _listed_type, "items", None, FIRST, Numbers(within=UNREAD_ITEM)),
    ("repeat", repeated, _repeated_rule, _repeated_type, "[x] * n", None, FIRST, PLAIN),
    ("slice", sublist, _part_rule, _part_type, "rows[index]", Kind.SUBLIST, FIRST, Numbers(zeros=PARTS)),
    ("concatenate", chained, _chained_rule, _chained_type, "a + b", None, BOTH, Numbers(within=UNREAD_ITEM)),
):
    gate = Gate(
        name,
        (function,),
        function,
        rule=rule,
        types=types,
        memory=Memory.FRESH,
        written=written,
        numbers=numbers,
        kind=kind,
        linear=linear,
    )
    register(gate)
for name, function, types, written, line, kind, linear in (
    ("append", appended, _appended_type, "[*rows, x]", Line.APPEND, Kind.APPEND, BOTH),
    ("pop", popped, _popped_types, "", Line.POP, Kind.POP, FIRST),
):
    made = Gate(
        name, (function,), function, rule=_reversed_by_statements, types=types, writes=True,
        written=written, line=line, kind=kind, linear=linear, numbers=Numbers(within=UNREAD_ITEM),
    )  # fmt: skip
    register(made)
register(
    Gate(
        "with_row",
        (with_row,),
        with_row,
        rule=_with_row_rule,
        types=_with_row_type,
        linear=BOTH,
        numbers=Numbers(within=UNREAD_ITEM),
    )
)
register(
    Gate(
        "stack",
        (stacked,),
        stacked,
        rule=_stacked_rule,
        types=_stacked_type,
        written="np.stack(rows)",
        linear=FIRST,
    )
)


def length_of_items(rows: Any, axis: Any) -> Any:
    return np.shape(rows[0])[axis - 1] if len(rows) else 0


WRITTEN_OUT = {item_length: length_of_items}  # what functions mean of lists that are no run-time value


def _has_room_type(facts: Facts, rows: Value, x: Value) -> Scalar:
    return BOOL


register(Gate("zeros", (zero_rows,), zero_rows, types=_zeros_type, memory=Memory.FRESH))
for function, types, written, kind in (
    (has_room, _has_room_type, "not rows or x.shape == rows[0].shape", None),
    (count, _count_type, "len(rows)", None),
    (item_length, _item_length_type, "", Kind.ITEM_LENGTH),
):
    register(Gate(function.__name__, (function,), function, types=types, written=written, kind=kind))
