"""Where values are defined and read, in the order in which a program runs: is a value read after this?

Imports the IR.
"""

from __future__ import annotations

from typing import NamedTuple

from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Statement,
    Value,
    leaves,
)


class Point(NamedTuple):
    """A place in a program: its number, the sides of branches and the loops that it is in."""

    number: int
    sides: tuple[tuple[int, int], ...]
    loops: tuple[int, ...]


class Order:
    """Points of all definitions and of all reads of elements (a length is the same for every version)."""

    def __init__(self, function: Function) -> None:
        self.defined: dict[Value, Point] = {}
        self.reads: dict[Value, list[Point]] = {}
        self.at: dict[int, Point] = {}  # of each statement, by its identity
        self.ends: dict[int, Point] = {}  # of each block, by its identity
        self._loop_ends: dict[int, int] = {}  # the last number in a loop, by that of the loop
        self._last_reads: dict[Value, int] = {}
        self._count = 0
        start = Point(0, (), ())
        for p in function.parameters:
            for v in leaves(p.structure):
                self.defined[v] = start
        self._block(function.body, (), ())

    def _point(self, sides: tuple[tuple[int, int], ...], loops: tuple[int, ...]) -> Point:
        self._count += 1
        return Point(self._count, sides, loops)

    def _read(self, value: Value, point: Point) -> None:
        self.reads.setdefault(value, []).append(point)

    def _block(self, block: Block, sides: tuple[tuple[int, int], ...], loops: tuple[int, ...]) -> None:
        for statement in block.statements:
            point = after = self._point(sides, loops)
            self.at[id(statement)] = point
            if not (type(statement) is Apply and TABLE[statement.function].of_shape):
                for v in statement.inputs:
                    self._read(v, point)
            if statement.blocks:
                self._inside(statement, point, sides, loops)
                after = self._point(sides, loops)
            for v in statement.outputs:
                self.defined.setdefault(v, after)  # a residual is defined inside a branch already
        end = self._point(sides, loops)
        self.ends[id(block)] = end
        for v in leaves(block.yields):
            self._read(v, end)

    def _inside(
        self, statement: Statement, point: Point, sides: tuple[tuple[int, int], ...], loops: tuple[int, ...]
    ) -> None:
        if not statement.repeats:
            for side, block in enumerate(statement.blocks):
                self._block(block, (*sides, (point.number, side)), loops)
            return
        inner = (*loops, point.number)
        first = self._point(sides, inner)
        for v in statement.bound:
            self.defined[v] = first
        for block in statement.blocks:
            self._block(block, sides, inner)
        for v, _ in statement.saves:
            if isinstance(v, Value):
                self._read(v, self.ends[id(statement.blocks[-1])])
        self._loop_ends[point.number] = self._count

    def last_read(self, value: Value) -> int:
        """The number of the last read of `value`: of the end of a loop that it is made before and read in."""
        if value not in self._last_reads:
            defined, last = self.defined.get(value), 0
            for read in self.reads.get(value, ()):
                number = read.number
                if read.loops and defined is not None:
                    outermost = next((loop for loop in read.loops if loop not in defined.loops), None)
                    number = number if outermost is None else self._loop_ends[outermost]
                last = max(last, number)
            self._last_reads[value] = last
        return self._last_reads[value]

    def is_read_after(self, value: Value, point: Point) -> bool:
        """Whether what `value` holds may be read after `point`, also in a later trip of a loop around it."""
        if self.last_read(value) <= point.number:
            return False
        defined = self.defined.get(value)
        again = [loop for loop in point.loops if defined is not None and loop not in defined.loops]
        for read in self.reads.get(value, ()):
            if any(loop in read.loops for loop in again):
                return True
            if read.number > point.number and _may_follow(point, read):
                return True
        return False


def _may_follow(first: Point, later: Point) -> bool:
    """Whether two points do not lie on the two sides of one branch."""
    if not first.sides or not later.sides:
        return True
    sides = dict(first.sides)
    return all(sides.get(branch, side) == side for branch, side in later.sides)
