"""A chain of gates that is one gate: the written-out sigmoid.

Before:                                  After:
    s0 = -x                                  y = sigmoid(x)
    s1 = exp(s0)
    s2 = 1 + s1
    y = 1 / s2
"""

from __future__ import annotations

from typing import Any

from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Function, Statement, Structure, Value
from revcompile.passes.walk import Walk
from revcompile.runtime import sigmoid


def fuse_gates(function: Function) -> Function:
    def visit(statement: Apply, out: list[Statement]) -> Structure | None:
        inner = _sigmoid_of(statement, walk)
        if inner is None:
            return None
        new = function.table.like(statement.result)
        out.append(Apply(sigmoid, (inner,), new, statement.line, statement.note))
        return new

    walk = Walk(visit, function.table)
    return walk.function(function)


def _sigmoid_of(statement: Apply, walk: Walk) -> Value | None:
    """The x of `1 / (1 + exp(-x))`."""

    def made(atom: Any, what: Kind | str) -> tuple[Any, ...] | None:
        by = walk.definitions.get(atom) if isinstance(atom, Value) else None
        is_that = by is not None and what in (TABLE[by.function].kind, TABLE[by.function].symbol)
        return by.args if by is not None and is_that else None

    if TABLE[statement.function].symbol != "/" or not _is_one(statement.args[0]):
        return None
    total = made(statement.args[1], "+")
    if total is None or not (_is_one(total[0]) or _is_one(total[1])):
        return None
    exponential = made(total[1] if _is_one(total[0]) else total[0], Kind.EXP)
    negated = made(exponential[0], "-x") if exponential is not None else None
    return negated[0] if negated is not None and isinstance(negated[0], Value) else None


def _is_one(atom: Any) -> bool:
    return type(atom) in (int, float) and atom == 1
