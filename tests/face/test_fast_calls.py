"""What makes a call fast: classes and functions as constants of its code, names of modules, last products."""

from __future__ import annotations

import gc
import sys
import types
import warnings
import weakref

import numpy as np
import pytest

from revcompile import grad
from revcompile.codegen.constants import Marks
from revcompile.codegen.entry import products_returned
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make


def test_classes_and_functions_are_constants_and_nobody_is_warned():
    def f(a, b):
        return np.exp(a) * b

    g = grad(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g(1.0, 2.0), g(np.ones(2)[0], 2.0), g(1.0, 2.0)
    consts = g.__code__.co_consts
    assert float in consts and np.exp in consts and f.__code__ in consts
    assert f not in consts and not {"float", "exp"} & set(g.__code__.co_names[:3])


@pytest.mark.parametrize(
    "mode", ["constant float", "constant _float", "x is float", 'f"constant float"', "'"]
)
def test_texts_that_look_like_marks(mode):
    f = make("def f(x, mode): return x * 2.0 if mode == M else x * 3.0\n", M=mode)
    g = grad(f, 0)
    for other in (mode, "constant ", mode):
        for x in (1.0, 2, np.float64(3.0)):
            assert g(x, other) == (2.0 if other == mode else 3.0)


@pytest.mark.parametrize("name", ["float", "numpy", "exp", "f__code", "math", "np__1"])
def test_parameters_that_are_called_like_constants(name):
    f = make(f"def f({name}, y): return E({name}) * y * {name}\n", E=np.exp)
    g = grad(f)
    for point in ((1.0, 2.0), (2, 3.0), (np.float64(0.5), 1), (1.5, 2.0)):
        assert_close(g(*point), numerical_gradients(f, tuple(map(float, point))))


def test_a_mark_stands_for_a_global_only_in_a_test():
    marks = Marks("if constant_: 'constant float'", {"float": float, "exp": np.exp})
    assert marks.test("x.__class__ is float") == 'x.__class__ is f"constant _float"'
    assert (
        marks.test("m.float.exp is not float and float(x) == 1")
        == "m.float.exp is not float and float(x) == 1"
    )
    assert marks.test("x['a is float'] is float") == "x['a is float'] is float"


def test_a_gradient_that_its_function_calls_goes_with_it():
    scope = {"np": np, "grad": grad}
    f = make("def h(x): return np.sin(x)\ndef f(x): return h(x) * np.exp(x)\n", **scope)
    f.__globals__["g"] = grad(f)
    f.g = f.__globals__["g"]
    assert np.isclose(f.g(1.0), np.exp(1.0) * (np.sin(1.0) + np.cos(1.0)))
    gone = weakref.ref(f)
    scope.clear()
    del f
    gc.collect()
    assert gone() is None


def test_a_module_that_has_a_getattr(monkeypatch):
    module = types.ModuleType("having_getattr")
    late = make("def late(x): return x * 7.0\n", "late")
    module.np, module.s, module.__getattr__ = np, make("def s(x): return x * 2.0\n", "s"), lambda name: late
    monkeypatch.setitem(sys.modules, "having_getattr", module)
    first = module.s
    f = make("def f(x): return m.s(x) * m.np.exp(x)\n", m=module)
    g = grad(f)
    for change in (None, late, first, None):
        for _ in range(2):
            assert_close(g(1.2), numerical_gradients(f, (1.2,)))
        if change is None:
            if "s" in module.__dict__:
                del module.s
        else:
            module.s = change


@pytest.mark.parametrize(
    "body, returned",
    [
        (["a = x * y", "b = x * z", "return a, b"], ["return x * y, x * z"]),
        (["a = x * y  # mul gate", "return a"], ["return x * y"]),
        (["a = x * y", "b = a * z", "return a, b"], ["a = x * y", "return a, a * z"]),
        (["a = x * y", "b = a * z", "return b, c"], ["a = x * y", "return a * z, c"]),
        (["a = x * y", "x = f(z)", "return a, x"], ["a = x * y", "x = f(z)", "return a, x"]),
        (["a = x * y", "x = y * z", "return a, x"], ["a = x * y", "x = y * z", "return a, x"]),
        (["a = x * y", "return a, a"], ["a = x * y", "return a, a"]),
        (["a = x * y", "return L, (b, a)"], ["a = x * y", "return L, (b, a)"]),
        (["a = x * y", "print('a')", "return a, b"], ["a = x * y", "print('a')", "return a, b"]),
        (["a = x * y * z", "return a, b"], ["a = x * y * z", "return a, b"]),
        (["a = x * 2.0", "return a, b"], ["a = x * 2.0", "return a, b"]),
        (["a = x * y", "if c:", "    return a, b"], ["a = x * y", "if c:", "    return a, b"]),
    ],
)
def test_last_products_are_computed_where_they_are_returned(body, returned):
    assert products_returned([f"    {line}" for line in body]) == [f"    {line}" for line in returned]
