"""Newton's method in a `while` loop: the root of a cubic, differentiated through the iterations.

JAX takes no part: reverse mode does not go through `lax.while_loop`.
"""

from __future__ import annotations

from revcompile import grad
from tests.benchmarks.peers import AUTOGRAD, TORCH, contest
from tests.benchmarks.timing import Contest


def root(a, b):
    x = b
    error = x * x * x + a * x - b
    while abs(error) > 1e-12:
        x = x - error / (3.0 * x * x + a)
        error = x * x * x + a * x - b
    return x


def by_hand(a, b):
    x = b
    error = x * x * x + a * x - b
    steps = []
    while abs(error) > 1e-12:
        slope = 3.0 * x * x + a
        steps.append((x, error, slope))
        x = x - error / slope
        error = x * x * x + a * x - b
    grad_x, grad_error, grad_a, grad_b = 1.0, 0.0, 0.0, 0.0
    for old, error, slope in reversed(steps):
        grad_a += grad_error * x
        grad_b -= grad_error
        grad_x += grad_error * (3.0 * x * x + a)
        grad_error = -grad_x / slope
        grad_slope = -grad_error * error / slope
        grad_a += grad_slope
        grad_x += grad_slope * 6.0 * old
        x = old
    grad_a += grad_error * x
    grad_b += grad_x + grad_error * (3.0 * x * x + a) - grad_error
    return grad_a, grad_b


def contests() -> list[Contest]:
    args = (2.0, 30.0)
    return [contest("Newton's method, while", root, by_hand, grad(root), args, 2, peers=(AUTOGRAD, TORCH))]
