"""Whether two names are of one object: `p is q`.

The interpreter's structures stand for the program's objects, often several for one: a list of the program is
copied wherever it is read. Of which object a copy is, is known, and guarded. What the program
makes itself is itself, but for numbers and tuples, which are put together again wherever that is needed.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject, Path
from revcompile.frontend.objects import class_of as class_of_object
from revcompile.frontend.objects import is_object
from revcompile.gates.effects import is_none
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.types import Array
from revcompile.ir.values import NONE
from revcompile.syntax.abstract import Regained, class_of
from revcompile.syntax.mutable import KINDS

CONSTANTS = (int, float, complex, str, bytes, tuple, frozenset, slice, np.generic)


def is_same(low: Lowering, left: Structure, right: Structure) -> Structure:
    """`left is right`"""
    if left is right:
        return True
    for one, other in ((left, right), (right, left)):
        other = next(leaves(other)) if isinstance(other, Regained) else other
        if one is None and isinstance(other, Value) and low.builder.table.unset.get(other) == NONE:
            return low.emit(is_none, other)
    here, there = origin(low, left), origin(low, right)
    if here is not None and there is not None:
        same = here[1] is there[1]
        if here[0] != there[0]:
            low.host.compare(here[0], there[0], same)
        return same
    if type(left) is type(right) is tuple and not left and not right:
        return True
    if _kind(left) is bool is _kind(right):
        return low.operate(operator.eq, left, right)
    if _may_be_same(low, left, right):
        raise UnsupportedError(
            "whether two objects are the same one is known only at run time", way_out="Use ==."
        )
    return False


def number_of(low: Lowering, x: Structure) -> int:
    """`id(x)`, of what the function has made itself: any number that no other object has."""
    known = isinstance(x, KINDS) and low.mutables.is_known(x) and origin(low, x) is None
    if not known or low.builder.depth or low.mutables.stands_for_others(x):
        raise UnsupportedError(
            "the number of an object is known only at run time",
            way_out="Compare the objects themselves: a is b. As a key, use a string or a number of your own.",
        )
    return id(x)


def origin(low: Lowering, x: Structure) -> tuple[Path, Any] | None:
    """Which object of the program, or of the arguments, a structure stands for."""
    if isinstance(x, HostObject):
        return x.path, x.obj
    if isinstance(x, Value):
        return low.host.origins.get(x)
    _, *found = low.host.lent.get(id(x)) or low.host.copies.get(id(x)) or (x,)
    return (found[0], found[1]) if found else None


def _is_itself(low: Lowering, x: Structure) -> bool:
    """Whether what else is the same object is the same structure, or has the same origin."""
    if not isinstance(x, Value):
        return low.mutables.is_known(x) or origin(low, x) is not None
    made = low.builder.definitions.get(x)
    is_new = made is not None and not TABLE[made.function].may_share(made.args)
    return isinstance(x.type, Array) and (is_new or origin(low, x) is not None)


def _may_be_same(low: Lowering, left: Structure, right: Structure) -> bool:
    if _kind(left) is not _kind(right):
        return False
    if any(isinstance(x, KINDS) and low.mutables.stands_for_others(x) for x in (left, right)):
        return True
    if isinstance(left, tuple):
        return len(left) == len(right)
    if isinstance(left, Value) or isinstance(right, Value) or isinstance(left, KINDS) or is_object(left):
        return not all(_is_itself(low, x) for x in (left, right))
    return isinstance(left, CONSTANTS) and bool(left == right)  # functions and classes are themselves


def _kind(x: Structure) -> Any:
    if isinstance(x, Value):
        return class_of(x)
    return class_of_object(x) if is_object(x) else type(x)
