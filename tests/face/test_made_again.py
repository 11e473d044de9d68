"""Gradients of functions that are made again and again: of one code object, with other closures.

What is compiled once serves all of them that it is right for, and no other.
"""

from __future__ import annotations

import functools
import gc
import linecache
import math
import sys
import threading
import types
import weakref

import numpy as np
import pytest

from revcompile import dispatch, gate, grad, value_and_grad
from tests.support.program import make


@pytest.fixture(autouse=True)
def compilations(monkeypatch):
    """The functions that are compiled in a test, which begins with nothing remembered."""
    found = []
    original = dispatch.compile_gradient

    def counting(request, *rest):
        found.append(request.source.function.__name__)
        return original(request, *rest)

    dispatch.forget_all()
    monkeypatch.setattr(dispatch, "compile_gradient", counting)
    return found


FORMS = [pytest.param(grad, True, id="grad"), pytest.param(value_and_grad, False, id="textbook")]
X = np.array([0.5, -1.5, 2.0])


def gradient(answer, transform):
    return answer[1] if transform is value_and_grad else answer


# -- what is compiled once -------------------------------------------------------------------------------


def power_of(k):
    def f(x):
        if np.sum(x) > k:
            return np.sum(k * x * x)
        return np.sum(x) * k

    return f


def in_a_loop(k):
    def f(x):
        total = 0.0
        for i in range(3):
            total = total + k * np.sum(x) * i
        return total

    return f


def in_a_while(k):
    def f(x):
        i, y = 0, x
        while i < 2:
            y, i = y * k, i + 1
        return np.sum(y)

    return f


def with_a_store(k):
    def f(x):
        y = x.copy()
        y[0] = k * x[1]
        return np.sum(y * k)

    return f


def with_an_exit(k):
    def f(x):
        for i in range(3):
            if x[i] > 1.0:
                return x[i] * k
        return np.sum(x)

    return f


def with_a_helper(k):
    def h(y):
        return k * y * y

    def f(x):
        return np.sum(h(x))

    return f


def with_a_large_helper(k):
    def h(y):
        for _ in range(4):
            y = np.tanh(y) + k * np.sin(y) * np.cos(y) - np.sin(y * y) * 0.1 + np.exp(-np.abs(y)) * k
        return np.sum(y) * k

    def f(x):
        return h(x) + h(x * k)

    return f


def with_a_shared_cell(k):
    def h(y):
        return y * k

    def f(x):
        return np.sum(h(x) * k)

    return f


def with_a_list(k):
    ks = [k, 2.0 * k, {"a": k}]

    def f(x):
        rows = [x * c for c in ks[:2]]
        rows.append(x * ks[2]["a"])
        return np.sum(rows[0] * rows[1]) + np.sum(rows[2])

    return f


def with_a_lambda(k):
    square = lambda y: y * y * k
    return lambda x: np.sum(square(x))


def with_a_tuple_of_functions(k):
    return lambda x, fs=(lambda y: y * k, lambda y: y * y): (
        np.sum(sum(f(x) for f in fs[:0])) + np.sum(k * x * x)
    )


def with_functions_in_a_tuple(k):
    fs = (lambda y: y * k, lambda y: y * y * k)
    return lambda x: np.sum(fs[0](x)) + np.sum(fs[1](x))


class Model:
    scale = 2.0

    def __init__(self, k):
        self.k, self.act = k, lambda y: y * k

    def term(self, y):
        return self.k * y * y * self.scale

    def loss(self, x):
        return np.sum(self.term(x)) + np.sum(self.act(x))


def with_an_object(k):
    model = Model(k)
    return lambda x: model.loss(x)


def a_method(k):
    return Model(k).loss


def with_a_nested_gradient(k):
    def f(x):
        return np.sum(grad(lambda y: np.sum(k * y * y * y))(x))

    return f


def with_an_array(k):
    w = np.array([k, 1.0, 2.0 * k])
    return lambda x: np.sum(w * x * x)


def with_a_default(k):
    return lambda x, k=k: np.sum(k * x * x)


def with_a_default_array(k):
    def f(x, w=np.array([k, 1.0, 2.0])):
        return np.sum(w * x * x)

    return f


def with_a_wrapper(k):
    def scaled(h):
        @functools.wraps(h)
        def wrapper(*args):
            return k * h(*args)

        return wrapper

    @scaled
    def f(x):
        return np.sum(x * x * k)

    return f


def with_a_wrapped_helper(k):
    def scaled(h):
        @functools.wraps(h)
        def wrapper(*args, **kwargs):
            return k * h(*args, **kwargs)

        return wrapper

    h = scaled(scaled(lambda y, c=k: y * y * c))
    return lambda x: np.sum(h(x) + h(x, c=2.0))


def with_a_cache(k):
    @functools.lru_cache
    def h(c):
        return k * c

    return lambda x: np.sum(x * x * h(2.0))


MAKERS = [
    power_of, in_a_loop, in_a_while, with_a_store, with_an_exit, with_a_helper, with_a_large_helper, with_a_shared_cell,
    with_a_list, with_a_lambda, with_functions_in_a_tuple, with_an_object, a_method, with_a_nested_gradient,
    with_an_array, with_a_default, with_a_default_array, with_a_wrapper,
    with_a_wrapped_helper, with_a_cache,
]  # fmt: skip


def difference(f, x):
    steps = 1e-6 * np.eye(x.size)
    return np.array([(f(x + h) - f(x - h)) / 2e-6 for h in steps])


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", MAKERS, ids=lambda m: m.__name__)
def test_one_code_object_compiles_once(made, transform, optimize, compilations):
    for n, k in enumerate((0.5, 0.75, -1.25, 0.3)):
        f = made(k)
        g = transform(f, 0, optimize=optimize)
        for x in (X, X * 0.7):
            answer = g(x)
            assert np.allclose(gradient(answer, transform), difference(f, x), rtol=1e-5, atol=1e-6)
            if transform is value_and_grad:
                assert np.isclose(answer[0], f(x), rtol=1e-14)
        if n == 0:
            first = len(compilations)
    assert len(compilations) == first <= 2  # where something must be known, it is found out once


@pytest.mark.parametrize("k", [0.5, 2.0])
def test_scalars_compile_once(k, compilations):
    for j in range(4):
        c = k + j
        assert grad(lambda x: c * x * x)(3.0) == 6.0 * c
        assert grad(lambda x: math.sin(c * x))(1.0) == pytest.approx(c * math.cos(c))
    assert len(compilations) == 2


def test_a_signature_of_its_own_compiles_once_each(compilations):
    for k in (1.0, 2.0, 3.0):
        f = lambda x: np.sum(k * x * x)
        g = grad(f)
        for x in (2.0, X, np.float32(2.0), X.astype(np.float32), X[:1], 2):
            answer = g(x)
            assert np.allclose(answer, 2 * k * x)
            assert np.asarray(answer).dtype == np.asarray(x if np.asarray(x).dtype.kind == "f" else 1.0).dtype
    assert len(compilations) == 6


def test_in_another_order_of_signatures(compilations):
    def made(k):
        return grad(lambda x: np.sum(k * x * x))

    calls = [2.0, X, np.float32(3.0)]
    for start in range(3):
        g = made(1.0 + start)
        for x in calls[start:] + calls[:start]:
            assert np.allclose(g(x), 2 * (1.0 + start) * x)
    assert len(compilations) <= 3 + 2


def test_what_must_be_known_is_known_at_once(compilations):
    for k in (1.0, 2.0):
        g = grad(lambda x, n: np.sum(np.reshape(x, (n, 2)) @ np.ones(2)) * k, 0)
        assert g(np.ones(4), 2).tolist() == [k] * 4
        assert g(np.ones(6), 3).tolist() == [k] * 6
    assert len(compilations) <= 4


# -- what is not shared ----------------------------------------------------------------------------------


def _in_branch(k):
    return lambda x: x * x if k > 2 else x


def _in_range(k):
    def f(x):
        y = x
        for _ in range(k):
            y = y * x
        return y

    return f


def _as_exponent(k):
    return lambda x: x**k


def _as_shape(k):
    return lambda x: np.sum(x * np.ones((k, k)))


def _as_key(k):
    table = {1: 10.0, 2: 20.0, 3: 30.0, 4: 5.0}
    return lambda x: x * x * table[k]


def _as_index(k):
    ks = [1.0, 2.0, 3.0, 4.0, 5.0]
    return lambda x: x * ks[k]


def _as_text(k):
    name = "ab"[k % 2]
    return lambda x: x * x if name == "a" else x * 3.0


def _as_none(k):
    c = None if k == 2 else float(k)
    return lambda x: x * x if c is None else x * c


def _as_truth(k):
    flag = k > 2
    return lambda x: x * x if flag else x


def _as_set(k):
    chosen = {1, k}
    return lambda x: x * x if 3 in chosen else x


def _as_length(k):
    ws = [0.5] * k
    return lambda x: sum(w * x * x for w in ws)


def _as_array(k):
    w = np.arange(1.0, k + 1)
    return lambda x: np.sum(w * x * x)


def _as_matrix(k):
    w = np.ones((2,) * k)
    return lambda x: np.sum(w * x * x)


def _as_dtype(k):
    dtype = (np.float32, np.float64)[k % 2]
    return lambda x: np.ones(2, dtype).itemsize * x * k


def _as_function(k):
    h = (np.sin, np.cos)[k % 2]
    return lambda x: h(x) * 2.0


def _as_users_function(k):
    h = (lambda y: y * y, lambda y: y * 3.0)[k % 2]
    return lambda x: h(x) * 2.0


def _as_depth(k):
    def twice(h):
        return lambda y: h(h(y))

    h = lambda y: y * y
    for _ in range(k % 3):
        h = twice(h)
    return lambda x: h(x)


def _as_class(k):
    class One:
        w = 2.0 + k

        def __call__(self, y):
            return y * y * self.w

    class Two(One):
        def __call__(self, y):
            return y * 7.0

    model = (One, Two)[k % 2]()
    return lambda x: model(x)


def _as_attribute(k):
    model = types.SimpleNamespace(n=k, w=0.5 * k)
    return lambda x: x**model.n * model.w


def _as_partial(k):
    h = functools.partial(lambda a, y: a * y * y, k)
    return lambda x: h(x)


def _as_default(k):
    return lambda x, n=k: x**n


def _as_keyword(k):
    def f(x, *, n=k):
        return x**n

    return f


def _as_default_of_a_helper(k):
    def h(y, n=k):
        return y**n

    return lambda x: h(x)


def _as_named_tuple(k):
    from collections import namedtuple

    pair = namedtuple("pair", "a n")(0.5 * k, k)
    return lambda x: pair.a * x**pair.n


OTHERS = [v for name, v in list(globals().items()) if name.startswith("_") and name[1:3] in ("as", "in")]


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", OTHERS, ids=lambda m: m.__name__[1:])
def test_what_is_compiled_in_is_compared(made, transform, optimize):
    for k in (1, 2, 3, 1, 4):
        f = made(k)
        g = transform(f, 0, optimize=optimize)
        answer = gradient(g(1.5), transform)
        assert float(answer) == pytest.approx((f(1.5 + 1e-6) - f(1.5 - 1e-6)) / 2e-6, rel=1e-6)
        with np.errstate(all="raise"):
            assert float(gradient(g(2.5), transform)) == pytest.approx(
                (f(2.5 + 1e-6) - f(2.5 - 1e-6)) / 2e-6, rel=1e-6
            )


def test_number_or_none_or_array_or_list(compilations):
    def made(c):
        def f(x):
            if c is None:
                return x * x
            if isinstance(c, list):
                return x * c[0]
            return np.sum(c * x)

        return grad(f)

    for c, expected in [
        (None, 4.0),
        (3.0, 3.0),
        ([7.0], 7.0),
        (np.ones(3), 3.0),
        (np.ones((2, 2)), 4.0),
        (5, 5.0),
    ] * 2:
        assert made(c)(2.0) == expected
    assert len(compilations) == 6


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.float16])
def test_arrays_of_another_dtype(kind):
    def made(w):
        return grad(lambda x: np.sum(w * x))

    assert made(np.ones(3))(X).dtype == np.float64
    answer = made(np.full(3, 2, kind))(X.astype(np.float32))
    assert answer.dtype == np.float32 and answer.tolist() == [2.0] * 3
    assert made(np.full(3, 2, kind))(X).tolist() == [2.0] * 3


def test_lengths_that_do_not_agree_are_an_error_each_time():
    def made(w):
        return grad(lambda x: np.sum(w * x))

    assert made(np.ones(3))(X).tolist() == [1.0] * 3
    for _ in range(2):
        with pytest.raises(ValueError, match="broadcast"):
            made(np.ones(2))(X)
    assert made(np.full(1, 4.0))(X).tolist() == [4.0] * 3
    assert made(np.full((2, 3), 4.0))(X).tolist() == [8.0] * 3


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


# -- texts for numbers beyond `math`, errors, lines -------------------------------------------------------


def test_numbers_beyond_math(compilations):
    def made(k):
        return value_and_grad(lambda x: k * math.exp(x) if x < 0 else np.exp(x) * k)

    for k in (2.0, 3.0, 4.0):
        with np.errstate(over="ignore"):
            assert made(k)(1000.0) == (math.inf, math.inf)
            value, slope = made(k)(1.0)
        assert value == slope == pytest.approx(k * math.e)
    assert len(compilations) <= 2


def test_numbers_beyond_math_in_the_second_only(compilations):
    def made(k):
        def h(y):
            return np.log(y) * k

        return grad(lambda x: h(x) / x)

    assert made(2.0)(1.0) == 2.0
    for k in (2.0, 3.0, 4.0):
        g = made(k)
        with np.errstate(all="ignore"):
            assert math.isnan(g(0.0)) or math.isinf(g(0.0))
        assert g(1.0) == k
    assert len(compilations) <= 2


@pytest.mark.parametrize("optimize", [True, False])
def test_an_error_shows_the_users_line(optimize):
    def made(ks):
        def f(x):
            y = x * 2.0
            return y * ks[x_index] if False else y / ks[0] + ks[1] * y + x

        x_index = 0
        return value_and_grad(f, optimize=optimize)

    assert made([1.0, 2.0])(3.0)[0] == 21.0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError) as e:
            made([0.0, 2.0])(3.0)
        notes = "\n".join(getattr(e.value, "__notes__", []))
        assert "ks[0] + ks[1]" in notes + str(e.value)


def test_the_source_names_the_right_things():
    def made(k):
        def f(x, n=k):
            return x * n

        return grad(f, 0)

    for k in (2.0, 3.0):
        g = made(k)
        assert g(1.0) == k
        assert f"def f(x, n={k}):" in g.source and f"def grad_f(x, n={k}):" in g.backward_source
        assert g.primal is g.__wrapped__ and g.primal.__defaults__ == (k,)
        assert g.__defaults__ == (k,) and list(g.specializations) == ["(float, float)"]
        assert g.value_and_grad(2.0) == (2.0 * k, k)
        lines = linecache.getlines(g.__code__.co_filename)
        assert f"n={k}" in lines[0]


# -- what is kept ----------------------------------------------------------------------------------------


def test_nothing_of_the_program_is_kept():
    class Thing:
        def __init__(self, w):
            self.w = w

        def loss(self, x):
            return np.sum(self.w * x)

    def helper(w):
        return lambda y: np.sum(w * y)

    references = []
    for n in range(3):
        w, v = np.full(3, 1.0 + n), Thing(np.full(3, 2.0))
        h = helper(np.full(3, 3.0))
        f = lambda x, u=np.full(3, 1.0): np.sum(w * x * u) + v.loss(x) + h(x)
        g = grad(f, 0)
        assert g(X).tolist() == [6.0 + n] * 3
        assert grad(v.loss)(X).tolist() == [2.0] * 3
        references += [weakref.ref(o) for o in (w, v, v.w, h, f, g)]
    w = v = h = f = g = None
    gc.collect()
    assert [r() for r in references] == [None] * len(references)


def test_what_is_remembered_is_bounded():
    def texts():
        gc.collect()
        return sum(name.startswith("<revcompile") for name in linecache.cache)

    def made(k):
        return grad(lambda x: x * k)

    made(1.0)(2.0)
    before = texts()
    for n in range(300):
        assert made(float(n))(2.0) == n
    assert texts() <= before


def test_a_code_object_that_goes_takes_its_text_along():
    codes = []
    for n in range(20):
        f = make("def f(x): return x * K", K=float(n))
        assert grad(f)(1.0) == n
        codes.append(weakref.ref(f.__code__))
        del f
    linecache.clearcache()
    gc.collect()
    assert sum(r() is not None for r in codes) == 0


def test_threads():
    def made(k):
        def h(y):
            return np.sum(k * y)

        return grad(lambda x: h(x) * k)

    wrong = []

    def run(seed):
        for n in range(40):
            k = seed + 0.5 * n
            if not np.array_equal(made(k)(X), np.full(3, k * k)):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(float(s),)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


# -- gradients of gradients, partials --------------------------------------------------------------------


def test_gradients_of_gradients_compile_once(compilations):
    for k in (2.0, 3.0, 4.0):
        assert grad(grad(lambda x: k * x * x * x))(2.0) == 12.0 * k
        g = grad(lambda x: k * x**4)
        assert value_and_grad(lambda x: g(x) + k)(1.0) == (5.0 * k, 12.0 * k)
    assert len(compilations) == 2


def test_gradients_with_other_options():
    def made(h, *options, transform=grad):
        g = transform(h, *options)
        return lambda x: g(x, 3.0)

    def cubic(x, y):
        return x * x * y

    class Cubic:
        def loss(self, x, y):
            return x * x * y

    for h in (cubic, Cubic().loss, lambda x, y: x * x * y, functools.partial(cubic)):
        for _ in range(2):
            assert grad(made(h, 0))(2.0) == 6.0
            assert grad(made(h, 1))(2.0) == 4.0
            assert grad(made(h, "y"))(2.0) == 4.0
            for transform, options in [(grad, ()), (grad, ((0,),)), (value_and_grad, (0,))]:
                with pytest.raises(Exception, match="tuple"):
                    grad(made(h, *options, transform=transform))(2.0)
    assert grad(lambda x: made(cubic, 1)(x))(2.0) == 4.0


def test_a_gradient_that_takes_anothers_place():
    class Cubic:
        def loss(self, x, y):
            return x * x * y

    f = make("def f(x): return G(x, 3.0)", G=grad(Cubic().loss, 0))
    g = grad(f)
    assert g(2.0) == 6.0
    f.__globals__["G"] = grad(Cubic().loss, 1)
    assert g(2.0) == 4.0
    f.__globals__["G"] = lambda x, y: value_and_grad(Cubic().loss, 1)(x, y)[0]
    assert g(2.0) == 12.0
    f.__globals__["G"] = value_and_grad(Cubic().loss, 1)
    with pytest.raises(Exception, match="tuple"):
        g(2.0)


@pytest.mark.parametrize("in_a_closure", [True, False])
def test_partials(in_a_closure, compilations):
    def h(a, x, c=1.0):
        return a * x * x * c

    def of(p):
        return grad(lambda x: p(x)) if in_a_closure else grad(p, 0)

    for k in (2.0, 3.0, 4.0):
        assert of(functools.partial(h, k))(1.0) == 2.0 * k
    assert len(compilations) == 1
    for k in (2.0, 3.0, 4.0):
        assert of(functools.partial(h, k, c=5.0))(1.0) == 10.0 * k
        assert of(functools.partial(h, k, c=k))(1.0) == 2.0 * k * k
    assert of(functools.partial(h, 2))(1.0) == 4.0
    assert of(functools.partial(lambda a, x: a * x, 2.0))(1.0) == 2.0
    assert of(functools.partial(functools.partial(h, 3.0), c=2.0))(1.0) == 12.0
    a, b = np.ones(2), np.ones(3)
    assert of(functools.partial(lambda w, x: np.sum(w * x), a))(1.0) == 2.0
    assert of(functools.partial(lambda w, x: np.sum(w * x), b))(1.0) == 3.0


def test_callable_objects():
    class Scaled:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            return x * self.k if self.k != 3 else x * x

    assert [grad(Scaled(k))(5.0) for k in (1.0, 2, 3, 2.0, 3)] == [1.0, 2.0, 10.0, 2.0, 10.0]


def test_arguments_to_which_there_are_no_weak_references():
    """A signature may name an object that cannot be remembered weakly; such signatures are never the same."""

    class Way:
        __slots__ = ("name",)

        def __init__(self, name):
            self.name = name

    def made(k):
        return grad(lambda x, dtype, way: np.sum(np.ones(2, dtype) * x) * k, 0)

    swapped = [np.dtype([("a", float)])["a"], np.dtype("f4"), np.dtype(float), np.dtype("i8")]
    for dtype in swapped * 2:
        for way in (Way("a"), Way("b")):
            answer = made(2.0)(1.0, dtype, way)
            assert answer == 4.0 and np.asarray(answer).dtype == np.float64


def test_many_constants_compile_once_each(compilations):
    def made(n):
        return grad(lambda x: x**n)

    def known(n):
        return grad(lambda x: np.sum(np.ones((2,) * n)) * x)

    for _ in range(3):
        for n in range(2, 12):
            assert made(n)(1.0) == n
            assert known(n)(1.0) == 2.0**n
    assert len(compilations) <= 5 + 10 + 1


# -- what tells one function from another ------------------------------------------------------------------

TELLING = {
    "id": lambda h: lambda x: x * (id(h) % 1009),
    "hash": lambda h: lambda x: x * (hash(h) % 1009),
    "repr": lambda h: lambda x: x * float(int(repr(h)[-5:-1], 16)),
    "str": lambda h: lambda x: x * float(int(str((h, 1))[-9:-5], 16)),
    "f-string": lambda h: lambda x: x * float(int(f"{h}"[-5:-1], 16)),
    "format": lambda h: lambda x: x * float(int("{}".format(h)[-5:-1], 16)),
    "percent": lambda h: lambda x: x * float(int(("%s" % h)[-5:-1], 16)),
    "map": lambda h: lambda x: x * (list(map(id, (h,)))[0] % 1009),
}


@pytest.mark.parametrize("made", TELLING.values(), ids=TELLING)
def test_what_tells_functions_apart(made):
    kept = [lambda y, k=k: y * k for k in range(5)]  # each at an address of its own
    for h in kept:
        f = made(h)
        assert grad(f)(1.0) == f(1.0)


def test_the_order_of_a_set_of_functions():
    def in_a_loop(a, b, c):
        def f(x):
            for h in {a, b, c}:
                x = h(x)
            return x

        return f

    def taken_out(a, b, c):
        def f(x):
            s = {a, b}
            s.add(c)
            return s.pop()(x)

        return f

    def as_a_list(a, b, c):
        def f(x):
            first, *_ = list(frozenset((a, b, c)))
            return first(x)

        return f

    kept = []
    for k in range(1, 13):
        kept.append((lambda y, k=k: y * k, lambda y, k=k: y + 0.5 * k, lambda y: y * y, [0] * k))
        for made in (in_a_loop, taken_out, as_a_list):
            f = made(*kept[-1][:3])
            assert grad(f)(1.3) == pytest.approx((f(1.3 + 1e-6) - f(1.3 - 1e-6)) / 2e-6, rel=1e-6)


def test_what_is_read_of_a_partial():
    for k in (1.0, 2.0, 3, 4.0):
        p = functools.partial(lambda a, y, c=1.0: a * y * c, k, c=2.0 * k)
        assert grad(lambda x: x * p.args[0] + p(x) * p.keywords["c"])(1.0) == k + 4.0 * k**3


def test_a_call_that_is_not_reached_at_first():
    """What a call as it is gives is found out by each gradient function for itself."""

    def made(k):
        def f(x):
            if x > 5.0:
                return x * k * len(np.unique(np.round(np.array([k, k, 1.0]))))
            return x * k

        return f

    for k in (2.0, 3.0):
        g = grad(made(k))
        assert g(1.0) == k
        assert g(6.0) == 2 * k
        assert grad(made(k))(6.0) == 2 * k


# -- whole numbers: compiled in at first, read at each call where there are many ---------------------------


def _whole_factor(n):
    return lambda x: n * x + x * x * (n // 2) / (n + 1)


def _whole_exponent(n):
    return lambda x: x**n + x ** (-n)


def _whole_range(n):
    def f(x):
        y = x
        for _ in range(n):
            y = y * x
        return y

    return f


def _whole_while(n):
    def f(x):
        i = 0
        while i < n:
            x, i = x * 1.1, i + 1
        return x * x

    return f


def _whole_branch(n):
    return lambda x: x * x if n > 7 else (x * 3 if n == 4 else x * n)


def _whole_exit(n):
    def f(x):
        for i in range(40):
            if i == n:
                return x * x * i
            x = x * 1.01
        return x

    return f


def _whole_shape(n):
    return lambda x: np.sum(np.ones(n) * x * x) + np.sum(np.linspace(0.0, x, n + 1))


def _whole_index(n):
    return lambda x: np.arange(40.0)[n] * x * x + np.sum(np.arange(40.0)[:n]) * x


def _whole_store(n):
    def f(x):
        y = np.zeros(40)
        y[n] = x * x
        y[:n] += x
        return np.sum(y)

    return f


def _whole_key(n):
    table = {i: float(i) for i in range(40)}
    return lambda x: x * x * table[n]


def _whole_text(n):
    return lambda x: x * len(str(n)) + x * x


def _whole_attribute(n):
    model = types.SimpleNamespace(n=n, more=[n, {"n": n + 1}])
    return lambda x: x * x * model.n + x * model.more[0] * model.more[1]["n"]


def _whole_method(n):
    model = Model(n)
    model.act = lambda y: y**n
    return model.loss


def _whole_helper(n):
    def h(y, m=n):
        return y * y * m if m > 3 else y**n

    return lambda x: h(x) * n


def _whole_axis(n):
    return lambda x: np.sum(np.ones((2, 3)).sum(n % 2)) * x * x


WHOLE = [v for name, v in list(globals().items()) if name.startswith("_whole_")]


@pytest.mark.parametrize("transform, optimize", FORMS)
@pytest.mark.parametrize("made", WHOLE, ids=lambda m: m.__name__[7:])
def test_whole_numbers(made, transform, optimize, compilations):
    for n in (0, 1, 2, 3, 4, 5, 8, 9, 17, 3, 0, 31):
        f = made(n)
        g = transform(f, 0, optimize=optimize)
        for x in (0.9, 1.2):
            expected = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
            assert float(gradient(g(x), transform)) == pytest.approx(expected, rel=1e-5)
    if made in (_whole_key, _whole_text, _whole_axis):
        assert len(compilations) <= 11
    else:
        assert len(compilations) == 5


def test_whole_numbers_that_change_in_a_cell():
    def made(n):
        def f(x):
            return n * np.exp(x) / (n - 5)

        def change(to):
            nonlocal n
            n = to

        return grad(f), change

    with np.errstate(all="ignore"):
        for n in range(6, 16):
            g, change = made(n)
            assert g(0.0) == pytest.approx(n / (n - 5), rel=1e-15) and g(1000.0) == math.inf
            change(2)
            assert g(0.0) == pytest.approx(2 / -3, rel=1e-15) and g(1000.0) == -math.inf
            change(3.5)
            assert g(0.0) == pytest.approx(3.5 / -1.5, rel=1e-15) and g(1000.0) == -math.inf
            change(True)
            assert g(0.0) == pytest.approx(1 / -4, rel=1e-15)
            change(10**30)
            assert g(0.0) == pytest.approx(1.0, rel=1e-15)


def test_whole_numbers_and_precision():
    def made(n):
        return grad(lambda x: np.sum(x * n + (x * n) ** 2))

    for n in range(8):
        answer = made(n)(X.astype(np.float32))
        assert answer.dtype == np.float32 and np.allclose(answer, n + 2 * X * n * n)
        assert made(n)(X).dtype == np.float64


def test_a_global_whole_number_that_changes(compilations):
    f = make("def f(x):\n    return x ** n * len('a' * m)\n", n=0, m=3)
    g = grad(f)
    for n in range(12):
        f.__globals__["n"] = n
        assert g(1.0) == 3.0 * n
    f.__globals__["m"] = 4
    assert g(1.0) == 4.0 * n
    assert len(compilations) <= 6


def test_what_fails_fails_with_each_number(compilations):
    def made(n):
        def f(x):
            if n > 100:
                return x
            raise KeyError(n)

        return grad(f)

    for n in range(8):
        with pytest.raises(KeyError, match=str(n)):
            made(n)(1.0)
    assert made(101)(1.0) == 1.0


@pytest.mark.parametrize("optimize", [True, False])
def test_what_must_be_known_elsewhere_is_read_live_here(optimize):
    """A number that one signature has to know is none that the others compile in."""

    def made(k):
        def f(x, how):
            if how == "rank":
                return np.sum(np.ones((2,) * int(k))) * x
            return k * np.exp(x)

        def change(to):
            nonlocal k
            k = to

        return grad(f, 0, optimize=optimize), change

    with np.errstate(over="ignore"):
        assert made(1.0)[0](0.0, "exp") == 1.0
        for k in (2.0, 3.0, 4.0):
            g, change = made(k)
            assert g(0.0, "exp") == k
            assert g(1.0, "rank") == 2.0**k
            assert g(1000.0, "exp") == math.inf
            change(-k)
            assert g(1000.0, "exp") == -math.inf
            assert g(0.0, "exp") == -k
            assert made(-5.0)[0](1000.0, "exp") == -math.inf
