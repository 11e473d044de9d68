"""An error inside generated text keeps its type and its words, and shows the line of the user's program."""

from __future__ import annotations

import linecache
import signal
import traceback

import numpy as np
import pytest

from revcompile import gate, grad, value_and_grad
from revcompile.codegen.places import PLACES
from tests.support.program import make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def fails(x):
    if x < 0:
        raise LookupError("the gate's own error")
    return x * 2.0


def fails_forward(x):
    return x * 3.0


@gate(fails)
def fails_rule(grad_y, x):
    return grad_y * 2.0


@gate(fails_forward, forward=lambda x: (x * 3.0, x))
def fails_backward(grad_y, x):
    if x < 0:
        raise LookupError("on the way back")
    return grad_y * 3.0


V, M = np.array([0.5, 1.5, 2.5]), np.eye(3)
KINDS = [  # the failing line, arguments that are fine, arguments that are not, the error
    ("y = x[i] * 2.0", (V, 1), (V, 7), IndexError),
    ("y = x[i:][0] * 2.0", (V, 1), (V, 7), IndexError),
    ("y = np.sum(x + w)", (V, 0, V), (V, 0, V[:2]), ValueError),
    ("y = np.sum(w @ x)", (V, 0, M), (V, 0, np.ones((3, 2))), ValueError),
    ("y = np.sum(x.reshape(w, -1) ** 2)", (V, 0, 3), (V, 0, 2), ValueError),
    ("y = np.sum(np.concatenate([x, w[0:i]]) * np.arange(4.0))", (V, 1, V), (V, 2, V), ValueError),
    ("y = math.sqrt(x)", (2.0,), (-2.0,), ValueError),
    ("y = math.log(x)", (2.0,), (0.0,), ValueError),
    ("y = math.exp(x)", (2.0,), (1e4,), OverflowError),
    ("y = 1.0 / x", (2.0,), (0.0,), ZeroDivisionError),
    ("y = x / i", (2.0, 3), (2.0, 0), ZeroDivisionError),
    ("y = x % i", (2.0, 3), (2.0, 0), ZeroDivisionError),
    ("y = x ** -1.0", (2.0,), (0.0,), ZeroDivisionError),
    ("assert x > 0, 'not above zero'", (2.0,), (-2.0,), AssertionError),
    ("if x < 0: raise RuntimeError('below zero')", (2.0,), (-2.0,), RuntimeError),
    ("if x < 0: raise ValueError(f'{x} is below zero')", (2.0,), (-2.0,), ValueError),
    ("y = fails(x)", (2.0,), (-2.0,), LookupError),
    ("y = fails_forward(x)", (2.0,), (-2.0,), LookupError),
    ("y = np.linalg.inv(w)[0, 0] * x[0]", (V, 0, M), (V, 0, np.zeros((3, 3))), np.linalg.LinAlgError),
    ("y = np.linalg.cholesky(w)[0, 0] * x[0]", (V, 0, M), (V, 0, -M), np.linalg.LinAlgError),
    ("if i: t = x * 2.0\n    y = t * x", (2.0, 1), (2.0, 0), UnboundLocalError),
]
FORMS = {
    "here": "def f(x, i=0, w=None):\n    y = x\n    {line}\n    return np.sum(y) + np.sum(x)\n",
    "if": "def f(x, i=0, w=None):\n    y = x\n    if np.sum(x) > -1e9:\n        {deep}\n    else:\n        y = x * 2.0\n"
    "    return np.sum(y) + np.sum(x)\n",
    "for": "def f(x, i=0, w=None):\n    y = x\n    for k in range(2):\n        {deep}\n        y = y * 1.0\n"
    "    return np.sum(y) + np.sum(x)\n",
    "while": "def f(x, i=0, w=None):\n    y, k = x, 0\n    while k < 2:\n        {deep}\n        k += 1\n"
    "    return np.sum(y) + np.sum(x)\n",
    "helper": "def g(x, i, w):\n    y = x\n    {line}\n    return np.sum(y)\n"
    "def f(x, i=0, w=None):\n    return g(x, i, w) + np.sum(x)\n",
    "pair": "def g(x, i, w):\n    z = np.sum(x * 0.0)\n    for k in range(3):\n        z = z * 2.0 + np.sin(z) * np.cos(z)\n"
    "        z = z + z * z * z - np.tanh(z) + z * 0.5 - z / 3.0\n    y = x\n    {line}\n    return np.sum(y) + z\n"
    "def f(x, i=0, w=None):\n    return g(x, i, w) * g(x, i, w) + np.sum(x)\n",
    "method": "class Model:\n    def g(self, x, i, w):\n        y = x\n        {deep}\n        return np.sum(y)\n"
    "model = Model()\ndef f(x, i=0, w=None):\n    return model.g(x, i, w) + np.sum(x)\n",
    "lines": "def f(x, i=0, w=None):\n    y = x\n    {line}\n    return (np.sum(x)\n        + np.sum(y)\n    )\n",
}


CASES = [
    *(("here", optimize, *kind) for kind in KINDS for optimize in (True, False)),
    *((form, True, *KINDS[i]) for form in FORMS for i in (0, 4, 6, 14, 17, 20) if form != "here"),
]


def check(call, args, kind, place, line):
    """The call raises what it should, with one note that shows the line."""
    with pytest.raises(kind) as caught:
        call(*args)
    notes = getattr(caught.value, "__notes__", [])
    assert type(caught.value) is kind and caught.value.__context__ is None
    if not notes:  # the function itself was run, to see why the lengths do not agree
        assert place in [(frame.filename, frame.lineno) for frame in traceback.extract_tb(caught.tb)]
        return
    (note,) = notes
    assert f'  File "{place[0]}", line {place[1]}, in ' in note and f"    {line}\n" in note + "\n"


@pytest.mark.parametrize("form, optimize, line, fine, wrong, kind", CASES)
def test_the_line_is_shown(form, optimize, line, fine, wrong, kind):
    if "{deep}" in FORMS[form]:
        line = line.replace("\n    ", "\n        ")
    text = FORMS[form].format(line=line, deep=line)
    f = make(text, "f", fails=fails, fails_forward=fails_forward)
    place = f.__code__.co_filename, text[: text.index(line)].count("\n") + line.count("\n") + 1
    both = value_and_grad(f, 0, optimize=optimize)
    both(*fine)
    for _ in range(2):
        check(both, wrong, kind, place, line.splitlines()[-1].strip())
    both(*fine)
    check(both, wrong, kind, place, line.splitlines()[-1].strip())
    if form == "here" and kind in (IndexError, LookupError) and "fails(" not in line:
        gradient = grad(f, 0, optimize=optimize)  # which leaves out what it does not need
        gradient(*fine)
        check(gradient, wrong, kind, place, line.splitlines()[-1].strip())


def several(x, i):
    return (
        np.sum(x)
        + x[0] * 2.0
        + x[i] * 3.0
    )  # fmt: skip


def test_a_statement_on_several_lines():
    gradient = grad(several, 0)
    gradient(V, 1)
    with pytest.raises(IndexError) as caught:
        gradient(V, 9)
    (note,) = caught.value.__notes__
    assert note.endswith("    + x[i] * 3.0")


def test_a_gradient_inside_a_gradient_shows_both():
    def f(x, i):
        return x[i] ** 3

    def outer(x, i):
        return np.sum(grad(f, 0)(x, i))

    gradient = grad(outer, 0)
    gradient(V, 1)
    with pytest.raises(IndexError) as caught:
        gradient(V, 9)
    assert "return x[i] ** 3" in "".join(caught.value.__notes__)


def test_notes_go_with_the_texts_that_are_forgotten():
    before = set(PLACES)  # whose texts another test may have cleared away
    gradient = grad(lambda x, n: x[len(n)] * 2.0, 0)
    for n in range(200):
        gradient(np.ones(300), "a" * n)
    assert sum(name.startswith("<revcompile grad_") and "lambda" in name for name in PLACES) <= 400
    assert PLACES.keys() - before <= linecache.cache.keys()


def test_an_interrupt_is_nobodys_error():
    def interrupts(x):
        if x < 0:
            raise KeyboardInterrupt
        return x * 2.0

    @gate(interrupts)
    def rule(grad_y, x):
        return grad_y * 2.0

    both = value_and_grad(lambda x: interrupts(x) * 3.0)
    assert both(1.0) == (6.0, 6.0)
    with pytest.raises(KeyboardInterrupt) as caught:
        both(-1.0)
    assert not hasattr(caught.value, "__notes__")


class Alarm(Exception):
    pass


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there are no alarms")
@pytest.mark.parametrize("kind", [Alarm, KeyboardInterrupt, ValueError, KeyError])
def test_what_a_signals_handler_raises_is_raised(kind):
    """While something is compiled: nothing takes it for an error of the program, and the next call is right."""
    rings = [True]

    def ring(*_):
        raise kind("ring")

    def noisy(x):
        if rings:
            rings.clear()
            signal.raise_signal(signal.SIGALRM)
        return x * 2.0

    @gate(noisy)
    def rule(grad_y, x):
        return grad_y * 2.0

    before = signal.signal(signal.SIGALRM, ring)
    try:
        gradient = value_and_grad(lambda x: noisy(x) * x)
        with pytest.raises(kind, match="ring"):
            gradient(3.0)
        assert gradient(3.0) == (18.0, 12.0)
    finally:
        signal.signal(signal.SIGALRM, before)
