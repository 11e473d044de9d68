"""What does not change in a loop is computed once, and saved once, however many trips the loop makes.

Each form of a loop whose trip computes something of k, dt and dx alone. Measured is what is saved: how much
memory a trip costs, in arrays as long as u. And what may warn or raise is not computed in a loop without trips.
"""

from __future__ import annotations

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make
from tests.support.texts import TEXTS

# The body of f(u, k, dt, dx, n); and how many arrays change from trip to trip and are read on the way back.
FORMS: dict[str, tuple[str, float]] = {
    "for": ("""
        u = u.copy()
        for _ in range(n):
            lap = (u[2:] - 2 * u[1:-1] + u[:-2]) / dx ** 2
            u[1:-1] += dt * k[1:-1] * lap
        return np.sum(u * u)
        """, 1),
    "while": ("""
        u, i = u.copy(), 0
        while i < n:
            lap = (u[2:] - 2 * u[1:-1] + u[:-2]) / dx ** 2
            u[1:-1] += dt * k[1:-1] * lap
            i += 1
        return np.sum(u * u)
        """, 1),
    "while_true": ("""
        i = 0
        while True:
            if i >= n:
                break
            u = np.sin(u) * np.exp(k) / dx ** 2
            i += 1
        return np.sum(u)
        """, 3),
    "backwards": ("""
        for i in range(n, 0, -1):
            u = np.sin(u) * np.exp(-k)
        return np.sum(u)
        """, 2),
    "nested": ("""
        for i in range(n):
            for j in range(i % 2 + 1):
                u = np.sin(u) * np.exp(-k) * dt
        return np.sum(u)
        """, 4.5),
    "nested_same": ("""
        for i in range(n):
            for j in range(2):
                u = np.sin(u) * np.exp(-k) * dt
        return np.sum(u)
        """, 6),
    "made_in_the_outer_loop": ("""
        for i in range(n):
            c = np.exp(-k) * i
            for j in range(2):
                u = np.tanh(u) * (c * dt)
        return np.sum(u)
        """, 6),
    "inner_loop_of_its_own": ("""
        for i in range(n):
            s = 0.0
            for j in range(3):
                s = s + np.exp(k) * dt
            u = np.sin(u) * s
        return np.sum(u)
        """, 2),
    "if": ("""
        for i in range(n):
            if i % 2 == 0:
                u = np.sin(u) * (dt * np.exp(k))
            else:
                u = np.sin(u) * np.tanh(k * dx)
        return np.sum(u)
        """, 3),
    "either": ("""
        for i in range(n):
            if dt > 0.05:
                c = np.exp(k)
            else:
                c = np.sin(k)
            u = np.sin(u) * c
        return np.sum(u)
        """, 2),
    "break": ("""
        for i in range(n):
            u = np.sin(u) * (1 + dt * np.exp(-k))
            if np.sum(u) > 1e9:
                break
            u = np.sin(u) * np.sqrt(k) / dx ** 3
        return np.sum(u)
        """, 6),
    "continue": ("""
        for i in range(n):
            if i == 1:
                continue
            u = np.sin(u) * np.sqrt(k) / dx ** 3
        return np.sum(u)
        """, 4),
    "return": ("""
        for i in range(n):
            u = np.sin(u) * np.sqrt(k) / dx ** 3
            if np.sum(u) > 1e9:
                return np.sum(u * np.log(k))
        return np.sum(u)
        """, 4),
    "small_helper": ("""
        def step(v):
            return np.sin(v) * (dt * np.exp(k))
        for i in range(n):
            u = step(u)
        return np.sum(u)
        """, 2),
    "large_helper": ("""
        def coefficient(k, dt, dx):
            a = dt * np.exp(k)
            b = np.sqrt(k) / dx ** 2
            c = np.sin(b) * a
            d = np.cos(c) * b
            e = d * b + c
            return np.tanh(e) * np.tanh(a) + d * c
        for i in range(n):
            u = np.sin(u) * coefficient(k, dt, dx)
        return np.sum(u)
        """, 2),
    "method": ("""
        model = Model(k, dt)
        for i in range(n):
            u = model.step(u)
        return np.sum(u)
        """, 2),
    "list": ("""
        c = [k, k * dx]
        for i in range(n):
            u = np.sin(u) * (dt * np.exp(c[0])) * np.sqrt(c[1])
        return np.sum(u)
        """, 3),
    "store": ("""
        v = np.zeros(len(u))
        for i in range(n):
            v[1:] = np.exp(k[1:]) * dt * u[1:]
            u = np.sin(u) + v
        return np.sum(v) + np.sum(u)
        """, 2),
    "scalars": ("""
        y = 1.0
        for i in range(n):
            y = math.sin(y) * math.exp(-dt) * (dx ** 3 + math.sqrt(dx))
        return y * np.sum(u * k)
        """, 0.1),
    "matrix": ("""
        A = np.outer(k[:3], k[:3])
        v = u[:3]
        for i in range(n):
            v = np.tanh((A * dt) @ v)
        return np.sum(v) * np.sum(u)
        """, 0.1),
}  # fmt: skip


MODEL = """
class Model:
    def __init__(self, k, dt):
        self.k, self.dt = k, dt
    def step(self, v):
        return np.sin(v) * (self.dt * np.exp(self.k))
"""


def program(body: str) -> Any:
    return make(f"{MODEL}\ndef f(u, k, dt, dx, n):\n{body}")


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("name", FORMS)
def test_gradients_and_what_a_trip_saves(name: str, optimize: bool) -> None:
    body, arrays = FORMS[name]
    f = program(body)
    g = grad(f, argnums=(0, 1, 2, 3), optimize=optimize)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (3, 0, 4):
            args = (rng.uniform(0.5, 1.5, 4), rng.uniform(0.5, 1.5, 4), 0.1, 1.1, n)
            assert_close(g(*args), numerical_gradients(f, args))
    size, peaks = 2000, []
    u, k = np.linspace(0.5, 1.0, size), np.linspace(0.6, 1.2, size)
    for n in (4, 24):
        tracemalloc.start()
        g(u, k, 0.1, 1.1, n)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / (20 * 8 * size) < arrays + 0.4


@pytest.mark.parametrize("name", ["for", "either", "large_helper"])
def test_with_the_value(name: str) -> None:
    f = program(FORMS[name][0])
    g = value_and_grad(f, argnums=(0, 1, 2, 3))
    for n in (3, 0):
        args = (np.linspace(0.6, 1.0, 4), np.linspace(0.7, 1.1, 4), 0.1, 1.1, n)
        value, gradients = g(*args)
        assert value == f(*args)
        assert_close(gradients, numerical_gradients(f, args))


def test_text() -> None:
    """Before the loop in the forward pass, and read in the backward pass; what may warn, if there is a trip."""
    f = program("""
    for t in range(n):
        u = u + dt * k * np.tanh(u) / dx ** 2 * math.exp(dx)
    return np.sum(u)
    """)
    text = grad(f, argnums=(0, 1)).source_for(np.ones(3), np.ones(3), 0.1, 1.1, 2)
    before, loop = text[text.index("# forward pass") :].split("for t in range(n):")
    for once in ("dt * k", "dx ** 2", "math.exp(dx)"):
        assert text.count(once) == 2  # the primal's own, and this one
        assert once in before
        assert once not in loop
    assert "if n > 0:" in before


ZERO = {  # d is 0: 1 / d, log(d) raise or warn where they are computed, and they are not
    "for": """
    for i in range(n):
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "while": """
    i = 0
    while i < n:
        x = np.sin(x) * np.log(d) / d
        i += 1
    return np.sum(x)
    """,
    "if": """
    for i in range(3):
        if i < n:
            x = np.sin(x) * (1 / d) * np.log(d)
        x = x * 2.0
    return np.sum(x)
    """,
    "inner_loop": """
    for i in range(3):
        for j in range(n):
            x = np.sin(x) * np.log(d) / d
        x = x * 2.0
    return np.sum(x)
    """,
    "break": """
    for i in range(3):
        if i >= n:
            break
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "continue": """
    for i in range(3):
        if i >= n:
            continue
        x = np.sin(x) * (1 / d) * np.log(d)
    return np.sum(x)
    """,
    "return": """
    for i in range(3):
        if i >= n:
            return np.sum(x) * 2.0
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "raise": """
    for i in range(n + 1):
        if np.any(d == 0):
            raise ValueError("d is 0")
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "assert": """
    for i in range(n + 1):
        assert np.all(d != 0), "d is 0"
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "print": """
    for i in range(n + 1):
        print(end="")
        if i >= n:
            break
        x = np.sin(x) * np.log(d) / d
    return np.sum(x)
    """,
    "helper": """
    def step(x):
        return np.sin(x) * np.log(d) / d
    for i in range(n):
        x = step(x)
    return np.sum(x)
    """,
    "items": """
    for a in x[:n]:
        x = np.sin(x) * np.log(d) / d * a
    return np.sum(x)
    """,
    "overflow": """
    for i in range(n):
        x = np.sin(x) * np.exp(1e3 * (1 - d))
    return np.sum(x)
    """,
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("name", ZERO)
def test_loops_without_trips(name: str, optimize: bool) -> None:
    f = make("def f(x, d, n):\n" + ZERO[name])
    g = grad(f, argnums=(0, 1), optimize=optimize)
    x = np.linspace(0.5, 1.0, 3)
    for d in (2.0, np.full(3, 2.0), 0.0, np.zeros(3), np.float64(0.0)):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            try:
                expected = None if f(x, d, 0) is None else (1.0, "")
            except (ValueError, AssertionError) as error:
                expected = (type(error), str(error))
            assert not seen
            try:
                g(x, d, 2 if np.all(d == 2.0) else 0)
                found = (1.0, "")
            except (ValueError, AssertionError) as error:
                found = (type(error), str(error))
        assert not seen
        assert found == expected


AFTER = {  # what is computed before the loop has no value where that makes no trip, nor has its gradient
    "break": """
    for i in range(n):
        m = np.exp(k) * k
        u = u * m + 1
        if u[0] > 2.0:
            break
        r = m * np.cos(k)
        u = u + r * u
    """,
    "inner_break": """
    for i in range(n):
        for j in range(2):
            m = np.exp(k) * k
            u = u + m * np.sin(u)
            if u[1] > 3.0:
                break
            u = u * m
    """,
    "continue": """
    for i in range(n):
        m = np.exp(k) * k
        u = u * m + 1
        if u[0] > 2.0:
            continue
        u = u + m * m * u
    """,
    "while": """
    i = 0
    while i < n:
        m = np.exp(k) * k
        u = u * m + 1
        i += 1
        if u[0] > 2.0:
            break
        u = u + m * np.cos(k) * u
    """,
    "store": """
    for i in range(n):
        m = np.exp(k)
        m[1:] = m[1:] * k[1:]
        u = u + m * u
        if u[0] > 2.0:
            break
        u = u * m
    """,
    "items": """
    for c in k[:n]:
        m = np.exp(k) * k
        u = u + m * u * c
        if u[0] > 2.0:
            break
        u = u * np.cos(k) * m
    """,
}
ENDS = {
    "conditional": "return np.sum(u * m) if n > 0 else np.sum(u)",
    "exit": "if n == 0:\n        return np.sum(u * k)\n    m[0] = m[0] * 2.0\n    return np.sum(m * u)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", AFTER)
def test_what_is_read_after_a_loop_that_may_make_no_trip(name: str, end: str) -> None:
    f = make("def f(u, k, n):" + AFTER[name] + ENDS[end] + "\n")
    u, k = np.array([0.3, 0.7, -0.4]), np.array([0.6, -0.3, 0.9])
    for argnums in ((0, 1), (1,)):
        gradients = [grad(f, argnums=argnums, optimize=optimize) for optimize in (True, False)]
        for args in ((u, k, 0), (u, k, 2), (u + 1.0, k, 3), (u, k, 0)):
            expected = numerical_gradients(f, args)
            for g in gradients:
                assert_close(g(*args), [expected[i] for i in argnums], rtol=1e-4)


OVERWRITTEN = """
    v = u
    for i in range(n):
        w = u * k
        u = np.sin(u) * w * dt
        w[1] = u[0]
        v = v + w * u
    return np.sum(v) + np.sum(u)
"""


@pytest.mark.parametrize("name", ["for", "while", "nested", "large_helper", "scalars", "overwritten"])
def test_of_gradients(name: str) -> None:
    """A gradient that is differentiated again."""
    f = program(FORMS[name][0] if name in FORMS else OVERWRITTEN)
    first = grad(f, argnums=(0, 1, 2))

    def again(u: Any, k: Any, dt: Any, dx: Any, n: Any) -> Any:
        a, b, c = first(u, k, dt, dx, n)
        return np.sum(a * np.cos(b)) + c

    second = grad(again, argnums=(0, 1, 2, 3))
    for n in (3, 0):
        args = (np.linspace(0.6, 1.0, 4), np.linspace(0.7, 1.1, 4), 0.1, 1.1, n)
        assert_close(second(*args), numerical_gradients(again, args), rtol=1e-4)


def test_a_state_that_each_trip_gives_anew() -> None:
    f = make("""
def f(y, x):
    for i in range(2):
        s = np.sum(np.sin(y))
        y = x
    return s * np.sum(y)
""")
    args = (np.array([0.3, 0.6]), np.array([0.5, 1.5]))
    for optimize in (True, False):
        assert_close(grad(f, argnums=(0, 1), optimize=optimize)(*args), numerical_gradients(f, args))
