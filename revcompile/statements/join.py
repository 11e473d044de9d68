"""Where two ways of a program meet: one structure, one type, one state of the arrays for either.

Used by branches and loops. Imports the IR and the interpreter's interface.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from revcompile.errors import an
from revcompile.gates.rows import OfOtherKind, either, rows_of
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import (
    EMPTY,
    UNDEFINED,
    Instance,
    Structure,
    Value,
    leaves,
    like,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Dim, Opaque, Rows, Scalar, Type, scalar_type
from revcompile.ir.values import NONE
from revcompile.statements.exits import NOTES, RESULT
from revcompile.syntax.abstract import Poison, Regained
from revcompile.syntax.decisions import Decision
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.memory import Memory
from revcompile.syntax.mutable import ContentsName

Pair = tuple[Structure, Structure, Value]  # what either way gives, and the value that stands for both


class Unset:
    """What a name is on a way on which it was not assigned."""

    def __repr__(self) -> str:
        return "unset"


UNSET = Unset()


class CannotJoin(Exception):
    """The two ways leave things of different structure."""


# -- structures ------------------------------------------------------------------------------------


def join_names(
    low: Interpreter,
    then: dict[str, Structure],
    orelse: dict[str, Structure],
    pairs: list[Pair],
    decision: Decision | None,
) -> dict[str, Structure]:
    """The names after either way. One that cannot be joined calls for `decision` where it is read."""
    out: dict[str, Structure] = {}
    for name in dict.fromkeys([*then, *orelse]):
        count = len(pairs)
        try:
            joined = join(low, then.get(name, UNSET), orelse.get(name, UNSET), pairs, hint_of(name))
            if isinstance(joined, Poison) and joined.decision in low.decisions:  # that was not enough
                joined = Poison(joined.reason, decision)
            out[name] = joined
        except CannotJoin as e:
            del pairs[count:]
            out[name] = Poison(f"differs in kind between the sides of a branch: {e}", decision)
    return out


def hint_of(name: str) -> str | None:
    """What a value may be called that stands for what `name` is."""
    return name.attribute if isinstance(name, ContentsName) else name


def join(
    low: Interpreter, a: Structure, b: Structure, pairs: list[Pair], hint: str | None = None
) -> Structure:
    """One structure for either `a` or `b`; where they differ, a new value, noted in `pairs`."""
    if a is b:
        return a
    if isinstance(a, Poison) or isinstance(b, Poison):
        return a if isinstance(a, Poison) else b
    if hint == NOTES[RESULT] and {type(a), type(b)} == {Unset, type(None)}:
        return None  # it is read only where the loop returns
    if type(a) is type(b) and isinstance(a, tuple) and len(a) == len(b):
        return like(a, [join(low, x, y, pairs) for x, y in zip(a, b, strict=True)])
    if type(a) is type(b) and isinstance(a, (list, dict, Instance)):
        parts = _join_parts(low, low.mutables.held(a, 0), low.mutables.held(b, 1), pairs)
        if isinstance(a, Instance) and a.cls is b.cls and parts is not None:
            parts = Instance(a.cls, parts)
        if type(parts) is type(a):
            return low.mutables.mixed(a, b, parts)
    for one, other, way in ((a, b, 0), (b, a, 1)):
        if other is None and isinstance(one, Regained):
            return _absent(low, one, pairs, way)
        if isinstance(other, Unset) and isinstance(one, (tuple, list, dict)):
            return _half_set(low, one, pairs, way, hint if hint in NAMES else None)
    if not isinstance(a, Value) and type(a) is type(b) and _is_equal(a, b):
        return a
    for known_a, known_b, value in pairs:
        if known_a is a and known_b is b and isinstance(a, Value):
            return value
    if a is EMPTY and isinstance(b, tuple):  # a list of tuples
        return like(b, [join(low, EMPTY, part, pairs) for part in b])
    if b is EMPTY and isinstance(a, tuple):
        return like(a, [join(low, part, EMPTY, pairs) for part in a])
    if isinstance(a, Regained) or isinstance(b, Regained):
        return join(low, _contents(a), _contents(b), pairs, hint)
    return _new(low, a, b, pairs, hint)


def _is_equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # an exotic __eq__ is as good as unequal
        return False


def _new(low: Interpreter, a: Structure, b: Structure, pairs: list[Pair], hint: str | None) -> Value:
    """A value that is either `a` or `b`, and is unset where they are."""
    t = join_types(low.builder.facts, type_of(a, b), type_of(b, a))
    table = low.builder.table
    value = Value(t) if hint is None else table.new(t, NAMES.get(hint, hint))
    unset = [table.unset[x] for x in (a, b) if isinstance(x, Value) and x in table.unset]
    if isinstance(a, Unset) or isinstance(b, Unset):
        unset.append("a part of it")
    if unset:
        named = next(filter(None, unset), None)
        table.unset[value] = named if named == NONE else None if hint in NAMES else named and (hint or named)
    pairs.append((None if isinstance(a, Unset) else a, None if isinstance(b, Unset) else b, value))
    return value


def join_returned(low: Interpreter, a: Structure, b: Structure, pairs: list[Pair]) -> Structure:
    """What a call gives, on either way: in place of a number or an array, one may have None."""
    if type(a) is type(b) is tuple and len(a) == len(b):
        return tuple(join_returned(low, x, y, pairs) for x, y in zip(a, b, strict=True))
    if (a is None) == (b is None) or isinstance(b if a is None else a, Regained):
        return join(low, a, b, pairs)
    type_of(b if a is None else a)
    return _absent(low, b if a is None else a, pairs, int(a is None))


NAMES = {mark: name for name, mark in NOTES.items()}


def _join_parts(low: Interpreter, a: Any, b: Any, pairs: list[Pair]) -> Any:
    """What is in one container of two. None: they are of different structure."""
    if isinstance(a, dict):
        return {k: join(low, a[k], b[k], pairs) for k in a} if list(a) == list(b) else None
    return [join(low, x, y, pairs) for x, y in zip(a, b, strict=True)] if len(a) == len(b) else None


def _half_set(low: Interpreter, one: Structure, pairs: list[Pair], way: int, hint: str | None) -> Structure:
    """A container that one way assigns, of parts that may not be set."""
    if not isinstance(one, (tuple, list, dict, Instance)):
        return join(low, one, UNSET, pairs, hint) if way == 0 else join(low, UNSET, one, pairs, hint)
    if isinstance(one, tuple):
        return like(one, [_half_set(low, item, pairs, way, hint) for item in one])
    low.mutables.doubt(one)
    held = low.mutables.held(one, way)
    if isinstance(held, dict):
        held = {k: _half_set(low, item, pairs, way, hint) for k, item in held.items()}
        return Instance(one.cls, held) if isinstance(one, Instance) else held
    return [_half_set(low, item, pairs, way, hint) for item in held]


def _absent(low: Interpreter, one: Structure, pairs: list[Pair], way: int) -> Structure:
    """What one way gives, where the other gives None."""
    whole = _half_set(low, one, pairs, way, None)
    low.builder.table.unset.update(dict.fromkeys(leaves(whole), NONE))
    return whole


def _contents(x: Structure) -> Structure:
    """A part of what a call gave, itself."""
    if isinstance(x, Regained) and x.contents is None:
        raise CannotJoin("what a call gave on one side, something else on the other")
    return x.contents if isinstance(x, Regained) else x


def type_of(x: Structure, other: Structure = None) -> Type:
    """The type of a run-time value or of a number; what is unset has the type of the other."""
    if isinstance(x, Value):
        return x.type
    if isinstance(x, (bool, int, float, np.generic)):
        return scalar_type(x)
    if isinstance(x, Unset) and not isinstance(other, Unset):
        return type_of(other, x)
    if x is EMPTY and isinstance(other, Value) and isinstance(other.type, Rows):
        return replace(other.type, dims=(Dim(size=0), *other.type.dims[1:]))
    kind = "None" if x is None else f"{an(x.cls.__name__ if isinstance(x, Instance) else type(x).__name__)}"
    raise CannotJoin(f"{kind} on one side, something else on the other")


def join_types(facts: Facts, a: Type, b: Type) -> Type:
    """The type of a value that is either."""
    if isinstance(a, Opaque) or isinstance(b, Opaque):
        if a == b:
            return a
        raise CannotJoin(f"{an(a)} on one side, {an(b)} on the other")
    if isinstance(a, Rows) and isinstance(b, Rows):
        return _join_rows(facts, a, b)
    if isinstance(a, Rows) or isinstance(b, Rows) or isinstance(a, Array) != isinstance(b, Array):
        raise CannotJoin(f"{an(a)} on one side, {an(b)} on the other")
    if (
        isinstance(a, Array) and a.dtype.kind != b.dtype.kind
    ):  # what is written into one is cut to whole numbers
        raise CannotJoin(f"{an(a)} on one side, {an(b)} on the other")
    dtype = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
    if isinstance(a, Scalar) and isinstance(b, Scalar) and a.python != b.python:
        strong, weak = (b, a) if a.python else (a, b)
        if strong.dtype.kind == "f" and weak.dtype.kind != "c":
            dtype = strong.dtype  # a Python number takes the precision of what it meets
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        extent = a.extent if a.extent is not None and a.extent == b.extent else None
        kinds = {(a.dtype, a.python), (b.dtype, b.python)}
        varies = a.varies or b.varies or (len(kinds) > 1 and dtype.kind == "f" and is_narrow(a, b))
        t = Scalar(dtype, python=a.python and b.python, extent=extent, varies=varies)
        return t.one_of(a, b)
    if len(a.dims) != len(b.dims):
        raise CannotJoin(f"{an(a)} on one side, {an(b)} on the other")
    dims = []
    for x, y in zip(a.dims, b.dims, strict=True):
        dims.append(x if facts.alike(x, y) else facts.fresh(maybe_one=x.can_be_one or y.can_be_one))
    return Array(dtype, tuple(dims))


def join_gradients(facts: Facts, a: Type, b: Type) -> Type:
    """The type of a gradient that is either: a number of Python's is made NumPy's where the other one is."""
    joined = join_types(facts, a, b)
    return replace(joined, varies=False) if isinstance(joined, Scalar) else joined


def is_narrow(*types: Scalar) -> bool:
    """Whether one of some numbers is a NumPy scalar of less precision than Python's."""
    return any(t.dtype.kind == "f" and t.dtype.itemsize < 8 for t in types)


def _join_rows(facts: Facts, a: Rows, b: Rows) -> Rows:
    """The type of a list that is either: as long as either, of items of one kind."""
    try:
        item = either(facts, a.item, b.item)
    except OfOtherKind as e:
        raise CannotJoin(f"a list of items of one kind on one side, of another on the other: {e}") from None
    n, m = a.dims[0], b.dims[0]
    return rows_of(n if facts.same(n, m) else facts.fresh(), item)


def alike(low: Any, statements: list[Any], atom: Structure, t: Type) -> Structure:
    """A Python number as a NumPy scalar, at the end of a way, where the other way gives one.

    Otherwise the type of the joined value would be true on one way only.
    """
    if atom is None or atom is UNDEFINED or not isinstance(t, Scalar) or t.dtype.kind != "f" or t.varies:
        return atom
    table = low.builder.table
    if isinstance(atom, Value) and atom in table.unset:
        return atom
    have = type_of(atom)
    if not isinstance(have, Array) and not (isinstance(have, Scalar) and have.python and not t.python):
        return atom
    with low.builder.block() as cast:
        number = low.builder.emit(float if t.python else t.dtype.type, (atom,))
        if have.dtype.kind in "iub":
            table.integral.add(number)
    statements.extend(cast)
    if isinstance(have, Scalar):
        low.retyped.add(number)
    return number


# -- arrays ----------------------------------------------------------------------------------------


def versions(
    low: Interpreter, structure: Structure, statements: list[Any], memory: Memory
) -> dict[Value, Value]:
    """What the arrays in `structure` hold at the end of a way; statements that derive views are added."""
    here, low.memory = low.memory, memory
    found: dict[Value, Value] = {}
    with low.builder.block() as derived:
        for v in dict.fromkeys(leaves(structure)):
            if memory.root(v) not in memory.spoiled:
                found[v] = low.resolve(v)
    statements.extend(derived)
    low.memory = here
    return found


def relate_joined(
    memory: Memory,
    pairs: Iterable[Pair],
    ways: tuple[Memory, Memory],
    inside: set[Value],
    decision: Decision | None,
) -> None:
    """Note in `memory` what the joined values may share storage with: what either way's value does.

    The `decision` keeps them apart.
    """
    pairs = list(pairs)
    memory.may_be_arrays.update(new for *atoms, new in pairs if not memory.may_be_arrays.isdisjoint(atoms))
    arrays = [(atoms, new) for *atoms, new in pairs if isinstance(new.type, Array)]
    for i, (atoms, new) in enumerate(arrays):
        if decision is not None:
            memory.joined[new] = decision
        for k, way in enumerate(ways):
            atom = atoms[k]
            if not isinstance(atom, Value):
                continue
            root = way.root(atom)
            sources = {root} | way.related.get(root, frozenset())
            memory.link(new, (s for s in sources if s not in inside))
            if root in way.spoiled:
                memory.spoiled[new] = way.spoiled[root]
            if way.is_one_read_only(atom):
                memory.may_be_read_only[new] = decision
            for others, other in arrays[:i]:
                partner = others[k]
                if isinstance(partner, Value) and way.may_share(atom, partner):
                    memory.link(new, [other])


def version_of(low: Interpreter, root: Value) -> Value:
    """Another version of an array: where the array is not set, it is not either."""
    table = low.builder.table
    new = table.like(root, fold=False)
    if root in table.unset:
        table.unset[new] = None
    return new


def join_memory(
    low: Interpreter, before: Memory, ways: tuple[Memory, Memory], inside: set[Value]
) -> tuple[Memory, list[Pair]]:
    """The state of the arrays that exist outside, after either way, and the new versions that it needs."""
    out = before.fork()
    pairs: list[Pair] = []
    for way in ways:
        out.spoiled.update(way.spoiled)
        out.orders.update(way.orders)
        for root, others in way.related.items():
            if out.related.get(root) is not others:
                out.link(root, others)
    for root in dict.fromkeys([*ways[0].current, *ways[1].current]):
        a, b = (way.current.get(root, root) for way in ways)
        if root in inside or a is b:
            if a is b:
                out.current[root] = a
            continue
        new = version_of(low, root)
        pairs.append((a, b, new))
        out.current[root] = new
    return out, pairs
