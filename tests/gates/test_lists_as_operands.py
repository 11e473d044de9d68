"""Lists among the operands of functions that take any number of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad

CALLS: dict[str, Callable[[Any], Any]] = {
    "two lists": lambda x: np.einsum("i,i", [x, 1.0], [x, 2.0]),
    "a list and an array": lambda x: np.einsum("i,i", [x, 1.0], np.ones(2)),
    "a constant list": lambda x: np.einsum("i,i", [1.0, 1.0], np.ones(2) * x),
    "rows": lambda x: np.einsum("ij,j->i", [[x, 1.0], [2.0, x]], (x, 2.0))[0],
    "one": lambda x: np.einsum("i->", [x, x]),
    "a sum": lambda x: np.einsum("i,j->ij", [x], [1.0, x]).sum(),
    "in a branch": lambda x: np.einsum("i,i", [x, 1.0], [x, 2.0]) if x > 0.0 else x,
    "in a sum": lambda x: sum(np.einsum("i,i", [x, k], [x, 2.0]) for k in (1.0, 2.0)),
    "meshgrid": lambda x: np.meshgrid([x, 1.0], [2.0, x])[0].sum(),
    "broadcast_arrays": lambda x: np.broadcast_arrays([x, 1.0], [[2.0], [x]])[1].sum(),
}


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("optimize", [True, False])
def test_is_the_array_of_its_items(what: str, optimize: bool) -> None:
    f = CALLS[what]
    gradient = grad(f, optimize=optimize)
    for x in (1.3, 0.4):
        expected = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
        assert gradient(x) == pytest.approx(expected, rel=1e-8)
