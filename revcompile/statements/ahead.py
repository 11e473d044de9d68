"""What the statements that wait will certainly read: a decision that this calls for is made on the spot."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from revcompile.ir.nodes import Structure
from revcompile.statements import exits
from revcompile.syntax.abstract import Poison
from revcompile.syntax.decisions import Decision

SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)
LATER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def calls_for(decision: Decision, names: dict[str, Structure], pending: list[ast.stmt]) -> bool:
    """Whether a name to which only `decision` gives a meaning is certainly read, as it is now."""
    wanted = {n for n, x in names.items() if isinstance(x, Poison) and x.decision == decision}
    for statement in pending if wanted else ():
        if isinstance(statement, SIMPLE):
            first: ast.AST = statement
        elif isinstance(statement, (ast.If, ast.While)) and not exits.kinds(statement):
            first = statement.test
        elif isinstance(statement, ast.For) and not exits.kinds(statement):
            first = statement.iter
        else:
            return False
        if not wanted.isdisjoint(_read(first)):
            return True
        wanted -= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    return False


def _read(node: ast.AST) -> Iterator[str]:
    """The names that are certainly read where a statement, or an expression, is run."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
    children = ast.iter_child_nodes(node)
    if isinstance(node, ast.IfExp):
        children = iter([node.test])
    elif isinstance(node, ast.BoolOp):
        children = iter(node.values[:1])
    for child in children if not isinstance(node, LATER) else ():
        yield from _read(child)
