"""Sorting. Imports NumPy and the gate table. The gradient of a permutation is the inverse permutation."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import dims_of
from revcompile.gates.numbers import Numbers, same_sign
from revcompile.gates.record import Gate
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate, known, register
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Array, Scalar, Type

known(np.argsort, np.argpartition, np.searchsorted, methods=["argsort", "argpartition", "searchsorted"])


def digitize_types(facts: Facts, x: Any, bins: Any, right: Any = False) -> Type:
    """Examples would not do: the bins must be in order."""
    dims = dims_of(facts, x)
    return Array(np.dtype(np.intp), dims) if dims else Scalar(np.dtype(np.intp))


register(Gate("digitize", (np.digitize,), np.digitize, types=digitize_types))


def sorted_along(tangent_a: Any, a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    """The tangents in the order of the elements."""
    if axis is None:
        return np.reshape(tangent_a, -1)[np.argsort(np.reshape(a, -1))]
    order = np.argsort(a, axis)
    return tangent_a[order] if a.ndim == 1 else np.take_along_axis(tangent_a, order, axis)


@gate(
    np.sort,
    tangent=sorted_along,
    numbers=Numbers(sign=same_sign),
    examples=[
        example(real(5)),
        example(real(1)),
        example(real(6), axis=0),
        example(real(5), axis=None),
        example(real(3, 4)),
        example(real(3, 4), axis=0, kind="stable"),
        example(real(3, 1), axis=1),
        example(real(3, 4), axis=None),
        example(real(2, 3, 4), axis=-2),
        example(real(2, 3, 4), stable=True),
    ],
)
def sort(grad_y: Any, a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Any:
    ranks = np.argsort(np.argsort(a, axis), axis)  # where each element went
    if a.ndim == 1:
        return grad_y[ranks]
    if axis is None:
        return np.reshape(grad_y[ranks], a.shape)
    return np.take_along_axis(grad_y, ranks, axis)
