"""What a statement's lowering may ask of the interpreter: the one interface between the two rooms."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from revcompile.errors import UnsupportedError
from revcompile.ir.build import Builder
from revcompile.ir.nodes import Structure
from revcompile.syntax.abstract import Frame, Returned


class Interpreter(Protocol):
    """`revcompile.frontend.lower.Lowering`, as seen from below."""

    builder: Builder

    def evaluate(self, node: ast.expr, frame: Frame) -> Structure: ...
    def run(self, statements: Sequence[ast.stmt], frame: Frame) -> Returned | None: ...
    def emit(self, function: Callable[..., Any], *args: Structure) -> Structure: ...
    def apply(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Structure: ...
    def iterate(self, structure: Structure, node: ast.AST, frame: Frame) -> list[Structure]: ...
    def unsupported(
        self, reason: str, node: ast.AST, frame: Frame, way_out: str = ""
    ) -> UnsupportedError: ...
