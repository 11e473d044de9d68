"""Iterators that the program keeps: gone through once, and what they give is made where that happens.

What is gone through where it is made (`sum(f(x) for x in xs)`) is a list, a tuple or an `Iteration` from the
beginning. What is kept under a name waits until the name is read: by then arrays may hold, and names may
mean, something else. After that the name has no meaning any more. An iterator of `iter` or of
`itertools.count` stands for itself; what it gives next must be known while compiling.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import BuiltinMethodType, MethodWrapperType
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, host
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure, Value, is_static, leaves
from revcompile.ir.types import Array
from revcompile.statements.exits import Known
from revcompile.syntax.abstract import Frame, Poison
from revcompile.syntax.mutable import containers, contents_of, same

LAZY = (
    zip, map, filter, enumerate, reversed, itertools.chain, itertools.product, itertools.permutations,
    itertools.combinations, itertools.combinations_with_replacement, itertools.pairwise,
    itertools.zip_longest, itertools.compress, itertools.islice, itertools.accumulate, itertools.starmap,
    itertools.takewhile, itertools.dropwhile, itertools.filterfalse, itertools.groupby, np.ndindex,
    np.ndenumerate, np.nditer,
)  # fmt: skip
NUMPYS = {"ndindex": np.ndindex, "ndenumerate": np.ndenumerate, "nditer": np.nditer}
EMPTY: dict[type, Any] = {kind: kind() for kind in (list, tuple, dict, set, frozenset, str, bytes, deque)}
EMPTY[range] = range(0)
NOTHING: tuple[tuple[tuple[Any, ...], tuple[Any, ...]], ...] = (  # functions, and arguments for no items
    ((zip, itertools.chain, itertools.product, itertools.zip_longest), ()),
    ((enumerate, itertools.permutations, itertools.pairwise, itertools.accumulate, itertools.groupby), ((),)),
    ((map, filter, itertools.starmap, itertools.takewhile, itertools.dropwhile), (bool, ())),
    ((itertools.combinations, itertools.combinations_with_replacement, itertools.islice), ((), 0)),
    ((itertools.filterfalse,), (bool, ())),
    ((itertools.compress,), ((), ())),
    ((np.ndindex,), (0,)),
    ((np.ndenumerate,), ((),)),
    ((itertools.repeat,), (None, 0)),
)
MEANT: dict[str, Any] = {  # by special methods that are called by hand
    "__iter__": iter,
    "__next__": next,
    "__len__": len,
    **{n: getattr(operator, n) for n in ("__getitem__", "__setitem__", "__delitem__", "__contains__")},
}
ASKING = (isinstance, type, len, hasattr, callable, bool)  # what asks of what kind a thing is
SPENT = Poison("is an iterator, which can be gone through once: make it a list")


@dataclass(eq=False)
class Once:
    """An iterator that is kept under a name; `make` gives what it gives, `node` is the expression."""

    make: Callable[[], Structure]
    node: ast.expr


@dataclass(eq=False)
class Begun:
    """A Python iterator, in how many blocks it was made, and the array that it goes through, as it was."""

    iterator: Any
    depth: int
    array: Structure
    version: Structure


# -- under a name ----------------------------------------------------------------------------------


def lazily(low: Lowering, node: ast.expr, frame: Frame) -> Structure:
    """The value of an expression that is about to get a name."""
    if frame.is_rule:
        return low.evaluate(node, frame)
    later: ast.expr | None = None
    if isinstance(node, ast.GeneratorExp):
        first, *others = node.generators
        source = Known(low.evaluate(first.iter, frame), first.iter)
        later = ast.GeneratorExp(
            node.elt, [ast.comprehension(first.target, source, first.ifs, first.is_async), *others]
        )
    elif isinstance(node, ast.Call) and is_lazy(low, node.func, frame):
        keywords = [ast.keyword(k.arg, _known(low, k.value, frame)) for k in node.keywords]
        later = ast.Call(node.func, [_known(low, a, frame) for a in node.args], keywords)
    if later is None:
        return low.evaluate(node, frame)
    located = ast.copy_location(later, node)
    return Once(lambda: low.evaluate(located, frame), located)


def at_once(low: Lowering, node: ast.expr, frame: Frame) -> Structure:
    """The value of an expression that goes where it may be read again: into a container, to a caller."""
    if frame.is_rule:
        return low.evaluate(node, frame)
    for part in [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]:
        called = isinstance(part, ast.Call) and is_lazy(low, part.func, frame)
        named = isinstance(part, ast.Name) and _scope_of(part.id, frame) is not None
        if called or named or isinstance(part, ast.GeneratorExp):
            reason = "an iterator in a container, or given to a caller, is not supported"
            raise low.unsupported(reason, part, frame, "Make it a list: it can be gone through once.")
    return low.evaluate(node, frame)


def is_lazy(low: Lowering, function: ast.expr, frame: Frame) -> bool:
    """Whether a call of this makes an iterator."""
    found = _maker(low, function, frame)
    return any(found is lazy for lazy in LAZY)


def _maker(low: Lowering, function: ast.expr, frame: Frame) -> Any:
    """The function of Python's that is called; else None."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        found = getattr(itertools, function.attr, None) or NUMPYS.get(function.attr)
        home = itertools if hasattr(itertools, function.attr) else np
        return found if found is not None and low.evaluate(function.value, frame) is home else None
    return low.evaluate(function, frame) if isinstance(function, ast.Name) else None


def stands_for(low: Lowering, node: ast.expr, frame: Frame) -> Any:
    """An iterator of Python's, of no items, of the kind that an expression makes; None if it makes none.

    What is gone through at once is a list to the compiler: what its kind is, this says.
    """
    if isinstance(node, ast.GeneratorExp):
        return (lambda: (yield))()
    if isinstance(node, ast.Name):
        scope = None if frame.is_rule else _scope_of(node.id, frame)
        return None if scope is None else stands_for(low, scope.names[node.id].node, frame)
    if not isinstance(node, ast.Call) or frame.is_rule:
        return None
    made = _maker(low, node.func, frame)
    if made is reversed or made is iter:
        if len(node.args) != 1 or isinstance(node.args[0], ast.Starred):
            return None
        source = low.evaluate(node.args[0], frame)
        empty = np.empty(0) if isinstance(source, Value) else EMPTY.get(type(source))
        return None if empty is None or (isinstance(empty, set) and made is reversed) else made(empty)
    return next((made(*args) for makers, args in NOTHING if any(made is lazy for lazy in makers)), None)


def asked(low: Lowering, node: ast.Call, function: Any, frame: Frame) -> Any:
    """What a call says of the iterator that is made for it; NotImplemented if it asks for no kind."""
    if not node.args or node.keywords or not any(function is asking for asking in ASKING):
        return NotImplemented
    iterator = stands_for(low, node.args[0], frame)
    if iterator is None:
        return NotImplemented
    others = [low.static(low.evaluate(a, frame), "as what an iterator is asked for") for a in node.args[1:]]
    with host():
        return function(iterator, *others)


def compared(low: Lowering, node: ast.Compare, frame: Frame) -> Any:
    """What a comparison says of an iterator that is made for it: whether it is the same one. NotImplemented
    where it is no iterator that is compared."""
    sides = [node.left, *node.comparators]
    if frame.is_rule or isinstance(node.ops[-1], (ast.In, ast.NotIn)):
        return NotImplemented
    if not any(_makes(low, side, frame) for side in sides):
        return NotImplemented
    if len(sides) > 2:
        raise UnsupportedError("a chain of comparisons of iterators is not supported", way_out="Use lists.")
    if not isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
        raise HostError(TypeError("iterators have no order"))
    lazily = [_named(side, frame) for side in sides]
    for side, iterator in zip(sides, lazily, strict=True):
        if iterator is None:
            low.evaluate(side, frame)
    return (lazily[0] is lazily[1] is not None) == isinstance(node.ops[0], (ast.Is, ast.Eq))


def condition(low: Lowering, node: ast.expr, frame: Frame) -> ast.expr:
    """The expression that a condition asks: an iterator is true, and is not gone through for that."""
    if frame.is_rule or not _makes(low, node, frame):
        return node
    if _named(node, frame) is None:
        low.evaluate(node, frame)
    return ast.copy_location(ast.Constant(True), node)


def _named(node: ast.expr, frame: Frame) -> Once | None:
    """The iterator of which an expression is the name."""
    scope = _scope_of(node.id, frame) if isinstance(node, ast.Name) else None
    return None if scope is None else scope.names[node.id]  # type: ignore[attr-defined]


def _makes(low: Lowering, node: ast.expr, frame: Frame) -> bool:
    """Whether an expression makes an iterator, or names one that was kept."""
    if isinstance(node, ast.Call):
        return is_lazy(low, node.func, frame)
    return isinstance(node, ast.GeneratorExp) or _named(node, frame) is not None


def by_hand(low: Lowering, node: ast.Call, frame: Frame) -> ast.Call:
    """A call of the method `__next__` of an iterator, which is a list to the compiler, as one of `next`."""
    f = node.func
    if not (isinstance(f, ast.Attribute) and f.attr == "__next__" and _makes(low, f.value, frame)):
        return node
    return ast.copy_location(ast.Call(Known(next, f), [f.value, *node.args], node.keywords), node)


def refuse_next(low: Lowering, node: ast.Attribute, frame: Frame) -> None:
    """Raises where the method `__next__` of an iterator is not called at once."""
    if node.attr == "__next__" and _makes(low, node.value, frame):
        raise UnsupportedError(
            "the method __next__ of an iterator is not supported",
            way_out="Keep an iterator of a list, iter(list(...)), and call next().",
        )


def meant_by(function: Any) -> Any:
    """The function that Python calls a special method for, which the program calls by hand; else None.

    Of containers and of Python's iterators: what holds run-time values is not what the method would see.
    """
    if not isinstance(function, (BuiltinMethodType, MethodWrapperType)):
        return None
    owner, name = function.__self__, function.__name__
    if isinstance(owner, slice) and name == "indices" and not is_static(owner):
        return slice.indices
    is_iterator = hasattr(type(owner), "__next__") and type(owner).__module__ in ("builtins", "itertools")
    if not name.startswith("__") or not (is_iterator or isinstance(owner, (list, tuple, dict, set, deque))):
        return None
    if name not in MEANT and not (isinstance(owner, tuple) and is_static(owner)):
        raise UnsupportedError(f"calling {name} by hand is not supported", way_out="Use the operator.")
    return MEANT.get(name)


def refuse_items(low: Lowering, node: ast.expr, frame: Frame) -> None:
    """Raise what Python raises for an item of an iterator by its number."""
    iterator = stands_for(low, node, frame)
    if iterator is not None:
        with host():
            iterator[0]


def _known(low: Lowering, node: ast.expr, frame: Frame) -> ast.expr:
    """An argument, evaluated now."""
    if isinstance(node, ast.Starred):
        return ast.copy_location(ast.Starred(_known(low, node.value, frame), ast.Load()), node)
    return Known(low.evaluate(node, frame), node)


def opened(once: Once, identifier: str, frame: Frame) -> Structure:
    """What an iterator gives, when its name is read; the name can be read no more."""
    scope = _scope_of(identifier, frame)
    if scope is None or scope.names[identifier] is not once:
        raise UnsupportedError("an iterator that functions share is not supported", way_out="Make it a list.")
    scope.names[identifier] = SPENT
    return once.make()


def is_spent(node: ast.expr, frame: Frame) -> bool:
    """Whether a name stood for an iterator that was gone through."""
    scope: Frame | None = frame if isinstance(node, ast.Name) else None
    while scope is not None and scope.names.get(node.id) is not SPENT:  # type: ignore[attr-defined]
        scope = scope.parent
    return scope is not None


def _scope_of(identifier: str, frame: Frame) -> Frame | None:
    """Where a name stands for an iterator."""
    scope: Frame | None = frame
    while scope is not None and not isinstance(scope.names.get(identifier), Once):
        scope = scope.parent
    return scope


# -- in a `for` ------------------------------------------------------------------------------------


class Reads:
    """What was read while the items of a loop were made that the program makes one by one."""

    def __init__(self, frame: Frame) -> None:
        self.names: list[tuple[Frame, str, Structure]] = []
        self.arrays: dict[Value, Value] = {}
        self.contents: list[tuple[Any, Any]] = []
        self.frames: list[Frame] = []
        scope: Frame | None = frame
        while scope is not None:
            self.frames.append(scope)
            scope = scope.parent

    def note_name(self, scope: Frame, identifier: str, value: Structure) -> None:
        if any(scope is frame for frame in self.frames) and not isinstance(value, Once):
            self.names.append((scope, identifier, value))
            self.contents.extend((container, contents_of(container)) for container in containers(value))

    def note_arrays(self, memory: Any, structure: Structure) -> None:
        for v in leaves(structure):
            if isinstance(v.type, Array):
                root = memory.root(v)
                self.arrays.setdefault(root, memory.current.get(root, root))

    def are_the_same(self, memory: Any) -> bool:
        """Whether the program would read the same now."""
        return (
            all(frame.names.get(identifier) is value for frame, identifier, value in self.names)
            and all(memory.current.get(root, root) is version for root, version in self.arrays.items())
            and all(same(contents_of(container), contents) for container, contents in self.contents)
        )


def made_ahead(low: Lowering, node: ast.expr, frame: Frame) -> tuple[Structure, Callable[[], None] | None]:
    """What a `for` goes through; and a test, at the start of a trip, that it was right to make it before."""
    if frame.is_rule or not any(_makes_items(part, frame) for part in ast.walk(node)):
        return low.evaluate(node, frame), None
    outer, low.reads = low.reads, Reads(frame)
    try:
        source = low.evaluate(node, frame)
    finally:
        reads, low.reads = low.reads, outer

    def test() -> None:
        if not reads.are_the_same(low.memory):
            raise UnsupportedError(
                "this loop changes what the items that it goes through are made of",
                way_out="Make a list of them first, or make each in the loop.",
            )

    return source, test


def _makes_items(node: ast.AST, frame: Frame) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("map", "filter")
    if isinstance(node, ast.Name):
        return _scope_of(node.id, frame) is not None
    return isinstance(node, ast.GeneratorExp)


# -- Python's own ----------------------------------------------------------------------------------


def begin(low: Lowering, iterator: Any, source: Structure = None) -> Any:
    """`iterator`, which the program has just made, of the items of `source`."""
    version = low.resolve(source) if isinstance(source, Value) else None
    low.iterators[id(iterator)] = Begun(iterator, low.builder.depth, source, version)
    return iterator


def go_on(low: Lowering, iterator: Any) -> Any:
    """`iterator`, which is about to give items."""
    begun = low.iterators.get(id(iterator))
    if begun is None:
        path = low.host.path_of(iterator) if hasattr(type(iterator), "__next__") else None
        if path is not None:  # what it gives next is not what it gives now
            raise UnsupportedError(
                f"{path.shown} is an iterator of the program, which a gradient function does not go through",
                way_out="Take what it gives before the call, and pass that as an argument.",
            )
        return iterator
    if begun.depth != low.builder.depth:
        raise UnsupportedError(
            "going through an iterator is not supported where only the run decides whether, or how often, "
            "that happens",
            way_out="Make a list, and go through that.",
        )
    if isinstance(begun.array, Value) and low.resolve(begun.array) is not begun.version:
        raise UnsupportedError(
            "the array that this iterator goes through was written to", way_out="Make a list of its items."
        )
    return iterator


def started(low: Lowering, x: Structure) -> Any:
    """An iterator of what is gone through: one of Python's, which may have no end, or one of a list."""
    return go_on(low, x) if hasattr(x, "__next__") else iter(low.items(x))
