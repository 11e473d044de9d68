"""Quantiles and percentiles, with NaN left out too. Imports NumPy and the compositions.

The elements are sorted; a quantile lies between two of them, or is one of them, as `method` says.
"""

from __future__ import annotations

from types import NoneType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.axes import dtype_kind, is_value
from revcompile.gates.compositions import as_array
from revcompile.gates.numbers import LOST, Numbers, same_sign
from revcompile.gates.record import Function
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate
from revcompile.runtime import scatter, scatter_along_axis

# Where the quantile q of n elements is (Hyndman and Fan, 1996): n * q + a + q * (1 - a - b) - 1.
BETWEEN = {
    "weibull": (0, 0), "hazen": (0.5, 0.5), "interpolated_inverted_cdf": (0, 1),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip


def place_of(q: Any, last: Any, method: str) -> Any:
    """How many elements lie below the quantile, in part."""
    if method in BETWEEN:
        a, b = BETWEEN[method]
        return (last + 1) * q + (a + q * (1 - a - b)) - 1
    place = last * q
    if method == "linear":
        return place
    if method == "lower":
        return np.floor(place)
    if method == "higher":
        return np.ceil(place)
    if method == "nearest":
        return np.where(place % 1 == 0.5, 2 * np.floor(place / 2 + 0.5), np.floor(place + 0.5))
    if method == "midpoint":
        return 0.5 * (np.floor(place) + np.ceil(place))
    raise UnsupportedError(f"the method {method!r} of a quantile is not differentiated")


def quantile_along(a: Any, q: Any, axis: Any, method: str, keepdims: bool, skip: bool) -> Any:
    a = as_array(a)
    a = a.astype(float) if a.dtype.kind == "b" else a
    q = as_array(q) if isinstance(q, (list, tuple)) else q
    shape, axes = a.shape, range(a.ndim)
    if axis is not None:
        axes = [i % a.ndim for i in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    rest = [i for i in range(a.ndim) if i not in axes]
    if len(axes) == 1:
        items = a if axes[0] == 0 else np.moveaxis(a, axes[0], 0)
    else:
        items = np.reshape(
            np.moveaxis(a, tuple(axes), tuple(range(len(axes)))), (-1, *[shape[i] for i in rest])
        )
    items = np.sort(items, 0)  # NaN last
    asked = np.reshape(q, (-1,) + (1,) * len(rest)) if np.ndim(q) else q
    last = np.maximum(np.sum(~np.isnan(items), 0) - 1, 0) if skip else len(items) - 1
    place = place_of(asked, last, method)
    place = np.clip(place, 0, last) if method in BETWEEN else place
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, last)
    part = place - below
    low, high = element(items, below), element(items, above)
    step = high - low
    found = np.where(part >= 0.5, high - step * (1 - part), low + step * part)
    found = found if skip else np.where(np.isnan(items[-1]), items[-1], found)
    if keepdims:
        found = np.expand_dims(found, tuple([i + (np.ndim(asked) > 0) for i in sorted(axes)]))
    return np.reshape(found, np.shape(q) + found.shape[1:]) if np.ndim(q) > 1 else found


def element(items: Any, places: Any) -> Any:
    """The elements at places along the first axis, of which each column may have its own."""
    if np.ndim(places) == 0 or items.ndim == 1:
        return items[places]
    if np.ndim(places) == items.ndim - 1:
        return np.take_along_axis(items, places[None], 0)[0]
    return np.take_along_axis(items, places, 0)


UNSET: Any = np._NoValue
ALONE = [
    example(real(5), 0.3),
    example(real(3, 4), 0.3, axis=0),
    example(real(3, 4), 0.4, axis=1, keepdims=True),
]
FORMS = [
    *ALONE,
    example(real(5), [0.2, 0.6]),
    example(real(3, 4), [0.1, 0.7], axis=0),
    example(real(2, 3, 2), 0.45, axis=(0, 2)),
    example(real(5), 0.33, method="hazen"),
    example(real(5), 0.3, method="midpoint"),
]
NAN = float("nan")
HOLES = [
    example(np.array([0.3, NAN, -1.2, 0.7]), 0.4),
    example(np.array([[0.3, NAN, 1.2], [0.5, 0.7, -0.4]]), 0.4, axis=1),
]


def refuse_weights(a: Any, weights: Any, overwrites: Any) -> None:
    if weights is not None:
        raise UnsupportedError("a quantile with weights is not differentiated")
    if overwrites and isinstance(a, np.ndarray):
        raise UnsupportedError("overwrite_input= leaves in an array what is not known")


def quantile_otherwise(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, q, axis, method, keepdims, False)


def percentile_otherwise(a: Any, q: Any, *args: Any, **options: Any) -> Any:
    return quantile_otherwise(a, np.true_divide(q, 100), *args, **options)


def unless_one(meaning: Function) -> Function:
    """What a call means that is not for one quantile, in the usual way, along one axis or of all elements."""

    def means(args: Any, kwargs: Any) -> Any:
        if isinstance(kwargs.get("out"), tuple):
            raise UnsupportedError("out= of a quantile must be an array here")
        a, q = (*args, None, None)[:2]
        axis = args[2] if len(args) > 2 else kwargs.get("axis")
        is_one = isinstance(q, (int, float)) or (is_value(q) and not q.type.dims)
        is_plain = (
            is_value(a) and a.type.dims and dtype_kind(a) == "f" and kwargs.keys() <= {"axis", "keepdims"}
        )
        return (
            None if is_one and is_plain and isinstance(axis, (int, NoneType)) and len(args) < 4 else meaning
        )

    return means


def between_two(grad_y: Any, a: Any, q: Any, axis: Any, keepdims: bool) -> Any:
    """The gradients of the elements and of `q`: the quantile lies between two of the elements, in order."""
    flat = axis is None and a.ndim > 1
    shape, items = ((a.size,), np.reshape(a, -1)) if flat else (a.shape, a)
    along = 0 if axis is None else axis % a.ndim
    order = np.argsort(items, along)
    last = shape[along] - 1
    place = last * q
    below = int(place)
    part = place - below
    if len(shape) == 1:
        grad_y = np.reshape(grad_y, ()) if keepdims else grad_y
        low, high = order[below], order[min(below + 1, last)]
        grad_items = scatter(grad_y * (1 - part), low, shape) + scatter(grad_y * part, high, shape)
        grad_a = np.reshape(grad_items, a.shape) if flat else grad_items
        return grad_a, grad_y * last * (items[high] - items[low])
    grad_y = grad_y if keepdims else np.expand_dims(grad_y, along)
    low, high = np.take(order, [below], along), np.take(order, [min(below + 1, last)], along)
    grad_a = scatter_along_axis(grad_y * (1 - part), low, shape, along)
    grad_a = grad_a + scatter_along_axis(grad_y * part, high, shape, along)
    step = np.take_along_axis(a, high, along) - np.take_along_axis(a, low, along)
    return grad_a, np.sum(grad_y * last * step)


ONE = Numbers(sign=same_sign, zeros=LOST, reduces=True)


@gate(
    np.quantile,
    means=unless_one(quantile_otherwise),
    numbers=ONE,
    examples=[*ALONE, example(real(2, 3), 0.35), example(real(5), real(low=0.3, high=0.4))],
)
def quantile(grad_y: Any, a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return between_two(grad_y, a, q, axis, keepdims)


@gate(
    np.percentile,
    means=unless_one(percentile_otherwise),
    numbers=ONE,
    examples=[
        example(real(5), 30),
        example(real(5), real(low=30, high=40)),
        example(real(3, 4), 40, axis=1),
    ],
)
def percentile(grad_y: Any, a: Any, q: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    grad_a, grad_q = between_two(grad_y, a, q / 100, axis, keepdims)
    return grad_a, grad_q / 100


@composed(np.nanquantile, examples=[*FORMS, *HOLES])
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, q, axis, method, keepdims, True)


@composed(np.nanpercentile, examples=[example(real(5), 30), example(real(3, 4), [20, 70], axis=1)])
def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, np.true_divide(q, 100), axis, method, keepdims, True)


@composed(
    np.nanmedian,
    examples=[example(real(5)), example(real(3, 4), axis=0), *[example(h.args[0]) for h in HOLES]],
)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    refuse_weights(a, None, overwrite_input)
    return quantile_along(a, 0.5, axis, "linear", keepdims, True)
