"""Texts that are put together of parts, some of them known at run time only: f-strings, `a + b`, `join`."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from revcompile.errors import UnsupportedError, an, host
from revcompile.frontend.at_hand import flat
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.gates.effects import format_
from revcompile.ir.nodes import Structure, Value, is_static
from revcompile.ir.types import Opaque
from revcompile.syntax.abstract import Frame
from revcompile.syntax.mutable import containers
from revcompile.syntax.operators import binary_symbol


def formatted(low: Lowering, node: ast.JoinedStr, frame: Frame) -> Structure:
    """An f-string: text, and (value, conversion, format) triples."""
    parts: list[Any] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value)
        elif isinstance(part, ast.FormattedValue):
            spec = low.evaluate(part.format_spec, frame) if part.format_spec is not None else ""
            parts.append((low.evaluate(part.value, frame), part.conversion, low.static(spec, "as a format")))
    if is_known(parts):
        text = "".join(p if isinstance(p, str) else _format(*p) for p in parts)
        low.host.tells(format, parts, text)
        return text
    return low.emit(format_, writable(tuple(parts)))


def writable(structure: Structure) -> Structure:
    """The same; what the run knows and is to be written is no deque, and no dict of a class of its own."""
    for container in containers(structure):
        if isinstance(container, (deque, dict)) and type(container) is not dict:
            kind = "list" if isinstance(container, deque) else "dict"
            raise UnsupportedError(
                f"the text of {an(type(container).__name__)} of what only the run knows is not supported",
                way_out=f"Make a {kind} of it: {kind}(...).",
            )
    return structure


def is_known(structure: Structure) -> bool:
    """Whether what a text is made of is known. What an object is written as, its class says when it is."""
    return is_static(structure) and not any(isinstance(x, HostObject) for x in flat(structure))


def _format(value: Any, conversion: int, spec: str) -> str:
    convert: dict[int, Callable[[Any], Any]] = {115: str, 114: repr, 97: ascii}
    with host():
        return format(convert[conversion](value) if conversion in convert else value, spec)


def joins(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operator makes a text: `+` of texts, `%` of a known one."""
    symbol = binary_symbol(function)
    return (symbol == "%" and isinstance(args[0], str)) or (symbol == "+" and all(map(is_text, args)))


def is_text(x: Structure) -> bool:
    return isinstance(x, str) or (isinstance(x, Value) and x.type == Opaque("str"))


def join_texts(low: Lowering, parts: Iterable[Structure]) -> Structure:
    """Texts one after the other, some of them known at run time only."""
    return low.emit(format_, writable(tuple(p if isinstance(p, str) else (p, -1, "") for p in parts)))
