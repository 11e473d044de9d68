"""np.ndindex, np.ndenumerate, np.nditer: one loop, whatever the arrays' lengths are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

A = np.array([[0.5, -0.8, 1.1], [0.2, 0.9, -0.4]])

# What goes through the places of A, and adds to s, or to y = np.zeros(A.shape).
BODIES = [
    "for i, j in np.ndindex(2, 3):\n    s = s * 0.9 + A[i, j] ** 2 * (1 + j)",
    "for index in np.ndindex(A.shape):\n    if A[index] > 0.3:\n        continue\n    s = s * 0.9 + A[index] ** 2",
    "for i, j in np.ndindex(*A.shape):\n    if i > j:\n        break\n    y[i, j] = A[i, j] * s",
    "for i, j, k in np.ndindex(2, 3, 2):\n    y[i, j] += A[i, j] * A[k, j] * s",
    "for index in np.ndindex(A.shape[:1]):\n    s = s + A[index] @ A[index]",
    "for k, index in enumerate(np.ndindex(A.shape)):\n    s = s + k * A[index] * s",
    "for v, index in zip(A[0], np.ndindex(A.shape)):\n    s = s + v * A[index]",
    "for index in np.ndindex():\n    s = s * s",
    "for i, j in np.ndindex(2, 0):\n    s = s * s",
    "L = [[s, A[0, 0]], [A[1, 1], s * s]]\nfor i, j in np.ndindex(2, 2):\n    s = s + L[i][j] * (1 + i + 2 * j)",
    "s = s * sum(A[index] * (1 + index[1]) for index in np.ndindex(A.shape))",
    "s = s * np.sum(np.array([A[index] for index in list(np.ndindex(2, 2))]) ** 2)",
    "for index, v in np.ndenumerate(A):\n    y[index] = v * v * s",
    "for (i, j), v in np.ndenumerate(A):\n    if i == j:\n        s = s + v\n    elif i < j:\n        s = s * v",
    "for (i,), v in np.ndenumerate(A[1]):\n    s = s * 0.5 + v * v * i",
    "for index, v in np.ndenumerate(A.T):\n    s = s * 0.5 + v * v * index[1]",
    "B = A * 1.0\nfor index, v in np.ndenumerate(B):\n    B[index] = v * s\n    s = s + v\ny = B * B",
    "for index, v in np.ndenumerate([s, s * s]):\n    s = s + v * index[0]",
    "best = (0, 0)\nfor index, v in np.ndenumerate(A):\n    if v > A[best]:\n        best = index\ns = s * A[best]",
    "for v in np.nditer(A):\n    s = s * 0.5 + v * v",
    "for v in np.nditer(A.T, order='C'):\n    s = s * 0.5 + v * v",
    "for v, w in np.nditer([A, A[0]], order='C'):\n    s = s * v + w",
    "for v, w in np.nditer([A, 2.0 * A]):\n    s = s * v + w",
    "s = s + sum(v * v * s for v in np.nditer(A))",
]
FORMS = {
    "alone": "def f(A, s):\n    y = np.zeros(A.shape)\n{body}    return s + np.sum(y * y)\n",
    "if": "def f(A, s):\n    y = np.zeros(A.shape)\n    if A[0, 0] > 0.3:\n{deep}    return s + np.sum(y * y)\n",
    "for": "def f(A, s):\n    y = np.zeros(A.shape)\n    for _ in range(2):\n{deep}    return s + np.sum(y * y)\n",
    "helper": "def h(A, s):\n    y = np.zeros(A.shape)\n{body}    return s + np.sum(y * y)\n\ndef f(A, s):\n    return h(A, s) * h(2 * A, s)\n",
}  # fmt: skip


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("body", BODIES)
def test_each_place(body: str, form: str, optimize: bool) -> None:
    lines = body.splitlines()
    indented = {
        name: "".join(f"{' ' * n}{line}\n" for line in lines) for name, n in (("body", 4), ("deep", 8))
    }
    f = make(FORMS[form].format(**indented))
    both = value_and_grad(f, optimize=optimize)
    for args in ((A, 0.7), (A[:, ::-1] * 0.9, 0.4)):
        value, found = both(*args)
        assert value == pytest.approx(f(*args), rel=1e-12)
        assert_close(found, numerical_gradients(f, args))


def test_other_lengths_need_no_other_text() -> None:
    def f(A: Any) -> Any:
        s = 1.0
        for i, j in np.ndindex(A.shape):
            s = s + A[i, j] ** 2
        return s

    gradient = grad(f)
    for shape in ((2, 3), (4, 5), (40, 30)):
        x = np.random.default_rng(0).standard_normal(shape)
        np.testing.assert_allclose(gradient(x), 2 * x)
    assert len(gradient.specializations) == 1
    assert "for i in range(A.shape[0] * A.shape[1]):" in gradient.source


def test_nditer_goes_as_an_array_lies_in_memory() -> None:
    def f(A: Any) -> Any:
        s = 1.0
        for v in np.nditer(A):
            s = s * 0.5 + v * v
        return s

    gradient = grad(f)
    expected = numerical_gradients(f, (A,))
    for x in (A, A.copy()):
        assert_close(gradient(x), expected)
        for other in (np.asfortranarray(A), A[:, ::-1]):
            with pytest.raises(UnsupportedError, match="as it lies in memory"):
                gradient(other)


@pytest.mark.parametrize(
    "line",
    [
        "for v in np.nditer(A, op_flags=['readwrite']): v[...] = 2.0 * v",
        "for v in np.nditer(A, flags=['multi_index']): s = s + v",
        "for v in np.nditer(A.T): s = s * 0.5 + v",
    ],
)
def test_other_forms_of_nditer_are_refused(line: str) -> None:
    with pytest.raises(UnsupportedError, match=r"np\.nditer"):
        grad(make(f"def f(A):\n    s = 0.0\n    {line}\n    return s + np.sum(A)\n"))(A)


def test_an_iterator_of_places_is_gone_through_once() -> None:
    def f(A: Any) -> Any:
        s, places = 1.0, np.ndindex(A.shape)
        for index in places:
            s = s + A[index] ** 2
        for index in places:
            s = s * A[index]
        return s

    with pytest.raises(UnsupportedError, match="gone through once"):
        grad(f)(A)
