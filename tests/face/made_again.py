"""What the tests of functions that are made again share."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad, value_and_grad

FORMS = [pytest.param(grad, True, id="grad"), pytest.param(value_and_grad, False, id="textbook")]
X = np.array([0.5, -1.5, 2.0])


def gradient(answer, transform):
    return answer[1] if transform is value_and_grad else answer


class Model:
    scale = 2.0

    def __init__(self, k):
        self.k, self.act = k, lambda y: y * k

    def term(self, y):
        return self.k * y * y * self.scale

    def loss(self, x):
        return np.sum(self.term(x)) + np.sum(self.act(x))


def difference(f, x):
    steps = 1e-6 * np.eye(x.size)
    return np.array([(f(x + h) - f(x - h)) / 2e-6 for h in steps])
