"""What the gradient of a loop keeps: bytes, by tracemalloc, and what is saved, by reading the generated source."""

from __future__ import annotations

import gc
import re
import time
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad

N = 20_000
SLICE = 8 * (N - 2)


def wave(n: int = N) -> Any:
    return np.sin(np.arange(float(n)))


def measured(function: Callable[..., Any], *args: Any) -> tuple[int, int]:
    """The peak of a call, in bytes, and what is left once its result is forgotten."""
    function(*args)  # compiles
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function(*args)
        peak = tracemalloc.get_traced_memory()[1]
        del result
        gc.collect()
        return peak - before, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def slope(function: Callable[..., Any], *args: Any) -> float:
    """By how many slices the peak grows from one time step to the next."""
    few, many = (measured(function, *args, steps)[0] for steps in (10, 60))
    return (many - few) / 50 / SLICE


# -- stencils over time --------------------------------------------------------------------------


def linear(u, steps):
    for t in range(steps):
        u[1:-1] = 0.5 * (u[:-2] + u[2:])
    return np.sum(u**2)


def squares(u, steps):
    for t in range(steps):
        u[1:-1] = u[1:-1] * u[1:-1]
    return np.sum(u)


def products(u, steps):
    for t in range(steps):
        u[1:-1] = 0.5 * u[:-2] * u[2:]
    return np.sum(u)


def sines(u, steps):
    for t in range(steps):
        u[1:-1] = np.sin(u[:-2]) * u[2:]
    return np.sum(u)


def burgers(u, steps):
    for t in range(steps):
        u[1:-1] -= 0.1 * u[1:-1] * (u[1:-1] - u[:-2])
    return np.sum(u)


def test_a_linear_stencil_needs_no_more_memory_for_more_steps():
    gradient = grad(linear, argnums="u")
    few, many = (measured(gradient, wave(), steps)[0] for steps in (10, 200))
    assert many < 1.2 * few
    assert many < 6 * SLICE
    assert "saved" not in gradient.backward_source


@pytest.mark.parametrize(("stencil", "slices"), [(squares, 1), (products, 2), (sines, 2), (burgers, 2)])
def test_a_stencil_saves_what_it_overwrites_and_what_its_gates_read(stencil, slices):
    assert slope(grad(stencil, argnums="u"), 0.5 + 0.1 * wave()) < slices + 0.1


def test_two_arrays_written_in_turn():
    def jacobi(A, B, steps):
        for t in range(steps):
            B[1:-1, 1:-1] = 0.25 * (A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
            A[1:-1, 1:-1] = 0.25 * (B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
        return np.sum(A**2)

    A, B = wave().reshape(100, 200), np.zeros((100, 200))
    gradient = grad(jacobi, argnums=("A", "B"))
    few, many = (measured(gradient, A, B, steps)[0] for steps in (10, 60))
    assert many < 1.2 * few


def test_what_a_loop_does_not_change_is_not_saved_in_each_trip():
    def descent(X, w, steps):
        for _ in range(steps):
            w = w - 0.01 * X.T @ np.tanh(X @ w)
        return np.sum(w**2)

    X, w = wave().reshape(200, 100), np.ones(100)
    gradient = grad(descent, argnums="w")
    few, many = (measured(gradient, X, w, steps)[0] for steps in (10, 60))
    assert (many - few) / 50 < 5 * w.nbytes  # a trip's tanh has 200 elements, X has 20,000


# -- what is saved, by name ----------------------------------------------------------------------

x5 = np.cos(np.arange(5.0))


def saved(gradient: Any, *args: Any) -> set[str]:
    """The lists to which the generated source appends."""
    return set(re.findall(r"(\w+)\.append\(", gradient.source_for(*args)))


def power(x, w, n):
    for _ in range(n):
        x = x * w
    return x


def test_a_product_saves_the_factor_that_changes():
    assert saved(grad(power, argnums=("x", "w")), 0.5, 1.1, 4) == {"saved_x"}


def test_a_product_by_what_has_no_gradient_saves_nothing():
    assert saved(grad(power, argnums="x"), 0.5, 1.1, 4) == set()


def test_an_accumulation_saves_nothing():
    def dot(x, y):
        s = 0.0
        for i in range(len(x)):
            s += x[i] * y[i]
        return s

    assert saved(grad(dot), x5, x5) == set()


def test_independent_trips_compute_numbers_again():
    def loss(x):
        s = 0.0
        for i in range(len(x)):
            a = x[i] * x[i]
            b = 1.0 + a * np.sin(a)
            s += b * b
        return s

    assert saved(grad(loss), x5) == set()


def test_a_condition_is_asked_again():
    def loss(x):
        s = 0.0
        for v in x:
            if v > 0:
                s += v * v
            else:
                s -= v
        return s

    assert saved(grad(loss), x5) == set()


def test_a_linear_recurrence_saves_nothing():
    def number(x):
        s = 0.0
        for v in x:
            s = 0.5 * s + v
        return s

    def array(x):
        for i in range(1, len(x)):
            x[i] += 0.5 * x[i - 1]
        return np.sum(x**2)

    assert saved(grad(number), x5) == saved(grad(array), x5) == set()


def test_a_linear_while_loop_counts_its_trips():
    def doubled(x, limit):
        while x < limit:
            x = 2.0 * x
        return x

    gradient = grad(doubled, argnums="x")
    assert saved(gradient, 0.3, 10.0) == set()
    assert gradient(0.3, 10.0) == 64.0


def test_of_a_value_and_its_sine_one_is_saved():
    def loss(x, n):
        for _ in range(n):
            x = np.sin(x)
        return x

    assert saved(grad(loss, argnums="x"), 0.5, 4) == {"saved_x"}


def test_a_table_of_products_saves_nothing():
    def loss(x):
        T = np.zeros((len(x), len(x)))
        for i in range(len(x)):
            for j in range(len(x)):
                T[i, j] = x[i] * x[j]
        return np.sum(T**2)

    assert saved(grad(loss), x5) == set()


# -- nothing is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("stencil", [linear, squares, sines])
def test_nothing_is_kept_after_a_call(stencil):
    for transform in (grad, value_and_grad):
        assert measured(transform(stencil, argnums="u"), 0.5 + 0.1 * wave(), 20)[1] < SLICE / 10


def test_arguments_are_not_kept():
    gradient = grad(sines, argnums="u")
    u = wave(100)
    result = gradient(u, 3)
    watched = weakref.ref(u), weakref.ref(result)
    del u, result
    gc.collect()
    assert [ref() for ref in watched] == [None, None]


# -- an access costs the same in long arrays -----------------------------------------------------


def total(x):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
    return s


def squared(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i]
    return np.sum(y)


def running_product(x):
    for i in range(1, len(x)):
        x[i] = 0.9 * x[i] * x[i - 1]
    return np.sum(x)


@pytest.mark.parametrize("function", [total, squared, running_product])
def test_an_access_in_a_loop_costs_the_same_in_long_arrays(function):
    gradient = grad(function)

    def per_element(n: int) -> float:
        x = wave(n)
        gradient(x)
        times = []
        for _ in range(5):
            start = time.process_time()
            gradient(x)
            times.append(time.process_time() - start)
        return min(times) / n

    assert per_element(20_000) < 3 * per_element(1_000)


def test_of_an_array_that_only_its_length_is_read_of_the_length_is_saved():
    def product(x, n):
        for t in range(n):
            y = np.zeros(t + 2)
            for i in range(len(y)):
                y[i] += x * i
            x = x + 0.1 * np.sum(y)
        return x

    gradient = grad(product, argnums="x")
    (name,) = saved(gradient, 0.5, 3)
    text = gradient.source_for(0.5, 3)
    assert f"{name.removeprefix('saved_')} = y.shape[0]" in text and ".copy()" not in text
