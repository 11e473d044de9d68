"""What a call's arguments are to the compiler: their signature, and their structure.

The signature decides which specialisation runs; two calls with the same signature run the same code.
Imports the IR and the abstract values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from numbers import Number
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError, an
from revcompile.frontend.names import (
    DEEPEST,
    HostNames,
    Path,
    is_foreign,
    is_host_object,
    known_lengths,
)
from revcompile.frontend.naming import VALUES
from revcompile.gates.draws import generator_type
from revcompile.gates.foreign import foreign_type, types_of
from revcompile.ir.identifiers import is_name, key_literal, key_text, literal, step_name
from revcompile.ir.nodes import Instance, Parameter, Structure, Value, is_record
from revcompile.ir.rebuild import replace
from revcompile.syntax.abstract import Poison, type_of
from revcompile.syntax.mutable import containers

Place = tuple[Any, ...]  # a parameter's name, then indices, keys and `Attribute`s
Around = tuple[int, ...] | None
_STATIC = (bool, np.bool_, str, bytes, type(None), type(Ellipsis), type, np.dtype, Enum)
_CALLABLE = (FunctionType, BuiltinFunctionType, np.ufunc, ModuleType)
_ARRAYS = (np.ndarray, np.memmap)


class Attribute(str):
    """The name of an attribute, as a step of a place; `text` is how the step is written."""

    text: str

    def __new__(cls, name: str, kind: type) -> Attribute:
        if not isinstance(name, str):
            raise UnsupportedError(f"{an(kind.__name__)} has the attribute {name!r}, whose name is no string")
        name = str.__str__(name)
        self = super().__new__(cls, name)
        raw = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
        if isinstance(raw, MemberDescriptorType):
            self.text = f".{name}" if is_name(name) else f".__getattribute__({literal(name)})"
        else:
            hidden = hasattr(raw, "__set__")
            self.text = f".{name}" if is_name(name) and not hidden else f".__dict__[{literal(name)}]"
        return self


def _is_slot(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), MemberDescriptorType)


def attributes_of(obj: Any) -> dict[Attribute, Any]:
    """The attributes that an object has itself, in the order of their assignment; then those in slots."""
    kind = type(obj)
    out = {Attribute(name, kind): value for name, value in getattr(obj, "__dict__", {}).items()}
    for base in reversed(kind.__mro__):
        for name in vars(base):
            if _is_slot(base, name) and name not in out and hasattr(obj, name):
                out[Attribute(name, kind)] = getattr(obj, name)
    return out


def key_of(obj: Any, place: Place, static: frozenset[Place], around: Around = None) -> Any:
    """The part of a signature that one argument makes. Raises UnsupportedError for what has no type.

    `around` are the objects that an object is part of. None: what they are made of does not matter, since
    they are not differentiated.
    """
    if len(place) > DEEPEST:
        raise UnsupportedError(
            f"argument {place[0]} contains itself, or is nested more than {DEEPEST} deep",
            way_out="Pass what it is made of in a list.",
        )
    kind = type(obj)
    if kind is float:
        return (float, obj) if place in static else float
    if kind is int:
        return (int, obj) if place in static else int
    if kind in _ARRAYS:
        if obj.dtype.kind not in "fiub":
            raise UnsupportedError(
                f"argument {spell_place(place)} is an array of dtype {obj.dtype}: only real numbers will do"
            )
        if not obj.dtype.isnative:
            raise UnsupportedError(
                f"argument {spell_place(place)} is an array in foreign byte order ({obj.dtype.str})",
                way_out=f"Pass {spell_place(place)}.astype({obj.dtype.name!r}).",
            )
        ones = tuple(n == 1 for n in obj.shape)
        return (np.ndarray, obj.dtype, ones, obj.shape) if place in static else (np.ndarray, obj.dtype, ones)
    if isinstance(obj, np.ndarray):
        raise UnsupportedError(
            f"argument {spell_place(place)} is {an(kind.__name__)}, an array with a meaning of its own",
            way_out=f"Pass {spell_place(place)}{VALUES.get(kind.__name__, '.view(np.ndarray)')}.",
        )
    if isinstance(obj, np.generic) and obj.dtype.kind in "fiu":
        return (int, int(obj)) if place in static and obj.dtype.kind != "f" else kind
    if is_record(obj):
        raise UnsupportedError(
            f"argument {spell_place(place)} is {an(kind.__name__)}, which is more than a tuple of its items",
            way_out=f"Pass what is needed of it, or tuple({spell_place(place)}).",
        )
    if isinstance(obj, (tuple, list)) and (kind in (tuple, list) or hasattr(obj, "_fields")):
        return (kind, *(key_of(item, (*place, i), static, around) for i, item in enumerate(obj)))
    if kind is dict:
        _check_keys(obj, place)
        return (dict, *((k, key_of(v, (*place, k), static, around)) for k, v in obj.items()))
    if isinstance(obj, (*_STATIC, *_CALLABLE)):
        return (kind, obj)
    if kind is slice:
        return (slice, obj.start, obj.stop, obj.step)
    if generator_type(obj) is not None:
        return (object, kind)
    if is_host_object(obj):
        return (object, kind) if around is None else _object_key(obj, place, static, (*around, id(obj)))
    if isinstance(obj, (complex, np.complexfloating)):
        raise UnsupportedError(f"argument {spell_place(place)} is complex; only real numbers are supported")
    if around is None and is_foreign(obj):
        dtype = foreign_type(obj).dtype
        return (object, kind) if dtype is None else (object, kind, dtype)
    raise UnsupportedError(
        f"argument {spell_place(place)} is {an(kind.__name__)}, which is not supported",
        way_out=_as_numbers(obj, place),
    )


def _as_numbers(obj: Any, place: Place) -> str:
    """How to pass what holds numbers in its own way."""
    text, kind = spell_place(place), type(obj)
    if isinstance(obj, dict):
        return f"Pass dict({text})."
    if isinstance(obj, (set, frozenset, deque)):
        return f"Pass list({text})."
    others = "or choose the other arguments with argnums=."
    if kind.__name__ in VALUES or hasattr(kind, "to_numpy"):
        return f"Pass {text}{VALUES.get(kind.__name__, '.to_numpy()')}, {others}"
    if is_foreign(obj):
        return f"Pass numbers, {others}"
    return "Pass numbers, arrays, and tuples, lists, dicts or named tuples of them."


def _check_keys(obj: dict[Any, Any], place: Place) -> None:
    """A key is written where an item is read."""
    for key in obj:
        if key_literal(key) is None:
            raise UnsupportedError(
                f"argument {spell_place(place)} is a dict with a key of the class {type(key).__name__}",
                way_out="Use strings, numbers, or tuples of them as keys.",
            )


def _object_key(obj: Any, place: Place, static: frozenset[Place], around: Around) -> Any:
    """The class and the attributes. Of an attribute that holds no numbers, the class alone."""
    parts = [
        (
            name,
            key_of(value, (*place, name), static, around)
            if is_tree(value, around)
            else (object, type(value)),
        )
        for name, value in attributes_of(obj).items()
    ]
    return (Instance, type(obj), *parts)


def is_tree(value: Any, around: Around) -> bool:
    """Whether an attribute is taken apart into numbers: not if it is a set, a file, or what holds it."""
    kind = type(value)
    if around is not None and (id(value) in around or len(around) > DEEPEST):
        return False
    if kind in (tuple, list) or hasattr(kind, "_fields"):
        return all(is_tree(item, (*(around or ()), id(value))) for item in value)
    if kind is dict:
        return all(is_tree(item, (*(around or ()), id(value))) for item in value.values())
    if isinstance(value, np.ndarray):
        return kind in _ARRAYS and value.dtype.kind in "fiub" and value.dtype.isnative
    if isinstance(value, np.generic):
        return value.dtype.kind in "fiub"
    return kind in (int, float, slice) or isinstance(value, (*_STATIC, *_CALLABLE)) or is_host_object(value)


def structure_of(
    obj: Any, place: Place, static: frozenset[Place], host: HostNames, around: Around = None
) -> Structure:
    """The structure of an argument: its numbers as fresh run-time values, the rest as it is."""
    facts = host.facts
    if place in static and isinstance(obj, (int, float, np.integer)):
        return int(obj) if isinstance(obj, np.integer) else obj
    if isinstance(obj, (tuple, list)):
        items = [structure_of(item, (*place, i), static, host, around) for i, item in enumerate(obj)]
        for field, item in zip(getattr(obj, "_fields", ()), items, strict=False):
            if isinstance(item, Value):
                host.table.name(item, field)
        return type(obj)(*items) if hasattr(obj, "_fields") else type(obj)(items)
    if type(obj) is dict:
        return {k: structure_of(v, (*place, k), static, host, around) for k, v in obj.items()}
    found = type_of(obj, facts)
    if found is not None:
        found = known_lengths(found, obj) if place in static else found
        return host.table.new(found, _hint(place, obj))
    path = path_of(place, host)
    if is_host_object(obj):
        if around is None:
            return host.host_object(path, obj)
        return _instance(obj, place, static, host, (*around, id(obj)))
    if around is None and is_foreign(obj):
        return host.table.new(types_of(foreign_type(obj), facts), _hint(place, obj))
    if isinstance(obj, (type, *_CALLABLE)):
        host.reach(path, obj)
    return obj


def _instance(obj: Any, place: Place, static: frozenset[Place], host: HostNames, around: Around) -> Instance:
    out: dict[str, Structure] = {}
    for name, value in attributes_of(obj).items():
        here = (*place, name)
        if is_tree(value, around):
            out[name] = structure_of(value, here, static, host, around)
        elif is_host_object(value) or isinstance(value, (list, tuple, dict, np.ndarray, Number)):
            out[name] = Poison(f"is {spell_place(here)}, which contains itself or what is not supported")
        else:
            out[name] = host.bring(path_of(here, host), value, name)
    host.rely_on(type(obj))
    return Instance(type(obj), out)


def path_of(place: Place, host: HostNames) -> Path:
    """The path by which generated code reaches what stands at a place."""
    return replace(host.parameter(place[0]), text=spell_place(place))


def adopt(structure: Structure, obj: Any, place: Place, low: Any) -> Structure:
    """A copy of an argument's structure, which the program may change: the argument itself stays as it is."""
    items: Any
    if isinstance(structure, (tuple, list)):
        items = [adopt(s, o, (*place, i), low) for i, (s, o) in enumerate(zip(structure, obj, strict=True))]
        out: Any = type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    elif isinstance(structure, dict):
        out = {k: adopt(s, obj[k], (*place, k), low) for k, s in structure.items()}
    elif isinstance(structure, Instance):
        was = attributes_of(obj)
        items = {n: adopt(structure.attributes[n], o, (*place, n), low) for n, o in was.items()}
        out = Instance(structure.cls, items)
    else:
        if isinstance(structure, Value) and isinstance(obj, np.ndarray):
            low.host.origins[structure] = (path_of(place, low.host), obj)
            flags = obj.flags
            order, test = (
                ("C", "c_contiguous")
                if flags.c_contiguous
                else ("F", "f_contiguous")
                if flags.f_contiguous
                else ("-", "forc")
            )
            low.memory.lies(structure, order, f"{'not ' * (order == '-')}{spell_place(place)}.flags.{test}")
        return structure
    if not isinstance(out, tuple):
        low.mutables.own(out)
    low.host.copies[id(out)] = (out, path_of(place, low.host), obj)
    return out


def lend(structure: Structure, obj: Any, place: Place, low: Any) -> Structure:
    """The structure of a default value, which belongs to the program."""
    low.host.defaults.add(place[0])
    for where, value in places_of(structure, place):
        low.host.arrays[value] = spell_place(where)
    for container in containers(structure):
        low.host.lent[id(container)] = (container, path_of(place, low.host), obj)
    return structure


def found_at(obj: Any, steps: Sequence[Any]) -> Any:
    """What stands at a place in an argument."""
    for step in steps:
        obj = getattr(obj, step) if isinstance(step, Attribute) else obj[step]
    return obj


def places_of(structure: Structure, place: Place) -> Iterator[tuple[Place, Value]]:
    """The run-time values of a structure with their places."""
    if isinstance(structure, Value):
        yield place, structure
    elif isinstance(structure, (tuple, list)):
        for i, item in enumerate(structure):
            yield from places_of(item, (*place, i))
    elif isinstance(structure, dict):
        for k, item in structure.items():
            yield from places_of(item, (*place, k))
    elif isinstance(structure, Instance):
        for k, item in structure.attributes.items():
            yield from places_of(item, (*place, k))


def origins_of(parameters: Iterable[Parameter], low: Any) -> Iterator[tuple[Any, Value]]:
    """The run-time values that a program begins with: the places of arguments, the paths of globals."""
    yield from ((place, v) for p in parameters for place, v in places_of(p.structure, (p.name,)))
    yield from ((path, item.value) for path, item in low.host.live.items())


def _hint(place: Place, _: Any) -> str:
    """A variable's name for what stands at `place`: a key that is a name, else `params_0`."""
    name = str(place[0])
    for step in place[1:]:
        name = step_name(name, step)
    return name


def spell_place(place: Place) -> str:
    return str(place[0]) + "".join(map(spell_step, place[1:]))


def spell_step(step: Any) -> str:
    return step.text if isinstance(step, Attribute) else f"[{key_text(step)}]"


def describe(key: Any) -> str:
    """A signature in words, for `specializations`."""
    if isinstance(key, type):
        return key.__name__ if key in (float, int) else f"np.{key.__name__}"
    kind, *rest = key
    if kind is np.ndarray:
        lengths = rest[2] if len(rest) > 2 else ["1" if one else ":" for one in rest[1]]
        return f"{rest[0].name}[{', '.join(map(str, lengths))}]"
    if kind is dict:
        return "{" + ", ".join(f"{key_text(k)}: {describe(v)}" for k, v in rest) + "}"
    if kind is list:
        return f"[{', '.join(map(describe, rest))}]"
    if kind is tuple:
        return f"({', '.join(map(describe, rest))}{',' if len(rest) == 1 else ''})"
    if hasattr(kind, "_fields"):
        return f"{kind.__name__}({', '.join(map(describe, rest))})"
    if kind is object:
        return str(rest[0].__name__)
    if kind is Instance:
        return f"{rest[0].__name__}({', '.join(f'{n}={describe(k)}' for n, k in rest[1:])})"
    if kind is slice:
        return f"slice{tuple(rest)}"
    return repr(rest[0]) if not callable(rest[0]) else getattr(rest[0], "__name__", repr(rest[0]))
