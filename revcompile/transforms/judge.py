"""One element of an argument: whether a derivative agrees with differences, or cannot be judged by them.

Imports the differences and the trees.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from revcompile.transforms.differences import Slope, slope_of, value_of
from revcompile.transforms.leaves import is_float
from revcompile.transforms.positions import name_of
from revcompile.transforms.trees import copied, replaced, widened

RTOL: dict[int, float] = {2: 5e-2, 4: 5e-3, 8: 1e-6, 16: 1e-6}  # by the bytes of a float
DOUBT = 5.0  # how many times its estimated error the slope may be off


class Element:
    """One element of one argument: its slope."""

    def __init__(
        self,
        checker: Any,
        function: Callable[..., float],
        position: int,
        path: str,
        leaf: Any,
        index: tuple[int, ...],
        value: float,
    ) -> None:
        self.checker, self.function, self.position, self.path = checker, function, position, path
        self.leaf, self.index, self.value = leaf, index, value
        x = np.asarray(leaf)[index]
        self.x = x if x.dtype.kind == "f" else np.float64(x)
        self.where = path + (f"[{', '.join(map(str, index))}]" if index else "")

    def judge(self, analytic: float) -> tuple[float, str]:
        """How many tolerances apart the derivatives are, NaN where that cannot be told; and the report."""
        checker = self.checker
        if not is_float(self.leaf):
            moved = value_of(self._at(checker.args), self.x)
            if not np.isclose(moved, self.value, rtol=1e-6, atol=0.0, equal_nan=True):
                return self._report(
                    np.nan, analytic, np.nan, f"as the real number {float(self.x)!r} it gives {moved!r}"
                )
        slope = self._slope(checker.args, self.x, checker.dtype)
        if checker.dtype.itemsize < 8 and (slope.kink or not slope.is_sure):
            wide = widened(checker.args)
            exact = self._slope(wide, np.float64(self.x), np.dtype(float))
            slope = exact if exact.error < slope.error else slope
        rtol = RTOL[checker.dtype.itemsize] if checker.rtol is None else checker.rtol
        if checker.atol is None:
            atol = 100.0 * np.finfo(checker.dtype).eps * slope.height / max(abs(float(self.x)), 1.0)
            if checker.dtype.itemsize < 8:  # of a long sum, that much would excuse any gradient
                atol /= np.size(self.leaf)
        else:
            atol = checker.atol * max(1.0, abs(self.value))
        tolerance = DOUBT * slope.error + atol + rtol * abs(slope.value)
        difference = abs(analytic - slope.value)
        report = partial(self._report, analytic=analytic, numeric=slope.value)
        if np.isnan(analytic):
            return report(np.inf, why="the analytic one is nan")
        if np.isnan(slope.value):
            return report(np.nan, why=f"{name_of(checker.primal)} is not defined next to it")
        if slope.kink:
            between = (
                min(slope.left, slope.right) - tolerance
                <= analytic
                <= max(slope.left, slope.right) + tolerance
            )
            return report(
                np.nan if between else np.inf,
                why=f"a kink: {slope.left!r} to the left, {slope.right!r} to the right",
            )
        # A pole next to the point makes the differences grow up to the smallest step, and the slope more.
        if (
            np.isinf(slope.value)
            and np.isfinite(analytic)
            and analytic * np.sign(slope.value) > 0.3 * abs(slope.finest)
        ):
            return report(np.nan, why=f"the differences grow up to {slope.finest!r}, with the smallest step")
        if np.isinf(analytic) or np.isinf(slope.value):
            return report(0.0 if analytic == slope.value else np.inf, why="infinite")
        if not slope.is_sure and (slope.at_edge or difference <= 3.0 * DOUBT * slope.error):
            return report(np.nan, why=f"the numeric one is known to {slope.error:.1e} only")
        excess = difference / tolerance if tolerance else (np.inf if difference else 0.0)
        is_small = slope.step > 0.0 and difference * slope.step <= 10.0 * np.finfo(checker.dtype).eps
        if excess > 1.0 and is_small:
            return report(
                np.nan, why="beside numbers such as 1, steps so small change less than the rounding"
            )
        return report(excess, why=f"difference {difference!r} (tolerance {tolerance:.1e})")

    def _slope(self, args: tuple[Any, ...], x: Any, dtype: np.dtype[Any]) -> Slope:
        return slope_of(self._at(args), x, self.value, float(np.finfo(dtype).eps), self.checker.eps)

    def _at(self, args: tuple[Any, ...]) -> Callable[[Any], float]:
        def at(x: Any) -> float:
            moved = list(args)
            name = self.checker.names[self.position]
            moved[self.position] = replaced(moved[self.position], name, self.path, self.index, x)
            return self.function(*copied(tuple(moved)))

        return at

    def _report(self, excess: float, analytic: float, numeric: float, why: str) -> tuple[float, str]:
        return excess, (
            f"  {self.where} = {float(self.x)!r}\n"
            f"    analytic   {analytic!r}\n"
            f"    numeric    {numeric!r}\n"
            f"    {why}"
        )
