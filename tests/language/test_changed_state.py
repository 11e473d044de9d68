"""Calls that are made as they are, and change what the function itself reads of the program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, jvp
from tests.language.test_changed_by_calls import FORMS
from tests.support.program import body, make

PROGRAM = """
import collections
TOTAL, N, NAME, FLAG, ARRAY, WHICH = 1.0, 1, "a", False, np.ones(3), np.sin
D, LOG, SEEN, TAIL = {"k": 1.0}, [1.0], {1}, collections.deque([1.0], maxlen=2)
NESTED, HELD = {"rows": [[1.0], [2.0]]}, []
class Box:
    def __init__(self):
        self.v, self.n, self.items, self.w = 1.0, 2, [1.0], np.ones(2)
    def tick(self, k):
        try:
            self.v += k
            self.n += 1
            self.items.append(k)
            self.w = self.w * 2.0
        finally:
            return self.v
    @property
    def double(self):
        return 2.0 * self.v
BOX = Box()
def bump(k):
    global TOTAL, N, NAME, FLAG, ARRAY
    try:
        TOTAL += k
        N += 1
        NAME += "b"
        FLAG = not FLAG
        ARRAY = ARRAY + k
        D["k"] += k
        LOG.append(k)
        SEEN.add(k)
        TAIL.append(k)
        NESTED["rows"].append([k])
    finally:
        return 1.0
def perhaps(k):
    try:
        if TOTAL > 2.0:
            D["k"] *= 2.0
        return 1.0
    finally:
        pass
def counter():
    k, c = 1.0, [0]
    def count():
        nonlocal k
        try:
            k += 1.0
            c[0] += 1
        finally:
            return k
    def both(x):
        before = k
        count()
        return x * before * k + c[0] * x
    return both
COUNTED = counter()
def replace_box():
    global BOX
    try:
        BOX = Box()
        BOX.v = 7.0
    finally:
        return 1.0
def switch():
    global WHICH
    try:
        WHICH = np.cos
    finally:
        return 1.0
def write(k):
    try:
        ARRAY[0] += k
    finally:
        return 1.0
def kind(k):
    try:
        LOG.append(k)
    finally:
        return k if len(LOG) < 4 else float(k)
def hold(x):
    try:
        HELD.append(x)
    finally:
        return 1.0
def held():
    try:
        return sum(HELD[-1])
    finally:
        pass
def write_held(k):
    try:
        HELD[-1][0] += k
    finally:
        return 1.0
def lent():
    try:
        return ARRAY
    finally:
        pass
"""
READS = [
    ("a = TOTAL\nbump(2.0)", "(a + 3 * TOTAL)"),
    ("bump(1.0)", "(TOTAL * N + len(LOG) + len(SEEN))"),
    ("bump(0.5)\nbump(2.0)", "(D['k'] + LOG[-1] + sum(LOG))"),
    ("d = D\nbump(2.0)", "d['k']"),
    ("bump(2.0)", "(TAIL[-1] + sum(v for v in D.values()))"),
    ("bump(2.0)", "(2.0 if NAME == 'ab' else 3.0 if FLAG else 4.0)"),
    ("a = ARRAY\nbump(1.0)", "(a[0] + 2 * ARRAY[1] + (a * ARRAY).sum())"),
    ("rows = NESTED['rows']\nbump(2.0)", "(len(rows) + rows[-1][0])"),
    ("bump(2.0)\nrows = NESTED['rows']", "(len(rows) + rows[-1][0])"),
    ("v = BOX.v\nk = BOX.tick(2.0)", "(v + 2 * BOX.v + BOX.n * k + BOX.items[-1] + BOX.w[1])"),
    ("b = BOX\nreplace_box()", "(b.v + 2 * BOX.v)"),
    ("BOX.tick(1.0)", "BOX.double"),
    ("bump(1.0)\nperhaps(1.0)", "D['k']"),
    ("y = COUNTED(2.0)", "(y + COUNTED(3.0))"),
    ("s = 0.0\nfor j in range(N):\n    bump(1.0)\n    s = s + j * TOTAL", "(s + 1.0)"),
    ("if TOTAL < 3.0:\n    bump(1.0)", "TOTAL"),
    ("while TOTAL < 6.0:\n    bump(1.5)", "(TOTAL + N)"),
    ("k = kind(n) * 2", "(k + len(LOG))"),
    ("q = [2.0, 1.0 * n]\nhold(q)", "(held() + q[1])"),
    ("q = np.ones(3) * n\nhold(q)", "(held() + q[1])"),
]


def differences(make_f: Callable[[], Any], xs: list[float], at: int) -> float:
    """The derivative of the call number `at`, after the ones before it."""

    def value(x: float) -> float:
        f = make_f()
        for before in xs[:at]:
            f(before, 3)
        return f(x, 3)  # type: ignore[no-any-return]

    h = 1e-5
    return (value(xs[at] + h) - value(xs[at] - h)) / (2 * h)


def state(f: Any) -> str:
    names = f.__globals__
    kept = ("TOTAL", "N", "NAME", "FLAG", "ARRAY", "D", "LOG", "SEEN", "TAIL", "NESTED", "HELD")
    return repr([*(names[name] for name in kept), vars(names["BOX"])])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("before", "value"), READS)
def test_what_a_call_changes_is_read_again(form: str, before: str, value: str) -> None:
    margin = FORMS[form].split("{before}")[0].rpartition("\n")[2]
    text = PROGRAM + FORMS[form].format(before=before.replace("\n", f"\n{margin}"), value=value)
    xs = [0.7, 0.6, 1.2]
    expected = [differences(lambda: make(text), xs, i) for i in range(len(xs))]
    program = make(text)
    for x in xs:
        program(x, 3)
    for optimize in (True, False):
        f = make(text)
        gradient = grad(f, argnums=0, optimize=optimize)
        for x, e in zip(xs, expected):
            assert gradient(x, 3) == pytest.approx(e, rel=1e-6)
        assert state(f) == state(program)


def test_forward_mode_and_the_second_derivative() -> None:
    text = "def f(x):\n    a = TOTAL\n    bump(2.0)\n    return x ** 3 * a * TOTAL * D['k']\n"
    f = make(PROGRAM + text)
    assert jvp(f)((0.5,), (1.0,)) == pytest.approx((0.125 * 9.0, 0.75 * 9.0))
    assert f.__globals__["TOTAL"] == 3.0
    f = make(PROGRAM + text)
    assert grad(grad(f))(0.5) == pytest.approx(3.0 * 9.0)


@pytest.mark.parametrize("optimize", [True, False])
def test_effects_happen_once_where_the_function_is_compiled_again(optimize: bool) -> None:
    """In a branch that is entered late, and where what a call gives is of another kind."""
    f = make(
        PROGRAM + "def f(x, n):\n    bump(1.0)\n    if n > 1:\n        bump(2.0)\n    return x * kind(n)\n"
    )
    gradient = grad(f, argnums=0, optimize=optimize)
    log = f.__globals__["LOG"]
    for n in (1, 2, 2, 1, 5):
        log.clear()
        assert gradient(1.0, n) == n
        assert log == [1.0, n] if n == 1 else log == [1.0, 2.0, n]


def test_what_is_not_changed_is_known_while_compiling() -> None:
    """A call that only may change something costs nothing: an axis is still an axis."""
    f = make(PROGRAM + "AXIS = 1\ndef f(x):\n    hold(AXIS)\n    return np.sum(np.sum(x * x, axis=AXIS))\n")
    np.testing.assert_allclose(grad(f)(np.ones((2, 3))), 2.0 * np.ones((2, 3)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("switch()\nreturn WHICH(x)", "a function that a call may have replaced"),
        ("a = ARRAY\nwrite(2.0)\nreturn x * np.sum(a)", "changes the elements of .*ARRAY"),
        ("a = lent()\ny = x * np.sum(a)\nwrite(1.0)\nreturn y * np.sum(a)", "changes what another call"),
        ("q = [1.0, 2.0]\nhold(q)\nwrite_held(1.0)\nreturn x * q[0]", "changes what another call"),
        ("q = np.ones(2)\nhold(q)\nwrite_held(1.0)\nreturn x * q[0]", "changes what another call"),
        ("q = [1.0, 2.0]\nhold(q)\nq.append(3.0)\nreturn x * held()", "a list changes that .*hold was given"),
        ("q = {0: 1.0}\nhold(q)\nq[1] = 3.0\nreturn x * held()", "a dict changes that .*hold was given"),
        ("q = np.ones(2)\nhold(q)\nq[1] = 3.0\nreturn x * held()", "hold was given, and that the program"),
        (
            "q = np.ones(2)\ns = 0.0\nfor i in range(3):\n    q[0] = i\n    hold(q)\n    s = s + held() * x\nreturn s",
            "hold was given, and that the program",
        ),
        ("bump(1.0)\nreturn x * np.sum(np.ones((2, 2)), axis=N - 2).sum()", "known|axis"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    for optimize in (True, False):
        f = make(f"{PROGRAM}def f(x):\n{body(text)}\n")
        before = state(f)
        with pytest.raises(UnsupportedError, match=words):
            grad(f, optimize=optimize)(0.7)
        assert state(f) == before
