"""A call that is made to find out what it gives does nothing to the program that is not undone."""

from __future__ import annotations

import functools
import io
import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.language.checking import check
from tests.support.program import make

LOG: list[Any] = []
MEASURED = np.array([1.0, -1.0, 2.0])
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


# -- what follows on a call of which it is not known yet what it gives ------------------------------


def is_refused_at_the_end(x: Any, k: float) -> Any:
    chosen = 0.5 < x.mean() < 1.5
    if chosen:
        t = np.percentile(MEASURED, 30)
    if chosen:
        r = t  # cannot be read as long as `percentile` is not known
        x = x * r
    return x[0] * np.fft.hfft(np.array([k, 1.0]))[0]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("x", [np.array([-1.0, 0.0]), np.array([1.0, 1.0])])
def test_the_refusal_is_of_the_place_that_is_reached(x: Any, optimize: bool) -> None:
    with pytest.raises(UnsupportedError, match="no gate rule for numpy.fft.hfft"):
        grad(is_refused_at_the_end, optimize=optimize)(x, 3.0)
    check(is_refused_at_the_end, x, 3.0, argnums=(0,))


def waits_on_every_way(x: Any, b: Any, rows: Any) -> Any:
    for e in x:
        if e >= 0.2:
            above = rows[0] > 0.1
            b = np.unique(MEASURED > 0).size
        elif np.sum(rows) > 0.1:
            pass
        elif b > 0.1:
            rows[1] = rows[0]
        else:
            rows[0][[0, 0, 1]] = 2
    return 0.5


def test_a_loop_that_no_trip_of_gets_to_the_end_yet() -> None:
    rows = [np.ones(3), np.ones(3)]
    with pytest.raises(UnsupportedError, match="may share its memory"):
        grad(waits_on_every_way, argnums=1)(np.ones(3), 1.5, rows)


# -- what a call takes away -------------------------------------------------------------------------

FOR_GOOD = {  # what gives each item once, and where an opaque function finds it
    "count": ("COUNT = itertools.count(1)", "next(COUNT)"),
    "list": ("ITEMS = iter([1.0, 2.0, 3.0])", "[k for k, _ in zip(ITEMS, 'a')][0]"),
    "for": ("ITEMS = map(float, range(9))", "sum(k for k in itertools.islice(ITEMS, 2))"),
    "generator": ("def made():\n    yield from range(9)\nMADE = made()", "MADE.send(None)"),
    "attribute": ("class Box:\n    items = itertools.count(1)\nBOX = Box()\nBOX.own = iter('123')", "float(next(BOX.own))"),
    "in a dict": ("BOX = {'a': enumerate('abc')}", "next(BOX['a'])[0]"),
    "partial": ("COUNT = itertools.count(1)\nTAKE = functools.partial(next, COUNT)", "TAKE()"),
    "bound": ("TAKE = itertools.count(1).__next__", "TAKE()"),
    "helper": ("COUNT = itertools.count(1)\ndef take():\n    return next(COUNT)", "take()"),
}  # fmt: skip
PUT_BACK = {
    "class": ("class Turns:\n    n = 0", "setattr(Turns, 'n', Turns.n + 1) or Turns.n"),
    "iterator of the program's": (
        "class Turns:\n    n = 0\n    def __next__(self):\n        self.n += 1\n        return self.n\nTURNS = Turns()",
        "next(TURNS)",
    ),
    "file": ("FILE = io.StringIO('1\\n2\\n3\\n4\\n5\\n6\\n')", "float(FILE.readline())"),
    "random": ("DRAWN = random.Random(3)", "DRAWN.random()"),
    "generator": ("DRAWN = np.random.default_rng(3)", "DRAWN.random()"),
}
WHERE = {
    "plain": "return x * opaque()",
    "if": "if x > 0.0:\n        x = x * opaque()\n    return x",
    "for": "s = 0.0\n    for _ in range(2):\n        s = s + x * opaque()\n    return s",
    "while": "k = 0\n    while k < 2:\n        x, k = x * opaque(), k + 1\n    return x",
    "helper": "def inner(z):\n        return z * opaque()\n    return inner(x)",
    "exit": "for k in range(3):\n        if k == 1:\n            return x * opaque()\n    return x",
    "list": "return sum([x * opaque() for _ in range(2)])",
}
MODULES = {"itertools": itertools, "functools": functools, "io": io, "random": random}


def opaque_program(before: str, expression: str, form: str) -> Any:
    return make(
        f"{before}\ndef opaque():\n    try:\n        return {expression}\n    finally:\n        pass\n"
        f"def f(x):\n    {WHERE[form]}\n",
        **MODULES,
    )


@pytest.mark.parametrize("form", WHERE)
@pytest.mark.parametrize("kind", FOR_GOOD)
def test_a_call_that_takes_an_item_away_is_not_tried(kind: str, form: str) -> None:
    before, expression = FOR_GOOD[kind]
    f = opaque_program(before, expression, form)
    untouched = opaque_program(before, expression, form)
    for optimize in (True, False):
        with pytest.raises(
            UnsupportedError, match=r"(?s)may go through an iterator of the program.*opaque\(\)"
        ):
            grad(f, optimize=optimize)(1.0)
    assert f(1.0) == untouched(1.0)


@pytest.mark.parametrize("form", WHERE)
@pytest.mark.parametrize("kind", PUT_BACK)
def test_what_a_call_takes_away_is_put_back(kind: str, form: str) -> None:
    for optimize in (True, False):
        f, own = (opaque_program(*PUT_BACK[kind], form) for _ in range(2))
        gradient = value_and_grad(f, optimize=optimize)
        for _ in range(3):
            value = own(1.0)
            assert gradient(1.0) == (value, value)


def test_a_partial_of_next() -> None:
    f = make("TAKE = functools.partial(next, iter([1.0]))\ndef f(x):\n    return x * TAKE()\n", **MODULES)
    with pytest.raises(UnsupportedError, match="is an iterator of the program"):
        grad(f)(1.0)
