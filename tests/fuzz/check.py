"""What must hold of a program and its gradient: the checks of the fuzzer, and the shrinking of failures."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from revcompile import value_and_grad
from revcompile.errors import UnsupportedError
from tests.fuzz.programs import GLOBALS, WORLDS, Program
from tests.support.program import make

STEP = 1e-6
UNREACHED = (NameError, ZeroDivisionError, IndexError, ValueError)


def check(
    program: Program, text: str | None = None, worlds: Sequence[tuple[int, int]] = WORLDS
) -> str | None:
    """None where all is well, "refused: …" where the compiler refuses, else what is wrong."""
    f = make(text or program.text(), **GLOBALS)
    # differences are taken in double precision throughout
    double = make((text or program.text()).replace("np.float32(", "np.float64("), **GLOBALS)
    compiled, textbook = value_and_grad(f), value_and_grad(f, optimize=False)
    for world in worlds:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            wrong = _check_world(program, f, double, compiled, textbook, world)
        if wrong is not None:
            return wrong if wrong.startswith("refused") else f"lengths {world}: {wrong}"
    return None


def _check_world(
    program: Program, f: Any, double: Any, compiled: Any, textbook: Any, world: tuple[int, int]
) -> str | None:
    args = program.arguments(world)
    try:
        value = f(*args)
        if not np.isfinite(value):
            return None
    except Exception:
        return None  # not a program for these lengths
    before = [np.array(a) for a in args]
    try:
        got, gradients = compiled(*args)
        plain, plain_gradients = textbook(*args)
    except UnsupportedError as e:
        return f"refused: {e.reason}"
    except UNREACHED as e:
        if isinstance(e, ValueError) and "zero-size" not in str(e):
            return f"raised ValueError: {str(e)[:300]}"
        return f"refused: {e}"  # an error on a side that is not taken shows while compiling
    except Exception as e:
        return f"raised {type(e).__name__}: {str(e)[:300]}"
    return (
        _unlike(got, value, plain, program.single)
        or _kinds(args, gradients)
        or _kinds(args, plain_gradients)
        or _storage(args, before, gradients)
        or _differs(gradients, plain_gradients, 1e-3 if program.single else 1e-8)
        or _numerical(program, double, world, gradients)
    )


def _unlike(got: Any, value: Any, plain: Any, single: bool) -> str | None:
    if not np.allclose(got, value, rtol=1e-6) or not np.allclose(plain, value, rtol=1e-6):
        return f"value {got} or {plain} for {value}"
    if np.shape(got) != np.shape(value):
        return f"value of shape {np.shape(got)} for {np.shape(value)}"
    # (a Python float that a branch joins with a float32 becomes one)
    if np.asarray(got).dtype != np.asarray(value).dtype and not single:
        return f"value of dtype {np.asarray(got).dtype} for {np.asarray(value).dtype}"
    return None


def _kinds(args: tuple[Any, ...], gradients: Any) -> str | None:
    for i, (x, g) in enumerate(zip(args, gradients, strict=True)):
        if isinstance(x, int):
            continue
        if np.shape(g) != np.shape(x) or isinstance(x, np.ndarray) != isinstance(g, np.ndarray):
            return f"gradient {i}: {type(g).__name__} of shape {np.shape(g)} for shape {np.shape(x)}"
        if np.asarray(g).dtype != np.asarray(x).dtype or (type(x) is float) != (type(g) is float):
            return f"gradient {i}: {type(g).__name__} of {np.asarray(g).dtype} for {np.asarray(x).dtype}"
    return None


def _storage(args: tuple[Any, ...], before: list[Any], gradients: Any) -> str | None:
    for i, (a, b) in enumerate(zip(args, before, strict=True)):
        if not np.array_equal(a, b):
            return f"argument {i} was changed"
    arrays = [a for a in (*args, *gradients) if isinstance(a, np.ndarray)]
    arrays += [GLOBALS["V"]]
    for a, b in itertools.combinations(arrays, 2):
        if np.shares_memory(a, b):
            return "a gradient shares memory"
    if any(isinstance(g, np.ndarray) and not g.flags.writeable for g in gradients):
        return "a gradient is read-only"
    return None


def _differs(a: Any, b: Any, tolerance: float) -> str | None:
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if (x is None) != (y is None) or (
            x is not None and not np.allclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)
        ):
            return f"gradient {i}: optimised {x}, textbook {y}"
    return None


def _numerical(program: Program, f: Any, world: tuple[int, int], gradients: Any) -> str | None:
    args = program.arguments(world, np.float64)
    tolerance = 2e-2 if program.single else 2e-4
    at = float(np.squeeze(f(*args)))
    for i, (x, g) in enumerate(zip(args, gradients, strict=True)):
        if isinstance(x, int):
            continue
        for index in np.ndindex(np.shape(x)):
            if isinstance(x, np.ndarray):
                moved = [x.copy(), x.copy()]
                moved[0][index] += STEP
                moved[1][index] -= STEP
            else:
                moved = [type(x)(x + STEP), type(x)(x - STEP)]
            try:
                up, down = (float(np.squeeze(f(*args[:i], m, *args[i + 1 :]))) for m in moved)
            except Exception:
                continue
            right, left = (up - at) / STEP, (at - down) / STEP
            have = float(g[index]) if isinstance(g, np.ndarray) else float(g)
            scale = 1 + abs(right) + abs(left)
            if not np.isfinite(scale) or abs(right - left) > 1e-3 * scale:
                continue  # a kink, a jump
            if not abs(have - (right + left) / 2) <= tolerance * scale:
                return (
                    f"gradient {program.parameters[i]}{list(index)}: {have}, differences {(right + left) / 2}"
                )
    return None


def shrink(program: Program, failing: Callable[[str], bool]) -> str:
    """The text with as few statements as still fail."""
    lines = [line for statement in program.body for line in statement]
    shrunk = True
    while shrunk:
        shrunk = False
        for size in (8, 4, 2, 1):
            for start in range(len(lines) - size, -1, -1):
                fewer = lines[:start] + lines[start + size :]
                text = program.text([fewer])
                if _compiles(text) and failing(text):
                    lines, shrunk = fewer, True
        for i, line in enumerate(lines):
            if (
                line.startswith("    ") and i and not lines[i - 1].startswith("    ")
            ):  # a block taken out of its `if`
                flat = lines[: i - 1] + [line[4:]] + lines[i + 1 :]
                text = program.text([flat])
                if _compiles(text) and failing(text):
                    lines, shrunk = flat, True
                    break
    return program.text([lines])


def _compiles(text: str) -> bool:
    try:
        compile(text, "<shrunk>", "exec")
        return True
    except SyntaxError:
        return False
