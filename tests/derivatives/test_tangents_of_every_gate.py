"""Forward mode against reverse mode, on examples of every gate: the same product in another order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad, jvp
from tests.derivatives.trees import tangent_of
from tests.gates.test_every_gate import Case, arguments, every_fourth, program


def chosen(step: int) -> list[Any]:
    """The first examples of every gate, and one in so many of the others."""
    return [case for i, case in enumerate(every_fourth()) if not case.marks or i % step == 0]


@pytest.mark.parametrize("case", chosen(3))
def test_tangents_agree_with_gradients(case: Case) -> None:
    check(case, optimize=True)


@pytest.mark.parametrize("case", chosen(10_000))
def test_tangents_as_textbook(case: Case) -> None:
    check(case, optimize=False)


def check(case: Case, optimize: bool) -> None:
    f, variables, weights = program(case, arguments(case))
    given = (*variables, *weights)
    gradients = grad(f, argnums=tuple(range(len(given))))(*given)
    tangents, product = tangent_of(given, gradients, np.random.default_rng(3))
    before = [np.array(leaf) for leaf in _arrays(given)]
    value, tangent = jvp(f, optimize=optimize)(given, tangents)
    np.testing.assert_allclose(tangent, product, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(value, f(*given), rtol=1e-14 if case[0].composed else 0)
    assert np.shape(tangent) == ()
    for leaf, kept in zip(_arrays(given), before, strict=True):
        np.testing.assert_array_equal(leaf, kept)


@pytest.mark.parametrize("case", chosen(10_000)[::3])
def test_tangents_are_linear(case: Case) -> None:
    f, variables, weights = program(case, arguments(case))
    given = (*variables, *weights)
    gradients = grad(f, argnums=tuple(range(len(given))))(*given)
    random = np.random.default_rng(4)
    first, _ = tangent_of(given, gradients, random)
    second, _ = tangent_of(given, gradients, random)
    along = jvp(f)
    both = _combined(first, second)
    expected = 2.0 * along(given, first)[1] - 3.0 * along(given, second)[1]
    np.testing.assert_allclose(along(given, both)[1], expected, rtol=1e-9, atol=1e-9)


def _combined(a: Any, b: Any) -> Any:
    if isinstance(a, (tuple, list)):
        return type(a)(_combined(x, y) for x, y in zip(a, b, strict=True))
    return None if a is None else 2.0 * a - 3.0 * b


def _arrays(structure: Any) -> list[np.ndarray]:
    if isinstance(structure, (tuple, list)):
        return [leaf for item in structure for leaf in _arrays(item)]
    return [structure] if isinstance(structure, np.ndarray) else []
