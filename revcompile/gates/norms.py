"""Norms of vectors and matrices. Imports NumPy, the gate table, `products` and `reductions`.

At a zero vector or matrix the gradient is zero, as that of `abs` is at 0. Elements that tie for the
largest (or the smallest) magnitude share the gradient equally; rows and columns do the same.
A nuclear or spectral norm where singular values vanish or tie has one of its subgradients.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile.gates import squares
from revcompile.gates.numbers import LOST, POSITIVE, ZERO, Numbers
from revcompile.gates.reductions import restore_axes
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.runtime import safe_divide


def _vector_norm(grad_y: Any, y: Any, x: Any, ord: Any, axis: Any) -> Any:
    """The gradient of a norm along `axis`; `grad_y` and `y` have that axis, with length 1."""
    if ord is None or ord == 2:
        return grad_y * safe_divide(x, y)
    if ord == 1:
        return grad_y * np.sign(x)
    if ord == 0:  # it counts the elements that are not zero
        return None
    if abs(ord) == np.inf:
        extreme = np.sign(x) * (np.abs(x) == y)
        return grad_y * safe_divide(extreme, np.sum(np.abs(extreme), axis, keepdims=axis is not None))
    if ord > 1:
        return grad_y * np.sign(x) * safe_divide(np.abs(x), y) ** (ord - 1)
    return grad_y * safe_divide(np.sign(x), safe_divide(np.abs(x), y) ** (1 - ord))


def _matrix_norm(grad_y: Any, y: Any, x: Any, ord: Any, axis: tuple[int, int]) -> Any:
    """The gradient of a norm over a pair of axes; `grad_y` and `y` have them, with length 1."""
    if ord is None or ord == "fro" or ord == "f":
        return grad_y * safe_divide(x, y)
    if ord == "nuc" or abs(ord) == 2:
        return grad_y * _singular_directions(x, ord, axis)
    if abs(ord) == 1:
        sums, along = np.sum(np.abs(x), axis[0], keepdims=True), axis[1]
    else:
        sums, along = np.sum(np.abs(x), axis[1], keepdims=True), axis[0]
    extreme = np.max(sums, along, keepdims=True) if ord > 0 else np.min(sums, along, keepdims=True)
    shares = np.sign(sums) * (sums == extreme)
    return grad_y * safe_divide(shares, np.sum(shares, along, keepdims=True)) * np.sign(x)


def _singular_directions(x: Any, ord: Any, axis: tuple[int, int]) -> Any:
    """The gradient of the sum of all singular values, of the largest or of the smallest one."""
    plain = x.ndim == 2 and axis[0] % 2 == 0
    matrices = x if plain else np.moveaxis(x, axis, (-2, -1))
    u, s, vh = np.linalg.svd(matrices, full_matrices=False)
    if ord == 2:
        u, s, vh = u[..., :1], s[..., :1], vh[..., :1, :]
    elif ord == -2:
        u, s, vh = u[..., -1:], s[..., -1:], vh[..., -1:, :]
    directions = (u * np.sign(s)[..., None, :]) @ vh
    return directions if plain else np.moveaxis(directions, (-2, -1), axis)


def _pair(axis: Any) -> bool:
    return isinstance(axis, (tuple, list)) and len(axis) == 2


def zeros_of_norm(args: Any, operand: int) -> int:
    """What lost against the largest or the smallest."""
    return LOST if any(isinstance(a, (int, float)) and abs(a) in (1, math.inf) for a in args[1:]) else 0


OF_NORM = Numbers(sign=ZERO | POSITIVE, zeros=zeros_of_norm, reduces=True)


@gate(
    np.linalg.norm,
    squared=squares.of_norm,
    numbers=OF_NORM,
    examples=[
        example(real(4)),
        example(real()),
        example(real(1)),
        example(real(3, 4)),
        example(real(2, 3, 4)),
        example(real(4), keepdims=True),
        example(real(3, 4), keepdims=True),
        example(real(3, 4), axis=0),
        example(real(3, 4), axis=(1,)),
        example(real(2, 3, 4), axis=-1, keepdims=True),
        example(real(3, 1), axis=1),
        *[example(real(4), p) for p in (2, 1, np.inf, -np.inf, 3, 2.5, 0.5, -1, -2, 0)],
        *[example(real(3, 4), p, axis=1) for p in (2, 1, np.inf, -np.inf, 3, 2.5, 0.5, -1, 0)],
        example(real(2, 3, 4), np.inf, axis=1, keepdims=True),
        example(real(2, 3, 4), 3, axis=0, keepdims=True),
        *[example(real(3, 4), p) for p in ("fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)],
        *[example(real(4, 3), p, keepdims=True) for p in ("fro", "nuc", 2, 1, np.inf)],
        *[example(real(2, 4, 3), p, axis=(1, 2)) for p in (None, "fro", "nuc", 2, -2, 1, -np.inf)],
        *[example(real(2, 4, 3), p, axis=(2, 0)) for p in ("fro", "nuc", 2, -2, 1, -1, np.inf)],
        *[example(real(2, 4, 3), p, axis=(-3, -1), keepdims=True) for p in ("fro", "nuc", 1)],
        *[example(real(4, 3), p, axis=(1, 0)) for p in ("nuc", 2, 1, np.inf)],
    ],
)
def norm(grad_y: Any, y: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    upstream, value = restore_axes(grad_y, axis, keepdims), restore_axes(y, axis, keepdims)
    if _pair(axis):
        return _matrix_norm(upstream, value, x, ord, axis)
    if axis is None and ord is not None and np.ndim(x) == 2:
        return _matrix_norm(upstream, value, x, ord, (0, 1))
    return _vector_norm(upstream, value, x, ord, axis)


@gate(
    np.linalg.vector_norm,
    squared=squares.of_vector_norm,
    numbers=OF_NORM,
    examples=[
        example(real(4)),
        example(real(3, 4)),
        example(real(3, 4), axis=0),
        example(real(2, 3, 4), axis=(0, 2)),
        example(real(2, 3), axis=(0, 1), keepdims=True),
        *[example(real(2, 3), ord=p) for p in (1, np.inf, -np.inf, 3, 0.5)],
        *[example(real(2, 3, 4), ord=p, axis=(0, 2)) for p in (1, np.inf, -np.inf, 3)],
        example(real(2, 3), ord=np.inf, axis=-1, keepdims=True),
    ],
)
def vector_norm(
    grad_y: Any, y: Any, x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    upstream, value = restore_axes(grad_y, axis, keepdims), restore_axes(y, axis, keepdims)
    return _vector_norm(upstream, value, x, ord, axis)


@gate(
    np.linalg.matrix_norm,
    squared=squares.of_matrix_norm,
    numbers=Numbers(sign=ZERO | POSITIVE, zeros=LOST),
    examples=[
        example(real(3, 4)),
        example(real(2, 3, 4), keepdims=True),
        *[example(real(2, 3, 4), ord=p) for p in ("nuc", 2, -2, 1, -1, np.inf, -np.inf)],
    ],
)
def matrix_norm(grad_y: Any, y: Any, x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    upstream, value = restore_axes(grad_y, (-2, -1), keepdims), restore_axes(y, (-2, -1), keepdims)
    return _matrix_norm(upstream, value, x, ord, (-2, -1))
