"""Syntax to text: astor prints it, but for the expressions that generated code is full of.

These are printed here, at a fifth of the cost, and f-strings, so that every Python can read them. Every name
that is printed is an identifier, every constant one of Python's own: syntax that would be other code as text
is refused. Each text is one line. Imports the IR's identifiers and astor.
"""

from __future__ import annotations

import ast
import importlib
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from revcompile.errors import InternalError
from revcompile.ir.identifiers import is_name, is_numeral

INDENT = "    "
NAMES = frozenset({"id", "attr", "arg", "name"})  # the fields of syntax that are names
CONSTANTS = frozenset({bool, int, float, str, bytes, type(None), type(Ellipsis)})

# How tightly parts of an expression hold together, beginning with what needs no parentheses anywhere.
BARE, TUPLE, ITEM, CHOICE, OR, AND, NOT, COMPARISON = range(8)
SUM, PRODUCT, EXPONENT, SIGN, POWER, BASE, CONSTANT, WHOLE = range(12, 20)
OPERATORS: dict[type[ast.AST], tuple[str, int]] = {
    ast.Or: ("or", OR), ast.And: ("and", AND), ast.Not: ("not ", NOT),
    ast.Eq: ("==", COMPARISON), ast.NotEq: ("!=", COMPARISON), ast.Lt: ("<", COMPARISON),
    ast.LtE: ("<=", COMPARISON), ast.Gt: (">", COMPARISON), ast.GtE: (">=", COMPARISON),
    ast.Is: ("is", COMPARISON), ast.IsNot: ("is not", COMPARISON),
    ast.In: ("in", COMPARISON), ast.NotIn: ("not in", COMPARISON),
    ast.BitOr: ("|", 8), ast.BitXor: ("^", 9), ast.BitAnd: ("&", 10),
    ast.LShift: ("<<", 11), ast.RShift: (">>", 11),
    ast.Add: ("+", SUM), ast.Sub: ("-", SUM), ast.Mult: ("*", PRODUCT), ast.Div: ("/", PRODUCT),
    ast.Mod: ("%", PRODUCT), ast.FloorDiv: ("//", PRODUCT), ast.MatMult: ("@", PRODUCT),
    ast.Invert: ("~", SIGN), ast.UAdd: ("+", SIGN), ast.USub: ("-", SIGN), ast.Pow: ("**", POWER),
}  # fmt: skip


def to_text(node: ast.AST) -> str:
    """Python text of a syntax tree, on one line."""
    return _print(node, CHOICE if isinstance(node, ast.Tuple) else BARE)


def _print(node: Any, around: int) -> str:
    """The text of a node, in parentheses where it stands in what holds together more tightly."""
    printer = _PRINTERS.get(type(node))
    return _by_astor(node) if printer is None else printer(node, around)


@cache
def _astor() -> Any:
    """astor's printer, imported when it is first needed: importing this package is to be quick."""
    with warnings.catch_warnings():  # astor asks for classes that Python 3.12 and later warn of
        warnings.simplefilter("ignore", DeprecationWarning)
        base = importlib.import_module("astor.code_gen").SourceGenerator
    return type("Printer", (base,), {"visit_JoinedStr": lambda self, node: self.write(_text(node, BARE))})


def _by_astor(node: ast.AST) -> str:
    """The text of a statement, or of a rare expression, which brings its parentheses."""
    verify(node)
    generator = _astor()(INDENT, False, lambda text, *_: repr(text))
    generator.visit(node)
    return "".join(map(str, generator.result)).strip("\n")


def verify(node: ast.AST) -> None:
    """Refuse syntax that would be other code as text."""
    for inner in ast.walk(node):
        for field, part in ast.iter_fields(inner):
            if field in NAMES and isinstance(part, str) and not is_name(part):
                if not (isinstance(inner, ast.Name) and is_numeral(part)):
                    raise InternalError(f"{part!r} is no name")
        if isinstance(inner, ast.Constant) and type(inner.value) not in CONSTANTS:
            raise InternalError(f"a {type(inner.value).__name__} is no constant")


def _enclosed(text: str, own: int, around: int) -> str:
    return f"({text})" if own < around else text


def _named(name: str) -> str:
    if not is_name(name):
        raise InternalError(f"{name!r} is no name")
    return name


_is_name = lru_cache(maxsize=4096, typed=True)(is_name)  # a text, and no text of another class that is equal


def _name(node: ast.Name, around: int) -> str:
    return node.id if _is_name(node.id) or is_numeral(node.id) else _named(node.id)


def _constant(node: ast.Constant, around: int) -> str:
    kind = type(node.value)
    if kind not in CONSTANTS:
        raise InternalError(f"a {kind.__name__} is no constant")
    if kind is type(Ellipsis):
        return "..."
    return _enclosed(repr(node.value), CONSTANT if kind in (int, float, bool) else WHOLE, around)


def _binary(node: ast.BinOp, around: int) -> str:
    symbol, own = OPERATORS[type(node.op)]
    sides = (BASE, EXPONENT) if own == POWER else (own, own + 1)
    left, right = map(_print, (node.left, node.right), sides)
    return _enclosed(f"{left} {symbol} {right}", own, around)


def _unary(node: ast.UnaryOp, around: int) -> str:
    symbol, own = OPERATORS[type(node.op)]
    return _enclosed(f"{symbol}{_print(node.operand, own)}", own, around)


def _boolean(node: ast.BoolOp, around: int) -> str:
    symbol, own = OPERATORS[type(node.op)]
    return _enclosed(f" {symbol} ".join(_print(v, own + 1) for v in node.values), own, around)


def _comparison(node: ast.Compare, around: int) -> str:
    text = _print(node.left, COMPARISON + 1)
    for op, other in zip(node.ops, node.comparators, strict=True):
        text += f" {OPERATORS[type(op)][0]} {_print(other, COMPARISON + 1)}"
    return _enclosed(text, COMPARISON, around)


def _choice(node: ast.IfExp, around: int) -> str:
    body, test = _print(node.body, OR), _print(node.test, OR)
    return _enclosed(f"{body} if {test} else {_print(node.orelse, CHOICE)}", CHOICE, around)


def _call(node: ast.Call, around: int) -> str:
    given = [_print(a, ITEM) for a in node.args]
    for key in node.keywords:
        given.append((f"{_named(key.arg)}=" if key.arg else "**") + _print(key.value, ITEM))
    return f"{_print(node.func, WHOLE)}({', '.join(given)})"


def _items(nodes: list[ast.expr]) -> str:
    return ", ".join(_print(n, ITEM) for n in nodes)


def _tuple(node: ast.Tuple, around: int) -> str:
    if not node.elts:
        return "()"
    return _enclosed(_items(node.elts) + ("," if len(node.elts) == 1 else ""), TUPLE, around)


def _slice(node: ast.Slice, around: int) -> str:
    lower, upper, step = ("" if n is None else _print(n, ITEM) for n in (node.lower, node.upper, node.step))
    return f"{lower}:{upper}" + (f":{step}" if step else "")


def _text(node: ast.JoinedStr, around: int) -> str:
    text = format_text(node)
    if text is None:
        raise InternalError("a string that Python could not read")
    return text


_PRINTERS: dict[type[ast.AST], Callable[[Any, int], str]] = {
    ast.Name: _name, ast.Constant: _constant, ast.BinOp: _binary, ast.UnaryOp: _unary, ast.BoolOp: _boolean,
    ast.Compare: _comparison, ast.IfExp: _choice, ast.Call: _call, ast.Slice: _slice,
    ast.JoinedStr: _text, ast.Tuple: _tuple,
    ast.Attribute: lambda node, _: f"{_print(node.value, WHOLE)}.{_named(node.attr)}",
    ast.Subscript: lambda node, _: f"{_print(node.value, WHOLE)}[{_print(node.slice, BARE)}]",
    ast.List: lambda node, _: f"[{_items(node.elts)}]",
    ast.Starred: lambda node, _: f"*{_print(node.value, WHOLE)}",
}  # fmt: skip


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


def width(node: ast.AST) -> int:
    """About how long the text of an expression is; much quicker than writing it."""
    kind = type(node)
    if kind is ast.Name:
        return len(node.id)  # type: ignore[attr-defined]
    if kind is ast.BinOp:
        return width(node.left) + width(node.right) + 3  # type: ignore[attr-defined]
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
