"""How compiling grows: programs of one kind, of n statements each, for n from 10 to 640.

`python -m tests.benchmarks growth` reports milliseconds a statement, and the exponents of growth of the time and of
the text; `tests/programs/test_growth.py` counts what does not depend on a clock.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from revcompile import grad
from tests.support.program import make

Args = tuple[Any, ...]
SIZES = (10, 40, 160, 640)


@dataclass(frozen=True)
class Shape:
    """A kind of program: its text for n statements, its arguments, and how far it is tried."""

    text: Callable[[int], str]
    args: Callable[[], Args]
    most: int = 640


def _lines(head: str, body: list[str], last: str, indent: int = 4) -> str:
    return "\n".join([head, *(" " * indent + line for line in body), f"    return {last}"]) + "\n"


def _numbers() -> Args:
    return 0.7, 1.3


def _vectors() -> Args:
    rng = np.random.default_rng(0)
    return rng.standard_normal(5), rng.standard_normal(5)


def _vector_and_number() -> Args:
    return np.random.default_rng(0).standard_normal(5), 0.9


def _product(n: int) -> str:
    return _lines("def f(a, b):", [], " * ".join(["a", "b"] * (n // 2)))


def _products(n: int) -> str:
    body = ["y = a", *(f"y = y * {'ab'[i % 2]} + 0.5" for i in range(n // 2))]
    return _lines("def f(a, b):", body, "y")


def _arrays(n: int) -> str:
    body = ["y = x", *(f"y = y + np.{'sin' if i % 2 else 'cos'}(y * w)" for i in range(n // 4))]
    return _lines("def f(x, w):", body, "np.sum(y)")


def _names(n: int) -> str:
    body = ["v0 = a * b", *(f"v{i} = v{i - 1} * {'ab'[i % 2]}" for i in range(1, n))]
    return _lines("def f(a, b):", body, f"v{n - 1}")


def _stores(n: int) -> str:
    body = ["y = np.zeros(5)", *(f"y[{i % 5}] = y[{(i + 1) % 5}] * s + x[{i % 5}]" for i in range(n))]
    return _lines("def f(x, s):", body, "np.sum(y)")


def _many_arrays(n: int) -> str:
    body = [line for i in range(n // 2) for line in (f"y{i} = x * s", f"y{i}[{i % 5}] = s")]
    return _lines("def f(x, s):", body, " + ".join(f"np.sum(y{i})" for i in range(n // 2)))


def _ifs(n: int) -> str:
    body = ["y = a", *(f"y = y * b if y > {i}.0 else y + {i}.0" for i in range(n))]
    return _lines("def f(a, b):", body, "y")


def _if_statements(n: int) -> str:
    body = ["y = a"]
    for i in range(n):
        body += [f"if y > {i}.5:", "    y = y * b", "else:", f"    y = y + {i}.0"]
    return _lines("def f(a, b):", body, "y")


def _elifs(n: int) -> str:
    body = ["if a < 0.0:", "    y = a"]
    for i in range(n):
        body += [f"elif a < {i + 1}.0:", f"    y = a * {i + 1}.0"]
    body += ["else:", "    y = b"]
    return _lines("def f(a, b):", body, "y * b")


def _nested_ifs(n: int) -> str:
    body = ["y = a"]
    for i in range(n):
        body += [" " * i + f"if a > -{i + 1}.0:", " " * i + f" y = y * b + {i}.0"]
    return _lines("def f(a, b):", body, "y")


def _loops(n: int) -> str:
    body = ["y = a"]
    for _ in range(n):
        body += ["for i in range(3):", "    y = y * b + 0.1"]
    return _lines("def f(a, b):", body, "y")


def _whiles(n: int) -> str:
    body = ["y = a"]
    for i in range(n):
        body += [f"while y < {i + 2}.0:", "    y = y + b"]
    return _lines("def f(a, b):", body, "y")


def _nested_loops(n: int) -> str:
    body = ["y = a"]
    for i in range(n):
        body += [" " * i + f"for i{i} in range(2):"]
    body += [" " * n + "y = y * b + 0.1"]
    return _lines("def f(a, b):", body, "y")


def _nested_array_loops(n: int) -> str:
    body = ["y = x.copy()"]
    for i in range(n):
        body += [" " * i + f"for i{i} in range(2):"]
    body += [" " * n + "y[1:] = y[1:] * s + y[:-1]", " " * n + "y[0] += s", " " * n + "s = s * 0.9"]
    return _lines("def f(x, s):", body, "np.sum(y) + s")


def _nested_lists(n: int) -> str:
    body = ["y = s"]
    for i in range(n):
        body += [" " * i + f"l{i} = []", " " * i + f"for i{i} in range(2):"]
    body += [" " * n + "y = y * x[0]"]
    for i in reversed(range(n)):
        body += [" " * (i + 1) + f"l{i}.append(y)", " " * i + f"y = y + sum(l{i})"]
    return _lines("def f(x, s):", body, "y")


def _long_loop(n: int) -> str:
    body = ["y = a", "for i in range(3):", *(f"    y = y * {'ab'[i % 2]} + 0.5" for i in range(n // 2))]
    return _lines("def f(a, b):", body, "y")


def _long_array_loop(n: int) -> str:
    lines = [f"    y[{i % 5}] = y[{(i + 1) % 5}] * s" for i in range(n)]
    return _lines("def f(x, s):", ["y = x.copy()", "for i in range(3):", *lines], "np.sum(y)")


def _exits(n: int) -> str:
    body = ["y = a"]
    for i in range(n):
        body += [f"if y > {i + 2}.0:", f"    return y * {i + 1}.0", "y = y * b"]
    return _lines("def f(a, b):", body, "y")


def _loop_exits(n: int) -> str:
    body = ["y = a", "for i in range(3):"]
    for i in range(n):
        body += [f"    if y > {i + 2}.0:", "        break", "    y = y * b"]
    return _lines("def f(a, b):", body, "y")


def _continues(n: int) -> str:
    body = ["y = a", "for i in range(3):"]
    for i in range(n):
        body += [f"    if y > {i + 2}.0:", f"        y = y - {i}.0", "        continue", "    y = y * b"]
    return _lines("def f(a, b):", body, "y")


def _lists(n: int) -> str:
    body = ["l = []", "y = a", "for i in range(3):"]
    body += [line for i in range(n // 2) for line in ("    y = y * b", "    l.append(y)")]
    return _lines("def f(a, b):", body, "sum(l)")


def _many_lists(n: int) -> str:
    body = ["y = a"]
    for i in range(n // 4):
        body += [f"l{i} = []", "for i in range(3):", "    y = y * b", f"    l{i}.append(y)"]
    return _lines("def f(a, b):", body, " + ".join(f"sum(l{i})" for i in range(n // 4)))


def _helpers(n: int) -> str:
    head = "def g(a, b):\n    return a * b + 0.5\n\ndef f(a, b):"
    return _lines(head, ["y = a", *("y = g(y, b)" for _ in range(n))], "y")


def _pairs(n: int) -> str:
    body = "".join(f"    a = a * b + {i}.5\n" for i in range(10))
    head = f"def g(a, b):\n{body}    return a\n\ndef f(a, b):"
    return _lines(head, ["y = a", *("y = g(y, b)" for _ in range(n))], "y")


def _choices(n: int) -> str:
    body = [line for _ in range(n) for line in ("y = x * 1.0 if s > 0.0 else x[::-1]", "y[0] = s")]
    return _lines("def f(x, s):", body, "np.sum(y * y)")


def _chained_choices(n: int) -> str:
    body = ["y = x"]
    for i in range(n):
        body += [f"y = y * 1.0 if s > {i}.0 else y[::-1]", f"y[{i % 5}] = s"]
    return _lines("def f(x, s):", body, "np.sum(y * y)")


SHAPES: Mapping[str, Shape] = {
    "one product": Shape(_product, _numbers),
    "numbers": Shape(_products, _numbers),
    "a name each": Shape(_names, _numbers),
    "arrays": Shape(_arrays, _vectors),
    "stores into one array": Shape(_stores, _vector_and_number),
    "stores into many": Shape(_many_arrays, _vector_and_number),
    "conditional expressions": Shape(_ifs, _numbers),
    "if, else": Shape(_if_statements, _numbers),
    "elif": Shape(_elifs, _numbers),
    "nested ifs": Shape(_nested_ifs, _numbers, most=40),
    "loops": Shape(_loops, _numbers),
    "while loops": Shape(_whiles, _numbers),
    "a long loop": Shape(_long_loop, _numbers),
    "stores in a loop": Shape(_long_array_loop, _vector_and_number),
    "returns": Shape(_exits, _numbers),
    "breaks": Shape(_loop_exits, _numbers),
    "continues": Shape(_continues, _numbers),
    "appends to a list": Shape(_lists, _numbers),
    "many lists": Shape(_many_lists, _numbers),
    "small helpers": Shape(_helpers, _numbers),
    "pairs": Shape(_pairs, _numbers),
    "array choices": Shape(_choices, _vector_and_number),
    "chained choices": Shape(_chained_choices, _vector_and_number),
    "nested loops": Shape(_nested_loops, _numbers, most=6),
    "nested loops, stores": Shape(_nested_array_loops, _vector_and_number, most=6),
    "nested loops, lists": Shape(_nested_lists, _vector_and_number, most=6),
}


@dataclass(frozen=True)
class Measured:
    """What compiling programs of one kind took."""

    seconds: Mapping[int, float]  # by the number of statements
    lines: Mapping[int, int]  # of the text
    failed: str = ""  # what ended the row

    @property
    def exponent(self) -> float | None:
        """Of the growth of the seconds from the last size but one to the last."""
        return _exponent(self.seconds)

    @property
    def text_exponent(self) -> float | None:
        return _exponent(self.lines)


def _exponent(known: Mapping[int, float]) -> float | None:
    if len(known) < 2:
        return None
    (m, a), (n, b) = list(known.items())[-2:]
    return float(np.log(b / a) / np.log(n / m))


def compiled(shape: Shape, n: int) -> tuple[float, str]:
    """The seconds from decoration to the first gradient of a program of n statements, and its text."""
    function, args = make(shape.text(n)), shape.args()
    gc.collect()
    start = process_time()
    gradient = grad(function)
    with np.errstate(all="ignore"):
        gradient(*args)
    return process_time() - start, gradient.source  # type: ignore[attr-defined]


def measure(shape: Shape, most_seconds: float = 4.0) -> Measured:
    """Ends before a size that would take longer than this."""
    seconds: dict[int, float] = {}
    lines: dict[int, int] = {}
    sizes = SIZES if shape.most > 10 else range(1, shape.most + 1)
    for n in sizes:
        if n > shape.most:
            break
        try:
            runs = [compiled(shape, n) for _ in range(3 if n < 100 else 1)]
        except Exception as e:
            return Measured(seconds, lines, f"{type(e).__name__}: {str(e)[:60]}")
        seconds[n], lines[n] = min(s for s, _ in runs), runs[0][1].count("\n")
        if n < sizes[-1] and seconds[n] > most_seconds / 8:
            later = sizes[list(sizes).index(n) + 1]
            if seconds[n] * (later / n) ** max(_exponent(seconds) or 1.0, 1.0) > most_seconds:
                return Measured(seconds, lines, "too long")
    return Measured(seconds, lines)


def work(shape: Shape, n: int) -> tuple[int, int]:
    """How often Python calls a function of Python's while it compiles, and the lines of the text."""
    count = 0

    def note(frame: Any, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    gradient, args = grad(make(shape.text(n))), shape.args()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        gradient(*args)
    finally:
        sys.setprofile(before)
    return count, gradient.source.count("\n")  # type: ignore[attr-defined]


def table(names: Sequence[str] = ()) -> Iterator[str]:
    """The report, a row a kind."""
    yield f"{'compiling, ms a statement':30}" + "".join(f"{n:>9}" for n in SIZES) + "  exponent  lines"
    for name, shape in SHAPES.items():
        if names and name not in names:
            continue
        found = measure(shape)
        cells = [f"{1e3 * s / n:9.2f}" for n, s in found.seconds.items()]
        cells += [" " * 9] * (4 - len(cells))
        growth = "" if found.exponent is None else f"{found.exponent:8.2f}"
        text = "" if found.text_exponent is None else f"{found.text_exponent:9.2f}"
        yield f"{name:30}{''.join(cells)}  {growth}{text}  {found.failed}"
