"""Axis arithmetic: what the gates on shapes and indices know about axes while compiling.

The arguments here are what `dims` functions are given: `Value`s, told by their `.type`, and static
objects. The helpers for rules, from `along` on, are last. Imports the IR only.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from revcompile.errors import HostError
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import leaves
from revcompile.ir.types import Dim, Scalar

Dims = tuple[Dim, ...]


def is_value(x: Any) -> bool:
    """Whether `x` is a run-time value, and not static."""
    return hasattr(x, "type") and hasattr(x.type, "dims")


def is_python_number(t: Any) -> bool:
    """Whether a type is that of a number of Python's, and not NumPy's."""
    return isinstance(t, Scalar) and t.python


def dtype_kind(x: Any) -> str:
    """'i', 'f', 'b' … of a run-time value or of a static number, list or array."""
    return x.type.dtype.kind if is_value(x) else np.asarray(first_leaf(x)).dtype.kind


def first_leaf(x: Any) -> Any:
    """The first item of a nested list that is no list; a run-time one stands for its dtype."""
    while isinstance(x, (list, tuple)) and len(x):
        x = x[0]
    return np.zeros((), x.type.dtype) if is_value(x) else x


def broadcast_dims(facts: Facts, *args: Any) -> Dims:
    """The result's axes: those of all run-time operands, aligned as NumPy aligns them."""
    return facts.broadcast(*(operand.type.dims for operand in leaves(args)))


def dims_of(facts: Facts, x: Any) -> Dims:
    """The axes of an operand: a run-time value, a number, a constant array, or a nested list of them."""
    if is_value(x):
        return tuple(x.type.dims)
    if isinstance(x, (list, tuple)):
        items = [dims_of(facts, item) for item in x]
        return (Dim(size=len(x)), *agree(facts, items)) if items else (Dim(size=0),)
    return tuple(Dim(size=n) for n in np.shape(x))


def agree(facts: Facts, shapes: Sequence[Dims], axes: Iterable[int] | None = None) -> Dims:
    """The axes of arrays that must have one shape (on `axes`), recorded as equal."""
    out = list(shapes[0])
    for shape in shapes[1:]:
        for i in range(len(out)) if axes is None else axes:
            facts.unify(out[i], shape[i])
            if out[i].size is None and (shape[i].size is not None or out[i].can_be_one):
                out[i] = shape[i]
    return tuple(out)


class UnknownLength(Exception):
    """What a gate gives cannot be told of lengths that are known only at run time."""


def must_agree(facts: Facts, a: Dim, b: Dim) -> None:
    """Two lengths that the rule of a gate takes for equal, though NumPy may do with others.

    It is recorded, and compared at each call where the lengths are those of arguments. What a block takes
    for equal is not compared: there they must be known.
    """
    known = facts.size_of(a) is not None and facts.size_of(b) is not None
    if not (known or facts.same(a, b)):
        if facts.in_block:
            raise UnknownLength("the length of an axis, inside a block")
        if facts.is_part(a) or facts.is_part(b):
            raise UnknownLength("the length of a slice")
    facts.unify(a, b)


def entries(shape: Any) -> tuple[Any, ...]:
    """The lengths in a `shape` argument, which may be a single number."""
    if isinstance(shape, (tuple, list)):
        return tuple(shape)
    if len(dims_of(Facts(), shape)) > 0:
        if is_value(shape):
            raise NotImplementedError("a shape held in an array: its rank is not known; pass a tuple")
        return tuple(shape)
    return (shape,)


def extent(facts: Facts, n: Any) -> Dim:
    """The axis length that a number stands for."""
    if not is_value(n):
        if n < 0:
            raise HostError(ValueError("negative dimensions are not allowed"))
        return Dim(size=int(n))
    return getattr(n.type, "extent", None) or facts.made("", (n,))


def shape_dims(facts: Facts, shape: Any) -> Dims:
    """The axes of `np.zeros(shape)`."""
    return tuple(extent(facts, n) for n in entries(shape))


def longer(facts: Facts, d: Dim, by: int) -> Dim:
    """The length `d` with `by` elements more."""
    if d.size is not None:
        return Dim(size=d.size + by)
    if by == 0:
        return d
    if d.trim > 0:  # max(n - trim, 0) + by is no such length
        return facts.made("+", (d, Dim(size=by)), maybe_one=by == 1)
    return Dim(symbol=d.symbol, trim=d.trim - by, maybe_one=by - d.trim == 1)


def total(facts: Facts, parts: Sequence[Dim]) -> Dim:
    """The length of several axes laid end to end."""
    known = sum(d.size for d in parts if d.size is not None)
    unknown = [d for d in parts if d.size is None]
    if not unknown:
        return Dim(size=known)
    if len(unknown) == 1:
        return longer(facts, unknown[0], known)
    maybe_one = known == 1 or (known == 0 and any(d.can_be_one for d in unknown))
    return facts.made("+", parts, maybe_one)


def product(facts: Facts, parts: Sequence[Dim]) -> Dim:
    """The number of elements of an array with these axes."""
    unknown = [d for d in parts if d.size is None]
    known = math.prod(d.size for d in parts if d.size is not None)
    if not unknown:
        return Dim(size=known)
    if known == 1 and len(unknown) == 1:
        return unknown[0]
    return facts.made("*", parts, maybe_one=known == 1 and all(d.can_be_one for d in unknown))


def quotient(facts: Facts, whole: Dims, parts: Dims) -> Dim:
    """What -1 stands for when an array with axes `whole` gets the other axes `parts`."""
    left, divisor = list(whole), 1
    for d in parts:
        same = next((i for i, other in enumerate(left) if d.size is None and facts.same(d, other)), None)
        if d.size is not None:
            divisor *= d.size
        elif same is not None:
            del left[same]
        else:
            return facts.fresh()
    known = math.prod(d.size for d in left if d.size is not None)
    if divisor == 0 or known % divisor:
        return facts.fresh()
    return product(facts, [Dim(size=known // divisor), *(d for d in left if d.size is None)])


def sliced(facts: Facts, d: Dim, s: slice) -> Dim:
    """The length of `x[s]` on an axis of length `d`."""
    start, stop, step = s.start, s.stop, s.step
    joined = _joined_parts(facts, d, start, stop) if step is None else None
    if joined is not None:
        return joined
    bounds = tuple(facts.number(n) if is_value(n) else n for n in (start, stop, step))
    if is_value(step) or is_value(start):
        return facts.part(d, bounds)
    if is_value(stop):
        whole = start in (None, 0) and step in (None, 1) and facts.same(extent(facts, stop), d)
        return d if whole else facts.part(d, bounds)
    if d.size is not None:
        return Dim(size=len(range(*s.indices(d.size))))
    if step in (None, 1):
        if stop is not None and stop >= 0:
            empty = start is not None and start >= 0 and stop <= start
            return Dim(size=0) if stop == 0 or empty else facts.part(d, bounds)
        if start is None or start >= 0:
            return d.trimmed((start or 0) - (stop or 0))
    elif step == -1 and (start is None or start < 0) and (stop is None or stop >= 0):
        return d.trimmed((0 if start is None else -1 - start) + (0 if stop is None else stop + 1))
    return facts.part(d, bounds)


def _joined_parts(facts: Facts, d: Dim, start: Any, stop: Any) -> Dim | None:
    """The length of a slice that takes some of several things that were laid end to end."""
    origin = facts.origin(d)
    if origin is None or origin[0] != "+" or d.trim:
        return None
    parts: list[Dim] = list(origin[1])
    before, until = _summands(facts, start), parts if stop is None else _summands(facts, stop)
    if before is None or until is None or not len(before) < len(until) <= len(parts):
        return None
    alike = all(map(facts.same, before, parts)) and all(map(facts.same, until, parts))
    return total(facts, parts[len(before) : len(until)]) if alike else None


def _summands(facts: Facts, n: Any) -> list[Dim] | None:
    """The lengths of which a number is the sum; None where it is not."""
    if n is None or not is_value(n):
        return [] if not n else [Dim(size=n)] if type(n) is int and n > 0 else None
    made = facts.definitions.get(n)
    if made is not None and made.function is operator.add:
        a, b = (_summands(facts, term) for term in made.args)
        return None if a is None or b is None else [*a, *b]
    return [n.type.extent] if n.type.extent is not None else None


def normal(axis: int, rank: int) -> int:
    """`axis` counted from the front. Raises NumPy's own error."""
    if not -rank <= axis < rank:
        raise np.exceptions.AxisError(axis, rank)
    return axis % rank


def along(axis: int, index: Any) -> Any:
    """The index that takes `index` of one axis and all of those before it: `x[:, index]` for axis 1."""
    return index if axis == 0 else (slice(None),) * axis + (index,)


def takes_all(index: Any) -> bool:
    """Whether an index only adds axes: `x[:, None]`."""
    parts = index if isinstance(index, tuple) else (index,)
    return all([p is None or p is Ellipsis or (isinstance(p, slice) and is_whole(p)) for p in parts])


def is_whole(s: slice) -> bool:
    return s.start is None and s.stop is None and s.step is None
