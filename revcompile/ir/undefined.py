"""None, where a value is read that only one side of a branch, or no trip, has made. Imports the IR."""

from __future__ import annotations

from collections.abc import Container, Iterable

from revcompile.ir.nodes import UNDEFINED, Block, Branch, Loop, Statement, Structure, Value
from revcompile.ir.rebuild import replace


def none_instead(block: Block, read: Container[Value]) -> Block:
    """The block that makes None of what is `read`, where it would leave it undefined."""

    def ends(given: Iterable[Structure], names: Iterable[Value]) -> tuple[Structure, ...]:
        pairs = zip(given, names, strict=True)
        return tuple(None if end is UNDEFINED and name in read else end for end, name in pairs)

    def defined(s: Statement) -> Statement:
        if isinstance(s, Branch):
            then, orelse = (replace(side, yields=ends(side.yields, s.results)) for side in s.blocks)
            return replace(s, then=then, orelse=orelse)
        if isinstance(s, Loop):
            return replace(s, inits=ends(ends(s.inits, s.params), s.results))
        return s

    return block.map(defined)
