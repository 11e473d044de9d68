"""A local formula is read into a tree of gates: it gives what Python makes of the text, times the upstream gradient."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile.autodiff.formulas import Part, Step, times_upstream
from revcompile.gates.table import TABLE

FORMULAS = sorted({f for gate in TABLE.values() for f in (gate.locals or {}).values()})
NAMES = {"x": 0.3, "y": 0.7, "a": 1.7, "b": 0.6, "grad_y": -1.3}


def value(part: Part) -> float:
    if isinstance(part, Step):
        assert part.function in TABLE
        return float(part.function(*map(value, part.parts)))
    return NAMES[part] if isinstance(part, str) else part


@pytest.mark.parametrize("formula", FORMULAS)
def test_tree_is_the_formula_times_the_upstream_gradient(formula: str) -> None:
    tree, local = times_upstream(formula), float(eval(formula, {"np": np, **NAMES}))
    assert (0.0 if tree is None else value(tree)) == pytest.approx(NAMES["grad_y"] * local, rel=1e-14)
