"""`vjp` and `linearize`: the function as a pair of its own, whose forward half is called where it stands, and
whose other half is given to the program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from revcompile.frontend import regained
from revcompile.frontend.derivatives import along, chosen, with_aux
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import has_effects, identity
from revcompile.gates.halves import SAVED, Half, Pair, Variant
from revcompile.ir.build import own_parameters
from revcompile.ir.nodes import (
    Block,
    Function,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
    map_structure,
    map_values,
)
from revcompile.ir.renaming import substitute
from revcompile.ir.types import gradient_type, is_float, is_number
from revcompile.syntax.abstract import Left, NeedStatic, Partial


def _pair(low: Lowering, name: str, parameters: Iterable[Value], body: Block) -> Pair:
    """A pair of functions with this body."""
    own = tuple(parameters)
    table = low.builder.table
    function = Function(name, own_parameters(table, own, "x"), body, table, low.spellings)
    pair = Pair(name, own, function)
    made = list(applications(body))
    pair.calls = frozenset(s.function.pair for s in made if isinstance(s.function, Half))
    pair.live = frozenset(body.uses) - set(body.defined) - set(own)
    pair.raises = any(has_effects(s.function) for s in made)
    low.pairs.tangents[pair, frozenset()] = pair
    return pair


def _outside(low: Lowering, need: NeedStatic, own: dict[Value, Value]) -> NeedStatic:
    """What must be known in a function, as what must be known of its arguments."""
    behind = low.builder.ancestors([need.value])
    given = next((a for a, v in own.items() if v in behind), need.value)
    outer = type(need)(given, need.what)
    outer.place, outer.decision = need.place, need.decision
    return outer


class _Alone(NamedTuple):
    """A function on values of its own."""

    own: dict[Value, Value]  # its parameters, by what it is called with
    parameters: list[Structure]  # the arguments, of these
    body: tuple[Statement, ...]
    result: Structure
    name: str


def _alone(
    low: Lowering, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any], run: Callable[..., Structure]
) -> _Alone:
    """What `run` gives of copies of the arguments."""
    table, builder = low.builder.table, low.builder
    own: dict[Value, Value] = {}

    def parameter(leaf: Structure) -> Structure:
        if not isinstance(leaf, Value):
            return leaf
        if not is_float(leaf.type):  # it may have to be known
            return own.setdefault(leaf, leaf)
        return own.setdefault(leaf, table.new(leaf.type, table.hints.get(leaf)))

    def copied(v: Value) -> Structure:
        return low.emit(identity, v) if is_number(v.type) and (is_float(v.type) or v.type.dims) else v

    def number(leaf: Structure) -> Structure:
        return low.emit(identity, leaf) if isinstance(leaf, (float, np.floating)) else leaf

    parameters = [map_structure(parameter, a) for a in (*args, *kwargs.values())]
    before = builder.statements
    try:
        with builder.tentatively() as inner:
            copies = [map_values(copied, p) for p in parameters]
            for new, v in zip(leaves(copies), leaves(parameters), strict=True):
                table.name(new, table.hints.get(v))
            named = dict(zip(kwargs, copies[len(args) :], strict=True))
            result = run(copies[: len(args)], named)
            regained.hand_out(low, result)
            result = map_structure(number, low.resolve(result))
    except NeedStatic as need:
        raise need if low.needed.is_varied(low, need) else _outside(low, need, own) from None
    except Left:  # it always raises: so does this, before there are tangents
        done = tuple(s for s in inner if table.tangents.isdisjoint(s.inputs))
        before.extend(substitute(Block(done), {v: a for a, v in own.items()}).statements)
        raise
    body = Block(tuple(inner), (tuple(leaves(result)),))
    read = {item.value for item in low.host.live.values() if item.path.is_parameter}
    own.update((v, v) for v in body.uses if v in read)  # of an argument that its text is not given
    name = getattr(f, "__name__", "function")
    return _Alone(own, parameters, body.statements, result, name if name.isidentifier() else "function")


def halved(
    low: Lowering,
    f: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    argnums: Any = None,
    has_aux: bool = False,
) -> Structure:
    """The value of `f(*args, **kwargs)`, and what a pullback is made of: see `transforms/operators`.

    The function is a pair of its own, of which the forward half is called here; the backward half is given.
    """
    numbers, bare = chosen(low, f, args, argnums)

    def run(args: list[Structure], named: dict[str, Structure]) -> Structure:
        low.varied |= set(leaves([args[k] for k in numbers]))
        named = {key: low.mutables.adopt(c, copied=True) for key, c in named.items()}
        return low.invoke(f, *(low.mutables.adopt(c, copied=True) for c in args), **named)

    alone = _alone(low, f, args, kwargs, run)
    result, parameters = alone.result, alone.parameters
    outs = tuple(leaves(result))
    pair = _pair(low, alone.name, alone.own.values(), Block(alone.body, (outs,)))
    differentiated = [v for k in numbers for v in leaves(parameters[k]) if is_float(v.type)]
    wanted = frozenset(i for i, p in enumerate(pair.parameters) if p in differentiated)
    count = len(tuple(leaves(with_aux(low, result)[0]))) if has_aux else len(outs)
    seeded = frozenset(i for i, v in enumerate(outs[:count]) if is_float(v.type))
    low.pairs.again = True
    variant = low.halve(pair, wanted, seeded)
    value, saved = _called(low, alone, pair, variant)
    gives = tuple(differentiated.index(pair.parameters[i]) for i in variant.gives)
    backward = (variant.backward, saved) if gives else (None,)
    own_value = result[0] if has_aux else result
    return value, (numbers, bare, _seeds(own_value), gives, *backward)


def linearized(low: Lowering, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """The value of `f(*args, **kwargs)`, and what a function of tangents is made of.

    The value and the tangent are a pair of their own, of which what no tangent enters is called here; what
    makes the tangent is given.
    """
    table = low.builder.table
    tangents: list[Value] = []

    def tangent_of(leaf: Structure) -> Structure:
        if not isinstance(leaf, Value) or not is_float(leaf.type):
            return None
        new = table.new(gradient_type(leaf.type))
        table.derive(new, leaf)
        table.tangents.add(new)
        tangents.append(new)
        return new

    def run(args: list[Structure], named: dict[str, Structure]) -> Structure:
        return along(low, Partial(f, (), named) if named else f, args, map_structure(tangent_of, args))

    alone = _alone(low, f, args, kwargs, run)
    result, tangent = alone.result
    outs, ends = tuple(leaves(result)), tuple(leaves(tangent))
    parameters = (*alone.own.values(), *tangents)
    pair = _pair(low, alone.name, parameters, Block(alone.body, ((*outs, *ends),)))
    low.pairs.again = True
    variant = low.part(pair, len(outs))
    pair.parameters = pair.parameters[: len(alone.own)]
    value, saved = _called(low, alone._replace(result=result), pair, variant)
    varying = map_structure(lambda leaf: isinstance(leaf, Value), tangent)
    return value, (_seeds(args), varying, variant.backward, saved)


def _seeds(structure: Structure) -> Structure:
    """Which leaves are real numbers of the run."""
    return map_structure(lambda leaf: isinstance(leaf, Value) and is_float(leaf.type), structure)


def _called(low: Lowering, alone: _Alone, pair: Pair, variant: Variant) -> tuple[Structure, Value]:
    """What a call of the forward half gives, and what it saves."""
    results = [Value(v.type) for v in leaves(alone.result)]
    saved = low.builder.table.new(SAVED, f"saved_{pair.name}")
    low.builder.apply(pair.call, tuple(alone.own), (*results, saved))
    low.pairs.chosen[saved] = variant
    rest = iter(results)
    return low.mutables.adopt(map_values(lambda _: next(rest), alone.result)), saved
