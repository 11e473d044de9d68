"""Arrays that are one of two, as a condition of the run has decided: reading them, and writing into them.

`y = x * 1.0 if c else x[::-1]` is an array of its own or a view of x. Once they are to be told apart, what it
is stays known: a store into y is a branch that stores into what y is on either side, and y is looked
up anew where x has changed. So the rest of the function need not be written twice. Imports the IR and joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from revcompile.gates.storing import is_view_of
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.types import Array, Rows
from revcompile.statements.join import Pair
from revcompile.syntax.interpreter import Interpreter
from revcompile.syntax.memory import Alternative, Either, Memory, Path

Branch = Callable[[Interpreter, Value, Callable[[], Structure], Callable[[], Structure]], None]
Store = Callable[[Interpreter, Value, Path, Structure], None]


def note(
    memory: Memory, test: Value, pairs: Iterable[Pair], ways: tuple[Memory, Memory], inside: set[Value]
) -> None:
    """Remember what the arrays that a branch gives are on either side, where that can be told outside."""
    arrays = [
        pair for pair in pairs if isinstance(pair[2].type, Array) and not isinstance(pair[2].type, Rows)
    ]
    roots = [[way.root(p[k]) for p in arrays if isinstance(p[k], Value)] for k, way in enumerate(ways)]
    for *atoms, new in arrays:
        sides = tuple(
            _alternative(atom, way, inside, roots[k]) for k, (atom, way) in enumerate(zip(atoms, ways))
        )
        if None not in sides and any(not is_own(side) for side in sides):
            memory.either[new] = Either(test, sides)  # type: ignore[arg-type]
            memory.is_renewed(new)


def note_layout(low: Interpreter, function: Any, args: tuple[Structure, ...], result: Value) -> None:
    """Let what is made of an array in C order be a view or a copy, as the run finds out of another one."""
    memory, owner = low.memory, args[0]
    root, path = memory.root(owner), memory.path(owner)
    memory.order_followed(root)
    room = low.apply(np.empty, (low.attribute(root, "shape", None),), {})  # type: ignore[arg-type]
    way = (*path, (function, *args[1:]))
    test = low.emit(is_view_of, low.derive(room, way), room)
    memory.either[result] = Either(test, ((root, way), OWN))
    memory.is_renewed(result)


def is_own(side: Any) -> bool:
    return side == OWN


OWN: Alternative = (None, ())


def _alternative(atom: Structure, way: Memory, inside: set[Value], roots: list[Value]) -> Alternative | None:
    """What an array is on one side: one made there, or an array from outside and the way to a part of it."""
    if not isinstance(atom, Value):
        return None
    root, path = way.root(atom), way.path(atom)
    if root in way.spoiled or root in way.read_only or atom in way.read_only:
        return None
    if root not in inside:
        return None if any(v in inside for v in leaves(path)) else (root, path)
    return OWN if not way.related.get(root) and roots.count(root) == 1 else None


def renew(low: Interpreter, structure: Structure, branch: Branch) -> None:
    """Let each array in a structure that is one of two hold what that holds now."""
    for v in leaves(structure):
        if low.memory.is_outdated(low.memory.root(v)):
            _renew(low, low.memory.root(v), branch)


def _renew(low: Interpreter, array: Value, branch: Branch) -> None:
    test, sides = low.memory.either[array]

    def look_up(side: Alternative) -> None:
        root, path = side
        if root is not None:
            low.memory.current[array] = low.derive(low.resolve(root), path)

    branch(low, test, lambda: look_up(sides[0]), lambda: look_up(sides[1]))
    low.memory.is_renewed(array)


def write(low: Interpreter, array: Value, path: Path, value: Structure, branch: Branch, store: Store) -> None:
    """Store into whichever of the two it is."""
    low.resolve(array)
    test, sides = low.memory.either[array]

    def write_one(side: Alternative) -> None:
        root, way = side
        if root is None:
            store(low, array, path, value)
            return
        if root in low.memory.either:
            write(low, root, (*way, *path), value, branch, store)
        else:
            store(low, root, (*way, *path), value)
        low.memory.current[array] = low.derive(low.resolve(root), way)

    branch(low, test, lambda: write_one(sides[0]), lambda: write_one(sides[1]))
    low.memory.is_renewed(array)
