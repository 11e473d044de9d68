"""Calls that are made as they are: of functions without a rule, and on objects of other libraries.

Such a call becomes a statement (`gates/foreign`). What it gives must be known to go on. Where the program is
certain to get there, and what is passed is at hand, the call is made while compiling; elsewhere, in a branch
or a loop, a statement takes its place that makes the call, notes what it gave, and lets the function be
compiled again (`codegen/first_run`). Imports the abstract values.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, host, is_own, module_of
from revcompile.frontend import state
from revcompile.frontend.at_hand import UNKNOWN, flat, is_constant, is_varied, outcomes, value_of
from revcompile.frontend.changing import PURE, is_pure, may_change, may_keep
from revcompile.frontend.containers import frozen
from revcompile.frontend.folding import folded_of
from revcompile.frontend.handed import Handed, is_handed
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import HostObject, is_library
from revcompile.frontend.naming import is_hashable, name_of, no_rule
from revcompile.frontend.passing import as_passed, check_passable
from revcompile.frontend.undone import is_final, undone
from revcompile.gates.draws import unseen
from revcompile.gates.foreign import MANY, TEXT, ForeignCall, types_of
from revcompile.gates.infer import infer
from revcompile.gates.record import Gate
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind, Memory
from revcompile.ir.nodes import (
    Instance,
    Raise,
    Structure,
    Value,
    is_static,
    leaves,
    map_structure,
)
from revcompile.ir.types import Array, Foreign, Scalar, Type
from revcompile.syntax.abstract import Frame, Left, NestedFunction, Partial
from revcompile.syntax.decisions import AsItIs, Fold, Grow, Restart
from revcompile.syntax.mutable import containers, word

# What a function of the user's may have in it that cannot be read.
UNREAD = (ast.Try, ast.Import, ast.ImportFrom, ast.ClassDef, ast.Yield, ast.YieldFrom, ast.Await)
SHOWING = frozenset(
    {"warnings", "_warnings", "logging", "time", "pdb", "tqdm", "traceback", "faulthandler", "pprint"}
)
STANDARD = (sys.stdlib_module_names | {"pandas"}) - {  # not read: Python's own, but for what is known here
    "abc", "builtins", "contextlib", "copy", "dataclasses", "enum", "functools", "itertools", "math",
    "operator", "types", "typing"}  # fmt: skip
SETTLED = ("heapq", "_heapq", "bisect", "_bisect")  # what they do follows from their arguments
COPIED = frozenset(
    {list, dict, set, frozenset, tuple, bytes, Random}
)  # what keeps no list that it is made of
SHOWN = ("builtins", "numpy", "datetime", "decimal", "fractions", "re")  # of their objects repr tells all
UNREADABLE = "collections.abc"  # Python keeps no text of it, from 3.11 on: no other reads it, either
SILENT = frozenset(
    {"warn", "warn_explicit", "debug", "info", "warning", "error", "critical", "exception", "log", "sleep",
     "breakpoint", "set_trace", "simplefilter", "filterwarnings", "set_description", "set_postfix",
     "set_description_str", "set_postfix_str", "close", "refresh", "pprint", "pp"}
)  # fmt: skip
OF_FRAME = frozenset({eval, exec, locals, globals, vars, dir, super, __import__, input})


def excuses(function: Any) -> bool:
    """Whether calls as they are, among the arguments of this one, may take what is differentiated."""
    return is_hashable(function) and function in TABLE and TABLE[function].kind is Kind.CONSTANT


@contextmanager
def excusing(low: Lowering) -> Iterator[None]:
    """Inside, calls as they are may take what is differentiated."""
    low.excused += 1
    try:
        yield
    finally:
        low.excused -= 1


def is_foreign(x: Structure) -> bool:
    """Whether something is an object of another library that is known at run time only."""
    if not isinstance(x, Value) or isinstance(x.type, (Scalar, Array)):
        return False
    return isinstance(x.type, Foreign) or x.type == TEXT


def has_foreign(*structures: Structure) -> bool:
    return any(map(is_foreign, leaves(structures)))


def is_sparse(x: Structure) -> bool:
    return isinstance(x, Value) and isinstance(x.type, Foreign) and bool(x.type.lengths)


def home_of(thing: Any) -> str:
    """The package in which a function or a class is defined."""
    return module_of(thing).partition(".")[0]


def call(
    low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> Structure:
    """`function(*args, **kwargs)`, as it is."""
    name = str(an(function.type)) if isinstance(function, Value) else name_of(function)
    if frame.is_rule:
        return in_rule(low, function, args, kwargs, no_rule(name))
    refusal = low.learning.refusals.get(function if is_hashable(function) else None)
    if is_hashable(function) and function in OF_FRAME and not (function is dir and args):
        raise no_rule(name)
    of_ufunc = isinstance(getattr(function, "__self__", None), np.ufunc)
    if kwargs.get("out") is not None and (of_ufunc or home_of(function) in PURE):
        raise UnsupportedError(
            f"out= of {name} is not supported", way_out=f"Assign it: a[...] = {name}(...)."
        )
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
    check_passable(low, given, refusal)
    gate = Gate(name_of(function), (run,), ("args", "options"), memory=Memory.SHARED, foreign=True)
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
    trying = bool(low.decisions.of_kind(Grow))  # which may be what it has failed by
    if trying or frame.is_rule or low.pairs.making:  # what fails as a pair is interpreted in place
        return error
    nested = isinstance(function, NestedFunction)
    if (error.final or nested) and not _has_unread(function.node if nested else low.source_of(function).node):
        return error  # it could be read, but for what it changes
    if not error.way_out:
        name = _short_name(function)
        error = UnsupportedError(
            error.reason,
            error.place,
            f"To take what {name} gives as a constant: stop_gradient({name}(...)). "
            f"Or register a rule: @revcompile.gate({name}).",
        )
    if not low.excused and any(is_varied(low, v) for v in leaves(given)):
        return error
    if not low.learning.allowed:
        return _at(low, _not_known(_short_name(function)))
    key = function.node if nested else function
    low.learning.refusals[key] = error
    return Restart(AsItIs(key))


def of_nested(
    low: Lowering, nested: NestedFunction, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Frame
) -> Structure:
    """A call of a function inside the function: read, or as it is where it cannot be."""
    if AsItIs(nested.node) in low.decisions:
        refusal = low.learning.refusals[nested.node]
        try:
            return make(low, "call", nested, args, kwargs, _short_name(nested), refusal=refusal)
        except UnsupportedError:
            raise refusal from None
    try:
        return low.inline_nested(nested, args, kwargs, frame.depth)
    except UnsupportedError as e:
        raise read_failed(low, frame, nested, (args, kwargs), e) from None


def _has_unread(node: ast.AST) -> bool:
    return any(isinstance(n, UNREAD) for n in ast.walk(node))


def _short_name(function: Any) -> str:
    if isinstance(function, NestedFunction):
        return getattr(function.node, "name", "the function")
    return name_of(function).rpartition(".")[2]


def is_called_as_it_is(low: Lowering, function: Any, given: tuple[tuple[Any, ...], dict[str, Any]]) -> bool:
    """Whether a function is not read: it could not be, or it is Python's own and gets constants."""
    if AsItIs(function) in low.decisions or module_of(function) == UNREADABLE:
        return True
    return is_pythons_own(low, function, *given)


def is_pythons_own(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a function is Python's own, and what it gives is a constant."""
    return home_of(function) in STANDARD and (bool(low.excused) or is_data(low, (args, kwargs)))


def is_data(low: Lowering, given: tuple[tuple[Any, ...], dict[str, Any]]) -> bool:
    """Whether the arguments of a call are certainly not differentiated."""
    if any(isinstance(x, Instance) for x in (*given[0], *given[1].values())):
        return False
    read = any(isinstance(x, (NestedFunction, Partial)) for x in flat(given))
    return not read and all(is_constant(low, v) for v in leaves(given))


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
    late: list[str] = []
    asked = first, args, options
    first, args, options = as_passed(low, asked, late)
    given = low.resolve(frozen((first, args, options)))
    check_passable(low, given, refusal)
    if not excused and any(is_varied(low, v) for v in leaves(given)):
        raise refusal
    changing = _changed_by(low, form, given)
    if not pure:
        _refuse_to_take_twice(low, name, changing)
    key = _key_of(low, form, attribute, given)
    found = low.learning.of(key) if known is UNKNOWN else (known, None)
    handed = None
    may_change = form in ("call", "method") and known is UNKNOWN
    if may_change and is_handed(asked[1:], pure, bool(changing), found, low.learning.changes.get(key)):
        handed = Handed(low, name, excused, refusal, late)
        form, attribute, given = handed.call(form, attribute, (first, *asked[1:]), key)
    settled = handed is not None and home_of(given[0]) in SETTLED and is_static((args, options))
    if settled or (found is not None and Fold(key) in low.decisions):
        folded = folded_of(low, key, form, attribute, given, not settled)
        if folded is not UNKNOWN:
            return folded if handed is None else handed.taken_back(key, folded)
    pattern, kind = found or _find_out(low, name, key, form, attribute, given, many, changing)
    inside = form in ("item", "attribute") and first in low.host.changed
    if inside and type(pattern) is list:  # it is not taken apart, as it may change
        pattern, kind = Foreign("list", list), "list"
    if handed is not None:
        given, changes = handed.told(key, given)
        if changes and any(is_varied(low, v) for v in leaves((args, options))):
            raise refusal
        excused = excused and not changes
    fresh, pure = pure, pure and not changing
    if not pure and changing:
        low.learning.changing += changing
        low.acted = True
    types = pattern if isinstance(known, Foreign) else types_of(pattern, low.builder.facts)
    _check_late(low, late, types, changing)
    result = map_structure(lambda t: Value(t) if isinstance(t, Type) else t, types)
    arrays = [v for v in leaves((first, args, options)) if isinstance(v.type, (Array, Foreign))]
    roots = {low.memory.root(v) for v in arrays}
    written = low.memory.written
    statement = ForeignCall(
        form, attribute, pattern, kind, refusal, pure, excused, shows,
        copies=lambda: not pure or not roots.isdisjoint(written), key=key,
        watched=partial(state.watched, low.host) if changing and not pure and not shows else dict,
    )  # fmt: skip
    low.builder.apply(statement, given, result)
    if inside and isinstance(result, Value):
        low.host.changed.add(result)
    new = list(leaves(result) if handed is None else handed.not_stored(key, result))
    _relate(low, name, new, arrays, asked[1:], fresh)
    _note_outcomes(low, result, outcomes(low, key, pattern))
    if handed is not None:
        return handed.taken_back(key, result)
    return low.own(result) if isinstance(result, list) else result


def _relate(
    low: Lowering, name: str, new: list[Value], arrays: list[Value], passed: Any, fresh: bool
) -> None:
    """Note what a call gives that may be what it was given, or may have kept that."""
    others = [v.type.cls for v in new if isinstance(v.type, Foreign)]
    if not fresh or others:
        low.memory.relate(new, arrays)
        low.memory.foreign.update((v, name) for v in new if isinstance(v.type, Array))
    if not fresh and any(cls not in COPIED for cls in others):
        for container in containers(passed):
            low.mutables.fix(
                container, f"{an(word(container))} changes that {name} was given, and may have kept"
            )


def _note_outcomes(low: Lowering, result: Structure, found: Iterable[Any]) -> None:
    """Note what a call has given when it was made to be known."""
    for v, outcome in zip(leaves(result), found, strict=False):
        low.values[v] = outcome
        if isinstance(outcome, np.ndarray) and not outcome.flags.writeable:
            low.memory.read_only.add(v)


def _refuse_to_take_twice(low: Lowering, name: str, changing: list[Any]) -> None:
    """Raises where a call that is made once more, to be known, takes from an iterator of the program."""
    if low.learning.allowed and is_final(changing):
        raise _at(
            low,
            UnsupportedError(
                f"{name} may go through an iterator of the program, and is called once more to find out what "
                "it gives",
                way_out="Take what the iterator gives before the call, and pass that as an argument.",
            ),
        )


def _check_late(low: Lowering, late: Sequence[str], types: Any, changing: Sequence[Any]) -> None:
    """Raises where a function may be kept and called later, when what it reads may be something else."""
    keeps = any(may_keep(t.cls) for t in flat(types) if isinstance(t, Foreign))
    plain = [x for x in changing if isinstance(x, FunctionType) and not x.__code__.co_freevars]
    if late and (keeps or not all(is_library(x) or is_own(x) for x in plain)):
        raise _at(
            low,
            UnsupportedError(
                f"{late[0]} may have changed when a function that reads it is called",
                way_out=f"Make it a default value of that function: {late[0]}={late[0]}.",
            ),
        )


def tried(low: Lowering, function: Any, gate: Gate, args: tuple[Any, ...], error: HostError) -> Structure:
    """What a gate of the user's gives that takes no small arrays: found out with the call's own arguments."""
    if not gate.foreign or not low.learning.allowed or not low.frames or low.frames[-1].is_rule:
        raise error
    positional, keywords = gate.split(args)
    given = (function, tuple(positional), keywords)
    key = _key_of(low, "call", "", given)
    changing = _changed_by(low, "call", given)
    found = low.learning.of(key) or _find_out(low, gate.name, key, "call", "", given, MANY, changing)
    return map_structure(Value, types_of(found[0], low.builder.facts))


def _end_here(
    low: Lowering, key: Any, form: str, attribute: str, given: Any, many: int, changing: list[Any]
) -> NoReturn:
    """What follows cannot be compiled before the call is known, which the program makes if it gets here."""
    low.unknown += 1
    low.learning.changing += changing
    what = (low.learning.find_out, (low.learning.number_of(key), form, attribute, many, *given))
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


def changes(form: str, first: Any) -> bool:
    """Whether a call may change what is read elsewhere; of an object of a library's class, only that."""
    if isinstance(first, HostObject):
        return True
    return form == "call" and not isinstance(first, Value) and may_change(first)


def _changed_by(low: Lowering, form: str, given: Any) -> list[Any]:
    """Where to look for what a call may change: what is called, functions and objects that it is passed."""
    passed = flat(given[1:]) + [x for x in given[:1] if isinstance(x, Value)]
    made = [low.builder.definitions.get(x) for x in passed if isinstance(x, Value)]
    passed += [x for m in made if m is not None and isinstance(m.function, ForeignCall) for x in flat(m.args)]
    found: list[Any] = [x for x in passed if isinstance(x, FunctionType) and may_change(x)]
    if changes(form, given[0]):
        found += [given[0], *(x for x in passed if isinstance(x, HostObject))]
    return found


def _key(leaf: Any) -> Any:
    """The same for what may be passed for one another, and in every attempt to compile."""
    if isinstance(leaf, Value):
        return str(leaf.type)
    if isinstance(leaf, HostObject):
        return id(leaf.obj)
    if isinstance(leaf, FunctionType):
        return leaf.__code__
    if isinstance(leaf, partial):
        return partial, _key(leaf.func), tuple(map(_key, flat((leaf.args, leaf.keywords))))
    if isinstance(leaf, np.ufunc):
        return np.ufunc, leaf.__name__
    if isinstance(leaf, (set, frozenset)):
        return type(leaf), tuple(sorted(map(repr, leaf)))
    owner = getattr(leaf, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):  # a method, made each time it is read
        return _key(owner), getattr(leaf, "__name__", "")
    if home_of(type(leaf)) in SHOWN and not callable(leaf) and not isinstance(leaf, (np.ndarray, ModuleType)):
        return type(leaf), repr(leaf)
    return id(leaf)


def _find_out(
    low: Lowering, name: str, key: Any, form: str, attribute: str, given: Any, many: int, changing: list[Any]
) -> Any:
    """What a call gives: found out now, or by a run that ends here."""
    if not low.learning.allowed:
        raise _at(low, _not_known(name))
    acted = low.acted  # then it depends on what the calls before it have done
    found = None if acted else _try(low, key, form, attribute, given, many, changing)
    if found is None:
        _end_here(low, key, form, attribute, given, many, changing)
    return found


def _try(
    low: Lowering, key: Any, form: str, attribute: str, given: Any, many: int, changing: list[Any]
) -> Any:
    """Make the call now, if the program is certain to get here and what is passed is at hand."""
    if low.builder.depth:
        return None
    first, args, options = map_structure(lambda leaf: value_of(low, leaf), given)
    if any(x is UNKNOWN for x in flat((first, args, options))):
        return None
    with unseen(options, args), undone(changing), host():  # what it draws, and does, it does again
        outcome = low.learning.tried(key, form, attribute, first, args, options)
    low.learning.outcomes[key] = outcome
    low.learning.note(key, outcome, many)
    return low.learning.of(key)


def _not_known(name: str) -> UnsupportedError:
    return UnsupportedError(f"{name} is called as it is: what it gives is known from the first call on")


def _at(low: Lowering, error: UnsupportedError) -> UnsupportedError:
    """The error at the line that is being interpreted, if it has no place of its own."""
    if error.place is None and low.here is not None and not low.here[1].is_rule:
        node, frame = low.here
        return error.at(frame.source.place(node))
    return error


def _no_rule(name: str, given: Structure = ()) -> UnsupportedError:
    tables = [v.type for v in leaves(given) if isinstance(v.type, Foreign)]
    if any(t.what == "object array" for t in tables):
        return UnsupportedError(
            f"no gate rule for {name}", way_out="Make it an array of numbers first: .astype(float)."
        )
    if any(hasattr(t.cls, "to_numpy") for t in tables):
        return UnsupportedError(
            f"no gate rule for {name}", way_out="Take the numbers as an array first: .to_numpy()."
        )
    return no_rule(name)
