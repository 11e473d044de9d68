"""Dicts of the program may have any keys that are known while compiling: what they are is guarded."""

from __future__ import annotations

import enum
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):
    A = "a"


class Flag(enum.Flag):
    R = 1
    G = 2


class Plain:
    pass


NAN = float("nan")
KEYS = [
    Colour.RED, Number.ONE, Word.A, Flag.R | Flag.G, Plain, int, np.float64, type(None), (1, 2), (1, (2, "x")),
    (Colour.RED, 1), frozenset({1, 2}), frozenset({Colour.RED}), None, True, False, 1, 1.5, 0.0, -0.0, NAN, (NAN,),
    math.inf, np.int64(3), np.float64(2.5), np.float32(1.5), np.bool_(True), np.str_("a"), np.dtype(float), b"x",
    "y; print('injected')", "log p", "class", 10**30, ..., range(3), math.sin, np.sin,
]  # fmt: skip
FORMS = {
    "item": "return x * x * D[key]",
    "get": "return x * x * D.get(key, 7.0)",
    "in": "return x * x * 3.0 if key in D else x",
    "values": "s = 0.0\n    for v in D.values():\n        s = s + x * x * v\n    return s - x * x",
    "keys": "s = 0.0\n    for k in D:\n        s = s + x * x * D[k]\n    return s - x * x",
    "items": "return sum([x * x * v for k, v in D.items()]) - x * x",
    "nested": "return x * x * N['inner'][key]",
    "attribute": "return x * x * o.d[key]",
    "list": "return x * x * L[0][key]",
    "arrays": "return x * x * (R[key][0] + R[key][1])",
    "helper": "return h(x, D) * x",
}


def program(form: str, key: Any, **names: Any) -> Any:
    d = {key: 3.0, "other": 1.0}
    text = f"def h(x, d):\n    return x * d[key]\n\n\ndef f(x):\n    {FORMS[form]}\n"
    names = {"D": d, "key": key, "N": {"inner": d}, "o": SimpleNamespace(d=d), "L": [d], **names}
    return make(text, R={key: np.array([1.0, 2.0])}, **names), d


CORE = [Colour.RED, int, (1, (2, "x")), NAN]
CASES = [(key, "item") for key in KEYS] + [(key, form) for key in CORE for form in FORMS if form != "item"]


@pytest.mark.parametrize("key, form", CASES)
def test_any_key_that_is_known(key: Any, form: str) -> None:
    f, d = program(form, key)
    for optimize in (True, False) if form in ("item", "get") else (True,):
        d[key] = 3.0
        gradient = grad(f, optimize=optimize)
        for _ in range(2):
            assert gradient(2.0) == 12.0
        if form not in ("in", "arrays"):
            d[key] = 5.0
            for _ in range(2):
                assert gradient(2.0) == 20.0


@pytest.mark.parametrize("optimize", [True, False])
def test_in_a_closure_and_in_the_attribute_of_an_argument(optimize: bool) -> None:
    d = {Colour.RED: 3.0, (1, NAN): np.array([1.0, 2.0])}
    key = next(k for k in d if type(k) is tuple)

    class Model:
        def __init__(self) -> None:
            self.table = d

    def f(x: float) -> Any:
        return x * x * d[Colour.RED] + d[key][1]

    def g(x: float, model: Any) -> Any:
        return x * x * model.table[Colour.RED] * model.table[key][1]

    assert grad(f, optimize=optimize)(2.0) == 12.0
    of_model, model = grad(g, argnums=0, optimize=optimize), Model()
    assert of_model(2.0, model) == of_model(2.0, model) == 24.0
    d[Colour.RED] = 4.0
    assert of_model(2.0, model) == 32.0


CHANGES = [
    # the keys before and after, and the slope of the sum of weight(k) * value over the items
    ([1], [True], "100.0 if k is True else 1.0", 1.0, 100.0),
    ([0.0], [-0.0], "np.copysign(1.0, k)", 1.0, -1.0),
    ([1], [1.0], "10.0 if isinstance(k, float) else 1.0", 1.0, 10.0),
    ([Colour.RED], [Colour.BLUE], "k.value", 1.0, 2.0),
    ([Number.ONE], [1], "2.0 if isinstance(k, Number) else 1.0", 2.0, 1.0),
    ([(1, 2)], [(1, 3)], "k[1]", 2.0, 3.0),
    ([(1, 2)], [(True, 2)], "5.0 if k[0] is True else 1.0", 1.0, 5.0),
    ([int], [float], "2.0 if k is int else 3.0", 2.0, 3.0),
    ([NAN], [1.5], "2.0 if k != k else 3.0", 2.0, 3.0),
    ([None], [False], "2.0 if k is None else 3.0", 2.0, 3.0),
    ([np.int64(1)], [1], "2.0 if isinstance(k, np.int64) else 3.0", 2.0, 3.0),
    ([frozenset({1})], [frozenset({1, 2})], "float(len(k))", 1.0, 2.0),
    ([Colour.RED], [Colour.RED, Colour.BLUE], "k.value", 1.0, 3.0),
]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("before, after, weight, slope, other", CHANGES)
def test_another_key_is_noticed(
    before: Any, after: Any, weight: str, slope: float, other: float, optimize: bool
) -> None:
    text = f"def f(x):\n    s = 0.0\n    for k in D:\n        s = s + x * D[k] * ({weight})\n    return s\n"
    d = dict.fromkeys(before, 1.0)
    gradient = grad(make(text, D=d, Number=Number), optimize=optimize)
    for keys, expected in ((before, slope), (after, other), (before, slope)):
        d.clear()
        d.update(dict.fromkeys(keys, 1.0))
        for _ in range(2):
            assert gradient(2.0) == expected


def test_the_order_of_keys_is_noticed() -> None:
    d = {Colour.RED: 1.0, Colour.BLUE: 2.0}
    gradient = grad(make("def f(x):\n    return x * list(D.values())[0]\n", D=d))
    assert gradient(2.0) == 1.0
    d[Colour.RED] = d.pop(Colour.RED)
    assert gradient(2.0) == 2.0


@pytest.mark.parametrize("key", [Plain(), (1, Plain()), frozenset({Plain()})])
def test_an_object_of_the_program_is_refused_as_a_key(key: Any) -> None:
    with pytest.raises(
        UnsupportedError, match="D is a dict with .* as a key\n.*\n.*\n.*\n.*names it as the key"
    ):
        grad(make("def f(x):\n    return x * sum(D.values())\n", D={key: 1.0}))(2.0)


def test_a_number_that_the_run_knows_finds_what_is_under_it() -> None:
    f = make("def f(x):\n    return x * D.get(key, 7.0)\n", D={3: 2.0}, key=3.0)
    assert grad(f)(1.0) == 2.0
