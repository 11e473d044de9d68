"""Compiling four times as long a program takes about four times the work, and gives four times the text.

Work is counted in calls of Python's functions, which no clock disturbs; there is some that is done once only.
"""

from __future__ import annotations

import pytest

from tests.benchmarks.growth import SHAPES, work

FEW, MANY = 4, 16
LINEAR = 1.2 * MANY / FEW
FLAT = [name for name, shape in SHAPES.items() if shape.most > 10]
# How much more work it is to compile loops that are nested twice as deep: 2.0 were proportional.
SHALLOW, DEEP = 3, 6
NESTED = {"nested loops": 2.8, "nested loops, stores": 2.2, "nested loops, lists": 3.2}


@pytest.mark.parametrize("name", FLAT)
def test_work_grows_with_the_length_of_the_program(name: str) -> None:
    shape = SHAPES[name]
    work(shape, FEW)  # what is made once in a process
    (calls, lines), (more_calls, more_lines) = work(shape, FEW), work(shape, MANY)
    assert more_calls <= LINEAR * calls
    assert more_lines <= LINEAR * lines


@pytest.mark.parametrize("name", NESTED)
def test_work_grows_with_the_depth_of_loops(name: str) -> None:
    shape = SHAPES[name]
    work(shape, 2)
    (calls, lines), (more_calls, more_lines) = work(shape, SHALLOW), work(shape, DEEP)
    assert more_calls <= NESTED[name] * calls
    assert more_lines <= 1.2 * DEEP / SHALLOW * lines
