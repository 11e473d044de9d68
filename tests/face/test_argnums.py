"""Which arguments are differentiated, and in what form the gradients come."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad


def f(x, y, z):
    return x * y + z * z


@pytest.mark.parametrize(
    "argnums, expected",
    [
        (None, (3.0, 2.0, 8.0)),
        (0, 3.0),
        (1, 2.0),
        (-1, 8.0),
        (np.int64(1), 2.0),
        ("y", 2.0),
        ((0,), (3.0,)),
        (("x", "z"), (3.0, 8.0)),
        ((0, -1), (3.0, 8.0)),
        ((2, "x"), (8.0, 3.0)),
        ([0, 2], (3.0, 8.0)),
        ((), ()),
    ],
)
def test_argnums(argnums, expected):
    assert grad(f, argnums)(2.0, 3.0, 4.0) == expected
    assert value_and_grad(f, argnums)(2.0, 3.0, 4.0) == (22.0, expected)


@pytest.mark.parametrize(
    "argnums, error",
    [(3, ValueError), (-4, ValueError), ("q", ValueError), (1.5, TypeError), (True, TypeError)],
)
def test_bad_argnums_are_refused_at_decoration(argnums, error):
    with pytest.raises(error, match="argnums"):
        grad(f, argnums)
    with pytest.raises(error, match="argnums"):
        grad(argnums=(argnums,))(f)


def test_one_argument_comes_bare():
    assert grad(lambda x: x * x)(3.0) == 6.0


def with_default(x, y=2.0, *, k=3.0):
    return x * y * k


def test_a_default_is_differentiated_only_where_it_is_passed_by_position():
    g = grad(with_default)
    assert g(5.0) == 6.0
    assert g(5.0, 2.0) == (6.0, 15.0)
    assert g(5.0, y=2.0) == 6.0
    assert g(x=5.0) == 6.0
    assert g(5.0, k=1.0) == 2.0
    assert grad(with_default, "k")(5.0) == 10.0
    assert grad(with_default, ("x", "y"))(5.0) == (6.0, 15.0)
    assert g(5.0) == 6.0


def test_positional_only():
    def h(x, /, y):
        return x * y

    assert grad(h)(5.0, 2.0) == grad(h)(5.0, y=2.0) == (2.0, 5.0)
    with pytest.raises(TypeError, match="positional"):
        grad(h)(x=1.0, y=2.0)


def test_keyword_only_arguments_are_differentiated_only_by_name():
    def h(x, *, s):
        return x * s

    assert grad(h)(5.0, s=2.0) == 2.0
    assert grad(h, "s")(5.0, s=2.0) == 5.0
    assert grad(h, ("s", 0))(5.0, s=2.0) == (5.0, 2.0)


def test_variadic_arguments():
    def h(x, *rest):
        return x * rest[0] * rest[1] if rest else x * x

    assert grad(h)(5.0) == (10.0,)
    assert grad(h)(5.0, 2.0, 3.0) == (6.0, 15.0, 10.0)
    assert grad(h, "rest")(5.0, 2.0, 3.0) == (15.0, 10.0)
    assert grad(h, ("x", "rest"))(5.0, 2.0, 3.0) == (6.0, (15.0, 10.0))
    assert grad(lambda *a: a[0] * a[0], 0)(5.0) == 10.0


def test_variadic_keywords():
    def h(x, **k):
        return x * k["a"] * k.get("b", 1.0)

    assert grad(h)(5.0, a=2.0) == 2.0
    assert grad(h)(5.0, b=2.0, a=3.0) == 6.0
    assert grad(h, "k")(5.0, b=2.0, a=3.0) == {"b": 15.0, "a": 10.0}


def test_has_aux():
    def h(x):
        return x * x, {"twice": 2.0 * x, "name": "h"}

    aux = {"twice": 6.0, "name": "h"}
    assert grad(h, has_aux=True)(3.0) == (6.0, aux)
    assert value_and_grad(h, has_aux=True)(3.0) == ((9.0, aux), 6.0)
    assert grad(h, has_aux=True).value_and_grad(3.0) == ((9.0, aux), 6.0)
    with pytest.raises(UnsupportedError, match="pair"):
        grad(lambda x: x * x, has_aux=True)(3.0)
    with pytest.raises(UnsupportedError, match="has_aux"):
        grad(h)(3.0)


A = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "h, args",
    [
        (lambda a, axis: (a.sum(axis=axis) ** 2).sum(), (A, 0)),
        (lambda a, axis: (a.sum(axis) ** 2).sum(), (A, -1)),
        (lambda a, i: a[i, 0] * a[i, 1], (A, 1)),
        (lambda a, i: (a[i:, 0] ** 2).sum(), (A, 1)),
        (lambda a, n: (a.reshape(n, 2) @ np.ones(2)).sum(), (A, 3)),
        (lambda a, n: (np.tile(a, n) ** 2).sum(), (A, 3)),
        (lambda a, n: (a[0] * np.arange(n)).sum(), (A, 3)),
        (lambda a, n: (a[0] * np.ones(n)).sum(), (A, 3)),
        (lambda a, s: a.sum() if s == "sum" else a.prod(), (A, "sum")),
        (lambda a, s: a.sum() if s is None else a.prod(), (A, None)),
        (lambda a, s: a.sum() if s else a.prod(), (A, True)),
        (lambda a, s: (a[:, s] ** 2).sum(), (A, slice(1, None))),
        (lambda a, s: (a[:, s] ** 2).sum(), (A, np.array([0, 0]))),
        (lambda a, s: (a[:, s] ** 2).sum(), (A, np.array([True, False, True]))),
    ],
)
def test_what_steers_has_no_gradient(h, args):
    gradient, nothing = grad(h)(*args)
    assert nothing is None
    assert gradient.shape == A.shape
    np.testing.assert_array_equal(gradient, grad(h, 0)(*args))


def test_integers_used_as_numbers_have_real_gradients():
    assert grad(lambda n: n * n * 1.0)(3) == 6.0
    assert type(grad(lambda n: n * n * 1.0)(3)) is float
    assert type(grad(lambda n: n * n * 1.0)(np.int64(3))) is np.float64
    g = grad(lambda a: np.sum(a * a))(np.array([1, 2]))
    assert g.dtype == np.float64 and g.tolist() == [2.0, 4.0]
    assert grad(lambda x, n: x * n)(2.0, 3) == (3.0, 2.0)
