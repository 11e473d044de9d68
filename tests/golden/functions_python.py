"""The functions whose generated source is kept: the rest of Python, loops and stores, helpers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.golden.table import case, real

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


@case(real(8), 0.5, 50, argnums=("u", "k"), checkpoint=10)
def long_wave(u, k, steps):
    v = np.zeros_like(u)
    for _ in range(steps):
        v[1:-1] += 0.1 * np.sin(k * (u[:-2] - 2.0 * u[1:-1] + u[2:]))
        u = u + 0.1 * v
    return np.sum(u**2)


@case(real(4), 0.9, argnums=("x", "rate"), checkpoint=5)
def long_search(x, rate):
    for i in range(1_000):
        slope = np.sin(x) + 0.1 * x
        if slope @ slope < 1e-6:
            break
        x = x - rate * slope / (1.0 + i)
    return np.sum(x * x)


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
