"""Calls: gates, user functions, builtins on static objects."""

from __future__ import annotations

import ast
from collections import Counter, OrderedDict, deque
from contextlib import nullcontext
from types import BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, host, is_defect, is_own, module_of
from revcompile.frontend import (
    builtin,
    containers,
    draws,
    effects,
    foreign,
    functional,
    gradients,
    growing,
    iterators,
    membership,
    objects,
    outside,
    texts,
    vectorized,
    writing,
)
from revcompile.frontend.containers import frozen
from revcompile.frontend.expressions import WRITING, is_array
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.mappings import as_dict
from revcompile.frontend.names import HostObject, is_library, is_user_class
from revcompile.frontend.naming import is_hashable, name_of, plain
from revcompile.gates.draws import is_draw
from revcompile.gates.infer import ask_host
from revcompile.gates.table import METHODS, TABLE, Gate, is_pythons
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import (
    Apply,
    Structure,
    Value,
    are_numbers,
    is_static,
    leaves,
    map_structure,
    map_values,
)
from revcompile.ir.types import Array, Opaque, Scalar
from revcompile.syntax.abstract import (
    FUNCTIONS,
    Frame,
    Gradient,
    Method,
    Native,
    NestedFunction,
    Partial,
    class_of,
)
from revcompile.syntax.mutable import KINDS
from revcompile.syntax.operators import BINARY, COMPARE, UNARY

OF_A_CALL = 2  # operations of the interpreter's that it costs at least
TRANSPARENT_TO_FOREIGN = frozenset(
    {
        isinstance,
        type,
        getattr,
        hasattr,
        callable,
        print,
        str,
        repr,
        format,
        tuple,
        list,
        dict,
        zip,
        enumerate,
    }
)
SPECIAL = {**builtin.SPECIAL, **functional.SPECIAL, **vectorized.SPECIAL}
OPERATORS = frozenset({*BINARY.values(), *UNARY.values(), *COMPARE.values()})
PURE_METHODS = frozenset(
    {"items", "keys", "values", "get", "index", "count", "_replace", "_asdict", "format", "join", "split",
     "startswith", "endswith", "lower", "upper", "title", "strip", "lstrip", "rstrip", "replace", "zfill",
     "partition", "rpartition", "isdigit", "isalpha", "isidentifier", "ljust", "rjust", "center", "issubset",
     "issuperset", "isdisjoint", "splitlines", "capitalize", "removeprefix", "removesuffix"}
)  # fmt: skip
STATIC_CALLS = frozenset(
    {len, range, tuple, list, dict, zip, enumerate, reversed, sorted, isinstance, issubclass, slice, set,
     frozenset, getattr, hasattr, callable, str, repr, all, any, type, int, bool, divmod, id, hash, min,
     max, sum, abs, round, float, pow, map, filter, iter, next, np.dtype, np.result_type, np.issubdtype,
     np.finfo, np.iinfo, np.promote_types, np.broadcast_shapes, np.ndim, np.shape, np.size, bytes, ord, chr,
     format, hex, bin, ascii, OrderedDict, Counter}
)  # fmt: skip


def call(
    low: Lowering,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    node: ast.Call | None,
    frame: Frame,
) -> Structure:
    """The structure that a call denotes."""
    if not frame.is_rule:
        low.work(OF_A_CALL)
    try:
        return _call(low, function, args, kwargs, node, frame)
    except Exception as e:
        if is_defect(e):
            _ask_host(function, args, kwargs)
        raise


def _some_function() -> None:
    """Stands for a function of the program in a call that Python is asked about."""


def _ask_host(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Where a call of what has no source fails here, and would fail there: raise what it raises."""
    if membership.has_objects((*args, *kwargs.values())):
        return  # which are not what the program has
    if isinstance(function, Method):
        value, name = function.value, function.name
        ask_host(lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs), (value, *args), kwargs)
    elif is_hashable(function) and (function in SPECIAL or function in TABLE or function in writing.WRITERS):
        ask_host(function, args, kwargs)


def _call(
    low: Lowering,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    node: ast.Call | None,
    frame: Frame,
) -> Structure:
    if isinstance(function, Method):
        return _method(low, function, args, kwargs)
    if isinstance(function, NestedFunction):
        return low.inline_nested(function, args, kwargs, frame.depth)
    if isinstance(function, Partial):
        return call(
            low, function.function, (*function.args, *args), {**function.kwargs, **kwargs}, node, frame
        )
    if isinstance(function, Gradient):
        return gradients.call(low, function, args, kwargs)
    if isinstance(function, Native):
        return function.run(*args, **kwargs)
    shown = effects.call(low, function, args, kwargs) if not frame.is_rule else NotImplemented
    if shown is not NotImplemented:
        return shown
    known = is_hashable(function)
    if known and not frame.is_rule and foreign.excuses(function):
        return effects.constant(low, *args, **kwargs)
    if isinstance(getattr(function, "__self__", None), str):
        outcome = texts.text_method(low, function.__self__, function.__name__, args, kwargs)
        if outcome is not NotImplemented:
            return outcome
    passes = known and (function in TRANSPARENT_TO_FOREIGN or foreign.excuses(function))
    if not passes and _is_done_outside(function, args, kwargs):
        return foreign.call(low, function, args, kwargs, frame)
    special = SPECIAL.get(function) if known else None
    if special is not None:
        outcome = special(low, args, kwargs, node, frame)
        if outcome is not NotImplemented:
            return outcome
    written = writing.call(low, function, args, kwargs) if known and not frame.is_rule else NotImplemented
    if written is not NotImplemented:
        return written
    if known and is_draw(function):
        return draws.call(low, function, args, kwargs)
    if known and function in OPERATORS and not kwargs and not frame.is_rule:
        return low.operate(function, *args)
    if known and function in TABLE and not (is_static(args) and is_static(kwargs) and _folds(function)):
        gate = TABLE[function]
        is_known = gate.folds is not None and gate.folds(args, kwargs)
        return (_static_call if is_known else apply_gate)(low, function, args, kwargs)
    meant = iterators.meant_by(function)
    if meant is not None:
        return call(low, meant, (function.__self__, *args), kwargs, None, frame)
    if containers.owner_of(function) is not None:
        if function.__name__ == "update":
            args = tuple(as_dict(low, a) for a in args)
        outcome = containers.method(low, function, args, kwargs)
        if outcome is not NotImplemented:
            return outcome
    if (known and function in STATIC_CALLS) or _is_pure(function, args, kwargs):
        return _static_call(low, function, args, kwargs)
    if objects.is_object(function):
        return _call_object(low, function, args, kwargs, node, frame)
    if isinstance(function, tuple):
        method = objects.special(low, function, "call")
        if method is not None:
            return call(low, method, args, kwargs, node, frame)
    if isinstance(function, type) and is_user_class(function):
        return objects.construct(low, function, args, kwargs)
    if isinstance(function, MethodType):
        made = function.__self__
        if function.__name__ == "_make" and hasattr(made, "_fields"):  # of a named tuple
            return call(low, made, tuple(low.items(*args)), kwargs, node, frame)
        return call(low, function.__func__, (function.__self__, *args), kwargs, node, frame)
    if gradients.is_gradient(function):
        return gradients.call(low, gradients.gradient_of(low, function), args, kwargs)
    if gradients.is_transform(function):
        return gradients.transform(low, function, args, kwargs)
    if isinstance(function, np.vectorize) and not frame.is_rule:
        return call(low, vectorized.taken(low, function), args, kwargs, node, frame)
    unwrapped = functional.unwrapped(low, function)
    if unwrapped is not None:
        return call(low, unwrapped, args, kwargs, node, frame)
    if isinstance(function, FunctionType):
        if frame.is_rule and is_static(args) and is_static(kwargs):
            with nullcontext() if is_own(function) else host():
                result = function(*args, **kwargs)
            if not isinstance(result, np.ndarray):
                return result
        if not (is_library(function) or foreign.is_called_as_it_is(low, function, (args, kwargs))):
            try:
                return low.inline(function, args, kwargs, frame)
            except UnsupportedError as e:
                if frame.is_rule and not frame.is_own:
                    return foreign.in_rule(low, function, args, kwargs, e)
                raise foreign.read_failed(low, frame, function, (args, kwargs), e) from None
    if draws.runs_as_it_is(function, args, kwargs):
        return draws.run(low, function, args, kwargs)
    is_number = isinstance(function, Value) and isinstance(function.type, (Array, Scalar))
    if is_number or not (isinstance(function, Value) or callable(function)):
        kind = class_of(function) if isinstance(function, Value) else type(function)
        raise HostError(TypeError(f"{kind.__name__!r} object is not callable"))
    return foreign.call(low, function, args, kwargs, frame)


def _is_done_outside(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call has an argument of another library's, and is none of what is read or known here."""
    if not foreign.has_foreign(function, args, kwargs) or containers.owner_of(function) is not None:
        return False
    if isinstance(function, FunctionType):
        return is_library(function)
    if isinstance(function, type) and issubclass(function, BaseException):
        return False
    return not objects.is_object(function) and not (isinstance(function, type) and is_user_class(function))


def _call_object(
    low: Lowering, owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any], node: Any, frame: Frame
) -> Structure:
    """`owner(*args)` of an object of a user's class."""
    if isinstance(owner, HostObject):
        if gradients.is_gradient(owner.obj):
            return gradients.call(low, gradients.gradient_of(low, owner), args, kwargs)
        if not callable(owner.obj):
            raise HostError(TypeError(f"{type(owner.obj).__name__!r} object is not callable"))
        return call(low, objects.read_host(low, owner, "__call__"), args, kwargs, node, frame)
    method = objects.special(low, owner, "call")
    if method is None:
        raise HostError(TypeError(f"{owner.cls.__name__!r} object is not callable"))
    return call(low, method, args, kwargs, node, frame)


def _folds(function: Any) -> bool:
    """Whether a call on static numbers is done while compiling: Python's own operators and builtins."""
    return module_of(function) in (
        "builtins",
        "_operator",
        "math",
        "revcompile.runtime",
    ) or (function in STATIC_CALLS)


def _is_pure(function: Any, args: Any, kwargs: Any) -> bool:
    """A named tuple's constructor, an exception, a method of a static container, a math function."""
    if isinstance(function, type):
        return hasattr(function, "_fields") or (
            is_static(args) and issubclass(function, (np.generic, BaseException))
        )
    if isinstance(function, (BuiltinMethodType, MethodType)) and not isinstance(
        getattr(function, "__self__", None), type(np)
    ):
        owner = getattr(function, "__self__", None)
        if type(owner) in (str, bytes, range, frozenset):
            return True
        return isinstance(owner, (dict, list, tuple, str, set)) and function.__name__ in PURE_METHODS
    if isinstance(function, BuiltinFunctionType):
        return is_static(args) and is_static(kwargs) and function.__module__ in ("math", "_operator")
    return False


def _static_call(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    if function is range or function is slice:
        low.steer(args)
    if args and isinstance(getattr(function, "__self__", None), dict):
        args = (membership.key(low, args[0], "as a key of a dict"), *args[1:])
    if function not in _TRANSPARENT and not _is_container_call(function, args):
        what = f"as an argument of {name_of(function)}"
        args = map_values(lambda v: low.static(v, what), args)
    owner = getattr(function, "__self__", None)
    if isinstance(owner, membership.SEQUENCES) and membership.has_objects((owner, args)):
        if function.__name__ in ("index", "count"):
            return getattr(membership, f"{function.__name__}_of")(low, owner, *args)
    for x in args:
        if isinstance(x, HostObject) and function not in _TRANSPARENT:
            x.refuse()
    if getattr(function, "__name__", "") in (
        "index",
        "count",
    ):  # they compare, and a run-time value has no value yet
        owner = getattr(function, "__self__", ())
        if not is_static(owner):
            known = low.static(owner, f"as what {name_of(function)} looks through")
            function = getattr(known, function.__name__)
        args = low.static(args, f"as an argument of {name_of(function)}")
    with host():
        result = function(*args, **kwargs)
    low.host.tells(function, (*args, *kwargs.values()), result)
    if isinstance(result, KINDS) and (
        function in containers.MADE_BY or isinstance(getattr(function, "__self__", None), str)
    ):
        low.own(result)
    return result


_TRANSPARENT = frozenset(
    {slice, isinstance, len, tuple, list, dict, zip, enumerate, reversed, iter, next, type}
)


def _is_container_call(function: Any, args: tuple[Any, ...]) -> bool:
    if isinstance(function, type):
        return hasattr(function, "_fields")
    return isinstance(getattr(function, "__self__", None), (dict, list, tuple))


def _method(low: Lowering, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    if foreign.is_foreign(method.value) or method.name in outside.READING:
        return outside.method(low, method.value, method.name, args, kwargs)
    if method.name in WRITING:
        return writing.method(low, method.value, method.name, args, kwargs)
    adapter = low.method_adapters.get(method.name)
    if adapter is not None:
        try:
            function, args, kwargs = adapter(*args, **kwargs)
        except TypeError as e:
            raise UnsupportedError(f"this form of .{method.name} is not supported: {e}") from None
    else:
        function = METHODS[method.name]
    t = method.value.type
    if isinstance(t, Scalar) and getattr(function, "__qualname__", "").startswith("ndarray."):
        return _scalar_method(low, function, method.value, t, args, kwargs)
    try:
        return apply_gate(low, function, (method.value, *args), kwargs)
    except HostError as e:
        e.unless(TypeError)
        if not any(a is None for a in (*args, *kwargs.values())):
            raise
        # A method takes None where the function that stands for it does not: keepdims=None.
        raise UnsupportedError(f"this form of .{method.name} is not supported: {e}") from None


def _scalar_method(
    low: Lowering, function: Any, x: Value, t: Scalar, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Structure:
    """The methods that a NumPy scalar shares with an array."""
    if t.python:
        raise HostError(AttributeError(f"{t} object has no attribute {function.__name__!r}"))
    gate = TABLE[function]
    if gate.memory is Memory.COPY:
        return x
    if gate.casts and len(args) == 1 and not kwargs:
        return low.apply(np.dtype(low.static(args[0], "as a dtype")).type, (x,), {})
    if gate.of_scalar is not None:
        return low.run_rule(gate.of_scalar, (x, *args), kwargs)
    raise UnsupportedError(f"the method .{function.__name__} of {an(t)} is not supported")


def apply_gate(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """Bind a call to its gate's signature and emit it."""
    gate = TABLE[function]
    if are_numbers(args) and not kwargs and len(args) <= getattr(function, "nin", len(args)):
        # as nearly always; the rest is for structures, for what is written into
        if not gate.foreign and gate.forward is None and gate.means is None:
            return low.emit(function, *_known_options(low, gate, _bound(gate, function, args, kwargs)))
    means = gate.means(args, kwargs) if gate.means is not None else None
    if means is not None:
        return low.run_rule(means, args, kwargs)
    joined = growing.joined(low, function, args, kwargs)
    if joined is not NotImplemented:
        return joined
    args = tuple(list(a) if isinstance(a, deque) else growing.as_arrays(low, a) for a in args)
    out, args, kwargs = writing.split_out(function, args, kwargs)
    if out is not None:
        return writing.into(low, function, out, args, apply_gate(low, function, args, kwargs))
    bound = _known_options(low, gate, _bound(gate, function, args, kwargs))
    taken = [a for a, takes_array in zip(bound, gate.takes_arrays, strict=True) if takes_array]
    if is_pythons(function) and any(isinstance(a, (list, tuple)) for a in taken):
        if not any(is_array(a) for a in taken):  # which would take the list for an array
            ask_host(function, args, kwargs)
    bound = tuple(
        _array_of(low, a) if takes_array else tuple(_array_of(low, x) for x in a) if takes_each else a
        for a, takes_array, takes_each in zip(bound, gate.takes_arrays, gate.takes_each, strict=True)
    )
    for argument in bound:
        if objects.is_object(argument):
            objects.refuse((argument,), f"{name_of(function)} ")
        if isinstance(argument, FUNCTIONS):
            ask_host(function, [_some_function if isinstance(a, FUNCTIONS) else a for a in bound])
            raise UnsupportedError(f"{name_of(function)} is applied to a function")
    for value in leaves(bound):
        if not isinstance(value.type, (Array, Scalar)) and gate.types is None:
            raise UnsupportedError(f"{name_of(function)} is applied to {an(value.type)}")
    if gate.forward is not None:
        return _opaque(low, gate, function, bound)
    try:
        return low.emit(function, *bound)
    except HostError as e:
        if not gate.foreign:
            raise
        args = low.resolve(frozen(bound))
        result = foreign.tried(low, function, gate, args, e)
    low.builder.apply(function, args, result)
    low.memory.note(function, bound, result)
    return result


def _bound(gate: Gate, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return gate.bind(args, kwargs)
    except TypeError as e:
        raise UnsupportedError(
            f"this form of {name_of(function)} is not supported: {e}",
            way_out=f"Supported: {name_of(function)}{plain(gate.signature)}.",
        ) from None


def _opaque(low: Lowering, gate: Gate, function: Any, bound: tuple[Any, ...]) -> Structure:
    """The forward half of an opaque gate: its output, and what it saves for the backward half."""
    assert gate.forward is not None
    given, bound = bound, low.resolve(bound)
    try:
        output = map_structure(Value, low.builder.infer(function, bound, low.builder.facts))
    except HostError as e:
        output = foreign.tried(low, function, gate, bound, e)
    saved = low.builder.table.new(Opaque("saved values"), f"saved_{gate.name}")
    builder = low.builder
    builder.statements.append(Apply(gate.forward, bound, (output, saved), builder.line, builder.note))
    low.memory.relate(leaves(output), leaves(given))
    return output


def _array_of(low: Lowering, a: Structure) -> Structure:
    """A list as the array that NumPy makes of it."""
    return low.apply(np.array, (a,), {}) if isinstance(a, (list, tuple)) else a


def _known_options(low: Lowering, gate: Gate, bound: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands, of which those are known that must be."""
    if not (gate.known_options or gate.steering_options):
        return bound
    known = list(bound)
    for i, option in gate.known_options:
        known[i] = low.static(bound[i], f"as {option}= of {gate.name}")
    for i, _ in gate.steering_options:
        low.steer(bound[i])
    return tuple(known)
