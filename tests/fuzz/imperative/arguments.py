"""Structures of arguments as vectors of their real numbers: copies, steps along a direction, comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def is_real(leaf: Any) -> bool:
    return isinstance(leaf, (float, np.floating)) or (isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f")


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of tuples, lists and dicts, in order."""
    if isinstance(structure, (tuple, list)):
        for item in structure:
            yield from leaves(item)
    elif isinstance(structure, dict):
        for item in structure.values():
            yield from leaves(item)
    else:
        yield structure


def clone(array: Any) -> Any:
    """A copy with the same layout in memory."""
    if array.flags.c_contiguous or array.flags.f_contiguous:
        return array.copy(order="K")
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def stepped(structure: Any, steps: Any) -> Any:
    """A copy whose real numbers are moved by `steps`, one after the other; None moves nothing."""
    at = [0]

    def walk(s: Any) -> Any:
        if isinstance(s, tuple):
            return tuple(walk(i) for i in s)
        if isinstance(s, list):
            return [walk(i) for i in s]
        if isinstance(s, dict):
            return {k: walk(v) for k, v in s.items()}
        if not is_real(s):
            return s.copy() if isinstance(s, np.ndarray) else s
        size = np.size(s)
        by = 0.0 if steps is None else np.reshape(steps[at[0] : at[0] + size], np.shape(s))
        at[0] += size
        if not isinstance(s, np.ndarray):
            return type(s)(s + float(by))
        out = clone(s)
        out += by
        return out

    return walk(structure)


def size(structure: Any) -> int:
    """How many real numbers there are."""
    return sum(np.size(leaf) for leaf in leaves(structure) if is_real(leaf))


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, of equal types."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(a == b)


class Unlike(Exception):
    """A gradient that has not the form of its variable."""


def flat(variable: Any, gradient: Any) -> list[Any]:
    """The gradient as one vector for each real leaf of the variable. Raises Unlike."""
    if isinstance(variable, (tuple, list, dict)):
        if type(gradient) is not type(variable) or len(gradient) != len(variable):
            raise Unlike(f"structure {gradient!r}"[:200])
        keys = list(variable) if isinstance(variable, dict) else range(len(variable))
        if isinstance(variable, dict) and list(gradient) != keys:
            raise Unlike(f"keys {list(gradient)}")
        return [part for key in keys for part in flat(variable[key], gradient[key])]
    if not is_real(variable):
        return []
    if gradient is None:
        raise Unlike("None for a real variable")
    if np.shape(gradient) != np.shape(variable):
        raise Unlike(f"shape {np.shape(gradient)} for {np.shape(variable)}")
    if isinstance(gradient, np.ndarray) != isinstance(variable, np.ndarray):
        raise Unlike(f"{type(gradient).__name__} for {type(variable).__name__}")
    if np.asarray(gradient).dtype != np.asarray(variable).dtype:
        raise Unlike(f"dtype {np.asarray(gradient).dtype} for {np.asarray(variable).dtype}")
    if (type(gradient) is float) != (type(variable) is float):
        raise Unlike(f"{type(gradient).__name__} for {type(variable).__name__}")
    return [np.ravel(gradient).astype(float)]
