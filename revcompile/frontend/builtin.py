"""Python's builtin functions where an argument is a run-time value, an object or a function of the program.

Each entry of SPECIAL takes `(low, args, kwargs, node, frame)` and gives the structure that the call denotes,
or NotImplemented where nothing is special about it.
"""

from __future__ import annotations

import ast
import operator
import types
import typing
from abc import ABCMeta
from collections import defaultdict, deque
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, host
from revcompile.frontend import expressions, growing, iterators, objects, ordering, texts
from revcompile.frontend.expressions import axis_length, element_count, shape_of
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.mappings import as_dict
from revcompile.frontend.names import HostObject
from revcompile.frontend.prelude import all_states
from revcompile.gates.infer import ask_host
from revcompile.ir.nodes import Instance, Structure, Value, is_static, leaves
from revcompile.ir.types import BOOL, Array, Scalar, is_float
from revcompile.runtime import checkpoints
from revcompile.statements import branch, iterables
from revcompile.syntax.abstract import FUNCTIONS, Frame, Left, class_of, refuse_varying
from revcompile.syntax.mutable import is_growing
from revcompile.syntax.operators import COMPARE

Args = tuple[Any, ...]


# -- what something is ---------------------------------------------------------------------------


def _len(low: Lowering, args: Args, *_: Any) -> Structure:
    (x,) = args
    if is_growing(x):
        return growing.length(low, x)
    if objects.is_object(x):
        method = objects.special(low, x, "len")
        return low.invoke(method) if method is not None else objects.refuse((x,), "len() ")
    if not isinstance(x, Value):
        return NotImplemented
    if not x.type.dims:
        ask_host(len, (x,))
    return axis_length(low, x, 0)


def _isinstance(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    x, classes = args
    flat = tuple(_classes(classes))
    if not all(isinstance(c, type) for c in flat):
        if not any(isinstance(c, Value) for c in flat):
            with host():
                isinstance(None, flat)  # which says what it takes
        raise UnsupportedError("this isinstance() is not supported", way_out="Ask for classes.")
    for c in flat:
        if objects.look_up(type(c), "__instancecheck__")[0] not in (type, ABCMeta) and not _is_of_methods(c):
            what = f"isinstance() of {c.__name__}, which asks more than the class,"
            raise UnsupportedError(f"{what} is not supported", way_out="Ask for an attribute of the object.")
    classes = flat if len(flat) != 1 else flat[0]
    if objects.is_object(x):
        return low.host.is_subclass(objects.class_of(x), classes)
    if isinstance(x, FUNCTIONS):
        return low.host.is_subclass(types.FunctionType, classes)
    if not isinstance(x, Value):
        return low.host.is_subclass(type(x), classes)
    if frame.is_rule:  # there a number is a static one, known while compiling
        return False
    refuse_varying(x.type, lambda cls: low.host.is_subclass(cls, classes))
    return low.host.is_subclass(class_of(x), classes)


def _is_of_methods(cls: type) -> bool:
    """Whether it is a `typing.Protocol` whose methods an object's class has or lacks."""
    try:
        issubclass(object, cls)
    except TypeError:  # Python says that a class alone does not decide
        return False
    return getattr(cls, "_is_protocol", False)


def _classes(asked: Any) -> Iterator[Any]:
    """The classes that `isinstance` is asked for: of `int | float`, `typing.Sized` and tuples."""
    asked = asked.obj if isinstance(asked, HostObject) else asked
    if isinstance(asked, tuple) or typing.get_origin(asked) in (typing.Union, types.UnionType):
        for part in asked if isinstance(asked, tuple) else typing.get_args(asked):
            yield from _classes(part)
    elif typing.get_origin(asked) is not None and not typing.get_args(asked):
        yield typing.get_origin(asked)
    else:
        yield asked


def _issubclass(low: Lowering, args: Args, *_: Any) -> Structure:
    cls, classes = args
    plain = isinstance(cls, type) and isinstance(classes, (type, tuple))
    return low.host.is_subclass(cls, classes) if plain else NotImplemented


def _type(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    if len(args) != 1:
        raise UnsupportedError("making a class is not supported")
    x = args[0]
    if isinstance(x, HostObject):
        return low.host.reach(x.path.attribute("__class__"), type(x.obj))
    if isinstance(x, Instance):
        return objects.read(low, x, "__class__")
    if isinstance(x, Value) and not frame.is_rule:
        refuse_varying(x.type)
    return class_of(x) if isinstance(x, Value) else NotImplemented


def _callable(low: Lowering, args: Args, *_: Any) -> Structure:
    (x,) = args
    if isinstance(x, Value):
        return False
    if isinstance(x, FUNCTIONS):
        return True
    if objects.is_object(x):
        low.host.rely_on(objects.class_of(x))
        return objects.look_up(objects.class_of(x), "__call__")[0] is not None
    return NotImplemented


def _ndim(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    (x,) = args or (kwargs.get("a"),)
    if isinstance(x, (list, tuple)) and x and not is_static(x):
        inner = _ndim(low, (x[0],), kwargs)
        return 1 if inner is NotImplemented else inner + 1
    return len(x.type.dims) if isinstance(x, Value) else NotImplemented


def _shape(low: Lowering, args: Args, kwargs: dict[str, Any], *rest: Any) -> Structure:
    args = args or (kwargs.get("a"),)
    if isinstance(args[0], (list, tuple)) and args[0] and not is_static(args[0]):
        return (len(args[0]), *_shape(low, (args[0][0],), kwargs, *rest))
    if isinstance(args[0], (int, float)):  # in a list of others
        return ()
    return shape_of(low, args[0]) if isinstance(args[0], Value) else NotImplemented


def _size(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    args = args or (kwargs.get("a"),)
    axis = args[1] if len(args) > 1 else kwargs.get("axis")
    if isinstance(args[0], (list, tuple)) and args[0] and not is_static(args[0]):
        shape = _shape(low, args, kwargs)
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
        return reduce(lambda m, n: low.operate(operator.mul, m, n), [shape[i] for i in axes], 1)
    if not isinstance(args[0], Value):
        return NotImplemented
    if isinstance(axis, Value) and axis.type.dims:
        raise UnsupportedError("np.size with an array of axes is not supported")
    if isinstance(axis, (tuple, list)):
        lengths = [axis_length(low, args[0], i) for i in axis]
        return reduce(lambda m, n: low.operate(operator.mul, m, n), lengths, 1)
    return element_count(low, args[0]) if axis is None else axis_length(low, args[0], axis)


# -- attributes ----------------------------------------------------------------------------------


def _getattr(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    owner, name, *default = args
    if frame.is_rule or not default:
        if isinstance(owner, Value) and name in ("shape", "ndim", "size", "dtype", "T"):
            return expressions.value_attribute(low, owner, name)
    if frame.is_rule:
        return NotImplemented
    if default and not _has(low, owner, name):
        return default[0]
    return low.attribute(owner, name, frame)


def _has(low: Lowering, owner: Any, name: str) -> bool:
    if isinstance(owner, Value):
        refuse_varying(owner.type, lambda cls: hasattr(cls, name))
        return hasattr(class_of(owner), name)
    if objects.is_object(owner):
        return objects.has(low, owner, name)
    with host():
        answer = hasattr(owner, name)
    holder = owner.__func__ if isinstance(owner, types.MethodType) else owner
    if hasattr(holder, "__dict__"):  # what has none gets no attributes
        low.host.note_has(low.host.class_root(holder), name, answer)
    return answer


def _hasattr(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule else _has(low, *args)


def _setattr(low: Lowering, args: Args, *_: Any) -> None:
    objects.assign(low, *args)


def _delattr(low: Lowering, args: Args, *_: Any) -> None:
    objects.delete(low, *args)


def _vars(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    if len(args) != 1 or not objects.is_object(args[0]):
        raise UnsupportedError("vars() is supported only of an object of the program's classes")
    return objects.attribute(low, args[0], "__dict__")


def _super(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    if args:
        cls, owner = args
        return objects.Super(cls, owner)
    cls = expressions.look_up(low, "__class__", frame)
    parameters = frame.source.node.args
    first = [*parameters.posonlyargs, *parameters.args][0].arg
    return objects.Super(cls, expressions.look_up(low, first, frame))


def _store(low: Lowering, args: Args, *_: Any) -> None:
    """`object.__setattr__(owner, name, value)`"""
    if not objects.is_object(args[0]):
        raise UnsupportedError("object.__setattr__ is supported only on objects of the program's classes")
    objects.store(low, *args)


def _allocate(low: Lowering, args: Args, *_: Any) -> Structure:
    """`object.__new__(cls)`"""
    return objects.allocate(low, args[0])


def _initialise(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    """`object.__init__(self)`"""
    return None if len(args) == 1 and objects.is_object(args[0]) else NotImplemented


# -- going through things ------------------------------------------------------------------------


def _range(low: Lowering, args: Args, *_: Any) -> Structure:
    low.steer(args)
    return iterables.counting(low, *args) if not is_static(args) else NotImplemented


def _iterations(low: Lowering, sources: Args) -> list[Any] | None:
    """How to go through arrays and the like, if all are such that the run decides how long they are."""
    found = [low.iteration(x) for x in sources]
    return found if found and all(f is not None for f in found) else None


def _zip(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    found = _iterations(low, args)
    strict = bool(low.static(kwargs.get("strict", False), "as strict= of zip"))
    if found is not None:
        for i, other in enumerate(found[1:] if strict else (), start=2):
            _raise_unless_equal(low, found[0].length(), other.length(), i)
        return iterables.zipped(low, found)
    items = [iterators.started(low, x) for x in args]
    with host():
        return low.own(list(zip(*items, strict=strict)))


def _raise_unless_equal(low: Lowering, first: Structure, length: Structure, number: int) -> None:
    """What `zip(..., strict=True)` does where its arguments are not equally long."""
    frame = low.frames[-1]
    before = "argument 1" if number == 2 else f"arguments 1-{number - 1}"

    def complain(word: str) -> Any:
        error = HostError(ValueError(f"zip() argument {number} is {word} than {before}"))
        low.raise_there(error, frame.source.node)
        raise Left

    for compare, word in ((ast.Lt, "shorter"), (ast.Gt, "longer")):
        test = low.operate(COMPARE[compare], length, first)
        branch.choose(low, frame, test, lambda word=word: complain(word), lambda: None)  # type: ignore[misc]


def _enumerate(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    source, start = args[0], (args[1] if len(args) > 1 else kwargs.get("start", 0))
    found = _iterations(low, (source,))
    if found is not None:
        return iterables.enumerated(low, found[0], start)
    return low.own(list(enumerate(low.items(source), low.static(start, "as the start of enumerate"))))


def _reversed(low: Lowering, args: Args, *_: Any) -> Structure:
    if isinstance(args[0], range):
        return args[0][::-1]
    found = _iterations(low, args[:1])
    if found is not None:
        return iterables.reversed_(low, found[0])
    return low.own(low.items(args[0])[::-1])


def _list(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    if args and is_growing(args[0]):
        if node is not None and isinstance(node.args[0], ast.Call):
            if iterators.is_lazy(low, node.args[0].func, frame):  # it was made a list for this
                return args[0]
        return growing.get_item(low, args[0], slice(None))
    return low.own(low.items(args[0])) if args else NotImplemented


def _tuple(low: Lowering, args: Args, *_: Any) -> Structure:
    return tuple(low.items(args[0])) if args else NotImplemented


def _deque(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    return low.own(deque(low.items(args[0]) if args else (), *args[1:], **kwargs))


def _dict(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    if not args or isinstance(args[0], dict):
        return NotImplemented
    given = as_dict(low, args[0])
    if isinstance(given, dict):
        return low.own({**given, **kwargs})
    pairs = [tuple(low.items(pair)) for pair in low.items(given)]
    keyed = {low.static(k, "as a key of a dict"): v for k, v in pairs}
    return low.own({**keyed, **kwargs})


def _from_keys(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    if kwargs or not 1 <= len(args) <= 2:
        return NotImplemented
    keys = low.static(tuple(low.items(args[0])), "as keys of a dict")
    with host():
        return low.own(dict.fromkeys(keys, *args[1:]))


def _defaultdict(low: Lowering, args: Args, kwargs: dict[str, Any], *_: Any) -> Structure:
    out: defaultdict[Any, Any] = defaultdict(None, *args[1:], **kwargs)
    out.default_factory = args[0] if args else None  # it may be a function that only we can call
    return low.own(out)


def _iter(low: Lowering, args: Args, *_: Any) -> Structure:
    if len(args) != 1:
        raise UnsupportedError("iter() with a sentinel is not supported")
    return (
        args[0] if hasattr(args[0], "__next__") else iterators.begin(low, iter(low.items(args[0])), args[0])
    )


def _next(low: Lowering, args: Args, kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    first = node.args[0] if node is not None and node.args else None
    if isinstance(first, ast.GeneratorExp):
        items = iter(low.items(args[0]))
        with host():
            return next(items, *args[1:])
    if first is not None and iterators.is_spent(first, frame):
        raise UnsupportedError(
            f"next() of {first.id}, whose items are made when it is gone through, is not supported",
            way_out="Keep an iterator of a list: iter(list(...)).",
        )
    method = objects.special(low, args[0], "next") if objects.is_object(args[0]) else None
    if method is not None and len(args) == 1:
        return low.invoke(method)
    if low.builder.depth:
        raise UnsupportedError("next() is not supported where only the run decides whether it is reached")
    if not hasattr(args[0], "__next__"):
        raise HostError(TypeError(f"{type(args[0]).__name__!r} object is not an iterator"))
    iterator = iterators.go_on(low, args[0])
    with host():
        return next(iterator, *args[1:])


def _checkpoints(low: Lowering, args: Args, kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    return low.read(all_states, args, kwargs, frame)


def _max(low: Lowering, args: Args, kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule else ordering.extreme(low, args, kwargs, max)


def _min(low: Lowering, args: Args, kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule else ordering.extreme(low, args, kwargs, min)


def _sum(low: Lowering, args: Args, kwargs: dict[str, Any], node: Any, frame: Frame) -> Structure:
    if frame.is_rule:
        return NotImplemented
    start = args[1] if len(args) > 1 else kwargs.get("start", 0)
    if isinstance(start, (list, tuple)) and isinstance(args[0], Value):
        raise UnsupportedError("sum of the rows of an array, beginning with a list, is not supported")
    if isinstance(args[0], Value) or (is_growing(args[0]) and growing.first_rows(low, args[0]) is not None):
        content = args[0] if isinstance(args[0], Value) else growing.content(low, args[0])
        total = low.apply(sum, (content, *args[1:]), kwargs)
        low.memory.relate(leaves(total), leaves(start))  # which it is where there is nothing to be added
        return total
    items = low.items(args[0])
    if all(type(x) in (int, float, bool) for x in (start, *items)):
        with host():
            return sum(items, start)
    low.work(len(items))
    if items and all(isinstance(x, Value) and is_number(x) for x in items):
        if not any(x.type.dims for x in (*items, start) if isinstance(x, Value)):
            return low.apply(sum, (items, *args[1:]), kwargs)
        if len(items) > 1 and type(start) is int and start == 0 and is_float(items[0].type):
            start = items.pop(0)
    for item in items:
        start = low.operate(operator.add, start, item)
    return start


def is_number(x: Value) -> bool:
    return isinstance(x.type, (Array, Scalar))


def _all_or_any(low: Lowering, args: Args, function: Any) -> Structure:
    if isinstance(args[0], Value):
        return NotImplemented
    items = [low.truth(x) for x in low.items(args[0])]
    known = [x for x in items if is_static(x)]
    if function(known) is (function is any):
        return function is any
    unknown = [x for x in items if not is_static(x)]
    return low.apply(function, (unknown,), {}) if unknown else function(known)


def _all(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule else _all_or_any(low, args, all)


def _any(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
    return NotImplemented if frame.is_rule else _all_or_any(low, args, any)


# -- numbers -------------------------------------------------------------------------------------


def _on_object(function: Any) -> Any:
    def special(low: Lowering, args: Args, kwargs: Any, node: Any, frame: Frame) -> Structure:
        if any(map(objects.is_object, args)) and not kwargs:
            return objects.operate(low, function, args)
        return NotImplemented

    return special


def _bool(low: Lowering, args: Args, *_: Any) -> Structure:
    return low.truth(args[0]) if args and objects.is_object(args[0]) else NotImplemented


def _divmod(low: Lowering, args: Args, *_: Any) -> Structure:
    if any(map(objects.is_object, args)):
        return objects.operate(low, divmod, args)
    if is_static(args):
        return NotImplemented
    if not all(isinstance(x, (Value, int, float)) for x in args):
        ask_host(divmod, args)
    return low.operate(operator.floordiv, *args), low.operate(operator.mod, *args)


def truth(low: Lowering, x: Structure) -> Structure:
    """`bool(x)` where that is known; else the run-time value that decides."""
    if objects.is_object(x):
        return objects.truth(low, x)
    if isinstance(x, Value):
        return x if x.type == BOOL or x.type.dims else low.apply(bool, (x,), {})
    with host():
        return bool(x)


SPECIAL: dict[Any, Any] = {
    len: _len, isinstance: _isinstance, issubclass: _issubclass, type: _type, callable: _callable,
    np.ndim: _ndim, np.shape: _shape,
    np.size: _size, getattr: _getattr, hasattr: _hasattr, setattr: _setattr,
    delattr: _delattr, vars: _vars,
    super: _super, object.__setattr__: _store, object.__new__: _allocate, object.__init__: _initialise,
    range: _range, zip: _zip, enumerate: _enumerate, reversed: _reversed, list: _list, tuple: _tuple,
    dict: _dict, dict.fromkeys: _from_keys, iter: _iter, next: _next,
    max: _max, min: _min,
    sorted: ordering.sorted_, sum: _sum, all: _all, any: _any, bool: _bool, divmod: _divmod,
    deque: _deque, defaultdict: _defaultdict, **texts.SPECIAL,
    **{f: _on_object(f) for f in (abs, float, int, round, pow)}, checkpoints: _checkpoints,
}  # fmt: skip
