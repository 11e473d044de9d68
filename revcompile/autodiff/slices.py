"""A slice of a block: what some of its values are computed from, and nothing that it does besides.

Before, of which y is read:              After:
    s = x * x                                y = x + 1
    print(s)
    y = x + 1

Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterable

from revcompile.ir.live import live_branch, live_loop
from revcompile.ir.nodes import Block, Branch, Loop, Statement, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.renaming import substitute


def slice_of(
    statements: Iterable[Statement], read: Iterable[Value]
) -> tuple[tuple[Statement, ...], set[Value]]:
    """What is left of the statements where only that is read, and all that is read then."""
    wanted = set(read)
    return _sweep(Block(tuple(statements)), wanted).statements, wanted


def _sweep(block: Block, read: set[Value]) -> Block:
    found: list[Statement] = []
    for s in reversed(block.statements):
        if s.raises or not read.isdisjoint(s.outputs):
            if isinstance(s, Branch):
                s = live_branch(s, read, _sweep)
            elif isinstance(s, Loop):
                s, _ = live_loop(s, read, _sweep)
            read.update(s.inputs)
            found.append(s)
    return block.having(found[::-1])


def without_ends(body: Block) -> Block:
    """The body of a trip that does not leave its loop: without the sides of branches that say so."""
    statements, stop = list(body.statements), body.yields[-1]
    while isinstance(stop, Value):
        at = next((i for i, s in enumerate(statements) if stop in s.outputs), None)
        branch = None if at is None else statements[at]
        if not isinstance(branch, Branch):
            break
        slot = branch.results.index(stop)
        sides = [b for b in branch.blocks if not b.raises and b.yields[slot] is not True]
        if len(sides) != 1 or at is None:
            break
        (side,) = sides
        rest = Block((*side.statements, *statements[at + 1 :]), body.yields)
        body = substitute(rest, dict(zip(branch.results, side.yields, strict=True)))
        statements, stop = [*statements[:at], *body.statements], body.yields[-1]
    return replace(body, statements=tuple(statements))
