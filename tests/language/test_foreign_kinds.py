"""Calls that are made as they are, and give now one kind of thing, now another."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check


def changing(n: int) -> Any:
    try:
        return {0: 2, 1: 2.0, 2: np.float64(2.0), 3: np.array([2.0, 3.0]), 4: (1.0, 3.0)}[n]
    except KeyError:
        return None


def test_another_kind_compiles_again() -> None:
    def f(x: float, n: int) -> float:
        w = changing(n)
        if w is None:
            return x
        return np.sum(x * x * np.sum(w))

    gradient = grad(f, argnums=0)
    for n, slope in [(0, 12.0), (1, 12.0), (2, 12.0), (3, 30.0), (4, 24.0), (5, 1.0), (0, 12.0), (3, 30.0)]:
        assert gradient(3.0, n) == slope


# -- calls that give now one kind of thing, now another ----------------------------------------------


def any_number(n: int) -> Any:
    try:
        return [1, 2.5, np.float64(3.0), True][n % 4]
    except IndexError:
        return 0


def ones(n: int) -> Any:
    try:
        return [1.0] * n
    except TypeError:
        return []


def over(n: Any) -> Any:
    try:
        return 1.0 / n
    except ZeroDivisionError:
        return 0.0


def array_or_number(n: int) -> Any:
    try:
        return np.ones(2) if n else 1.0
    except IndexError:
        return None


def _numbers_in_for(x: float, n: int) -> float:
    s = x
    for i in range(n + 2):
        s = s + any_number(i) * x
    return s * x


def _numbers_in_while(x: float, n: int) -> float:
    i = 0
    while i < n + 2:
        x = x * any_number(i)
        i += 1
    return x * x


def _numbers_of_two_sides(x: float, n: int) -> float:
    s = x
    for i in range(4):
        s = s * (any_number(n) if i < n else any_number(i))
    return s


def _numbers_until(x: float, n: int) -> float:
    for i in range(5):
        if any_number(i) > n:
            return x * any_number(i) ** 2
        x = x * any_number(i)
    return x


def _numbers_in_pair(x: float, n: int) -> float:
    def larger(x: float, i: int) -> float:
        w = any_number(i)
        for _ in range(2):
            x = x * w + x * x * 0.1 - w * 0.3 + x / (1.0 + x * x) * 0.5 - x * w * 0.01 + w * w
        return x

    return sum([larger(x, i) for i in range(n + 1)])


def _numbers_stored(x: float, n: int) -> Any:
    a = np.zeros(4)
    for i in range(4):
        a[i] = x * any_number(i + n)
    return np.sum(a * a)


def _lists_of_several_lengths(x: float, n: int) -> float:
    s = x
    for i in range(n + 1):
        s = s * len(ones(i + 1)) + ones(i + 1)[0] * x
    return s


def _numbers_then_numpy(x: float, n: int) -> Any:
    t, step = 0.0, np.float64(n)
    for _ in range(3):
        x = x * over(float(t)) + n
        t = t + step
    return x * x


KINDS = [_numbers_in_for, _numbers_in_while, _numbers_of_two_sides, _numbers_until, _numbers_in_pair,
         _numbers_stored, _lists_of_several_lengths, _numbers_then_numpy]  # fmt: skip


@pytest.mark.parametrize("f", KINDS)
def test_calls_that_give_several_kinds(f: Callable[..., Any]) -> None:
    for n in (2, 1):
        check(f, 0.7, n, argnums=(0,))


def test_calls_that_give_what_has_no_kind_together() -> None:
    def arrays(x: float, n: int) -> float:
        for i in range(n):
            x = x * np.sum(array_or_number(i))
        return x

    with pytest.raises(UnsupportedError, match="what this call gives is now .*, and was .* before\n  File"):
        grad(arrays, argnums=0)(2.0, 3)


def _retyped_in_loop(x: float, n: Any) -> Any:
    t = 0.0
    for _ in range(3):
        x = x * over(t) + n
        t = t + n
    return x


def _retyped_in_branch(x: float, n: Any) -> Any:
    t = 0.0
    if n > 1:
        t = n
    return x * over(t + 0.0)


@pytest.mark.parametrize("f", [_retyped_in_loop, _retyped_in_branch])
def test_a_call_is_not_passed_a_number_of_another_kind(f: Callable[..., Any]) -> None:
    """A Python zero that is NumPy's in compiled code would be divided by."""
    check(f, 0.7, 2.0, argnums=(0,))
    with pytest.raises(UnsupportedError, match="Python's on one way and NumPy's on another"):
        grad(f, argnums=0)(0.7, np.float64(2.0))


def _text_in(x: float, n: int) -> float:
    return x * x if text_of(n) in ("a", "c") else x * 3


def _text_not_in(x: float, n: int) -> float:
    for i in range(3):
        if text_of(i) not in ["a", "c"]:
            x = x * x * n
    return x


def text_of(n: int) -> str:
    try:
        return "abc"[n]
    except IndexError:
        return ""


@pytest.mark.parametrize("f", [_text_in, _text_not_in])
def test_a_text_that_a_call_gives_is_looked_for(f: Callable[..., Any]) -> None:
    for n in (0, 1, 5):
        check(f, 0.7, n, argnums=(0,))


NUMBERS = "bool_ int8 int16 int32 int64 uint8 uint16 uint32 float32 float64".split()


def kind_by_number(n: int) -> Any:
    """Every kind of number that is precise, by and by."""
    try:
        return [1, 2.0, *(getattr(np, kind)(2) for kind in NUMBERS)][n]
    finally:
        pass


def number_or_text(n: int) -> Any:
    try:
        return [1, 2.0, "a", None][n]
    finally:
        pass


class Kinds:
    def scaled(self, x: float, i: int) -> Any:
        return x * number_or_text(i)


def _many_kinds(x: float, n: int) -> float:
    for i in range(n):
        x = x * kind_by_number(i)
    return x


def _no_number_in_while(x: float, n: int) -> float:
    i = 0
    while i < n:
        x = x + x * number_or_text(i) * 0.5
        i += 1
    return x


def _no_number_in_closure(x: float, n: int) -> float:
    s = 0.0
    scaled = lambda i: x * number_or_text(i)
    for i in range(n):
        s += scaled(i)
    return s


def _no_number_in_method(x: float, n: int) -> float:
    kinds = Kinds()
    for i in range(n):
        if x > -1.0:
            x = kinds.scaled(x, i)
    return x


def test_a_call_that_gives_every_kind_of_number() -> None:
    check(_many_kinds, 0.7, 12, argnums=(0,))


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("f", [_no_number_in_while, _no_number_in_closure, _no_number_in_method])
def test_a_call_that_gives_what_is_no_number_too(f: Callable[..., Any], n: int, optimize: bool) -> None:
    gradient = grad(f, argnums=0, optimize=optimize)
    gradient(0.7, 2)
    with pytest.raises(UnsupportedError) as refusal:
        gradient(0.7, n)
    said = str(refusal.value)
    assert re.search("what this call gives is now .*, and was .* before\n  File ", said)
    assert "number_or_text(i)" in said and "Let it give things of one kind" in said


def test_each_call_another_kind() -> None:
    turns: list[int] = []

    def another() -> Any:
        try:
            turns.append(0)
            return [1, "a", None, 2.0, np.ones(2), [1.0]][len(turns) % 6]
        finally:
            pass

    def f(x: float) -> float:
        another()
        y = another()
        return x * 2.0

    gradient = grad(f)
    for _ in range(5):
        try:
            assert gradient(3.0) == 2.0
        except UnsupportedError as e:
            assert "what this call gives is" in str(e) and "another()" in str(e)
