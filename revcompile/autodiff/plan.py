"""The decisions of a differentiation, made before any backward code is emitted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from revcompile.autodiff.invariance import irrelevant
from revcompile.dataflow.activity import active
from revcompile.dataflow.knowledge import Calls, Context, Knowledge
from revcompile.ir.nodes import Function, Structure, Value


@dataclass(frozen=True)
class Plan:
    """`active`: the values that follow a differentiated input; `knowledge`: what else is known of them."""

    inputs: tuple[Value, ...]
    active: frozenset[Value]
    knowledge: Knowledge


def make_plan(
    function: Function, inputs: Iterable[Value], loss: Structure, calls: Calls, context: Context
) -> Plan:
    """What provably does not matter to the loss is not active."""
    wanted, body = tuple(inputs), function.body
    found = active(body, wanted, irrelevant(function, loss))
    return Plan(wanted, found, Knowledge(body, found, context, calls))
