"""A call of a gate: its operands bound to the gate's parameters, its options known, and emitted."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.frontend import (
    foreign,
    forms,
    growing,
    objects,
    writing,
)
from revcompile.frontend.containers import frozen
from revcompile.frontend.expressions import is_array
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.naming import name_of
from revcompile.gates.infer import ask_host
from revcompile.gates.options import SEVERAL
from revcompile.gates.record import Gate, is_pythons
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import (
    Apply,
    Structure,
    Value,
    are_numbers,
    leaves,
    map_structure,
)
from revcompile.ir.types import Array, Foreign, Opaque, Scalar
from revcompile.syntax.abstract import (
    FUNCTIONS,
)


def apply_gate(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """Bind a call to its gate's signature and emit it."""
    gate = TABLE[function]
    if are_numbers(args) and not kwargs and len(args) <= gate.places:
        # as nearly always; the rest is for structures, for what is written into
        is_plain = forms.meaning(low, gate, args, kwargs) is None
        if is_plain and not gate.foreign and gate.forward is None:
            return low.emit(function, *_known_options(low, gate, forms.bind(gate, function, args, kwargs)))
    args, kwargs = forms.fitted(function, gate, args, kwargs)
    if isinstance(function, np.ufunc) and forms.says_more(function, args, kwargs):
        return forms.of_ufunc(low, function, args, kwargs)
    means = forms.meaning(low, gate, args, kwargs)
    if means is not None and (gate.composed or kwargs.get("out") is None):
        found = forms.read(low, means, function, args, kwargs)
        if means is gate.parts:
            forms.note_parts(low, gate, forms.bind(gate, function, args, kwargs), found)
        return found
    joined = growing.joined(low, function, args, kwargs)
    if joined is not NotImplemented:
        return joined
    args = tuple(list(a) if isinstance(a, deque) else growing.as_arrays(low, a) for a in args)
    out, args, kwargs = writing.split_out(function, args, kwargs)
    if out is not None:
        return writing.into(low, function, out, args, apply_gate(low, function, args, kwargs))
    bound = _known_options(low, gate, forms.bind(gate, function, args, kwargs))
    bound = forms.in_known_order(low, gate, bound)
    if is_pythons(function) and _has_lists_alone(gate, bound):  # which a gate would take for arrays
        ask_host(function, args, kwargs)
    bound = _with_arrays(low, gate, bound)
    _refuse_other_than_numbers(function, bound)
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


def _has_lists_alone(gate: Gate, bound: tuple[Any, ...]) -> bool:
    """Whether there is a list, and no array, among the operands that are taken as arrays."""
    taken = [a for a, takes_array in zip(bound, gate.takes_arrays, strict=True) if takes_array]
    return any(isinstance(a, (list, tuple)) for a in taken) and not any(map(is_array, taken))


def _with_arrays(low: Lowering, gate: Gate, bound: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands, lists as arrays where the gate takes arrays."""
    bound = tuple(
        _array_of(low, a) if takes_array else tuple(_array_of(low, x) for x in a) if takes_each else a
        for a, takes_array, takes_each in zip(bound, gate.takes_arrays, gate.takes_each, strict=True)
    )
    if gate.joins and isinstance(bound[0], (list, tuple)):
        return ([_array_of(low, x) if tuple(leaves(x)) else x for x in bound[0]], *bound[1:])
    return bound


def _refuse_other_than_numbers(function: Any, bound: tuple[Any, ...]) -> None:
    """Raises where a gate is applied to an object, to a function, or to a value that is no number."""
    for argument in bound:
        if objects.is_object(argument):
            objects.refuse((argument,), f"{name_of(function)} ")
        if isinstance(argument, FUNCTIONS):
            ask_host(function, [_some_function if isinstance(a, FUNCTIONS) else a for a in bound])
            raise UnsupportedError(f"{name_of(function)} is applied to a function")
    for value in leaves(bound):
        if not isinstance(value.type, (Array, Scalar)) and TABLE[function].types is None:
            has_numbers = isinstance(value.type, Foreign) and hasattr(value.type.cls, "to_numpy")
            raise UnsupportedError(
                f"{name_of(function)} is applied to {an(value.type)}",
                way_out="Take the numbers as an array first: .to_numpy()." if has_numbers else "",
            )


def _some_function() -> None:
    """Stands for a function of the program in a call that Python is asked about."""


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
    if not (gate.known_options or gate.steering_options or gate.counting_options):
        return bound
    known = list(bound)
    for i, option in gate.steering_options:
        if option in SEVERAL and isinstance(known[i], Value) and len(known[i].type.dims) == 1:
            known[i] = tuple(low.items(known[i]))
    for i, option in gate.known_options:
        known[i] = low.static(known[i], f"as {option}= of {gate.name}")
    for i, option in gate.counting_options:
        if isinstance(known[i], Value) and not known[i].type.dims:
            known[i] = low.static(known[i], f"as {option}= of {gate.name}")
    for i, _ in gate.steering_options:
        low.steer(known[i])
    return tuple(known)
