"""Places that are set to zero and then added to; what is taken out of them before.

What is taken out of a gradient before its place is set to zero is used before, too: no copy is needed.
What is added to a place that was set to zero is written there at once.

Before:                                  After:
    grad_s = grad_u[1:-1].copy()             grad_v = 0.5 * grad_u[1:-1]
    grad_u[1:-1] = 0.0                       grad_u[1:-1] = 0.0
    grad_v = 0.5 * grad_s

Imports the IR.
"""

from __future__ import annotations

from dataclasses import replace

from revcompile.gates.effects import has_effects, is_the_users
from revcompile.gates.storing import store
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Branch, Function, Loop, Statement, Value, leaves, uses
from revcompile.ir.types import Array


def use_before_store(function: Function) -> Function:
    return replace(function, body=_block(function.body))


def _block(block: Block) -> Block:
    statements: list[Statement] = []
    for s in block.statements:
        if isinstance(s, Branch):
            s = replace(s, then=_block(s.then), orelse=_block(s.orelse))
        elif isinstance(s, Loop):
            s = replace(s, body=_block(s.body))
        statements.append(s)
    reads = {s: frozenset(uses(Block((s,)))) for s in statements}
    for s in [s for s in statements if isinstance(s, Apply) and s.function is store]:
        _hoist_above(s, statements, reads, block)
    return replace(block, statements=tuple(statements))


def _hoist_above(
    store_: Apply, statements: list[Statement], reads: dict[Statement, frozenset[Value]], block: Block
) -> None:
    """Move what uses views of the array, and is all that uses them, above the store into it."""
    at = statements.index(store_)
    views: set[Value] = {store_.args[0]}
    for s in statements[:at]:
        if isinstance(s, Apply) and _is_view_of(s, views):
            views.update(s.outputs)
    views.discard(store_.args[0])
    if not views or not views.isdisjoint(leaves(block.yields)):
        return
    later = [s for s in statements[at + 1 :] if not views.isdisjoint(reads[s])]
    if not later:
        return
    made = {v: s for s in statements[at:] if isinstance(s, Apply) for v in s.outputs}
    fixed = {v for s in statements[at:] if not isinstance(s, Apply) for v in _results(s)}
    moved: list[Apply] = []
    for s in later:
        if not _collect(s, made, fixed, store_, moved):
            return
    order = [s for s in statements[at:] if s in moved]
    rest = [s for s in statements[at:] if s not in moved]
    statements[at:] = [*order, *rest]


def _is_view_of(s: Apply, arrays: set[Value]) -> bool:
    is_array = isinstance(s.result, Value) and isinstance(s.result.type, Array)
    return is_array and TABLE[s.function].view and bool(s.args) and s.args[0] in arrays


def _collect(
    s: Statement, made: dict[Value, Apply], fixed: set[Value], store_: Apply, moved: list[Apply]
) -> bool:
    """Add to `moved` a statement and what it needs that stands below the store; False if it cannot move."""
    if not isinstance(s, Apply) or s is store_ or s.function is store:
        return False
    if has_effects(s.function) or is_the_users(s.function):
        return False
    if TABLE[s.function].view and isinstance(s.result, Value) and isinstance(s.result.type, Array):
        if s.args and isinstance(s.args[0], Value) and s.args[0].of is not None:
            return False  # a view of a gradient would be in the way itself
    if s in moved:
        return True
    for v in s.inputs:
        if v in fixed or (v in made and not _collect(made[v], made, fixed, store_, moved)):
            return False
    moved.append(s)
    return True


def _results(s: Statement) -> tuple[Value, ...]:
    return s.results if isinstance(s, (Branch, Loop)) else ()
