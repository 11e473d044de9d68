"""What functions of functools, itertools, copy and others mean, where Python cannot say it (see `prelude`).

What takes no function of the program simply runs, on lists of run-time values. The entries of SPECIAL are
as in `builtin.py`.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
import operator
from collections import deque
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, host
from revcompile.frontend import growing, identities, iterators, objects
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject
from revcompile.frontend.prelude import attributes_of, each_copied, from_function, items_of, method_called
from revcompile.gates.infer import ask_host
from revcompile.ir.nodes import Instance, Structure, Value
from revcompile.ir.types import Array
from revcompile.syntax.abstract import Frame, NestedFunction, Partial, class_of
from revcompile.syntax.mutable import is_growing
from revcompile.syntax.operators import SUBSCRIPT

Args = tuple[Any, ...]
ENDLESS = (itertools.count, itertools.cycle, itertools.repeat)
CACHED = type(functools.lru_cache(int))


# -- functools -----------------------------------------------------------------------------------


def _partial(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    return Partial(args[0], args[1:], kwargs)


def _cache(low: Lowering, args: Args, *_: Any) -> Structure:
    """`functools.cache(f)`, `functools.lru_cache(f)`, `functools.lru_cache(maxsize=...)`."""
    is_function = len(args) == 1 and isinstance(args[0], (NestedFunction, FunctionType, Partial))
    return Partial(call_once, (args[0],), {}) if is_function else Partial(_cache_later, (), {})


def _cache_later(function: Any) -> Any:
    """Stands for `functools.lru_cache(maxsize=...)`, which awaits its function."""


def call_once(function: Any) -> Any:
    """Stands for the call of a function that remembers its results."""


def _remembered(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    function, *rest = args
    try:
        key = (call_once, id(function), tuple(rest), tuple(kwargs.items()))
        hash(key)
    except TypeError:
        raise HostError(
            TypeError("the arguments of a function that caches its results must be hashable")
        ) from None
    return low.builder.remember(key, lambda: low.invoke(function, *rest, **kwargs))


def unwrapped(low: Lowering, function: Any) -> Any:
    """The function that a cache wraps, or that a `functools.partial` of the program's applies; else None."""
    path = low.host.path_of(function)
    if isinstance(function, CACHED):
        inner = function.__wrapped__
        if path is not None:
            inner = low.host.bring(path.attribute("__wrapped__"), inner, inner.__name__)
        return Partial(call_once, (inner,), {})
    if isinstance(function, functools.partial):
        parts = function.func, function.args, function.keywords
        if path is not None:
            parts = tuple(
                low.host.bring(path.attribute(name), part, name)
                for name, part in zip(("func", "args", "keywords"), parts, strict=True)
            )
        return Partial(*parts)
    if isinstance(function, (operator.itemgetter, operator.attrgetter)):
        reads = items_of if isinstance(function, operator.itemgetter) else attributes_of
        return Partial(reads, (function.__reduce__()[1],), {})
    if isinstance(function, operator.methodcaller):
        make, parts, *_ = tuple(function.__reduce__())
        if isinstance(make, functools.partial):  # where there are keywords
            return Partial(method_called, (make.args[0], parts, make.keywords), {})
        return Partial(method_called, (parts[0], parts[1:], {}), {})
    return None


# -- operator ------------------------------------------------------------------------------------


def _getitem(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule or isinstance(args[0], Value) else low.item(*args)


def _number_of_object(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    """`id(x)`"""
    if all(isinstance(x, (type, FunctionType, ModuleType)) for x in args):
        return NotImplemented
    return identities.number_of(low, *args)


def _truth(low: Lowering, args: Args, *_: Any) -> Structure:
    return low.truth(args[0])


def _index(low: Lowering, args: Args, *_: Any) -> Structure:
    ask_host(operator.index, args)
    return args[0]


# -- itertools -----------------------------------------------------------------------------------


def _listed(function: Any) -> Any:
    """An iterator of `itertools` over items that may be run-time values, as a list."""

    def special(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
        sources = [low.items(a) if _is_source(a) else iterators.go_on(low, a) for a in args]
        options = {
            k: low.static(v, f"as {k}= of {function.__name__}") for k, v in kwargs.items() if k != "fillvalue"
        }
        if "fillvalue" in kwargs:
            options["fillvalue"] = kwargs["fillvalue"]
        with host():
            found = function(*sources, **options)
        return low.own(low.listed(found))

    return special


def _is_source(x: Structure) -> bool:
    return not isinstance(x, (int, float, str, bool, type(None))) and not hasattr(x, "__next__")


def _endless(function: Any) -> Any:
    def special(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
        if function is itertools.repeat:
            times = args[1:] or tuple(kwargs.values())
            again = itertools.repeat(args[0], *low.static(times, "as the times of repeat"))
            return low.own(list(again)) if times else iterators.begin(low, again)
        if function is itertools.cycle:
            return iterators.begin(low, itertools.cycle(low.items(args[0])), args[0])
        return iterators.begin(low, itertools.count(*low.static(args, "in itertools.count"), **kwargs))

    return special


def _islice(low: Lowering, args: Args, *_: Any) -> Structure:
    source, *bounds = args
    items = iterators.go_on(low, source) if hasattr(source, "__next__") else low.items(source)
    return low.own(list(itertools.islice(items, *low.static(tuple(bounds), "as a bound of islice"))))


def _groupby(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    items, key = low.items(args[0]), (args[1] if len(args) > 1 else kwargs.get("key"))
    keys = low.static([x if key is None else low.invoke(key, x) for x in items], "as a key of groupby")
    groups = itertools.groupby(zip(keys, items, strict=True), key=lambda pair: pair[0])
    return low.own([(k, low.own([x for _, x in pairs])) for k, pairs in groups])


# -- copy, dataclasses, math ---------------------------------------------------------------------


def _copy(low: Lowering, args: Args, *_: Any) -> Structure:
    (x,) = args
    if is_growing(x):
        return growing.get_item(low, x, slice(None))
    if isinstance(x, Value):
        return low.apply(np.copy, (x,), {}) if x.type.dims else x
    if isinstance(x, Instance):
        own = objects.special(low, x, "copy")
        return low.own(Instance(x.cls, dict(x.attributes))) if own is None else low.invoke(own)
    if isinstance(x, HostObject):
        raise UnsupportedError("copying an object of the program is not supported")
    return low.own(x.copy()) if hasattr(x, "copy") else x


def _deepcopy(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    return _deep(low, args[0], {}, frame)


def _deep(low: Lowering, x: Structure, done: dict[int, Any], frame: Frame) -> Structure:
    """A copy of `x` and of all that is in it; what is in it twice is copied once."""
    path, obj = identities.origin(low, x) or (None, x)
    for other, there, _ in done.values():
        if path is not None and there not in (None, path) and type(other) is type(obj):
            low.host.compare(path, there, other is obj)
    if id(obj) in done:
        return done[id(obj)][2]
    out: Any = x
    if is_growing(x):
        out = low.read(each_copied, (x,), {}, frame)
    elif isinstance(x, Value):
        out = low.apply(np.copy, (x,), {}) if isinstance(x.type, Array) else x
    elif isinstance(x, HostObject):
        raise UnsupportedError("copying an object of the program is not supported")
    elif isinstance(x, tuple):
        items = [_deep(low, item, done, frame) for item in x]
        out = type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    elif isinstance(x, (list, deque, dict)):
        out = x.copy()
        for place, item in list(x.items() if isinstance(x, dict) else enumerate(x)):
            out[place] = _deep(low, item, done, frame)
        out = low.own(out)
    elif isinstance(x, Instance):
        own = objects.special(low, x, "deepcopy")
        parts = {k: _deep(low, item, done, frame) for k, item in x.attributes.items()} if own is None else {}
        out = low.own(Instance(x.cls, parts)) if own is None else low.invoke(own, low.own({}))
    done[id(obj)] = obj, path, out
    return out


def _fields(low: Lowering, args: Args, *_: Any) -> Structure:
    return dataclasses.fields(_class_of(args[0]))


def _is_dataclass(low: Lowering, args: Args, *_: Any) -> Structure:
    return dataclasses.is_dataclass(_class_of(args[0]))


def _class_of(x: Structure) -> type:
    if isinstance(x, type):
        return x
    return class_of(x) if isinstance(x, Value) else objects.class_of(x)


def _from_function(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    """`np.fromfunction(f, shape)`, where f can be read."""
    try:
        with low.tentatively():
            return low.read(from_function, args, kwargs, frame)
    except UnsupportedError:
        return NotImplemented


SPECIAL: dict[Any, Any] = {
    np.fromfunction: _from_function, functools.partial: _partial, functools.cache: _cache,
    functools.lru_cache: _cache, _cache_later: _cache, call_once: _remembered,
    **dict.fromkeys(SUBSCRIPT, _getitem), operator.truth: _truth, operator.index: _index,
    id: _number_of_object,
    **{f: _listed(f) for f in (
        itertools.chain, itertools.product, itertools.permutations, itertools.combinations,
        itertools.combinations_with_replacement, itertools.pairwise, itertools.zip_longest,
        itertools.compress, *([itertools.batched] if hasattr(itertools, "batched") else []))},
    **{f: _endless(f) for f in ENDLESS}, itertools.islice: _islice, itertools.groupby: _groupby,
    copy.copy: _copy, copy.deepcopy: _deepcopy, dataclasses.fields: _fields,
    dataclasses.is_dataclass: _is_dataclass,
}  # fmt: skip
