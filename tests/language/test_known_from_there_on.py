"""Numbers that the compiler must know, and meets late: the code is for these, and what was before is as right.

Each program reads its whole numbers before they must be known, and after; it is called with several of them.
"""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check
from tests.support.program import make

V = np.array([0.5, -0.25, 0.75, 1.25])
A = np.linspace(0.3, 1.7, 12).reshape(3, 4) ** 2

# What reads n, what must know it, what reads it then.
FORMS = {
    "straight on": "s = s + x * n\nd = {1: x, 2: x * x, 3: np.sin(x)}\ns = s * d[n] + np.sum(x ** n) * n",
    "after an if": "if n > 1:\n    s = s + x * n\nelse:\n    s = s - x\nd = (x,) * n\ns = s * d[-1] * len(d)",
    "in an if": "if x[0] > 0:\n    d = {1: x, 2: x * x, 3: np.sin(x)}\n    s = s + d[n] * n\nelse:\n    s = s - x\ns = s * n",
    "in the other side": "if x[0] < 0:\n    s = s + x\nelse:\n    d = (x * 2,) * n\n    s = s + d[n - 1] * n\ns = s * x ** n",
    "after a for": "for i in range(n):\n    s = s + x * i\nd = (x,) * n\ns = s * d[-1] * n",
    "in a for": "for i in range(3):\n    d = {1: x, 2: x * x, 3: np.sin(x)}\n    s = s + d[n] * (i + n)\ns = s * n",
    "in a while": "t = 0.0\nwhile t < 2.0:\n    s = s + ((x,) * n)[n - 1] * t\n    t = t + 1.0 / n\ns = s * n",
    "an early return": "if np.sum(x) > 100.0:\n    return np.sum(s) * n\nd = [x] * n\nfor v in d:\n    s = s + np.sin(v) * n\n"
    "if x[1] > 5.0:\n    return np.sum(s)\ns = s + {1: x, 2: x * x, 3: x ** 3}[n]",
    "an early exit": "for i in range(4):\n    if i == n:\n        break\n    s = s + x * i\ns = s + np.cumsum(A, axis=n - n)[0]\n"
    "s = s * {1: x, 2: x * x, 3: np.sin(x)}[n]",
    "what is computed of it": "m = n - 1\nk = 2 * m + 1\ns = s + x * m\nd = (x,) * k\ns = s * d[m] * k * len(d)",
    "in a comprehension": "s = s + sum([x * i for i in range(n)])\nd = [x * i for i in {1: (1, 2), 2: (2,), 3: (5,)}[n]]\ns = s * d[0] * n",
    "a length": "m = len(x)\ns = s + x * m\na, b, c, d = x\ns = s * a * d + b * m * np.sum(x ** x.shape[0])\ns = s * n",
    "a length and a number": "m = len(x) - n\ns = s + x * m\nd = (x,) * m\ns = s * d[0] * len(d)",
    "a length, in an if": "if x[0] > 0:\n    a, *b = x\n    s = s + a * len(b)\ns = s * x.shape[0] + n",
    "a store": "y = x * n\ny[n] = s[n] + 2.0\nd = {1: y, 2: y * y, 3: np.sin(y)}\ny[0] = np.sum(d[n])\ns = s * y",
    "a list": "L = [x * n, x]\nL.append(L[0] * 2)\nd = {1: L, 2: [x], 3: (x, s)}\ns = s + d[n][0] * n + L[n - 1]",
    "a name that is bound again": "k = n\nd = {1: x, 2: x * x, 3: np.sin(x)}\ns = s + d[k]\nk = k + 1\nn = n * 2\ns = s * k + n",
}  # fmt: skip


def text_of(body: str, head: str = "def f(x, n):") -> str:
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    return f"A = np.ones((3, 4))\n{head}\n    s = x * 0.5\n{lines}    return np.sum(s)\n"


@pytest.mark.parametrize("form", FORMS)
def test_in_each_form(form: str) -> None:
    f = make(text_of(FORMS[form]))
    for n in (1, 2, 3):
        check(f, V + 1.0, n, argnums=(0,))
    gradients = [grad(f, argnums=0, optimize=optimize) for optimize in (True, False)]
    for n in (3, 1, 2, 3, 1, np.int64(2)):  # one gradient function for all
        expected = grad(f, argnums=0)(V + 1.0, int(n))
        for gradient in gradients:
            np.testing.assert_allclose(gradient(V + 1.0, n), expected, rtol=1e-13)


@pytest.mark.parametrize("form", FORMS)
def test_in_a_helper(form: str) -> None:
    inner = text_of(FORMS[form], "def g(x, n):")
    f = make(f"{inner}def f(x, n):\n    t = x * n\n    return g(x, n) * np.sum(t) + g(t, 4 - n)\n")
    large = "".join(f"    x = np.sin(x) * 0.5 + x * 0.{i}\n" for i in range(12))
    g = make(
        inner.replace("    s = x * 0.5\n", f"{large}    s = x * 0.5\n") + "def f(x, n):\n    return g(x, n)\n"
    )
    for n in (1, 3):
        check(f, V + 1.0, n, argnums=(0,))
        check(g, V * 0.1 + 0.2, n, argnums=(0,))


@pytest.mark.parametrize("form", FORMS)
def test_in_a_method(form: str) -> None:
    body = "".join(f"        {line}\n" for line in FORMS[form].replace("n = n * 2", "n *= 2").split("\n"))
    f = make(
        "A = np.ones((3, 4))\nclass M:\n    def g(self, x, n):\n        s = x * 0.5\n"
        f"{body}        return np.sum(s)\nm = M()\ndef f(x, n):\n    return m.g(x, n) * n\n"
    )
    for n in (1, 3):
        check(f, V + 1.0, n, argnums=(0,))


def test_lengths_that_must_be_known_are_part_of_the_signature() -> None:
    f = make("def f(x):\n    s = np.sum(x) * len(x)\n    a, *b = x\n    return s * a * len(b)\n")
    gradient = grad(f)
    for x in (V, V[:3], V[:2], np.arange(1.0, 7.0), V):
        np.testing.assert_allclose(gradient(x), grad(f)(x), rtol=1e-13)
        check(f, x)


def test_what_an_array_holds_is_not_known() -> None:
    text = "def f(x, k):\n    d = (x,) * k[0]\n    return np.sum(d[-1]) * len(d)\n"
    gradient = grad(make(text), argnums=0)
    with pytest.raises(TypeError, match="computed at run time"):
        gradient(V, np.array([2, 3]))
    mixed = "def f(x, k):\n    d = (x,) * (len(x) - k[0])\n    return np.sum(d[-1]) * len(d)\n"
    with pytest.raises(TypeError, match="computed at run time"):
        grad(make(mixed), argnums=0)(V, np.array([2, 3]))


def test_how_many_elements_are_picked_is_not_known() -> None:
    f = make(
        "def f(x, n):\n    y = x[x > n]\n    s = np.sum(x) * len(x)\n    a, b = y\n    return a * b * s\n"
    )
    gradient = grad(f, argnums=0)
    for x in (V - 0.2, V[::-1] * 2.0, np.array([-1.0, 2.0, 3.0, -4.0])):
        check(f, x[[0, 2, 1]] - (x[[0, 2, 1]] < 0), 0, argnums=(0,))
    with pytest.raises(ValueError):
        gradient(V, 0)


def test_a_call_as_it_is_says_nothing_of_another_call() -> None:
    f = make(
        "COUNT = [0]\ndef count(n):\n    import os\n    return len(os.sep) + n\n"
        "def f(x, n):\n    d = {1: x, 2: x * x, 3: np.sin(x), 4: x * n}\n    return np.sum(d[count(n)]) * n\n"
    )
    gradient = grad(f, argnums=0)
    for n in (1, 2, 1, 3):
        np.testing.assert_allclose(gradient(V, n), grad(f, argnums=0)(V, n), rtol=1e-13)
        check(f, V, n, argnums=(0,))


def test_numbers_of_the_program_are_guarded() -> None:
    f = make("K = np.int64(1)\nW = np.ones(3)\ndef f(x):\n    s = np.sum(x) * K + len(W)\n    a, *b = W\n"
             "    return s * np.sum(np.cumsum(x, axis=K)[0]) * (a + len(b))\n")  # fmt: skip
    gradient = grad(f)
    x = np.linspace(0.1, 0.9, 6).reshape(2, 3)
    for k, w in ((1, np.ones(3)), (0, np.ones(3)), (0, np.ones(5)), (1, np.full(5, 2.0)), (1, np.ones(3))):
        f.__globals__["K"], f.__globals__["W"] = np.int64(k), w
        np.testing.assert_allclose(gradient(x), grad(f)(x), rtol=1e-13)
        check(f, x)


def test_a_differentiated_whole_number_is_known_from_the_beginning() -> None:
    f = make("def f(x, n):\n    s = x * n\n    return s * {1: x, 2: x * x}[n]\n")
    for n in (1, 2):
        found = grad(f, argnums=(0, 1))(1.5, n)
        assert found[0] == pytest.approx((2 * 1.5, 6 * 1.5**2)[n - 1]) and found[1] is None


@pytest.mark.parametrize("form", FORMS)
def test_the_text_does_not_depend_on_what_was_called_before(form: str) -> None:
    alone, later = (grad(make(text_of(FORMS[form])), argnums=0) for _ in range(2))
    alone(V, 2)
    for n in (1, 3, 2):
        later(V, n)
    assert later.backward_source == alone.backward_source
