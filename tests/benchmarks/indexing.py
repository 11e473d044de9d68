"""An array read element by element in a loop: a gradient must take time in proportion to its length.

The gradient of `x[i]` is an array that is zero but for one element. Whoever forms it at each trip, as a
tape does, takes quadratic time; so autograd takes part in the first contest only.
"""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import AUTOGRAD, contest
from tests.benchmarks.timing import Contest

SIZES = (1_000, 10_000, 100_000)


def neighbours(x, w):
    total = 0.0
    for i in range(1, len(x)):
        total = total + w[i] * x[i] * x[i - 1]
    return total


def by_hand(x, w):
    """The loop, kept: what vectorising makes of it is another program."""
    grad_x, grad_w = np.zeros_like(x), np.zeros_like(w)
    for i in range(len(x) - 1, 0, -1):
        here, before = x[i], x[i - 1]
        grad_w[i] = here * before
        grad_x[i] += w[i] * before
        grad_x[i - 1] += w[i] * here
    return grad_x, grad_w


def contests() -> list[Contest]:
    rng = np.random.default_rng(0)
    made = []
    for size in SIZES:
        args = tuple(rng.standard_normal((2, size)))
        peers = (AUTOGRAD,) if size == SIZES[0] else ()
        title = f"indexing in a loop, n = {size:,}"
        made.append(contest(title, neighbours, by_hand, grad(neighbours), args, 2, rounds=9, peers=peers))
    return made
