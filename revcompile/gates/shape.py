"""The same elements under another shape or order: reshape, transpose, flip, roll … and array methods
whose arguments differ from the function's. Imports NumPy, the gate table and the axis arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates import shifts
from revcompile.gates.axes import (
    Dims,
    UnknownLength,
    dims_of,
    dtype_kind,
    entries,
    extent,
    is_value,
    normal,
    product,
    quotient,
    shape_dims,
)
from revcompile.gates.compositions import as_places, when_given
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Kind, Memory, Text
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim


def shaped_as(grad_y: Any, a: Any) -> Any:
    """The elements of `grad_y` in the shape of `a`; a number where `a` is one."""
    if np.ndim(a) > 0:
        return np.reshape(grad_y, a.shape)
    return grad_y if np.ndim(grad_y) == 0 else grad_y[(0,) * np.ndim(grad_y)]


def check_order(order: Any, dims: Dims) -> None:
    if order not in ("C", "F") and len(dims) > 1:
        raise NotImplementedError(f"order={order!r} depends on the memory layout; use 'C' or 'F'")


def reshape_dims(facts: Facts, a: Any, shape: Any, order: str = "C") -> Dims:
    old = dims_of(facts, a)
    check_order(order, old)
    if shape is None:
        return old
    new = entries(shape)
    free = [not is_value(n) and n < 0 for n in new]
    given = tuple(_given(facts, old, n) for n, wild in zip(new, free, strict=True) if not wild)
    rest = quotient(facts, old, given)
    known = iter(given)
    return tuple(rest if wild else next(known) for wild in free)


def _given(facts: Facts, old: Dims, n: Any) -> Dim:
    """The length that a number in a new shape stands for; a run-time one may be -1."""
    d = extent(facts, n)
    return d if d.size is not None or any(facts.same(d, other) for other in old) else facts.fresh()


def ravel_dims(facts: Facts, a: Any, order: str = "C") -> Dims:
    check_order(order, dims_of(facts, a))
    return (product(facts, dims_of(facts, a)),)


def reshaped_copy(a: Any, shape: Any, order: str = "C", *, copy: Any) -> Any:
    y = np.reshape(a, shape, order)
    return y.copy() if copy else y  # without, NumPy takes only what needs none


@gate(
    np.reshape,
    means=when_given(reshaped_copy, "copy"),
    kind=Kind.RESHAPE,
    memory=Memory.REGULAR,
    in_order=lambda a, shape, order: order,
    dims=reshape_dims,
    examples=[
        example(real(3, 4), (2, 6)),
        example(real(3, 4), (-1, 2)),
        example(real(3, 4), -1),
        example(real(4), (4, 1)),
        example(real(2, 3, 4), (4, 3, 2), order="F"),
        example(real(1), ()),
        example(real(), (1, 1)),
        example(real(), ()),
    ],
)
def reshape(grad_y: Any, a: Any, shape: Any, order: str = "C") -> Any:
    if order == "F" and np.ndim(a) > 0:
        return np.reshape(grad_y, a.shape, order=order)
    return shaped_as(grad_y, a)


@gate(
    np.ravel,
    methods=["ravel"],
    memory=Memory.IN_ORDER,
    in_order=lambda a, order: order,
    dims=ravel_dims,
    examples=[
        example(real(3, 4)),
        example(real(3, 4), order="F"),
        example(real(5)),
        example(real(2, 1, 3)),
        example(real()),
    ],
)
def ravel(grad_y: Any, a: Any, order: str = "C") -> Any:
    if np.ndim(a) == 1:
        return grad_y
    return np.reshape(grad_y, a.shape, order=order) if np.ndim(a) > 0 else grad_y[0]


def flat(a: Any) -> Any:
    """`a.flat`"""
    return np.ravel(a)


@gate(
    flat,
    kind=Kind.FLAT,
    memory=Memory.VIEW,
    dims=lambda facts, a: ravel_dims(facts, a),
    written="np.ravel(a)",
    examples=[example(real(3, 4)), example(real(2, 1, 3)), example(real(5))],
)
def flat_(grad_y: Any, a: Any) -> Any:
    return ravel(grad_y, a)


def flat_scalar(x: Any, order: str = "C") -> Any:
    return np.ravel(x)


@gate(
    np.ndarray.flatten,
    of_scalar=flat_scalar,
    methods=["flatten"],
    dims=ravel_dims,
    examples=[example(real(3, 4)), example(real(3, 4), order="F"), example(real(5))],
)
def flatten(grad_y: Any, a: Any, order: str = "C") -> Any:
    return grad_y if a.ndim == 1 else np.reshape(grad_y, a.shape, order=order)


def item_of_scalar(x: Any) -> Any:
    return float(x) if x.dtype.kind == "f" else int(x)


def item_at(a: Any, *index: Any) -> Any:
    """One element as a number of Python's: of an index along each axis, or one in C order."""
    place = index[0] if len(index) == 1 else index
    if isinstance(place, tuple) or a.ndim == 1:
        return a[place].item()
    return np.ravel(a)[place].item()


@gate(
    np.ndarray.item,
    of_scalar=item_of_scalar,
    means=lambda args, kwargs: item_at if len(args) > 1 else None,
    methods=["item"],
    examples=[example(real(1)), example(real(1, 1))],
)
def item(grad_y: Any, a: Any, *index: Any) -> Any:
    return np.reshape(grad_y, a.shape)


def written_transpose(to: Text, a: Any, axes: Any) -> str:
    return "a.T" if axes is None and is_value(a) and a.type.dims else ""


@gate(
    np.transpose,
    kind=Kind.TRANSPOSE,
    memory=Memory.VIEW,
    written=written_transpose,
    examples=[
        example(real(3, 4)),
        example(real(2, 3, 4)),
        example(real(2, 3, 4), (1, 2, 0)),
        example(real(2, 3, 4), axes=(-1, 0, 1)),
        example(real(5)),
    ],
)
def transpose(grad_y: Any, a: Any, axes: Any = None) -> Any:
    if axes is None:
        return np.transpose(grad_y)
    axes = axes if isinstance(axes, (tuple, list)) else (axes,)
    places = [axis % len(axes) for axis in axes]
    return np.transpose(grad_y, tuple(places.index(i) for i in range(len(axes))))


@gate(np.matrix_transpose, memory=Memory.VIEW, examples=[example(real(3, 4)), example(real(2, 3, 4))])
def matrix_transpose(grad_y: Any, x: Any) -> Any:
    return np.matrix_transpose(grad_y)


@gate(
    np.swapaxes,
    methods=["swapaxes"],
    kind=Kind.TRANSPOSE,
    memory=Memory.VIEW,
    examples=[example(real(3, 4), 0, 1), example(real(2, 3, 4), -1, 0)],
)
def swapaxes(grad_y: Any, a: Any, axis1: int, axis2: int) -> Any:
    return np.swapaxes(grad_y, axis1, axis2)


@gate(
    np.moveaxis,
    kind=Kind.TRANSPOSE,
    memory=Memory.VIEW,
    examples=[
        example(real(3, 4), 0, 1),
        example(real(2, 3, 4), -1, 0),
        example(real(2, 3, 4), (0, 1), (-1, 0)),
    ],
)
def moveaxis(grad_y: Any, a: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(grad_y, destination, source)


@gate(
    np.rollaxis,
    memory=Memory.VIEW,
    examples=[example(real(2, 3, 4), 2), example(real(2, 3, 4), 0, 2), example(real(2, 3, 4), 1, start=-1)],
)
def rollaxis(grad_y: Any, a: Any, axis: int, start: int = 0) -> Any:
    origin = axis % a.ndim
    place = start + a.ndim if start < 0 else start
    return np.moveaxis(grad_y, place - 1 if origin < place else place, origin)


def written_expand_dims(to: Text, a: Any, axis: Any) -> str:
    """`a[:, None]`, which is shorter than `np.expand_dims(a, 1)` and ten times faster."""
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if to.textbook or not axes or not is_value(a) or not a.type.dims:
        return ""
    rank = len(a.type.dims) + len(axes)
    new = {i % rank for i in axes}
    return f"a[{', '.join('None' if i in new else ':' for i in range(max(new) + 1))}]"


@gate(
    np.expand_dims,
    shift=shifts.expanded,
    odd=True,
    memory=Memory.VIEW,
    written=written_expand_dims,
    examples=[
        example(real(3), 0),
        example(real(3), -1),
        example(real(3, 4), (0, 2)),
        example(real(), 0),
        example(real(), (0, 1)),
    ],
)
def expand_dims(grad_y: Any, a: Any, axis: Any) -> Any:
    return shaped_as(grad_y, a)


def squeeze_dims(facts: Facts, a: Any, axis: Any = None) -> Dims:
    dims = dims_of(facts, a)
    if axis is None:
        if any(d.can_be_one and not d.is_one for d in dims):
            raise UnknownLength("whether an axis has length 1 is not known: name it with axis=")
        return tuple(d for d in dims if not d.is_one)
    if not dims:  # NumPy takes 0 and -1 for axes of a number
        return ()
    dropped = [normal(i, len(dims)) for i in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    return tuple(d for i, d in enumerate(dims) if i not in dropped)


@gate(
    np.squeeze,
    kind=Kind.RESHAPE,
    methods=["squeeze"],
    raises=True,
    memory=Memory.VIEW,
    dims=squeeze_dims,
    examples=[
        example(real(3, 1)),
        example(real(1, 3, 1), axis=0),
        example(real(1, 3, 1), axis=(0, -1)),
        example(real(3, 4)),
        example(real(1, 1)),
        example(real()),
    ],
)
def squeeze(grad_y: Any, a: Any, axis: Any = None) -> Any:
    return shaped_as(grad_y, a)


def broadcast_to_dims(facts: Facts, array: Any, shape: Any) -> Dims:
    old, new = dims_of(facts, array), list(shape_dims(facts, shape))
    for i, d in enumerate(old, len(new) - len(old)):
        if not d.can_be_one:  # then it was not stretched
            facts.unify(d, new[i])
            new[i] = d if new[i].size is None else new[i]
    return tuple(new)


@gate(
    np.broadcast_to,
    kind=Kind.STRETCH,
    odd=True,
    memory=Memory.STRETCHED,
    dims=broadcast_to_dims,
    examples=[
        example(real(3), (2, 3)),
        example(real(3, 1), (3, 4)),
        example(real(1, 3), (2, 4, 3)),
        example(real(3), 3),
        example(real(), (2, 3)),
    ],
)
def broadcast_to(grad_y: Any, array: Any, shape: Any) -> Any:
    return grad_y


def each_at_least_1d(*arys: Any) -> Any:
    return tuple([np.atleast_1d(a) for a in arys])


def each_at_least_2d(*arys: Any) -> Any:
    return tuple([np.atleast_2d(a) for a in arys])


def each_at_least_3d(*arys: Any) -> Any:
    return tuple([np.atleast_3d(a) for a in arys])


@gate(
    np.atleast_1d,
    means=lambda args, kwargs: each_at_least_1d if len(args) > 1 else None,
    memory=Memory.VIEW,
    examples=[example(real()), example(real(3)), example(real(1)), example(real(2, 3))],
)
def atleast_1d(grad_y: Any, a: Any) -> Any:
    return grad_y if np.ndim(a) >= 1 else shaped_as(grad_y, a)


@gate(
    np.atleast_2d,
    means=lambda args, kwargs: each_at_least_2d if len(args) > 1 else None,
    memory=Memory.VIEW,
    examples=[example(real()), example(real(3)), example(real(1)), example(real(2, 3))],
)
def atleast_2d(grad_y: Any, a: Any) -> Any:
    return grad_y if np.ndim(a) >= 2 else shaped_as(grad_y, a)


@gate(
    np.atleast_3d,
    means=lambda args, kwargs: each_at_least_3d if len(args) > 1 else None,
    memory=Memory.VIEW,
    examples=[example(real()), example(real(3)), example(real(2, 3)), example(real(2, 3, 4))],
)
def atleast_3d(grad_y: Any, a: Any) -> Any:
    return grad_y if np.ndim(a) >= 3 else shaped_as(grad_y, a)


def backwards_by(k: float) -> float:
    if k % 1:
        raise NotImplementedError(f"a turn by {k} right angles")
    return -k


@gate(
    np.rot90,
    memory=Memory.VIEW,
    examples=[
        example(real(3, 4)),
        example(real(3, 4), 2),
        example(real(3, 4), k=-1),
        example(real(2, 3, 4), 1, axes=(1, 2)),
        example(real(2, 3, 4), 3, axes=(2, 0)),
    ],
)
def rot90(grad_y: Any, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    return np.rot90(grad_y, backwards_by(k), axes)


@gate(
    np.flip,
    memory=Memory.VIEW,
    examples=[
        example(real(4)),
        example(real(3, 4)),
        example(real(3, 4), 0),
        example(real(2, 3, 4), axis=(0, -1)),
    ],
)
def flip(grad_y: Any, m: Any, axis: Any = None) -> Any:
    return np.flip(grad_y, axis)


@gate(np.fliplr, memory=Memory.VIEW, examples=[example(real(3, 4)), example(real(2, 3, 4))])
def fliplr(grad_y: Any, m: Any) -> Any:
    return np.fliplr(grad_y)


@gate(np.flipud, memory=Memory.VIEW, examples=[example(real(4)), example(real(3, 4))])
def flipud(grad_y: Any, m: Any) -> Any:
    return np.flipud(grad_y)


def roll_otherwise(a: Any, shift: Any, axis: Any = None) -> Any:
    """By floats, which NumPy cuts off; along one axis by several shifts, one after the other."""
    shift = as_places(shift)
    if axis is not None and np.ndim(axis) > 0:
        return np.roll(a, shift if np.ndim(shift) == 0 else tuple(shift), axis)
    return np.roll(a, np.sum(shift), axis)


def means_rolled(args: Any, kwargs: Any) -> Any:
    shift = args[1] if len(args) > 1 else kwargs.get("shift", 0)
    is_array = is_value(shift) and len(shift.type.dims) > 0
    return roll_otherwise if is_array or dtype_kind(shift) not in "iu" else None


@gate(
    np.roll,
    means=means_rolled,
    examples=[
        example(real(5), 2),
        example(real(3, 4), -1),
        example(real(3, 4), 1, axis=0),
        example(real(3, 4), 5, axis=-1),
        example(real(3, 4), (1, -2), axis=(0, 1)),
        example(real(3, 4), 1, axis=(0, 1)),
        example(real(5), np.array([1, 3])),
    ],
)
def roll(grad_y: Any, a: Any, shift: Any, axis: Any = None) -> Any:
    back = tuple(-s for s in shift) if isinstance(shift, (tuple, list)) else -shift
    return np.roll(grad_y, back, axis)


Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def _unpacked(given: tuple[Any, ...]) -> Any:
    """`x.reshape(2, 3)` and `x.reshape((2, 3))` mean the same."""
    return given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


def _reshape(*shape: Any, order: str = "C", **options: Any) -> Call:
    new = shape[0] if len(shape) == 1 else shape
    return np.reshape, (new,), options if order == "C" else {"order": order, **options}


def _transpose(*axes: Any) -> Call:
    order = None if axes in ((), (None,)) else tuple(_unpacked(axes))
    return np.transpose, () if order is None else (order,), {}


# How an array's method is called as a function: the function, the arguments after the array, the options.
def _conj(out: Any = None) -> Call:
    return (np.real, (), {}) if out is None else (np.conjugate, (out,), {})


def _view(dtype: Any = None, type: Any = None) -> Call:
    if any(kind not in (None, np.ndarray) for kind in (dtype, type)):
        raise UnsupportedError(".view of the same bits as other numbers is not supported")
    return np.asarray, (), {}


def _tests(function: Callable[..., Any]) -> Callable[..., Call]:
    def adapt(
        axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None, **options: Any
    ) -> Call:
        if dtype is not None:
            raise UnsupportedError("dtype= of a test is not supported")
        more = {"axis": axis, "out": out, "keepdims": keepdims}
        return function, (), {**{k: v for k, v in more.items() if v is not None}, **options}

    return adapt


METHOD_ADAPTERS: dict[str, Callable[..., Call]] = {
    "all": _tests(np.all), "any": _tests(np.any),
    "reshape": _reshape, "transpose": _transpose, "conj": _conj, "conjugate": _conj, "view": _view,
}  # fmt: skip
