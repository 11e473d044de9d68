"""Reductions: many elements become one. Imports NumPy, the gate table and the cumulative gates.

Every rule states its gradient in the shape of the operand `a`: what was reduced away is put back as
axes of length 1 (`restore_axes`) and broadcasts from there. A tie for the maximum shares the gradient
equally; a NaN among the elements makes the gradient NaN, as it makes the result. `prod` multiplies the
other elements and divides by none, so that zeros are as good as any number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates import shifts
from revcompile.gates.compositions import as_array, when_given
from revcompile.gates.cumulative import flat, product_of_others
from revcompile.gates.numbers import CHOSEN, LARGE, LOST, POSITIVE, ZERO, Numbers, same_sign
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate, known
from revcompile.gates.traits import Kind
from revcompile.ir.rebuild import replace

known(np.argmax, np.argmin, np.all, np.any, methods=["argmax", "argmin", "all", "any"])
known(np.count_nonzero, np.nanargmax, np.nanargmin)

# Every way to name the axes, for a function that needs no further option.
EXAMPLES = (
    example(real()),
    example(real(5)),
    example(real(1)),
    example(real(5), axis=0, keepdims=True),
    example(real(3, 4)),
    example(real(3, 4), keepdims=True),
    example(real(3, 4), axis=0),
    example(real(3, 1), axis=1),
    example(real(1, 4), axis=-2, keepdims=True),
    example(real(2, 3, 4), axis=1),
    example(real(2, 3, 4), axis=(0, 2)),
    example(real(2, 3, 4), axis=(-1, 0), keepdims=True),
    example(real(2, 1, 4), axis=(0, 1, 2)),
)
FIRST_AXIS_EXAMPLES = (
    example(real(5)),
    example(real(3, 4)),
    example(real(3, 4), 1),
    example(real(3, 1), axis=-1, keepdims=True),
    example(real(2, 3, 4)),
    example(real(2, 3, 4), axis=(0, 2)),
    example(real(2, 3), axis=None),
)


def restore_axes(reduced: Any, axis: Any, keepdims: bool) -> Any:
    """A reduction's result, so that it broadcasts to its operand again.

    The axes that the reduction dropped come back with length 1; leading ones need not.
    """
    if axis is None or keepdims or np.ndim(reduced) == 0:
        return reduced
    lost = lost_axes(axis, np.ndim(reduced))
    return np.expand_dims(reduced, lost) if lost else reduced


def lost_axes(axis: Any, rank: int) -> tuple[int, ...]:
    """Where, in a result of that rank, a reduction has dropped axes that are not leading ones."""
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    dropped = sorted([i % (rank + len(axes)) for i in axes])
    lost = [i for i in dropped if i != dropped.index(i)]
    leading = len(dropped) - len(lost)
    return tuple([i - leading for i in lost])


def mean_along(a: Any, axis: Any) -> Any:
    """The mean along `axis`, so that it broadcasts to `a`."""
    return np.mean(a, axis) if drops_leading(axis, a.ndim) else np.mean(a, axis, keepdims=True)


def drops_leading(axis: Any, rank: int) -> bool:
    """Whether what is left after a reduction along `axis` broadcasts to the operand as it is."""
    if axis is None:
        return True
    axes = sorted([i % rank for i in (axis if isinstance(axis, tuple) else (axis,))])
    return axes == list(range(len(axes)))


def count(a: Any, axis: Any) -> Any:
    """How many elements are reduced into one: a Python int, so that float32 stays float32."""
    if np.ndim(a) == 0:
        return 1
    if axis is None:
        return a.size
    if not isinstance(axis, tuple):
        return a.shape[axis]
    if len(axis) == 0:
        return 1
    n = a.shape[axis[0]]
    for i in axis[1:]:
        n = n * a.shape[i]
    return n


def shared_among(grad_y: Any, y: Any, a: Any, axis: Any) -> Any:
    """The upstream gradient, in equal parts, to the elements of `a` that equal `y` (axes restored)."""
    if np.ndim(a) == 0:
        return grad_y
    chosen = a == y
    if a.dtype == float:
        return chosen * (grad_y / np.sum(chosen, axis, keepdims=axis is not None))
    return chosen * (grad_y / np.sum(chosen, axis, dtype=a.dtype, keepdims=axis is not None))


def to_chosen(grad_y: Any, y: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """The gradient of a reduction whose result `y` is one of the elements."""
    return shared_among(restore_axes(grad_y, axis, keepdims), restore_axes(y, axis, keepdims), a, axis)


def of_chosen(tangent_a: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The tangent of such a reduction: the mean of those of the elements that are equal to it."""
    if np.ndim(a) == 0:
        return tangent_a
    chosen = a == restore_axes(y, axis, keepdims)
    among = None if a.dtype == float else a.dtype
    return np.sum(tangent_a * chosen, axis, keepdims=keepdims) / np.sum(
        chosen, axis, among, keepdims=keepdims
    )


def of_first_axis_chosen(
    tangent_array: Any, y: Any, array: Any, axis: Any = 0, *, keepdims: bool = False
) -> Any:
    return of_chosen(tangent_array, y, array, axis, keepdims=keepdims)


# What they are with the options that no rule takes: the elements that are left out are as nothing.


def reduce_of_more(
    ufunc: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    array = as_array(array, dtype)
    if where is not True:
        array = np.where(where, array, initial if ufunc.identity is None else ufunc.identity)
    if initial is not None and array.dtype.kind != "f" and ufunc is np.logaddexp:
        raise UnsupportedError("initial= of np.logaddexp.reduce of whole numbers is not supported")
    found = ufunc.reduce(array, axis, keepdims=keepdims)
    return found if initial is None else ufunc(found, like_result(found, initial))


def like_result(found: Any, initial: Any) -> Any:
    """Where the result is a whole number, so is what it begins with."""
    return initial if found.dtype.kind == "f" else int(initial)


def sum_of_more(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    found = np.sum(a, axis, dtype, keepdims=keepdims, where=where)
    return found + like_result(found, initial)


def prod_of_more(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    return reduce_of_more(np.multiply, a, axis, dtype, keepdims=keepdims, initial=initial, where=where)


def max_of_more(
    a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    return reduce_of_more(np.maximum, a, axis, keepdims=keepdims, initial=initial, where=where)


def min_of_more(
    a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    return reduce_of_more(np.minimum, a, axis, keepdims=keepdims, initial=initial, where=where)


def mean_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    a = as_array(a)
    dtype = float if dtype is None and a.dtype.kind in "iub" else dtype
    total = np.sum(a, axis, dtype, keepdims=keepdims, where=where)
    return total / how_many(a, axis, total.dtype, keepdims, where)


def how_many(a: Any, axis: Any, dtype: Any, keepdims: bool, where: Any) -> Any:
    """The number of elements that `where` chooses, for each element of the result."""
    return np.sum(np.broadcast_to(where, np.shape(a)), axis, dtype=dtype, keepdims=keepdims)


SAME = Numbers(sign=same_sign)
EXTREME = Numbers(sign=same_sign, zeros=LOST, chooses=True, reduces=True)


def zeros_of_sum(args: Any, operand: int) -> int:
    """What `where` leaves out."""
    return 0 if args[4] is True else CHOSEN


@gate(
    np.sum,
    means=when_given(sum_of_more, "initial"),
    kind=Kind.SUM,
    odd=True,
    shift=shifts.sum_of,
    methods=["sum"],
    numbers=Numbers(sign=same_sign, zeros=zeros_of_sum),
    examples=[
        *EXAMPLES,
        example(real(3, 4), where=np.array([True, False, True, True])),
        example(real(2, 3), axis=1, where=np.array([[True], [False]])),
        example(real(3, 4), axis=0, dtype=np.float64),
    ],
)
def sum(
    grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    if np.ndim(a) == 0:
        return grad_y
    grad_y = restore_axes(grad_y, axis, keepdims)
    if where is not True:
        grad_y = np.where(where, grad_y, 0.0)
    return np.broadcast_to(grad_y, a.shape)


@gate(
    np.mean,
    means=when_given(mean_of_more, "where"),
    methods=["mean"],
    linear=((0,),),
    numbers=SAME,
    examples=[*EXAMPLES, example(real(3, 4), axis=0, dtype=np.float64)],
)
def mean(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    if np.ndim(a) == 0:
        return grad_y
    # Over an empty axis the gradient is empty too, but 1.0 / 0 would raise before that shows.
    grad_y = restore_axes(grad_y / count(a, axis), axis, keepdims)
    return np.broadcast_to(grad_y, a.shape)


def are_lengths(args: Any, kwargs: Any) -> bool:
    """Whether it is `np.prod(shape)`, the number of elements, of a shape that is known."""
    if len(args) != 1 or kwargs or type(args[0]) not in (tuple, list):
        return False
    return len(args[0]) > 0 and all(type(n) is int for n in args[0])


@gate(
    np.prod, folds=are_lengths, means=when_given(prod_of_more, "initial", "where"),
    methods=["prod"], numbers=Numbers(grows=LARGE, reduces=True), examples=EXAMPLES,
)  # fmt: skip
def prod(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    if np.ndim(a) == 0:
        return grad_y
    if axis is None:
        return np.reshape(grad_y * product_of_others(flat(a), 0), a.shape)
    shape = a.shape
    grad_a = restore_axes(grad_y, axis, keepdims)
    for i in axis if isinstance(axis, tuple) else (axis,):
        grad_a = grad_a * product_of_others(a, i)
        a = np.prod(a, i, keepdims=True)
    return np.reshape(grad_a, shape)


@gate(
    np.max, np.amax, means=when_given(max_of_more, "initial"), methods=["max"], extreme=True,
    shift=shifts.extreme, numbers=replace(EXTREME, at_least=0), tangent=of_chosen, examples=EXAMPLES,
)  # fmt: skip
def max_(grad_y: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return to_chosen(grad_y, y, a, axis, keepdims)


@gate(
    np.min, np.amin, means=when_given(min_of_more, "initial"), methods=["min"], extreme=True,
    shift=shifts.extreme, numbers=EXTREME, tangent=of_chosen, examples=EXAMPLES,
)  # fmt: skip
def min_(grad_y: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return to_chosen(grad_y, y, a, axis, keepdims)


@gate(np.ptp, reads_late=True, numbers=replace(EXTREME, sign=ZERO | POSITIVE), examples=EXAMPLES)
def ptp(grad_y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if np.ndim(a) == 0:
        return None
    grad_y = restore_axes(grad_y, axis, keepdims)
    highest = np.max(a, axis, keepdims=axis is not None)
    lowest = np.min(a, axis, keepdims=axis is not None)
    return shared_among(grad_y, highest, a, axis) - shared_among(grad_y, lowest, a, axis)


# The same reductions as methods of their ufuncs, which reduce the first axis unless told otherwise.


@gate(
    np.add.reduce,
    means=when_given(reduce_of_more, "initial", "where"),
    linear=((0,),),
    numbers=SAME,
    examples=FIRST_AXIS_EXAMPLES,
)
def add_reduce(grad_y: Any, array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return sum(grad_y, array, axis, keepdims=keepdims)


@gate(
    np.multiply.reduce,
    means=when_given(reduce_of_more, "initial", "where"),
    numbers=Numbers(grows=LARGE, reduces=True),
    examples=FIRST_AXIS_EXAMPLES,
)
def multiply_reduce(
    grad_y: Any, array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False
) -> Any:
    return prod(grad_y, array, axis, keepdims=keepdims)


@gate(
    np.maximum.reduce,
    np.minimum.reduce,
    means=when_given(reduce_of_more, "initial", "where", "dtype"),
    extreme=True,
    numbers=EXTREME,
    tangent=of_first_axis_chosen,
    examples=FIRST_AXIS_EXAMPLES,
)
def maximum_reduce(grad_y: Any, y: Any, array: Any, axis: Any = 0, *, keepdims: bool = False) -> Any:
    return to_chosen(grad_y, y, array, axis, keepdims)
