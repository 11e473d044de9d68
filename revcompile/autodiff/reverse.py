"""Reverse mode: a forward function and a plan become forward and backward passes in one function.

The walk is over the statements from last to first. Each gate turns the gradient of its output into
gradients of its operands by its rule, which is interpreted on the spot; contributions to one value
add up. Statements with blocks are reversed in `revcompile/statements/`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from revcompile.autodiff.formulas import applied, times_upstream
from revcompile.autodiff.plan import Plan
from revcompile.autodiff.restored import Restored
from revcompile.autodiff.shapes import doubted, fit
from revcompile.autodiff.zeros import Carefully
from revcompile.dataflow.activity import is_cut_off
from revcompile.dataflow.presence import missing
from revcompile.errors import UnsupportedError, an
from revcompile.frontend.expressions import shape_of
from revcompile.frontend.lowering import Lowering
from revcompile.gates.creation import sum_for, zeros_for
from revcompile.gates.effects import identity
from revcompile.gates.infer import infer
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.build import Builder
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import (
    Apply,
    Block,
    Branch,
    Loop,
    Statement,
    Structure,
    Value,
    is_static,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type, gradient_type, is_float, is_number
from revcompile.statements import branch, call, hook, loop_lists, loop_reverse, probe, rows, store

MAX_OPERANDS = 5_000  # whose gradients are statements of their own
REVERSE: dict[Any, Callable[..., None]] = {
    Branch: branch.reverse,
    Loop: loop_reverse.reverse,
    Kind.STORE: store.reverse,
    Kind.APPEND: rows.reverse_append,
    Kind.POP: rows.reverse_pop,
    Kind.CALL: call.reverse_half,
    Kind.PROBE: probe.reverse,
    Kind.HOOK: hook.reverse,
}


class Reverser:
    """Emits the backward pass of a list of statements."""

    def __init__(self, plan: Plan, low: Lowering, statements: Block, halves: Any) -> None:
        self.plan = plan
        self.halves = halves  # of the pairs that are called
        self.chosen: dict[Value, Any] = {}  # by what is saved: of which variant it is the call
        self.low = low
        self.memory = low.memory = Restored(statements, low.builder.table)
        self.builder: Builder = low.builder
        self.table = low.builder.table
        self.adjoints: dict[Value, Structure] = {}
        self.lists: dict[Value, tuple[Any, ...]] = {}  # the gradients of lists, see statements/loop_lists
        self.loop_types: dict[Loop, dict[Value, Type]] = {}  # of gradients that reversed loops carry
        self.in_loop = False
        self.is_settled = True  # whether all the types that reversed loops assumed are right
        self.items: dict[Value, rows.Filled] = {}  # of lists that a loop fills, see statements/rows
        self.here: set[Value] = set()  # what the block makes that is being reversed
        self.inputs = frozenset(plan.inputs)
        self.carefully = Carefully(low, plan.knowledge)
        again = loop_lists.is_of_a_gradient(statements)  # what one side of a branch has kept may be missing
        self.absent = missing(statements) if again else set()
        self.table.unset.update((v, None) for v in self.absent if v not in self.table.unset)

    @property
    def cautious(self) -> bool:
        """Whether a zero was taken care of anywhere."""
        return self.carefully.used

    # -- statements ---------------------------------------------------------------------------

    def block(self, statements: Sequence[Statement]) -> None:
        outer, self.here = self.here, {v for s in statements for v in s.outputs}
        for statement in reversed(statements):
            self.builder.line = statement.line
            if isinstance(statement, Apply):
                REVERSE.get(TABLE[statement.function].kind, Reverser.apply)(self, statement)
            elif type(statement) in REVERSE:
                REVERSE[type(statement)](self, statement)
        self.builder.note = ""
        self.here = outer

    def learn(self, block: Block) -> None:
        """Know again, inside the reversal of a block, what running it proved about lengths."""
        learn(block, self.builder.facts)

    def apply(self, statement: Apply) -> None:
        gate = TABLE[statement.function]
        if not gate.carries_gradient or self.plan.active.isdisjoint(statement.inputs):
            return
        if all([self.adjoints.get(y) is None for y in statement.outputs]):
            return
        if gate.last:
            raise runs_as_it_is(gate)
        if gate.of_items is not None and len(statement.inputs) > MAX_OPERANDS:  # each has a part of its own
            raise UnsupportedError(
                f"the gradients of {len(statement.inputs):,} operands would have to be written out",
                way_out="Let the function take one array, and make the items parts of it.",
            )
        self.builder.note = f"{gate.name} gate"
        upstream = map_structure(lambda y: self._upstream(y, gate.foreign), statement.result)
        if gate.memory is Memory.SAME and isinstance(statement.args[0], Value):  # it has another name here
            self.hand_on(statement.args[0], upstream)
            return
        contributions = self.carefully.contributions(
            statement, upstream, lambda grad_y, read: self.contributions(gate, statement, grad_y, read)
        )
        # Inputs come first: their gradients are results.
        for operand, contribution in sorted(contributions, key=lambda pair: pair[0] not in self.inputs):
            if not is_cut_off(statement, operand):
                alone = self.adjoints.get(operand) is None
                self.accumulate(operand, contribution)
                if alone:
                    self.carefully.note(statement, upstream, operand, self.adjoints.get(operand))

    def _upstream(self, result: Structure, of_user: bool) -> Structure:
        """The gradient of a gate's result. A rule of the user's gets zeros for one that is not used."""
        if not isinstance(result, Value):
            return None
        known = self.adjoints.get(result)
        t = result.type
        if known is not None or not of_user or not isinstance(t, (Scalar, Array)) or not is_float(t):
            return known
        is_numpys = isinstance(t, Scalar) and not t.python
        return self.low.emit(t.dtype.type, 0.0) if is_numpys else self.zero(result)

    def contributions(
        self, gate: Gate, statement: Apply, upstream: Structure, read: tuple[Structure, ...]
    ) -> list[tuple[Value, Structure]]:
        """The gradients of the operands; `read` is what the rule reads as these."""
        if gate.locals is not None:
            return list(self._elementwise(gate, statement, upstream))
        if gate.backward is not None:
            return self._opaque(gate, statement, upstream)
        return self._by_rule(gate, statement, upstream, read)

    def _elementwise(
        self, gate: Gate, statement: Apply, upstream: Structure
    ) -> Iterable[tuple[Value, Structure]]:
        assert gate.locals is not None
        names = dict(zip(gate.locals, statement.args, strict=True))
        names.update(y=statement.result, grad_y=upstream)
        for operand, formula in gate.locals.items():
            value = names[operand]
            if isinstance(value, Value) and value in self.plan.active:
                scaled = times_upstream(formula)
                if scaled is not None:
                    yield value, applied(self.low, scaled, names)

    def _opaque(self, gate: Gate, statement: Apply, upstream: Structure) -> list[tuple[Value, Structure]]:
        """Call the user's backward half, which gives one gradient for each operand."""
        assert gate.backward is not None
        grad_y, _ = upstream
        operands = [a if isinstance(a, Value) and is_number(a.type) else None for a in statement.args]
        gradients = tuple(None if a is None else Value(self.gradient_type(a)) for a in operands)
        result = gradients[0] if len(gradients) == 1 else gradients
        needed = max((i for i, a in enumerate(operands, 1) if a in self.plan.active), default=0)
        args = (grad_y, statement.result[1], needed)
        self.builder.statements.append(Apply(gate.backward, args, result, statement.line, self.builder.note))
        return [
            (a, g)
            for a, g in zip(operands, gradients, strict=True)
            if a is not None and a in self.plan.active
        ]

    def _by_rule(
        self, gate: Gate, statement: Apply, upstream: Structure, read: tuple[Structure, ...]
    ) -> list[tuple[Value, Structure]]:
        assert gate.rule is not None
        positional, keywords = gate.split(read)
        output = [statement.result] if gate.wants_output else []
        try:
            gradients = self.low.run_rule(gate.rule, (upstream, *output, *positional), keywords)
        except NotImplementedError as e:
            raise UnsupportedError(f"the gradient of {gate.name} is not implemented here: {e}") from None
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        is_wrong = not 0 < len(gradients) <= len(statement.args) or isinstance(gradients[0], (list, dict))
        if gate.foreign and is_wrong:
            raise UnsupportedError(
                f"the rule of the gate {gate.name!r} must return the gradients of its {len(statement.args)} "
                f"parameters, one alone or a tuple, not "
                + (
                    f"{len(gradients)} of them"
                    if len(gradients) != 1
                    else f"{an(type(gradients[0]).__name__)}"
                )
            )
        pairs: list[tuple[Value, Structure]] = []
        for operand, gradient in zip(statement.args, gradients, strict=False):
            self._match(operand, gradient, pairs)
        for left_out in leaves(statement.args[len(gradients) :]):
            if left_out in self.plan.active and is_float(left_out.type):
                raise UnsupportedError(f"{gate.name} has no rule for the gradient of this argument")
        pairs = [(v, g) for v, g in pairs if v in self.plan.active]
        return [(v, doubted(self.low, g, v)) for v, g in pairs] if gate.foreign else pairs

    def _match(self, operand: Structure, gradient: Structure, pairs: list[tuple[Value, Structure]]) -> None:
        """Pair the run-time values of an operand with their gradients, structure by structure."""
        if gradient is None:
            return
        if isinstance(operand, Value):
            pairs.append((operand, gradient))
        elif isinstance(operand, (tuple, list)) and not is_static(operand):
            if isinstance(gradient, Value):  # a list that the gate took as an array
                gradient = [self.low.apply(operator.getitem, (gradient, i), {}) for i in range(len(operand))]
            for o, g in zip(operand, gradient, strict=True):
                self._match(o, g, pairs)

    # -- adjoints -----------------------------------------------------------------------------

    def gradient_type(self, value: Value) -> Type:
        assert isinstance(value.type, (Scalar, Array))
        return gradient_type(value.type)

    def accumulate(self, value: Value, contribution: Structure) -> None:
        """Add a contribution to the gradient of `value`, in the shape and dtype of `value`."""
        if contribution is None or value not in self.plan.active:
            return
        contribution = fit(self.low, contribution, value, self.gradient_type(value))
        known = self.adjoints.get(value)
        if known is not None:
            self.table.fold(known, True)  # it is only the first part of a sum now
            maybe = value in self.absent and isinstance(value.type, Array)
            contribution = self.low.apply(sum_for if maybe else operator.add, (known, contribution), {})
        self.adjoints[value] = self._name(contribution, value)

    def hand_on(self, value: Value, gradient: Structure) -> None:
        """Pass the gradient of what a branch or a loop gives on to the value that it was: of the same shape,
        though nothing but the program's structure says so."""
        want = value.type.dims
        if isinstance(gradient, Value) and isinstance(gradient.type, Array) and gradient.type.dims != want:
            if len(gradient.type.dims) == len(want):
                gradient = self.builder.emit(identity, (gradient,), replace(gradient.type, dims=want))
        self.accumulate(value, gradient)

    def _name(self, gradient: Structure, value: Value) -> Value:
        """The gradient under its own name; another name for it where it has one already."""
        last = self.builder.statements[-1] if self.builder.statements else None
        fresh = isinstance(last, Apply) and last.result is gradient
        table = self.table
        if not (fresh and table.is_temporary(gradient)):
            gradient = self.low.emit(identity, gradient)
        table.primals[gradient] = value
        table.fold(gradient, value not in table.unfolded)
        return gradient

    def shape(self, value: Value) -> tuple[Structure, ...]:
        return shape_of(self.low, value)

    def zero(self, value: Value) -> Structure:
        """A gradient through which nothing flowed."""
        return zero_like(self.low, value)


def zero_like(low: Lowering, value: Value) -> Structure:
    """Zeros, for a gradient or a tangent of `value`."""
    t = gradient_type(value.type)
    if isinstance(t, Scalar):
        return 0.0 if t.python or t.dtype == float else low.emit(t.dtype.type, 0.0)
    if value in low.builder.table.unset:  # it may have no value, and then no shape
        return low.emit(zeros_for, value)
    return low.apply(np.zeros, (shape_of(low, value),), _dtype_option(t.dtype))


def one_like(low: Lowering, value: Value) -> Structure:
    """The gradient that a result begins with: ones."""
    t = gradient_type(value.type)
    if isinstance(t, Array) and t.dims:
        return low.apply(np.ones, (shape_of(low, value),), _dtype_option(t.dtype))
    return 1.0 if t.dtype == float else low.apply(t.dtype.type, (1.0,), {})


def runs_as_it_is(gate: Gate) -> UnsupportedError:
    """Refuses to differentiate the backward half of a pair of the user's."""
    return UnsupportedError(
        f"{gate.name} runs as it is, also backwards: its gradient cannot be differentiated",
        way_out="Give the gate a rule that is read: @gate(function) without forward=.",
    )


def learn(block: Block, facts: Facts) -> None:
    """Note again what running the statements of a block proves about lengths."""
    for statement in block.statements:
        if isinstance(statement, Apply) and statement.outputs and not TABLE[statement.function].foreign:
            infer(TABLE[statement.function], statement.function, statement.args, facts)


def _dtype_option(dtype: np.dtype[Any]) -> dict[str, Any]:
    return {} if dtype == np.float64 else {"dtype": dtype}
