"""What `vjp` and `linearize` give besides the value: from a cotangent to gradients, from tangents to one.

Imports NumPy, and where functions are.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from revcompile.errors import form_of, trimmed
from revcompile.syntax.source import place_of


def sizes(x: Any) -> Iterator[int]:
    """The numbers of real numbers in the leaves of a tree."""
    if isinstance(x, (tuple, list, Mapping)):
        for item in x.values() if isinstance(x, Mapping) else x:
            yield from sizes(item)
    elif isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f"):
        yield int(np.size(x))


class Pullback:
    """What `vjp` gives: from a cotangent of the value to gradients of the arguments."""

    def __init__(
        self,
        value: Any,
        args: tuple[Any, ...],
        places: Sequence[int],
        bare: bool,
        seeds: Any,
        given: Sequence[int],
        backward: Any,
        *saved: Any,
        of: Any = None,
    ) -> None:
        """Of a value that the function `of` gives.

        `seeds` says of each leaf of the value whether it is a real number, `given` of which leaves of the
        arguments, by number, `backward` gives the gradients."""
        self._value, self._bare, self._given = _like(value, seeds), bare, given
        self._arguments = tuple(_like(args[place]) for place in places)
        self._backward, self._saved, self._of = backward, saved, of

    def __copy__(self) -> Pullback:
        return self

    def __deepcopy__(self, memo: Any) -> Pullback:
        made = object.__new__(Pullback)
        made.__dict__.update(self.__dict__, _saved=copy.deepcopy(self._saved, memo))
        return made

    def __reduce__(self) -> Any:
        raise TypeError("a pullback has generated code, which does not pickle: pickle vjp(f), and call that")

    @trimmed
    def __call__(self, cotangent: Any) -> Any:
        if self._backward is None:
            found: Any = ()
        else:
            with _at(self._of):
                seeds = tuple(_matched(self._value, cotangent, "the result"))
            found = self._backward(*seeds, *self._saved)
            found = found if type(found) is tuple and len(self._given) != 1 else (found,)
        known = dict(zip(self._given, found))
        numbers = itertools.count()
        gradients = tuple(_gradients(x, known, numbers) for x in self._arguments)
        return gradients[0] if self._bare else gradients

    def __repr__(self) -> str:
        return "<pullback of a value>"


class Linear:
    """What `linearize` gives: from tangents of the arguments to that of the value."""

    def __init__(
        self,
        made: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        of_class: bool,
        value: Any,
        seeds: Any,
        varying: Any,
        tangent: Any,
        saved: Any,
    ) -> None:
        """What `made` gives of the arguments, of which the first may be the object of a method.

        `seeds` and `varying` say of each leaf of the arguments, and of the value, whether it is a real
        number; `tangent` gives tangents."""
        self._made, self._args, self._kwargs = made, args, kwargs
        self._value, self._arguments = _like(value, varying), tuple(map(_like, args, seeds))[of_class:]
        self._tangent, self._saved = tangent, saved

    def __reduce__(self) -> Any:
        """In another process, it is computed again."""
        return _linear_at, (self._made, self._args, self._kwargs)

    @trimmed
    def __call__(self, *tangents: Any) -> Any:
        with _at(self._made.primal):
            if len(tangents) != len(self._arguments):
                raise TypeError(f"{len(self._arguments)} arguments have {len(tangents)} tangents")
            pairs = enumerate(zip(self._arguments, tangents))
            given = [t for i, (x, tangent) in pairs for t in _matched(x, tangent, f"argument {i}", "tangent")]
        found = self._tangent(*given, self._saved)
        known = dict(enumerate(found if type(found) is tuple else (found,)))
        return _gradients(self._value, known, itertools.count())

    def __repr__(self) -> str:
        return "<derivative at a point>"


@contextmanager
def _at(function: Any) -> Iterator[None]:
    """What is wrong with what is given is said with the place of the function."""
    try:
        yield
    except (TypeError, ValueError) as e:
        raise type(e)(f"{e}\n{place_of(function) or ''}".rstrip()) from None


def _linear_at(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return made(*args, **kwargs)[1]


def _like(x: Any, seeds: Any = None) -> Any:
    """What tells the structure, the shapes and the dtypes of a tree: of its floats, or as `seeds` says."""
    if isinstance(x, (tuple, list)):
        items = [_like(item, seeds and seeds[i]) for i, item in enumerate(x)]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, Mapping):
        return {key: _like(item, seeds and seeds[key]) for key, item in x.items()}
    if not seeds and (seeds is not None or not any(True for _ in sizes(x))):
        return None
    dtype = getattr(x, "dtype", None)
    dtype = dtype if dtype is None or dtype.kind == "f" else np.dtype(float)
    return Leaf(np.shape(x), dtype, isinstance(x, np.ndarray))


class Leaf(NamedTuple):
    """A real number, or an array of them: of Python's if there is no dtype."""

    shape: tuple[int, ...]
    dtype: Any
    is_array: bool

    def of(self, x: Any) -> Any:
        """A number or an array of this kind."""
        if self.dtype is None:
            return float(x)
        return np.asarray(x, self.dtype) if self.is_array else self.dtype.type(x)

    def zero(self) -> Any:
        """Zero, or an array of zeros, of this kind."""
        return np.zeros(self.shape, self.dtype) if self.is_array else self.of(0.0)


def _matched(value: Any, cotangent: Any, what: str, word: str = "cotangent") -> Iterator[Any]:
    """The leaves of a cotangent, in order, each of the kind of that of the value; a tangent may be None."""
    if cotangent is None and word == "tangent":
        yield from _zeros(value)
    elif value is None and word == "tangent":
        if isinstance(cotangent, (tuple, list, Mapping)) or np.any(cotangent):
            raise TypeError(f"{what} is no real number: its tangent is None")
    elif isinstance(value, Leaf):
        if cotangent is None or isinstance(cotangent, (tuple, list, Mapping, str)):
            raise _of_another_form(value, cotangent, what, word)
        kind = np.asarray(cotangent).dtype
        if kind.kind not in "biuf":
            raise TypeError(f"the {word} of {what} must be of real numbers, not {kind}")
        if np.shape(cotangent) != value.shape:
            raise ValueError(f"the {word} of {what} has the shape {np.shape(cotangent)}, not {value.shape}")
        yield value.of(cotangent)
    elif isinstance(value, (tuple, list)):
        if not isinstance(cotangent, (tuple, list)) or len(cotangent) != len(value):
            raise _of_another_form(value, cotangent, what, word)
        for i, (v, c) in enumerate(zip(value, cotangent)):
            yield from _matched(v, c, f"{what}[{i}]", word)
    elif isinstance(value, Mapping):
        if not isinstance(cotangent, Mapping) or cotangent.keys() != value.keys():
            raise _of_another_form(value, cotangent, what, word)
        for key, v in value.items():
            yield from _matched(v, cotangent[key], f"{what}[{key!r}]", word)


def _of_another_form(value: Any, given: Any, what: str, word: str) -> TypeError:
    expected = f"an array of the shape {value.shape}" if isinstance(value, Leaf) and value.shape else None
    expected = expected or ("a number" if isinstance(value, Leaf) else form_of(value))
    return TypeError(f"the {word} of {what} must be {expected}, not {form_of(given)}")


def _zeros(x: Any) -> Iterator[Any]:
    """Zeros for the leaves of a tree."""
    if isinstance(x, Leaf):
        yield x.zero()
    elif isinstance(x, (tuple, list, Mapping)):
        for item in x.values() if isinstance(x, Mapping) else x:
            yield from _zeros(item)


def _gradients(x: Any, known: Mapping[int, Any], numbers: Iterator[int]) -> Any:
    """The tree of an argument's gradients: zeros where there are none."""
    if isinstance(x, Leaf):
        number = next(numbers)
        if number in known:
            return x.of(known[number])
        return x.zero()
    if isinstance(x, (tuple, list)):
        items = [_gradients(item, known, numbers) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, Mapping):
        return {key: _gradients(item, known, numbers) for key, item in x.items()}
    return None
