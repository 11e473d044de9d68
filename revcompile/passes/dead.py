"""Dead code: what nobody reads is not computed.

Before:                                  After:
    s0 = x * y                               return x
    return x
"""

from __future__ import annotations

from dataclasses import replace

from revcompile.gates.effects import EFFECTS
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Raise,
    Statement,
    Value,
    leaves,
    operands,
    results,
)


def eliminate_dead(function: Function) -> Function:
    return replace(function, body=_sweep(function.body, set(leaves(function.body.yields))))


def _sweep(block: Block, read: set[Value]) -> Block:
    """The block without statements whose results are not in `read`; adds to `read` what it reads."""
    kept: list[Statement] = []
    for statement in reversed(block.statements):
        if isinstance(statement, Branch):
            live = _sweep_branch(statement, read)
            if live is None:
                continue
            statement = live
        elif not isinstance(statement, Raise) and not _is_live(statement, read):
            continue
        read.update(operands(statement))
        kept.append(statement)
    return Block(tuple(reversed(kept)), block.yields)


def _is_live(statement: Apply, read: set[Value]) -> bool:
    return statement.function in EFFECTS or any(v in read for v in results(statement))


def _sweep_branch(branch: Branch, read: set[Value]) -> Branch | None:
    wanted = [i for i, result in enumerate(branch.results) if result in read]
    sides = []
    for block in (branch.then, branch.orelse):
        yields = tuple(block.yields[i] for i in wanted)
        read.update(leaves(yields))
        sides.append(_sweep(replace(block, yields=yields), read))
    if not wanted and not sides[0].statements and not sides[1].statements:
        return None
    then, orelse = sides
    return replace(branch, then=then, orelse=orelse, results=tuple(branch.results[i] for i in wanted))
