"""Forward mode: the tangent of each value beside the statement that computes it.

A gate's tangent is the sum of its local gradients times its operands' tangents; where it has a backward rule
instead, which is linear in the upstream gradient, that is transposed: what the rule makes of an upstream
gradient is differentiated in reverse, and what comes back to it is the tangent. Blocks carry the tangents of
what they carry. Nothing is remembered for later: a loop keeps the tangents of one trip.
Imports the front end, the IR and `reverse`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from revcompile.autodiff.formulas import applied, times_upstream
from revcompile.autodiff.plan import make_plan
from revcompile.autodiff.restored import Restored
from revcompile.autodiff.reverse import learn, runs_as_it_is, zero_like
from revcompile.autodiff.shapes import cast, stretch
from revcompile.autodiff.transpose import NOTHING, product, transpose
from revcompile.dataflow.knowledge import Calls
from revcompile.dataflow.presence import missing
from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.gates.creation import zeros_for
from revcompile.gates.effects import identity
from revcompile.gates.halves import SAVED, Half, Pair
from revcompile.gates.record import Gate
from revcompile.gates.storing import store
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.build import own_parameters
from revcompile.ir.nodes import (
    EMPTY,
    UNDEFINED,
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
    applications,
    leaves,
    map_structure,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Opaque, Rows, Scalar, Type, gradient_type, is_float, is_number
from revcompile.runtime import zero_rows
from revcompile.statements import probe
from revcompile.statements.join import alike, type_of
from revcompile.statements.loop_lists import KINDS, LIST
from revcompile.syntax.decisions import OfArguments, Restart

Prepare = Callable[[Function], Function]


def push_forward(
    function: Function, tangents: Mapping[Value, Structure], low: Lowering, prepare: Prepare
) -> Function:
    """The function whose result is `(value, tangent)`, if these are the tangents of some of its values.

    `prepare` makes a function ready to be differentiated.
    """
    with _Forward.begun(low, prepare(function), dict(tangents), prepare) as forward:
        forward.block(forward.function.body.statements)
        value = forward.function.result
        yields = ((value, map_structure(forward.of_result, value)),)
    return forward.done(yields)


class _Forward:
    """Emits the statements of a function again, each with those of its tangents."""

    def __init__(
        self, low: Lowering, function: Function, tangents: dict[Value, Structure], prepare: Prepare
    ) -> None:
        self.low, self.function, self.tangents, self.prepare = low, function, tangents, prepare
        self.plan = make_plan(function, tangents, function.result, Calls(), NOTHING)
        self.missing = missing(function.body)  # what may be None
        self.builder = low.builder
        self.table = low.builder.table
        self.statements: list[Statement] = []

    @classmethod
    @contextmanager
    def begun(
        cls, low: Lowering, function: Function, tangents: dict[Value, Structure], prepare: Prepare
    ) -> Iterator[_Forward]:
        """What emits the statements of a function of its own."""
        memory, given, line, note = low.memory, low.given, low.builder.line, low.builder.note
        low.memory = Restored(function.body, low.builder.table)
        arguments = (v for p in function.parameters for v in leaves(p.structure))
        low.given = tuple(v for v in arguments if isinstance(v.type, Array))
        try:
            with low.builder.apart() as statements:
                forward = cls(low, function, tangents, prepare)
                forward.statements = statements
                yield forward
        finally:
            low.memory, low.given, low.builder.line, low.builder.note = memory, given, line, note

    def done(self, yields: tuple[Structure, ...]) -> Function:
        """The function with its tangents, which gives this."""
        body = Block(tuple(self.statements), yields)
        self.table.derived.update(set(body.defined) - set(self.function.body.defined))
        return replace(self.function, body=body)

    # -- tangents -----------------------------------------------------------------------------

    def of_result(self, leaf: Structure) -> Structure:
        """The tangent of a leaf of the result: None of what is no number that varies smoothly."""
        if isinstance(leaf, Value):
            if not is_number(leaf.type) or (not is_float(leaf.type) and leaf not in self.tangents):
                return None
            return self._exact(self.of(leaf), leaf)
        return 0.0 if isinstance(leaf, (float, np.floating)) else None

    def of(self, atom: Structure) -> Structure:
        """The tangent of a number or an array: zeros where it follows none of those that vary."""
        if isinstance(atom, Value):
            found = self.tangents.get(atom)
            if found is None and isinstance(atom.type, Rows):
                return self.low.emit(zero_rows, atom)
            if found is None and isinstance(atom.type, Opaque):
                raise UnsupportedError(
                    "differentiating the gradient of this loop again, in a direction, is not supported"
                )
            if found is None and atom in self.missing and atom.type.dims:
                return self.low.emit(zeros_for, atom)
            return zero_like(self.low, atom) if found is None else found
        return atom if atom is None or atom is UNDEFINED or atom is EMPTY else 0.0

    def _exact(self, tangent: Structure, of: Value) -> Structure:
        """A tangent with the type of its value, as it is returned."""
        t = gradient_type(of.type)
        have = tangent.type if isinstance(tangent, Value) else None
        if isinstance(t, Scalar) and t.python and not (isinstance(have, Scalar) and have.python):
            return tangent if have is None else self.low.apply(float, (tangent,), {})
        if isinstance(t, Scalar) and not t.python and not (isinstance(have, Scalar) and not have.python):
            return self.low.apply(t.dtype.type, (tangent,), {})
        return tangent

    def _note(self, value: Value, tangent: Structure) -> None:
        """Take a tangent for that of `value`, under a name that says so."""
        if not isinstance(tangent, Value):
            self.tangents[value] = tangent
            return
        last = self.builder.statements[-1] if self.builder.statements else None
        fresh = isinstance(last, Apply) and tangent in last.outputs
        if not (fresh and self.table.is_temporary(tangent)):
            tangent = self.low.emit(identity, tangent)
        self._name(tangent, value)
        self.table.fold(tangent, value not in self.table.unfolded)
        self.tangents[value] = tangent

    def _name(self, tangent: Value, value: Value) -> Value:
        self.table.primals[tangent] = value
        self.table.tangents.add(tangent)
        return tangent

    def _new(self, value: Value) -> Value:
        """What holds the tangent of a value that a block gives or is given."""
        t: Type = value.type
        if isinstance(t, Rows):
            t = replace(t, dtype=t.dtype if t.dtype.kind == "f" else np.dtype(float))
        elif isinstance(t, (Scalar, Array)):
            t = gradient_type(t)
        new = self.table.new(t)
        if value in self.table.unset:
            self.table.unset[new] = None
        return self._name(new, value)

    def _varies(self, value: Value) -> bool:
        """Whether what a block gives, or is given, has a tangent."""
        return value in self.plan.active and value.type != SAVED

    # -- statements ---------------------------------------------------------------------------

    def block(self, statements: Sequence[Statement]) -> None:
        for s in statements:
            self.builder.line, self.builder.note = s.line, ""
            FORMS[type(s)](self, s)

    def emit(self, statement: Statement) -> None:
        self.builder.statements.append(statement)

    def apply(self, s: Apply) -> None:
        gate = TABLE[s.function]
        calls = gate.kind is Kind.CALL  # of a pair, which passes on what has no tangent but varies
        known = self.plan.active if calls or gate.last else self.tangents
        varies = any(v in known for v in s.inputs) and any(v in self.plan.active for v in s.outputs)
        if not (varies and calls):
            self.emit(s)
        if gate.kind is Kind.PROBE:
            probe.tell(self.builder, s, self.tangents)
        if not varies:
            return
        self.builder.note = "" if gate.kind is Kind.PART else f"{gate.name} gate"
        if gate.kind in OPERATIONS:
            OPERATIONS[gate.kind](self, s)
        elif gate.tangent is not None:
            self._by_tangent_rule(gate, gate.tangent, s)
        elif gate.backward is not None:
            self._of_pair(s)
        elif gate.last:
            raise runs_as_it_is(gate)
        elif gate.locals is not None and not any(isinstance(v.type, Rows) for v in s.inputs):
            self._elementwise(gate, s)
        elif gate.linear or gate.locals is not None:  # of a list, a copy is an array
            self._linear(gate.linear or ((0,),), s)
        else:
            self._transposed(gate, s)

    def _elementwise(self, gate: Gate, s: Apply) -> None:
        """The sum of the operands' tangents times the local gradients."""
        assert gate.locals is not None
        total: Structure = None
        names = dict(zip(gate.locals, s.args, strict=True))
        for operand, formula in gate.locals.items():
            tangent = self._tangent_of(names[operand])
            scaled = times_upstream(formula) if tangent is not None else None
            if scaled is not None:
                found = applied(self.low, scaled, {**names, "y": s.result, "grad_y": tangent})
                total = found if total is None else self.low.apply(operator.add, (total, found), {})
        if total is not None and len(gate.locals) == 1:  # of the shape of the operand
            self._note(s.result, cast(self.low, total, gradient_type(s.result.type)))
        elif total is not None:
            self._take(s.result, total)

    def _tangent_of(self, atom: Structure) -> Structure:
        return self.tangents.get(atom) if isinstance(atom, Value) else None

    def _take(self, value: Value, tangent: Structure) -> None:
        """The tangent of what a gate gives, in the shape and dtype of that."""
        t = gradient_type(value.type)
        self._note(value, cast(self.low, stretch(self.low, tangent, value), t))

    def _linear(self, together: Sequence[tuple[int, ...]], s: Apply) -> None:
        """What a linear gate makes of its operands' tangents; the sum of that, if of one at a time."""
        totals: list[Structure] = [None for _ in s.outputs]
        for places in together:
            if not any(v in self.tangents for i in places for v in leaves(s.args[i])):
                continue
            args = tuple(map_structure(self.of, a) if i in places else a for i, a in enumerate(s.args))
            made = leaves(self.low.emit(s.function, *args))
            for i, tangent in enumerate(made):
                known = totals[i]
                totals[i] = tangent if known is None else self.low.apply(operator.add, (known, tangent), {})
        for value, total in zip(s.outputs, totals, strict=True):
            if value in self.plan.active:
                self._note(value, total)

    def _by_tangent_rule(self, gate: Gate, rule: Callable[..., Any], s: Apply) -> None:
        """What the gate's own rule of forward mode makes of its operands' tangents."""
        result = s.result[0] if gate.backward is not None else s.result
        operands = dict(zip(gate.signature.parameters, s.args, strict=True))
        left_out = [a for name, a in operands.items() if name not in gate.tangent_operands]
        if any(v in self.tangents for v in leaves(left_out)):
            raise UnsupportedError(f"the tangent rule of {gate.name} takes no tangent of this argument")
        given = [map_structure(self.of, operands[name]) for name in gate.tangent_operands]
        output = [result] if gate.tangent_wants_output else []
        positional, keywords = gate.split(s.args)
        found = self.low.run_rule(rule, (*given, *output, *positional), keywords)
        for value, tangent in _beside(gate, result, found):
            if value in self.plan.active and is_float(value.type) and tangent is not None:
                self._take(value, tangent)

    def _of_pair(self, s: Apply) -> None:
        """The tangent of one number that a pair of the user's gives: its gradients times the tangents."""
        value, _ = s.result
        tangents = {v: self._array(v) for v in s.inputs if v in self.tangents}
        self._take(value, product(self.low, s, tangents))

    def _transposed(self, gate: Gate, s: Apply) -> None:
        found = transpose(self.low, s, {v: self._array(v) for v in s.inputs if v in self.tangents})
        for value, tangent in found:
            self._take(value, tangent)

    def _array(self, v: Value) -> Structure:
        """The tangent of a value; of a list, as an array."""
        tangent = self.tangents[v]
        is_list = isinstance(tangent, Value) and isinstance(tangent.type, Rows)
        return self.low.apply(np.array, (tangent,), {}) if is_list else tangent

    def store(self, s: Apply) -> None:
        array, path, value = s.args
        after, old = s.result
        made = self.low.emit(store, self.of(array), path, self.of(value))
        for v, tangent in zip((after, old), made, strict=True):
            self._name(tangent, v)
            self.table.fold(tangent, False)
            self.tangents[v] = tangent

    def hook(self, s: Apply) -> None:
        """What is done with a gradient is nothing to a tangent."""
        self._note(s.result, self.of(s.args[0]))

    def branch(self, s: Branch) -> None:
        varying = [r for r in s.results if self._varies(r)]
        sides = []
        for block in s.blocks:
            known = dict(self.tangents)
            with self.builder.block() as statements:
                learn(block, self.builder.facts)
                self.block(block.statements)
                pairs = zip(block.yields, s.results, strict=False)  # a side that raises ends with nothing
                ends = [self._end(end, result) for end, result in pairs if self._varies(result)]
            sides.append(Block(tuple(statements), (*block.yields, *ends)))
            self.tangents = known
        new = [self._new(r) for r in varying]
        sides = [side if side.raises else self._alike(side, new) for side in sides]
        self.tangents.update(zip(varying, new, strict=True))
        self.emit(replace(s, then=sides[0], orelse=sides[1], results=(*s.results, *new)))

    def _alike(self, block: Block, new: Sequence[Value]) -> Block:
        """A block whose last yields are of the types of these."""
        statements, n = list(block.statements), len(block.yields) - len(new)
        ends = [
            alike(self.low, statements, end, v.type) for end, v in zip(block.yields[n:], new, strict=True)
        ]
        return Block(tuple(statements), (*block.yields[:n], *ends))

    def loop(self, s: Loop) -> None:
        varying = [i for i, p in enumerate(s.params) if self._varies(p)]
        params = [self._new(s.params[i]) for i in varying]
        inits = [self._end(s.inits[i], s.params[i]) for i in varying]
        inits = [
            alike(self.low, self.builder.statements, init, p.type) if isinstance(init, Value) else init
            for init, p in zip(inits, params, strict=True)
        ]
        each = list(s.each)
        for item, one in s.each:
            if one.kind in KINDS and one.args[0] in self.tangents:
                tangent = self._new(item)
                self.tangents[item] = tangent
                each.append((tangent, Each(one.kind, (self.tangents[one.args[0]], *one.args[1:]))))
        self.tangents.update(zip((s.params[i] for i in varying), params, strict=True))
        test = None if s.test is None else self._inside(s.test)
        with self.builder.block() as statements:
            learn(s.body, self.builder.facts)
            self.block(s.body.statements)
            *ends, stop = s.body.yields
            last = [self._end(ends[i], s.params[i]) for i in varying]
        last = [alike(self.low, statements, end, p.type) for end, p in zip(last, params, strict=True)]
        results = [self._new(s.results[i]) for i in varying]
        self.tangents.update(zip((s.results[i] for i in varying), results, strict=True))
        saves = list(s.saves)
        for v, saved in s.saves:
            if v in self.tangents:
                self.tangents[saved] = self._name(self.table.new(LIST), saved)
                saves.append((self.tangents[v], self.tangents[saved]))
        self.emit(
            replace(
                s,
                each=tuple(each),
                test=test,
                inits=(*s.inits, *inits),
                params=(*s.params, *params),
                body=Block(tuple(statements), (*ends, *last, stop)),
                results=(*s.results, *results),
                saves=tuple(saves),
            )
        )

    def _inside(self, block: Block) -> Block:
        with self.builder.block() as statements:
            learn(block, self.builder.facts)
            self.block(block.statements)
        return Block(tuple(statements), block.yields)

    def _end(self, end: Structure, param: Value) -> Structure:
        """The tangent of what a trip begins or ends with."""
        if end is None or end is UNDEFINED or end is EMPTY or isinstance(end, Value):
            return self.of(end)
        return zero_like(self.low, param) if param.type.dims else 0.0

    def call(self, s: Apply) -> None:
        """The call of a pair, which gives the tangents too, in place of that of the primal."""
        half = s.function
        assert isinstance(half, Half)
        if half.kind != "call":
            raise Restart(OfArguments())
        *outs, saved = s.result
        wanted = frozenset(i for i, a in enumerate(s.args) if isinstance(a, Value) and a in self.tangents)
        pair = self._pair(half.pair, wanted)
        own = pair.parameters[len(s.args) :]
        given = [
            alike(self.low, self.builder.statements, self.tangents[s.args[i]], p.type)
            for i, p in zip(sorted(wanted), own, strict=True)
        ]
        floats = [v for v in outs if is_float(v.type)]
        new = [self._new(v) for v in floats]
        self.builder.note = ""
        self.builder.apply(pair.call, (*s.args, *given), (*outs, *new, saved))
        self.tangents.update(zip(floats, new, strict=True))

    def _pair(self, primal: Pair, wanted: frozenset[int]) -> Pair:
        """The pair of which a call gives the results of another one, and their tangents, for those of some of
        its parameters."""
        known = self.low.pairs.tangents
        if (primal, wanted) in known:
            return known[primal, wanted]
        assert primal.function is not None
        parameters = [primal.parameters[i] for i in sorted(wanted)]
        own = [self._new(p) for p in parameters]
        all_of_them = (*primal.parameters, *own)
        pair = Pair(f"jvp_{primal.name}", all_of_them, None, primal.equal, primal.compared, along=primal)
        known[primal, wanted] = pair
        tangents = dict(zip(parameters, own, strict=True))
        with self.begun(self.low, self.prepare(primal.function), tangents, self.prepare) as forward:
            forward.block(forward.function.body.statements)
            results = forward.function.result
            ends = [forward.of(r) for r in results if is_float(type_of(r))]
            types = [gradient_type(type_of(r)) for r in results if is_float(type_of(r))]
            ends = [alike(self.low, forward.statements, e, t) for e, t in zip(ends, types, strict=True)]
        function = forward.done(((*results, *ends),))
        pair.function = replace(function, parameters=own_parameters(self.table, all_of_them, "p"))
        pair.calls = frozenset(
            f.pair for f in (s.function for s in applications(function.body)) if isinstance(f, Half)
        )
        pair.live, pair.raises = primal.live, primal.raises
        return pair


def _beside(gate: Gate, result: Structure, tangent: Structure) -> Iterator[tuple[Value, Structure]]:
    """The values that a gate gives, each with what its tangent rule gives for that."""
    if isinstance(result, Value):
        result, tangent = (result,), () if isinstance(tangent, (tuple, list)) else (tangent,)
    if not isinstance(tangent, (tuple, list)) or len(tangent) != len(result):
        raise UnsupportedError(
            f"the tangent rule of {gate.name} must return one tangent for each of its results: {len(result)}"
        )
    for value, own in zip(result, tangent, strict=True):
        if isinstance(value, Value):
            yield value, own


FORMS: dict[type, Callable[[_Forward, Any], None]] = {
    Apply: _Forward.apply,
    Branch: _Forward.branch,
    Loop: _Forward.loop,
    Raise: _Forward.emit,
}
OPERATIONS: dict[Any, Callable[[_Forward, Apply], None]] = {
    Kind.STORE: _Forward.store,
    Kind.CALL: _Forward.call,
    Kind.HOOK: _Forward.hook,
}
