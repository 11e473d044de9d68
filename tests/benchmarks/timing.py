"""Interleaved timing: every contender in every round, so that a slow second hurts them all alike."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Contender:
    """A gradient function and its arguments; `finish` waits for a result that is computed later.

    The differentiated function itself may take part, too: then `is_gradient` is false.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    finish: Callable[[Any], Any] | None = None
    is_gradient: bool = True

    def timer(self) -> timeit.Timer:
        """Times the call as a user writes it, `f(a, b)`, without any wrapper around it."""
        names = [f"a{k}" for k in range(len(self.args))]
        call = f"f({', '.join(names)})"
        scope = {"f": self.function, "finish": self.finish, **dict(zip(names, self.args))}
        return timeit.Timer(call if self.finish is None else f"finish({call})", globals=scope)


@dataclass
class Contest:
    """Contenders that compute the same gradients, the first of them the reference, and what they took."""

    title: str
    contenders: list[Contender]
    rounds: int = 15
    missing: list[str] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def agree(self, rtol: float = 1e-6) -> None:
        """Raise unless all gradients are equal: only right answers are worth timing."""
        contenders = [c for c in self.contenders if c.is_gradient]
        results = [_arrays(c.function(*c.args)) for c in contenders]
        for contender, result in zip(contenders, results):
            assert len(result) == len(results[0]), f"{self.title}: {contender.name} has another structure"
            for computed, expected in zip(result, results[0]):
                np.testing.assert_allclose(
                    computed, expected, rtol=rtol, atol=1e-9, err_msg=f"{self.title}: {contender.name}"
                )

    def run(self, round_seconds: float = 0.01) -> Contest:
        """Fill `seconds`: a time per call for each contender and round."""
        self.agree()
        timers = {c.name: c.timer() for c in self.contenders}
        counts = {}
        for name, timer in timers.items():
            count = 1
            while (taken := timer.timeit(count)) < round_seconds / 4:
                count *= 4
            counts[name] = max(1, round(count * round_seconds / taken))
        self.seconds = {name: [] for name in timers}
        for k in range(self.rounds):
            order = list(timers)
            for name in order[k % len(order) :] + order[: k % len(order)]:
                self.seconds[name].append(timers[name].timeit(counts[name]) / counts[name])
        return self

    def ratio(self, slow: str, fast: str) -> tuple[float, float]:
        """How many times as long `slow` takes: the median over the rounds, and of the best times."""
        pairs = zip(self.seconds[slow], self.seconds[fast])
        return (
            statistics.median(a / b for a, b in pairs),
            min(self.seconds[slow]) / min(self.seconds[fast]),
        )


def _arrays(result: Any) -> list[np.ndarray]:
    """All gradients of a result, in order, as NumPy arrays."""
    if isinstance(result, tuple | list):
        return [array for part in result for array in _arrays(part)]
    return [np.asarray(result.detach() if hasattr(result, "detach") else result, dtype=np.float64)]
