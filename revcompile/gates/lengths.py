"""The length of an axis and the number of elements, as run-time integers. No gradient."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from revcompile.gates.numbers import POSITIVE, Numbers
from revcompile.gates.table import known


def length(x: Any, axis: int) -> int:
    """Stands for `x.shape[axis]`."""
    return int(np.shape(x)[axis])


def size_of(x: Any) -> int:
    """Stands for `x.size`."""
    return int(np.size(x))


COUNT = Numbers(sign=POSITIVE)  # what is divided by, an array without elements apart
known(length, written="x.shape[axis]", of_shape=True, numbers=COUNT)
known(size_of, written="x.size", of_shape=True, numbers=COUNT)


def counts(start: Any, stop: Any, step: Any) -> bool | tuple[Any, ...] | None:
    """Whether a range has an item: True, what to compare, or None if it has none or nothing is known."""
    if type(step) is not int or step == 0:
        return None
    if type(start) is int and type(stop) is int:
        return True if range(start, stop, step) else None
    return (operator.gt if step > 0 else operator.lt), stop, start
