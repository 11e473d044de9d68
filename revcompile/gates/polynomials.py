"""Polynomials by their coefficients, the highest power first. Imports NumPy and the compositions.

NumPy drops leading coefficients that are zero: how many there are, the run decides.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.compositions import as_array
from revcompile.gates.samples import example, real
from revcompile.gates.table import composed
from revcompile.runtime import real_eigvals

PAIRS = [
    example(real(3), real(3)),
    example(real(2), real(4)),
    example(real(3), real(2)),
    example(real(), real(2)),
]


@composed(
    np.polyval,
    examples=[
        example(real(3), real()),
        example(real(3), real(4)),
        example([0.5, -1.2], real(2, 3)),
        example([real(), real()], real(2)),
    ],
)
def polyval(p: Any, x: Any) -> Any:
    """Horner's method."""
    x = as_array(x) if isinstance(x, (list, tuple)) else x
    p = p if isinstance(p, (list, tuple)) else as_array(p)
    y = np.zeros(x.shape, np.result_type(as_array(p).dtype, x.dtype)) if np.ndim(x) else 0.0
    for coefficient in p:
        y = y * x + coefficient
    return y


def line(p: Any) -> Any:
    """Coefficients as an array of one axis."""
    p = as_array(p)
    return p if p.ndim else np.reshape(p, 1)


def lengthened(p: Any, length: Any) -> Any:
    """With zeros in front."""
    missing = length - len(p)
    return p if type(missing) is int and missing == 0 else np.concatenate((np.zeros(missing, p.dtype), p))


@composed(np.polyadd, examples=PAIRS)
def polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = line(a1), line(a2)
    length = max(len(a1), len(a2))
    return lengthened(a1, length) + lengthened(a2, length)


@composed(np.polysub, examples=PAIRS)
def polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = line(a1), line(a2)
    length = max(len(a1), len(a2))
    return lengthened(a1, length) - lengthened(a2, length)


def without_leading_zeros(p: Any) -> Any:
    p = np.trim_zeros(line(p), "f")
    return p if len(p) > 0 else np.zeros(1, p.dtype)


@composed(np.polymul, examples=PAIRS)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(without_leading_zeros(a1), without_leading_zeros(a2))


@composed(np.polyder, examples=[example(real(4)), example(real(4), 2), example(real(4), m=0)])
def polyder(p: Any, m: int = 1) -> Any:
    p = as_array(p)
    for _ in range(int(m)):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composed(
    np.polyint,
    examples=[
        example(real(3)),
        example(real(3), 2),
        example(real(3), 1, real()),
        example(real(3), 2, [real(), real()]),
    ],
)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    p = as_array(p)
    given = [0.0] if k is None else k if isinstance(k, (list, tuple)) else [k] if np.ndim(k) == 0 else k
    for i in range(int(m)):
        constant = given[0] if len(given) == 1 else given[i]
        p = np.concatenate((p / np.arange(len(p), 0, -1), [constant]))
    return p


@composed(
    np.vander,
    examples=[
        example(real(3, low=0.5)),
        example(real(3), 2),
        example(real(3), 4, increasing=True),
        example(real(3), 1),
    ],
)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = as_array(x)
    powers = np.arange(len(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers[::-1])


def characteristic(a: Any) -> Any:
    """The characteristic polynomial of a matrix, by Faddeev's and LeVerrier's recurrence."""
    eye = np.eye(a.shape[0])
    p, product = [1.0], np.zeros(a.shape)
    for k in range(1, a.shape[0] + 1):
        product = a @ product + p[-1] * eye
        p.append(-np.trace(a @ product) / k)
    return np.array(p)


@composed(np.poly, examples=[example(real(3)), example([real(), 0.5]), example(real(3, 3))])
def poly(seq_of_zeros: Any) -> Any:
    if np.ndim(seq_of_zeros) > 1:
        return characteristic(as_array(seq_of_zeros))
    p = np.ones(1)
    for zero in seq_of_zeros:
        p = np.convolve(p, [1.0, -zero])
    return p


@composed(np.polydiv, examples=[example(real(4), real(2, low=0.5)), example(real(3), real(3, low=0.5))])
def polydiv(u: Any, v: Any) -> Any:
    """Long division; of the remainder, NumPy drops leading coefficients that are next to zero."""
    u, v = line(u) + 0.0, line(v) + 0.0
    length, degree = len(u), len(v) - 1
    many = max(length - degree, 1)
    quotient, rest = np.zeros(many), u.copy()
    for k in range(length - degree):
        quotient[k] = rest[k] / v[0]
        rest[k : k + degree + 1] -= quotient[k] * v
    large = ~np.isclose(rest, 0.0, rtol=1e-14)
    first = np.argmax(large) if np.any(large) else length - 1
    return quotient, rest[first:]


@composed(np.roots, examples=[example(np.array([1.0, -2.0, -5.0, 6.0]))])
def roots(p: Any) -> Any:
    p = line(p)
    nonzero = np.flatnonzero(p)
    if nonzero.shape[0] == 0:
        return np.zeros(0)
    count = p.shape[0] - 1 - nonzero[-1]  # of roots that are zero
    p = p[nonzero[0] : nonzero[-1] + 1]
    n = p.shape[0] - 1
    if n == 0:
        return np.zeros(count)
    companion = np.diag(np.ones(n - 1), -1)
    companion[0] = -p[1:] / p[0]
    return np.concatenate((real_eigvals(companion), np.zeros(count)))


@composed(
    np.polyfit,
    examples=[
        example(real(5), real(5), 1),
        example(real(5), real(5), 2),
        example(real(5), real(5, 2), 1),
        example(real(5), real(5), 1, w=real(5, low=0.5)),
    ],
)
def polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y = as_array(x) + 0.0, as_array(y) + 0.0
    n = int(deg) + 1
    left = np.vander(x, n)
    if w is not None:
        w = as_array(w) + 0.0
        left, y = left * w[:, None], y * w if y.ndim == 1 else y * w[:, None]
    scale = np.sqrt(np.sum(left * left, 0))
    left = left / scale
    found, residuals, rank, values = np.linalg.lstsq(left, y, rcond)
    found = found / scale if y.ndim == 1 else found / scale[:, None]
    if full:
        return found, residuals, rank, values, x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    if not cov:
        return found
    base = np.linalg.inv(left.T @ left) / np.outer(scale, scale)
    factor = 1.0 if cov == "unscaled" else residuals / (x.shape[0] - n)
    return found, base * factor if y.ndim == 1 else base[:, :, None] * factor
