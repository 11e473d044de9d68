"""How often a function is lowered at its first call: once.

What is found out while a function is lowered (a number that the compiler must know, a list that grows, a
recursion that only the run ends, a function that is large) does not begin all again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import revcompile.compiler
from revcompile import grad
from tests.language.checking import check
from tests.support.program import make

A = np.linspace(0.3, 1.7, 16).reshape(4, 4) + np.eye(4)
V = np.array([0.5, -0.25, 0.75])

MINORS = """
def minor(M, i, j):
    return [row[:j] + row[j+1:] for row in (M[:i] + M[i+1:])]

def det(M):
    if len(M) == 1:
        return M[0][0]
    s = 0.0
    for j in range(len(M)):
        s += (-1) ** j * M[0][j] * det(minor(M, 0, j))
    return s

def f(M):
    return det(M)
"""
MINORS_OF_AN_ARRAY = """
def det(M):
    n = M.shape[0]
    if n == 1:
        return M[0, 0]
    s = 0.0
    for j in range(n):
        m = [[M[i, k] for k in range(n) if k != j] for i in range(1, n)]
        s += (-1) ** j * M[0, j] * det(np.array(m))
    return s

def f(M):
    return det(M)
"""
LARGE = """
def large(x, a):
    y = np.sum(x, axis=a)
    z = np.tanh(y * np.sin(y) + np.cos(y) * y - y ** 2 / (1.0 + y * y))
    return z + np.sin(y) * y * z - np.cos(z)
"""
SEVERAL = "".join(
    f"def p{i}(x, n):\n    return x if n == 0 else np.sin(x) * p{i}(x, n - 1) + {i}.5\n" for i in range(3)
)
BRANCHING = "".join(
    f"def h{i}(x, d):\n    return np.sin(x) if d == 0 else h{i}(x, d - 1) + h{i}(x * 0.5, d - 1)\n"
    for i in range(3)
)
UNTIL = "".join(
    f"def u{i}(x):\n    return x if x < 1.0 else x * {i}.5 + u{i}(x / 3.0)\n" for i in range(3)
)  # fmt: skip
TWICE = "def g0(x):\n    return x * 0.7\n" + "".join(
    f"def g{i}(x):\n    return g{i - 1}(x) + g{i - 1}(x * 0.5)\n" for i in range(1, 9)
)
CLASS = """
class Model:
    def __init__(self):
        self.k = 2
    def pick(self, x, n):
        parts = {1: x, 2: x * x, 3: np.sin(x)}
        return parts[n] * parts[self.k]
    def down(self, x, n):
        return x if n == 0 else np.cos(x) * self.down(x, n - 1)

model = Model()
"""

# (text, arguments, which are differentiated, how often it is lowered)
PROGRAMS: dict[str, tuple[str, tuple[Any, ...], tuple[int, ...], int]] = {
    "det of a list of minors": (MINORS, (A.tolist(),), (0,), 1),
    "det of an array of minors": (MINORS_OF_AN_ARRAY, (A,), (0,), 1),
    "five axes": (
        "def f(x, a, b, c, d, e):\n"
        + "".join(f"    x = x + np.sum(x, axis={n}, keepdims=True)\n" for n in "abcde")
        + "    return np.sum(x)\n",
        (A, 0, 1, 0, 1, 0), (0,), 1,
    ),
    "axes of a large helper": (
        f"{LARGE}\ndef f(x, a, b):\n    return np.sum(large(x, a)) + np.sum(large(x, b))\n", (A, 0, 1), (0,), 1,
    ),
    "axes in a branch, a loop and a closure": (
        "def f(x, a, b, c):\n"
        "    inner = lambda v: np.sum(v, axis=c)\n"
        "    s = 0.0\n"
        "    for i in range(3):\n"
        "        s += np.sum(np.cumsum(x, axis=a)[i])\n"
        "    if x[0, 0] > 0:\n"
        "        s += np.sum(np.cumprod(x, axis=b)[0])\n"
        "    return s * inner(x)[0]\n",
        (A, 0, 1, 0), (0,), 1,
    ),
    "keys": ("def f(x, p, q):\n    d = {1: x, 2: x * 2}\n    return d[p] * d[q]\n", (0.5, 1, 2), (0,), 1),
    "keys in a method": (f"{CLASS}\ndef f(x, n, m):\n    return model.pick(x, n) * model.pick(x, m)\n",
                         (0.5, 1, 3), (0,), 1),
    "keys that are computed": (
        "def f(x, n, m):\n    d = {f'w{i}': x * i for i in range(n + m)}\n    return sum(d.values()) * d['w1']\n",
        (0.5, 2, 1), (0,), 1,
    ),
    "counts": ("def f(x, n, m):\n    t = (x,) * n + (x * x,) * m\n    return t[1] * t[-1] + len(t)\n",
               (0.5, 2, 3), (0,), 1),
    "shapes": (
        "def f(x, n, m):\n    y = np.reshape(x, (n, -1))\n    z = np.stack([x] * m)\n"
        "    return np.sum(y[0]) * np.sum(z[0])\n", (A, 2, 3), (0,), 1,
    ),
    "rows taken apart": (
        "def f(x, y):\n    a, b, c = x\n    d, e, g = y\n    return a * b + c * d * e * g\n", (V, V + 1), (0, 1), 1,
    ),
    "indices of lists": (
        "def f(x, i, j):\n    L = [x, x * x, np.sin(x)]\n    return L[i] * L[j]\n", (0.5, 1, 2), (0,), 1,
    ),
    "loops over the items of a list": (
        "def f(x, n, m):\n    L = [x, x * x, np.sin(x)]\n    s = 0.0\n"
        "    for i in range(n):\n        s += L[i]\n    for i in range(m):\n        s *= L[i]\n    return s\n",
        (0.5, 3, 2), (0,), 1,
    ),
    "lists that grow in one loop": (
        "def f(x, n):\n    a, b = [], []\n    c = [x]\n    for i in range(n):\n        a.append(x * i)\n"
        "        b += [a[i] * x]\n        c.append(c[-1] * 0.5)\n    return sum(a) * sum(b) + c[-1]\n",
        (0.5, 4), (0,), 1,
    ),
    "lists that grow one after the other": (
        "def f(x, n):\n    a = []\n    for i in range(n):\n        a.append(x * i)\n    b = []\n"
        "    for v in a:\n        b.append(v * x)\n    i = 0\n    c = []\n    while i < n:\n"
        "        c.append(b[i] + x)\n        i += 1\n    return sum(a) + sum(b) * sum(c)\n",
        (0.5, 4), (0,), 1,
    ),
    "comprehensions": (
        "def f(x, w):\n    a = [x * v for v in w]\n    b = [v * v for v in a]\n"
        "    return sum(b) + sum(v * x for v in a) + sum(x * i for i in range(len(w)))\n",
        (0.5, V), (0, 1), 1,
    ),
    "recursions that whole numbers steer": (
        f"{SEVERAL}\ndef f(x, n, m):\n    return p0(x, n) * p1(x, m) + p2(x, n + m)\n", (0.5, 12, 10), (0,), 1,
    ),
    "lists of lists": (
        "def f(x, n):\n    out = []\n    for i in range(n):\n        row = []\n        for j in range(n):\n"
        "            row.append(x[i, j] * x[i, 0])\n        out.append(row)\n"
        "    return sum(sum(r) for r in out) * out[-1][0]\n", (A, 3), (0,), 1,
    ),
    "lists of displays, of comprehensions, of dicts": (
        "def f(x, n):\n    a, b, c = [], [], []\n    for i in range(n):\n        a.append([x[i, 0], x[i, 1]])\n"
        "        b.append([v * v for v in x[i]])\n        c.append({'w': x[i], 'b': x[0, i]})\n"
        "    return a[0][1] * b[1][0] + sum(np.sum(d['w']) * d['b'] for d in c)\n", (A, 3), (0,), 1,
    ),
    "a list of objects": (
        f"{CLASS}\nclass Node:\n    def __init__(self, v):\n        self.v = v\n"
        "def f(x, n):\n    nodes = []\n    for i in range(n):\n        nodes.append(Node(x[i, 0]))\n"
        "    return sum(k.v ** 2 for k in nodes)\n", (A, 3), (0,), 2,
    ),
    "lists whose items are written": (
        "def f(x, n):\n    a, b = [], []\n    for i in range(n):\n        a.append(x[i] * 1.5)\n"
        "    for v in x:\n        b.append(v * v)\n    a[0][0] = 0.0\n    b[1][:] = x[0]\n"
        "    return np.sum(a[0] * b[1] * a[-1] * b[-1])\n", (A, 3), (0,), 1,
    ),
    "lists that are sorted": (
        "def f(x, n):\n    a = [x[i, 0] * i for i in range(n)]\n    b = sorted([v * v for v in x[1]])\n"
        "    a.sort()\n    return a[0] * b[-1] + a[-1] * b[0]\n", (A, 3), (0,), 1,
    ),
    "lists in a dict": (
        "def f(x, n):\n    d = {'a': [], 'b': [], 'c': []}\n    for i in range(n):\n        x = x * 0.5\n"
        "        for k in d:\n            d[k].append(np.sum(x) * i)\n"
        "    return sum(d['a']) * sum(d['b']) + d['c'][-1]\n", (A, 3), (0,), 1,
    ),
    "a table of lists": (
        "def f(x, n):\n    t = [[0.0] * (n + 1) for _ in range(n + 1)]\n    for i in range(1, n + 1):\n"
        "        for j in range(1, n + 1):\n"
        "            t[i][j] = x[i - 1, j - 1] + max(t[i - 1][j], t[i][j - 1])\n    return t[n][n]\n",
        (A, 3), (0,), 2,
    ),
    "filters": (
        "def f(x):\n    a = list(filter(lambda v: v > 0, x))\n    b = [v * v for v in filter(None, x) if v < 0.6]\n"
        "    return sum(a) * sum(b) + sum(a) * len(b)\n", (V,), (0,), 1,
    ),
    "names of several kinds after an if": (
        "def f(x, y):\n    if y > 0:\n        a, b = 0.5, (x, 2.0)\n    else:\n        a, b = x * 2, (x,)\n"
        "    s = np.sum(a * x)\n    c = None\n    if y > 1:\n        c = x * s\n    s = s + np.sum(b[0])\n"
        "    if c is not None:\n        s = s + np.sum(c)\n    return s\n", (V, 1.5), (0, 1), 1,
    ),
    "names of several kinds after a loop": (
        "def f(x, n):\n    h = 0.0\n    for i in range(n):\n        h = np.tanh(x[i] + h)\n    d = h * 2.0\n"
        "    k = None\n    while np.sum(d) > 1.0:\n        d = d * 0.5\n        k = d[0]\n"
        "    return np.sum(d) if k is None else np.sum(d) * k\n", (A, 3), (0,), 1,
    ),
    "sides of several kinds in a statement": (
        "def f(x, y):\n    g = np.sin if y > 0 else np.cos\n"
        "    z = g(x if y < 1 else 0.5) * (y > 2 and 3.0 or x)\n    return np.sum(z if y > 0.1 else (z + x)[0])\n",
        (V, 0.5), (0, 1), 1,
    ),
    "a recursive method": (f"{CLASS}\ndef f(x, n):\n    return model.down(x, n)\n", (0.5, 14), (0,), 1),
    "recursions that branch": (
        f"{BRANCHING}\ndef f(x):\n    return h0(x, 5) + h1(x, 4) * h2(x, 5)\n", (0.3,), (0,), 1,
    ),
    "recursions that only the run ends": (
        f"{UNTIL}\ndef f(x):\n    return u0(x) * u1(x) + u2(x)\n", (20.5,), (0,), 1,
    ),
    "helpers that call helpers twice": (f"{TWICE}\ndef f(x):\n    return g8(x)\n", (0.3,), (0,), 1),
    "loops that are written out": (
        "def f(x, w):\n    d = {0: x, 1: x * x, 2: np.sin(x)}\n    s = 0.0\n"
        "    for i in range(3):\n        s += d[i] * w[i]\n    for j in range(2):\n        s *= d[j]\n"
        "    return s\n",
        (0.5, V), (0, 1), 1,
    ),
    "what differs in the first trip": (
        "def f(x, w):\n    last = None\n    s = 0.0\n    for v in w:\n"
        "        if last is not None:\n            s += last * v\n        last = v * x\n    return s\n",
        (0.5, V), (0, 1), 1,
    ),
}  # fmt: skip


@pytest.fixture
def lowerings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The functions that were lowered, once for each time."""
    found: list[Any] = []
    lower = revcompile.compiler._compile

    def counted(*args: Any) -> Any:
        found.append(args[0].source.function)
        return lower(*args)

    monkeypatch.setattr(revcompile.compiler, "_compile", counted)
    return found


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_lowerings(name: str, optimize: bool, lowerings: list[Any]) -> None:
    text, args, argnums, often = PROGRAMS[name]
    grad(make(text), argnums=argnums, optimize=optimize)(*args)
    assert len(lowerings) == often


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients(name: str) -> None:
    text, args, argnums, _ = PROGRAMS[name]
    check(make(text), *args, argnums=argnums)


def test_the_number_of_arguments_that_must_be_known_does_not_count(lowerings: list[Any]) -> None:
    names = [f"a{i}" for i in range(40)]
    sums = "".join(f"    s += np.sum(x, axis={name})[0]\n" for name in names)
    f = make(f"def f(x, {', '.join(names)}):\n    s = 0.0\n{sums}    return s\n")
    gradient = grad(f, argnums=0)
    zeros, ones = [0] * 40, [1] * 40
    np.testing.assert_array_equal(gradient(A, *zeros)[:, 0], 40.0)
    assert len(lowerings) == 1
    np.testing.assert_array_equal(gradient(A, *ones)[0], 40.0)
    assert len(lowerings) == 2


def test_the_number_of_lists_that_grow_does_not_count(lowerings: list[Any]) -> None:
    many = "".join(f"    l{i} = []\n    for v in w:\n        l{i}.append(v * x)\n" for i in range(40))
    f = make(f"def f(x, w):\n{many}    return {' + '.join(f'l{i}[-1]' for i in range(40))}\n")
    assert grad(f, argnums=0)(0.5, V) == pytest.approx(40 * 0.75)
    assert len(lowerings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f(x, n):\n    L = [x, x * 2]\n    for k in ('a', 'b'):\n        L.append(x)\n    return L[0] * len(L)\n",
        "def f(x, n):\n    L = ['a', 'b']\n    for i in range(2):\n        x = x * len(L)\n    return x\n",
        "def f(x, n):\n    L = []\n    for i in range(2):\n        L.append({'a': x * i})\n    return L[1]['a']\n",
        "def f(x, n):\n    L = []\n    for i in range(n):\n        L.append((x, str(i)))\n    return L[1][0]\n",
        "def f(x, n):\n    L = [x]\n    if n > 100:\n        for i in range(n):\n            L.append(x)\n"
        "    a, = L\n    return a\n",
        "def f(x, n):\n    L = []\n    for i in range(n):\n        if len(L) > 1:\n            L.pop()\n"
        "        L.append(x * i)\n    return sum(L)\n",
        "def f(x, n):\n    return sum([[x * i, x] for i in range(n)][1])\n",
        "def f(x, n):\n    return sum([x * i for i in range(n) if i != 1])\n",
        "def f(x, n):\n    k = 1\n    return sum(x * i for i in range(n) if i > k) + max([x * v for v in (1, 2)])\n",
        "def f(x, n):\n    it = iter([x, x * x, 3.0 * x])\n    return sum([v * n for v in it])\n",
    ],
)  # fmt: skip
def test_what_looks_as_if_a_list_would_grow(text: str) -> None:
    check(make(text), 0.5, 3, argnums=(0,))


def test_what_fails_when_all_is_known_is_said_of_the_users_line() -> None:
    f = make("def f(x, a, b):\n    y = np.sum(x, axis=a)\n    return np.sum(y, axis=b)[0]\n")
    with pytest.raises(np.exceptions.AxisError, match="axis 3 is out of bounds"):
        grad(f, argnums=0)(A, 0, 3)
    with pytest.raises(KeyError, match="7"):
        grad(make("def f(x, a, b):\n    return {0: x}[a] * {1: x}[b]\n"), argnums=0)(0.5, 0, 7)


# What is taken back where a decision is made on the spot, and done again: names, lists, arrays, effects.
TAKEN_BACK = [
    "L = [x]\nL.append(x * 3 if y > 0 else 2.0)\nreturn np.sum(L[1] * x) * len(L)",
    "L = [x]\nz = (L.append(x * 2), x)[1] if y > 0 else 0.0\nreturn np.sum(z * x) * len(L)",
    "w = x.copy()\nw[0] += (x if y > 0 else np.ones(3))[1]\nreturn np.sum(w * w)",
    "z = [(t := np.sum(x)), x if y > 0 else 2.0]\nreturn np.sum(z[1] * x) * t",
    "c = 1.0\ndef g():\n    nonlocal c\n    c = c * 2\n    return x * c\n"
    "z = g() + (x if y > 0 else 1.0)\nreturn np.sum(z * x) * c",
    "w = x.copy()\nif y > 0:\n    z = 0.5\n    w[0] = y\nelse:\n    z = x * 2\n    w[1] = y * y\n"
    "s = np.sum(z * w)\nreturn s + np.sum(w)",
    "L = [x]\nM = L\nif y > 0:\n    z = 0.5\n    L.append(x * 2)\nelse:\n    z = x * 2\n"
    "return np.sum(z * x) * len(M)",
    "h = 0.0\nw = x.copy()\nfor i in range(3):\n    h = np.tanh(w + h)\n    w[i] = y\nk = h * 2\nreturn np.sum(k * w)",
    "h = 0.0\nL = []\nfor i in range(3):\n    h = np.tanh(x + h)\n    L.append(h)\nk = h * 2\n"
    "return np.sum(k) * np.sum(L[-1])",
    "M = []\nL = [M.append(v) or v * 2 for v in x]\nreturn sum(L) * len(M)",
    "L = [[v * w for w in x if w > y] for v in x]\nreturn sum(sum(r) for r in L)",
    "a, b = [], [x[0]]\nfor i in range(3):\n    c = b[-1] * x[i]\n    a.append(c)\n    b.append(a[-1] + y)\n"
    "return sum(a) * sum(b)",
]  # fmt: skip


@pytest.mark.parametrize("body", TAKEN_BACK)
def test_what_was_done_before_a_decision_is_done_once(body: str) -> None:
    inside = "def g(x, y):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    helpers = "def f(x, y):\n    s = g(x * 2.0, y)\n    for k in range(2):\n        s = s + g(x, y * (k + 1.0))\n    return s\n"
    check(make(inside + "def f(x, y):\n    return g(x, y)\n"), V, -0.43, argnums=(0, 1))
    check(make(inside + helpers), V, 0.43, argnums=(0, 1))
