"""Gates of the user's with several results, of which some are not used; of which only the shape is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import gate, grad
from tests.language.checking import check
from tests.support.program import make

V = np.array([0.5, -1.0, 2.0])
UPSTREAM: list[Any] = []


def read(x: Any) -> Any:
    return x * x, np.sum(x), [3.0 * x, 7]


@gate(read)
def read_rule(grad_y: Any, x: Any) -> Any:
    of_squares, of_sum, (of_triple, _) = grad_y
    return of_squares * 2.0 * x + of_sum.reshape(()) + np.sum(of_triple) * 0.0 + of_triple * 3.0


def called(x: Any) -> Any:
    return read(x)


@gate(called, forward=lambda x: (read(x), x))
def called_rule(grad_y: Any, x: Any) -> Any:
    UPSTREAM.append(grad_y)
    of_squares, of_sum, (of_triple, _) = grad_y
    return of_squares * 2.0 * x + of_sum.reshape(()) + of_triple * 3.0


FORMS = [
    "return np.sum(g(x)[0])",
    "a, b, c = g(x)\n    return b * b",
    "a, b, c = g(x)\n    return np.sum(c[0]) * c[1]",
    "a, b, c = g(x)\n    return np.sum(a) * b",
    "a, b, c = g(x)\n    if b > 0:\n        return np.sum(a)\n    return np.sum(c[0])",
    "s = 0.0\n    for i in range(3):\n        a, b, _ = g(x * i)\n        s = s + (np.sum(a) if i > 1 else b)\n"
    "    return s",
    "def h(x):\n        a, b, c = g(x)\n        return np.sum(c[0] * c[0])\n    return h(x) * h(2.0 * x)",
    "L = []\n    for i in range(3):\n        L.append(g(x)[0])\n    return np.sum(L[0] * L[2])",
    "y = x.copy()\n    y[:2] = g(x)[2][0][1:]\n    return np.sum(y * y)",
]


@pytest.mark.parametrize("name", ["read", "called"])
@pytest.mark.parametrize("body", FORMS)
def test_results_that_are_not_used(body: str, name: str) -> None:
    f = make(f"def f(x):\n    {body}\n", g=globals()[name])
    check(f, V)


def test_what_a_rule_is_told_of_them() -> None:
    UPSTREAM.clear()
    grad(lambda x: np.sum(called(x)[0]))(V.astype(np.float32))
    ((squares, total, (triple, count)),) = UPSTREAM
    assert count is None and squares.tolist() == [1.0, 1.0, 1.0]
    for zero, shape in ((total, ()), (triple, (3,))):
        assert zero.shape == shape and zero.dtype == np.float32 and not np.any(zero)


@pytest.mark.parametrize("name", ["read", "called"])
@pytest.mark.parametrize("asked", ["y.ndim", "y.shape[0]", "len(y)", "y.nbytes", "y.strides[0]"])
@pytest.mark.parametrize(
    "form",
    [
        "y = g(x)[0]\n    return np.sum(x) * {}",
        "y = g(x)[0]\n    s = 0.0\n    for i in range({}):\n        s = s + np.sum(x)\n    return s",
        "def h(x):\n        y = g(x)[0]\n        return {}\n    return np.sum(x * x) if h(x) > 0 else 0.0",
    ],
)
def test_of_which_only_the_form_is_read(form: str, asked: str, name: str) -> None:
    check(make(f"def f(x):\n    {form.format(asked)}\n", g=globals()[name]), V)
