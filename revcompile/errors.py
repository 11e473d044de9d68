"""Errors that point at the user's line: a reason, a caret, a way out. Imports nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass

# What Python raises where a program makes no sense.
PYTHON_ERRORS = (TypeError, ValueError, IndexError, KeyError, AttributeError, NameError, ZeroDivisionError)


@dataclass(frozen=True)
class Place:
    """A span of the user's source."""

    filename: str
    line: int
    function: str
    text: str = ""
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        head = f'  File "{self.filename}", line {self.line}, in {self.function}'
        code = self.text.strip()
        if not code:
            return head
        indent = len(self.text) - len(self.text.lstrip())
        start = max(self.start - indent, 0)
        width = max(min(self.end - indent, len(code)) - start, 1)
        return f"{head}\n    {code}\n    {' ' * start}{'^' * width}"


class UnsupportedError(TypeError):
    """The compiler does not differentiate this. The message says where, why, and what to do."""

    def __init__(self, reason: str, place: Place | None = None, way_out: str = "") -> None:
        self.reason = reason
        self.place = place
        self.way_out = way_out
        parts = [reason]
        if place is not None:
            parts.append(str(place))
        if way_out:
            parts.append(f"  {way_out}")
        super().__init__("\n".join(parts))

    def __reduce__(self) -> tuple[type, tuple[str, Place | None, str]]:
        return type(self), (self.reason, self.place, self.way_out)


def with_place(error: Exception, place: Place) -> Exception:
    """`error`, of the exception type Python itself would have raised, with the user's line added."""
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = f"{said!r}\n{place}" if isinstance(error, KeyError) else f"{said}\n{place}"
    for kind in type(error).__mro__:  # some exceptions want other arguments than a text
        try:
            return _KeyError(text) if kind is KeyError else kind(text)
        except TypeError:
            continue
    return error


class _KeyError(KeyError):
    """A KeyError whose text is shown as it is, line by line."""

    __str__ = Exception.__str__


_KeyError.__name__ = _KeyError.__qualname__ = "KeyError"


def plain_kind(error: Exception) -> type[Exception]:
    """The exception type that generated code is to raise for an error."""
    return KeyError if isinstance(error, KeyError) else type(error)
