"""Functions of libraries, classes and what they say of each other, while a program runs."""

from __future__ import annotations

import linecache
import math

import numpy as np
import pytest

from revcompile import grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
HEAD = "from dataclasses import dataclass, field\nfrom abc import ABC\nimport enum\nfrom types import MappingProxyType\n"
LOOP = "def f(x):\n    for _ in range(3):\n        x = {}\n    return x\n"


def follows(text, changes, optimize):
    f = make(HEAD + text, __name__=__name__)

    gradient = grad(f, optimize=optimize)
    for change in ["pass", *changes]:
        name = f"<change {change}>"
        linecache.cache[name] = (1, None, [change + "\n"], name)
        exec(compile(change, name, "exec"), f.__globals__)
        for _ in range(2):
            assert_close(gradient(1.2), numerical_gradients(f, (1.2,)))


LIBRARIES = [
    # what is replaced, by what, and programs with it
    ("np.tanh", ["np.sin", "lambda x: x * x"], ["np.tanh(x) * x", "np.tanh(np.array([x, x * x]))[1]"]),
    ("np.exp", ["np.sin", "lambda x: x * x"], ["np.exp(-x)", "np.exp(x) * 1.0"]),
    ("np.linalg.norm", ["lambda x: x[0] * x[1]"], ["np.linalg.norm(np.array([x, 2.0]))"]),
    ("math.exp", ["math.sin", "lambda x: x * x"], ["math.exp(x) * x", "np.exp(x) * x"]),
    ("np.sum", ["lambda x: x[0] * x[1]"], ["np.sum(np.array([x, 1.0]))"]),
    ("math.pi", ["3.0", "4"], ["math.pi * x"]),
]


@FORMS
@pytest.mark.parametrize("place, others, bodies", LIBRARIES)
def test_what_a_library_has_is_replaced(place, others, bodies, optimize, monkeypatch):
    owner, _, name = place.rpartition(".")
    home = {"np": np, "math": math, "np.linalg": np.linalg}[owner]
    original = getattr(home, name)
    changes = [change for other in others for change in (f"{place} = {other}", f"{place} = ORIGINAL")]
    monkeypatch.setattr(home, name, original)  # which puts it back in the end
    for body in bodies:
        for text in (
            f"def f(x): return {body}\n",
            LOOP.format(body),
            f"def h(x): return {body}\ndef f(x): return h(x)\n",
        ):
            names = f"ORIGINAL = {place}\n"
            follows(names + text, changes, optimize)


CLASSES = [
    ("@dataclass\nclass D:\n    k: float = field(default=2.0)\n    m: float = 3.0\ndef f(x): return D().k * D().m * x\n",
     ["D.__dataclass_fields__['k'].default = 5.0", "D.m = 7.0", "D.__init__.__defaults__ = (4.0, 5.0)",
      "D.__init__.__defaults__ = (4, 5)"]),
    ("class A(ABC): pass\nclass B: pass\nb = B()\ndef f(x): return x * 3.0 if isinstance(b, A) else x\n",
     ["A.register(B)"]),
    ("class A(ABC): pass\nclass B: pass\ndef f(x): return x * 3.0 if isinstance(B(), A) else x\n", ["A.register(B)"]),
    ("class A(ABC): pass\nclass B: pass\ndef f(x): return x * 3.0 if issubclass(B, (int, A)) else x\n", ["A.register(B)"]),
    ("class A(ABC): pass\ndef f(x): return x * 3.0 if isinstance(x, A) else x\n", ["A.register(float)"]),
    ("class A(ABC): pass\nL = [1.0]\ndef f(x): return x * 3.0 if isinstance(L, A) else x\n", ["A.register(list)"]),
    ("class A:\n    def m(self, x): return x * 2.0\nclass B(A):\n    def m(self, x): return x * 3.0\na = A()\n"
     "def f(x): return a.m(x)\n", ["a.__class__ = B", "a.__class__ = A"]),
    ("class A:\n    def m(self, x): return x * 2.0\nclass B(A): pass\ndef f(x): return B().m(x)\n",
     ["B.m = lambda self, x: x * 5.0", "del B.m", "A.m = lambda self, x: x * 7.0"]),
    ("class A:\n    def m(self, x): return x * 2.0\nclass B(A): pass\nclass C(B):\n"
     "    def m(self, x): return super().m(x) * x\nc = C()\ndef f(x): return c.m(x) * C().m(x)\n",
     ["B.m = lambda self, x: x * 5.0", "del B.m"]),
    ("class A:\n    def m(self, x): return x * 2.0\nclass E:\n    def m(self, x): return x * 3.0\nclass B(A): pass\n"
     "b = B()\ndef f(x): return b.m(x) * B().m(x)\n", ["B.__bases__ = (E,)"]),
    ("class A:\n    def __init__(self): self.w = 2.0\ndef f(x): return A().w * x\n",
     ["A.w = property(lambda self: 9.0, lambda self, v: None)", "del A.w"]),
    ("class A: pass\ndef f(x): return x * 2.0 if A() else x * 3.0\n",
     ["A.__bool__ = lambda self: False", "del A.__bool__", "A.__len__ = lambda self: 0"]),
    ("class A: pass\ndef f(x): return x * 2.0 if A() == A() else x * 3.0\n", ["A.__eq__ = lambda self, o: True"]),
    ("class A: pass\ndef f(x): return x * 2.0 if hasattr(A(), 'q') else x * 3.0\n", ["A.q = 1", "del A.q"]),
    ("class E(enum.Enum):\n    A = 2.0\n    B = 3.0\nm = E.A\ndef f(x): return x * m.value if m is E.A else x\n",
     ["m = E.B", "m = E.A", "E.A._value_ = 9.0"]),
    ("class O: pass\no = O()\no.w = 2.0\nS = MappingProxyType({'a': o})\ndef f(x): return x * S['a'].w\n", ["o.w = 3.0"]),
]  # fmt: skip


@FORMS
@pytest.mark.parametrize("text, changes", CLASSES)
def test_classes_change(text, changes, optimize):
    follows(text, changes, optimize)
