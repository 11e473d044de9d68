"""Every gate's rule, differentiated: one walk over the table, as in tests/gates/test_every_gate.py.

Every rule daily on its first example and on every fourth one; on the others with `pytest -m fuzz`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.gates.test_every_gate import _accepts, cases, program
from tests.support.oracle import float_leaves, numerical_gradients
from tests.support.program import make

TEXT = """
def total(structure, weights):
    if isinstance(structure, (tuple, list)):
        return sum([total(s, w) for s, w in zip(structure, weights)])
    return np.sum(structure * weights)

def g(VARIABLES):
    return total(gradient(VARIABLES), weights)
"""


def weights_for(gradients: Any, random: np.random.Generator) -> Any:
    if isinstance(gradients, (tuple, list)):
        return type(gradients)(weights_for(g, random) for g in gradients)
    return np.round(random.uniform(-1, 1, np.shape(gradients)), 3) if np.shape(gradients) else 0.7


def daily_and_others() -> Iterator[Any]:
    count: Counter[str] = Counter()
    for case in cases():
        gate = case.values[0][0].name
        yield pytest.param(*case.values, id=case.id, marks=[pytest.mark.fuzz] * (count[gate] % 4 != 0))
        count[gate] += 1


@pytest.mark.parametrize("case", list(daily_and_others()))
def test_the_gradient_of_the_gradient(case: Any) -> None:
    _, function, example = case
    args = example.draw(np.random.default_rng(0))
    if not _accepts(function, args, example):
        pytest.skip("this spelling of the gate does not take the example")
    f, variables = program(case, args)
    which = tuple(range(len(variables)))
    gradient = grad(f, argnums=which)
    weights = weights_for(gradient(*variables), np.random.default_rng(1))
    names = ", ".join(f"x{i}" for i in which)
    g = make(TEXT.replace("VARIABLES", names), "g", gradient=gradient, weights=weights)
    try:
        again = grad(g, argnums=which)(*variables)
    except UnsupportedError as e:
        pytest.xfail(str(e))
    expected = numerical_gradients(g, variables)
    for found, numbers in zip(float_leaves(again), expected, strict=True):
        np.testing.assert_allclose(found, numbers, rtol=1e-4, atol=1e-5)
