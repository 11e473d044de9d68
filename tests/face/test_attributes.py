"""What the gradient function is, besides being called: a real function with the compiler's attributes."""

from __future__ import annotations

import inspect
import pydoc
import types

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad


def f(x, y: float = 2.0, *, k=1.0):
    """A product."""
    return x * y * k


def three(x, y, z):
    return x * y + z * z


@pytest.mark.parametrize("transform", [grad, value_and_grad])
def test_it_is_a_function_like_the_users(transform):
    g = transform(f)
    assert isinstance(g, types.FunctionType)
    assert g.__name__ == "f" and g.__doc__ == "A product."
    assert inspect.signature(g) == inspect.signature(f)
    assert g.__wrapped__ is f and g.primal is f
    assert "A product." in pydoc.render_doc(g)
    assert g.primal(3.0) == 6.0


def test_it_decorates_with_and_without_options():
    @grad
    def a(x):
        return x * x

    @grad(argnums=(0,), optimize=False)
    def b(x):
        return x * x

    assert (a(3.0), b(3.0)) == (6.0, (6.0,))
    assert grad(a.primal, argnums=0)(3.0) == 6.0


def test_source_before_any_call_is_made_for_floats():
    g = grad(three)
    assert g.backward_source.startswith("def grad_three(x, y, z):")
    assert "# backward pass" in g.backward_source
    assert "# forward pass" not in g.backward_source  # which would be empty
    both = grad(lambda x: np.exp(x) * x).backward_source
    assert both.index("# forward pass") < both.index("# backward pass")
    assert g.backward_source in g.source and "def three(x, y, z):" in g.source
    assert list(g.specializations) == ["(float, float, float)"]


def test_source_before_any_call_follows_annotations():
    def h(x: np.ndarray, n: int, s: np.float32):
        return np.sum(x) * n * s

    def matrix(a: np.ndarray):
        return np.trace(a @ a)

    def later(x, *, s):
        return x * s

    assert "float64[:], int, np.float32" in str(list(grad(h).specializations))
    assert "float64[:, :]" in str(list(grad(matrix).specializations))
    assert "float, float" in str(list(grad(later).specializations))


def test_source_before_any_call_where_floats_do_not_compile():
    g = grad(lambda a: np.sum(a @ a.T))
    assert g.backward_source.startswith("#") and "source_for" in g.backward_source
    g(np.ones((2, 2)))
    assert g.backward_source.startswith("def ")


@pytest.mark.parametrize("function", [three, f])
def test_source_is_that_of_the_latest_call(function):
    g = grad(function)
    number = g.backward_source
    rest = (2.0, 3.0) if function is three else ()
    g(np.float32(1.0), *rest)
    small = g.backward_source
    assert small != number
    g(1.0, *rest)
    if function is three:
        assert g.backward_source == number
    g(np.float32(1.0), *rest)
    assert g.backward_source == small


def test_source_for_compiles_without_becoming_the_latest():
    g = grad(three)
    shown = g.source
    other = g.source_for(np.float32(1.0), 2.0, 3.0)
    assert g.source == shown != other
    assert other in g.specializations.values() and len(g.specializations) == 2
    assert g.source_for(1.0, 2.0, z=3.0) == shown
    with pytest.raises(TypeError, match="z"):
        g.source_for(1.0, 2.0)


def test_source_runs_by_itself():
    @grad
    def h(x, w):
        return np.sum(np.tanh(x * w))

    args = (np.array([0.1, 0.2]), np.array([0.3, -0.4]))
    expected = h(*args)
    scope = {}
    exec(h.source, scope)
    for ours, theirs in zip(scope["grad_h"](*args), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert scope["h"](*args) == h.primal(*args)


def test_value_and_grad():
    g = grad(three)
    assert g.value_and_grad(1.0, 2.0, 3.0) == (11.0, (2.0, 1.0, 6.0))
    assert value_and_grad(three)(1.0, 2.0, 3.0) == g.value_and_grad(1.0, 2.0, 3.0)
    assert value_and_grad(three).value_and_grad(1.0, 2.0, 3.0) == g.value_and_grad(1.0, 2.0, 3.0)
    assert "return L, " in g.value_and_grad.backward_source
    assert grad(f).value_and_grad(3.0) == (6.0, 2.0)
    assert grad(f).value_and_grad(3.0, 5.0) == (15.0, (5.0, 3.0))


def test_wrong_calls_raise_what_python_raises():
    g = grad(three)
    for args, kwargs in [((1,), {}), ((1, 2, 3, 4), {}), ((1, 2, 3), {"q": 4})]:
        with pytest.raises(TypeError, match="argument"):
            g(*args, **kwargs)


def test_what_is_no_python_function_is_refused():
    for thing, words in ((str, "no Python source"), (3, "no Python source"), (len, "no gate rule for len")):
        with pytest.raises(UnsupportedError, match=words):
            grad(thing)
    with pytest.raises(ValueError, match="backend"):
        grad(three, backend="cuda")


def test_no_arguments():
    assert grad(lambda: 1.0)() == ()


def test_tracebacks_show_the_generated_text():
    g = grad(lambda x, y: np.sum(np.exp(x * y)))
    g(np.ones(3), np.ones(3))
    with pytest.raises(ValueError) as caught:
        g(np.ones(3), np.ones(2))
    assert "np.exp(x * y)" in str(caught.getrepr())
