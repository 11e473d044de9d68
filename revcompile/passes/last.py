"""What the next trip of a reversed loop begins with is computed last: its variable is free by then.

Before:                                  After:
    grad_y_1 = grad_y * x                    grad_x += grad_y * y
    grad_x += grad_y * y                     grad_y = grad_y * x
    next: grad_y = grad_y_1

Imports the IR.
"""

from __future__ import annotations

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Function, Loop, Statement, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Scalar


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
        if any(isinstance(s, Apply) and TABLE[s.function].writes and s.args[0] in made.inputs for s in below):
            continue
        statements.remove(made)
        statements.append(made)
    return replace(body, statements=tuple(statements))


def _is_pure(s: Apply) -> bool:
    """Whether a step reads numbers alone, which no store changes, and only computes."""
    numbers = all(isinstance(v.type, Scalar) for v in (*s.inputs, *s.outputs))
    return numbers and TABLE[s.function].locals is not None
