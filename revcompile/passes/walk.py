"""The one way in which passes go through a function: first to last, with replacements carried along."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from itertools import chain
from typing import Any

from revcompile.gates.effects import begins_backward
from revcompile.ir.live import without_slots
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Each,
    Function,
    Loop,
    Raise,
    Statement,
    Structure,
    Value,
    leaves,
    map_values,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.values import ValueTable

# What a pass makes of one application: None (keep it), or the structure that stands for its result.
Visit = Callable[[Apply, list[Statement]], Structure | None]


class Walk:
    """Rebuilds a function; `visit` sees each application with replaced operands."""

    is_told = True  # whether `definitions`, `forward` and `derives` are asked

    def __init__(self, visit: Visit, table: ValueTable) -> None:
        self.visit, self.table = visit, table
        self.replaced: dict[Value, Structure] = {}
        self.definitions: dict[Value, Apply] = {}
        self.numbers: dict[Any, Value] = {}  # computed of numbers by rules, outside loops
        self.same: dict[Value, Structure] = {}  # what each item of a list is
        self.in_backward = False
        self.derives = False  # whether the statement computes a derivative: that is not the user's text
        self.depth = 0
        self.forward: set[Value] = set()
        self.given: set[Value] = set()  # the function's parameters
        self.counts: Counter[Value] = Counter()  # of uses, for passes that ask
        self.algebra = False
        self.mixed = False  # whether there are floats of fewer bits than Python's
        self.integral: set[Value] = set()  # what may be a whole number though its type is a float's

    def function(self, function: Function) -> Function:
        self.given.update(v for p in function.parameters for v in leaves(p.structure))
        self.forward |= self.given
        body = self.block(function.body)
        done = function if body is function.body else replace(function, body=body)
        replaced, primals = self.replaced, self.table.primals
        if not replaced.keys().isdisjoint(primals.values()):
            for v, new in [(v, replaced[of]) for v, of in primals.items() if of in replaced]:
                self.table.derive(v, new if isinstance(new, Value) else None)
        return done

    def atom(self, structure: Structure) -> Structure:
        replaced = self.replaced
        return map_values(lambda v: replaced.get(v, v), structure) if replaced else structure

    def block(self, block: Block) -> Block:
        out: list[Statement] = []
        self.depth += 1
        for statement in block.statements:
            if type(statement) is Apply:
                self._apply(statement, out)
            elif isinstance(statement, Branch):
                self._branch(statement, out)
            elif isinstance(statement, Loop):
                self._loop(statement, out)
            elif isinstance(statement, Raise):
                out.append(Raise(self.atom(statement.exception), statement.line))
        self.depth -= 1
        if not self.replaced:
            return block.having(out)
        return Block(tuple(out), self.atom(block.yields))

    def _apply(self, statement: Apply, out: list[Statement]) -> None:
        if self.is_told:
            self.in_backward = self.in_backward or begins_backward(statement)
            self.derives = self.in_backward or not self.table.derived.isdisjoint(statement.outputs)
        if self.replaced and not self.replaced.keys().isdisjoint(statement.inputs):
            get, atom = self.replaced.get, self.atom
            statement = statement.of_args(
                tuple([get(a, a) if type(a) is Value else atom(a) for a in statement.args])
            )
        start = len(out)
        new = self.visit(statement, out)
        if new is None:
            out.append(statement)
        else:
            self.replaced[statement.result] = new
        if self.is_told:
            for added in out[start:]:
                if type(added) is Apply:
                    if type(added.result) is Value:
                        self.definitions[added.result] = added
                    if not self.derives:
                        self.forward.update(added.outputs)

    def _loop(self, statement: Loop, out: list[Statement]) -> None:
        statement = self._without_constants(statement)
        each = self._each(statement)
        inits = self.atom(statement.inits)
        if not self.in_backward:
            self.forward.update(statement.bound)
            self.forward.update(statement.outputs)
        self.forward.update(v for v, each in statement.each if each.kind.endswith("list"))
        test = self.block(statement.test) if statement.test is not None else None
        body = self.block(statement.body)
        for value in (*body.defined, *(test.defined if test is not None else ())):
            self.definitions.pop(value, None)
        saves: dict[Structure, Value] = {}
        inside = {*body.defined, *statement.bound, *(self.replaced.get(v) for v in statement.bound)}
        for v, saved in statement.saves:
            v = self.replaced.get(v, v)
            if v not in inside and (self.depth == 1 or v in self.given):
                self.same[saved] = v
            first = saves.setdefault(v, saved)
            if first is not saved:  # the same value is kept already
                self.replaced[saved] = first
        out.append(
            replace(statement, each=each, inits=inits, test=test, body=body, saves=tuple(saves.items()))
        )

    def _each(self, loop: Loop) -> tuple[tuple[Value, Each], ...]:
        """What a loop goes through, each list once."""
        items: dict[Value, Value] = {}
        out = []
        for v, each in loop.each:
            each = self.atom(each)
            if each.kind.endswith("list") and each.args[0] in self.same:
                self.replaced[v] = self.same[each.args[0]]
            elif each.kind == "reversed list":
                first = items.setdefault(each.args[0], v)
                if first is not v:
                    self.replaced[v] = first
                    continue
            out.append((v, each))
        return tuple(out)

    def _without_constants(self, loop: Loop) -> Loop:
        """The loop without what it carries but never changes."""
        constant = {i for i, p in enumerate(loop.params) if loop.body.yields[i : i + 1] == (p,)}
        if not constant:
            return loop
        for i in constant:
            init = self.atom(loop.inits[i])
            self.replaced[loop.params[i]] = self.replaced[loop.results[i]] = init
        return without_slots(loop, constant)

    def _branch(self, statement: Branch, out: list[Statement]) -> None:
        condition = self.atom(statement.condition)
        then, orelse = self.block(statement.then), self.block(statement.orelse)
        if isinstance(condition, Value):  # how a value was made inside says nothing that can be said outside
            for inner in (*then.statements, *orelse.statements):
                for value in inner.outputs:
                    self.definitions.pop(value, None)
        else:
            chosen = then if condition else orelse
            out.extend(chosen.statements)
            for result, atom in zip(statement.results, chosen.yields, strict=True):
                if atom is not result:
                    self.replaced[result] = atom
            return
        # A residual is both defined inside and a result: what replaces it is the result now.
        made = []
        for result in statement.results:
            new = self.replaced.get(result, result)
            made.append(new if isinstance(new, Value) else result)
        if not self.in_backward:
            self.forward.update(made)
        if all(map(operator.is_, made, statement.results)):
            out.append(replace(statement, condition=condition, then=then, orelse=orelse))
            return
        inside = {*then.defined, *orelse.defined}  # what stands for a residual may be known outside already
        first: dict[Value, int] = {}  # what two residuals have become is given once
        for i, (r, s) in enumerate(zip(made, statement.results, strict=True)):
            if r is s or (r in inside and _is_yielded(then, orelse, i, r)):
                first.setdefault(r, i)
        keep = first.values()
        sides = [
            b if b.raises else replace(b, yields=tuple(b.yields[i] for i in keep)) for b in (then, orelse)
        ]
        results = tuple(made[i] for i in keep)
        out.append(replace(statement, condition=condition, then=sides[0], orelse=sides[1], results=results))


def count_uses(block: Block) -> Counter[Value]:
    """How often each value is read; in a loop, a value from outside is read again and again."""
    counts = Counter(chain(leaves(block.yields), *map(operator.attrgetter("inputs"), block.statements)))
    for statement in block.nested:
        for inner in statement.blocks:
            inside = count_uses(inner)
            if statement.repeats:
                own = {*inner.defined, *statement.bound}
                inside.update({v: n for v, n in inside.items() if v not in own})
            counts.update(inside)
        counts.update(v for v, _ in statement.saves if isinstance(v, Value))
    return counts


def _is_yielded(then: Block, orelse: Block, position: int, value: Value) -> bool:
    return any(b.yields[position : position + 1] == (value,) for b in (then, orelse))
