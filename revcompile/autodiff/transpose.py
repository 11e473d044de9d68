"""The tangent of a gate by its backward rule, which is linear in the upstream gradient: transposed.

What the rule makes of an upstream gradient is differentiated in reverse, as a function of that; what comes
back to it, if the tangents of the operands are sent in, is the tangent of the result. All that reads an
upstream gradient is dropped: of a linear function, the derivative does not depend on where it is taken.

Before:                                  After:
    grad_A = upstream @ B.T                  tangent_y = tangent_A @ B

Imports the front end, the IR and `reverse`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

import numpy as np

from revcompile.autodiff.plan import Plan
from revcompile.autodiff.residuals import keep_residuals, outer_names
from revcompile.autodiff.reverse import Reverser, one_like
from revcompile.autodiff.shapes import fit
from revcompile.autodiff.slices import slice_of
from revcompile.dataflow.activity import active
from revcompile.dataflow.knowledge import Calls, Context, Knowledge
from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Block,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute
from revcompile.ir.types import gradient_type, is_float

NOTHING = Context({}, {}, {})  # what is known of what comes in


def transpose(low: Lowering, s: Apply, tangents: dict[Value, Structure]) -> Iterator[tuple[Value, Structure]]:
    """The tangents of what a gate gives, by its backward rule: emitted; each with its value."""
    builder, memory = low.builder, low.memory
    upstream = {y: Value(gradient_type(y.type)) for y in s.outputs if is_float(y.type)}
    incoming = map_structure(lambda y: upstream.get(y) if isinstance(y, Value) else None, s.result)
    found: dict[Value, Structure] = {}
    try:
        with builder.apart():  # nothing of it is remembered: most of it is dropped
            with builder.tentatively() as rule:
                for operand, gradient in _contributions(low, s, incoming, tangents):
                    gradient = fit(low, gradient, operand, gradient_type(operand.type))
                    known = found.get(operand)
                    found[operand] = (
                        gradient if known is None else low.apply(operator.add, (known, gradient), {})
                    )
            pulled = Block(tuple(rule))
            varying = active(pulled, upstream.values(), ())
            plan = Plan(tuple(upstream.values()), varying, Knowledge(pulled, varying, NOTHING, Calls()))
            with builder.tentatively() as back:
                rev = Reverser(plan, low, pulled, None)
                for operand, gradient in found.items():
                    if isinstance(gradient, Value) and gradient in varying:
                        rev.accumulate(gradient, tangents[operand])
                rev.block(pulled.statements)
        results = {y: rev.adjoints[u] for y, u in upstream.items() if rev.adjoints.get(u) is not None}
        ends = tuple(results.values())
        made, _ = slice_of(back, leaves(ends))
        _check_linear(made, varying)
        done = keep_residuals(
            pulled.statements, Block(made, ends), rev.memory.now, outer_names(pulled), builder.table
        )
        live, _ = slice_of(done.statements, leaves(done.yields))
        done = replace(done, statements=live).map(lambda made: _noted(made, builder.note))
    finally:
        low.memory = memory
    for v in done.defined:
        builder.table.primals.pop(v, None)
        builder.table.fold(v, True)
    done = substitute(done, {u: y for y, u in upstream.items()})
    builder.statements.extend(done.statements)
    for new in done.statements:
        builder.definitions.update(dict.fromkeys(new.outputs, new) if isinstance(new, Apply) else {})
    return zip(results, done.yields, strict=True)


def product(low: Lowering, s: Apply, tangents: dict[Value, Structure]) -> Structure:
    """The tangent of one number that a pair of the user's gives: the sum of its gradients times tangents."""
    y, _ = s.result
    if not isinstance(y, Value) or not all(d.is_one for d in y.type.dims):
        raise UnsupportedError(
            f"{TABLE[s.function].name} runs as it is, also backwards: it gives gradients, and no tangent of "
            "more than one number",
            way_out="Give the gate a rule of forward mode: @gate(function, forward=..., tangent=...).",
        )
    total: Structure = None
    for operand, gradient in _contributions(low, s, (one_like(low, y), None), tangents):
        gradient = fit(low, gradient, operand, gradient_type(operand.type))
        term = low.apply(operator.mul, (gradient, tangents[operand]), {})
        term = low.apply(np.sum, (term,), {}) if operand.type.dims else term
        total = term if total is None else low.apply(operator.add, (total, term), {})
    return total


def _contributions(
    low: Lowering, s: Apply, incoming: Structure, tangents: dict[Value, Structure]
) -> list[tuple[Value, Structure]]:
    """What a gate's rule makes of an upstream gradient, for the operands that have tangents."""
    operands = frozenset(tangents)
    plan = Plan(tuple(operands), operands, Knowledge(Block(()), operands, NOTHING, Calls()))
    rev = Reverser(plan, low, Block(()), None)
    return rev.contributions(TABLE[s.function], s, incoming, s.args)


def _noted(s: Statement, note: str) -> Statement:
    """A statement that is said to be of a gate."""
    return s if s.raises else replace(s, note=note)


def _check_linear(back: tuple[Statement, ...], varying: frozenset[Value]) -> None:
    """A rule is linear in the upstream gradient: what is transposed reads nothing of that but its shape."""
    for s in applications(Block(back)):
        if not TABLE[s.function].of_shape and not varying.isdisjoint(s.inputs):
            raise UnsupportedError(f"the rule of {TABLE[s.function].name} is not linear in its gradient")
