"""Lists, dicts, sets and queues that the program changes: their methods, items, operators in place.

A run-time value in them is an item like any other. Which of them may be changed `Mutables` says; the
program's own are not changed by a gradient function. Imports the abstract values.
"""

from __future__ import annotations

import operator
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, host
from revcompile.frontend import membership
from revcompile.frontend.lowering import Lowering
from revcompile.frontend.names import Path
from revcompile.gates.axes import is_python_number
from revcompile.gates.known import as_it_is
from revcompile.ir.nodes import ATOMS, Instance, Structure, Value, is_static
from revcompile.ir.types import Array, Scalar
from revcompile.syntax.abstract import Poison, class_of
from revcompile.syntax.decisions import Restart
from revcompile.syntax.mutable import KINDS, containers, word
from revcompile.syntax.operators import binary_symbol, symbol_of

MAX_ITEMS = 1_000_000  # of one list or tuple
CHANGES: dict[type, frozenset[str]] = {
    list: frozenset({"append", "extend", "insert", "pop", "remove", "clear", "reverse", "sort"}),
    dict: frozenset({"update", "setdefault", "pop", "popitem", "clear", "move_to_end"}),
    set: frozenset({"add", "discard", "remove", "update", "clear", "pop"}),
    deque: frozenset({"append", "appendleft", "pop", "popleft", "extend", "extendleft", "rotate", "clear",
                      "insert", "remove", "reverse"}),
}  # fmt: skip
NUMPY_INDEXED = {id(getattr(np, name)): name for name in ("c_", "r_", "mgrid", "ogrid", "s_")}
COPIES = frozenset({"copy", "union", "intersection", "difference", "symmetric_difference"})
COMPARING = frozenset({"index", "count", "remove"})  # they compare the items with what they look for
MADE_BY = frozenset({list, dict, set, OrderedDict, Counter})


def refuse_long(function: Any, args: tuple[Structure, ...]) -> None:
    """Refuse a list, or a tuple, that is repeated too often, or joined to another."""
    symbol, many = binary_symbol(function), sum(len(a) for a in args if isinstance(a, (tuple, list)))
    if symbol == "*":
        many *= sum(a for a in args if isinstance(a, int))
    if symbol in ("*", "+"):
        refuse_many(many)


def refuse_many(many: int) -> None:
    """Refuse a list that would be too long."""
    if many > MAX_ITEMS:
        raise UnsupportedError(
            f"a list of more than {MAX_ITEMS:,} items would have to be made while compiling",
            way_out="A loop over a range stays a loop; or make it outside, and pass it as an array.",
        )


def refuse(low: Lowering, poison: Poison, what: str) -> None:
    """Say why something has no single meaning, or begin again with the decision that gives it one."""
    if poison.decision is not None and poison.decision not in low.decisions:
        raise Restart(poison.decision)
    raise UnsupportedError(f"{what} {poison.reason}")


def change(low: Lowering, container: Any, keeps_length: bool = False) -> None:
    """Note that `container` is about to be changed. Raises UnsupportedError where that is not supported."""
    lent = low.host.lent.get(id(container))
    if lent is not None:
        _, path, _ = lent
        raise UnsupportedError(
            f"{path.shown} is a {word(container)} of the program, which a gradient function does not change",
            way_out=f"Change a copy: {word(container)}({path.shown}).",
            final=True,
        )
    low.mutables.change(container, keeps_length)


def owner_of(function: Any) -> Any:
    """The container whose method `function` is, else None."""
    owner = getattr(function, "__self__", None)
    return owner if isinstance(owner, KINDS) and not isinstance(owner, Instance) else None


def method(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`owner.method(*args)`; NotImplemented where it only reads."""
    owner, name = owner_of(function), function.__name__
    low.mutables.read(owner)
    low.host.tells(function, (owner,))
    if name in COPIES:
        with host():
            made = function(*args, **kwargs)
        return low.own(made)
    if not any(name in names for kind, names in CHANGES.items() if isinstance(owner, kind)):
        return NotImplemented
    change(low, owner, keeps_length=name in ("reverse", "sort", "rotate"))
    if name == "sort":
        owner[:] = low.invoke(sorted, owner, **kwargs)
        return None
    if name in COMPARING and membership.has_objects((owner, args)):
        del owner[membership.index_of(low, owner, *args)]
        return None
    if name in COMPARING:
        args = low.static((owner, args), f"as what {name} compares")[1]
    if name in ("pop", "insert") and args and not isinstance(owner, dict):
        args = (low.static(args[0], f"as the position for {name}"), *args[1:])
    if name in ("extend", "update", "extendleft") and args:
        args = tuple(a if isinstance(a, dict) else low.items(a) for a in args)
    if isinstance(owner, (dict, set)) and name != "update":
        args = (*(membership.key(low, a, "as a key") for a in args[:1]), *args[1:])
    for value in (*args, *kwargs.values()):
        _refuse_cycle(owner, value)
    with host():
        return function(*args, **kwargs)


def _refuse_cycle(container: Any, value: Structure) -> None:
    if any(inner is container for inner in containers(value)):
        raise UnsupportedError(f"{an(word(container))} that contains itself is not supported")


# -- items ---------------------------------------------------------------------------------------


def get_item(low: Lowering, owner: Structure, index: Structure) -> Structure:
    """`owner[index]` of a container."""
    low.mutables.read(owner)
    if isinstance(owner, dict):
        key = membership.key(low, index, "as a key of a dict")
        with host():
            is_missing = key not in owner
        if is_missing and isinstance(owner, defaultdict) and owner.default_factory is not None:
            change(low, owner)
            made = low.invoke(owner.default_factory)
            owner[key] = low.own(made) if isinstance(made, KINDS) else made
        with host():
            return owner[key]
    if not isinstance(owner, (list, tuple, str, range, deque)):
        return _item_of_numpys(low, owner, index)
    _grow_if_indexed(low, owner, index)
    index = _position(low, index)
    with host():
        found = owner[index]
    return low.own(found) if isinstance(index, slice) and isinstance(found, list) else found


def _item_of_numpys(low: Lowering, owner: Any, index: Structure) -> Structure:
    """`owner[index]` of what has items of its own: `np.r_`, `np.mgrid`."""
    if not is_static(index) and owner in (np.r_, np.c_):
        return _joined(low, owner, index if isinstance(index, tuple) else (index,))
    if not is_static(index) and type(owner).__module__.startswith("numpy."):
        raise UnsupportedError(
            f"np.{NUMPY_INDEXED.get(id(owner), 'mgrid')}[...] of what only the run knows is not supported",
            way_out="Write it with np.arange.",
        )
    index = low.static(index, "as an index")
    with host():
        found = owner[index]
    if isinstance(found, np.ndarray):
        return low.emit(as_it_is, operator.getitem, (owner, index), {})
    if owner is np.ogrid:
        axes = [_item_of_numpys(low, np.r_, part) for part in index]
        shaped = zip(axes, found, strict=True)
        return tuple(low.apply(np.reshape, (axis, whole.shape), {}) for axis, whole in shaped)
    return found


def _joined(low: Lowering, owner: Any, items: tuple[Structure, ...]) -> Structure:
    """`np.r_[items]`, one after the other; `np.c_[items]`, columns side by side."""
    if any(isinstance(item, str) or (isinstance(item, slice) and not is_static(item)) for item in items):
        raise UnsupportedError(
            f"np.{NUMPY_INDEXED[id(owner)]}[...] with such an item is not supported",
            way_out="Write it with np.concatenate, np.stack or np.column_stack.",
        )
    weak = [
        type(x) in (bool, int, float) or (isinstance(x, Value) and is_python_number(x.type)) for x in items
    ]
    parts = [_array_of(low, x) for x in items]
    types = [part.type for part, gives_way in zip(parts, weak, strict=True) if not gives_way]
    strong = [t.dtype for t in types if isinstance(t, (Array, Scalar))]
    dtype = np.result_type(*strong) if strong and strong[0].kind == "f" else np.dtype(float)
    for i, part in enumerate(parts):
        if weak[i] and dtype != np.float64:
            part = low.apply(dtype.type, (part,), {})
        if owner is np.c_ and len(part.type.dims) == 1:
            part = low.apply(operator.getitem, (part, (slice(None), None)), {})
        elif len(part.type.dims) == 0:
            part = low.apply(np.reshape, (part, (1, 1) if owner is np.c_ else (1,)), {})
        parts[i] = part
    return low.apply(np.concatenate, (parts, 0 if owner is np.r_ else -1), {})


def _array_of(low: Lowering, item: Structure) -> Value:
    if isinstance(item, slice):
        return low.emit(as_it_is, operator.getitem, (np.r_, item), {})
    return item if isinstance(item, Value) else low.apply(np.array, (item,), {})


def _grow_if_indexed(low: Lowering, owner: Any, index: Structure) -> None:
    """A list of which only the run says which item is meant may be a run-time list."""
    if not is_static(index) and not any(isinstance(x, (*KINDS, str)) for x in owner):
        remedy = low.mutables.remedy(owner)
        if remedy is not None:
            raise Restart(remedy)


def _position(low: Lowering, index: Structure) -> Any:
    what = "as an index into a tuple, a list or a dict"
    if isinstance(index, slice):
        return slice(*(low.static(part, what) for part in (index.start, index.stop, index.step)))
    return low.static(index, what)


def set_item(low: Lowering, owner: Structure, index: Structure, value: Structure) -> None:
    """`owner[index] = value` of a container."""
    if not isinstance(owner, (list, dict, deque)):
        if hasattr(type(owner), "__setitem__"):
            raise UnsupportedError(
                f"storing into {an(type(owner).__name__)} is not supported", way_out="Use a list."
            )
        raise HostError(TypeError(f"{type(owner).__name__!r} object does not support item assignment"))
    _grow_if_indexed(low, owner, index)
    index = (
        membership.key(low, index, "as a key of a dict") if isinstance(owner, dict) else _position(low, index)
    )
    with host():
        keeps_length = index in owner if isinstance(owner, dict) else not isinstance(index, slice)
    change(low, owner, keeps_length)
    if isinstance(index, slice):
        value = low.items(value)
    _refuse_cycle(owner, value)
    with host():
        owner[index] = value


def delete_item(low: Lowering, owner: Structure, index: Structure) -> None:
    """`del owner[index]` of a container."""
    if not isinstance(owner, (list, dict, deque)):
        raise UnsupportedError("deleting a part of this is not supported")
    index = (
        membership.key(low, index, "as a key of a dict") if isinstance(owner, dict) else _position(low, index)
    )
    change(low, owner)
    with host():
        del owner[index]


def in_place(low: Lowering, function: Callable[..., Any], owner: Any, other: Structure) -> bool:
    """`owner += other` where that changes a list, a dict, a set. Whether it did."""
    symbol = symbol_of(function)
    if isinstance(owner, (list, deque)) and symbol == "+":
        change(low, owner)
        items = low.items(other)
        _refuse_cycle(owner, items)
        refuse_many(len(owner) + len(items))
        owner.extend(items)
    elif isinstance(owner, list) and symbol == "*":
        change(low, owner)
        count = low.static(other, "as the count of a repeated list")
        refuse_many(len(owner) * count if isinstance(count, int) else 0)
        with host():
            owner *= count
    elif isinstance(owner, dict) and symbol == "|":
        change(low, owner)
        _refuse_cycle(owner, other)
        with host():
            owner.update(other)
    elif isinstance(owner, set) and symbol in ("|", "&", "-", "^"):
        change(low, owner)
        with host():
            result = function(owner, other)
        owner.clear()
        owner.update(result)
    else:
        return False
    return True


# -- who refers to what --------------------------------------------------------------------------


def check_aliases(low: Lowering) -> None:
    """After lowering: what was changed is nowhere known by another name, now and at each call."""
    for key in low.mutables.changed:
        if key in low.host.copies:
            _, path, obj = low.host.copies[key]
            others = [*low.host.copies.values(), *low.host.lent.values()]
            _compare(
                low, path, obj, [(p, o) for _, p, o in others] + [(h.path, h.obj) for h in low.host.objects]
            )
    for owner, overlay in low.host.overlays.values():
        if id(overlay) in low.mutables.changed:
            for other in low.host.objects:
                if other.path != owner.path and type(other.obj) is type(owner.obj):
                    low.host.compare(other.path, owner.path, other.obj is owner.obj)


def _compare(low: Lowering, path: Path, obj: Any, others: list[tuple[Path, Any]]) -> None:
    for other_path, other in others:
        if other_path == path or type(other) is not type(obj):
            continue
        if other is obj:
            raise UnsupportedError(
                f"{path.text} is changed, and {other_path.text} is the same object",
                way_out="Pass a copy of one of them.",
            )
        low.host.compare(path, other_path, same=False)


def frozen(structure: Structure) -> Structure:
    """The structure as it is now: a later change of a list in it does not change a statement."""
    if type(structure) is Value or type(structure) in ATOMS:
        return structure
    if isinstance(structure, tuple):
        items = [frozen(item) for item in structure]
        if all(x is y for x, y in zip(items, structure, strict=True)):
            return structure
        return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)
    if isinstance(structure, list):
        return [frozen(item) for item in structure]
    if isinstance(structure, dict):
        return {key: frozen(item) for key, item in structure.items()}
    if isinstance(structure, Instance):
        return Instance(structure.cls, {name: frozen(item) for name, item in structure.attributes.items()})
    return structure


def merge(out: dict[Any, Structure], more: Structure) -> None:
    """`{**more}`: a list of pairs, which `dict.update` takes, is no mapping."""
    kind = class_of(more) if isinstance(more, Value) else type(more)
    if not hasattr(kind, "keys"):
        raise HostError(TypeError(f"{kind.__name__!r} object is not a mapping"))
    with host():
        out.update(more)
