"""Calls that are made as they are: of functions without a rule, and on objects of other libraries.

Such a call becomes a statement (`gates/foreign`). What it gives must be known to go on. Where the program is
certain to get there, and what is passed is at hand, the call is made while compiling; elsewhere, in a branch
or a loop, a statement takes its place that makes the call, notes what it gave, and lets the function be
compiled again (`codegen/first_run`). Imports the abstract values.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from revcompile.errors import HostError, UnsupportedError, host
from revcompile.frontend.at_hand import UNKNOWN, flat, value_of
from revcompile.frontend.containers import frozen
from revcompile.frontend.names import HostObject
from revcompile.gates.effects import stop_gradient
from revcompile.gates.foreign import MANY, TEXT, ForeignCall, act, types_of
from revcompile.gates.infer import infer
from revcompile.gates.sparse import is_matrix, sparse_times, times_sparse
from revcompile.gates.table import TABLE, Gate
from revcompile.ir.nodes import (
    Instance,
    Raise,
    Structure,
    Value,
    is_static,
    leaves,
    map_structure,
)
from revcompile.ir.types import INT, Array, Foreign, Opaque, Type
from revcompile.syntax.abstract import (
    Frame,
    Gradient,
    Left,
    Method,
    NestedFunction,
    Partial,
    Poison,
    Restart,
    class_of,
)
from revcompile.syntax.mutable import is_growing

if TYPE_CHECKING:
    from revcompile.frontend.lower import Lowering

# What gives a new result, and does nothing else: it is called with the program's own arrays.
PURE = ("numpy", "scipy", "math", "cmath", "statistics")
NOT_PURE = frozenset(
    {"load", "loadtxt", "genfromtxt", "fromfile", "save", "savetxt", "savez", "savez_compressed",
     "fromregex", "memmap", "empty", "seterr", "errstate", "set_printoptions", "show_config", "test",
     "info", "put", "copyto", "fill_diagonal", "place", "putmask", "apply_along_axis", "apply_over_axes",
     "fromfunction", "vectorize", "fromiter", "frompyfunc", "piecewise", "real_if_close",
     "asarray_chkfinite", "require", "asfortranarray", "ascontiguousarray", "asmatrix", "seterrcall",
     "setbufsize", "nditer", "shuffle"}
)  # fmt: skip
SHOWING = frozenset({"warnings", "_warnings", "logging", "time", "pdb", "tqdm", "traceback", "faulthandler"})
SILENT = frozenset(
    {"warn", "warn_explicit", "debug", "info", "warning", "error", "critical", "exception", "log", "sleep",
     "breakpoint", "set_trace", "simplefilter", "filterwarnings", "set_description", "set_postfix",
     "set_description_str", "set_postfix_str", "close", "refresh"}
)  # fmt: skip
OF_FRAME = frozenset({eval, exec, locals, globals, vars, dir, super, __import__, input})


@contextmanager
def excusing(low: Lowering, function: Any) -> Iterator[None]:
    """Inside, in the arguments of `stop_gradient`, calls as they are may take what is differentiated."""
    more = function is stop_gradient
    low.excused += more
    try:
        yield
    finally:
        low.excused -= more


def is_foreign(x: Structure) -> bool:
    """Whether something is an object of another library that is known at run time only."""
    return isinstance(x, Value) and (isinstance(x.type, Foreign) or x.type == TEXT)


def has_foreign(*structures: Structure) -> bool:
    return any(map(is_foreign, leaves(structures)))


def is_sparse(x: Structure) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Foreign) and bool(x.type.lengths)


# -- what is done with a foreign object ------------------------------------------------------------


def attribute(low: Lowering, owner: Value, name: str) -> Structure:
    """`owner.name`: a method, which waits for its call; else what it is now."""
    cls = class_of(owner)
    if name == "__class__":
        return cls
    if name == "T" and is_sparse(owner):
        assert isinstance(owner.type, Foreign)
        with host():
            kind = type(owner.type.cls((1, 1)).T)
        known = replace(owner.type, what=kind.__name__, cls=kind)
        result = make(low, "attribute", owner, (), {}, "the transpose", name, known=known, pure=True)
        result.type = replace(result.type, lengths=owner.type.lengths[::-1])
        return result
    found = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
    if callable(found) and not isinstance(found, type):
        return Method(owner, name)
    return make(low, "attribute", owner, (), {}, f"the attribute {name!r} of a {owner.type}", name)


def item(low: Lowering, owner: Value, index: Structure) -> Structure:
    return make(low, "item", owner, (index,), {}, f"an item of a {owner.type}")


def method(
    low: Lowering, owner: Value, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Structure:
    what = f"the method {name!r} of a {owner.type}"
    cls = class_of(owner)
    if name == "dot" and is_sparse(owner) and len(args) == 1 and not kwargs:
        return operate(low, operator.matmul, (owner, *args))
    if name == "transpose" and is_sparse(owner) and not args and not kwargs:
        return attribute(low, owner, "T")
    if hasattr(cls, "write") and hasattr(cls, "flush") and name in ("write", "writelines", "flush"):
        known: Any = INT if name == "write" else None
    elif home_of(cls) in SHOWING and name in SILENT:
        known = None
    else:
        return make(low, "method", owner, args, kwargs, what, name, excused=home_of(cls) in SHOWING)
    return make(low, "method", owner, args, kwargs, what, name, excused=True, known=known, shows=True)


def home_of(thing: Any) -> str:
    """The package in which a function or a class is defined."""
    home = getattr(thing, "__module__", None)
    return home.partition(".")[0] if isinstance(home, str) else ""


def operate(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure:
    """A Python operator of which an operand is a foreign object."""
    product = _product(low, function, args)
    if product is not None:
        return product
    whose = next(v.type for v in leaves(args) if isinstance(v.type, Opaque))
    return make(low, "call", function, args, {}, f"{function.__name__} of a {whose}")


def _product(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure | None:
    """A product of a sparse matrix and a vector or a matrix."""
    a, b = args if len(args) == 2 else (None, None)
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        a, b = (low.apply(np.array, (x,), {}) if isinstance(x, (list, tuple)) else x for x in (a, b))
    for matrix, other in ((a, b), (b, a)):
        if not isinstance(matrix, Value) or not is_sparse(matrix):
            continue
        is_array = isinstance(other, Value) and isinstance(other.type, Array) and bool(other.type.dims)
        older = function is operator.mul and is_matrix(class_of(matrix))
        if is_array and (function is operator.matmul or older):
            return low.emit(sparse_times, a, b) if matrix is a else low.emit(times_sparse, a, b)
    return None


def items(low: Lowering, owner: Value) -> list[Structure]:
    """What going through a foreign object gives."""
    many = sys.maxsize
    return list(make(low, "call", tuple, (owner,), {}, f"going through a {owner.type}", many=many))


def call(
    low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> Structure:
    """`function(*args, **kwargs)`, as it is."""
    name = name_of(function)
    if frame.is_rule:
        return in_rule(low, function, args, kwargs, _no_rule(name))
    refusal = low.learning.refusals.get(function if _is_hashable(function) else None)
    if function in OF_FRAME if _is_hashable(function) else False:
        raise _no_rule(name)
    return make(low, "call", function, args, kwargs, name, pure=is_pure(function), refusal=refusal)


def in_rule(
    low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], refusal: UnsupportedError
) -> Structure:
    """A call in a rule of the user's, as it is. What it gives is found on small arrays."""

    def run(args: Any, options: Any) -> Any:
        return function(*args, **options)

    if is_static((function, args, kwargs)):
        with host():
            outcome = function(*args, **kwargs)
        if not isinstance(outcome, np.ndarray):
            return outcome
    given = low.resolve(frozen((function, args, kwargs)))
    _check_passable(low, given, refusal)
    gate = Gate(name_of(function), (run,), ("args", "options"), view=True, foreign=True)
    types = infer(gate, run, given[1:], low.builder.facts)
    result = map_structure(lambda t: Value(t) if isinstance(t, Type) else t, types)
    call = ForeignCall("call", "", types, None, refusal, True, False, False, copies=lambda: False)
    low.builder.apply(call, given, result)
    low.memory.relate(leaves(result), leaves(given))
    return result


def read_failed(
    low: Lowering, frame: Frame, function: Any, given: Structure, error: UnsupportedError
) -> Exception:
    """What to do where a function of the user's cannot be read: begin again, and call it as it is."""
    trying = any(what == "grow" for what, _ in low.decisions)  # which may be what it has failed by
    if trying or frame.is_rule or not low.learning.allowed:
        return error
    if not low.excused and any(_is_varied(low, v) for v in leaves(given)):
        return error
    low.learning.refusals[function] = error
    return Restart(("as it is", function))


def is_called_as_it_is(low: Lowering, function: Any) -> bool:
    return ("as it is", function) in low.decisions


def is_pure(function: Any) -> bool:
    """Whether a function of a library does nothing but give a new result."""
    module = getattr(function, "__module__", None) or ""
    if isinstance(function, np.ufunc):
        return True
    name = getattr(function, "__name__", "")
    return (
        any(module == home or module.startswith(f"{home}.") for home in PURE)
        and not module.startswith(("numpy.random", "numpy.ma"))
        and isinstance(function, (FunctionType, BuiltinFunctionType, type(np.unique)))
        and name not in NOT_PURE
    )


# -- the call itself ---------------------------------------------------------------------------------


def make(
    low: Lowering,
    form: str,
    first: Structure,
    args: tuple[Any, ...],
    options: dict[str, Any],
    name: str,
    attribute: str = "",
    pure: bool = False,
    refusal: UnsupportedError | None = None,
    many: int = MANY,
    excused: bool = False,
    known: Any = UNKNOWN,
    shows: bool = False,
) -> Structure:
    """Emit a call as it is; the structure of what it gives. `name` is for what is said of it."""
    excused = excused or bool(low.excused)
    refusal = _at(low, refusal or _no_rule(name, (first, args, options)))
    given = low.resolve(frozen((first, args, options)))
    _check_passable(low, given, refusal)
    if not excused and any(_is_varied(low, v) for v in leaves(given)):
        raise refusal
    key = _key_of(low, form, attribute, given)
    found = low.learning.patterns.get(key) if known is UNKNOWN else (known, None)
    if found is None:
        if not low.learning.allowed:
            raise UnsupportedError(
                f"{name} is called as it is: what it gives is known from the first call on", refusal.place
            )
        found = _find_out(low, key, form, attribute, given, many)
    if found is None:
        _end_here(low, key, form, attribute, given, many)
    pattern, kind = found
    types = types_of(pattern, low.builder.facts)
    result = map_structure(lambda t: Value(t) if t is not None else None, types)
    arrays = [v for v in leaves((first, args, options)) if isinstance(v.type, (Array, Foreign))]
    roots = {low.memory.root(v) for v in arrays}
    written = low.memory.written
    statement = ForeignCall(
        form, attribute, pattern, kind, refusal, pure, excused, shows,
        copies=lambda: not pure or not roots.isdisjoint(written),
    )  # fmt: skip
    low.builder.apply(statement, given, result)
    fresh = pure and not any(isinstance(v.type, Foreign) for v in leaves(result))
    if not fresh:
        low.memory.relate(leaves(result), arrays)
        for v in leaves(result):
            if isinstance(v.type, Array):
                low.memory.foreign[v] = name
    if not isinstance(result, Value):
        result = low.own(result) if isinstance(result, list) else result
    for v, outcome in zip(leaves(result), _outcomes(low, key, pattern), strict=False):
        low.values[v] = outcome
    return result


def tried(low: Lowering, function: Any, gate: Gate, args: tuple[Any, ...], error: HostError) -> Structure:
    """What a gate of the user's gives that takes no small arrays: found out with the call's own arguments."""
    if not gate.foreign or not low.learning.allowed or not low.frames or low.frames[-1].is_rule:
        raise error
    positional, keywords = gate.split(args)
    given = (function, tuple(positional), keywords)
    key = _key_of(low, "call", "", given)
    found = low.learning.patterns.get(key) or _find_out(low, key, "call", "", given, MANY)
    if found is None:
        _end_here(low, key, "call", "", given, MANY)
    return map_structure(Value, types_of(found[0], low.builder.facts))


def _end_here(low: Lowering, key: Any, form: str, attribute: str, given: Any, many: int) -> NoReturn:
    """What follows cannot be compiled before the call is known, which the program makes if it gets here."""
    low.unknown += 1
    number = low.learning.number_of(key)
    what = (low.learning.find_out, (number, form, attribute, many, *given))
    low.builder.statements.append(Raise(what, low.builder.line))
    raise Left


def _key_of(low: Lowering, form: str, attribute: str, given: Structure) -> Any:
    """What names a call in every attempt to compile the function: its place, and what kinds are passed."""
    place = None
    if low.here is not None and hasattr(low.here[0], "lineno"):
        node, frame = low.here
        place = frame.site(node)
    key = (place, form, attribute, tuple(flat(map_structure(_key, given))))
    if low.builder.depth:
        return key
    n = low.met[key] = low.met.get(key, -1) + 1  # where a loop is written out
    return (*key, n)


def _key(leaf: Any) -> Any:
    """The same for what may be passed for one another."""
    if isinstance(leaf, Value):
        return str(leaf.type)
    owner = getattr(leaf, "__self__", None)
    if owner is not None and not isinstance(
        owner, ModuleType
    ):  # a method, which is made each time it is read
        return id(owner), getattr(leaf, "__name__", "")
    return (type(leaf), leaf) if isinstance(leaf, (bool, int, float, str, bytes, type(None))) else id(leaf)


def _outcomes(low: Lowering, key: Any, pattern: Any) -> list[Any]:
    """What the call gave while compiling, leaf by leaf."""
    found = low.learning.outcomes.get(key, UNKNOWN)
    if found is UNKNOWN:
        return []
    out: list[Any] = []

    def walk(p: Any, x: Any) -> None:
        if isinstance(p, (tuple, list)):
            for inner, y in zip(p, x, strict=True):
                walk(inner, y)
        elif p is not None:
            out.append(x)

    walk(pattern, found)
    return out


def _find_out(low: Lowering, key: Any, form: str, attribute: str, given: Any, many: int) -> Any:
    """Make the call now, if the program is certain to get here and what is passed is at hand."""
    if low.builder.depth:
        return None
    first, args, options = map_structure(lambda leaf: value_of(low, leaf), given)
    if any(x is UNKNOWN for x in flat((first, args, options))):
        return None
    with host():
        outcome = act(form, attribute, *_own((first, args, options)))
    low.learning.outcomes[key] = outcome
    low.learning.note(key, outcome, many)
    return low.learning.patterns[key]


def _own(structure: Structure) -> Structure:
    """Copies of arrays, which a call may change."""
    return map_structure(lambda x: x.copy() if type(x) is np.ndarray else x, structure)


def _is_varied(low: Lowering, value: Value) -> bool:
    """Whether a value certainly depends on an argument that is differentiated. (The plan knows the rest.)"""
    ahead, seen = [value], set()
    while ahead:
        v = ahead.pop()
        if v in seen or v.type == TEXT:
            continue
        seen.add(v)
        if v in low.varied:
            return True
        made = low.builder.definitions.get(v)
        if made is not None and TABLE[made.function].carries_gradient:
            ahead.extend(made.inputs)
    return False


def _check_passable(low: Lowering, given: Structure, refusal: UnsupportedError) -> None:
    """Raises where an argument is nothing that exists at run time as the program has it."""

    def check(leaf: Any) -> Any:
        if isinstance(leaf, (NestedFunction, Partial, Gradient, Method, Poison)) or is_growing(leaf):
            raise refusal
        if isinstance(leaf, HostObject):
            overlay = low.host.overlays.get(id(leaf.obj))
            if overlay is not None and overlay[1].attributes:
                raise refusal
        return leaf

    def walk(s: Any) -> None:
        if isinstance(s, Instance):
            raise refusal
        if isinstance(s, (tuple, list)):
            for x in s:
                walk(x)
        elif isinstance(s, dict):
            for x in s.values():
                walk(x)
        else:
            check(s)

    walk(given)


def _at(low: Lowering, error: UnsupportedError) -> UnsupportedError:
    """The error at the line that is being interpreted, if it has no place of its own."""
    if error.place is None and low.here is not None and not low.here[1].is_rule:
        node, frame = low.here
        return UnsupportedError(error.reason, frame.source.place(node), error.way_out)
    return error


def _no_rule(name: str, given: Structure = ()) -> UnsupportedError:
    tables = [v.type for v in leaves(given) if isinstance(v.type, Foreign)]
    if any(hasattr(t.cls, "to_numpy") for t in tables):
        return UnsupportedError(
            f"no gate rule for {name}", way_out="Take the numbers as an array first: .to_numpy()."
        )
    short = name.rpartition(".")[2]
    how = f"@revcompile.gate({short})" if short.isidentifier() else "@revcompile.gate(...)"
    return UnsupportedError(
        f"no gate rule for {name}",
        way_out=f"Register a rule with {how}, or take the result as a constant: stop_gradient(...) of it.",
    )


def name_of(function: Any) -> str:
    """What a function is called in messages."""
    if isinstance(function, np.ufunc):
        return f"numpy.{function.__name__}"
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return f"{name_of(function.__self__)}.{function.__name__}"
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or repr(function)
    return f"{module}.{name}" if module and module not in ("builtins", "__main__") else str(name)


def _is_hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True
