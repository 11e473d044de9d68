"""What a function does besides computing: printing, asserting, formatting. Never removed, never moved.

These carry no gradient. Imports the IR and the gate table.
"""

from __future__ import annotations

from types import BuiltinFunctionType
from typing import Any

import numpy as np

from revcompile.gates.table import TABLE, elementwise, known
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.nodes import Apply, Statement
from revcompile.runtime import refuse_complex


def assert_(condition: Any, message: Any) -> None:
    """Stands for an `assert` statement."""
    assert condition, message


def format_(parts: tuple[Any, ...]) -> str:
    """Stands for an f-string: text, and (value, conversion, format) triples."""
    return ""


def percent(text: str, values: Any) -> str:
    """Stands for `text % values`."""
    return ""


def print_(args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Stands for a call of `print`."""


def backward_begins() -> None:
    """Marks where the forward pass ends and the backward pass begins."""


def defined_(x: Any, name: str) -> None:
    """Stands for Python's own check that a local variable has a value; or, with NONE, that it is not None."""


def is_none(x: Any) -> bool:
    """Whether what a call gives on one way only is None."""
    return x is None


def numbers_(gradients: tuple[Any, ...]) -> None:
    """Raises OverflowError where a gradient is NaN: a zero may have met what grew beyond all numbers."""


def stop_gradient(x: Any) -> Any:
    """`x`, taken as a constant: no gradient flows back through it.

    >>> from revcompile import grad, stop_gradient
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    3.0
    """
    return x


def identity(x: Any) -> Any:
    """Stands for `y = x`: another name for a value."""
    return x


def has_effects(function: Any) -> bool:
    """Whether a call does something besides giving its result."""
    return function in EFFECTS or (
        type(function) not in PLAIN and getattr(function, "effects", False) is True
    )


def is_noticed(function: Any) -> bool:
    """Whether somebody may see how often a call is made: it prints, draws, or is of the user's."""
    quiet = function in UNNOTICED or function in KEEPING
    return (has_effects(function) and not quiet) or is_the_users(function)


def only_shows(function: Any) -> bool:
    """Whether a call only shows something to a reader: it can be left out where nobody looks."""
    return function is print_ or getattr(function, "only_shows", False) is True


def begins_backward(statement: Statement) -> bool:
    """Whether a statement marks where the backward pass begins."""
    return type(statement) is Apply and statement.function is backward_begins


def is_the_users(function: Any) -> bool:
    """Whether a call runs what a user wrote, which may count its calls: each is made as often as written."""
    return function in TABLE and TABLE[function].foreign


def may_end(s: Statement) -> bool:
    """Whether the program may end here by its own word, or somebody may see what it has done so far."""
    if isinstance(s, Apply):
        may = has_effects(s.function) and s.function not in KEEPING
        return may or is_the_users(s.function)
    return s.raises or any(map(may_end, (t for b in s.blocks for t in b.statements)))


PLAIN = frozenset({np.ufunc, BuiltinFunctionType})  # of functions that say nothing of themselves
KEEPING: set[Any] = set()  # what keeps something for the backward pass, which nobody else sees
UNNOTICED = frozenset({backward_begins, defined_, numbers_, refuse_complex})
EFFECTS = {
    assert_,
    print_,
    backward_begins,
    defined_,
    numbers_,
    refuse_complex,
}  # and, once there can be any, random draws
known(assert_, line=Line.ASSERT)
known(format_, kind=Kind.FORMATTED)
known(percent, written="text % values")
known(print_, written="print(*args, **options)", line=Line.BARE)
known(backward_begins, line=Line.HEADING)
known(defined_, line=Line.CHECK)
known(is_none, tests=True, written="x is None")
known(numbers_, line=Line.NUMBERS)
known(refuse_complex, line=Line.BARE)
known(stop_gradient, kind=Kind.CONSTANT, memory=Memory.SHARED)
elementwise("copy", identity, memory=Memory.SAME, written="x", python=identity, x="1")
