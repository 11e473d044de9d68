"""A Jacobian whose zeros are known: columns that share no row are computed as one, and told apart afterwards.

After A. R. Curtis, M. J. D. Powell, J. K. Reid: On the estimation of sparse Jacobian matrices, J. Inst. Maths
Applics 13 (1974). Of rows that share no column the same is done, in reverse mode. Imports NumPy.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

TOLERANCE = {2: 1e-1, 4: 1e-3, 8: 1e-5}  # of a product with a random vector, by the size of a number


class Pattern:
    """Where a matrix may have other numbers than zero: the rows and the columns of these."""

    def __init__(
        self, shape: tuple[int, ...], rows: np.ndarray, columns: np.ndarray, like: Any = None
    ) -> None:
        """`like` is a sparse matrix of this pattern, if the result is to be one."""
        self.shape, self.rows, self.columns, self.like = shape, rows, columns, like
        by_columns, by_rows = groups(columns, rows, shape[1]), groups(rows, columns, shape[0])
        self.is_forward = by_columns.max(initial=-1) <= by_rows.max(initial=-1)
        self.groups = by_columns if self.is_forward else by_rows

    def seeds(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """The directions: one a group, and a random one, which tells whether the pattern is right."""
        count = int(self.groups.max(initial=-1)) + 1
        seeds = np.zeros((count + 1, self.groups.size), dtype)
        seeds[self.groups, np.arange(self.groups.size)] = 1
        seeds[-1] = np.random.default_rng(0).uniform(0.5, 1.5, self.groups.size)
        return seeds.reshape(count + 1, *shape)

    def matrix(self, products: np.ndarray, seeds: np.ndarray) -> Any:
        """The matrix that has these products with the seeds; ValueError if none of this pattern has."""
        flat = products.reshape(len(products), -1)
        near, far = (self.columns, self.rows) if self.is_forward else (self.rows, self.columns)
        numbers = flat[self.groups[near], far]
        terms = numbers * seeds[-1].reshape(-1)[near]
        total, size = (np.bincount(far, t, flat.shape[1]) for t in (terms, np.abs(terms)))
        with np.errstate(invalid="ignore"):  # of what is infinite nothing is said
            off = np.abs(flat[-1] - total) > TOLERANCE[flat.itemsize] * np.maximum(size, np.abs(flat[-1]))
        if off.any():
            line = f"{'row' if self.is_forward else 'column'} {int(np.argmax(off))}"
            raise ValueError(f"sparsity: {line} of the Jacobian has other numbers than zero besides these")
        if self.like is None:
            full = np.zeros(self.shape, numbers.dtype)
            full[self.rows, self.columns] = numbers
            return full
        coordinates = self.like.tocoo()
        made = type(coordinates)((numbers, (self.rows, self.columns)), shape=self.shape)
        return made.asformat(self.like.format)


def pattern_of(sparsity: Any) -> Pattern | None:
    """The pattern that an array or a sparse matrix tells; None of "diagonal", which is of any size."""
    if isinstance(sparsity, str):
        if sparsity != "diagonal":
            raise ValueError(f"sparsity is an array, a sparse matrix or 'diagonal', not {sparsity!r}")
        return None
    if hasattr(sparsity, "tocoo"):
        found = sparsity.tocoo()
        return Pattern(found.shape, found.row, found.col, sparsity)
    dense = np.asarray(sparsity)
    if dense.ndim != 2:
        raise ValueError(f"sparsity has {dense.ndim} axes, not 2: a row for each number of the result")
    return Pattern(dense.shape, *np.nonzero(dense))


def diagonal(size: int) -> Pattern:
    return Pattern((size, size), np.arange(size), np.arange(size))


def groups(near: np.ndarray, far: np.ndarray, count: int) -> np.ndarray:
    """For each of so many columns the number of its group: the first in which none has a row of its own.

    `near` and `far` are the columns and the rows of what is not zero; or the other way round, for rows.
    """
    order = np.argsort(near, kind="stable")
    ends = np.searchsorted(near[order], np.arange(count + 1))
    taken: list[np.ndarray] = []  # the rows of each group
    found = np.zeros(count, int)
    height = int(far.max(initial=-1)) + 1
    for i in range(count):
        own = far[order[ends[i] : ends[i + 1]]]
        group = next((g for g, rows in enumerate(taken) if not rows[own].any()), len(taken))
        if group == len(taken):
            taken.append(np.zeros(height, bool))
        taken[group][own] = True
        found[i] = group
    return found


class Compressed:
    """The Jacobian of an array by an array, from its products with few vectors."""

    def __init__(
        self, f: Any, known: Pattern | None, alone: Callable[..., int], forward: Any, reverse: Any
    ) -> None:
        """`alone` tells which argument it is by; `forward` and `reverse` give products."""
        self.f, self.known, self.alone = f, known, alone
        self.products = forward if known is None or known.is_forward else reverse

    def begun(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Pattern, np.ndarray]:
        """The pattern, and the vectors of a call."""
        x = like = args[self.alone(args)]
        pattern = self.known or diagonal(np.size(x))
        if not pattern.is_forward:
            given, named = copy.deepcopy((args, kwargs))
            like = self.f(*given, **named)
        if np.size(like) != pattern.groups.size:
            of = "columns; the argument" if pattern.is_forward else "rows; the result"
            raise ValueError(f"sparsity has {pattern.groups.size} {of} has {np.size(like)} numbers")
        dtype = np.asarray(x).dtype
        return pattern, pattern.seeds(np.shape(like), dtype if dtype.kind == "f" else float)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        pattern, seeds = self.begun(args, kwargs)
        found = self.products(*args, seeds, **kwargs)
        shapes = found.shape[1:], seeds.shape[1:]
        of, by = shapes if pattern.is_forward else shapes[::-1]
        if pattern.shape != (np.prod(of, dtype=int), np.prod(by, dtype=int)):
            raise ValueError(f"sparsity has the shape {pattern.shape}; the Jacobian is of {of} by {by}")
        matrix = pattern.matrix(found, seeds)
        return matrix if pattern.like is not None else matrix.reshape(of + by)

    def source_for(self, *args: Any, **kwargs: Any) -> str:
        """The generated module for arguments like these: of the products."""
        return str(self.products.source_for(*args, self.begun(args, kwargs)[1], **kwargs))
