"""Products with a constant sparse matrix of SciPy's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.language.checking import check

sparse = pytest.importorskip("scipy.sparse")

DENSE = np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0], [4.0, 5.0, 0.0], [0.0, 6.0, 0.0]])
FORMATS = ["csr", "csc", "coo", "dia", "bsr", "lil", "dok"]
KINDS = ["matrix", "array"]
V, W = np.array([0.5, -1.0, 2.0]), np.array([1.0, -0.5, 0.25, 2.0])
M, N = np.arange(6.0).reshape(3, 2) / 5.0, np.arange(8.0).reshape(2, 4) / 7.0
A = sparse.csr_matrix(DENSE)
S = sparse.csr_matrix(DENSE.T @ DENSE + np.eye(3))
BOX = SimpleNamespace(a=A)


def made(form: str, kind: str, dense: Any = DENSE) -> Any:
    return getattr(sparse, f"{form}_{kind}")(dense)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_products(form: str, kind: str) -> None:
    a = made(form, kind)
    check(lambda x: np.sum((a @ x) ** 2), V)
    check(lambda x: np.sum((a @ x) ** 2), M)
    check(lambda x: np.sum((a.T @ x) ** 2), W)
    check(lambda x: np.sum((x @ a) ** 2), W)
    check(lambda x: np.sum((x @ a) ** 2), N)
    check(lambda x: np.sum((x @ a.T) ** 2), V)
    check(lambda x: np.sum(a.dot(x) ** 2), V)
    check(lambda x: np.sum(a.transpose().dot(x) ** 2), W)
    check(lambda x: x @ (a.T @ (a @ x)), V)


@pytest.mark.parametrize("form", FORMATS)
def test_star(form: str) -> None:
    a = made(form, "matrix")
    check(lambda x: np.sum((a * x) ** 2), V)
    check(lambda x: np.sum((a * x) ** 2), M)
    check(lambda x: np.sum((x * a) ** 2), W)
    b = made(form, "array")
    with pytest.raises(UnsupportedError, match="no gate rule for mul of a"):
        grad(lambda x: np.sum((b * x).sum()))(V)
    with pytest.raises(UnsupportedError, match="no gate rule for mul of a"):
        grad(lambda x: (a * x).sum())(2.0)


def in_loop(x: Any, n: int) -> Any:
    for _ in range(n):
        x = np.tanh(S @ x) + 0.1 * x
    return np.sum(x * x)


def in_if(x: Any, n: int) -> Any:
    if n > 1:
        return np.sum((A @ x) ** 2)
    return np.sum((x @ A.T) ** 3)


def in_while(x: Any, n: int) -> Any:
    while n > 0:
        x = x + 0.01 * np.sin(0.1 * (S @ x))
        n = n - 1
    return np.sum(x**2)


def small(a: Any, x: Any) -> Any:
    return np.sum((a @ x) ** 2)


def large(x: Any) -> Any:
    y = np.sin(x) * np.cos(x) + np.exp(-x) * x + np.tanh(x) * x**2
    z = A @ y
    return np.sum(z**2) + np.sum(np.sin(z)) + np.sum(y * y * x)


def in_helpers(x: Any, n: int) -> Any:
    return small(A, x) * large(x) + large(2.0 * x)


def in_store(x: Any, n: int) -> Any:
    out = np.zeros((n, 4))
    for i in range(n):
        out[i] = A @ (x * i)
    return np.sum(out**2)


def in_list(x: Any, n: int) -> Any:
    ys = [x]
    for _ in range(n):
        ys.append(S @ ys[-1])
    return np.sum(ys[-1] * ys[0])


def in_closure(x: Any, n: int) -> Any:
    b = A

    def times(v: Any) -> Any:
        return b @ v

    return np.sum(times(x) ** 2)


def by_attribute(x: Any, n: int) -> Any:
    return np.sum((BOX.a @ x) ** 2)


def made_inside(x: Any, n: int) -> Any:
    eye = sparse.eye(3, format="csr")
    return np.sum((eye @ x + (A.T @ A) @ x) ** 2)


@pytest.mark.parametrize(
    "f",
    [in_loop, in_if, in_while, in_helpers, in_store, in_list, in_closure, by_attribute, made_inside],
)
def test_in_every_form(f: Any) -> None:
    for n in (2, 1, 3):
        check(f, V, n, argnums=(0,))


@pytest.mark.parametrize("kind", KINDS)
def test_dtypes(kind: str) -> None:
    a = made("csr", kind, DENSE.astype(np.float32))
    x = V.astype(np.float32)
    value, gradient = value_and_grad(lambda x: np.sum((a @ x) ** 2))(x)
    assert gradient.dtype == np.float32 and value.dtype == np.float32
    np.testing.assert_allclose(gradient, 2 * DENSE.T @ (DENSE @ V), rtol=1e-5)
    b = made("csr", kind, DENSE.astype(int))
    np.testing.assert_allclose(grad(lambda x: np.sum((b @ x) ** 2))(V), 2 * DENSE.T @ (DENSE @ V))


def test_another_matrix_at_the_next_call() -> None:
    box = SimpleNamespace(a=A)
    gradient = grad(lambda x: np.sum((box.a @ x) ** 2))
    for other in (A, 2.0 * A, A.tocsc(), sparse.csr_array(DENSE), A.astype(np.float32), sparse.eye(3)):
        box.a = other
        dense = other.toarray().astype(float)
        np.testing.assert_allclose(gradient(V), 2 * dense.T @ (dense @ V), rtol=1e-6)


def test_second_order_and_shapes() -> None:
    def f(x: Any) -> Any:
        return np.sum((A @ x) ** 3)

    def directional(x: Any) -> Any:
        return np.sum(grad(f)(x) * W[:3])

    check(directional, V)
    with pytest.raises(ValueError, match="mismatch"):
        grad(lambda x: np.sum(A @ x))(W)


def test_text() -> None:
    gradient = grad(lambda x: np.sum((A @ x) ** 2))
    gradient(V)
    assert "grad_x = A.T @ (2.0 * " in gradient.backward_source
