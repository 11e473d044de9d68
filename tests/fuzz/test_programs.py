"""Random programs against differences, in every world of lengths. `pytest -m fuzz` runs thousands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.fuzz.check import check, shrink
from tests.fuzz.programs import WORLDS, generate

EVERYDAY, BATCH, BATCHES = 20, 50, 12


def category(wrong: str) -> str:
    """What kind of failure it is: shrinking must not turn one into another."""
    text = wrong.partition(": ")[2] if wrong.startswith("lengths") else wrong
    return " ".join(text.split()[:2]) if text.startswith("raised") else text.split()[0]


def failure(seed: int, worlds: Sequence[tuple[int, int]] = WORLDS) -> str | None:
    """The shrunk program and what is wrong with it."""
    program = generate(seed)
    wrong = check(program, None, worlds)
    if wrong is None or wrong.startswith("refused"):
        return None

    def failing(text: str) -> bool:
        found = check(program, text)
        return found is not None and category(found) == category(wrong)

    text = shrink(program, failing)
    return f"seed {seed}: {check(program, text)}\n{text[text.index('def f(') :]}"


@pytest.mark.parametrize("first", range(0, EVERYDAY, 10))
def test_random_programs(first: int) -> None:
    found = [failure(seed, (WORLDS[0], WORLDS[2], WORLDS[3 + seed % 3])) for seed in range(first, first + 10)]
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.fuzz
@pytest.mark.parametrize("first", range(10_000, 10_000 + BATCH * BATCHES, BATCH))
def test_many_random_programs(first: int) -> None:
    found = [failure(seed) for seed in range(first, first + BATCH)]
    assert not any(found), "\n".join(filter(None, found))
