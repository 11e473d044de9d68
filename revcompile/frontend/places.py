"""Going through the places of arrays: `np.ndindex`, `np.ndenumerate`, `np.nditer`.

Each is one loop over the places, as they are counted in C order; an index is made of the number of its place.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, Scalar
from revcompile.statements.iterables import Iteration, zipped

Args = tuple[Structure, ...]


def _indices(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    """`np.ndindex(*shape)`"""
    shape = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    is_counted = all(
        isinstance(n, int) or (isinstance(n, Value) and isinstance(n.type, Scalar)) for n in shape
    )
    if kwargs or not is_counted:
        return NotImplemented
    low.steer(shape)
    return Iteration(lambda: _size(low, shape), lambda i: _index(low, shape, i))


def _items_with_indices(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    """`np.ndenumerate(x)`"""
    (x,) = args if args else (kwargs.get("arr"),)
    x = low.apply(np.array, (x,), {}) if isinstance(x, (list, tuple)) else x
    if not _is_array(x):
        return NotImplemented
    shape = low.attribute(x, "shape", None)  # type: ignore[arg-type]

    def item(i: Structure) -> Structure:
        index = _index(low, shape, i)
        return index, low.apply(operator.getitem, (x, index), {})

    return Iteration(lambda: _size(low, shape), item)


def _items(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    """`np.nditer(x)`, `np.nditer([x, y])`, of which the numbers are read"""
    op: Any = args[0] if args else None
    order = kwargs.get("order", "K")
    several = isinstance(op, (list, tuple))
    arrays = list(op) if several else [op]
    if len(args) != 1 or kwargs.keys() - {"order"} or not all(map(_is_array, arrays)):
        if any(map(_is_array, arrays)):
            raise UnsupportedError(
                "this form of np.nditer is not supported: it takes an array, or a list of arrays, and order="
            )
        return NotImplemented
    if order != "C" and any(low.memory.order_followed(x) != "C" for x in arrays):
        raise UnsupportedError(
            "np.nditer goes through an array as it lies in memory, which is not known here",
            way_out='Say order="C", or go through x.flat.',
        )
    if several:
        arrays = list(low.apply(np.broadcast_arrays, tuple(arrays), {}))
    flat = [low.iteration(low.apply(np.ravel, (x,), {})) for x in arrays]
    return zipped(low, flat) if several else flat[0]


def _is_array(x: Structure) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Array)


def _size(low: Lowering, shape: Structure) -> Structure:
    return reduce(lambda m, n: low.operate(operator.mul, m, n), shape) if shape else 1


def _index(low: Lowering, shape: Structure, i: Structure) -> Structure:
    """The index of a place by its number."""
    index = []
    for n in shape[:0:-1]:
        n = 1 if not isinstance(n, Value) and n == 0 else n  # of which there is no place
        index.append(low.operate(operator.mod, i, n))
        i = low.operate(operator.floordiv, i, n)
    return (i, *index[::-1]) if shape else ()


SPECIAL: dict[Any, Any] = {
    np.ndindex: _indices,
    np.ndenumerate: _items_with_indices,
    np.nditer: _items,
}
