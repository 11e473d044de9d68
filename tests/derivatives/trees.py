"""Tangents and products of trees, to compare forward with reverse mode."""

from __future__ import annotations

from typing import Any

import numpy as np


def tangent_of(x: Any, gradient: Any, random: np.random.Generator) -> tuple[Any, float]:
    """A random tangent of an argument, and its product with the argument's gradient."""
    if isinstance(x, (tuple, list)):
        pairs = [tangent_of(a, g, random) for a, g in zip(x, gradient, strict=True)]
        items = [t for t, _ in pairs]
        made = type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        return made, sum(product for _, product in pairs)
    if isinstance(x, dict):
        found = {k: tangent_of(v, gradient[k], random) for k, v in x.items()}
        return {k: t for k, (t, _) in found.items()}, sum(product for _, product in found.values())
    if gradient is None:
        return None, 0.0
    drawn = random.uniform(-1, 1, np.shape(gradient))
    if isinstance(gradient, np.ndarray):
        tangent: Any = drawn.astype(gradient.dtype)
    else:
        tangent = float(drawn)
    return tangent, float(np.sum(drawn.astype(np.asarray(gradient).dtype) * gradient))


def is_tree(x: Any) -> bool:
    """Whether it is made of numbers, arrays and containers alone."""
    if isinstance(x, (tuple, list)):
        return all(map(is_tree, x))
    if isinstance(x, dict):
        return all(map(is_tree, x.values()))
    return isinstance(x, (bool, int, float, str, np.generic, np.ndarray, type(None)))
