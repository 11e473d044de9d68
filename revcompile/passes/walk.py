"""The one way in which passes go through a function: first to last, with replacements carried along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from revcompile.gates.effects import backward_begins
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Raise,
    Statement,
    Structure,
    Value,
    blocks,
    leaves,
    map_values,
    results,
)

# What a pass makes of one application: None (keep it), or the structure that stands for its result.
Visit = Callable[[Apply, list[Statement]], Structure | None]


class Walk:
    """Rebuilds a function; `visit` sees each application with replaced operands."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.replaced: dict[Value, Structure] = {}
        self.definitions: dict[Value, Apply] = {}
        self.in_backward = False
        self.depth = 0
        self.forward: set[Value] = set()
        self.counts: Counter[Value] = Counter()  # of uses, for passes that ask
        self.algebra = False

    def function(self, function: Function) -> Function:
        self.forward.update(v for p in function.parameters for v in leaves(p.structure))
        done = replace(function, body=self.block(function.body))
        for value in _defined(done.body):
            stands_for = self.replaced.get(value.of) if value.of is not None else None
            if isinstance(stands_for, Value):
                value.of = stands_for
        return done

    def atom(self, structure: Structure) -> Structure:
        return map_values(lambda v: self.replaced.get(v, v), structure)

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        self.depth += 1
        for statement in block.statements:
            if isinstance(statement, Apply):
                self._apply(statement, out)
            elif isinstance(statement, Branch):
                self._branch(statement, out)
            else:
                out.append(Raise(self.atom(statement.exception), statement.line))
        self.depth -= 1
        return Block(tuple(out), self.atom(block.yields))

    def _apply(self, statement: Apply, out: list[Statement]) -> None:
        if statement.function is backward_begins:
            self.in_backward = True
        if not self.replaced.keys().isdisjoint(statement.inputs):
            statement = replace(statement, args=self.atom(statement.args))
        start = len(out)
        new = self.visit(statement, out)
        if new is None:
            out.append(statement)
        else:
            assert isinstance(statement.result, Value)
            self.replaced[statement.result] = new
        for added in out[start:]:
            if isinstance(added, Apply) and isinstance(added.result, Value):
                self.definitions[added.result] = added
                if not self.in_backward:
                    self.forward.add(added.result)

    def _branch(self, statement: Branch, out: list[Statement]) -> None:
        condition = self.atom(statement.condition)
        then, orelse = self.block(statement.then), self.block(statement.orelse)
        if isinstance(condition, Value):  # how a value was made inside says nothing that can be said outside
            for value in (*_defined(then), *_defined(orelse)):
                self.definitions.pop(value, None)
        else:
            chosen = then if condition else orelse
            out.extend(chosen.statements)
            for result, atom in zip(statement.results, chosen.yields, strict=True):
                if atom is not result:
                    self.replaced[result] = atom
            return
        # A residual is both defined inside and a result: what replaces it is the result now.
        results = []
        inside = {
            *_defined(then),
            *_defined(orelse),
        }  # what stands for a residual may be known outside already
        for result in statement.results:
            new = self.replaced.get(result, result)
            results.append(new if isinstance(new, Value) else result)
        keep = [
            i for i, (r, s) in enumerate(zip(results, statement.results, strict=True))
            if r is s or (r in inside and _is_yielded(then, orelse, i, r))
        ]  # fmt: skip
        if not self.in_backward:
            self.forward.update(results)
        out.append(
            Branch(
                condition,
                replace(then, yields=tuple(then.yields[i] for i in keep)),
                replace(orelse, yields=tuple(orelse.yields[i] for i in keep)),
                tuple(results[i] for i in keep),
                statement.line,
                statement.note,
            )
        )


def _defined(block: Block) -> Iterator[Value]:
    for statement in block.statements:
        yield from results(statement)
        for inner in blocks(statement):
            yield from _defined(inner)


def _is_yielded(then: Block, orelse: Block, position: int, value: Value) -> bool:
    return then.yields[position] is value or orelse.yields[position] is value
