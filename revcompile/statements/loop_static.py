"""`for` over what is known while compiling: in a gate's rule the loop is written out."""

from __future__ import annotations

import ast

from revcompile.statements import simple
from revcompile.syntax.abstract import Frame, Returned
from revcompile.syntax.interpreter import Interpreter


def lower(low: Interpreter, node: ast.For, frame: Frame, _: list[ast.stmt]) -> Returned | None:
    if not frame.is_rule:
        raise low.unsupported("a for loop is not supported yet", node, frame)
    for item in low.iterate(low.evaluate(node.iter, frame), node.iter, frame):
        simple.bind(low, node.target, item, frame)
        outcome = low.run(node.body, frame)
        if outcome is not None:
            return outcome
    return None
