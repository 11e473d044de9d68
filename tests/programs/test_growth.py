"""Compiling four times as long a program takes about four times the work, and gives four times the text.

Work is counted in calls of Python's functions, which no clock disturbs; there is some that is done once only.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.growth import SHAPES, work

FEW, MANY = 4, 16
LINEAR = 1.2 * MANY / FEW
# What grows faster today, and how much.
KNOWN: dict[str, float] = {
    "elif": 6.0, "nested ifs": 7.0, "returns": 7.0, "breaks": 8.0, "continues": 8.0, "many lists": 8.0,
}  # fmt: skip
FLAT = [name for name, shape in SHAPES.items() if shape.most > 10]


@pytest.mark.parametrize("name", FLAT)
def test_work_grows_with_the_length_of_the_program(name: str) -> None:
    shape = SHAPES[name]
    work(shape, FEW)  # what is made once in a process
    (calls, lines), (more_calls, more_lines) = work(shape, FEW), work(shape, MANY)
    assert more_calls <= KNOWN.get(name, LINEAR) * calls
    if name not in KNOWN:
        assert more_lines <= LINEAR * lines
