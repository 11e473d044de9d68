"""The few helpers that generated code may call by name. Imports NumPy, and what a call gets and leaves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import CellType, FunctionType, MappingProxyType
from typing import Any

import numpy as np

from revcompile.checkpoints import Checkpoints
from revcompile.errors import UnsupportedError
from revcompile.foreign import as_it_is, as_tried, changing, checked, each_as_tried, watching
from revcompile.given import make_object

__all__ = ["as_it_is", "as_tried", "changing", "checked", "each_as_tried", "make_object", "watching"]


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x)): NumPy's value, for a float through `math`."""
    if type(x) is float:
        return 1.0 / (1.0 + math.exp(-x)) if x > -700.0 else math.exp(x)
    return 1.0 / (1.0 + np.exp(-x))


def square_of_root(x: Any, root: Any) -> Any:
    """The square of the square root of `x`: the number `x` again, or NaN where it has no root."""
    return root * root


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6)  # B2, B4, …


def digamma(x: float) -> float:
    """The derivative of `math.lgamma`: by its asymptotic series, where x is large enough."""
    total, x = 0.0, float(x)
    while x < 10.0:
        total -= 1.0 / x
        x += 1.0
    tail = sum(b / (2 * k * x ** (2 * k)) for k, b in enumerate(BERNOULLI, 1))
    return total + math.log(x) - 0.5 / x - tail


def polygamma(n: int, x: float) -> float:
    """The `n`-th derivative of `digamma`, n > 0."""
    total, x = 0.0, float(x)
    while x < 10.0 + n:
        total += math.factorial(n) / x ** (n + 1)
        x += 1.0
    total += math.factorial(n - 1) / x**n + math.factorial(n) / (2.0 * x ** (n + 1))
    for k, b in enumerate(BERNOULLI, 1):
        total += b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
    return total if n % 2 else -total


def modified_bessel(n: int, x: Any) -> Any:
    """The modified Bessel function of the first kind of order `n`: `np.i0` is that of order 0.

    By the trapezoidal rule on the integral of exp(x cos t) cos(n t), which converges geometrically for
    what is periodic (Trefethen and Weideman, 2014).
    """
    x = np.asarray(x)
    largest = float(np.max(np.abs(x), initial=0.0))
    angles = np.pi * (np.arange(40 + int(10.0 * math.sqrt(largest + n))) + 0.5)
    angles /= angles.size
    height = x[..., None] * np.cos(angles)
    waves = np.sinh(height) if n % 2 else np.cosh(height)
    return np.mean(waves * np.cos(n * angles), axis=-1)


class NotReal:
    """Stands for a complex number: what is computed of it is none of the real numbers either."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _same(self, *_: Any, **__: Any) -> NotReal:
        return self

    def refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self.text} is a complex number, and only real numbers are differentiated: "
            "take the power of abs(...), or let np.power give NaN"
        )

    __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = __neg__ = __pos__ = __abs__ = _same
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = _same
    __array_ufunc__ = conjugate = _same
    real = imag = property(_same)
    __float__ = __int__ = __bool__ = __array__ = __array_function__ = __iter__ = __getitem__ = refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __floordiv__ = __mod__ = __round__ = refuse
    __rfloordiv__ = __rmod__ = __format__ = __str__ = refuse
    __hash__ = None  # type: ignore[assignment]


def real_power(x: Any, exponent: Any) -> Any:
    """`x ** exponent` of numbers of Python's. A complex number is refused where it is used: see `NotReal`."""
    y = x**exponent
    return NotReal(f"({x!r}) ** {exponent!r}") if type(y) is complex else y


def power_or_nan(x: Any, exponent: Any) -> Any:
    """`x ** exponent` of numbers of Python's; NaN where that is a complex number."""
    y = x**exponent
    return math.nan if type(y) is complex else y


def number_or_nan(x: Any) -> Any:
    """The number as one of NumPy's; NaN for what is no real number: no gradient comes in there."""
    return np.float64(math.nan if type(x) is NotReal else x)


def refuse_complex(x: Any) -> None:
    """Refuse what is no real number."""
    if type(x) is NotReal:
        x.refuse()


def diagonals(a: Any, subscripts: str) -> Any:
    """A view of what stands on diagonals of an array."""
    return np.einsum(subscripts, a)


def unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Undo a broadcast: sum `gradient` over the axes along which `shape` was stretched to it."""
    extra = np.ndim(gradient) - len(shape)
    if extra > 0:
        gradient = np.add.reduce(gradient, tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 != gradient.shape[i])
    if stretched:
        gradient = np.add.reduce(gradient, stretched, keepdims=True)
    if gradient.shape != shape:
        gradient = np.broadcast_to(gradient, shape)
    return gradient


def step(x: Any) -> Any:
    """1 where x is positive, 0 where it is negative or NaN, 0.5 where it is zero: the slope of a relu.

    Zeros are rare, so the answer is a mask, which is four times faster to make, unless there are any.
    """
    positive = x > 0
    return positive if 0.0 not in x else np.where(x == 0, np.result_type(x, np.float16).type(0.5), positive)


def safe_divide(upstream: Any, denominator: Any) -> Any:
    """`upstream / denominator`, where a zero upstream gradient stays zero even over a zero.

    This is what the derivative of `sqrt` at 0 needs: the local gradient is infinite there, but a
    branch that was not taken sends nothing back.
    """
    if np.minimum.reduce(denominator, axis=None, initial=1.0) > 0:
        return upstream / denominator
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.divide(upstream, denominator)
    return np.where(upstream == 0, np.zeros((), quotient.dtype), quotient)[()]


def of_a_space(upstream: Any, vectors: Any) -> Any:
    """The gradient of vectors that span a space: an error where it says to turn them within that."""
    turned = np.swapaxes(vectors, -1, -2) @ upstream
    size = np.abs(upstream).max(initial=0.0)
    if (
        np.abs(turned - np.swapaxes(turned, -1, -2)).max(initial=0.0)
        > 1e4 * np.finfo(turned.dtype).eps * size
    ):
        raise ArithmeticError(
            "what np.linalg.svd adds to make full matrices is any basis of the vectors that are left: "
            "the gradient of what depends on the one that it chose is not defined"
        )
    return upstream


def real_eig(a: Any) -> Any:
    """`np.linalg.eig` of matrices whose eigenvalues are real."""
    values, vectors = np.linalg.eig(a)
    return without_imaginary_part(values, "np.linalg.eig"), np.real(vectors)


def real_eigvals(a: Any) -> Any:
    """`np.linalg.eigvals` of matrices whose eigenvalues are real."""
    return without_imaginary_part(np.linalg.eigvals(a), "np.linalg.eigvals")


def without_imaginary_part(x: Any, what: str) -> Any:
    """`x`, which NumPy 2.5 gives as complex numbers even where all are real."""
    if np.any(np.imag(x)):
        raise TypeError(f"{what} gives complex numbers here, and only real numbers are differentiated")
    return np.real(x)


def share(part: Any, whole: Any) -> Any:
    """`part / whole`; of nothing, nothing: `part` is 0 wherever `whole` is."""
    if np.minimum.reduce(whole, axis=None, initial=1.0) > 0:
        return part / whole
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.divide(part, whole)
    return np.where(whole == 0, np.zeros((), quotient.dtype), quotient)[()]


def middle_of(a: Any, axis: Any, high: bool) -> Any:
    """The lower or the higher of the two elements in the middle of `a` in order; the axes are kept. NaN if
    there are no elements."""
    axes = [i % a.ndim for i in (range(a.ndim) if axis is None else np.atleast_1d(axis).tolist())]
    kept = [i for i in range(a.ndim) if i not in axes]
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    lines = np.transpose(a, kept + axes).reshape(math.prod(shape), math.prod(a.shape[i] for i in axes))
    n = lines.shape[1]
    found = np.sort(lines)[:, n // 2 if high else (n - 1) // 2] if n else np.full(shape, np.nan, a.dtype)
    return found.reshape(shape)


def places_of_unique(a: Any, axis: int | None = None) -> tuple[Any, Any, Any]:
    """Where each element that occurs in `a` does so first, in order; which one each element is; how often."""
    _, first, inverse, counts = np.unique(a, True, True, True, axis)
    return first, inverse, counts


def scatter_along_axis(grad: Any, indices: Any, shape: tuple[int, ...], axis: int | None) -> Any:
    """The transpose of `np.take_along_axis`: zeros of `shape`, with `grad` added at `indices` along `axis`.

    Repeated indices accumulate; an axis on which `indices` were broadcast, too.
    """
    out = np.zeros(shape, grad.dtype)
    if axis is None:
        np.add.at(out.reshape(-1), indices, grad)
        return out
    axis %= out.ndim
    others = grad.shape[:axis] + grad.shape[axis + 1 :]
    if indices.shape[axis] == 1 and others == out.shape[:axis] + out.shape[axis + 1 :]:
        np.put_along_axis(out, indices, grad, axis)  # one index a line: nothing can repeat
        return out
    grid = [np.arange(n).reshape((-1,) + (1,) * (out.ndim - 1 - i)) for i, n in enumerate(out.shape)]
    grid[axis] = indices
    np.add.at(out, tuple(grid), grad)
    return out


def recurrence(x: Any, factor: Any, axis: int, reverse: bool = False) -> Any:
    """The array `s` with s[i] = x[i] + factor[i] * s[i-1] along `axis`, starting from s[0] = x[0].

    With `reverse`, its transpose: s[i] = x[i] + factor[i+1] * s[i+1], ending on s[-1] = x[-1]
    (Horner's scheme). This is the gradient of a running product, without a division.
    """
    s = np.array(x, np.result_type(x, factor))
    lines, factors = np.moveaxis(s, axis, 0), np.moveaxis(factor, axis, 0)
    if reverse:
        lines, factors = lines[::-1], factors[:0:-1]
    else:
        factors = factors[1:]
    if s.ndim == 1 and s.size:  # a loop over Python floats is faster than one over array elements
        total, *terms = lines.tolist()
        lines[1:] = [total := term + f * total for term, f in zip(terms, factors.tolist(), strict=True)]
    else:
        for i in range(1, len(lines)):
            lines[i] += factors[i - 1] * lines[i - 1]
    return s


READ_LATE = "and elements of it may be read after they were written"


def copy_to_store(value: Any, place: Any, own: Any, in_any_order: bool) -> Any:
    """A copy of `value`, where `a[i] = value` writes one view of an array into another one, of one axis.

    `place` and `own` are these views of an array like it. NumPy makes no copy if both run in one direction
    through memory: an element that is read after it was written is not what it was. That is refused;
    `in_any_order`, whichever end NumPy begins at.
    """
    count, step, stride = place.size, place.strides[0], own.strides[-1] if own.shape[-1] > 1 else 0
    if count > 1 and step * stride > 0 and np.may_share_memory(own, place):
        forwards = np.arange(count) if step > 0 else np.arange(count)[::-1]
        written, read = (
            a.__array_interface__["data"][0] + s * forwards for a, s in ((place, step), (own, stride))
        )
        _, when_written, when_read = np.intersect1d(written, read, assume_unique=True, return_indices=True)
        from_the_end = read[0] < written[0] <= read[-1]
        late = when_written > when_read if from_the_end else when_written < when_read
        if np.any(when_written != when_read if in_any_order else late):
            raise UnsupportedError(
                f"what is stored is a part of the array, {READ_LATE}",
                way_out="Store a copy: .copy().",
            )
    return value.copy()


def copy_for(x: Any) -> Any:
    """A copy of an array; of None, for a name that is not assigned, None."""
    return None if x is None else x.copy()


def zeros_for(x: Any) -> Any:
    """The gradient of an array through which nothing flows; None for None, a name that is not assigned."""
    return None if x is None else np.zeros(x.shape, x.dtype if x.dtype.kind == "f" else float)


def sum_for(a: Any, b: Any) -> Any:
    """The sum of two gradients of one array; None for None, a name that is not assigned."""
    return None if a is None and b is None else a + b


def stack_for(x: Any, n: int) -> Any:
    """An array n times, along an axis more, in front; None for None, a name that is not assigned."""
    return None if x is None else np.broadcast_to(x, (n, *x.shape))


def item_length(rows: Any, axis: int) -> int:
    """The length of an axis of the items of a list, counted as in an array of them; 0 if there are none."""
    return int(np.shape(rows[0])[axis - 1]) if rows else 0


def with_row(rows: Any, row: Any) -> Any:
    """The rows of an array, and one more; if there are none, that one."""
    return np.concatenate((rows, np.expand_dims(row, 0))) if len(rows) else np.array([row])


def zero_rows(rows: Any) -> list[Any]:
    """A list of as many zeros, of the shapes of the items; of Python's numbers, of Python's."""
    return [np.zeros(np.shape(row))[()] if hasattr(row, "dtype") else 0.0 for row in rows]


def scatter(grad: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of `x[index]` where no element is read twice: zeros of `shape` but for `grad` there."""
    out = np.zeros(shape, getattr(grad, "dtype", float))
    out[index] = grad
    return out


def last_written(grad: Any, index: Any) -> Any:
    """The transpose of `x[index] = v` for index arrays: `grad[index]`, and zero where another value of v
    was written to the same element later."""
    out = grad[index]
    where = np.arange(np.prod(grad.shape, dtype=int)).reshape(grad.shape)[index]
    last = np.empty(grad.size, int)
    last[where.ravel()] = np.arange(where.size)
    out[(last[where.ravel()] != np.arange(where.size)).reshape(where.shape)] = 0
    return out


def scatter_add(grad: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The transpose of `x[index]` for integer index arrays: repeated indices accumulate."""
    out = np.zeros(shape, grad.dtype)
    add_many(out, index, grad)
    return out


def add_many(out: Any, index: Any, extra: Any) -> None:
    """`out[index] += extra` for index arrays, where an element that is named twice is added to twice."""
    if out.ndim == 1 or np.size(extra) < 500 or 8 * np.size(extra) < out.size or not out.flags.c_contiguous:
        np.add.at(out, index, extra)
    else:  # np.add.at is 3-4 times faster on flat positions than on rows
        positions = np.arange(out.size).reshape(out.shape)[index]
        np.add.at(out.reshape(-1), positions.reshape(-1), np.broadcast_to(extra, positions.shape).reshape(-1))


def scatter_windows(grad: Any, shape: tuple[int, ...], window_shape: Any, axis: Any = None) -> Any:
    """The transpose of `sliding_window_view`: each element collects from every window that it is in."""
    out = np.zeros(shape, grad.dtype)
    window = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    if axis is None:
        axes = tuple(range(out.ndim))
    else:
        axes = tuple(i % out.ndim for i in ((axis,) if np.ndim(axis) == 0 else axis))
    for offset in np.ndindex(*window):
        first = [0] * out.ndim
        for i, k in zip(axes, offset, strict=True):
            first[i] += k  # an axis may be windowed twice
        place = tuple(slice(k, k + n) for k, n in zip(first, grad.shape, strict=False))
        of_window = (Ellipsis, *offset)
        out[place] += grad[of_window]
    return out


def cofactor(a: Any) -> Any:
    """The cofactors of a square matrix (or of each in a stack): the gradient of its determinant.

    That is det(a) inv(a).T, and for a singular matrix what the singular values say it is: with
    a = u diag(s) vh, the cofactors of a rotation being the rotation itself, times its determinant.
    """
    try:
        return np.linalg.det(a)[..., None, None] * np.swapaxes(np.linalg.inv(a), -1, -2)
    except np.linalg.LinAlgError:
        u, s, vh = np.linalg.svd(a)
        others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :])
        signs = np.linalg.det(u) * np.linalg.det(vh)
        return signs[..., None, None] * (u * np.prod(others, -1)[..., None, :]) @ vh


def closed(
    function: FunctionType,
    read: tuple[Any, ...],
    links: tuple[tuple[int, int], ...] = (),
    defaults: tuple[Any, ...] = (),
    by_name: Mapping[str, Any] = MappingProxyType({}),
    *others: Any,
) -> FunctionType:
    """A function inside another, that reads these variables of it; what an array holds it may not change.

    `others`: the same of functions that it reads. `links`: at which place which of all these is read.
    """
    parts = [(function, read, links, defaults, by_name), *others]
    cells = [tuple(CellType(_read_only(x)) for x in part[1]) for part in parts]
    made = []
    for (f, _, _, given, named), own in zip(parts, cells):
        made.append(FunctionType(f.__code__, f.__globals__, f.__name__, given, own))
        made[-1].__kwdefaults__ = dict(named)
    for part, own in zip(parts, cells):
        for place, which in part[2]:
            own[place].cell_contents = made[which]
    return made[0]


def _read_only(x: Any) -> Any:
    if type(x) is np.ndarray:
        x = x.view()
        x.flags.writeable = False
    return x


def checkpoints(slots: int, trips: range | None = None) -> Checkpoints:
    """What keeps as many of the states of a loop as there are slots, and computes the others again."""
    return Checkpoints(slots, trips)
