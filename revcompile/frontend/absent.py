"""What a call gives on one way, and leaves None on another.

    def forward(x):                        value, (negative, y) = forward(x)
        if x > 0:                          if negative:
            return x, (False, None)            value = value * y
        y = np.exp(x)
        return y - 1, (True, y)

Such a value may be handed on. Where it is read, the run sees to it that it is there.
"""

from __future__ import annotations

import ast
from functools import lru_cache, partial

from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import defined_
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.values import NONE
from revcompile.syntax.abstract import Regained

THERE = "is there"  # what is remembered of a value that the run has seen to be set
PARTS = (ast.Name, ast.Subscript, ast.Attribute, ast.Call)


def must_be_there(low: Lowering, structure: Structure) -> None:
    """Let the run see to it that nothing is None of what an operation is given, or the function's caller."""
    unset = low.builder.table.unset
    missing = [v for v in leaves(structure) if unset.get(v) == NONE] if unset else []
    together = isinstance(structure, Regained)  # all of it is None, or nothing
    for v in missing[:1] if together else missing:
        low.builder.remember((THERE, v), partial(low.builder.emit, defined_, (v, NONE)))
    for v in missing[1:] if together else ():
        low.builder.remember((THERE, v), partial(Value, v.type))


def is_there(low: Lowering, v: Value) -> bool:
    """Whether a value is set on every way, or the run has seen to it."""
    return v not in low.builder.table.unset or low.builder.remembers((THERE, v))


@lru_cache(maxsize=256)
def handed_on(function: ast.AST) -> frozenset[ast.AST]:
    """The expressions of a function that only get another name, are passed, returned, or asked for."""
    found: set[ast.AST] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Return, ast.Assign)) and node.value is not None:
            waiting = [node.value]
        elif isinstance(node, ast.Call):
            waiting = list(node.args)
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            waiting = [node.left, *node.comparators]
        elif isinstance(node, ast.For):
            waiting = [node.iter]
        else:
            continue
        while waiting:
            part = waiting.pop()
            if isinstance(part, (ast.Tuple, ast.List)):
                waiting.extend(part.elts)
            elif isinstance(part, PARTS):
                found.add(part)
    return frozenset(found)
