"""What is known of an operation stands in its gate's record: no other room names a gate to know something of it.

A gate's function may be named outside `gates/` where the operation is *written*, passed to what emits it, or
called. Where it is compared, looked up, or put into a set or a table, it is knowledge, which belongs into the
record.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import revcompile
from revcompile.gates.table import TABLE

HOUSE = Path(revcompile.__file__).parent
# What writes an operation, or remembers one that was written; `type` asks nothing that is known of gates alone.
EMITTERS = frozenset(
    {"apply", "emit", "operate", "invoke", "replace", "remember", "partial", "Apply", "type"}
)


def files() -> list[Path]:
    return [p for p in sorted(HOUSE.rglob("*.py")) if p.relative_to(HOUSE).parts[0] != "gates"]


def knowledge(path: Path) -> list[tuple[int, str]]:
    """The lines on which a file names a gate to know something of it, and the names."""
    module = ".".join(("revcompile", *path.relative_to(HOUSE).with_suffix("").parts))
    return list(_named(ast.parse(path.read_text()), vars(importlib.import_module(module)), False))


def _named(node: ast.AST, names: dict[str, Any], written: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, (ast.Attribute, ast.Name)):
        text = ast.unparse(node)
        if not written and _is_gate(text, names):
            yield node.lineno, text
        return
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        own = _bound_in(node)
        names = {name: found for name, found in names.items() if name not in own}
    for child in ast.iter_child_nodes(node):
        emitted = isinstance(node, ast.Call) and (child is node.func or _emits(node.func))
        chosen = isinstance(node, ast.IfExp) and child is not node.test
        yield from _named(child, names, emitted or (written and (chosen or isinstance(node, ast.Tuple))))


def _bound_in(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    """The names that mean something of the function's own in it."""
    arguments = {n.arg for n in ast.walk(function) if isinstance(n, ast.arg)}
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return arguments | stored


def _emits(function: ast.expr) -> bool:
    called = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return called in EMITTERS


def _is_gate(text: str, names: dict[str, Any]) -> bool:
    """Whether a name means a gate's function; a class, `np.float64`, is a type as well, and may be meant as that."""
    first, *rest = text.split(".")
    found = names.get(first)
    for attribute in rest:
        found = getattr(found, attribute, None)
    try:
        return callable(found) and not isinstance(found, type) and found in TABLE
    except TypeError:  # of what has no hash
        return False


@pytest.mark.parametrize("path", files(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_what_is_known_of_a_gate_stands_in_its_record(path: Path) -> None:
    name = str(path.relative_to(HOUSE))
    found = knowledge(path)
    listing = "\n".join(f"  {name}:{line} names {text}" for line, text in found)
    assert not found, f"say it in the record, and ask that:\n{listing}"


def test_no_gate_is_told_by_its_name() -> None:
    """`gate.name` is for messages and comments: what depends on it is a fact of the record."""
    found = [
        str(path.relative_to(HOUSE))
        for path in files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and _is_name_of_gate(node.left)
    ]
    assert not found


def _is_name_of_gate(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute) and node.attr == "name" and ast.unparse(node.value).endswith("gate")
    )
