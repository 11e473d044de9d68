"""Functions sampled on a grid: differences, integrals, interpolation, convolution. Imports NumPy, the
gate table, the cumulative gates' indexing and `scatter_along_axis` of the run-time helpers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from revcompile.gates.axes import UnknownLength, dims_of, is_value, must_agree
from revcompile.gates.compositions import as_array
from revcompile.gates.cumulative import along, backwards, edge, first_of, flat
from revcompile.gates.numbers import PARTS, Numbers
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.ir.lengths import Facts, LengthError
from revcompile.ir.types import Dim
from revcompile.runtime import scatter_along_axis, unbroadcast


def differences_transposed(grad_y: Any, edge: Any, axis: int) -> Any:
    """The transpose of `x[1:] - x[:-1]`; `edge` is a zero (or nothing, where x is empty)."""
    return np.concatenate((edge, grad_y), axis) - np.concatenate((grad_y, edge), axis)


def diff_dims(facts: Facts, a: Any, n: Any = 1, axis: Any = -1) -> tuple[Dim, ...]:
    if n == 0:
        raise NotImplementedError("n=0 gives the array itself")
    lengths = list(a.type.dims)
    lengths[axis] = lengths[axis].trimmed(n)
    return tuple(lengths)


def diff_of_more(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    """`np.diff` of an array with more in front or behind."""
    a = np.array(a) if isinstance(a, (list, tuple)) else a
    if prepend is not np._NoValue:
        a = np.concatenate((edge(prepend, a, axis), a), axis)
    if append is not np._NoValue:
        a = np.concatenate((a, edge(append, a, axis)), axis)
    return np.diff(a, n, axis)


def means_more(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    n = args[1] if len(args) > 1 else kwargs.get("n", 1)
    axis = args[2] if len(args) > 2 else kwargs.get("axis", -1)
    more = len(args) > 3 or kwargs.keys() & {"prepend", "append"}
    if n == 0 and type(n) is int:
        return undiffed
    return diff_of_more if more and n != 0 and type(axis) is int else None


def undiffed(a: Any, n: int = 0, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """NumPy gives what it was given."""
    return a


@gate(
    np.diff,
    means=means_more,
    linear=((0,),),
    dims=diff_dims,
    examples=[
        example(real(5)),
        example(real(1)),
        example(real(5), n=2),
        example(real(2), n=3),
        example(real(3, 4)),
        example(real(3, 4), axis=0),
        example(real(3, 4), n=3, axis=-1),
        example(real(1, 4), axis=0),
        example(real(2, 5, 3), n=2, axis=1),
    ],
)
def diff(grad_y: Any, a: Any, n: int = 1, axis: int = -1) -> Any:
    for order in reversed(range(n)):
        edge = np.zeros_like(a[along(slice(order, order + 1), axis, a.ndim)])
        grad_y = differences_transposed(grad_y, edge, axis)
    return np.reshape(grad_y, a.shape)


def ediff1d_dims(facts: Facts, ary: Any) -> tuple[Dim, ...]:
    lengths = ary.type.dims
    return (lengths[0].trimmed(1) if len(lengths) == 1 else facts.fresh(),)


def ediff1d_of_more(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [np.ediff1d(ary)]
    parts = parts if to_begin is None else [np.ravel(to_begin), *parts]
    return np.concatenate(parts if to_end is None else [*parts, np.ravel(to_end)])


@gate(
    np.ediff1d,
    means=lambda args, kwargs: ediff1d_of_more if len(args) + len(kwargs) > 1 else None,
    linear=((0,),),
    dims=ediff1d_dims,
    examples=[example(real(5)), example(real(1)), example(real(3, 4))],
)
def ediff1d(grad_y: Any, ary: Any) -> Any:
    edge = np.zeros_like(flat(ary)[:1])
    return np.reshape(differences_transposed(grad_y, edge, 0), ary.shape)


def trapezoid_dims(
    facts: Facts, values: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1
) -> tuple[Dim, ...]:
    lengths = values.type.dims
    axis %= len(lengths)
    if hasattr(x, "type"):
        if len(x.type.dims) == 1:
            with suppress(UnknownLength, LengthError):  # the rule does with any
                must_agree(facts, x.type.dims[0], lengths[axis])
        elif len(x.type.dims) != len(lengths):
            raise NotImplementedError("np.trapezoid over an x that is stretched")
        else:
            lengths = facts.broadcast(lengths, x.type.dims)
    return lengths[:axis] + lengths[axis + 1 :]


@gate(
    np.trapezoid,
    dims=trapezoid_dims,
    examples=[
        example(real(5)),
        example(real(1)),
        example(real(5), real(5)),
        example(real(5), None, 0.3),
        example(real(5), None, real()),
        example(real(3, 4)),
        example(real(3, 4), None, real(), 0),
        example(real(3, 4), real(4)),
        example(real(5), real(2)),
        example(real(2), real(5)),
        example(real(3, 4), real(2), axis=0),
        example(real(3, 4), real(3), axis=0),
        example(real(3, 4), real(3, 4)),
        example(real(2, 3, 4), real(3), axis=1),
        example(real(2, 3, 4), real(2, 3, 4), axis=-2),
        example(real(2, 3, 4), axis=0),
    ],
)
def trapezoid(grad_y: Any, values: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    rank = values.ndim
    grad_y = np.expand_dims(grad_y, axis)
    tail, head = along(slice(1, None), axis, rank), along(slice(None, -1), axis, rank)
    middle = 0.5 * grad_y * (values[tail] + values[head])  # the gradient of the widths
    if x is None:
        half = np.broadcast_to(0.5 * grad_y * dx, values[tail].shape)
    elif x.ndim == 1:
        widths = np.diff(x)
        half = 0.5 * grad_y * np.expand_dims(widths, [i for i in range(rank) if i != axis % rank])
        half = unbroadcast(half, values[tail].shape)
    else:
        half = 0.5 * grad_y * np.diff(x, axis=axis)
    edge = np.zeros_like(first_of(values, axis))
    sums = np.concatenate((edge, half), axis) + np.concatenate((half, edge), axis)
    grad_values = np.reshape(sums, values.shape)
    if x is None:
        return grad_values, None, middle
    if x.ndim == 1:
        if rank > 1:
            middle = np.sum(middle, tuple(i for i in range(rank) if i != axis % rank))
        middle = unbroadcast(middle, x[1:].shape)
        edge = np.zeros_like(x[:1])
        axis = 0
    return grad_values, np.reshape(differences_transposed(middle, edge, axis), x.shape), None


def interp_dims(facts: Facts, x: Any, xp: Any, fp: Any) -> tuple[Dim, ...]:
    if hasattr(xp, "type") and hasattr(fp, "type"):
        facts.unify(xp.type.dims[0], fp.type.dims[0])
    lengths: tuple[Dim, ...] = x.type.dims if hasattr(x, "type") else ()
    return lengths


def interp_of_more(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """With values beyond the ends; or of what has a period: the knots in order, and one more at each end."""
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    if period is not None:
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
        return np.interp(x, xp, np.concatenate((fp[-1:], fp, fp[:1])))
    found = np.interp(x, xp, fp)
    found = found if left is None else np.where(x < xp[0], left, found)
    return found if right is None else np.where(x > xp[-1], right, found)


KNOTS = np.array([-1.5, -0.4, 0.3, 1.2])


@gate(
    np.interp,
    means=lambda args, kwargs: interp_of_more if len(args) + len(kwargs) > 3 else None,
    numbers=Numbers(zeros=PARTS),
    dims=interp_dims,
    examples=[
        example(real(), KNOTS, real(4)),
        example(real(low=2.0, high=3.0), KNOTS, real(4)),
        example(real(6), KNOTS, real(4)),
        example(real(1), KNOTS, real(4)),
        example(real(2, 3), KNOTS, real(4)),
    ],
)
def interp(grad_y: Any, x: Any, xp: Any, fp: Any) -> Any:
    right = np.clip(np.searchsorted(xp, x, side="right"), 1, xp.size - 1)
    left = right - 1
    width = xp[right] - xp[left]
    part = np.clip((x - xp[left]) / width, 0.0, 1.0)  # how far on the way from left to right
    inside = (x >= xp[0]) & (x <= xp[-1])
    grad_x = np.where(inside, grad_y * (fp[right] - fp[left]) / width, 0.0)
    grad_xp = to_ends(-grad_x, left, right, part, xp)
    return grad_x, grad_xp, to_ends(grad_y, left, right, part, fp)


def to_ends(grad: Any, left: Any, right: Any, part: Any, knots: Any) -> Any:
    """`grad` on the two ends of each interval, in the proportion in which they were interpolated."""
    to_left = scatter_along_axis(np.reshape(grad * (1.0 - part), -1), np.reshape(left, -1), knots.shape, 0)
    return to_left + scatter_along_axis(np.reshape(grad * part, -1), np.reshape(right, -1), knots.shape, 0)


def overlap_dims(facts: Facts, a: Any, v: Any, mode: Any) -> tuple[Dim, ...]:
    if len(dims_of(facts, a)) != 1 or len(dims_of(facts, v)) != 1:
        raise NotImplementedError("np.convolve and np.correlate of numbers")
    if mode not in ("full", "same", "valid"):
        raise NotImplementedError(f"mode={mode!r}; write 'full', 'same' or 'valid'")
    return (facts.fresh(),)


def full_overlap(grad_y: Any, mode: str, missing_left: Any, missing: Any) -> Any:
    """The upstream gradient of mode "full": zeros where the other modes leave out partial overlaps."""
    if mode == "full":
        return grad_y
    if mode == "valid":
        missing_left = missing
        missing_right = missing
    else:
        missing_right = missing - missing_left
    before = np.zeros(missing_left, dtype=grad_y.dtype)
    return np.concatenate((before, grad_y, np.zeros(missing_right, dtype=grad_y.dtype)))


LENGTHS = ((5, 3), (3, 5), (6, 4), (4, 6), (6, 3), (3, 6), (4, 5), (4, 4), (5, 5), (1, 4), (4, 1), (1, 1))
OVERLAPS = [example(real(n), real(m), mode) for n, m in LENGTHS for mode in ("full", "same", "valid")] + [
    example(real(4), real(3))
]


MODES = ("valid", "same", "full")  # which NumPy counts, too


def convolved_otherwise(a: Any, v: Any, mode: Any = "full") -> Any:
    return np.convolve(np.atleast_1d(a), np.atleast_1d(v), mode if isinstance(mode, str) else MODES[mode])


def correlated_otherwise(a: Any, v: Any, mode: Any = "valid") -> Any:
    return np.correlate(np.atleast_1d(a), np.atleast_1d(v), mode if isinstance(mode, str) else MODES[mode])


def when_otherwise(meaning: Any) -> Any:
    """What a call with a number for an array, or for the name of a mode, means."""
    return lambda args, kwargs: meaning if any(map(is_number, (*args, *kwargs.values()))) else None


def is_number(x: Any) -> bool:
    return not x.type.dims if is_value(x) else isinstance(x, (int, float))


@gate(np.convolve, means=when_otherwise(convolved_otherwise), dims=overlap_dims, examples=OVERLAPS)
def convolve(grad_y: Any, a: Any, v: Any, mode: str = "full") -> Any:
    missing = min(a.size, v.size) - 1
    grad_full = full_overlap(grad_y, mode, missing // 2, missing)
    grad_a = np.correlate(grad_full, v, "valid")
    grad_v = np.correlate(grad_full, a, "valid")
    return np.reshape(grad_a, a.shape), np.reshape(grad_v, v.shape)


@gate(np.correlate, means=when_otherwise(correlated_otherwise), dims=overlap_dims, examples=OVERLAPS)
def correlate(grad_y: Any, a: Any, v: Any, mode: str = "valid") -> Any:
    # NumPy centres mode "same" on the longer operand, rounding from that operand's start.
    missing = min(a.size, v.size) - 1
    grad_full = full_overlap(grad_y, mode, (missing + (v.size > a.size)) // 2, missing)
    grad_a = np.convolve(grad_full, v, "valid")
    grad_v = backwards(np.correlate(grad_full, a, "valid"), 0)
    return np.reshape(grad_a, a.shape), np.reshape(grad_v, v.shape)
