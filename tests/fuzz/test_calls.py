"""Random programs of a few statements, of all that NumPy has; `python -m tests.fuzz --kind calls` runs them for hours."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.calls.forms import FORMS, STATEMENTS
from tests.fuzz.calls.grow import generate
from tests.fuzz.imperative import batch

EVERYDAY, BATCH, BATCHES = 6, 50, 3
MAY_BE_REFUSED = 0.2


def check(report: batch.Report) -> None:
    wrong = [
        batch.told(seeds[0], *batch.smallest(seeds[0], kind="calls")) for seeds in report.failures.values()
    ]
    assert not wrong, "\n\n".join(wrong)
    assert report.outcomes["refused"] <= max(3, MAY_BE_REFUSED * report.programs), report.refusals


def test_programs_are_made_of_many_forms() -> None:
    names = {word for forms in (*FORMS.values(), STATEMENTS) for form in forms for word in _functions(form)}
    texts = "\n".join(generate(random.Random(seed)).text for seed in range(300))
    drawn = {name for name in names if name in texts}
    assert len(names) > 200 and len(drawn) > 0.8 * len(names)
    assert all(
        word in texts for word in ("for ", "while ", "if ", "else:", "break", "continue", "def h(", "append")
    )


def _functions(form: str) -> list[str]:
    return [word for word in form.replace("(", " ").replace("<<", " ").split() if word.startswith("np.")]


@pytest.mark.parametrize("first", range(0, EVERYDAY, 3))
def test_random_programs(first: int) -> None:
    check(batch.run(range(first, first + 3), kind="calls"))


@pytest.mark.fuzz
@pytest.mark.parametrize("first", range(10_020, 10_020 + BATCH * BATCHES, BATCH))
def test_many_random_programs(first: int) -> None:
    check(batch.run(range(first, first + BATCH), kind="calls"))
