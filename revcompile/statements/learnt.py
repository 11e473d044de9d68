"""What the trials of a loop have found, for when a loop around it is tried once more.

Each trial of a loop interprets the loops inside it again. They begin with what they have found before, so
that the trials add up with the depth of loops and do not multiply. Imports the IR and the interpreter's
interface.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from revcompile.ir.nodes import EMPTY, Instance, Structure, Value, leaves, map_structure, map_values
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Rows, Scalar, Type
from revcompile.statements.beginnings import Carried, carry
from revcompile.statements.join import CannotJoin, join_types, version_of
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.mutable import ContentsName, containers, contents_of

Place = tuple[str, int]  # a name, and which of the values or containers in what it stands for


class Found(NamedTuple):
    """One thing that is carried: a name, or what is in a container, or an attribute of one."""

    place: Place
    attribute: str | None
    of_container: bool
    structure: Structure  # with a parameter for each number and array that is carried
    loose: dict[Value, frozenset[int]]  # of each of these parameters: the axes whose lengths differ


@dataclass
class Learnt:
    """What was found for one loop, and for the loops inside it, in the order in which a trip meets them."""

    found: list[Found] = field(default_factory=list)
    roots: list[Place] = field(default_factory=list)  # the arrays that are written
    links: list[tuple[Value, list[Value | Place]]] = field(default_factory=list)  # what may share storage
    inner: dict[Any, Learnt] = field(default_factory=dict)
    met: Counter[Any] = field(default_factory=Counter)

    def of(self, key: Any) -> Learnt:
        """What is known of a loop inside, which a trip meets now."""
        self.met[key] += 1
        return self.inner.setdefault((key, self.met[key]), Learnt())

    def again(self) -> Learnt:
        """For another trial, whose trip meets the loops inside from the beginning."""
        self.met.clear()
        return self

    def note(self, carried: Carried, entry: dict[str, Structure], memory: Any) -> None:
        """Remember what a trial leaves to the next one."""
        homes: dict[int, Place] = {}
        if any(isinstance(name, ContentsName) for name in carried.names):
            for name, structure in entry.items():
                for i, container in enumerate(containers(structure)):
                    homes.setdefault(id(container), (name, i))
        self.found = []
        for name, structure in carried.names.items():
            is_slot = isinstance(name, ContentsName)
            place = homes.get(name.key) if isinstance(name, ContentsName) else (name, 0)
            params = [v for v in leaves(structure) if v in carried.inits]
            if place is not None and params:
                attribute = name.attribute if isinstance(name, ContentsName) else None
                loose = {v: frozenset(carried.loose.get(v, ())) for v in params}
                self.found.append(Found(place, attribute, is_slot, structure, loose))
        roots: dict[Value, Place] = {}
        if carried.roots or carried.links:
            for name, structure in entry.items():
                for i, v in enumerate(leaves(structure)):
                    roots.setdefault(memory.root(v), (name, i))
        self.roots = [roots[root] for root in carried.roots if root in roots]
        self.links = [
            (
                param,
                [o if o in carried.inits else roots[o] for o in others if o in carried.inits or o in roots],
            )
            for param, others in carried.links
        ]

    def recall(
        self, low: Interpreter, carried: Carried, entry: dict[str, Structure], memory: Any, key: Any
    ) -> None:
        """Let the first trial begin with what was found before."""
        params: dict[Value, Value] = {}  # as they are now
        for found in self.found:
            name, start = _at(found, entry)
            if name is None:
                continue
            if name not in carried.names:
                if start is EMPTY and isinstance(found.structure, Value):
                    carry(low, carried, name, start, key, found.structure)
                elif any(_pairs(start, found)):
                    changed = {v for v, _ in _pairs(start, found) if isinstance(v, Value)}
                    end = map_values(lambda v: Value(v.type) if v in changed else v, start)  # noqa: B023
                    carry(low, carried, name, start, key, end)
            known = {b: p for p, b in _pairs(carried.names.get(name), found) if p in carried.inits}
            types = {p: _widened(low, carried, p, b.type, found.loose[b]) for b, p in known.items()}
            new = carried.retype(low, types)
            params.update((b, new.get(p, p)) for b, p in known.items())
        for place in self.roots:
            for root in _roots(place, entry, memory):
                carried.roots.setdefault(root, version_of(low, root))
        for before, others in self.links:
            sources: list[Value] = []
            for o in others:
                if isinstance(o, tuple):
                    sources += _roots(o, entry, memory)
                elif o in params:
                    sources.append(params[o])
            if before in params and sources:
                carried.links.append((params[before], frozenset(sources)))


def _roots(place: Place, entry: dict[str, Structure], memory: Any) -> list[Value]:
    """The array, with its own storage, that stands at a place."""
    name, i = place
    return [memory.root(v) for v in list(leaves(entry.get(name)))[i : i + 1]]


def _at(found: Found, entry: dict[str, Structure]) -> tuple[str | None, Structure]:
    """The name under which a thing is carried now, and what it begins with."""
    name, i = found.place
    if name not in entry:
        return None, None
    if not found.of_container:
        return name, entry[name]
    inside = list(containers(entry[name]))
    if i >= len(inside):
        return None, None
    contents = contents_of(inside[i])
    if found.attribute is not None:
        if not isinstance(inside[i], Instance) or found.attribute not in contents:
            return None, None
        contents = contents[found.attribute]
    return ContentsName(id(inside[i]), found.attribute), contents


def _pairs(structure: Structure, found: Found) -> list[tuple[Structure, Value]]:
    """The leaves of a structure that are carried, each with the parameter of before."""
    now, before = _flat(structure), _flat(found.structure)
    if len(now) != len(before) or (type(structure) is not type(found.structure) and len(now) > 1):
        return []
    return [
        (leaf, param)
        for leaf, param in zip(now, before, strict=True)
        if isinstance(leaf, (Value, bool, int, float)) and isinstance(param, Value) and param in found.loose
    ]


def _flat(structure: Structure) -> list[Structure]:
    flat: list[Structure] = []
    map_structure(flat.append, structure)
    return flat


def _widened(low: Interpreter, carried: Carried, param: Value, t: Type, loose: frozenset[int]) -> Type:
    """The type of a parameter that has at once the type that trials found before."""
    have, facts = param.type, low.builder.facts
    if isinstance(have, Rows) != isinstance(t, Rows):
        return have
    if isinstance(have, Array) and isinstance(t, Array) and len(have.dims) == len(t.dims):
        carried.loose[param] = set(loose)
        dims = tuple(facts.fresh() if i in loose else d for i, d in enumerate(have.dims))
        joined: Type = replace(have, dtype=np.result_type(have.dtype, t.dtype), dims=dims)
        if isinstance(joined, Rows) and isinstance(t, Rows):
            joined = replace(joined, python=joined.python and t.python, others=t.others)
        return joined
    if isinstance(have, Scalar) and isinstance(t, Scalar):
        try:
            joined = join_types(facts, have, t)
        except CannotJoin:
            return have
        return replace(joined, extent=None) if isinstance(joined, Scalar) else have
    return have
