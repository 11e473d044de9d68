"""What a call adds: gradients so small that the call is most of them, against plain functions."""

from __future__ import annotations

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import HAND, OURS
from tests.benchmarks.timing import Contender, Contest


def square(x):
    return x * x


def square_by_hand(x):
    return 2.0 * x


def five(a, b, c, d, e):
    return a * b + c * d + e


def five_by_hand(a, b, c, d, e):
    return b, a, d, c, 1.0


def square_sum(x):
    return np.sum(x * x)


def square_sum_by_hand(x):
    return 2.0 * x


def five_sum(a, b, c, d, e):
    return np.sum(a * b + c * d + e * e)


def five_sum_by_hand(a, b, c, d, e):
    return b.copy(), a.copy(), d.copy(), c.copy(), 2.0 * e


def contests() -> list[Contest]:
    arrays = tuple(np.random.default_rng(0).standard_normal((5, 4)))
    made = []
    for title, function, by_hand, args in (
        ("call, 1 float", square, square_by_hand, (3.0,)),
        ("call, 5 floats", five, five_by_hand, (1.0, 2.0, 3.0, 4.0, 5.0)),
        ("call, 1 array of 4", square_sum, square_sum_by_hand, arrays[:1]),
        ("call, 5 arrays of 4", five_sum, five_sum_by_hand, arrays),
    ):
        made.append(Contest(title, [Contender(HAND, by_hand, args), Contender(OURS, grad(function), args)]))
    return made
