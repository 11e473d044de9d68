"""The forms of a call: what NumPy's keywords mean where they mean the same of many functions.

`dtype=` of a ufunc casts its operands, `where=` chooses between what it gives and what is in `out=` already;
what says how the result lies in memory, or repeats a default, is left out. Imports `writing`.
"""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError
from revcompile.frontend import writing
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.naming import name_of, plain
from revcompile.gates.axes import UnknownLength, dtype_kind, must_agree
from revcompile.gates.infer import ask_host
from revcompile.gates.options import LAYOUT, MUST_BE_KNOWN, signature_of
from revcompile.gates.record import Gate, NoSuchForm
from revcompile.gates.table import TABLE, owner_of
from revcompile.gates.traits import Memory
from revcompile.ir.lengths import LengthError
from revcompile.ir.nodes import Structure, Value
from revcompile.ir.types import Array, Scalar
from revcompile.statements import overlap
from revcompile.syntax.decisions import OneByOne

AMONG = frozenset({"out", "copy"})  # which stand among those that a gate has
OF_UFUNCS = frozenset({"out", "where", "dtype", "signature", *LAYOUT})
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def fitted(function: Any, gate: Gate, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """The arguments without what changes nothing; by name what only NumPy takes at a place."""
    if isinstance(function, np.ufunc):  # see `of_ufunc`
        return args, kwargs
    own, places = gate.signature.parameters.values(), gate.places
    if any(p.kind is p.VAR_KEYWORD for p in own):  # what a function is called with that is passed
        return args, kwargs
    if len(args) <= places and kwargs.keys() <= gate.signature.parameters.keys():
        return args, kwargs
    theirs = _parameters(function)
    if len(args) > places and not any(p.name in AMONG for p in theirs[:places]):
        named = {p.name: a for p, a in zip(theirs[places:], args[places:], strict=False)}
        if len(named) != len(args) - places or named.keys() & kwargs.keys():
            return args, kwargs
        args, kwargs = args[:places], {**named, **kwargs}
    default = {p.name: p.default for p in theirs}
    unlisted = any(p.kind is p.VAR_POSITIONAL for p in theirs)
    left_out = {
        name
        for name in kwargs.keys() - gate.signature.parameters.keys()
        if (name in default or unlisted)
        and _changes_nothing(name, kwargs[name], default)
        and not _lays_out(gate, name, kwargs)
    }
    return args, {name: a for name, a in kwargs.items() if name not in left_out}


def _lays_out(gate: Gate, name: str, kwargs: dict[str, Any]) -> bool:
    """Whether a call asks for an order where another is taken for granted, or the array itself is given."""
    asked = kwargs[name] if type(kwargs[name]) is str else ""
    may_be_itself = gate.memory is Memory.ITSELF or "copy" in kwargs
    return (asked == "F" and bool(gate.in_order)) or (name == "order" and asked in "CF" and may_be_itself)


def in_known_order(low: Lowering, gate: Gate, bound: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of `x.ravel("K")`, with the order in which `x` lies, if that is known."""
    names = [*gate.signature.parameters]
    if "order" not in names or not isinstance(bound[0], Value) or gate.memory is Memory.COPY:
        return bound
    place = names.index("order")
    if bound[place] not in ("K", "A"):
        return bound
    order = low.memory.order_followed(bound[0])
    if bound[place] == "A" and order == "-":  # which asks for no other order than F
        order = "C"
    return (*bound[:place], order, *bound[place + 1 :]) if order in ("C", "F") else bound


def _parameters(function: Any) -> list[inspect.Parameter]:
    """NumPy's own; none where it does not say."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return list(signature_of(function).parameters.values())


def _changes_nothing(name: str, value: Structure, default: dict[str, Any]) -> bool:
    if name in LAYOUT:
        return True
    if isinstance(value, Value):
        return False
    return value is default.get(name, inspect.Parameter.empty) or value is USUAL.get(name, NotImplemented)


USUAL = {"where": True, "initial": None, "dtype": None, "signature": None, "out": None}


def says_more(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a call of a ufunc says more than its operands and axes."""
    return len(args) > function.nin or not kwargs.keys().isdisjoint(OF_UFUNCS)


def of_ufunc(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """A call of a ufunc that says more than its operands."""
    if all(a is None for a in args[function.nin :]):
        args = args[: function.nin]
    out, args, kwargs = writing.split_out(function, args, kwargs)
    if kwargs.keys() & OF_UFUNCS:
        _check(function, args, kwargs)
    where = kwargs.get("where", True)
    out = None if isinstance(out, tuple) and all(x is None for x in out) else out
    if where is not True and out is None:
        raise UnsupportedError(
            f"where= of {name_of(function)} without out= leaves the other elements as they are in memory",
            way_out="Give the array that has them: out=.",
        )
    args = _cast(low, function, args, kwargs)
    given = args if where is True else _harmless(low, function, args, where)
    value = low.apply(function, given, {k: v for k, v in kwargs.items() if k not in OF_UFUNCS})
    if out is None:
        return value
    if function.nout > 1:
        return _into_each(low, function, out, args, value, where)
    return writing.into(low, function, out, args, _chosen(low, where, value, out))


def _chosen(low: Lowering, where: Structure, value: Structure, out: Structure) -> Structure:
    return value if where is True else low.apply(np.where, (where, value, out), {})


def _into_each(
    low: Lowering, function: Any, outs: Any, args: tuple[Any, ...], values: Any, where: Structure
) -> Structure:
    """What a ufunc of several results gives, each in the array that is given for it."""
    outs = (*outs, *[None] * (function.nout - len(outs)))
    if where is not True and None in outs:
        raise UnsupportedError(f"where= of {name_of(function)} needs an array for each result: out=")
    values = [v if out is None else _chosen(low, where, v, out) for v, out in zip(values, outs, strict=True)]
    if None not in outs and overlap.may_overlap(low, *outs):
        overlap.refuse()
    return tuple(
        v if out is None else writing.into(low, function, out, args, v)
        for v, out in zip(values, outs, strict=True)
    )


def _check(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise what NumPy raises for these keywords; lengths are looked at later."""
    if function.nout > 1:  # of their examples, which cannot be written, NumPy takes no casting="unsafe"
        kwargs = {k: v for k, v in kwargs.items() if k != "casting"}
    try:
        ask_host(function, args, kwargs)
    except HostError as e:
        if not isinstance(e.original, (ValueError, IndexError)):
            raise


def _cast(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The operands in the dtype in which the ufunc is to compute."""
    dtype, signature = kwargs.get("dtype"), kwargs.get("signature")
    if signature is not None:
        letters = set(str(signature).replace("->", ""))
        dtype = np.dtype(letters.pop()) if isinstance(signature, str) and len(letters) == 1 else signature
    if dtype is None:
        return args
    letter = np.dtype(low.static(dtype, "as a dtype")).char if not isinstance(dtype, tuple) else ""
    if letter == "?" and f"{'d' * function.nin}->?" in function.types:
        return args  # a test gives truth values anyhow
    taken = [t.split("->")[0] for t in function.types if set(t.split("->")[1]) == {letter}]
    if not taken:
        raise UnsupportedError(f"dtype= of {name_of(function)}, which gives another, is not supported")
    chosen = letter * function.nin if letter * function.nin in taken else taken[-1]
    return tuple(_as_dtype(low, a, np.dtype(c)) for a, c in zip(args, chosen, strict=True))


def _as_dtype(low: Lowering, a: Structure, dtype: np.dtype[Any]) -> Structure:
    a = low.apply(np.array, (a,), {}) if isinstance(a, (list, tuple)) else a
    if not isinstance(a, Value):
        return dtype.type(a)
    if isinstance(a.type, Array):
        return a if a.type.dtype == dtype else low.apply(np.ndarray.astype, (a, dtype.type), {})
    assert isinstance(a.type, Scalar)
    return low.apply(dtype.type, (a,), {})


def _harmless(low: Lowering, function: Any, args: tuple[Any, ...], where: Structure) -> tuple[Any, ...]:
    """The operands, with others where the ufunc is not to compute: there it would warn, and be infinite."""
    numbers = TABLE[function].numbers
    return tuple(
        low.apply(np.where, (where, a, numbers.harmless if dtype_kind(a) == "f" else True), {})
        if isinstance(a, Value) and i in numbers.risky
        else a
        for i, a in enumerate(args)
    )


def meaning(low: Lowering, gate: Gate, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call is of other functions, as code; None where it is an operation of its own."""
    if gate.parts is not None and OneByOne() in low.decisions:
        return gate.parts
    return None if gate.means is None else gate.means(args, kwargs)


def note_parts(low: Lowering, gate: Gate, bound: tuple[Any, ...], parts: list[Value]) -> None:
    """Let the parts be as long, and as writable, as they are known to be where they are given at once."""
    facts = low.builder.facts
    if gate.memory is Memory.SPREAD:
        low.memory.read_only.difference_update(parts)
        low.memory.may_be_read_only.update(dict.fromkeys(parts))
    with suppress(NotImplementedError):
        for part, dims in zip(parts, gate.dims(facts, *bound), strict=True):  # type: ignore[misc]
            for have, want in zip(part.type.dims, dims, strict=True):
                facts.unify(have, want)


def bind(gate: Gate, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    try:
        return gate.bind(args, kwargs)
    except NoSuchForm as e:
        raise unfit(function, gate.signature, e) from None


def read(
    low: Lowering, meaning: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Structure:
    """What a call of `function` is of other functions: `meaning`, read here."""
    signature = signature_of(meaning)
    if isinstance(kwargs.get("out"), tuple) and "out" in signature.parameters:
        raise UnsupportedError(f"out= of {name_of(function)} must be an array here")
    out, args, kwargs = writing.split_out(function, args, kwargs)
    ufunc = owner_of(function)
    args = args if ufunc is None else (ufunc, *args)
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError as e:
        raise unfit(function, signature, e) from None
    if bound.get("out") is not None:  # by position
        out = bound["out"]
        args, kwargs = (), {name: a for name, a in bound.items() if name != "out"}

    def known(name: str, value: Structure) -> Structure:
        if name not in MUST_BE_KNOWN or dtype_kind(value) == "f":  # no place along an axis, and no count
            return value
        return low.static(value, f"as {name}= of {name_of(function)}")

    positional = tuple(known(name, a) for name, a in zip(signature.parameters, args, strict=False))
    args = (*positional, *args[len(positional) :])
    kwargs = {name: known(name, a) for name, a in kwargs.items()}
    found = low.read(meaning, args, kwargs, low.frames[-1])
    if out is None:
        return found
    if isinstance(found, Value) and isinstance(out, Value):
        _check_as_long(low, function, found, out)
    return writing.into(low, function, out, args, found)


def _check_as_long(low: Lowering, function: Any, found: Value, out: Value) -> None:
    """NumPy does something of its own with an `out=` of another shape; where it is Python's, it fills it."""
    facts, axes = low.builder.facts, (found.type.dims, out.type.dims)
    if not axes[0] and "out" in TABLE[function].signature.parameters:
        return
    try:
        if len(axes[0]) == len(axes[1]):
            for a, b in zip(*axes, strict=True):
                must_agree(facts, a, b)
            return
    except (LengthError, UnknownLength):
        pass
    raise UnsupportedError(f"out= of {name_of(function)} must be as long as what it gives")


def unfit(function: Any, signature: inspect.Signature, e: TypeError) -> UnsupportedError:
    """The refusal of a call that NumPy takes, and what is known of its function does not."""
    name = name_of(function)
    return UnsupportedError(
        f"this form of {name} is not supported: {e}", way_out=f"Supported: {name}{plain(signature)}."
    )
