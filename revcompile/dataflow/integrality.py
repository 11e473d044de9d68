"""Which floats may be whole numbers at run time: where a branch or a loop gives the one or the other?

After `k = 1 if c else 0.5` the type of k is that of a float, which is what all that is computed with it is.
But what is computed of k and of whole numbers alone may be whole, and `1.0 * k` is not k: an array of whole
numbers cuts off what is added to it in place. The facts are WHOLE, or nothing. Imports the IR and the gates.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

import numpy as np

from revcompile.dataflow.engine import Forward
from revcompile.errors import HostError, UnsupportedError
from revcompile.gates.halves import Half, Pair
from revcompile.gates.infer import infer
from revcompile.gates.table import TABLE
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import (
    Apply,
    Block,
    Each,
    Function,
    Structure,
    Value,
    applications,
    leaves,
    map_values,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Rows, Scalar, is_float

WHOLE = 1


class Integrality(Forward):
    """`begun` are floats that were, or are given by a call, a whole number."""

    def __init__(self, begun: Container[Value]) -> None:
        super().__init__()
        self.begun = begun

    def outside(self, value: Value) -> int:
        return self._of_type(value) | (WHOLE if value in self.begun else 0)

    def constant(self, atom: Structure) -> int:
        return 0 if _is_float(atom) else WHOLE

    def item(self, each: Each) -> int:
        return self.of(each.args[0]) if each.kind.endswith("list") else WHOLE

    def apply(self, statement: Apply) -> list[int]:
        found = {v for v in statement.inputs if is_float(v.type) and self.of(v)}
        may_be = WHOLE if gives_integral(statement, found) else 0
        return [self.outside(v) | (may_be if is_float(v.type) else 0) for v in statement.outputs]

    def call(self, statement: Apply, half: Half) -> list[int]:
        return self.apply(statement)

    def _of_type(self, value: Value) -> int:
        return 0 if _is_float(value) else WHOLE


def may_be_integral(function: Function) -> set[Value]:
    """The values of a function that have the type of a float and may be whole numbers."""
    if not function.table.integral and not _may_make_integral(function.body):
        return set()
    return _floats(_solved(function))


def _solved(function: Function) -> Integrality:
    found = Integrality(function.table.integral)
    found.block(function.body)
    return found


def _floats(found: Integrality) -> set[Value]:
    return {v for v, fact in found.facts.items() if fact and is_float(v.type)}


def _may_make_integral(block: Block) -> bool:
    """Whether a whole number may come of none in a block; quickly known of most that are gates alone."""
    if block.nested:
        return True
    return any(isinstance(f, Half) or TABLE[f].picks or _adds_up(f) for f in block.functions)


def _adds_up(function: Any) -> bool:
    """Whether it is Python's sum, which gives a 0 of nothing."""
    return function is sum


def learn_of_calls(primal: Function, pairs: Sequence[Pair]) -> None:
    """Note which pairs may give whole numbers for floats, and which of their parameters may be given them."""
    functions = {pair.function: pair for pair in pairs if pair.function is not None}
    news, integral = bool(functions), primal.table.integral
    while news:
        news = False
        for function in (primal, *functions):
            found = _solved(function)
            for s in applications(function.body):
                if isinstance(s.function, Half) and s.function.kind != "backward":
                    for arg, parameter in zip(s.args, s.function.pair.parameters, strict=True):
                        known = parameter in integral or not is_float(parameter.type)
                        if not known and found.of(arg):
                            integral.add(parameter)
                            news = True
            pair = functions.get(function)
            if (
                pair is not None
                and not pair.integral
                and not _floats(found).isdisjoint(leaves(function.result))
            ):
                pair.integral = news = True


def refuse_cutting(function: Function) -> None:
    """Refuse what is stored into an array of which only the run decides whether it holds whole numbers."""
    decisive = function.table.decisive
    if not decisive and not any(TABLE[f].writes for f in function.body.functions):
        return
    found = may_be_integral(function)
    for s in applications(function.body):
        if decisive and not decisive.intersection(s.inputs).isdisjoint(found):
            raise UnsupportedError(
                "a result of np.vectorize may be a whole number, and be the first, which says of what dtype "
                "all are",
                s.line,
                "Begin with floats, 1.0 rather than 1, or say otypes=[float].",
            )
        if TABLE[s.function].writes and s.args[0] in found and _is_float(s.args[-1]):
            name = function.table.hints.get(s.args[0], "an array")
            raise UnsupportedError(
                f"{name}, into which this writes a float, may be made of "
                "whole numbers alone, and so be an array of whole numbers",
                s.line,
                "Begin with floats, 1.0 rather than 1, or say dtype=float.",
            )


def gives_integral(s: Apply, found: set[Value]) -> bool:
    """Whether a step may give a whole number where its type says that it gives a float."""
    values = [v for v in s.inputs if v in found] if found else []
    if isinstance(s.function, Half):
        return s.function.kind != "backward" and (s.function.pair.integral or bool(values))
    gate = TABLE[s.function]
    if gate.writes:
        return s.args[0] in found
    if gate.picks:
        return bool(values) or any(not _is_float(a) for a in _atoms(s.args))
    if _adds_up(s.function) and isinstance(s.args[1], int):
        return isinstance(s.args[0], Value)
    if not values or isinstance(s.function, type) or not isinstance(s.result, Value):
        return False
    names = {v: _as_whole(v) for v in values}
    args = map_values(lambda v: names.get(v, v), s.args)
    try:
        t = infer(gate, s.function, args, Facts())
    except (HostError, NotImplementedError, UnsupportedError):
        return True
    return not (isinstance(t, (Scalar, Array)) and t.dtype.kind == "f")


def _is_float(atom: Structure) -> bool:
    """Whether an atom is not a whole number; what is no number at all is none."""
    if isinstance(atom, Value):
        return not isinstance(atom.type, (Scalar, Array)) or atom.type.dtype.kind not in "iub"
    return not isinstance(atom, (int, np.integer))


def _atoms(args: tuple[Structure, ...]) -> Iterator[Structure]:
    for a in args:
        yield from a if isinstance(a, (tuple, list)) else (a,)


def _as_whole(v: Value) -> Value:
    assert isinstance(v.type, (Scalar, Array))
    return Value(v.type if isinstance(v.type, Rows) else replace(v.type, dtype=np.dtype(int)))
