"""Whose storage it is: which stores and sums may go into the array that they change.

The statements before this pass are pure: a store makes another array. Here each store is let write into
the storage of its array, if nobody reads that storage's old content afterwards; otherwise the array is
copied first. Sums of gradients go in place likewise, and what is returned is copied unless it is ours alone.

Before:                                  After:
    grad_x_1 = grad_x + s0                   grad_x += s0
    y, _ = store(x, i, 2.0)                  y = x.copy(); y[i] = 2.0
    return (y, grad_x_1)                     return (y.copy(), grad_x)

Which values are in one storage, `storage` tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from revcompile.dataflow.presence import missing
from revcompile.errors import Place
from revcompile.gates.effects import begins_backward
from revcompile.gates.halves import SAVED, Half
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Function,
    Loop,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
    map_values,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Opaque, Rows, Scalar
from revcompile.passes.add_at import add_where_it_is, same_form
from revcompile.passes.copies import copy_of, is_in_order, order_for
from revcompile.passes.order import Order, Point
from revcompile.passes.storage import FOREIGN, NONE, ListItself, Storage, Tokens, own_token


def write_in_place(function: Function, foreign: tuple[Value, ...] = ()) -> Function:
    """The function with its stores and sums in place. `foreign`: arrays not ours, parameters apart."""
    function = add_where_it_is(function)
    given = (v for p in function.parameters for v in leaves(p.structure))
    values = (*given, *foreign, *function.body.defined)
    if all(isinstance(v.type, Scalar) and v not in function.table.primals for v in values):
        return function  # no arrays, and no gradients to be added up
    if any(TABLE[f].passes_none for f in function.body.functions):
        absent = (v for v in missing(function.body) if v in function.table.primals)
        function.table.unset.update((v, None) for v in absent)
    copied: set[Value] = set()
    handed_on: dict[Value, Tokens] = {}
    for _ in range(50):
        work = _InPlace(function, foreign, copied, handed_on)
        done = work.run()
        if not work.to_copy <= copied:
            copied |= work.to_copy
            handed_on = {}
        elif work.handed_on != handed_on:
            handed_on = work.handed_on
        else:
            return done
    raise AssertionError("what is to be copied does not settle")


@dataclass
class Made:
    """The first so many statements of a list, by the values that they give."""

    of: list[Statement]
    by: dict[Value, Apply] = field(default_factory=dict)
    count: int = 0


class _InPlace:
    """One attempt. What the attempts before have found: `copied`, the views that have to be copies, and
    `handed_on`, the storage that a loop's parameter gets of its other parameters from the second trip on.
    """

    def __init__(
        self,
        function: Function,
        foreign: tuple[Value, ...],
        copied: set[Value],
        handed_on: dict[Value, Tokens],
    ) -> None:
        self.function, self.table = function, function.table
        self.order = Order(function)
        self.storage = Storage(self.order)
        self.copied = copied
        self.to_copy: set[Value] = set()
        self.handed_on = dict(handed_on)
        self.written: set[Any] = set()
        self.made: dict[int, Made] = {}  # by the identity of the list, which this keeps alive
        self.params: dict[Value, Structure] = {}  # of loops, and what a trip leaves to the next
        self.views = {
            s.result for s in applications(function.body) if isinstance(s.result, Value) and _is_plain_view(s)
        }
        for v in (*(v for p in function.parameters for v in leaves(p.structure)), *foreign):
            self.storage.hold(v, frozenset({v, FOREIGN}))

    def run(self) -> Function:
        statements, yields = self._block(self.function.body)
        if isinstance(yields[0], tuple) and len(yields[0]) == 3:
            if self.function.called:
                yields = (self._own_results(yields[0], statements),)
            yields = (self._own_gradients(yields[0], statements),)
        return replace(self.function, body=Block(tuple(statements), yields))

    # -- what may be written ------------------------------------------------------------------

    def _may_write(self, value: Value, point: Point) -> bool:
        """Whether the storage of `value` may be written at a point; views in the way are copied."""
        shared = self.storage.readers(value, point)
        if shared is None or value in shared:
            return False
        own = self.storage.itself(value)
        in_the_way = [v if own_token(v) & own else self._left_by(v) for v in shared]
        if all(v in self.views and v not in self.copied for v in in_the_way):
            self.to_copy.update(in_the_way)
            return True
        return False

    def _left_by(self, value: Value) -> Structure:
        """The value in which a parameter of a loop was left what it shares with another one."""
        seen: set[Value] = set()
        while value in self.params and value not in seen:
            seen.add(value)
            end = self.params[value]
            if not isinstance(end, Value):
                break
            value = end
        return value

    # -- statements ---------------------------------------------------------------------------

    def _block(self, block: Block) -> tuple[list[Statement], tuple[Structure, ...]]:
        out: list[Statement] = []
        for statement in block.statements:
            if isinstance(statement, Apply):
                self._apply(statement, out)
            elif isinstance(statement, Branch):
                out.append(self._branch(statement))
            elif isinstance(statement, Loop):
                self._loop(statement, out)
            else:
                out.append(statement)
        return out, block.yields

    def _apply(self, s: Apply, out: list[Statement]) -> None:
        point = self.order.at[id(s)]
        if isinstance(s.function, Half):
            self._call(s)
            out.append(s)
            return
        gate = TABLE[s.function]
        if self.function.again and begins_backward(s):
            self.storage.kept = frozenset(self.storage.holders)
        if gate.kind is Kind.STORE:
            self._store(s, point, out)
            return
        if gate.writes and isinstance(s.args[0].type, Rows):
            self._change_list(s, point, out)
            return
        if gate.writes:
            old, *others = s.args
            if not self._may_write(old, point):
                old = self._copy(old, out)
            self.storage.hold(s.result, self._write(old))
            out.append(replace(s, args=(old, *others)))
            return
        if gate.in_place is not None and isinstance(s.result, Value) and self._adds_in_place(s, point):
            old = s.args[0]
            self.storage.hold(s.result, self._write(old))
            out.append(replace(s, function=gate.in_place))
            return
        if isinstance(s.result, Value) and s.result in self.copied:
            view = Value(s.result.type)
            if s.result in self.table.primals:
                self.table.primals[view] = self.table.primals[s.result]
            out.append(replace(s, result=view))
            self.storage.hold(s.result, frozenset({s.result}))
            out.append(Apply(np.ndarray.copy, (view, "C"), s.result, s.line, s.note))
            return
        if isinstance(s.result, Value) and isinstance(s.result.type, Scalar):
            out.append(s)  # a number has no storage
            return
        shares = gate.may_share(s.args) or _may_be_start(s)
        if not (shares or gate.view) and isinstance(s.result, Value) and type(s.result.type) is Array:
            self.storage.hold(s.result, frozenset({s.result}))
            out.append(s)
            return
        for v in s.outputs:
            is_saved = isinstance(v.type, Opaque) and v.type == SAVED
            if is_saved:  # what a gate of the user's keeps may be its arguments
                self.storage.share(v, self.storage.of(s.args) | self.storage.of(s.result))
                continue
            if isinstance(v.type, Rows):
                self.storage.hold(v, self.storage.items(s.args) | {ListItself(v)})
                continue
            from_list = gate.view and isinstance(s.args[0], Value) and isinstance(s.args[0].type, Rows)
            own = (
                self.storage.items(s.args)
                if from_list
                else self.storage.of(s.args)
                if shares
                else frozenset({v})
            )
            self.storage.hold(v, own | {FOREIGN} if shares and gate.unwritable else own or frozenset({v}))
        out.append(s)

    def _call(self, s: Apply) -> None:
        """What a pair gives is new; what it saves may be its arguments and what it gives."""
        for v in s.outputs:
            if v.type == SAVED:
                own = self.storage.of(s.args) | self.storage.of(s.result) | {v}
                self.storage.share(v, own)
            else:
                self.storage.hold(v, frozenset({v}))

    def _write(self, old: Structure) -> Tokens:
        self.written |= self.storage.itself(old)
        return self.storage.of(old)

    def _copy(self, array: Value, out: list[Statement], line: Place | None = None, order: str = "") -> Value:
        """A copy of `array` under its own name."""
        new = self.table.like(array, fold=False)
        out.append(copy_of(self.table, array, new, self._maker(array, out), line, order))
        is_list = isinstance(array.type, Rows)
        self.storage.hold(new, self.storage.items(array) | {ListItself(new)} if is_list else frozenset({new}))
        return new

    def _maker(self, value: Value, out: list[Statement]) -> Apply | None:
        """The statement of `out` that gives `value`: statements are only ever added to it."""
        known = self.made.setdefault(id(out), Made(out))
        for s in known.of[known.count :]:
            if isinstance(s, Apply) and isinstance(s.result, Value):
                known.by.setdefault(s.result, s)
        known.count = len(out)
        return known.by.get(value)

    def _store(self, s: Apply, point: Point, out: list[Statement]) -> None:
        array, path, value = s.args
        order = order_for(path)
        if not self._may_write(array, point) or not self._is_laid_out(array, order, out):
            array = self._copy(array, out, s.line, order)
        after, old = s.result
        if isinstance(value, Value) and self.storage.of(value) & self.storage.of(array):
            if not is_in_order(array, path, old, self._maker(value, out)):
                value = self._copy(value, out, s.line)
        self.storage.hold(
            after, self._write(array) | (self.storage.of(value) if isinstance(array.type, Rows) else NONE)
        )
        self.storage.hold(old, frozenset({old}))
        out.append(replace(s, args=(array, path, value)))

    def _is_laid_out(self, array: Value, order: str, out: list[Statement]) -> bool:
        """Whether the elements of an array lie in an order: in any, where none is asked for."""
        made = self._maker(array, out) if order else None
        return not order or (
            made is not None
            and not TABLE[made.function].view
            and TABLE[made.function].gives_order(made.args) == order
        )

    def _change_list(self, s: Apply, point: Point, out: list[Statement]) -> None:
        """An item is added to a list, or taken from its end."""
        rows, *items = s.args
        if not self._may_write(rows, point):
            rows = self._copy(rows, out, s.line)
        tokens = self._write(rows)
        if isinstance(s.result, Value):
            self.storage.hold(s.result, tokens | self.storage.of(items))
        else:
            after, item = s.result
            self.storage.hold(after, tokens)
            self.storage.hold(item, self.storage.items(rows) or frozenset({item}))
        out.append(replace(s, args=(rows, *items)))

    def _adds_in_place(self, s: Apply, point: Point) -> bool:
        """Whether `s = old + extra` may be `old += extra`."""
        old, extra = s.args
        primals = self.table.primals
        if not isinstance(old, Value) or old not in primals or primals[old] is not primals.get(s.result):
            return False
        if isinstance(old.type, Scalar):
            if point.loops and old not in self.params:  # in a loop, a sum of two terms is one expression
                return False
            return isinstance(s.result.type, Scalar) and not self.order.is_read_after(old, point)
        return (
            same_form(old, s.result)
            and not self.storage.of(extra) & self.storage.of(old)
            and self._may_write(old, point)
        )

    def _branch(self, s: Branch) -> Branch:
        sides = []
        for block in (s.then, s.orelse):
            statements, yields = self._block(block)
            sides.append(Block(tuple(statements), yields))
        sides = [self._keep_variables(s, *sides), self._keep_variables(s, *sides[::-1])]
        for result, *atoms in zip(s.results, *(b.yields for b in sides), strict=False):
            self.storage.hold(result, self.storage.of(atoms) or own_token(result))
        if sides[0].raises or sides[1].raises:
            for result, atom in zip(s.results, sides[1 if sides[0].raises else 0].yields, strict=False):
                self.storage.hold(result, self.storage.of(atom) or own_token(result))
        return replace(s, then=sides[0], orelse=sides[1])

    def _keep_variables(self, s: Branch, side: Block, other: Block) -> Block:
        """A side that gives None for what the other keeps of an array's versions gives the array there was.

        The two are one variable, which may be read after the branch.
        """
        arrays = (isinstance(r.type, Array) for r in s.results)
        if not any(end is None and is_array for end, is_array in zip(side.yields, arrays, strict=False)):
            return side
        written = {a.outputs[0]: a.args[0] for a in applications(other) if TABLE[a.function].writes}
        inside = set(other.defined)
        ends = list(side.yields)
        for i, result in enumerate(s.results[: len(ends)]):
            before = result
            while before in written:
                before = written[before]
            if ends[i] is None and before is not result and before not in inside:
                ends[i] = before
        return replace(side, yields=tuple(ends))

    def _loop(self, s: Loop, out: list[Statement]) -> None:
        point = self.order.at[id(s)]
        self.params.update(zip(s.params, s.body.yields, strict=False))
        for p in s.params:
            self.storage.hold(p, own_token(p) | {p} | self.handed_on.get(p, NONE))
        for v, each in s.each:
            if each.kind.endswith("list"):
                self.storage.share(v, self.storage.of(each.args))
        outer_written, self.written = self.written, set()
        statements: list[Statement] = []
        test = None
        if s.test is not None:
            test_statements, test_yields = self._block(s.test)
            test = Block(tuple(test_statements), test_yields)
        statements, yields = self._block(s.body)
        mutated = self._mutated(s, yields)
        inits = list(s.inits)
        for i in mutated:
            if not self._may_enter(s, i, point):
                inits[i] = self._copy_init(inits[i], s.params[i], out)
            self.written |= self.storage.itself(inits[i])  # the loop writes what it begins with
        ends = list(yields)
        taken = self.storage.items([v for v in leaves(ends) if isinstance(v.type, Rows)])
        saved = self.storage.of(
            tuple(v for v, _ in s.saves)
        )  # the next trip must not write what is kept of this one
        for i in mutated:
            tokens = self.storage.itself(ends[i])
            foreign = {t for t in tokens if t is FOREIGN or self._is_outside(t, point)}
            if foreign or tokens & taken or tokens & saved:
                ends[i] = self._copy(ends[i], statements)
                tokens = self.storage.itself(ends[i])
            taken |= tokens
        for i, p in enumerate(s.params):
            for j in mutated:
                if i not in mutated and self.storage.of(ends[i]) & self.storage.itself(ends[j]):
                    self.handed_on[p] = self.handed_on.get(p, NONE) | own_token(s.params[j])
        origins = {
            token: self.storage.of(inits[i]) | self.storage.of(ends[i])
            for i, p in enumerate(s.params)
            if i not in mutated
            for token in own_token(p) | {p}
        }
        makes_a_trip = any(each.kind == "full list" for _, each in s.each)
        for i, result in enumerate(s.results):
            never = NONE if makes_a_trip else self.storage.of(inits[i])
            tokens = _traced(never | self.storage.of(ends[i]), origins)
            self.storage.hold(result, tokens or own_token(result))
        for v, items in s.saves:
            if isinstance(v, Value):
                tokens = self.storage.of(v)
                if any(t in origins or self._is_outside(t, point) for t in tokens):
                    tokens |= {FOREIGN}  # one array may be kept of two trips
                self.storage.share(items, _traced(tokens, origins))
        self.written |= outer_written
        body = Block(tuple(statements), tuple(ends))
        out.append(replace(s, test=test, body=body, inits=tuple(inits)))

    def _mutated(self, s: Loop, yields: tuple[Structure, ...]) -> list[int]:
        """The slots whose arrays are written into, in this trip or, having changed places, in the next."""
        found = {i for i, p in enumerate(s.params) if own_token(p) & self.written}
        while True:
            tokens = self.storage.itself(tuple(yields[i] for i in found if i < len(yields)))
            more = {i for i, p in enumerate(s.params) if own_token(p) & tokens} | found
            if more == found:
                return sorted(found)
            found = more

    def _copy_init(self, init: Structure, param: Value, out: list[Statement]) -> Structure:
        return self._copy(init, out) if isinstance(init, Value) else init

    def _is_outside(self, token: Any, point: Point) -> bool:
        """Whether a storage is there before the loop at `point` begins."""
        made = token.made_as if isinstance(token, ListItself) else token
        defined = self.order.defined.get(made) if isinstance(made, Value) else None
        return defined is not None and defined.number <= point.number

    def _may_enter(self, s: Loop, slot: int, point: Point) -> bool:
        """Whether the loop may write into the storage of the array that a slot begins with."""
        init = s.inits[slot]
        if not isinstance(init, Value):
            return True
        tokens = self.storage.itself(init)
        others = [*s.inits[:slot], *s.inits[slot + 1 :], *(each.args for _, each in s.each)]
        if any(self.storage.of(other) & tokens for other in others):
            return False
        return self.storage.readers(init, point) == []

    # -- what is returned ---------------------------------------------------------------------

    def _own_results(self, answer: Structure, statements: list[Statement]) -> Structure:
        """Copy, at the end of the forward pass, what a function gives that is not its own alone."""
        results, *rest = answer
        begins = (i for i, s in enumerate(statements) if begins_backward(s))
        at = next(begins, len(statements))
        taken: Tokens = NONE
        copies: list[Statement] = []

        def own(v: Value) -> Value:
            nonlocal taken
            tokens = self.storage.of(v)
            alone = not tokens & taken and FOREIGN not in tokens and not self._is_read_backwards(v)
            if not isinstance(v.type, Array) or alone:
                taken |= tokens
                return v
            new = self.table.like(v, fold=True)
            self.storage.hold(new, frozenset({new}))
            copies.append(copy_of(self.table, v, new, None))
            return new

        results = map_values(own, results)
        statements[at:at] = copies
        return (results, *rest)

    def _is_read_backwards(self, v: Value) -> bool:
        """Whether a backward pass that runs later reads what the program may have changed by then."""
        if not self.function.again:
            return False
        begins = next(s for s in self.function.body.statements if begins_backward(s))
        first, last = self.order.at[id(begins)], self.order.ends[id(self.function.body)]
        return self.storage.is_read_between(v, first.number, last.number)

    def _own_gradients(self, answer: Structure, statements: list[Statement]) -> Structure:
        """Copy, at the end, each returned gradient that is not an array of its own."""
        value, aux, gradients = answer
        taken = self.storage.of((value, aux))

        def own(gradient: Value) -> Structure:
            nonlocal taken
            if not isinstance(gradient.type, Array):
                return gradient
            tokens = self.storage.of(gradient)
            if not tokens & taken and FOREIGN not in tokens:
                taken |= tokens
                return gradient
            new = self.table.like(gradient, fold=True)
            statements.append(copy_of(self.table, gradient, new, self._maker(gradient, statements)))
            return new

        return value, aux, map_values(own, gradients)


def _may_be_start(s: Apply) -> bool:
    """Whether it is a sum that is the array that it begins with where there is nothing to be added."""
    return s.function is sum and isinstance(s.args[1], Value) and isinstance(s.args[1].type, Array)


def _traced(tokens: Tokens, origins: dict[Any, Tokens]) -> Tokens:
    """With what a slot of a loop that is not written began with, or another slot did."""
    while True:
        more = tokens.union(*(origins[t] for t in tokens if t in origins))
        if more == tokens:
            return tokens
        tokens = more


def _is_plain_view(s: Apply) -> bool:
    gate = TABLE[s.function]
    if not gate.view or gate.forward is not None or gate.backward is not None:
        return False
    is_array = isinstance(s.result, Value) and isinstance(s.result.type, Array)
    return is_array and gate.memory is not Memory.STRETCHED
