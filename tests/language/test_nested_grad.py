"""Gradients inside functions that are differentiated, and gradients of gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.language.checking import check

V = np.array([0.5, -0.25, 0.75])
A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])


def h(x):
    return np.sum(np.sin(x) * x**2)


def of_two(x, y, k=2.0):
    return np.sum(np.exp(x * y)) * k


dh = grad(h)
d_two = grad(of_two, (0, 1))
v_two = value_and_grad(of_two, "y")
with_aux = grad(lambda x: (np.sum(x**3), x * 2.0), has_aux=True)


@value_and_grad
def decorated(x):
    return np.sum(np.tanh(x))


def inside(x):
    g = grad(h)(x)
    return np.sum(g**2)


def of_the_program(x):
    return np.sum(dh(x) * x) + np.sum(grad(h)(dh(x)))


def several(x, y):
    gx, gy = d_two(x, y)
    value, again = v_two(x, y, k=3.0)
    third = grad(of_two, 2)(x, y, 1.0)
    both = value_and_grad(of_two, argnums=(1, 0))(x, y)
    return np.sum(gx * gy) + value * np.sum(again) + third * both[0] + np.sum(both[1][0] * both[1][1])


def auxiliary(x):
    g, aux = with_aux(x)
    (value, more), g2 = with_aux.value_and_grad(x)
    return np.sum(g * aux) + 0.01 * value * np.sum(more * g2) + decorated(x)[0] * np.sum(decorated(x)[1])


def closures(x, y):
    def loss(w, scale=y):
        return np.sum((w * x - y) ** 2) * np.sum(scale)

    w = x
    for i in range(3):
        w = w - 0.05 * grad(loss, 0)(w)
    lam = grad(lambda t: np.sum(t * w * t))
    return np.sum(w * w) + np.sum(lam(y)) + np.sum(loss(w))


def the_same_twice(x):
    f = lambda a, b: np.sum(a * a * b)
    ga, gb = grad(f)(x, x)
    return np.sum(ga * gb)


def decorated_inside(x):
    @grad
    def slope(t):
        return np.sum(t**3 * x)

    @partial(value_and_grad, argnums="s")
    def other(s, t):
        return np.sum(np.sin(s * t))

    value, gradient = other(x, 2.0 * x)
    return np.sum(slope(x)) * value + np.sum(gradient)


def branches(x, y):
    f = lambda t: np.sum(t**3) if np.sum(t) > 1.1 else np.sum(np.exp(t) * y)
    if np.sum(y) > 0:
        g = grad(f)(x)
    else:
        g = grad(f)(x * y)
    return 0.01 * np.sum(g * g)


def containers(x, y):
    f = lambda p, *rest, **options: np.sum(p["a"] * p["b"][0] ** 2) * np.sum(rest[0]) * np.sum(options["k"])
    g = grad(f)({"a": x, "b": [y]}, y, k=x)
    (inner,) = grad(f, ("p",))({"a": x, "b": [y]}, y, k=x)
    return np.sum(g[0]["a"] * g[0]["b"][0]) + np.sum(g[1] * y) + np.sum(inner["a"])


FUNCTIONS = [inside, of_the_program, auxiliary, the_same_twice, decorated_inside]
PAIRS = [several, closures, branches, containers]


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "x",
    [0.7, V, pytest.param(np.float64(0.7), marks=pytest.mark.fuzz), pytest.param(A, marks=pytest.mark.fuzz)],
    ids=["float", "vector", "float64", "matrix"],
)
def test_of_one(f, x):
    check(f, x)


@pytest.mark.parametrize("f", PAIRS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "x, y",
    [
        (0.7, 1.3),
        (V, 0.4),
        pytest.param(V, V + 1.0, marks=pytest.mark.fuzz),
        pytest.param(0.4, V, marks=pytest.mark.fuzz),
    ],
    ids=["ff", "vf", "vv", "fv"],
)
def test_of_two(f, x, y):
    check(f, x, y)


@dataclass
class Layer:
    w: float
    b: float

    def __call__(self, x):
        return np.sum(np.tanh(self.w * x + self.b))

    def energy(self, x):
        return self(x) ** 2

    @grad
    def force(self, x):
        return self.energy(x)


def test_of_objects():
    check(lambda layer, x: np.sum(grad(layer.energy)(x) ** 2), Layer(0.7, 0.2), V)
    check(lambda layer, x: np.sum(layer.force(x) ** 2), Layer(0.7, 0.2), V)

    def f(layer, x):
        g = grad(lambda layer: layer.energy(x))(layer)
        h, _ = grad(Layer.energy, (0, 1))(layer, x)
        return np.sum(g.w * g.b) + np.sum(h.w)

    check(f, Layer(0.7, 0.2), V)
    layer = Layer(0.7, 0.2)
    force = grad(layer.energy)
    check(lambda x: np.sum(force(x) * x), V)


def test_gradients_may_be_written_into():
    def f(x, y):
        gx, gy = grad(lambda a, b: np.sum(a + b) * 2.0)(x, y)
        gx[0] = 5.0
        gx *= x
        return np.sum(gx * y) + np.sum(gy * x)

    check(f, V, 2.0 * V)


def test_arguments_are_not_written_into():
    def f(x):
        def g(a):
            a = a * 1.0
            a[0] = a[0] ** 2
            return np.sum(a * a)

        def k(a, out):
            out[0] = np.sum(a)
            return np.sum(a * out)

        y = 2.0 * x
        return np.sum(grad(g)(y) * y) + np.sum(grad(k, 0)(y, x)) + np.sum(y * x)

    check(f, V)


def test_whole_numbers():
    def power(x, n):
        return x**n if n > 1 else x

    def f(x, n):
        g, none = grad(lambda x, n: sum(x**i for i in range(n)))(x, n)
        assert none is None
        d, k = grad(lambda x, n: x * n)(x, 3)
        return g * x + d * k + grad(power, 0)(x, 4) + grad(power, "x")(x, n)

    check(f, 0.7, 4)


def test_in_loops():
    def descent(x, y, n):
        loss = lambda w: np.sum((np.tanh(w * x) - y) ** 2)
        w = x * 0.1
        for i in range(n):
            w = w - 0.1 * grad(loss)(w)
        return np.sum(w * y)

    for n in (0, 1, 5):
        check(descent, V, V + 0.5, n)


def of_a_loop(x, n):
    def h(t):
        total = 0.0
        for i in range(n):
            t = np.sin(t) * x
            total = total + np.sum(t * t)
        return total

    g = grad(h)(x)
    return np.sum(g * g)


def of_a_loop_on_numbers(x, n):
    def h(t):
        while t < 3.0:
            t = t * t + x
        return t

    return grad(h)(x) * x + n


def of_stores(x, n):
    def h(t):
        u = np.zeros(4)
        u[0] = t[0]
        for i in range(1, 4):
            u[i] = u[i - 1] * t[1] + t[2] * u[0]
        return np.sum(u * u)

    g = grad(h)(x)
    return np.sum(g * x)


def of_a_loop_that_is_left(x, n):
    def h(t):
        for i in range(n):
            t = t * x
            if t > 2.0:
                break
        return t * t

    return grad(h)(x)


def of_loops_in_loops(x, n):
    def h(t):
        total = 0.0
        for i in range(n):
            u = t * x
            for k in range(i + 1):
                u = np.tanh(u * t + k)
                total = total + np.sum(u**2) * (k + 1)
            t = t + 0.1 * u
        return total

    return np.sum(grad(h)(x) * x)


def of_branches_in_loops(x, n):
    def h(t):
        total = 0.0
        for i in range(n):
            if t * (i - 1.5) > 0.3:
                t = np.sin(t * x) * t
                total = total + t * t
            else:
                t = t * 1.3 + x
            if total > 50.0:
                return total
        return total * t

    return grad(h)(x) * x


def of_arrays_in_branches_in_loops(x, n):
    def h(t):
        for i in range(n):
            if np.sum(t) * (i - 1.5) > 0.3:
                t = np.sin(t * x) * t
            else:
                t = np.exp(-t * t) * x
        return np.sum(t * t)

    return np.sum(grad(h)(x) * x)


def of_writing_in_loops(x, n):
    def h(t):
        u = t * 1.0
        for i in range(n):
            u[1:] = u[1:] * np.sin(u[:-1])
            u[0] *= u[-1] * x[i % 3]
        return np.sum(u * u)

    return np.sum(grad(h)(x) * x)


def twice(x, n):
    def h(t):
        for i in range(n):
            t = np.sin(t) * t + 0.3
        return t

    return grad(grad(h))(x) * x


LOOPS = [
    (of_a_loop, 0.7), (of_a_loop, V), (of_a_loop_on_numbers, 1.2), (of_stores, V), (of_a_loop_that_is_left, 1.3),
    (of_loops_in_loops, 0.7), (of_loops_in_loops, V), (of_branches_in_loops, 0.7), (of_writing_in_loops, V),
    (twice, 0.7), (of_arrays_in_branches_in_loops, V),
]  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, 4])
@pytest.mark.parametrize("f, x", LOOPS)
def test_of_loops(f, x, n):
    check(f, x, n, argnums=(0,))


def newton(x, a):
    f = lambda t: t**3 - a
    df = grad(f)
    for _ in range(4):
        x = x - f(x) / df(x)
    return x


def test_newton():
    g = grad(newton, "a")
    assert g(1.5, 2.0) == pytest.approx(2.0 ** (-2 / 3) / 3)
    check(newton, 1.5, 2.0)


SCALARS = [
    lambda x: x**4,
    lambda x: math.sin(x) * x,
    lambda x: np.exp(x) / (1.0 + x),
    lambda x: 1.0 / (1.0 + np.exp(-x)),
    lambda x: np.sqrt(x) + np.log(x),
    lambda x: np.maximum(x, 0.3) ** 3 + abs(x) ** 3,
    lambda x: x**x,
    lambda x: np.tanh(x) if x > 0.5 else x * x,
    lambda x: np.sum(np.cumsum(x * V) ** 3),
    lambda x: math.hypot(x, x * x),
]


@pytest.mark.parametrize("number", range(len(SCALARS)))
@pytest.mark.parametrize("x", [0.7, 0.2])
@pytest.mark.parametrize("optimize", [True, False])
def test_gradients_of_gradients(number, x, optimize):
    f = SCALARS[number]
    first = grad(f, optimize=optimize)
    second = grad(first, optimize=optimize)
    third = grad(second, optimize=optimize)
    e = 1e-5
    assert second(x) == pytest.approx((first(x + e) - first(x - e)) / (2 * e), rel=1e-6, abs=1e-7)
    assert third(x) == pytest.approx((second(x + e) - second(x - e)) / (2 * e), rel=1e-6, abs=1e-7)
    value, slope = value_and_grad(first)(x)
    assert value == pytest.approx(first(x)) and slope == second(x)


def test_gradients_of_gradients_by_argnums():
    f = lambda x, y, k=2.0: np.sum(x * x * y) * k
    mixed = grad(grad(f, 0), 1)
    assert mixed(3.0, 5.0) == 12.0
    assert grad(grad(f, "y"), ("x", "k"))(3.0, 5.0, k=4.0) == (24.0, 9.0)
    with pytest.raises(UnsupportedError, match="tuple"):
        grad(grad(f))(3.0, 5.0)
    with pytest.raises(UnsupportedError, match="array"):
        grad(grad(h))(V)
    again = grad(grad(f, 0), 0)
    assert again.primal.primal is f and "x" in again.backward_source
    assert again(3.0, 5.0) == 20.0 and again(y=5.0, x=3.0) == 20.0


def test_what_is_no_gradient_of_a_function_is_refused():
    with pytest.raises(UnsupportedError, match="one real number"):
        grad(lambda x: np.sum(grad(lambda y: y * x)(x)))(V)
    with pytest.raises(ValueError, match="no parameter 'z'"):
        grad(lambda x: grad(lambda y: y, "z")(x))(1.0)
    with pytest.raises(TypeError, match="missing"):
        grad(lambda x: grad(of_two, 0)(x))(1.0)
    with pytest.raises(UnsupportedError, match="open"):
        grad(lambda x: grad(open)(x))(1.0)


def test_the_gradient_of_what_has_a_rule_or_is_called_as_an_object():
    class Scaled:
        def __call__(self, x, y=2.0):
            return x * x * y

    scaled = Scaled()
    assert grad(lambda x: grad(np.sin)(x))(0.7) == pytest.approx(-np.sin(0.7))
    assert grad(lambda x: grad(math.exp)(x) * x)(0.7) == pytest.approx(1.7 * np.exp(0.7))
    assert grad(lambda x: grad(scaled)(x))(3.0) == 4.0
    assert grad(grad(np.tanh))(0.3) == pytest.approx(-2 * np.tanh(0.3) * (1 - np.tanh(0.3) ** 2))
