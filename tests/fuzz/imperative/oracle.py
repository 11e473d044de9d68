"""What the primal does, and its slopes by central differences.

They are taken in two random directions, which tell of all elements at once, and in single elements where those say
nothing: where two step sizes or the two sides disagree (a kink, a jump, chaos), a direction says nothing.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fuzz.imperative.arguments import is_real, leaves, same, size, stepped
from tests.fuzz.imperative.program import Program, Situation
from tests.fuzz.imperative.state import snapshot, state
from tests.support.program import make

STEP = 4e-6
AGREE = 2e-6  # of two step sizes
NEAR = 0.01  # a step so much smaller shows what is rounded, so much larger
ROUNDING = 3e-5
FUEL = 3000  # trips of all loops of one run of the primal
LARGE = 1e4
HUGE = 1e8
TINY = 1e-18  # the square of a float32 number as small as that is 0, its slope not
ELEMENTS = 6  # of those that are tried one by one


class OutOfFuel(BaseException):
    pass


class Primal:
    """The function as Python runs it, stopped where it runs too long; `np.empty` is full of NaN.

    Each call begins with the same state of the module. Numbers overflow on the way in programs that are made to do so.
    """

    def __init__(self, program: Program, unbounded: bool = False) -> None:
        """`unbounded`: where a Python number overflows, it is infinite, as NumPy's are."""
        self.trips, self.state = 0, 0
        self.beyond: Any = "ignore" if "overflow" in program.features else "raise"
        tree = _Instrument().visit(ast.parse(program.text))
        names: dict[str, Any] = {"_tick": self._tick, "_unfilled": _unfilled}
        if unbounded:
            tree = _Unbounded().visit(tree)
            names.update(math=_Unraised(), _power=_or_infinite(operator.pow))
        self.f = make(ast.unparse(ast.fix_missing_locations(tree)), **names)

    def _tick(self) -> None:
        self.trips += 1
        if self.trips > FUEL:
            raise OutOfFuel

    def __call__(self, args: Any, steps: Any = None) -> Any:
        self.trips = 0
        self.f.__globals__.update(state(self.state))
        with np.errstate(over=self.beyond, under=self.beyond):  # there, the gradient of what follows is noise
            given = stepped(args, steps)
            value = self.f(*given)
        if any(np.any(np.abs(x) > HUGE) for x in leaves(given) if is_real(x)):
            raise FloatingPointError("what is written grows beyond what differences can tell")
        if any(_has_tiny(x) for x in leaves(given)):
            raise FloatingPointError("what is written is beyond single precision, and differences are double")
        return value


def _has_tiny(x: Any) -> bool:
    if np.asarray(x).dtype != np.float32:
        return False
    size = np.abs(x)
    return bool(np.any((size > 0) & (size < TINY)))


class _Instrument(ast.NodeTransformer):
    def visit_For(self, node: ast.For) -> Any:
        self.generic_visit(node)
        node.body.insert(0, ast.parse("_tick()").body[0])
        return node

    def visit_While(self, node: ast.While) -> Any:
        self.generic_visit(node)
        node.body.insert(0, ast.parse("_tick()").body[0])
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        self.generic_visit(node)
        if node.attr in ("empty", "empty_like") and isinstance(node.value, ast.Name):
            return ast.Name("_unfilled", ast.Load())
        return node


class _Unbounded(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> Any:
        self.generic_visit(node)
        power = ast.Name("_power", ast.Load())
        return ast.Call(power, [node.left, node.right], []) if isinstance(node.op, ast.Pow) else node


class _Unraised:
    """`math`, but for OverflowError."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        return _or_infinite(found) if callable(found) else found


def _or_infinite(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any) -> Any:
        try:
            return function(*args)
        except OverflowError:
            return getattr(np, function.__name__.replace("pow", "power"))(*map(np.float64, args))

    return called


def _unfilled(shape: Any) -> Any:
    """Of a shape, or of that of an array."""
    return np.full(np.shape(shape) if isinstance(shape, np.ndarray) else shape, np.nan)


@dataclass
class Expected:
    """What the primal does in a world."""

    args: tuple[Any, ...]
    value: Any = None
    error: type[BaseException] | None = None
    slopes: Sequence[tuple[Any, float]] = ()  # directions, and the derivative along each
    state: dict[str, Any] | None = None  # what the module's state is afterwards, where it is written


def expect(program: Program, primal: Primal, call: Situation) -> Expected | None:
    """None where the primal says nothing: it does not end, it is wild."""
    args = program.arguments(call)
    primal.state = call.state
    try:
        value = primal(args)
    except (OutOfFuel, FloatingPointError, RecursionError):
        return None
    except OverflowError:  # NumPy's value where a function of NumPy's was meant
        return Expected(args, error=OverflowError) if "overflow" in program.features else None
    except Exception as e:
        return Expected(args, error=type(e))
    after = snapshot(primal.f.__globals__)
    if not same(after, state(call.state)):
        return Expected(args, value, state=after)
    real = isinstance(value, (int, float, np.number, np.bool_)) or (
        np.ndim(value) == 0 and hasattr(value, "dtype")
    )
    if not (real and np.isfinite(value) and abs(value) < LARGE):
        return Expected(args) if "overflow" in program.features else None  # the call after it says more
    double = program.arguments(call, np.float64)
    if program.single:
        try:
            if abs(primal(double) - value) > 1e-4 * (1 + abs(value)):
                return None
        except Exception:
            return None
    active = np.concatenate(
        [
            np.full(size(a), program.argnums is None or p in program.argnums, dtype=float)
            for p, a in zip(program.parameters, args, strict=True)
        ]
        or [np.zeros(0)]
    )
    if not _is_tame(primal, double, np.full(active.size, 1e-12)):
        return None
    return Expected(args, value, None, list(_slopes(program, primal, double, active, call)))


def _is_tame(primal: Primal, args: Any, steps: Any) -> bool:
    """Whether the value is not so steep that it is noise: the sine of 1e13."""
    at = float(primal(args))
    try:
        return abs(float(primal(args, steps)) - at) < 1e-7 * (1 + abs(at))
    except (Exception, OutOfFuel):
        return False


def _slopes(
    program: Program, primal: Primal, args: Any, active: Any, call: Situation
) -> Iterator[tuple[Any, float]]:
    if not active.any():
        return
    at = float(primal(args))
    rng = np.random.default_rng((program.numbers, *call.lengths))
    told = False
    for _ in range(2):
        direction = rng.choice([-1.0, 1.0], active.size) * rng.uniform(0.3, 1.0, active.size) * active
        if (slope := _slope(primal, args, at, direction)) is not None:
            told = True
            yield direction, slope
    for element in rng.permutation(np.flatnonzero(active))[: ELEMENTS * (not told)]:
        direction = np.zeros(active.size)
        direction[element] = 1.0
        if (slope := _slope(primal, args, at, direction)) is not None:
            yield direction, slope


def _slope(primal: Primal, args: Any, at: float, direction: Any) -> float | None:
    try:
        up, down, up2, down2, near, near2 = (
            float(primal(args, by * STEP * direction)) for by in (1.0, -1.0, 2.0, -2.0, NEAR, -NEAR)
        )
    except (Exception, OutOfFuel):
        return None
    slope, wide = (up - down) / (2 * STEP), (up2 - down2) / (4 * STEP)
    rounding = abs((near - near2) / (2 * NEAR * STEP) - slope)
    right, left = (up - at) / STEP, (at - down) / STEP
    scale = 1 + abs(slope)
    sure = (
        abs(slope - wide) < AGREE * scale
        and abs(right - left) < 1e-3 * scale
        and rounding < ROUNDING * (scale + abs(at))
    )
    return slope if sure else None
