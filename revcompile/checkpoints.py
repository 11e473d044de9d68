"""The states of a long loop: some are kept, the others are computed again from those, in the backward pass.

    saved_x = checkpoints(20, range(n))
    for i in range(n):
        if i == saved_x.due:
            saved_x.keep(x)
        x = np.sin(x + i)
    # backward pass
    states = saved_x.backwards(range(n), advance)
    for i in reversed(range(n)):
        x = next(states)

`advance(range(3, 7), x)` gives the states with which these trips of the loop begin, x the first of them. The
states of a `while` are appended, each of them.

Where it is known how many trips there are, those states are kept of which Griewank and Walther, *Algorithm
799: revolve* (ACM TOMS 26, 2000), say that fewest trips are made again. Of a `while`, they are those of Wang,
Moin and Iaccarino, *Minimal repetition dynamic checkpointing* (SIAM J. Sci. Comput. 31, 2009). Imports NumPy.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from math import comb, isqrt
from typing import Any

import numpy as np

STRETCH = 50  # trips of a loop of numbers that are computed again together

Advance = Callable[..., Iterator[Any]]


class Checkpoints:
    """The states with which the trips of a loop begin, of which no more than `slots` are kept at a time.

    A state is a number or an array, or a tuple of them. `trips` is the range that the loop goes through, none
    of a `while`; it may be left early. Of numbers alone, those of a `stretch` are there too, going back.
    """

    def __init__(self, slots: int, trips: range | None = None) -> None:
        self.slots, self.trips = slots, range(sys.maxsize) if trips is None else trips
        self.count = 0  # of the trips whose states were appended
        self.kept: list[tuple[int, Any]] = []  # how many trips were made, and the state after them
        self.lent = 0  # of those that are kept: they are another's, too
        self.due = self.trips.start  # the trip whose state is kept next, as the loop names it
        self.stretch = 1  # the trips that are one to the schedule
        self.thinning = Thinning(slots) if trips is None else None

    def append(self, state: Any) -> None:
        """The state with which the next trip of a `while` begins."""
        if self.count == self.due:
            self.keep(state)
        self.count += 1

    def keep(self, state: Any) -> None:
        """The state with which the trip begins that is due. The loop may write into it afterwards."""
        if not self.kept and _is_of_numbers(state):
            self.stretch = STRETCH
        at = self.trips.index(self.due)
        if self.thinning is None:
            self.kept.append((at, _copy(state)))
            following = self._next(len(self.trips) + 1)  # of which the last is all that follows the loop
        else:
            gone = self.thinning.add()
            if gone is not None:
                del self.kept[gone]
            self.kept.append((at, _copy(state)))
            # The longer it takes, the fewer are looked at: after n trips, every sqrt(n / slots)-th.
            further = max(1, isqrt(at // self.stretch // self.slots))
            following = at + further * self.stretch if self.slots > 1 else -1
        self.due = self.trips[following] if 0 <= following < len(self.trips) else self.trips.stop

    def copy(self) -> Checkpoints:
        """The same states, for one who goes back, not the last to do so, and may keep as many of its own."""
        made = copy.copy(self)
        made.kept, made.lent = list(self.kept), len(self.kept)
        made.slots += made.lent
        return made

    def _next(self, end: int) -> int:
        """The trip whose state is kept after the last that is, on the way to the end; -1 if there is none."""
        at = self.kept[-1][0]
        free, ahead = self.slots - len(self.kept), -(-(end - at) // self.stretch)
        return at + self.stretch * best_advance(ahead, free + 1) if free and ahead > 1 else -1

    def backwards(self, trips: range, advance: Advance, *given: Any) -> Iterator[Any]:
        """The states with which the trips began that were made, the last first.

        `advance` goes through some of these, and takes the state with which the first begins, and what is
        `given`.
        """
        return chain.from_iterable(self._stretches(trips, advance, given))

    def _stretches(self, trips: range, advance: Advance, given: tuple[Any, ...]) -> Iterator[Iterable[Any]]:
        count = len(trips)
        while count:
            at, state = self.kept[-1]
            last = count - 1 - (count - 1 - at) % self.stretch
            if at == last:
                self.kept.pop()
                if len(self.kept) < self.lent:  # what is given may be written into
                    self.lent, self.slots, state = self.lent - 1, self.slots - 1, _copy(state)
            again: list[Any] = [state]
            if at < count - 1:
                going = advance(trips[at:count], *(state if type(state) is tuple else (state,)), *given)
                next(going)
                while at < last:
                    due = self._next(count)
                    stop = due if at < due < last else last
                    again[0] = _copy(next(islice(going, stop - at - 1, None)))
                    at = stop
                    if at < last:
                        self.kept.append((at, again[0]))
                if self.stretch > 1:
                    again += going
                    again.reverse()
            count = last
            yield again


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
        return tuple([x.copy() if isinstance(x, np.ndarray) else x for x in state])
    return state.copy() if isinstance(state, np.ndarray) else state


def _is_of_numbers(state: Any) -> bool:
    return all(isinstance(x, (int, float, np.generic)) for x in (state if type(state) is tuple else (state,)))
