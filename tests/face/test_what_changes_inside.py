"""Containers of the program that change without becoming another: what is in them is what it is now."""

from __future__ import annotations

import pytest

from revcompile import UnsupportedError, grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
IMPORTS = "import array\nfrom collections import *\nfrom types import MappingProxyType\n"

SEQUENCES = [
    ("{1.0, 2.0}", ["S.add(5.0)", "S.discard(2.0)", "S.clear()"]),
    ("frozenset({1.0, 2.0})", ["S = frozenset({4.0})", "S = frozenset({4})", "S = {4.0, 1.0}"]),
    ("deque([1.0, 2.0])", ["S.append(5.0)", "S[0] = 7.0", "S.popleft()", "S[0] = 2", "S.clear()"]),
    ("bytearray([1, 2])", ["S[0] = 9", "S.append(3)", "S = bytearray(5)"]),
    ("array.array('d', [1.0, 2.0])", ["S[0] = 9.0", "S.append(3.0)", "S = array.array('i', [3, 2])"]),
    ("D([1.0, 2.0])", ["S[0] = 9.0", "S.append(3.0)", "S.w = 3.0"]),
]
OF_SEQUENCES = [
    "x * sum(S)", "x * len(S)", "x * 2.0 if 2.0 in S else x * 3.0", "x * sum([s * s for s in S])",
    "x * sum(sorted(S))", "x * 3.0 if S else x", "loop(x, S)", "x * max([1.0, *S])",
]  # fmt: skip
MAPPINGS = [
    "dict(M)",
    "OrderedDict(M)",
    "defaultdict(float, M)",
    "Counter(M)",
    "MappingProxyType(M)",
    "D2(M)",
]
OF_MAPPINGS = [
    "x * S['a']", "x * sum(S.values())", "x * len(S)", "x * 2.0 if 'c' in S else x * 3.0", "x * S.get('c', 1.0)",
    "x * sum([S[k] for k in S if k != 'b'])",
]  # fmt: skip
CHANGES = ["S['a'] = 7.0", "S['c'] = 5.0", "del S['b']", "S['a'] = 4", "S['a'] = True"]
PLACES = [
    "S = {0}\ndef f(x): return {1}\n",
    "class O: pass\no = O()\no.S = S = {0}\ndef g(x, S): return {1}\ndef f(x): return g(x, o.S)\n",
    "class O: S = {0}\nS = O.S\ndef g(x, S): return {1}\ndef f(x):\n    return g(x, O().S)\n",
    "L = {{'a': [{0}]}}\nS = L['a'][0]\ndef f(x): return (lambda S: {1})(L['a'][0])\n",
]  # fmt: skip
COMMON = (
    "class D(list): w = 1.0\nclass D2(dict): pass\nM = dict(a=2.0, b=3.0)\n"
    "def loop(x, S):\n    for s in S:\n        x = x + s * x\n    return x\n"
)


def follows(text, changes, optimize):
    f = make(IMPORTS + COMMON + text)
    gradient = grad(f, optimize=optimize)
    for change in ["pass", *changes]:
        exec(change, f.__globals__)
        for _ in range(2):
            try:
                f(1.5)
            except Exception as expected:
                with pytest.raises(type(expected)):
                    gradient(1.5)
            else:
                assert_close(gradient(1.5), numerical_gradients(f, (1.5,)))


@FORMS
@pytest.mark.parametrize("body", OF_SEQUENCES)
@pytest.mark.parametrize("made, changes", SEQUENCES)
def test_a_sequence_changes_inside(made, changes, body, optimize):
    follows(PLACES[0].format(made, body), changes, optimize)


@pytest.mark.parametrize("place", PLACES[1:])
@pytest.mark.parametrize("made, changes", SEQUENCES)
def test_a_sequence_changes_inside_wherever_it_is(made, changes, place):
    follows(place.format(made, OF_SEQUENCES[0]), [c for c in changes if not c.startswith("S =")], True)


@FORMS
@pytest.mark.parametrize("body", OF_MAPPINGS)
@pytest.mark.parametrize("made", MAPPINGS)
def test_a_mapping_changes_inside(made, body, optimize):
    changes = [c.replace("S[", "M[") for c in CHANGES] if "Proxy" in made else CHANGES
    follows(PLACES[0].format(made, body), changes, optimize)


@pytest.mark.parametrize("place", PLACES[1:])
@pytest.mark.parametrize("made", MAPPINGS)
def test_a_mapping_changes_inside_wherever_it_is(made, place):
    changes = [c.replace("S[", "M[") for c in CHANGES] if "Proxy" in made else CHANGES
    follows(place.format(made, OF_MAPPINGS[0]), changes, True)


def test_nothing_is_added_to_a_defaultdict_of_the_program():
    f = make("from collections import defaultdict\nS = defaultdict(float)\ndef f(x): return x + S['a']\n")
    with pytest.raises(UnsupportedError, match="does not change"):
        grad(f)(1.0)
    assert not f.__globals__["S"]
