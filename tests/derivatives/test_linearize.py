"""`linearize`: the function is computed once, and each direction reads what is kept of that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from revcompile import jvp, linearize

X = np.array([0.5, -0.3, 0.8, 0.1])


def straight(x: Any, w: Any) -> Any:
    h = np.tanh(w * x)
    return np.sum(h * h)


def loop(x: Any, w: Any) -> Any:
    for i in range(5):
        x = x - 0.1 * np.sin(w * x) * i
    return x


def branch_and_while(x: Any, w: Any) -> Any:
    y = np.exp(x) * w if np.sum(x) > 0 else x * w
    k = 0
    while np.sum(y) > 1 and k < 20:
        y = y * np.cos(0.1 * y) * 0.7
        k += 1
    return y, w * k


def stores(x: Any, w: Any) -> Any:
    u = x.copy()
    for t in range(4):
        u[1:-1] = u[1:-1] * u[:-2] + np.sin(u[2:]) * w
        if t > 1 and u[0] > 0:
            break
    return np.sum(u * u)


def early(x: Any, w: Any) -> Any:
    for i in range(9):
        x = x * np.cos(w * x)
        if np.max(np.abs(x)) < 0.3:
            return x * i
    return x * w


def small(x: Any) -> Any:
    return np.sin(x) * x


class Model:
    def __init__(self, w: Any) -> None:
        self.w = w

    def step(self, x: Any) -> Any:
        self.w = self.w * 0.9
        return small(x) * self.w


def lists(x: Any, w: Any) -> Any:
    model, out = Model(w), []
    for _ in range(3):
        x = model.step(x)
        if x[0] > 0.2:
            continue
        out.append(np.sum(x))
    return {"a": np.array(out), "b": (x, 3)}


def nested(x: Any, w: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s = s + math.sin(x[i] * x[j]) * w if x[i] > x[j] else s * 0.9
    return s


def halving(x: Any, w: Any) -> Any:
    return x * w if np.sum(x * x) < 0.01 else halving(0.5 * x, w) + np.sin(x)


def same(x: Any, w: Any) -> Any:
    return x, np.array([1.0, 2.0]), w, None


PROGRAMS = [straight, loop, branch_and_while, stores, early, lists, nested, halving, same]


def flat(tree: Any) -> Any:
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, tuple):
        return np.concatenate([flat(item) for item in tree])
    return np.zeros(0) if tree is None or type(tree) is int else np.ravel(tree)


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("program", PROGRAMS)
def test_directions(program: Any, optimize: bool) -> None:
    at, along = linearize(program, optimize=optimize), jvp(program)
    for x, w in ((X, 1.3), (-X, 0.7), (np.abs(X[:3]), 1.1)):
        value, f_jvp = at(x, w)
        np.testing.assert_allclose(flat(value), flat(program(x, w)), rtol=1e-13)
        for t, u in ((np.cos(x), 0.7), (x * x, -1.0), (np.cos(x), None), (None, 1.0)):
            tangent = f_jvp(t, u)
            np.testing.assert_allclose(flat(tangent), flat(along((x, w), (t, u))[1]), rtol=1e-11, atol=1e-13)
            t, u, h = 0.0 if t is None else t, u or 0.0, 1e-6
            up, down = flat(program(x + h * t, w + h * u)), flat(program(x - h * t, w - h * u))
            np.testing.assert_allclose(flat(tangent), (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kinds(dtype: Any) -> None:
    x = X.astype(dtype)
    value, f_jvp = linearize(loop, x, dtype(1.3))
    tangent = f_jvp(x, dtype(1.0))
    assert value.dtype == tangent.dtype == dtype
    tangent[:] = 0.0
    assert np.any(f_jvp(x, 1.0))


@pytest.mark.parametrize("program", [straight, loop, branch_and_while, stores, lists])
def test_nothing_of_the_function_is_computed_again(program: Any) -> None:
    text = linearize(program).source_for(X, 1.3)
    direction = text[text.index("def tangent_") :]
    direction = direction[: direction.index("\n\n")]
    assert not any(word in direction for word in (".sin(", ".cos(", ".tanh(", ".exp(", "while "))


TEXT = """\
def forward_pendulum(x, v):
    # forward pass
    saved_s0 = []
    for _ in range(9):
        s0 = np.cos(x)                    # sin gate
        saved_s0.append(s0)
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
    x = x.copy()
    return x, saved_s0


def tangent_pendulum(tangent_x, tangent_v, saved):
    # tangent pass
    for s0 in saved:
        tangent_v = tangent_v - 0.1 * (tangent_x * s0)  # sin, mul, sub gates
        tangent_x = tangent_x + 0.1 * tangent_v  # mul, add gates
    tangent_x = tangent_x.copy()
    return tangent_x


def linear_pendulum(x, v):
    s0, saved_pendulum = forward_pendulum(x, v)
    return s0, ((True, True), True, tangent_pendulum, saved_pendulum)
"""


def pendulum(x: Any, v: Any) -> Any:
    for _ in range(9):
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
    return x


def test_text() -> None:
    text = linearize(pendulum).source_for(X, X)
    assert text[text.index("def forward_") :] == TEXT
