"""Dead code: what nobody reads is not computed.

Before:                                  After:
    s0 = x * y                               return x
    return x
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile.gates.effects import has_effects, only_shows
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind
from revcompile.ir.live import live_branch, live_loop
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Loop,
    Raise,
    Statement,
    Value,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Foreign
from revcompile.passes.overwritten import Overwriting


def eliminate_dead(function: Function) -> Function:
    if function.swept is function.body:
        return function
    read = {*function.table.comparing, *leaves(function.body.yields)}
    body = _sweep(function.body, read, {})
    return replace(function, body=body, swept=body)


Wanted = dict[
    Loop, set[int]
]  # the slots of loops that are known to be read: another attempt begins with them


def _sweep(block: Block, read: set[Value], known: Wanted) -> Block:
    """The block without statements whose results are not in `read`; adds to `read` what it reads."""
    below: list[Statement] = []
    waiting = Overwriting(below, read)
    has_stores = any(TABLE[f].writes for f in block.functions)
    for statement in reversed(block.statements):
        if waiting.places and waiting.makes_dead(statement):
            continue
        live: Statement | None = statement
        if type(statement) is not Apply or read.isdisjoint(statement.outputs):
            live = _LIVE[type(statement)](statement, read, known)
        if live is not None:
            read.update(waiting.reads(live) if has_stores else live.inputs)
            below.append(live)
    waiting.end()
    below.reverse()
    return block.having(below)


def without_printing(block: Block) -> Block:
    """The block without what only shows something."""
    read = set(block.uses)

    def unless_shown(s: Statement) -> Statement | None:
        shows = isinstance(s, Apply) and only_shows(s.function)
        return None if shows and all(v not in read or isinstance(v.type, Foreign) for v in s.outputs) else s

    return block.map(unless_shown)


def _sweep_unread(statement: Apply, read: set[Value], known: Wanted) -> Apply | None:
    if is_of(statement, Kind.KEEP) and statement.args[0] not in read:
        return None  # nothing takes it back
    return statement if has_effects(statement.function) else None


def _sweep_branch(branch: Branch, read: set[Value], known: Wanted) -> Branch | None:
    live = live_branch(branch, read, lambda block, read: _sweep(block, read, known))
    return live if live.results or live.then.statements or live.orelse.statements else None


def _sweep_loop(loop: Loop, read: set[Value], known: Wanted) -> Loop | None:
    if read.isdisjoint(loop.outputs) and not any(map(_has_effects, loop.blocks)):
        if read.isdisjoint(loop.body.defined):
            return None  # whether it ends is nothing to what is read
    live, known[loop] = live_loop(
        loop, read, lambda block, read: _sweep(block, read, known), known.get(loop, ())
    )
    return live


_LIVE: dict[type, Callable[[Any, set[Value], Wanted], Any]] = {
    Apply: _sweep_unread, Branch: _sweep_branch, Loop: _sweep_loop, Raise: lambda statement, *_: statement,
}  # fmt: skip


def _has_effects(block: Block) -> bool:
    """Whether running a block does something besides computing its yields."""
    for statement in block.statements:
        if statement.raises or (isinstance(statement, Apply) and has_effects(statement.function)):
            return True
        if any(map(_has_effects, statement.blocks)):
            return True
    return False
