"""Displays: `(a, b)`, `[a, b]`, `{a, b}`, `{k: v}`. Imports the abstract values."""

from __future__ import annotations

import ast
from collections import ChainMap
from typing import Any

from revcompile.errors import host
from revcompile.frontend import containers, foreign, iterators, membership
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.mappings import as_dict
from revcompile.ir.nodes import Structure, is_static
from revcompile.syntax.abstract import Frame


def elements(low: Lowering, nodes: list[ast.expr], frame: Frame, keeps: bool = True) -> list[Structure]:
    """The items of a display; of a call that does not keep them, the arguments."""
    out: list[Structure] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            out.extend(low.iterate(low.evaluate(node.value, frame), node, frame))
        else:
            out.append(iterators.at_once(low, node, frame) if keeps else low.evaluate(node, frame))
    return out


def tuple_(low: Lowering, node: ast.Tuple, frame: Frame) -> tuple[Structure, ...]:
    return tuple(elements(low, node.elts, frame))


def list_(low: Lowering, node: ast.List, frame: Frame) -> list[Structure]:
    return elements(low, node.elts, frame)


def set_(low: Lowering, node: ast.Set, frame: Frame) -> Structure:
    return set_of(low, elements(low, node.elts, frame), frame)


def set_of(low: Lowering, items: list[Structure], frame: Frame) -> Structure:
    if low.excused and not is_static(items):  # what is in it does not matter
        return foreign.call(low, set, (items,), {}, frame)
    items = [membership.key(low, x, "as an item of a set") for x in items]
    with host():
        return set(items)


def dict_(low: Lowering, node: ast.Dict, frame: Frame) -> Structure:
    pairs: list[tuple[Structure, Structure]] = []
    whole: Structure = None  # what comes before them, where the run has that
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            pairs.append((low.evaluate(key, frame), iterators.at_once(low, value, frame)))
            continue
        found = low.evaluate(value, frame)
        if foreign.is_foreign(found):
            known = [whole] if whole is not None else []
            made = [foreign.call(low, dict, (x,), {}, frame) for x in (*known, pairs, found)]
            whole, pairs = foreign.call(low, ChainMap, tuple(reversed(made)), {}, frame), []
        else:
            merged: dict[Any, Structure] = {}
            containers.merge(merged, as_dict(low, found))
            pairs += merged.items()
    if whole is None:
        return dict_of(low, pairs, frame)
    last = foreign.call(low, dict, (pairs,), {}, frame)
    return foreign.call(low, dict, (foreign.call(low, ChainMap, (last, whole), {}, frame),), {}, frame)


def dict_of(low: Lowering, pairs: list[tuple[Structure, Structure]], frame: Frame) -> Structure:
    if low.excused and not is_static([key for key, _ in pairs]):
        return foreign.call(low, dict, (pairs,), {}, frame)
    pairs = [(membership.key(low, key, "as a key"), item) for key, item in pairs]
    with host():
        return dict(pairs)
