"""`checkpoint=`: of a long loop some states are kept, and the others computed again from them."""

from __future__ import annotations

import math
import pickle
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, check_grads, grad, hessian, hvp, jvp, stop_gradient, value_and_grad
from revcompile.transforms import importable
from revcompile.transforms.pickling import made_so_far

X = np.array([0.6, -0.3, 0.9, 0.2])


def nonlinear(x: Any, w: Any, n: int) -> Any:
    for _ in range(n):
        x = x - 0.1 * np.sin(w * x)
    return np.sum(x**2)


def two_carried(x: Any, w: Any, n: int) -> Any:
    v = np.zeros_like(x)
    energy = 0.0
    for i in range(n):
        v = v - 0.1 * np.sin(w * x) / (i + 1)
        x = x + 0.1 * v
        energy += np.sum(v * v * x)
    return np.sum(x**2) + energy


def in_place(x: Any, w: Any, n: int) -> Any:
    u = x.copy()
    for _ in range(n):
        u[1:-1] += 0.1 * np.sin(w * u[1:-1]) * (u[:-2] + u[2:])
        u[0] = np.cos(u[1]) * w
    return np.sum(u**2)


def argument_in_place(x: Any, w: Any, n: int) -> Any:
    first = np.sum(x**3)
    for i in range(n):
        x[i % 4] = np.sin(x[i % 4] + x[(i + 1) % 4] * w)
    return np.sum(x**2) + first


def sweep(x: Any, w: Any, n: int) -> Any:
    u = x.copy()
    for _ in range(n):
        for i in range(1, len(u) - 1):
            u[i] = np.tanh(w * (u[i - 1] * u[i] + u[i + 1]))
    return u @ u


def history(x: Any, w: Any, n: int) -> Any:
    rows = np.zeros((n + 1, len(x)))
    rows[0] = x
    for t in range(n):
        rows[t + 1] = rows[t] * np.cos(w * rows[t])
    return np.sum(rows**2)


def while_(x: Any, w: Any, n: int) -> Any:
    k = 0
    while np.sum(x * x) > 0.01 and k < n:
        x = x * np.cos(w * x) * 0.9
        k += 1
    return np.sum(x**2) * k


def broken(x: Any, w: Any, n: int) -> Any:
    for i in range(10 * n):
        x = x * np.cos(w * x) * 0.97
        if np.max(np.abs(x)) < 0.3 or i == n:
            x = x * x
            break
    return np.sum(x)


def goes_on(x: Any, w: Any, n: int) -> Any:
    total = 0.0
    for i in range(n):
        x = x + 0.01 * np.sin(w * x)
        if i % 3 == 1:
            continue
        total = total + np.sum(x * x) * x[0]
    return total


def returns(x: Any, w: Any, n: int) -> Any:
    for i in range(10 * n):
        x = np.sin(x * w) + 0.1 * x
        if i > 2 * n:
            return np.sum(x**3)
        if np.sum(x) < 0.1:
            return x[1] * w
    return np.sum(x)


def growing(x: Any, w: Any, n: int) -> Any:
    losses = []
    for _ in range(n):
        x = x * np.cos(w * x)
        losses.append(np.sum(x * x))
    return sum(losses) + np.sum(x)


def reads_its_list(x: Any, w: Any, n: int) -> Any:
    xs = [x]
    for _ in range(n):
        xs.append(np.sin(xs[-1] * w) + 0.1 * xs[0])
    return np.sum(xs[-1] ** 2) + np.sum(xs[n // 2])


def nested(x: Any, w: Any, n: int) -> Any:
    for i in range(n):
        y = x
        for _ in range(i % 3):
            y = np.sin(y * w) + x
        while np.sum(y * y) > 1.0:
            y = 0.7 * y * np.cos(0.1 * y)
        x = x + 0.1 * y
    return np.sum(x * x)


def several(x: Any, w: Any, n: int) -> Any:
    a = np.exp(-x)
    for _ in range(n):
        a = np.sin(a * w)
    y = a * x
    for _ in range(n // 2):
        y = np.cos(y + a)
    return np.sum(y * a)


def in_a_branch(x: Any, w: Any, n: int) -> Any:
    if np.sum(x) > 0:
        y = x * w
        for _ in range(n):
            y = np.sin(y) + 0.1 * x
    else:
        y = x - w
        for i in range(2, n):
            y = y * np.cos(y) * w**i
    return np.sum(y * y)


def branches_inside(x: Any, w: Any, n: int) -> Any:
    for i in range(n):
        if np.sum(x) > 0.3:
            y = np.sin(x)
            x = x - y * w * 0.1
        elif i % 2:
            x = x * x + 0.1
        else:
            x = np.exp(0.1 * x)
    return np.sum(x)


def either_inside(x: Any, w: Any, n: int) -> Any:
    total = 0.0
    for i in range(n):
        total = total + w * i * x[0]
        if total > -10.0:
            found = x[1] * x[1] if i < 5 else 0.9
            total = np.sin(total * found)
    return total


def leaves_from_the_end(x: Any, w: Any, n: int) -> Any:
    y = x * w
    for i in reversed(range(2 * n)):
        y[[0, 1]] = np.sin(0.3 * y[1] * y[2]) + 0.01 * i
        if i < n:
            break
    return np.sum(y * y)


def steps_back(x: Any, w: Any, n: int) -> Any:
    for i in range(3 * n, n, -2):
        x = np.sin(x * w + i)
    for i in reversed(range(n)):
        x = np.sin(x + w * i)
    return x @ x


def items(x: Any, w: Any, n: int) -> Any:
    rows = np.outer(np.arange(n) / (n + 1.0), x)
    s = w
    for i, row in enumerate(rows):
        s = np.sin(s + row @ row) + 0.01 * i * s
    for a, b in zip(x, 2.0 * x, strict=True):
        s = s * np.cos(a * b * s)
    return s


def numbers(x: Any, w: Any, n: int) -> Any:
    a, b, k = x[0], w, 0
    for _ in range(n):
        a, b = a + 0.1 * math.sin(b), b - 0.1 * a * b
        k += 2
    return a * b + k * 0.1 * a


def structures(x: Any, w: Any, n: int) -> Any:
    state = {"x": x, "pair": (w, 1.0)}
    for _ in range(n):
        a, b = state["pair"]
        state["pair"] = (b, np.sin(a) * b)
        state["x"] = state["x"] * np.cos(state["x"] * a)
    return np.sum(state["x"]) * state["pair"][0]


def not_assigned_at_first(x: Any, w: Any, n: int) -> Any:
    for i in range(n + 1):
        if i > 0:
            x = x - 0.1 * y * x  # noqa: F821
        y = np.sin(x * w)
    return np.sum(x * y)


def small(x: Any, w: Any) -> Any:
    return np.sin(x * w) + 0.1 * x


def large(x: Any, w: Any) -> Any:
    y = np.sin(x * w)
    for _ in range(2):
        y = y * np.cos(y) + 0.1 * x
        y = np.exp(-y * y) * w + np.tanh(y)
        y = y - 0.1 * np.sum(y * x)
    if np.sum(y) > 0:
        return y * x + w
    return np.sin(y)


def helpers(x: Any, w: Any, n: int) -> Any:
    for _ in range(n):
        x = small(x, w)
        x = 0.5 * large(x, w) + 0.1 * large(x * x, w)
    return np.sum(x)


def loops(x: Any, w: Any, n: int) -> Any:
    y = np.sin(w) * x
    for i in range(n):
        y = y * np.cos(y * w) + 0.01 * i
        y = np.where(y > 0.5, y * y, np.sin(y))
        y = y + 0.1 * np.tanh(y) * w
    return y * y + np.sum(x * y)


def helper_with_a_loop(x: Any, w: Any, n: int) -> Any:
    return np.sum(loops(x, w, n)) + np.sum(loops(x * w, w * w, n) ** 2)


class Model:
    def __init__(self, w: Any) -> None:
        self.w, self.t = w, 0.0

    def step(self, x: Any) -> Any:
        self.t += 0.1
        return x - 0.1 * np.sin(self.w * x + self.t)


def methods(x: Any, w: Any, n: int) -> Any:
    model = Model(w)
    for _ in range(n):
        x = model.step(x)
    return np.sum(x * x) * model.t


def written_after(x: Any, w: Any, n: int) -> Any:
    a = np.exp(x)
    y = x * 1.0
    for _ in range(n):
        y = np.sin(y * a)
    a[0] = w
    y[1:] = y[1:] * a[1:]
    return np.sum(y * a)


def changes_places(x: Any, w: Any, n: int) -> Any:
    a, b = x.copy(), x * w
    for _ in range(n):
        b[1:-1] = np.sin(a[:-2] + a[2:]) * w
        a, b = b, a
    return np.sum(a * a) + np.sum(b)


def constant(x: Any, w: Any, n: int) -> Any:
    for i in range(n):
        x = x * np.cos(stop_gradient(x)) + np.sin(w) * i
        assert np.all(np.isfinite(x)), i
    return np.sum(x)


def not_read_in_the_end(x: Any, w: Any, n: int) -> Any:
    s = x[0]
    for i in range(n):
        if i < 2:
            u = np.ones(x.shape)
            for k in range(len(u)):
                u[k] = s
        s = np.sin(w * s) if n > 2 else w
    return s + np.sum(u) if n > 0 else s


def linear(x: Any, w: Any, n: int) -> Any:
    for _ in range(n):
        x = 0.5 * x + 0.1
    return np.sum(x) * w


PROGRAMS = [
    nonlinear, two_carried, in_place, argument_in_place, sweep, history, while_, broken, goes_on, returns,
    growing, reads_its_list, nested, several, in_a_branch, branches_inside, either_inside,
    leaves_from_the_end, steps_back, items, numbers,
    structures, not_assigned_at_first, helpers, helper_with_a_loop, methods, written_after, changes_places,
    constant, not_read_in_the_end, linear,
]  # fmt: skip
ARGUMENTS = [(X, 1.3, 11), (-X, 0.7, 30), (0.5 * X, 1.1, 1), (X[::-1].copy(), 1.3, 0), (X, 1.3, 4)]


def check(program: Any, slots: int, optimize: bool) -> None:
    again = value_and_grad(program, argnums=(0, 1), optimize=optimize, checkpoint=slots)
    kept = value_and_grad(program, argnums=(0, 1), optimize=optimize)
    for args in ARGUMENTS:
        given = (args[0].copy(), *args[1:])
        value, gradients = again(*given)
        np.testing.assert_array_equal(given[0], args[0])
        expected, wanted = kept(args[0].copy(), *args[1:])
        np.testing.assert_allclose(value, expected, rtol=1e-13)
        for g, h in zip(gradients, wanted, strict=True):
            assert type(g) is type(h)
            np.testing.assert_allclose(g, h, rtol=1e-11, atol=1e-13)


STAY = {"argument_in_place", "history", "reads_its_list", "linear"}  # as they are


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(("slots", "optimize"), [(1, True), (3, False), (4, True)])
def test_gradients_are_those_of_the_stored_loop(program: Any, slots: int, optimize: bool) -> None:
    check(program, slots, optimize)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p is not constant])
def test_gradients_are_those_of_differences(program: Any) -> None:
    for args in ARGUMENTS[:3]:
        check_grads(grad(program, (0, 1), checkpoint=2), args)


@pytest.mark.parametrize("program", PROGRAMS)
def test_which_loops_keep_states(program: Any) -> None:
    source = grad(program, argnums=(0, 1), checkpoint=4).source_for(*ARGUMENTS[0])
    assert ("checkpoints(4" in source) == (program.__name__ not in STAY)


@pytest.mark.parametrize(
    "x", [0.4, np.float64(0.4), np.float32(0.4), 1, np.float32([0.5, 0.1]), np.array(0.4)]
)
@pytest.mark.parametrize("program", [nonlinear, while_, goes_on, branches_inside, structures])
def test_numbers_of_every_kind(program: Any, x: Any) -> None:
    def f(x: Any, w: Any, n: int) -> Any:
        return program(x * np.ones(2, np.float32) if program in (goes_on, while_) else x, w, n)

    for g in (f, nonlinear):
        one, other = grad(g, 0, checkpoint=3), grad(g, 0)
        a, b = one(x, 1.3, 13), other(x, 1.3, 13)
        assert type(a) is type(b) and np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=1e-12 if np.asarray(a).dtype == float else 1e-5)


def overflows(x: float, n: int) -> float:
    total = 0.0
    for _ in range(n):
        x = math.sqrt(x * x) * 10.0
        total = total + 1.0 / np.exp(x)
    return total


def test_beyond_math() -> None:
    """Where `math` raises, the text on NumPy begins again, with states of its own."""
    one, other = grad(overflows, 0, checkpoint=2), grad(overflows, 0)
    for args in ((0.3, 3), (0.3, 8), (0.2, 3)):
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(one(*args), other(*args), rtol=1e-13)


def measured(f: Any, *args: Any) -> tuple[float, float]:
    """The seconds and the bytes that a call takes at most."""
    f(*args)
    start = time.perf_counter()
    f(*args)
    seconds = time.perf_counter() - start
    tracemalloc.start()
    f(*args)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, most


def pendulums(x: Any, v: Any, n: int) -> Any:
    for _ in range(n):
        v = v - 0.01 * np.sin(x)
        x = x + 0.01 * v
    return np.sum(x * v)


def pendulums_while(x: Any, v: Any, n: int) -> Any:
    i = 0
    while i < n and x[0] < 1e9:
        v = v - 0.01 * np.sin(x)
        x = x + 0.01 * v
        i += 1
    return np.sum(x * v)


def pendulums_in_place(x: Any, v: Any, n: int) -> Any:
    for _ in range(n):
        v -= 0.01 * np.sin(x)
        x[:] = x + 0.01 * v
    return np.sum(x * v)


@pytest.mark.parametrize("program", [pendulums, pendulums_while, pendulums_in_place])
def test_memory_is_that_of_the_slots(program: Any) -> None:
    x, n = np.linspace(0.1, 2.0, 1000), 2_000
    state = 2 * x.nbytes
    _, most = measured(grad(program, (0, 1), checkpoint=20), x, 0.1 * x, n)
    assert most < 30 * state
    _, most = measured(grad(program, (0, 1)), x, 0.1 * x, n)
    assert most > 500 * state


def second(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x - 0.1 * np.sin(1.3 * x)
    return np.sum(x**3)


def test_second_derivatives() -> None:
    """A gradient that is differentiated again, or forward mode, keeps what it reads of each trip."""
    gradient = grad(second, 0, checkpoint=3)
    expected = hessian(second, 0)(X, 9)
    ours = np.stack([grad(lambda x, i: gradient(x, 9)[i], 0, checkpoint=2)(X, i) for i in range(len(X))])
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)
    along = jvp(lambda x: gradient(x, 9), (X,), (X,))[1]
    np.testing.assert_allclose(along, hvp(second, 0)(X, 9, X), rtol=1e-12, atol=1e-14)


def draws(x: Any, rng: Any) -> Any:
    for _ in range(5):
        x = np.sin(x * rng.normal())
    return np.sum(x)


def draws_beside(x: Any, rng: Any) -> Any:
    seen = 0.0
    for _ in range(5):
        x = np.sin(x)
        seen += rng.normal()
    return np.sum(x) + seen


def counts(x: Any, counter: Any) -> Any:
    for _ in range(5):
        x = np.sin(x * next(counter))
    return np.sum(x)


def test_what_cannot_be_computed_again_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="draws random numbers cannot be computed again"):
        grad(draws, 0, checkpoint=2)(X, np.random.default_rng(0))
    one, other = value_and_grad(draws_beside, 0, checkpoint=2), value_and_grad(draws_beside, 0)
    for a, b in zip(one(X, np.random.default_rng(0)), other(X, np.random.default_rng(0)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    with pytest.raises(ValueError, match="1 or more"):
        grad(draws, checkpoint=0)
    with pytest.raises(ValueError, match="1 or more"):
        value_and_grad(checkpoint=True)


def test_effects_happen_once(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        for i in range(4):
            for k in range(2):
                if k:
                    print(i, end=" ")
                x = np.sin(x) + x
            assert np.all(np.isfinite(x)), i
        return np.sum(x)

    expected = grad(f)(X)
    said = capsys.readouterr().out
    np.testing.assert_allclose(grad(f, checkpoint=2)(X), expected, rtol=1e-13)
    assert capsys.readouterr().out == said == "0 1 2 3 "


def module_level(x: float, n: int) -> Any:
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
    return x


gradient = grad(module_level, argnums="x", checkpoint=2)


def test_the_option_is_a_part_of_what_was_asked_for() -> None:
    """Of one function, gradients with and without it, with its value, made again, and pickled."""
    plain = grad(module_level, argnums="x")
    for g, is_kept in ((gradient, True), (plain, False), (gradient.value_and_grad, True)):
        assert ("checkpoints(2" in g.source_for(0.3, 9)) == is_kept
        found = pickle.loads(pickle.dumps(g))
        assert found is g
    assert gradient(0.3, 9) == plain(0.3, 9)
    for slots in (None, 1, 2, None):
        again = grad(lambda x: module_level(x, 9), checkpoint=slots)
        assert ("checkpoints(" in again.source_for(0.3)) == bool(slots)
        assert again(0.3) == plain(0.3, 9)
    name = gradient.__qualname__
    made_so_far.pop(name)
    assert "checkpoints(2" in getattr(importable, name).source_for(0.3, 9)
