"""print, str, repr, format and the methods of texts, where a run-time value is to be written."""

from __future__ import annotations

import string
from typing import Any

from revcompile.errors import UnsupportedError, host
from revcompile.frontend import formatting, objects
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import format_, print_
from revcompile.ir.nodes import Structure, is_static

Args = tuple[Any, ...]
CONVERSIONS = frozenset("sra")


def _print(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> None:
    low.emit(print_, formatting.writable(args), kwargs)


def _str(low: Lowering, args: Args, kwargs: Any, *_: Any) -> Structure:
    return _text(low, args[0], "s") if args else NotImplemented


def _repr(low: Lowering, args: Args, *_: Any) -> Structure:
    return _text(low, args[0], "r")


def _text(low: Lowering, x: Structure, conversion: str) -> Structure:
    if is_static(x) and not objects.is_object(x):
        return NotImplemented
    return low.emit(format_, formatting.writable(((x, ord(conversion), ""),)))


def _format(low: Lowering, args: Args, *_: Any) -> Structure:
    """`format(x, ".2f")`"""
    return (
        NotImplemented
        if formatting.is_known(args[0])
        else low.emit(format_, formatting.writable(((args[0], -1, "".join(args[1:])),)))
    )


def format_text(low: Lowering, text: str, args: Args, kwargs: dict[str, Any]) -> Structure:
    """`"{} and {x:.2f}".format(a, x=b)`"""
    parts: list[Any] = []
    number = 0
    with host():
        pieces = list(string.Formatter().parse(text))
    for literal, field, spec, conversion in pieces:
        if literal:
            parts.append(literal)
        if field is None:
            continue
        if not field:
            field, number = str(number), number + 1
        known = (field.isdecimal() or field.isidentifier()) and (conversion or "s") in CONVERSIONS
        if not known or "{" in (spec or ""):
            raise UnsupportedError("a format with more than names and numbers in braces is not supported")
        with host():
            value = args[int(field)] if field.isdecimal() else kwargs[field]
        parts.append((value, ord(conversion) if conversion else -1, spec or ""))
    return low.emit(format_, formatting.writable(tuple(parts)))


def text_method(low: Lowering, owner: str, name: str, args: Args, kwargs: dict[str, Any]) -> Structure:
    """A method of a known text on run-time values; NotImplemented where all is known."""
    if is_static(args) and is_static(kwargs) and not any(map(objects.is_object, (*args, *kwargs.values()))):
        return NotImplemented
    if name == "format":
        return format_text(low, owner, args, kwargs)
    if name == "join":
        items = low.items(args[0])
        parts = [part for i, item in enumerate(items) for part in ((owner, item) if i else (item,))]
        return formatting.join_texts(low, parts)
    return NotImplemented


SPECIAL: dict[Any, Any] = {print: _print, str: _str, repr: _repr, format: _format}
