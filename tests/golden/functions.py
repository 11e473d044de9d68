"""The functions whose generated source is kept. Each is written as a user would write it.

`CASES` maps a golden file's name to the call whose source it holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from revcompile import grad, value_and_grad


@dataclass(frozen=True)
class Case:
    """A function, the arguments that it is specialised for, and how its gradient is made."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    transform: Callable[..., Any] = grad

    def compiled(self) -> Any:
        return self.transform(self.function, **self.options)

    def text(self) -> str:
        return str(self.compiled().source_for(*self.args))


CASES: dict[str, Case] = {}


def case(
    *args: Any, transform: Callable[..., Any] = grad, name: str = "", **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under its own name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CASES[name or function.__name__] = Case(function, args, options, transform)
        return function

    return register


def real(*shape: int, dtype: Any = float) -> Any:
    """An array of that shape: the same numbers in every process."""
    return np.sin(1.0 + np.arange(math.prod(shape))).reshape(shape).astype(dtype)


# -- numbers -------------------------------------------------------------------------------------


@case(2.0, -1.0, -3.0, -2.0, -3.0)
@case(2.0, -1.0, -3.0, -2.0, -3.0, optimize=False, name="neuron_textbook")
def neuron(w0, x0, w1, x1, w2):
    return 1.0 / (1.0 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


@case(-2.0, 5.0, -4.0)
def circuit(x, y, z):
    return (x + y) * z


@case(3.0, -4.0, 2.0, -1.0)
@case(3.0, -4.0, 2.0, -1.0, optimize=False, name="gates_textbook")
def gates(x, y, z, w):
    return 2.0 * (x * y + max(z, w))


@case(1.5)
def used_twice(x):
    a = np.sin(x)
    return a * x + a


@case(0.3, 0.2)
def value_and_gradient(x, y):
    return x * np.exp(-x * x - y * y)


CASES["value_and_gradient"] = Case(CASES["value_and_gradient"].function, (0.3, 0.2), {}, value_and_grad)


@case(0.7, 1.0)
def leaky_relu_branch(x, slope):
    if x > 0:
        y = x
    else:
        y = slope * x
    return y * y


@case(0.7, 1.0)
def early_return(x, y):
    if x < y:
        return x * y
    z = x - y
    return z * z


def square(x):
    return x * x


def distance(x, y, scale=1.0):
    return math.sqrt(square(x) + square(y)) / scale


@case(0.7, 1.0)
def helper_calls(x, y):
    return distance(x, y) + distance(y, 1.0, scale=2.0)


def halved(x):
    if x < 1.0:
        return x * x
    return halved(0.5 * x) + x


@case(3.0)
def recursion(x):
    return halved(x) * x


def sine(k, t):
    return np.exp(-k * t) * np.sin(t)


def quadrature(k, a, b, tolerance):
    middle = 0.5 * (a + b)
    ends, inside = sine(k, a) + sine(k, b), sine(k, middle)
    coarse = 0.5 * (b - a) * ends
    fine = (b - a) * (ends + 4.0 * inside) / 6.0
    if abs(fine - coarse) < tolerance:
        return fine
    return quadrature(k, a, middle, 0.5 * tolerance) + quadrature(k, middle, b, 0.5 * tolerance)


@case(0.7, 0.2, 2.0)
def adaptive_quadrature(k, a, b):
    return quadrature(k, a, b, 1e-3)


# -- the lecture's arrays ------------------------------------------------------------------------


@case(real(2, 2), real(2))
def vector_loss(W, x):
    q = W @ x
    return np.sum(q**2)


@case(real(8, 5), real(5, 3), real(3))
def minibatch(X, W, b):
    Y = X @ W + b
    return np.sum(np.tanh(Y))


LABELS = np.array([0, 2, 1, 2, 0, 1, 1, 0])


@case(real(8, 5), real(5, 3), real(3), LABELS, 1e-3, argnums=("W", "b"))
def softmax_regression(X, W, b, labels, strength):
    scores = X @ W + b
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    data_loss = -np.mean(log_p[np.arange(len(labels)), labels])
    return data_loss + strength * np.sum(W * W)


@case(real(8, 5), real(5, 3), LABELS, argnums="W")
def softmax_probabilities(X, W, labels):
    scores = X @ W
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


@case(real(8, 5), real(5, 3), LABELS, 1e-3, argnums="W")
def hinge_loss(X, W, labels, strength):
    rows = np.arange(X.shape[0])
    scores = X @ W
    correct = scores[rows, labels]
    margins = np.maximum(0, scores - correct[:, None] + 1.0)
    margins_sum = np.sum(margins) - len(labels)
    return margins_sum / len(labels) + strength * np.sum(W**2)


PARAMS = {"W1": real(5, 4), "b1": real(4), "W2": real(4, 3), "b2": real(3)}


@case(PARAMS, real(8, 5), real(8, 3), argnums="params")
def two_layers(params, X, target):
    hidden = np.maximum(0, X @ params["W1"] + params["b1"])
    out = hidden @ params["W2"] + params["b2"]
    return np.mean((out - target) ** 2)


SMALL = [
    (real(5, 4, dtype=np.float32), real(4, dtype=np.float32)),
    (real(4, 1, dtype=np.float32), real(1, dtype=np.float32)),
]


@case(SMALL, real(8, 5, dtype=np.float32), real(8, 1, dtype=np.float32), argnums="layers")
def float32_network(layers, X, target):
    (W1, b1), (W2, b2) = layers
    h = np.tanh(X @ W1 + b1)
    y = np.tanh(h @ W2 + b2)
    return np.sum((y - target) ** 2) / len(X)


# -- activations ---------------------------------------------------------------------------------


@case(real(6))
def sigmoid_activation(x):
    return np.sum(1 / (1 + np.exp(-x)))


@case(real(6))
def relu_activation(x):
    return np.sum(np.maximum(0, x) ** 2)


@case(real(6), argnums="x")
def leaky_relu_where(x, slope=0.01):
    y = np.where(x > 0, x, slope * x)
    return np.sum(y * y)


@case(real(6))
def elu(x):
    y = np.where(x > 0, x, np.exp(x) - 1.0)
    return np.sum(y**2)


@case(real(6), real(4, 6), real(4), real(4, 6), real(4))
def maxout(x, W1, b1, W2, b2):
    return np.sum(np.maximum(W1 @ x + b1, W2 @ x + b2))


# -- broadcasting, reductions, indexing ----------------------------------------------------------


@case(1.5 + real(4, 3), 1.5 + real(3), real(4, 1))
def broadcast_quotient(x, y, z):
    return np.sum(x / y + x**z)


@case(real(4, 3), real(3), 2.0)
def broadcast_maximum(x, y, p):
    return np.mean(np.maximum(x, y) ** 3) * p


@case(real(4, 3))
def standardised(x):
    centred = x - np.mean(x, axis=0)
    scaled = centred / np.std(x, axis=0)
    return np.sum(scaled**3)


@case(real(4, 3, 2))
def reductions(x):
    return np.max(np.sum(x**2, axis=(0, 2)) + np.mean(x, axis=2).min(axis=0))


@case(real(10))
def differences(x):
    d = x[1:] - x[:-1]
    return np.sum(d * d) + x[0] ** 2


@case(real(6, 6))
def laplacian(u):
    centre = u[1:-1, 1:-1]
    around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
    return np.sum((around - 4.0 * centre) ** 2)


@case(real(7, 3), np.array([0, 2, 2, 5]), argnums="table")
def embedding(table, words):
    return np.sum(np.tanh(table[words]))


@case(real(10))
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


# -- the rest of Python --------------------------------------------------------------------------

TEMPERATURE = 0.5
TARGET = real(6)


@case(real(6))
def free_names(x):
    return np.sum(np.exp((x - TARGET) / TEMPERATURE))


class Gaussian(NamedTuple):
    mean: float
    log_scale: float


@case(Gaussian(0.1, -0.2), real(20), argnums=0)
def negative_log_likelihood(q, data):
    z = (data - q.mean) / np.exp(q.log_scale)
    return 0.5 * np.sum(z**2) + len(data) * q.log_scale


@case(real(6), real(6), has_aux=True, argnums=0)
def with_aux(x, y):
    residual = x - y
    return residual @ residual, residual


@case(real(4, 3), real(3, 5), real(5))
def contraction(A, B, c):
    return np.einsum("ij,jk,k->i", A, B, c).sum()


@case(real(5), real(5))
def cosine_similarity(a, b):
    return (a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


@case(real(20))
def log_sum_exp(x):
    return np.log(np.sum(np.exp(x)))


# -- loops and stores ----------------------------------------------------------------------------


@case(real(12), 5, argnums="u")
def smooth(u, steps):
    for t in range(steps):
        u[1:-1] = 0.5 * (u[:-2] + u[2:])
    return np.sum(u**2)


@case(real(12), 0.1, 5, argnums="u")
def burgers(u, c, steps):
    for t in range(steps):
        u[1:] = u[1:] - c * u[1:] * (u[1:] - u[:-1])
    return np.sum(u**2)


@case(0.5, real(8))
def prefix_recurrence(w, x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = w * y[i - 1] + x[i]
    return np.sum(y**2)


@case(real(8), real(8))
def dot_product(x, y):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * y[i]
    return s


@case(0.9, 6, argnums="x")
def horner(x, n):
    y = 1.0
    for k in range(n):
        y = y * x + k
    return y


@case(2.0)
def newton_root(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


@case(0.1, 0.5, 0.01, 20, argnums=("x0", "k"))
def damped_pendulum(x0, k, dt, steps):
    x = x0
    v = 0.0
    for _ in range(steps):
        v = v - dt * (np.sin(x) + k * v)
        x = x + dt * v
    return x * x + v * v


@case(real(6, 3), real(4, 4), real(3, 4), real(4))
def rnn(xs, W, U, b):
    h = np.zeros(4)
    for x in xs:
        h[:] = np.tanh(h @ W + x @ U + b)
    return np.sum(h**2)


@case(real(6))
def masked_store(x):
    y = x * x
    y[x < 0] = 0.0
    return np.sum(y * x)


@case(real(7, 3), np.array([[0, 2], [2, 5], [1, 6]]), argnums="table")
def gather_in_a_loop(table, sentences):
    total = 0.0
    for words in sentences:
        total += np.sum(np.tanh(np.sum(table[words], axis=0)))
    return total


@case(4, real(6, 6), real(6, 6), argnums=("A", "B"))
def jacobi_2d(TSTEPS, A, B):
    for t in range(1, TSTEPS):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
    return np.sum(A**2)


@case(real(3, 4), real(4, 2))
def product_by_loops(A, B):
    C = np.zeros((A.shape[0], B.shape[1]))
    for i in range(A.shape[0]):
        for j in range(B.shape[1]):
            for k in range(A.shape[1]):
                C[i, j] += A[i, k] * B[k, j]
    return np.sum(C**2)


@case(real(5), 4, argnums="x")
def growing_list(x, n):
    terms = []
    for i in range(n):
        x = np.sin(x)
        terms.append(np.sum(x**2))
    return sum(terms) / len(terms)


@case(real(8), argnums="x")
def if_in_a_loop(x):
    total = 0.0
    for v in x:
        if v > 0:
            total += v**2
        else:
            total -= np.exp(v)
    return total


@case(real(8), 0.5, argnums="x")
def break_in_a_loop(x, limit):
    total = 1.0
    for v in x:
        total = total * (1.0 + v * v)
        if total > limit:
            break
    return total


@case(real(8), 0.5, argnums="x")
def return_from_a_loop(x, limit):
    total = 0.0
    for v in x:
        total += v * v
        if total > limit:
            return np.sqrt(total)
    return total


class Adam:
    def __init__(self, size, rate):
        self.m = np.zeros(size)
        self.v = np.zeros(size)
        self.rate = rate

    def step(self, w, g):
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.99 * self.v + 0.01 * g**2
        return w - self.rate * self.m / (np.sqrt(self.v) + 1e-8)


@case(real(4), 0.1)
def object_with_attributes(w, rate):
    adam = Adam(len(w), rate)
    for _ in range(5):
        w = adam.step(w, 2.0 * w)
    return np.sum(w**2)


def scale_rows(A, factors):
    for i in range(len(A)):
        A[i] *= factors[i]


@case(real(3, 4), real(3))
def helper_that_writes(A, factors):
    scale_rows(A, factors)
    return np.sum(A**2)


def gated_layer(x, W, b):
    z = x @ W + b
    gate = 1.0 / (1.0 + np.exp(-z))
    mean = np.mean(gate * z, axis=1, keepdims=True)
    centred = gate * z - mean
    return centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)


@case(real(5, 4), real(4, 4), real(4), real(4, 4), real(4), argnums=("W0", "b0", "W1", "b1"))
def layers_as_pairs(X, W0, b0, W1, b1):
    h = gated_layer(X, W0, b0)
    h = gated_layer(h, W1, b1)
    return np.sum(h**2)


def lstm_step(x, h, c, U, W, b):
    z = U @ x + W @ h + b
    gates = 1.0 / (1.0 + np.exp(-z))
    c = gates[0] * c + gates[1] * np.tanh(z[3])
    return gates[2] * np.tanh(c), c


@case(real(6, 2), real(4, 5, 2), real(4, 5, 5), real(4, 5), argnums=("U", "W", "b"))
def lstm_cells(xs, U, W, b):
    h = c = np.zeros(W.shape[1])
    for x in xs:
        h, c = lstm_step(x, h, c, U, W, b)
    return np.sum(h**2)


@case(real(10, 3), real(3), 0.1, argnums="w")
def gradient_descent(X, w, rate):
    for _ in range(10):
        w -= rate * X.T @ np.tanh(X @ w)
    return np.sum(w**2)


@case(real(4, 4) + 4.0 * np.eye(4))
def cholesky_logdet(A):
    n = len(A)
    for j in range(n):
        A[j, j] = np.sqrt(A[j, j] - A[j, :j] @ A[j, :j])
        for i in range(j + 1, n):
            A[i, j] = (A[i, j] - A[i, :j] @ A[j, :j]) / A[j, j]
    return 2.0 * np.sum(np.log(np.diag(A)))
