"""`with` around statements: only managers that change nothing but warnings, `np.errstate` above all.

Imports the interpreter's interface.
"""

from __future__ import annotations

import ast
import warnings

import numpy as np

from revcompile.statements import simple
from revcompile.syntax.abstract import Frame
from revcompile.syntax.interpreter import Interpreter

HARMLESS = (np.errstate, np.printoptions, warnings.catch_warnings)


def lower(low: Interpreter, node: ast.With, frame: Frame, pending: list[ast.stmt]) -> None:
    """The body, in place: what these managers do does not reach the values."""
    for item in node.items:
        call = item.context_expr
        manager = low.evaluate(call.func, frame) if isinstance(call, ast.Call) else None
        if manager not in HARMLESS:
            raise low.unsupported(
                "this with block is not supported",
                call,
                frame,
                "Supported: np.errstate, np.printoptions, warnings.catch_warnings.",
            )
        if item.optional_vars is not None:
            simple.bind(low, item.optional_vars, None, frame)
    pending[:0] = node.body
