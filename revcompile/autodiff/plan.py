"""The decisions of a differentiation, made before any backward code is emitted.

Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Branch, Function, Value, leaves
from revcompile.ir.types import is_number


@dataclass(frozen=True)
class Plan:
    """`active`: the values that depend on a differentiated input through gates with a gradient."""

    inputs: tuple[Value, ...]
    active: frozenset[Value]


def make_plan(function: Function, inputs: Iterable[Value]) -> Plan:
    """Activity analysis: one walk forward."""
    wanted = tuple(inputs)
    active = set(wanted)
    _spread(function.body, active)
    return Plan(wanted, frozenset(active))


def _spread(block: Block, active: set[Value]) -> None:
    for statement in block.statements:
        if isinstance(statement, Apply):
            if TABLE[statement.function].carries_gradient and not active.isdisjoint(leaves(statement.args)):
                active.update(v for v in leaves(statement.result) if is_number(v.type))
        elif isinstance(statement, Branch):
            for inner in (statement.then, statement.orelse):
                _spread(inner, active)
                pairs = zip(inner.yields, statement.results, strict=True)
                active.update(result for atom, result in pairs if isinstance(atom, Value) and atom in active)
