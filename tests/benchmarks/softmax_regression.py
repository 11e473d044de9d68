"""Softmax regression on a minibatch: 128 examples, 64 features, 10 classes."""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import contest, installed
from tests.benchmarks.timing import Contest


def loss(W, b, X, y):
    scores = X @ W + b
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(X.shape[0]), y])


def torch_loss(W, b, X, y):
    """As a PyTorch user writes it."""
    return installed("torch").nn.functional.cross_entropy(X @ W + b, y)


def by_hand(W, b, X, y):
    scores = X @ W
    scores += b
    scores -= scores.max(axis=1, keepdims=True)
    p = np.exp(scores, out=scores)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(X.shape[0]), y] -= 1.0
    p /= X.shape[0]
    return X.T @ p, p.sum(axis=0)


def data() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    W, b = 0.1 * rng.standard_normal((64, 10)), np.zeros(10)
    return W, b, rng.standard_normal((128, 64)), rng.integers(0, 10, 128)


def contests() -> list[Contest]:
    ours = grad(loss, argnums=(0, 1))
    return [
        contest("softmax regression, 128×64×10", loss, by_hand, ours, data(), 2, torch_function=torch_loss)
    ]
