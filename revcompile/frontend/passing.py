"""What is passed to a call as it is: objects that exist when the program runs, as the program has them.

Imports the abstract values.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from revcompile.errors import UnsupportedError
from revcompile.frontend import growing
from revcompile.frontend.iterators import Once
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.ir.nodes import Instance, Structure, Value
from revcompile.syntax.abstract import Gradient, Method, NestedFunction, Partial, Poison
from revcompile.syntax.mutable import is_growing


def as_passed(low: Lowering, s: Structure) -> Structure:
    """A structure with functions and lists that grow as the objects that they are when the program runs."""
    if is_growing(s):
        content = growing.content(low, s)
        return content if isinstance(content, Value) else s
    if isinstance(s, (tuple, list)) and not hasattr(s, "_fields"):
        return type(s)(as_passed(low, item) for item in s)
    if type(s) is dict:
        return {key: as_passed(low, item) for key, item in s.items()}
    return as_function(s)


def as_function(leaf: Any) -> Any:
    """A function inside the function as Python's own, where it reads nothing of the functions around it."""
    if not isinstance(leaf, NestedFunction) or leaf.defaults:
        return leaf
    name = getattr(leaf.node, "name", "<lambda>")
    home: Any = leaf.frame.function
    found = [c for c in _codes(home.__code__) if c.co_name == name]
    found = [c for c in found if c.co_firstlineno == leaf.node.lineno and not c.co_freevars]
    return FunctionType(found[0], home.__globals__, name) if len(found) == 1 else leaf


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def check_passable(low: Lowering, given: Structure, refusal: UnsupportedError) -> None:
    """Raises where an argument is nothing that exists at run time as the program has it."""

    def check(leaf: Any) -> Any:
        if isinstance(leaf, NestedFunction):
            raise UnsupportedError(
                "a function that reads variables of the function around it is given to one that is not read",
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
            raise refusal
        if isinstance(s, (tuple, list)):
            for x in s:
                walk(x)
        elif isinstance(s, dict):
            for x in s.values():
                walk(x)
        else:
            check(s)

    walk(given)
