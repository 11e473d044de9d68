"""`for` over what is known while compiling: in a gate's rule the loop is written out."""

from __future__ import annotations

import ast
from typing import Any

from revcompile.frontend import simple
from revcompile.frontend.abstract import Frame, Returned


def lower(low: Any, node: ast.For, frame: Frame, _: list[ast.stmt]) -> Returned | None:
    if not frame.is_rule:
        raise low.unsupported("a for loop is not supported yet", node, frame)
    for item in low.iterate(low.evaluate(node.iter, frame), node.iter, frame):
        simple.bind(low, node.target, item, frame)
        outcome = low.run(node.body, frame)
        if outcome is not None:
            return outcome
    return None
