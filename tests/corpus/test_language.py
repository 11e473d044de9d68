"""The corpus: one feature of the language a function, each gradient against differences of the function.

The functions stand in the modules `cases_*`, `table.py` says how they are registered. Each runs optimised
and as textbook, on several inputs, and the caller's arrays are compared before and after every call.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.corpus.cases import CASES, Case, calls_of
from tests.corpus.differences import Differences, assert_gradient, assert_unchanged, copied, leaves

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def each(*kinds: str) -> Any:
    calls = calls_of(*kinds)
    return pytest.mark.parametrize(
        ("case", "number"), calls, ids=[f"{case.name}-{number}" for case, number in calls]
    )


@functools.lru_cache(maxsize=8)
def gradient_of(case: Case, optimize: bool, argnums: tuple[int, ...]) -> Any:
    """One gradient function for all inputs of a case, which stand together: it has to tell them apart."""
    return grad(case.function, argnums=argnums, optimize=optimize)


@functools.lru_cache(maxsize=8)
def differences_of(case: Case, number: int) -> Differences:
    args = case.inputs[number]
    return Differences(case.function, args, case.positions(args))


def check(case: Case, number: int, optimize: bool) -> None:
    """Value and gradients are right, their storage is their own, and the arguments are left alone."""
    args = case.inputs[number]
    positions = case.positions(args)
    gradient = gradient_of(case, optimize, positions)
    expected = differences_of(case, number)
    given = copied(args)
    with np.errstate(all="ignore"):
        value, gradients = gradient.value_and_grad(*given)
        assert_unchanged(given, args)
        alone = gradient(*given) if optimize and number == 0 else gradients
    assert_unchanged(given, args)
    np.testing.assert_allclose(np.squeeze(value), expected.value, rtol=1e-12, atol=1e-12)
    for found in (gradients, alone):
        assert type(found) is tuple and len(found) == len(positions)
        for position, part in zip(positions, found):
            assert_gradient(args[position], part, expected.gradients, (position,), expected.value)
        assert_own_storage(found, given)


def assert_own_storage(gradients: Any, args: Any) -> None:
    """Gradients can be written, and share no memory with each other or with the arguments."""
    mine = [leaf for _, leaf in leaves(gradients) if isinstance(leaf, np.ndarray)]
    theirs = [leaf for _, leaf in leaves(args) if isinstance(leaf, np.ndarray)]
    for i, gradient in enumerate(mine):
        assert gradient.flags.writeable
        assert not any(np.shares_memory(gradient, other) for other in (*mine[:i], *theirs))


@FORMS
@each("case")
def test_gradient(case: Case, number: int, optimize: bool) -> None:
    check(case, number, optimize)


@FORMS
@each("refused")
def test_refused(case: Case, number: int, optimize: bool) -> None:
    args = case.inputs[number]
    with pytest.raises(UnsupportedError) as refusal:
        gradient_of(case, optimize, case.positions(args))(*copied(args))
    assert case.says and refusal.value.reason == case.says
    place = refusal.value.place
    assert place is not None and place.text[place.start : place.end].strip() == case.at


@FORMS
@each("raising")
@pytest.mark.parametrize("with_value", [False, True], ids=["grad", "value_and_grad"])
def test_raises_what_the_function_raises(case: Case, number: int, optimize: bool, with_value: bool) -> None:
    args = case.inputs[number]
    with np.errstate(all="ignore"), pytest.raises(Exception) as primal:
        case.function(*copied(args))
    gradient = gradient_of(case, optimize, case.positions(args))
    given = copied(args)
    private = primal.type.__module__.startswith(
        "numpy._core"
    )  # as NumPy's casting errors, which are TypeErrors
    with np.errstate(all="ignore"), pytest.raises(TypeError if private else primal.type) as caught:
        (gradient.value_and_grad if with_value else gradient)(*given)
    assert not isinstance(caught.value, UnsupportedError), f"refused: {caught.value}"
    assert_unchanged(given, args)


@each("case")
def test_differences_can_be_relied_upon(case: Case, number: int) -> None:
    """Away from kinks and jumps: two steps agree, and so do the slopes to the left and to the right."""
    found = differences_of(case, number)
    assert np.isfinite(found.value)
    assert all(np.all(np.isfinite(gradient)) for gradient in found.gradients.values())
    assert found.doubt < 1e-2


def test_the_corpus_is_large_enough() -> None:
    assert sum(case.kind == "case" for case in CASES.values()) >= 200
