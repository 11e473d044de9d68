"""Blocks with other values (or atoms) in place of some. Imports the IR."""

from __future__ import annotations

from typing import Any

from revcompile.ir.nodes import Apply, Block, Statement, Structure, Value, map_values


class Renaming:
    """Of what a block reads, defines and yields, its inner blocks included."""

    def __init__(self, names: dict[Value, Any]) -> None:
        self.names = names

    def __call__(self, part: Structure) -> Structure:
        if isinstance(part, Block):
            return Block(tuple(map(self._statement, part.statements)), self(part.yields))
        return map_values(lambda v: self.names.get(v, v), part)

    def _statement(self, s: Statement) -> Statement:
        apart = self.names.keys().isdisjoint
        return s if type(s) is Apply and apart(s.inputs) and apart(s.outputs) else s.renamed(self)


def substitute(block: Block, names: dict[Value, Any]) -> Block:
    """The block with other values (or atoms) in place of some; definitions among `names` are renamed too."""
    renamed: Block = Renaming(names)(block) if names else block
    return renamed
