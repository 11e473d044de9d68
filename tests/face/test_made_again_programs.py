"""Functions made again of one code object: with cells that change, in two modules, of classes, with gates."""

from __future__ import annotations

import functools
import linecache
import sys
import types

import numpy as np
import pytest

from revcompile import gate, grad, value_and_grad
from tests.face.made_again import Model, X, difference
from tests.support.program import make

pytestmark = pytest.mark.usefixtures("compilations")


def test_cells_that_change():
    def made(k):
        def f(x):
            return x**k

        def change(to):
            nonlocal k
            k = to

        return grad(f), change

    (g, change), (h, change_h) = made(2), made(2)
    assert g(3.0) == h(3.0) == 6.0
    change(3)
    assert (g(3.0), h(3.0)) == (27.0, 6.0)
    change_h(1.5)
    change(2)
    assert (g(3.0), h(3.0)) == (6.0, pytest.approx(1.5 * 3**0.5))
    late, change_late = made(3)
    change_late(1)
    assert late(3.0) == 1.0
    assert made(3)[0](3.0) == 27.0


def test_an_empty_cell():
    def made(fill):
        g = grad(lambda x: x * k)
        if fill:
            k = 2.0
        return g

    assert made(True)(1.0) == 2.0
    with pytest.raises(NameError, match="k"):
        made(False)(1.0)
    assert made(True)(1.0) == 2.0


def test_lists_that_change():
    def made(ws):
        return grad(lambda x: sum(w * x for w in ws))

    ws, vs = [1.0, 2.0], [3.0, 4.0]
    g, h = made(ws), made(vs)
    assert (g(1.0), h(1.0)) == (3.0, 7.0)
    vs.append(5.0)
    ws[0] = 10.0
    assert (g(1.0), h(1.0)) == (12.0, 12.0)
    assert made(vs)(1.0) == 12.0


def test_two_names_for_one_cell_or_two():
    def made(one):
        a = b = [1.0]
        if not one:
            b = [1.0]
        return grad(lambda x: x * x if a is b else x)

    assert [made(one)(3.0) for one in (True, False, True, False)] == [6.0, 1.0, 6.0, 1.0]


def test_one_function_twice_or_two_functions():
    def helper(k):
        return lambda y: y * k

    def made(a, b):
        return grad(lambda x: a(x) * b(x) if a is b else a(x) + b(x))

    a, b, c = helper(2.0), helper(3.0), helper(4.0)
    assert made(a, a)(1.0) == 8.0
    assert made(a, b)(1.0) == 5.0
    assert made(b, b)(1.0) == 18.0
    assert made(c, a)(1.0) == 6.0
    assert made(a, a)(1.0) == 8.0


def test_a_function_that_is_compared_with_one_of_the_programs():
    scope_of = make(
        "def known(y): return y * 2.0\ndef made(h):\n    def f(x): return h(x) if h is not known else x * x\n    return f\n",
        "made",
    )
    known = scope_of.__globals__["known"]
    other = types.FunctionType(known.__code__, known.__globals__)
    for h, expected in [(other, 2.0), (known, 6.0), (other, 2.0), (known, 6.0)]:
        assert grad(scope_of(h))(3.0) == expected


def test_the_other_function_of_a_cell_stays_with_it():
    """A function of the program reads the cell of another closure than that which is differentiated."""

    def made(k):
        def h(y):
            return y * k

        def f(x):
            return registry[0](x) + x * k

        return h, f

    registry = [None]
    (h, f), (_, f2) = made(2.0), made(10.0)
    registry[0] = h
    assert grad(f)(1.0) == 4.0
    assert grad(f2)(1.0) == 12.0


TEXT = """
def made(k):
    def f(x):
        return x * K * k
    return f
g = lambda x: h(x) * K
def h(y):
    return y * K
"""


def test_one_text_in_two_modules():
    name = "<two modules>"
    linecache.cache[name] = (len(TEXT), None, TEXT.splitlines(keepends=True), name)
    code = compile(TEXT, name, "exec")
    scopes = []
    for n, K in (("one", 2.0), ("two", 3.0), (None, 5.0), ("four", 7)):
        scope = {"K": K, "__name__": n} if n else {"K": K}
        if n == "two":
            module = types.ModuleType(n)
            sys.modules[n] = module
            scope = vars(module)
            scope["K"] = K
        exec(code, scope)
        scopes.append(scope)
    try:
        for scope in scopes * 2:
            for k in (2.0, 3.0):
                assert grad(scope["made"](k))(1.0) == scope["K"] * k
            assert grad(scope["g"])(1.0) == scope["K"] ** 2
        scopes[0]["K"] = 11.0
        scopes[1]["h"] = lambda y: y * y
        assert grad(scopes[0]["made"](1.0))(1.0) == 11.0
        assert grad(scopes[1]["g"])(2.0) == 12.0 and grad(scopes[0]["g"])(2.0) == 121.0
        scopes[2]["abs"] = lambda y: y
    finally:
        del sys.modules["two"]


def test_a_builtin_that_is_hidden_meanwhile():
    made = make("def made(k):\n    def f(x): return abs(x) * k\n    return f\n", "made")
    assert grad(made(2.0))(-1.0) == -2.0
    made.__globals__["abs"] = lambda y: 3.0 * y
    assert grad(made(2.0))(-1.0) == 6.0
    del made.__globals__["abs"]
    assert grad(made(4.0))(-1.0) == -4.0


def test_code_that_is_replaced():
    def made(k):
        def f(x):
            return k * x

        return f

    def other(k):
        def f(x):
            return k * x * x

        return f

    f, g = made(2.0), grad(made(3.0))
    assert grad(f)(1.0) == 2.0 and g(1.0) == 3.0
    f.__code__ = other(1.0).__code__
    assert grad(f)(1.0) == 4.0
    assert g(1.0) == 3.0 and grad(made(5.0))(1.0) == 5.0
    helper = lambda k: lambda y: y * k
    outer = lambda h: lambda x: h(x)
    h = helper(2.0)
    assert grad(outer(h))(1.0) == 2.0
    h.__code__ = (lambda k: lambda y: y * y * k)(1.0).__code__
    assert grad(outer(h))(1.0) == 4.0
    assert grad(outer(helper(7.0)))(1.0) == 7.0


def test_options_and_names_are_of_each():
    def made(k):
        def f(x, y):
            return k * x * y, k

        return f

    for k in (2.0, 3.0):
        assert grad(made(k), 0, has_aux=True)(1.0, 4.0) == (4.0 * k, k)
        assert grad(made(k), (0,), has_aux=True)(1.0, 4.0) == ((4.0 * k,), k)
        assert grad(made(k), "y", has_aux=True)(1.0, 4.0) == (k, k)
        assert grad(made(k), has_aux=True)(1.0, 4.0) == ((4.0 * k, k), k)
        assert value_and_grad(made(k), 1, has_aux=True)(1.0, 4.0) == ((4.0 * k, k), k)
        with pytest.raises(Exception, match="tuple"):
            grad(made(k), 0)(1.0, 4.0)
    f, g = made(2.0), made(3.0)
    g.__name__ = "another"
    assert "def f(" in grad(f, 0, has_aux=True).source and "def another(" in grad(g, 0, has_aux=True).source


def test_attributes_of_functions():
    def made(k):
        def f(x):
            return x * f.scale

        f.scale = k
        return f

    assert [grad(made(k))(1.0) for k in (2.0, 3, 4, 2.0)] == [2.0, 3.0, 4.0, 2.0]


def test_wrappers():
    def deco(h, k):
        @functools.wraps(h)
        def wrapper(*args):
            return k * h(*args)

        return wrapper

    def one(x):
        return x * x

    def two(x, y):
        return x * y

    assert grad(deco(one, 2.0))(3.0) == 12.0
    assert grad(deco(two, 3.0))(3.0, 4.0) == (12.0, 9.0)
    assert grad(deco(one, 3.0))(3.0) == 18.0
    assert grad(deco(lambda x: x, 3.0))(3.0) == 3.0
    assert grad(deco(lambda x, y=2.0: x * y, 3.0))(3.0) == 6.0
    assert grad(deco(lambda x, y=5.0: x * y, 3.0))(3.0) == 15.0
    wrapper = deco(lambda x: x, 3.0)
    assert grad(wrapper)(3.0) == 3.0
    wrapper.__wrapped__ = two
    with pytest.raises(TypeError):
        grad(wrapper)(3.0)


def test_methods_of_other_objects_and_classes():
    class Two(Model):
        def term(self, y):
            return self.k * y

    class Three(Model):
        scale = 5

    for cls in (Model, Two, Three, Model):
        for k in (1.0, 2, 3.0):
            model = cls(k)
            model.extra = 1.0
            assert np.allclose(grad(model.loss)(X), difference(model.loss, X))
            assert np.allclose(value_and_grad(model.loss, optimize=False)(X)[1], difference(model.loss, X))
    assert np.allclose(grad(Model.loss, 1)(Model(3.0), X), 2 * 3.0 * X * 2.0 + 3.0)


def test_class_methods():
    class One:
        w = 2.0

        @classmethod
        def loss(cls, x):
            return cls.w * x * x

    class Two(One):
        w = 3.0

    class Four(One):
        w = 4

    for cls in (One, Two, Four, One, Two):
        assert grad(cls.loss)(1.0) == 2.0 * cls.w


def test_gates_of_their_own():
    def made(k):
        def h(a):
            return k * a

        @gate(h)
        def rule(grad_y, a):
            return grad_y * (k + 100.0)

        return lambda x: h(x)

    assert [grad(made(k))(1.0) for k in (1.0, 2.0, 1.0)] == [101.0, 102.0, 101.0]


def test_a_gate_that_comes_later():
    def h(a):
        return a * 2.0

    def made(k):
        return grad(lambda x: h(x) * k)

    assert made(1.0)(1.0) == 2.0

    @gate(h)
    def rule(grad_y, a):
        return grad_y * 7.0

    assert made(2.0)(1.0) == 14.0


def test_calls_as_they_are():
    def made(labels, k):
        return grad(lambda x: np.sum(x * len(np.unique(labels))) * k)

    assert made(np.array([1, 2, 2]), 1.0)(X).tolist() == [2.0] * 3
    assert made(np.array([1, 2, 3]), 2.0)(X).tolist() == [6.0] * 3
    assert made([5, 5], 1.0)(X).tolist() == [1.0] * 3
