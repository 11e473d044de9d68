"""What must hold of a program and its gradient.

The oracle is central differences of the primal, in random directions and in single elements. Where two step sizes
or the two sides disagree (a kink, a jump, chaos), a direction says nothing.
"""

from __future__ import annotations

import ast
import itertools
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile import UnsupportedError, grad, value_and_grad
from tests.fuzz.imperative.arguments import Unlike, flat, is_real, leaves, same, size, stepped
from tests.fuzz.imperative.program import GLOBALS, Program, World
from tests.support.program import make

STEP = 4e-6
AGREE = 2e-6  # of two step sizes
FUEL = 3000  # trips of all loops of one run of the primal
PATIENCE = 20.0  # seconds of work for one gradient, compilation included
LARGE = 1e4
HUGE = 1e8
ROUTES: dict[str, Callable[[Any, Any], Any]] = {
    "optimised": lambda f, argnums: value_and_grad(f, argnums),
    "textbook": lambda f, argnums: value_and_grad(f, argnums, optimize=False),
    "gradient": lambda f, argnums: grad(f, argnums),
}


@dataclass(frozen=True)
class Verdict:
    """ "well", "unjudged" (the primal says nothing), "refused" or "failed"."""

    outcome: str
    category: str = ""
    detail: str = ""
    route: str = ""
    world: World | None = None


class OutOfFuel(BaseException):
    pass


class Hangs(BaseException):
    pass


class Primal:
    """The function as Python runs it, stopped where it runs too long; `np.empty` is full of NaN."""

    def __init__(self, text: str) -> None:
        self.trips = 0
        tree = ast.fix_missing_locations(_Instrument().visit(ast.parse(text)))
        scope: dict[str, Any] = {"_tick": self._tick, "_unfilled": _unfilled, **GLOBALS}
        self.f = make(ast.unparse(tree), **scope)

    def _tick(self) -> None:
        self.trips += 1
        if self.trips > FUEL:
            raise OutOfFuel

    def __call__(self, args: Any, steps: Any = None) -> Any:
        self.trips = 0
        with np.errstate(over="raise", under="raise"):  # there, the gradient of what follows is noise
            given = stepped(args, steps)
            value = self.f(*given)
        if any(np.any(np.abs(x) > HUGE) for x in leaves(given) if is_real(x)):
            raise FloatingPointError("what is written grows beyond what differences can tell")
        return value


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
        if node.attr == "empty" and isinstance(node.value, ast.Name):
            return ast.Name("_unfilled", ast.Load())
        return node


def _unfilled(shape: Any) -> Any:
    return np.full(shape, np.nan)


@dataclass
class Expected:
    """What the primal does in a world."""

    args: tuple[Any, ...]
    value: Any = None
    error: type[BaseException] | None = None
    slopes: Sequence[tuple[Any, float]] = ()  # directions, and the derivative along each


def expect(program: Program, primal: Primal, world: World) -> Expected | None:
    """None where the primal says nothing: it does not end, it is wild."""
    args = program.arguments(world)
    try:
        value = primal(args)
    except OutOfFuel:
        return None
    except (OverflowError, FloatingPointError, RecursionError):
        return None  # NumPy's value where `math` raises
    except Exception as e:
        return Expected(args, error=type(e))
    real = isinstance(value, (int, float, np.number, np.bool_)) or (
        np.ndim(value) == 0 and hasattr(value, "dtype")
    )
    if not (real and np.isfinite(value) and abs(value) < LARGE):
        return None
    double = program.arguments(world, np.float64)
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
    return Expected(args, value, None, list(_slopes(program, primal, double, active, world)))


def _is_tame(primal: Primal, args: Any, steps: Any) -> bool:
    """Whether the value is not so steep that it is noise: the sine of 1e13."""
    at = float(primal(args))
    try:
        return abs(float(primal(args, steps)) - at) < 1e-7 * (1 + abs(at))
    except (Exception, OutOfFuel):
        return False


def _slopes(
    program: Program, primal: Primal, args: Any, active: Any, world: World
) -> Iterator[tuple[Any, float]]:
    if not active.any():
        return
    at = float(primal(args))
    rng = np.random.default_rng((program.numbers, *world))
    directions = [
        rng.choice([-1.0, 1.0], active.size) * rng.uniform(0.3, 1.0, active.size) * active for _ in range(3)
    ]
    elements = np.flatnonzero(active)
    for element in rng.permutation(elements)[:6]:
        direction = np.zeros(active.size)
        direction[element] = 1.0
        directions.append(direction)
    for direction in directions:
        try:
            up, down, up2, down2 = (
                float(primal(args, by * STEP * direction)) for by in (1.0, -1.0, 2.0, -2.0)
            )
        except (Exception, OutOfFuel):
            continue
        slope, wide = (up - down) / (2 * STEP), (up2 - down2) / (4 * STEP)
        right, left = (up - at) / STEP, (at - down) / STEP
        scale = 1 + abs(slope)
        if abs(slope - wide) < AGREE * scale and abs(right - left) < 1e-3 * scale:
            yield direction, slope


# -- judging ----------------------------------------------------------------------------------


def judge(
    program: Program, routes: Sequence[str] = tuple(ROUTES), worlds: Sequence[World] | None = None
) -> Verdict:
    """The first thing that is wrong, if any."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _judge(program, routes, program.worlds if worlds is None else worlds)


def _judge(program: Program, routes: Sequence[str], worlds: Sequence[World]) -> Verdict:
    primal = Primal(program.text)
    expected = {w: e for w in worlds if (e := expect(program, primal, w)) is not None}
    if not any(e.error is None and e.slopes for e in expected.values()):
        return Verdict("unjudged")
    f = make(program.text, **GLOBALS)
    first: dict[World, Any] = {}
    for route in routes:
        if route == "gradient" and len(routes) > 1 and program.numbers % 4:
            continue
        seen: dict[World, Any] = {}
        function = None
        for world in [*expected, *list(expected)[:1]]:  # the first once more: nothing is left behind
            try:
                with patience():
                    function = function or ROUTES[route](f, program.argnums)
                    verdict = _world(program, function, expected[world], route, seen.get(world), seen, world)
            except UnsupportedError as e:
                return Verdict("refused", e.reason, str(e), route, world)
            except Hangs:
                verdict = "hangs", f"no answer within {PATIENCE:g} s"
            except Exception as e:  # a crash of the decorator
                verdict = f"decorator raises {type(e).__name__}", str(e)
            if verdict is not None:
                return Verdict("failed", verdict[0], verdict[1][:1500], route, world)
        for world, got in seen.items():
            if (
                world in first
                and not np.allclose(first[world], got, rtol=1e-6, atol=1e-7, equal_nan=True)
                and not program.single
            ):
                return Verdict("failed", "routes differ", f"{first[world]}\n{got}", route, world)
        first = first or seen
    return Verdict("well")


def _world(
    program: Program,
    function: Any,
    expected: Expected,
    route: str,
    before: Any,
    seen: dict[Any, Any],
    world: World,
) -> tuple[str, str] | None:
    args = stepped(expected.args, None)
    try:
        result = function(*args)
    except UnsupportedError:
        raise
    except Exception as e:
        if expected.error is None:
            return f"raises {type(e).__name__}", str(e)
        # Where several statements would raise, the first may be one that nothing needs.
        return None if same(args, expected.args) else ("an argument was changed", "by a call that raises")
    if not same(args, expected.args):
        return "an argument was changed", f"{args} for {expected.args}"
    if expected.error is not None:
        return None  # what nothing needs is not computed, nor is its error raised
    value, gradients = (expected.value, result) if route == "gradient" else result
    names = program.argnums or program.parameters
    if len(names) == 1 and program.argnums is None:
        gradients = (gradients,)
    tolerance = 1e-3 if program.single else 1e-8
    if np.shape(value) != () or not np.allclose(value, expected.value, rtol=tolerance, atol=tolerance):
        return "value", f"{value} for {expected.value}"
    variables = dict(zip(program.parameters, args, strict=True))
    given = dict(zip(names, gradients, strict=True))
    parts: list[Any] = []
    for name, variable in variables.items():
        try:
            parts += flat(variable, given[name]) if name in given else [np.zeros(size(variable))]
        except Unlike as e:
            return f"form: {str(e).split('(')[0].split('{')[0]}"[:60], f"gradient of {name}: {e}"
    wrong = _storage(args, gradients)
    if wrong:
        return wrong, ""
    gradient = np.concatenate(parts) if parts else np.zeros(0)
    if before is not None and not np.array_equal(before, gradient, equal_nan=True):
        return "a second call differs", f"{before}\n{gradient}"
    seen[world] = gradient
    return _compared(expected, gradient, 1e-2 if program.single else 2e-5)


def _compared(expected: Expected, gradient: Any, tolerance: float) -> tuple[str, str] | None:
    for direction, slope in expected.slopes:
        have = float(np.sum(gradient[direction != 0] * direction[direction != 0]))
        if not abs(have - slope) <= tolerance * (1 + abs(slope)):
            where = np.flatnonzero(direction)
            along = f"element {where[0]}" if len(where) == 1 else "a random direction"
            return "gradient", f"along {along}: {have!r}, differences {slope!r}; gradient {gradient}"
    return None


def _storage(args: Any, gradients: Any) -> str | None:
    arrays = [a for a in leaves((args, gradients)) if isinstance(a, np.ndarray)]
    if any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2)):
        return "a gradient shares memory"
    if any(isinstance(g, np.ndarray) and not g.flags.writeable for g in leaves(gradients)):
        return "a gradient is read-only"
    return None


@contextmanager
def patience() -> Iterator[None]:
    """Raises Hangs in what takes too long, where signals are to be had."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def give_up(*_: Any) -> None:
        raise Hangs

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
