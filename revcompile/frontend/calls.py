"""Calls: gates, user functions, builtins on static objects."""

from __future__ import annotations

import ast
from collections import Counter
from contextlib import nullcontext, suppress
from random import Random
from types import FunctionType, MethodType
from typing import Any, NamedTuple

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
    iterators,
    library,
    membership,
    objects,
    operators,
    outside,
    places,
    regained,
    statically,
    texts,
    vectorized,
    writing,
)
from revcompile.frontend.applying import apply_gate
from revcompile.frontend.at_hand import is_constant, is_varied, may_vary
from revcompile.frontend.expressions import WRITING
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.mappings import as_dict
from revcompile.frontend.names import HostObject, is_library, is_user_class
from revcompile.frontend.naming import is_hashable
from revcompile.frontend.prelude import MEANING, OF_THINGS
from revcompile.gates.draws import is_draw
from revcompile.gates.infer import ask_host
from revcompile.gates.record import Gate
from revcompile.gates.table import METHODS, TABLE
from revcompile.gates.traits import Memory
from revcompile.ir.nodes import (
    Structure,
    Value,
    is_static,
    leaves,
)
from revcompile.ir.types import Array, Opaque, Scalar
from revcompile.statements import hook
from revcompile.statements.iterables import Iteration
from revcompile.syntax.abstract import (
    Frame,
    Gradient,
    Method,
    Native,
    NeedStatic,
    NestedFunction,
    Partial,
    class_of,
)
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
SPECIAL = {
    **builtin.SPECIAL, **functional.SPECIAL, **operators.SPECIAL, **places.SPECIAL, **vectorized.SPECIAL,
}  # fmt: skip
AS_THEY_ARE = ("random", "collections")  # modules with classes that are not read
OPERATORS = frozenset({*BINARY.values(), *UNARY.values(), *COMPARE.values()})
SEARCHING = frozenset({sorted, max, min, sum, any, all, set, frozenset, Counter})  # through any items


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
        return foreign.of_nested(low, function, args, kwargs, frame)
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
    if function is hook.on_gradient:
        return hook.lower(low, *args, **kwargs)
    if isinstance(getattr(function, "__self__", None), str):
        outcome = texts.text_method(low, function.__self__, function.__name__, args, kwargs)
        if outcome is not NotImplemented:
            return outcome
    passes = known and (function in TRANSPARENT_TO_FOREIGN or foreign.excuses(function))
    if not passes and _is_done_outside(function, args, kwargs):
        return foreign.call(low, function, args, kwargs, frame)
    searches = known and function in SEARCHING and (bool(low.excused) or _is_of_run(low, args, kwargs))
    excused = low.excused and known and is_library(function)
    if (excused or searches) and not frame.is_rule and not is_static((args, kwargs)):
        try:
            with low.tentatively():
                return _known_call(low, function, args, kwargs, node, frame)
        except (NeedStatic, UnsupportedError):
            return foreign.call(low, function, args, kwargs, frame)
    return _known_call(low, function, args, kwargs, node, frame)


def _may_be_made(
    low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> bool:
    """Whether a call of what has a rule, which it does not serve, may be made as it is."""
    if frame.is_rule or not is_library(function) or not low.learning.allowed:
        return False
    if kwargs.get("out") is not None or membership.has_objects((*args, *kwargs.values())):
        return False
    return not any(is_varied(low, v) for v in leaves((args, kwargs)))


def _is_of_run(low: Lowering, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether there are run-time values among the arguments, and all are the program's, or made of these."""
    values = list(leaves((args, kwargs)))
    return bool(values) and all(is_constant(low, v) for v in values)


def _known_call(
    low: Lowering,
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    node: ast.Call | None,
    frame: Frame,
) -> Structure:
    called = Call(function, args, kwargs, node, frame)
    for answer in ANSWERS:
        outcome = answer(low, called)
        if outcome is not NotImplemented:
            return outcome
    if draws.runs_as_it_is(function, args, kwargs):
        with suppress(UnsupportedError, NotImplementedError), low.tentatively():  # unless it gives no numbers
            return draws.run(low, function, args, kwargs)
    is_number = isinstance(function, Value) and isinstance(function.type, (Array, Scalar))
    if is_number or not (isinstance(function, Value) or callable(function)):
        kind = class_of(function) if isinstance(function, Value) else type(function)
        raise HostError(TypeError(f"{kind.__name__!r} object is not callable"))
    return foreign.call(low, function, args, kwargs, frame)


class Call(NamedTuple):
    """A call that is read: of what, with which arguments, and where."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    node: ast.Call | None
    frame: Frame


def _by_table(low: Lowering, called: Call) -> Structure:
    """What a call means of a function that is known by itself: a builtin, an operator, a gate."""
    function, args, kwargs, node, frame = called
    if not is_hashable(function):
        return NotImplemented
    special, meaning, gate = SPECIAL.get(function), MEANING.get(function), TABLE.get(function)
    is_known = not (special is meaning is gate is None) or function in writing.WRITERS
    if is_known and function not in iterators.LAZY:
        args = regained.operands(low, args, kwargs)
    if special is not None:
        outcome = special(low, args, kwargs, node, frame)
        if outcome is not NotImplemented:
            return outcome
    if meaning is not None:
        may_be_called = function not in iterators.LAZY and function not in OF_THINGS
        if may_be_called and statically.is_plain(args, kwargs):
            return statically.call(low, function, args, kwargs)
        return low.read(meaning, args, kwargs, frame)
    written = writing.call(low, function, args, kwargs) if not frame.is_rule else NotImplemented
    if written is not NotImplemented:
        return written
    if is_draw(function):
        return draws.call(low, function, args, kwargs)
    if function in OPERATORS and not kwargs and not frame.is_rule:
        return low.operate(function, *args)
    if gate is not None and not (is_static(args) and is_static(kwargs) and _folds(function)):
        return _by_gate(low, gate, function, args, kwargs, frame)
    return NotImplemented


def _by_gate(
    low: Lowering, gate: Gate, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> Structure:
    """Apply a gate; make the call as it is, where the gate does not serve it and nothing in it varies."""
    is_data = gate.composed and not any(may_vary(low, v) for v in leaves((args, kwargs)))
    if is_data and _may_be_made(low, function, args, kwargs, frame):
        return foreign.call(low, function, args, kwargs, frame)
    if gate.folds is not None and gate.folds(args, kwargs):
        return statically.call(low, function, args, kwargs)
    try:
        return apply_gate(low, function, args, kwargs)
    except (UnsupportedError, NotImplementedError) as e:
        if getattr(e, "final", False) or not _may_be_made(low, function, args, kwargs, frame):
            raise
        return foreign.call(low, function, args, kwargs, frame)


def _by_library(low: Lowering, called: Call) -> Structure:
    """What Python can say of a library's function; a container's method; what is done while compiling."""
    function, args, kwargs, _, frame = called
    meaning = library.meaning_of(function)
    varies = any(may_vary(low, v) for v in leaves((args, kwargs)))
    if meaning is not None and (varies or any(isinstance(a, Iteration) for a in args)):
        return low.read(meaning, args, kwargs, frame)
    meant = iterators.meant_by(function)
    if meant is not None:
        return call(low, meant, (function.__self__, *args), kwargs, None, frame)
    if containers.owner_of(function) is not None:
        if function.__name__ == "update":
            args = tuple(as_dict(low, a) for a in args)
        outcome = containers.method(low, function, args, kwargs)
        if outcome is not NotImplemented:
            return outcome
    is_static_call = is_hashable(function) and function in statically.STATIC_CALLS
    if is_static_call or statically.is_pure(function, args, kwargs):
        return statically.call(low, function, args, kwargs)
    return NotImplemented


def _of_object(low: Lowering, called: Call) -> Structure:
    """A call of an object, of a class of the user's, or of a method."""
    function, args, kwargs, node, frame = called
    if objects.is_object(function):
        return _call_object(low, function, args, kwargs, node, frame)
    if isinstance(function, tuple):
        method = objects.special(low, function, "call")
        return NotImplemented if method is None else call(low, method, args, kwargs, node, frame)
    if isinstance(function, type) and is_user_class(function):
        if foreign.is_pythons_own(low, function, args, kwargs) or issubclass(function, Random):
            return _made_by_python(low, function, args, kwargs, frame)
        return objects.construct(low, function, args, kwargs)
    if isinstance(function, MethodType):
        owner = function.__self__
        if function.__name__ == "_make" and hasattr(owner, "_fields"):  # of a named tuple
            return call(low, owner, tuple(low.items(*args)), kwargs, node, frame)
        return call(low, function.__func__, (function.__self__, *args), kwargs, node, frame)
    return NotImplemented


def _of_transform(low: Lowering, called: Call) -> Structure:
    """A call of a gradient or another operator, or of what one of them gives; of what wraps a function."""
    function, args, kwargs, node, frame = called
    if gradients.is_gradient(function):
        return gradients.call(low, gradients.gradient_of(low, function), args, kwargs)
    if gradients.is_transform(function):
        return gradients.transform(low, function, args, kwargs)
    if operators.is_operator(function):
        return operators.call(low, function, args, kwargs)
    if isinstance(function, np.vectorize) and not frame.is_rule:
        return call(low, vectorized.taken(low, function), args, kwargs, node, frame)
    unwrapped = functional.unwrapped(low, function)
    return NotImplemented if unwrapped is None else call(low, unwrapped, args, kwargs, node, frame)


def _of_function(low: Lowering, called: Call) -> Structure:
    """A call of a function of the user's, which is read."""
    function, args, kwargs, _, frame = called
    if not isinstance(function, FunctionType):
        return NotImplemented
    if frame.is_rule and is_static(args) and is_static(kwargs):
        with nullcontext() if is_own(function) else host():
            result = function(*args, **kwargs)
        if not isinstance(result, np.ndarray):
            return result
    if frame.is_own and not frame.is_rule and is_own(function):
        return low.read(function, args, kwargs, frame)
    if is_library(function) or foreign.is_called_as_it_is(low, function, (args, kwargs)):
        return NotImplemented
    try:
        return low.inline(function, args, kwargs, frame)
    except UnsupportedError as e:
        if frame.is_rule and not frame.is_own:
            return foreign.in_rule(low, function, args, kwargs, e)
        raise foreign.read_failed(low, frame, function, (args, kwargs), e) from None


ANSWERS = (_by_table, _by_library, _of_object, _of_transform, _of_function)  # who are asked, in this order


def _made_by_python(
    low: Lowering, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> Structure:
    """An object of a class of Python's own: one that is read, where that can be."""
    if cls.__module__ not in AS_THEY_ARE:
        with suppress(UnsupportedError), low.tentatively():
            return objects.construct(low, cls, args, kwargs)
    return foreign.call(low, cls, args, kwargs, frame)


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
    ) or (function in statically.STATIC_CALLS)


def _method(low: Lowering, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    if isinstance(method.value.type, Opaque) or method.name in outside.READING:
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
