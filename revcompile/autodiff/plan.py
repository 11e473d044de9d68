"""The decisions of a differentiation, made before any backward code is emitted.

Imports the IR and the gate table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import numpy as np

from revcompile.autodiff.invariance import irrelevant
from revcompile.dataflow.knowledge import Calls, Context, Knowledge
from revcompile.gates.foreign import ForeignCall
from revcompile.gates.halves import SAVED
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Branch, Function, Loop, Structure, Value
from revcompile.ir.types import Opaque, is_float, is_number
from revcompile.records import dataclass
from revcompile.statements import store
from revcompile.statements.loop_lists import KINDS


@dataclass(frozen=True)
class Plan:
    """`active`: the values that depend on a differentiated input through gates with a gradient.

    `knowledge` is what the analyses of `dataflow/` have found.
    """

    inputs: tuple[Value, ...]
    active: frozenset[Value]
    knowledge: Knowledge


def make_plan(
    function: Function, inputs: Iterable[Value], loss: Structure, calls: Calls, context: Context
) -> Plan:
    """Activity analysis: one walk forward. What provably does not matter to the loss is not active."""
    wanted = tuple(inputs)
    active = set(wanted)
    _spread(function.body, active, irrelevant(function, loss), set())
    return Plan(wanted, frozenset(active), Knowledge(function.body, active, context, calls))


def _spread(block: Block, active: set[Value], constant: frozenset[Value], texts: set[Value]) -> None:
    for statement in block.statements:
        if isinstance(statement, Apply) and statement.function is store.store:
            array, _, value = statement.args
            if array in active or (
                isinstance(value, Value) and value in active and store.keeps(array, value)
            ):
                active.add(statement.result[0])
            if array in active and is_float(array.type):
                active.add(statement.result[1])  # what stood there, which a gradient writes back
        elif isinstance(statement, Apply):
            _check_texts(statement, active, texts)
            if TABLE[statement.function].carries_gradient and not active.isdisjoint(statement.inputs):
                active.update(v for v in varied(statement, active) if v not in constant)
        elif isinstance(statement, Branch):
            for inner in (statement.then, statement.orelse):
                _spread(inner, active, constant, texts)
                pairs = zip(
                    inner.yields, statement.results, strict=False
                )  # a side that raises yields nothing
                for atom, result in pairs:
                    for known in (active, texts):
                        if isinstance(atom, Value) and atom in known:
                            known.add(result)
        elif isinstance(statement, Loop):
            _spread_loop(statement, active, constant, texts)


def varied(statement: Apply, active: Collection[Value]) -> Iterator[Value]:
    """The results of a gate that may change smoothly with its active operands.

    A result of whole numbers or truth values is a cut: it follows floats by steps. Of whole numbers it is
    real (an argument that is an integer counts as a real number), unless the call says `dtype=int`.
    """
    if _converts(statement):
        return
    of_whole = any(v in active and not is_float(v.type) for v in statement.inputs)
    for v in statement.outputs:
        if is_float(v.type) or v.type == SAVED or (is_number(v.type) and of_whole):
            yield v


def is_cut_off(statement: Apply, operand: Value) -> bool:
    """Whether the results of a gate follow this operand by steps, if at all: it is a float, they are not."""
    return is_float(operand.type) and not any(is_float(v.type) for v in statement.outputs)


def _converts(statement: Apply) -> bool:
    """Whether a call says that it gives, or adds up, whole numbers or truth values."""
    names = tuple(TABLE[statement.function].signature.parameters)
    dtype = statement.args[names.index("dtype")] if "dtype" in names else None
    try:
        return dtype is not None and np.dtype(dtype).kind in "iub"
    except TypeError:  # a parameter of a user's gate, which means something else
        return False


def _check_texts(statement: Apply, active: set[Value], texts: set[Value]) -> None:
    """Refuse what is differentiated in a call as it is, be it as a text: `texts` are those made of it."""
    enters = not active.isdisjoint(statement.inputs) or not texts.isdisjoint(statement.inputs)
    if enters and isinstance(statement.function, ForeignCall):
        if not statement.function.excused:
            raise statement.function.refusal
    elif enters:
        texts.update(v for v in statement.outputs if isinstance(v.type, Opaque) and v.type != SAVED)


def _spread_loop(loop: Loop, active: set[Value], constant: frozenset[Value], texts: set[Value]) -> None:
    """What is active at the end of a trip is so at the beginning of the next."""
    slots = list(zip(loop.inits, loop.params, loop.body.yields, loop.results, strict=False))
    active.update(item for item, each in loop.each if each.kind in KINDS and each.args[0] in active)
    size = -1
    while size != len(active) + len(texts):
        size = len(active) + len(texts)
        for init, param, end, result in slots:
            for known in (active,) if is_number(param.type) else (texts,):
                if any(isinstance(atom, Value) and atom in known for atom in (init, end)):
                    known.update((param, result))
        _spread(loop.body, active, constant, texts)
    active.update(kept for v, kept in loop.saves if v in active)
