"""The backward half of a pair: its body is differentiated as a function of its own.

Both passes are made as one function of the parameters and of the gradients that come in, which all passes
go over, and which is taken apart last of all (`passes/split`). For a function that calls itself, which
parameters get a gradient, and of which types, is found by trying: at first the inner call gives none.
Imports the front end, the IR and `reverse`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from revcompile.autodiff.plan import make_plan
from revcompile.autodiff.residuals import keep_residuals, outer_names
from revcompile.autodiff.reverse import Reverser
from revcompile.frontend.lower import Lowering
from revcompile.gates.effects import backward_begins
from revcompile.gates.halves import Pair, Variant
from revcompile.ir.nodes import Apply, Block, Function, Parameter, Statement, Structure, Value
from revcompile.ir.types import Array, Scalar, Type, gradient_type
from revcompile.statements.join import alike, join_types, type_of

Some = frozenset[int]
Doubts = Some | None
Key = tuple[Pair, Some, Some, Some, Doubts]


class Grow(Exception):
    """A pair that is being differentiated is called by itself with more gradients than was thought."""

    def __init__(self, variant: Variant, key: Key) -> None:
        self.variant, self.key = variant, key


class Halves:
    """The variants of the pairs that one compilation differentiates."""

    def __init__(self, low: Lowering) -> None:
        self.low = low
        self.made: dict[Key, Variant] = low.pairs.variants
        self.open: list[Variant] = low.pairs.open

    def variant(self, pair: Pair, wanted: Some, seeded: Some, strong: Some, doubtful: Doubts) -> Variant:
        """The halves for calls of which these parameters are differentiated, and these results."""
        key = (pair, wanted, seeded, strong, doubtful)
        if key in self.made:
            return self.made[key]
        for variant in self.open:
            if variant.pair is pair:
                variant.used = True
                known = _key(variant)
                both = (pair, *(_either(a, b) for a, b in zip(key[1:], known[1:], strict=True)))
                if both != known:
                    raise Grow(variant, both)
                return variant
        made = self._make(key)
        if made.doubtful is not None and not made.cautious:  # it is as good as one that fears nothing
            made = self.variant(pair, made.wanted, made.seeded, made.strong, None)
        self.made[key] = self.made[_key(made)] = made
        return made

    def _make(self, key: Key) -> Variant:
        gives: dict[int, Type] = {}
        masks = False
        while True:
            variant = Variant(*key, gives, masks=masks)
            known = dict(self.made)
            self.open.append(variant)
            try:
                found = _Differentiation(self.low, self, variant).run()
                if not variant.used or found == (gives, masks):
                    variant.gives, variant.masks = found
                    return variant
                gives, masks = found
            except Grow as more:
                if more.variant is not variant:
                    raise
                key, gives, masks = more.key, {}, False
            finally:
                self.open.pop()
            self.made.clear()  # what was made meanwhile calls what was given up
            self.made.update(known)


def _key(variant: Variant) -> Key:
    return variant.pair, variant.wanted, variant.seeded, variant.strong, variant.doubtful


def _either(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a | b


class _Differentiation:
    """One attempt to differentiate the body of a pair."""

    def __init__(self, low: Lowering, halves: Halves, variant: Variant) -> None:
        self.low, self.halves, self.variant = low, halves, variant
        function = variant.pair.function
        assert function is not None
        self.function: Function = function
        self.parameters = variant.pair.parameters

    def run(self) -> tuple[dict[int, Type], bool]:
        """Make both passes. The types of the gradients, and whether zeros among them may mask something."""
        low = self.low
        memory, given, line, note = low.memory, low.given, low.builder.line, low.builder.note
        low.given = tuple(v for v in self.parameters if isinstance(v.type, Array))
        try:
            with low.builder.apart() as statements:
                return self._both(statements)
        finally:
            low.memory, low.given, low.builder.line, low.builder.note = memory, given, line, note

    def _both(self, statements: list[Statement]) -> tuple[dict[int, Type], bool]:
        low, variant, function = self.low, self.variant, self.function
        results = function.result
        wanted = {i: self.parameters[i] for i in sorted(variant.wanted)}
        plan = make_plan(function, wanted.values(), results)
        statements.append(Apply(backward_begins, (), ()))
        rev = Reverser(plan, low, function.body, self.halves)
        rev.doubt(self.parameters[i] for i in variant.doubtful or ())
        rev.learn(function.body)
        seeds = (self._seed(rev, results[i], i in variant.strong) for i in sorted(variant.seeded))
        variant.upstream = upstream = tuple(seeds)
        rev.block(function.body.statements)
        found = {i: rev.adjoints[v] for i, v in wanted.items() if rev.adjoints.get(v) is not None}
        types = {i: self._type(g, wanted[i]) for i, g in found.items()}
        types = {i: join_types(low.builder.facts, t, variant.gives.get(i, t)) for i, t in types.items()}
        gradients = tuple(alike(low, statements, g, types[i]) for i, g in found.items())
        backward = Block(tuple(statements), ((results, None, gradients),))
        now, outer = rev.memory.now, outer_names(function.body)
        body = keep_residuals(function.body.statements, backward, now, outer, passed_on=True)
        own = [*self.parameters, *upstream]
        parameters = tuple(Parameter(f"p{i}", v) for i, v in enumerate(own))
        variant.function = replace(function, parameters=parameters, body=body, called=True)
        variant.chosen = rev.chosen
        others = (v for v in rev.chosen.values() if v is not variant)
        variant.cautious = rev.cautious or any(v.doubtful is not None for v in others)
        return types, any(isinstance(g, Value) and g in rev.masked for g in found.values())

    def _seed(self, rev: Reverser, result: Structure, strong: bool) -> Value:
        """The gradient of a result, as the caller gives it."""
        t = gradient_type(type_of(result))  # type: ignore[arg-type]
        upstream = Value(replace(t, python=False) if strong and isinstance(t, Scalar) else t, fold=False)
        if self.variant.doubtful is not None:
            rev.masked.add(upstream)
        if isinstance(result, Value):
            upstream.of = result
            if result in rev.plan.active and result not in rev.adjoints:
                rev.adjoints[result] = upstream
            else:
                rev.accumulate(result, upstream, self.variant.doubtful is not None)
        return upstream

    def _type(self, gradient: Structure, of: Value) -> Type:
        t = type_of(gradient)
        if isinstance(t, Array) and isinstance(of.type, Array):
            return replace(t, dims=of.type.dims)
        return Scalar(t.dtype) if isinstance(t, Array) else t
