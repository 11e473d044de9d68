"""Programs without loops that were once compiled wrongly. Each stands for one mistake.

Most were found by `tests/fuzz`, and shrunk.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.oracle import assert_close, assert_same_kind, float_leaves, numerical_gradients
from tests.support.program import make

N = np.linspace(-1.0, 1.2, 5)
P = np.linspace(0.3, 2.0, 5)
M = np.arange(1.0, 13.0).reshape(3, 4) / 5
TALL = np.random.default_rng(0).normal(size=(2, 3, 4))

# What went wrong, the body of f, and arguments by name.
PROGRAMS: dict[str, tuple[str, dict[str, Any]]] = {
    "an unbroadcast that has nothing to do gives its argument, not storage of its own": (
        """
        z = x[1:]
        w = y[1:]
        t = np.sum(z * z)
        s = z + w
        return t + np.sum(s * s)
        """,
        {"x": N, "y": P},
    ),
    "equal lengths of a[1:] and b[1:] do not make a and b equally long": (
        """
        a = x[:k]
        b = y[:j]
        return a[1:] @ b[1:] + np.sum(np.stack([a[1:], b[1:]])) + np.sum(a + b)
        """,
        {"x": N, "y": P, "k": 0, "j": 1},
    ),
    "a run-time length in a new shape may be -1": (
        """
        a = x.reshape(k, 2)
        b = y.reshape(k, 3)
        return np.sum(a[:, 0] * b[:, 0])
        """,
        {"x": np.arange(4.0), "y": np.arange(3.0), "k": -1},
    ),
    "the number of nonzero integers is not that of the example": (
        """
        v = x[np.nonzero(m)[0]]
        w = x[np.flatnonzero(m)]
        return np.sum(v * np.ones(3)) + np.sum(w * w) + np.sum(x[np.argwhere(m)[:, 0]] * v)
        """,
        {"x": N, "m": np.array([0, 1, 1, 0, 1])},
    ),
    "what one side of a branch proves about lengths is not true after it": (
        """
        if np.any(x > 0.5):
            x = np.sin(y)
        v = x.mean(axis=0, keepdims=True) * 3.0
        return (v * v).sum()
        """,
        {"x": np.array([0.1, 0.2]), "y": np.array([0.3, 0.4, 0.5])},
    ),
    "an index that counts up is stretched by another one": (
        "return np.sum(x[np.arange(k), [0, 0, 1]] * np.array([1.0, 2.0, 3.0]))",
        {"x": M, "k": 1},
    ),
    "an index that counts up along one axis of a matrix of indices": (
        "return np.sum(x[np.arange(2), [[0, 1], [1, 1]]] ** 2)",
        {"x": M},
    ),
    "the smaller of two lengths among three": (
        "return np.sum(np.linalg.svd(x, full_matrices=False)[1] ** 3)",
        {"x": TALL},
    ),
    "a number that is Python's on one side of a branch and NumPy's on the other": (
        """
        v = y[1] and a
        w = v if v > 0.3 else np.tanh(a)
        if w > 0.1:
            a = a - np.sin(s)
        return v * w + np.sin(a) + s * a
        """,
        {"y": P, "a": 0.7, "s": np.float64(0.4)},
    ),
    "no gradient at all for a NumPy scalar": (
        "return a * a",
        {"a": 0.7, "s": np.float64(0.4), "t": np.float32(1.0)},
    ),
    "a list where an array belongs": (
        "v = np.interp(a, [-2.0, 0.0, 2.0], [0.0, a, 1.0])\n"
        "return np.sum(np.kron(y, [1.0, 2.0])) + v + np.linalg.norm([a, 2.0])",
        {"y": P, "a": 0.7},
    ),
    "array methods of a NumPy scalar": (
        "return np.sum(y).copy() * y[0].astype(float) + (y[1] * 2.0).flatten()[0] + np.max(y).item()",
        {"y": P},
    ),
    "the transpose of a number": ("return np.sum(np.maximum(np.transpose(a * 2.0), x))", {"x": M, "a": 0.7}),
    "shapes of run-time lengths are compared when run": (
        """
        assert x.shape == y.shape
        if x.shape == (5,) and z.shape != x.shape:
            return np.sum(x * y) * np.sum(z)
        return np.sum(x)
        """,
        {"x": N, "y": P, "z": M[0]},
    ),
    "tuples of run-time numbers are compared when run": (
        """
        if (np.argmax(x), 1) == (4, 1):
            return np.sum(x * x)
        return np.sum(x)
        """,
        {"x": N},
    ),
    "a number of math where NumPy's is indexed": (
        "return np.sum(np.sqrt(a)[None] * y) + np.squeeze((np.abs(a) ** 0.5)[None], 0)",
        {"y": P, "a": 0.7},
    ),
    "a gradient without axes on one side of a branch": (
        """
        if s < 0:
            return np.sin(s)
        return np.interp(a, [-2.0, 0.0, 2.0], [0.0, -1.25, 1.0])
        """,
        {"s": np.float64(0.4), "a": 0.7},
    ),
    "a condition inside a branch that is the condition outside": (
        """
        s = np.exp(x)
        if x.shape[0] > 3:
            return np.sum(np.cos(s))
        if s.shape[0] > 3:
            return np.sum(x) * a
        return np.mean(s) + np.sin(a)
        """,
        {"x": N, "a": 0.7},
    ),
    "a root of a number of math": ("return np.sin(a) ** 0.5 * 2 + np.sin(a) % 0.3", {"a": 0.7}),
    "pieces of a stretched gradient": (
        "return np.mean(np.concatenate([x, x])) + np.sum(np.append(y, a))",
        {"x": N, "y": P, "a": 0.5},
    ),
}


def dedent(body: str) -> str:
    lines = [line for line in body.strip("\n").split("\n") if line.strip()]
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join("    " + line[margin:] for line in lines)


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("what", PROGRAMS)
def test_program(what: str, optimize: bool) -> None:
    body, names = PROGRAMS[what]
    f = make(f"def f({', '.join(names)}):\n{dedent(body)}\n")
    args = tuple(names.values())
    before = [np.array(leaf) for leaf in float_leaves(args)]
    value, gradients = value_and_grad(f, argnums=tuple(range(len(args))), optimize=optimize)(*args)
    np.testing.assert_allclose(value, f(*args))
    pairs = [(g, x) for g, x in zip(gradients, args, strict=True) if float_leaves(x)]
    assert_close([g for g, _ in pairs], numerical_gradients(f, args))
    arrays = [g for g, _ in pairs if isinstance(g, np.ndarray)]
    for g, x in pairs:
        assert_same_kind(g, x)
        assert (type(g) is float) == (type(x) is float)
    for i, g in enumerate(arrays):
        assert g.flags.writeable
        assert not any(
            np.shares_memory(g, other) for other in (*arrays[:i], *args) if isinstance(other, np.ndarray)
        )
    for leaf, kept in zip(float_leaves(args), before, strict=True):
        np.testing.assert_array_equal(leaf, kept)


ZERO = np.array([0.0, 4.0, -2.0])
LOG4 = float(np.log(4.0))


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("np.where(x > 0, x * np.log(x), 0.0)", LOG4 + 1),
        ("np.where(x > 0, np.log(x) * np.sqrt(x), 0.0)", 0.5 + LOG4 / 4),
        ("np.where(x > 0, np.exp(1 / x), 0.0)", -np.exp(0.25) / 16),
        ("np.where(x > 0, np.sqrt(x) ** 2, 0.0)", 1.0),
        ("np.where(x > 0, np.float_power(x, 1.5), 0.0)", 3.0),
        ("np.where(x > 0, np.logaddexp(np.log(x), 0.0), 0.0)", 0.2),
        ("(np.where(x > 0, np.log(x), 0.0) if c > 0 else x)", 0.25),
        ("np.where(x > 0, np.log(x) if c > 0 else x, 0.0)", 0.25),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_where_does_not_take_sends_nothing_back(text: str, slope: float, optimize: bool) -> None:
    f = make(f"def f(x, c):\n    return np.sum({text})\n")
    np.testing.assert_allclose(grad(f, argnums=0, optimize=optimize)(ZERO, 1.0), [0.0, slope, 0.0])


def test_vectors_of_length_two_have_another_cross_product() -> None:
    f = make("def f(x, y):\n    return np.sum(np.cross(x, y))\n")
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            f(x, y)
        except ValueError:  # NumPy 2.5 has none
            with pytest.raises(ValueError, match="dimension|length 2"):
                grad(f)(x, y)
        else:
            np.testing.assert_array_equal(grad(f)(x, y), [[4.0, -3.0], [-2.0, 1.0]])


@pytest.mark.parametrize("text", ["[a, b].index(b)", "(a, b).count(b)"])
def test_searching_among_run_time_numbers_is_refused(text: str) -> None:
    f = make(f"def f(a, b):\n    return a * b * (1.0 + {text})\n")
    with pytest.raises(UnsupportedError, match="looks through"):
        grad(f)(2.0, 2.0)
