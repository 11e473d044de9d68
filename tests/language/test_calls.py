"""Calls of every form: stars, defaults, decorators, closures, tables of functions, functools, operator, text."""

from __future__ import annotations

import copy
import functools
import math
import operator
from functools import lru_cache, partial, reduce
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make

V = np.array([0.5, -0.25, 0.75])
POINTS = [(0.7, 1.3), (1.3, 0.7)]


def parameters(a, /, b, *rest, c, d=2.0, **others):
    total = a * b**2 + c * d
    for r in rest:
        total = total + r * a
    return total + others.get("e", 0.0) * len(others)


def passing_on(*args, **kwargs):
    return parameters(*args, **kwargs)


def stars(x, y):
    pair, options = (x, y), {"c": x, "e": y}
    return (
        parameters(*pair, **options)
        + parameters(y, *pair, x, d=y, **{"c": 3.0})
        + passing_on(*pair, *[x, y], **options, f=1)
        + parameters(x, b=y, c=1.0)
        + (lambda *a, k=x, **o: sum(a) * k * o["z"])(*pair, z=y)
    )


scale = 2.0


def default_live(a, k=scale, *, m=scale):
    return a * k * m


def defaults(x, y):
    def local(a, k=x, *, m=y):
        return a * k + m

    total = local(y) + local(x, y, m=x) + default_live(x) + default_live(y, m=x)
    x = x * 10.0
    return total + local(y)


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs)

    return wrapper


def scaled(k):
    def decorate(f):
        def wrapper(*args):
            return k * f(*args)

        return wrapper

    return decorate


class Counting:
    """A decorator that is a class."""

    def __init__(self, f):
        self.f = f
        self.k = 3.0

    def __call__(self, *args):
        return self.f(*args) * self.k


@doubled
@scaled(3.0)
def decorated(x, y):
    return x * y * y


@Counting
def counted(x):
    return x * x


@lru_cache(maxsize=None)
def cached(x, n):
    return x if n == 0 else cached(x, n - 1) * x


@functools.cache
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def decorators(x, y):
    @doubled
    @scaled(x)
    def local(a, b=2.0):
        return a * b

    @functools.lru_cache
    def once(a):
        return a * a

    @functools.lru_cache(maxsize=5)
    def twice(a):
        return once(a) + y

    return (
        decorated(x, y)
        + counted(x) * local(y)
        + cached(x, 3)
        + once(x) * once(x)
        + twice(x)
        + fibonacci(12) * x
    )


def closures(x, y):
    def make_power(n):
        def power(a):
            return a**n * x

        return power

    square, cube = make_power(2), make_power(3)
    table = {"square": square, "cube": cube, "sin": np.sin, "y": lambda a: a * y}
    fs = [square, math.exp, lambda a, k=y: a * k]
    compose = lambda f, g: lambda a: f(g(a))
    total = compose(square, cube)(y) + (table["sin"] if True else square)(x)
    for name in table:
        total = total + table[name](x)
    for f in fs:
        total = total + f(y)
    return total + (table["square"] if x > y else fs[0])(x)


def counters(x, y):
    total = 0.0
    n = 0

    def add(v):
        nonlocal total, n
        total = total + v * v
        n += 1

    def make_counter():
        count = x

        def step(k):
            nonlocal count
            count = count * k
            return count

        return step

    add(x)
    add(y)
    for v in (x, x * y):
        add(v)
    step = make_counter()
    step(y)
    if x > 0:
        add(step(x))
    return total * n + step(2.0)


def functional(x, y):
    half = partial(operator.mul, 0.5)
    shifted = partial(parameters, x, c=y)
    total = half(x) + shifted(y) + shifted(y, c=x, d=3.0) + partial(half)(y)
    total += reduce(lambda a, b: a * b, [x, y, x]) + reduce(operator.add, (x, y), 1.0)
    total += sum(map(lambda a, b: a * b, [x, y], [y, 2.0])) + sum(map(np.sin, [x, y]))
    total += sum(filter(None, [1.0, 0.0])) + sum(v for v in filter(lambda v: v is not None, [x, None, y]))
    total += itemgetter(1)([x, y]) * itemgetter("a", "b")({"a": x, "b": y})[1]
    total += operator.attrgetter("real")(x) + operator.methodcaller("get", "a", 1.0)({"a": y})
    total += operator.add(x, y) * operator.pow(x, 2) - operator.truediv(x, y) + operator.neg(x)
    total += operator.getitem([x, y], 0) * operator.getitem({"k": y}, "k") + operator.index(2) * x
    total += (
        sum([x, y], x) + sum((), y) + math.prod([x, y, 2.0]) + math.fsum([x, y]) + math.dist([x, y], [y, 1.0])
    )
    total += abs(x - y) + pow(x, 2.0) + divmod(x, y)[1] + round(2.6) + max(x, y) + min([x, y])
    if operator.contains([1, 2], 2) and operator.is_(total, total) and operator.truth(1):
        total += x
    return total + copy.copy([x, y])[1] * copy.deepcopy({"a": [x]})["a"][0]


def introspection(x, y):
    total = x
    if isinstance(x, float) and not isinstance(x, (int, str)) and callable(closures) and not callable(x):
        total = total + y
    if (
        callable(lambda: 1)
        and hasattr([], "append")
        and not hasattr(x, "nothing")
        and getattr(x, "q", None) is None
    ):
        total = total * y
    if type(x) is float and type([]) is list and issubclass(bool, int) and isinstance(lambda: 1, type(stars)):
        total = total * x
    return total * getattr(math, "pi") + type((x,))([y])[0]


def quantifiers(x, y):
    total = x
    if all(v > 0 for v in (x, y)) and any([x > y, y > x]) and not any([]) and all([]):
        total = total + y
    if any(v > 100 for v in [x, y]) or all([x > 1, y > 1, True]) or all([True, False, x > 0]):
        total = total * 100
    return total * y


def text(x, y):
    name = "a" + "b".upper() + "{}-{k:.1f}".format(1, k=2.0) + "%s" % "c" + ", ".join(["p", "q"])
    key = f"{name}{len(name)}"
    d = {key: x}
    return d["aB1-2.0cp, q12"] * y * len(key.split("-"))


class Cell(NamedTuple):
    w: float
    b: float = 1.0

    def __call__(self, x):
        return self.w * x + self.b

    @property
    def double(self):
        return self.w * 2.0

    def __add__(self, other):
        return Cell(self.w + other.w, self.b + other.b)

    def __rmul__(self, k):
        return Cell(self.w * k, self.b * k)


def callables(x, y):
    cell = Cell(x)
    method = cell.__call__
    f = V.sum
    append = [].append
    append(x)
    cell = cell + y * cell
    return cell(y) * cell.double + method(x) + f() * x + (x * V).sum() + np.add.reduce(x * V)


def conditional_calls(x, y):
    f = (lambda a: a * y) if x > y else (lambda a: a + y) if False else None
    g = np.sin if isinstance(x, float) else np.cos
    return g(x) * y if f is None else f(x)


FUNCTIONS = [
    stars, defaults, decorators, closures, counters, functional, introspection, quantifiers, text, callables,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("args", POINTS)
def test_calls(f, args):
    check(f, *args)


@pytest.mark.parametrize("f", [defaults, closures])
def test_calls_with_arrays(f):
    if f is closures:
        f = make(
            "def f(x, y):\n    g = {'a': lambda a: a * y, 'b': np.sin}\n    return sum(g[k](x) for k in g)\n"
        )
    check(lambda x, y: np.sum(f(x, y)), V, V + 1.0)


def test_which_function_is_called_may_not_depend_on_the_run():
    with pytest.raises(UnsupportedError):
        grad(lambda x: (np.sin if x > 0 else np.cos)(x))(1.0)


def test_printing_and_text_at_run_time(capsys):
    @grad
    def f(x):
        line = "x = {:.2f}, {k!r}".format(x, k=[x])
        print(
            line + ";",
            "%.1f %s" % (x, "a"),
            ", ".join([f"{x}", "b"]),
            str(x) + "!",
            repr((x, 1)),
            format(x, ".3f"),
        )
        assert isinstance(line, str), line
        return x * x

    capsys.readouterr()
    f(2.0)
    assert capsys.readouterr().out == "x = 2.00, [2.0]; 2.0 a 2.0, b 2.0! (2.0, 1) 2.000\n"


def test_lambdas_and_functions_that_are_rebound():
    f = make(
        "table = {'f': lambda x: x * x}\ndef f(x):\n    return table['f'](x) * cached(x)\n",
        cached=cached.__wrapped__,
    )
    f.__globals__["cached"] = make(
        "@functools.lru_cache\ndef g(x):\n    return x * k\n", "g", functools=functools, k=2.0
    )
    g = grad(f)
    assert g(3.0) == pytest.approx(54.0)
    f.__globals__["table"]["f"] = make("def h(x):\n    return x ** 3\n", "h")
    assert g(3.0) == pytest.approx(216.0)


def test_partials_of_the_program():
    f = partial(parameters, 2.0, c=3.0)

    def g(x):
        return f(x) * partial(f, d=x)(x)

    check(g, 0.7)
    weights = V.copy()
    loss = partial(lambda w, x: np.sum(w * x**2), weights)

    def h(x):
        return loss(x)

    gradient = grad(h)
    np.testing.assert_allclose(gradient(V), 2 * V * V)
    weights *= 2.0
    np.testing.assert_allclose(gradient(V), 4 * V * V)


@pytest.mark.parametrize(
    "statement, message",
    [
        ("global q; q = x", "global"),
        ("y = np.vectorize(np.sin, cache=True)(x)", "vectorize"),
        ("y = vectorized(x)", "vectorize"),
        ("change()", "outer is a variable of the program|does not change"),
        ("y = (yield x)", "yield"),
        ("y = sorted([{'k': x}, {'k': 2.0}], key=lambda p: p['k'])", "must hold numbers"),
        ("y = sorted([x, 2.0], key=lambda v: (v, 'a'))", "must know it"),
        ("y = max([x, 'a'], key=lambda v: x if v == 'a' else 2.0 * v)", "a str on one side"),
        ("y = type('C', (), {})", "class"),
        ("y = {x: 1.0}", "must know it"),
        ("y = object()", "object"),
        ("np.sin.k = x", "sin"),
        ("y = vars(np)", "vars"),
    ],
)
def test_refused(statement, message):
    source = (
        "outer = 1.0\ndef make():\n    outer = 1.0\n    def change():\n        nonlocal outer\n        outer = 2.0\n"
        "    return change\nchange = make()\nvectorized = np.vectorize(np.sin, cache=True)\n"
        f"def f(x):\n    y = x\n    {statement}\n    return y\n"
    )
    with pytest.raises(UnsupportedError, match=message) as caught:
        grad(make(source))(1.0)
    assert caught.value.place is not None


def nonlocals(x, y):
    total, best = 0.0, x
    log = []

    def add(v, k):
        nonlocal total, best
        if v > 1.0:
            total = total + v * k
            best = v
        else:
            best = best * k
        log.append(total)

        def inner(w):
            nonlocal total
            total = total + w

        inner(k)

    add(x, y)
    if x > y:
        add(y, x)
    for i in range(3):
        total = total * 0.5
        add(x * y, 0.5)
    return total * best + log[0] + len(log) * x


@pytest.mark.parametrize("args", POINTS)
def test_nonlocals_in_branches_and_loops(args):
    check(nonlocals, *args)
