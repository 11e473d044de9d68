"""Names and literals in generated text: the one place where data becomes either.

Whatever comes from the program's data, a key, an attribute's name, the name of a class, a function or a
gate, enters generated text as an identifier that `identifier` has made, or as a literal that `literal` has
written. Imports the errors.
"""

from __future__ import annotations

import keyword
import math
import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np

from revcompile.errors import InternalError

LONGEST = 60  # of a name that is made of something else
LONG = 8000  # the bits of a whole number; Python refuses to write much longer ones in decimal
_NUMBER = re.compile(r"0x[0-9a-f]+|(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?[\d_]+)?", re.ASCII)


def is_name(text: Any) -> bool:
    """Whether a text is an identifier that Python reads as it stands. (Python normalises what it reads.)"""
    if type(text) is not str or not text.isidentifier() or keyword.iskeyword(text) or text == "__debug__":
        return False
    return text.isascii() or unicodedata.normalize("NFKC", text) == text


def step_name(name: str, step: Any) -> str:
    """What is at a key, an index or an attribute of `name` may be called: by a key that is a name itself."""
    own = str.__str__(step) if isinstance(step, str) else ""
    return own if is_name(own) else inside(name, step)


def inside(name: str, step: Any) -> str:
    """A name for what is at a key, an index or an attribute of `name`."""
    own = str.__str__(step) if isinstance(step, str) else key_literal(step)
    if own is None:
        own = step.name if isinstance(step, Enum) else step.__name__ if isinstance(step, type) else ""
    return identifier(f"{name}_{own}" if own else name)


def identifier(wish: str, default: str = "value") -> str:
    """`wish`, or a name as similar to it as one can be."""
    return _identifier(str.__str__(wish), default)


@lru_cache(maxsize=4096)
def _identifier(wish: str, default: str) -> str:
    if is_name(wish):
        return wish
    text = unicodedata.normalize("NFKC", wish)
    words = "".join(c if f"x{c}".isidentifier() else " " for c in text).split()
    short = "_".join(words)[:LONGEST]
    for name in (short, f"{short}_", f"{default}_{short}"):  # a keyword; what begins with a digit
        if is_name(name) and short.strip("_"):
            return name
    return default


def function_name(function: Any) -> str:
    """What generated code calls a function of the user's."""
    name = getattr(function, "__name__", "function")
    return "function" if name == "<lambda>" else identifier(name, "function")


def is_numeral(text: str, value: float | None = None) -> bool:
    """Whether a text is one number without a sign, as Python reads it; if so, whether it is that number."""
    if _NUMBER.fullmatch(text) is None:
        return False
    try:
        return value is None or float(text) == value
    except ValueError:
        return False


def literal(obj: Any) -> str | None:
    """The text of a constant; None if it is not one.

    An object of a class derived from a constant's is none: what its `repr` says is up to the program.
    """
    kind = type(obj)
    if kind is int:
        return repr(obj) if obj.bit_length() <= LONG else hex(obj)
    if obj is None or kind in (bool, str, bytes):
        return repr(obj)
    if obj is Ellipsis:
        return "..."
    if kind is float and math.isfinite(obj):
        return repr(obj)
    return None


def key_literal(key: Any) -> str | None:
    """The text of a constant that finds what a dict has under `key`; None if there is none."""
    if type(key) is tuple:
        parts = [key_literal(item) for item in key]
        return None if None in parts else f"({', '.join(map(str, parts))}{',' if len(parts) == 1 else ''})"
    return literal(key.item() if isinstance(key, np.generic) and key.dtype.kind in "biufSU" else key)


def key_text(key: Any) -> str:
    """The text of a key, of which it is known that it can be written."""
    text = key_literal(key)
    if text is None:
        raise InternalError(f"a key of the class {type(key).__name__} cannot be written")
    return text


def printable(text: str) -> str:
    """A text on one line, without what a terminal or a reader of lines would obey: for comments."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
