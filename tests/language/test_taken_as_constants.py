"""`stop_gradient(anything(x))`: the value is right, and no gradient goes through it, whatever is called."""

from __future__ import annotations

import array
import collections
import copy
import decimal
import difflib
import fractions
import functools
import heapq
import json
import random
import statistics
import struct
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient
from tests.language.checking import check
from tests.support.program import make


def applied(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except ZeroDivisionError:
        return 0.0


def halves(n: int) -> Any:
    for i in range(n):
        yield i * 0.5


class Scale:
    def __init__(self, k: Any) -> None:
        self.k = k

    def of(self, t: Any) -> Any:
        try:
            return self.k * t
        except TypeError:
            return 0.0


NAMES: dict[str, Any] = {
    "array": array, "collections": collections, "copy": copy, "decimal": decimal, "difflib": difflib,
    "fractions": fractions, "functools": functools, "heapq": heapq, "json": json, "random": random,
    "statistics": statistics, "struct": struct, "applied": applied, "halves": halves, "Scale": Scale,
    "data": np.array([3.0, 1.0, 2.0, 5.0]),
}  # fmt: skip
CALLS = [
    "float(np.unique([x, 2.0])[0])", "np.percentile([x, 1.0, 2.0], 50)", "applied(math.exp, x)",
    "applied(lambda t: t * 2, x)", "math.lgamma(x)", "math.frexp(x)[0]", "statistics.median([x, 1.0, 3.0])",
    "statistics.stdev([x, 1.0, 3.0])", "random.Random(0).uniform(0, x)", "float(str(x))", "float(f'{x:.3f}')",
    "json.loads(json.dumps([x]))[0]", "float(fractions.Fraction(x))", "float(decimal.Decimal(x))",
    "sorted([x, 0.5])[0]", "max([x, 0.1], key=lambda t: -t)", "heapq.nsmallest(1, [x, 2.0])[0]",
    "functools.reduce(lambda a, b: a * b, [x, 2.0])", "Scale(x).of(2)", "applied(lambda o: o.of(2), Scale(x))",
    "list(v * x for v in halves(3))[1]", "np.vectorize(lambda t: t + x)(data)[0]",
    "np.frompyfunc(lambda t: t * x, 1, 1)(data)[0]", "np.histogram([x, 2.0])[1][0]", "round(x, 1)", "int(x * 10)",
    "(hash(x) * 0 + x)", "copy.deepcopy([x])[0]", "struct.unpack('<d', struct.pack('<d', x))[0]",
    "array.array('d', [x])[0]", "np.fromfunction(lambda i: i * x, (3,))[1]", "collections.deque([x])[0]",
    "collections.Counter([x]).most_common(1)[0][0]", "np.poly1d([1, x])(2)", "np.digitize(x, [0.1, 0.5])",
    "{x: 3.0, 1: 2.0}[x]", "len({x, 2 * x, x})", "{v: v + 1 for v in [x, 2.0]}[x]", "sum({v * 2 for v in [x, x]})",
    "max({'a': x, **{x: 2.0}}.values())", "({n: x}[n] + ({x} == {x}))",
]  # fmt: skip
FORMS = {
    "plain": "def f(x, n):\n    return x * x * stop_gradient({call})\n",
    "if": "def f(x, n):\n    y = x\n    if x > 0.1:\n        y = x * stop_gradient({call})\n    return y * x\n",
    "for": "def f(x, n):\n    s = x\n    for i in range(n):\n        s = s * x + stop_gradient({call}) * x\n    return s\n",
    "helper": "def h(x, n):\n    return x * stop_gradient({call})\ndef f(x, n):\n    return h(x, n) * h(2 * x, n)\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", CALLS)
def test_whatever_is_called(form: str, call: str) -> None:
    text = FORMS[form].format(call=call)
    gradients = [
        grad(make(text, stop_gradient=stop_gradient, **NAMES), argnums=0, optimize=o) for o in (True, False)
    ]
    for x in (0.7, 0.6):
        given: list[Any] = []
        f = make(text, stop_gradient=lambda v: given.append(v) or v, **NAMES)
        value = f(x, 3)

        def with_these(x: float) -> Any:
            constants = iter(given)
            return make(text, stop_gradient=lambda _: next(constants), **NAMES)(x, 3)

        expected = (with_these(x + 1e-6) - with_these(x - 1e-6)) / 2e-6
        for gradient in gradients:
            found, slope = gradient.value_and_grad(x, 3)
            assert found == pytest.approx(value) and slope == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("form", ["plain", "for", "helper"])
@pytest.mark.parametrize(
    "call",
    ["statistics.quantiles([1, n, 4, 7])[0]", "sum({**dict(zip([n, 1], [2.0, 3.0])), 1: 5.0, **{n: 7.0}}.values())", "difflib.SequenceMatcher(None, 'ab', 'abc').ratio()",
     "(sum(range(n)[::2]) + 1)", "random.Random(n).random()", "len(range(2 * n)[1:n])"],
)  # fmt: skip
def test_what_an_argument_that_is_not_differentiated_enters(form: str, call: str) -> None:
    f = make(FORMS[form].replace("stop_gradient", "").format(call=call), **NAMES)
    for n in (3, 2):
        check(f, 0.7, n, argnums=(0,))


def test_without_it_the_call_is_refused_by_name() -> None:
    for call, name in (
        ("struct.unpack('d', struct.pack('d', x))[0]", "struct"),
        ("heapq.nsmallest(1, [x, 2.0])[0]", "heapq"),
    ):
        f = make(f"def f(x, n):\n    return x * {call}\n", **NAMES)
        with pytest.raises(UnsupportedError, match=name):
            grad(f, argnums=0)(0.7, 3)


@pytest.mark.parametrize("form", ["plain", "for", "helper"])
def test_data_frames_of_what_only_the_run_knows(form: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    for call in (
        "pd.date_range('2020-01-01', periods=n)[n - 1].day",
        "pd.cut(df['a'], n).value_counts().iloc[0]",
    ):
        f = make(FORMS[form].replace("stop_gradient", "").format(call=call), pd=pandas, df=frame)
        for n in (3, 2):
            check(f, 0.7, n, argnums=(0,))
