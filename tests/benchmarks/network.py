"""A two-layer network with ReLU and a squared error: 128 examples, 64 -> 100 -> 10."""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import contest, installed
from tests.benchmarks.timing import Contest


def loss(W1, b1, W2, b2, X, Y):
    hidden = np.maximum(X @ W1 + b1, 0)
    error = hidden @ W2 + b2 - Y
    return np.mean(error**2)


def torch_loss(W1, b1, W2, b2, X, Y):
    """As a PyTorch user writes it."""
    hidden = installed("torch").relu(X @ W1 + b1)
    return ((hidden @ W2 + b2 - Y) ** 2).mean()


def by_hand(W1, b1, W2, b2, X, Y):
    hidden = X @ W1
    hidden += b1
    np.maximum(hidden, 0, out=hidden)
    error = hidden @ W2
    error += b2
    error -= Y
    error *= 2.0 / error.size
    grad_hidden = error @ W2.T
    grad_hidden *= hidden > 0
    return X.T @ grad_hidden, grad_hidden.sum(axis=0), hidden.T @ error, error.sum(axis=0)


def data() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    W1, b1 = 0.1 * rng.standard_normal((64, 100)), 0.1 * rng.standard_normal(100)
    W2, b2 = 0.1 * rng.standard_normal((100, 10)), np.zeros(10)
    return W1, b1, W2, b2, rng.standard_normal((128, 64)), rng.standard_normal((128, 10))


def contests() -> list[Contest]:
    ours = grad(loss, argnums=(0, 1, 2, 3))
    return [
        contest("two-layer network, 64-100-10", loss, by_hand, ours, data(), 4, torch_function=torch_loss)
    ]
