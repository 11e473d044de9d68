"""Syntax to text: astor prints it, but for f-strings, which are printed here.

What is printed has been verified: every name is an identifier, every constant one of Python's own. Each
text is one line. Imports the IR's identifiers and astor.
"""

from __future__ import annotations

import ast
import importlib
import warnings
from functools import cache
from typing import Any

from revcompile.errors import InternalError
from revcompile.ir.identifiers import is_name, is_numeral

INDENT = "    "
NAMES = frozenset({"id", "attr", "arg", "name"})  # the fields of syntax that are names
CONSTANTS = frozenset({bool, int, float, str, bytes, type(None), type(Ellipsis)})


@cache
def _printer() -> Any:
    """astor's printer, imported when the first text is written: importing this package is to be quick."""
    with warnings.catch_warnings():  # astor asks for classes that Python 3.12 and later warn of
        warnings.simplefilter("ignore", DeprecationWarning)
        base = importlib.import_module("astor.code_gen").SourceGenerator
    return type("Printer", (base,), {"visit_JoinedStr": lambda self, node: self.write(format_text(node))})


def to_text(node: ast.AST) -> str:
    """Python text of a syntax tree, on one line."""
    verify(node)
    generator = _printer()(INDENT, False, lambda text, *_: repr(text))
    generator.visit(node)
    text = "".join(map(str, generator.result)).strip("\n")
    bare = isinstance(node, ast.expr) and not isinstance(node, ast.Tuple) and _is_wrapped(text)
    return text[1:-1] if bare else text


def verify(node: ast.AST) -> None:
    """Refuse syntax that would be other code as text."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        for field in inner._fields:
            part = getattr(inner, field, None)
            if isinstance(part, ast.AST):
                if part._fields:  # an operator has none
                    waiting.append(part)
            elif isinstance(part, list):
                waiting.extend(item for item in part if isinstance(item, ast.AST))
            elif field in NAMES and isinstance(part, str) and not is_name(part):
                if not (isinstance(inner, ast.Name) and is_numeral(part)):
                    raise InternalError(f"{part!r} is no name")
        if isinstance(inner, ast.Constant) and type(inner.value) not in CONSTANTS:
            raise InternalError(f"a {type(inner.value).__name__} is no constant")


def format_text(node: ast.JoinedStr) -> str | None:
    """An f-string as text; None if Pythons before 3.12 could not read it."""
    parts = [_text_or_field(part) for part in node.values]
    fields = [part for part in parts if not isinstance(part, str)]
    usable = [q for q in "'\"" if not any(q in text for text, _ in fields)]
    unreadable = any(c in text for text, _ in fields for c in "\\#")
    unreadable |= any(c in end[1:] or not c.isprintable() for _, end in fields for c in "\\'\"{}" + end)
    if unreadable or not usable:
        return None
    words = "".join(part for part in parts if isinstance(part, str))
    quote = next((q for q in usable if q not in words), usable[0])
    out = (
        "".join(_escaped(c, quote) for c in part) if isinstance(part, str) else f"{{{part[0]}{part[1]}}}"
        for part in parts
    )
    return f"f{quote}{''.join(out)}{quote}"


def _text_or_field(part: Any) -> str | tuple[str, str]:
    """A part of an f-string: a text, or an expression and what follows it in its braces."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    text = to_text(part.value)
    end = f"!{chr(part.conversion)}" if part.conversion >= 0 else ""
    if part.format_spec is not None:
        end += f":{part.format_spec.values[0].value}"
    return " " * text.startswith("{") + text, end


def _escaped(c: str, quote: str) -> str:
    """A character in the text of an f-string."""
    if c in (quote, "\\"):
        return "\\" + c
    return c * 2 if c in "{}" else c if c.isprintable() else repr(c)[1:-1]


def _is_wrapped(text: str) -> bool:
    """Whether one pair of parentheses encloses the whole text."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and i < len(text) - 1:
            return False
    quoted = "'" in text or '"' in text
    return depth == 0 and (not quoted or _is_the_same(text, text[1:-1]))


def _is_the_same(text: str, other: str) -> bool:
    """Whether two texts are the same expression; quotes may have hidden which parentheses belong together."""
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


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
