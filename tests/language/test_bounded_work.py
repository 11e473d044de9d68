"""What compiling costs is bounded: by trying again with what was learnt, by refusing what would take minutes."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import tracemalloc
from collections import Counter
from typing import Any

import numpy as np
import pytest

import revcompile.compiler
import revcompile.dispatch
import revcompile.frontend.lower as frontend
from revcompile import UnsupportedError, grad
from revcompile.compiler import compile_gradient
from revcompile.frontend import containers, names
from revcompile.statements import carried, loop_reverse
from tests.corpus.differences import Differences
from tests.language.checking import check
from tests.support.program import make
from tests.support.texts import TEXTS

A = np.array([0.3, -0.7, 1.1])

# -- reversed loops: bodies of nested loops, by what stands before them -----------------------------

BODIES = [
    ("s = 0.0", "s = s + x * y * np.sum(w)"),
    ("s = 0.0", "w = w * x\ns = s + np.sum(w)"),
    ("s = 0.0; w = w.copy()", "w[1:] = w[:-1] * x\ns += w[0] * y"),
    ("s = 0.0", "if s < 3.0:\n    z = w * x\n    s += z[0]\nelse:\n    w = w * y"),
    ("s = 0.0; L = []", "L.append(s * x)\ns += L[-1] * y + np.sum(w)"),
    ("s = 0.0", "s += scaled(x, w) * y"),
]


def nested(depth: int, before: str, body: str) -> Any:
    text = [f"def f(x, y, w):\n    {before}"]
    text += ["    " * (i + 1) + f"for i{i} in range(2):" for i in range(depth)]
    text += ["    " * (depth + 1) + line for line in body.split("\n")]
    return make("\n".join([*text, "    return s + np.sum(w)\n"]), scaled=lambda x, w: x * np.sum(w))


@pytest.mark.parametrize("before, body", BODIES)
def test_attempts_to_reverse_a_loop_do_not_multiply_with_depth(
    before: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    begin = loop_reverse._Attempt.__init__

    def counted(self: Any, rev: Any, loop: Any, *rest: Any) -> None:
        made.append(loop)
        begin(self, rev, loop, *rest)

    monkeypatch.setattr(loop_reverse._Attempt, "__init__", counted)
    for depth in (1, 3):
        made.clear()
        grad(nested(depth, before, body), argnums=(0, 1, 2))(0.5, 0.25, A)
        assert max(map(made.count, made)) <= 3


TRIED = [
    *BODIES,
    ("s = 0.0; L = []", "M = []\nM.append(s * x)\nL.append(M[0] + y)\ns += L[-1]"),
    ("s = 0.0; v = w.copy()", "z = v * x\nz[0] = y\nv = z\ns += z[1]"),
    ("s = x", "s = s * y\nif s > 100.0:\n    break"),
    ("s = 0.0; d = {'a': x}", "d['a'] = d['a'] * y\ns += d['a']"),
]


@pytest.mark.parametrize("before, body", TRIED)
def test_trials_of_a_loop_do_not_multiply_with_depth(
    before: str, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: Counter[int] = Counter()
    run = carried.Trial.run

    def counted(self: Any, node: Any, *rest: Any) -> None:
        tried[node.lineno] += 1
        run(self, node, *rest)

    monkeypatch.setattr(carried.Trial, "run", counted)
    for depth in (1, 3, 5):
        tried.clear()
        grad(nested(depth, before, body), argnums=(0, 1, 2))(0.5, 0.25, A)
        assert max(tried.values()) <= 4 * (depth + 1)


@pytest.mark.parametrize("before, body", BODIES)
def test_gradients_of_nested_loops(before: str, body: str) -> None:
    check(nested(2, before, body), 0.5, 0.25, A, argnums=(0, 1, 2))


# -- helpers ----------------------------------------------------------------------------------------


@pytest.fixture
def lowerings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The gradients that were compiled; each with how often its function was lowered."""
    found: list[Any] = []
    lower = revcompile.compiler._compile

    def counted(*args: Any) -> Any:
        found[-1] += 1
        return lower(*args)

    def counting(*args: Any) -> Any:
        found.append(0)
        return compile_gradient(*args)

    monkeypatch.setattr(revcompile.compiler, "_compile", counted)
    monkeypatch.setattr(revcompile.dispatch, "compile_gradient", counting)
    return found


HELPER = """
def step(x, w):
    z = np.tanh(x * w) + np.sin(x)
    z = z * z + np.cos(w) * x
    return z / (1.0 + z * z) - np.exp(-x * x) * w
"""


@pytest.mark.parametrize(
    "body",
    [
        "    return np.sum(step(step(x, w), w))",
        "    for i in range(3):\n        x = step(x, w)\n    return np.sum(x)",
        "    if w[0] > 0:\n        x = step(x, w)\n    return np.sum(step(x, w))",
        "    i = 0\n    while i < 3:\n        x = step(x, w)\n        i += 1\n    return np.sum(x)",
        "    inner = lambda v: step(v, w) * v * np.sin(v) - np.cos(v)\n    return np.sum(inner(x) + inner(w))",
        "    parts = [step(x, w), step(w, x)]\n    return np.sum(parts[0] * parts[1])",
    ],
)
def test_a_function_with_helpers_is_lowered_once(body: str, lowerings: list[int]) -> None:
    f = make(f"{HELPER}\ndef f(x, w):\n{body}\n")
    grad(f).source_for(A, A + 1.0)
    assert set(lowerings[-1:]) == {1}
    check(f, A, A + 1.0)


def test_helpers_that_call_helpers_twice_are_lowered_once_each() -> None:
    text = ["def g0(x):\n    return np.sin(x) * 0.7"]
    text += [f"def g{i}(x):\n    return g{i - 1}(x) + g{i - 1}(x * 0.5)" for i in range(1, 26)]
    f = make("\n".join([*text, "def f(x):\n    return g25(x) if x > 1.0 else g4(x)\n"]))
    grad(f).source_for(0.3)


def test_a_recursion_that_branches() -> None:
    g = "def g(x, d):\n    if d == 0:\n        return np.sin(x)\n    return g(x, d - 1) + g(x * 0.5, d - 1)\n"
    f = make(f"{g}\ndef f(x):\n    return g(x, 6)\n")
    check(f, 0.3)
    grad(make(f"{g}\ndef f(x):\n    return g(x, 30) if x > 1.0 else g(x, 2)\n")).source_for(0.3)


# -- too much ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "    s = 0.0\n    for i, j in itertools.product(range(1000), range(1000)):\n        s += x * i\n    return s",
        "    s = 0.0\n    for p in itertools.permutations(range(10)):\n        s += x * p[0]\n    return s",
        "    s = 0.0\n    for i in tuple(range(10**5)):\n        s += x\n    return s",
        "    s = 0.0\n    for i in itertools.count():\n        s += x\n        if i > 10**6:\n            break\n    return s",
        "    return [i * i for i in range(10**6)][3] * x",
        "    return sum([x] * 10**6)",
        "    return list(itertools.accumulate(range(10**6)))[5] * x",
    ],
)  # fmt: skip
def test_what_would_take_minutes_is_refused(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontend, "MAX_OPERATIONS", 30_000)  # not to wait for the seconds
    f = make(f"def f(x):\n{body}\n", itertools=itertools)
    with pytest.raises(UnsupportedError, match="would have to be") as refusal:
        grad(f)(2.0)
    assert "line" in str(refusal.value)
    assert "range" in str(refusal.value)


@pytest.mark.parametrize(
    "expression",
    [
        "tuple(range(10**6))[3]", "sum(range(10**6))", "len(range(10**9))", "sum([0.1] * 10**5)",
        "len(list(itertools.product(range(300), repeat=2)))", "((0.5,) * 10**6)[7]", "float(10**6 in range(10**7))",
    ],
)  # fmt: skip
def test_what_is_known_and_quick_stays_so(expression: str) -> None:
    f = make(f"def f(x):\n    return x * {expression}\n", itertools=itertools)
    gradient = grad(f)
    assert gradient(2.0) == f(1.0)
    assert len(gradient.source_for(2.0)) < 2000


# -- deep -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(
    "expression",
    [
        " + ".join(["x"] * 1200), " - ".join(["x * y"] * 400), "(1.0 + " * 90 + "x" + ")" * 90,
        "math.sin(" * 90 + "x" + ")" * 90, "-" * 90 + "x", "x * (" + " + ".join(["1"] * 1500) + ")",
        "x * len(" + " + ".join(["'a'"] * 1500) + ")",
    ],
)  # fmt: skip
def test_expressions_as_deep_as_python_takes_them(expression: str, optimize: bool) -> None:
    f = make(f"def f(x, y):\n    return {expression}\n")
    expected = Differences(f, (0.5, 0.25), (0,)).gradients
    np.testing.assert_allclose(
        grad(f, argnums=(0,), optimize=optimize)(0.5, 0.25), list(expected.values()), rtol=1e-7
    )


def self_containing(kind: str) -> Any:
    x: Any = {"list": [1.0], "dict": {"a": 1.0}, "tuple": [1.0], "two": [1.0], "deep": 1.0}[kind]
    if kind == "list":
        x.append(x)
    elif kind == "dict":
        x["b"] = x
    elif kind == "tuple":
        x.append((x, 2.0))
    elif kind == "two":
        x.append([x])
    else:
        for _ in range(30_000):
            x = [x]
    return x


@pytest.mark.parametrize("kind", ["list", "dict", "tuple", "two", "deep"])
def test_what_contains_itself_is_refused(kind: str) -> None:
    thing = self_containing(kind)
    with pytest.raises(UnsupportedError, match="argument x contains itself, or is nested more than"):
        grad(make("def f(x):\n    return 1.0\n"))(thing)
    with pytest.raises(UnsupportedError, match="argument x contains itself, or is nested more than"):
        grad(make("def f(y, x):\n    return y\n"), argnums=0)(1.0, thing)
    with pytest.raises(UnsupportedError, match="G contains itself, or is nested more than"):
        grad(make("def f(y):\n    return y * len(G)\n", G=thing))(1.0)
    holder = type("Holder", (), {})()
    holder.things = thing
    with pytest.raises(UnsupportedError, match="contains itself, or is nested more than"):
        grad(make("def f(y, x):\n    return y * len(x.things)\n"), argnums=0)(1.0, holder)


def test_lists_in_lists_work_up_to_a_hundred() -> None:
    x: Any = 2.0
    for _ in range(90):
        x = [x]
    f = make(f"def f(x):\n    return x{'[0]' * 90} ** 2\n")
    found = grad(f)(x)
    for _ in range(90):
        (found,) = found
    assert found == 4.0


def chain(n: int) -> str:
    tests = "".join(f"    elif x < {i}:\n        y = x * {i}.5\n" for i in range(1, n))
    return f"def f(x):\n    if x < 0:\n        y = x\n{tests}    else:\n        y = x * x\n    return y\n"


@pytest.mark.parametrize("optimize", TEXTS)
def test_long_chains_of_conditions_work_or_are_refused(optimize: bool) -> None:
    f = grad(make(chain(30)), optimize=optimize)
    assert [f(x) for x in (-1.5, 2.5, 17.5, 99.5)] == [1.0, 3.5, 18.5, 199.0]
    with pytest.raises(UnsupportedError, match="nested more than 250 deep here\\n.*line"):
        grad(make(chain(500)), optimize=optimize)(2.5)


def test_a_text_that_python_does_not_take_is_a_refusal() -> None:
    body = "".join(f"{'    ' * i}if x > {i}:\n" for i in range(1, 60)) + "    " * 60 + "y = x * x\n"
    ternary = "".join(f"(x if x < {i} else " for i in range(60)) + "x" + ")" * 60
    f = make(f"def f(x):\n    y = x\n{body}    y = {ternary} * y\n    return y\n")
    try:
        found = grad(f, optimize=False)(2.5)
    except UnsupportedError as e:
        assert "nested" in str(e)
    else:
        np.testing.assert_allclose(found, (f(2.5 + 1e-6) - f(2.5 - 1e-6)) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize(
    "text", ["len([x] * 10**8)", "len([1.0] * 10**8)", "len(10**7 * (x, x))", "repeated(x)"]
)
def test_a_list_is_not_repeated_without_end(text: str) -> None:
    f = make(
        f"def repeated(x):\n    l = [x]\n    l *= 10**8\n    return len(l)\ndef f(x):\n    return x * {text}\n"
    )
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedError, match="more than 1,000,000 items would have to be made"):
            grad(f)(1.0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 50_000_000


# -- what Python goes through, and the compiler with it ----------------------------------------------

HUGE = [
    "sum(a * x for a, b in zip(range(10**6), range(10**6)))", "sum(a for a, b in itertools.product(range(1000), range(1000)))",
    "len(list(itertools.starmap(max, zip(range(9000), range(9000)))))", "sum(v * x for v in itertools.chain(range(10**6), range(10**6)))",
    "sum([v for v in itertools.repeat(x, 10**7)])", "sum(v for i, v in enumerate(itertools.repeat(x)))",
    "len(','.join(str(i) for i in range(10**6)))", "len([i * j for i in range(3000) for j in range(3000)])",
    "len({(i, j): i for i in range(1000) for j in range(1000)})", "len(list(itertools.combinations(range(10**4), 2)))",
    "sum(x * p[0] for p in itertools.permutations(range(10)))", "len(list(itertools.accumulate([x] * 10**4)))",
    "sum(map(lambda v: x * v, range(10**6)))", "len(doubled(x))", "len(joined(x))", "qs([x, x * x, x + 1.0, 2.0 - x])[0]",
]  # fmt: skip
GOING_ON = """
def doubled(x):
    s = [x]
    for i in range(60):
        s = s + s
    return s
def joined(x):
    s = [x, 'a']
    for i in range(60):
        s += s
    return s
def qs(xs):
    if len(xs) <= 1:
        return xs
    p = xs[0]
    return qs([v for v in xs[1:] if v < p]) + [p] + qs([v for v in xs[1:] if v >= p])
"""


@pytest.mark.parametrize("expression", HUGE)
def test_little_is_done_before_the_refusal(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    tells = names.HostNames.tells

    def counted(*args: Any) -> None:
        calls["tells"] += 1
        tells(*args)

    monkeypatch.setattr(names.HostNames, "tells", counted)
    monkeypatch.setattr(frontend, "MAX_OPERATIONS", 10_000)  # not to wait for the second
    monkeypatch.setattr(frontend, "MAX_ITEMS", 20_000)
    monkeypatch.setattr(containers, "MAX_ITEMS", 20_000)
    f = make(f"{GOING_ON}\ndef f(x):\n    return x * {expression}\n", itertools=itertools)
    with pytest.raises(UnsupportedError):
        grad(f)(2.0)
    assert calls["tells"] < 20_000


REDUCED = {
    "array": ("functools.reduce(lambda s, v: s + v * v, x)", A),
    "start": ("functools.reduce(operator.mul, x, 1.0)", A),
    "rows": ("np.sum(functools.reduce(np.multiply, np.outer(x, x)))", A),
    "helper": ("total(x)", A),
    "product": ("math.prod(x)", A),
    "mapped": ("sum(map(math.sin, x))", A),
    "filtered": ("sum(filter(lambda v: v > 1.5, x))", A),
    "failing": ("sum(itertools.filterfalse(lambda v: v > 1.5, x))", A),
    "as long as": ("sum(itertools.takewhile(lambda v: v < 1.5, x))", A),
    "starred": ("sum(itertools.starmap(operator.mul, zip(x, x)))", A),
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("case", REDUCED)
def test_functions_of_functions_are_loops_over_arrays(
    case: str, optimize: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    expression, x = REDUCED[case]
    calls: Counter[str] = Counter()
    invoke = frontend.Lowerer.call

    def counted(*args: Any) -> Any:
        calls["call"] += 1
        return invoke(*args)

    monkeypatch.setattr(frontend.Lowerer, "call", counted)
    helper = "def total(x):\n    return functools.reduce(lambda s, v: s + v * v, x)\n"
    modules = {"functools": functools, "operator": operator, "itertools": itertools, "math": math}
    f = make(f"{helper}\ndef f(x):\n    return {expression}\n", **modules)
    gradient = grad(f, optimize=optimize)
    for args in (np.tile(x, 7), x, x[::-1].copy()):
        expected = Differences(f, (args,), (0,)).gradients
        np.testing.assert_allclose(np.ravel(gradient(args)), np.ravel(list(expected.values())), rtol=1e-6)
    assert calls["call"] < 60


@pytest.mark.parametrize("expression", ["functools.reduce(np.maximum, x)", "math.prod([v * v for v in x])"])
def test_long_lists_are_not_written_out(expression: str) -> None:
    f = make(f"def f(x):\n    return {expression}\n", functools=functools, math=math)
    with pytest.raises(UnsupportedError, match="a loop of .* trips would have to be written out\n.*line"):
        grad(f)([0.5] * 2_100)


def test_what_is_known_is_reduced_at_any_length() -> None:
    f = make(
        "def f(x):\n    return x * functools.reduce(operator.add, range(5000))\n",
        functools=functools,
        operator=operator,
    )
    assert grad(f)(2.0) == f(1.0)


def test_functions_are_looked_for_in_each_list_once() -> None:
    row = [0.5] * 1000
    assert names._inside(([row] * 1000, [(1, str), {len}], {"a"}, np.sin)) == [str, len]
    f = make("def f(x):\n    return x * len([[0.0] * 1000] * 1000) + [0.5, x][1]\n")
    assert grad(f)(2.0) == 1001.0


# -- what is refused at once, and what is done in one go ----------------------------------------------

SORT = (
    "def sort(L):\n    if len(L) <= 1:\n        return L\n    p = L[0]\n"
    "    return sort([v for v in L[1:] if v < p]) + [p] + sort([v for v in L[1:] if v >= p])\n"
)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("text", "args", "words"),
    [
        (SORT + "def f(a, b, c, d):\n    return sort([a, b, c, d])[0]\n", (1.0, 2.0, 3.0, 4.0), "sort calls itself"),
        (SORT + "def f(x):\n    return sort(list(x))[0]\n", (A,), "sort calls itself"),
        ("def f(x):\n    return np.sum(np.concatenate([x] * 20_000))\n", (A,), "of 20,000 operands"),
        ("def f(x):\n    return np.sum(np.stack([x] * 6_000))\n", (A,), "of 6,000 operands"),
        ("def f(x):\n    return np.sum(np.array([x] * 6_000))\n", (0.5,), "of 6,000 operands"),
        ("def f(x):\n    return sum(list(x))\n", (np.ones(6_000),), "would be too long"),
        ("def f(x):\n    a, *b = x\n    return a\n", (np.ones(6_000),), "would be too long"),
    ],
)  # fmt: skip
def test_what_would_be_too_long_is_refused_before_the_work(
    text: str, args: Any, words: str, optimize: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    work: list[Any] = []
    emit = frontend.Lowerer.emit
    monkeypatch.setattr(frontend.Lowerer, "emit", lambda *a: work.append(a) or emit(*a))
    with pytest.raises(UnsupportedError, match=words):
        grad(make(text), optimize=optimize)(*args)
    assert len(work) < 2_000


def test_a_list_that_grows_begins_with_any_number_of_items_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[Any] = []
    emit = frontend.Lowerer.emit
    monkeypatch.setattr(frontend.Lowerer, "emit", lambda *a: work.append(a) or emit(*a))
    f = make(
        "def f(x):\n    p = [True] * 300\n    for i in range(2, 18):\n        if p[i]:\n"
        "            for j in range(i * i, 300, i):\n                p[j] = False\n    return x * sum(p)\n"
    )
    assert grad(f)(0.5) == f(1.0) and len(work) < 300
