"""`copy.copy`, `copy.deepcopy`: what is copied shares nothing with what it was, but for what Python shares."""

from __future__ import annotations

import collections
import copy

import numpy as np
import pytest

from revcompile import value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import body, make
from tests.support.texts import TEXTS

HEAD = """
N = collections.namedtuple("N", "a b")

class Own:
    def __init__(self, w):
        self.w = w

    def __copy__(self):
        return Own(self.w * 2.0)

    def __deepcopy__(self, memo):
        return Own(copy.deepcopy(self.w, memo) * 3.0)

def twice(d):
    e = copy.deepcopy(d)
    e[0] = e[0] * 2.0
    return e

class Box:
    def __init__(self, items):
        self.items = items

    def other(self):
        made = copy.deepcopy(self)
        made.items.append(2.0)
        return made
"""
FORMS = {
    "a deque": """
        d = collections.deque([x[0], x[1]])
        e = copy.deepcopy(d)
        e.append(x[2])
        e[0] = 5.0
        return d[0] * len(d) + e[0] * e[2]
        """,
    "a deque of arrays": """
        d = collections.deque([x * 1.0])
        e = copy.deepcopy(d)
        e[0][0] = 3.0
        return np.sum(d[0] * e[0])
        """,
    "a deque with a greatest length": """
        d = collections.deque([x[0]], 2)
        e = copy.deepcopy(d)
        e.append(x[1])
        e.append(x[2])
        f = copy.copy(d)
        f[0] = 2.0
        return e[0] * e[1] * d[0] * f[0]
        """,
    "a deque on one way": """
        d = collections.deque([x[0], x[1]])
        if x[0] > 0.5:
            e = copy.deepcopy(d)
            e[0] = 3.0
        else:
            e = d
        return e[0] * d[0] * e[1]
        """,
    "a defaultdict": """
        d = collections.defaultdict(list)
        d["a"].append(x[0])
        e = copy.deepcopy(d)
        e["b"].append(x[1])
        e["a"].append(x[2])
        return len(d) * d["a"][0] * e["b"][0] + len(d["a"]) * e["a"][1]
        """,
    "a defaultdict in a while": """
        s = x[0]
        while s < 20.0:
            d = collections.defaultdict(list)
            d["a"].append(s)
            e = copy.deepcopy(d)
            e["b"].append(x[1])
            e["a"][0] = e["a"][0] * 2.0
            s = e["a"][0] + d["a"][0] * e["b"][0]
        return s
        """,
    "a list that grows": """
        a = []
        for i in range(len(x)):
            a.append(x[i] * 2.0)
        b, c = copy.deepcopy(a), copy.copy(a)
        b[0] = x[1]
        c.append(x[2])
        return a[0] * b[0] * len(a) + c[-1] * len(c)
        """,
    "a list of arrays that grows": """
        a = []
        for i in range(len(x)):
            a.append(x * x[i])
        b = copy.deepcopy(a)
        b[0][0] = 5.0
        t = 0.0
        for u, v in zip(a, b):
            t += np.sum(u * v)
        return t
        """,
    "what is in it, in a loop": """
        s = 0.0
        for i in range(3):
            d = {"a": [x[i], collections.deque([x * 1.0])]}
            e = copy.deepcopy(d)
            e["a"][1][0][i] = s
            e["a"].append(1.0)
            d["a"][0] = 2.0
            s = s + e["a"][0] * np.sum(e["a"][1][0]) * len(d["a"]) * d["a"][1][0][0]
        return s
        """,
    "what is in it twice": """
        a = [x[0]]
        d = [a, a]
        e = copy.deepcopy(d)
        e[0][0] = x[1]
        return e[1][0] * d[1][0]
        """,
    "a class's own way": "return np.sum(copy.copy(Own(x)).w * copy.deepcopy(Own(x)).w)",
    "in a helper": "d = collections.deque([x[0], x[1]])\nreturn twice(d)[0] * d[0] + d[1] * len(d)",
    "in a method": "b = Box(collections.deque([x[0]]))\nreturn sum(b.other().items) * sum(b.items) * x[1]",
    "a named tuple": """
        n = N(x * 1.0, [x[0]])
        m, o = copy.deepcopy(n), copy.copy(n)
        m.a[0] = 2.0
        o.a[1] = 3.0
        o.b.append(x[1])
        return np.sum(n.a * m.a) * len(n.b)
        """,
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", FORMS)
def test_is_what_python_gives(form: str, optimize: bool) -> None:
    text = f"{HEAD}\ndef f(x):\n{body(FORMS[form])}\n"
    f = make(text, __name__=__name__, collections=collections, copy=copy)
    gradient = value_and_grad(f, optimize=optimize)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.7, 1.1])):
        value, found = gradient(x)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        assert_close([found], numerical_gradients(f, (x,)))
