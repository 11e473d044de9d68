"""What of NumPy and `math` is differentiated: the table of gates as a user reads it, and what ran of it.

`listed` is made of the records. `executed` holds the examples of a record, the same that the tests walk over,
against differences: in reverse mode, in forward mode, and differentiated twice. Imports `check`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from revcompile.codegen.spell import public_name
from revcompile.errors import UnsupportedError
from revcompile.frontend.expressions import WRITING
from revcompile.frontend.naming import plain
from revcompile.frontend.prelude import MEANING
from revcompile.frontend.writing import WRITERS
from revcompile.gates.options import MUST_BE_KNOWN, signature_of
from revcompile.gates.record import Function, Gate
from revcompile.gates.samples import Example, Real
from revcompile.gates.shape import METHOD_ADAPTERS
from revcompile.gates.table import METHODS, TABLE
from revcompile.transforms.check import check_grads

# What is checked of an example: the order, and the modes.
CHECKS: dict[str, tuple[int, tuple[str, ...]]] = {
    "reverse": (1, ("rev",)), "forward": (1, ("fwd",)), "second order": (2, ("fwd", "rev")),
}  # fmt: skip
RAN = "ran"


@dataclass(frozen=True)
class Row:
    """A function or a method of arrays, by the name under which a program calls it."""

    name: str
    function: Function
    how: str  # its derivative is known; "constant" where it has none
    gate: Gate | None = None

    @property
    def signature(self) -> str:
        signature = self.gate.signature if self.gate is not None else signature_of(self.function)
        return str(plain(signature)).replace("<no value>", "...")

    @property
    def is_method(self) -> bool:
        return self.name.startswith(".")

    @property
    def examples(self) -> tuple[Example, ...]:
        if self.gate is None or not self.gate.carries_gradient:
            return ()
        more = _of_arrays(self.gate) if self.name.startswith("np.") else ()
        return (*self.gate.examples, *more)


def listed() -> list[Row]:
    """All that a program may call with what is differentiated, by name."""
    rows = {}
    for function, gate in TABLE.items():
        rows[_name_of(function)] = Row(_name_of(function), function, _derivative(gate), gate)
    for functions, how in ((MEANING, "written out"), (WRITERS, "writes")):
        for function in functions:
            rows[_name_of(function)] = Row(_name_of(function), function, how)
    for method, function in METHODS.items():
        gate = TABLE[function]
        rows[f".{method}"] = Row(f".{method}", _caller(method), _derivative(gate), gate)
    for method in METHOD_ADAPTERS:
        rows[f".{method}"] = Row(f".{method}", getattr(np.ndarray, method), "rule")
    for method in WRITING:
        rows[f".{method}"] = Row(f".{method}", getattr(np.ndarray, method), "writes")
    rows.pop("", None)
    return [rows[name] for name in sorted(rows)]


def _name_of(function: Function) -> str:
    """`np.sum`, `math.sin`; nothing of what has no such name."""
    name = public_name(function) or ""
    return name if name.startswith(("np.", "math.")) and not name.startswith("np.ndarray.") else ""


def _caller(method: str) -> Function:
    return lambda x, *args, **options: getattr(x, method)(*args, **options)


def _derivative(gate: Gate) -> str:
    if not gate.carries_gradient or (gate.composed and not gate.examples):
        return "constant"
    if gate.composed:
        return "written out"
    return "formulas" if gate.locals is not None else "rule"


def _of_arrays(gate: Gate) -> Iterator[Example]:
    """Of what goes by elements and has examples of numbers: arrays, of which the later ones are stretched."""
    for e in gate.examples if gate.locals is not None else ():
        if all(isinstance(a, Real) and not a.shape for a in e.args):
            yield Example(tuple(replace(a, shape=(2, 3)[i > 0 :]) for i, a in enumerate(e.args)), e.options)


def counted() -> dict[str, int]:
    """How many functions of NumPy and of `math`, and how many methods of arrays, are differentiated."""
    names = [row.name for row in listed() if row.how != "constant"]
    kinds = {"NumPy": "np.", "math": "math.", "methods": "."}
    return {kind: sum(name.startswith(start) for name in names) for kind, start in kinds.items()}


# -- what ran ------------------------------------------------------------------------------------


def executed(row: Row) -> Iterator[tuple[str, dict[str, str]]]:
    """Each form, with what became of it by mode: "ran", or what else and why: "refused: …", "wrong: …"."""
    for example in row.examples:
        args = example.draw(np.random.default_rng(0), np.float64 if row.is_method else float)
        if _takes(row.function, args, example.options):
            yield written(example), _outcomes(row, example, args)


def _takes(function: Function, args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether it takes an example of its gate: a function of `math` takes no arrays."""
    try:
        function(*args, **options)
    except (TypeError, AttributeError):
        return False
    return True


USUAL = (Real.low, Real.high)


def written(example: Example) -> str:
    """`x[3, 4], axis=0`; what is differentiated is called x."""
    options = [f"{name}={_spelled(value)}" for name, value in example.options.items()]
    return ", ".join([*map(_spelled, example.args), *options])


def _spelled(x: Any) -> str:
    if isinstance(x, Real):
        where = "" if (x.low, x.high) == USUAL else f" in ({x.low:g}, {x.high:g})"
        kind = "" if x.kind == "any" else " " + x.kind.replace("_", " ")
        return "x" + (str([*x.shape]) if x.shape else "") + where + kind
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{list(x.shape)}"
    if isinstance(x, (list, tuple)) and _is_real(x):
        return f"[{', '.join(map(_spelled, x))}]"
    return getattr(x, "__name__", None) or repr(x)


def _is_real(x: Any) -> bool:
    return isinstance(x, Real) or (isinstance(x, (list, tuple)) and any(map(_is_real, x)))


def _outcomes(row: Row, example: Example, args: tuple[Any, ...]) -> dict[str, str]:
    assert row.gate is not None
    names = list(row.gate.signature.parameters)
    real = [i for i, a in enumerate(example.args) if _is_real(a)]
    varied = [i for i in real if names[min(i, len(names) - 1)] not in MUST_BE_KNOWN]
    function, options = row.function, example.options

    def f(*given: Any) -> Any:
        operands = [given[varied.index(i)] if i in varied else a for i, a in enumerate(args)]
        return function(*operands, **options)

    point = tuple(args[i] for i in varied)
    if not point:
        return {}
    return {mode: _outcome(f, point, *check) for mode, check in CHECKS.items()}


def _outcome(f: Callable[..., Any], point: tuple[Any, ...], order: int, modes: tuple[str, ...]) -> str:
    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            check_grads(f, point, order, modes)
        except AssertionError as e:
            return f"wrong: {_line(e)}"
        except (NotImplementedError, UnsupportedError) as e:
            return f"refused: {_line(e.__cause__ or e)}"
        except Exception as e:
            return f"fails: {type(e).__name__}: {_line(e)}"
    return f"unjudged: {_line(said[0].message)}" if said else RAN


def _line(said: BaseException | Warning | str) -> str:
    return str(said).split("\n")[0].removesuffix("; the first:")
