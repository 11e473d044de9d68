"""Lists whose length only the run decides: `hs.append(h)` in a loop or under a condition.

Such a list is an object whose only attribute is what is in it: a run-time value of the type `Rows`, a tuple
of such where the items are tuples, or EMPTY. It is made where a list display stands that an earlier attempt
to compile has found to grow (the decision `Grow`). What cannot be done with it is refused, and the compiler
tries again with the list written out (`WriteOut`). Imports the gates and the abstract values.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an
from revcompile.frontend import containers
from revcompile.frontend.absent import is_there
from revcompile.frontend.ahead import is_written_out, will_grow
from revcompile.frontend.lowering import Lowering
from revcompile.gates.effects import assert_
from revcompile.gates.rows import (
    OfOtherKind,
    appended,
    chained,
    count,
    either,
    has_room,
    item_type,
    listed,
    popped,
    repeated,
    stacked,
    sublist,
)
from revcompile.gates.storing import part, store
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.lengths import same_axes
from revcompile.ir.nodes import EMPTY, Instance, Structure, Value, leaves, like, map_values
from revcompile.ir.types import Array, Rows, Scalar, is_float
from revcompile.statements.iterables import Iteration
from revcompile.syntax.abstract import Native, Poison, Regained
from revcompile.syntax.decisions import Grow, WriteOut
from revcompile.syntax.mutable import ITEMS, is_growing
from revcompile.syntax.operators import symbol_of

WAY_OUT = "Store into an array of known length, or let the length follow from whole numbers and shapes."


def refuse(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} a list whose length only the run decides is not supported", way_out=WAY_OUT
    )


def is_begun(low: Lowering, node: ast.expr, site: Any, items: list[Structure]) -> bool:
    """Whether a list that is made here is to be a run-time list."""
    wanted = Grow(site)
    if wanted not in low.decisions and WriteOut(site) not in low.decisions:
        if will_grow(low, node, items, low.frames[-1]):
            low.decisions.make(wanted)
        elif is_written_out(node, low.frames[-1]):
            low.decisions.make(WriteOut(site))
        else:
            low.decisions.miss(wanted)
    return wanted in low.decisions


def begin(low: Lowering, items: list[Structure]) -> Instance:
    """A growing list that begins with these items."""
    return _own(low, _beginning(low, items) if items else EMPTY)


def _beginning(low: Lowering, items: list[Structure]) -> Structure:
    """What is in a list that begins with these items."""
    if all(map(_is_tuple, items)):
        if any(type(x) is not type(items[0]) or len(x) != len(items[0]) for x in items):
            raise _other_kind("tuples of several lengths")
        return like(items[0], [_beginning(low, list(column)) for column in zip(*items, strict=True)])
    if any(map(_is_tuple, items)):
        raise _other_kind("a tuple and a number")
    numbers = [_number(low, x) for x in items]
    new: Value = low.emit(listed, numbers[:1])
    for x in numbers[1:]:
        _check_kind(low, new, x)
    if len(numbers) > 1:
        try:
            new = low.emit(listed, numbers)
        except OfOtherKind as e:
            raise _other_kind(str(e)) from None
    low.memory.relate([new], [v for v in leaves(numbers) if isinstance(v.type, Array)])
    return new


def _is_tuple(x: Structure) -> bool:
    return (type(x) is tuple or isinstance(x, Regained)) and bool(x)


def is_wanted(low: Lowering, site: Any, count: Structure) -> bool:
    """Whether a list of `count` equal items is to be a run-time list: where the run says how many."""
    wanted = Grow(site)
    if not isinstance(count, Value) or is_float(count.type):
        low.decisions.miss(wanted)
        return False
    if WriteOut(site) in low.decisions:
        return False
    low.decisions.make(wanted)
    return True


def repeat(low: Lowering, items: list[Structure], n: Structure) -> Instance:
    """`[x] * n`"""
    if len(items) != 1:
        raise refuse("repeating more than one item in")
    low.steer(n)
    x = _number(low, items[0])
    rows: Value = low.emit(repeated, x, n)
    low.memory.relate([rows], [v for v in leaves(x) if isinstance(v.type, Array)])
    return _own(low, rows)


def _own(low: Lowering, content: Structure, name: str = ITEMS) -> Instance:
    made: Instance = low.own(Instance(list, {name: content}))
    return made


def content(low: Lowering, owner: Instance) -> Structure:
    low.mutables.read(owner)
    (found,) = owner.attributes.values()
    if isinstance(found, Poison):
        containers.refuse(low, found, "this list")
    return found


def _change(low: Lowering, owner: Instance, new: Structure) -> None:
    low.mutables.change(owner, keeps_length=True)
    (key,), table = owner.attributes, low.builder.table
    for v in leaves(new):
        named = v in table.hints or key == ITEMS
        table.name(v, table.hints.get(v) if named else key)
    owner.attributes[key] = new


def put(low: Lowering, owner: Instance, new: Structure) -> None:
    """Let the list hold what a call has left in it."""
    for v in leaves(content(low, owner)):
        for x in leaves(new):
            if v.type.item != x.type.item:  # type: ignore[union-attr]
                raise _other_kind(f"{v.type.item} and {x.type.item}")  # type: ignore[union-attr]
    _change(low, owner, new)


# -- adding and taking ---------------------------------------------------------------------------


def _with(low: Lowering, rows: Structure, x: Structure) -> Structure:
    """What is in a list after `x` was appended."""
    if _is_tuple(x):
        columns = rows if isinstance(rows, tuple) else (EMPTY,) * len(x)
        if (rows is not EMPTY and type(rows) is not type(x)) or len(columns) != len(x):
            raise _other_kind("tuples of several lengths")
        return like(x, [_with(low, r, part) for r, part in zip(columns, x, strict=True)])
    if isinstance(rows, tuple):
        raise _other_kind("a tuple and a number")
    x = _number(low, x)
    new: Value
    if rows is EMPTY:
        new = low.emit(listed, [x])
    else:
        _check_kind(low, rows, x)
        new = low.emit(appended, rows, x)
    low.memory.relate([new], [v for v in leaves((rows, x)) if isinstance(v.type, Array)])
    return new


def _number(low: Lowering, x: Structure) -> Structure:
    """An item that can be in a growing list: a number, or an array."""
    t = x.type if isinstance(x, Value) else None
    if isinstance(x, Value) and not is_there(low, x):
        raise _other_kind("what may be None")
    if isinstance(t, Rows) or (t is None and type(x) not in (bool, int, float)):
        raise _other_kind(f"{an(t or type(x).__name__)}")
    if isinstance(t, Array) and not t.dims:
        return low.apply(t.dtype.type, (x,), {})
    if t is not None and not isinstance(t, (Array, Scalar)):
        raise _other_kind(f"{an(t)}")
    return x


def _check_kind(low: Lowering, rows: Value, x: Structure) -> None:
    assert isinstance(rows.type, Rows)
    if isinstance(x, Value) and len(x.type.dims) == len(rows.type.dims) - 1:
        _check_shape(low, rows, x)
    try:
        either(low.builder.facts, rows.type.item, item_type(x))
    except OfOtherKind as e:
        raise _other_kind(str(e)) from None


def _check_shape(low: Lowering, rows: Value, x: Value) -> None:
    """Where it is not known that an item has the shape of the others, let the run see to it."""
    facts = low.builder.facts
    if not same_axes(facts, x.type.dims, rows.type.dims[1:]):
        low.emit(assert_, low.emit(has_room, rows, x), "the items of a list must have one shape")
        for dim, other in zip(x.type.dims, rows.type.dims[1:], strict=True):
            facts.unify(dim, other)


def _other_kind(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"a list whose length only the run decides must hold numbers, or arrays of one shape, not {what}",
        way_out=WAY_OUT,
    )


def _append(low: Lowering, owner: Instance, x: Structure) -> None:
    _change(low, owner, _with(low, content(low, owner), x))


def extend(low: Lowering, owner: Instance, other: Structure) -> None:
    """`owner += other`"""
    if is_growing(other) or low.iteration(other) is not None:
        raise refuse("extending by another")
    for x in low.items(other):
        _append(low, owner, x)


def _pop(low: Lowering, owner: Instance, index: Structure = -1) -> Structure:
    if index != -1 or isinstance(index, Value):
        raise refuse("popping an item from the middle of")
    rows = content(low, owner)
    if rows is EMPTY:
        raise HostError(IndexError("pop from empty list"))
    taken: dict[Value, tuple[Value, Value]] = {}
    for v in leaves(rows):
        taken[v] = low.emit(popped, v)
        low.memory.relate([taken[v][1]], [v])
        low.memory.relate([taken[v][0]], [v])
    _change(low, owner, map_values(lambda v: taken[v][0], rows))
    return map_values(lambda v: taken[v][1], rows)


def _copy(low: Lowering, owner: Instance) -> Instance:
    copied: Instance = get_item(low, owner, slice(None))
    return copied


METHODS: dict[str, Callable[..., Structure]] = {
    "append": _append,
    "pop": _pop,
    "extend": extend,
    "copy": _copy,
}


def attribute(low: Lowering, owner: Instance, name: str) -> Structure:
    """`owner.append`"""
    if name in METHODS:
        return Native(partial(METHODS[name], low, owner))
    if hasattr(list, name):
        raise refuse(f".{name} of")
    raise HostError(AttributeError(f"'list' object has no attribute {name!r}"))


# -- reading -------------------------------------------------------------------------------------


def first_rows(low: Lowering, owner: Instance) -> Value | None:
    """What tells how many items there are; None where there are none."""
    return next(leaves(content(low, owner)), None)


def length(low: Lowering, owner: Instance) -> Structure:
    rows = first_rows(low, owner)
    if rows is None:
        return 0
    known = rows.type.dims[0].size
    return known if known is not None else low.emit(count, rows)


def get_item(low: Lowering, owner: Instance, index: Structure) -> Structure:
    """`owner[index]`"""
    rows = content(low, owner)
    low.steer(index)
    if isinstance(index, slice):
        return _own(low, map_values(lambda v: _part(low, v, index), rows))
    if rows is EMPTY:
        raise HostError(IndexError("list index out of range"))
    return map_values(lambda v: low.apply(operator.getitem, (v, index), {}), rows)


def _part(low: Lowering, rows: Value, index: slice) -> Value:
    new: Value = low.emit(sublist, rows, index)
    low.memory.relate([new], [rows])
    return new


def set_item(low: Lowering, owner: Instance, index: Structure, x: Structure) -> None:
    """`owner[index] = x`"""
    rows = content(low, owner)
    if isinstance(index, slice) or not isinstance(rows, Value):
        raise refuse("assigning to this of")
    low.steer(index)
    x = _number(low, x)
    _check_kind(low, rows, x)
    new, _ = low.emit(store, rows, (part(index),), x)
    low.memory.relate([new], leaves((rows, x)))
    _change(low, owner, new)


def unzipped(low: Lowering, owner: Instance) -> tuple[Instance, ...] | None:
    """`zip(*owner)`: a list of the first parts of the items, one of the second ...; None for other items."""
    parts = content(low, owner)
    return tuple(_own(low, part) for part in parts) if type(parts) is tuple else None


def iteration(low: Lowering, owner: Instance) -> Iteration | None:
    """How to go through the items that there are now."""
    now = content(low, owner)
    if now is EMPTY:
        return None
    rows = next(leaves(now))

    def item(i: Structure) -> Structure:
        return map_values(lambda v: low.apply(operator.getitem, (v, i), {}), now)

    def items() -> Structure:
        return length_of(low, rows)

    return Iteration(items, item, owners=(owner,))


def length_of(low: Lowering, rows: Value) -> Structure:
    known = rows.type.dims[0].size
    return known if known is not None else low.emit(count, rows)


def operate(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure:
    """An operator where one operand is a growing list: `+` makes a new one; an array takes it as an array."""
    if symbol_of(function) == "not x":
        return low.operate(operator.eq, length(low, args[0]), 0)
    a, b = args if len(args) == 2 else (args[0], None)
    if symbol_of(function) == "+" and is_growing(a) and isinstance(b, (list, Instance)):
        return _chain(low, a, b)
    if any(isinstance(x, Value) and isinstance(x.type, Array) for x in args):
        return low.apply(function, tuple(as_array(low, x) if is_growing(x) else x for x in args), {})
    raise refuse(f"{getattr(function, '__name__', function)} on")


def _chain(low: Lowering, a: Instance, b: Any) -> Instance:
    rows = content(low, a)
    if is_growing(b):
        others = content(low, b)
        if not isinstance(rows, Value) or not isinstance(others, Value):
            raise refuse("adding")
        new: Value = low.emit(chained, rows, others)
        low.memory.relate([new], [rows, others])
        return _own(low, new)
    for x in low.items(b):
        rows = _with(low, rows, x)
    return _own(low, rows)


def extreme(low: Lowering, owner: Instance, options: dict[str, Any], function: Any) -> Structure:
    """`max(owner)`, `min(owner)`"""
    rows = content(low, owner)
    if options or not isinstance(rows, Value) or isinstance(rows.type.item, Array):  # type: ignore[union-attr]
        raise refuse(f"this form of {function.__name__} of")
    found = low.apply(np.max if function is max else np.min, (as_array(low, owner),), {})
    return low.apply(float, (found,), {}) if rows.type.python else found  # type: ignore[union-attr]


# -- as an array ---------------------------------------------------------------------------------


def as_array(low: Lowering, owner: Instance) -> Structure:
    """`np.array(owner)`"""
    rows = content(low, owner)
    return low.apply(np.zeros, (0,), {}) if rows is EMPTY else low.apply(np.array, (_as_value(rows),), {})


def _stacked(low: Lowering, owner: Instance) -> Structure:
    """`np.stack(owner)`, which needs an item."""
    rows = content(low, owner)
    if rows is EMPTY:
        raise HostError(ValueError("need at least one array to stack"))
    return low.emit(stacked, _as_value(rows))


def _as_value(rows: Structure) -> Value:
    if not isinstance(rows, Value):
        raise refuse("an array of the tuples in")
    return rows


def as_arrays(low: Lowering, structure: Structure) -> Structure:
    """A gate's argument with arrays in place of growing lists."""
    if is_growing(structure):
        return as_array(low, structure)
    if isinstance(structure, (list, tuple)) and any(map(is_growing, structure)):
        return type(structure)([as_array(low, x) if is_growing(x) else x for x in structure])
    return structure


def joined(low: Lowering, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Structure:
    """`np.stack(owner)` and its like; NotImplemented for other functions."""
    gate = TABLE[function]
    if not args or not is_growing(args[0]) or gate.of_items is None:
        return NotImplemented
    items = as_array(low, args[0]) if gate.kind is Kind.ARRAY else _stacked(low, args[0])
    return low.run_rule(gate.of_items, (items, *args[1:]), kwargs)
