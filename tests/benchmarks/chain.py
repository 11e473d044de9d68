"""Ten elementwise operations in a chain, then a sum: from one element to a million.

By hand: one formula a line, with the algebra that an expert does on the way. `in_place` is the same written
for memory traffic, with `out=` and in-place operators throughout: the most that NumPy gives untiled.
"""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import HAND, OURS, contest
from tests.benchmarks.timing import Contender, Contest

SIZES = (1, 100, 10_000, 1_000_000)


def chain(x):
    a = np.sin(x)
    b = a * x
    c = b + 2.0
    d = np.log(c)
    e = np.tanh(d)
    g = e * e
    h = g - x
    k = np.exp(h)
    m = np.sqrt(k)
    n = m * 0.5
    return np.sum(n)


def by_hand(x):
    a = np.sin(x)
    c = a * x + 2.0
    e = np.tanh(np.log(c))
    k = np.exp(e * e - x)
    # backward pass
    grad_h = 0.25 / np.sqrt(k) * k
    grad_c = 2.0 * grad_h * e * (1.0 - e * e) / c
    return grad_c * (a + x * np.cos(x)) - grad_h


def in_place(x):
    a = np.sin(x)
    c = a * x
    c += 2.0
    e = np.log(c)
    np.tanh(e, out=e)
    k = e * e
    k -= x
    np.exp(k, out=k)
    # backward pass: sum and times 0.5, sqrt, exp
    grad_h = np.sqrt(k)
    np.divide(0.25, grad_h, out=grad_h)
    grad_h *= k
    # square, tanh, log
    grad_b = grad_h * e
    grad_b *= 2.0
    e *= e
    np.subtract(1.0, e, out=e)
    grad_b *= e
    grad_b /= c
    # times x and sin; minus x
    a += x * np.cos(x)
    a *= grad_b
    a -= grad_h
    return a


def contests() -> list[Contest]:
    rng = np.random.default_rng(0)
    made = []
    for size in SIZES:
        x = rng.uniform(-2.0, 2.0, size)
        rounds = 15 if size <= 10_000 else 9
        title = f"10-op chain, n = {size:,}"
        made.append(contest(title, chain, by_hand, grad(chain), (x,), active=1, rounds=rounds))
        if size >= 10_000:
            contenders = [Contender(HAND, in_place, (x,)), Contender(OURS, grad(chain), (x,))]
            made.append(Contest("  by hand in place", contenders, rounds))
    return made
