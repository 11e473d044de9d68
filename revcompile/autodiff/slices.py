"""A slice of a block: what some of its values are computed from, and nothing that it does besides.

Before, of which y is read:              After:
    s = x * x                                y = x + 1
    print(s)
    y = x + 1

Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterable

from revcompile.ir.nodes import Block, Branch, Loop, Raise, Statement, Value, leaves, substitute
from revcompile.ir.rebuild import replace

Slice = tuple[tuple[Statement, ...], set[Value]]


def slice_of(statements: Iterable[Statement], read: Iterable[Value]) -> Slice:
    """What is left of the statements where only that is read, and all that is read then."""
    wanted = set(read)
    found: list[Statement] = []
    for s in reversed(tuple(statements)):
        if isinstance(s, Raise) or not wanted.isdisjoint(s.outputs):
            s, reads = _parts_of(s, wanted)
            wanted |= reads
            found.append(s)
    return tuple(reversed(found)), wanted


def _parts_of(s: Statement, wanted: set[Value]) -> tuple[Statement, set[Value]]:
    if isinstance(s, Branch):
        return _parts_of_branch(s, wanted)
    return _parts_of_loop(s, wanted) if isinstance(s, Loop) else (s, set(s.inputs))


def _parts_of_branch(s: Branch, wanted: set[Value]) -> tuple[Branch, set[Value]]:
    slots = [i for i, result in enumerate(s.results) if result in wanted]
    reads = {s.condition}
    sides: list[Block] = []
    for block in s.blocks:
        yields = () if block.raises else tuple(block.yields[i] for i in slots)
        statements, found = slice_of(block.statements, leaves(yields))
        sides.append(Block(statements, yields))
        reads |= found
    then, orelse = sides
    return replace(s, then=then, orelse=orelse, results=tuple(s.results[i] for i in slots)), reads


def _parts_of_loop(s: Loop, wanted: set[Value]) -> tuple[Loop, set[Value]]:
    saves = tuple((v, items) for v, items in s.saves if items in wanted)
    *ends, stop = s.body.yields
    slots = {i for i, result in enumerate(s.results) if result in wanted}
    test, of_test = None, set[Value]()
    if s.test is not None:
        statements, of_test = slice_of(s.test.statements, leaves(s.test.yields))
        test = replace(s.test, statements=statements)
    while True:
        yields = (*(end for i, end in enumerate(ends) if i in slots), stop)
        statements, reads = slice_of(s.body.statements, leaves((yields, tuple(v for v, _ in saves))))
        reads |= of_test
        more = {i for i, p in enumerate(s.params) if p in reads} - slots
        if not more:
            break
        slots |= more
    inits, params, results = (
        tuple(x for i, x in enumerate(items) if i in slots) for items in (s.inits, s.params, s.results)
    )
    made = replace(
        s,
        test=test,
        inits=inits,
        params=params,
        body=Block(statements, yields),
        results=results,
        saves=saves,
        trips=s.trips if s.trips in wanted else None,
    )
    return made, {*reads, *made.inputs}


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
