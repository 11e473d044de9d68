"""Functions made again of one code object: careful texts and errors, what is kept of them, gradients of gradients."""

from __future__ import annotations

import functools
import gc
import linecache
import math
import threading
import weakref

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from revcompile.codegen.load import drop_texts
from tests.face.made_again import X
from tests.support.program import make

pytestmark = pytest.mark.usefixtures("compilations")


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
        drop_texts()
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
