"""Forward mode against reverse mode, and forward over reverse against differences, on the whole corpus.

Every feature of the language: branches, loops, exits, stores, lists, objects, helpers, recursion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, hvp, jvp, linearize, vjp
from tests.corpus.cases import calls_of
from tests.corpus.differences import copied
from tests.corpus.table import Case
from tests.derivatives.trees import is_tree, tangent_of

# Written through a view of which only the layout of an argument, tested at each call, says that it is one:
# `jvp` takes it, what gives functions does not.
REFUSED = {"views.ravel_of_an_argument", "views.ravel_of_a_transposed_is_a_copy"}
AT_A_STEP = {"traps.where_with_a_singular_side"}  # of a mask: the derivative is that of its side
WHOLE = {"containers.argument_dict_changed"}  # of which an argument is a whole number


def calls() -> list[Any]:
    found = [(case, number) for case, number in calls_of("case") if is_tree(case.inputs[number])]
    return [
        pytest.param(case, number, id=f"{case.name}-{number}", marks=[pytest.mark.fuzz] * (i % 3 != 0))
        for i, (case, number) in enumerate(found)
    ]


def firsts() -> list[Any]:
    return [call for call in calls() if call.values[1] == 0]


def along_random(case: Case, args: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """The value, random tangents, and the derivative in their direction by reverse mode."""
    positions = case.positions(args)
    value, gradients = grad(case.function, argnums=positions).value_and_grad(*copied(args))
    return value, *random_tangents(args, positions, gradients)


@pytest.mark.parametrize(("case", "number"), calls()[::2])
def test_tangents_agree_with_gradients(case: Case, number: int) -> None:
    args = case.inputs[number]
    with np.errstate(all="ignore"):
        value, tangents, product = along_random(case, args)
        found, tangent = jvp(case.function)(copied(args), tangents)
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(value), rtol=1e-12)
    np.testing.assert_allclose(np.squeeze(tangent), product, rtol=1e-9, atol=1e-9)
    assert np.shape(tangent) == np.shape(found)


@pytest.mark.parametrize(("case", "number"), calls()[1::2])
def test_derivatives_at_a_point(case: Case, number: int) -> None:
    """`linearize` computes the function once; what it gives is forward mode, in each direction."""
    args = case.inputs[number]
    with np.errstate(all="ignore"):
        value, tangents, product = along_random(case, args)
        if case.name in REFUSED:
            with pytest.raises(UnsupportedError, match="may share its memory with"):
                linearize(case.function)(*copied(args))
            return
        found, along = linearize(case.function)(*copied(args))
        if case.name in WHOLE:
            with pytest.raises(TypeError, match="is no real number: its tangent is None"):
                along(*tangents)
            return
        for _ in range(2):
            np.testing.assert_allclose(np.squeeze(along(*tangents)), product, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(value), rtol=1e-12)


def random_tangents(
    args: tuple[Any, ...], positions: tuple[int, ...], gradients: Any
) -> tuple[tuple[Any, ...], float]:
    random = np.random.default_rng(1)
    pairs = {p: tangent_of(args[p], g, random) for p, g in zip(positions, gradients, strict=True)}
    tangents = tuple(pairs[i][0] if i in pairs else None for i in range(len(args)))
    return tangents, sum(product for _, product in pairs.values())


@pytest.mark.parametrize(("case", "number"), firsts()[1::2])
def test_pullbacks_give_gradients(case: Case, number: int) -> None:
    args = case.inputs[number]
    positions = case.positions(args)
    with np.errstate(all="ignore"):
        gradients = grad(case.function, argnums=positions)(*copied(args))
        if case.name in REFUSED:
            with pytest.raises(UnsupportedError, match="may share its memory with"):
                vjp(case.function, argnums=positions)(*copied(args))
            return
        value, pullback = vjp(case.function, argnums=positions)(*copied(args))
        np.testing.assert_allclose(np.squeeze(value), np.squeeze(case.function(*copied(args))), rtol=1e-12)
        one = np.ones(np.shape(value)) if np.shape(value) else 1.0
        for factor in (1.0, -2.0):
            found = _flat(pullback(factor * one))
            floats = _floats(args, gradients, positions)
            assert len(found) == len(floats)
            for have, want in zip(found, floats, strict=True):
                assert np.shape(have) == np.shape(want)
                np.testing.assert_allclose(have, factor * want, rtol=1e-10, atol=1e-12)


def _floats(args: tuple[Any, ...], gradients: Any, positions: tuple[int, ...]) -> list[Any]:
    """The gradients of what is a float: whole numbers get none from a pullback."""

    def of(x: Any, gradient: Any) -> list[Any]:
        if isinstance(x, (tuple, list)):
            return [leaf for a, g in zip(x, gradient, strict=True) for leaf in of(a, g)]
        if isinstance(x, dict):
            return [leaf for key in x for leaf in of(x[key], gradient[key])]
        is_float = np.asarray(x).dtype.kind == "f" if x is not None and not isinstance(x, str) else False
        return [np.asarray(gradient, float)] if is_float else []

    return [leaf for p, g in zip(positions, gradients, strict=True) for leaf in of(args[p], g)]


@pytest.mark.parametrize(("case", "number"), firsts()[::3])
def test_hessian_vector_products_agree_with_differences(case: Case, number: int) -> None:
    if case.name in REFUSED | AT_A_STEP:
        pytest.skip("see above")
    args = case.inputs[number]
    positions = case.positions(args)
    gradient = grad(case.function, argnums=positions)
    with np.errstate(all="ignore"):
        here = gradient(*copied(args))
        tangents, _ = random_tangents(args, positions, here)
        vector = tuple(tangents[p] for p in positions)
        expected = []
        for step in (1e-6, -1e-6):
            moved = list(copied(args))
            for p in positions:
                moved[p] = _moved(moved[p], tangents[p], step)
            expected.append(_flat(gradient(*moved)))
        found = _flat(hvp(case.function, argnums=positions)(*copied(args), vector))
    differences = [(a - b) / 2e-6 for a, b in zip(*expected, strict=True)]
    if not all(np.all(np.isfinite(d)) for d in differences):
        pytest.skip("the gradient has no derivative here")
    for product, difference in zip(found, differences, strict=True):
        assert np.shape(product) == np.shape(difference)
        np.testing.assert_allclose(product, difference, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("case", "number"), calls()[3::6])
def test_pullbacks_of_gradients_agree_with_forward_over_reverse(case: Case, number: int) -> None:
    """Reverse mode twice; the Hessian is symmetric."""
    args = case.inputs[number]
    positions = case.positions(args)
    gradient = grad(case.function, argnums=positions)
    with np.errstate(all="ignore"):
        here = gradient(*copied(args))
        tangents, _ = random_tangents(args, positions, here)
        vector = tuple(tangents[p] for p in positions)
        try:
            expected = _flat(hvp(case.function, argnums=positions)(*copied(args), vector))
            found = _flat(vjp(gradient, argnums=positions)(*copied(args))[1](vector))
        except UnsupportedError as e:
            assert case.name in REFUSED and "may share its memory with" in str(e), e
            return
    for product, other in zip(found, expected, strict=True):
        assert np.shape(product) == np.shape(other)
        np.testing.assert_allclose(product, other, rtol=1e-6, atol=1e-6)


def _moved(x: Any, tangent: Any, step: float) -> Any:
    if isinstance(x, (tuple, list)):
        items = [_moved(a, t, step) for a, t in zip(x, tangent, strict=True)]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {k: _moved(v, tangent[k], step) for k, v in x.items()}
    if tangent is None:
        return x
    moved = x + step * tangent
    return moved if isinstance(x, np.ndarray) else float(moved) if type(x) in (int, float) else type(x)(moved)


def _flat(structure: Any) -> list[Any]:
    if isinstance(structure, (tuple, list)):
        return [leaf for item in structure for leaf in _flat(item)]
    if isinstance(structure, dict):
        return [leaf for item in structure.values() for leaf in _flat(item)]
    return [] if structure is None else [np.asarray(structure, float)]
