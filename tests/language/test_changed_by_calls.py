"""Calls that are made as they are, and change the function's own lists, dicts, sets, objects and arrays."""

from __future__ import annotations

import bisect
import collections
import heapq
import random
import statistics
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient
from tests.language.checking import check
from tests.support.program import body, make


def applied(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except ZeroDivisionError:
        return 0.0


def put(container: Any, key: Any, value: Any) -> None:
    try:
        container[key] = value
    except TypeError:
        container.add(value)


def append(items: Any, value: Any) -> None:
    try:
        items.append(value)
    except AttributeError:
        pass


def perhaps(items: Any, k: int) -> None:
    try:
        if k > 2:
            items.append(k)
    except AttributeError:
        pass


def same(x: Any) -> Any:
    try:
        return x
    finally:
        pass


def one_of(a: Any, b: Any, k: int) -> Any:
    try:
        return a if k > 2 else b
    finally:
        pass


def scaled(a: Any) -> Any:
    try:
        a *= 2
    finally:
        return a


def twice_the_same(d: Any) -> None:
    try:
        d["a"] = d["b"] = [1, 2]
    finally:
        pass


def shared(k: Any) -> Any:
    try:
        one = [k, 2]
        return [one, [one, 5], (one, k)]
    finally:
        pass


def in_a_dict(items: Any, k: Any) -> Any:
    try:
        return {"items": items, "more": [items, k], "k": k}
    finally:
        pass


def both(a: Any, b: Any) -> float:
    try:
        a[0] += 2.0
        b[1] = 3.0 * b[0]
    finally:
        return 1.0


class Point:
    def __init__(self, k: Any) -> None:
        self.k, self.items = k, []

    def bump(self) -> Any:
        try:
            self.k += 1
        finally:
            return self.k

    def add(self, v: Any) -> Any:
        try:
            self.items.append(v)
        finally:
            return self

    def times(self, t: Any) -> Any:
        try:
            return self.k * t
        except TypeError:
            return 0


class Keeper:
    def __init__(self, items: Any) -> None:
        self.items = items

    def total(self) -> Any:
        return sum(self.items)


def kept(items: Any) -> Any:
    try:
        return Keeper(items)
    finally:
        pass


@dataclass
class Account:
    total: Any = 1.0
    entries: list[Any] = field(default_factory=list)

    def book(self, v: Any) -> Any:
        try:
            self.entries.append(v)
            self.total += v
        finally:
            return self


class Pair:
    __slots__ = ("p", "q")

    def __init__(self, p: Any) -> None:
        self.p, self.q = p, None

    def link(self, other: Any) -> Any:
        try:
            self.q = other
        finally:
            return self


class Tally:
    def __init__(self) -> None:
        self.seen: dict[Any, int] = {}

    def __call__(self, k: Any) -> int:
        try:
            self.seen[k] += 1
        except KeyError:
            self.seen[k] = 1
        return self.seen[k]


def swap(a: Any, b: Any) -> None:
    try:
        a[0], b[0] = b[0], a[0]
    except IndexError:
        pass


def fill(a: Any, k: Any) -> Any:
    try:
        for i in range(len(a)):
            a[i] = k * i
    finally:
        return a.sum()


def counted_down(items: Any, k: int) -> None:
    try:
        if k > 0:
            items.append(k)
            counted_down(items, k - 1)
    finally:
        pass


NAMES: dict[str, Any] = {
    "Account": Account, "Pair": Pair, "Tally": Tally, "swap": swap, "fill": fill, "counted_down": counted_down,
    "bisect": bisect, "collections": collections, "heapq": heapq, "random": random, "statistics": statistics,
    "applied": applied, "put": put, "append": append, "perhaps": perhaps, "same": same, "one_of": one_of,
    "shared": shared, "in_a_dict": in_a_dict, "both": both,
    "scaled": scaled, "twice_the_same": twice_the_same, "Point": Point, "kept": kept,
    "SimpleNamespace": SimpleNamespace, "stop_gradient": stop_gradient,
    "data": np.array([3.0, 1.0, 2.0, 5.0]), "LENT": [3, 1, 2], "ARRAY": np.ones(3),
    "SPACE": SimpleNamespace(a=2.0, b=3.0),
}  # fmt: skip
FORMS = {
    "plain": "def f(x, n):\n    {before}\n    return x * x * {value}\n",
    "if": "def f(x, n):\n    y = x\n    if x > 0.1:\n        {before}\n        y = x * {value}\n    return y * x\n",
    "for": "def f(x, n):\n    s = x\n    for i in range(n):\n        {before}\n"
    "        s = s * x + {value} * x\n    return s\n",
    "while": "def f(x, n):\n    s = x\n    i = 0\n    while i < n:\n        {before}\n"
    "        s = s * x + {value} * x\n        i += 1\n    return s\n",
    "exit": "def f(x, n):\n    if x < 0.3:\n        return x * 3.0\n    {before}\n    return x * x * {value}\n",
    "helper": "def h(x, n):\n    {before}\n    return x * {value}\ndef f(x, n):\n    return h(x, n) * h(2 * x, n)\n",
    "method": "class M:\n    def h(self, x, n):\n        {before}\n        return x * {value}\nm = M()\n"
    "def f(x, n):\n    return m.h(x, n) * x\n",
}
CALLS = [
    ("h = [5, 3, 8, 1]\nheapq.heapify(h)", "(h[0] + 2 * h[1] + h[3])"),
    ("h = [5 * n, 3, 8 * n, n]\na = h\nheapq.heapify(h)", "(a[0] + 2 * a[1] + h[3])"),
    ("h = []\nheapq.heappush(h, 4 * n)\nheapq.heappush(h, n)", "(h[0] + 10 * len(h))"),
    ("h = [n, n + 5, 8 + n]\nk = heapq.heappop(h)", "(k + h[0] + len(h))"),
    ("h = [(5, n), (3, 2 * n)]\nheapq.heapify(h)", "h[0][1]"),
    ("h = []\nfor j in range(n):\n    heapq.heappush(h, 5 - j)\ns = 0\nwhile h:\n    s = 2 * s + heapq.heappop(h)",
     "(s + 1)"),
    ("h = [(0, 0)]\nd = {0: 0}\nwhile h:\n    c, u = heapq.heappop(h)\n    for v, w in ((u + 1, 2), (u + 2, 3)):\n"
     "        if v < 5 and c + w < d.get(v, 99):\n            d[v] = c + w\n            heapq.heappush(h, (c + w, v))",
     "(d[4] + d[1])"),
    ("r = list(range(n))\nrandom.Random(0).shuffle(r)", "(r[0] + 10 * r[1])"),
    ("order = list(range(4))\nrandom.Random(n).shuffle(order)", "(data[order] * data).sum()"),
    ("r = np.random.default_rng(3)\norder = np.arange(4) * n\nr.shuffle(order)", "(order * data).sum()"),
    ("q = [1.0, 4.0, 9.0]\nbisect.insort(q, 1.5 * n)", "(q[2] + len(q))"),
    ("q = []\nappend(q, 3 * n)\nappend(q, 4)", "(q[0] + len(q))"),
    ("q = [0.5]\nfor j in range(3):\n    append(q, data[j] * n)", "q[2]"),
    ("q = [0.5]\nif n > 2:\n    append(q, data[1] * n)", "q[-1]"),
    ("q = [1, n]\nperhaps(q, n)", "(len(q) + q[-1])"),
    ("q = ['b', 'a', 'c']\nappend(q, 'd')", "({'a': 1, 'b': 2}[q[1]] + len(q))"),
    ("q = [2, 0, 1]\napplied(list.sort, q)", "{0: 5, 1: 6, 2: 7}[q[1]]"),
    ("q = [[3, 1], [n, 0]]\np = [heapq.heappop(r) for r in q]", "(p[0] + p[1] + len(q[0]) + q[1][0])"),
    ("a = [1, n]\nq = [a, [2]]\napplied(list.reverse, q)\na.append(7)", "(len(q[1]) + q[1][-1])"),
    ("q = [1, n]\np = same(q)\np.append(4)", "(len(q) + q[-1])"),
    ("q = [1, n]\no = [2, n]\np = one_of(q, o, n)\np.append(4)", "(len(q) + q[-1] + len(o))"),
    ("d = {'a': 1}\nput(d, 'b', 3 * n)", "(d['b'] + len(d))"),
    ("d = {1}\nput(d, 0, n)", "(len(d) + (3 in d))"),
    ("d = collections.deque([1, n], maxlen=2)\nappend(d, 5)", "(d[0] + len(d) + statistics.mean(d))"),
    ("d = collections.Counter([1, 1, n])", "applied(lambda c: c.most_common()[0][1], d)"),
    ("d = collections.defaultdict(list)\nd['a'].append(n)", "applied(lambda c: c['a'][0], d)"),
    ("a = np.ones(4) * n\nb = a[1:]\nput(b, 1, 3.0 * n)", "(a[2] + a.sum() + b[1])"),
    ("a = np.array([3.0, n, 1.0])\napplied(lambda b: b.sort(), a)", "(a[0] + 2 * a[2])"),
    ("a = np.ones(3) * n\nb = scaled(a)\nb[0] = 9.0", "(a[0] + b[1])"),
    ("o = Point(n)", "o.times(2)"),
    ("o = Point(7)", "data[o.times(2) - 14 + len(range(o.k)) - 7]"),
    ("o = Point(n)\np = o\nk = o.bump()", "(p.k + 2 * k)"),
    ("o = Point(n)\np = o.add(2 * n).add(3)\no.k = 5", "(o.items[0] + len(p.items) + p.k)"),
    ("o = [Point(n), Point(4)]\nk = o[0].bump()\no[1].add(k)", "(o[0].k + o[1].items[0])"),
    ("o = Account(total=n)\no.book(2.0).book(n)", "(o.total + len(o.entries) + o.entries[1])"),
    ("a = Pair(n)\nb = Pair(2 * n)\na.link(b)\nb.p = 7", "(a.q.p + a.p)"),
    ("o = Tally()\nw = o(n) + o(1)\nw = w + o(n)", "(o.seen[n] + w)"),
    ("a = [1, n]\nb = [n, 5]\nswap(a, b)", "(a[0] + 2 * b[0])"),
    ("A = np.zeros((3, 3))\ns = 0.0\nfor r in A:\n    s = s + fill(r, n)", "(A[1, 2] + s + A.sum())"),
    ("a = np.zeros(3)\nfill(a, n)\na[0] = x", "(a[2] * a[0])"),
    ("q = []\ncounted_down(q, n)", "(len(q) + q[0])"),
    ("w = [x, n]\nw[0] = 1\nheapq.heapify(w)", "(w[0] + w[1])"),
    ("q = [n]\nif x > 0.75:\n    append(q, 4)\n    q.append(2)", "(len(q) + q[-1])"),
    ("a = [1]\nb = [2]\nc = a if n > 2 else b\nappend(c, 4)", "(len(a) + 2 * len(b))"),
    ("q = [1, 2, n]\ns = 0.0\nwhile len(q) > 1:\n    s = s + applied(list.pop, q)", "(s + q[0])"),
    ("d = {}\ntwice_the_same(d)\nd['a'].append(n)", "(sum(d['b']) + len(d['a']))"),
    ("m = shared(n)\nm[1][0].append(7)", "(sum(m[0]) + len(m[2][0]))"),
    ("q = [1, n]\nd = in_a_dict(q, n)\nd['items'].append(4)\nd['more'][0].append(n)", "(sum(q) + d['k'] + len(d['items']))"),
    ("a = np.ones(4) * n\nboth(a, a)", "(a * data).sum()"),
    ("a = np.ones(4) * n\nboth(a[1:], a)", "(a * data).sum()"),
    ("a = np.ones(4) * n\nb = a[::-1]\nboth(b, a[1:3])", "((a * data).sum() + b[0])"),
    ("a = np.ones((3, 2)) * n\nt = 0.0\nfor r in a:\n    t = t + both(r, a[1])", "(a.sum() + a[0, 1] + t)"),
    ("a = np.ones(4) * n\nb = a.reshape(2, 2)\nboth(b.T[1], a[1:3])", "((a * data).sum() + b[0, 1])"),
    ("v = vars(SPACE)", "(v['a'] + SPACE.b)"),
    ("v = vars(SimpleNamespace(a=2.0 * n))", "v['a']"),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("before", "value"), CALLS)
def test_what_a_call_changes(form: str, before: str, value: str) -> None:
    margin = FORMS[form].split("{before}")[0].rpartition("\n")[2]
    f = make(FORMS[form].format(before=before.replace("\n", f"\n{margin}"), value=value), **NAMES)
    for n in (3, 2, 4):
        check(f, 0.7, n, argnums=(0,))


def test_one_gradient_function_for_other_values() -> None:
    """What a call changes now and then is found out, and is right in every run."""
    text = """
        q = [1, n]
        perhaps(q, n)
        return x * x * (len(q) + q[-1])
    """
    f = make(f"def f(x, n):\n{body(text)}\n", **NAMES)
    for optimize in (True, False):
        gradient = grad(f, argnums=0, optimize=optimize)
        for n in (2, 3, 2, 5, 1):
            assert gradient(0.7, n) == pytest.approx(2 * f(1.0, n) * 0.7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("h = [x, 2.0]\nheapq.heapify(h)\nreturn h[0]", "no gate rule for heapq.heapify"),
        ("h = [2.0]\nappend(h, x)\nreturn h[1]", "a try block"),
        (
            "h = [3.0 * x, 2.0 * x]\nk = stop_gradient(heapq.heappop(h))\nreturn h[0] * x",
            "no gate rule for heapq",
        ),
        ("o = Point(x)\nreturn x * o.times(2)", "a try block"),
        ("heapq.heapify(LENT)\nreturn x * LENT[0]", "is a list of the program"),
        ("put(ARRAY, 0, 3.0)\nreturn x * ARRAY[0]", "is an array of the program"),
        (
            "q = [1, n]\nk = kept(q)\nq.append(4)\nreturn x * k.total()",
            "a list changes that .*kept was given",
        ),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    f = make(f"def f(x, n):\n{body(text)}\n", **NAMES)
    for optimize in (True, False):
        with pytest.raises(UnsupportedError, match=words):
            grad(f, argnums=0, optimize=optimize)(0.7, 3)


def test_second_derivatives() -> None:
    text = """
        h = [5 * n, 3, n]
        heapq.heapify(h)
        o = Point(n)
        return x ** 3 * (h[0] + 2 * h[1] + len(o.add(3).items))
    """
    f = make(f"def f(x, n):\n{body(text)}\n", **NAMES)
    for n in (3, 1):
        assert grad(grad(f, argnums=0), argnums=0)(0.5, n) == pytest.approx(3.0 * f(1.0, n))
