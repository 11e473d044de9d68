"""Quantiles and percentiles, with NaN left out too. Imports NumPy and the compositions.

The elements are sorted; a quantile lies between two of them, or is one of them, as `method` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.compositions import as_array
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed

# Where the quantile q of n elements is (Hyndman and Fan, 1996): n * q + a + q * (1 - a - b) - 1.
BETWEEN = {
    "weibull": (0, 0), "hazen": (0.5, 0.5), "interpolated_inverted_cdf": (0, 1),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip


def place_of(q: Any, n: Any, method: str) -> Any:
    """How many elements lie below the quantile, in part."""
    if method in BETWEEN:
        a, b = BETWEEN[method]
        return n * q + (a + q * (1 - a - b)) - 1
    place = (n - 1) * q
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
    last = len(items) - 1
    if skip:
        last = np.sum(~np.isnan(items), 0) - 1
    place = np.clip(place_of(asked, last + 1, method), 0, np.maximum(last, 0))
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(last, 0))
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
FORMS = [
    example(real(5), 0.3),
    example(real(5), [0.2, 0.6]),
    example(real(3, 4), 0.3, axis=0),
    example(real(3, 4), 0.4, axis=1, keepdims=True),
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


@composed(np.quantile, examples=FORMS)
def quantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, q, axis, method, keepdims, False)


@composed(np.nanquantile, examples=[*FORMS[:5], *HOLES])
def nanquantile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, q, axis, method, keepdims, True)


@composed(np.percentile, examples=[example(real(5), 30), example(real(5), real(low=30, high=40))])
def percentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, method: str = "linear",
    keepdims: bool = False, *, weights: Any = None,
) -> Any:  # fmt: skip
    refuse_weights(a, weights, overwrite_input)
    return quantile_along(a, np.true_divide(q, 100), axis, method, keepdims, False)


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
