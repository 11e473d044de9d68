"""What a program asks of an iterator, and mappings and sequences of its own classes: Python's answers."""

from __future__ import annotations

import itertools
from collections import ChainMap, UserDict, UserList
from typing import Any

import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make

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


@pytest.mark.parametrize(
    "expression",
    [
        "x * len([*CHAIN])", "x * sum(CHAIN.values())", "x * len({**USER})",
        "x * len(dict(USER, c=x))", "x * len((lambda **k: k)(**USER))", "x * len({**OBJ.chain})", "x * sum(v for v in LIST)",
        "x * sum([*OBJ.items])", "x * len(dict.fromkeys(USER, x))", "x * updated(x, USER)", "x * updated(x, OBJ.chain)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("optimize", [True, False])
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
