"""What a call gets of the function's own lists, dicts, sets, objects and arrays, and what it leaves in them.

Imports NumPy only.
"""

from __future__ import annotations

import sys
from collections import deque
from types import MemberDescriptorType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError


def make_object(kind: Any, /, **attributes: Any) -> Any:
    """An object of the class `kind` with these attributes, made without calling `__init__`."""
    base = next(c for c in kind.__mro__ if not c.__flags__ & 1 << 9)  # the first that C defines
    new = base.__new__(kind)
    for name, value in attributes.items():
        if name in getattr(new, "__dict__", ()) or not isinstance(
            getattr(kind, name, None), MemberDescriptorType
        ):
            new.__dict__[name] = value
        else:
            object.__setattr__(new, name, value)
    return new


class Held(tuple[Any, ...]):
    """What is in a list, or are the values of a dict or an object after its keys, when a call has ended."""


class Items(list[Any]):
    """What is in a list whose length only the run decides; of tuples, their first parts, their second, ..."""

    kinds: list[Any]  # an item of each kind, as the list was before or is now

    @property
    def kind(self) -> str:
        return " or ".join(sorted({type(x).__name__ for x in self.kinds})) or "nothing"


def items_of(now: list[Any], ever: list[Any]) -> Any:
    """What is in a list; `ever`, what was in it before, too."""
    if ever and type(ever[0]) is tuple and all(type(x) is tuple and len(x) == len(ever[0]) for x in ever):
        return tuple(items_of(list(part), list(parts)) for part, parts in _columns(now, ever))
    found = Items(now)
    found.kinds = list({_kind(x): x for x in ever}.values())
    return found


def _columns(now: list[Any], ever: list[Any]) -> Any:
    return zip(zip(*now) if now else [()] * len(ever[0]), zip(*ever))


def _kind(x: Any) -> Any:
    return type(x), getattr(x, "dtype", None), getattr(x, "ndim", None)


class Fixed:
    """Something in what a call leaves that is no value: keys, or an argument itself."""

    def __init__(self, what: Any, place: int | None = None) -> None:
        self.what, self.place = what, place

    def __repr__(self) -> str:
        return f"{self.what}" if self.place is None else f"argument {self.place}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]


class Keys(Fixed):
    """The keys of a dict of which the values come after them."""


MANY = 16  # items up to which a tuple or a list is taken apart
KEPT = Fixed("as before")
HELD = "is held"  # said of what the program holds afterwards, in place of an attribute


def real(changes: Any) -> Any:
    """Those of the changes that differ from what was given."""
    return tuple(change for change in changes if change[1] != HELD)


class Given:
    """The function's own lists, dicts, sets, objects and arrays that a call gets: copies of them.

    A change is told by the place in `own`; of an object, for each attribute. A tuple of lists comes last
    whose length only the run decides.
    """

    def __init__(self, own: Any) -> None:
        grown = own[-1] if own and type(own[-1]) is tuple else ()
        own = (*own[:-1], *grown) if grown else own
        self.grown = range(len(own) - len(grown), len(own))
        self.own = {id(x): i for i, x in enumerate(own)}
        self.copied: dict[int, Any] = _copies_that_share([x for x in own if isinstance(x, np.ndarray)])
        self.copies = [self.copy(x) for x in own]
        self.before = [_parts(x) for x in self.copies]
        self.places = {id(x): i for i, x in enumerate(self.copies)}
        self.held: set[tuple[int, Any]] = set()  # what the program refers to after the call

    def copy(self, x: Any) -> Any:
        if id(x) not in self.own:
            if type(x) in (tuple, list):
                return type(x)(map(self.copy, x))
            if type(x) is dict:
                return {key: self.copy(value) for key, value in x.items()}
            return type(x)(*map(self.copy, x)) if isinstance(x, tuple) and hasattr(x, "_make") else x
        if id(x) not in self.copied:
            if isinstance(x, (np.ndarray, set)):
                new = x.copy()
            elif isinstance(x, deque):
                new = type(x)(map(self.copy, x), x.maxlen)
            elif isinstance(x, list):
                new = (list if type(x) is Items else type(x))(map(self.copy, x))
            elif isinstance(x, dict):
                new = x.copy()
                for key, value in x.items():
                    new[key] = self.copy(value)
            else:
                new = make_object(type(x), **{name: self.copy(value) for name, value in _parts(x).items()})
            self.copied[id(x)] = new
        return self.copied[id(x)]

    def make(self, function: Any, args: Any, options: Any) -> Any:
        """Call a function of these copies."""
        args, options = self.copy(args), self.copy(options)
        before = self._references([])
        outcome = [function(*args, **options)]  # so that one refers to it
        after = self._references(outcome)
        self.held = {(i, HELD) for i, (n, m) in enumerate(zip(before, after)) if m > n}
        return outcome[0]

    def _references(self, outcome: list[Any]) -> list[int]:
        """How many refer to each of the copies, but for what the call gives, and what is in the others."""
        inside = dict.fromkeys(self.places, 0)
        ahead: list[Any] = [*outcome, *(list(_parts(x).values()) for x in self.copies)]
        while ahead:
            x = ahead.pop()
            if id(x) in inside:
                inside[id(x)] += 1
            elif isinstance(x, (tuple, list)):
                ahead += x
            elif isinstance(x, dict):
                ahead += x.values()
        x = None
        return [sys.getrefcount(copy) - inside[id(copy)] for copy in self.copies]

    def changes(self) -> set[tuple[int, Any]]:
        """What differs: a place, with the attribute of an object, or None for all; or is held."""
        found: set[tuple[int, Any]] = set(self.held)
        for i, (x, before) in enumerate(zip(self.copies, self.before)):
            now = _parts(x)
            if list(now) != list(before):
                found.add((i, None))
            elif any(not _is_same(now[key], before[key]) for key in now):
                is_object = not isinstance(x, (list, dict, set, deque, np.ndarray))
                names = [key for key in now if not _is_same(now[key], before[key])] if is_object else [None]
                found.update((i, name) for name in names)
        return found

    def left(self, outcome: Any, changes: Any) -> Any:
        """What the call gives, and what is in what it changes."""
        self.seen: dict[int, int] = {}  # the lists that the call has made, in order
        changes = real(changes)
        if not changes:
            return self._described(outcome)
        return self._described(outcome), *(self._held(*change) for change in changes)

    def _held(self, place: int, name: Any) -> Any:
        x, before = self.copies[place], self.before[place]
        if isinstance(x, np.ndarray):
            if x.shape != before["shape"]:
                raise UnsupportedError("a call that changes the shape of an array is not supported")
            return x
        now = _parts(x)
        if name is not None:
            return self._described(now[name])
        if place in self.grown:
            return items_of(x, [*before.values(), *x])
        if isinstance(x, set):
            return Held((Fixed(tuple(now)),))
        found = [KEPT if self._is_kept(now[k], before.get(k)) else self._described(now[k]) for k in now]
        return Held(found) if isinstance(x, (list, deque)) else Held((Fixed(tuple(now)), *found))

    def _is_kept(self, x: Any, before: Any) -> bool:
        return (
            x is before and not isinstance(x, (int, float, np.generic, np.ndarray, tuple)) and x is not None
        )

    def _described(self, x: Any) -> Any:
        if id(x) in self.places:
            return Fixed("", self.places[id(x)])
        if id(x) in self.seen:
            if len(x) > MANY:
                raise UnsupportedError("a long list that a call makes, and leaves in two places")
            return Fixed("again", -1 - self.seen[id(x)])
        if isinstance(x, tuple) and (type(x) is tuple or hasattr(x, "_make")):
            items = [self._described(item) for item in x]
            return type(x)(*items) if hasattr(x, "_make") else tuple(items)
        if type(x) is list:
            self.seen[id(x)] = sum(n >= 0 for n in self.seen.values()) if len(x) <= MANY else -1
            return x if len(x) > MANY else [self._described(item) for item in x]
        if type(x) is dict and self._has_given(x):
            return Held((Keys(tuple(x)), *map(self._described, x.values())))
        return x

    def _has_given(self, x: Any) -> bool:
        if id(x) in self.places or not isinstance(x, (tuple, list, dict)):
            return id(x) in self.places
        return any(map(self._has_given, x.values() if isinstance(x, dict) else x))


def _copies_that_share(arrays: list[Any]) -> dict[int, Any]:
    """Copies of the arrays that share memory with others of them, by their `id`: so do these."""
    found: dict[int, Any] = {}
    if len(arrays) < 2:
        return found
    parts: dict[int, list[Any]] = {}
    for x in arrays:
        base = x
        while isinstance(base.base, np.ndarray):
            base = base.base
        parts.setdefault(id(base), [base]).append(x)
    for base, *views in parts.values():
        if len(views) > 1 and base.flags.forc:
            memory = base.ravel(order="K").view(np.uint8).copy()
            for x in views:
                offset = x.ctypes.data - base.ctypes.data
                found[id(x)] = np.ndarray(x.shape, x.dtype, memory, offset, x.strides)
    return found


def _parts(x: Any) -> dict[Any, Any]:
    """What is in a list, a dict, a set, an array or an object, by name."""
    if isinstance(x, np.ndarray):
        return {"shape": x.shape, "elements": x.tobytes()}
    if isinstance(x, (list, deque)):
        return dict(enumerate(x))
    if isinstance(x, set):
        return dict.fromkeys(sorted(x, key=repr))
    if isinstance(x, dict):
        return dict(x)
    slots = [n for c in type(x).__mro__ for n, d in vars(c).items() if isinstance(d, MemberDescriptorType)]
    return {**{n: getattr(x, n) for n in slots if hasattr(x, n)}, **getattr(x, "__dict__", {})}


def _is_same(x: Any, y: Any) -> bool:
    return x is y or (type(x) is type(y) and type(x) in (bool, int, float, str, bytes, tuple) and x == y)
