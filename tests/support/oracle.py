"""Numerical gradients to compare with: central differences of the primal, in every float leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def float_leaves(structure: Any) -> list[Any]:
    """The real numbers and arrays of a structure, in order."""
    if isinstance(structure, (tuple, list)):
        return [leaf for item in structure for leaf in float_leaves(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in float_leaves(item)]
    is_real = isinstance(structure, (float, np.floating)) or (
        isinstance(structure, np.ndarray) and structure.dtype.kind == "f"
    )
    return [structure] if is_real else []


def replace_leaf(structure: Any, position: int, new: Any) -> Any:
    """The structure with its float leaf number `position` replaced."""
    seen = [0]

    def walk(s: Any) -> Any:
        if isinstance(s, tuple):
            items = [walk(i) for i in s]
            return type(s)(*items) if hasattr(s, "_fields") else tuple(items)
        if isinstance(s, list):
            return [walk(i) for i in s]
        if isinstance(s, dict):
            return {k: walk(v) for k, v in s.items()}
        if not float_leaves(s):
            return s
        seen[0] += 1
        return new if seen[0] - 1 == position else s

    return walk(structure)


def numerical_gradients(f: Callable[..., Any], args: tuple[Any, ...], step: float = 1e-6) -> list[Any]:
    """One gradient for each float leaf of `args`, by central differences of `float(f(*args))`."""
    out = []
    for position, leaf in enumerate(float_leaves(args)):
        base = np.array(leaf, dtype=float)
        gradient = np.zeros_like(base)
        for index in np.ndindex(base.shape):
            values = []
            for sign in (1, -1):
                moved = base.copy()
                moved[index] += sign * step
                new: Any = moved if isinstance(leaf, np.ndarray) else float(moved)
                with np.errstate(all="ignore"):
                    values.append(float(np.squeeze(f(*replace_leaf(args, position, new)))))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        out.append(gradient)
    return out


def complex_steps(f: Callable[..., Any], args: tuple[Any, ...], step: float = 1e-30) -> list[Any]:
    """The same of an analytic function, by a step along the imaginary axis: nothing is cancelled."""
    out = []
    for position, leaf in enumerate(float_leaves(args)):
        base = np.array(leaf, dtype=complex)
        gradient = np.zeros(base.shape)
        for index in np.ndindex(base.shape):
            moved = base.copy()
            moved[index] += step * 1j
            new: Any = moved if isinstance(leaf, np.ndarray) else complex(moved)
            gradient[index] = np.imag(np.squeeze(f(*replace_leaf(args, position, new)))) / step
        out.append(gradient)
    return out


def assert_same_kind(gradient: Any, leaf: Any) -> None:
    """A gradient has the shape and the dtype of its variable."""
    assert np.shape(gradient) == np.shape(leaf), f"shape {np.shape(gradient)} for {np.shape(leaf)}"
    assert isinstance(gradient, np.ndarray) == isinstance(leaf, np.ndarray), (
        f"{type(gradient)} for {type(leaf)}"
    )
    have, want = np.asarray(gradient).dtype, np.asarray(leaf).dtype
    assert have == want, f"dtype {have} for {want}"


def assert_close(gradients: Any, numerical: list[Any], rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Every gradient equals its numerical counterpart; a NaN equals nothing but a NaN."""
    flat = float_leaves(gradients)
    assert len(flat) == len(numerical), f"{len(flat)} gradients for {len(numerical)} variables"
    for i, (gradient, expected) in enumerate(zip(flat, numerical, strict=True)):
        np.testing.assert_allclose(gradient, expected, rtol=rtol, atol=atol, err_msg=f"variable {i}")
