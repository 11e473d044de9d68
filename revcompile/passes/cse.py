"""Common subexpressions: what was computed once is not computed again.

Before:                                  After:
    s0 = np.tanh(x)                          s0 = np.tanh(x)
    s1 = np.tanh(x)
    y = s0 * s1                              y = s0 * s0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile.gates.effects import has_effects
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import ATOMS, Apply, Block, Function, Statement, Structure, Value
from revcompile.ir.values import ValueTable
from revcompile.passes.walk import Walk


class _Scopes(Walk):
    """A walk that forgets, at the end of a block, what was computed in it."""

    is_told = False

    def __init__(self, table: ValueTable) -> None:
        self.known: dict[Any, Value] = {}
        self.added: list[Any] = []  # the keys in it, in order
        self.repeatable: dict[
            Callable[..., Any], bool
        ] = {}  # whether what it gives may be what it gave before
        super().__init__(self._visit, table)

    def block(self, block: Block) -> Block:
        before = len(self.added)
        out = super().block(block)
        for key in self.added[before:]:
            del self.known[key]
        del self.added[before:]
        return out

    def _visit(self, statement: Apply, _: list[Statement]) -> Structure | None:
        function, result = statement.function, statement.result
        repeatable = self.repeatable.get(function)
        if repeatable is None:
            repeatable = self.repeatable[function] = _is_repeatable(function)
        if not repeatable or type(result) is not Value:
            return None
        key = function, *[a if type(a) is Value else key_of(a) for a in statement.args]
        known = self.known.setdefault(key, result)
        if known is result:
            self.added.append(key)
            return None
        hints = self.table.hints
        if known not in hints and result in hints and known not in self.table.primals:
            self.table.rename(known, result)
        return known


def _is_repeatable(function: Callable[..., Any]) -> bool:
    """Not of what makes storage of its own in each call, which stays its own; nor of a name."""
    gate = TABLE[function]
    return not (gate.foreign or gate.fresh or gate.memory is Memory.SAME or has_effects(function))


def eliminate_common(function: Function) -> Function:
    walk = _Scopes(function.table)
    done = walk.function(function)
    return done if walk.replaced else function


def key_of(structure: Structure) -> Any:
    """The same for structures that are the same in every call."""
    kind = type(structure)
    if kind is Value:
        return structure
    if kind in ATOMS and kind is not float:
        return (kind, structure)
    if isinstance(structure, (tuple, list)):
        return (type(structure), *map(key_of, structure))
    if isinstance(structure, dict):
        return (dict, *((k, key_of(v)) for k, v in structure.items()))
    if isinstance(structure, slice):
        return (slice, key_of(structure.start), key_of(structure.stop), key_of(structure.step))
    if isinstance(structure, float):
        return (float, repr(structure))
    try:
        hash(structure)
    except TypeError:  # a bytearray of the program: the same object
        return (kind, id(structure))
    return (kind, structure)
