"""What equals what, where objects are compared: in containers, by `in`, by methods of lists; as Python says."""

from __future__ import annotations

import operator
from collections import OrderedDict, UserDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad


class Plain:
    def __init__(self, v: Any) -> None:
        self.v = v


class Equal(Plain):
    def __eq__(self, other: object) -> bool:
        return bool(self.v == (other.v if isinstance(other, Equal) else other))

    def __hash__(self) -> int:
        return hash(self.v)


@dataclass
class Record:
    v: Any


@dataclass(frozen=True)
class Frozen:
    v: Any


KINDS = [Plain, Equal, Record]
HELD = {kind.__name__: [kind(1), kind(1), kind(2)] for kind in KINDS}


def removed(items: Any, x: Any) -> Any:
    items.remove(x)
    return items


CASES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {  # of a class, a, b that equals it, and another c
    "in a list": lambda kind, a, b, c: a in [c, b],
    "in itself": lambda kind, a, b, c: a in (c, a),
    "not in": lambda kind, a, b, c: a not in (b, c),
    "in none": lambda kind, a, b, c: c in [a, b],
    "in a deque": lambda kind, a, b, c: a in deque([b]),
    "in the program's": lambda kind, a, b, c: a in HELD[kind.__name__][1:],
    "made": lambda kind, a, b, c: kind(1) in [kind(2), kind(1)],
    "made and held": lambda kind, a, b, c: kind(1) in [a],
    "a number": lambda kind, a, b, c: 1 in [a],
    "among numbers": lambda kind, a, b, c: a in [2, 1],
    "in a tuple in a list": lambda kind, a, b, c: (a, 1) in [(c, 1), (b, 1)],
    "operator.contains": lambda kind, a, b, c: operator.contains([b], a),
    "lists": lambda kind, a, b, c: [a, 1] == [b, 1],
    "lists of one object": lambda kind, a, b, c: [a] == [HELD[kind.__name__][0]],
    "unequal lists": lambda kind, a, b, c: [a] != [b],
    "tuples": lambda kind, a, b, c: (a, c) == (b, c),
    "a list and a tuple": lambda kind, a, b, c: [a] == (a,),
    "dicts": lambda kind, a, b, c: {"k": a} == {"k": b},
    "dicts of other keys": lambda kind, a, b, c: {"k": a} == {"l": a},
    "operator.eq": lambda kind, a, b, c: operator.eq([a], [b]),
    "objects": lambda kind, a, b, c: a == b,
    "an object": lambda kind, a, b, c: a == HELD[kind.__name__][0],
    "unequal objects": lambda kind, a, b, c: a != b,
    "index": lambda kind, a, b, c: [c, c, a].index(a),
    "index of another": lambda kind, a, b, c: [c, b, a].index(a),
    "index between": lambda kind, a, b, c: [a, c, a, c].index(a, 1),
    "count": lambda kind, a, b, c: [a, b, c].count(a),
    "remove": lambda kind, a, b, c: len(removed([c, b, a], a)) + [1, 5, 9][removed([c, b, a], a).index(a)],
    "any": lambda kind, a, b, c: any(a == other for other in HELD[kind.__name__][1:]),
}  # fmt: skip


def as_argument(kind: Any, case: Any) -> Any:
    return lambda x, a, b, c: x * (2.0 + case(kind, a, b, c))


def as_global(kind: Any, case: Any) -> Any:
    return lambda x, a, b, c: x * (2.0 + case(kind, *HELD[kind.__name__]))


def in_a_loop(kind: Any, case: Any) -> Any:
    def f(x: Any, a: Any, b: Any, c: Any) -> Any:
        s = 0.0
        for other in (b, c):
            if case(kind, a, other, c):
                s = s + x
        return s + x

    return f


BY_ARGUMENT = pytest.param(as_argument, False, marks=pytest.mark.fuzz)


@pytest.mark.parametrize(("form", "optimize"), [BY_ARGUMENT, (as_global, True), (in_a_loop, True)])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_python_says_what_is_equal(kind: Any, case: str, form: Any, optimize: bool) -> None:
    f = form(kind, CASES[case])
    held = HELD[kind.__name__]
    gradient = value_and_grad(f, 0, optimize=optimize)
    for args in (held, held[:1] * 3, held):
        try:
            value = f(1.5, *args)
        except ValueError:
            with pytest.raises(ValueError, match="not in list"):
                gradient(1.5, *args)
        else:
            assert gradient(1.5, *args) == (value, value / 1.5)


@dataclass
class Point:
    x: Any


@pytest.mark.parametrize("optimize", [True, False])
def test_equality_that_the_run_decides(optimize: bool) -> None:
    def f(x: Any, y: Any) -> Any:
        near = Point(y) in [Point(2.0), Point(x)]
        return x * x if near and [Point(x)] != [Point(5.0)] else 3.0 * x

    gradient = grad(f, 0, optimize=optimize)
    assert [gradient(1.0, 1.0), gradient(1.0, 2.0), gradient(1.0, 3.0), gradient(5.0, 5.0)] == [2, 2, 3, 3]


@pytest.mark.parametrize(
    "f",
    [
        lambda x, a: {a: x}[a],
        lambda x, a: x * len({a, a}),
        lambda x, a: x * (a in {a: 1}),
        lambda x, a: {Frozen(1): x}[Frozen(1)],
        lambda x, a: x * (Frozen(1) in {Frozen(1)}),
        lambda x, a: x * len({Frozen(i) for i in (1, 1)}),
        lambda x, a: {Frozen(i): x for i in (1, 1)}[Frozen(1)],
        lambda x, a: x * {(Frozen(1), 2): 2.0}[Frozen(1), 2],
    ],
)
def test_objects_as_keys_are_refused(f: Any) -> None:
    with pytest.raises(UnsupportedError, match="not supported (as|on the left)"):
        grad(f, 0)(1.5, Frozen(1))


def test_a_class_that_learns_to_compare() -> None:
    class Late(Plain):
        pass

    a, b = Late(1), Late(1)
    gradient = grad(lambda x, a, b: x * 2.0 if a in [b] else x, 0)
    assert gradient(1.5, a, b) == 1.0
    Late.__eq__ = lambda self, other: self.v == other.v  # type: ignore[assignment, method-assign]
    assert gradient(1.5, a, b) == 2.0
    del Late.__eq__  # type: ignore[misc]
    assert gradient(1.5, a, b) == 1.0


class Answerless(Plain):
    def __eq__(self, other: object) -> bool:
        if not (isinstance(other, Record) and isinstance(other.v, dict)):
            return NotImplemented
        return True

    __hash__ = None  # type: ignore[assignment]


NUMBERS = deque([1.0, 2.0])
COUNTS = deque([1, 2])
BYTES = bytearray(b"ab")
ORDERED = OrderedDict(a=1.0)
HOLDER = Answerless(1)
DICT = UserDict(a=1.0)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2.0 if NUMBERS == deque([1.0, 2.0]) else x,
        lambda x: x * 2.0 if NUMBERS != deque([1.0, 2.0]) else x,
        lambda x: x * 2.0 if deque([x]) == deque([x]) else x,
        lambda x: x * 2.0 if {"a": x, "b": 1.0} == {"b": 1.0, "a": x} else x,
        lambda x: x * 2.0 if [{"a": x}] == [{"a": x}] else x,
        lambda x: x * 2.0 if OrderedDict(a=x) == ORDERED else x,
        lambda x: x * 2.0 if HOLDER == {1, 2} else x,
        lambda x: x * 2.0 if DICT == {1, 2} else x,
        lambda x: x * 2.0 if DICT == {"a": 1.0} else x,
        lambda x: x * np.sum(np.asarray(BYTES)),
        lambda x: x * np.sum(np.asarray(COUNTS)) * np.sum(COUNTS),
        lambda x: x * np.dot(NUMBERS, NUMBERS),
        lambda x: x * len(str(list(NUMBERS))) + x * len(str(COUNTS)),
    ],
)
def test_other_containers(f: Any, optimize: bool) -> None:
    gradient = value_and_grad(f, optimize=optimize)
    for x in (1.5, 1.0):
        assert gradient(x) == (f(x), f(x) / x)


@pytest.mark.parametrize(
    "f",
    [lambda x: x * len(str(NUMBERS)), lambda x: x * len(f"{[ORDERED]}"), lambda x: x * len(repr(NUMBERS))],
)
def test_the_text_of_other_containers_is_refused(f: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"the text of an? (deque|OrderedDict)"):
        grad(f)(1.5)
