"""Bringing a gradient to the shape and dtype of its variable: the reverse of broadcasting.

What the symbolic lengths prove is settled here, once; only what they leave open calls the run-time
`unbroadcast`. Imports the front end and the IR.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import Any

import numpy as np

from revcompile.autodiff.restored import Restored
from revcompile.frontend.expressions import axis_length, shape_of
from revcompile.frontend.lowering import Lowering
from revcompile.gates.indexing import is_gather
from revcompile.gates.lengths import length
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import Facts, same_axes
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import INT, Array, Dim, Rows, Scalar, Type, scalar_type
from revcompile.runtime import unbroadcast


def fit(low: Lowering, gradient: Structure, value: Value, target: Type) -> Structure:
    """`gradient`, summed, stretched and cast so that it is a gradient of `value`."""
    return cast(low, _reshape(low, gradient, value), target)


def _reshape(low: Lowering, gradient: Structure, value: Value) -> Structure:
    have = gradient.type.dims if isinstance(gradient, Value) else ()
    want = value.type.dims
    if have is want or same_axes(low.builder.facts, have, want):
        return gradient
    if isinstance(gradient, Value) and _is_reshaped_to(low, gradient, want):
        assert isinstance(gradient.type, Array)
        args = low.builder.definitions[gradient].args  # once more, with axes that are known
        return low.builder.emit(np.reshape, args, replace(gradient.type, dims=want))
    extra = len(have) - len(want)
    if not _settled(low.builder.facts, have, want):
        return low.apply(unbroadcast, (gradient, _shape(low, value)), {})
    if extra > 0:
        gradient = low.apply(np.sum, (gradient,), {} if not want else {"axis": _axes(range(extra))})
        have = have[extra:]
    offset = len(want) - len(have)
    stretched = [i for i, h in enumerate(have) if want[offset + i].is_one and not h.is_one]
    if stretched:
        gradient = low.apply(np.sum, (gradient,), {"axis": _axes(stretched), "keepdims": True})
    short = offset > 0 or any(h.is_one and not w.is_one for h, w in zip(have, want[offset:], strict=True))
    if short and want:
        gradient = low.apply(np.broadcast_to, (gradient, shape_of(low, value)), {})
    return gradient


def doubted(low: Lowering, gradient: Structure, value: Value) -> Structure:
    """What a user's rule gives as the gradient of `value`.

    The run looks at its shape, unless that is proved to be the value's, or one to which that is broadcast.
    """
    if not isinstance(gradient, Value) or not isinstance(value.type, Array):
        return gradient
    have, want = gradient.type.dims, value.type.dims
    aligned = zip(have[len(have) - len(want) :], want, strict=False)
    if len(have) >= len(want) and all(w.is_one or low.builder.facts.same(h, w) for h, w in aligned):
        return gradient
    if not have:
        return gradient
    return low.apply(unbroadcast, (gradient, _shape(low, value)), {})


def _is_reshaped_to(low: Lowering, gradient: Value, want: tuple[Dim, ...]) -> bool:
    """Whether it is `np.reshape(_, x.shape)` for an `x` with these axes: the lengths are no -1."""
    made = low.builder.definitions.get(gradient)
    if made is None or TABLE[made.function].kind is not Kind.RESHAPE or not isinstance(made.args[1], tuple):
        return False
    return len(made.args[1]) == len(want) and all(map(partial(_is_length, low), made.args[1], want))


def _is_length(low: Lowering, n: Structure, dim: Dim) -> bool:
    if not isinstance(n, Value):
        return n == dim.size
    made = low.builder.definitions.get(n)
    extent = n.type.extent if isinstance(n.type, Scalar) else None
    return (
        made is not None
        and TABLE[made.function].of_shape
        and extent is not None
        and (low.builder.facts.same(extent, dim))
    )


def _shape(low: Lowering, value: Value) -> tuple[Structure, ...]:
    """The shape of `value`, asked of the function's own arrays: no step is kept for its shape alone."""
    lengths = [_length(low, dim) for dim in value.type.dims]
    return shape_of(low, _view_like(low, value)) if None in lengths else tuple(lengths)


def _view_like(low: Lowering, value: Value) -> Value:
    """A view from which `value` was computed element by element, if there is one: it need not be kept."""
    v, made = value, low.builder.definitions.get(value)
    while made is not None and TABLE[made.function].locals is not None:
        operands = (a for a in made.inputs if a.type.dims == v.type.dims)
        v = next(operands, value)
        made = low.builder.definitions.get(v) if v is not value else None
    memory = low.memory
    assert isinstance(memory, Restored)  # of the backward pass, to which this belongs
    made = memory.made.get(v)  # None for one that another stands for by now
    is_part = made is not None and TABLE[made.function].kind is Kind.PART and not is_gather(made.args[1])
    return v if is_part and memory.is_as_given(v) else value


def _length(low: Lowering, dim: Dim) -> Structure:
    """A length in terms of an axis of an array that the function was given; None if there is no such."""
    if dim.size is not None:
        return dim.size
    whole = replace(dim, trim=0)
    for array in low.given:
        for axis, other in enumerate(array.type.dims):
            if other.size is None and low.builder.facts.same(other, whole):
                n = axis_length(low, array, axis)
                if dim.trim < 0:
                    n = low.builder.emit(operator.add, (n, -dim.trim), replace(INT, extent=dim))
                elif dim.trim > 0:
                    less = low.apply(operator.sub, (n, dim.trim), {})
                    n = low.builder.emit(max, ((less, 0),), replace(INT, extent=dim))
                elif other != dim and not isinstance(array.type, Rows):
                    n = low.builder.emit(length, (array, axis), replace(INT, extent=dim))
                return n
    return None


def _settled(facts: Facts, have: tuple[Any, ...], want: tuple[Any, ...]) -> bool:
    """Whether it is known, for each axis, if it was stretched."""
    pairs = zip(reversed(have), reversed(want), strict=False)
    return all(
        facts.same(h, w) or h.is_one or w.is_one or not (h.can_be_one or w.can_be_one) for h, w in pairs
    )


def _axes(axes: Any) -> Any:
    axes = tuple(axes)
    return axes[0] if len(axes) == 1 else axes


def stretch(low: Lowering, tangent: Structure, value: Value) -> Structure:
    """A tangent, broadcast to the shape of its value."""
    have = tangent.type.dims if isinstance(tangent, Value) else ()
    if same_axes(low.builder.facts, have, value.type.dims):
        return tangent
    return low.apply(np.broadcast_to, (tangent, shape_of(low, value)), {})


def cast(low: Lowering, gradient: Structure, target: Type) -> Structure:
    """A gradient, or a tangent, in the dtype of `target`."""
    assert isinstance(target, (Scalar, Array))
    have = gradient.type if isinstance(gradient, Value) else scalar_type(gradient)
    assert isinstance(have, (Scalar, Array))
    if have.dtype == target.dtype:
        return gradient
    if isinstance(have, Array) and have.dims:
        return low.apply(np.ndarray.astype, (gradient, target.dtype.type), {})
    if isinstance(target, Scalar) and target.python:
        return low.apply(float, (gradient,), {})
    return low.apply(target.dtype.type, (gradient,), {})
