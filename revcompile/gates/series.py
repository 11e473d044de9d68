"""Series of numbers: differences by the neighbours, running totals, angles without jumps, windows.

Imports NumPy and the compositions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.axes import dims_of
from revcompile.gates.compositions import as_array, existing, one_axis
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate, known
from revcompile.runtime import modified_bessel


@composed(
    np.gradient,
    examples=[
        example(real(5)),
        example(real(2)),
        example(real(5), 0.5),
        example(real(5), real(low=0.5)),
        example(real(5), np.array([0.0, 0.4, 1.1, 1.5, 2.6])),
        example(real(5), edge_order=2),
        example(real(3, 4)),
        example(real(3, 4), 0.5, real(low=0.5)),
        example(real(3, 4), axis=0),
        example(real(2, 3, 4), axis=(0, 2)),
    ],
)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    f = as_array(f)
    axes = range(f.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = [i % f.ndim for i in axes]
    steps = [1.0] * len(axes) if len(varargs) == 0 else varargs
    steps = [steps[0]] * len(axes) if len(steps) == 1 and np.ndim(steps[0]) == 0 else steps
    if any([np.ndim(step) > 0 and as_array(step).dtype.kind == "b" for step in steps]):
        raise UnsupportedError("np.gradient over places that are truth values is not supported")
    if len(steps) != len(axes):
        raise TypeError("invalid number of arguments")
    found = [slope(f, i, step, edge_order) for i, step in zip(axes, steps)]
    return found[0] if len(found) == 1 else tuple(found)


def slope(f: Any, axis: int, step: Any, edge_order: int) -> Any:
    """Central differences inside, one-sided ones of first or second order at the ends, along an axis."""
    y = f if axis == 0 else np.moveaxis(f, axis, 0)
    if np.ndim(step) == 0:
        inner = (y[2:] - y[:-2]) / (2.0 * step)
        if edge_order == 1:
            first, last = (y[1:2] - y[:1]) / step, (y[-1:] - y[-2:-1]) / step
        else:
            first = (-1.5 * y[:1] + 2.0 * y[1:2] - 0.5 * y[2:3]) / step
            last = (0.5 * y[-3:-2] - 2.0 * y[-2:-1] + 1.5 * y[-1:]) / step
    else:
        h = np.reshape(np.diff(step), (-1,) + (1,) * (f.ndim - 1))
        a, b = h[:-1], h[1:]
        inner = (a * a * y[2:] - b * b * y[:-2] + (b * b - a * a) * y[1:-1]) / (a * b * (a + b))
        if edge_order == 1:
            first, last = (y[1:2] - y[:1]) / h[:1], (y[-1:] - y[-2:-1]) / h[-1:]
        else:
            a, b = h[:1], h[1:2]
            first = (a + b) / (a * b) * y[1:2] - a / (b * (a + b)) * y[2:3]
            first = first - (2.0 * a + b) / (a * (a + b)) * y[:1]
            a, b = h[-2:-1], h[-1:]
            last = b / (a * (a + b)) * y[-3:-2] - (b + a) / (a * b) * y[-2:-1]
            last = last + (2.0 * b + a) / (b * (a + b)) * y[-1:]
    found = np.concatenate((first, inner, last))
    return found if axis == 0 else np.moveaxis(found, 0, axis)


@composed(
    np.unwrap,
    examples=[
        example(np.array([0.3, 2.9, -2.8, -0.4])),
        example(real(4, low=-9.0, high=9.0)),
        example(real(4), None, -1, period=1.3),
        example(real(2, 4, low=-9.0, high=9.0), axis=0),
    ],
)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Each jump of more than half a period is made smaller by whole periods."""
    p = as_array(p)
    axis = axis % p.ndim
    jumps = np.diff(p, axis=axis)
    half = period / 2
    turned = np.mod(jumps + half, period) - half
    turned = np.where((turned == -half) & (jumps > 0), half, turned)
    allowed = half if discont is None else np.maximum(discont, half)
    correction = np.where(np.abs(jumps) < allowed, 0.0, turned - jumps)
    head = p[(slice(None),) * axis + (slice(None, 1),)]
    tail = p[(slice(None),) * axis + (slice(1, None),)]
    return np.concatenate((head, tail + np.cumsum(correction, axis)), axis)


@composed(
    *existing("cumulative_sum"),
    examples=[example(real(4)), example(real(3, 2), axis=1), example(real(3), include_initial=True)],
)
def cumulative_sum(x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    axis = one_axis(axis)
    return with_initial(np.cumsum(x, axis, dtype), axis, include_initial, 0)


@composed(
    *existing("cumulative_prod"),
    examples=[example(real(4)), example(real(3, 2), axis=1), example(real(3), include_initial=True)],
)
def cumulative_prod(x: Any, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Any:
    axis = one_axis(axis)
    return with_initial(np.cumprod(x, axis, dtype), axis, include_initial, 1)


def with_initial(y: Any, axis: Any, include: bool, initial: int) -> Any:
    if not include:
        return y
    axis = axis % y.ndim
    first = np.full_like(y[(slice(None),) * axis + (slice(None, 1),)], initial)
    return np.concatenate((first, y), axis)


HOLES = np.array([0.3, float("nan"), -1.2, 0.7])


@composed(np.nancumsum, examples=[example(real(3)), example(HOLES), example(real(3, 2), 0)])
def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.cumsum(np.where(np.isnan(a), 0, a), axis, dtype)


@composed(np.nancumprod, examples=[example(real(3)), example(HOLES), example(real(3, 2), 0)])
def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    return np.cumprod(np.where(np.isnan(a), 1, a), axis, dtype)


known(np.bartlett, np.blackman, np.hamming, np.hanning)


@gate(
    np.i0,
    dims=lambda facts, x: dims_of(facts, x),
    examples=[example(real()), example(real(4)), example(real(2, 3)), example(np.array([0.4, 2.5, -3.1]))],
)
def i0(grad_y: Any, x: Any) -> Any:
    return grad_y * modified_bessel(1, x)


@gate(
    modified_bessel,
    dims=lambda facts, n, x: dims_of(facts, x),
    examples=[example(1, real()), example(1, real(4)), example(3, real(2, 3))],
)
def modified_bessel_(grad_y: Any, n: int, x: Any) -> Any:
    return None, grad_y * (0.5 * (modified_bessel(abs(n - 1), x) + modified_bessel(n + 1, x)))


@composed(np.kaiser, examples=[example(4, real(low=0.5)), example(1, real(low=0.5))])
def kaiser(M: Any, beta: Any) -> Any:
    """The part of the way from the middle to the ends is below one."""
    if M == 1:
        return np.ones(1)
    half = (M - 1) / 2.0
    part = (np.arange(0, M) - half) / half
    return np.i0(beta * np.sqrt(1 - part * part)) / np.i0(beta)


@composed(np.fft.fftfreq, examples=[example(4, real(low=0.5)), example(5, real(low=0.5))])
def fftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    return np.concatenate((np.arange((n + 1) // 2), np.arange(-(n // 2), 0))) / (n * d)


@composed(np.fft.rfftfreq, examples=[example(4, real(low=0.5)), example(5, real(low=0.5))])
def rfftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    return np.arange(n // 2 + 1) / (n * d)
