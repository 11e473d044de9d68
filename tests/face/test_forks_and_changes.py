"""Children of a fork; gates registered, and globals changed, while other threads make and call gradients."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from revcompile import gate, grad
from tests.support.program import make


class Working:
    """Threads that do something again and again, until the block ends; what they raise fails the test."""

    def __init__(self, *works):
        self.works, self.errors, self.stop = works, [], threading.Event()

    def _run(self, work):
        i = 0
        while not self.stop.is_set() and not self.errors:
            try:
                work(i)
            except Exception as error:
                self.errors.append(error)
            i += 1

    def __enter__(self):
        self.threads = [threading.Thread(target=self._run, args=(work,)) for work in self.works]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


def in_a_child(work):
    """Whether `work` comes to an end in the child of a fork."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    limit = time.monotonic() + 20.0
    while time.monotonic() < limit:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_compiles():
    shared = grad(lambda x, n: np.sum(np.sin(x)[: len(n)] * len(n)), 0)
    compiled = grad(lambda x: x * x * x)
    x = np.arange(9.0)
    shared(x, "a"), compiled(2.0)

    def compiles(i):
        shared(x, "a" * (i % 8) + str(i))

    def works():
        assert compiled(2.0) == 12.0
        np.testing.assert_allclose(shared(x, "a")[0], 1.0)
        np.testing.assert_allclose(shared(x, "new")[0], 3.0)
        assert grad(lambda x: np.exp(x) * 2.0)(0.0) == 2.0

    before = sys.getrecursionlimit()
    with Working(compiles, compiles):
        assert all(in_a_child(works) for _ in range(8))
    assert sys.getrecursionlimit() == before


def test_gates_are_registered_while_gradients_are_made():
    def registers(i):
        def triple(x):
            return x * 3.0

        @gate(triple)
        def rule(grad_y, x):
            return grad_y * 3.0

        assert grad(lambda x: triple(x) * x)(2.0) == 12.0

    def makes(i):
        kept = [grad(lambda x: x * x) for _ in range(3)]
        assert [g(2.0) for g in kept] == [4.0] * 3

    with Working(registers, makes, makes):
        time.sleep(1.0)


# Each element is the same number in every world: Python too would add up elements of two lists, if one took
# the place of the other and came back while they were read.
CHANGES = {
    "a longer list": ("sum(W[i] * x for i in range(len(W)))", ([1.0, 2.0], [1.0, 2.0, 3.0], [1.0])),
    "other kinds in a list": ("W[0] * x + W[1] * x", ([1.0, 2], [1, 2.0], [np.float64(1.0), 2.0])),
    "a longer array": ("np.sum(W) * x", (np.ones(2), np.ones(1), np.ones(5), np.ones((2, 3)))),
    "another dtype": ("np.sum(W * x)", (np.ones(2), np.ones(2, np.float32), np.ones(2, int))),
    "a number or an array": ("np.sum(W * x)", (2.0, np.ones(3), 3, np.ones((2, 2)))),
    "a dict": ("sum(v * x for v in W.values())", ({"a": 1.0}, {"b": 1.0, "c": 2.0}, {"a": np.ones(()) * 2})),
    "an object's attributes": ("W.a * x", None),
}


@pytest.mark.parametrize("text, worlds", CHANGES.values(), ids=CHANGES)
def test_globals_that_change_while_threads_call(text, worlds):
    if worlds is None:
        worlds = [
            type(name, (), {"a": value})() for name, value in (("A", 2.0), ("B", 3), ("A", np.ones(())))
        ]
    f = make(f"def f(x):\n    return {text}\n", W=worlds[0])
    slopes = []
    for world in worlds:
        f.__globals__["W"] = world
        slopes.append(float(f(1.0)))
    gradient = grad(f)

    def changes(i):
        f.__globals__["W"] = worlds[i % len(worlds)]
        time.sleep(1e-3)

    def calls(i):
        found = gradient(1.0)
        assert any(abs(found - slope) < 1e-6 for slope in slopes)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with Working(changes, calls, calls):
            time.sleep(0.4)
    finally:
        sys.setswitchinterval(interval)
