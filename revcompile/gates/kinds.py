"""Of what kind numbers are that are of several: Python's or NumPy's, of 64 bits or of fewer.

The type of a result of such numbers; `infer` gives it for numbers of one kind. Imports the IR's types.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from itertools import islice, product
from typing import Any

import numpy as np

from revcompile.errors import HostError
from revcompile.gates.record import is_pythons
from revcompile.ir.nodes import Value, leaves, map_structure, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.types import FLOAT, Array, Rows, Scalar, scalar_type

MANY = 16  # of numbers that are of several kinds, as many combinations are tried
NUMPY_FLOAT = Scalar(np.dtype(float))
Infer = Callable[[Any], Any]


def of_any_kind(infer: Infer, args: tuple[Any, ...]) -> Any:
    """The types where only the run knows of what kind numbers are: what their kinds give that do not fail."""
    kinds = {v: v.type.kinds for v in leaves(args) if isinstance(v.type, Scalar) and v.type.varies}
    found: list[Any] = []
    failures: list[HostError] = []
    for which in range(max(map(len, kinds.values()))):

        def of_kind(v: Value, i: int = which) -> Value:
            return Value(kinds[v][min(i, len(kinds[v]) - 1)]) if v in kinds else v

        try:
            found.append(infer(map_values(of_kind, args)))
        except HostError as e:
            failures.append(e)
    if not found:
        raise failures[0]
    return reduce(_either_kind, found)


def has_others(v: Value) -> bool:
    return isinstance(v.type, (Scalar, Rows)) and bool(v.type.others)


def of_others(function: Callable[..., Any], infer: Infer, args: tuple[Any, ...]) -> Any:
    """The type of a number that is computed of such as are of other types on some ways in the program."""
    failure: HostError | None = None
    found: Any = None
    try:
        found = infer(args)
    except HostError as e:  # what the program raises on one way only, as `math.trunc` of 32 bits
        failure = e
    if failure is None and not isinstance(found, Scalar):
        return found
    several = [v for v in dict.fromkeys(leaves(args)) if has_others(v)]
    numbers = [v for v in several if isinstance(v.type, Scalar)]
    types = [found] if failure is None else []
    for kinds in islice(product(*(v.type.possible for v in numbers)), MANY):  # type: ignore[union-attr]
        chosen = dict(zip(numbers, map(Value, kinds), strict=True))
        try:
            t = infer(map_values(partial(_chosen, chosen), args))
        except HostError:  # a Python number has no such method
            continue
        types += [t] if isinstance(t, Scalar) else []
    if failure is not None:
        if not types:
            raise failure
        found = types[0]
    if is_pythons(function) and found.dtype.kind == "f":  # an item of a list, or a sum of them
        types += [t for v in several if isinstance(v.type, Rows) for t in v.type.others]
    return found.one_of(*types)


def _chosen(chosen: dict[Value, Value], v: Value) -> Value:
    return chosen.get(v, v)


def _either_kind(a: Any, b: Any) -> Any:
    """The type of a result that has one of two."""
    if isinstance(a, (tuple, list)):
        items = [_either_kind(x, y) for x, y in zip(a, b, strict=True)]
        return type(a)(*items) if hasattr(a, "_fields") else type(a)(items)
    if isinstance(a, Array) and isinstance(b, Array):
        return replace(a, dtype=np.result_type(a.dtype, b.dtype))
    if not (isinstance(a, Scalar) and isinstance(b, Scalar)) or not a.dtype.kind == b.dtype.kind == "f":
        return a
    if a == b:
        return a
    if a.python or b.python:
        return replace(b if a.python else a, varies=True)
    return Scalar(np.result_type(a.dtype, b.dtype), varies=True)


def one_of(found: Any, args: Any) -> Any:
    """The type of what is one of several numbers, which one the run decides: a float, if one of them is."""
    numbers: list[Scalar] = []
    map_structure(lambda x: numbers.extend(_types_of_numbers(x)), args)
    floats = [v.type for v in leaves(args) if isinstance(v.type, Scalar) and v.type.dtype.kind == "f"]
    is_whole = isinstance(found, Scalar) and found.dtype.kind in "iub"
    if NUMPY_FLOAT in floats and found == FLOAT:
        found = NUMPY_FLOAT
    elif is_whole and floats:
        found = min(floats, key=lambda t: t.python)
    return found.one_of(*numbers) if isinstance(found, Scalar) else found


def _types_of_numbers(x: Any) -> list[Scalar]:
    """The type of a number, or of the elements of an array; none of anything else."""
    if isinstance(x, (bool, int, float, np.generic)):
        return [scalar_type(x)]
    t = x.type if isinstance(x, Value) else None
    return [t] if isinstance(t, Scalar) else [Scalar(t.dtype)] if isinstance(t, Array) else []
