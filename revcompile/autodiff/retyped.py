"""Numbers that are Python's on one way and NumPy's on another, which compiled code has as NumPy's on both.

Arithmetic is the same, but a function that is called as it is could tell: `1.0 / t` raises for a Python zero.
Imports the IR.
"""

from __future__ import annotations

from revcompile.errors import UnsupportedError
from revcompile.gates.foreign import ForeignCall
from revcompile.ir.nodes import Apply, Block, Branch, Loop, Value
from revcompile.ir.types import Array, Scalar


def refuse_retyped(block: Block, retyped: set[Value]) -> None:
    """Raises where what follows from such a number alone is passed to a call as it is; `retyped` grows."""
    for statement in block.statements:
        if isinstance(statement, Apply):
            if not retyped.isdisjoint(statement.inputs):
                _follow(statement, retyped)
        elif isinstance(statement, Branch):
            for inner in (statement.then, statement.orelse):
                refuse_retyped(inner, retyped)
                _hand_on(inner.yields, statement.results, retyped)
        elif isinstance(statement, Loop):
            _hand_on(statement.inits, statement.params, retyped)
            size = -1
            while size != len(retyped):
                size = len(retyped)
                if statement.test is not None:
                    refuse_retyped(statement.test, retyped)
                refuse_retyped(statement.body, retyped)
                _hand_on(statement.body.yields, statement.params, retyped)
            _hand_on(statement.params, statement.results, retyped)


def _hand_on(atoms: tuple[object, ...], values: tuple[Value, ...], retyped: set[Value]) -> None:
    for atom, value in zip(atoms, values, strict=False):
        if isinstance(atom, Value) and atom in retyped:
            retyped.add(value)


def _follow(statement: Apply, retyped: set[Value]) -> None:
    function = statement.function
    if isinstance(function, ForeignCall):
        if not function.only_shows:
            raise UnsupportedError(
                "a number that is Python's on one way and NumPy's on another is passed to a call as it is, "
                "which may tell them apart",
                function.refusal.place,
                "Begin with a NumPy number, np.float64(...), or pass float(...) of it.",
            )
        return
    firm = any(_is_of_numpy(v) and v not in retyped for v in statement.inputs)
    if not firm and not isinstance(function, type):
        retyped.update(v for v in statement.outputs if isinstance(v.type, Scalar) and not v.type.python)


def _is_of_numpy(value: Value) -> bool:
    return isinstance(value.type, Array) or (isinstance(value.type, Scalar) and not value.type.python)
