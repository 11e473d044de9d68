"""Eight threads at once; no growth without bound."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from revcompile import grad
from revcompile.syntax.stack import parsed
from tests.support.program import make


def run_together(count, work):
    """`work(i)` in `count` threads that start at the same moment."""
    start = threading.Barrier(count)

    def one(i):
        start.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_threads_with_new_signatures():
    for _ in range(5):
        g = grad(lambda x, y: np.sum(np.exp(x) * y))

        def work(i, g=g):
            shape = (2,) * (i % 4)
            x, y = np.full(shape, 0.5, [float, np.float32][i % 2]), 1.0 + i
            for _ in range(20):
                gx, gy = g(x, y)
                np.testing.assert_allclose(gx, np.exp(x) * y, rtol=1e-6)
                np.testing.assert_allclose(gy, np.sum(np.exp(x)), rtol=1e-6)
            return True

        assert all(run_together(8, work))


def test_threads_with_arguments_that_turn_out_static():
    x = np.arange(24.0).reshape(2, 3, 4)
    for _ in range(8):
        g = grad(lambda x, axis: np.sum(np.sum(x, axis) ** 2), 0)

        def work(i, g=g):
            for k in range(12):
                axis = (i + k) % 3
                expected = np.broadcast_to(2 * x.sum(axis, keepdims=True), x.shape)
                np.testing.assert_allclose(g(x, axis), expected)
            return True

        assert all(run_together(8, work))


def generated_lines():
    return [name for name in linecache.cache if name.startswith("<revcompile")]


def test_many_static_values_do_not_leak():
    g = grad(lambda x, n: np.sum(x[: len(n)]) * len(n), 0)
    h = grad(lambda x, f: f(x) * 2.0, 0)
    x = np.arange(5.0)
    sizes = []
    for i in range(400):
        name = "a" * (1 + i % 5) + str(i)
        expected = np.where(np.arange(5) < len(name), len(name), 0.0)
        np.testing.assert_array_equal(g(x, name), expected)
        if i < 150:
            assert h(2.0, make(f"def p(x): return {i}.0 * x\n", "p")) == 2.0 * i
        if i in (149, 399):
            sizes.append((len(g.__globals__), len(h.__globals__), len(generated_lines())))
    assert len(g.specializations) <= 64 and len(h.specializations) <= 64
    assert sizes[1][0] <= sizes[0][0] + 10 and sizes[1][2] <= sizes[0][2] + 10
    assert sizes[0][1] < 700


def test_a_changing_flag_does_not_leak():
    f = make("def f(x):\n    return x * c\n", c=0)
    g = grad(f)
    g(1.0)
    before = None
    for i in range(300):
        f.__globals__["c"] = i
        assert g(1.0) == float(i)
        if i == 100:
            before = (len(g.__globals__), len(generated_lines()))
    assert (len(g.__globals__), len(generated_lines())) <= (before[0] + 10, before[1] + 10)


def test_a_gradient_function_that_is_dropped_leaves_nothing():
    gc.collect()
    before = len(generated_lines())
    for i in range(20):
        grad(lambda x, i=i: x * i)(1.0)
    gc.collect()
    assert len(generated_lines()) <= before


def test_texts_are_parsed_while_garbage_is_collected_in_other_threads():
    """There CPython 3.11 raises SystemError of its own."""

    class Finalized:
        def __del__(self):
            sum(range(50))

    def parse():
        try:
            for _ in range(60):
                garbage = Finalized()
                garbage.itself = garbage
                del garbage
                parsed(text)
        except SystemError as e:
            errors.append(e)

    text, errors = "\n".join(f"x{i} = (a + b * (c - d)) / f({i})" for i in range(60)), []
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(50)
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=parse) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert not errors
