"""What the next trip of a reversed loop begins with is computed last: its variable is free by then.

Before:                                  After:
    grad_y_1 = grad_y * x                    grad_x += grad_y * y
    grad_x += grad_y * y                     grad_y = grad_y * x
    next: grad_y = grad_y_1

Imports the IR.
"""

from __future__ import annotations

from revcompile.gates.effects import has_effects
from revcompile.gates.table import TABLE
from revcompile.gates.traits import COMPUTED, Kind
from revcompile.ir.nodes import Apply, Block, Function, Loop, Statement, leaves
from revcompile.ir.rebuild import replace


def compute_ends_last(function: Function) -> Function:
    return replace(function, body=function.body.map(_reordered))


def _reordered(s: Statement) -> Statement:
    return replace(s, body=_ends_last(s.body, s)) if isinstance(s, Loop) and s.reverses is not None else s


def _ends_last(body: Block, loop: Loop) -> Block:
    statements = list(body.statements)
    saved = {v for v, _ in loop.saves}
    for param, end in zip(loop.params, body.yields, strict=False):
        made = next((s for s in statements if isinstance(s, Apply) and s.result is end), None)
        if made is None or end in saved or not _is_pure(made):
            continue
        below = statements[statements.index(made) + 1 :]
        reads = {v for s in below for v in s.uses}
        if end in reads or param not in reads or list(leaves(body.yields)).count(end) > 1:
            continue
        if any(_may_write(s, made) for s in below):
            continue
        statements.remove(made)
        statements.append(made)
    return replace(body, statements=tuple(statements))


def _is_pure(s: Apply) -> bool:
    """Whether a step only computes: something new, that nobody else holds."""
    gate = TABLE[s.function]
    return gate.locals is not None or (gate.memory in COMPUTED and not has_effects(s.function))


def _may_write(s: Statement, made: Apply) -> bool:
    """Whether a step may be about to write into what `made` reads: then that is to be read before."""
    if not isinstance(s, Apply):
        return True
    gate = TABLE[s.function]
    adds = gate.writes or gate.in_place is not None
    return gate.kind is Kind.STORE or (adds and s.args[0] in made.inputs)
