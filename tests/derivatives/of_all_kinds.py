"""Forty functions of all kinds of the language, each with two sets of arguments, to apply every operator to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from revcompile import checkpoint, grad, on_gradient, stop_gradient

RNG = np.random.default_rng(20)
X, Z = RNG.uniform(0.3, 1.2, (2, 4))
W, V = RNG.normal(size=(2, 3, 4))
S, T = RNG.normal(size=(2, 3, 3))


@dataclass
class Case:
    """A function, two sets of its arguments, and which of these are differentiated."""

    f: Callable[..., Any]
    inputs: tuple[tuple[Any, ...], ...]
    argnums: tuple[int, ...]
    elementwise: bool = False

    @property
    def name(self) -> str:
        return self.f.__name__


CASES: list[Case] = []


def case(*inputs: tuple[Any, ...], argnums: tuple[int, ...] = (0,), elementwise: bool = False) -> Any:
    def note(f: Callable[..., Any]) -> Callable[..., Any]:
        CASES.append(Case(f, inputs, argnums, elementwise))
        return f

    return note


# -- straight lines ------------------------------------------------------------------------------


@case((0.3, 1.5), (-0.7, 0.4), argnums=(0, 1))
def numbers(x, y):
    return math.exp(x * y) + math.sin(x) / y


@case((X, W), (Z, V), argnums=(0, 1))
def layer(x, w):
    h = np.tanh(w @ x)
    return h * np.sum(x)


@case((X,), (Z,), elementwise=True)
def element_by_element(x):
    return np.log1p(x * x) / (1.0 + np.exp(-x))


@case((X, 2.0), (Z, 3.0), argnums=(0, 1), elementwise=True)
def broadcast(x, a):
    return x**a + a * np.sqrt(x)


@case((S,), (T,))
def matrices(s):
    a = s @ s.T + 3.0 * np.eye(3)
    return np.linalg.slogdet(a)[1] + np.trace(np.linalg.inv(a))


@case((X.astype(np.float32),), (Z.astype(np.float32),))
def narrow(x):
    h = x / np.float32(2.0) + 1
    return h * np.mean(h * h)


@case((X, 3), (Z, 2))
def whole_numbers(x, n):
    return x**n / n + x[n % 4] * np.arange(4) // 2


@case((X,), (Z,))
def gathers(x):
    return x[[0, 0, 3]] * x[1:] + x[::-1][:3]


# -- branches ------------------------------------------------------------------------------------


@case((X,), (X - 2.0,))
def branches(x):
    if np.sum(x) > 0.0:
        y = np.sin(x)
    elif x[0] > 5.0:
        y = x
    else:
        y = x * x
        y[0] = y[1] ** 3
    return y * x[1]


@case((0.4, X), (1.7, Z), argnums=(0, 1))
def early_returns(a, x):
    if a > 1.0:
        return x * a
    y = x * x
    if y[0] < 0.0:
        return y
    return y / (a + np.sum(x))


@case((X - 0.7,), (Z - 0.6,), elementwise=True)
def selects(x):
    return np.where(x > 0.0, x * np.abs(x), np.maximum(x, -0.2) * 2.0 * x)


@case((X,), (-Z,))
def conditional_expressions(x):
    s = x[0] * x[1] if x[0] > 0.0 and x[1] > 0.0 else x[0] - x[1]
    return s * s * x


# -- loops ---------------------------------------------------------------------------------------


@case((X, 0.3), (Z, 0.2), argnums=(0, 1))
def loop(x, rate):
    for i in range(5):
        x = x - rate * np.sin(x) * (i + 1)
    return x


@case((X,), (Z,))
def loop_over_elements(x):
    total = 0.0
    for i, v in enumerate(x):
        total = total * v + i * v * v
    return total


@case((W,), (V,))
def nested_loops(w):
    out = np.zeros(3)
    for i in range(3):
        for j in range(i + 1):
            out[i] += w[i, j] * out[j - 1] + w[j, i] ** 2
    return out


@case((2.5,), (0.7,))
def newton(a):
    x = 1.0
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x * a


@case((X, 1.0), (Z, 2.0), argnums=(0, 1))
def until(x, limit):
    n = 0
    while np.sum(x * x) < 10.0 * limit:
        x = x * (1.3 + 0.01 * n)
        n += 1
        if n == 6:
            break
    return x / limit


@case((X,), (Z,))
def skips(x):
    y = np.zeros_like(x)
    for i in range(4):
        if i == 1:
            continue
        y[i] = x[i] ** 3 * x[i - 1]
    else:
        y[1] = np.prod(x)
    return y


@case((X, 0.9), (Z, 0.1), argnums=(0, 1))
def returns_from_a_loop(x, a):
    for v in x:
        a = a + v * v
        if a > 1.6:
            return a * x
    return a - x


# -- stores --------------------------------------------------------------------------------------


@case((X, W), (Z, V), argnums=(0, 1))
def stores(x, w):
    y = w @ x
    y *= 2.0
    y[1:] += x[:2] ** 2
    y[0] = y[1] * y[2]
    return y


@case((X,), (Z,))
def writes_into_its_argument(x):
    for t in range(3):
        x[1:-1] = 0.5 * (x[:-2] + x[2:]) * x[1:-1]
    return x * x


@case((X - 0.7,), (Z - 0.7,))
def masked_stores(x):
    y = x.copy()
    y[x < 0.0] *= 0.1 * x[0]
    np.add.at(y, [0, 0, 2], x[1:] ** 2)
    return y


@case((W,), (V,))
def views(w):
    a = w.copy()
    row = a[1]
    row[:2] = np.exp(a[0, :2])
    a.T[0] *= 2.0
    return a[:, :2]


# -- containers ----------------------------------------------------------------------------------


@case((X, W), (Z, V), argnums=(0, 1))
def grown_list(x, w):
    rows = []
    for row in w:
        if row[0] > -5.0:
            rows.append(np.sum(row * x) ** 2)
    return np.array(rows)


@case((X, np.array([0, 0, 1, 1])), (Z, np.array([0, 1, 0, 3])))
def tree_of_lists(x, parents):
    places = [np.sin(x)]
    for parent in parents:
        places.append(places[parent] * x + places[-1] / 2.0)
    return places[-1]


@case((X,), (Z,))
def comprehension(x):
    shifted = x[1:]
    pairs = [(a * b, a + b) for a, b in zip(x, shifted, strict=False)]
    return np.array([p * np.cos(s) for p, s in pairs])


@case(({"w": W, "b": 0.5}, X), ({"w": V, "b": -0.5}, Z), argnums=(0, 1))
def dicts(params, x):
    h = np.tanh(params["w"] @ x + params["b"])
    return {"h": h, "loss": np.sum(h**2)}


@case(((X, [W, 0.3]),), ((Z, [V, 0.7]),))
def tuples_and_lists(tree):
    x, (w, b) = tree
    return w @ x * b, [b * b, x]


class Body(NamedTuple):
    place: Any
    speed: Any


@case((Body(X[:2], Z[:2]), 0.1), (Body(Z[2:], X[2:]), 0.2), argnums=(0, 1))
def named_tuples(body, dt):
    for _ in range(4):
        pull = -body.place / np.sum(body.place**2) ** 1.5
        body = Body(body.place + dt * body.speed, body.speed + dt * pull)
    return body


# -- functions -----------------------------------------------------------------------------------


def scaled(v, by=2.0):
    return v * by


def normalised(v):
    total = 0.0
    for i in range(len(v)):
        total = total + v[i] ** 2
    if total > 100.0:
        return v
    out = v / np.sqrt(total)
    return scaled(out, total)


@case((X, W), (Z, V), argnums=(0, 1))
def helpers(x, w):
    return normalised(w @ normalised(x)) + scaled(x[:3])


@case((0.8, 2.2), (5.1, 1.4), argnums=(0, 1))
def recursion(x, a):
    def folded(v, n):
        return v if n == 0 else np.sin(folded(v * a, n - 1)) + v

    return folded(x, 3)


@case((X,), (Z,))
def closures(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * v
        return lambda u: u * total

    last = [add(v) for v in x][-1]
    return last(x)


class Layer:
    def __init__(self, w: Any) -> None:
        self.w, self.calls = w, 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return np.tanh(self.w @ x) * self.calls

    @property
    def size(self) -> Any:
        return np.sum(self.w**2)


@case((X, W), (Z, V), argnums=(0, 1))
def objects(x, w):
    one = Layer(w)
    return one(x) * one(x[::-1]) / one.size


@case((X,), (Z,))
def functional(x):
    steps = [np.sin, lambda v: v * v, np.exp]
    return reduce(lambda v, step: step(v), steps, x) * sum(map(np.square, x))


@checkpoint
def step(x, k):
    return x + 0.1 * np.sin(k * x) * x


@case((X, 2.0), (Z, 3.0), argnums=(0, 1))
def checkpointed(x, k):
    for _ in range(4):
        x = step(x, k)
    return x


# -- derivatives and data ------------------------------------------------------------------------


@case((X,), (Z,))
def gradient_inside(x):
    return x * grad(lambda v: np.sum(v**3) * v[0])(x)


@case((X,), (Z,))
def constants_and_hooks(x):
    y = on_gradient(x * stop_gradient(np.round(np.max(x))), lambda g: g)
    return y * y


@case((X, W), (Z, V), argnums=(0, 1))
def reductions(x, w):
    m = np.max(w, axis=1) - np.min(x)
    return m * np.std(x) + np.cumsum(np.sort(w[:, 0])) + np.prod(w, axis=1)


@case((X, S), (Z, T), argnums=(0, 1))
def products(x, s):
    y = np.einsum("ij,kj->ik", s, s) @ x[:3]
    return np.outer(y, x) + np.concatenate([s, s[:, :1]], axis=1)


@case((X, W, 1e-3), (Z, V, 0.1))
def masked_and_scaled(x, w, eps):
    scores = w * x - np.max(w * x, axis=1, keepdims=True)
    soft = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    return np.log(soft[:, 0] + eps) * x[:3]
