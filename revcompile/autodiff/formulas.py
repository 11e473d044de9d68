"""The local gradients of elementwise gates, each formula read once: a tree of the gates that it applies.

Imports the front end.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from revcompile.frontend.expressions import operate_in_rule
from revcompile.frontend.lowering import Lowering
from revcompile.ir.nodes import Structure
from revcompile.syntax.operators import BINARY, COMPARE, UNARY
from revcompile.syntax.stack import parsed


class Step(NamedTuple):
    """`function` of parts, each a name, a number or another step; `is_operator` says how it is applied."""

    function: Callable[..., Any]
    parts: tuple[Part, ...]
    is_operator: bool


Part = str | float | Step


def applied(low: Lowering, part: Part, names: Mapping[str, Structure]) -> Structure:
    """What a formula gives of what its names mean."""
    if type(part) is str:
        return names[part]
    if type(part) is not Step:
        return part
    args = tuple([applied(low, p, names) for p in part.parts])
    return (
        operate_in_rule(low, part.function, *args) if part.is_operator else low.apply(part.function, args, {})
    )


@lru_cache(maxsize=1024)
def times_upstream(formula: str) -> Part | None:
    """`grad_y` times a local gradient, joined at its leftmost factor; None for a zero."""
    tree = parsed(formula, mode="eval").body
    if isinstance(tree, ast.Constant) and tree.value == 0:
        return None
    return _read(_attach(tree))


def _attach(local: ast.expr) -> ast.expr:
    upstream = ast.Name("grad_y", ast.Load())
    if isinstance(local, ast.Constant) and local.value == 1:
        return upstream
    if isinstance(local, ast.UnaryOp) and isinstance(local.op, ast.USub):
        operand = local.operand
        if isinstance(operand, ast.Constant) and operand.value == 1:
            return ast.UnaryOp(ast.USub(), upstream)
        return ast.BinOp(ast.UnaryOp(ast.USub(), upstream), ast.Mult(), operand)
    if isinstance(local, ast.BinOp) and isinstance(local.op, (ast.Mult, ast.Div)):
        return ast.BinOp(_attach(local.left), local.op, local.right)
    return ast.BinOp(upstream, ast.Mult(), local)


def _read(node: ast.expr) -> Part:
    """The syntax that formulas are made of: names, numbers, operators and functions of NumPy."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.BinOp):
        return Step(BINARY[type(node.op)], (_read(node.left), _read(node.right)), True)
    if isinstance(node, ast.UnaryOp):
        return Step(UNARY[type(node.op)], (_read(node.operand),), True)
    if isinstance(node, ast.Compare):
        return Step(COMPARE[type(node.ops[0])], (_read(node.left), _read(node.comparators[0])), True)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute), ast.dump(node)
    return Step(getattr(np, node.func.attr), tuple(map(_read, node.args)), False)
