"""Compiling four times as long a program takes about four times the work, and gives four times the text.

Work is counted in calls of Python's functions, which no clock disturbs; there is some that is done once only.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.growth import SHAPES, work

FEW, MANY = 4, 16
LINEAR = 1.2 * MANY / FEW
# What grows faster today: work where branches are nested, lines where their sides leave a loop.
WORK = {"nested ifs": 5.2, "returns": 5.2}
LINES = {"breaks": 6.0, "continues": 6.0}
FLAT = [name for name, shape in SHAPES.items() if shape.most > 10]


@pytest.mark.parametrize("name", FLAT)
def test_work_grows_with_the_length_of_the_program(name: str) -> None:
    shape = SHAPES[name]
    work(shape, FEW)  # what is made once in a process
    (calls, lines), (more_calls, more_lines) = work(shape, FEW), work(shape, MANY)
    assert more_calls <= WORK.get(name, LINEAR) * calls
    assert more_lines <= LINES.get(name, LINEAR) * lines
