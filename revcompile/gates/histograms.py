"""How samples are spread: bincount, histograms, cov, corrcoef. Imports NumPy and the compositions.

How many samples a bin has does not vary with them; the bins' edges, their weights and densities do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.gates.axes import Dims, dims_of, must_agree
from revcompile.gates.compositions import as_array, as_places, of_other_places
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed, gate
from revcompile.ir.lengths import Facts

PLACES = np.array([0, 2, 1, 2])


def bincount_dims(facts: Facts, x: Any, weights: Any = None, minlength: Any = 0) -> Dims:
    if weights is not None:
        must_agree(facts, dims_of(facts, x)[0], dims_of(facts, weights)[0])
    return (facts.fresh(),)


def bincount_of_others(x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    return np.bincount(as_places(x), weights, minlength)


@gate(
    np.bincount,
    means=of_other_places(bincount_of_others, 0),
    dims=bincount_dims,
    examples=[example(PLACES, real(4)), example(PLACES, real(4), minlength=5)],
)
def bincount(grad_y: Any, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    return None, None if weights is None else grad_y[x]


@composed(
    np.histogram_bin_edges,
    examples=[
        example(real(5), 3),
        example(real(5), [-1.0, real(low=0.2), 2.0]),
        example(real(4), 2, (0.0, 1.5)),
    ],
)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    if isinstance(bins, str):
        raise UnsupportedError("a histogram whose bins the samples choose is not differentiated")
    if np.ndim(bins):
        return as_array(bins)
    if range is not None:
        first, last = range
    else:
        first, last = (np.min(a), np.max(a)) if np.size(a) > 0 else (0.0, 1.0)
    first, last = (first - 0.5, last + 0.5) if first == last else (first, last)
    return np.linspace(first, last, bins + 1)


def in_bins(a: Any, edges: Any, weights: Any) -> Any:
    """The weight in each bin: that up to its upper edge without that up to its lower one."""
    a = np.ravel(a)
    order = np.argsort(a)
    a = a[order]
    below = np.searchsorted(a, edges[:-1])
    until = np.concatenate((below, np.reshape(np.searchsorted(a, edges[-1], side="right"), 1)))
    if weights is None:
        return np.diff(until)
    total = np.concatenate((np.zeros(1), np.cumsum(np.ravel(weights)[order])))
    return np.diff(total[until])


@composed(
    np.histogram,
    examples=[
        example(real(5), 3, None, None, real(5)),
        example(real(5), [-1.5, real(), 2.0], None, None, real(5)),
        example(real(6), 2, (-1.0, 1.5), True, real(6, low=0.5)),
        example(real(5), 3, density=True),
    ],
)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    edges = histogram_bin_edges(a, bins, range)
    counts = in_bins(a, edges, None if weights is None else as_array(weights))
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


def cells(sample: Any, bins: Any, range: Any, density: Any, weights: Any) -> Any:
    """A histogram of columns of samples, and the edges of each."""
    many = bins if isinstance(bins, (tuple, list)) else [bins] * len(sample)
    limits = [None] * len(sample) if range is None else range
    edges = [histogram_bin_edges(x, n, limit) for x, n, limit in zip(sample, many, limits)]
    place, shape = 0, []
    for x, edge in zip(sample, edges):  # those beyond the ends are counted in bins of their own
        at = np.where(x == edge[-1], len(edge) - 1, np.searchsorted(edge, x, side="right"))
        place, shape = place * (len(edge) + 1) + at, [*shape, len(edge) + 1]
    counts = np.bincount(place, weights, minlength=np.prod(shape))
    found = np.reshape(counts, tuple(shape))[(slice(1, -1),) * len(shape)] * 1.0
    if density:
        inner = found
        for i, edge in enumerate(edges):
            found = found / np.reshape(np.diff(edge), (-1,) + (1,) * (len(edges) - 1 - i))
        found = found / np.sum(inner)
    return found, edges


@composed(np.histogram2d, examples=[example(real(5), real(5), 2, None, None, real(5))])
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    given = bins if isinstance(bins, (tuple, list)) and len(bins) == 2 else [bins, bins]
    found, edges = cells([as_array(x), as_array(y)], given, range, density, weights)
    return found, edges[0], edges[1]


@composed(np.histogramdd, examples=[example(real(5, 2), 2, None, None, real(5))])
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    rows = np.atleast_2d(sample) if isinstance(sample, (list, tuple)) or sample.ndim < 2 else sample.T
    return cells(list(rows), bins, range, density, weights)


@composed(
    np.cov,
    examples=[
        example(real(2, 4)),
        example(real(5)),
        example(real(4), real(4)),
        example(real(4, 2), rowvar=False),
        example(real(2, 4), bias=True),
        example(real(2, 4), None, True, False, 0, None, real(4, low=0.5)),
        example(real(2, 4), fweights=np.array([1, 2, 1, 3])),
    ],
)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    x = samples(m, rowvar, dtype)
    if y is not None:
        x = np.concatenate((x, samples(y, rowvar, dtype)))
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = None if fweights is None else as_array(fweights)
    if aweights is not None:
        weights = as_array(aweights) if weights is None else weights * aweights
    if weights is None:
        centred = x - np.mean(x, 1, keepdims=True)
        normal, scaled = max(x.shape[1] - ddof, 0.0), centred
    else:
        total = np.sum(weights)
        centred = x - np.sum(x * weights, 1, keepdims=True) / total
        scaled = centred * weights
        mean = 0 if ddof == 0 else ddof if aweights is None else ddof * np.sum(weights * aweights) / total
        normal = total - mean
    c = scaled @ centred.T / normal
    return np.squeeze(c) if y is None else c


def samples(m: Any, rowvar: bool, dtype: Any) -> Any:
    """A variable in each row."""
    m = as_array(m, dtype)
    if m.ndim < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar or m.shape[0] == 1 else m.T


@composed(
    np.corrcoef, examples=[example(real(2, 5)), example(real(5), real(5)), example(real(5, 2), rowvar=False)]
)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    spread = np.sqrt(np.diag(c))
    return np.clip(c / spread[:, None] / spread[None, :], -1, 1)
