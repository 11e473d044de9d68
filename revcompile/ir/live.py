"""Statements with blocks, without what of them nobody reads. Imports the IR.

Before, of which y is read:              After:
    x, y = loop n: x1, y1 from a, b          y = loop n: y1 from b
        next x1 = x1 * y1, y1 = y1 + 1           next y1 = y1 + 1
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from revcompile.ir.nodes import Block, Branch, Each, Loop, Value, leaves
from revcompile.ir.rebuild import replace

Sweep = Callable[[Block, set[Value]], Block]  # a block without what is not read; what it reads is read, too


def live_branch(branch: Branch, read: set[Value], sweep: Sweep) -> Branch:
    wanted = [i for i, result in enumerate(branch.results) if result in read]
    sides = []
    for block in branch.blocks:
        yields = () if block.raises else tuple(block.yields[i] for i in wanted)
        read.update(leaves(yields))
        sides.append(sweep(replace(block, yields=yields), read))
    then, orelse = sides
    return replace(branch, then=then, orelse=orelse, results=tuple(branch.results[i] for i in wanted))


def live_loop(loop: Loop, read: set[Value], sweep: Sweep, known: Iterable[int] = ()) -> tuple[Loop, set[int]]:
    """The loop, and the slots that are left: a value that is carried only to compute itself is not read.
    `known` are slots that are read."""
    saves = tuple((v, saved) for v, saved in loop.saves if saved in read)
    wanted = {i for i, result in enumerate(loop.results) if result in read} | set(known)
    *ends, stop = loop.body.yields
    while True:
        inner = {*read, *(v for v, _ in saves if isinstance(v, Value))}
        yields = (*(end for i, end in enumerate(ends) if i in wanted), stop)
        inner.update(leaves(yields))
        body = sweep(replace(loop.body, yields=yields), inner)
        test = None
        if loop.test is not None:
            inner.update(leaves(loop.test.yields))
            test = sweep(loop.test, inner)
        also = {i for i, param in enumerate(loop.params) if param in inner} - wanted
        if not also:
            break
        wanted |= also
    read.update(inner)

    live = replace(
        without_slots(loop, set(range(len(loop.params))) - wanted),
        each=_live_each(loop, inner),
        test=test,
        body=body,
        saves=saves,
        trips=loop.trips if loop.trips in read else None,
    )
    return live, wanted


def without_slots(loop: Loop, gone: Container[int]) -> Loop:
    """The loop that carries less: nothing in these slots."""

    def keep(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item for i, item in enumerate(items) if i not in gone)

    body = replace(loop.body, yields=keep(loop.body.yields))
    return replace(
        loop, inits=keep(loop.inits), params=keep(loop.params), body=body, results=keep(loop.results)
    )


def _live_each(loop: Loop, read: set[Value]) -> tuple[tuple[Value, Each], ...]:
    """What a loop has to go through: what it reads the items of; or whatever tells how often it runs."""
    live = tuple((v, each) for v, each in loop.each if v in read)
    return live or loop.each[:1]
