"""The backward half of a pair: its body is differentiated as a function of its own.

Both passes are made as one function of the parameters and of the gradients that come in, which all passes
go over, and which is taken apart last of all (`passes/split`). For a function that calls itself, which
parameters get a gradient, and of which types, is found by trying: at first the inner call gives none.
Imports the front end, the IR and `reverse`.
"""

from __future__ import annotations

from revcompile.autodiff.again import refuse_lengths_of_other_trips
from revcompile.autodiff.plan import make_plan
from revcompile.autodiff.residuals import keep_residuals, outer_names
from revcompile.autodiff.reverse import Reverser
from revcompile.dataflow.knowledge import Calls, context_of
from revcompile.frontend.gradients import silent
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import backward_begins, begins_backward
from revcompile.gates.halves import SAVED, Half, Pair, Variant
from revcompile.ir.build import own_parameters
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Parameter,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar, Type, gradient_type
from revcompile.statements.join import alike, join_gradients, type_of
from revcompile.statements.loop_lists import refuse_left_over

Some = frozenset[int]
Told = frozenset[tuple[str, int, int]]  # see `dataflow/knowledge`
Key = tuple[Pair, Some, Some, Some, Told]
NOTHING: Told = frozenset()


class Grow(Exception):
    """A pair that is being differentiated is called by itself with more gradients than was thought."""

    def __init__(self, variant: Variant, key: Key) -> None:
        self.variant, self.key = variant, key


class Halves:
    """The variants of the pairs that one compilation differentiates; `of_arguments`, if each backward half
    begins with the arguments."""

    def __init__(self, low: Lowering, thorough: bool, of_arguments: bool = False) -> None:
        self.low, self.of_arguments = low, of_arguments
        self.made: dict[Key, Variant] = low.pairs.variants
        self.open: list[Variant] = low.pairs.open
        self.calls = Calls(thorough)

    def pair_of(self, pair: Pair) -> Pair:
        """The pair of whose halves a call is made: one computed again, if they begin with the arguments."""
        if not self.of_arguments or pair.again:
            return pair
        known = self.low.pairs.twins
        return known.get(pair) or known.setdefault(pair, replace(pair, again=True))

    def variant(self, pair: Pair, wanted: Some, seeded: Some, strong: Some, told: Told) -> Variant:
        """The halves for calls of which these parameters are differentiated, and these results."""
        key = (pair, wanted, seeded, strong, told)
        if key in self.made:
            return self.made[key]
        for variant in self.open:
            if variant.pair is pair:
                variant.used = True
                known = _key(variant)
                both = _joined(key, known)
                if both != known:
                    raise Grow(variant, both)
                return variant
        made = self._make(key)
        if made.told and not made.cautious:  # it is as good as one that is told nothing
            made = self.made.setdefault((*_key(made)[:4], NOTHING), made)
        self.made[key] = self.made[_key(made)] = made
        return made

    def _make(self, key: Key) -> Variant:
        gives: dict[int, Type] = {}
        while True:
            variant = Variant(*key, gives)
            known = dict(self.made)
            self.open.append(variant)
            try:
                found = _Differentiation(self.low, self, variant).run()
                if not variant.used or found == gives:
                    variant.gives = found
                    return variant
                gives = found
            except Grow as more:
                if more.variant is not variant:
                    raise
                key, gives = more.key, {}
            finally:
                self.open.pop()
            self.made.clear()  # what was made meanwhile calls what was given up
            self.made.update(known)


def as_calls(low: Lowering, body: Block) -> Block:
    """A block in which calls of backward halves are those of pairs, which are differentiated like others."""

    def called(s: Statement) -> Statement:
        half = s.function if isinstance(s, Apply) else None
        if not (isinstance(s, Apply) and isinstance(half, Half) and half.variant and half.kind == "backward"):
            return s
        pair = _as_pair(low, half.variant)
        saved = low.builder.table.new(SAVED, f"saved_{pair.name}")
        call = replace(s, function=pair.call, result=(*leaves(s.result), saved))
        low.builder.definitions.update(dict.fromkeys(call.outputs, call))
        return call

    return body.map(called)


def _as_pair(low: Lowering, variant: Variant) -> Pair:
    """The backward half of a pair that is computed again, which is a function of all that it is given, as a
    pair itself."""
    known, primal = low.pairs.gradients, variant.pair
    if variant in known:
        return known[variant]
    assert variant.function is not None
    parameters = (*variant.upstream, *primal.parameters)
    pair = Pair(f"grad_{primal.name}", parameters, None, primal.equal, primal.compared)
    known[variant] = pair
    pair.live, pair.raises = primal.live, primal.raises
    ((_, _, gradients),) = variant.function.body.yields
    statements = (s for s in silent(variant.function.body).statements if not begins_backward(s))
    body = as_calls(low, Block(tuple(statements), (gradients,)))
    own = own_parameters(low.builder.table, parameters, "x")
    pair.function = replace(variant.function, parameters=own, body=body, called=False, again=False)
    pair.calls = frozenset(f.pair for f in (s.function for s in applications(body)) if isinstance(f, Half))
    return pair


def _key(variant: Variant) -> Key:
    return variant.pair, variant.wanted, variant.seeded, variant.strong, variant.told


def _joined(a: Key, b: Key) -> Key:
    return a[0], a[1] | b[1], a[2] | b[2], a[3] | b[3], a[4] | b[4]


class _Differentiation:
    """One attempt to differentiate the body of a pair."""

    def __init__(self, low: Lowering, halves: Halves, variant: Variant) -> None:
        self.low, self.halves, self.variant = low, halves, variant
        function = variant.pair.function
        assert function is not None
        self.function: Function = function
        self.parameters = variant.pair.parameters

    def run(self) -> dict[int, Type]:
        """Make both passes. The types of the gradients."""
        low = self.low
        memory, given, line, note = low.memory, low.given, low.builder.line, low.builder.note
        low.given = tuple(v for v in self.parameters if isinstance(v.type, Array))
        try:
            with low.builder.apart() as statements:
                return self._both(statements)
        finally:
            low.memory, low.given, low.builder.line, low.builder.note = memory, given, line, note

    def _both(self, statements: list[Statement]) -> dict[int, Type]:
        low, variant, function = self.low, self.variant, self.function
        results = function.result
        wanted = {i: self.parameters[i] for i in sorted(variant.wanted)}
        context = context_of(variant.told, self.parameters, {i: results[i] for i in variant.seeded})
        plan = make_plan(function, wanted.values(), results, self.halves.calls, context)
        statements.append(Apply(backward_begins, (), ()))
        rev = Reverser(plan, low, function.body, self.halves)
        rev.learn(function.body)
        seeds = (self._seed(rev, results[i], i in variant.strong) for i in sorted(variant.seeded))
        variant.upstream = upstream = tuple(seeds)
        rev.block(function.body.statements)
        refuse_left_over(rev)
        found = {i: rev.adjoints[v] for i, v in wanted.items() if rev.adjoints.get(v) is not None}
        types = {i: self._type(g, wanted[i]) for i, g in found.items()}
        types = {i: join_gradients(low.builder.facts, t, variant.gives.get(i, t)) for i, t in types.items()}
        gradients = tuple(alike(low, statements, g, types[i]) for i, g in found.items())
        backward = Block(tuple(statements), ((results, None, gradients),))
        now, outer = rev.memory.now, outer_names(function.body)
        again = low.pairs.again
        body = keep_residuals(
            function.body.statements, backward, now, outer, function.table, passed_on=True, many=again
        )
        own = [*self.parameters, *upstream]
        parameters = tuple(Parameter(f"p{i}", v) for i, v in enumerate(own))
        variant.function = replace(function, parameters=parameters, body=body, called=True, again=again)
        refuse_lengths_of_other_trips(function, variant.function, low.host.values())
        variant.chosen = rev.chosen
        others = (v for v in rev.chosen.values() if v is not variant and v.told)
        variant.cautious = rev.cautious or any(v.cautious or v in self.halves.open for v in others)
        return types

    def _seed(self, rev: Reverser, result: Structure, strong: bool) -> Value:
        """The gradient of a result, as the caller gives it."""
        t = gradient_type(type_of(result))
        t = replace(t, python=False) if strong and isinstance(t, Scalar) else t
        upstream = self.function.table.new(t, of=result if isinstance(result, Value) else None)
        if isinstance(result, Value):
            if result in rev.plan.active and result not in rev.adjoints:
                rev.adjoints[result] = upstream
            else:
                rev.accumulate(result, upstream)
        return upstream

    def _type(self, gradient: Structure, of: Value) -> Type:
        t = type_of(gradient)
        if isinstance(t, Array) and isinstance(of.type, Array):
            return replace(t, dims=of.type.dims)
        return Scalar(t.dtype) if isinstance(t, Array) else t
