"""Matrices of which some of what NumPy gives is not defined, or whose rank is not full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, hvp, jvp
from tests.support.oracle import assert_close, numerical_gradients

RANDOM = np.random.default_rng(7)
TALL = RANDOM.normal(size=(5, 2))
WIDE = TALL.T.copy()
DEFICIENT = RANDOM.normal(size=(4, 2)) @ RANDOM.normal(size=(2, 3))


def space_that_is_left(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    left = u[:, len(s) :]
    return np.sum((left @ left.T)[0] ** 3) + np.sum(u[:, : len(s)] ** 4) + np.sum(vh[: len(s)] ** 4)


def rows_that_are_left(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    left = vh[len(s) :]
    return np.sum((left.T @ left)[0] ** 3) + np.sum(s) * np.sum(u**4)


def cut_off(a: Any) -> Any:
    return np.sum(np.linalg.pinv(a, rcond=0.4) ** 2)


def solved(a: Any) -> Any:
    x, _, rank, _ = np.linalg.lstsq(a, np.arange(1.0, len(a) + 1), rcond=0.4)
    return np.sum(x**2) * rank


def residuals_and_values(a: Any) -> Any:
    x, residuals, _, s = np.linalg.lstsq(a, np.arange(1.0, len(a) + 1))
    return np.sum(x) * s[0] + np.sum(residuals)


def triangles(a: Any) -> Any:
    total = 0.0
    for k in range(2):
        if k == 0:
            total += np.sum(np.linalg.qr(a.T, "r") ** 3)
        else:
            q, r = np.linalg.qr(a)
            total += np.sum(q[0] * r[:, 0])
    return total


@pytest.mark.parametrize("f", [space_that_is_left, cut_off, solved, residuals_and_values, triangles])
@pytest.mark.parametrize("optimize", [True, False])
def test_tall(f: Callable[..., Any], optimize: bool) -> None:
    compiled = grad(f, optimize=optimize)
    for a in (TALL, 2 - TALL, RANDOM.normal(size=(4, 3))):
        assert_close(compiled(a), numerical_gradients(f, (a,)))


@pytest.mark.parametrize("f", [rows_that_are_left, cut_off, solved, residuals_and_values, triangles])
def test_wide(f: Callable[..., Any]) -> None:
    for a in (WIDE, 2 - WIDE, RANDOM.normal(size=(3, 4))):
        assert_close(grad(f)(a), numerical_gradients(f, (a,)))


@pytest.mark.parametrize("f", [space_that_is_left, cut_off, residuals_and_values, triangles])
def test_forwards_and_twice(f: Callable[..., Any]) -> None:
    v = RANDOM.normal(size=TALL.shape)
    slope = np.sum(grad(f)(TALL) * v)
    assert jvp(f, (TALL,), (v,))[1] == pytest.approx(slope, rel=1e-9)
    change = (grad(f)(TALL + 1e-5 * v) - grad(f)(TALL - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(hvp(f)(TALL, v), change, rtol=1e-5, atol=1e-6)


def test_what_depends_on_the_basis_that_was_chosen_is_an_error() -> None:
    def f(a: Any) -> Any:
        return np.sum(np.linalg.svd(a)[0] ** 3)

    with pytest.raises(ArithmeticError, match="any basis of the vectors that are left"):
        grad(f)(TALL)
    for a in (TALL[:3], TALL[:2]):  # at most one vector is left: but for its sign there is no other
        assert_close(grad(f)(a), numerical_gradients(f, (a,)))


def test_a_rank_that_stays() -> None:
    """Along changes that leave the rank, the inverse changes as its gradient says."""

    def f(a: Any) -> Any:
        return np.sum(np.linalg.pinv(a)[0] * 2.0) + np.linalg.lstsq(a, a[:, 0] + 1.0, rcond=1e-10)[0][0]

    left, right = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(3, 3))
    along = left @ DEFICIENT + DEFICIENT @ right

    def moved(t: float) -> Any:
        return (np.eye(4) + t * left) @ DEFICIENT @ (np.eye(3) + t * right)

    slope = (f(moved(1e-6)) - f(moved(-1e-6))) / 2e-6
    assert np.sum(grad(f)(DEFICIENT) * along) == pytest.approx(slope, rel=1e-5)


def test_complex_eigenvalues() -> None:
    def f(a: Any) -> Any:
        return np.sum(np.linalg.eigvals(a).real ** 2) + np.linalg.eig(a)[1].real[0, 0] ** 2

    compiled = grad(f)
    a = np.array([[1.0, 0.3], [0.2, -1.0]])
    assert_close(compiled(a), numerical_gradients(f, (a,)))
    with pytest.raises(TypeError, match="gives complex numbers here"):
        compiled(np.array([[0.0, 1.0], [-1.0, 0.0]]))


def test_rows_that_the_run_picks() -> None:
    def f(a: Any, b: Any, w: Any) -> Any:
        kept = b[:, 0] > -0.5
        x, residuals, _, s = np.linalg.lstsq(a[kept], b[kept])
        return np.sum(x**3) + np.sum(w * residuals) * s[0]

    compiled = grad(f, argnums=(0, 1, 2))
    for rows in (8, 5):
        args = RANDOM.normal(size=(rows, 3)), np.abs(RANDOM.normal(size=(rows, 2))), np.array([0.4, -1.3])
        args[1][1] = -1.0
        assert_close(compiled(*args), numerical_gradients(f, args))
