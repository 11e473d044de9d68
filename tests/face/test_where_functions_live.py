"""Functions of every origin: lambdas, closures, methods, REPL cells, doctests, wrappers, stale files."""

from __future__ import annotations

import doctest
import functools
import importlib
import linecache
import math
import sys
import types

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.face import living_module as living
from tests.support.program import make


def both(f, g):
    return grad(f), grad(g)


def test_lambdas_on_one_line():
    f, g = lambda x: x * x, lambda x: x * x * x
    assert (grad(f)(2.0), grad(g)(2.0)) == (4.0, 12.0)
    f, g = both(lambda x: x + x, lambda x: x * 5.0)
    assert (f(2.0), g(2.0)) == (2.0, 5.0)
    h, k = (lambda x: np.sum(x * 2.0)), (lambda x: np.sum(x * 3.0))
    assert (grad(h)(1.0), grad(k)(1.0)) == (2.0, 3.0)
    nested = lambda a: lambda x: a * x * x
    assert grad(nested(3.0))(2.0) == 12.0
    assert grad(lambda x: (lambda x: x * 7.0)(x))(1.0) == 7.0
    table = {"a": lambda x: x * 2.0, "b": lambda x: x * 3.0, "c": lambda x: x * 3.0}
    assert [grad(v)(1.0) for v in table.values()] == [2.0, 3.0, 3.0]


def test_lambdas_over_several_lines():
    f = lambda x, y: (
        x * y  # a comment with a ) in it
        + np.sum(
            x * x,
        )
    )
    assert grad(f)(2.0, 3.0) == (7.0, 2.0)
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_nested_functions_and_closures():
    def outer(scale):
        def inner(x):
            def innermost(y):
                return y * y * scale * x

            return innermost(x)

        return inner

    assert grad(outer(2.0))(3.0) == 54.0
    assert grad(outer(3.0))(3.0) == 81.0


def test_methods_of_every_kind():
    m = living.Model(2.0)
    assert grad(m.loss)(3.0) == grad(m.loss, "x")(3.0) == m.slope(3.0) == 12.0
    assert grad(m.loss, (0,))(3.0) == (12.0,)
    assert grad(living.Model.loss, "x")(m, 3.0) == grad(living.Model.loss, 1)(m, 3.0) == 12.0
    assert value_and_grad(m.loss)(3.0) == grad(m.loss).value_and_grad(3.0) == (18.0, 12.0)
    assert m.slope.primal(m, 3.0) == 18.0 and m.slope.value_and_grad(m, 3.0) == (18.0, 12.0)
    assert m.inside(3.0) == m.outside(3.0) == living.Model.inside(3.0) == living.Model.outside(3.0) == 6.0
    assert grad(m.of_class)(3.0) == grad(living.Model.of_class)(3.0) == m.slope_of_class(3.0) == 18.0
    assert grad(m.loss).primal == m.loss
    assert "k = self.k" in grad(m.loss).backward_source
    m.k = 5.0
    assert m.slope(3.0) == 30.0 and living.Model(1.0).slope(3.0) == 6.0


def test_wrapped_functions():
    def f(x, y):
        """The text."""
        return x * y

    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs)

    g = grad(wrapper)
    assert g(3.0, 5.0) == (10.0, 6.0)
    assert g(3.0, y=5.0) == (10.0, 6.0)
    assert grad(wrapper, "y")(3.0, 5.0) == 6.0
    assert g.__doc__ == "The text." and g.__name__ == "f"

    def scaled(x, by=2.0):
        return x * by

    @functools.wraps(scaled)
    def also(*args, **kwargs):
        return scaled(*args, **kwargs)

    for h in (grad(scaled), grad(also)):
        assert h(3.0) == 2.0 and h(3.0, 4.0) == (4.0, 3.0)
    assert grad(lambda *xs: xs[0] ** 2)(3.0) == (6.0,)

    @functools.lru_cache
    def cached(x):
        return x * x

    assert grad(cached)(3.0) == 6.0


def test_a_decorated_definition():
    def twice(h):
        return h

    @twice
    @grad
    @twice
    def f(x):
        return x * x

    assert f(3.0) == 6.0


def test_a_repl_cell():
    f = make("scale = 2.0\n\n\ndef f(x):\n    # a comment\n    return scale * x\n")
    assert grad(f)(3.0) == 2.0


def test_a_cell_that_is_run_again():
    linecache.cache["<cell>"] = (1, None, ["def f(x): return 2.0 * x\n"], "<cell>")
    scope = {}
    exec(compile("def f(x): return 2.0 * x\n", "<cell>", "exec"), scope)
    old = scope["f"]
    linecache.cache["<cell>"] = (1, None, ["def f(x): return 3.0 * x\n"], "<cell>")
    exec(compile("def f(x): return 3.0 * x\n", "<cell>", "exec"), scope)
    assert grad(scope["f"])(1.0) == 3.0
    with pytest.raises(UnsupportedError, match="not what was compiled"):
        grad(old)


def test_without_source_the_error_says_so():
    scope = {}
    exec("def f(x): return x * x", scope)
    with pytest.raises(UnsupportedError, match="source of f is not available|cannot find f") as caught:
        grad(scope["f"])
    assert "file" in caught.value.way_out
    with pytest.raises(UnsupportedError, match="no Python source"):
        grad(str)


def test_a_file_that_changed_after_its_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "changing_module.py"
    path.write_text("def f(x):\n    return 2.0 * x\n")
    module = importlib.import_module("changing_module")
    for text in ("def f(x):\n    return 3.0 * x\n", "def g(x): pass\n", "", "((\n"):
        path.write_text(text)
        linecache.checkcache(str(path))
        with pytest.raises(UnsupportedError, match="changed|not available"):
            grad(module.f)
    del sys.modules["changing_module"]


def test_doctest():
    text = ">>> from revcompile import grad\n>>> @grad\n... def f(x):\n...     return x * x\n>>> f(3.0)\n6.0\n>>> grad(lambda x: 2.0 * x)(1.0)\n2.0\n"
    test = doctest.DocTestParser().get_doctest(text, {}, "example", "example", 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_indented_source_with_strange_layout():
    if True:

        def f(x):
            y = x * 2.0
            # a comment at the margin
            return y * x

    assert grad(f)(3.0) == 12.0


def test_a_function_whose_globals_are_no_module():
    f = make("def f(x): return c * x\n", c=4.0)
    other = types.FunctionType(f.__code__, {"c": 5.0}, "f")
    assert (grad(f)(1.0), grad(other)(1.0)) == (4.0, 5.0)


def test_positions_with_wide_characters():
    f = lambda x: x * len("äöü€𝄞")
    g = lambda x: x * len("ä") * 2.0
    assert (grad(f)(1.0), grad(g)(1.0)) == (5.0, 2.0)


def test_asserts_that_pytest_has_rewritten():
    k = 3.0

    def in_a_loop(x):
        assert x < 100, "large"
        for i in range(2):
            assert i < 3 and x > 0
            x = x * 2.0
        return x

    def of_an_array(x):
        y = np.exp(x)
        assert np.all(y < 100)
        return np.sum(y)

    def around(x):
        assert k == 3.0
        return k * x

    class Model:
        def loss(self, x):
            assert x > 0
            return x * x

    assert (grad(in_a_loop)(1.0), grad(around)(1.0), grad(Model().loss)(2.0)) == (4.0, 3.0, 4.0)
    np.testing.assert_allclose(grad(of_an_array)(np.ones(2)), np.exp(np.ones(2)))


@functools.wraps(math.exp)
def bounded_exp(x):
    return math.exp(min(x, 3.0))


@functools.wraps(np.mean)
def third_of_sum(x):
    return np.sum(x) / 3.0


@functools.wraps(np.linalg.norm)
def squares(x):
    total = 0.0
    for v in x:
        total = total + v * v
    return total


@pytest.mark.parametrize("optimize", [True, False])
def test_a_function_that_wears_a_library_name_is_read_as_what_it_is(optimize):
    f = grad(lambda x: bounded_exp(x) * bounded_exp(2.0), optimize=optimize)
    assert np.allclose([f(1.0), f(4.0)], [np.exp(3.0), 0.0])
    assert grad(lambda x: x * bounded_exp(4.0), optimize=optimize)(1.0) == math.exp(3.0)
    x = np.array([1.0, 2.0, 4.0])
    assert np.allclose(grad(third_of_sum, optimize=optimize)(x), 1.0 / 3.0)
    assert np.allclose(
        grad(lambda x: squares(x) * third_of_sum(x), optimize=optimize)(x),
        2.0 * x * np.mean(x) + np.sum(x * x) / 3.0,
    )
