"""A user's gate whose result is as long as the elements say, in a way that no trial shows."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import UnsupportedError, gate, grad, value_and_grad
from tests.support.program import make
from tests.support.texts import TEXTS

CHOSEN = """
def chosen(x):
    return x[x != 7.0]

def rule(grad_y, x):
    out = np.zeros(x.shape)
    out[x != 7.0] = grad_y
    return out

def forward(x):
    return chosen(x), x

def backward(grad_y, x):
    return rule(grad_y, x)

def small(x, y):
    return {e}

def large(x, y):
    s = {e}
    for k in range(4):
        s = s + np.sin(s) * 0.1 + np.cos(s) * 0.2 + np.tanh(s) * 0.3 - s / (1 + s * s) + np.exp(-s * s)
    return s

class Model:
    def loss(self, x):
        y = chosen(x)
        return {e}

def f(x):
    """
OF_CHOSEN = ["np.sum(y + x)", "sum([2.0 * y[k] for k in range(len(y))])", "y @ y / y.size"]
WITH_CHOSEN = {
    "plain": "y = chosen(x)\n    return {e}",
    "if": "if x[0] > 0.0:\n        y = chosen(x)\n        return {e}\n    return x[0]",
    "for": "s = 0.0\n    for _ in range(2):\n        y = chosen(x)\n        s = s + {e}\n    return s",
    "while": "s, k = 0.0, 0\n    while k < 2:\n        y = chosen(x)\n        s, k = s + {e}, k + 1\n    return s",
    "exit": "for k in range(3):\n        y = chosen(x)\n        if k == 1:\n            return {e}\n    return x[0]",
    "helper": "return small(x, chosen(x))",
    "pair": "return large(x, chosen(x)) + large(x, chosen(2.0 * x))",
    "method": "return Model().loss(x)",
    "list": "ys = [chosen(x)]\n    y = ys[0]\n    return {e}",
    "store": "y = chosen(x)\n    z = np.zeros(2)\n    z[1] = {e}\n    return z[1]",
    "closure": "y = chosen(x)\n    def inner():\n        return {e}\n    return inner()",
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("form", WITH_CHOSEN)
def test_what_no_trial_shows_is_as_long_as_it_is(form: str, forward: bool, optimize: bool) -> None:
    for e in OF_CHOSEN:
        f = make((CHOSEN + WITH_CHOSEN[form] + "\n").replace("{e}", e))
        names = f.__globals__
        if forward:
            gate(names["chosen"], forward=names["forward"])(names["backward"])
        else:
            gate(names["chosen"])(names["rule"])
        gradient, both = grad(f, optimize=optimize), value_and_grad(f, optimize=optimize)
        for numbers in ([1.0, 2.0, 3.0, 4.0], [1.0, 7.0, 3.0, 7.0], [2.0, 1.0, 1.5, 3.0]):
            x = np.array(numbers)
            try:
                value = f(x.copy())
            except ValueError:  # lengths that do not agree
                with pytest.raises(ValueError, match="."):
                    gradient(x)
                continue
            moved = np.where(x == 7.0, 0.0, 1e-6)  # what is left out must stay so
            expected = [(f(x + d) - f(x - d)) / 2e-6 for d in np.diag(moved)]
            for found in (gradient(x), both(x)[1]):
                kept = x != 7.0
                assert found.shape == x.shape
                np.testing.assert_allclose(found[kept], np.array(expected)[kept], rtol=1e-6, atol=1e-8)
            assert both(x)[0] == value


KINDS_OF_RESULTS = {
    "axes": "x.reshape(2, 2) if x[0] > 5.0 else x * 1.0",
    "dtype": "(2.0 * x).astype(np.float32) if x[0] > 5.0 else 2.0 * x",
    "whole": "(2.0 * x).astype(int) if x[0] > 5.0 else 2.0 * x",
    "number": "float(x[1]) if x[0] > 5.0 else x[1:2]",
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("kind", KINDS_OF_RESULTS)
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("form", WITH_CHOSEN)
def test_what_follows_elements_is_told(form: str, forward: bool, kind: str, optimize: bool) -> None:
    """Axes and dtypes are believed from trials; where a call shows others, it says so."""
    e = "np.sum(y) * x[1]"
    rule = "np.full(4, np.sum(grad_y) / 4)"
    text = (
        CHOSEN.replace("x[x != 7.0]", KINDS_OF_RESULTS[kind], 1)
        + f"def mean(grad_y, x):\n    return {rule}\n"
    )
    f = make(
        (text.replace("def f(x):\n    ", "") + "def f(x):\n    " + WITH_CHOSEN[form] + "\n").replace("{e}", e)
    )
    names = f.__globals__
    gate(names["chosen"], forward=names["forward"] if forward else None)(names["mean"])
    both = value_and_grad(f, optimize=optimize)
    x = np.array([1.5, 0.5, 0.25, 2.0])
    assert both(x)[0] == pytest.approx(f(x))
    with pytest.raises(UnsupportedError, match=r"a gate gives .* here, and gave .* when it was tried"):
        both(np.array([6.5, 0.5, 0.25, 2.0]))
    assert both(x)[0] == pytest.approx(f(x))


SEVERAL = """
def chosen(x):
    if x[0] > 5.0:
        return {other}
    return 2.0 * x, np.sum(x)

def rule(grad_y, x):
    return 2.0 * grad_y[0] + grad_y[1]

def forward(x):
    return chosen(x), x

def small(x, y):
    return {e}

def large(x, y):
    s = {e}
    for k in range(4):
        s = s + np.sin(s) * 0.1 + np.cos(s) * 0.2 + np.tanh(s) * 0.3 - s / (1 + s * s) + np.exp(-s * s)
    return s

class Model:
    def loss(self, x):
        y = chosen(x)
        return {e}

def f(x):
    """
OTHER_RESULTS = {
    "fewer": "(2.0 * x,)",
    "more": "2.0 * x, np.sum(x), 1.0",
    "array": "2.0 * x",
    "number": "1.0",
    "axes": "(2.0 * x[0], np.sum(x))",
    "dtype": "((2.0 * x).astype(np.float32), np.sum(x))",
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    "form, kind", [*((form, "fewer") for form in WITH_CHOSEN), *(("for", kind) for kind in OTHER_RESULTS)]
)
def test_several_results_are_those_of_the_trials(form: str, forward: bool, kind: str, optimize: bool) -> None:
    text = (SEVERAL + WITH_CHOSEN[form] + "\n").replace("{e}", "np.sum(y[0]) * y[1] * x[1]")
    f = make(text.replace("{other}", OTHER_RESULTS[kind]))
    names = f.__globals__
    gate(names["chosen"], forward=names["forward"] if forward else None)(names["rule"])
    both = value_and_grad(f, optimize=optimize)
    x = np.array([1.5, 0.5, 0.25, 2.0])
    for _ in range(2):
        value, gradient = both(x)
        assert value == pytest.approx(f(x))
        expected = [(f(x + d) - f(x - d)) / 2e-6 for d in np.eye(4) * 1e-6]
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)
        with pytest.raises(UnsupportedError, match=r"a gate gives .* here, and gave .* when it was tried"):
            both(np.array([6.5, 0.5, 0.25, 2.0]))
