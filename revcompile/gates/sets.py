"""Arrays as sets: the elements that occur, sorted. They are elements of what is given, so gradients go there.

Imports NumPy, the compositions and, for where each element occurs first, the run-time helper.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.axes import Dims, dims_of
from revcompile.gates.compositions import as_array
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, known
from revcompile.ir.lengths import Facts
from revcompile.runtime import places_of_unique

known(np.isin, np.array_equiv, np.lexsort, np.bitwise_count)


def places_dims(facts: Facts, a: Any, axis: Any = None) -> tuple[Dims, Dims, Dims]:
    n, dims = facts.fresh(), dims_of(facts, a)
    return (n,), dims if axis is None else (dims[axis],), (n,)


known(places_of_unique, dims=places_dims)

ONE = [example(real(4)), example(real(2, 3))]
ROWS = [example(real(3, 2), axis=0), example(real(2, 3), axis=-1)]
TWO = [example(real(3), real(2))]


@composed(np.unique, examples=[*ONE, *ROWS])
def unique(
    ar: Any, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False,
    axis: Any = None, *, equal_nan: bool = True, sorted: bool = True,
) -> Any:  # fmt: skip
    ar = as_array(ar)
    if not equal_nan:
        raise UnsupportedError("np.unique is differentiated without equal_nan=False")
    if axis is not None and ar.ndim > 1:
        places = places_of_unique(ar, axis)
        found = np.take(ar, places[0], axis)
    else:
        places = places_of_unique(ar)
        found = np.ravel(ar)[places[0]]
    wanted = (return_index, return_inverse, return_counts)
    more = [part for part, want in zip(places, wanted) if want]
    return (found, *more) if more else found


@composed(np.unique_values, examples=ONE[:1])
def unique_values(x: Any) -> Any:
    return np.unique(x)


UniqueAll = type(np.unique_all(np.zeros(1)))
UniqueCounts = type(np.unique_counts(np.zeros(1)))
UniqueInverse = type(np.unique_inverse(np.zeros(1)))


@composed(np.unique_all, examples=ONE[:1])
def unique_all(x: Any) -> Any:
    return UniqueAll(*np.unique(x, True, True, True))


@composed(np.unique_counts, examples=ONE[:1])
def unique_counts(x: Any) -> Any:
    return UniqueCounts(*np.unique(x, return_counts=True))


@composed(np.unique_inverse, examples=ONE[:1])
def unique_inverse(x: Any) -> Any:
    return UniqueInverse(*np.unique(x, return_inverse=True))


@composed(np.union1d, examples=TWO)
def union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate((np.ravel(ar1), np.ravel(ar2))))


@composed(np.intersect1d, examples=TWO)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    if return_indices:
        raise UnsupportedError("np.intersect1d is differentiated without return_indices=")
    ar1, ar2 = (np.ravel(ar1), np.ravel(ar2)) if assume_unique else (np.unique(ar1), np.unique(ar2))
    both = np.sort(np.concatenate((ar1, ar2)))
    return both[:-1][both[1:] == both[:-1]]


@composed(np.setdiff1d, examples=TWO)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return ar1[~np.isin(ar1, ar2)]


@composed(np.setxor1d, examples=TWO)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1, ar2 = (np.ravel(ar1), np.ravel(ar2)) if assume_unique else (np.unique(ar1), np.unique(ar2))
    one = np.sort(np.concatenate((ar1, ar2)))
    new = np.concatenate(([True], one[1:] != one[:-1], [True]))
    return one[new[1:] & new[:-1]]
