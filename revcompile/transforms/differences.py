"""The slope of a function of one number, by differences, with an estimate of its error.

Differences at many steps, each a quarter of the one before, are extrapolated to the step nought; of all the
extrapolations the one that its neighbours confirm best is taken, so that neither rounding (small steps) nor
curvature (large ones) decides. The steps follow the number's own magnitude first, since there kinks and poles
use to be as far away as nought is, then the unit. The slopes to the left and to the right are found apart:
where they differ there is a kink. Imports NumPy.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from revcompile.ir.rebuild import replace

RATIO = 4.0
FIRST = 0.1  # the largest step, in magnitudes of the number
NEAR, FAR = 4, 15  # how many steps are tried first, and how many then
ORDERS = 5  # how often an extrapolation is extrapolated
UNIT = 1e-8  # a step that changes numbers such as 1
SINGLE = 1e-12  # the precision of values that are not of double precision
STEEP = 1e3  # by what factor a function grows from one step to the next that is nothing at the point
GOOD = 1e-7  # an error, relative to the slope, with which no other steps need be tried

Sample = tuple[float, float, float, float]  # the distances to the points on either side, the values there


@dataclass(frozen=True)
class Slope:
    """A slope, its error, the slopes to either side, and how large the function is near the point."""

    value: float
    error: float
    left: float
    right: float
    height: float
    nothing: float  # what is nothing beside the function
    kink: bool = False
    finest: float = 0.0  # the difference quotient with the smallest step
    known: float = 1e-3  # how well it must be known, relative to it
    step: float = 0.0  # the largest step, where an edge of the domain allows no larger one; else 0

    @property
    def is_sure(self) -> bool:
        """Whether it is known well enough to tell one percent, or is nothing beside the function."""
        is_nothing = self.error <= self.nothing and abs(self.value) <= max(10.0 * self.error, self.nothing)
        return self.error <= self.known * abs(self.value) or is_nothing or np.isinf(self.value)

    @property
    def at_edge(self) -> bool:
        """Whether the function is defined on one side only: a pole that is near may not be seen."""
        return bool(np.isnan(self.left) or np.isnan(self.right))


def slope_of(at: Callable[[Any], float], x: Any, value: float, noise: float, first: float | None) -> Slope:
    """The slope at `x` of the function `at`, whose value there is `value`; NaN where it is not defined.

    `noise` is the relative precision of the function's values; `first` is the largest step, relative to `x`,
    if it is to be that.
    """
    size = abs(float(x))
    if first is not None:
        return _settled([_sample(at, x, h) for h in _steps(first * max(size, 0.1), 3)], value, noise)
    found = _found(at, x, value, noise)
    if 0.0 < size < UNIT and np.isnan(_sample(at, x, UNIT)[2:]).any():
        return replace(found, step=FIRST * size)
    return found


def _found(at: Callable[[Any], float], x: Any, value: float, noise: float) -> Slope:
    """The slope with steps of our choice."""
    size = abs(float(x))
    near = [_sample(at, x, h) for h in _steps(FIRST * size, NEAR)] if size else []
    found = _settled(near, value, noise)
    if not found.kink and found.error <= (max(GOOD, noise**0.75) * abs(found.value) or found.nothing):
        return found
    # From a tenth of the number, or of the unit if that is more, down to some 1e-9 of the unit.
    count = FAR + int(np.ceil(np.log(max(size, 1.0)) / np.log(RATIO)))
    steps = [h for h in _steps(FIRST * max(size, 1.0), count) if h > 100.0 * np.finfo(x.dtype).eps * size]
    samples = [_sample(at, x, h) for h in steps]
    far = _settled(samples, value, noise)
    while len(samples) > NEAR and value in samples[-1][2:]:
        samples.pop()  # where the values are all the same: flat, or less than the function resolves
    coarse = _settled(samples, value, noise)
    if len(samples) < len(steps) and not coarse.kink and abs(coarse.value) > 3.0 * coarse.error:
        far = coarse
    agree = abs(found.value - far.value) <= 10.0 * (found.error + far.error)
    is_finer = size > 0.0 and FIRST * size / RATIO ** (NEAR - 1) < steps[-1]
    if agree and far.is_sure and not (found.is_sure or found.kink or far.kink):
        return far  # so near, the function's own precision hides the slope
    return found if is_finer or (agree and not far.kink and found.error < far.error) else far


def _steps(first: float, count: int) -> list[float]:
    return [first / RATIO**k for k in range(count)]


def _sample(at: Callable[[Any], float], x: Any, step: float) -> Sample:
    kind = x.dtype.type
    high, low = kind(x + kind(step)), kind(x - kind(step))
    return float(x) - float(low), float(high) - float(x), value_of(at, low), value_of(at, high)


def value_of(at: Callable[[Any], float], x: Any) -> float:
    """The function's value, NaN where it has none."""
    with np.errstate(all="ignore"):
        try:
            found = at(x)
        except Exception:  # whatever the user's function says: it is not defined there
            return np.nan
    return found if np.isfinite(found) else np.nan


def _settled(samples: Sequence[Sample], value: float, noise: float) -> Slope:
    """The slope that samples with ever smaller steps give."""
    rows = [s for s in samples if s[0] > 0.0 and s[1] > 0.0]  # a step may be less than the number's precision
    height = _height(rows, value)
    kind = np.finfo(float if noise < SINGLE else np.float32)
    near = max([abs(value), *(abs(v) for s in rows[-2:] for v in s[2:] if not np.isnan(v))])
    nothing = height * min(2e3 * noise, 1e-5) if height else 1e3 * float(kind.tiny)
    off = max(noise * near, float(kind.smallest_subnormal))  # what is less is rounded to nought
    left = _extrapolated([(a, (value - b) / a) for a, _, b, _ in rows], 1, off)
    right = _extrapolated([(c, (d - value) / c) for _, c, _, d in rows], 1, off)
    both = _extrapolated([(a + c, (d - b) / (a + c)) for a, c, b, d in rows], 2, off)
    if np.isnan(left[0]) or np.isnan(right[0]):  # at the edge of where it is defined
        found = right if np.isnan(left[0]) else left
        return Slope(*found, left[0], right[0], height, nothing, finest=_finest(rows, value))
    if np.isinf(left[0]) or np.isinf(right[0]):
        kink = left[0] != right[0]
    else:
        doubt = 10.0 * (left[1] + right[1]) + 1e-2 * max(abs(left[0]), abs(right[0]))
        kink = abs(left[0] - right[0]) > doubt
    known = 1e-2 if height < kind.tiny else 1e-3  # such numbers have few digits
    return Slope(*both, left[0], right[0], height, nothing, kink, _finest(rows, value), known)


def _height(rows: Sequence[Sample], value: float) -> float:
    """How large the function is near the point: not where it is larger by orders at the next step."""
    height = abs(value)
    for row in reversed(rows):
        here = max((abs(v) for v in row[2:] if not np.isnan(v)), default=0.0)
        if 0.0 < STEEP * height < here:
            break
        height = max(height, here)
    return height


def _finest(rows: Sequence[Sample], value: float) -> float:
    """The difference quotient with the smallest step, to the side where there is one."""
    quotients = [q for a, c, b, d in rows for q in ((value - b) / a, (d - value) / c) if not np.isnan(q)]
    return quotients[-1] if quotients else np.nan


def _extrapolated(rows: Sequence[tuple[float, float]], order: int, noise: float) -> tuple[float, float]:
    """The limit of differences at shrinking steps, and its error: the best entry of Neville's triangle.

    Each row is a step and the difference quotient with it; `order` is by what power of the step its error
    shrinks. The values are `noise` off at least, and at most as much as the last differences say, which
    nothing else makes differ.
    """
    rows = [(h, d) for h, d in rows if not np.isnan(d)]
    if _is_infinite(rows, noise):
        return float(np.copysign(np.inf, rows[-1][1])), 0.0
    apart = sorted(h * abs(d - e) for (h, d), (_, e) in pairwise(rows[-4:]))
    noise = max(noise, apart[len(apart) // 2]) if len(rows) > NEAR else noise
    best, error = np.nan, np.inf
    before: list[float] = []
    for i, (h, difference) in enumerate(rows):
        row = [difference]
        for k, older in enumerate(before[:ORDERS]):
            row.append(row[k] + (row[k] - older) / (RATIO ** (order * (k + 1)) - 1.0))
            spread = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - older), noise / h)
            if spread < error and not any(
                _contradicts(row[k + 1], difference, noise, *r) for r in rows[i + 1 :]
            ):
                best, error = row[k + 1], spread
        before = row
    return float(best), float(error)


def _contradicts(limit: float, difference: float, noise: float, h: float, finer: float) -> bool:
    """Whether a difference with a smaller step is farther from a limit than that which the limit is of."""
    return abs(finer - limit) > 2.0 * abs(difference - limit) + 30.0 * noise / h


def _is_infinite(rows: Sequence[tuple[float, float]], noise: float) -> bool:
    """Whether the differences grow by one and the same factor, as those of a root at nought do."""
    last = rows[-6:]
    if len(rows) < 8 or any(abs(d) * h <= 1e3 * noise for h, d in last):
        return False
    factors = [e / d for (_, d), (_, e) in pairwise(last)]
    return min(factors) > 1.4 and max(factors) < min(1.1 * min(factors), 0.95 * RATIO)
