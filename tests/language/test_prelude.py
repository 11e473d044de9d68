"""Functions of functions: `map`, `filter`, `functools`, `itertools`, over arrays, lists and what is known."""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
import math
import operator

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from revcompile.frontend import prelude
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make
from tests.support.texts import TEXTS

FORMS = {
    "map": "return sum(map(lambda v: v * v, x))",
    "map of two": "return sum(map(lambda u, v: u * v, x, [1.0, 2.0, 3.0]))",
    "map under a name": "m = map(lambda v: v * v, x)\nreturn sum(m) + x[0]",
    "map unpacked": "a, b, c = map(lambda v: v * 2.0, [x[0], x[1], x[2]])\nreturn a * b * c",
    "map starred": "return [*map(lambda v: v * 2.0, x)][1]",
    "map gone through": "s = 0.0\nfor i, v in enumerate(map(np.sin, x)):\n    s += i * v\nreturn s",
    "map in an array": "return np.sum(np.array(list(map(lambda v: v * 2.0, x))) ** 2)",
    "map of maps": "return sum(map(lambda r: sum(map(lambda v: v * r, x)), x))",
    "the greatest": "return max(map(abs, x))",
    "filter": "return sum(filter(lambda v: v > 1.5, x))",
    "filter of what is true": "return sum(v * v for v in filter(None, [x[0], 0.0, x[1]]))",
    "filterfalse": "return sum(itertools.filterfalse(lambda v: v > 1.5, x))",
    "takewhile": "return sum(itertools.takewhile(lambda v: v < 2.5, x))",
    "takewhile of what has no end": "return x[0] * sum(itertools.takewhile(lambda k: k < 4, itertools.count()))",
    "dropwhile": "return sum(itertools.dropwhile(lambda v: v < 1.5, x))",
    "dropwhile of a list": "return sum(itertools.dropwhile(lambda v: v < 1.5, [x[0], x[2], x[1]]))",
    "starmap": "return sum(itertools.starmap(operator.mul, zip(x, x)))",
    "accumulate": "return sum(itertools.accumulate([x[0], x[1], x[2]], lambda a, b: a * b))",
    "accumulate from": "return list(itertools.accumulate(x, initial=x[1]))[-1]",
    "from_iterable": "return sum(itertools.chain.from_iterable([[x[0], x[1]], [x[2]], x]))",
    "reduce": "return functools.reduce(lambda a, b: a * 0.5 + b, x)",
    "reduce from": "return functools.reduce(lambda a, b: a * np.sin(b), x, 2.0)",
    "reduce a list": "return functools.reduce(operator.mul, [x[0], x[1], x[2]])",
    "reduce in reduce": "return functools.reduce(lambda a, b: functools.reduce(lambda c, d: c + d * a, x, b), x, 1.0)",
    "reduce rows": "return np.sum(functools.reduce(np.multiply, np.outer(x, x)))",
    "prod": "return math.prod(x) + math.prod([x[0], x[1]], start=2.0)",
    "dist": "return math.dist([x[0], x[1]], [x[1], x[2]])",
    "bisect": "s = np.sort(x)\ni = bisect.bisect_right(s, s[0] + 0.01)\nreturn s[i] * (1 + bisect.bisect_left([0.5, s[1], 9.0], s[0])) * s[i - 1]",
    "bisect of what is known": "return x[bisect.bisect([0.0, 1.0, 2.0], 0.5)] ** 2",
    "bisect by a key": "s = sorted(x)\ni = bisect.bisect_left(s, s[1] ** 2, key=lambda v: v * v)\nreturn x[i] ** 2 + x[bisect.bisect(s, s[1], 1) - 1]",
    "bisect in a loop": "r = 0.0\ns = np.sort(x)\nfor t in np.array([0.7, 1.9]):\n    i = bisect.bisect_left(s, t, 0, 2)\n    r += s[i] * s[i - 1] * t\nreturn r",
    "in a loop": "s = 0.0\nfor i in range(2):\n    s += math.prod(x) * i\nreturn s",
    "in an if": "if x[0] > 0.5:\n    return math.prod(map(math.sin, x))\nreturn sum(filter(None, x))",
    "in a while": "s = x[0]\nwhile s < 20.0:\n    s = functools.reduce(operator.add, x, s)\nreturn s",
    "in a helper": "return total(x) * total([x[0], 2.0])",
    "a method": "return Weight(x[0]).of(x)",
    "fsum": "return math.fsum(x) * math.fsum([x[0], 2.0]) + math.fsum([0.1] * 10)",
    "wraps": "@functools.wraps(total)\ndef g(items):\n    return total(items) * x[0]\nreturn g(x)",
    "update_wrapper": "return functools.update_wrapper(lambda v: v * x[0], total)(x[1])",
    "itemgetter": "return operator.itemgetter(1)(x) * operator.itemgetter('b')({'b': x[0]})",
    "itemgetter of several": "a, b = operator.itemgetter(2, 0)([x[0], x[1], x[2]])\nreturn a * a * b",
    "itemgetter of a place": "s = 0.0\nfor i in range(3):\n    s += operator.itemgetter(i)(x) * i\nreturn s * s",
    "itemgetter outside": "return second(x) * second([x[0], x[2]])",
    "itemgetter as a key": "return max([(x[0], 1.0), (x[1], 2.0)], key=operator.itemgetter(1))[0] ** 2",
    "attrgetter": "w = Weight(x[0])\nreturn operator.attrgetter('w')(w) * w_of(w) * x[1]",
    "attrgetter of several": "a, b = operator.attrgetter('w.w', 'w')(Weight(Weight(x[0])))\nreturn a * b.w",
    "methodcaller": "return operator.methodcaller('times', x[1])(Weight(x[0])) * doubled(Weight(x[2]))",
    "methodcaller with a keyword": "return np.sum(of_rows(np.outer(x, x)) ** 2)",
    "methodcaller in a loop": "s = 0.0\nfor i in range(3):\n    s += operator.methodcaller('times', x[i])(Weight(s + 1.0))\nreturn s",
    "contains": "return x[0] * (2.0 if operator.contains({'a': 1}, 'a') else 3.0)",
    "contains a value": "return x[0] * (2.0 if operator.contains([x[1], x[2]], x[1]) else 3.0)",
    "the same": "y = x\nreturn np.sum(x * (2.0 if operator.is_(x, y) else 3.0)) * operator.is_not(x, None)",
    "setitem of a list": "a = [x[0], x[1]]\noperator.setitem(a, 0, x[2] * x[2])\nreturn a[0] * a[1]",
    "setitem of an array": "a = x * 1.0\nfor i in range(2):\n    operator.setitem(a, i, a[i + 1] * a[i])\nreturn np.sum(a * a)",
    "setitem of numbers that are known": "a = [1.0, 2.0]\nif x[0] > 0.5:\n    operator.setitem(a, 0, 5.0)\nreturn x[0] * a[0]",
    "the same list": "a = [1.0]\nb = a\nreturn x[0] * (1.0 + operator.is_(a, [1.0]) + 2 * operator.is_(a, b) + 4 * operator.is_not(a, list(a)))",
    "reduce lists that are known": "r = functools.reduce(lambda a, b: a + b, [[1.0], [2.0]])\nr.append(3.0)\nreturn x[0] * len(r)",
    "an item that is known": "a = [1.0, [2.0]]\noperator.itemgetter(1)(a).append(3.0)\nreturn x[0] * len(a[1])",
    "replace": "p = dataclasses.replace(Point(x[0], x * 2.0), a=x[1] * x[2])\nreturn p.a * np.sum(p.b * x)",
    "replace nothing": "p = dataclasses.replace(Point(x[0], x))\nreturn p.a * np.sum(p.b * x)",
    "asdict": "d = dataclasses.asdict(Point(x[0], x * 1.0))\nreturn d['a'] * np.sum(d['b'])",
    "asdict is a copy": "p = Point(x[0], x * 1.0)\nd = dataclasses.asdict(p)\nd['b'] *= d['a']\nreturn np.sum(p.b * d['b'])",
    "asdict of what is in it": "p = Point([x[0], {'k': x[1]}], Point(x[2], (x, x[0])))\nd = dataclasses.asdict(p)\n"
    "d['a'][0] *= 2.0\nreturn d['a'][0] * p.a[0] * d['a'][1]['k'] * d['b']['a'] * np.sum(d['b']['b'][0])",
    "asdict by a factory": "d = dataclasses.asdict(Point(x[0], x[1]), dict_factory=lambda pairs: [v for _, v in pairs])\n"
    "return d[0] * d[1] ** 2",
    "astuple is a copy": "p = Point(x[0], x * 1.0)\na, b = dataclasses.astuple(p)\nb[0] = a * 5.0\nreturn np.sum(p.b * b)",
    "astuple in a loop": "p = Point(x[0], x * 1.0)\nfor i in range(3):\n    a, b = dataclasses.astuple(p)\n"
    "    p = Point(a * b[i], b * 0.5)\nreturn p.a + np.sum(p.b)",
    "astuple in an if": "p = Point(x[0], x * 1.0)\nif x[0] > 0.5:\n    a, b = dataclasses.astuple(p)\n    b *= a\n"
    "else:\n    b = p.b\nreturn np.sum(b * p.b)",
    "an array is no dataclass": "return np.sum(x * (2.0 if dataclasses.is_dataclass(x) else 3.0))",
}
HEAD = """
def total(items):
    return functools.reduce(lambda a, b: a + b * b, items, 0.0)

class Weight:
    def __init__(self, w):
        self.w = w

    def times(self, v):
        return self.w * v

    def of(self, items):
        return sum(map(self.times, items))

@dataclasses.dataclass
class Point:
    a: object
    b: object

second, w_of = operator.itemgetter(1), operator.attrgetter("w")
doubled, of_rows = operator.methodcaller("times", 2.0), operator.methodcaller("sum", axis=1)
"""


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", FORMS)
def test_is_what_python_gives(form: str, optimize: bool) -> None:
    body = "\n".join("    " + line for line in FORMS[form].split("\n"))
    modules = {
        "dataclasses": dataclasses,
        "functools": functools,
        "bisect": bisect,
        "itertools": itertools,
        "operator": operator,
        "math": math,
    }
    f = make(f"{HEAD}\ndef f(x):\n{body}\n", __name__=__name__, **modules)
    gradient = value_and_grad(f, optimize=optimize)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([2.7, 0.3, 1.1]), np.array([0.2, 0.9, 2.0])):
        value, found = gradient(x)
        np.testing.assert_allclose(value, f(x), rtol=1e-12)
        assert_close([found], numerical_gradients(f, (x,)))


ERRORS = {
    "functools.reduce(operator.add, [])": "reduce() of empty iterable with no initial value",
    "math.dist([x[0]], [x[0], x[1]])": "both points must have the same number of dimensions",
}


@pytest.mark.parametrize("expression", ERRORS)
def test_raises_what_python_raises_at_the_users_line(expression: str) -> None:
    f = make(f"def f(x):\n    return {expression}\n", functools=functools, operator=operator, math=math)
    x = np.ones(3)
    with pytest.raises(Exception) as expected:
        f(x)
    with pytest.raises(type(expected.value)) as found:
        value_and_grad(f)(x)
    assert str(found.value).startswith(str(expected.value)) and str(expected.value) == ERRORS[expression]


SQUARES_OF_A_SLICE = """
def f(x, a, b, c):
    t = 0.0
    for i in range(*slice(a, b, c).indices(len(x))):
        t += x[i] ** 2 * (i + 1)
    return t
"""


def test_the_indices_of_a_slice_that_the_run_knows() -> None:
    places, steps = (None, -7, -2, 0, 1, 3, 9), (None, -3, -1, 1, 2)
    for part in map(slice, *zip(*itertools.product(places, places, steps))):
        for length in (0, 1, 4, 6):
            assert prelude.indices(part, length) == part.indices(length)
    gradient = grad(make(SQUARES_OF_A_SLICE), argnums=0)
    x = np.arange(1.0, 6.0)
    for a, b, c in itertools.product(places[1:], places[1:], steps[1:]):
        expected = np.zeros(5)
        for i in range(*slice(a, b, c).indices(5)):
            expected[i] = 2 * x[i] * (i + 1)
        np.testing.assert_allclose(gradient(x, a, b, c), expected)
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        gradient(x, 0, 5, 0)
