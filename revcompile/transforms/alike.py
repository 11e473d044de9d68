"""Whether a gradient has the structure, the shapes and the dtypes of its variable. Imports the trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import an
from revcompile.transforms.leaves import is_float, is_number
from revcompile.transforms.trees import beside, children, kind_of, walk


def check_structure(tree: Any, gradient: Any, path: str) -> None:
    """The gradient must have the structure, shapes and dtypes of its variable."""
    inner = children(tree)
    if inner is not None:
        if gradient is None and not any(is_float(leaf) for _, leaf in walk(tree, path)):
            return
        found = children(gradient)
        if (
            found is None
            or kind_of(gradient) is not kind_of(tree)
            or {name for name, _ in found} != {name for name, _ in inner}
        ):
            raise AssertionError(
                f"the gradient for {path} must have its structure, {describe(tree)}, not {describe(gradient)}"
            )
        by_name = dict(found)
        for suffix, child in inner:
            check_structure(child, by_name[suffix], path + suffix)
        return
    if not is_number(tree) or (gradient is None and not is_float(tree)):
        return
    if gradient is None or isinstance(gradient, bool) or not is_float(gradient):
        raise AssertionError(f"the gradient for {path} must be {describe(tree)}, not {describe(gradient)}")
    if np.shape(gradient) != np.shape(tree):
        raise AssertionError(
            f"the gradient for {path} must have shape {np.shape(tree)}, not {np.shape(gradient)}"
        )
    weak = type(tree) in (int, float)  # a Python number takes the precision of what it meets
    expected, found_dtype = np.asarray(tree).dtype, np.asarray(gradient).dtype
    expected = expected if is_float(tree) else np.dtype(float)
    if not weak and found_dtype != expected:
        raise AssertionError(f"the gradient for {path} must have dtype {expected}, not {found_dtype}")


def check_unchanged(now: Any, before: Any, path: str, complaint: str) -> None:
    """Raise where an array of `now` differs from that of `before`, whose objects are taken apart."""
    inner = children(before)
    for (suffix, old), new in zip(inner or (), beside(now, before)):
        check_unchanged(new, old, path + suffix, complaint)
    if isinstance(before, np.ndarray) and not np.array_equal(
        now, before, equal_nan=np.issubdtype(before.dtype, np.inexact)
    ):
        raise AssertionError(f"{complaint} {path}")


def describe(tree: Any) -> str:
    if isinstance(tree, np.ndarray):
        return f"an array of shape {tree.shape} and dtype {tree.dtype}"
    inner = children(tree)
    if inner is None:
        return f"{an(type(tree).__name__)}" if tree is not None else "None"
    return f"{an(kind_of(tree).__name__)} of {', '.join(name for name, _ in inner) or 'nothing'}"
