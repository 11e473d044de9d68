"""A call that is made to find out what it gives does nothing to the program that is not undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import value_and_grad

LOG: list[Any] = []
COUNT = 0
SEEN: dict[Any, Any] = {}
ARRAY = np.zeros(2)
MET: set[Any] = set()


class Counter:
    def __init__(self) -> None:
        self.n = 0
        self.log: list[Any] = []

    def look(self, k: int) -> float:
        try:
            self.n += 1
            self.log.append(k)
            return float(k)
        except ValueError:
            return 0.0


COUNTER = Counter()


def noted(n: int) -> float:
    global COUNT
    try:
        COUNT += 1
        LOG.append(n)
        SEEN[COUNT] = n
        ARRAY[0] += 1
        MET.add(COUNT)
        return float(n)
    except ValueError:
        return 0.0


def counting() -> Callable[[int], float]:
    k = 0

    def count(n: int) -> float:
        nonlocal k
        try:
            k += 1
            return float(k)
        except ValueError:
            return 0.0

    return count


count = counting()


def straight(x: float, n: int) -> float:
    return x * noted(n) + x * COUNTER.look(n)


def in_if(x: float, n: int) -> float:
    if n > 1:
        x = x * noted(n) * noted(n + 1)
    return x * x


def in_for(x: float, n: int) -> float:
    for i in range(3):
        x = x * noted(n + i) + COUNTER.look(i) * x
    return x


def in_while(x: float, n: int) -> float:
    i = 0
    while i < n:
        i += 1
        x = x * noted(i) * count(i)
    return x


def early(x: float, n: int) -> float:
    for i in range(3):
        if noted(i) > 0.5:
            return x * COUNTER.look(i)
        x = x * x
    return x


def of_a_closure(x: float, n: int) -> float:
    return x * count(n) + count(n) * x * x


def begin() -> None:
    global COUNT, count
    COUNT, count = 0, counting()
    for kept in (LOG, SEEN, MET, COUNTER.log):
        kept.clear()
    ARRAY[:] = 0.0
    COUNTER.n = 0


def state() -> Any:
    kept = (list(LOG), COUNT, dict(SEEN), set(MET), ARRAY.tolist(), COUNTER.n, list(COUNTER.log))
    return kept, count.__closure__[0].cell_contents  # type: ignore[attr-defined]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("f", [straight, in_if, in_for, in_while, early, of_a_closure])
def test_what_a_helper_does_to_the_program_is_done_once(f: Callable[..., float], optimize: bool) -> None:
    begin()
    expected = [f(x, n) for x, n in ((0.7, 2), (0.3, 3))], state()
    begin()
    gradient = value_and_grad(f, argnums=0, optimize=optimize)
    assert ([gradient(x, n)[0] for x, n in ((0.7, 2), (0.3, 3))], state()) == expected
