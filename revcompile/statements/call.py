"""The call of a pair: its reversal is a call of the backward half. See `gates/halves`.

Imports the IR; the stages come in as arguments.
"""

from __future__ import annotations

from typing import Any

from revcompile.dataflow.knowledge import context_of_call
from revcompile.gates.halves import Half
from revcompile.ir.nodes import Apply, Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar
from revcompile.statements.join import alike, type_of
from revcompile.syntax.decisions import OfArguments, Restart


def reverse(rev: Any, statement: Apply) -> None:
    """Emit the call of the backward half, which gives gradients of the arguments."""
    half, args = statement.function, statement.args
    assert isinstance(half, Half)
    *outs, saved = statement.result
    seeds = {i: rev.adjoints[v] for i, v in enumerate(outs) if rev.adjoints.get(v) is not None}
    wanted = frozenset(i for i, a in enumerate(args) if isinstance(a, Value) and a in rev.plan.active)
    if not seeds or not wanted:
        return
    rev.builder.note = ""
    if saved in rev.low.pairs.settled:
        refuse(rev, statement)
    pair = rev.halves.pair_of(half.pair)
    told = context_of_call(rev.plan.knowledge, statement, sorted(seeds))
    strong = frozenset(i for i, g in seeds.items() if _is_strong(g, outs[i]))
    variant = rev.halves.variant(pair, wanted, frozenset(seeds), strong, told)
    if pair is half.pair:
        rev.chosen[saved] = variant
    if not variant.gives:
        return
    upstream = []
    for i, own in zip(sorted(variant.seeded), variant.upstream, strict=True):
        gradient = rev.zero(outs[i]) if seeds.get(i) is None else seeds[i]
        upstream.append(alike(rev.low, rev.builder.statements, gradient, own.type))
    gradients = []
    for i, t in variant.gives.items():
        own = args[i].type if isinstance(args[i], Value) else None
        if isinstance(t, Array) and isinstance(own, Array) and len(t.dims) == len(own.dims):
            t = replace(t, dims=own.dims)
        gradients.append(Value(t))
    result = gradients[0] if len(gradients) == 1 else tuple(gradients)
    known = args if pair.again else (saved,)
    rev.builder.apply(variant.backward, (*upstream, *known), result)
    for i, gradient in zip(variant.gives, gradients, strict=True):
        if i in wanted:
            rev.hand_on(args[i], gradient)


def _is_strong(gradient: Structure, of: Value) -> bool:
    t = type_of(gradient)
    return isinstance(of.type, Scalar) and of.type.python and not getattr(t, "python", False)


def refuse(rev: Any, statement: Apply) -> None:
    """The gradient of a half: of what is a gradient already."""
    if any(rev.adjoints.get(v) is not None for v in statement.outputs):
        raise Restart(OfArguments())


def reverse_half(rev: Any, statement: Apply) -> None:
    half = statement.function
    assert isinstance(half, Half)
    (reverse if half.kind == "call" else refuse)(rev, statement)
