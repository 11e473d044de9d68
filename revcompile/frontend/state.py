"""What the program has where a call changes it: a name, an attribute.

It is read when the function gets there, each time; what is in a list or a dict there, when it is asked for.
Which places those are is found out when a call changes what was taken to be constant. Imports the abstract
values.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from revcompile.errors import UnsupportedError
from revcompile.foreign import kind_of
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import Guard, HostNames, Path
from revcompile.gates.foreign import ForeignCall, foreign_type, pattern_of, types_of
from revcompile.ir.nodes import Structure, Value, leaves, map_structure
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Opaque, Type

WATCHED = ("equal", "length", "contents", "is")  # kinds of guards
ALONE = (bool, int, float, str, type(None), np.generic, np.ndarray)  # in which there is nothing else


def read(low: Lowering, path: Path, obj: Any, name: str) -> Structure:
    """What is at a path when the program gets here; `obj` is there now."""
    if path.is_parameter:
        raise UnsupportedError(
            f"{path.shown} is changed by a call that the function makes", way_out="Let the call give it."
        )
    key = "read", path.text
    known = low.learning.of(key)
    if known is None:
        whole = isinstance(obj, ALONE)
        container = type(obj).__name__ if type(obj) in (list, tuple, dict) else kind_of(obj)
        known = (pattern_of(obj), kind_of(obj)) if whole else (foreign_type(obj), container)
        if callable(obj):
            known = replace(known[0], what="function that a call may have replaced"), container
        low.learning.patterns[key] = known
    pattern, kind = known
    refusal = UnsupportedError(f"{path.shown} is differentiated, and is changed by a call")
    statement = ForeignCall(
        "read", path.text, pattern, kind, refusal, False, True, False, copies=lambda: False
    )
    result = map_structure(
        lambda t: Value(t) if isinstance(t, Type) else t, types_of(pattern, low.builder.facts)
    )
    low.builder.apply(statement, (path, (), {}), result)
    low.host.running[path] = isinstance(pattern, Array)
    low.host.changed.update(leaves(result))
    for v in leaves(result):
        low.builder.table.name(v, name)
        if isinstance(v.type, Array):
            low.host.arrays[v] = path.shown
            low.memory.foreign[v] = path.shown
    return result


def watched(host: HostNames) -> dict[str, str]:
    """Where that is which the code has read, or was compiled for: calls must leave it alone.

    Each by a name; `name[...]` is of an array of which they must leave alone the elements.
    """
    constants = [g.path for g in host.guards.values() if g.kind in WATCHED and not _is_defined(g)]
    numbers = [path for path, item in host.live.items() if not isinstance(item.value.type, Opaque)]
    objects = [x.path for x in host.objects]
    arrays = {f"{path.text}[...]": path.text for path, has_arrays in host.running.items() if has_arrays}
    return {p.whole: p.whole for p in (*numbers, *constants, *objects) if p.whole} | arrays


def _is_defined(guard: Guard) -> bool:
    """Whether it is of a module, or a function or class under its own name, which hardly anybody replaces."""
    last = guard.path.text.rpartition(".")[2]
    return isinstance(guard.expected, ModuleType) or getattr(guard.expected, "__name__", "") == last
