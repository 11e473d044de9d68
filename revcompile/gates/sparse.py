"""Products with a constant sparse matrix of SciPy's: its gradient is a product with the transpose.

The matrix is the program's, a foreign object with two lengths, symbols like those of an array. SciPy is not
imported: there is no such matrix without it. Imports the IR and the gate table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.record import Gate
from revcompile.gates.table import register
from revcompile.ir.lengths import Facts
from revcompile.ir.types import Array, Foreign


def is_sparse(cls: type) -> bool:
    """Whether a class is one of SciPy's sparse matrices or arrays."""
    return any(c.__name__ in ("spmatrix", "sparray") and _is_scipys(c) for c in cls.__mro__)


def is_matrix(cls: type) -> bool:
    """Whether `*` is the matrix product: of the older of the two kinds."""
    return any(c.__name__ == "spmatrix" and _is_scipys(c) for c in cls.__mro__)


def _is_scipys(cls: type) -> bool:
    return (cls.__module__ or "").startswith("scipy.sparse")


def sparse_times(a: Any, x: Any) -> Any:
    """`a @ x`"""
    return a @ x


def transposed_times(a: Any, x: Any) -> Any:
    """`a.T @ x`"""
    return a.T @ x


def times_sparse(x: Any, a: Any) -> Any:
    """`x @ a`"""
    return x @ a


def times_transposed(x: Any, a: Any) -> Any:
    """`x @ a.T`"""
    return x @ a.T


def _left_rule(grad_y: Any, a: Any, x: Any) -> Any:
    return None, transposed_times(a, grad_y)


def _left_transposed_rule(grad_y: Any, a: Any, x: Any) -> Any:
    return None, sparse_times(a, grad_y)


def _right_rule(grad_y: Any, x: Any, a: Any) -> Any:
    return times_transposed(grad_y, a)


def _right_transposed_rule(grad_y: Any, x: Any, a: Any) -> Any:
    return times_sparse(grad_y, a)


def _left_types(rows: int) -> Any:
    def types(facts: Facts, a: Any, x: Any) -> Array:
        given, lengths = _operand(x), a.type.lengths
        facts.unify(lengths[1 - rows], given.dims[0])
        return Array(_dtype(a, given), (lengths[rows], *given.dims[1:]))

    return types


def _right_types(columns: int) -> Any:
    def types(facts: Facts, x: Any, a: Any) -> Array:
        given, lengths = _operand(x), a.type.lengths
        facts.unify(lengths[1 - columns], given.dims[-1])
        return Array(_dtype(a, given), (*given.dims[:-1], lengths[columns]))

    return types


def _operand(x: Any) -> Array:
    t = getattr(x, "type", None)
    if not isinstance(t, Array) or len(t.dims) not in (1, 2):
        raise NotImplementedError("the product of a sparse matrix and what is no vector and no matrix")
    return t


def _dtype(a: Any, x: Array) -> np.dtype[Any]:
    assert isinstance(a.type, Foreign) and a.type.dtype is not None
    return np.result_type(a.type.dtype, x.dtype)


def _register() -> None:
    left, right = ("a", "x"), ("x", "a")
    for function, written, names, rule, types in (
        (sparse_times, "a @ x", left, _left_rule, _left_types(0)),
        (transposed_times, "a.T @ x", left, _left_transposed_rule, _left_types(1)),
        (times_sparse, "x @ a", right, _right_rule, _right_types(1)),
        (times_transposed, "x @ a.T", right, _right_transposed_rule, _right_types(0)),
    ):
        register(Gate("sparse matmul", (function,), names, rule=rule, types=types, written=written))


_register()
