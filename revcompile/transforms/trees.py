"""Trees of arguments and of their gradients: tuples, named tuples, lists, dicts, objects; the rest is a leaf.

Imports the front end, which says what of an object holds numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from revcompile.frontend.arguments import attributes_of, is_tree
from revcompile.frontend.names import is_host_object
from revcompile.runtime import make_object
from revcompile.transforms.leaves import is_float, is_number


@dataclass(frozen=True)
class Object:
    """An object taken apart: its class and its attributes."""

    kind: type
    attributes: dict[str, Any]


def opened(tree: Any, around: tuple[int, ...] = ()) -> Any:
    """The tree with every object in it taken apart; `around` are those that it is part of."""
    if is_host_object(tree):
        around = (*around, id(tree))
        parts = attributes_of(tree).items()
        return Object(type(tree), {str(k): opened(v, around) if is_tree(v, around) else v for k, v in parts})
    inner = children(tree)
    return tree if inner is None else rebuild(tree, [opened(child, around) for _, child in inner])


def closed(tree: Any) -> Any:
    """The tree with its objects put together again."""
    if isinstance(tree, Object):
        return make_object(tree.kind, **{name: closed(child) for name, child in tree.attributes.items()})
    inner = children(tree)
    return tree if inner is None else rebuild(tree, [closed(child) for _, child in inner])


def children(tree: Any) -> list[tuple[str, Any]] | None:
    """Path suffix and child for each child of a container; None for a leaf."""
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [(f".{field}", child) for field, child in zip(tree._fields, tree)]
    if isinstance(tree, tuple | list):
        return [(f"[{k}]", child) for k, child in enumerate(tree)]
    if isinstance(tree, Mapping):
        return [(f"[{key!r}]", child) for key, child in tree.items()]
    if isinstance(tree, Object):
        return [(f".{name}", child) for name, child in tree.attributes.items()]
    return None


def beside(tree: Any, apart: Any) -> list[Any]:
    """The children of a tree whose objects are as they are, in the order of those of the same taken apart."""
    if isinstance(apart, Object):
        found = attributes_of(tree)
        return [found.get(name) for name in apart.attributes]  # type: ignore[call-overload]
    return [child for _, child in children(tree) or ()]


def rebuild(tree: Any, items: list[Any]) -> Any:
    """A container like `tree` with other children."""
    if isinstance(tree, Object):
        return Object(tree.kind, dict(zip(tree.attributes, items)))
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*items)
    if isinstance(tree, Mapping):
        copy = dict(zip(tree, items))
        return copy if type(tree) is dict else type(tree)(copy)  # type: ignore[call-arg]
    return type(tree)(items)


def walk(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The leaves of `tree` with their paths."""
    inner = children(tree)
    if inner is None:
        yield path, tree
        return
    for suffix, child in inner:
        yield from walk(child, path + suffix)


def copied(tree: Any) -> Any:
    """The tree with every array copied: the function may write into what it is given."""
    if isinstance(tree, np.ndarray):
        return tree.copy(order="K")
    inner = children(tree)
    return tree if inner is None else rebuild(tree, [copied(child) for _, child in inner])


def widened(tree: Any) -> Any:
    """The tree with every float in double precision."""
    if isinstance(tree, np.ndarray | np.floating) and tree.dtype.kind == "f":
        return tree.astype(np.float64)
    inner = children(tree)
    return tree if inner is None else rebuild(tree, [widened(child) for _, child in inner])


def kind_of(tree: Any) -> type:
    return tree.kind if isinstance(tree, Object) else type(tree)


def paired(tree: Any, gradient: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Path, value and gradient of each number that has one; the structures are known to agree."""
    inner = children(tree)
    if inner is None:
        if is_number(tree) and gradient is not None:
            yield path, tree, gradient
    elif gradient is not None:
        found = dict(children(gradient) or ())
        for suffix, child in inner:
            yield from paired(child, found[suffix], path + suffix)


def inside(tree: Any) -> Iterator[Any]:
    """The tree and all that is in it."""
    yield tree
    for _, child in children(tree) or ():
        yield from inside(child)


def floats(tree: Any) -> list[Any]:
    """The leaves of a tree of gradients, in order, without those that have none. (It is compiled.)"""
    inner = children(tree)
    if inner is None:
        return [] if tree is None else [tree]
    return [leaf for _, child in inner for leaf in floats(child)]


def replaced(tree: Any, path: str, target: str, index: tuple[int, ...], x: Any) -> Any:
    """The tree with one element of the leaf at path `target` replaced by `x`."""
    if path == target:
        if isinstance(tree, np.ndarray):
            copy = tree.copy(order="K") if is_float(tree) else tree.astype(np.float64)
            copy[index] = x
            return copy
        return type(tree)(x) if is_float(tree) else float(x)
    inner = children(tree)
    if inner is None:
        return tree
    return rebuild(tree, [replaced(child, path + suffix, target, index, x) for suffix, child in inner])
