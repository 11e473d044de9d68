"""What is compiled when, and what is left of gradients and gates that nobody has any more."""

from __future__ import annotations

import gc
import linecache
import types
import weakref

import numpy as np
import pytest

from revcompile import dispatch, gate, grad, value_and_grad
from revcompile.codegen.load import compile_text, drop_texts
from tests.support.program import make


def texts(word):
    """The generated texts of what is called so that `linecache` has after the next compilation."""
    gc.collect()
    drop_texts()
    return [name for name in linecache.cache if name.startswith("<revcompile") and word in name]


@pytest.fixture
def compilations(monkeypatch):
    """The functions that are compiled in a test, which begins with nothing remembered."""
    found = []
    original = dispatch.compile_gradient
    dispatch.forget_all()

    def counting(request, *rest):
        found.append(request.source.function.__name__)
        return original(request, *rest)

    monkeypatch.setattr(dispatch, "compile_gradient", counting)
    return found


def cube(x):
    return x * x * x


@pytest.mark.parametrize("transform", [grad, value_and_grad])
def test_nothing_is_compiled_before_a_call_or_a_look(transform, compilations):
    g = transform(cube, optimize=False)
    assert not compilations and len(g.specializations) == 0
    assert "# backward pass" in g.backward_source and isinstance(g.source, str)
    assert len(compilations) == 1 and "def cube(x):" in g.source
    g(2.0)
    assert len(compilations) == 1
    assert g.value_and_grad(2.0) == (8.0, 12.0) and g.value_and_grad is g.value_and_grad
    g(np.float32(2.0))
    assert "np.float32" in str(g.specializations)
    h = transform(cube)
    del compilations[:]
    h(np.float64(2.0))
    text = h.source
    assert len(compilations) == 1 and h.source is text


def test_what_does_not_compile_for_floats_says_so_when_looked_at():
    g = grad(lambda x: np.sum(x[0]))
    assert g.backward_source.startswith("# function has no source yet")
    assert g([np.ones(2)])[0].tolist() == [1.0, 1.0]
    assert "# backward pass" in g.backward_source


def test_an_alarm_during_a_look_is_heard(monkeypatch):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    g = grad(cube)
    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "compile_gradient", ring)
        with pytest.raises(Alarm):
            print(g.source)
    assert "def cube" in g.source


def test_texts_go_with_the_gradients(compilations):
    before = texts("cube")
    for _ in range(3):
        grad(grad(cube))
        assert grad(grad(cube))(2.0) == 12.0
        g = grad(cube)
        g(1.0), g(np.float32(1.0)), g.value_and_grad(1.0)
        assert "grad_x" in g.source
    assert len(texts("cube")) > len(before)
    del g
    assert texts("cube") == before


def test_a_text_is_there_as_long_as_a_traceback_shows_it():
    g = grad(lambda x, y: x[3] * y, 1)
    try:
        g([1.0, 2.0], 1.0)
    except IndexError as e:
        error = e
    del g
    gc.collect()
    assert "IndexError" in repr(error)


@pytest.mark.parametrize("pair", [False, True])
def test_gates_go_with_their_functions(pair):
    def made():
        def sine(x):
            return np.sin(x)

        def rule(grad_y, x):
            return grad_y * np.cos(x)

        def forward(x):
            return np.sin(x), x

        gate(sine, forward=forward if pair else None)(rule)

        def twice_the_sine(x):
            return sine(x) * 2.0

        g = grad(twice_the_sine)
        assert abs(g(1.0) - 2.0 * np.cos(1.0)) < 1e-15
        wrapper = types.FunctionType(cube.__code__, cube.__globals__)
        wrapper.__dict__.update(sine.__dict__)  # as `functools.wraps` does
        assert grad(wrapper)(1.0) == 3.0
        with pytest.raises(ValueError, match="has a rule"):
            gate(np.sin)(rule)
        gate(sine)(rule)  # a user's rule may be given anew
        return [weakref.ref(o) for o in (sine, rule, forward, g)]

    before = texts("twice_the_sine")
    for _ in range(3):
        references = made()
    gc.collect()
    assert [r() for r in references] == [None] * 4
    assert texts("twice_the_sine") == before


def test_the_specialisation_that_is_used_is_not_the_one_that_is_forgotten(compilations):
    f = make("def f(x, *ys): return x * (1.0 + len(ys))\n")
    g = grad(f, 0)
    for n in range(dispatch.MAX_SPECIALIZATIONS + 8):
        assert g(2.0, *range(n)) == 1.0 + n
        assert g(2.0) == 1.0
    assert len(g.specializations) == dispatch.MAX_SPECIALIZATIONS
    assert len(compilations) == dispatch.MAX_SPECIALIZATIONS + 8
    g(2.0, *range(n - 2))
    assert len(compilations) == dispatch.MAX_SPECIALIZATIONS + 8
    g(2.0, *range(1))
    assert len(compilations) == dispatch.MAX_SPECIALIZATIONS + 9


def test_of_one_signature_the_guards_that_hold_stay(compilations):
    f = make("def f(x): return x * len(K)\n", K="")
    g = grad(f)
    for n in range(12):
        for size in (n, 0):
            f.__globals__["K"] = "a" * size
            assert g(2.0) == size
    assert compilations.count("f") == 12


def test_texts_are_not_dropped_while_linecache_goes_through_its_cache():
    """As garbage is collected at any time: `linecache.checkcache()` of some Pythons would raise KeyError."""
    code = compile_text("def f(x):\n    return x\n", "f")
    filename = code.co_filename
    assert filename in linecache.cache
    del code
    gc.collect()
    assert filename in linecache.cache
    compile_text("def f(x):\n    return x\n", "f")
    assert filename not in linecache.cache
