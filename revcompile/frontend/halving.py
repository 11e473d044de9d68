"""`vjp`: the function as a pair of its own, whose forward half is called where it stands, and whose backward
half is given to the program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from revcompile.frontend.derivatives import chosen, with_aux
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import has_effects, identity
from revcompile.gates.halves import SAVED, Half, Pair
from revcompile.ir.build import own_parameters
from revcompile.ir.nodes import (
    Block,
    Function,
    Structure,
    Value,
    applications,
    leaves,
    map_structure,
    map_values,
    substitute,
)
from revcompile.ir.types import is_float, is_number
from revcompile.syntax.abstract import Left, NeedStatic


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
            low.varied |= set(leaves([copies[k] for k in numbers]))
            given = [low.mutables.adopt(c, copied=True) for c in copies]
            named = dict(zip(kwargs, given[len(args) :], strict=True))
            result = low.invoke(f, *given[: len(args)], **named)
            result = map_structure(number, low.resolve(result))
    except NeedStatic as need:
        raise need if low.needed.is_varied(low, need) else _outside(low, need, own) from None
    except Left:  # it always raises: so does this
        before.extend(substitute(Block(tuple(inner)), {v: a for a, v in own.items()}).statements)
        raise
    outs = tuple(leaves(result))
    name = getattr(f, "__name__", "function")
    pair = _pair(low, name if name.isidentifier() else "function", own.values(), Block(tuple(inner), (outs,)))
    differentiated = [v for k in numbers for v in leaves(parameters[k]) if is_float(v.type)]
    wanted = frozenset(i for i, p in enumerate(pair.parameters) if p in differentiated)
    count = len(tuple(leaves(with_aux(low, result)[0]))) if has_aux else len(outs)
    seeded = frozenset(i for i, v in enumerate(outs[:count]) if is_float(v.type))
    low.pairs.again = True
    variant = low.halve(pair, wanted, seeded)
    results = [Value(v.type) for v in outs]
    saved = table.new(SAVED, f"saved_{pair.name}")
    builder.apply(pair.call, tuple(own), (*results, saved))
    low.pairs.chosen[saved] = variant
    rest = iter(results)
    value = low.mutables.adopt(map_values(lambda _: next(rest), result))
    gives = tuple(differentiated.index(pair.parameters[i]) for i in variant.gives)
    backward = (variant.backward, saved) if gives else (None,)
    own_value = result[0] if has_aux else result
    seeds = map_structure(lambda leaf: isinstance(leaf, Value) and is_float(leaf.type), own_value)
    return value, (numbers, bare, seeds, gives, *backward)
