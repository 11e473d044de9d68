"""Algebra that an expert does without thinking: `1.0 * x` is x, a gradient that is only a stretched
number is left unstretched where it meets an array of that shape.

Before:                                  After:
    grad_L = 1.0
    grad_s0 = np.broadcast_to(grad_L, x.shape)
    grad_x = grad_s0 * 2.0 * x               grad_x = 2.0 * x

Every rule holds for NaN, infinities, signed zeros, dtypes and shapes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from revcompile.autodiff.signs import has_narrow, may_be_narrow, may_be_python
from revcompile.dataflow.integrality import gives_integral, may_be_integral
from revcompile.gates.infer import infer
from revcompile.gates.lengths import size_of
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.lengths import Facts, same_axes
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Statement,
    Structure,
    Value,
    is_static,
    leaves,
)
from revcompile.ir.types import INT, Array, Rows, Scalar, Type, is_number, scalar_type
from revcompile.ir.values import ValueTable
from revcompile.passes.algebra import ALGEBRA, ARITHMETIC, in_order, order_of_axes
from revcompile.passes.extents import has_shape
from revcompile.passes.walk import Walk, count_uses
from revcompile.runtime import scatter

Rule = Callable[[Any, Apply], Structure | None]


def simplify(function: Function, facts: Facts, mixed: bool, algebra: bool = True) -> Function:
    """The function with fewer and shorter statements; without `algebra`, only what stands twice goes.

    `mixed` says that there are floats of fewer bits than Python's.
    """
    walk = _Scoped(_keep, function.table)
    walk.facts = facts
    walk.counts, walk.algebra = count_uses(function.body), algebra
    walk.integral, walk.mixed = may_be_integral(function), mixed
    equals: dict[Any, Value] = {}
    # The forward half of a pair is not given what the upstream gradient is; what is not assigned has no axes.
    not_there = function.table.primals.keys() | function.table.unset.keys()
    for parameter in function.parameters:
        for value in leaves(parameter.structure):
            if value not in not_there:
                equals.setdefault(_axes_key(value, facts), value)
    walk.visit = _Rules(walk, facts, equals, function.body.functions).visit
    return walk.function(function)


def _keep(statement: Apply, out: list[Statement]) -> None:
    """What a walk makes of a statement before it has rules."""


class _Scoped(Walk):
    """A walk that forgets, at the end of a branch's side, what running it would prove about lengths."""

    facts: Facts

    def block(self, block: Block) -> Block:
        before = self.facts.snapshot()
        out = super().block(block)
        if self.depth > 0:
            self.facts.restore(before)
        return out


def drop_casts(function: Function, facts: Facts) -> Function:
    """Only the casts that change nothing: the textbook form keeps all else as it is."""

    def visit(statement: Apply, out: list[Statement]) -> Structure | None:
        return rules.cast(statement) if TABLE[statement.function].casts else None

    walk = Walk(visit, function.table)
    walk.integral, walk.mixed = may_be_integral(function), has_narrow(function)
    rules = _Rules(walk, facts, {}, function.body.functions)
    return walk.function(function)


class _Rules:
    """The rules for one application. Each returns what stands for the result, or None."""

    def __init__(
        self, walk: Walk, facts: Facts, equals: dict[Any, Value], functions: Iterable[Callable[..., Any]]
    ) -> None:
        gates = [TABLE[f] for f in functions]
        self.stretched: set[Value] = set()  # what a number was stretched to
        self.chooses = any(g.numbers.condition is not None for g in gates)
        self.equals = equals  # the first array of each shape: the one that is asked for its shape
        self.walk = walk
        self.given = walk.given
        self.facts = facts
        self.out: list[Statement] = []  # where a rule puts its statements
        self.known: dict[Callable[..., Any], tuple[Rule | None, Rule | None]] = {}  # the rules of a function

    def visit(self, statement: Apply, out: list[Statement]) -> Structure | None:
        self.out = out
        found, result = self.find(statement), statement.result
        if not isinstance(result, Value):
            return found
        if found is None:
            if TABLE[statement.function].kind is Kind.STRETCH:
                self.stretched.add(result)
            if not self.walk.derives and self.walk.depth == 1 and has_shape(statement):
                self.equals.setdefault(_axes_key(result, self.facts), result)
        elif isinstance(found, Value):
            self.walk.counts[found] += self.walk.counts[result] - (found in self.walk.counts)
        return found

    def find(self, statement: Apply) -> Structure | None:
        walk, result = self.walk, statement.result
        known = self.known.get(statement.function)
        if known is None:
            known = self.known[statement.function] = _rules_of(TABLE[statement.function])
        rule, arithmetic = known
        found = rule(self, statement) if rule is not None else None
        if found is None and arithmetic is not None and walk.derives and walk.algebra:
            found = arithmetic(self, statement)
        if not isinstance(result, Value):
            return found
        if found is None and result.type.dims and not self.stretched.isdisjoint(statement.inputs):
            found = self._unstretch(statement)
        if found is not None and walk.derives and isinstance(found, Value) and found not in walk.forward:
            _hand_name(walk.table, result, found)
        return found

    # -- helpers ------------------------------------------------------------------------------

    def is_last_use(self, atom: Structure) -> bool:
        return isinstance(atom, Value) and self.walk.counts[atom] <= 1

    def made_by(self, atom: Structure, *what: Kind | str) -> Apply | None:
        """The application that made an atom, if it is of one of these kinds, or has one of these symbols."""
        made = self.walk.definitions.get(atom) if isinstance(atom, Value) else None
        gate = TABLE[made.function] if made is not None else None
        return made if gate is not None and (gate.kind in what or gate.symbol in what) else None

    def number(self, atom: Structure) -> float | None:
        """The number that an atom is known to be, a cast of a literal included."""
        if type(atom) in (int, float):
            return float(atom)
        made = self.walk.definitions.get(atom) if isinstance(atom, Value) else None
        if made is not None and TABLE[made.function].casts:
            return self.number(made.args[0])
        return None

    def same_type(self, atom: Structure, result: Structure) -> bool:
        a, b = _type(atom), _type(result)
        if isinstance(a, Array) and isinstance(b, Array):
            return a.dtype == b.dtype and same_axes(self.facts, a.dims, b.dims)
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            return (a.dtype, a.python, a.varies) == (b.dtype, b.python, b.varies)
        return False

    def emit(self, like: Apply, function: Callable[..., Any], *args: Structure) -> Value:
        key = _number_key(function, args) if self.walk.depth == 1 else None
        if key is not None and key in self.walk.numbers:
            known = self.walk.numbers[key]
            self.walk.counts[known] += 2  # it is read twice, then
            return known
        types = infer(TABLE[function], function, args, self.facts)
        value = Value(types)
        if like.result in self.walk.table.derived:
            self.walk.table.derived.add(value)
        made = Apply(function, args, value, like.line, like.note)
        self._add(made)
        self.walk.definitions[value] = made
        if key is not None:
            self.walk.numbers[key] = value
        return value

    def replace(
        self, statement: Apply, function: Callable[..., Any], *args: Structure, alike: bool = False
    ) -> Structure | None:
        """`function(*args)` under the statement's own name, if that has the same type; it has that if the
        same is computed of what is `alike`, a difference for a sum."""
        if alike and isinstance(statement.result, Value):
            new = Value(statement.result.type)
        else:
            new = Value(infer(TABLE[function], function, args, self.facts))
        if not self.same_type(new, statement.result):
            return None
        if isinstance(statement.result, Value):
            self.walk.table.rename(new, statement.result)
        self._add(Apply(function, args, new, statement.line, statement.note))
        return new

    def _add(self, made: Apply) -> None:
        self.out.append(made)
        if TABLE[made.function].kind is Kind.STRETCH:
            self.stretched.update(made.outputs)
        if gives_integral(made, self.walk.integral):
            self.walk.integral.update(made.outputs)

    # -- rules --------------------------------------------------------------------------------

    def identity(self, s: Apply) -> Structure | None:
        return s.args[0]

    def extent(self, s: Apply) -> Structure | None:
        """A length is asked of the first array that has this shape, so that no other is kept for it."""
        x, *rest = s.args
        first = self.equals.get(_axes_key(x, self.facts), x)
        if first is x or not isinstance(s.result, Value):
            return None
        new = Value(s.result.type)
        self.out.append(Apply(s.function, (first, *rest), new, s.line))
        return new

    def safe_divide(self, s: Apply) -> Structure | None:
        """What `safe_divide` guards against, a zero upstream gradient, is not the case for a known number."""
        stretched = self.made_by(s.args[0], Kind.STRETCH)
        number = stretched.args[0] if stretched is not None else s.args[0]
        return self.replace(s, operator.truediv, number, s.args[1]) if self.number(number) else None

    def scatter_add(self, s: Apply) -> Structure | None:
        """An index that counts up never repeats: assignment does, there is nothing to add up."""
        index = s.args[1] if isinstance(s.args[1], tuple) else (s.args[1],)
        arrays = [i for i in index if isinstance(i, Value) and i.type.dims]
        if any(isinstance(i, (list, tuple, np.ndarray)) for i in index):
            return None
        for counting in arrays:
            made = self.made_by(counting, Kind.COUNTING)
            if made is None or len(made.args[0]) > 1 or any(len(i.type.dims) > 1 for i in arrays):
                continue
            (n,) = counting.type.dims
            if all(self.facts.same(n, d) or d.is_one for i in arrays for d in i.type.dims):
                return self.replace(s, scatter, *s.args)
        return None

    def multiply(self, s: Apply) -> Structure | None:
        a, b = s.args
        if is_static(a) and is_static(b):
            return a * b
        for one, other in ((a, b), (b, a)):
            factor = self.number(one)
            if factor == 1.0 and self.same_type(other, s.result) and other not in self.walk.integral:
                return other
            if factor == -1.0 and self.same_type(other, s.result):  # a mask has no negative
                return self.replace(s, operator.neg, other)
        return None

    def add(self, s: Apply) -> Structure | None:
        a, b = s.args
        if is_static(a) and is_static(b):
            return a + b
        if a is b and is_number(a.type) and not self.walk.derives:
            return self.replace(s, operator.mul, 2.0, a)
        if type(a) is int and a == 0 and isinstance(b.type, Scalar) and b.type.dtype.kind == "i":
            return b if self.same_type(b, s.result) else None
        return None

    def divide(self, s: Apply) -> Structure | None:
        a, b = s.args
        if self.number(b) == 1.0 and self.same_type(a, s.result) and a not in self.walk.integral:
            return a
        return None

    def power(self, s: Apply) -> Structure | None:
        a, b = s.args
        if type(b) not in (int, float) or b != 1 or a in self.walk.integral:
            return None
        return a if self.same_type(a, s.result) else None

    def negative(self, s: Apply) -> Structure | None:
        (a,) = s.args
        if is_static(a):
            return -a
        inner = self.made_by(a, "-x")
        return inner.args[0] if inner is not None and self.same_type(inner.args[0], s.result) else None

    def transpose(self, s: Apply) -> Structure | None:
        a, order = s.args[0], order_of_axes(s)
        inner = self.made_by(a, Kind.TRANSPOSE)
        if order is None or order == sorted(order):
            return a if order is not None else None
        before = order_of_axes(inner) if inner is not None else None
        if inner is None or before is None:
            return None
        x, order = inner.args[0], [before[i] for i in order]
        if order == sorted(order):
            return x
        return in_order(self, s, x, order) if self.is_last_use(a) else None

    def cast(self, s: Apply) -> Structure | None:
        (a,) = s.args[:1]
        if s.function is float and type(a) is float:
            return a
        t = s.result.type if isinstance(s.result, Value) else None
        if isinstance(t, Scalar) and not t.python and may_be_python(a, self.walk.definitions, self.given):
            return None
        if self.walk.mixed and may_be_narrow(a, self.walk.definitions, self.given):
            return None
        is_same = isinstance(a, Value) and a not in self.walk.integral and self.same_type(a, s.result)
        return a if is_same else None

    def reshape(self, s: Apply) -> Structure | None:
        a = s.args[0]
        if isinstance(a, Value) and isinstance(a.type, Array) and len(a.type.dims) == 1:
            return a if self.same_type(a, s.result) else None
        if isinstance(a, Value) and self._is_shape_of(s.args[1], a) and self.same_type(a, s.result):
            return a
        return None

    def _is_shape_of(self, shape: Structure, x: Value) -> bool:
        """Whether `shape` spells the lengths of x's own axes."""
        if not isinstance(shape, tuple) or len(shape) != len(x.type.dims):
            return False
        for item, dim in zip(shape, x.type.dims, strict=True):
            if isinstance(item, Value):
                extent = item.type.extent if isinstance(item.type, Scalar) else None
                if extent is None or not self.facts.same(extent, dim):
                    return False
            elif item != dim.size:
                return False
        return True

    def broadcast(self, s: Apply) -> Structure | None:
        """A stretch to the shape it has; a stretch of a stretch."""
        a = s.args[0]
        if isinstance(a, Value) and isinstance(a.type, Array) and self.same_type(a, s.result):
            return a
        inner = self.made_by(a, Kind.STRETCH)
        if inner is not None:
            return self.replace(s, np.broadcast_to, inner.args[0], *s.args[1:])
        return None

    def unbroadcast(self, s: Apply) -> Structure | None:
        """A stretch undone that was none."""
        return s.args[0] if self.same_type(s.args[0], s.result) else None

    def total(self, s: Apply) -> Structure | None:
        """The sum of a stretched number is that number times how often it stands there."""
        stretched = self.made_by(s.args[0], Kind.STRETCH)
        if stretched is None or any(a is not d for a, d in zip(s.args[1:], _defaults(s), strict=True)):
            return None
        number, shape = stretched.args[:2]
        if _type(number).dims or not isinstance(shape, tuple):
            return None
        count: Structure = 1
        source = self.walk.definitions.get(shape[0]) if shape and isinstance(shape[0], Value) else None
        whole = (
            source is not None
            and TABLE[source.function].of_shape
            and len(shape) == len(source.args[0].type.dims)
        )
        if whole and source is not None and self._is_shape_of(shape, source.args[0]):
            count = Value(INT)
            self.out.append(Apply(size_of, (source.args[0],), count, s.line))
        else:
            for item in shape:
                count = count * item if is_static((count, item)) else self.emit(s, operator.mul, count, item)
        if self.number(number) == 1.0 and isinstance(s.result, Value):
            return self.replace(s, type_cast(s.result.type), count)
        return self.replace(s, operator.mul, number, count)

    def _unstretch(self, s: Apply) -> Structure | None:
        """An elementwise gate broadcasts by itself: it can take the number that was stretched."""
        if not TABLE[s.function].broadcasts:
            return None
        for i, argument in enumerate(s.args):
            stretched = self.walk.definitions.get(argument) if type(argument) is Value else None
            if stretched is None or TABLE[stretched.function].kind is not Kind.STRETCH:
                continue
            args = (*s.args[:i], stretched.args[0], *s.args[i + 1 :])
            if not any(_type(a).dims for a in args):
                return self._stretch_later(s, args, stretched)
            new = Apply(s.function, args, s.result, s.line, s.note)
            simpler = self.find(new)
            if simpler is not None:
                if self.same_type(simpler, s.result):
                    return simpler
            else:
                replaced = self.replace(s, s.function, *args)
                if replaced is not None:
                    return replaced
            later = self._stretch_later(s, args, stretched)
            if later is not None:
                return later
        return None

    def scatter(self, s: Apply) -> Structure | None:
        """An assignment stretches by itself, too."""
        stretched = self.made_by(s.args[0], Kind.STRETCH)
        return self.replace(s, scatter, stretched.args[0], *s.args[1:]) if stretched is not None else None

    def _stretch_later(self, s: Apply, args: tuple[Structure, ...], stretched: Apply) -> Structure | None:
        """`-stretch(g)` is `stretch(-g)`: the arithmetic is done on the number, where nothing grows."""
        if not same_axes(self.facts, _type(stretched.result).dims, _type(s.result).dims):
            return None
        if is_static(args):
            positional, keywords = TABLE[s.function].split(args)
            number = s.function(*positional, **keywords)
            if type(number) is not float:
                return None
        else:
            simpler = self.find(Apply(s.function, args, _placeholder(s, args, self.facts), s.line, s.note))
            number = simpler if simpler is not None else self.emit(s, s.function, *args)
        return self.replace(s, np.broadcast_to, number, *stretched.args[1:])


def _number_key(function: Callable[..., Any], args: tuple[Structure, ...]) -> Any:
    """The same for what is computed of the same numbers; None if an array or a structure is among them."""
    if any(not isinstance(a.type, Scalar) if isinstance(a, Value) else type(a) is not float for a in args):
        return None
    return (function, *(a if isinstance(a, Value) else repr(a) for a in args))


def _placeholder(s: Apply, args: tuple[Structure, ...], facts: Facts) -> Value:
    return Value(infer(TABLE[s.function], s.function, args, facts))


def type_cast(t: Type) -> Any:
    assert isinstance(t, (Scalar, Array))
    return float if isinstance(t, Scalar) and t.python else t.dtype.type


def _type(atom: Structure) -> Type:
    return atom.type if isinstance(atom, Value) else scalar_type(atom)


def _axes_key(x: Value, facts: Facts) -> Any:
    """The same for arrays that are known to have the same shape."""
    if not isinstance(x.type, Array) or isinstance(x.type, Rows):
        return x
    return tuple(map(facts.node, x.type.dims))


def _defaults(s: Apply) -> list[Any]:
    return [p.default for p in list(TABLE[s.function].signature.parameters.values())[1:]]


def _hand_name(table: ValueTable, from_: Value, to: Value) -> None:
    """The name that says more survives when two values turn out to be one."""
    hints, primals = table.hints, table.primals
    if to in hints or primals.get(to) in hints:
        return
    if from_ in hints or (from_ in primals and (to not in primals or primals[from_] in hints)):
        table.rename(to, from_)


def _rules_of(gate: Gate) -> tuple[Rule | None, Rule | None]:
    """The rule of an operation, and that of its arithmetic in the backward pass."""
    rule = (
        _Rules.extent
        if gate.of_shape
        else _Rules.cast
        if gate.casts
        else _Rules.identity
        if gate.memory is Memory.SAME
        else _BY_SYMBOL.get(gate.symbol) or _BY_KIND.get(gate.kind)
    )
    return rule, ARITHMETIC.get(gate.symbol) or ALGEBRA.get(gate.kind)


_BY_SYMBOL: dict[str, Rule] = {
    "*": _Rules.multiply, "+": _Rules.add, "/": _Rules.divide, "**": _Rules.power, "-x": _Rules.negative,
}  # fmt: skip
_BY_KIND: dict[Kind | None, Rule] = {
    Kind.TRANSPOSE: _Rules.transpose, Kind.RESHAPE: _Rules.reshape, Kind.QUOTIENT: _Rules.safe_divide,
    Kind.SCATTER: _Rules.scatter, Kind.SCATTER_SUM: _Rules.scatter_add, Kind.STRETCH: _Rules.broadcast,
    Kind.UNSTRETCH: _Rules.unbroadcast, Kind.SUM: _Rules.total,
}  # fmt: skip
