"""Running sums and products. Imports NumPy, the gate table and `recurrence` of the run-time helpers.

The gradient of a running product is a product of "what came before" and a recurrence over "what comes
after", so no element is divided by: zeros are as good as any number, and the cost is linear.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim
from revcompile.runtime import recurrence

EXAMPLES = (
    example(real()),
    example(real(5)),
    example(real(1)),
    example(real(5), axis=-1),
    example(real(3, 4)),
    example(real(3, 4), axis=0),
    example(real(3, 1), axis=1),
    example(real(1, 4), axis=-2),
    example(real(2, 3, 4)),
    example(real(2, 3, 4), axis=1),
    example(real(2, 3, 4), axis=-1),
)


def along(part: slice, axis: int, rank: int) -> tuple[slice, ...]:
    """The index that takes `part` of one axis and all of the others: `x[:, part]` for axis 1."""
    return (slice(None),) * (axis % rank) + (part,)


def edge(value: Any, a: Any, axis: int) -> Any:
    """What is put before or after `a` along an axis: a number fills one place."""
    if np.ndim(value) > 0:
        return value
    return np.broadcast_to(value, tuple(1 if k == axis % a.ndim else a.shape[k] for k in range(a.ndim)))


def flat(x: Any) -> Any:
    """`x` as one axis."""
    return x if x.ndim == 1 else np.reshape(x, -1)


def backwards(x: Any, axis: int) -> Any:
    """`x` with the order along `axis` reversed."""
    return x[along(slice(None, None, -1), axis, x.ndim)]


def first_of(x: Any, axis: int) -> Any:
    """The first element along `axis`, as an axis of length 1 (0 if there is none)."""
    return x[along(slice(None, 1), axis, x.ndim)]


def delayed(x: Any, first: Any, axis: int) -> Any:
    """`x` moved one place on along `axis`, behind `first`."""
    return np.concatenate((first, x[along(slice(None, -1), axis, x.ndim)]), axis)


def product_before(x: Any, axis: int) -> Any:
    """The product of all that precedes each element along `axis`; 1 for the first."""
    return np.cumprod(delayed(x, np.ones_like(first_of(x, axis)), axis), axis)


def product_of_others(x: Any, axis: int) -> Any:
    """The product of all the other elements along `axis`, for each element."""
    after = backwards(product_before(backwards(x, axis), axis), axis)
    return product_before(x, axis) * after


@gate(
    np.cumsum,
    methods=["cumsum"],
    linear=((0,),),
    examples=[*EXAMPLES, example(real(3, 4), axis=0, dtype=np.float64)],
)
def cumsum(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    if np.ndim(a) == 0:
        return grad_y[0]
    if axis is None and a.ndim != 1:
        return np.reshape(np.cumsum(grad_y[::-1])[::-1], a.shape)
    axis = 0 if axis is None else axis
    return backwards(np.cumsum(backwards(grad_y, axis), axis), axis)


@gate(np.cumprod, methods=["cumprod"], examples=EXAMPLES)
def cumprod(grad_y: Any, y: Any, a: Any, axis: Any = None, dtype: Any = None) -> Any:
    if np.ndim(a) == 0:
        return grad_y[0]
    if axis is None and a.ndim != 1:
        return np.reshape(cumprod(grad_y, y, flat(a), 0), a.shape)
    axis = 0 if axis is None else axis
    before = delayed(y, np.ones_like(first_of(y, axis)), axis)
    return before * recurrence(grad_y, a, axis, reverse=True)


def recurrence_dims(facts: Facts, x: Any, factor: Any, axis: int, reverse: bool) -> tuple[Dim, ...]:
    for length, other in zip(x.type.dims, factor.type.dims, strict=True):
        facts.unify(length, other)
    lengths: tuple[Dim, ...] = x.type.dims
    return lengths


@gate(
    recurrence,
    dims=recurrence_dims,
    examples=[
        example(real(5), real(5), 0),
        example(real(5), real(5), 0, reverse=True),
        example(real(1), real(1), 0),
        example(real(3, 4), real(3, 4), 0),
        example(real(3, 4), real(3, 4), -1, reverse=True),
        example(real(2, 3, 4), real(2, 3, 4), 1, reverse=True),
        example(real(2, 1, 4), real(2, 1, 4), 1),
    ],
)
def recurrence_(grad_y: Any, y: Any, x: Any, factor: Any, axis: int, reverse: bool = False) -> Any:
    # The transpose of the recurrence is the recurrence run the other way. Of the two, the one that
    # runs forward has at i - 1 what factor[i] was multiplied by.
    grad_x = recurrence(grad_y, factor, axis, not reverse)
    forward, backward = (grad_x, y) if reverse else (y, grad_x)
    return grad_x, backward * delayed(forward, np.zeros_like(first_of(forward, axis)), axis)
