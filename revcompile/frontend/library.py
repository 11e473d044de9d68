"""Functions of `statistics` and `np.polynomial`, in Python: the compiler reads them like the program's own.

They are found by their names, since not every program loads their modules. Imports NumPy.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from revcompile.errors import module_of

# -- statistics ----------------------------------------------------------------------------------


def numbers(data: Any, least: int = 1) -> Any:
    x = data if isinstance(data, np.ndarray) else np.array(list(data))
    if x.ndim != 1:
        raise TypeError("the numbers must stand along one axis")
    if len(x) < least:
        raise ValueError(f"at least {least} data points are required")
    return x


def mean(data: Any) -> Any:
    return np.mean(numbers(data))


def fmean(data: Any, weights: Any = None) -> Any:
    return float(np.mean(numbers(data)) if weights is None else np.average(numbers(data), weights=weights))


def geometric_mean(data: Any) -> Any:
    x = numbers(data)
    if np.min(x) <= 0.0:
        raise ValueError("a geometric mean is of positive numbers")
    return float(np.exp(np.mean(np.log(x))))


def harmonic_mean(data: Any, weights: Any = None) -> Any:
    x = numbers(data)
    if np.min(x) < 0.0:
        raise ValueError("harmonic mean does not support negative values")
    w = np.ones(len(x)) if weights is None else numbers(weights)
    return np.sum(w) / np.sum(w / x)


def pvariance(data: Any, mu: Any = None) -> Any:
    x = numbers(data)
    return np.var(x) if mu is None else np.mean((x - mu) ** 2)


def variance(data: Any, xbar: Any = None) -> Any:
    x = numbers(data, 2)
    return np.var(x, ddof=1) if xbar is None else np.sum((x - xbar) ** 2) / (len(x) - 1)


def pstdev(data: Any, mu: Any = None) -> Any:
    return np.std(numbers(data)) if mu is None else np.sqrt(pvariance(data, mu))


def stdev(data: Any, xbar: Any = None) -> Any:
    return np.std(numbers(data, 2), ddof=1) if xbar is None else np.sqrt(variance(data, xbar))


def covariance(x: Any, y: Any, /) -> Any:
    a, b = numbers(x, 2), numbers(y, 2)
    return float((a - np.mean(a)) @ (b - np.mean(b)) / (len(a) - 1))


def correlation(x: Any, y: Any, /) -> Any:
    a, b = numbers(x, 2), numbers(y, 2)
    a, b = a - np.mean(a), b - np.mean(b)
    squares = (a @ a) * (b @ b)
    if squares == 0.0:
        raise ValueError("at least one of the inputs is constant")
    return float(a @ b / np.sqrt(squares))


# -- np.polynomial -------------------------------------------------------------------------------
#
# A series of polynomials of which each follows from the two before it, by Clenshaw's method: C. W. Clenshaw,
# "A note on the summation of Chebyshev series", Math. Tables Aids Comput. 9 (1955).


def series(x: Any, c: Any) -> Any:
    """The point, or points, and the coefficients, the constant first."""
    c = np.array(c)
    if c.ndim != 1:
        raise TypeError("a series of more than one axis of coefficients is not differentiated")
    return np.array(x) if isinstance(x, (list, tuple)) else x, c


def polyval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    y = c[-1] + 0.0 * x
    for k in range(len(c) - 2, -1, -1):
        y = c[k] + y * x
    return y


def chebval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    a = b = 0.0 * x
    for k in range(len(c) - 1, 0, -1):
        a, b = c[k] + 2.0 * x * a - b, a
    return c[0] + x * a - b


def legval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    a = b = 0.0 * x
    for k in range(len(c) - 1, 0, -1):
        a, b = c[k] + (2 * k + 1) / (k + 1) * x * a - (k + 1) / (k + 2) * b, a
    return c[0] + x * a - 0.5 * b


def lagval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    a = b = 0.0 * x
    for k in range(len(c) - 1, 0, -1):
        a, b = c[k] + (2 * k + 1 - x) / (k + 1) * a - (k + 1) / (k + 2) * b, a
    return c[0] + (1.0 - x) * a - 0.5 * b


def hermval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    a = b = 0.0 * x
    for k in range(len(c) - 1, 0, -1):
        a, b = c[k] + 2.0 * x * a - 2.0 * (k + 1) * b, a
    return c[0] + 2.0 * x * a - 2.0 * b


def hermeval(x: Any, c: Any, tensor: bool = True) -> Any:
    x, c = series(x, c)
    a = b = 0.0 * x
    for k in range(len(c) - 1, 0, -1):
        a, b = c[k] + x * a - (k + 1) * b, a
    return c[0] + x * a - b


_STATISTICS = (
    mean, fmean, geometric_mean, harmonic_mean, pvariance, variance, pstdev, stdev, covariance, correlation,
)  # fmt: skip
_SERIES = {
    "polynomial": polyval, "chebyshev": chebval, "legendre": legval, "laguerre": lagval, "hermite": hermval,
    "hermite_e": hermeval,
}  # fmt: skip
MEANING: dict[tuple[str, str], Any] = {
    **{("statistics", f.__name__): f for f in _STATISTICS},
    **{(f"numpy.polynomial.{home}", f.__name__): f for home, f in _SERIES.items()},
}


def meaning_of(function: Any) -> Any:
    """The code that says what a function of these modules means; else None."""
    home, name = module_of(function), getattr(function, "__name__", "")
    meaning = MEANING.get((home, name))
    return meaning if meaning is not None and getattr(sys.modules.get(home), name, None) is function else None
