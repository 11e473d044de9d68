"""The expression of a gate's record, `a.T` or `[x] * n`, with what stands for its parameters filled in.

Imports the IR.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Any, Protocol

from revcompile.ir.nodes import Structure, Value
from revcompile.syntax.stack import parsed


class Spells(Protocol):
    """What writes a structure of the IR."""

    def __call__(self, structure: Structure) -> ast.expr: ...

    def index(self, structure: Structure) -> ast.expr: ...

    def keywords(self, options: dict[str, Any]) -> list[ast.keyword]: ...

    def public(self, name: str) -> ast.expr: ...


@lru_cache(maxsize=256)
def _read(text: str) -> ast.expr:
    return parsed(text, mode="eval").body


class Template:
    """`given` are the arguments by the names of the parameters; any other name is a library's or Python's."""

    def __init__(self, spell: Spells, given: dict[str, Structure]) -> None:
        self.spell, self.given = spell, given

    def fill(self, text: str) -> ast.expr:
        return self._expression(_read(text))

    def _expression(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name):
            return self.spell(self.given[node.id]) if node.id in self.given else self.spell.public(node.id)
        if isinstance(node, ast.Attribute):
            return ast.Attribute(self._expression(node.value), node.attr, ast.Load())
        if isinstance(node, ast.Subscript):
            return ast.Subscript(self._expression(node.value), self._index(node.slice), ast.Load())
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            return ast.BinOp(self._expression(node.left), node.op, self._expression(node.right))
        if isinstance(node, ast.UnaryOp):
            return ast.UnaryOp(node.op, self._expression(node.operand))
        if isinstance(node, ast.BoolOp):
            return ast.BoolOp(node.op, list(map(self._expression, node.values)))
        if isinstance(node, ast.Compare):
            others = list(map(self._expression, node.comparators))
            return ast.Compare(self._expression(node.left), node.ops, others)
        if isinstance(node, ast.List):
            return ast.List(list(map(self._expression, node.elts)), ast.Load())
        if isinstance(node, ast.Starred):
            return ast.Starred(self._expression(node.value), ast.Load())
        assert isinstance(node, ast.Constant), ast.dump(node)
        return ast.Name(repr(node.value), ast.Load()) if isinstance(node.value, float) else node

    def _index(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name) and node.id in self.given:
            return self.spell.index(self.given[node.id])
        if isinstance(node, ast.Tuple):
            return ast.Tuple(list(map(self._index, node.elts)), ast.Load())
        if isinstance(node, ast.Slice):
            bounds = (node.lower, node.upper, node.step)
            return ast.Slice(*(None if bound is None else self._expression(bound) for bound in bounds))
        return self._expression(node)

    def _call(self, node: ast.Call) -> ast.expr:
        """`*args` and `**options` of what is known while compiling are written out."""
        args: list[ast.expr] = []
        for arg in node.args:
            known = isinstance(arg, ast.Starred) and isinstance(arg.value, ast.Name)
            given = self.given.get(arg.value.id) if known else None  # type: ignore[attr-defined]
            if isinstance(given, (tuple, list)) and not isinstance(given, Value):
                args += map(self.spell, given)
            else:
                args.append(self._expression(arg))
        keys = [
            key
            for keyword in node.keywords
            if isinstance(keyword.value, ast.Name)
            for key in self.spell.keywords(self.given[keyword.value.id])
        ]
        return ast.Call(self._expression(node.func), args, keys)
