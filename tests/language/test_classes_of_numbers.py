"""What asks for the class of a number that is Python's on one way and NumPy's on another is answered, or refused.

It is computed with as if it were NumPy's on both. An answer that is the same for all that it may be is given.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make
from tests.support.texts import TEXTS

FORMS = {
    "max": "y = max(x, 0.5)",
    "min of an argument": "y = min(x, b, 3.0)",
    "max of a list": "y = max([b, x, 0.25])",
    "sorted": "y = sorted([x, b])[0]",
    "expression": "y = x if c else 2.0",
    "whole number": "y = x if c else 2",
    "Python's": "y = b if c else 2",
    "branch": "y = b\n    if c:\n        y = x",
    "for": "y = 0.0\n    for i in range(c):\n        y += x",
    "for, the other way": "y = x\n    for i in range(c):\n        y = b",
    "branch in a loop": "y = x\n    for i in range(3):\n        if i < c:\n            y = min(y, 0.5)",
    "while": "y = 1\n    while c > 0:\n        c -= 1\n        y = y * x",
    "early exit": "y = b\n    for i in range(5):\n        if i == c:\n            break\n        y = x * 1.0",
    "list": "items = [b, 1.0]\n    if c:\n        items[0] = x\n    y = items[0]",
    "growing list": "items = [b]\n    for i in range(c):\n        items.append(x)\n    y = items[-1]",
    "dict": "d = {'a': b}\n    if c:\n        d['a'] = x\n    y = d['a']",
    "helper": "y = either(x, b, c)",
    "larger helper": "y = long(x, b, c)",
    "closure": "def inner():\n        return x if c else b\n    y = inner()",
    "computed": "y = abs(-(x if c else 2.0)) * 3.0 + 1",
    "tuple": "y, z = (x, b) if c else (b, x)",
}
ASKS = {
    "isinstance(y, np.floating)": False,
    "isinstance(y, float)": True,
    "isinstance(y, (int, float, np.floating))": True,
    "isinstance(y, numbers.Real)": True,
    "type(y) is float": False,
    "type(y) is np.float64": False,
    "hasattr(y, 'dtype')": False,
    "getattr(y, 'ndim', 1) == 0": False,
    "hasattr(y, 'real')": True,
}  # whether it has one answer for Python's floats and for NumPy's
HELPERS = """
def either(x, b, c):
    if c:
        return x
    return b
def long(x, b, c):
    t = x
    for i in range(c):
        t = np.tanh(t * x) + np.sin(t) * b - np.cos(t) / (1.0 + x * x) - t * t + np.exp(-t * t) * x - b * b
        t = np.tanh(t + x) - np.sin(t) * b + np.cos(t) / (2.0 + x * x) + t * b - np.exp(-t * t) + b
    if c:
        return t
    return b
"""
BY_TYPE = ("type(y) is float", "type(y) is np.float64")
WHOLE = {"whole number", "Python's", "while"}
FIRM = {
    "y = x * 1.0": (np.float64, None),
    "y = b * 2.0 if c else b": (float, None),
    "y = np.float64(x if c else b)": (np.float64, None),
    "y = float(x if c else b)": (float, None),
    "y = (x if c else b) + x": (np.float64, None),
    "y = np.sin(x if c else b)": (np.float64, None),
    "y = sum([x, b]) if c else sum([x, 1.0])": (np.float64, None),
}


def program(form: str, question: str) -> Any:
    text = f"{HELPERS}\ndef f(x, b, c):\n    {form}\n    return y * y * b if {question} else y * x\n"
    return make(text, numbers=numbers)


def check(f: Any, both: Any) -> None:
    for x, b, c in ((0.7, 0.4, 0), (0.3, 0.9, 2), (0.7, 0.9, 1), (0.3, 0.4, 0)):
        args = (np.float64(x), b)
        value, gradients = both(*args, c)
        assert value == pytest.approx(f(*args, c), rel=1e-12)
        wanted = numerical_gradients(lambda x, b, c=c: f(np.float64(x), b, c), (x, b))
        assert_close([float(g) for g in gradients], wanted)


EACH = [
    pytest.param(form, question, marks=() if (i + j) % 4 == 0 else pytest.mark.fuzz)
    for i, form in enumerate(FORMS)
    for j, question in enumerate(ASKS)
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(("form", "question"), EACH)
def test_it_is_answered_where_it_has_one_answer(form: str, question: str, optimize: bool) -> None:
    f = program(FORMS[form], question)
    both = value_and_grad(f, argnums=(0, 1), optimize=optimize)
    whole = form in WHOLE and question == "isinstance(y, float)"
    pythons = form == "Python's" and question not in ("isinstance(y, float)", *BY_TYPE)
    if (ASKS[question] or pythons) and not whole:
        check(f, both)
    else:
        try:
            check(f, both)
        except UnsupportedError as e:
            assert "known only at run time" in str(e) or "may tell them apart" in str(e)
        else:  # a list is written out for each number of trips
            assert form == "growing list"


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", FIRM)
def test_it_is_known_of_what_has_one_kind(form: str, optimize: bool) -> None:
    for question in ("isinstance(y, np.floating)", "type(y) is float"):
        f = program(form, question)
        check(f, value_and_grad(f, argnums=(0, 1), optimize=optimize))


def test_a_helper_is_asked_of_what_each_call_gives_it() -> None:
    f = make(
        "def ask(y):\n"
        "    t = y\n"
        "    for i in range(2):\n"
        "        t = np.tanh(t * y) + np.sin(t) * y - np.cos(t) / (1.0 + y * y) - t * t + np.exp(-t * t) * y\n"
        "        t = np.tanh(t + y) - np.sin(t) * y + np.cos(t) / (2.0 + y * y) + t * y - np.exp(-t * t) + y\n"
        "    return t if isinstance(y, np.floating) else 2.0 * t\n"
        "def f(x, b, c):\n"
        "    return ask(x) * ask(b)\n"
        "def g(x, b, c):\n"
        "    return ask(x) * ask(x if c else b)\n"
    )
    check(f, value_and_grad(f, argnums=(0, 1)))
    g = f.__globals__["g"]
    with pytest.raises(UnsupportedError, match="np.float64 or float is known only at run time"):
        value_and_grad(g, argnums=(0, 1))(np.float64(0.7), 0.4, 1)
