"""What must hold of a program and its gradient.

The oracle is central differences of the primal, in random directions and in single elements. Where two step sizes
or the two sides disagree (a kink, a jump, chaos), a direction says nothing. One gradient is called several times in a
row, with other lengths, other values and another state of the module, and each call is judged. A program that writes
into the module's state is to be refused, or to write what the primal writes.
"""

from __future__ import annotations

import ast
import itertools
import math
import operator
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile import UnsupportedError, grad, jvp, value_and_grad
from tests.fuzz.imperative.arguments import Unlike, flat, is_real, leaves, same, size, stepped
from tests.fuzz.imperative.program import Program, Situation, World
from tests.fuzz.imperative.state import install, snapshot, state
from tests.support.program import make

STEP = 4e-6
AGREE = 2e-6  # of two step sizes
NEAR = 0.01  # a step so much smaller shows what is rounded, so much larger
ROUNDING = 3e-5
FUEL = 3000  # trips of all loops of one run of the primal
PATIENCE = 20.0  # seconds of work for one gradient, compilation included
LARGE = 1e4
HUGE = 1e8
TINY = 1e-18  # the square of a float32 number as small as that is 0, its slope not
ROUTES: dict[str, Callable[[Any, Any], Any]] = {
    "optimised": lambda f, argnums: value_and_grad(f, argnums),
    "textbook": lambda f, argnums: value_and_grad(f, argnums, optimize=False),
    "gradient": lambda f, argnums: grad(f, argnums),
}
FORWARD = "forward"


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
        if node.attr == "empty" and isinstance(node.value, ast.Name):
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
    return np.full(shape, np.nan)


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
            up, down, up2, down2, near, near2 = (
                float(primal(args, by * STEP * direction)) for by in (1.0, -1.0, 2.0, -2.0, NEAR, -NEAR)
            )
        except (Exception, OutOfFuel):
            continue
        slope, wide = (up - down) / (2 * STEP), (up2 - down2) / (4 * STEP)
        rounding = abs((near - near2) / (2 * NEAR * STEP) - slope)
        right, left = (up - at) / STEP, (at - down) / STEP
        scale = 1 + abs(slope)
        if (
            abs(slope - wide) < AGREE * scale
            and abs(right - left) < 1e-3 * scale
            and rounding < ROUNDING * (scale + abs(at))
        ):
            yield direction, slope


# -- judging ----------------------------------------------------------------------------------


def judge(
    program: Program, routes: Sequence[str] = tuple(ROUTES), worlds: Sequence[World] | None = None
) -> Verdict:
    """The first thing that is wrong, if any. The route "forward" is of forward mode."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        reverse = [route for route in routes if route != FORWARD]
        return _judge(program, reverse, program.worlds if worlds is None else worlds, FORWARD in routes)


def _judge(program: Program, routes: Sequence[str], worlds: Sequence[World], forward: bool) -> Verdict:
    primal, calls = Primal(program), program.calls(worlds)
    expected = {c: e for c in dict.fromkeys(calls) if (e := expect(program, primal, c)) is not None}
    writes = any(e.state is not None for e in expected.values())
    if not writes and not any(e.error is None and e.slopes for e in expected.values()):
        return Verdict("unjudged")
    f = make(program.text, **state(0))
    first: dict[Situation, Any] = {}
    for route in routes:
        if route == "gradient" and len(routes) > 1 and program.numbers % 4:
            continue
        seen: dict[Situation, Any] = {}
        function = None
        for call in (c for c in calls if c in expected):
            install(f.__globals__, call.state)
            try:
                with patience():
                    function = function or ROUTES[route](f, program.argnums)
                    verdict = _call(program, function, expected[call], route, seen, call)
                verdict = verdict or _left(f, expected[call], call)
            except UnsupportedError as e:
                if writes:
                    return Verdict("well", "refused, as it has to be")
                return Verdict("refused", e.reason, str(e), route, call.lengths)
            except Hangs:
                verdict = "hangs", f"no answer within {PATIENCE:g} s"
            except Exception as e:  # a crash of the decorator
                verdict = f"decorator raises {type(e).__name__}", str(e)
            if verdict is not None:
                return Verdict("failed", verdict[0], f"{call}: {verdict[1][:1500]}", route, call.lengths)
        for call, got in seen.items():
            if call in first and not program.single and _differ(first[call], got, expected[call]):
                return Verdict("failed", "routes differ", f"{first[call]}\n{got}", route, call.lengths)
        first = first or seen
    if forward and not writes:
        return _forward(program, f, calls[0], expected)
    return Verdict("well")


def _forward(program: Program, f: Any, call: Situation, expected: dict[Situation, Expected]) -> Verdict:
    """The derivative along the first direction, by forward mode."""
    if call not in expected or not expected[call].slopes:
        return Verdict("well")
    (direction, slope), args = expected[call].slopes[0], stepped(expected[call].args, None)
    install(f.__globals__, call.state)
    steps = stepped(args, direction)
    tangents = tuple(
        moved - x if is_real(x) else None for moved, x in zip(steps, stepped(args, None), strict=True)
    )
    try:
        with patience():
            _, along = jvp(f, args, tangents)
    except UnsupportedError as e:
        return Verdict("refused", e.reason, str(e), FORWARD, call.lengths)
    except Hangs:
        return Verdict("failed", "hangs", f"no answer within {PATIENCE:g} s", FORWARD, call.lengths)
    except Exception as e:
        return Verdict("failed", f"raises {type(e).__name__}", str(e), FORWARD, call.lengths)
    if not same(args, expected[call].args):
        return Verdict("failed", "an argument was changed", "", FORWARD, call.lengths)
    if not abs(float(along) - slope) <= 2e-5 * (1 + abs(slope)):
        return Verdict("failed", "tangent", f"{along!r}, differences {slope!r}", FORWARD, call.lengths)
    return Verdict("well")


def _differ(first: Any, second: Any, expected: Expected) -> bool:
    if expected.value is None:
        return False
    return not np.allclose(first, second, rtol=1e-6, atol=1e-7, equal_nan=True)


def _left(f: Any, expected: Expected, call: Situation) -> tuple[str, str] | None:
    """The module's state is what the primal leaves."""
    now, wanted = snapshot(f.__globals__), expected.state or state(call.state)
    if expected.error is not None or same(now, wanted):
        return None
    return "the module's state was " + ("written" if expected.state is None else "dropped"), f"{now}"


def _call(
    program: Program,
    function: Any,
    expected: Expected,
    route: str,
    seen: dict[Situation, Any],
    call: Situation,
) -> tuple[str, str] | None:
    args = stepped(expected.args, None)
    try:
        result = function(*args)
    except UnsupportedError:
        raise
    except Exception as e:
        if expected.error is None and expected.value is not None:
            return f"raises {type(e).__name__}", str(e)
        if (
            expected.error is OverflowError
            and type(e) is not OverflowError
            and "raise" not in program.features
            and not _raises_unbounded(program, call, type(e))
        ):
            return f"raises {type(e).__name__} for OverflowError", str(e)
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
    if expected.value is not None and not (
        np.shape(value) == () and np.allclose(value, expected.value, rtol=tolerance, atol=tolerance)
    ):
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
    before = seen.setdefault(call, gradient)
    rounding = 1e-6 if program.single else 1e-13  # what is compiled anew may round anew
    if not np.allclose(before, gradient, rtol=rounding, atol=rounding, equal_nan=True):
        return "a second call differs", f"{before}\n{gradient}"
    return _compared(expected, gradient, 1e-2 if program.single else 2e-5)


def _raises_unbounded(program: Program, call: Situation, kind: type[BaseException]) -> bool:
    """Whether the program raises that, too, if nothing needs the number that overflows."""
    primal = Primal(program, unbounded=True)
    primal.state = call.state
    try:
        primal(program.arguments(call))
    except kind:
        return True
    except Exception:
        return False
    return False


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


def patience() -> AbstractContextManager[None]:
    """Raises Hangs in what works too long."""
    return _limit("SIGPROF", "ITIMER_PROF", PATIENCE)


def alarm(seconds: float) -> AbstractContextManager[None]:
    """Raises Hangs in what takes too long, waiting included."""
    return _limit("SIGALRM", "ITIMER_REAL", seconds)


@contextmanager
def _limit(name: str, timer: str, seconds: float) -> Iterator[None]:
    """By a signal, where signals are to be had."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def give_up(*_: Any) -> None:
        raise Hangs

    number, which = getattr(signal, name), getattr(signal, timer)
    before = signal.signal(number, give_up)
    signal.setitimer(which, seconds)
    try:
        yield
    finally:
        signal.setitimer(which, 0)
        signal.signal(number, before)
