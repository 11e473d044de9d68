"""Circuits of calls of the corpus: the wires against the call's own gradients and against differences."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from revcompile import grad
from revcompile.syntax.stack import deep_stack
from revcompile.transforms.circuit import Circuit
from revcompile.transforms.operators import told_tangents
from revcompile.transforms.picture import MOST, Picture
from tests.corpus.cases import Case
from tests.corpus.differences import copied
from tests.corpus.table import calls_of
from tests.derivatives.test_tangents_of_the_corpus import REFUSED, random_tangents
from tests.derivatives.trees import is_tree
from tests.pictures.judge import MERMAID, check, check_inputs, check_tangents, probed

CALLS = calls_of("case")[::3]
MOVED = [(case, n) for case, n in CALLS if is_tree(case.inputs[n]) and case.name not in REFUSED][::2]


@pytest.mark.parametrize(("case", "number"), CALLS, ids=[f"{case.name}-{number}" for case, number in CALLS])
def test_functions_of_the_corpus(case: Case, number: int) -> None:
    args = case.inputs[number]
    positions = case.positions(args)
    probe, (value, gradients) = probed(case.function, copied(args), positions)
    with deep_stack():
        circuit, picture = Circuit(probe), Picture(probe)
    names = list(inspect.signature(case.function).parameters)
    check_inputs(circuit, [names[min(i, len(names) - 1)] for i in positions], gradients)
    for wire in circuit.results:
        np.testing.assert_allclose(np.squeeze(wire.number), np.squeeze(value), rtol=1e-12)
    check(circuit)
    assert all(MERMAID.fullmatch(line) for line in picture.mermaid.splitlines()), picture.mermaid
    assert picture.dot.count("shape=box") + picture.dot.count("shape=circle") <= MOST


@pytest.mark.parametrize(("case", "number"), MOVED, ids=[f"{case.name}-{number}" for case, number in MOVED])
def test_tangents_of_the_corpus(case: Case, number: int) -> None:
    args = case.inputs[number]
    positions = case.positions(args)
    with np.errstate(all="ignore"):
        gradients = grad(case.function, argnums=positions)(*copied(args))
        tangents, product = random_tangents(args, positions, gradients)
        probe = told_tangents(case.function, copied(args), tangents)
        with deep_stack():
            circuit, picture = Circuit(probe), Picture(probe)
        (wire,) = circuit.results
        tangent = 0.0 if wire.gradient is None else wire.gradient
        np.testing.assert_allclose(np.squeeze(tangent), product, rtol=1e-9, atol=1e-9)
        check_tangents(circuit)
    assert all(MERMAID.fullmatch(line) for line in picture.mermaid.splitlines()), picture.mermaid
