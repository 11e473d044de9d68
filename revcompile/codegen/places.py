"""Which lines of the user's program a line of generated text stands for, and errors that show them.

Imports the errors.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from revcompile.errors import Place, text_of

Places = tuple[Place, ...]
PLACES: dict[str, tuple[Places, ...]] = {}  # of the lines of generated texts, by the file name of their code


class Line(str):
    """A line of generated text."""

    places: Places = ()


class Text(str):
    """Generated text, with the places of its lines."""

    places: tuple[Places, ...] = ()


def line_for(text: str, places: Places) -> Line:
    """A line of generated text that stands for these places."""
    line = Line(text)
    line.places = tuple(filter(None, places))
    return line


def same_place(text: str, line: str) -> Line:
    """Another way to write a line."""
    return line_for(text, line.places if isinstance(line, Line) else ())


def joined(lines: Sequence[str]) -> Text:
    text = Text("\n".join(lines) + "\n")
    text.places = tuple(line.places if isinstance(line, Line) else () for line in lines)
    return text


def places_of(error: BaseException) -> Places:
    """The user's lines for which the line of generated code stands that an error has come through."""
    found: Places = ()
    trace = error.__traceback__
    while trace is not None:
        known = PLACES.get(trace.tb_frame.f_code.co_filename, ())
        line = trace.tb_lineno or 0  # what a signal's handler raises may come from no line
        if 0 < line <= len(known):
            found = known[line - 1] or found  # the innermost
        trace = trace.tb_next
    return found


def explain(error: BaseException | None) -> None:
    """Note the user's line on an error that generated code has raised, or that was raised in a call of it."""
    if error is None:
        return
    shown = [place for place in places_of(error) if _head(place) not in text_of(error)]
    if not shown:
        return
    note = "In generated code that stands for\n" + "\n".join(map(_show, shown))
    notes = getattr(error, "__notes__", [])
    if note not in notes:
        _add_note(error, note)


def _head(place: Place) -> str:
    return f'  File "{place.filename}", line {place.line}, in {place.function}'


def _show(place: Place) -> str:
    return f"{_head(place)}\n    {place.text.strip()}" if place.text.strip() else _head(place)


def _add_note(error: BaseException, note: str) -> None:
    """`error.add_note(note)`; for Python 3.10, what that does."""
    if sys.version_info >= (3, 11):
        error.add_note(note)
    else:
        error.__notes__ = [  # type: ignore[attr-defined]
            *getattr(error, "__notes__", []),
            note,
        ]
