"""Sample arguments of a gate, kept beside its rule and walked by one parametrised test.

An `Example` is a call with `Real` placeholders for the arrays: `example(real(3, 4), axis=0)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Real:
    """An array of real numbers drawn from an open interval; shape () is a Python float."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "any"  # or "positive_definite": a well-conditioned symmetric matrix; or "real_eigenvalues"

    def draw(self, random: np.random.Generator, dtype: Any = float) -> Any:
        """A value of this shape. Distinct, and away from each other, so that no two elements tie."""
        size = int(np.prod(self.shape))
        grid = (random.permutation(size) + random.uniform(0.3, 0.7, size)) / max(size, 1)
        x = (self.low + (self.high - self.low) * grid).reshape(self.shape)
        if self.kind == "positive_definite":
            x = x @ x.swapaxes(-1, -2) + self.shape[-1] * np.eye(self.shape[-1])
        if self.kind == "real_eigenvalues":  # in discs that do not meet
            x = 0.4 * x / self.shape[-1] + np.diag(np.arange(self.shape[-1], dtype=float) * 2)
        return float(x) if self.shape == () and dtype is float else x.astype(dtype)


@dataclass(frozen=True)
class Example:
    """One call of a gate's function."""

    args: tuple[Any, ...]
    options: dict[str, Any]

    def draw(self, random: np.random.Generator, dtype: Any = float) -> tuple[Any, ...]:
        return tuple(_draw(a, random, dtype) for a in self.args)


def _draw(spec: Any, random: np.random.Generator, dtype: Any) -> Any:
    if isinstance(spec, Real):
        return spec.draw(random, dtype)
    if isinstance(spec, (tuple, list)):
        return type(spec)(_draw(s, random, dtype) for s in spec)
    return spec


def real(*shape: int, low: float = -2.0, high: float = 2.0, kind: str = "any") -> Real:
    """A placeholder for an array (or, without a shape, a float) of real numbers in (low, high)."""
    return Real(shape, low, high, kind)


def example(*args: Any, **options: Any) -> Example:
    """A sample call: `example(real(3, 4), axis=0)` for `np.sum(x, axis=0)`."""
    return Example(args, options)
