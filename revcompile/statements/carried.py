"""What a loop carries from trip to trip, found by trying.

A trial interprets the body once and holds what it leaves against what it began with. What it changes is
carried; what it leaves with a wider type is given that; and the next trial begins. The first that shows
nothing new is the loop.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from revcompile.errors import Place, UnsupportedError
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Block,
    Each,
    Instance,
    Loop,
    Structure,
    Value,
    applications,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import FLOAT, Array, Dim, Rows, Scalar, Type, is_exactly
from revcompile.statements.beginnings import Carried, begins_empty, carry, is_replaced
from revcompile.statements.exits import (
    NOTES,
    RESULT,
    STOP,
    EndBody,
)
from revcompile.statements.join import (
    UNSET,
    CannotJoin,
    Pair,
    Unset,
    alike,
    hint_of,
    join,
    join_memory,
    join_types,
    relate_joined,
    type_of,
    version_of,
    versions,
)
from revcompile.syntax.abstract import Frame, Left, Poison
from revcompile.syntax.decisions import Decision, Restart, TestInside, Unroll
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.mutable import ContentsName, rename

Pending = list[ast.stmt]
STRUCTURES = (list, tuple, dict, Instance)


class Trial:
    """One interpretation of the body, with what is known so far; and what it shows."""

    def __init__(
        self,
        low: Interpreter,
        frame: Frame,
        entry: dict[str, Structure],
        memory: Any,
        contents: Any,
        carried: Carried,
        each: tuple[tuple[Value, Each], ...],
        decision: Decision,
    ) -> None:
        self.low, self.frame, self.entry, self.memory, self.contents = low, frame, entry, memory, contents
        self.carried, self.each, self.decision = carried, each, decision
        self.changes = False
        self.never = False
        self.condition: Structure = None
        self.test_statements: list[Any] = []
        self.lengths_after: dict[int | None, Dim] = {}

    def run(self, node: ast.For | ast.While, test: ast.expr | None, start_trip: Callable[[], None]) -> None:
        low, frame, carried = self.low, self.frame, self.carried
        self.names = {**self.entry, **carried.names, NOTES[STOP]: False}
        outer_unset, frame.unset = frame.unset, set()
        low.memory = self.memory.fork()
        low.memory.current.update(carried.roots)
        low.memory.spoiled.update(carried.spoiled)
        self._relate_params()
        unroll = Unroll(self.decision.key)
        with low.builder.block() as self.statements, low.mutables.way(self.contents, unroll):
            frame.names = low.mutables.settle(self.names)
            if test is not None:
                with low.builder.block() as self.test_statements:
                    before = dict(low.memory.current)
                    try:
                        self.condition = low.resolve(low.decisive(low.evaluate(test, frame)))
                    except Left:  # the test always raises: as a statement, that is kept
                        raise Restart(TestInside(self.decision.key)) from None
                    if low.memory.current != before:  # what the last test writes is there after the loop
                        raise Restart(TestInside(self.decision.key))
                if not isinstance(self.condition, Value):
                    self.test_statements = []
                    if not self.condition:
                        self.never = True
                        frame.unset = outer_unset | frame.unset
                        return
            try:
                start_trip()
                low.run([*node.body, EndBody(node)], frame)
            except Left:
                pass
            self.left = low.builder.left
            self._look_into_containers(frame.names)
            self.after_memory = low.memory
            if not self.left:
                self._compare()
        exposed = frame.unset & self.after.keys() - carried.exposed - self.entry.keys()
        frame.unset = outer_unset | (frame.unset - self.after.keys())
        for name in exposed:
            self._expose(name)

    def settled(self) -> bool:
        return not self.changes

    # -- what is carried ----------------------------------------------------------------------

    def _look_into_containers(self, names: dict[str, Structure]) -> None:
        """What the body has changed in containers that were there before, as if it were names."""
        known = {name.key for name in self.names if isinstance(name, ContentsName)}
        first, last = self.low.mutables.since(self.contents, known, self.decision)
        self.entry.update(first)
        self.names = {**first, **self.names}
        self.after = {**names, **last}
        decision: Decision = Unroll(self.decision.key)
        self.low.mutables.decision = decision
        spoilt = self.low.mutables.spoilt(self.contents)
        if spoilt is not None:  # what it holds at the end of a trip depends on the run
            decision = self.low.mutables.remedy(spoilt.container) or decision
            if decision not in self.low.decisions:
                raise Restart(decision)
            raise UnsupportedError(spoilt.reason)

    def _relate_params(self) -> None:
        """What the carried arrays may share storage with: what their first, and their later, values do."""
        memory = self.low.memory
        arrays = [(p, i) for p, i in self.carried.inits.items() if isinstance(p.type, Array)]
        relate_joined(
            memory, [(i, i, p) for p, i in arrays], (self.memory, self.memory), set(), self.decision
        )
        for param, others in self.carried.links:
            memory.link(param, others)
        memory.may_be_read_only.update(dict.fromkeys(self.carried.read_only, self.decision))

    def _expose(self, name: str) -> None:
        """A name that is read before the body assigns it: in the first trip, it may have no value."""
        self.changes = True
        self.carried.exposed.add(name)

        def fresh(leaf: Structure) -> Structure:
            if not isinstance(leaf, (Value, bool, int, float)):
                return leaf
            t = self._of_another_trip(type_of(leaf))
            hint = name.strip("<>")
            table = self.low.builder.table
            param = table.new(replace(t, extent=None) if isinstance(t, Scalar) else t, hint)
            self.carried.inits[param] = None
            table.unset[param] = name if hint == name else None
            return param

        self.carried.names[name] = map_structure(fresh, self.after[name])

    def _of_another_trip(self, t: Type) -> Type:
        """A length that a trip brings about is another one in the next."""
        if not isinstance(t, Array):
            return t
        facts = self.low.builder.facts
        return replace(t, dims=tuple(facts.fresh() if self._of_a_trip(d) else d for d in t.dims))

    def _of_a_trip(self, dim: Dim) -> bool:
        """Whether a length is brought about by a trip."""
        return not self.low.builder.facts.is_older(dim, self.carried.before)

    def _compare(self) -> None:
        """Hold what a trip leaves against what it began with; note what has to be carried, or is wider."""
        carried, low = self.carried, self.low
        self.pairs: list[Pair] = []
        self.joined: dict[str, Structure] = {}
        for name in dict.fromkeys([*self.names, *self.after]):
            if name == NOTES[STOP]:
                continue
            start, end = self.names.get(name, UNSET), self.after.get(name, UNSET)
            if name not in self.names and low_unset(low, end) and name not in carried.exposed:
                self._expose(name)
                continue
            if name == NOTES[RESULT] and name not in self.names and name not in carried.exposed:
                self._expose(name)
                continue
            if name not in carried.names and begins_empty(start, end):
                carry(low, carried, name, start, self.decision.key, end)
                self.changes = True
                continue
            if name in self.entry and name not in carried.names and start is not end:
                if not isinstance(start, Poison) and any(_numbers(start)) and _alike(start, end):
                    carry(low, carried, name, self.entry[name], self.decision.key, end)
                    self.changes = True
                    continue
            elif name in self.entry and name in carried.names and is_replaced(carried, start, end):
                carry(low, carried, name, self.entry[name], self.decision.key)
                self.changes = True
                continue
            count = len(self.pairs)
            try:
                self.joined[name] = join(low, start, end, self.pairs, hint_of(name))
                if _is_spoilt(end) and not _is_spoilt(start) and not isinstance(start, Unset):
                    raise CannotJoin("it is set on a condition that only the run decides")
            except CannotJoin as e:
                del self.pairs[count:]
                grows = isinstance(start, STRUCTURES) and isinstance(end, (*STRUCTURES, type(None)))
                unroll = grows or _is_spoilt(end)
                decision = Unroll(self.decision.key) if unroll else self.decision
                if isinstance(name, ContentsName):  # of a container, whose reader would not ask
                    decision = low.mutables.remedy_of(name) or decision
                    if decision not in low.decisions:
                        raise Restart(decision) from None
                    raise UnsupportedError(f"what a container holds differs from trip to trip: {e}") from None
                poison = Poison(f"differs in kind from trip to trip of a loop: {e}", decision)
                self.joined[name] = poison
                if not isinstance(self.names.get(name), (Poison, type(None))) or name in self.entry:
                    if not isinstance(carried.names.get(name), Poison):
                        carried.names[name] = poison
                        self.changes = True
        wider: dict[Value, Type] = {}
        for start, end, _ in self.pairs:
            if isinstance(start, Value) and start in carried.inits and end is not None:
                t = self._widened(start, wider.get(start, start.type), type_of(end))
                if self.changes:
                    wider[start] = t
        self._compare_written()
        self._compare_memory()
        carried.retype(low, wider)

    def _widened(self, param: Value, have: Type, t: Type) -> Type:
        """The type of either the first or the later values of a param."""
        facts, loose = self.low.builder.facts, self.carried.loose.setdefault(param, set())
        if isinstance(have, Array) and isinstance(t, Array) and len(have.dims) == len(t.dims):
            differ = {
                i for i, (h, d) in enumerate(zip(have.dims, t.dims, strict=True)) if not facts.alike(h, d)
            }
            if differ - loose:
                self.changes = True
            loose |= differ
            dims = tuple(facts.fresh() if i in differ else h for i, h in enumerate(have.dims))
            joined: Type = replace(have, dtype=np.result_type(have.dtype, t.dtype), dims=dims)
        else:
            joined = join_types(facts, have, t)
        if isinstance(joined, Scalar):
            joined = replace(joined, extent=None)
            self.changes |= not is_exactly(joined, have)
        elif isinstance(joined, Array) and isinstance(have, Array):
            self.changes |= joined.dtype != have.dtype
            if isinstance(have, Rows) and isinstance(t, Rows) and have.python and not t.python:
                joined, self.changes = replace(joined, python=False, others=frozenset({FLOAT})), True
        return joined

    def _compare_written(self) -> None:
        """An array that a name still stands for at the end of a trip, with other elements in it."""
        paired = {start for start, _, _ in self.pairs if isinstance(start, Value)}
        self.written: dict[Value, Value] = {}
        for param in self.carried.inits:
            if param not in paired and self.after_memory.current.get(param, param) is not param:
                self.written[param] = self.low.builder.table.like(param, fold=False)
                self.pairs.append((param, param, self.written[param]))

    def _compare_memory(self) -> None:
        carried, memory = self.carried, self.after_memory
        inside = {v for s in self.statements for v in s.defined} | {v for v, _ in self.each}
        for root, version in memory.current.items():
            if root in inside or root in carried.roots or root in carried.inits:
                continue
            if version is not self.memory.current.get(root, root):
                carried.roots[root] = version_of(self.low, root)
                self.changes = True
        params = [(p, end) for p, end, _ in self.pairs if isinstance(p, Value) and p in carried.inits]
        ends = {p: memory.root(end) if isinstance(end, Value) else None for p, end in params}
        spoiled = {v: w for v, w in memory.spoiled.items() if v not in inside and v not in ends}
        spoiled |= {p: memory.spoiled[root] for p, root in ends.items() if root in memory.spoiled}
        for v, written in spoiled.items():
            if v not in carried.spoiled and v not in self.memory.spoiled:
                carried.spoiled[v] = written
                self.changes = True
        known = set(carried.links)
        for i, (param, end) in enumerate(params):
            if not isinstance(end, Value) or not isinstance(param.type, Array):
                continue
            root = memory.root(end)
            sources = {root} | memory.related.get(root, frozenset())
            own = set(carried.inits)
            others = {s for s in sources if s not in inside and s not in own}
            if memory.is_one_read_only(end) and param not in carried.read_only:
                carried.read_only.add(param)
                self.changes = True
            for other, other_end in params[:i]:
                if isinstance(other_end, Value) and memory.may_share(end, other_end):
                    others.add(other)
            for source in (
                sources & own
            ):  # this param held that one's storage: what that may share, so may this
                others |= {
                    o for o in memory.related.get(source, frozenset()) if o not in own and o not in inside
                }
            link = (param, frozenset(others))
            if others and link not in known and not others <= memory.related.get(param, frozenset()):
                carried.links.append(link)
                self.changes = True

    # -- the loop -----------------------------------------------------------------------------

    def finish(self, line: Place | None) -> tuple[Loop, dict[str, Structure]]:
        """The loop that this trial has shown, and the names after it."""
        low, carried = self.low, self.carried
        if self.left:
            return self._finish_left(line)
        inside = {v for s in self.statements for v in s.defined} | {v for v, _ in self.each}
        inside.update(carried.inits)
        now = versions(low, [end for _, end, _ in self.pairs], self.statements, self.after_memory)
        inits: list[Structure] = []
        params: list[Value] = []
        yields: list[Structure] = []
        results: list[Value] = []
        swap: dict[Value, Structure] = {}
        first = versions(low, list(carried.inits.values()), low.builder.statements, self.memory)
        for start, end, new in self.pairs:
            if isinstance(start, Value) and start in carried.inits:
                param, init = start, carried.inits[start]
            else:
                before = self._of_another_trip(new.type)
                param, init = low.builder.table.like(new, before, fold=False), start
                if before != new.type:  # nobody reads it, but for its shape
                    low.builder.table.unset[param] = None
            inits.append(first.get(init, init) if isinstance(init, Value) else init)
            params.append(param)
            yields.append(now.get(end, end) if isinstance(end, Value) else end)
            t = self._result_type(param, new.type)
            results.append(new if is_exactly(t, new.type) else low.builder.table.retyped(new, t))
        retyped = {new: result for (_, _, new), result in zip(self.pairs, results, strict=True)}
        self.pairs = [(start, end, retyped[new]) for start, end, new in self.pairs]
        for param, init in carried.inits.items():  # never assigned after all
            if param not in params:
                swap[param] = init
        swap.update((param, retyped[new]) for param, new in self.written.items())
        low.memory, _ = join_memory(
            low, self.memory, (self.memory, self.after_memory), set(carried.roots) | inside
        )
        for root, param in carried.roots.items():
            new = version_of(low, root)
            inits.append(self.memory.current.get(root, root))
            params.append(param)
            yields.append(self.after_memory.current.get(root, root))
            results.append(new)
            low.memory.current[root] = new
        relate_joined(
            low.memory,
            [(self._outer(s), e, n) for s, e, n in self.pairs],
            (self.memory, self.after_memory),
            inside,
            self.decision,
        )
        stop = low.resolve(self.after.get(NOTES[STOP], False))
        types = [p.type for p in params]
        start_casts: list[Any] = []
        for i, (x, t) in enumerate(zip(inits, types, strict=True)):
            if isinstance(x, Value) or not _only_sums(self.statements, params[i]) or _is_single(t):
                inits[i] = alike(low, start_casts, x, t)
        low.builder.statements.extend(start_casts)
        yields = [alike(low, self.statements, x, t) for x, t in zip(yields, types, strict=True)]
        names = {k: rename(v, swap | retyped) for k, v in self.joined.items()}
        test = (
            Block(tuple(self.test_statements), (self.condition,))
            if isinstance(self.condition, Value)
            else None
        )
        body = Block(tuple(self.statements), (*yields, stop))
        loop = Loop(
            self.each,
            test,
            tuple(inits),
            tuple(params),
            body,
            tuple(results),
            line=line,
            note=low.builder.note,
        )
        unassigned = [p for p in swap if p not in params and (p in set(leaves((names,))) or _reads(loop, p))]
        for param in unassigned:  # carried unchanged
            init = carried.inits[param]
            loop = replace(
                loop,
                inits=(*loop.inits, first.get(init, init) if isinstance(init, Value) else init),
                params=(*loop.params, param),
                body=replace(loop.body, yields=(*loop.body.yields[:-1], param, stop)),
                results=(*loop.results, low.builder.table.like(param, fold=False)),
            )
        return loop, names

    def _outer(self, start: Structure) -> Structure:
        return self.carried.inits.get(start, start) if isinstance(start, Value) else start

    def _result_type(self, param: Value, joined: Type) -> Type:
        """Lengths that differ from trip to trip are the last trip's after the loop: lengths of their own."""
        if not isinstance(joined, Array):
            return replace(joined, extent=None) if isinstance(joined, Scalar) else joined
        facts, loose = self.low.builder.facts, self.carried.loose.get(param, ())
        dims = [facts.fresh() if i in loose else self._after(d) for i, d in enumerate(joined.dims)]
        return replace(joined, dims=tuple(dims))

    def _after(self, dim: Dim) -> Dim:
        """A length of the last trip, which is another one than that of the trip in which it is asked for."""
        if not self._of_a_trip(dim):
            return dim
        own = self.lengths_after.setdefault(dim.symbol, self.low.builder.facts.fresh())
        return replace(dim, symbol=own.symbol)

    def _finish_left(self, line: Place | None) -> tuple[Loop, dict[str, Structure]]:
        """A body that always raises: the loop changes nothing."""
        carried, memory = self.carried, self.memory
        first = versions(self.low, list(carried.inits.values()), self.low.builder.statements, memory)
        starts = {p: first.get(i, i) if isinstance(i, Value) else i for p, i in carried.inits.items()}
        starts |= {param: memory.current.get(root, root) for root, param in carried.roots.items()}
        test = (
            Block(tuple(self.test_statements), (self.condition,))
            if isinstance(self.condition, Value)
            else None
        )
        body = Block(tuple(self.statements), (*starts, False))
        self.low.memory = memory
        results = tuple(self.low.builder.table.like(p, fold=False) for p in starts)
        loop = Loop(self.each, test, tuple(starts.values()), tuple(starts), body, results, line=line)
        return loop, dict(self.entry)


def low_unset(low: Interpreter, structure: Structure) -> set[str]:
    """The names that values in a structure may not have been assigned under."""
    if isinstance(structure, (Unset, Poison)):
        return set()
    unset = low.builder.table.unset
    return {name for v in leaves(structure) if (name := unset.get(v)) is not None}


def _is_spoilt(structure: Structure) -> bool:
    """Whether a part of a structure has no single meaning."""
    found: list[bool] = []
    map_structure(lambda leaf: found.append(isinstance(leaf, Poison)), structure)
    return any(found)


def _numbers(structure: Structure) -> Iterable[bool]:
    """One True for each run-time value or number."""
    found: list[bool] = []
    map_structure(lambda leaf: found.append(isinstance(leaf, (Value, bool, int, float))), structure)
    return found


def _alike(a: Structure, b: Structure) -> bool:
    return isinstance(a, Value) == isinstance(b, Value) or type(a) is type(b) or isinstance(a, (int, float))


def _only_sums(statements: list[Any], param: Value) -> bool:
    """Whether a number is only added up and multiplied, which is the same for Python's and for NumPy's."""
    readers = [s for s in applications(Block(tuple(statements))) if param in s.inputs]
    gates = [TABLE[s.function] for s in readers]
    return all(gate.cheap and not gate.raises and gate.locals is not None for gate in gates)


def _is_single(t: Type) -> bool:
    """Whether a Python number gives a function more than this precision: `np.tanh(0.0)` has 64 bits."""
    return isinstance(t, Scalar) and t.dtype.kind == "f" and t.dtype != np.dtype(float)


def _reads(loop: Loop, value: Value) -> bool:
    return any(v is value for block in (loop.body, *((loop.test,) if loop.test else ())) for v in block.uses)
