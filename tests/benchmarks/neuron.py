"""The lecture's neuron on five floats: what a call costs where nothing else does.

By hand it is written as an expert would for floats: `math.exp`, no array function.
"""

from __future__ import annotations

import math

import numpy as np

from revcompile import grad
from tests.benchmarks.peers import contest
from tests.benchmarks.timing import Contest

POINT = (2.0, -1.0, -3.0, -2.0, -3.0)


def neuron(w0, x0, w1, x1, w2):
    return 1.0 / (1.0 + np.exp(-(w0 * x0 + w1 * x1 + w2)))


def by_hand(w0, x0, w1, x1, w2):
    L = 1.0 / (1.0 + math.exp(-(w0 * x0 + w1 * x1 + w2)))
    grad_s = (1.0 - L) * L
    return grad_s * x0, grad_s * w0, grad_s * x1, grad_s * w1, grad_s


def contests() -> list[Contest]:
    return [contest("neuron, five floats", neuron, by_hand, grad(neuron), POINT, active=5)]
