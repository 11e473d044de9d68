"""The engine of all analyses: it walks the structured IR, forwards or backwards, to a fixpoint at loops.

What an analysis finds of a value is a *fact*: a set of possibilities, written as a whole number whose bits
are its members. The set of a value that several ways lead to is the union; since sets only grow, loops
settle. An analysis says what one statement does (`apply`) and what a call does (`call`); everything that has
blocks is treated here, once for all of them. A loop inside another begins with what it found the time before:
how often a body is gone through does not grow with its depth. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from revcompile.gates.halves import Half
from revcompile.ir.nodes import Apply, Block, Each, Statement, Structure, Value, leaves

Found = int | None  # a fact; None of a value to which nothing leads


def union(a: Found, b: Found) -> Found:
    return b if a is None else a if b is None else a | b


def called(s: Apply) -> Half | None:
    """The function of the user's that a statement calls. A half of it, in a gradient that is differentiated
    again, is a gate like others."""
    return s.function if isinstance(s.function, Half) and s.function.kind == "call" else None


class Forward:
    """An analysis from the parameters to the results."""

    def __init__(self) -> None:
        self.facts: dict[Value, int] = {}
        self.definitions: dict[Value, Apply] = {}

    # -- what an analysis says ----------------------------------------------------------------

    def outside(self, value: Value) -> int:
        """The fact of a parameter, or of what the function finds in the program."""
        raise NotImplementedError

    def constant(self, atom: Structure) -> int:
        """The fact of what is known while compiling."""
        raise NotImplementedError

    def apply(self, statement: Apply) -> int | Sequence[int]:
        """The fact of the results of a gate; of each of them, if they differ."""
        raise NotImplementedError

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        """The facts of what a call gives."""
        raise NotImplementedError

    def item(self, each: Each) -> int:
        """The fact of what a loop goes through."""
        raise NotImplementedError

    def either(self, statement: Statement, result: Value, ends: tuple[Structure, ...]) -> int:
        """The fact of what a statement with blocks gives, which is one of these."""
        return self.of(ends)

    # -- the walk -----------------------------------------------------------------------------

    def of(self, structure: Structure) -> int:
        """The fact of an atom; of a structure, the union of those in it."""
        if type(structure) is Value:
            found = self.facts.get(structure)
            if found is None:
                found = self.facts[structure] = self.outside(structure)
            return found
        if isinstance(structure, slice):
            structure = structure.start, structure.stop, structure.step
        if isinstance(structure, (tuple, list, dict)):
            found = 0
            for part in structure.values() if isinstance(structure, dict) else structure:
                found |= self.of(part)
            return found
        return self.constant(structure)

    def block(self, block: Block) -> None:
        for s in block.statements:
            if type(s) is Apply:
                self._apply(s)
            else:
                self._inside(s)

    def _inside(self, s: Statement) -> None:
        for item, each in s.items:
            self.facts[item] = self.item(each)
        for param, init in s.begins:
            self.facts[param] = self.facts.get(param, 0) | self.of(init)
        settled = False
        while not settled:
            settled = True
            for block in s.blocks:
                self.block(block)
            for param, end in s.goes_on:
                more = self.facts[param] | self.of(end)
                settled = settled and more == self.facts[param]
                self.facts[param] = more
        for result, ends in s.gives:
            self.facts[result] = self.either(s, result, ends)
        for v, saved in s.saves:
            self.facts[saved] = self.of(v)

    def _apply(self, s: Apply) -> None:
        for v in s.outputs:
            self.definitions[v] = s
        half = called(s)
        found = self.call(s, half) if half is not None else self.apply(s)
        if isinstance(found, int):
            for v in s.outputs:
                self.facts[v] = found
        else:
            self.facts.update(zip(s.outputs, found, strict=False))


class Backward:
    """An analysis from the results to the parameters: what it finds of a value is what comes back to it."""

    def __init__(self) -> None:
        self.facts: dict[Value, int] = {}
        self.carried: dict[Statement, list[Found]] = {}  # what came back to what is carried

    # -- what an analysis says ----------------------------------------------------------------

    def apply(self, statement: Apply, outs: Sequence[Found]) -> Iterable[tuple[Value, Found]]:
        """What comes back to the operands of a gate, if this comes back to its results."""
        raise NotImplementedError

    def call(self, statement: Apply, half: Half, outs: Sequence[Found]) -> Sequence[Found]:
        """What comes back to the arguments of a call."""
        raise NotImplementedError

    def both(self, a: int, b: int) -> int:
        """What comes back to a value that is read twice."""
        return a | b

    def either(self, then: Found, orelse: Found) -> Found:
        """What comes back through a branch, of which one side runs."""
        return union(then, orelse)

    def end_of_trip(self, last: Found, others: Found) -> Found:
        """What comes back to the end of a trip: `last` in the last one, `others` in those before."""
        return self.either(last, others)

    def of_trips(self, inside: Found) -> Found:
        """What comes back to a value from outside a loop, which may make no trip."""
        return inside

    def of_start(self, first: Found, result: Found) -> Found:
        """What comes back to what a loop begins with: from its first trip; if it makes none, the result."""
        return self.either(first, result)

    def begin(self, param: Value) -> Found:
        """What is assumed of a value that a loop carries, to begin with."""
        return None

    # -- the walk -----------------------------------------------------------------------------

    def block(self, block: Block, ends: Sequence[Found], more: Iterable[tuple[Value, Found]] = ()) -> None:
        """Go through a block. What comes back to values from outside it stays in `self.coming`."""
        for end, found in zip(block.yields, ends, strict=False):
            for v in leaves(end):
                self._add(v, found)
        for v, found in more:
            self._add(v, found)
        for s in reversed(block.statements):
            if type(s) is Apply:
                self._apply(s)
            elif s.repeats:
                self._trips(s)
            else:
                self._sides(s)

    def run(self, block: Block, seeds: dict[Value, int]) -> None:
        """Analyse a function's body, to whose values `seeds` come back."""
        self.coming: dict[Value, int] = dict(seeds)
        self.block(block, ())
        self.facts.update(self.coming)

    def _add(self, v: Structure, found: Found) -> None:
        if found is not None and isinstance(v, Value):
            known = self.coming.get(v)
            self.coming[v] = found if known is None else self.both(known, found)

    def _taken(self, v: Value) -> Found:
        """What came back to a value that is defined here."""
        found = self.coming.pop(v, None)
        if found is not None:
            self.facts[v] = found
        return found

    def _apply(self, s: Apply) -> None:
        outs = [self._taken(v) for v in s.outputs]
        if all(found is None for found in outs) and not self.starts(s):
            return
        half = called(s)
        if half is not None:
            for arg, found in zip(s.args, self.call(s, half, outs), strict=True):
                self._add(arg, found)
        else:
            for v, found in self.apply(s, outs):
                self._add(v, found)

    def starts(self, statement: Apply) -> bool:
        """Whether something comes back from a statement though nothing comes back to it."""
        return False

    def _sides(self, s: Statement) -> None:
        ends = [self._taken(result) for result, _ in s.gives]
        outer, sides = self.coming, []
        for side in s.blocks:
            self.coming = {}
            self.block(side, ends)
            if not side.raises:
                sides.append(self.coming)
        self.coming = outer
        for v in dict.fromkeys(v for side in sides for v in side):
            self._add(v, reduce(self.either, [side.get(v) for side in sides]))

    def _trips(self, s: Statement) -> None:
        results = [self._taken(result) for result, _ in s.gives]
        saved = [(v, self._taken(saved)) for v, saved in s.saves]
        outer = self.coming
        starts = self.carried.get(s) or [self.begin(p) for p, _ in s.begins]
        *before, body = s.blocks
        while True:
            ends = [self.end_of_trip(r, p) for r, p in zip(results, starts, strict=True)]
            self.coming = {}
            self.block(body, ends, saved)
            for test in before:
                self.block(test, ())
            found = [self._taken(p) for p, _ in s.begins]
            grown = [union(a, b) for a, b in zip(starts, found, strict=True)]
            if grown == starts:
                break
            starts = self.carried[s] = grown
        items = [(self._taken(item), each) for item, each in s.items]
        inside, self.coming = self.coming, outer
        for v, fact in inside.items():
            self._add(v, self.of_trips(fact))
        for (_, init), first, result in zip(s.begins, starts, results, strict=True):
            for v in leaves(init):
                self._add(v, self.of_start(first, result))
        for t, each in items:
            if each.kind in ("list", "reversed list"):
                self._add(each.args[0], t)
