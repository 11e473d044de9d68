"""Arrays in as many parts as an argument says, their elements as lists, the next item of what was made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make

V = np.array([0.5, -0.25, 0.75, 0.3])
A = np.linspace(0.3, 1.7, 12).reshape(4, 3)


@pytest.mark.parametrize(
    "split", ["np.split(x, n)", "np.array_split(x, n)", "np.hsplit(x, n)", "np.split(x, [n])"]
)
@pytest.mark.parametrize(
    "body",
    [
        "a, b = {}\n    return np.sum(a) * np.sum(b * b)",
        "s = 0.0\n    for p in {}:\n        s = s * x[0] + np.sum(p) ** 2\n    return s",
        "if x[0] > 0:\n        p = {}\n        return np.sum(p[0]) * np.sum(p[-1] ** 2)\n    return x[0]",
        "def h(x, n):\n        return {}[1]\n    return np.sum(h(x, n) * h(2.0 * x, n))",
        "parts = [np.sum(p * p) for p in {}]\n    return parts[0] * parts[1]",
    ],
)
def test_as_many_parts_as_an_argument_says(body: str, split: str) -> None:
    f = make(f"def f(x, n):\n    {body.format(split)}\n")
    check(f, V, 2, argnums=(0,))
    gradient = grad(f, argnums=0)
    for n in (2, 1, 2) if "[n]" in split else (2, 2):
        np.testing.assert_allclose(gradient(V, n), grad(lambda x, n=n: f(x, n))(V))


@pytest.mark.parametrize(
    ("body", "arg"),
    [
        ("return sum(v * v for v in x.tolist())", V),
        ("L = x.tolist()\n    return L[0] * L[1] * len(L)", V),
        ("L = x.tolist()\n    return L[0][1] * L[1][0]", A),
        ("s = 1.0\n    for v in x.tolist():\n        if v > 0:\n            s = s * v\n    return s", V),
        ("def h(x):\n        return x.tolist()[0]\n    return h(x) * h(2.0 * x)", V),
        ("return np.sum(x).tolist() * x.tolist()[-1]", V),
    ],
)
def test_elements_as_a_list(body: str, arg: Any) -> None:
    check(make(f"def f(x):\n    {body}\n"), arg)


def test_elements_of_a_list_are_pythons() -> None:
    f = make("def f(x):\n    return x.tolist()[0] * (2.0 if type(x.tolist()[1]) is float else 3.0)\n")
    found = grad(f)(V.astype(np.float32))
    assert found.dtype == np.float32 and found.tolist() == [2.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "body",
    [
        "it = iter(x)\n    return it.__next__() * it.__next__()",
        "it = [x[0], x[1]].__iter__()\n    return next(it) * it.__next__()",
        "return zip(x, x[1:]).__next__()[1] * x[0]",
        "return map(lambda v: v * v, x).__next__() * next(enumerate(x))[1]",
        "return itertools.product(x, x).__next__()[1] * next(reversed(x))",
        "return (v * v for v in x).__next__() * next(filter(None, [0.0, 2.0]))",
    ],
)
def test_the_next_item(body: str) -> None:
    check(make(f"import itertools\ndef f(x):\n    {body}\n"), V)


@pytest.mark.parametrize(
    "body",
    ["it = zip(x, x)\n    n = it.__next__\n    return n()[0]", "it = map(abs, x)\n    return it.__next__()"],
)
def test_what_is_refused(body: str) -> None:
    with pytest.raises(UnsupportedError, match=r"make it a list|iter\(list\(\.\.\.\)\)"):
        grad(make(f"def f(x):\n    {body}\n"))(V)


UNPACKED = [
    "x[x > 0]",
    "[v * v for v in x if v > 0]",
    "np.percentile(e, [5, 50, 95]) * x[0]",
    "x[np.unique(k)]",
]


@pytest.mark.parametrize("what", UNPACKED)
@pytest.mark.parametrize(
    "form",
    [
        "a, b, c = {}\n    return a * b + c * c",
        "s = 0.0\n    for i in range(2):\n        a, b, c = {}\n        s = s + a * b * c * (i + 1)\n    return s",
        "if x[0] > 0:\n        a, b, c = {}\n        return a * b + c\n    return x[0]",
        "def h(x):\n        a, b, c = {}\n        return a * b + c\n    return h(x) * h(2.0 * x)",
    ],
)
def test_as_many_names_as_the_run_finds_items(form: str, what: str) -> None:
    f = make(f"def f(x, e, k):\n    {form.format(what)}\n")
    check(f, V, np.array([0.1, 0.4, 0.6]), np.array([0, 2, 2, 3]), argnums=(0,))


@pytest.mark.parametrize("what", UNPACKED[:2])
@pytest.mark.parametrize(("names", "words"), [("a, b", "too many"), ("a, b, c, d", "not enough")])
def test_more_or_fewer_names_than_items(names: str, words: str, what: str) -> None:
    f = make(f"def f(x):\n    {names} = {what}\n    return a * b\n")
    for optimize in (True, False):
        with pytest.raises(ValueError, match=f"{words} values to unpack"):
            grad(f, optimize=optimize)(V)


FOUND = [
    "next((v * v for v in x if v < c), 2.0)",
    "next((v * c for v in x if v > 9.0), x[0] * c)",
    "next(v * v for v in x if v < c if v > -3.0)",
    "x[next(i for i, v in enumerate(x) if x[i + 1] > v and v < c)]",  # it would be an error at the end
    "next((v + w for v, w in zip(x, x[1:]) if v < c and w > 0.0), 0.0)",
    "next((v * y for v in [x[0], x[1] * y, y] if v < c), 1.0)",
    "(v * v for v in x if v < c).__next__()",
]


@pytest.mark.parametrize("found", FOUND)
@pytest.mark.parametrize(
    "form",
    [
        "return {} * x[0] * y",
        "s = y\n    for i in range(3):\n        s = s * x[0] + {} * (i + 1)\n    return s",
        "if y > 0:\n        z = {}\n        return z * y\n    return x[0]",
        "def h(x, y, c):\n        return {}\n    return h(x, y, c) * h(x, 2.0 * y, c)",
    ],
)
def test_the_first_that_only_the_run_finds(form: str, found: str) -> None:
    f = make(f"def f(x, y, c):\n    {form.format(found)}\n")
    check(f, V, 0.4, 0.45, argnums=(0, 1))
    gradient = grad(f, argnums=(0, 1))
    for c in (0.45, -0.1, 0.45):
        for found_, expected in zip(gradient(V, 0.4, c), grad(lambda x, y, c=c: f(x, y, c))(V, 0.4)):
            np.testing.assert_allclose(found_, expected)


def test_where_there_is_none() -> None:
    for optimize in (True, False):
        with pytest.raises(StopIteration):
            grad(lambda x, c: next(v for v in x if v > c) * c, argnums=0, optimize=optimize)(V, 5.0)
