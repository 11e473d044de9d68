"""Differences with `prepend=` and `append=`, and what is joined, in both modes; the texts of their tangents."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from revcompile import check_grads, grad, jvp

X = np.array([0.5, -1.25, 2.0, 0.75])
A = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.6]])

CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "a number before": (lambda x: np.diff(x, prepend=0.0), (X,)),
    "a variable before": (lambda x, p: np.diff(x, prepend=p) * x, (X, 0.3)),
    "both": (lambda x, p: np.diff(x, 2, prepend=p, append=x[:2]), (X, 0.3)),
    "its own first": (lambda x: np.diff(x, prepend=x[0]), (X,)),
    "by position": (lambda a, p: np.diff(a, 1, 0, p, 2.0 * p), (A, 1.5)),
    "along an axis": (lambda a: np.diff(a, axis=1, append=a[:, :1]), (A,)),
    "an array along the first": (lambda a: np.diff(a, axis=0, prepend=a[1:]), (A,)),
    "of a list": (lambda x: np.diff([x[0], x[1] ** 2], prepend=0.0), (X,)),
    "of differences": (lambda x: np.ediff1d(np.diff(x, 2) ** 2), (X,)),
    "joined": (lambda x, p: np.concatenate((x, x**2, np.array([p]))), (X, 0.3)),
    "stacked": (lambda x, y: np.stack([x, x * y, np.ones(4)], axis=1), (X, X[::-1])),
    "rows": (lambda x, y: np.vstack([x * y, np.zeros(4), y]), (X, X[::-1])),
    "columns": (lambda a, x: np.hstack([a, np.reshape(x, (2, 2)) * x[0]]), (A, X)),
}


@pytest.mark.parametrize("name", CASES)
def test_in_both_modes(name: str) -> None:
    f, args = CASES[name]
    tangents = tuple(np.ones_like(a) if isinstance(a, np.ndarray) else 1.0 for a in args)
    for optimize in (True, False):
        value, tangent = jvp(f, optimize=optimize)(args, tangents)
        np.testing.assert_array_equal(value, f(*args))
        assert np.shape(tangent) == np.shape(value)
    check_grads(f, args, order=2, modes=("fwd", "rev"))


def test_in_statements() -> None:
    def f(x, n):
        total = 0.0
        for i in range(n):
            if i == 1:
                continue
            x = np.diff(np.concatenate((x, x[:1] ** 2)), prepend=total)
            while np.sum(x) > 3.0:
                x = x * 0.5
            total = total + np.max(x)
        return total * np.sum(x**2)

    for n in (3, 1, 4):
        check_grads(grad(f, argnums=0), (X, n), modes=("fwd", "rev"))
    of_32_bits = X.astype(np.float32)
    assert jvp(lambda x: np.diff(x, prepend=x[0]), (of_32_bits,), (of_32_bits,))[1].dtype == np.float32


def test_the_texts_are_as_one_would_write_them() -> None:
    @jvp
    def f(x, y):
        return np.diff(np.concatenate((x, y)))

    f((X, X), (X, X))
    assert f.tangent_source == dedent(
        """\
        def jvp_f(x, y, tangent_x, tangent_y):
            tangent_s0 = np.diff(np.concatenate([tangent_x, tangent_y]))  # concatenate, diff gates
            return np.diff(np.concatenate([x, y])), tangent_s0
        """
    )
