"""Calls that are made as they are, and change what they are given or what the program reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from revcompile.errors import InternalError
from revcompile.frontend import foreign
from tests.language.checking import check

DATA = np.linspace(0.0, 1.0, 7) ** 2


def writes(a: Any) -> float:
    try:
        a[0] = 5.0
    except IndexError:
        pass
    return 1.0


def fills(items: Any, item: Any) -> None:
    try:
        items.append(item)
    except AttributeError:
        items[item] = 1.0


def _writes_into_an_array(x: float) -> float:
    a = np.zeros(3)
    k = writes(a)
    return x * k * (a[0] + 1.0)


def _writes_in_a_loop(x: float) -> float:
    a = np.zeros(3)
    for _ in range(2):
        x = x * writes(a)
    return x * (a[0] + 1.0)


def _fills_a_list(x: float) -> float:
    items: list[Any] = []
    for i in range(2):
        fills(items, i)
    return x * len(items)


def _fills_a_dict(x: float) -> float:
    items: dict[Any, Any] = {}
    fills(items, "a")
    return x * len(items)


def _writes_out(x: float) -> Any:
    a = np.zeros(2, int)
    np.bitwise_or.accumulate(np.array([1, 2]), out=a)
    return x * a[1]


def _writes_out_in_a_branch(x: float) -> Any:
    a = np.zeros(2, int)
    if x > 1:
        np.bitwise_or.reduce(np.array([[1, 2]]), out=a)
    return x * a[0]


def _accumulates_into_an_array(x: float) -> Any:
    a = np.zeros(2)
    np.minimum.accumulate(np.array([x, x]) > 0, out=a)
    return x * a[0]


def _writes_a_part_in_a_branch(x: float) -> Any:
    a = np.zeros(3)
    if x > 1:
        np.percentile(x * DATA, [5, 50], out=a[:2])
    return x * a[1]


@pytest.mark.parametrize(
    "f",
    [
        _writes_out,
        _writes_out_in_a_branch,
    ],
)
def test_an_argument_is_not_changed_in_silence(f: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"out= of .* is not supported"):
        grad(f)(2.0)


@pytest.mark.parametrize(
    "f",
    [
        _writes_into_an_array,
        _writes_in_a_loop,
        _fills_a_list,
        _fills_a_dict,
        _accumulates_into_an_array,
        _writes_a_part_in_a_branch,
    ],
)
def test_what_it_changes_of_its_arguments_is_changed(f: Callable[..., Any]) -> None:
    check(f, 2.0)


def same(a: Any) -> Any:
    try:
        return a
    finally:
        pass


def test_what_it_gives_may_be_what_it_was_given() -> None:
    def reads(x: float) -> float:
        a = np.ones(3)
        b = same(a)
        a[0] = 7.0
        return x * np.sum(b)

    def stores(x: float) -> float:
        b = same(DATA)
        b[0] = 7.0
        return x * np.sum(b)

    check(reads, 2.0)
    with pytest.raises(UnsupportedError, match="of the program"):
        grad(stores)(2.0)
    assert grad(lambda x: x * np.sum(same(DATA)))(1.0) == pytest.approx(np.sum(DATA))


TOTAL = 1.0
MEMO: dict[int, float] = {}


def remembered(n: int) -> float:
    try:
        return MEMO[n]
    except KeyError:
        MEMO[n] = 1.5 * n
        return MEMO[n]


def test_a_memory_of_its_own_may_change() -> None:
    f = lambda x: x * remembered(2) * TOTAL + remembered(3) * x
    assert grad(f)(1.0) == pytest.approx(3.0 * TOTAL + 4.5)


def test_learning_what_a_call_gives_ends(monkeypatch):
    """A call that is called by another name in each attempt to compile it is a defect, and no endless loop."""
    monkeypatch.setattr(foreign, "_key_of", lambda *_: object())

    def f(x, n):
        for _ in range(2):
            np.unique(n)
        return x * x

    with pytest.raises(InternalError, match="what a call gives is not learnt"):
        grad(f, argnums=0)(2.0, np.ones(2))


def counted(n: int) -> Any:
    try:
        return {"a": n}
    except ValueError:
        return {}


def test_writing_into_what_a_call_gives() -> None:
    def f(x: float, n: int) -> float:
        made = counted(n)
        made["b"] = 2.0
        return x * made["b"]

    with pytest.raises(UnsupportedError, match="writing into a dict is not supported"):
        grad(f, argnums=0)(2.0, 1)
