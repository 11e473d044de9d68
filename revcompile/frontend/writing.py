"""Calls that write into an array: `out=`, `np.add.at`, `np.copyto`, `x.fill`, `x.sort` and the like.

Each is a store of what the pure operation gives. `call` gives NotImplemented for any other call.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.frontend import written
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.naming import name_of
from revcompile.gates.axes import dims_of, dtype_kind
from revcompile.gates.indexing import has_index_array, is_gather
from revcompile.gates.shape import flat
from revcompile.gates.table import TABLE
from revcompile.ir.lengths import same_axes
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.types import Array
from revcompile.runtime import add_many, scatter_add
from revcompile.statements import overlap, store
from revcompile.syntax.abstract import NeedShape
from revcompile.syntax.operators import symbol_of


def split_out(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The array that a call is to write its result into, and the call without it."""
    out = kwargs.get("out")
    if "out" in kwargs:
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    elif isinstance(function, np.ufunc) and len(args) > function.nin:
        args, out = args[: function.nin], args[function.nin :]
    if isinstance(out, tuple) and len(out) == 1 and getattr(function, "nout", 1) == 1:
        (out,) = out
    return out, tuple(args), kwargs


def into(low: Lowering, function: Any, out: Structure, args: tuple[Any, ...], value: Structure) -> Structure:
    """`out[...] = value`, for a result of `out`'s kind of a function's arguments; `out` itself."""
    _need_array(out, "out=")
    if TABLE[function].reads_late and any(overlap.may_overlap(low, out, x) for x in leaves(args)):
        overlap.refuse()
    store.write_in_place(low, out, value)
    return out


def _need_array(x: Structure, what: str) -> None:
    if not isinstance(x, Value) or not isinstance(x.type, Array):
        raise UnsupportedError(f"{what} must be an array here")


def all_of(low: Lowering, x: Value, value: Structure) -> None:
    """`x.flat = value`"""
    _need_array(x, "what has .flat assigned")
    store.write(low, low.apply(flat, (x,), {}), slice(None), value)


def method(low: Lowering, x: Value, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`x.fill(v)`, `x.sort(axis)`, `x.put(indices, v)`."""
    _need_array(x, f"what has .{name} called")
    if name == "fill":
        store.write(low, x, Ellipsis, *args, **kwargs)
    elif name in ("sort", "partition"):
        store.write(low, x, Ellipsis, low.apply(getattr(np, name), (x, *args), kwargs))
    else:
        _put(low, x, *args, **kwargs)


def call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """A function that writes into its first argument."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc) and function.__name__ == "at":
        writer: Callable[..., None] | None = partial(_at, owner)
    else:
        writer = WRITERS.get(function)
    if writer is None:
        return NotImplemented
    try:
        inspect.signature(writer).bind(low, *args, **kwargs)
    except TypeError as e:
        raise UnsupportedError(f"this form of {name_of(function)} is not supported: {e}") from None
    return writer(low, *args, **kwargs)


def _at(ufunc: np.ufunc, low: Lowering, a: Structure, indices: Structure, b: Structure = None) -> None:
    """`np.add.at(a, indices, b)`: an element that is named twice is added to twice."""
    function = TABLE[ufunc].functions[0] if ufunc in TABLE else ufunc
    _need_array(a, f"the first argument of np.{ufunc.__name__}.at")
    low.steer(indices)
    if not is_gather(indices) or not has_index_array(store.stand_in(indices)):
        part = low.apply(operator.getitem, (a, indices), {})
        store.write(low, a, indices, low.apply(function, (part,) if ufunc.nin == 1 else (part, b), {}))
        return
    if symbol_of(function) not in ("+", "-"):
        numbers = (ufunc, a, indices) if ufunc.nin == 1 else (ufunc, a, indices, b)
        _read(low, written.at_each if ufunc.nin == 1 else written.at, *numbers)
        return
    part = low.apply(operator.getitem, (a, indices), {})
    shape = low.attribute(part, "shape", None)  # type: ignore[arg-type]
    t = a.type
    if isinstance(b, (list, tuple)):
        b = low.apply(np.array, (b,), {})
    extra = low.apply(np.broadcast_to, (b, shape), {})
    if extra.type.dtype != t.dtype:
        extra = low.apply(np.ndarray.astype, (extra, t.dtype.type), {})
    total = low.apply(scatter_add, (extra, indices, low.attribute(a, "shape", None)), {})  # type: ignore[arg-type]
    store.write(low, a, Ellipsis, low.apply(function, (a, total), {}))


def _copyto(
    low: Lowering, dst: Structure, src: Structure, casting: str = "same_kind", where: Any = True
) -> None:
    _need_array(dst, "the first argument of np.copyto")
    where = low.apply(np.array, (where,), {}) if isinstance(where, (list, tuple)) else where
    if where is False:
        return
    if isinstance(where, Value):
        path = store.way_to(low.memory.path(dst), Ellipsis)
        src = overlap.copied(low, low.memory.root(dst), path, src)
        src = low.apply(np.where, (where, src, dst), {})
    elif where is not True:
        raise UnsupportedError("where= of np.copyto must be an array here")
    store.write(low, dst, Ellipsis, src)


def _fill_diagonal(low: Lowering, a: Structure, val: Structure, wrap: bool = False) -> None:
    _need_array(a, "the first argument of np.fill_diagonal")
    if overlap.may_overlap(low, a, val):
        overlap.refuse()
    if len(a.type.dims) != 2 or wrap:
        _read(low, written.fill_diagonal, a, val, wrap)
        return
    rows, columns = low.attribute(a, "shape", None)  # type: ignore[arg-type]
    same = low.builder.facts.same(*a.type.dims)
    n = rows if same else low.apply(min, (rows, columns), {})
    index = low.apply(np.arange, (n,), {})
    store.write(low, a, (index, index), val)


def _put(low: Lowering, a: Structure, ind: Structure, v: Structure, mode: Any = "raise") -> None:
    _need_array(a, "the first argument of np.put")
    facts = low.builder.facts
    places, given = dims_of(facts, ind), dims_of(facts, v)
    is_plain = mode == "raise" and len(a.type.dims) == 1 and dtype_kind(ind) in "iu"
    if is_plain and given and not (len(given) == 1 and same_axes(facts, places, given)):
        is_plain = False
        for x in leaves((ind, v)):
            if any(facts.size_of(d) is None for d in x.type.dims):
                raise NeedShape(x, "as how many numbers np.put writes")
    if not is_plain:
        _read(low, written.put, a, ind, v, mode)
        return
    store.write(low, a, ind if not isinstance(ind, (list, tuple)) else list(ind), v)


def _putmask(low: Lowering, a: Structure, mask: Structure, values: Structure) -> None:
    _need_array(a, "the first argument of np.putmask")
    if (isinstance(values, Value) and values.type.dims) or isinstance(values, (list, tuple)):
        _read(low, written.putmask, a, mask, values)
        return
    store.write(low, a, mask, values)


def _read(low: Lowering, function: Callable[..., None], *args: Structure) -> None:
    low.read(function, args, {}, low.frames[-1])


def _place(low: Lowering, arr: Structure, mask: Structure, vals: Structure) -> None:
    _need_array(arr, "the first argument of np.place")
    _read(low, written.place, arr, mask, vals)


def _put_along_axis(
    low: Lowering, arr: Structure, indices: Structure, values: Structure, axis: Structure = -1
) -> None:
    _need_array(arr, "the first argument of np.put_along_axis")
    _read(low, written.put_along_axis, arr, indices, values, axis)


WRITERS: dict[Any, Callable[..., None]] = {
    add_many: partial(_at, np.add),
    np.copyto: _copyto,
    np.fill_diagonal: _fill_diagonal,
    np.put: _put,
    np.putmask: _putmask,
    np.place: _place,
    np.put_along_axis: _put_along_axis,
}
