"""Functions of Python's libraries, written in Python: the compiler reads them like the program's own.

What they give lazily is a list here. Their names may stand in generated text, so they say what things are; an
error in one of them is told of the line that calls it.
"""

from __future__ import annotations

import bisect
import copy
import dataclasses
import functools
import itertools
import math
import operator
from typing import Any

import numpy as np

from revcompile.gates.rows import WRITTEN_OUT


def mapped(function: Any, source: Any, *others: Any) -> Any:
    if others:
        return [function(*items) for items in zip(source, *others)]
    return [function(item) for item in source]


def filtered(function: Any, source: Any) -> Any:
    return [item for item in source if (item if function is None else function(item))]


def failing(function: Any, source: Any) -> Any:
    return [item for item in source if not (item if function is None else function(item))]


def reduced(function: Any, source: Any, *initial: Any) -> Any:
    items = source if isinstance(source, np.ndarray) else list(source)
    if initial:
        (total,) = initial
    elif len(items) == 0:
        raise TypeError("reduce() of empty iterable with no initial value")
    else:
        total, items = items[0], items[1:]
    for item in items:
        total = function(total, item)
    return total


def accumulated(source: Any, func: Any = None, *, initial: Any = None) -> Any:
    items = list(source) if initial is None else [initial, *source]
    totals = items[:1]
    for item in items[1:]:
        totals.append(totals[-1] + item if func is None else func(totals[-1], item))
    return totals


def star_mapped(function: Any, source: Any) -> Any:
    return [function(*items) for items in source]


def chained(sources: Any) -> Any:
    return [item for source in sources for item in source]


def taken_while(predicate: Any, source: Any) -> Any:
    items = []
    for item in source:
        if not predicate(item):
            break
        items.append(item)
    return items


def dropped_while(predicate: Any, source: Any) -> Any:
    items = []
    dropping = True
    for item in source:
        dropping = dropping and predicate(item)
        if not dropping:
            items.append(item)
    return items


def product(source: Any, *, start: Any = 1) -> Any:
    if isinstance(source, np.ndarray) and source.ndim > 1:
        return start * np.prod(source, 0)
    for item in source:
        start = start * item
    return start


def first_place(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
    """`bisect_left`: before how many items of a sorted sequence `x` does not belong."""
    items = a[lo:] if hi is None else a[lo:hi]
    if isinstance(items, np.ndarray) and key is None:
        return lo + int(np.searchsorted(items, x))
    return lo + sum([int((v if key is None else key(v)) < x) for v in items])


def last_place(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
    """`bisect_right`: behind those, too, that are equal to `x`."""
    items = a[lo:] if hi is None else a[lo:hi]
    if isinstance(items, np.ndarray) and key is None:
        return lo + int(np.searchsorted(items, x, "right"))
    return lo + sum([int((v if key is None else key(v)) <= x) for v in items])


def summed_products(p: Any, q: Any) -> Any:
    if len(p) != len(q):
        raise ValueError("Inputs are not the same length")
    return sum(a * b for a, b in zip(p, q))


def distance(p: Any, q: Any) -> Any:
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    return float(np.linalg.norm(np.array(p) - np.array(q)))


def indices(part: Any, length: Any) -> Any:
    step = 1 if part.step is None else part.step
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if length < 0:
        raise ValueError("length should not be negative")
    first, last = (length - 1, -1) if step < 0 else (0, length)

    def within(place: Any, otherwise: Any) -> Any:
        if place is None:
            return otherwise
        if place < 0:
            place = place + length
        return min(max(place, min(first, last)), max(first, last))

    return within(part.start, first), within(part.stop, last), step


def each_copied(items: Any) -> Any:
    return [copy.deepcopy(item) for item in items]


def extreme_or(function: Any, items: Any, default: Any) -> Any:
    return function(items) if len(items) > 0 else default


def from_function(function: Any, shape: Any, *, dtype: Any = float, like: Any = None, **kwargs: Any) -> Any:
    return function(*np.indices(shape, dtype=dtype), **kwargs)


def full_sum(items: Any) -> Any:
    return sum(items, 0.0)


# -- functools and operator --------------------------------------------------------------------------


def like_wrapped(wrapper: Any, wrapped: Any, *names: Any, **named: Any) -> Any:
    return wrapper


def wrapping(wrapped: Any, *names: Any, **named: Any) -> Any:
    return lambda wrapper: wrapper


def items_of(places: Any, owner: Any) -> Any:
    return owner[places[0]] if len(places) == 1 else tuple([owner[place] for place in places])


def item_getter(*places: Any) -> Any:
    return functools.partial(items_of, places)


def attributes_of(paths: Any, owner: Any) -> Any:
    found = [functools.reduce(getattr, path.split("."), owner) for path in paths]
    return found[0] if len(found) == 1 else tuple(found)


def attribute_getter(*paths: Any) -> Any:
    return functools.partial(attributes_of, paths)


def method_called(name: Any, args: Any, options: Any, owner: Any) -> Any:
    return getattr(owner, name)(*args, **options)


def method_caller(name: Any, *args: Any, **options: Any) -> Any:
    return functools.partial(method_called, name, args, options)


def item_set(owner: Any, place: Any, value: Any) -> None:
    owner[place] = value


def contains(owner: Any, item: Any) -> Any:
    return item in owner


def is_same(a: Any, b: Any) -> Any:
    return a is b


def is_other(a: Any, b: Any) -> Any:
    return a is not b


# -- dataclasses -------------------------------------------------------------------------------------


def changed(owner: Any, **changes: Any) -> Any:
    for field in dataclasses.fields(owner):
        if field.init and field.name not in changes:
            changes[field.name] = getattr(owner, field.name)
    return type(owner)(**changes)


def taken_apart(x: Any, make: Any) -> Any:
    if isinstance(x, (tuple, list)):
        parts = [taken_apart(part, make) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, dict):
        return {key: taken_apart(part, make) for key, part in x.items()}
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return make([(f.name, taken_apart(getattr(x, f.name), make)) for f in dataclasses.fields(x)])
    return copy.deepcopy(x)


def as_dict(x: Any, *, dict_factory: Any = dict) -> Any:
    return taken_apart(x, dict_factory)


def as_tuple(x: Any, *, tuple_factory: Any = tuple) -> Any:
    return taken_apart(x, lambda pairs: tuple_factory([part for _, part in pairs]))


# -- what a gradient with `checkpoint=` keeps, where its text is differentiated again: all states -----


class EachTrip:
    def __eq__(self, trip: object) -> bool:
        return True


class AllStates:
    due = EachTrip()

    def __init__(self) -> None:
        self.states: list[Any] = []

    def keep(self, state: Any) -> None:
        self.states.append(copied(state))

    def append(self, state: Any) -> None:
        self.states.append(copied(state))

    def copy(self) -> Any:
        made = AllStates()
        made.states = list(self.states)
        return made

    def backwards(self, trips: Any, advance: Any, *given: Any) -> Any:
        return FromTheLast(self.states)


class FromTheLast:
    def __init__(self, states: list[Any]) -> None:
        self.states = states

    def __next__(self) -> Any:
        return self.states.pop()


def copied(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(copied(part) for part in state)
    return state.copy() if isinstance(state, np.ndarray) else state


def all_states(slots: int, trips: Any = None) -> Any:
    return AllStates()


MEANING: dict[Any, Any] = {
    **WRITTEN_OUT,
    map: mapped, filter: filtered, functools.reduce: reduced, itertools.accumulate: accumulated,
    itertools.starmap: star_mapped, itertools.chain.from_iterable: chained, itertools.filterfalse: failing,
    itertools.takewhile: taken_while, itertools.dropwhile: dropped_while, math.prod: product,
    bisect.bisect_left: first_place, bisect.bisect_right: last_place,
    math.dist: distance, slice.indices: indices, math.fsum: full_sum, functools.wraps: wrapping,
    functools.update_wrapper: like_wrapped, operator.itemgetter: item_getter,
    operator.attrgetter: attribute_getter,
    operator.methodcaller: method_caller, operator.setitem: item_set, operator.contains: contains,
    operator.is_: is_same, operator.is_not: is_other, dataclasses.replace: changed,
    dataclasses.asdict: as_dict, dataclasses.astuple: as_tuple,
    **({math.sumprod: summed_products} if hasattr(math, "sumprod") else {}),
}  # fmt: skip
# Which things they are given matters, not what these hold: they are not called with copies of what is known.
OF_THINGS = frozenset({operator.setitem, operator.is_, operator.is_not})
