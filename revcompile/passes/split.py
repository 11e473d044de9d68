"""Pairs at the end of the line: which half each call is of, and the two halves themselves.

Before:                                  After:
    y, saved = call(x, w)                    y, saved = forward_layer(x, w)
    # backward pass                          # backward pass
    grad_w = backward(grad_y, saved)         grad_w = backward_layer(grad_y, saved)

Both passes of a pair are one function until here. What its second part reads of the first are its
residuals: the forward half gives them, and the backward half begins with them. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from revcompile.frontend.gradients import silent
from revcompile.gates.effects import begins_backward, identity
from revcompile.gates.halves import SAVED, Half, Variant
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.build import own_parameters
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.undefined import none_instead
from revcompile.passes.dead import eliminate_dead

CALLS = (Kind.CALL, Kind.GO_BACK)


def choose_halves(function: Function, chosen: Mapping[Value, Variant]) -> Function:
    """The function whose calls are of forward halves where what they save is read, else of the primal."""
    if not any(isinstance(f, Half) for f in function.body.functions):
        return function
    read = set(function.body.uses)

    def with_half(s: Statement) -> Statement:
        half = s.function if isinstance(s, Apply) else None
        if not (isinstance(s, Apply) and isinstance(half, Half) and half.kind == "call"):
            return s
        *outs, saved = s.result
        if saved in read:
            return replace(s, function=chosen[saved].forward)
        return replace(s, function=half.pair.primal, result=outs[0] if len(outs) == 1 else tuple(outs))

    return replace(function, body=function.body.map(with_half))


def called(*functions: Function) -> Iterator[Half]:
    """The halves that functions call, each once."""
    seen: set[Any] = set()
    for function in functions:
        any_called = any(TABLE[f].kind in CALLS for f in function.body.functions)
        for s in applications(function.body) if any_called else ():
            for half in (s.function, *s.args):
                if isinstance(half, Half) and half not in seen:
                    seen.add(half)
                    yield half


def split(function: Function, variant: Variant) -> dict[Half, Function]:
    """The forward and the backward half, each with what it gives; the latter alone, if it is both passes."""
    if variant.pair.again:
        return {variant.backward: _both(function, variant)}
    statements = function.body.statements
    at = next(i for i, s in enumerate(statements) if begins_backward(s))
    first, second = Block(statements[:at]), Block(statements[at + 1 :])
    ((outs, _, gradients),) = function.body.yields
    upstream = set(variant.upstream)
    given = [v for p in function.parameters for v in leaves(p.structure)]
    own = [v for v in given if v not in upstream]
    read = set(replace(second, yields=(gradients,)).uses) - set(second.defined)
    residuals = [v for v in dict.fromkeys([*own, *first.defined]) if v in read]
    again = _made_again(first, residuals)
    residuals = [v for v in residuals if v not in again]
    saved: Structure = residuals[0] if len(residuals) == 1 else tuple(residuals)
    forward = replace(
        function,
        parameters=own_parameters(function.table, own, "x"),
        body=replace(none_instead(first, set(residuals)), yields=((*outs, saved),)),
    )
    source: list[Value] = residuals
    if len(residuals) != 1:
        source = [function.table.new(SAVED, "saved")]
    if len(residuals) > 1:
        again = {source[0]: Apply(identity, (source[0],), tuple(residuals)), **again}
    second = replace(second, statements=(*again.values(), *second.statements))
    answer = gradients[0] if len(gradients) == 1 else gradients
    unnamed = "saved" if variant.linear else "grad_y"
    backward = replace(
        function,
        parameters=own_parameters(function.table, [*variant.upstream, *source], unnamed),
        body=replace(second, yields=(answer,)),
    )
    return {variant.forward: forward, variant.backward: backward}


def _both(function: Function, variant: Variant) -> Function:
    """Both passes, as a function of the upstream gradients and of the arguments: it shows nothing again."""
    ((_, _, gradients),) = function.body.yields
    upstream = set(variant.upstream)
    own = [v for p in function.parameters for v in leaves(p.structure) if v not in upstream]
    answer = gradients[0] if len(gradients) == 1 else gradients
    return eliminate_dead(
        replace(
            function,
            parameters=own_parameters(function.table, [*variant.upstream, *own], "grad_y"),
            body=silent(replace(function.body, yields=(answer,))),
        )
    )


def _made_again(forward: Block, residuals: list[Value]) -> dict[Value, Apply]:
    """The lengths and the comparisons of numbers that are rather asked for again than passed on."""
    again: dict[Value, Apply] = {}
    for s in forward.statements:
        if isinstance(s, Apply) and s.result in residuals:
            gate = TABLE[s.function]
            is_number = gate.of_shape or (gate.tests and not any(v.type.dims for v in s.inputs))
            if is_number and all(v in residuals for v in s.inputs):
                again[s.result] = s
    return again


def alone(function: Function) -> Function:
    """The primal of a pair."""
    outs, _, _ = function.body.yields[0]
    given = [v for p in function.parameters for v in leaves(p.structure)]
    answer = outs[0] if len(outs) == 1 else outs
    return replace(
        function,
        parameters=own_parameters(function.table, given, "x"),
        body=replace(function.body, yields=(answer,)),
    )
