"""What the compiler makes of a call: right, refused, wrong, a crash, or not to be judged here."""

from __future__ import annotations

import linecache
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile import UnsupportedError, grad
from tests.support.program import make
from tests.sweep.calls import Call, calls_of

OUTCOMES = ("right", "unjudged", "refused", "wrong", "crash")


@dataclass(frozen=True)
class Verdict:
    outcome: str
    why: str = ""


def swept(function: str) -> list[tuple[Call, Verdict]]:
    """All calls of a function, in turn in the fast and in the textbook form, alone and with the value."""
    return [
        (call, judge(call, optimize=j % 4 != 3, with_value=j % 2 == 1))
        for j, call in enumerate(calls_of(function))
    ]


def judge(call: Call, optimize: bool = True, with_value: bool = False) -> Verdict:
    """Differentiate the program of a call, and compare with differences."""
    f = make(call.program, **dict(call.weights))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return _judge(call, f, optimize, with_value)
    finally:
        linecache.cache.pop(f.__code__.co_filename, None)


def _judge(call: Call, f: Any, optimize: bool, with_value: bool) -> Verdict:
    gradient = grad(f, argnums=call.differentiated, optimize=optimize)
    try:
        if with_value:
            value, found = gradient.value_and_grad(*call.arguments)
        else:
            value, found = None, gradient(*call.arguments)
    except UnsupportedError as refusal:
        placed = refusal.place is not None and refusal.place.line > 1
        return Verdict("refused" if placed else "crash", str(refusal).split("\n")[0])
    except Exception as crash:
        return Verdict("crash", f"{type(crash).__name__}: {str(crash).splitlines()[:1]}")
    if value is not None and not _close(value, f(*call.arguments), 1e-10):
        return Verdict("wrong", f"value {value} for {f(*call.arguments)}")
    for i, one in zip(call.differentiated, found, strict=True):
        argument = call.arguments[i]
        if np.shape(one) != np.shape(argument) or np.asarray(one).dtype != np.asarray(argument).dtype:
            return Verdict("wrong", f"{type(one).__name__}{np.shape(one)} for {call.variables[i]}")
    return _compare(call, f, found)


def _compare(call: Call, f: Any, found: tuple[Any, ...]) -> Verdict:
    """Against central differences, wherever those from both sides and with two steps agree.

    Those of a call that computes in half or single precision are taken of it in double precision.
    """
    half = "float16" in call.text or "half" in call.text
    coarse = half or "float32" in call.text or "np.single" in call.text
    start = float(np.squeeze(f(*call.arguments)))
    if coarse:
        program = re.sub("np.(float16|float32|half|single)", "np.float64", call.program)
        f = make(program, **dict(call.weights))
        try:
            precise = float(np.squeeze(f(*call.arguments)))
        except Exception:
            return Verdict("unjudged", "not accepted in double precision")
        finally:
            linecache.cache.pop(f.__code__.co_filename, None)
        if not _close(start, precise, 3e-2 if half else 1e-4):
            return Verdict("unjudged", "another value in double precision")
        start = precise
    if not np.isfinite(start):
        return Verdict("unjudged", "no finite value")
    tolerance = 3e-2 if half else 1e-3 if coarse else 2e-5
    doubtful = 0
    for i, one in zip(call.differentiated, found, strict=True):
        for place in np.ndindex(np.shape(call.arguments[i])):
            slope = _slope(call, f, start, i, place, 1e-5)
            if slope is None:
                doubtful += 1
                continue
            mine = float(np.asarray(one)[place])
            if not _close(mine, slope, tolerance):
                again = _slope(call, f, start, i, place, 1e-6)
                if again is not None and not _close(mine, again, tolerance):
                    return Verdict(
                        "wrong", f"d{call.variables[i]}{list(place)} = {mine:.6g}, not {slope:.6g}"
                    )
    return Verdict("unjudged", "not differentiable here") if doubtful else Verdict("right")


def _slope(call: Call, f: Any, start: float, i: int, place: tuple[int, ...], step: float) -> float | None:
    """The central difference in one number; None where the sides differ, or f fails or is infinite."""
    values = []
    for sign in (1.0, -1.0):
        args = list(call.arguments)
        moved = np.array(args[i], dtype=float)
        moved[place] += sign * step
        args[i] = moved if isinstance(args[i], np.ndarray) else float(moved)
        try:
            values.append(float(np.squeeze(f(*args))))
        except Exception:
            return None
    up, down = (values[0] - start) / step, (start - values[1]) / step
    return (up + down) / 2 if abs(up - down) <= 5e-3 * (1.0 + abs(up + down)) else None


def _close(a: Any, b: Any, tolerance: float) -> bool:
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))
