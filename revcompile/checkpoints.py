"""The states of a long loop: some are kept, the others are computed again from those, in the backward pass.

    saved_x = checkpoints(20, range(n))
    for i in range(n):
        saved_x.append(x)
        x = np.sin(x + i)
    # backward pass
    for i in reversed(range(n)):
        x = saved_x.pop(advance)

`advance(range(3, 7), x)` goes through these trips of the loop, beginning with the state x.

Where it is known how many trips there are, those states are kept of which Griewank and Walther, *Algorithm
799: revolve* (ACM TOMS 26, 2000), say that fewest trips are made again. Of a `while`, they are those of Wang,
Moin and Iaccarino, *Minimal repetition dynamic checkpointing* (SIAM J. Sci. Comput. 31, 2009). Imports NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import comb, isqrt
from typing import Any

import numpy as np


class Checkpoints:
    """The states with which the trips of a loop begin, of which no more than `slots` are kept at a time.

    A state is a number or an array, or a tuple of them. `trips` is the range that the loop goes through, none
    of a `while`; it may be left early.
    """

    def __init__(self, slots: int, trips: range | None = None) -> None:
        self.slots, self.trips = slots, trips
        self.count = 0  # of the trips that have begun, and are not taken back
        self.kept: list[tuple[int, Any]] = []  # the numbers of trips, and their states
        self.due = 0  # the trip whose state is kept next
        self.thinning = Thinning(slots) if trips is None else None

    def append(self, state: Any) -> None:
        """The state with which the next trip begins. The loop may write into it afterwards."""
        if self.count == self.due:
            self._keep(_copy(state))
        self.count += 1

    def _keep(self, state: Any) -> None:
        if self.trips is not None:
            self.kept.append((self.due, state))
            self.due = self._next(len(self.trips) + 1)  # of which the last is all that follows the loop
            return
        assert self.thinning is not None
        gone = self.thinning.add()
        if gone is not None:
            del self.kept[gone]
        self.kept.append((self.due, state))
        # The longer it takes, the fewer are looked at: after n trips, every sqrt(n / slots)-th.
        self.due = self.due + max(1, isqrt(self.due // self.slots)) if self.slots > 1 else -1

    def _next(self, end: int) -> int:
        """The trip whose state is kept after the last that is, on the way to the end; -1 if there is none."""
        at = self.kept[-1][0]
        free = self.slots - len(self.kept)
        return at + best_advance(end - at, free + 1) if free and end - at > 1 else -1

    def pop(self, advance: Callable[..., Any], *given: Any) -> Any:
        """The state with which the last trip began, which is taken back.

        `advance` gives the state after some trips: of their numbers in the range that the loop goes through,
        of the state before them, and of what is `given`.
        """
        self.count = last = self.count - 1
        at, state = self.kept[-1]
        if at == last:
            self.kept.pop()
            return state
        trips = range(last) if self.trips is None else self.trips
        while at < last:
            due = self._next(last + 1)
            stop = due if at < due < last else last
            state = advance(trips[at:stop], *(state if type(state) is tuple else (state,)), *given)
            at = stop
            if at < last:
                self.kept.append((at, state))
        return state


class Thinning:
    """Which states to drop while it is not known how many trips there will be.

    Each state that comes is kept at first. One is *spare* if a later one has a higher level. Where none is
    spare, the last gives its place, and a level more, to the new one: those of its own level before it are
    spare then.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.levels: list[int] = []
        self.first = 0  # of those that are spare
        self.spare = 0

    def add(self) -> int | None:
        """One state more is kept: the place of the one to drop, if that is needed."""
        levels = self.levels
        if len(levels) < self.slots:
            levels.append(0)
            return None
        if self.spare:
            self.spare -= 1
            gone, level = self.first + self.spare, 0
        else:
            gone, level = len(levels) - 1, levels[-1] + 1
        del levels[gone]
        levels.append(level)
        if level:
            self.first = next((i for i, other in enumerate(levels) if i and other < level), gone)
            self.spare = gone - self.first
        return gone


@lru_cache(maxsize=10_000)
def best_advance(trips: int, slots: int) -> int:
    """After how many of the trips to come the next state is best kept; one slot has that before them."""
    again = 0  # as often as each trip has to be made at most
    while comb(slots + again, slots) < trips:
        again += 1
    return min(comb(slots + again - 1, slots), trips - comb(slots + again - 2, slots - 1))


def _copy(state: Any) -> Any:
    if type(state) is tuple:
        return tuple(map(_copy, state))
    return state.copy() if isinstance(state, np.ndarray) else state
