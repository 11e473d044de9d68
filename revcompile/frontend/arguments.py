"""What a call's arguments are to the compiler: their signature, and their structure.

The signature decides which specialisation runs; two calls with the same signature run the same code.
Imports the IR and the abstract values.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.frontend.names import HostNames, HostObject, Path, is_host_object
from revcompile.ir.nodes import Structure, Value
from revcompile.syntax.abstract import type_of

Place = tuple[Any, ...]  # a parameter's name, then indices, keys and fields
_STATIC = (bool, np.bool_, str, bytes, type(None), type(Ellipsis), type, np.dtype)
_CALLABLE = (FunctionType, BuiltinFunctionType, np.ufunc, ModuleType)
_ARRAYS = (np.ndarray, np.memmap)


def key_of(obj: Any, place: Place, static: frozenset[Place]) -> Any:
    """The part of a signature that one argument makes. Raises UnsupportedError for what has no type."""
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
        return (np.ndarray, obj.dtype, tuple(n == 1 for n in obj.shape))
    if isinstance(obj, np.ndarray):
        raise UnsupportedError(
            f"argument {spell_place(place)} is a {kind.__name__}, an array with a meaning of its own",
            way_out="Pass np.asarray(...) of it.",
        )
    if isinstance(obj, np.generic) and obj.dtype.kind in "fiu":
        return (int, int(obj)) if place in static and obj.dtype.kind != "f" else kind
    if isinstance(obj, (tuple, list)) and (kind in (tuple, list) or hasattr(obj, "_fields")):
        return (kind, *(key_of(item, (*place, i), static) for i, item in enumerate(obj)))
    if kind is dict:
        return (dict, *((k, key_of(v, (*place, k), static)) for k, v in obj.items()))
    if isinstance(obj, (*_STATIC, *_CALLABLE)):
        return (kind, obj)
    if kind is slice:
        return (slice, obj.start, obj.stop, obj.step)
    if is_host_object(obj):
        return (object, kind)
    if isinstance(obj, (complex, np.complexfloating)):
        raise UnsupportedError(f"argument {spell_place(place)} is complex; only real numbers are supported")
    raise UnsupportedError(
        f"argument {spell_place(place)} is a {kind.__name__}, which is not supported",
        way_out="Pass numbers, arrays, and tuples, lists, dicts or named tuples of them.",
    )


def structure_of(obj: Any, place: Place, static: frozenset[Place], host: HostNames) -> Structure:
    """The structure of an argument: its numbers as fresh run-time values, the rest as it is."""
    facts = host.facts
    if place in static and isinstance(obj, (int, float, np.integer)):
        return int(obj) if isinstance(obj, np.integer) else obj
    if isinstance(obj, (tuple, list)):
        items = [structure_of(item, (*place, i), static, host) for i, item in enumerate(obj)]
        for field, item in zip(getattr(obj, "_fields", ()), items, strict=False):
            if isinstance(item, Value):
                item.hint = field
        return type(obj)(*items) if hasattr(obj, "_fields") else type(obj)(items)
    if type(obj) is dict:
        return {k: structure_of(v, (*place, k), static, host) for k, v in obj.items()}
    found = type_of(obj, facts)
    if found is not None:
        return Value(found, hint=_hint(place, obj), fold=False)
    path = Path(str(place[0]), None, tuple(f"[{step!r}]" for step in place[1:]), is_parameter=True)
    if is_host_object(obj):
        return HostObject(path, obj)
    if isinstance(obj, (type, *_CALLABLE)):
        host.reach(path, obj)
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


def _hint(place: Place, _: Any) -> str:
    """A variable's name for what stands at `place`: a key that is a name, else `params_0`."""
    name = str(place[0])
    for step in place[1:]:
        name = step if isinstance(step, str) and step.isidentifier() else f"{name}_{step}"
    return name if name.isidentifier() else "value"


def spell_place(place: Place) -> str:
    return str(place[0]) + "".join(f"[{step!r}]" for step in place[1:])


def describe(key: Any) -> str:
    """A signature in words, for `specializations`."""
    if isinstance(key, type):
        return key.__name__ if key in (float, int) else f"np.{key.__name__}"
    kind, *rest = key
    if kind is np.ndarray:
        return f"{rest[0].name}[{', '.join('1' if one else ':' for one in rest[1])}]"
    if kind is dict:
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in rest) + "}"
    if kind is list:
        return f"[{', '.join(map(describe, rest))}]"
    if kind is tuple:
        return f"({', '.join(map(describe, rest))}{',' if len(rest) == 1 else ''})"
    if hasattr(kind, "_fields"):
        return f"{kind.__name__}({', '.join(map(describe, rest))})"
    if kind is object:
        return str(rest[0].__name__)
    if kind is slice:
        return f"slice{tuple(rest)}"
    return repr(rest[0]) if not callable(rest[0]) else getattr(rest[0], "__name__", repr(rest[0]))
