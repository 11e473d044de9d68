"""Reading elements by index: `x[index]`, take, compress, extract, choose.

The transpose of a gather is a scatter: a helper of `revcompile.runtime`, which is a gate itself, with
the gather as its rule. Imports NumPy, the gate table, the axis arithmetic and those helpers.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from revcompile.gates import shifts
from revcompile.gates.axes import (
    Dims,
    along,
    dims_of,
    dtype_kind,
    normal,
    shape_dims,
    sliced,
    takes_all,
)
from revcompile.gates.compositions import as_places, of_other_places
from revcompile.gates.numbers import CHOSEN, ENDS, PARTS, UNREAD_ITEM, Numbers, same_sign
from revcompile.gates.samples import example, real
from revcompile.gates.shape import METHOD_ADAPTERS
from revcompile.gates.table import gate, known
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import ONE, Array, Dim
from revcompile.runtime import scatter, scatter_add, scatter_along_axis

SOME_ARE_READ = Numbers(sign=same_sign, zeros=PARTS)
MASKED = Numbers(zeros=CHOSEN)

# -- x[index] ------------------------------------------------------------------------------------


def is_gather(index: Structure) -> bool:
    """Whether an index has an array in it, be it one without axes, so that the result is a copy."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(
        isinstance(p, (list, tuple, range, np.ndarray))
        or (isinstance(p, Value) and (isinstance(p.type, Array) or p.type.dtype.kind == "b"))  # type: ignore[union-attr]
        for p in parts
    )


def is_index_array(part: Any) -> bool:
    """Whether a part of an index is an integer array: one that may name an element twice."""
    if part is None or part is Ellipsis or isinstance(part, (slice, int)):
        return False
    if isinstance(part, (list, tuple)):
        return not is_mask(part)
    return np.ndim(part) > 0 and part.dtype.kind != "b"


def is_mask(part: Any) -> bool:
    """Whether a list in an index is one of truth values."""
    return len(part) > 0 and (is_mask(part[0]) if isinstance(part[0], list) else isinstance(part[0], bool))


def has_index_array(index: Any) -> bool:
    """Whether an index may name an element twice, so that gradients must accumulate."""
    if isinstance(index, tuple):
        return any([is_index_array(part) for part in index])
    return is_index_array(index)


def getitem_dims(facts: Facts, a: Any, index: Any) -> Dims:
    """The axes of `a[index]`, by NumPy's rules of basic and advanced indexing."""
    parts = list(index) if isinstance(index, tuple) else [index]
    dims = dims_of(facts, a)
    rest = len(dims) - sum(map(consumed, parts))
    if rest < 0:
        raise IndexError("too many indices for array")
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    out: list[Dim] = []
    arrays: list[Dims] = []
    places: list[tuple[int, int]] = []  # of each advanced part: its number, and where its axes would go
    axis = 0
    for i, part in enumerate(parts):
        if part is None:
            out.append(ONE)
        elif part is Ellipsis:
            out.extend(dims[axis : axis + rest])
            axis += rest
        elif isinstance(part, slice):
            out.append(sliced(facts, dims[axis], part))
            axis += 1
        else:
            shape = dims_of(facts, part)
            mask = dtype_kind(part) == "b"
            arrays.append((_count(facts, part),) if mask else shape)
            places.append((i, len(out)))
            axis += consumed(part)
    if not any(arrays):
        return tuple(out)
    first, last = places[0], places[-1]
    together = last[0] - first[0] == len(places) - 1
    start = first[1] if together else 0
    return (*out[:start], *facts.broadcast(*arrays), *out[start:])


def _count(facts: Facts, mask: Any) -> Dim:
    """How many elements a mask picks."""
    return facts.counted(mask) if isinstance(mask, Value) else facts.fresh()


def consumed(part: Any) -> int:
    """How many axes one part of an index takes up."""
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, slice) or dtype_kind(part) in "iu":
        return 1
    rank = len(dims_of(Facts(), part))
    if dtype_kind(part) != "b" or rank == 0:
        raise NotImplementedError(
            f"an index must be an integer, a slice, None, ..., or an array; not {part!r}"
        )
    return rank


def zeros_of_index(args: Any, operand: int) -> int:
    """Elements that are not read; that a mask leaves out."""
    index = args[1]
    if takes_all(index):
        return 0
    parts = index if isinstance(index, tuple) else (index,)
    if any(is_mask_part(part) for part in parts):
        return CHOSEN
    return ENDS if all(map(_leaves_out_ends, parts)) else PARTS


def _leaves_out_ends(part: Any) -> bool:
    """Whether a part of an index takes all of an axis but a known number of elements at its ends."""
    if not isinstance(part, slice):
        return part is None or part is Ellipsis
    start = part.start is None or (type(part.start) is int and part.start >= 0)
    stop = part.stop is None or (type(part.stop) is int and part.stop < 0)
    return start and stop and part.step in (None, 1)


def is_mask_part(part: Any) -> bool:
    if isinstance(part, (list, tuple)):
        return is_mask(part)
    return isinstance(part, Value) and part.type.dtype.kind == "b"  # type: ignore[union-attr]


def keeps_order(index: Any) -> bool:
    """Whether a part of what lies in C order does so: numbers, then a slice, then all of the other axes."""
    parts = list(index) if isinstance(index, tuple) else [index]
    while parts and parts[-1] is not None and takes_all(parts[-1]):
        parts.pop()
    if parts and isinstance(parts[-1], slice) and parts[-1].step in (None, 1):
        parts.pop()
    return all(
        [isinstance(p, (int, Value)) and dtype_kind(p) in "iu" and not dims_of(Facts(), p) for p in parts]
    )


@gate(
    operator.getitem,
    kind=Kind.PART,
    odd=True,
    shift=shifts.part,
    memory=Memory.VIEW,
    raises=True,
    copies=lambda a, index: is_gather(index),
    in_order=lambda a, index: "C" if keeps_order(index) else "",
    written="a[index]",
    numbers=Numbers(sign=same_sign, zeros=zeros_of_index),
    dims=getitem_dims,
    linear=((0,),),
    examples=[
        example(real(5), 2),
        example(real(5), -1),
        example(real(5), slice(1, None)),
        example(real(5), slice(None, -1)),
        example(real(5), slice(1, -2)),
        example(real(5), slice(None, 3)),
        example(real(5), slice(-2, None)),
        example(real(5), slice(None, None, 2)),
        example(real(5), slice(None, None, -1)),
        example(real(5), slice(-2, 0, -1)),
        example(real(5), slice(3, 3)),
        example(real(2), slice(3, None)),
        example(real(5), None),
        example(real(5), (None, slice(1, 3), None)),
        example(real(5), Ellipsis),
        example(real(5), ()),
        example(real(3, 4), 1),
        example(real(3, 4), (slice(None), 1)),
        example(real(3, 4), (1, 2)),
        example(real(3, 4), (slice(1, None), slice(None, -1))),
        example(real(2, 3, 4), (Ellipsis, 0)),
        example(real(2, 3, 4), (0, Ellipsis, slice(1, None))),
        example(real(2, 3, 4), (slice(None), None, 1)),
        example(real(5), np.array([0, 2, 2, -1])),
        example(real(5), [0, 2, 2]),
        example(real(5), np.array([[0, 2], [2, 4]])),
        example(real(5), np.zeros(0, int)),
        example(real(3, 4), np.array([0, 2, 0])),
        example(real(3, 4), (np.array([0, 2, 0]), np.array([1, 3, 1]))),
        example(real(3, 4), (np.array([[0], [2]]), np.array([1, 3, 1]))),
        example(real(3, 4), (slice(None), np.array([1, 1]))),
        example(real(3, 4), (np.array([1, 1]), 2)),
        example(real(2, 3, 4), (slice(None), np.array([1, 1]), np.array([0, 0]))),
        example(real(2, 3, 4), (np.array([1, 1]), slice(None), np.array([0, 0]))),
        example(real(2, 3, 4), (0, slice(None), np.array([0, 3, 3, 1]))),
        example(real(2, 3, 4), (Ellipsis, np.array([0, 3, 3, 1]))),
        example(real(2, 3, 4), (None, np.array([0, 1, 1]), Ellipsis, slice(2))),
        example(real(5), np.array([True, False, True, True, False])),
        example(real(3), [True, False, True]),
        example(real(2, 3), np.array([[True, False, True], [False, True, True]])),
        example(real(2, 3), np.array([True, False])),
        example(real(2, 3), (slice(None), np.array([True, False, True]))),
        example(real(2, 3), (np.array([0, 1, 1]), np.array([True, True, True]))),
        example(real(2, 2, 3), (np.array([[True, False], [True, True]]), np.array([1, 1, 0]))),
    ],
)
def getitem(grad_y: Any, a: Any, index: Any) -> Any:
    if np.ndim(a) == 0:
        return grad_y
    if has_index_array(index):
        return scatter_add(grad_y, index, a.shape)
    if takes_all(index):
        return np.reshape(grad_y, a.shape)
    return scatter(grad_y, index, a.shape)


def scatter_dims(facts: Facts, grad: Any, index: Any, shape: Any) -> Dims:
    return shape_dims(facts, shape)


def add_at(old: Any, index: Any, extra: Any) -> Any:
    """Stands for `old[index] += extra`."""


def add_many(old: Any, index: Any, extra: Any) -> Any:
    """Stands for the same where an index may name an element twice: `runtime.add_many`."""


known(add_at, kind=Kind.ADD_AT, writes=True, line=Line.ADD_AT)
known(add_many, writes=True, line=Line.ADD_MANY)


@gate(
    scatter,
    kind=Kind.SCATTER,
    added_to=add_at,
    line=Line.SCATTER,
    numbers=Numbers(within=UNREAD_ITEM),
    dims=scatter_dims,
    examples=[
        example(real(), 2, (4,)),
        example(real(3), slice(1, None), (4,)),
        example(real(2), (slice(None), 1), (2, 3)),
        example(real(2), np.array([True, False, True]), (3,)),
    ],
)
def scatter_(grad_y: Any, grad: Any, index: Any, shape: Any) -> Any:
    return grad_y[index]


@gate(
    scatter_add,
    kind=Kind.SCATTER_SUM,
    added_to=add_many,
    numbers=Numbers(within=UNREAD_ITEM),
    dims=scatter_dims,
    examples=[
        example(real(3), np.array([0, 2, 2]), (4,)),
        example(real(3, 2), np.array([0, 2, 2]), (4, 2)),
        example(real(3), (np.array([0, 2, 2]), np.array([1, 0, 0])), (4, 2)),
        example(real(60, 10), np.arange(60) // 2, (40, 10)),
    ],
)
def scatter_add_(grad_y: Any, grad: Any, index: Any, shape: Any) -> Any:
    return grad_y[index]


# -- take and choose -----------------------------------------------------------------------------


def take_dims(facts: Facts, a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Dims:
    dims = dims_of(facts, a)
    if axis is None or not dims:
        return dims_of(facts, indices)
    axis = normal(axis, len(dims))
    return (*dims[:axis], *dims_of(facts, indices), *dims[axis + 1 :])


def take_of_others(a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    """By truth values, or by floats, which NumPy cuts off."""
    return np.take(a, as_places(indices), axis, mode="raise" if mode is None else mode)


@gate(
    np.take,
    means=of_other_places(take_of_others, 1),
    numbers=SOME_ARE_READ,
    methods=["take"],
    dims=take_dims,
    examples=[
        example(real(5), 2),
        example(real(5), np.array([0, 2, 2])),
        example(real(5), [0, 4, -1], axis=0),
        example(real(5), np.array([0, 7, -7]), mode="wrap"),
        example(real(5), np.array([0, 7, -7]), mode="clip"),
        example(real(3, 4), 5),
        example(real(3, 4), np.array([[0, 11], [5, 5]])),
        example(real(3, 4), 1, axis=1),
        example(real(3, 4), -1, axis=0),
        example(real(3, 4), np.array([2, 2, 0]), axis=0),
        example(real(3, 4), np.array([2, 2, 0, 1, 1]), axis=-1),
        example(real(2, 3, 4), np.array([[2, 2], [0, 1]]), axis=1),
        example(real(3, 4), [3, 9], 0, mode="clip"),
        example(real(5), np.array([True, False, True])),
        example(real(), [0, -1, 0], axis=0),
    ],
)
def take(grad_y: Any, a: Any, indices: Any, axis: Any = None, *, mode: str = "raise") -> Any:
    if np.ndim(a) == 0:
        return np.sum(grad_y)
    shape = (a.size,) if axis is None else a.shape
    axis = 0 if axis is None else axis % a.ndim
    if mode == "wrap":
        indices = np.mod(indices, shape[axis])
    elif mode == "clip":
        indices = np.clip(indices, 0, shape[axis] - 1)
    index = along(axis, list(indices) if isinstance(indices, tuple) else indices)
    grad_a = scatter_add(grad_y, index, shape) if has_index_array(index) else scatter(grad_y, index, shape)
    return grad_a if len(shape) == a.ndim else np.reshape(grad_a, a.shape)


def take_along_axis_dims(facts: Facts, arr: Any, indices: Any, axis: int | None) -> Dims:
    if axis is None:
        return dims_of(facts, indices)
    dims, chosen = list(dims_of(facts, arr)), list(dims_of(facts, indices))
    axis = normal(axis, len(dims))
    dims[axis] = ONE
    picked, chosen[axis] = chosen[axis], ONE
    out = list(facts.broadcast(tuple(dims), tuple(chosen)))
    out[axis] = picked
    return tuple(out)


def take_along_last(arr: Any, indices: Any) -> Any:
    return np.take_along_axis(arr, indices, -1)


@gate(
    np.take_along_axis,
    means=lambda args, kwargs: take_along_last if len(args) == 2 and not kwargs else None,
    numbers=SOME_ARE_READ,
    dims=take_along_axis_dims,
    examples=[
        example(real(5), np.array([0, 2, 2]), 0),
        example(real(3, 4), np.array([[0], [2], [2]]), axis=1),
        example(real(3, 4), np.array([[0, 2, 2, 1, 0]]), axis=-1),
        example(real(3, 4), np.array([[0, 2, 2, 1]]), axis=0),
        example(real(1, 4), np.array([[3], [3], [1]]), axis=1),
        example(real(2, 3, 4), np.array([[[0, 1, 1, 2]]]), axis=1),
        example(real(2, 3), np.array([0, 5, 5]), axis=None),
    ],
)
def take_along_axis(grad_y: Any, arr: Any, indices: Any, axis: Any) -> Any:
    return scatter_along_axis(grad_y, indices, arr.shape, axis)


def scatter_along_axis_dims(facts: Facts, grad: Any, indices: Any, shape: Any, axis: Any) -> Dims:
    return shape_dims(facts, shape)


@gate(
    scatter_along_axis,
    dims=scatter_along_axis_dims,
    examples=[
        example(real(3, 1), np.array([[0], [2], [2]]), (3, 4), 1),
        example(real(3, 5), np.array([[0, 2, 2, 1, 0]]), (3, 4), -1),
        example(real(3, 1), np.array([[3], [3], [1]]), (1, 4), 1),
        example(real(3), np.array([0, 5, 5]), (2, 3), None),
    ],
)
def scatter_along_axis_(grad_y: Any, grad: Any, indices: Any, shape: Any, axis: Any) -> Any:
    return np.take_along_axis(grad_y, indices, axis)


def compress_dims(facts: Facts, condition: Any, a: Any, axis: int | None = None) -> Dims:
    dims = list(dims_of(facts, a))
    if axis is None or not dims:
        return (facts.fresh(),)
    dims[axis] = facts.fresh()
    return tuple(dims)


@gate(
    np.compress,
    numbers=MASKED,
    dims=compress_dims,
    examples=[
        example(np.array([True, False, True]), real(3)),
        example([True, False, True], real(5)),
        example([0, 1], real(3, 4), axis=0),
        example(np.array([True, False, True, True]), real(3, 4), axis=-1),
        example(np.array([True, False, True, True]), real(3, 4)),
        example([True], real(), axis=0),
    ],
)
def compress(grad_y: Any, condition: Any, a: Any, axis: Any = None) -> Any:
    if np.ndim(a) == 0:
        return None, np.sum(grad_y)
    chosen = np.flatnonzero(condition)
    if axis is None:
        return None, np.reshape(scatter(grad_y, chosen, (a.size,)), a.shape)
    return None, scatter(grad_y, along(axis % a.ndim, chosen), a.shape)


def compress_method_dims(facts: Facts, a: Any, condition: Any, axis: int | None = None) -> Dims:
    return compress_dims(facts, condition, a, axis)


@gate(
    np.ndarray.compress,
    numbers=MASKED,
    methods=["compress"],
    dims=compress_method_dims,
    examples=[example(real(3), [True, False, True]), example(real(3, 4), [0, 1], axis=1)],
)
def compress_method(grad_y: Any, a: Any, condition: Any, axis: Any = None) -> Any:
    _, grad_a = compress(grad_y, condition, a, axis)
    return grad_a, None


def extract_dims(facts: Facts, condition: Any, arr: Any) -> Dims:
    return (facts.fresh(),)


@gate(
    np.extract,
    numbers=MASKED,
    dims=extract_dims,
    examples=[
        example(np.array([True, False, True]), real(3)),
        example(np.array([[True, False], [True, True]]), real(2, 2)),
    ],
)
def extract(grad_y: Any, condition: Any, arr: Any) -> Any:
    return None, np.reshape(scatter(grad_y, np.flatnonzero(condition), (arr.size,)), arr.shape)


def choose_dims(facts: Facts, a: Any, choices: Any) -> Dims:
    if not isinstance(choices, (list, tuple)):
        raise NotImplementedError("np.choose: the choices must be a list or a tuple of arrays")
    return facts.broadcast(dims_of(facts, a), *(dims_of(facts, choice) for choice in choices))


def choose_otherwise(a: Any, choices: Any, mode: str = "raise") -> Any:
    """Among the rows of an array; with places beyond them brought back."""
    choices = choices if isinstance(choices, (list, tuple)) else list(choices)
    if mode == "clip":
        a = np.clip(a, 0, len(choices) - 1)
    elif mode == "wrap":
        a = np.mod(a, len(choices))
    return np.choose(a, choices)


def choose_method(*choices: Any, **options: Any) -> Any:
    """`a.choose(x, y)` and `a.choose((x, y))` mean the same."""
    return np.choose, (choices[0] if len(choices) == 1 else choices,), options


METHOD_ADAPTERS["choose"] = choose_method


def means_chosen(args: Any, kwargs: Any) -> Any:
    listed = all(isinstance(c, (list, tuple)) for c in args[1:2])
    return None if listed and "mode" not in kwargs else choose_otherwise


@gate(
    np.choose,
    means=means_chosen,
    numbers=MASKED,
    methods=["choose"],
    dims=choose_dims,
    examples=[
        example(np.array([0, 1, 2, 1]), [real(4), real(4), real(4)]),
        example(np.array([0, 1, 1]), [real(), real(2, 3)]),
        example(np.array([[0], [1]]), (real(3), 1.0)),
        example(1, [real(3), real(3)]),
    ],
)
def choose(grad_y: Any, a: Any, choices: Any) -> Any:
    return None, [np.where(np.equal(a, i), grad_y, 0.0) for i in range(len(choices))]
