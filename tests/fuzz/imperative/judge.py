"""What must hold of a program and its gradient.

The oracle is central differences of the primal. One gradient is called several times in a row, with other lengths, other
values and another state of the module, and each call is judged. A program that writes into the module's state is to be
refused, or to write what the primal writes. What derives along a direction is held against the gradient, too, and second
derivatives against differences of it.
"""

from __future__ import annotations

import itertools
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from revcompile import UnsupportedError, grad, value_and_grad
from tests.fuzz.imperative import operators
from tests.fuzz.imperative.arguments import Unlike, flat, leaves, same, size, stepped
from tests.fuzz.imperative.oracle import Expected, Primal, expect
from tests.fuzz.imperative.program import Program, Situation, World
from tests.fuzz.imperative.state import install, snapshot, state
from tests.support.program import make

TOLERANCE = {False: 2e-5, True: 1e-2}  # in double and in single precision
PATIENCE = 20.0  # seconds of work for one gradient, compilation included
ROUTES: dict[str, Callable[[Any, Any], Any]] = {
    "optimised": lambda f, argnums: value_and_grad(f, argnums),
    "textbook": lambda f, argnums: value_and_grad(f, argnums, optimize=False),
    "gradient": lambda f, argnums: grad(f, argnums),
    **operators.REVERSE,
}


@dataclass(frozen=True)
class Verdict:
    """ "well", "unjudged" (the primal says nothing), "refused" or "failed"."""

    outcome: str
    category: str = ""
    detail: str = ""
    route: str = ""
    world: World | None = None


class Hangs(BaseException):
    pass


class Later:
    """What is made at the first call."""

    def __init__(self, make: Callable[[], Callable[..., Any]]) -> None:
        self.make, self.made = make, None

    def __call__(self, *args: Any) -> Any:
        self.made = self.made or self.make()
        return self.made(*args)


def judge(program: Program, routes: Sequence[str], worlds: Sequence[World] | None = None) -> Verdict:
    """The first thing that is wrong, if any. Routes are those of `ROUTES`, and operators along a direction."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _judge(program, routes, program.worlds if worlds is None else worlds)


def _judge(program: Program, routes: Sequence[str], worlds: Sequence[World]) -> Verdict:
    primal, calls = Primal(program), program.calls(worlds)
    expected = {c: e for c in dict.fromkeys(calls) if (e := expect(program, primal, c)) is not None}
    calls = [c for c in calls if c in expected]
    writes = any(e.state is not None for e in expected.values())
    if not writes and not any(e.error is None and e.slopes for e in expected.values()):
        return Verdict("unjudged")
    f = make(program.text, **state(0))
    first: dict[Situation, Any] = {}
    for route in routes:
        seen: dict[Situation, Any] = {}
        if route in ROUTES:
            compiled = Later(partial(ROUTES[route], f, program.argnums))
            ask = partial(_call, program, compiled, route, seen)
        elif not writes:
            ask = partial(_along, program, operators.Along(f, route), first)
        else:
            continue
        for call in calls:
            install(f.__globals__, call.state)
            try:
                with patience():
                    verdict = ask(expected[call], call)
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
    return Verdict("well")


def _along(
    program: Program,
    along: operators.Along,
    gradients: dict[Situation, Any],
    expected: Expected,
    call: Situation,
) -> tuple[str, str] | None:
    """A derivative in a direction, of the function or of its gradient."""
    if not expected.slopes:
        return None
    direction, slope = expected.slopes[0]
    args = stepped(expected.args, None)
    try:
        got = along(args, direction)
    except UnsupportedError:
        raise
    except Exception as e:
        return f"raises {type(e).__name__}", str(e)
    if not same(args, expected.args):
        return "an argument was changed", f"{args} for {expected.args}"
    if along.is_second:
        wanted, sure = along.differences(expected.args, direction)
        if got.shape != wanted.shape:
            return "form", f"{got.shape} for {wanted.shape}"
        off = sure & ~(np.abs(got - wanted) <= 1e-4 * (1 + np.abs(wanted)))
        return ("second derivative", f"{got}, differences {wanted}, certain {sure}") if off.any() else None
    if not abs(got - slope) <= TOLERANCE[program.single] * (1 + abs(slope)):
        return "tangent", f"{got!r}, differences {slope!r}"
    if call in gradients and not program.single:
        moved = direction != 0
        reverse = float(gradients[call][moved] @ direction[moved])
        if not abs(got - reverse) <= 1e-7 * (
            1 + float(np.abs(gradients[call][moved]) @ np.abs(direction[moved]))
        ):
            return "tangent", f"{got!r}, by the gradient {reverse!r}"
    return None


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
    route: str,
    seen: dict[Situation, Any],
    expected: Expected,
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
    return _compared(expected, gradient, TOLERANCE[program.single])


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
