"""Copies, for `in_place`: how one is written, and where a store into what it reads needs one."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import Place
from revcompile.gates.indexing import is_gather
from revcompile.gates.storing import is_part, reads_part
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.values import ValueTable
from revcompile.runtime import copy_for


def copy_of(
    table: ValueTable,
    array: Value,
    new: Value,
    made: Apply | None,
    line: Place | None = None,
    order: str = "",
) -> Apply:
    """The statement that makes `new` a copy of `array`: an array of one number, if it is that, stretched.

    Its elements lie in that order; C order is as good as any.
    """
    if made is not None and is_of(made, Kind.STRETCH):
        number, shape = made.args[:2]
        if order != "F" and (not isinstance(number, Value) or not number.type.dims):
            rest = [p.default for p in list(TABLE[np.full].signature.parameters.values())[2:]]
            return Apply(np.full, (shape, number, *rest), new, line, made.note)
    may_be_none = array in table.unset or table.primals.get(array) in table.unset
    if may_be_none or (made is not None and TABLE[made.function].passes_none):
        table.unset[new] = None
        return Apply(copy_for, (array,), new, line)
    return Apply(np.ndarray.copy, (array, order or "C"), new, line)


def order_for(path: Any) -> str:
    """The order in which an array is to lie, so that what a path leads to is a part of it."""
    if not any(TABLE[function].needs_order for function, *_ in path):
        return ""
    return "F" if _leads_into(path, "F") and not _leads_into(path, "C") else "C"


def _leads_into(path: Any, order: str) -> bool:
    for function, *rest in path:
        gate, args = TABLE[function], (None, *rest)
        if gate.needs_order and gate.gives_order(args) != order:
            return False
        order = gate.order_of(args, [order])
    return True


def is_in_order(array: Value, path: Any, old: Value, read: Apply | None) -> bool:
    """Whether NumPy reads each element of a part of `array` before it writes it.

    Along one axis it does so if what is read has equal steps; of more axes it makes a copy itself.
    """
    if len(old.type.dims) != 1:
        return True
    if read is None or not reads_part(read) or read.args[0] is not array or len(path) != 1:
        return False
    rank = len(array.type.dims)
    way = _way_through(path[0][1], rank) if is_part(path[0]) else None
    return way is not None and way == _way_through(read.args[1], rank)


def _way_through(index: Structure, rank: int) -> tuple[int, Any] | None:
    """The axis along which an index goes, and its step; None if that is not plain to see."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if any(p is None or p is Ellipsis for p in parts) or is_gather(index):
        return None
    parts += [slice(None)] * (rank - len(parts))
    slices = [(i, 1 if p.step is None else p.step) for i, p in enumerate(parts) if isinstance(p, slice)]
    return slices[0] if len(slices) == 1 else None
