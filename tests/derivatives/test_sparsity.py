"""Jacobians of which it is told where they have zeros: the same numbers, from few directions; what is told
wrongly is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from revcompile import grad, jacobian
from revcompile.transforms.sparse import groups
from tests.derivatives.test_operators import differences

X = np.random.default_rng(0).uniform(0.3, 1.2, 8)
BANDED = sum(np.eye(8, k=k) for k in (-1, 0, 1))
FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def banded(x, a):
    y = a * x**2
    y[1:] += x[:-1] * x[1:]
    y[:-1] -= np.sin(x[1:])
    return y


def stepped(x, a):
    y = np.zeros(8)
    for i in range(8):
        if x[i] > 0.9:
            y[i] = x[i] * a
            continue
        y[i] = x[i] * x[i - 1] if i > 0 else np.exp(x[0])
    return y


def blocks(x, a):
    return np.ravel(np.tanh(x.reshape(4, 2) @ np.array([[a, 1.0, 0.5], [2.0, a, 0.1]])))


def few(x, a):
    return np.array([np.sum(x[:3] ** 2) * a, np.sum(np.cos(x[3:])), x[0] * x[7]])


def arrow(x, a):
    return np.concatenate([[np.sum(x**2) * a], x[1:] * x[0]])


def matrix(x, a):
    return np.outer(x[:2], [1.0, a]) ** 2


def of_list(x, a):
    rows = []
    for i in range(7):
        rows.append(x[i] * x[i + 1] ** a)
    return np.array(rows)


def filled(*places: Any, shape: tuple[int, int]) -> np.ndarray:
    pattern = np.zeros(shape)
    for place in places:
        pattern[place] = 1.0
    return pattern


PATTERNS = {
    banded: (BANDED, 3),
    stepped: (BANDED, 3),
    blocks: (np.kron(np.eye(4), np.ones((3, 2))), 2),
    few: (filled((0, slice(3)), (1, slice(3, 8)), (2, [0, 7]), shape=(3, 8)), 2),
    arrow: (filled(0, (slice(None), 0), (range(8), range(8)), shape=(8, 8)), 8),
    matrix: (np.kron(np.eye(2, 8), np.ones((2, 1))), 1),
    of_list: (np.eye(7, 8) + np.eye(7, 8, k=1), 2),
}


@FORMS
@pytest.mark.parametrize("f", PATTERNS, ids=lambda f: f.__name__)
def test_they_are_what_they_are_without(f: Any, optimize: bool) -> None:
    pattern, count = PATTERNS[f]
    found = jacobian(f, argnums=0, sparsity=pattern, optimize=optimize)
    full = jacobian(f, argnums=0)
    for x in (X, X[::-1].copy(), X + 0.5):
        kept = x.copy()
        made = found(x, 2.0)
        assert made.shape == (*np.shape(f(x.copy(), 2.0)), 8) and made.dtype == np.float64
        np.testing.assert_allclose(made, full(x, 2.0), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(made, differences(f, (x, 2.0), 0), rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(x, kept)
    by_columns, by_rows = (
        groups(*np.nonzero(p)[::-1], p.shape[1]).max(initial=-1) + 1 for p in (pattern, pattern.T)
    )
    assert min(by_columns, by_rows) == count


@pytest.mark.parametrize("f", PATTERNS, ids=lambda f: f.__name__)
def test_sparse_matrices(f: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    pattern, _ = PATTERNS[f]
    size = int(np.prod(pattern.shape[0]))
    for kind in ("csr_array", "csc_array", "coo_matrix", "lil_array"):
        told = getattr(sparse, kind)(pattern)
        made = jacobian(f, argnums=0, sparsity=told)(X, 2.0)
        assert type(made) is type(told) and made.shape == told.shape
        full = jacobian(f, argnums=0)(X, 2.0).reshape(size, 8)
        np.testing.assert_allclose(made.toarray(), full, rtol=1e-12, atol=1e-14)


def test_diagonals() -> None:
    diagonal = jacobian(lambda x: np.tanh(x) * x, sparsity="diagonal")
    for x in (X, X.reshape(2, 4), X[:3].astype(np.float32), np.zeros(0), np.zeros((0, 2))):
        made, full = diagonal(x), jacobian(lambda x: np.tanh(x) * x)(x)
        assert made.shape == full.shape and made.dtype == full.dtype
        np.testing.assert_allclose(made, full, rtol=1e-6 if x.dtype == np.float32 else 1e-12)
    assert diagonal.derivative_source.startswith("def jvps_function(x, tangents):")
    with pytest.raises(ValueError, match="sparsity: row 0 of the Jacobian has other numbers"):
        jacobian(lambda x: x * np.sum(x), sparsity="diagonal")(X)


@pytest.mark.parametrize("f", PATTERNS, ids=lambda f: f.__name__)
def test_each_entry_that_is_left_out_is_noticed(f: Any) -> None:
    pattern, _ = PATTERNS[f]
    full = jacobian(f, argnums=0)(X, 2.0).reshape(pattern.shape)
    for row, column in list(zip(*np.nonzero(full), strict=True))[::3]:
        told = pattern.copy()
        told[row, column] = 0.0
        with pytest.raises(ValueError, match="has other numbers than zero"):
            jacobian(f, argnums=0, sparsity=told)(X, 2.0)


def test_what_is_told_must_fit() -> None:
    with pytest.raises(ValueError, match="sparsity has 5 columns; the argument has 8 numbers"):
        jacobian(banded, argnums=0, sparsity=np.eye(5))(X, 2.0)
    with pytest.raises(ValueError, match=r"the shape \(7, 8\); the Jacobian is of \(8,\) by \(8,\)"):
        jacobian(banded, argnums=0, sparsity=BANDED[:7])(X, 2.0)
    with pytest.raises(ValueError, match="sparsity has 2 rows; the result has 3 numbers"):
        jacobian(few, argnums=0, sparsity=np.ones((2, 8)) * [[1], [0]])(X, 2.0)
    with pytest.raises(ValueError, match="'diagonal', not 'banded'"):
        jacobian(banded, sparsity="banded")
    with pytest.raises(ValueError, match="has 1 axes"):
        jacobian(banded, sparsity=np.ones(8))
    with pytest.raises(TypeError, match="by one argument, by position: choose with argnums"):
        jacobian(banded, sparsity=BANDED)(X, 2.0)
    with pytest.raises(TypeError, match="does not go with has_aux"):
        jacobian(banded, sparsity=BANDED, has_aux=True)


class Model:
    a = 2.0

    @jacobian(sparsity="diagonal")
    def slopes(self, x):
        return self.a * x**3


def test_methods_words_and_nesting() -> None:
    np.testing.assert_allclose(Model().slopes(X), np.diag(6.0 * X**2), rtol=1e-12)
    by_name = jacobian(lambda x, k=2: x**k, sparsity="diagonal")
    np.testing.assert_allclose(by_name(X, k=3), np.diag(3 * X**2), rtol=1e-12)
    known = jacobian(banded, argnums=0, sparsity=BANDED)
    for inner in (lambda x: np.sum(known(x, 2.0) ** 2), lambda x: np.sum(TOLD(x) ** 2)):
        full = grad(lambda x: np.sum(jacobian(banded, argnums=0)(x, 2.0) ** 2))
        np.testing.assert_allclose(grad(inner)(X), full(X), rtol=1e-10)
    assert pickle.loads(pickle.dumps(CUBES))(X).shape == (8, 8)


def cubes(x):
    return x**3


CUBES = jacobian(cubes, sparsity="diagonal")


def TOLD(x):
    return jacobian(banded, argnums=0, sparsity=BANDED)(x, 2.0)


def test_infinite_derivatives_are_given() -> None:
    with np.errstate(all="ignore"):
        made = jacobian(lambda x: np.sqrt(x) * x[::-1], sparsity=np.eye(4) + np.eye(4)[::-1])(np.zeros(4))
        full = jacobian(lambda x: np.sqrt(x) * x[::-1])(np.zeros(4))
    assert np.array_equal(np.isfinite(made), np.isfinite(full))
