"""What a program asks of an iterator, and mappings and sequences of its own classes: Python's answers."""

from __future__ import annotations

import itertools
from collections import ChainMap, UserDict, UserList
from typing import Any

import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make
from tests.support.texts import TEXTS

MADE = [
    "map(abs, [x])", "zip([x], [x])", "enumerate([x])", "filter(None, [x])", "reversed([x])", "iter([x])",
    "(v for v in [x])", "itertools.chain([x], [x])", "itertools.product([x], [1.0])", "itertools.islice([x], 1)",
    "itertools.accumulate([x, x])", "itertools.repeat(x, 2)", "{'a': x}.keys()", "{'a': x}.items()",
    "range(2)", "iter({'a': x})", "map(np.sin, np.ones(2))", "reversed((x,))",
]  # fmt: skip
ASKED = [
    "isinstance({m}, list)", "isinstance({m}, (tuple, map))", "isinstance({m}, zip)", "isinstance({m}, range)",
    "type({m}) is list", "type({m}) is enumerate", "hasattr({m}, '__next__')", "hasattr({m}, '__len__')",
    "callable({m})", "isinstance({m}, abc.Iterator)", "isinstance({m}, abc.Sequence)", "len(type({m}).__name__)",
    "len({m})",
]  # fmt: skip
FORMS = {
    "plain": "return x * (2.0 + {a})",
    "if": "if {a}:\n        return 2.0 * x\n    return 3.0 * x",
    "for": "s = x\n    for _ in range(2):\n        s = s * (2.0 + {a})\n    return s",
    "helper": "def inner(x):\n        return x * (2.0 + {a})\n    return inner(x)",
}
HEAD = "import collections.abc as abc\n"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", MADE)
def test_of_what_kind_an_iterator_is(made: str, form: str) -> None:
    for asked in ASKED:
        a = asked.format(m=made)
        f = make(f"{HEAD}def f(x):\n    {FORMS[form].format(a=a)}\n", itertools=itertools)
        try:
            expected: Any = f(2.0) / 2.0
        except TypeError as e:
            expected = str(e)
        try:
            found: Any = grad(f)(2.0)
        except UnsupportedError:
            assert (
                isinstance(expected, str)
                or "iter(" in a
                or "reversed(" in a
                or "keys()" in a
                or "items()" in a
            )
        except TypeError as e:
            assert str(e).splitlines()[0] == expected, a
        else:
            assert found == expected, a


TOLD = [
    "{m} == {m}", "{m} != {m}", "{m} == [x]", "[] != {m}", "{m} is None", "None is not {m}", "not {m}", "bool({m})",
    "(1.0 if {m} else 3.0)", "({m} and 3.0)", "len([0 for _ in range(2) if {m}])", "(z := {m}) == z",
]  # fmt: skip
OF_NONE = ["map(abs, [])", "zip()", "(v for v in [])", "filter(None, [x])", "reversed(())", "itertools.chain([])",
           "enumerate([])", "map(abs, [x])"]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("made", OF_NONE)
def test_an_iterator_is_itself_and_true(made: str, form: str) -> None:
    for told in TOLD:
        a = f"({told.format(m=made)})"
        f = make(f"{HEAD}def f(x):\n    {FORMS[form].format(a=a)}\n", itertools=itertools)
        for optimize in (True, False):
            try:
                assert grad(f, optimize=optimize)(2.0) == f(2.0) / 2.0, a
            except UnsupportedError:
                assert ":=" in a or "range" in a, a


KEPT = {
    "z = map(abs, [x])\n    if z is not None:\n        return x * sum(z)\n    return x": 4.0,
    "z = zip([], [])\n    if not z:\n        return x * x\n    return x": 1.0,
    "z = (v for v in [])\n    while z:\n        return 3.0 * x\n    return x": 3.0,
    "z = filter(None, [])\n    assert z\n    return x if z == z else x * x": 1.0,
    "z, w = map(abs, [x]), map(abs, [x])\n    return x * sum(z) if z != w else x * sum(w) * x": 4.0,
}


@pytest.mark.parametrize("body", KEPT)
@pytest.mark.parametrize("optimize", TEXTS)
def test_what_is_asked_of_an_iterator_takes_no_item(body: str, optimize: bool) -> None:
    f = make(f"def f(x):\n    {body}\n")
    try:
        assert grad(f, optimize=optimize)(2.0) == KEPT[body]
    except UnsupportedError:
        assert "z, w" in body


@pytest.mark.parametrize("made", ["[{}]", "sum({})", "{{v: 1 for v in [{}]}}", "{{*[{}]}}"])
def test_a_later_filter_is_asked_where_the_former_holds(made: str) -> None:
    a = made.format("1 / v for v in (0, 1.0, 4.0) if v if 1 / v > 0.5")
    f = make(f"def f(x):\n    return x * (1.0 if {a} else 2.0)\n")
    assert grad(f)(2.0) == 1.0


BY_HAND = {
    "it = [x, 2.0].__iter__()\n    return next(it) * it.__next__()": 2.0,
    "it = iter([x, x * x])\n    return it.__next__() * it.__next__()": 12.0,
    "held = [x]\n    held.__setitem__(0, x * x)\n    return held.__getitem__(0) * held.__len__()": 4.0,
    "held = {'a': x}\n    return held.__getitem__('a') * sum(1 for _ in held.__iter__())": 1.0,
    "return sum(v * x for v in (1.0, 2.0).__iter__())": 3.0,
    "return x * len((1,).__add__((2,)))": 2.0,
}


@pytest.mark.parametrize("body", BY_HAND)
@pytest.mark.parametrize("optimize", TEXTS)
def test_special_methods_called_by_hand(body: str, optimize: bool) -> None:
    f = make(f"def f(x):\n    {body}\n")
    assert grad(f, optimize=optimize)(2.0) == BY_HAND[body]


@pytest.mark.parametrize(
    "body",
    [
        "return [x].__add__([x])[1]",
        "return x if [x].__eq__([2.0]) else x * x",
        "return x * [x].__mul__(2)[0]",
    ],
)
def test_others_are_refused(body: str) -> None:
    with pytest.raises(UnsupportedError, match="by hand is not supported"):
        grad(make(f"def f(x):\n    {body}\n"))(2.0)


def test_what_is_no_mapping() -> None:
    class Word(str):
        pass

    for body in ("{**WORD}", "dict(**WORD)", "(lambda **k: k)(**WORD)", "{**WORDS}", "dict(**(1, 2))"):
        f = make(f"def f(x):\n    return x * len({body})\n", WORD=Word("ab"), WORDS=[("a", 1)])
        with pytest.raises(TypeError, match=r"not a mapping|must be a mapping"):
            f(2.0)
        with pytest.raises(TypeError, match=r"not a mapping|must be a mapping"):
            grad(f)(2.0)


@pytest.mark.parametrize(
    "expression",
    [
        "x * len([*CHAIN])", "x * sum(CHAIN.values())", "x * len({**USER})",
        "x * len(dict(USER, c=x))", "x * len((lambda **k: k)(**USER))", "x * len({**OBJ.chain})", "x * sum(v for v in LIST)",
        "x * sum([*OBJ.items])", "x * len(dict.fromkeys(USER, x))", "x * updated(x, USER)", "x * updated(x, OBJ.chain)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("optimize", TEXTS)
def test_what_goes_through_containers(expression: str, optimize: bool) -> None:
    holder = type("Holder", (), {})()
    holder.chain, holder.items = ChainMap({"a": 1.0}, {"b": 2.0}), UserList([1.0, 2.0])
    names = {"CHAIN": ChainMap({"a": 1.0}, {"b": 2.0}), "USER": UserDict(a=1.0, b=2.0), "OBJ": holder}
    f = make(
        f"def updated(x, m):\n    d = {{'z': x}}\n    d.update(m)\n    return len(d)\ndef f(x):\n    return {expression}\n",
        LIST=UserList([1.0, 2.0]), **names,
    )  # fmt: skip
    expected = (f(1.5 + 1e-6) - f(1.5 - 1e-6)) / 2e-6
    gradient = grad(f, optimize=optimize)
    for _ in range(2):
        assert abs(gradient(1.5) - expected) < 1e-6


OWN = """
class Counted:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        return self
    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n
class Through:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        return iter(range(self.n))
class Numbered:
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return self.n
    def __getitem__(self, i):
        return 2 * range(self.n)[i]
"""
GONE_THROUGH = [
    "s = x\n    for v in C(n):\n        s = s + x * v\n    return s", "return x * sum(C(n))", "return x * len(list(C(n)))",
    "return x * (2 in C(n))", "a, b, c = C(3)\n    return x * a + b", "return x * dict(zip('abc', C(3)))['b']",
    "return x * sum(v * x for v in C(n))", "return x * [*C(n)][1]",
]  # fmt: skip


@pytest.mark.parametrize("body", GONE_THROUGH)
@pytest.mark.parametrize("cls", ["Counted", "Through", "Numbered"])
def test_objects_that_are_gone_through(cls: str, body: str) -> None:
    f = make(f"{OWN}C = {cls}\ndef f(x, n):\n    {body}\n")
    for n in (3, 4):
        if cls == "Counted" and "sum(C" not in body:  # it is used up
            with pytest.raises(UnsupportedError, match="a Counted, which has an iterator of its own"):
                grad(f, argnums=0)(0.7, n)
        else:
            check(f, 0.7, n, argnums=(0,))
