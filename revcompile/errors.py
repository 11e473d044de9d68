"""Errors that point at the user's line: a reason, a caret, a way out. Imports nothing of ours.

Three kinds are told apart. What is not differentiated is an `UnsupportedError`. What the *program* raises is
a `HostError` around it, from where it is raised to where the user sees it: `with host():` stands around each
call of NumPy, of Python or of the user's code that the compiler makes, and `raise HostError(TypeError(...))`
where the compiler does itself what Python would have done. Any other exception of the compiler is a defect:
an `InternalError`, which is no statement of the program, no refusal, and no reason to try another way.
"""

from __future__ import annotations

import difflib
import dis
import functools
import inspect
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, TracebackType
from typing import Any, NamedTuple, NoReturn

# What a program may raise in a place that is perhaps never reached.
PYTHON_ERRORS = (TypeError, ValueError, IndexError, KeyError, AttributeError, NameError, ArithmeticError)
# What a mistake in the compiler raises. An exception of other classes, as of a signal's handler, is not ours.
DEFECTS = (
    TypeError, ValueError, LookupError, AttributeError, NameError, ArithmeticError, AssertionError,
    SyntaxError, RuntimeError, StopIteration,
)  # fmt: skip


_OWN = __name__.partition(".")[0]
DEEP = 900  # calls in each other that a program makes in vain: Python allows 1000


class Place(NamedTuple):
    """A span of the user's source."""

    filename: str
    line: int
    function: str
    text: str = ""
    start: int = 0
    end: int = 0

    def __bool__(self) -> bool:
        return bool(self.filename)

    def __str__(self) -> str:
        head = f'  File "{self.filename}", line {self.line}, in {self.function}'
        code = self.text.strip()
        if not code:
            return head
        indent = len(self.text) - len(self.text.lstrip())
        start = max(self.start - indent, 0)
        width = max(min(self.end - indent, len(code)) - start, 1)
        return f"{head}\n    {code}\n    {' ' * start}{'^' * width}"


NOWHERE = Place("", 0, "")  # what has no text that the user wrote


def form_of(x: Any) -> str:
    """What a tree of numbers is, in a few words."""
    if isinstance(x, Mapping):
        return f"{an(type(x).__name__)} with {', '.join(map(repr, x)) or 'nothing in it'}"
    if isinstance(x, (tuple, list)):
        return f"{an(type(x).__name__)} of {len(x)}"
    return (
        "None" if x is None else f"{an(type(x).__name__)}" if isinstance(x, str) else "a number or an array"
    )


def an(noun: object) -> str:
    """A noun with its article.

    >>> an("OrderedDict"), an("float64"), an("uint8"), an("ufunc")
    ('an OrderedDict', 'a float64', 'a uint8', 'a ufunc')
    """
    word = str(noun)
    is_vowel = word[:1] in "aeioAEIOU" or (word[:1] == "u" and word[1:2] not in "ifn") or word[:3] == "und"
    return f"{'an' if is_vowel else 'a'} {word}"


class UnsupportedError(TypeError):
    """The compiler does not differentiate this. The message says where, why, and what to do.

    `final`: of what changes the program's own things, which a call made as it is would do while compiling.
    """

    def __init__(
        self, reason: str, place: Place | None = None, way_out: str = "", final: bool = False
    ) -> None:
        self.reason = reason
        self.final = final
        self.place = place
        self.way_out = way_out
        parts = [reason]
        if place:
            parts.append(str(place))
        if way_out:
            parts.append(f"  {way_out}")
        super().__init__("\n".join(parts))

    def at(self, place: Place) -> UnsupportedError:
        """The same, at a place."""
        return type(self)(self.reason, place, self.way_out, self.final)

    def __reduce__(self) -> tuple[type, tuple[str, Place | None, str, bool]]:
        return type(self), (self.reason, self.place, self.way_out, self.final)


UnsupportedError.__module__ = _OWN  # where users find it


class HostError(Exception):
    """Around what the program raises, or would raise: `error`, with the user's line once that is known."""

    def __init__(self, original: Exception, place: Place | None = None) -> None:
        super().__init__()
        self.original = original
        self.error = with_place(original, place) if place is not None else original
        self.is_located = place is not None

    def __str__(self) -> str:
        return str(self.original)

    def unless(self, *kinds: type[Exception]) -> None:
        """Raise it again, unless it is of one of these kinds."""
        if not isinstance(self.error, kinds):
            raise self

    def at(self, place: Place) -> HostError:
        """The same, with the user's line in its text."""
        return self if self.is_located else HostError(self.error, place)


class host:
    """Around a call of what is not ours: what it raises is the program's."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not _is_ours(error) and not is_of_a_signal(error):
            if not is_too_deep(error) or sum(1 for _ in _entries(error.__traceback__)) > DEEP:
                raise HostError(error) from None


def _is_ours(error: Exception) -> bool:
    return is_own(type(error))


def is_too_deep(error: Exception) -> bool:
    """Whether Python's stack is at its end, as that of a program that is nested deeply is: the interpreter
    has raised the error, not a statement."""
    if not isinstance(error, RecursionError):
        return False
    *_, last = _entries(error.__traceback__)
    return last.tb_frame.f_code.co_code[last.tb_lasti] != dis.opmap["RAISE_VARARGS"]


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    """A traceback's calls, the one in which the error was raised last."""
    while entry is not None:
        yield entry
        entry = entry.tb_next


def is_of_a_signal(error: Exception) -> bool:
    """Whether a signal's handler has raised it: neither the program under compilation nor the compiler."""
    trace = error.__traceback__
    if trace is None or trace.tb_next is None:  # raised where it is caught, which is no handler
        return False
    handlers = {getattr(signal.getsignal(s), "__code__", None) for s in signal.valid_signals()} - {None}
    return any(entry.tb_frame.f_code in handlers for entry in _entries(error.__traceback__))


def module_of(thing: object) -> str:
    """The module in which a class or a function is defined, by name. A class of Cython's may name none.

    What a function says is another function's where it was made with `functools.wraps`: its globals say it.
    """
    if isinstance(thing, FunctionType):
        name = thing.__globals__.get("__name__")
    else:
        name = getattr(thing, "__module__", None)
    return name if isinstance(name, str) else ""


def is_own(thing: object) -> bool:
    """Whether a class or a function is one of the compiler's."""
    return module_of(thing).partition(".")[0] == _OWN


def is_defect(error: Exception) -> bool:
    """Whether it is what a mistake in the compiler raises: no refusal, no answer of one part to another."""
    return isinstance(error, DEFECTS) and not isinstance(error, NotImplementedError) and not _is_ours(error)


class InternalError(RuntimeError):
    """A defect of revcompile, not of the program that it was given."""

    def __init__(self, what: str, place: Place | None = None) -> None:
        self.what = what
        self.place = place
        where = f"\n{place}" if place is not None else ""
        super().__init__(
            f"a defect of revcompile, not of your function: {what}{where}\n"
            f"  Please report it, with this text and the function: {_versions()}."
        )

    def __reduce__(self) -> tuple[type, tuple[str, Place | None]]:
        return type(self), (self.what, self.place)


InternalError.__module__ = _OWN


def raise_defect(error: Exception, place: Place | None) -> NoReturn:
    """Raise `error`, which no program has raised, as the defect that it is; what is none as it is."""
    own = isinstance(error, (UnsupportedError, InternalError))
    if isinstance(error, DEFECTS) and not own and not is_of_a_signal(error):
        said = str(error)
        raise InternalError(type(error).__name__ + (f": {said}" if said else ""), place) from error
    raise error


class seen_outside:
    """Where the compiler is entered: what the program raises is what the user sees. Never one in another."""

    def __init__(self, place: Callable[[], Place | None]) -> None:
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, HostError):
            raise error.error from None
        if isinstance(error, Exception):
            raise_defect(error, self._place())

    def _place(self) -> Place | None:
        try:
            return self.place()
        except Exception:  # a defect there hides none
            return None


def shown(error: Exception) -> Exception:
    """`error` as it leaves the compiler: with the frames of the program and none of the compiler's own.

    The environment variable REVCOMPILE_TRACEBACK=full keeps them; so does an `InternalError`.
    """
    if os.environ.get("REVCOMPILE_TRACEBACK") != "full" and not isinstance(error, InternalError):
        if isinstance(error, UnsupportedError):
            error.__cause__ = None
        error.__suppress_context__ = True
        error.__traceback__ = _of_program(error.__traceback__)
    return error


def trimmed(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, as the program calls it: see `shown`."""

    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # of pytest and IPython
        try:
            return function(*args, **kwargs)
        except Exception as e:
            raise shown(e)  # noqa: B904

    return call


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, as the program calls it: see `shown`. Of an unknown keyword it says what may be meant."""
    names = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            for unknown in kwargs.keys() - set(names):
                close = difflib.get_close_matches(unknown, names, 1, 0.6)
                hint = f". Did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"
                raise TypeError(f"{function.__name__}() got an unexpected keyword argument {unknown!r}{hint}")
            return function(*args, **kwargs)
        except Exception as e:
            raise shown(e)  # noqa: B904

    return call


def _of_program(frames: TracebackType | None) -> TracebackType | None:
    rest: TracebackType | None = None
    for entry in reversed(list(_entries(frames))):  # there may be thousands, of a deep recursion
        frame = entry.tb_frame
        own = frame.f_globals.get("__name__", "").partition(".")[0] == _OWN
        if not own and not frame.f_code.co_filename.startswith("<revcompile dispatch"):
            line = entry.tb_lineno or frame.f_code.co_firstlineno  # what a signal interrupts may have none
            rest = TracebackType(rest, frame, entry.tb_lasti, line)
    return rest


def _versions() -> str:
    ours, numpy = (getattr(sys.modules.get(m), "__version__", "?") for m in ("revcompile", "numpy"))
    return f"revcompile {ours}, Python {platform.python_version()}, NumPy {numpy}"


def text_of(error: BaseException) -> str:
    """What an error says; nothing where its class cannot tell."""
    try:
        return str(error)
    except Exception:
        return ""


def with_place(error: Exception, place: Place) -> Exception:
    """`error`, of the exception type Python itself would have raised, with the user's line added."""
    said = repr(error.args[0]) if isinstance(error, KeyError) and error.args else text_of(error)
    text = f"{said}\n{place}" if place else said
    for kind in _kinds(error):
        try:
            return _KeyError(text) if kind is KeyError else kind(text)
        except TypeError:
            continue
    return error


def _kinds(error: Exception) -> Iterator[type[Exception]]:
    """What it may be raised as: not NumPy's private exceptions, and some want other arguments than a text."""
    yield from (kind for kind in type(error).__mro__ if not kind.__module__.startswith("numpy._"))


class _KeyError(KeyError):
    """A KeyError whose text is shown as it is, line by line."""

    __str__ = Exception.__str__

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return KeyError, self.args


_KeyError.__name__ = _KeyError.__qualname__ = "KeyError"
_KeyError.__module__ = "builtins"


def plain_kind(error: Exception) -> type[Exception]:
    """The exception type that generated code is to raise, with a text, for an error."""
    if isinstance(error, KeyError):
        return KeyError
    for kind in _kinds(error):
        try:
            kind(str(error))
        except TypeError:
            continue
        return kind
    raise AssertionError  # never reached: Exception takes a text
