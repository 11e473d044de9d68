"""Tuples, lists, dicts and named tuples of numbers, at any depth; kinds, dtypes and memory of gradients."""

from __future__ import annotations

import itertools
from collections import namedtuple

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.oracle import assert_close, assert_same_kind, float_leaves, numerical_gradients
from tests.support.texts import TEXTS

Layer = namedtuple("Layer", "W b")
A = np.array([[0.3, -1.2], [1.1, 0.4]])
V = np.array([0.5, -0.25])


def skeleton(s):
    """The structure with its leaves replaced by their class."""
    if isinstance(s, tuple):
        return (type(s), *map(skeleton, s))
    if isinstance(s, list):
        return [skeleton(i) for i in s]
    if isinstance(s, dict):
        return {k: skeleton(v) for k, v in s.items()}
    return type(s)


CASES = [
    (lambda p: p[0] * p[1], ((2.0, 3.0),)),
    (lambda p: p["a"] * p["b"][0] * p["b"][1]["c"], ({"a": 2.0, "b": [3.0, {"c": 5.0}]},)),
    (lambda p: np.sum(p.W @ V + p.b), (Layer(A, V),)),
    (
        lambda ps: np.sum(ps[1].W @ np.tanh(ps[0].W @ V + ps[0].b) + ps[1].b),
        ([Layer(A, V), Layer(A + 1, V * 2)],),
    ),
    (lambda p, x: np.sum(p["W"] @ x) * p["s"], ({"W": A, "s": 2.0}, V)),
    (lambda p: sum(np.sum(q * q) for q in p), ([A, V, 3.0],)),
    (lambda p: sum(v * v for v in p.values()), ({"x": 1.0, "y": 2.0},)),
    (lambda p: sum(v * i for i, (k, v) in enumerate(p.items())), ({"x": 1.0, "y": 2.0},)),
    (lambda p: sum(a * b for a, b in zip(*p)), (((1.0, 2.0), [3.0, 4.0]),)),
    (lambda p: p[0] ** 2, ([2.0, 3.0],)),
    (lambda p: p[-1] * p[0][-1], ((((1.0, 2.0)), 3.0),)),
    (lambda p: p[1:][0] * p[0] * len(p), ((1.0, 2.0, 3.0),)),
    (lambda p, q: q[0] * q[1] ** 2, ((), (1.0, 2.0))),
    (lambda p: p["x"] * 2.0, ({"x": 1.0, "e": [], "t": (), "d": {}},)),
    (lambda p: p[0][0][0][0] ** 2, ([[[[3.0]]]],)),
    (lambda p: (lambda a, *rest: a * rest[0])(*p), ([3.0, 4.0],)),
    (lambda p: (lambda a, b: a * b * b)(**p), ({"b": 3.0, "a": 4.0},)),
    (lambda p: np.sum(np.array(p) ** 2), ([3.0, 4.0],)),
    (lambda p: np.sum(np.stack(p) ** 2), ([V, 2 * V],)),
    (lambda p: p._replace(b=2.0 * p.b).b * p.W, (Layer(2.0, 3.0),)),
    (lambda p: p.W * p.b if isinstance(p, tuple) else 0.0, (Layer(2.0, 3.0),)),
]


@pytest.mark.parametrize("f, args", CASES)
def test_gradients_have_the_structure_of_the_argument(f, args):
    value, gradient = value_and_grad(f, tuple(range(len(args))))(*args)
    assert skeleton(gradient) == skeleton(args)
    for g, leaf in zip(float_leaves(gradient), float_leaves(args), strict=True):
        assert_same_kind(g, leaf)
    assert_close(gradient, numerical_gradients(f, args))
    np.testing.assert_allclose(value, f(*args))


def test_leaves_that_are_no_numbers():
    p = {"x": 2.0, "name": "n", "none": None, "flag": True, "n": 3, "f": np.sin, "i": np.array([1, 2])}
    g = grad(lambda p: p["x"] ** p["n"] * (1.0 if p["flag"] else 0.0) + p["f"](p["x"]) * p["i"][0])(p)
    assert list(g) == list(p)
    assert g["name"] is g["none"] is g["flag"] is g["f"] is None
    assert isinstance(g["n"], float) and g["i"].dtype == np.float64
    assert g["i"].tolist() == [np.sin(2.0), 0.0]
    assert g["x"] == pytest.approx(12.0 + np.cos(2.0))


DTYPES = [
    (2.0, float), (2, float), (np.float32(2), np.float32), (np.float16(2), np.float16), (np.float64(2), np.float64),
    (np.int32(2), np.float64), (np.array(2.0), np.float64), (np.array(2, np.float32), np.float32),
    (np.array([2.0]), np.float64), (np.array([2], np.int8), np.float64), (np.array([[2]], np.uint8), np.float64),
    (np.array([2, 3], np.float32), np.float32), (np.array([2, 3], np.float16), np.float16),
    (np.array([[2], [3]], np.float32), np.float32), (np.zeros((0, 3), np.float32), np.float32), (np.zeros(0), np.float64),
]  # fmt: skip
FUNCTIONS = [
    lambda x: np.sum(x * x),
    lambda x: np.sum(3.0 * x + x / 7),
    lambda x: np.mean(x) if x.size else np.sum(x),
    lambda x: np.sum(np.exp(x)) / 2,
    lambda x: np.sum(np.where(x > 1, x, 0.0)),
    lambda x: np.sum(np.float64(2.0) * x),
    lambda x: np.sum(x) * 0.0 + 1.0,
    lambda x: 5.0,
    lambda x: np.sum(np.ones(3) * np.sum(x)),
    lambda x: np.sum(np.maximum(x, 0) ** 2),
    lambda x: np.sum(np.sqrt(x + 1)) * np.sum(x),
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
@pytest.mark.parametrize("x, dtype", DTYPES)
@pytest.mark.parametrize("optimize", TEXTS)
def test_gradients_have_kind_shape_and_dtype_of_their_variable(x, dtype, number, optimize):
    f = FUNCTIONS[number]
    if number == 2 and not isinstance(x, (np.ndarray, np.generic)):
        return
    g = grad(f, optimize=optimize)(x)
    if isinstance(x, np.ndarray):
        assert type(g) is np.ndarray and g.shape == x.shape and g.dtype == dtype
        if x.size == 0:
            return
    else:
        assert type(g) is dtype, type(g)
    wide = np.asarray(x, dtype=float)
    expected = numerical_gradients(f, (wide,))[0]
    np.testing.assert_allclose(np.asarray(g, dtype=float), expected, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x, keepdims=True),
        lambda x: np.sum(x).reshape(1, 1),
        lambda x: np.array([np.sum(x)]),
        lambda x: np.sum(x, axis=(0, 1), keepdims=True),
        lambda x: np.asarray(np.sum(x)),
        lambda x: x[0, 1] * x[None, None, 0, 0],
    ],
)
def test_results_of_one_element_count(f):
    assert_close(grad(f)(A), numerical_gradients(f, (A,)))
    value, _ = value_and_grad(f)(A)
    assert np.shape(value) == np.shape(f(A))


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: x, "array"),
        (lambda x: x > 1, "real number"),
        (lambda x: np.all(x > 1), "real number"),
        (lambda x: None, "None"),
        (lambda x: "text", "str"),
        (lambda x: (x, x), "tuple"),
        (lambda x: [np.sum(x)], "list"),
        (lambda x: {"a": np.sum(x)}, "dict"),
        (lambda x: True, "bool"),
        (lambda x: np.sum(x) * 1j, "complex"),
        (lambda x: np.sin, "real number"),
        (lambda x: f"{np.sum(x)}", "real number"),
        (lambda x: x.shape, "tuple"),
        (lambda x: lambda y: x, "real number"),
    ],
)
def test_other_results_are_refused(f, message):
    with pytest.raises(UnsupportedError, match=message):
        grad(f)(A)


def variants(x):
    """The same numbers in memory of every kind."""
    locked = x.copy()
    locked.setflags(write=False)
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return [x, locked, np.asfortranarray(x), wide[..., ::2], x[::-1][::-1], np.array(x.T.copy()).T]


@pytest.mark.parametrize("which", range(6))
def test_inputs_are_left_unchanged(which):
    a, b = variants(A)[which], variants(A * 2)[which]
    before = a.copy(), b.copy()
    f = lambda a, b: np.sum(np.tanh(a @ b) + a.T * b - np.sort(a)) + np.max(b)
    g = grad(f)(a, b)
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])
    assert_close(g, numerical_gradients(f, (A, A * 2)))
    assert all(x.flags.writeable for x in g)


HELD = np.array([[1.0, 2.0], [3.0, 4.0]])
ALIASING = [
    lambda a, b: np.sum(a) + np.sum(b),
    lambda a, b: np.sum(a + b),
    lambda a, b: np.sum(a * b),
    lambda a, b: np.sum(a * HELD) + np.sum(b * HELD),
    lambda a, b: np.sum((a + b) * HELD),
    lambda a, b: np.sum(a.T * HELD + b.T * HELD),
    lambda a, b: np.sum(a.reshape(-1) * b.reshape(-1)),
    lambda a, b: np.sum(a.ravel() * HELD.ravel() + b.ravel()),
    lambda a, b: np.sum(np.concatenate([a, b]) * np.concatenate([HELD, HELD])),
    lambda a, b: np.sum(np.stack([a, b]) * HELD),
    lambda a, b: np.sum(a[0] * HELD[0]) + np.sum(b[:, 1]),
    lambda a, b: np.sum(np.where(True, a, b) * HELD),
    lambda a, b: np.sum(np.broadcast_to(a, (3, 2, 2))) + np.sum(b[None] * HELD),
    lambda a, b: np.sum(a * HELD) if np.sum(b) > -100 else np.sum(b * HELD),
    lambda a, b: np.sum(a * HELD) if np.sum(b) < -100 else np.sum(b * HELD),
    lambda a, b: np.trace(a @ HELD) + np.trace(HELD @ b),
    lambda a, b: np.sum(np.transpose(a) * b) + 0.0 * np.sum(b),
    lambda a, b: np.sum(a[::-1] * HELD) + np.sum(np.flip(b) * HELD),
    lambda a, b: np.sum(np.asarray(a) * HELD) + np.sum(b.astype(float) * HELD),
    lambda a, b: np.sum(a * np.float64(1.0) * HELD + +b * HELD),
]


@pytest.mark.parametrize("number", range(len(ALIASING)))
@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("same", [True, False])
def test_gradients_share_memory_with_nothing(number, optimize, same):
    f = ALIASING[number]
    a = A.copy()
    b = a if same else A + 1.0
    g = grad(f, optimize=optimize)
    gradients = g(a, b)
    expected = [x.copy() for x in gradients]
    assert_close(gradients, numerical_gradients(f, (A.copy(), b.copy())))
    for x, y in itertools.combinations([*gradients, a, HELD], 2):
        assert not np.shares_memory(x, y)
    if not same:
        assert not np.shares_memory(gradients[0], b) and not np.shares_memory(gradients[1], b)
    for x in gradients:
        assert x.flags.writeable
        x += 100.0
    for x, y in zip(g(a, b), expected, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("optimize", TEXTS)
def test_gradients_share_memory_with_no_auxiliary_result(optimize):
    def f(a, b):
        h = a * HELD
        return np.sum(h * b), {"h": h, "a": a, "held": HELD, "t": b.T}

    a, b = A.copy(), A + 2.0
    gradients, aux = grad(f, has_aux=True, optimize=optimize)(a, b)
    for gradient in gradients:
        for x in (a, b, HELD, *aux.values()):
            assert not np.shares_memory(gradient, x)
    np.testing.assert_array_equal(aux["h"], A * HELD)


@pytest.mark.parametrize("optimize", TEXTS)
def test_gradients_in_a_container_share_nothing(optimize):
    f = lambda p: np.sum(p[0] + p[1]["x"] + p[2] * 2.0) + np.sum(p[0] * 0)
    gradients = grad(f, optimize=optimize)([A, {"x": A}, A, A])
    flat = float_leaves(gradients)
    for x, y in itertools.combinations([*flat, A], 2):
        assert not np.shares_memory(x, y)
    assert [x[0, 0] for x in flat] == [1.0, 1.0, 2.0, 0.0]


def test_the_value_shares_no_memory_with_a_gradient():
    value, gradient = value_and_grad(lambda x: x * x[0])(np.array([3.0]))
    assert not np.shares_memory(value, gradient)
    value, gradient = value_and_grad(lambda x: x)(np.array([3.0]))
    gradient += 1
    assert value == 3.0
