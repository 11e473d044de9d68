"""Objects and containers that are changed in loops that stay loops, and in loops that are written out."""

from __future__ import annotations

import types
from dataclasses import dataclass

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check

V = np.array([0.5, -0.25, 0.75])


@dataclass
class State:
    x: float
    v: float
    t: float = 0.0


class Spring:
    def __init__(self, k, state):
        self.k, self.state = k, state
        self.last = state.x

    def step(self, dt):
        s = self.state
        self.last = s.x
        s.v = s.v - dt * self.k * s.x
        s.x += dt * s.v
        s.t += dt
        return self


def simulation(k, x, n):
    spring = Spring(k, State(x, 0.0))
    for i in range(n):
        spring.step(0.1)
    return spring.state.x * spring.last + spring.state.t * spring.state.v


def of_an_argument(state, k, n):
    for i in range(n):
        if state.x > 0.2:
            state.v -= k * state.x
        else:
            state.v = state.v * 0.5
        state.x = state.x + 0.1 * state.v
    return state.x * state.v


def in_a_list(x, y, n):
    xs = [x, y, 0.0]
    for i in range(n):
        xs[0], xs[1] = xs[1] * 0.9, xs[0] * y
        xs[2] += xs[0]
    return xs[0] * xs[1] + xs[2]


def in_a_dict(x, y, n):
    d = {"a": x, "total": 0.0}
    while n > 0:
        d["a"] = d["a"] * y
        d["total"] += d["a"]
        n -= 1
    return d["total"] * d["a"]


def arrays_in_an_object(x, y, n):
    o = types.SimpleNamespace(w=V * x, b=[V, V * y])
    for i in range(n):
        o.w = np.tanh(o.w) * y
        o.b[0] = o.b[1] + o.w
        o.b[1] = o.b[1] * 0.5
    return np.sum(o.w * o.b[0]) + np.sum(o.b[1])


def two_names(x, y, n):
    a = State(x, y)
    b = a
    for i in range(n):
        a.x = a.x * y
        b.v = b.v + a.x
    return a.v * b.x


def first_assigned_inside(x, y, n):
    a = types.SimpleNamespace()
    a.x = x
    for i in range(n):
        a.h = a.x * y
        a.x = a.x + a.h
    return a.x * (a.h if n > 0 else y)


def leaving(x, y, n):
    a = State(x, y)
    for i in range(n):
        a.x = a.x * 1.5
        if a.x > 3.0:
            a.v = a.v * a.x
            break
        if a.x < 0.1:
            continue
        a.v += a.x
    return a.v * a.x


FUNCTIONS = [simulation, in_a_list, in_a_dict, arrays_in_an_object, two_names, first_assigned_inside, leaving]


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_changes_are_carried(f, n):
    check(f, 0.7, 1.3, n)


@pytest.mark.parametrize("n", [0, 1, 4])
def test_an_argument(n):
    check(of_an_argument, State(0.7, 0.1), 1.3, n)


def test_an_object_of_the_program():
    layer = State(2.0, 0.5)

    def assigns(x, n):
        for i in range(n):
            layer.x = layer.x * x
        return layer.x * layer.v

    with pytest.raises(UnsupportedError, match="layer is an object of the program"):
        grad(assigns, 0)(1.5, 3)

    def f(x, n):
        y = layer.x
        for i in range(n):
            y = y * x
        return y * layer.v

    for n in (0, 1, 3):
        for optimize in (True, False):
            assert grad(f, 0, optimize=optimize)(1.5, n) == pytest.approx(n * 1.5 ** (n - 1) if n else 0.0)
    assert layer.x == 2.0


def growing(x, y):
    hs, total = [x], 0.0
    for i in range(4):
        hs.append(hs[-1] * y)
    for h in hs:
        total = total + h * h
    d = {}
    for name in ("a", "b"):
        d[name] = x * len(d)
        d.setdefault("k", y)
    for i in range(3):
        hs.pop()
    return total + d["b"] * d["k"] + len(hs) * hs[1]


def stack(x, y):
    todo, total = [(x, 0)], 0.0
    while todo:
        v, depth = todo.pop()
        total = total + v**2
        if depth < 3:
            todo.append((v * y, depth + 1))
            todo.append((v + y, depth + 1))
    return total


def rebound(x, y):
    ps = [State(x, y), State(y, x)]
    total = 0.0
    for i in range(4):
        ps[0].x = ps[0].x + 0.1 * ps[1].v
        ps = ps[::-1]
        total = total + ps[0].x * ps[1].x
    return total


@pytest.mark.parametrize("f", [growing, stack, rebound])
def test_loops_that_are_written_out(f):
    check(f, 0.7, 1.3)


def halvings(x, y):
    hs = [x]
    while y > 0.1:
        y = y / 2.0
        hs.append(x * y + hs[-1])
    return hs[-1] * len(hs)


def test_a_list_may_grow_as_often_as_the_run_says():
    gradient = grad(halvings, (0, 1))
    for y in (1.3, 0.05, 40.0):
        check(halvings, 0.7, y)
        gradient(0.7, y)
    assert len(gradient.specializations) == 1


def test_a_long_list_is_not_written_out():
    def f(x, n):
        xs = []
        for _ in range(n):
            x = x + 0.001 * np.sin(x)
            xs.append(x)
        return np.sum(np.array(xs) ** 2)

    gradient = grad(f)
    gradient(0.7, 5000)
    assert len(gradient.backward_source.splitlines()) < 30
    assert len(gradient.specializations) == 1


def test_a_list_of_a_run_time_length_is_not_written_out():
    def f(x, n):
        ys = [0.0] * (n + 1)
        ys[0] = x
        for i in range(n):
            ys[i + 1] = 0.9 * ys[i] + 0.1 * np.sin(ys[i])
        return sum(ys)

    gradient = grad(f, 0)
    for n in (5, 500, 0):
        gradient(0.7, n)
    assert len(gradient.specializations) == 1
    assert "ys = [0.0] * (n + 1)" in gradient.source


def test_a_list_that_changes_while_a_loop_goes_through_it_is_refused():
    def f(x, n):
        xs = [x]
        for _ in range(n):
            xs.append(xs[-1] * 0.5)
        for y in xs:
            if y > 0.5:
                xs.append(y * 0.5)
        return sum(xs)

    with pytest.raises(UnsupportedError, match="goes through"):
        grad(f)(0.7, 3)


def test_items_of_other_lengths_are_an_error_at_run_time():
    def f(w, x, n):
        hs = [x]
        for _ in range(n):
            hs.append(w @ x)
        return np.sum(hs[-1])

    gradient = grad(f, (0, 1))
    assert gradient(np.ones((3, 3)), np.ones(3), 2)[0].shape == (3, 3)
    with pytest.raises(AssertionError, match="one shape"):
        gradient(np.ones((2, 3)), np.ones(3), 2)


def test_a_growing_list_keeps_single_precision():
    def f(x, w, n):
        hs = [x]
        for _ in range(n):
            hs.append(np.tanh(w * hs[-1]))
        return np.sum(np.stack(hs) ** 2)

    x = np.array([0.5, -1.25, 2.0])
    grad_x, grad_w = grad(f, (0, 1))(x.astype(np.float32), np.float32(0.7), 4)
    assert grad_x.dtype == grad_w.dtype == np.float32
    expected = grad(f, (0, 1))(x, 0.7, 4)
    np.testing.assert_allclose(grad_x, expected[0], rtol=1e-5)
    np.testing.assert_allclose(grad_w, expected[1], rtol=1e-5)


def test_a_growing_list_is_given_back():
    def f(x, n):
        xs = [x]
        for _ in range(n):
            xs.append(xs[-1] * 0.5)
        return sum(xs), xs

    gradient, xs = grad(f, 0, has_aux=True)(2.0, 3)
    assert gradient == 1.875
    assert xs == [2.0, 1.0, 0.5, 0.25]
