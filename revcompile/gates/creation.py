"""New arrays: from numbers and other arrays (array, full, linspace, casts) or from nothing (zeros, eye).

Imports NumPy, the gate table and the axis arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.gates.axes import Dims, agree, dims_of, extent, is_value, longer, shape_dims
from revcompile.gates.compositions import as_array, when_given
from revcompile.gates.numbers import ANY_SIGN, POSITIVE, UNREAD_ITEM, ZERO, Numbers, same_sign
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate, known
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.lengths import Facts
from revcompile.runtime import copy_for, stack_for, sum_for, zeros_for

# -- copies and casts ----------------------------------------------------------------------------

SHAPES = (example(real(3)), example(real(2, 3)), example(real(1)), example(real()))
ARRAYS = SHAPES[:3]


SAME = Numbers(sign=same_sign)


@gate(np.copy, numbers=SAME, memory=Memory.COPY, examples=SHAPES)
def copy(grad_y: Any, a: Any, order: str = "K") -> Any:
    return grad_y


@gate(
    np.ndarray.copy,
    numbers=SAME,
    methods=["copy"],
    memory=Memory.COPY,
    in_order=lambda a, order="C": order,
    examples=ARRAYS,
)
def copy_method(grad_y: Any, a: Any, order: str = "C") -> Any:
    return grad_y


def astype_dims(facts: Facts, a: Any, dtype: Any) -> Dims:
    return dims_of(facts, a)


def laid_out(a: Any, order: str) -> Any:
    """The array itself, where it lies in that order."""
    if np.ndim(a) == 0 or order not in ("C", "F"):
        return np.asarray(a)
    return np.ascontiguousarray(a) if order == "C" else np.asfortranarray(a)


def astype_as_asked(a: Any, dtype: Any, *, copy: Any, order: str = "K") -> Any:
    """Without a copy, it is the array itself where it is of that dtype."""
    dtype = np.dtype(float if dtype is None else dtype)
    return laid_out(a, order) if not copy and a.dtype == dtype else a.astype(dtype)


@gate(
    np.ndarray.astype,
    means=when_given(astype_as_asked, "copy"),
    casts=True,
    numbers=SAME,
    methods=["astype"],
    dims=astype_dims,
    examples=[
        example(real(3), float),
        example(real(2, 3), np.float64),
        example(real(3), "float64"),
    ],
)
def astype(grad_y: Any, a: Any, dtype: Any) -> Any:
    return grad_y


@gate(np.float64, memory=Memory.SHARED, cheap=True, casts=True, python=float, examples=SHAPES)
def float64(grad_y: Any, x: Any) -> Any:
    return grad_y


# Without examples: these round, which finite differences would see.
@gate(np.float32, np.float16, name="cast", memory=Memory.SHARED, cheap=True, casts=True)
def narrower(grad_y: Any, x: Any) -> Any:
    return grad_y


def asarray_dims(facts: Facts, a: Any, dtype: Any = None) -> Dims:
    return dims_of(facts, a)


def parts_of(grad_y: Any, a: Any, index: tuple[int, ...]) -> Any:
    """The gradients of a nested list's items, as a list nested alike."""
    if isinstance(a, (list, tuple)):
        return [parts_of(grad_y, item, (*index, i)) for i, item in enumerate(a)]
    if len(index) == 0:
        return grad_y
    return grad_y[index[0]] if len(index) == 1 else grad_y[index]


NESTED = (
    example([real(), real(), real()]),
    example((real(), 1.0, real())),
    example([[real(), real()], [real(), real()]]),
    example([real(3), real(3)]),
    example([[real(2), real(2)], [real(2), real(2)]]),
    example([real(2, 3), real(2, 3)]),
)


def unread_items(args: Any, operand: int) -> int:
    return UNREAD_ITEM if isinstance(args[0], (list, tuple)) else 0


def array_of_items(items: Any, dtype: Any = None) -> Any:
    return items if dtype is None else items.astype(dtype)


def array_of_more(
    object: Any, dtype: Any = None, *, copy: Any = True, ndmin: int = 0, order: str = "K"
) -> Any:
    y = np.array(object, dtype) if copy else laid_out(np.asarray(object, dtype), order)
    if ndmin <= y.ndim:
        return y
    return np.reshape(y, (1,) * (ndmin - y.ndim) + y.shape)


@gate(
    np.array, means=when_given(array_of_more, "ndmin", "copy"), kind=Kind.ARRAY, of_items=array_of_items,
    dims=asarray_dims,
    numbers=Numbers(sign=same_sign, within=unread_items),
    examples=[*SHAPES, *NESTED],
)  # fmt: skip
def array(grad_y: Any, object: Any, dtype: Any = None) -> Any:
    return parts_of(grad_y, object, ())


def array_or_copy(a: Any, dtype: Any = None, *, copy: Any = None, order: str = "K") -> Any:
    return np.array(a, dtype) if copy else laid_out(np.asarray(a, dtype), order)


@gate(
    np.asarray, np.asanyarray, means=when_given(array_or_copy, "copy", "order"), kind=Kind.ARRAY,
    of_items=array_of_items, memory=Memory.ITSELF,
    dims=asarray_dims, examples=[*SHAPES, *NESTED],
)  # fmt: skip
def asarray(grad_y: Any, a: Any, dtype: Any = None) -> Any:
    return parts_of(grad_y, a, ())


def at_least_1d_dims(facts: Facts, a: Any, dtype: Any = None) -> Dims:
    return dims_of(facts, a) or shape_dims(facts, 1)


def ascontiguousarray(grad_y: Any, a: Any, dtype: Any = None) -> Any:
    if isinstance(a, (list, tuple)):
        return parts_of(grad_y, a, ())
    return grad_y[0] if np.ndim(a) == 0 else grad_y


for _function, _order in ((np.ascontiguousarray, "C"), (np.asfortranarray, "F")):
    gate(
        _function,
        memory=Memory.IN_ORDER,
        copies=lambda a, dtype=None: dtype is not None and is_value(a) and a.type.dtype != dtype,
        in_order=lambda *_, order=_order: order,
        dims=at_least_1d_dims,
        examples=[*SHAPES, *NESTED],
    )(ascontiguousarray)


# -- filled arrays -------------------------------------------------------------------------------


def sign_of_filling(args: Any, like: int, fill_value: int, *_: int) -> int:
    return fill_value


def full_dims(facts: Facts, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Dims:
    return shape_dims(facts, shape)


@gate(
    np.full,
    numbers=Numbers(sign=sign_of_filling),
    memory=Memory.FRESH,
    in_order=lambda *args: bool(args[-1] == "C"),
    dims=full_dims,
    examples=[
        example(3, real()),
        example((2, 3), real()),
        example((2, 3), real(3)),
        example((2, 3), real(2, 1)),
        example((2, 3), real(), dtype=float),
        example((), real()),
    ],
)
def full(grad_y: Any, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> Any:
    return None, grad_y


def full_like_dims(facts: Facts, a: Any, fill_value: Any, dtype: Any = None) -> Dims:
    return dims_of(facts, a)


def full_of_shape(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any) -> Any:
    return np.full(shape, fill_value, as_array(a).dtype if dtype is None else dtype)


@gate(
    np.full_like,
    means=when_given(full_of_shape, "shape"),
    numbers=Numbers(sign=sign_of_filling),
    memory=Memory.FRESH,
    dims=full_like_dims,
    examples=[
        example(real(3), real()),
        example(real(2, 3), real(3)),
        example(real(2, 3), real(2, 1), dtype=float),
    ],
)
def full_like(grad_y: Any, a: Any, fill_value: Any, dtype: Any = None) -> Any:
    return None, grad_y


# -- ranges --------------------------------------------------------------------------------------


def fractions(grad_y: Any, num: Any, endpoint: bool) -> Any:
    """How far along its range each point of a `linspace` is: from 0 to 1, along the first axis."""
    t = np.linspace(0.0, 1.0, num, endpoint=endpoint, dtype=grad_y.dtype)
    return t if grad_y.ndim == 1 else np.reshape(t, (-1,) + (1,) * (grad_y.ndim - 1))


def linspace_dims(
    facts: Facts, start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10
) -> Dims:
    if len(dims_of(facts, base)) > 0:
        raise NotImplementedError("np.logspace: base must be one number")
    return (extent(facts, num), *facts.broadcast(dims_of(facts, start), dims_of(facts, stop)))


RANGES = (
    example(real(), real()),
    example(real(), real(), 5),
    example(real(), real(), num=4, endpoint=False),
    example(real(3), real(3), 5),
    example(real(), real(2, 3), 4),
    example(real(), real(), 1),
)


def linspace_of_more(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
    axis: int = 0,
) -> Any:  # fmt: skip
    points = np.linspace(start, stop, num, endpoint, dtype=dtype)
    points = points if axis == 0 else np.moveaxis(points, 0, axis)
    return (points, (stop - start) / (num - 1 if endpoint else num)) if retstep else points


@gate(
    np.linspace,
    means=when_given(linspace_of_more, "retstep", "axis"),
    in_order=lambda start, stop, *_: not any(is_value(x) and x.type.dims for x in (start, stop)),
    dims=lambda facts, start, stop, num, endpoint, dtype: linspace_dims(facts, start, stop, num),
    examples=RANGES,
)
def linspace(
    grad_y: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, *, dtype: Any = None
) -> Any:
    t = fractions(grad_y, num, endpoint)
    return grad_y * (1 - t), grad_y * t


def logspace_of_more(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None,
    axis: int = 0,
) -> Any:  # fmt: skip
    points = np.logspace(start, stop, num, endpoint, base)
    points = points if dtype is None else points.astype(dtype)
    return points if axis == 0 else np.moveaxis(points, 0, axis)


def geomspace_of_more(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    points = np.geomspace(start, stop, num, endpoint)
    points = points if dtype is None else points.astype(dtype)
    return points if axis == 0 else np.moveaxis(points, 0, axis)


@gate(
    np.logspace,
    means=when_given(logspace_of_more, "dtype", "axis"),
    dims=linspace_dims,
    examples=[*RANGES, example(real(), real(), 4, base=2)],
)
def logspace(
    grad_y: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10
) -> Any:
    t = fractions(grad_y, num, endpoint)
    grad_exponent = grad_y * y * math.log(base)
    exponent = np.linspace(start, stop, num, endpoint=endpoint)
    return grad_exponent * (1 - t), grad_exponent * t, None, None, np.sum(grad_y * y * exponent) / base


@gate(
    np.geomspace,
    means=when_given(geomspace_of_more, "dtype", "axis"),
    dims=linspace_dims,
    examples=[
        example(real(low=0.5), real(low=0.5), 5),
        example(real(low=0.5), real(low=0.5), num=4, endpoint=False),
        example(real(3, low=0.5), real(low=0.5), 4),
        example(real(low=-3.0, high=-1.0), real(low=-3.0, high=-1.0), 4),
    ],
)
def geomspace(grad_y: Any, y: Any, start: Any, stop: Any, num: Any = 50, endpoint: bool = True) -> Any:
    t = fractions(grad_y, num, endpoint)
    grad_log = grad_y * y
    return grad_log * (1 - t) / start, grad_log * t / stop


def count_of(*bounds: Any) -> int:
    """`len(np.arange(*bounds))`, without the array."""
    start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if step == 0 or not all(isinstance(n, (int, float)) for n in (start, stop, step)):
        return len(np.arange(*bounds))
    if any(isinstance(n, float) for n in (start, stop, step)):
        return max(math.ceil((stop - start) / step), 0)
    return len(range(start, stop, step))


def arange_dims(facts: Facts, bounds: Any, dtype: Any = None) -> Dims:
    if not any(map(is_value, bounds)):
        return shape_dims(facts, count_of(*bounds))
    start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if is_value(start) or is_value(step) or step != 1 or start != int(start):
        return (facts.made("range", (start, stop, step)),)
    length = extent(facts, stop)
    return (length.trimmed(int(start)) if start >= 0 else longer(facts, length, -int(start)),)


def arange_by_name(start: Any = 0, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    return np.arange(start, stop, step, dtype=dtype) if stop is not None else np.arange(0, start, step)


@gate(
    np.arange,
    means=when_given(arange_by_name, "start", "stop", "step"),
    kind=Kind.COUNTING,
    in_order=True,
    dims=arange_dims,
    examples=[
        example(4.5),
        example(real(low=0.2, high=0.4), 5.0),
        example(real(low=0.2, high=0.4), real(low=5.0, high=5.1), real(low=0.7, high=0.75)),
        example(1.0, 0.0, real(low=-0.3, high=-0.28)),
    ],
)
def arange(grad_y: Any, *bounds: Any, dtype: Any = None) -> Any:
    if len(bounds) == 1:
        return [None]
    grad_start = np.sum(grad_y)
    if len(bounds) == 2:
        return [grad_start, None]
    return [grad_start, None, np.sum(grad_y * np.arange(grad_y.size, dtype=grad_y.dtype))]


# -- constants -----------------------------------------------------------------------------------


def constant(
    function: Callable[..., Any],
    parameters: Callable[..., Any],
    dims: Any = None,
    memory: Memory = Memory.NEW,
    in_order: bool | Callable[..., bool] = False,
    sign: int = ANY_SIGN,
    kind: Kind | None = None,
    means: Callable[..., Any] | None = None,
) -> None:
    """Register a function without gradient whose axes its arguments tell."""
    known(
        function,
        signature=parameters,
        dims=dims,
        memory=memory,
        in_order=in_order,
        numbers=Numbers(sign=sign),
        kind=kind,
        means=means,
    )


def _shaped(shape: Any, dtype: Any = float, order: str = "C") -> None: ...


def _like(a: Any, dtype: Any = None) -> None: ...


def _eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float, order: str = "C") -> None: ...


def _tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> None: ...


def _identity(n: Any, dtype: Any = None) -> None: ...


def _cast(x: Any, /) -> None: ...


def in_c_order(*args: Any) -> bool:
    """Of what takes `order` last."""
    return bool(args[-1] == "C")


def shaped_dims(facts: Facts, shape: Any, dtype: Any = float, order: str = "C") -> Dims:
    return shape_dims(facts, shape)


def like_dims(facts: Facts, a: Any, dtype: Any = None) -> Dims:
    return dims_of(facts, a)


def eye_dims(facts: Facts, N: Any, M: Any = None, k: int = 0, dtype: Any = float, order: str = "C") -> Dims:
    rows = extent(facts, N)
    return rows, rows if M is None else extent(facts, M)


def zeros_of_shape(a: Any, dtype: Any = None, *, shape: Any) -> Any:
    return np.zeros(shape, as_array(a).dtype if dtype is None else dtype)


def ones_of_shape(a: Any, dtype: Any = None, *, shape: Any) -> Any:
    return np.ones(shape, as_array(a).dtype if dtype is None else dtype)


for function, sign in ((np.zeros, ZERO), (np.ones, POSITIVE), (np.empty, ANY_SIGN)):
    constant(function, _shaped, shaped_dims, Memory.FRESH, in_order=in_c_order, sign=sign)
for function, sign in ((np.zeros_like, ZERO), (np.ones_like, POSITIVE), (np.empty_like, ANY_SIGN)):
    of_shape = {np.zeros_like: zeros_of_shape, np.ones_like: ones_of_shape}.get(function)
    means = None if of_shape is None else when_given(of_shape, "shape")
    constant(function, _like, like_dims, Memory.FRESH, sign=sign, means=means)
constant(np.eye, _eye, eye_dims, in_order=in_c_order, sign=ZERO | POSITIVE, kind=Kind.UNIT)
constant(np.tri, _tri, eye_dims, in_order=True, sign=ZERO | POSITIVE)
constant(np.identity, _identity, eye_dims, in_order=True, sign=ZERO | POSITIVE)
WHOLE = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
for function in dict.fromkeys((np.bool_, *WHOLE, np.longlong, np.ulonglong)):
    constant(function, _cast)


def zeros_for_dims(facts: Facts, x: Any) -> Dims:
    return dims_of(facts, x)


known(zeros_for, copy_for, dims=zeros_for_dims, passes_none=True)


def sum_for_dims(facts: Facts, a: Any, b: Any) -> Dims:
    return agree(facts, [dims_of(facts, a), dims_of(facts, b)])


@gate(sum_for, dims=sum_for_dims, passes_none=True, linear=((0, 1),), examples=(example(real(3), real(3)),))
def sum_for_rule(grad_y: Any, a: Any, b: Any) -> Any:
    return grad_y, grad_y


def stack_for_dims(facts: Facts, x: Any, n: Any) -> Dims:
    return extent(facts, n), *dims_of(facts, x)


known(stack_for, dims=stack_for_dims, passes_none=True, memory=Memory.STRETCHED)
