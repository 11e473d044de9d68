"""Programs of many domains as their authors write them: right in every element, in both texts, and in forward mode."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from revcompile import grad, jvp
from tests.programs import real
from tests.support.oracle import assert_close, assert_same_kind, float_leaves, numerical_gradients

Program = Callable[..., Any]


def programs() -> Iterator[Any]:
    for room in pkgutil.iter_modules(real.__path__):
        for f, args, argnums in importlib.import_module(f"{real.__name__}.{room.name}").CASES:
            yield pytest.param(f, args, argnums, id=f.__name__)


def of_some(f: Program, args: tuple[Any, ...], argnums: tuple[int, ...]) -> Program:
    """`f` as a function of those arguments alone, which leaves all of them as they are."""

    def of(*some: Any) -> Any:
        given = list(deepcopy(args))
        for i, value in zip(argnums, deepcopy(some), strict=True):
            given[i] = value
        return f(*given)

    return of


@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize(("f", "args", "argnums"), list(programs()))
def test_gradients(f: Program, args: tuple[Any, ...], argnums: tuple[int, ...], optimize: bool) -> None:
    expected = numerical_gradients(of_some(f, args, argnums), tuple(args[i] for i in argnums), step=1e-5)
    given = deepcopy(args)
    found = grad(f, argnums=argnums, optimize=optimize)(*given)
    assert_close(found, expected, rtol=2e-5, atol=2e-6 * max(np.max(np.abs(e)) for e in expected))
    for gradient, leaf in zip(
        float_leaves(found), float_leaves(tuple(args[i] for i in argnums)), strict=True
    ):
        assert_same_kind(gradient, leaf)
    for now, before in zip(float_leaves(given), float_leaves(args), strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize(("f", "args", "argnums"), list(programs()))
def test_tangents(f: Program, args: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
    gradients = float_leaves(grad(f, argnums=argnums)(*args))
    random = np.random.default_rng(7)

    def drawn(x: Any) -> Any:
        if isinstance(x, dict):
            return {name: drawn(item) for name, item in x.items()}
        if isinstance(x, (list, tuple)):
            return type(x)(map(drawn, x))
        return random.normal(size=np.shape(x)) if np.ndim(x) else float(random.normal())

    tangents = tuple(drawn(x) if i in argnums else None for i, x in enumerate(args))
    _, along = jvp(f, args, tangents)
    products = [np.sum(g * t) for g, t in zip(gradients, float_leaves(tangents), strict=True)]
    assert along == pytest.approx(sum(products), rel=1e-8)
