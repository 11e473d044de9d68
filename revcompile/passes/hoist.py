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

from functools import partial

from revcompile.gates.effects import begins_backward, has_effects, is_the_users
from revcompile.gates.table import TABLE, is_of
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Block, Function, Statement, Value, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array
from revcompile.ir.values import ValueTable


def use_before_store(function: Function) -> Function:
    if not any(TABLE[f].writes for f in function.body.functions):
        return function
    return replace(function, body=_block(function.body, function.table))


def _block(block: Block, table: ValueTable) -> Block:
    statements: list[Statement] = []
    for s in block.statements:
        statements.append(s.map_blocks(partial(_block, table=table)))
    stores = [s for s in statements if is_of(s, Kind.STORE)]
    if stores:
        sequence = _Sequence(statements, block, table)
        for s in stores:
            sequence.hoist_above(s)
    return replace(block, statements=tuple(statements))


class _Sequence:
    """The statements of a block: where they stand, who reads a value, what is a view of it."""

    def __init__(self, statements: list[Statement], block: Block, table: ValueTable) -> None:
        self.statements, self.table = statements, table
        self.at = {s: i for i, s in enumerate(statements)}
        self.border = next((i for i, s in enumerate(statements) if begins_backward(s)), -1)
        self.made = {v: s for s in statements for v in s.outputs}
        self.yielded = set(leaves(block.yields))
        self.readers: dict[Value, list[Statement]] = {}
        self.views: dict[Value, list[Apply]] = {}
        for s in statements:
            for v in dict.fromkeys(s.uses):
                self.readers.setdefault(v, []).append(s)
            if isinstance(s, Apply) and _is_view(s) and s.args and isinstance(s.args[0], Value):
                self.views.setdefault(s.args[0], []).append(s)

    def hoist_above(self, store_: Apply) -> None:
        """Move what uses views of the array, and is all that uses them, above the store into it.

        Within a pass: the backward pass may be a function of its own.
        """
        at = self.at[store_]
        views = self._views_before(store_.args[0], at)
        if not views or not self.yielded.isdisjoint(views):
            return
        moved: dict[Apply, None] = {}
        later = {s for v in views for s in self.readers.get(v, ()) if self.at[s] > at}
        for s in sorted(later, key=lambda s: self.at[s]):
            if at < self.border < self.at[s] or not self._collect(s, store_, at, moved):
                return
        if not moved:
            return
        end = 1 + max(self.at[s] for s in moved)
        part = self.statements[at:end]
        self.statements[at:end] = [*(s for s in part if s in moved), *(s for s in part if s not in moved)]
        self.at.update((s, i) for i, s in enumerate(self.statements[at:end], at))

    def _views_before(self, array: Value, at: int) -> list[Value]:
        found: list[Value] = []
        waiting = [array]
        while waiting:
            for s in self.views.get(waiting.pop(), ()):
                if self.at[s] < at:
                    found.extend(s.outputs)
                    waiting.extend(s.outputs)
        return found

    def _collect(self, s: Statement, store_: Apply, at: int, moved: dict[Apply, None]) -> bool:
        """Add to `moved` a statement and what it needs below the store; False if it cannot move."""
        if not isinstance(s, Apply) or is_of(s, Kind.STORE):
            return False
        if has_effects(s.function) or is_the_users(s.function):
            return False
        if _is_view(s) and any(v in self.table.primals for v in s.inputs[:1]):
            return False  # a view of a gradient would be in the way itself
        if s in moved:
            return True
        for v in s.inputs:
            made = self.made.get(v)
            if made is not None and self.at[made] >= at and not self._collect(made, store_, at, moved):
                return False
        moved[s] = None
        return True


def _is_view(s: Apply) -> bool:
    return isinstance(s.result, Value) and isinstance(s.result.type, Array) and TABLE[s.function].view
