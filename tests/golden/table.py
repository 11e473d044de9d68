"""The calls whose generated source is kept, by the names of the golden files: `case` registers a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revcompile import grad


@dataclass(frozen=True)
class Case:
    """A function, the arguments that it is specialised for, and how its gradient is made."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    transform: Callable[..., Any] = grad

    def compiled(self) -> Any:
        return self.transform(self.function, **self.options)

    def text(self) -> str:
        return str(self.compiled().source_for(*self.args))


CASES: dict[str, Case] = {}


def case(
    *args: Any, transform: Callable[..., Any] = grad, name: str = "", **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under its own name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES[name or function.__name__] = Case(function, args, options, transform)
        return function

    return register


def real(*shape: int, dtype: Any = float) -> Any:
    """An array of that shape: the same numbers in every process."""
    return np.sin(1.0 + np.arange(math.prod(shape))).reshape(shape).astype(dtype)
