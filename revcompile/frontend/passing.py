"""What is passed to a call as it is: objects that exist when the program runs, as the program has them.

Imports the abstract values.
"""

from __future__ import annotations

import operator
from types import MethodType
from typing import Any

from revcompile.errors import UnsupportedError, is_own
from revcompile.frontend import growing, regained
from revcompile.frontend.closures import function_of, partial_of
from revcompile.frontend.iterators import Once
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.ir.nodes import Instance, Structure, Value
from revcompile.syntax.abstract import Gradient, Method, NestedFunction, Partial, Poison
from revcompile.syntax.mutable import Overlay, is_growing


def as_passed(low: Lowering, s: Structure, late: list[str]) -> Structure:
    """A structure with functions and lists that grow as the objects that they are when the program runs.

    `late` gets the names that these functions read, and which may mean something else later.
    """
    if is_growing(s):
        content = growing.content(low, s)
        return content if isinstance(content, Value) else s
    if isinstance(s, (tuple, list)) and not hasattr(s, "_fields"):
        items = [as_passed(low, item, late) for item in s]
        return s if all(map(operator.is_, items, s)) else type(s)(items)
    if type(s) is dict:
        found = {key: as_passed(low, item, late) for key, item in s.items()}
        return s if all(map(operator.is_, found.values(), s.values())) else found
    if isinstance(s, Partial) and _is_of_program(s.function):
        return partial_of(low, as_passed(low, (s.function, s.args, s.kwargs), late))
    return function_of(low, s, late) if isinstance(s, NestedFunction) else s


def _is_of_program(function: Any) -> bool:
    """Whether a `Partial` is one of `functools.partial`, and stands for nothing else."""
    return isinstance(function, NestedFunction) or (callable(function) and not is_own(function))


def check_passable(low: Lowering, given: Structure, refusal: UnsupportedError) -> None:
    """Raises where an argument is nothing that exists at run time as the program has it."""
    regained.refuse(low, given)

    def check(leaf: Any) -> Any:
        if isinstance(leaf, NestedFunction):
            raise UnsupportedError(
                "a function that reads variables of the function around it, which may change, or which it "
                "changes, is given to one that is not read",
                refusal.place,
                "Define it outside, and pass what it reads.",
            )
        if hasattr(type(leaf), "__next__"):  # it would be gone through while compiling
            raise UnsupportedError(
                "an iterator is given to a call that is made as it is",
                refusal.place,
                "Pass a list of its items.",
            )
        of_ours = isinstance(leaf, MethodType) and isinstance(leaf.__self__, Instance)
        if of_ours or isinstance(leaf, (Partial, Gradient, Method, Poison, Once)):
            raise refusal
        if isinstance(leaf, HostObject):
            overlay = low.host.overlays.get(id(leaf.obj))
            if overlay is not None and overlay[1].attributes:
                raise refusal
        return leaf

    def walk(s: Any) -> None:
        if isinstance(s, Instance):
            if isinstance(s, Overlay):
                raise refusal
            walk(s.attributes)
        if isinstance(s, (tuple, list)):
            for x in s:
                walk(x)
        elif isinstance(s, dict):
            for x in s.values():
                walk(x)
        else:
            check(s)

    walk(given)
