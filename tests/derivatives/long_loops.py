"""Loops of every form, for `checkpoint=`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile import stop_gradient

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
KEEPS_NOTHING = {reads_its_list, linear}  # what their backward passes read is there
CANNOT = {history}  # each state would be all that it has filled
OF_STATES = [p for p in PROGRAMS if p not in KEEPS_NOTHING | CANNOT]
ARGUMENTS = [(X, 1.3, 11), (-X, 0.7, 30), (0.5 * X, 1.1, 1), (X[::-1].copy(), 1.3, 0), (X, 1.3, 4)]
