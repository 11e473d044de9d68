"""Syntax to text: astor prints it, but for f-strings, which Python's own printer knows better.

Imports the standard library and astor.
"""

from __future__ import annotations

import ast
import importlib
import warnings
from functools import cache
from typing import Any

INDENT = "    "


@cache
def _printer() -> Any:
    """astor's printer, imported when the first text is written: importing this package is to be quick."""
    with warnings.catch_warnings():  # astor asks for classes that Python 3.12 and later warn of
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module("astor.code_gen").SourceGenerator


def to_text(node: ast.AST) -> str:
    """Python text of a syntax tree, on one line."""
    if any(isinstance(inner, ast.JoinedStr) for inner in ast.walk(node)):
        return ast.unparse(ast.fix_missing_locations(node))
    generator = _printer()(INDENT, False)
    generator.visit(node)
    text = "".join(map(str, generator.result)).strip("\n")
    bare = isinstance(node, ast.expr) and not isinstance(node, ast.Tuple) and _is_wrapped(text)
    return text[1:-1] if bare else text


def _is_wrapped(text: str) -> bool:
    """Whether one pair of parentheses encloses the whole text."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and i < len(text) - 1:
            return False
    return True


def width(node: ast.AST) -> int:
    """About how long the text of an expression is; much quicker than writing it."""
    if isinstance(node, ast.Name):
        return len(node.id)
    if isinstance(node, ast.BinOp):
        return width(node.left) + width(node.right) + 3
    if isinstance(node, ast.Attribute):
        return width(node.value) + 1 + len(node.attr)
    if isinstance(node, ast.UnaryOp):
        return width(node.operand) + 1
    if isinstance(node, ast.Call):
        return (
            width(node.func) + sum(width(a) + 2 for a in node.args) + sum(width(k) + 2 for k in node.keywords)
        )
    if isinstance(node, ast.keyword):
        return len(node.arg or "") + 1 + width(node.value)
    if isinstance(node, ast.Subscript):
        return width(node.value) + width(node.slice) + 2
    if isinstance(node, (ast.Tuple, ast.List)):
        return sum(width(e) + 2 for e in node.elts)
    return len(to_text(node))
