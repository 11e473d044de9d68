"""A scalar ordinary differential equation: a thousand Euler steps of Van der Pol's oscillator.

Nothing but arithmetic on floats, so every operation that a framework records or dispatches shows.
"""

from __future__ import annotations

from revcompile import grad
from tests.benchmarks.peers import contest, installed
from tests.benchmarks.timing import Contest


def oscillator(x, v, mu):
    for _ in range(1000):
        a = mu * (1.0 - x * x) * v - x
        x = x + 0.01 * v
        v = v + 0.01 * a
    return x * x + v * v


def jax_oscillator(x, v, mu):
    """As a JAX user writes it: a Python loop would be unrolled into a thousand steps of program."""

    def step(_, state):
        x, v = state
        a = mu * (1.0 - x * x) * v - x
        return x + 0.01 * v, v + 0.01 * a

    x, v = installed("jax").lax.fori_loop(0, 1000, step, (x, v))
    return x * x + v * v


def by_hand(x, v, mu):
    states = []
    for _ in range(1000):
        states.append((x, v))
        a = mu * (1.0 - x * x) * v - x
        x = x + 0.01 * v
        v = v + 0.01 * a
    grad_x, grad_v, grad_mu = 2.0 * x, 2.0 * v, 0.0
    for x, v in reversed(states):
        grad_a = 0.01 * grad_v
        damping = 1.0 - x * x
        grad_mu += grad_a * damping * v
        grad_v += 0.01 * grad_x + grad_a * mu * damping
        grad_x -= grad_a * (2.0 * mu * x * v + 1.0)
    return grad_x, grad_v, grad_mu


def contests() -> list[Contest]:
    args = (0.5, 0.0, 1.5)
    ours = grad(oscillator)
    return [
        contest("ODE, 1000 scalar steps", oscillator, by_hand, ours, args, 3, jax_function=jax_oscillator)
    ]
