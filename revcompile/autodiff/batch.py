"""Many directions at once: statements that follow one value, for each item of a stack of such values.

Where a derivative is asked for in many directions, as a Jacobian is, the statements that follow the seed are
written once for all of them: each value that follows it becomes a *stack* of such values, an array with one
axis more, in front. Gates that go element by element do so as they are, once the axes are aligned; of others
the record says what they are of a stack (`gates/stacks`).

Before, of one seed:                     After, of a stack of them:
    tangent_y = A @ tangent_x                tangent_y = tangent_x @ A.T
    tangent_L = np.sum(tangent_y)            tangent_L = np.sum(tangent_y, 1)

A list whose length the run decides becomes a list of stacks. Imports the front end and the IR.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from revcompile.autodiff.restored import Restored
from revcompile.autodiff.reverse import learn
from revcompile.autodiff.shapes import cast
from revcompile.dataflow.engine import Forward
from revcompile.dataflow.presence import missing
from revcompile.errors import UnsupportedError, module_of
from revcompile.frontend.expressions import shape_of
from revcompile.frontend.lowering import Lowering
from revcompile.gates.axes import entries
from revcompile.gates.creation import stack_for
from revcompile.gates.effects import identity
from revcompile.gates.halves import Half
from revcompile.gates.record import Gate
from revcompile.gates.stacks import is_together, of_each_item
from revcompile.gates.storing import is_part, part
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import (
    EMPTY,
    UNDEFINED,
    Apply,
    Block,
    Branch,
    Each,
    Loop,
    Raise,
    Statement,
    Structure,
    Value,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Opaque, Rows, Scalar, Type, is_number
from revcompile.statements.loop_lists import KINDS, LIST
from revcompile.syntax.abstract import Left

Make = Callable[[Value], Structure]


class NotBatched(Exception):
    """What follows the seed is not written for many of them at once."""


def batch(low: Lowering, make: Make, stack: Value) -> Structure:
    """What `make` gives of each item of a stack, for all of them at once: emitted; None if that cannot be."""
    builder = low.builder
    item = _item(stack)
    if item is None:
        return None
    with builder.forgetting():
        try:
            with builder.tentatively() as inner:
                result = low.resolve(make(item))
            memory = low.memory
            with builder.tentatively() as made:
                low.memory = Restored(Block(tuple(inner)), builder.table)
                try:
                    batched = _Batch(low, Block(tuple(inner)), item, stack)
                    batched.block(inner)
                    stacks = map_structure(batched.result, result)
                except UnsupportedError as e:  # of stacks: what follows one item is there already
                    raise NotBatched(str(e)) from None
                finally:
                    low.memory = memory
        except Left:
            builder.statements.extend(inner)
            raise
        except NotBatched:
            return None
    defined = Block(tuple(made)).defined
    builder.table.derived.update(set(defined) - set(Block(tuple(inner)).defined))
    builder.statements.extend(made)
    return stacks


def _item(stack: Value) -> Value | None:
    """What stands for any item of a stack."""
    t = stack.type
    if not isinstance(t, Array) or isinstance(t, Rows):
        return None
    return Value(replace(t, dims=t.dims[1:]) if len(t.dims) > 1 else Scalar(t.dtype))


class _Following(Forward):
    """Which values follow an item?"""

    def __init__(self, item: Value, block: Block) -> None:
        super().__init__()
        self.facts[item] = 1
        self.block(block)

    def outside(self, value: Value) -> int:
        return 0

    def constant(self, atom: Structure) -> int:
        return 0

    def item(self, each: Each) -> int:
        return self.of(each.args)

    def apply(self, statement: Apply) -> int:
        return self.of(statement.args)

    def call(self, statement: Apply, half: Half) -> Sequence[int]:
        return [self.apply(statement) for _ in statement.outputs]


class _Batch:
    """Emits statements again, with stacks for the values that follow an item."""

    def __init__(self, low: Lowering, body: Block, item: Value, stack: Value) -> None:
        self.low, self.builder, self.table = low, low.builder, low.builder.table
        self.stack = stack
        self.stacks: dict[Value, Value] = {item: stack}
        self.follow = _Following(item, body).facts
        self.missing = missing(body)  # what may be None
        assert isinstance(stack.type, Array)
        self.count: Dim = stack.type.dims[0]

    # -- stacks -------------------------------------------------------------------------------

    def follows(self, structure: Structure) -> bool:
        return any(self.follow.get(v) for v in leaves(structure))

    def length(self) -> Structure:
        """How many items a stack has."""
        return shape_of(self.low, self.stack)[0]

    def of(self, atom: Structure) -> Structure:
        """The stack for a leaf: the same for each item, if it does not follow that."""
        if isinstance(atom, Value) and atom in self.stacks:
            return self.stacks[atom]
        if atom is None or atom is UNDEFINED or atom is EMPTY:
            return atom
        if isinstance(atom, Value) and (isinstance(atom.type, Rows) or not is_number(atom.type)):
            raise NotBatched(f"{atom}")
        if isinstance(atom, Value):
            made = self._made_by(atom)
            if made is not None and TABLE[made.function].of_a_shape:
                shape, *rest = made.args
                return self.low.emit(made.function, (self.length(), *entries(shape)), *rest)
            if atom in self.missing:
                return self.low.emit(stack_for, atom, self.length())
            shape = (self.length(), *shape_of(self.low, atom))
            return self.low.apply(np.broadcast_to, (atom, shape), {})
        if not isinstance(atom, (int, float, np.number)):
            raise NotBatched(f"{atom!r}")
        if atom == 0:
            return self.low.apply(np.zeros, (self.length(),), {})
        return self.low.apply(np.full, (self.length(), float(atom)), {})

    def _made_by(self, value: Value) -> Apply | None:
        """What made a value, under whatever name."""
        made = self.builder.definitions.get(value)
        while made is not None and TABLE[made.function].memory is Memory.SAME:
            made = self.builder.definitions.get(made.args[0])
        return made

    def result(self, leaf: Structure) -> Structure:
        """The stack for a leaf of the result, which is going to be the program's."""
        stack = self.of(leaf)
        fixed = isinstance(leaf, Value) and leaf not in self.stacks
        return self.low.apply(np.array, (stack,), {}) if fixed else stack

    def stacked(self, t: Type) -> Type:
        """The type of a stack of values of this one."""
        if isinstance(t, Rows):
            return replace(t, dims=(t.dims[0], self.count, *t.dims[1:]), python=False)
        if t == LIST:
            return t
        if not isinstance(t, (Scalar, Array)):
            raise NotBatched(f"{t}")
        return Array(t.dtype, (self.count, *t.dims))

    def new(self, value: Value) -> Value:
        """What holds the stack of a value that a block gives or is given."""
        return self.note(value, Value(self.stacked(value.type)))

    def note(self, value: Value, stack: Structure) -> Value:
        if not isinstance(stack, Value) or not _alike(stack.type, self.stacked(value.type)):
            raise NotBatched(f"{stack} for {value}")
        self.table.rename(stack, value)
        if value in self.table.unset:
            self.table.unset[stack] = self.table.unset[value]
        self.stacks[value] = stack
        return stack

    # -- statements ---------------------------------------------------------------------------

    def block(self, statements: Sequence[Statement]) -> None:
        for s in statements:
            self.builder.line, self.builder.note = s.line, getattr(s, "note", "")
            FORMS[type(s)](self, s)

    def emit(self, statement: Statement) -> None:
        self.builder.statements.append(statement)
        if isinstance(statement, Apply):
            self.builder.definitions.update(dict.fromkeys(statement.outputs, statement))

    def apply(self, s: Apply) -> None:
        if not self.follows(s.args):
            self.emit(s)
            if not TABLE[s.function].foreign:
                learn(Block((s,)), self.builder.facts)
            return
        gate = TABLE[s.function]
        made = self._made(gate, s)
        pairs: list[tuple[Value, Structure]] = []
        _match(s.result, made, pairs)
        for value, stack in pairs:
            last = self.builder.statements[-1]
            fresh = isinstance(last, Apply) and stack in last.outputs and stack not in self.stacks.values()
            if not fresh or not self.table.is_temporary(stack):
                stack = self.low.emit(identity, stack)
            self.note(value, stack)

    def _made(self, gate: Gate, s: Apply) -> Structure:
        """What a gate gives of stacks."""
        if gate.kind is Kind.STORE:
            return self._store(s)
        if any(isinstance(v.type, Rows) for v in (*s.inputs, *s.outputs)):
            return self._of_rows(gate, s)
        if gate.casts:
            (operand,) = s.inputs
            (out,) = s.outputs
            return cast(self.low, self.of(operand), self.stacked(out.type))
        if gate.batched:
            return self._by_rule(gate.batched, gate, s)
        if gate.broadcasts:
            return self._aligned(gate, s)
        raise NotBatched(gate.name)

    def _aligned(self, gate: Gate, s: Apply) -> Structure:
        """An elementwise operation: further axes stand between that of the items and their own."""
        (out,) = s.outputs
        rank = len(out.type.dims)

        def aligned(x: Structure) -> Structure:
            if not isinstance(x, Value) or x not in self.stacks:
                return x
            return self.raised(x, rank)

        of_arrays = [f for f in gate.functions if module_of(f) not in ("builtins", "math")]
        if not of_arrays:
            raise NotBatched(gate.name)
        function = s.function if s.function in of_arrays else of_arrays[0]
        return self.low.emit(function, *(map_structure(aligned, a) for a in s.args))

    def raised(self, x: Value, rank: int) -> Structure:
        """The stack of a value; each item has axes of length 1 before its own, so that it has so many."""
        missing = rank - len(x.type.dims)
        stack = self.stacks[x]
        return (
            self.low.apply(np.expand_dims, (stack, tuple(range(1, 1 + missing))), {})
            if missing > 0
            else stack
        )

    def _by_rule(self, rules: Mapping[str, Callable[..., Any]], gate: Gate, s: Apply) -> Structure:
        """By what its record says of a stack for some of the operands."""
        parameters = list(gate.signature.parameters.values())
        following = [i for i, a in enumerate(s.args) if self.follows(a)]
        rule = rules.get(" ".join(parameters[i].name for i in following))
        if rule is None:
            raise NotBatched(gate.name)

        def argument(i: int, a: Structure) -> Structure:
            if i not in following:
                return a
            alone = parameters[i].kind is inspect.Parameter.VAR_POSITIONAL  # each is an operand of its own
            return map_structure(self.stack_or_itself if alone else self.of, a)

        args = tuple(argument(i, a) for i, a in enumerate(s.args))
        positional, keywords = gate.split(args)
        made = self.low.run_rule(rule, tuple(positional), keywords)
        if made is None:
            raise NotBatched(gate.name)
        return made

    def _store(self, s: Apply) -> Structure:
        array, path, value = s.args
        if self.follows(path) or not all(is_part(step) and is_together(step[1]) for step in path):
            raise NotBatched("what is written into is no part by an index")
        deeper = tuple(part(of_each_item(index)) for _, index in path)
        _, old = s.result
        rank = len(old.type.dims)
        if isinstance(value, Value) and value in self.stacks:
            value = self.raised(value, rank)
        return self.low.emit(s.function, self.of(array), deeper, value)

    def _of_rows(self, gate: Gate, s: Apply) -> Structure:
        """Of a list, which is one of stacks."""
        out = s.outputs[0]
        places = {i for together in gate.linear for i in together} or {0}  # of lists and of items
        items = (map_structure(self.of, a) if i in places else a for i, a in enumerate(s.args))
        made = self.low.emit(s.function, *items)
        is_item = gate.kind in (Kind.POP, Kind.PART)
        if isinstance(out.type, Rows) or is_item:
            return made
        if isinstance(made, Value) and made.type.dims[0].size is None and len(out.type.dims) == 1:
            made = self.low.apply(np.reshape, (made, (-1, self.length())), {})  # of an empty list, too
        return self.low.apply(np.moveaxis, (made, 1, 0), {})

    def stack_or_itself(self, x: Structure) -> Structure:
        return self.stacks.get(x, x) if isinstance(x, Value) else x

    def branch(self, s: Branch) -> None:
        if self.follow.get(s.condition):
            raise NotBatched("a condition follows the seed")
        new: list[Value | None] = [self.new(r) if self.follow.get(r) else None for r in s.results]
        sides = [self._inside(block, new, s.results) for block in s.blocks]
        results = tuple(r if n is None else n for r, n in zip(s.results, new, strict=True))
        self.emit(replace(s, then=sides[0], orelse=sides[1], results=results))

    def _inside(self, block: Block, new: Sequence[Value | None], of: Sequence[Value]) -> Block:
        """A block that ends with stacks for some of its yields."""
        with self.builder.block() as statements:
            self.block(block.statements)
            if block.raises:  # the body of a loop names what it would end with, a side of a branch nothing
                return Block(tuple(statements), tuple(map(self.stack_or_itself, block.yields)))
            ends = [
                end if stack is None else self._end(end, v.type)
                for end, stack, v in zip(block.yields, new, of, strict=False)
            ]
        return Block(tuple(statements), (*ends, *block.yields[len(ends) :]))

    def _end(self, end: Structure, t: Type) -> Structure:
        """What a trip or a side begins or ends with, as a stack of what has this type."""
        rank = len(t.dims)
        if isinstance(end, Value) or end is None or end is UNDEFINED or end is EMPTY:
            return self.of(end)
        if rank:
            raise NotBatched(f"{end!r}")
        return self.of(end)

    def loop(self, s: Loop) -> None:
        if s.test is not None and self.follows(s.test.yields):
            raise NotBatched("a test follows the seed")
        if self.follows(s.body.yields[-1]):
            raise NotBatched("a break follows the seed")
        follow = [bool(self.follow.get(p)) for p in s.params]
        inits = tuple(
            self._end(i, p.type) if f else i for i, p, f in zip(s.inits, s.params, follow, strict=True)
        )
        each = []
        for item, one in s.each:
            if self.follows(one.args):
                if one.kind not in KINDS or not (
                    one.args[0].type == LIST or isinstance(one.args[0].type, Rows)
                ):
                    raise NotBatched(f"a loop over {one.kind}")
                one = Each(one.kind, (self.of_list(one.args[0]), *one.args[1:]))
                item = self.new(item)
            each.append((item, one))
        params: list[Value | None] = [
            self.new(p) if f else None for p, f in zip(s.params, follow, strict=True)
        ]
        test = None if s.test is None else self._inside(s.test, (), ())
        body = self._inside(s.body, params, s.params)
        results = [self.new(r) if f else r for r, f in zip(s.results, follow, strict=True)]
        saves = []
        for v, saved in s.saves:
            if self.follows(v):
                stack = self.new(saved)
                v, saved = self.of(v), stack
            saves.append((v, saved))
        self.emit(
            replace(
                s,
                each=tuple(each),
                test=test,
                inits=inits,
                params=tuple(p if n is None else n for p, n in zip(s.params, params, strict=True)),
                body=body,
                results=tuple(results),
                saves=tuple(saves),
            )
        )

    def of_list(self, x: Structure) -> Structure:
        if x in self.stacks:
            return self.stacks[x]
        raise NotBatched(f"{x}")


def _match(result: Structure, made: Structure, pairs: list[tuple[Value, Structure]]) -> None:
    """Pair the values that an operation gives with those that it gives of stacks."""
    if isinstance(result, Value):
        pairs.append((result, made))
    elif isinstance(result, dict):
        for key, item in result.items():
            _match(item, made[key], pairs)
    elif isinstance(result, (tuple, list)):
        for r, m in zip(result, made, strict=True):
            _match(r, m, pairs)


def _alike(have: Type, want: Type) -> bool:
    """Whether a stack is of the kind that it has to be."""
    if isinstance(want, Opaque) or isinstance(have, Opaque):
        return have == want
    return type(have) is type(want) and len(have.dims) == len(want.dims)


FORMS: dict[type, Callable[[_Batch, Any], None]] = {
    Apply: _Batch.apply,
    Branch: _Batch.branch,
    Loop: _Batch.loop,
    Raise: _Batch.emit,
}
