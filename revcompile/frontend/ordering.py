"""What compares numbers that only the run knows: `sorted`, `max` and `min`, with and without a key.

Imports the abstract values and the branches, by which one of several things is picked.
"""

from __future__ import annotations

import ast
import operator
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.frontend import growing, objects
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.prelude import extreme_or
from revcompile.ir.nodes import Structure, Value, is_static
from revcompile.ir.types import FLOAT, Array, Scalar, scalar_type
from revcompile.statements import branch
from revcompile.syntax.mutable import is_growing
from revcompile.syntax.operators import COMPARE

NUMPY_FLOAT = Scalar(np.dtype(float))
Args = tuple[Any, ...]


# -- in order ------------------------------------------------------------------------------------


def sorted_(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    key = kwargs.get("key")
    reverse = bool(low.static(kwargs.get("reverse", False), "as reverse= of sorted"))
    if isinstance(args[0], Value):
        t = args[0].type
        if key is not None or type(t) is not Array or len(t.dims) != 1:
            return NotImplemented
        ordered = low.apply(np.sort, args, {})
        if reverse:
            ordered = low.apply(operator.getitem, (ordered, slice(None, None, -1)), {})
        return low.invoke(list, ordered)
    items = low.items(args[0])
    keys = items if key is None else [low.invoke(key, x) for x in items]
    if key is None and items and all(isinstance(k, Value) and not k.type.dims for k in keys):
        return low.own(_sorted_numbers(low, keys, reverse))
    keys = [_decisive(k, keys) for k in keys]
    if not is_static(keys) and _are_numbers(keys):
        return low.own(_arranged(low, items, _order(low, keys, reverse)))
    keys = low.static(keys, "as what sorted compares")
    order = sorted(range(len(items)), key=keys.__getitem__, reverse=reverse)
    return low.own([items[i] for i in order])


def _are_numbers(keys: list[Structure]) -> bool:
    """Whether all are numbers, or all are tuples of as many numbers."""
    if all(type(k) is tuple and len(k) == len(keys[0]) for k in keys):
        return all(_is_number(x) for k in keys for x in k)
    return all(map(_is_number, keys))


def _is_number(x: Structure) -> bool:
    if isinstance(x, Value):
        return isinstance(x.type, Scalar) and x.type.dtype.kind in "fi"
    return type(x) in (int, float)


def _order(low: Lowering, keys: list[Structure], reverse: bool) -> Structure:
    """Where what comes first, second ... stands. Tuples: by their last numbers, then by those before."""
    columns = list(zip(*keys, strict=True)) if isinstance(keys[0], tuple) else [keys]
    order = None
    for column in reversed(columns):
        numbers = low.apply(np.array, (list(column),), {})
        if reverse:  # what is equal keeps its order then, too
            numbers = low.apply(operator.neg, (numbers,), {})
        if order is not None:
            numbers = low.apply(operator.getitem, (numbers, order), {})
        step = low.apply(np.argsort, (numbers,), {"kind": "stable"})
        order = step if order is None else low.apply(operator.getitem, (order, step), {})
    return order


def _arranged(low: Lowering, items: list[Structure], order: Structure) -> list[Structure]:
    among = growing.begin(low, items)
    return [
        growing.get_item(low, among, low.apply(operator.getitem, (order, i), {})) for i in range(len(items))
    ]


def _sorted_numbers(low: Lowering, keys: list[Value], reverse: bool) -> list[Structure]:
    """Run-time numbers in order: the elements of a sorted array."""
    ordered = low.apply(np.sort, (low.apply(np.array, (keys,), {}),), {})
    kinds = [k.type if isinstance(k, Value) else scalar_type(k) for k in keys]
    one = Scalar(ordered.type.dtype).one_of(*(k for k in kinds if isinstance(k, Scalar)))
    out = [low.builder.emit(operator.getitem, (ordered, i), one) for i in range(len(keys))]
    if all(isinstance(k.type, Scalar) and k.type.python and k.type.dtype.kind == "f" for k in keys):
        out = [low.apply(float, (x,), {}) for x in out]
    out = [_one_of(low, keys, x) for x in out]
    return out[::-1] if reverse else out


def _decisive(key: Structure, keys: list[Structure]) -> Structure:
    """The part of a tuple that comparisons get to: `("a", x)` is compared by "a" if no two begin so."""
    if isinstance(key, tuple) and not is_static(key):
        for n in range(1, len(key)):
            heads = [k[:n] for k in keys if isinstance(k, tuple)]
            if all(map(is_static, heads)) and len(heads) == len(keys):
                if all(a != b for i, a in enumerate(heads) for b in heads[:i]):
                    return key[:n]
    return key


# -- the greatest and the least -----------------------------------------------------------------


def extreme(low: Lowering, args: Args, kwargs: dict[str, Any], function: Any) -> Structure:
    """`max(..., key=..., default=...)`, and of the items of what is no list."""
    if isinstance(args[0], Value) and len(args) == 1:
        if "default" in kwargs and "key" not in kwargs:
            return low.read(extreme_or, (function, args[0], kwargs["default"]), {}, low.frames[-1])
        return NotImplemented
    if len(args) == 1 and is_growing(args[0]) and growing.first_rows(low, args[0]) is not None:
        return growing.extreme(low, args[0], kwargs, function)
    items = low.items(args[0]) if len(args) == 1 else list(args)
    if not items and "default" in kwargs:
        return kwargs["default"]
    key = kwargs.get("key")
    if key is None and not any(isinstance(x, tuple) for x in items):
        if any(map(objects.is_object, items)):
            raise UnsupportedError(f"{function.__name__} of objects is not supported")
        if is_static(items) and items:
            return function(items)
        if any(isinstance(x, list) for x in items):
            raise UnsupportedError(f"{function.__name__} of lists is not supported")
        if not items:
            return NotImplemented
        if len(items) == 1:
            return items[0]
        alike = _of_one_kind(low, items)
        return _one_of(low, items, low.apply(function, (alike,) if len(args) == 1 else tuple(alike), {}))
    return _extreme_by(low, items, items if key is None else [low.invoke(key, x) for x in items], function)


def _extreme_by(low: Lowering, items: list[Structure], keys: list[Structure], function: Any) -> Structure:
    """The first of the items whose key is the greatest, or the least."""
    keys = [_decisive(k, keys) for k in keys]
    if is_static(keys) or not _are_numbers(keys):
        keys = low.static(keys, f"as what {function.__name__} compares")
        return items[keys.index(function(keys))]
    if isinstance(keys[0], tuple):
        return _arranged(low, items, _order(low, keys, reverse=function is max))[0]
    return _best(low, items, keys, COMPARE[ast.Gt if function is max else ast.Lt])


def _best(low: Lowering, items: list[Structure], keys: list[Structure], better: Any) -> Structure:
    """The first of the items whose key is better than all before it."""
    best, highest = items[0], keys[0]
    for item, key in zip(items[1:], keys[1:], strict=True):
        best, highest = branch.choose(
            low,
            low.frames[-1],
            low.operate(better, key, highest),
            lambda item=item, key=key: (item, key),  # type: ignore[misc]
            lambda best=best, highest=highest: (best, highest),  # type: ignore[misc]
        )
    return best


def _one_of(low: Lowering, items: list[Structure], picked: Value) -> Value:
    """Note that `picked` is one of `items`: of arrays without axes, the array itself."""
    may_be_arrays = low.memory.may_be_arrays
    single = [x for x in items if isinstance(x, Value) and isinstance(x.type, Array) and not x.type.dims]
    if isinstance(picked.type, Array):
        low.memory.relate([picked], single)
    elif single or not may_be_arrays.isdisjoint(x for x in items if isinstance(x, Value)):
        may_be_arrays.add(picked)
    return picked


def _of_one_kind(low: Lowering, items: list[Structure]) -> list[Structure]:
    """Python's and NumPy's floats together as NumPy's: otherwise the result may be of either kind.

    So with an array of one number, where not all are such.
    """
    single = [isinstance(x, Value) and isinstance(x.type, Array) and not x.type.dims for x in items]
    if not all(single):
        items = [low.apply(x.type.dtype.type, (x,), {}) if s else x for x, s in zip(items, single)]
    types = [x.type for x in items if isinstance(x, Value) and isinstance(x.type, Scalar)]
    if NUMPY_FLOAT not in types:
        return items
    made = NUMPY_FLOAT.one_of(FLOAT)  # the program leaves it one of Python's
    floats = [isinstance(x, Value) and x.type == FLOAT for x in items]
    return [low.builder.emit(np.float64, (x,), made) if f else x for x, f in zip(items, floats)]
