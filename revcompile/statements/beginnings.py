"""What a trip of a loop begins with: new values for what it carries.

Imports the IR and the interpreter's interface.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from revcompile.ir.nodes import EMPTY, Instance, Structure, Value, leaves, map_structure, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Rows, Scalar, Type, is_exactly
from revcompile.ir.values import ValueTable
from revcompile.statements.assigned import assigned
from revcompile.statements.join import type_of
from revcompile.syntax.decisions import Unroll
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.mutable import ContentsName, containers, rename


@dataclass
class Carried:
    """What the trials have found out so far: what is carried, and its types."""

    before: int  # the number of lengths that were known before the loop
    names: dict[str, Structure] = field(default_factory=dict)  # at the start of a trip: params as leaves
    inits: dict[Value, Structure] = field(default_factory=dict)  # of each param
    roots: dict[Value, Value] = field(default_factory=dict)  # arrays that the body writes, and their params
    spoiled: dict[Value, Value] = field(default_factory=dict)
    links: list[tuple[Value, frozenset[Value]]] = field(default_factory=list)
    read_only: set[Value] = field(default_factory=set)  # which may be arrays that cannot be written
    exposed: set[str] = field(default_factory=set)
    loose: dict[Value, set[int]] = field(default_factory=dict)  # axes whose lengths differ from trip to trip

    def retype(self, low: Interpreter, types: dict[Value, Type]) -> dict[Value, Value]:
        """Let a trip begin with values of other types; which ones stand for which."""
        new = {
            param: low.builder.table.retyped(param, t)
            for param, t in types.items()
            if not is_exactly(t, param.type)
        }
        if new:
            self.names = {name: rename(structure, new) for name, structure in self.names.items()}
            self.inits = {new.get(param, param): init for param, init in self.inits.items()}
            self.loose = {new.get(param, param): axes for param, axes in self.loose.items()}
            self.spoiled = {new.get(v, v): new.get(written, written) for v, written in self.spoiled.items()}
            self.links = [
                (new.get(v, v), frozenset(new.get(o, o) for o in others)) for v, others in self.links
            ]
            self.read_only = {new.get(v, v) for v in self.read_only}
            low.counters.update((new[p], low.counters[p]) for p in new if p in low.counters)
        return new


def first_guess(
    low: Interpreter, node: ast.For | ast.While, entry: dict[str, Structure], key: Any
) -> Carried:
    """Every number whose name the body assigns is carried; so far, with the type that it has.

    An array may still be the same one at the end of each trip, with other elements in it.
    """
    carried = Carried(low.builder.facts.count)
    for name in assigned(node, entry):
        if name in entry and not (isinstance(entry[name], Value) and isinstance(entry[name].type, Array)):
            carry(low, carried, name, entry[name], key)
    return carried


def carry(
    low: Interpreter, carried: Carried, name: str, structure: Structure, key: Any, end: Structure = None
) -> None:
    """Let `name` begin each trip with new values for its numbers and arrays.

    A list that is empty so far begins with the type that it has at the `end` of a trip. An array in a
    container that is the same one then is not carried.
    """
    stays, table = _staying(structure, end), low.builder.table

    def fresh(leaf: Structure) -> Structure:
        if not isinstance(leaf, (Value, bool, int, float)) or (isinstance(leaf, Value) and leaf in stays):
            return leaf
        t = type_of(leaf)
        t = replace(t, extent=None) if isinstance(t, Scalar) else t
        param = table.new(t, _hint(table, leaf, name, leaf is structure))
        carried.inits[param] = leaf
        if isinstance(t, Scalar) and t.dtype.kind == "i":
            low.counters[param] = (key, (leaf,))
        if isinstance(leaf, Value) and table.unset.get(leaf) is not None:
            table.unset[param] = table.unset[leaf]
        return param

    def empty(v: Value) -> Value:
        assert isinstance(v.type, Rows)
        length = low.builder.facts.fresh()
        param = table.like(v, replace(v.type, dims=(length, *v.type.dims[1:])), fold=False)
        carried.inits[param] = EMPTY
        return param

    carried.names[name] = _begin_like(structure, end, fresh, empty)
    for either in (structure, carried.names[name]):  # a trip begins with a copy, which changes for itself
        for container in containers(either):
            low.mutables.fix(container, "what a loop carries must not be changed here", Unroll(key))


def _staying(start: Structure, end: Structure) -> set[Value]:
    """The arrays that stand at the same places in two structures, and nowhere in one alone."""
    pairs = list(zip(leaves(start), leaves(end)))
    moved = {x for x, y in pairs if x is not y}
    return {x for x, _ in pairs if x not in moved and isinstance(x.type, Array)}


def is_replaced(carried: Carried, start: Structure, end: Structure) -> bool:
    """Whether an array that seemed to stay where it is does not, after all."""
    pairs = zip(leaves(start), leaves(end))
    return any(x is not y and isinstance(x.type, Array) and x not in carried.inits for x, y in pairs)


def _begin_like(
    start: Structure, end: Structure, fresh: Callable[[Any], Any], empty: Callable[[Value], Value]
) -> Structure:
    """`start` with new leaves; where it has an empty list, lists like those of `end`."""
    if start is EMPTY:
        return map_values(empty, end)
    if isinstance(start, Instance) and isinstance(end, Instance):
        parts = {k: _begin_like(v, end.attributes.get(k), fresh, empty) for k, v in start.attributes.items()}
        return Instance(start.cls, parts)
    return map_structure(fresh, start)


def begins_empty(start: Structure, end: Structure) -> bool:
    """Whether a list that is empty at the start of a trip has items at its end."""
    if isinstance(start, Instance) and isinstance(end, Instance):
        return any(begins_empty(v, end.attributes.get(k)) for k, v in start.attributes.items())
    return start is EMPTY and end is not EMPTY and any(leaves(end))


def _hint(table: ValueTable, leaf: Structure, name: str, whole: bool) -> str | None:
    own = table.hints.get(leaf) if isinstance(leaf, Value) else None
    if isinstance(name, ContentsName):
        return name.attribute or own
    if name.startswith("<"):
        return name.strip("<>")
    return name if whole or own is None else own
