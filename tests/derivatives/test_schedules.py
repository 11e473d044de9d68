"""Which states of a loop are kept: as few trips as can be are made again, in no more slots than there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
import pytest

from revcompile.checkpoints import STRETCH
from revcompile.runtime import checkpoints


@lru_cache(maxsize=None)
def fewest(trips: int, slots: int) -> int:
    """How many trips are made, in order to reverse a chain: by trying all ways."""
    if trips <= 1:
        return 0
    if slots == 1:
        return trips * (trips - 1) // 2
    return min(m + fewest(trips - m, slots - 1) + fewest(m, slots) for m in range(1, trips))


def formula(trips: int, slots: int) -> int:
    """The same, by Griewank and Walther."""
    most = next(r for r in range(trips) if comb(slots + r, slots) >= trips)
    return most * trips - comb(slots + most, slots + 1)


def made_again(n: int, slots: int, known: range | None) -> int:
    """The trips that are made again of a loop of n, whose states are the numbers of its trips, as arrays."""
    states, count = checkpoints(slots, known), 0

    def advance(trips: range, state: Any) -> Iterator[Any]:
        nonlocal count
        for at in trips:
            assert len(states.kept) <= slots
            assert at == (state if known is None else known[state])
            yield state
            state, count = state + 1, count + 1

    numbers = range(n) if known is None else known[:n]
    keep(states, known, ((at, np.array(i)) for i, at in enumerate(numbers)), slots)
    assert list(states.backwards(numbers, advance)) == list(range(n))[::-1]
    assert not states.kept
    return count


def keep(states: Any, known: range | None, trips: Iterable[tuple[int, Any]], slots: int) -> None:
    """What a loop does with its states."""
    for at, state in trips:
        if known is None:
            states.append(state)
        elif at == states.due:
            states.keep(state)
        assert len(states.kept) <= slots


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 5, 7, 10])
def test_no_fewer_trips_can_be_made_again(slots: int) -> None:
    for n in (*range(40), 53, 80):
        # What follows the loop counts as a trip; the loop's own trips have to be made anyway.
        assert made_again(n, slots, range(n)) == fewest(n + 1, slots) - n
        assert fewest(n + 1, slots) == formula(n + 1, slots)


@pytest.mark.parametrize(("n", "slots"), [(1_000, 5), (10_000, 20), (10_000, 3), (3_000, 200)])
def test_long_chains(n: int, slots: int) -> None:
    assert made_again(n, slots, range(n)) == formula(n + 1, slots) - n
    assert made_again(n, slots, range(5, 5 - 3 * n, -3)) == formula(n + 1, slots) - n
    assert made_again(n, slots, range(7 * n)) <= formula(n + 1, slots)  # a loop that is left early
    assert made_again(n, slots, None) + n <= 1.3 * formula(n + 1, slots)  # a `while`


def test_every_state_is_as_it_was() -> None:
    """The loop writes into its arrays after they were kept; a state that is given again may be written into."""
    for known in (range(30), None):
        states, before = checkpoints(3, known), []

        def forward() -> Iterator[Any]:
            x = np.arange(4.0)
            for i in range(30):
                before.append(x.copy())
                yield i, (x, i)
                x += np.sin(x)

        def advance(trips: range, x: Any, i: int) -> Iterator[Any]:
            x = x.copy()
            for _ in trips:
                yield x, i
                x += np.sin(x)
                i += 1

        keep(states, known, forward(), 3)
        for i, (x, k) in zip(reversed(range(30)), states.backwards(range(30), advance), strict=True):
            np.testing.assert_array_equal(x, before[i])
            assert k == i
            x[:] = np.nan


@pytest.mark.parametrize("slots", [1, 2, 20])
@pytest.mark.parametrize("n", [0, 1, 49, 50, 51, 1_000, 2_049])
def test_of_numbers_a_stretch_is_there_at_a_time(n: int, slots: int) -> None:
    """The schedule counts stretches of trips then: few calls, and no more states than those and the slots."""
    for known in (range(n), range(n)[::-1], range(3 * n), None):
        states, calls = checkpoints(slots, known), 0

        def advance(trips: range, x: float, i: int) -> Iterator[Any]:
            nonlocal calls
            calls += 1
            for _ in trips:
                yield x, i
                x, i = 0.5 * x + 1.0, i + 1

        numbers = range(n) if known is None else known[:n]
        expected = list(advance(numbers, 0.0, 0))
        keep(states, known, zip(numbers, expected, strict=True), slots)
        assert list(states.backwards(numbers, advance)) == expected[::-1]
        assert not states.kept
        stretches = -(-n // STRETCH)
        assert slots == 1 or calls <= 3 * stretches + slots
