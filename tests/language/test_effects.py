"""What a program does besides computing: once a call, in order, in the forward pass."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make as make_function

LOG = logging.getLogger("test_effects")


class Model:
    def __init__(self) -> None:
        self.log = LOG
        self.w = 2.0

    def loss(self, x: float) -> float:
        self.log.warning("in a method %.1f", x)
        return self.w * x * x


MODEL = Model()


def straight(x: float) -> float:
    LOG.warning("x is %.1f", x)
    y = x * x
    logging.getLogger("test_effects").warning("y is %.1f", y)
    return y


def in_branch(x: float) -> float:
    if x > 1.0:
        LOG.warning("large %.1f", x)
        y = x * x
    else:
        LOG.warning("small %.1f", x)
        y = x * 3.0
    return y


def in_loop(x: float) -> float:
    for i in range(3):
        LOG.warning("trip %d %.2f", i, x)
        x = x * 1.5
    return x * x


def in_while(x: float) -> float:
    while x < 3.0:
        LOG.warning("at %.2f", x)
        x = x * 1.5
    return x * x


def helper(x: float) -> float:
    LOG.warning("helping %.2f", x)
    return x * x


def in_helper(x: float) -> float:
    return helper(x) + helper(2.0 * x)


def large(x: float) -> float:
    s = x * np.sin(x) + x * np.cos(x) + x * x * np.exp(-x) + np.tanh(x) + x * x * x
    LOG.warning("large %.2f", s)
    return s * s + np.sin(s) * x


def in_large_helper(x: float) -> float:
    return large(x) * large(x + 1.0)


def recursive(x: float) -> float:
    LOG.warning("down %.2f", x)
    return x if x < 1.0 else recursive(0.5 * x) * x


def by_method(x: float) -> float:
    return MODEL.loss(x)


def in_comprehension(x: float) -> float:
    return sum([helper(x * i) for i in range(3)])


def early(x: float) -> float:
    for i in range(5):
        x = x * 1.4
        if x > 4.0:
            LOG.warning("left in trip %d", i)
            return x * x
    return x


FORMS = [straight, in_branch, in_loop, in_while, in_helper, in_large_helper, recursive, by_method,
         in_comprehension, early]  # fmt: skip


@pytest.mark.parametrize("f", FORMS)
@pytest.mark.parametrize("make", [grad, value_and_grad])
@pytest.mark.parametrize("optimize", [True, False])
def test_logs_as_the_function_does(
    f: Callable[[float], float], make: Any, optimize: bool, caplog: pytest.LogCaptureFixture
) -> None:
    gradient = make(f, optimize=optimize)
    for x in (2.1, 0.7, 2.6):
        caplog.clear()
        f(x)
        expected = caplog.messages[:]
        caplog.clear()
        outcome = gradient(x)
        assert caplog.messages == expected
        slope = outcome[1] if make is value_and_grad else outcome
        assert slope == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-5)


def test_warnings() -> None:
    def f(x: float) -> float:
        if x > 1.0:
            warnings.warn(f"x is {x}", RuntimeWarning, stacklevel=2)
        return x * x

    gradient = grad(f)
    with pytest.warns(RuntimeWarning, match="x is 3.0") as caught:
        assert gradient(3.0) == 6.0
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradient(0.5) == 1.0


def test_writing(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: float) -> float:
        sys.stdout.write("one ")
        print("two", x, file=sys.stdout)
        print("three", file=sys.stderr)
        sys.stdout.flush()
        return x * x

    gradient = grad(f)
    for _ in range(2):
        assert gradient(3.0) == 6.0
        shown = capsys.readouterr()
        assert shown.out == "one two 3.0\n" and shown.err == "three\n"


def test_the_clock() -> None:
    def f(x: float) -> float:
        start = time.perf_counter()
        for _ in range(3):
            x = x * x
        took = time.perf_counter() - start
        return x if took < 1e6 else 2.0 * x

    assert grad(f)(1.1) == pytest.approx(8 * 1.1**7)


def test_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    std = pytest.importorskip("tqdm")
    tqdm, trange = std.tqdm, std.trange

    def counts(x: float, n: int) -> float:
        s = 0.0
        for i in tqdm(range(n), desc="counting"):
            s = s + x**i
        return s

    def rows(x: Any) -> Any:
        s = 0.0
        for v in tqdm(x):
            s = s + v * v
        return s

    def listed(x: float) -> float:
        return sum([w * x for w in tqdm([1.0, 2.0])])

    def described(x: float, n: int) -> float:
        bar = trange(n)
        for i in bar:
            x = x * 1.5
            bar.set_postfix(x=x)
            if i == 1:
                break
        return x * x

    for optimize in (True, False):
        g = grad(counts, argnums=0, optimize=optimize)
        assert g(2.0, 3) == 5.0
        shown = capsys.readouterr().err
        assert "counting: 100%" in shown
        assert g(2.0, 0) == 0.0 and g(2.0, 4) == 17.0
        np.testing.assert_allclose(grad(rows, optimize=optimize)(np.array([1.0, 2.0])), [2.0, 4.0])
        assert grad(listed, optimize=optimize)(2.0) == 3.0
        assert grad(described, argnums=0, optimize=optimize)(1.0, 5) == pytest.approx(2 * 2.25**2)


def test_the_debugger(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: seen.append(1))

    def f(x: float) -> float:
        breakpoint()
        return x * x

    gradient = grad(f)
    assert gradient(3.0) == 6.0 and seen == [1]
    assert gradient(4.0) == 8.0 and seen == [1, 1]


EFFECTS = ["assert np.sum(y) > 0.1", "print(end='')", "LOG.debug('')", "np.random.rand()"]
RESULTS = {
    "the argument": "return w, w",
    "products": "return w * w, (w * 2, 3 * y[0], abs(w))",
    "other kinds": "return w * 3.0, (int(w), w > 1.0, True, 2, np.sin(w), float(y[0]), np.int64(3), None)",
    "containers": "return w / 3.0, {'a': [w, y], 'b': (w * w, {'c': np.sum(y)})}",
    "an if": "v = w * w\n    if w > 1.0:\n        v = v * w\n    return v, v",
    "a loop": "s = w\n    for i in range(3):\n        s = s * w + i\n    return s, [s, i]",
    "a while": "s = w\n    while s < 50.0:\n        s = s * w\n    return s, s",
    "an early exit": "if w > 2.2:\n        return w * 3.0, w\n    return w * w, w / 3",
    "a helper": "return h(w, y) * 2.0, h(w, y)",
    "a store": "a = np.zeros(3)\n    a[0] = w\n    return a[0] * a[0], (a[0], a, w)",
    "a maximum": "return max(w, 1.0), max(w, 3.0)",
}


def kinds(result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return type(result), [kinds(r) for r in result]
    if isinstance(result, dict):
        return {k: kinds(r) for k, r in result.items()}
    return type(result), getattr(result, "dtype", None)


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("optimize", [True, False])
def test_results_are_of_the_kind_that_the_function_gives(result: str, effect: str, optimize: bool) -> None:
    """Not NumPy's numbers where they are Python's; the gradient is a Python float, as without the effect."""
    text = f"def h(z, y):\n    {effect}\n    return z * z if z > 0.5 else z\n"
    f = make_function(f"{text}\n\ndef f(y, w):\n    {effect}\n    {result}\n", LOG=LOG)
    g = value_and_grad(f, argnums="w", has_aux=True, optimize=optimize)
    y = np.arange(1.0, 4.0)
    for w in (2.0, 2.5):
        found, grad_w = g(y, w)
        assert kinds(found) == kinds(f(y, w))
        assert type(grad_w) is float
        step = 1e-6
        assert abs(grad_w - (f(y, w + step)[0] - f(y, w - step)[0]) / (2.0 * step)) < 1e-5


SHOWN = """
import pprint

def size(d):
    try:
        return float(d.itemsize) + len(d.name)
    finally:
        pass

class Holder:
    def __init__(self, dtype):
        self.dtype = dtype

def told(x):
    print("told", x.dtype)
    return x * 2.0

def f(x):
    {body}
    return np.sum(x * x)
"""
PRINTED = [
    "print(x.dtype, (x > 1).dtype, x.astype('f4').dtype, x.astype(int).dtype)", "print([x.dtype], {'a': (x.dtype, 1)})",
    "for k in range(2):\n        print(k, x.dtype)", "if x[0] > 0:\n        print(x.dtype)", "x = told(x)",
    "h = Holder(x.dtype)\n    print(h.dtype)\n    x = x.astype(h.dtype) * np.ones(2, h.dtype)", "x = x * size(x.dtype)",
    "(lambda: print(x.dtype))()", "pprint.pprint({'a': 1})", "pprint.pp([x.shape])",
    "assert x[0] > 0, print('never')", "assert len(x) == 2, print('never')", "for k in range(2):\n        assert x[k] > k, print('never')",
    "assert x[0] > 0, x[7]", "assert x.shape, x[7]", "assert x[0] > 5, f'of {x.dtype}, {len(x)}'", "assert x[0] > 5, told(x)[0]",
    "for k in range(3):\n        assert x[k % 2] > k, f'trip {k:d}' + str(x.dtype)", "assert not len(x), print('once')",
]  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("body", PRINTED)
def test_what_is_shown_and_what_a_message_does(
    body: str, optimize: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    f = make_function(SHOWN.replace("{body}", body))
    outcomes = []
    for g in (f, grad(f, optimize=optimize), value_and_grad(f, optimize=optimize)):
        try:
            g(np.array([1.5, 2.5]))
            outcomes.append(("", (), capsys.readouterr().out))
        except (AssertionError, IndexError) as error:
            said = tuple(str(a).splitlines()[0] for a in error.args)
            outcomes.append((type(error).__name__, said, capsys.readouterr().out))
    assert outcomes == outcomes[:1] * 3
