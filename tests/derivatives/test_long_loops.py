"""`checkpoint=`: of a long loop some states are kept, and the others computed again from them."""

from __future__ import annotations

import math
import pickle
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, check_grads, grad, hvp, jacrev, value_and_grad, vjp
from revcompile.transforms import importable
from revcompile.transforms.pickling import made_so_far
from tests.derivatives.long_loops import (
    ARGUMENTS,
    CANNOT,
    OF_STATES,
    PROGRAMS,
    X,
    branches_inside,
    constant,
    goes_on,
    history,
    nonlinear,
    structures,
    while_,
)


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


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in CANNOT])
@pytest.mark.parametrize(("slots", "optimize"), [(1, True), (3, False), (4, True)])
def test_gradients_are_those_of_the_stored_loop(program: Any, slots: int, optimize: bool) -> None:
    check(program, slots, optimize)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in {constant, *CANNOT}])
def test_gradients_are_those_of_differences(program: Any) -> None:
    for args in ARGUMENTS[:3]:
        check_grads(grad(program, (0, 1), checkpoint=2), args)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p not in CANNOT])
def test_which_loops_keep_states(program: Any) -> None:
    source = grad(program, argnums=(0, 1), checkpoint=4).source_for(*ARGUMENTS[0])
    assert ("checkpoints(4" in source) == (program in OF_STATES)
    assert program in OF_STATES or "saved" not in source


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


def grows(x: Any, n: int) -> Any:
    xs = [x]
    while len(xs) < n:
        xs.append(np.sin(xs[-1]) * np.sum(xs[-1]))
    return np.sum(xs[-1])


def as_long_as_an_argument(x: Any, times: Any) -> Any:
    rows = np.zeros((len(times), len(x)))
    rows[0] = x
    for k in range(1, len(times)):
        rows[k] = rows[k - 1] + times[k] * np.sin(rows[k - 1])
    return np.sum(rows[-1])


def of_known_length(x: Any) -> Any:
    rows = np.zeros((31, 4))
    rows[0] = x
    for k in range(30):
        rows[k + 1] = rows[k] * np.cos(rows[k])
    return np.sum(rows[-1])


@pytest.mark.parametrize(
    ("program", "args", "name", "line"),
    [
        (history, (X, 1.3, 9), "rows", "for t in range(n):"),
        (grows, (X, 9), "xs", "while len(xs) < n:"),
        (as_long_as_an_argument, (X, np.linspace(0.0, 1.0, 9)), "rows", "for k in range(1, len(times)):"),
        (of_known_length, (X,), "rows", "for k in range(30):"),
    ],
)
def test_what_would_be_in_each_state_as_a_whole_is_refused(
    program: Any, args: Any, name: str, line: str
) -> None:
    for make in (grad, value_and_grad, jacrev, hvp):
        with pytest.raises(UnsupportedError, match=f"a loop that fills {name} and reads it") as caught:
            make(program, 0, checkpoint=20)(*args, *(X,) * (make is hvp))
        assert line in str(caught.value) and "leave out checkpoint=" in str(caught.value)
    with pytest.raises(UnsupportedError, match=f"a loop that fills {name} and reads it"):
        vjp(program, *args, argnums=0, checkpoint=20)
    np.testing.assert_allclose(
        grad(of_known_length, 0, checkpoint=30)(X), grad(of_known_length, 0)(X), rtol=1e-13
    )


def test_an_array_of_a_fixed_size_is_a_part_of_the_states() -> None:
    def ring(x: Any, n: int) -> Any:
        last = np.zeros((3, len(x)))
        last[0] = x
        for t in range(1, n):
            last[t % 3] = np.sin(last[(t - 1) % 3]) + 0.1 * last[(t - 2) % 3] * last[t % 3]
        return np.sum(last**2)

    for n in (1, 2, 3, 50):
        np.testing.assert_allclose(grad(ring, 0, checkpoint=3)(X, n), grad(ring, 0)(X, n), rtol=1e-12)
    assert "checkpoints(3" in grad(ring, 0, checkpoint=3).source_for(X, 9)


def test_a_loop_without_a_state_computes_each_trip_again() -> None:
    def f(x: Any, n: int) -> Any:
        total = 0.0
        for i in range(n):
            y = np.sin(x * i) * np.cos(x)
            if i % 3 == 1:
                continue
            total = total + np.sum(y * y * np.exp(y))
            if i > 20:
                break
        return total

    again = grad(f, 0, checkpoint=3)
    for n in (0, 1, 7, 50):
        np.testing.assert_allclose(again(X, n), grad(f, 0)(X, n), rtol=1e-12)
        check_grads(again, (X, n))
    assert "saved" not in again.source


def test_a_gradient_inside_is_not_stored_silently() -> None:
    def f(x: Any, n: int) -> Any:
        return np.sum(grad(module_level, 0)(x, n) ** 2) * x

    assert grad(f, 0)(0.3, 9)
    with pytest.raises(UnsupportedError, match="is of a gradient, which is differentiated again"):
        grad(f, 0, checkpoint=3)(0.3, 9)


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
