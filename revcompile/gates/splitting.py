"""Splitting: split, array_split and their kin.

The gradient of a split is joined. Imports NumPy, the gate table and the axis arithmetic.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from revcompile.gates.axes import Dims, along, dims_of, is_value, normal
from revcompile.gates.compositions import as_array
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim

MAX_PARTS = 2_000


def rejoin(grad_y: Any, y: Any, axis: int) -> Any:
    """The gradients of the parts of an array, joined; zeros for a part that nothing flows back from."""
    return np.concatenate(
        [np.zeros(part.shape, part.dtype) if grad is None else grad for grad, part in zip(grad_y, y)], axis
    )


def array_split_dims(facts: Facts, ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Dims]:
    dims = dims_of(facts, ary)
    axis = normal(axis, len(dims))
    before, d, after = dims[:axis], dims[axis], dims[axis + 1 :]
    if isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        bounds = [0, *indices_or_sections, None]
        given = [b for b in bounds if b is not None and not is_value(b)]
        if given != sorted(given) or given[:1] != [0]:
            raise NotImplementedError("parts that overlap: the places where to split must be in order")
        lengths = [
            Dim(size=len(range(*slice(a, b).indices(d.size))))
            if d.size is not None and not is_value(a) and not is_value(b)
            else facts.fresh()
            for a, b in pairwise(bounds)
        ]
    elif is_value(indices_or_sections):
        raise NotImplementedError("the number of parts must be known while compiling")
    elif indices_or_sections > MAX_PARTS:
        raise NotImplementedError(f"an array in more than {MAX_PARTS:,} parts")
    elif d.size is not None:
        parts = indices_or_sections
        lengths = [Dim(size=d.size // parts + (i < d.size % parts)) for i in range(parts)]
    else:
        lengths = [facts.fresh() for _ in range(indices_or_sections)]
    return [(*before, length, *after) for length in lengths]


def split_dims(facts: Facts, ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Dims]:
    parts = array_split_dims(facts, ary, indices_or_sections, axis)
    if not isinstance(indices_or_sections, (tuple, list, np.ndarray)):
        return parts[:1] * len(parts)  # equal parts
    return parts


def parts_of(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The parts of `np.array_split`, one by one."""
    if isinstance(indices_or_sections, (list, tuple, np.ndarray)):
        return parts_between(ary, list(indices_or_sections), axis)
    ary = as_array(ary)
    length, more = divmod(ary.shape[axis], indices_or_sections)
    return parts_between(ary, [i * length + min(i, more) for i in range(1, indices_or_sections)], axis)


def parts_between(ary: Any, ends: Any, axis: int) -> Any:
    ary = as_array(ary)
    axis = axis % ary.ndim
    return [ary[along(axis, slice(start, end))] for start, end in zip([None, *ends], [*ends, None])]


def equal_parts_of(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    if isinstance(indices_or_sections, (list, tuple, np.ndarray)):
        return parts_between(ary, list(indices_or_sections), axis)
    length, more = divmod(ary.shape[axis], indices_or_sections)
    if more != 0:
        raise ValueError("array split does not result in an equal division")
    return parts_between(ary, [i * length for i in range(1, indices_or_sections)], axis)


def at_odd_places(parts: Any) -> Any:
    """What a split means at places that are not in order, or are in an array: its parts, one by one."""

    def means(args: Any, kwargs: Any) -> Any:
        places = args[1] if len(args) > 1 else kwargs.get("indices_or_sections")
        if is_value(places):
            return parts if len(places.type.dims) == 1 else None
        numbers = [b for b in places if not is_value(b)] if isinstance(places, (list, tuple)) else []
        return parts if [0, *numbers] != sorted([0, *numbers]) else None

    return means


def rows_of(ary: Any, indices_or_sections: Any) -> Any:
    return equal_parts_of(ary, indices_or_sections, 0)


def columns_of(ary: Any, indices_or_sections: Any) -> Any:
    return equal_parts_of(ary, indices_or_sections, min(ary.ndim - 1, 1))


def layers_of(ary: Any, indices_or_sections: Any) -> Any:
    return equal_parts_of(ary, indices_or_sections, 2)


SPLITS = (
    example(real(6), 3),
    example(real(6), (2, 5)),
    example(real(4, 6), 2),
    example(real(4, 6), [1, 2], axis=1),
    example(real(2, 3, 4), 2, axis=-1),
)


@gate(
    np.split,
    memory=Memory.SHARED,
    parts=equal_parts_of,
    means=at_odd_places(equal_parts_of),
    dims=split_dims,
    examples=SPLITS,
)
def split(grad_y: Any, y: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return rejoin(grad_y, y, axis)


@gate(
    np.array_split,
    memory=Memory.SHARED,
    parts=parts_of,
    means=at_odd_places(parts_of),
    dims=array_split_dims,
    examples=[*SPLITS, example(real(7), 3), example(real(2), 3), example(real(3, 5), 2, axis=1)],
)
def array_split(grad_y: Any, y: Any, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return rejoin(grad_y, y, axis)


def vsplit_dims(facts: Facts, ary: Any, indices_or_sections: Any) -> list[Dims]:
    return split_dims(facts, ary, indices_or_sections, 0)


@gate(
    np.vsplit,
    memory=Memory.SHARED,
    parts=rows_of,
    means=at_odd_places(rows_of),
    dims=vsplit_dims,
    examples=[example(real(4, 3), 2), example(real(4, 3), [1])],
)
def vsplit(grad_y: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoin(grad_y, y, 0)


def hsplit_dims(facts: Facts, ary: Any, indices_or_sections: Any) -> list[Dims]:
    return split_dims(facts, ary, indices_or_sections, min(len(dims_of(facts, ary)) - 1, 1))


@gate(
    np.hsplit,
    memory=Memory.SHARED,
    parts=columns_of,
    means=at_odd_places(columns_of),
    dims=hsplit_dims,
    examples=[example(real(4), 2), example(real(3, 4), [1])],
)
def hsplit(grad_y: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoin(grad_y, y, min(ary.ndim - 1, 1))


def dsplit_dims(facts: Facts, ary: Any, indices_or_sections: Any) -> list[Dims]:
    return split_dims(facts, ary, indices_or_sections, 2)


@gate(
    np.dsplit,
    memory=Memory.SHARED,
    parts=layers_of,
    means=at_odd_places(layers_of),
    dims=dsplit_dims,
    examples=[example(real(2, 3, 4), 2), example(real(2, 3, 4), [1])],
)
def dsplit(grad_y: Any, y: Any, ary: Any, indices_or_sections: Any) -> Any:
    return rejoin(grad_y, y, 2)
