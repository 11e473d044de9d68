"""The derivative at a point in two passes: what forward mode computes, taken apart.

Before:                                  After:
    h = np.tanh(x)                           h = np.tanh(x)
    tangent_h = tangent_x * (1 - h * h)      # of which the second pass keeps h
    y = h * h                                y = h * h
    tangent_y = 2 * tangent_h * h            # second pass
                                             tangent_h = tangent_x * (1 - h * h)
                                             tangent_y = 2 * tangent_h * h

What no tangent enters is the first pass, all else the second. A loop becomes two over the same trips; what
the second reads of the first is kept as a backward pass would have it kept (`residuals`). Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from revcompile.autodiff.residuals import keep_residuals, outer_names
from revcompile.gates.effects import backward_begins
from revcompile.gates.halves import Half, Pair, Variant
from revcompile.ir.build import own_parameters
from revcompile.ir.live import without_slots
from revcompile.ir.nodes import (
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Loop,
    Raise,
    Statement,
    Structure,
    Value,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.values import ValueTable


def parted(pair: Pair, count: int, table: ValueTable) -> Variant:
    """The halves of a pair that gives `count` results and their tangents, of which the last parameters are.

    The second half is a function of the tangents of those alone.
    """
    assert pair.function is not None
    results, tangents = pair.function.result[:count], pair.function.result[count:]
    own = [p for p in pair.parameters if p not in table.tangents]
    upstream = tuple(p for p in pair.parameters if p in table.tangents)
    first, second = _Parts({*upstream}, table).of(pair.function.body.statements)
    begins = Apply(backward_begins, (), ())
    block = Block((begins, *second), ((results, None, tangents),))
    outer = outer_names(Block(first))
    variant = Variant(pair, frozenset(), frozenset(), frozenset(), frozenset(), linear=True)
    variant.upstream = upstream
    variant.function = replace(
        pair.function,
        parameters=own_parameters(table, [*own, *upstream], "x"),
        body=keep_residuals(first, block, (), outer, table, passed_on=True),
        called=True,
        again=True,
    )
    return variant


class _Ends(NamedTuple):
    """The slots of a branch that tangents enter, or the others."""

    slots: tuple[int, ...]

    def of(self, items: tuple[Structure, ...]) -> tuple[Structure, ...]:
        return tuple(items[i] for i in self.slots)


class _Parts:
    """`unknown` is what follows from tangents."""

    def __init__(self, unknown: set[Value], table: ValueTable) -> None:
        self.unknown, self.table = unknown, table

    def of(self, statements: Iterable[Statement]) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
        first: list[Statement] = []
        second: list[Statement] = []
        for s in statements:
            if isinstance(s, Branch):
                self._branch(s, first, second)
            elif isinstance(s, Loop):
                self._loop(s, first, second)
            elif isinstance(s, Raise) or self.unknown.isdisjoint(s.inputs):
                first.append(s)
            elif isinstance(s.function, Half) and s.function.pair.along is not None:
                self._call(s, s.function.pair.along, first, second)
            else:
                second.append(s)
                self.unknown.update(s.outputs)
        return tuple(first), tuple(second)

    def _call(self, s: Apply, primal: Pair, first: list[Statement], second: list[Statement]) -> None:
        """The call of a pair that gives tangents, too: what it computes besides, it computes again."""
        assert primal.function is not None
        *outs, saved = s.result
        count = len(primal.function.result)
        passed = s.args[: len(primal.parameters)]
        first.append(Apply(primal.call, passed, (*outs[:count], self.table.like(saved)), s.line, s.note))
        again = (self.table.like(v, fold=False) for v in outs[:count])
        second.append(replace(s, result=(*again, *outs[count:], saved)))
        self.unknown.update((*outs[count:], saved))

    def _is_unknown(self, structure: Structure) -> bool:
        return any(v in self.unknown for v in leaves(structure))

    def _branch(self, s: Branch, first: list[Statement], second: list[Statement]) -> None:
        parts = [self.of(block.statements) for block in s.blocks]
        sides = [block.yields for block in s.blocks if not block.raises]
        places = range(len(s.results))
        later = _Ends(tuple(i for i in places if any(self._is_unknown(ends[i]) for ends in sides)))
        now = _Ends(tuple(i for i in places if i not in later.slots))
        self.unknown.update(later.of(s.results))

        def side(k: int, half: int, ends: _Ends) -> Block:
            block = s.blocks[k]
            if block.raises:
                nothing = (UNDEFINED,) * len(ends.slots) if half else ()
                return Block(parts[k][half], nothing)
            return Block(parts[k][half], ends.of(block.yields))

        def half(which: int, ends: _Ends) -> Branch:
            then, orelse = side(0, which, ends), side(1, which, ends)
            return replace(s, then=then, orelse=orelse, results=ends.of(s.results))

        first.append(half(0, now))
        if later.slots or any(part for _, part in parts):
            second.append(half(1, later))

    def _loop(self, s: Loop, first: list[Statement], second: list[Statement]) -> None:
        places = range(len(s.params))
        before, slots = set(self.unknown), {i for i in places if self._is_unknown(s.inits[i])}
        while True:
            self.unknown = {*before, *(s.params[i] for i in slots)}
            self.unknown.update(v for v, each in s.each if self._is_unknown(each.args))
            test = None if s.test is None else replace(s.test, statements=self.of(s.test.statements)[0])
            now, after = self.of(s.body.statements)
            more = {i for i in places if self._is_unknown(s.body.yields[i])} - slots
            if not more:
                break
            slots |= more
        saves = tuple(one for one in s.saves if self._is_unknown(one[0]))
        loop = replace(
            without_slots(s, slots),
            each=tuple(one for one in s.each if one[0] not in self.unknown),
            test=test,
            saves=tuple(one for one in s.saves if one not in saves),
        )
        loop = replace(loop, body=replace(loop.body, statements=now))
        first.append(loop)
        if not slots and not saves:
            return
        later = without_slots(s, set(places) - slots)
        self.unknown.update((*later.results, *(items for _, items in saves)))
        *ends, _ = later.body.yields
        body = Block(after, (*ends, False))
        second.append(
            replace(later, test=None, body=body, saves=saves, trips=None, reverses=loop, onward=True)
        )
