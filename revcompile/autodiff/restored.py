"""What the backward pass reads of the arrays that the forward pass has written into.

The statements that restore an array make new versions of it; `now` says, for a version of the forward
pass, which one has its content again. A view is derived again from the array that it is a part of.
Imports the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from revcompile.dataflow.presence import missing
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Structure, Value, applications, leaves, map_values
from revcompile.ir.types import Array
from revcompile.ir.values import ValueTable
from revcompile.syntax.memory import Memory


class Restored(Memory):
    """Stands in for the `Memory` of lowering while the backward pass is made: nothing is written there."""

    def __init__(self, block: Block, table: ValueTable) -> None:
        super().__init__(table)
        self.now: dict[Value, Value] = {}
        self.made: dict[Value, Apply] = {}  # the views of the forward pass
        self._alike = dict(_of_one_shape(block, missing(block)))
        for statement in applications(block):
            if TABLE[statement.function].view and isinstance(statement.result, Value):
                if isinstance(statement.result.type, Array) and statement.args:
                    self.made[statement.result] = statement

    def fork(self) -> Restored:
        return self

    def note(self, *_: Any) -> None:
        """What the backward pass makes is its own: nothing to remember."""

    def write(self, *_: Any) -> None:
        raise AssertionError("a rule of this package writes into no array: what it writes would be lost")

    def link(self, *_: Any) -> None:
        """Nothing is written, so nothing needs to be known of what shares storage."""

    def shape_of(self, v: Value) -> Value:
        """The first array that has the shape of `v`, of those that are known to: it is there anyway."""
        while v in self._alike:
            v = self._alike[v]
        return v

    def is_as_given(self, v: Value) -> bool:
        """Whether an array is not written, nor what it is a view of."""
        made = self.made.get(v)
        return v not in self.now and (made is None or all(map(self.is_as_given, leaves(made.args))))

    def resolve(self, structure: Structure, derive: Callable[..., Value]) -> Structure:
        if not self.now:
            return structure
        return map_values(lambda v: self._version(v, derive), structure)

    def _version(self, v: Value, derive: Callable[..., Value]) -> Value:
        if v in self.now:
            return self.now[v]
        made = self.made.get(v)
        if made is None or all(a not in self.now and a not in self.made for a in leaves(made.args)):
            return v
        args = self.resolve(made.args, derive)
        if all(a is b for a, b in zip(leaves(args), leaves(made.args), strict=True)):
            return v
        return derive(args[0], ((made.function, *args[1:]),))


def _of_one_shape(block: Block, gone: set[Value]) -> Iterator[tuple[Value, Value]]:
    """Arrays and earlier ones that have the same shape: before a store, before a loop. Of what may be `gone`
    no shape can be read."""
    for s in block.statements:
        if isinstance(s, Apply):
            if TABLE[s.function].writes and s.outputs[0].type.dims == s.args[0].type.dims:
                yield s.outputs[0], s.args[0]
            continue
        for (param, init), (result, _) in zip(s.begins, s.gives, strict=False):
            if isinstance(init, Value) and isinstance(init.type, Array) and init not in gone:
                yield from ((v, init) for v in (param, result) if v.type.dims == init.type.dims)
        for inner in s.blocks:
            yield from _of_one_shape(inner, gone)
