"""Which states of a loop are kept: as few trips as can be are made again, in no more slots than there are."""

from __future__ import annotations

from functools import lru_cache
from math import comb
from typing import Any

import numpy as np
import pytest

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
    """The trips that are made again of a loop of n, whose states are the numbers of its trips."""
    states, count = checkpoints(slots, known), 0

    def advance(trips: range, state: int) -> int:
        nonlocal count
        count += len(trips)
        assert len(states.kept) <= slots
        assert list(trips) == [known[state + i] if known else state + i for i in range(len(trips))]
        return state + len(trips)

    for i in range(n):
        states.append(i)
        assert len(states.kept) <= slots
    for i in reversed(range(n)):
        assert states.pop(advance) == i
    assert not states.kept
    return count


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
        states, x, before = checkpoints(3, known), np.arange(4.0), []
        for i in range(30):
            states.append((x, i))
            before.append(x.copy())
            x += np.sin(x)

        def advance(trips: range, x: Any, i: int) -> Any:
            for _ in trips:
                x, i = x + np.sin(x), i + 1
            return x, i

        for i in reversed(range(30)):
            x, k = states.pop(advance)
            np.testing.assert_array_equal(x, before[i])
            assert k == i
            x[:] = np.nan
