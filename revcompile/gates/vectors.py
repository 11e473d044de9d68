"""Products of vectors, and of stacks of them: cross, vecdot, matvec, vecmat.

Imports NumPy, the gate table and `products`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import UnknownLength, dims_of, must_agree
from revcompile.gates.compositions import as_array, when_given
from revcompile.gates.products import Dims, axes_of, outer_product
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Dim

OF_PAIRS = np.lib.NumpyVersion(np.__version__) < "2.5.0"  # whether np.cross takes vectors of length 2


def _vector_axes(rank_a: int, rank_b: int, axisa: int, axisb: int, axisc: int, axis: Any) -> Any:
    """Where the vectors lie in a, b and a × b, counted from the end."""
    if axis is not None:
        axisa = axisb = axisc = axis
    ranks = (rank_a, rank_b, max(rank_a, rank_b))
    return tuple(i % n - n for i, n in zip((axisa, axisb, axisc), ranks, strict=True))


def _crossed(a: Any, b: Any, axes: tuple[int, int, int]) -> Any:
    """The cross product by the function that refuses vectors of length 2: these rules are not for them."""
    if axes == (-1, -1, -1):
        return np.linalg.cross(a, b)
    product = np.linalg.cross(np.moveaxis(a, axes[0], -1), np.moveaxis(b, axes[1], -1))
    return np.moveaxis(product, -1, axes[2])


def _without(dims: Dims, axis: int) -> Dims:
    return dims[: axis % len(dims)] + dims[axis % len(dims) + 1 :]


def _cross_dims(
    facts: Facts, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Dims:
    a, b = axes_of(a), axes_of(b)
    at_a, at_b, at_c = _vector_axes(len(a), len(b), axisa, axisb, axisc, axis)
    for length in (a[at_a], b[at_b]):
        if OF_PAIRS and facts.alike(length, Dim(size=2)):  # see `cross_in_plane`: read where that is plain
            raise UnknownLength("vectors of length 2")
        must_agree(facts, length, Dim(size=3))
    batch = facts.broadcast(_without(a, at_a), _without(b, at_b))
    at_c += len(batch) + 1
    return (*batch[:at_c], Dim(size=3), *batch[at_c:])


def means_cross(args: Any, kwargs: Any) -> Any:
    """What a cross product is of vectors one of which has length 2."""
    named = dict(zip(("a", "b", "axisa", "axisb", "axisc", "axis"), args, strict=False)) | kwargs
    dims = [dims_of(Facts(), x) for x in (named.get("a"), named.get("b"))]
    ats = [
        named.get("axis") if named.get("axis") is not None else named.get(n, -1) for n in ("axisa", "axisb")
    ]
    if not all(dims) or not all(isinstance(at, int) for at in ats):
        return None
    lengths = [d[at].size for d, at in zip(dims, ats, strict=True) if -len(d) <= at < len(d)]
    return cross_in_plane if OF_PAIRS and 2 in lengths and None not in lengths else None


def cross_in_plane(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    """Of vectors of length 2 NumPy gives the last component; where the other has length 3, all three."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    last = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if a.shape[-1] == b.shape[-1]:
        return last
    if a.shape[-1] == 2:
        parts = [a[..., 1] * b[..., 2], -(a[..., 0] * b[..., 2]), last]
    else:
        parts = [-(a[..., 2] * b[..., 1]), a[..., 2] * b[..., 0], last]
    return np.moveaxis(np.stack(parts, -1), -1, axisc)


@gate(
    np.cross,
    means=means_cross,
    dims=_cross_dims,
    examples=[
        example(real(3), real(3)),
        example(real(2, 3), real(2, 3)),
        example(real(2, 3), real(3)),
        example(real(3), real(2, 3)),
        example(real(2, 1, 3), real(4, 3)),
        example(real(3, 2), real(3, 2), axis=0),
        example(real(2, 3, 4), real(2, 3, 4), axis=1),
        example(real(3, 2), real(2, 3), axisa=0),
        example(real(3, 2), real(4, 2, 3), axisa=0, axisc=1),
        example(real(2, 3, 4), real(3), axisa=1, axisb=0, axisc=0),
    ],
)
def cross(
    grad_y: Any, a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    in_a, in_b, in_y = _vector_axes(a.ndim, b.ndim, axisa, axisb, axisc, axis)
    grad_a = _crossed(b, grad_y, (in_b, in_y, in_a))
    grad_b = _crossed(grad_y, a, (in_y, in_a, in_b))
    return grad_a, grad_b


def _linalg_cross_dims(facts: Facts, a: Any, b: Any, axis: int = -1) -> Dims:
    return _cross_dims(facts, a, b, axis=axis)


@gate(
    np.linalg.cross,
    name="cross",
    dims=_linalg_cross_dims,
    examples=[
        example(real(3), real(3)),
        example(real(2, 3), real(3)),
        example(real(3, 2), real(3, 2), axis=0),
    ],
)
def linalg_cross(grad_y: Any, a: Any, b: Any, /, *, axis: int = -1) -> Any:
    axes = _vector_axes(a.ndim, b.ndim, -1, -1, -1, axis)
    return _crossed(b, grad_y, axes), _crossed(grad_y, a, axes)


def _vecdot_dims(facts: Facts, a: Any, b: Any, axis: int = -1) -> Dims:
    a, b = axes_of(a), axes_of(b)
    facts.unify(a[axis], b[axis])
    return facts.broadcast(_without(a, axis), _without(b, axis))


def vecdot_kept(a: Any, b: Any, /, *, axis: int = -1, keepdims: Any) -> Any:
    y = np.vecdot(a, b, axis=axis)
    return np.expand_dims(y, axis) if keepdims else y


@gate(
    np.vecdot,
    np.linalg.vecdot,
    means=when_given(vecdot_kept, "keepdims"),
    dims=_vecdot_dims,
    examples=[
        example(real(3), real(3)),
        example(real(2, 3), real(2, 3)),
        example(real(2, 3), real(3)),
        example(real(3), real(4, 2, 3)),
        example(real(3, 2), real(3, 2), axis=0),
        example(real(4, 3, 2), real(3, 2), axis=-2),
        example(real(3, 2), real(3, 5, 2), axis=0),
    ],
)
def vecdot(grad_y: Any, a: Any, b: Any, /, *, axis: int = -1) -> Any:
    if a.ndim == 1 and b.ndim == 1:
        return grad_y * b, grad_y * a
    in_a, in_b = axis % a.ndim - a.ndim, axis % b.ndim - b.ndim
    if in_a == in_b:
        upstream = np.expand_dims(grad_y, in_a)
        return upstream * b, upstream * a
    upstream = grad_y[..., None]
    grad_a = np.moveaxis(upstream * np.moveaxis(b, in_b, -1), -1, in_a)
    grad_b = np.moveaxis(upstream * np.moveaxis(a, in_a, -1), -1, in_b)
    return grad_a, grad_b


def _matvec_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    facts.unify(a[-1], b[-1])
    return (*facts.broadcast(a[:-2], b[:-1]), a[-2])


def _vecmat_dims(facts: Facts, a: Any, b: Any) -> Dims:
    a, b = axes_of(a), axes_of(b)
    facts.unify(a[-1], b[-2])
    return (*facts.broadcast(a[:-1], b[:-2]), b[-1])


def _since_2_2(name: str) -> list[Any]:
    """A function that the older NumPys which we support do not have."""
    return [getattr(np, name)] if hasattr(np, name) else []


@gate(
    *_since_2_2("matvec"),
    dims=_matvec_dims,
    examples=[
        example(real(2, 3), real(3)),
        example(real(4, 2, 3), real(4, 3)),
        example(real(2, 3), real(4, 3)),
        example(real(4, 2, 3), real(3)),
        example(real(1, 2, 3), real(4, 3)),
    ],
)
def matvec(grad_y: Any, a: Any, b: Any, /) -> Any:
    if a.ndim == 2 and b.ndim == 1:
        return np.outer(grad_y, b), grad_y @ a
    return outer_product(grad_y, b), np.vecmat(grad_y, a)


@gate(
    *_since_2_2("vecmat"),
    dims=_vecmat_dims,
    examples=[
        example(real(3), real(3, 2)),
        example(real(4, 3), real(4, 3, 2)),
        example(real(4, 3), real(3, 2)),
        example(real(3), real(4, 3, 2)),
        example(real(1, 3), real(4, 3, 2)),
    ],
)
def vecmat(grad_y: Any, a: Any, b: Any, /) -> Any:
    if a.ndim == 1 and b.ndim == 2:
        return b @ grad_y, np.outer(a, grad_y)
    return np.matvec(b, grad_y), outer_product(a, grad_y)
