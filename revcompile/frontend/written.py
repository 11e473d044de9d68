"""Calls that write into an array, written in Python: the compiler reads them like the program's own.

Their names may stand in generated text, so they say what things are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.compositions import as_array, as_places


def flat_index(places: Any, shape: Any) -> Any:
    """The index of places that are counted in C order."""
    return places if len(shape) == 1 else np.unravel_index(places, shape)


def put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    """Places are counted in C order; numbers begin again where there are too few."""
    places = np.ravel(ind if as_array(ind).dtype.kind in "iu" else as_places(ind))
    if mode == "clip":
        places = np.clip(places, 0, a.size - 1)
    elif mode == "wrap":
        places = np.mod(places, a.size)
    elif a.ndim != 1:
        places = np.where(places < 0, places + a.size, places)
    numbers = np.ravel(v)
    a[flat_index(places, a.shape)] = numbers if numbers.size == 1 else np.resize(numbers, places.size)


def place(arr: Any, mask: Any, vals: Any) -> None:
    """The numbers in turn, one for each place, and again from the first."""
    chosen = np.flatnonzero(mask)
    arr[flat_index(chosen, arr.shape)] = np.resize(vals, chosen.size)


def putmask(a: Any, mask: Any, values: Any) -> None:
    """Each place has its own number: with fewer of them, they begin again."""
    chosen = np.flatnonzero(mask)
    a[flat_index(chosen, a.shape)] = np.ravel(values)[chosen % np.size(values)]


def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    if axis is None:
        arr[flat_index(np.ravel(indices), arr.shape)] = values
        return
    axis = axis % arr.ndim
    places = [
        indices if i == axis else np.reshape(np.arange(n), (-1,) + (1,) * (arr.ndim - 1 - i))
        for i, n in enumerate(arr.shape)
    ]
    arr[places[0] if arr.ndim == 1 else tuple(places)] = values


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Also of arrays of more axes, all of one length; `wrap`: again further down in a high matrix."""
    rows, columns = a.shape[:2]
    if a.ndim > 2:
        index = np.arange(rows)
        a[(index,) * a.ndim] = val if np.size(val) == 1 else np.resize(val, rows)
        return
    places = np.arange(0, a.size if wrap else min(rows, columns) * columns, columns + 1)
    numbers = np.ravel(val)
    a[flat_index(places, a.shape)] = val if numbers.size == 1 else np.resize(numbers, places.size)


def at(ufunc: Any, a: Any, indices: Any, b: Any) -> None:
    """One place after the other: one that is named twice is computed twice."""
    index = indices if isinstance(indices, tuple) else (indices,)
    places = [as_array(i) for i in np.broadcast_arrays(*index)]
    shape = places[0].shape + a.shape[len(index) :]
    numbers = np.reshape(np.broadcast_to(np.array(b), shape), (-1, *a.shape[len(index) :]))
    flat = [np.ravel(i) for i in places]
    for j in range(flat[0].size):
        one = tuple([i[j] for i in flat]) if len(flat) > 1 else flat[0][j]
        a[one] = ufunc(a[one], numbers[j])


def at_each(ufunc: Any, a: Any, indices: Any) -> None:
    """A ufunc of one operand, at each place."""
    index = indices if isinstance(indices, tuple) else (indices,)
    flat = [np.ravel(i) for i in np.broadcast_arrays(*index)]
    for j in range(flat[0].size):
        one = tuple([i[j] for i in flat]) if len(flat) > 1 else flat[0][j]
        a[one] = ufunc(a[one])
