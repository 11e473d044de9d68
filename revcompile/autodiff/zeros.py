"""A zero upstream gradient stays zero, whatever the local gradient is there; and the other way round.

Where the analyses find that a cotangent may be zero at an element at which the local gradient is infinite or
NaN, what a gate sends back is chosen by a mask: `np.where(grad_y != 0, grad_y / x, 0.0)`; of a number,
`grad_y / x if grad_y != 0 else 0.0`. One mask serves all that follow from it: in `np.where(c, log(x), 0.0)`,
it is `c`. Imports the front end, the statements and `dataflow/`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from revcompile.dataflow.knowledge import Knowledge
from revcompile.frontend.lowering import Lowering
from revcompile.gates.reductions import restore_axes
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Apply, Block, Branch, Structure, Value
from revcompile.ir.types import Array, Scalar
from revcompile.statements.join import type_of

Contributions = list[tuple[Value, Structure]]
# What a rule makes of an upstream gradient, reading these as its operands.
Make = Callable[[Structure, tuple[Structure, ...]], Contributions]


class Mask(NamedTuple):
    """Outside of where `condition` is as `holds` says, a gradient is zero."""

    condition: Value
    holds: bool = True


class Carefully:
    """What a gate sends back, with care where the analyses say so."""

    def __init__(self, low: Lowering, knowledge: Knowledge) -> None:
        self.low, self.knowledge = low, knowledge
        self.masks: dict[Value, Mask] = {}  # of gradients
        self.used = False

    def contributions(self, statement: Apply, upstream: Structure, make: Make) -> Contributions:
        """What `make` makes of the upstream gradient of a gate."""
        args, numbers = statement.args, TABLE[statement.function].numbers
        if not isinstance(upstream, Value):
            return make(upstream, args)
        if self.knowledge.chooses(statement):
            self.used = True
            return self._chosen(statement, upstream, make)
        if not self.knowledge.zeros_of(statement):
            return make(upstream, args)
        careful = {v for v in statement.inputs if self.knowledge.keeps_zeros(statement, v)}
        if not careful:
            return make(upstream, args)
        self.used = True
        mixes = numbers.reduces or numbers.as_read is not None
        if isinstance(upstream.type, Scalar) and not mixes:
            guards = not self.knowledge.is_given(statement, careful)
            test = self.low.emit(operator.ne, upstream, 0)
            return self._if(test, lambda: make(upstream, args), upstream, guards)
        if numbers.as_read is not None:
            return make(upstream, self._as_read(numbers.as_read, upstream, statement))
        mask = self._of_reduction(upstream, statement) if numbers.reduces else self._mask(upstream)
        return [(v, self._where(mask, g) if v in careful else g) for v, g in make(upstream, args)]

    def note(self, statement: Apply, upstream: Structure, operand: Value, gradient: Structure) -> None:
        """Keep in mind where the gradient of an operand is zero, for what is computed from it."""
        result = statement.result
        if not isinstance(result, Value) or not isinstance(gradient, Value):
            return
        if not isinstance(operand.type, Array) or operand.type.dims != result.type.dims:
            return
        gate, args = TABLE[statement.function], statement.args
        chosen = gate.numbers.condition
        if chosen is not None and not self.knowledge.zeros_of(statement):
            condition = args[chosen]
            if isinstance(condition, Value) and condition.type.dtype.kind == "b":  # type: ignore[union-attr]
                self.masks[gradient] = Mask(condition, args[chosen + 1] is operand)
        elif gate.pointwise and not gate.numbers.zeros:
            known = self.masks.get(upstream) if isinstance(upstream, Value) else None
            i = next((i for i, arg in enumerate(args) if arg is operand), 0)
            if known is not None and not self.knowledge.finite.is_constant(statement, i):
                self.masks[gradient] = known

    def _mask(self, upstream: Value) -> Mask:
        known = self.masks.get(upstream)
        if known is not None:
            return known
        return Mask(
            self.low.builder.remember(
                ("nonzero", upstream), lambda: self.low.apply(operator.ne, (upstream, 0), {})
            )
        )

    def _where(self, mask: Mask, gradient: Structure) -> Structure:
        arms = (gradient, 0.0) if mask.holds else (0.0, gradient)
        return self.low.apply(np.where, (mask.condition, *arms), {})

    def _of_reduction(self, upstream: Value, statement: Apply) -> Mask:
        """A mask of the elements that are reduced into those of a mask."""
        gate = TABLE[statement.function]
        options = dict(zip(gate.signature.parameters, statement.args, strict=False))
        passes = self.low.apply(operator.ne, (upstream, 0), {})
        return Mask(self.low.run_rule(restore_axes, (passes, options["axis"], options["keepdims"]), {}))

    def _as_read(
        self, rule: Callable[..., Structure], upstream: Value, statement: Apply
    ) -> tuple[Structure, ...]:
        passes = self.low.apply(operator.ne, (upstream, 0), {})
        clean = self.low.run_rule(rule, (passes, *statement.args), {})
        unsafe = [self.knowledge.may_be_infinite(a) for a in statement.args]
        return tuple(c if u else a for a, c, u in zip(statement.args, clean, unsafe, strict=True))

    def _if(
        self,
        test: Value,
        make: Callable[[], Contributions],
        zero: Structure = 0.0,
        guards: bool = False,
    ) -> Contributions:
        """What `make` makes if a condition holds, else zeros: a division of Python's would raise there.

        `zero` is zero then. `guards`: see `Branch`.
        """
        builder = self.low.builder
        with builder.block() as statements:
            made = make()
        results = tuple(Value(type_of(g)) for _, g in made)
        then = Block(tuple(statements), tuple(g for _, g in made))
        orelse = Block((), tuple(zero if type_of(zero) == result.type else 0.0 for result in results))
        builder.statements.append(Branch(test, then, orelse, results, builder.line, builder.note, guards))
        return [(v, result) for (v, _), result in zip(made, results, strict=True)]

    def _chosen(self, statement: Apply, upstream: Value, make: Make) -> Contributions:
        """What a rule that multiplies by zero sends back is zero there, be the upstream gradient infinite."""
        one: Structure = 1.0
        args = statement.args
        if not TABLE[statement.function].pointwise and upstream.type.dims:
            one = self.low.apply(np.ones_like, (upstream,), {})
        out: Contributions = []
        for (v, g), (_, share) in zip(make(upstream, args), make(one, args), strict=True):
            if isinstance(share, Value):
                passes = self.low.apply(operator.ne, (share, 0), {})
                if isinstance(passes.type, Scalar):
                    ((_, g),) = self._if(passes, lambda v=v, g=g: [(v, g)])  # type: ignore[misc]
                else:
                    g = self.low.apply(np.where, (passes, g, 0.0), {})
            out.append((v, g))
        return out
