"""What compositions share: arguments as arrays, options that a rule does not take. Imports NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import dtype_kind
from revcompile.gates.record import Function


def as_array(x: Any, dtype: Any = None) -> Any:
    """In a composition: `x` as an array, for which NumPy takes numbers and lists too."""
    if dtype is not None:
        return np.asarray(x, dtype)
    return x if isinstance(x, np.ndarray) else np.asarray(x)


def when_given(meaning: Function, *names: str) -> Function:
    """What a gate `means` where one of these keywords is passed, which its rule does not take."""
    return lambda args, kwargs: meaning if not kwargs.keys().isdisjoint(names) else None


def as_places(x: Any) -> Any:
    """Places, or counts, that are truth values or floats: NumPy cuts off what is behind the point."""
    if isinstance(x, (list, tuple)):
        return np.array(x).astype(int)
    return int(x) if np.ndim(x) == 0 else x.astype(int)


def of_other_places(meaning: Function, place: int) -> Function:
    """What a gate `means` whose argument at that place holds no whole numbers, but places or counts."""

    def means(args: Any, kwargs: Any) -> Any:
        given = args[place : place + 1]
        return meaning if any(dtype_kind(x) not in "iu" and not is_nothing(x) for x in given) else None

    return means


def is_nothing(x: Any) -> bool:
    return isinstance(x, (list, tuple)) and len(x) == 0


def existing(*names: str) -> list[Function]:
    """Those of NumPy's functions that the installed version has."""
    return [getattr(np, name) for name in names if hasattr(np, name)]


def one_axis(axis: Any) -> Any:
    """NumPy takes None for the only axis, and a tuple of one."""
    return 0 if axis is None else axis[0] if isinstance(axis, (tuple, list)) else axis
