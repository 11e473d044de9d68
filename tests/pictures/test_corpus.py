"""Circuits of calls of the corpus: the wires against the call's own gradients and against differences."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from revcompile.syntax.stack import deep_stack
from revcompile.transforms.circuit import Circuit
from revcompile.transforms.picture import MOST, Picture
from tests.corpus.cases import Case
from tests.corpus.differences import copied
from tests.corpus.table import calls_of
from tests.pictures.judge import MERMAID, check, check_inputs, probed

CALLS = calls_of("case")[::3]


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
