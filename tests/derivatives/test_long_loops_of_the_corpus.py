"""`checkpoint=` on the corpus: every function with a loop has the gradients that it has without."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest

import tests.corpus.test_language  # noqa: F401
from revcompile import UnsupportedError, value_and_grad
from tests.corpus.table import CASES, Case

MAY_REFUSE = ("draws random numbers", "which may have effects", "checkpoint= cannot keep some states only")
LOOPS = [
    case
    for case in CASES.values()
    if case.kind == "case" and any(word in inspect.getsource(case.function) for word in (" for ", " while "))
]


def assert_alike(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, (tuple, list)):
        for x, y in zip(a, b, strict=True):
            assert_alike(x, y)
    elif isinstance(a, dict):
        assert_alike([*a.items()], [*b.items()])
    elif isinstance(a, (float, np.ndarray, np.generic)):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    elif hasattr(a, "__dict__"):
        assert_alike(vars(a), vars(b))


@pytest.mark.parametrize("case", LOOPS, ids=lambda case: case.name)
@pytest.mark.filterwarnings("ignore")
def test_gradients_are_the_same(case: Case) -> None:
    for args in case.inputs:
        options = {"argnums": case.positions(args)}
        if not options["argnums"]:
            continue
        try:
            expected = value_and_grad(case.function, **options)(*copy.deepcopy(args))
        except Exception:
            continue  # what is to be said of that is said in the corpus
        for slots, optimize in ((2, True), (1, False)):
            again = value_and_grad(case.function, **options, optimize=optimize, checkpoint=slots)
            try:
                assert_alike(again(*copy.deepcopy(args)), expected)
            except UnsupportedError as e:
                assert any(words in e.reason for words in MAY_REFUSE), e
                return
