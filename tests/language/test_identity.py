"""`p is q`: between what the program has, what it is given, and what it makes."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.program import make

PROGRAM = """
def same(a, b): return 2.0 if a is b else 3.0
def other(a, b): return 3.0 if a is not b else 2.0
def large(a, b, x):
    s = x
    for i in range(2):
        s = s * x + 0.1 * s * i - s * s * 0.01 + x / (1.0 + x * x) - s * 0.1 * x + np.sin(s) * np.cos(x)
    return s * 0.0 + x * (2.0 if a is b else 3.0)
def same_object(a): return a
class Thing:
    def __init__(self, v):
        self.v, self.items = v, [v]
    def me(self): return self
    def test(self, a, b): return 2.0 if a is b else 3.0
L = [1.0, 2.0]; M = L; N = [1.0, 2.0]
T = (1.0, 2.0); U = T; V = tuple([1.0, 2.0]); LONG = (1.0, 2.0, 3.0)
D = {'a': 1.0}; E = D; F = {'a': 1.0}
O = Thing(1.0); Q = O; R = Thing(1.0)
A = np.ones(2); B = A; C = np.ones(2)
S = {1, 2}; Z = S
W = {'l': L, 'm': L, 't': T, 'o': O, 'a': A}
K = [L, T, D, O, A]
"""
SAME = [
    ("L", "M"), ("L", "L"), ("T", "T"), ("T", "U"), ("D", "E"), ("O", "O"), ("O", "Q"), ("A", "A"), ("A", "B"), ("S", "Z"),
    ("W['l']", "L"), ("W['l']", "W['m']"), ("W['t']", "T"), ("W['o']", "O"), ("W['a']", "A"), ("K[0]", "W['l']"), ("K[1]", "T"),
    ("K[2]", "D"), ("K[3]", "Q"), ("same_object(L)", "M"), ("same_object(T)", "U"), ("O.items", "Q.items"), ("O.me()", "O"),
    ("K", "K"), ("W", "W"), ("same", "same"), ("Thing", "type(O)"), ("None", "None"), ("()", "()"),
]  # fmt: skip
OTHER = [
    ("L", "N"), ("T", "V"), ("D", "F"), ("O", "R"), ("A", "C"), ("L", "T"), ("L", "D"), ("L", "None"), ("O", "None"),
    ("O.items", "R.items"), ("W['l']", "N"), ("K[0]", "K[2]"), ("L", "[1.0, 2.0]"), ("[1.0]", "[1.0]"), ("D", "dict(D)"),
    ("L", "list(L)"), ("O", "Thing(1.0)"), ("T", "LONG"), ("A", "1.0"), ("O.me", "O.me"),
]  # fmt: skip
FORMS = [
    "return x * (2.0 if {a} is {b} else 3.0)",
    "return x * (3.0 if {a} is not {b} else 2.0)",
    "return x * same({a}, {b})",
    "return x * other(b={b}, a={a})",
    "return large({a}, {b}, x)",
    "return x * R.test({a}, {b})",
    "p = {a}\n    q = p\n    r = {b}\n    return x * (2.0 if q is r and p is q else 3.0)",
    "p = [{a}]\n    q = ({b},)\n    return x * (2.0 if p[0] is q[0] else 3.0)",
    "p = dict(k={a})\n    p['m'] = {b}\n    return x * (2.0 if p['k'] is p['m'] else 3.0)",
    "s = 0.0\n    for i in range(2):\n        if {a} is {b}:\n            s = s + x\n        else:\n            s = s + 1.5 * x\n    return s",
    "n = 0\n    s = x\n    while n < x:\n        s = x * (2.0 if {a} is {b} else 3.0)\n        n = n + 1\n    return s",
    "p = {a}\n    def inner():\n        return p\n    return x * (2.0 if inner() is {b} else 3.0)",
    "if {a} is {b}:\n        return 2.0 * x\n    return 3.0 * x",
    "return x * (2.0 if operator.is_({a}, {b}) else 3.0)",
]  # fmt: skip
NAMES = [(a, b, 2.0, i) for i, (a, b) in enumerate(SAME)] + [(a, b, 3.0, i) for i, (a, b) in enumerate(OTHER)]


@pytest.mark.parametrize("a, b, slope, i", NAMES)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_of_the_program(a, b, slope, i):
    if a == "O.me" == b:  # a method is made anew wherever it is read
        a, b = "O.me", "(O.me)"
    for j, form in enumerate(FORMS):
        if a == "A" or i % 3 == j % 3:
            f = make(f"{PROGRAM}\ndef f(x):\n    {form.format(a=a, b=b)}\n")
            assert f(1.5) == 1.5 * slope
            g = value_and_grad(f, optimize=bool(j % 2))
            assert [g(1.5), g(1.5)] == [(1.5 * slope, slope)] * 2, form


MADE = [
    ("[1.0, 2.0]", "[1.0, 2.0]"), ("(1.0, [2.0])", "(1.0, [2.0])"), ("{'a': 1.0}", "{'a': 1.0}"),
    ("{'a': (1.0, [2.0])}", "{'a': (1.0, [2.0])}"), ("np.ones(2)", "np.ones(2)"), ("Thing(1.0)", "Thing(1.0)"),
    ("np.ones((2, 1))", "np.ones((2, 1))"),
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_of_the_arguments(form, optimize):
    """The same signature, with one object twice and with two."""
    f = make(f"{PROGRAM}\ndef f(x, p_, q_):\n    {form.format(a='p_', b='q_')}\n")
    thing = f.__globals__["Thing"]
    for one, other in MADE:
        p, q = (eval(text, {"np": np, "Thing": thing}) for text in (one, other))
        g = value_and_grad(f, argnums=0, optimize=optimize)
        for a, b in ((p, p), (p, p), (p, q), (q, q), (q, p)):
            slope = 2.0 if a is b else 3.0
            assert g(1.5, a, b) == (1.5 * slope, slope)


def test_of_an_argument_and_a_global():
    for name, value in (("L", [1.0]), ("T", (1.0, 2.0)), ("D", {"a": 1.0}), ("A", np.ones(2))):
        for form in FORMS[::3]:
            f = make(f"{PROGRAM}\ndef f(x, p_):\n    {form.format(a='p_', b=name)}\n")
            g = value_and_grad(f, argnums=0)
            own = f.__globals__[name]
            for p in (own, own, type(own)(own) if name != "A" else own.copy(), value):
                if p is not own and len(p) != len(own) and name == "T":
                    continue
                slope = 2.0 if p is own else 3.0
                assert g(1.5, p) == (1.5 * slope, slope)
            f.__globals__[name] = value
            assert g(1.5, value) == (3.0, 2.0)


def test_of_an_object_that_is_differentiated():
    f = make(f"{PROGRAM}\ndef f(m):\n    return m.v * (2.0 if m is O else 3.0)\n")
    g = value_and_grad(f)
    own, other = f.__globals__["O"], f.__globals__["R"]
    assert [g(m)[0] for m in (own, other, own, other)] == [2.0, 3.0, 2.0, 3.0]
    assert g(own)[1].v == 2.0


BODIES = [
    "s = x\n    for i, l in enumerate(K):\n        for j, m in enumerate(K):\n            if l is m:\n                s = s * 2.0 + i * j\n    return s",
    "a = np.ones(2) * x\n    b = a\n    b += 1.0\n    return np.sum(b) * (2.0 if a is b else 3.0)",
    "a = np.ones(2) * x\n    b = a\n    b[0] = x * x\n    return np.sum(b) * (2.0 if a is b else 3.0) * (2.0 if a is A else 3.0)",
    "a = [x]\n    b = a\n    b += [x * x]\n    return sum(a) * (2.0 if a is b else 3.0)",
    "a = [x]\n    b = a\n    b = b + [x * x]\n    return sum(b) * (2.0 if a is b else 3.0)",
    "a = [x]\n    b = a\n    for i in range(3):\n        b.append(x * i)\n    return sum(a) * (2.0 if a is b else 3.0)",
    "p = Thing(x)\n    q = Thing(x * x)\n    r = p\n    p, q = q, p\n    return p.v * (2.0 if q is r else 3.0) * (2.0 if p is r else 3.0)",
    "t = (x, 1.0)\n    u = t\n    for i in range(3):\n        x = x * (2.0 if t is u else 3.0)\n    return x",
    "t = x > 0\n    return x * (2.0 if t is True else 3.0) * (5.0 if t is not (x < 1.0) else 7.0)",
    "l = copy.copy(K)\n    m = copy.deepcopy([L, N, L])\n    m[0][0] = x\n    return m[2][0] * (2.0 if l[0] is L else 3.0) * (2.0 if m[0] is m[2] else 3.0) * (2.0 if m[0] is L else 3.0)",
    "d = {'a': L, 'b': M}\n    e = dict(d)\n    return x * (2.0 if d['a'] is e['b'] else 3.0) * (2.0 if d is e else 3.0) * (2.0 if d.get('z') is None else 3.0)",
    "l = K[:]\n    return x * (2.0 if l is K else 3.0) * (2.0 if l[0] is L else 3.0) * (2.0 if l.pop() is A else 3.0)",
    "l = [] or L\n    m = L and M\n    return x * (2.0 if l is m else 3.0)",
    "def star(*l, **k):\n        return 2.0 if l[0] is k['m'] else 3.0\n    return x * star(L, m=M) * star(L, m=N)",
    "g = lambda y, l=L: y * (2.0 if l is M else 3.0)\n    return g(x)",
    "p = [x]\n    return large(p, p, x) + large([x], p, x) + large((x,), (x, x), x) + large(O, Q, x) + large(A * x, A, x)",
    "def inner(y):\n        l = W['l']\n        return y * y * (2.0 if l is M else 3.0)\n    return grad(inner)(x)",
    "a, b = [x], [x]\n    seen = {id(a)}\n    c = a\n    return x * (2.0 if id(c) in seen else 3.0) * (2.0 if id(b) in seen else 3.0)",
    "p = [Thing(x) for _ in range(3)]\n    where = {id(q): i for i, q in enumerate(p)}\n    return x * where[id(p[2])] * len(where)",
    "def r(y, l, n):\n        return y * (2.0 if l is L else 3.0) if n == 0 else r(y, l, n - 1) * x\n    return r(x, M, 3)",
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("body", BODIES)
def test_as_python_has_it(body, optimize):
    f = make(f"{PROGRAM}\ndef f(x):\n    {body}\n", copy=copy, grad=grad)
    g = value_and_grad(f, optimize=optimize)
    for change in (None, "L", "M", "K"):
        if change is not None:
            f.__globals__[change] = list(f.__globals__[change])
        for x in (1.5, 1.5):
            value, gradient = g(x)
            np.testing.assert_allclose(value, f(x), rtol=1e-12)
            np.testing.assert_allclose(gradient, (f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rtol=1e-6)


UNKNOWN = [
    "p = L if x > 0 else N\n    return x * (2.0 if p is L else 3.0)",
    "p = A if x > 0 else C\n    return x * (2.0 if p is A else 3.0)",
    "y = x + 0.0\n    return x * (2.0 if y is x else 3.0)",
    "return x * (2.0 if (x, 1.0) is (x, 1.0) else 3.0)",
    "def inner(y, l):\n        return y * (2.0 if l is L else 3.0)\n    return grad(inner, argnums=0)(x, L)",
    "a, b, c = [x], [1.0], None\n    c = a\n    n = 0\n    while n < x:\n        a, b = b, a\n        n = n + 1\n    return x * (2.0 if a is c else 3.0)",
    "return x * (2.0 if WORD is 'train' else 3.0)",
    "return x * (2.0 if NUMBER is 1000 else 3.0)",
    "return x * (2.0 if x is 1.5 else 3.0)",
    "return x * (2.0 if id(L) == id(M) else 3.0)",
    "return x * (2.0 if id(O) == id(Q) else 3.0)",
    "s = x\n    for i in range(int(3 * x)):\n        s = s + x * (2.0 if id([x]) == i else 3.0)\n    return s",
    "return x * (2.0 if id(x) == id(A) else 3.0)",
]


@pytest.mark.parametrize("body", UNKNOWN)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_what_is_not_known_is_refused(body):
    f = make(f"{PROGRAM}\ndef f(x):\n    {body}\n", grad=grad, WORD="".join(["tr", "ain"]), NUMBER=10**3)
    with pytest.raises(UnsupportedError, match="only at run time|identity"):
        value_and_grad(f)(1.5)


@pytest.mark.parametrize("view", ["a.T", "a.T.T", "np.transpose(a)", "a[:]"])
@pytest.mark.parametrize("optimize", [True, False])
def test_a_view_of_a_vector_is_not_taken_for_the_vector(view, optimize):
    f = make(f"def f(x):\n    a = 2.0 * x\n    return np.sum(a) * (2.0 if {view} is a else 3.0)\n")
    with pytest.raises(UnsupportedError, match="only at run time"):
        value_and_grad(f, optimize=optimize)(np.ones(3))
    f = make(
        f"def f(x):\n    a = 2.0 * x\n    b = {view}\n    b[0] = x[1] ** 2\n    return np.sum(a * a * b)\n"
    )
    x = np.array([0.7, 1.3, -0.4])
    found = grad(f, optimize=optimize)(x)
    np.testing.assert_allclose(found, [0.0, 24.0 * x[1] ** 2 + 6.0 * x[1] ** 5, 24.0 * x[2] ** 2], atol=1e-12)
