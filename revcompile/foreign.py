"""Calls that are made as they are, when the program runs: what they give, and change, is checked.

Generated code calls what `runtime` has of this. Imports NumPy, and what a call gets and leaves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.given import Fixed, Given, Held, Items

_run = threading.local()  # what calls have given in a run, with copies


class ChangedKind(Exception):
    """A call gave something of another kind than when it was compiled: see `checked`."""

    def __init__(self, kind: str, outcome: Any) -> None:
        super().__init__(f"what this call gives is now {kind_of(outcome)}, and was {kind} before")
        self.kind, self.outcome = kind, outcome


class ChangedArguments(ChangedKind):
    """A call changed something that is passed to it, and did not when the function was compiled."""

    def __init__(self, name: str, does: str = "changes its arguments") -> None:
        Exception.__init__(self, f"{name} {does}, which a gradient function cannot follow")
        self.kind, self.outcome = "", None


class ChangedState(ChangedKind):
    """A call changed what is at these places of the program, and is taken to be constant.

    `in_place`: it wrote into arrays that are there.
    """

    def __init__(self, name: str, texts: Iterable[str], in_place: bool) -> None:
        self.paths, self.in_place = frozenset(texts), in_place
        texts = sorted(text.removesuffix("[...]") for text in texts)
        where = f"{'the elements of ' if in_place else ''}{' and '.join(texts)}"
        what = f"{name} changes {where}, which the function that calls it reads"
        Exception.__init__(self, what.replace("_cell.cell_contents", ""))
        self.kind, self.outcome = "", None


def kind_of(x: Any) -> str:
    """What the compiler knows of the result of a call: its type; of an array its dtype and its axes."""
    kind = type(x)
    if kind is np.ndarray and x.dtype.kind in "fiub" and x.dtype.isnative:
        return f"{x.dtype.name}[{', '.join(':' * x.ndim)}]"
    if kind is Items:
        return f"items of {' or '.join(sorted(map(kind_of, x.kinds)))}"
    if kind in (tuple, list, Held) or (isinstance(x, tuple) and hasattr(x, "_fields")):
        return f"{kind.__name__}({', '.join(map(kind_of, x))})"
    if kind is dict:
        return f"dict({', '.join(f'{k!r}: {kind_of(v)}' for k, v in x.items())})"
    if x is None or isinstance(x, Fixed):
        return repr(x)
    if kind in (bool, int, float, str):
        return kind.__name__
    if isinstance(x, np.generic):
        return f"np.{x.dtype.name}"
    name = f"{kind.__module__}.{kind.__qualname__}"
    return f"{name} of {x.dtype}" if kind.__module__.startswith("scipy.sparse") else name


def checked(x: Any, kind: str) -> Any:
    """What a call gave, which must be of the kind that this code was compiled for."""
    given = kind_of(x)
    if given != kind and not any(k in (given, type(x)) for k in _alternatives(kind)):
        raise ChangedKind(kind, x)
    if getattr(_run, "given", None) is not None and type(x) in (tuple, list, np.ndarray) and kind != "list":
        _run.given.append((x, copies_of(x)))
    return x


@contextmanager
def results_watched() -> Iterator[None]:
    """Inside, it is noticed where a call changes what another one has given, or kept."""
    outer, _run.given = getattr(_run, "given", None), []
    try:
        yield
        if not all(is_unchanged(*pair) for pair in _run.given):
            raise UnsupportedError(
                "a call changes what another call has given, or has kept of what it was given",
                way_out="Let that give, or keep, a copy: .copy().",
            )
    finally:
        _run.given = outer


def as_tried(x: Any, axes: int, dtype: str) -> Any:
    """What a user's gate gave: with the axes, and as an array of the dtype, that it had when it was tried."""
    if getattr(x, "ndim", 0) != axes or (axes and x.dtype != dtype):
        tried = f"{dtype}[{', '.join(':' * axes)}]" if axes else "a number"
        raise UnsupportedError(
            f"a gate gives {kind_of(x)} here, and gave {tried} when it was tried",
            way_out="The axes and the dtype of its result must not depend on the elements of its arguments.",
        )
    return x


def each_as_tried(x: Any, *kinds: Any) -> Any:
    """What a user's gate gave: as many things as when it was tried, each as in `as_tried`.

    `kinds` are their axes and dtypes, in a tuple for each of them that is a tuple itself; None for what may
    be anything, as what a forward pass saves.
    """
    if not isinstance(x, (tuple, list)) or len(x) != len(kinds):
        raise UnsupportedError(
            f"a gate gives {kind_of(x)} here, and gave {len(kinds)} results when it was tried",
            way_out="The number of its results must not depend on the elements of its arguments.",
        )
    for item, kind in zip(x, kinds):
        if kind is not None:
            (as_tried if kind and isinstance(kind[0], int) else each_as_tried)(item, *kind)
    return x


def _alternatives(kind: str) -> Iterator[Any]:
    """The kinds of which a call may give any; a container's name alone stands for any length."""
    for k in kind.split(" or "):
        yield {"list": list, "tuple": tuple, "dict": dict}.get(k, k)


def as_it_is(function: Any, *args: Any, **options: Any) -> Any:
    """`function(*args, **options)` of copies of what the program has made: its arrays, lists and dicts.

    What the function keeps of them, or gives back, is nothing that the program changes afterwards. One that
    changes its arguments is compiled again, as `changing` has it.
    """
    given = copies_of((args, options))
    outcome = function(*given[0], **given[1])
    if not is_unchanged(given, (args, options)):
        raise ChangedArguments(_name_of(function, args))
    lists = set(map(id, _lists(given)))
    if lists and not lists.isdisjoint(map(id, _lists(outcome))):
        raise ChangedArguments(_name_of(function, args), "gives back its arguments")
    return outcome


def _lists(x: Any) -> Iterator[Any]:
    """The lists and dicts in a structure."""
    if isinstance(x, (list, dict)):
        yield x
    if isinstance(x, (tuple, list, dict)):
        for item in x.values() if isinstance(x, dict) else x:
            yield from _lists(item)


def changing(own: Any, changes: Any, function: Any, *args: Any, **options: Any) -> Any:
    """What a call gives, and what it leaves in those of its arguments that it changes, see `Given`."""
    given = Given(own)
    outcome = given.make(function, args, options)
    if getattr(_run, "given", None) is not None:
        _run.given += [(given.copies[i], copies_of(given.copies[i])) for i, _ in given.held]
    if not given.changes().issubset(changes):
        raise ChangedArguments(_name_of(function, args))
    return given.left(outcome, changes)


def watching(read: Any, function: Any, *args: Any, **options: Any) -> Any:
    """`function(*args, **options)`, which must leave alone what `read` reads of the program.

    Under `name[...]` is an array of which it must leave alone the elements; it may put another one there.
    """
    known = read()
    before = {text: _seen(x) for text, x in known.items()}
    outcome = function(*args, **options)
    changed = [text for text, x in read().items() if not is_unchanged(before[text], _seen(x))]
    in_place = [text for text in changed if _is_written(before[text])]
    changed = in_place or [text for text in changed if not text.endswith("[...]")]
    if changed:
        raise ChangedState(_name_of(function, args), changed, bool(in_place))
    return outcome


def _seen(x: Any) -> Any:
    """What is in a container of the program now, in tuples; of anything else, itself."""
    if isinstance(x, (tuple, list, deque)):
        return type(x), *map(_seen, x)
    if isinstance(x, (dict, MappingProxyType)):
        return type(x), *map(_seen, x.items())
    if isinstance(x, (set, frozenset, bytearray)):
        return type(x), *sorted(map(repr, x))
    return (np.ndarray, x, x.copy()) if type(x) is np.ndarray else x


def _is_written(seen: Any) -> bool:
    """Whether an array was written into since then."""
    if type(seen) is tuple and seen[0] is np.ndarray:
        return not is_unchanged(*seen[1:])
    return type(seen) is tuple and any(map(_is_written, seen))


def _name_of(function: Any, args: Any) -> str:
    function = args[0] if function is as_it_is else args[2] if function is changing else function
    return getattr(function, "__qualname__", type(function).__name__)


def copies_of(x: Any) -> Any:
    """A structure with copies of its arrays, lists and dicts."""
    if type(x) in (tuple, list):
        return type(x)(map(copies_of, x))
    if type(x) is dict:
        return {k: copies_of(v) for k, v in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_make"):
        return type(x)(*map(copies_of, x))
    return x.copy() if type(x) is np.ndarray else x


def is_unchanged(x: Any, y: Any) -> bool:
    """Whether a copy is still what it was made of, NaNs included."""
    if type(x) is not type(y):
        return False
    if isinstance(x, (tuple, list)) or type(x) is dict:
        if type(x) is dict and list(x) != list(y):
            return False
        parts = (x.values(), y.values()) if type(x) is dict else (x, y)
        return len(x) == len(y) and all(map(is_unchanged, *parts))
    if type(x) is np.ndarray:
        return x.shape == y.shape and (x.tobytes() == y.tobytes())
    if isinstance(x, np.generic):
        return x.tobytes() == y.tobytes()
    return x is y or (type(x) in (bool, int, float, str, bytes) and x == y)
