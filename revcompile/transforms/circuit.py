"""A call of a function as a circuit: which gates ran, on what, and what came out of them.

A probe was told of every value of a run, in order (`statements/probe`). Here the statements are gone through
once more in that order: branches as they were taken, loops trip by trip, calls inside out. What is one value
under several names, as what a loop hands on from trip to trip, is one wire. Imports the IR and the gates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revcompile.errors import Place
from revcompile.frontend.arguments import places_of, spell_place
from revcompile.gates.halves import Half
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import Apply, Block, Branch, Loop, Raise, Statement, Structure, Value, leaves
from revcompile.statements.probe import Event, Probe, Told


@dataclass(eq=False)
class Frame:
    """What gates stand in: a loop, one of its trips, the side of a branch that was taken, a helper's call."""

    kind: str
    label: str
    trips: int = 0  # of a loop, how many; of a trip, which


Path = tuple[Frame, ...]  # from the outside to the inside


@dataclass(eq=False)
class Node:
    """A gate that was applied once, to these wires and to what is known while compiling."""

    statement: Apply | None  # None: it takes an item of a list
    operands: list[Any]
    path: Path
    line: Place | None
    name: str
    results: list[Wire] = field(default_factory=list)


@dataclass(eq=False)
class Wire:
    """A value, its gradient if it has one, and the gate that it comes from."""

    name: str | None
    path: Path
    number: Any = None
    gradient: Any = None
    source: Node | None = None


class Circuit:
    """The gates of one call from which its result follows, in the order in which they ran."""

    def __init__(self, probe: Probe) -> None:
        function = probe.function
        self.name, self.below = function.name, probe.below
        self._events, self._table = deque(probe.events), function.table
        self._wires: dict[Value, Any] = {}  # what a value is now: a wire, or what is known while compiling
        self._path: Path = ()
        self._home = probe.place.function  # whose statements these are; others are a helper's
        self._helper: Frame | None = None
        self._nodes: list[Node] = []
        self._begin(function.body)
        for parameter in function.parameters:
            for place, v in places_of(parameter.structure, (parameter.name,)):
                if v in self._wires:
                    self._wires[v].name = spell_place(place)
        self._block(function.body.statements[1:])
        assert not self._events, "more was told than was done"
        self.results = list(self._given(function.result))
        self.nodes = self._needed()

    def _given(self, result: Structure) -> Iterator[Wire]:
        """What the call gives. What has no name of the user's has the function's."""
        if isinstance(result, (int, float, np.number)):
            yield Wire(self.name, (), result)
        for place, v in places_of(result, (self.name,)):
            wire = self._now(v)
            wire = wire if isinstance(wire, Wire) else Wire(None, (), wire)
            wire.name = wire.name or spell_place(place)
            yield wire

    def _needed(self) -> list[Node]:
        needed: set[Node] = set()
        waiting = list(self.results)
        while waiting:
            source = waiting.pop().source
            if source is not None and source not in needed:
                needed.add(source)
                waiting += [x for x in source.operands if isinstance(x, Wire)]
        return [node for node in self._nodes if node in needed]

    # -- what was told ------------------------------------------------------------------------

    def _next(self, s: Statement) -> Event:
        """What this statement has told."""
        event = self._events.popleft()
        assert isinstance(s, Apply) and s.args[0] == event.site, "it was told in another order"
        return event

    def _begin(self, block: Block) -> None:
        """Take what a block was told to begin with."""
        event = self._next(block.statements[0])
        for v, number, gradient in zip(event.values, event.numbers, event.gradients):
            self._wires[v] = Wire(self._table.hints.get(v), self._path, number, gradient)

    def _fill(self, event: Event) -> None:
        """Take what was told of the gate before: of the wires that begin there."""
        for v, number, gradient in zip(event.values, event.numbers, event.gradients):
            wire = self._now(v)
            source = wire.source.statement if isinstance(wire, Wire) and wire.source is not None else None
            if source is not None and v in source.outputs:
                wire.number, wire.gradient = number, gradient

    def _comes(self, block: Block) -> bool:
        """Whether it is this block that was run next."""
        return bool(self._events) and self._events[0].site == _site(block)

    def _now(self, atom: Structure) -> Any:
        """The wire that a value is now, or what is known of it."""
        if not isinstance(atom, Value):
            return atom
        if atom not in self._wires:
            self._wires[atom] = Wire(self._table.hints.get(atom), self._path)
        return self._wires[atom]

    def _name(self, names: Sequence[Structure], atoms: Sequence[Any]) -> None:
        """Let values stand for what these are."""
        for value, now in zip(names, atoms):
            if isinstance(value, Value):
                self._wires[value] = now
                if isinstance(now, Wire):
                    now.name = now.name or self._table.hints.get(value)

    # -- where it stands ----------------------------------------------------------------------

    def _at(self, line: Place | None) -> Path:
        """Where a statement of this line stands: perhaps in a helper that is written out here."""
        if line is None or line.function == self._home:
            self._helper = None
            return self._path
        if self._helper is None or self._helper.label != line.function:
            self._helper = Frame("call", line.function)
        return (*self._path, self._helper)

    @contextmanager
    def _inside(self, path: Path, frame: Frame, home: str | None = None) -> Iterator[Frame]:
        outer = self._path, self._home, self._helper
        helper = path[-1].label if len(path) > len(self._path) else self._home
        self._path, self._home, self._helper = (*path, frame), home or helper, None
        try:
            yield frame
        finally:
            self._path, self._home, self._helper = outer

    # -- statements ---------------------------------------------------------------------------

    def _block(self, statements: Sequence[Statement]) -> None:
        for s in statements:
            assert not isinstance(s, Raise), "it was run to its end"
            if isinstance(s, Branch):
                self._branch(s)
            elif isinstance(s, Loop):
                self._loop(s)
            elif isinstance(s.function, Told):
                self._fill(self._next(s))
            else:
                self._apply(s)

    def _apply(self, s: Apply) -> None:
        half = s.function if isinstance(s.function, Half) else None
        gate, operands = TABLE[s.function], [self._now(v) for v in leaves(s.args)]
        if half is not None and half.pair.function is not None and self._comes(half.pair.function.body):
            self._call(s, half)
        elif (gate.casts or gate.memory is Memory.SAME) and _is_same(s):
            self._name(s.outputs, operands)
        elif s.outputs:
            self._add(Node(s, operands, self._at(s.line), s.line, gate.name), s.outputs)

    def _add(self, node: Node, results: Sequence[Value]) -> None:
        self._nodes.append(node)
        for v in results:
            wire = self._wires[v] = Wire(self._table.hints.get(v), node.path, source=node)
            node.results.append(wire)

    def _branch(self, s: Branch) -> None:
        taken = self._comes(s.then)
        side = s.then if taken else s.orelse
        text = s.line.text.strip().rstrip(":") if s.line is not None else ""
        with self._inside(self._at(s.line), Frame("branch", f"{text}: {'yes' if taken else 'no'}")):
            self._begin(side)
            self._block(side.statements[1:])
        self._name(s.results, [self._now(v) for v in side.yields])

    def _loop(self, s: Loop) -> None:
        text = s.line.text.strip().rstrip(":") if s.line is not None else "loop"
        self._name(s.params, [self._now(v) for v in s.inits])
        saved: list[list[Any]] = [[] for _ in s.saves]
        lists = [self._now(each.args[0]) if "list" in each.kind else None for _, each in s.each]
        with self._inside(self._at(s.line), Frame("loop", text)) as loop:
            is_left: Any = False
            while not (is_left.number if isinstance(is_left, Wire) else is_left):
                if s.test is not None:
                    self._block(s.test.statements)
                if not self._comes(s.body):
                    break
                loop.trips += 1
                with self._inside(self._path, Frame("trip", f"trip {loop.trips}", loop.trips)):
                    self._begin(s.body)
                    for (item, each), source in zip(s.each, lists):
                        self._item(item, each.kind, source, loop.trips)
                    self._block(s.body.statements[1:])
                *ends, is_left = (self._now(v) for v in s.body.yields)
                for one, (v, _) in zip(saved, s.saves):
                    one.append(self._now(v))
                self._name(s.params, ends)
        self._name(s.results, [self._now(v) for v in s.params])
        self._wires.update((kept, items) for (_, kept), items in zip(s.saves, saved))

    def _item(self, item: Value, kind: str, source: Any, trip: int) -> None:
        """Let what a trip gets come from the list that the loop goes through."""
        if isinstance(source, list):
            self._wires[item] = source[-trip if kind.startswith("reversed") else trip - 1]
        elif isinstance(source, Wire):
            node = Node(None, [source], self._path, None, "item")
            self._nodes.append(node)
            self._wires[item].source = node
            node.results.append(self._wires[item])

    def _call(self, s: Apply, half: Half) -> None:
        function = half.pair.function
        assert function is not None
        path, given = self._at(s.line), [self._now(a) for a in s.args]
        own = (v for v in (*half.pair.parameters, *function.body.defined) if v in self._wires)
        outer = {v: self._wires[v] for v in own}  # what they are in a call around this one
        with self._inside(path, Frame("call", half.pair.name), half.pair.name):
            self._begin(function.body)
            self._name(half.pair.parameters, given)
            self._block(function.body.statements[1:])
            found = [self._now(v) for v in function.result]
        self._wires.update(outer)
        self._name(s.result, found)


def _is_same(s: Apply) -> bool:
    """Whether a cast, or another name, gives numbers of the same kind: they are on the same wire."""
    kinds = {getattr(getattr(v.type, "dtype", None), "kind", "") for v in (*s.inputs, *s.outputs)}
    return len(s.inputs) == len(s.outputs) == len(kinds)


def _site(block: Block) -> int:
    """The number of what a block tells at its beginning."""
    first = block.statements[0]
    assert isinstance(first, Apply) and isinstance(first.function, Told)
    return int(first.args[0])
