"""Loops over the elements of arrays, as the programs that they are: read by the front end like a user's."""

from __future__ import annotations

from typing import Any

import numpy as np


def each_element(function: Any, dtype: Any, numbers: Any, arrays: Any) -> Any:
    """What `np.vectorize(function, otypes=[dtype])(*arrays)` gives; it passes `numbers` of Python's.

    Without a dtype, all it gives are floats.
    """
    arrays = np.broadcast_arrays(*arrays)
    flat = [np.ravel(x) for x in arrays]
    if dtype is None and flat[0].shape[0] == 0:
        raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    out = np.empty(flat[0].shape, dtype)
    for i in range(flat[0].shape[0]):
        out[i] = function(*[number(x[i]) for number, x in zip(numbers, flat)])
    return out.reshape(arrays[0].shape)
