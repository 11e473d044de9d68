"""Which names the body of a loop binds anew: they are carried from trip to trip. Imports the IR."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array
from revcompile.syntax.mutable import is_growing


def assigned(node: ast.AST, entry: dict[str, Structure]) -> Iterator[str]:
    """The names that a loop's body binds anew. (An array that is changed in place keeps its identity.)"""
    targets: list[ast.AST] = [*node.body] if isinstance(node, (ast.For, ast.While)) else [node]
    if isinstance(node, ast.While):
        targets.append(node.test)
    if isinstance(node, ast.For):
        targets.append(node.target)
    seen: dict[str, None] = {}
    augmented: dict[str, None] = {}
    while targets:
        t = targets.pop(0)
        if isinstance(t, (ast.FunctionDef, ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp)):
            if isinstance(t, ast.FunctionDef):
                seen[t.name] = None
            continue
        if isinstance(t, ast.AugAssign) and isinstance(t.target, ast.Name):
            augmented[t.target.id] = None
            targets.append(t.value)
            continue
        if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store):
            seen[t.id] = None
        targets.extend(ast.iter_child_nodes(t))
    for name in dict.fromkeys([*seen, *augmented]):
        if name in seen or not _changes_in_place(entry.get(name)):
            yield name


def _changes_in_place(structure: Structure) -> bool:
    """Whether `+=` changes what a name stands for, an array or a list, and the name not at all."""
    if isinstance(structure, list) or is_growing(structure):
        return True
    return isinstance(structure, Value) and isinstance(structure.type, Array)
