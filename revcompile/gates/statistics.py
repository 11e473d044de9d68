"""Spread, averages and order statistics, and the reductions that skip NaN. Imports NumPy, the gate
table and the plain reductions.

The gradient of `std` is 0 where the spread is 0. The median passes its gradient to the two middle
elements, in equal parts to all that equal them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates import squares
from revcompile.gates.axes import dtype_kind
from revcompile.gates.compositions import as_array, when_given
from revcompile.gates.numbers import CHOSEN, LARGE, LOST, POSITIVE, ZERO, Numbers, same_sign
from revcompile.gates.reductions import (
    EXAMPLES,
    count,
    how_many,
    mean,
    mean_along,
    prod,
    restore_axes,
    shared_among,
    to_chosen,
)
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate, known
from revcompile.ir.lengths import Facts
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Dim
from revcompile.runtime import middle_of, share

DDOF_EXAMPLES = (example(real(5), ddof=1), example(real(3, 4), axis=0, ddof=1), example(real(3, 4), ddof=2))


def var_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    a = as_array(a, dtype)
    ddof = ddof if correction is None else correction
    if mean is None and where is True:
        return np.var(a, axis, ddof=ddof, keepdims=keepdims)
    centred = a - (np.mean(a, axis, keepdims=True, where=where) if mean is None else mean)
    total = np.sum(np.square(centred), axis, keepdims=keepdims, where=where)
    return total / np.maximum(how_many(a, axis, total.dtype, keepdims, where) - ddof, 0)


def std_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The root, whose slope is 0 where the spread is."""
    spread = var_of_more(
        a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction
    )
    return np.where(spread == 0, 0.0, np.sqrt(np.where(spread == 0, 1.0, spread)))


MORE = ("where", "mean", "correction")


@gate(
    np.var,
    means=when_given(var_of_more, *MORE),
    root=np.std,
    methods=["var"],
    numbers=Numbers(sign=ZERO | POSITIVE, grows=LARGE, reduces=True),
    examples=[*EXAMPLES, *DDOF_EXAMPLES],
)
def var(
    grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False
) -> Any:
    grad_y = restore_axes(grad_y, axis, keepdims)
    centred = a - mean_along(a, axis)
    if ddof == 0:
        return 2.0 * grad_y / count(a, axis) * centred
    # With too few elements this is NaN or infinite, like the result, and must not raise.
    return 2.0 * grad_y * (centred / max(count(a, axis) - ddof, 0))


@gate(
    np.std,
    means=when_given(std_of_more, *MORE),
    squared=squares.of_std,
    methods=["std"],
    numbers=Numbers(sign=ZERO | POSITIVE, steep=True, reduces=True),
    examples=[*EXAMPLES[3:7], *EXAMPLES[9:], *DDOF_EXAMPLES],
)
def std(
    grad_y: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
) -> Any:
    centred = a - mean_along(a, axis)
    n = count(a, axis) - ddof if ddof != 0 else count(a, axis)
    return restore_axes(grad_y, axis, keepdims) * share(centred, restore_axes(n * y, axis, keepdims))


def average_dims(
    facts: Facts, a: Any, axis: Any = None, weights: Any = None, keepdims: Any = False
) -> tuple[Dim, ...]:
    lengths = a.type.dims
    axes = tuple(range(len(lengths))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(i % len(lengths) for i in axes)
    if hasattr(weights, "type"):
        same_rank = len(weights.type.dims) == len(lengths)
        weighted = lengths if same_rank else [lengths[i] for i in axes]
        for length, other in zip(weighted, weights.type.dims, strict=True):
            facts.unify(length, other)
    if keepdims:
        return tuple(Dim(size=1) if i in axes else length for i, length in enumerate(lengths))
    return tuple(length for i, length in enumerate(lengths) if i not in axes)


def average_otherwise(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, *, keepdims: bool = False
) -> Any:
    """Over a list of axes; with the sum of the weights; with weights that are whole numbers."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    if weights is not None:
        a, weights = as_array(a), as_array(weights)
        is_float = np.issubdtype(a.dtype, np.floating)
        weights = weights.astype(np.result_type(a.dtype, weights.dtype) if is_float else float)
    y = np.average(a, axis, weights, keepdims=keepdims)
    if not returned:
        return y
    total = np.size(a) / np.size(y) if weights is None else np.sum(weights, axis, keepdims=keepdims)
    return y, np.broadcast_to(total, np.shape(y)) if np.ndim(y) else total


def means_averaged(args: Any, kwargs: Any) -> Any:
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    weights = args[2] if len(args) > 2 else kwargs.get("weights")
    is_counted = weights is not None and dtype_kind(weights) in "iub"
    more = isinstance(axis, list) or len(args) > 3 or "returned" in kwargs
    return average_otherwise if more or is_counted else None


@gate(
    np.average,
    means=means_averaged,
    dims=average_dims,
    examples=[
        *EXAMPLES[1:],
        example(real(5), None, real(5, low=0.2)),
        example(real(1), 0, real(1, low=0.2), keepdims=True),
        example(real(3, 4), None, real(3, 4, low=0.2)),
        example(real(3, 4), None, real(3, 4, low=0.2), keepdims=True),
        example(real(3, 4), 1, real(3, 4, low=0.2)),
        example(real(3, 4), 1, real(4, low=0.2)),
        example(real(3, 4), 0, real(3, low=0.2), keepdims=True),
        example(real(3, 1), -1, real(1, low=0.2)),
        example(real(2, 3, 4), -2, real(3, low=0.2)),
        example(real(2, 3, 4), (0, 2), real(2, 3, 4, low=0.2)),
        example(real(2, 3, 4), (0, 2), real(2, 4, low=0.2)),
        example(real(2, 3, 4), (-1, 0), real(4, 2, low=0.2), keepdims=True),
    ],
)
def average(
    grad_y: Any, y: Any, a: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False
) -> Any:
    if weights is None:
        return mean(grad_y, a, axis, keepdims=keepdims)
    grad_y = restore_axes(grad_y, axis, keepdims)
    offset = a - restore_axes(y, axis, keepdims)
    if np.ndim(weights) == np.ndim(a):
        share = grad_y / np.sum(weights, axis, keepdims=True)
        return share * weights, None, share * offset
    # The axes of the weights are the named axes of `a`, in the order in which they are named.
    named = [i % a.ndim for i in (axis if isinstance(axis, tuple) else (axis,))]
    others = tuple(i for i in range(a.ndim) if i not in named)
    order = [named.index(i) for i in sorted(named)]
    back = [sorted(named).index(i) for i in named]
    share = grad_y / np.sum(weights)
    if order == back == sorted(order):
        return share * np.expand_dims(weights, others), None, np.sum(share * offset, others)
    spread = np.expand_dims(np.transpose(weights, order), others)
    return share * spread, None, np.transpose(np.sum(share * offset, others), back)


known(middle_of)


def median_otherwise(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """Over a list of axes; told that it may change what it is given."""
    if overwrite_input and isinstance(a, np.ndarray):
        raise UnsupportedError("overwrite_input= leaves in an array what is not known")
    return np.median(a, tuple(axis) if isinstance(axis, list) else axis, keepdims=bool(keepdims))


def means_median(args: Any, kwargs: Any) -> Any:
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    return (
        median_otherwise if isinstance(axis, list) or len(args) > 3 or "overwrite_input" in kwargs else None
    )


@gate(
    np.median,
    means=means_median,
    numbers=Numbers(sign=same_sign, zeros=LOST, chooses=True, reduces=True),
    examples=[
        *EXAMPLES,
        example(np.zeros((0,))),
        example(np.zeros((0, 3)), axis=0),
        example(real(6)),
        example(real(4, 5), axis=0),
        example(real(3, 3), axis=(0, 1)),
    ],
)
def median(grad_y: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    if np.ndim(a) == 0:
        return grad_y
    y = restore_axes(y, axis, keepdims)
    half = 0.5 * restore_axes(grad_y, axis, keepdims)
    low, high = middle_of(a, axis, False), middle_of(a, axis, True)
    low = np.where(np.isnan(y), y, low)  # NaN sorts last, it need not be in the middle
    return shared_among(half, low, a, axis) + shared_among(half, high, a, axis)


# Reductions over the elements that are not NaN.

NAN = float("nan")
HOLES = np.array([[0.3, NAN, -1.2, 0.7], [1.1, 0.4, NAN, -0.6], [-0.2, 1.5, 0.9, NAN]])
NAN_EXAMPLES = (
    *EXAMPLES[1:],
    example(HOLES),
    example(HOLES, axis=0),
    example(HOLES, axis=-1, keepdims=True),
    example(HOLES[None], axis=(0, 2)),
)


def count_numbers(a: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements that are not NaN are reduced into one, in the dtype of `a`."""
    return np.sum(~np.isnan(a), axis, dtype=a.dtype, keepdims=keepdims)


# NaN among the elements is left out.
NUMBERS_ALONE = Numbers(zeros=CHOSEN, asks=True, reduces=True)


# With `where=` and the like they are the reductions of those elements that are chosen and no NaN.


def nansum_of_more(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    return np.sum(np.where(np.isnan(a), 0, a), axis, dtype, keepdims=keepdims, initial=initial, where=where)


def nanprod_of_more(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    keepdims: bool = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    return np.prod(np.where(np.isnan(a), 1, a), axis, dtype, keepdims=keepdims, initial=initial, where=where)


def nanmax_of_more(
    a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any, where: Any = True
) -> Any:
    return np.max(a, axis, keepdims=keepdims, initial=initial, where=where & ~np.isnan(a))


def nanmin_of_more(
    a: Any, axis: Any = None, *, keepdims: bool = False, initial: Any, where: Any = True
) -> Any:
    return np.min(a, axis, keepdims=keepdims, initial=initial, where=where & ~np.isnan(a))


def nanmean_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    return np.mean(a, axis, dtype, keepdims=keepdims, where=where & ~np.isnan(a))


def nanvar_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    chosen, ddof = where & ~np.isnan(a), ddof if correction is None else correction
    return np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=chosen, mean=mean)


def nanstd_of_more(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    chosen, ddof = where & ~np.isnan(a), ddof if correction is None else correction
    return np.std(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=chosen, mean=mean)


@gate(
    np.nansum,
    means=when_given(nansum_of_more, "initial", "where"),
    numbers=NUMBERS_ALONE,
    examples=[example(real()), *NAN_EXAMPLES],
)
def nansum(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return np.where(np.isnan(a), 0.0, restore_axes(grad_y, axis, keepdims))


@gate(
    np.nanmean, means=when_given(nanmean_of_more, "where"),
    numbers=NUMBERS_ALONE, examples=NAN_EXAMPLES,
)  # fmt: skip
def nanmean(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    share = grad_y / count_numbers(a, axis, keepdims)
    return np.where(np.isnan(a), 0.0, restore_axes(share, axis, keepdims))


@gate(
    np.nanprod,
    means=when_given(nanprod_of_more, "initial", "where"),
    numbers=NUMBERS_ALONE,
    examples=NAN_EXAMPLES,
)
def nanprod(grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    grad_a = prod(grad_y, np.where(np.isnan(a), 1.0, a), axis, keepdims=keepdims)
    return np.where(np.isnan(a), 0.0, grad_a)


@gate(
    np.nanmax,
    means=when_given(nanmax_of_more, "initial"),
    numbers=replace(NUMBERS_ALONE, chooses=True),
    examples=NAN_EXAMPLES,
)
def nanmax(grad_y: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return to_chosen(grad_y, y, a, axis, keepdims)


@gate(
    np.nanmin,
    means=when_given(nanmin_of_more, "initial"),
    numbers=replace(NUMBERS_ALONE, chooses=True),
    examples=NAN_EXAMPLES,
)
def nanmin(grad_y: Any, y: Any, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return to_chosen(grad_y, y, a, axis, keepdims)


@gate(
    np.nanvar,
    root=np.nanstd,
    means=when_given(nanvar_of_more, *MORE),
    numbers=NUMBERS_ALONE,
    examples=[*NAN_EXAMPLES, example(HOLES, axis=1, ddof=1)],
)
def nanvar(
    grad_y: Any, a: Any, axis: Any = None, dtype: Any = None, *, ddof: Any = 0, keepdims: bool = False
) -> Any:
    n = count_numbers(a, axis, keepdims) - ddof
    centred = np.where(np.isnan(a), 0.0, a - np.nanmean(a, axis, keepdims=True))
    return restore_axes(2.0 * grad_y / n, axis, keepdims) * centred


@gate(
    np.nanstd,
    means=when_given(nanstd_of_more, *MORE),
    numbers=NUMBERS_ALONE,
    examples=[*EXAMPLES[3:7], *EXAMPLES[9:], *NAN_EXAMPLES[-4:], example(HOLES, axis=1, ddof=1)],
)
def nanstd(
    grad_y: Any,
    y: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: bool = False,
) -> Any:
    n = count_numbers(a, axis, keepdims) - ddof
    centred = np.where(np.isnan(a), 0.0, a - np.nanmean(a, axis, keepdims=True))
    return restore_axes(grad_y, axis, keepdims) * share(centred, restore_axes(n * y, axis, keepdims))
