"""A recurrent network over 100 steps, its state updated in place: batch 16, 8 inputs, 32 units, 4 outputs.

By hand twice. `by_hand` keeps the loop as it is written and spends nothing on it: states in one array,
`out=` and in-place operators throughout. `batched` is what an expert makes of the mathematics: whatever does
not wait for the previous step becomes one large product before or after the loop.
"""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import HAND, OURS, contest, installed
from tests.benchmarks.timing import Contender, Contest


def loss(Wx, Wh, b, Wy, h0, X, Y):
    h = h0.copy()
    total = 0.0
    for t in range(X.shape[0]):
        h[:] = np.tanh(X[t] @ Wx + h @ Wh + b)
        total += np.sum((h @ Wy - Y[t]) ** 2)
    return total


def pure_loss(Wx, Wh, b, Wy, h0, X, Y):
    """Without the store: the peers have none, or (PyTorch) refuse it, as `h @ Wh` saved what it overwrites."""
    h = h0
    total = 0.0
    for t in range(X.shape[0]):
        h = np.tanh(X[t] @ Wx + h @ Wh + b)
        total = total + np.sum((h @ Wy - Y[t]) ** 2)
    return total


def jax_loss(Wx, Wh, b, Wy, h0, X, Y):
    """As a JAX user writes it."""
    np = installed("jax.numpy")

    def step(h, pair):
        x, y = pair
        h = np.tanh(x @ Wx + h @ Wh + b)
        return h, np.sum((h @ Wy - y) ** 2)

    _, losses = installed("jax").lax.scan(step, h0, (X, Y))
    return np.sum(losses)


def by_hand(Wx, Wh, b, Wy, h0, X, Y):
    steps = X.shape[0]
    states = np.empty((steps + 1, *h0.shape))
    states[0] = h0
    errors = np.empty_like(Y)
    for t in range(steps):
        h = np.matmul(states[t], Wh, out=states[t + 1])
        h += X[t] @ Wx
        h += b
        np.tanh(h, out=h)
        error = np.matmul(h, Wy, out=errors[t])
        error -= Y[t]
        error *= 2.0
    grad_Wx, grad_Wh, grad_b, grad_Wy = (np.zeros_like(w) for w in (Wx, Wh, b, Wy))
    grad_h = np.zeros_like(h0)
    for t in range(steps - 1, -1, -1):
        h, error = states[t + 1], errors[t]
        grad_Wy += h.T @ error
        grad_h += error @ Wy.T
        grad_s = h * h
        np.subtract(1.0, grad_s, out=grad_s)
        grad_s *= grad_h
        grad_b += np.add.reduce(grad_s, 0)
        grad_Wx += X[t].T @ grad_s
        grad_Wh += states[t].T @ grad_s
        np.matmul(grad_s, Wh.T, out=grad_h)
    return grad_Wx, grad_Wh, grad_b, grad_Wy, grad_h


def batched(Wx, Wh, b, Wy, h0, X, Y):
    steps, units = X.shape[0], Wh.shape[0]
    states = np.empty((steps + 1, *h0.shape))
    states[0] = h0
    np.matmul(X.reshape(-1, X.shape[2]), Wx, out=states[1:].reshape(-1, units))
    states[1:] += b
    for t in range(steps):
        h = states[t + 1]
        h += states[t] @ Wh
        np.tanh(h, out=h)
    rows = states[1:].reshape(-1, units)
    errors = rows @ Wy
    errors -= Y.reshape(errors.shape)
    errors *= 2.0
    grad_states = (errors @ Wy.T).reshape(states[1:].shape)
    slopes = np.subtract(1.0, states[1:] ** 2)
    grad_h = np.zeros_like(h0)
    Wh_T = np.ascontiguousarray(Wh.T)
    for t in range(steps - 1, -1, -1):
        grad_s = grad_states[t]
        grad_s += grad_h
        grad_s *= slopes[t]
        np.matmul(grad_s, Wh_T, out=grad_h)
    grad_S = grad_states.reshape(-1, units)
    return (
        X.reshape(-1, X.shape[2]).T @ grad_S,
        states[:-1].reshape(-1, units).T @ grad_S,
        grad_S.sum(axis=0),
        rows.T @ errors,
        grad_h,
    )


def data() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    Wx, Wh = 0.3 * rng.standard_normal((8, 32)), 0.15 * rng.standard_normal((32, 32))
    b, Wy = 0.1 * rng.standard_normal(32), 0.2 * rng.standard_normal((32, 4))
    h0 = 0.1 * rng.standard_normal((16, 32))
    return Wx, Wh, b, Wy, h0, rng.standard_normal((100, 16, 8)), rng.standard_normal((100, 16, 4))


def contests() -> list[Contest]:
    ours, args = grad(loss, argnums=(0, 1, 2, 3, 4)), data()
    against_peers = contest(
        "RNN, 100 steps in place",
        loss,
        by_hand,
        ours,
        args,
        5,
        pure_function=pure_loss,
        jax_function=jax_loss,
    )
    return [
        against_peers,
        Contest("  by hand, batched", [Contender(HAND, batched, args), Contender(OURS, ours, args)]),
    ]
