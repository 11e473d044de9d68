"""Calls of the user's functions: which are interpreted where they stand, and which are calls of a pair.

A function that is not small is lowered on its own, once for each signature, into a `Pair`; so is a function
that calls itself as often as only the run decides. How long a function is shows when it is lowered, at its
first call. What shows later only (it is called twice within itself, or it is recursive) is a reason to lower
all again, with the decision `AsPair` or `AsRecursion`. All other calls are
interpreted in place: of small functions, of a function in itself as often as is known while compiling (but
for what is so called twice), and of what is not provably a function of its arguments alone, since it writes
into them, gives a part of them, or draws random numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from types import FunctionType
from typing import Any, cast

from revcompile.errors import HostError, UnsupportedError
from revcompile.frontend import recursive
from revcompile.frontend.alone import (
    Node,
    emit,
    finish,
    lower_alone,
    may_be_called,
    name_of,
    outside,
    own_types,
    parts_of,
    with_lengths,
)
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import is_library
from revcompile.frontend.paired import Inlined, Lowered, Where
from revcompile.frontend.parts import Inseparable, Parts, identity
from revcompile.gates.halves import Half, Pair
from revcompile.ir.nodes import Apply, Block, Structure, Value, applications
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Scalar, Type
from revcompile.syntax.abstract import Frame, Left, NeedShape, NeedStatic, Regained
from revcompile.syntax.decisions import AsPair, AsRecursion, Restart
from revcompile.syntax.source import find_source

SMALL = 12  # applications up to which a function is interpreted where it is called
OF_A_CALL = 20  # operations of the interpreter's that a call costs
FEW = 5  # operations in the text of a function that is taken to be small before it is interpreted
MANY = 100
LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)
OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.AugAssign, ast.BoolOp, ast.If)


def call(low: Lowering, node: Node, frame: Frame) -> Structure:
    """The structure that a call denotes; `frame` begins with the arguments' names."""
    if frame.is_rule:
        return low.body(node, frame)
    low.work(OF_A_CALL)
    if low.pairs.again:
        low.pairs.again = False
        return _call_again(low, node, frame)
    if AsRecursion(frame.key(node)) in low.decisions:
        return recursive.call(low, node, frame)
    if own_calls(node) and all(f.activation != frame.key(node) for f in low.frames):
        return _outermost(low, node, frame)
    return _call(low, node, frame)


def _outermost(low: Lowering, node: Node, frame: Frame) -> Structure:
    """A call of a function that calls itself. If only the run decides how deep that goes, it is decided here;
    so is for which whole numbers it is compiled."""
    decision = AsRecursion(frame.key(node))
    names = frame.names
    if any(isinstance(given, Regained) for given in names.values()):
        low.decisions.make(decision)
    while low.decisions.may_make(decision):
        inner = replace(frame, names=dict(names), unset=set(), outer={})
        try:
            with low.tentatively():
                result = _call(low, node, inner)
            low.decisions.miss(decision)
            return result
        except Restart as restart:
            if restart.decisions != {decision}:
                raise
            low.decisions.make(decision)
        except NeedStatic as need:
            if need.decision != decision:
                raise
            known = _specialized(low, need, names)
            if known is not None:
                names = known
            elif low.needed.note(low, need):
                raise
            else:
                low.decisions.make(decision)
    if decision in low.decisions:
        return recursive.call(low, node, replace(frame, names=dict(names)))
    return _call(low, node, frame)


def _specialized(low: Lowering, need: NeedStatic, names: dict[str, Structure]) -> dict[str, Structure] | None:
    """The names of arguments, with what must be known of them; None where it cannot be, or is already."""
    facts, given = low.builder.facts, need.value

    def known() -> Any:
        if not isinstance(need, NeedShape):
            return low.needed.at_hand(low, given)
        return None if any(facts.size_of(d) is None for d in given.type.dims) else given

    is_known = isinstance(need, NeedShape) and known() is not None
    if (
        is_known
        or all(v is not given for v in names.values())
        or not low.needed.may_specialize(low, need, known)
    ):
        return None
    found = low.needed.specialize(low, need, known)
    return {name: found if v is given else v for name, v in names.items()}


def _call_again(low: Lowering, node: Node, frame: Frame) -> Structure:
    """The call of a pair whose inside is computed again in the backward pass."""
    pairs = low.pairs
    refused = UnsupportedError(
        f"{name_of(node)} is no function of its arguments alone: it cannot be computed again",
        way_out="Let it take what it reads as arguments, write into none, and draw nothing at random.",
    )
    try:
        parts = parts_of(low, node, frame, together=True)
    except Inseparable:
        raise refused from None
    key, types = _signature(low, ("again", *identity(frame, node)), parts)
    if key not in pairs.known:
        inner = replace(frame, names=dict(frame.names))
        pairs.known[key] = _make(low, node, inner, parts, types, decided=True, again=True)
    lowered = pairs.known[key]
    if lowered is None or not may_be_called(low, lowered):
        low.body(node, frame)  # which says what else may be the reason
        raise refused
    return emit(low, lowered, parts.atoms)


def _call(low: Lowering, node: Node, frame: Frame) -> Structure:
    pairs = low.pairs
    if pairs.closed or low.frames[-1].function.__dict__.get("interpreted"):
        return low.body(node, frame)
    try:
        parts = parts_of(low, node, frame, together=True)
    except Inseparable:
        return low.body(node, frame)
    key, types = _signature(low, identity(frame, node), parts)
    decided = AsPair(key) in low.decisions
    if decided or key in pairs.known or key in pairs.large or _may_be_large(low, node, frame, key):
        names = None
        if key in pairs.needs:
            at, needed = pairs.needs[key]
            names = _specialized(low, needed.of(cast(Value, parts.atoms[at])), frame.names)
        elif key not in pairs.known:
            pairs.around.append(Inlined(key, tuple(pairs.around)))
            try:
                pairs.known[key] = _make(low, node, frame, parts, types, decided)
                if _wished(low, key, types):
                    key, types = _signature(low, identity(frame, node), parts)
                    if key not in pairs.known:
                        pairs.known[key] = _make(low, node, frame, parts, types, decided)
            except NeedStatic as need:
                names = _specialized(low, need, frame.names)
                if names is None and need.decision is not None:
                    raise
                pairs.known[key] = None
                pairs.needs[key] = next(i for i, a in enumerate(parts.atoms) if a is need.value), need
            finally:
                pairs.around.pop()
        if names is not None:
            return _call(low, node, replace(frame, names=names))
        lowered = pairs.known[key]
        if lowered is not None and may_be_called(low, lowered):
            if not decided and key in pairs.large:
                pairs.found.add(key)
            return emit(low, lowered, parts.atoms)
    return _inline(low, node, frame, key)


def _may_be_large(low: Lowering, node: Node, frame: Frame, key: Any) -> bool:
    """Whether to find out at the first call how long a function is.

    One that is being interpreted waits, if it calls itself once: most such are interpreted in place.
    """
    function, *_ = key
    if own_calls(node) < 2 and any(outer.key[0] == function for outer in low.pairs.around):
        return False
    return bool(own_calls(node)) or _weight(low, node, frame) > FEW


def _weight(low: Lowering, node: Node, frame: Frame) -> int:
    """About how many statements the text of a function gives, with those of what it calls by name."""
    return _weight_of(node, frame.function, low.pairs.weights)


def _weight_of(node: ast.AST, function: Any, known: dict[ast.AST, int]) -> int:
    if node not in known:
        known[node] = found = _operations(node)
        for name in _called(node) if found <= FEW else ():
            inner = function.__globals__.get(name)
            if isinstance(inner, FunctionType) and not is_library(inner):
                with suppress(UnsupportedError):  # which is said where it is called
                    found += _weight_of(find_source(inner).node, inner, known)
        known[node] = found
    return known[node]


@lru_cache(maxsize=256)
def _called(node: ast.AST) -> tuple[str, ...]:
    """The functions that a text calls by name, as often as it does."""
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return tuple(f.id for f in calls if isinstance(f, ast.Name))


@lru_cache(maxsize=256)
def own_calls(node: Node) -> int:
    """How often a function calls itself in its text; more than once where it does in a loop."""
    name = name_of(node)

    def count(part: ast.AST) -> int:
        calls = [n.func for n in ast.walk(part) if isinstance(n, ast.Call)]
        by_name = sum(isinstance(f, ast.Name) and f.id == name for f in calls)
        methods = (f for f in calls if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name))
        return by_name + sum(f.attr == name for f in methods)

    return count(node) + sum(count(part) for part in ast.walk(node) if isinstance(part, LOOPS))


def _length(low: Lowering, made: Iterable[Apply]) -> int:
    """How many applications there would be if all functions were interpreted in place."""
    lengths = low.pairs.lengths
    return sum(lengths.get(s.function.pair, 1) if isinstance(s.function, Half) else 1 for s in made)


@lru_cache(maxsize=256)
def _operations(node: Node) -> int:
    """About how many statements the text of a function gives; many, where it has loops."""
    return sum(MANY if isinstance(n, LOOPS) else isinstance(n, OPERATIONS) for n in ast.walk(node))


def _inline(low: Lowering, node: Node, frame: Frame, key: Any) -> Structure:
    pairs, statements = low.pairs, low.builder.statements
    start = len(statements)
    record = Inlined(key, tuple(pairs.around))
    at = len(pairs.inlined)
    pairs.around.append(record)
    try:
        return low.body(node, frame)
    finally:
        pairs.around.pop()
        made = list(applications(Block(tuple(statements[start:]))))
        if _length(low, made) > SMALL:
            record.witness = next((v for s in reversed(made) for v in s.outputs), None)
            pairs.large.add(key)
            pairs.inlined.insert(at, record)


# -- signatures ----------------------------------------------------------------------------------


def _signature(low: Lowering, function: Any, parts: Parts) -> tuple[Any, list[Type | None]]:
    """What calls must have in common to run the same code; and the types of its parameters."""
    types = own_types(low.builder.facts, parts.atoms)
    keys = [_key(a, t) for a, t in zip(parts.atoms, types, strict=True)]
    key = (function, parts.shape, tuple(keys))
    alike = low.pairs.alike.get(key, ())
    if alike and all([low.builder.facts.alike(*(_length_at(parts.atoms, w) for w in two)) for two in alike]):
        return (*key, "alike"), _made_alike(types, alike)
    return key, types


def _wished(low: Lowering, key: Any, types: Sequence[Type | None]) -> bool:
    """Whether a function had better take lengths of its arguments to be equal; it is noted which."""
    stand = {d.symbol: (i, axis) for i, t in enumerate(types) if t for axis, d in enumerate(t.dims)}
    wished = [(stand[a], stand[b]) for a, b in low.builder.facts.wished if a in stand and b in stand]
    if wished:
        low.pairs.alike[key] = wished
    return bool(wished)


def _length_at(atoms: Sequence[Structure], where: Where) -> Dim:
    i, axis = where
    atom = atoms[i]
    assert isinstance(atom, Value)
    return atom.type.dims[axis]


def _made_alike(types: Sequence[Type | None], alike: Sequence[tuple[Where, Where]]) -> list[Type | None]:
    """The types in which lengths that are alike are one."""
    new = list(types)
    for (i, axis), (k, other) in alike:
        one, two = new[i], new[k]
        assert one is not None and two is not None
        first, second = one.dims[axis].symbol, two.dims[other].symbol
        for n, t in enumerate(new):
            if t is not None and t.dims:
                new[n] = with_lengths(
                    t, (replace(d, symbol=first) if d.symbol == second else d for d in t.dims)
                )
    return new


def _key(atom: Structure, t: Type | None) -> Any:
    """The same for atoms that may stand for one another: numbers that are known must be equal."""
    if not isinstance(t, (Scalar, Array)):
        return type(atom), repr(atom)
    kinds = (t.varies, t.others) if isinstance(t, Scalar) else None
    dims = tuple((d.size, d.can_be_one) for d in t.dims)
    return type(t), t.dtype.str, getattr(t, "python", None), kinds, dims


# -- lowering a function on its own --------------------------------------------------------------


def _make(
    low: Lowering,
    node: Node,
    frame: Frame,
    parts: Parts,
    types: list[Type | None],
    decided: bool,
    again: bool = False,
) -> Lowered | None:
    """The pair of a function, whose inside may be computed again in the backward pass.

    None: it is not a function of its arguments alone, or small.
    """
    atoms = [
        a if t is None else low.builder.table.new(t, name)
        for a, t, name in zip(parts.atoms, types, parts.names, strict=True)
    ]
    lowered = Lowered(Pair(name_of(node), again=again), parts.shape, atoms)
    low.pairs.making += 1
    try:
        lower_alone(low, node, frame, parts, lowered)
    except NeedStatic as need:
        outer = outside(low, need, lowered, parts.atoms)
        if outer is None:
            return None
        raise outer from None
    except (Inseparable, Left, NotImplementedError, HostError, UnsupportedError):
        return None
    finally:
        low.pairs.making -= 1
    body = lowered.pair.function.body  # type: ignore[union-attr]
    low.pairs.lengths[lowered.pair] = length = _length(low, applications(body))
    if not decided and length <= SMALL:
        return None
    used = set(body.uses)
    finish(lowered, [i for i, a in enumerate(atoms) if isinstance(a, Value) and a in used])
    return lowered if (lowered.fresh or again) and lowered.outs else None
