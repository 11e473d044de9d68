"""Functions that call themselves as often as only the run decides: pairs that call themselves.

Such a function is lowered for the types of its first call, and meets its own call inside. What that gives is
found by trying: at first the inner call does not return, so that the result is what the ways without
recursion give; then it gives that, and so on, until the result stays. Numbers that are known in one call,
and are others in the next, are given at run time. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from revcompile.errors import UnsupportedError
from revcompile.frontend import regained
from revcompile.frontend.absent import must_be_there
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
from revcompile.frontend.paired import Assembly, Lowered
from revcompile.frontend.parts import Inseparable, Parts, identity
from revcompile.gates.halves import Pair, lengths
from revcompile.ir.nodes import Raise, Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Scalar, Type, scalar_type
from revcompile.ir.values import ValueTable
from revcompile.statements.join import CannotJoin, join_types
from revcompile.syntax.abstract import Frame, Left, NeedStatic, Regained
from revcompile.syntax.decisions import Regain, Restart

MANY = 20  # trials after which a recursion's types do not settle


class Widen(Exception):
    """A recursive function is called by itself with what it was not lowered for."""

    def __init__(self, lowered: Lowered, atoms: list[Structure]) -> None:
        self.lowered, self.atoms = lowered, atoms


def call(low: Lowering, node: Node, frame: Frame) -> Structure:
    """The structure that a call denotes; `frame` begins with the arguments' names."""
    try:
        for given in frame.names.values():
            if isinstance(given, Regained):
                must_be_there(low, given)
        parts = parts_of(low, node, frame, together=False)
        return regained.handed_on(low, node, frame, parts, _call(low, node, frame, parts))
    except Inseparable as e:
        raise _refused(node, str(e)) from None


def _call(low: Lowering, node: Node, frame: Frame, parts: Parts) -> Structure:
    function = identity(frame, node)
    for lowered in reversed(low.pairs.attempts):
        if lowered.shape == (function, parts.shape):
            wider = _fitted(low, lowered, parts.atoms)
            if wider is None:
                continue
            if any(a is not b for a, b in zip(wider, lowered.atoms, strict=True)):
                raise Widen(lowered, wider)
            return _emit_inner(low, lowered, parts.atoms)
    for lowered in low.pairs.recursive.get(function, ()):
        if lowered.shape == (function, parts.shape):
            if _fitted(low, lowered, parts.atoms) == lowered.atoms:
                return _checked(low, node, lowered, parts.atoms)
    if len(low.pairs.attempts) > MANY:
        raise _refused(node, "its arguments are something else in each call")
    made = _make_recursive(low, node, frame, parts)
    if made is None:  # it always raises
        return low.body(node, frame)
    low.pairs.recursive.setdefault(function, []).append(made)
    return _checked(low, node, made, parts.atoms)


def _checked(low: Lowering, node: Node, lowered: Lowered, atoms: Sequence[Structure]) -> Structure:
    if not may_be_called(low, lowered):
        raise _refused(node, "it reads an array of the program that was written")
    return emit(low, lowered, atoms)


def _emit_inner(low: Lowering, lowered: Lowered, atoms: Sequence[Structure]) -> Structure:
    """The call of a function by itself."""
    lowered.calls_itself = True
    if lowered.outs is None:
        low.builder.statements.append(Raise((RecursionError, ("unreachable",)), low.builder.line))
        raise Left
    return emit(low, lowered, atoms)


def _fitted(low: Lowering, lowered: Lowered, atoms: Sequence[Structure]) -> list[Structure] | None:
    """The parameters that a pair needs for a call with these parts: its own, where they do already.

    None: it is another function that is called, of other types.
    """
    facts = low.builder.facts
    out: list[Structure] = []
    for v, a in zip(lowered.atoms, atoms, strict=True):
        t = _type(a)
        if not isinstance(v, Value):
            if type(v) is type(a) and repr(v) == repr(a):
                out.append(v)
            elif _alike(scalar_type(v), t):
                out.append(Value(replace(t, extent=None)))
            else:
                return None
            continue
        if not _alike(v.type, t):
            return None
        dims = [
            d if _fits(d, given) else facts.fresh(maybe_one=d.can_be_one or given.can_be_one)
            for d, given in zip(v.type.dims, t.dims, strict=True)
        ]
        same = all(x is y for x, y in zip(dims, v.type.dims, strict=True))
        out.append(v if same else low.builder.table.like(v, with_lengths(v.type, dims), fold=False))
    return out


def _type(atom: Structure) -> Any:
    return atom.type if isinstance(atom, Value) else scalar_type(atom)


def _alike(a: Type, b: Type) -> bool:
    """Whether two types differ in lengths only."""
    if isinstance(a, Array) and isinstance(b, Array):
        return a.dtype == b.dtype and len(a.dims) == len(b.dims)
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return replace(a, extent=None) == replace(b, extent=None)
    return False


def _fits(own: Dim, given: Dim) -> bool:
    if own.size is not None:
        return own.size == given.size
    return own.can_be_one or not given.can_be_one


def _make_recursive(low: Lowering, node: Node, frame: Frame, parts: Parts) -> Lowered | None:
    """The pair of a function that calls itself, for calls like this one. None: it raises before it does."""
    pairs = low.pairs
    types = own_types(low.builder.facts, parts.atoms)
    atoms: list[Structure] = [
        a if t is None else low.builder.table.new(t, name)
        for a, t, name in zip(parts.atoms, types, parts.names, strict=True)
    ]
    outs: list[Type] | None = None
    results: Assembly | None = None
    fresh = True
    for _ in range(MANY):
        given = tuple(range(len(outs or ())))
        lowered = Lowered(
            Pair(name_of(node)),
            (identity(frame, node), parts.shape),
            atoms,
            results,
            outs,
            fresh,
            given=given,
        )
        _prepare(low.builder.table, lowered, parts.names)
        known = dict(pairs.known), {f: list(items) for f, items in pairs.recursive.items()}
        pairs.attempts.append(lowered)
        try:
            lower_alone(low, node, frame, parts, lowered)
        except UnsupportedError:
            if results is None or not regained.nests(results) or regained.decided(low, node, frame):
                raise
            raise Restart(Regain(frame.key(node))) from None
        except Widen as wider:
            if wider.lowered is not lowered:
                raise
            atoms, outs, results, fresh = wider.atoms, None, None, True
            pairs.known, pairs.recursive = known
            continue
        except NeedStatic as need:
            outer = outside(low, need, lowered, parts.atoms)
            raise outer or _not_known(need) from None
        except Left:
            if not lowered.calls_itself:
                return None
            raise _refused(node, "no way through it ends without another call of it") from None
        finally:
            pairs.attempts.pop()
        found = lowered.outs
        assert found is not None and lowered.results is not None
        if results is not None and lowered.results.shape != results.shape:
            if not regained.decided(low, node, frame):
                raise _refused(node, "what it gives differs in kind between the ways through it")
            outs = None  # there is more to it than was thought
        joined = found if outs is None else [_joined(low, a, b) for a, b in zip(outs, found, strict=True)]
        if outs is not None and fresh <= lowered.fresh and all(map(_same, joined, outs)):
            lowered.outs, lowered.fresh = outs, fresh
            finish(lowered, lowered.keep)
            return lowered
        outs, results, fresh = joined, lowered.results, lowered.fresh and fresh
        pairs.known, pairs.recursive = known
    raise _refused(node, "the types of what it is given and gives do not settle")


def _not_known(need: NeedStatic) -> UnsupportedError:
    return UnsupportedError(
        f"a number computed at run time stands where the compiler must know it: {need.what}", need.place
    )


def _prepare(table: ValueTable, lowered: Lowered, names: Sequence[str]) -> None:
    """Name the parameters, and settle what is passed on: its own calls are made before it is done."""
    for v, name in zip(lowered.atoms, names, strict=True):
        if isinstance(v, Value):
            table.name(v, name)
    lowered.keep = tuple(i for i, v in enumerate(lowered.atoms) if isinstance(v, Value))
    lowered.pair.parameters = tuple(lowered.atoms[i] for i in lowered.keep)


def _joined(low: Lowering, a: Type, b: Type) -> Type:
    try:
        return join_types(low.builder.facts, a, b)
    except CannotJoin as e:
        raise UnsupportedError(f"the ways through a recursive function do not agree: {e}") from None


def _same(a: Type, b: Type) -> bool:
    """Whether two types of results are the same, but for lengths that differ from call to call."""
    return _alike(a, b) and all(
        x.size == y.size and x.can_be_one == y.can_be_one
        for x, y in zip(lengths(a), lengths(b), strict=False)
    )


def _refused(node: Node, why: str) -> UnsupportedError:
    return UnsupportedError(
        f"{name_of(node)} calls itself as often as only the run decides, and {why}",
        way_out="Write a loop, or let how deep it goes follow from whole numbers, lengths or containers.",
    )
