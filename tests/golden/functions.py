"""The functions whose generated source is kept: numbers and arrays. Each is written as a user would write it."""

from __future__ import annotations

import math

import numpy as np

from revcompile import value_and_grad
from tests.golden.table import CASES, Case, case, real

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
