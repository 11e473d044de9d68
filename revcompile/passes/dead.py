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
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Each,
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
    wanted = [i for i, result in enumerate(branch.results) if result in read]
    sides = []
    for block in (branch.then, branch.orelse):
        yields = () if block.raises else tuple(block.yields[i] for i in wanted)
        read.update(leaves(yields))
        sides.append(_sweep(replace(block, yields=yields), read, known))
    if not wanted and not sides[0].statements and not sides[1].statements:
        return None
    then, orelse = sides
    return replace(branch, then=then, orelse=orelse, results=tuple(branch.results[i] for i in wanted))


def _sweep_loop(loop: Loop, read: set[Value], known: Wanted) -> Loop | None:
    """The loop without what nobody reads: a value that is carried only to compute itself is not read."""
    saves = tuple((v, saved) for v, saved in loop.saves if saved in read)
    trips = loop.trips if loop.trips in read else None
    if not (saves or trips is not None or any(map(_has_effects, loop.blocks))):
        if read.isdisjoint(loop.results) and read.isdisjoint(loop.body.defined):
            return None  # whether it ends is nothing to what is read
    wanted = {i for i, result in enumerate(loop.results) if result in read} | known.get(loop, set())
    while True:
        inner = set(read)
        inner.update(v for v, _ in saves if isinstance(v, Value))
        *ends, stop = loop.body.yields
        yields = (*(end for i, end in enumerate(ends) if i in wanted), stop)
        inner.update(leaves(yields))
        body = _sweep(replace(loop.body, yields=yields), inner, known)
        test = None
        if loop.test is not None:
            inner.update(leaves(loop.test.yields))
            test = _sweep(loop.test, inner, known)
        also = {i for i, param in enumerate(loop.params) if param in inner} - wanted
        if not also:
            break
        wanted |= also
    known[loop] = wanted
    read.update(inner)
    each = _live_each(loop, inner)

    def keep(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item for i, item in enumerate(items) if i in wanted)

    return replace(
        loop,
        each=each,
        test=test,
        inits=keep(loop.inits),
        params=keep(loop.params),
        body=body,
        results=keep(loop.results),
        saves=saves,
        trips=trips,
    )


_LIVE: dict[type, Callable[[Any, set[Value], Wanted], Any]] = {
    Apply: _sweep_unread, Branch: _sweep_branch, Loop: _sweep_loop, Raise: lambda statement, *_: statement,
}  # fmt: skip


def _live_each(loop: Loop, read: set[Value]) -> tuple[tuple[Value, Each], ...]:
    """What a loop has to go through: what it reads the items of; or whatever tells how often it runs."""
    live = tuple((v, each) for v, each in loop.each if v in read)
    return live or loop.each[:1]


def _has_effects(block: Block) -> bool:
    """Whether running a block does something besides computing its yields."""
    for statement in block.statements:
        if isinstance(statement, Raise) or (isinstance(statement, Apply) and has_effects(statement.function)):
            return True
        if any(map(_has_effects, statement.blocks)):
            return True
    return False
