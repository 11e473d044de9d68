"""Whose storage it is: which stores and sums may go into the array that they change.

The statements before this pass are pure: a store makes another array. Here each store is let write into
the storage of its array, if nobody reads that storage's old content afterwards; otherwise the array is
copied first. Sums of gradients go in place likewise, and what is returned is copied unless it is ours alone.

Before:                                  After:
    grad_x_1 = grad_x + s0                   grad_x += s0
    y, _ = store(x, i, 2.0)                  y = x.copy(); y[i] = 2.0
    return (y, grad_x_1)                     return (y.copy(), grad_x)

To this end each array has *tokens*, one for each storage that it may be a part of: a fresh array has one of
its own; a view has those of what it is a view of; a caller's array has FOREIGN. A loop's array that is
written into has one of its own for the whole loop, and the loop begins with a copy where it must. A list has
the tokens of the arrays in it, and one that is the list itself: adding an item writes into no array.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from revcompile.gates.effects import backward_begins, identity
from revcompile.gates.halves import SAVED, Half
from revcompile.gates.rows import appended, popped
from revcompile.gates.storing import store
from revcompile.gates.table import TABLE
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
from revcompile.ir.types import Array, Rows, Scalar
from revcompile.passes.add_at import add_at, add_many, add_where_it_is, same_form
from revcompile.passes.order import Order, Point
from revcompile.runtime import copy_for
from revcompile.syntax.memory import ALWAYS_VIEWS, SAME_ARRAY, VIEWS_OF_CONTIGUOUS, is_gather

ALIASING = frozenset({identity, np.asarray, np.nan_to_num})
FOREIGN = "the caller's, or not to be written"
# Views that can be written into; what others give (a stretched array, a diagonal) may be read-only.
WRITABLE = ALIASING | ALWAYS_VIEWS | VIEWS_OF_CONTIGUOUS | SAME_ARRAY
IN_PLACE: dict[Any, Any] = {operator.add: operator.iadd, operator.sub: operator.isub}
Tokens = frozenset[Any]


class ListItself(NamedTuple):
    """The token of a list, apart from those of its items."""

    made_as: Value


NONE: Tokens = frozenset()


def write_in_place(function: Function, foreign: tuple[Value, ...] = ()) -> Function:
    """The function with its stores and sums in place. `foreign`: arrays not ours, parameters apart."""
    function = add_where_it_is(function)
    copied: set[Value] = set()
    for _ in range(20):
        work = _InPlace(function, foreign, copied)
        done = work.run()
        if work.to_copy <= copied:
            return done
        copied |= work.to_copy
    raise AssertionError("what is to be copied does not settle")


class _InPlace:
    """One attempt. `copied`: the views that have to be copies, found by the attempts before."""

    def __init__(self, function: Function, foreign: tuple[Value, ...], copied: set[Value]) -> None:
        self.function = function
        self.order = Order(function)
        self.tokens: dict[Value, Tokens] = {}
        self.holders: dict[Any, list[Value]] = {}
        self.copied = copied
        self.to_copy: set[Value] = set()
        self.written: set[Any] = set()
        self.params: set[Value] = set()  # of loops
        self.views = {
            s.result for s in applications(function.body) if isinstance(s.result, Value) and _is_plain_view(s)
        }
        for v in (*(v for p in function.parameters for v in leaves(p.structure)), *foreign):
            self._hold(v, frozenset({v, FOREIGN}))

    def run(self) -> Function:
        statements, yields = self._block(self.function.body)
        if isinstance(yields[0], tuple) and len(yields[0]) == 3:
            if self.function.called:
                yields = (self._own_results(yields[0], statements),)
            yields = (self._own_gradients(yields[0], statements),)
        return replace(self.function, body=Block(tuple(statements), yields))

    # -- tokens -------------------------------------------------------------------------------

    def _hold(self, value: Value, tokens: Tokens) -> None:
        if isinstance(value.type, Array):
            self._share(value, tokens)

    def _share(self, holder: Value, tokens: Tokens) -> None:
        """A list of arrays, or of such lists, or an item of it: it has all that its items have."""
        self.tokens[holder] = tokens
        for token in tokens:
            self.holders.setdefault(token, []).append(holder)

    def _of(self, structure: Structure) -> Tokens:
        found: Tokens = NONE
        for v in leaves(structure):
            found |= self.tokens.get(v, NONE)
        return found

    def _storage(self, structure: Structure) -> Tokens:
        """The tokens of what is written where a value is: of a list, not those of its items."""
        found: Tokens = NONE
        for v in leaves(structure):
            tokens = self.tokens.get(v, NONE)
            found |= frozenset(filter(_is_list, tokens)) if isinstance(v.type, Rows) else tokens
        return found

    def _items(self, structure: Structure) -> Tokens:
        """The tokens of the arrays in a list."""
        return frozenset(t for t in self._of(structure) if not _is_list(t))

    def _shared(self, value: Value, point: Point) -> list[Value] | None:
        """Who else reads the storage of `value` after a point. None: it must not be written at all."""
        tokens = self._storage(value)
        if FOREIGN in tokens or not tokens:
            return None
        found = []
        for token in tokens:
            for other in self.holders[token]:
                defined = self.order.defined.get(other)
                before = defined is None or defined.number < point.number
                if before and self.order.is_read_after(other, point):
                    found.append(other)
        return found

    def _may_write(self, value: Value, point: Point) -> bool:
        """Whether the storage of `value` may be written at a point; views in the way are copied."""
        shared = self._shared(value, point)
        if shared is None or value in shared:
            return False
        in_the_way = [v for v in shared if v not in self.copied]
        if all(v in self.views for v in in_the_way):
            self.to_copy.update(in_the_way)
            return True
        return False

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
        if s.function is store:
            self._store(s, point, out)
            return
        if s.function in (appended, popped):
            self._change_list(s, point, out)
            return
        if s.function in (add_at, add_many):
            old, index, extra = s.args
            if not self._may_write(old, point):
                old = self._copy(old, out)
            self._hold(s.result, self._write(old))
            out.append(replace(s, args=(old, index, extra)))
            return
        if s.function in IN_PLACE and isinstance(s.result, Value) and self._adds_in_place(s, point):
            old = s.args[0]
            self._hold(s.result, self._write(old))
            out.append(replace(s, function=IN_PLACE[s.function]))
            return
        if isinstance(s.result, Value) and s.result in self.copied:
            view = Value(s.result.type, None, s.result.of)
            out.append(replace(s, result=view))
            self._hold(s.result, frozenset({s.result}))
            out.append(Apply(np.ndarray.copy, (view, "C"), s.result, s.line, s.note))
            return
        gate = TABLE[s.function]
        shares = (gate.view or s.function in ALIASING) and not (
            s.function is operator.getitem and is_gather(s.args[1])
        )
        if s.function is np.einsum and len(s.args[1]) > 1:
            shares = False
        for v in s.outputs:
            if isinstance(v.type, Rows):
                self._hold(v, self._items(s.args) | {ListItself(v)})
                continue
            from_list = s.function is operator.getitem and isinstance(s.args[0].type, Rows)
            own = self._items(s.args) if from_list else self._of(s.args) if shares else frozenset({v})
            self._hold(v, own | {FOREIGN} if shares and s.function not in WRITABLE else own or frozenset({v}))
        out.append(s)

    def _call(self, s: Apply) -> None:
        """What a pair gives is new; what it saves may be its arguments and what it gives."""
        for v in s.outputs:
            if v.type == SAVED:
                own = self._of(s.args) | self._of(s.result) | {v}
                self._share(v, own)
            else:
                self._hold(v, frozenset({v}))

    def _write(self, old: Structure) -> Tokens:
        self.written |= self._storage(old)
        return self._of(old)

    def _copy(self, array: Value, out: list[Statement], line: int | None = None) -> Value:
        """A copy of `array` under its own name."""
        new = Value(array.type, array.hint, array.of, fold=False)
        out.append(copy_of(array, new, self._maker(array, out), line))
        is_list = isinstance(array.type, Rows)
        self._hold(new, self._items(array) | {ListItself(new)} if is_list else frozenset({new}))
        return new

    def _maker(self, value: Value, out: list[Statement]) -> Apply | None:
        made = [s for s in out if isinstance(s, Apply) and s.result is value]
        return made[0] if made else None

    def _store(self, s: Apply, point: Point, out: list[Statement]) -> None:
        array, path, value = s.args
        contiguous = any(step[0] in VIEWS_OF_CONTIGUOUS for step in path)
        made = self._maker(array, out)
        laid_out = made is not None and made.function in (
            np.ndarray.copy,
            np.zeros,
            np.empty,
            np.ones,
            np.full,
        )
        if not self._may_write(array, point) or (contiguous and not laid_out):
            array = self._copy(array, out, s.line)
        after, old = s.result
        self._hold(after, self._write(array) | (self._of(value) if isinstance(array.type, Rows) else NONE))
        self._hold(old, frozenset({old}))
        out.append(replace(s, args=(array, path, value)))

    def _change_list(self, s: Apply, point: Point, out: list[Statement]) -> None:
        """An item is added to a list, or taken from its end."""
        rows, *items = s.args
        if not self._may_write(rows, point):
            rows = self._copy(rows, out, s.line)
        tokens = self._write(rows)
        if s.function is appended:
            self._hold(s.result, tokens | self._of(items))
        else:
            after, item = s.result
            self._hold(after, tokens)
            self._hold(item, self._items(rows) or frozenset({item}))
        out.append(replace(s, args=(rows, *items)))

    def _adds_in_place(self, s: Apply, point: Point) -> bool:
        """Whether `s = old + extra` may be `old += extra`."""
        old, extra = s.args
        if not isinstance(old, Value) or old.of is None or old.of is not s.result.of:
            return False
        if isinstance(old.type, Scalar):
            if point.loops and old not in self.params:  # in a loop, a sum of two terms is one expression
                return False
            return isinstance(s.result.type, Scalar) and not self.order.is_read_after(old, point)
        return (
            same_form(old, s.result) and not self._of(extra) & self._of(old) and self._may_write(old, point)
        )

    def _branch(self, s: Branch) -> Branch:
        sides = []
        for block in (s.then, s.orelse):
            statements, yields = self._block(block)
            sides.append(Block(tuple(statements), yields))
        for result, *atoms in zip(s.results, *(b.yields for b in sides), strict=False):
            self._hold(result, self._of(atoms) or _own_token(result))
        if sides[0].raises or sides[1].raises:
            for result, atom in zip(s.results, sides[1 if sides[0].raises else 0].yields, strict=False):
                self._hold(result, self._of(atom) or _own_token(result))
        return replace(s, then=sides[0], orelse=sides[1])

    def _loop(self, s: Loop, out: list[Statement]) -> None:
        point = self.order.at[id(s)]
        self.params.update(s.params)
        for p in s.params:
            self._hold(p, _own_token(p) | {p})
        for v, each in s.each:
            if each.kind.endswith("list"):
                self._share(v, self._of(each.args))
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
            self.written |= self._storage(inits[i])  # the loop writes what it begins with
        ends = list(yields)
        taken = self._items([v for v in leaves(ends) if isinstance(v.type, Rows)])
        kept = self._of(tuple(v for v, _ in s.saves))  # the next trip must not write what is kept of this one
        for i in mutated:
            tokens = self._storage(ends[i])
            foreign = {t for t in tokens if t is FOREIGN or self._is_outside(t, point)}
            if foreign or tokens & taken or tokens & kept:
                ends[i] = self._copy(ends[i], statements)
                tokens = self._storage(ends[i])
            taken |= tokens
        origins = {
            token: self._of(inits[i]) | self._of(ends[i])
            for i, p in enumerate(s.params)
            if i not in mutated
            for token in _own_token(p) | {p}
        }
        for i, result in enumerate(s.results):
            tokens = self._of(inits[i]) | self._of(ends[i])
            while True:  # a slot that is not written has the storage that it began with, or another slot did
                more = tokens.union(*(origins[t] for t in tokens if t in origins))
                if more == tokens:
                    break
                tokens = more
            self._hold(result, tokens or _own_token(result))
        for v, items in s.saves:
            if isinstance(v, Value):
                self._share(items, self.tokens.get(v, NONE))
        self.written |= outer_written
        body = Block(tuple(statements), tuple(ends))
        out.append(replace(s, test=test, body=body, inits=tuple(inits)))

    def _mutated(self, s: Loop, yields: tuple[Structure, ...]) -> list[int]:
        """The slots whose arrays are written into, in this trip or, having changed places, in the next."""
        found = {i for i, p in enumerate(s.params) if _own_token(p) & self.written}
        while True:
            tokens = self._storage(tuple(yields[i] for i in found if i < len(yields)))
            more = {i for i, p in enumerate(s.params) if _own_token(p) & tokens} | found
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
        tokens = self._storage(init)
        if any(i != slot and self._of(other) & tokens for i, other in enumerate(s.inits)):
            return False
        return self._shared(init, point) == []

    # -- what is returned ---------------------------------------------------------------------

    def _own_results(self, answer: Structure, statements: list[Statement]) -> Structure:
        """Copy, at the end of the forward pass, what a function gives that is not its own alone."""
        results, *rest = answer
        begins = (
            i for i, s in enumerate(statements) if isinstance(s, Apply) and s.function is backward_begins
        )
        at = next(begins, len(statements))
        taken: Tokens = NONE
        copies: list[Statement] = []

        def own(v: Value) -> Value:
            nonlocal taken
            tokens = self.tokens.get(v, NONE)
            if not isinstance(v.type, Array) or (not tokens & taken and FOREIGN not in tokens):
                taken |= tokens
                return v
            new = Value(v.type, v.hint)
            self._hold(new, frozenset({new}))
            copies.append(copy_of(v, new, None))
            return new

        results = map_values(own, results)
        statements[at:at] = copies
        return (results, *rest)

    def _own_gradients(self, answer: Structure, statements: list[Statement]) -> Structure:
        """Copy, at the end, each returned gradient that is not an array of its own."""
        value, aux, gradients = answer
        taken = self._of((value, aux))

        def own(gradient: Value) -> Structure:
            nonlocal taken
            if not isinstance(gradient.type, Array):
                return gradient
            tokens = self._of(gradient)
            if not tokens & taken and FOREIGN not in tokens:
                taken |= tokens
                return gradient
            new = Value(gradient.type, of=gradient.of, hint=gradient.hint, fold=True)
            statements.append(copy_of(gradient, new, self._maker(gradient, statements)))
            return new

        return value, aux, map_values(own, gradients)


def _is_list(token: Any) -> bool:
    return isinstance(token, ListItself)


def _own_token(v: Value) -> Tokens:
    """The token of storage that nothing else has."""
    return frozenset({ListItself(v)}) if isinstance(v.type, Rows) else frozenset({v})


def copy_of(array: Value, new: Value, made: Apply | None, line: int | None = None) -> Apply:
    """The statement that makes `new` a copy of `array`: an array of one number, if it is that, stretched."""
    if made is not None and made.function is np.broadcast_to:
        number, shape = made.args[:2]
        if not isinstance(number, Value) or not number.type.dims:
            rest = [p.default for p in list(TABLE[np.full].signature.parameters.values())[2:]]
            return Apply(np.full, (shape, number, *rest), new, line, made.note)
    if array.unset or (array.of is not None and array.of.unset):
        new.unset = True
        return Apply(copy_for, (array,), new, line)
    return Apply(np.ndarray.copy, (array, "C"), new, line)


def _is_plain_view(s: Apply) -> bool:
    gate = TABLE.get(s.function)
    if gate is None or not gate.view or gate.forward is not None or gate.backward is not None:
        return False
    is_array = isinstance(s.result, Value) and isinstance(s.result.type, Array)
    return is_array and s.function is not np.broadcast_to
