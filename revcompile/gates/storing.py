"""Writing elements of an array, as a pure operation: the array with other elements in it.

`A[i] = v` is `A1, old = store(A0, ((getitem, i),), v)`: the path leads from the array to what is written,
so that a store through a view (`A.T[j][k] = v`) is one into the array itself. `old` is a copy of what stood
there, made only if it is read. Whether `A1` may take the storage of `A0` is decided last, by
`passes/in_place`. The reversal is in `statements/store.py`.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from revcompile.errors import HostError, an
from revcompile.gates.indexing import getitem_dims, zeros_of_index
from revcompile.gates.infer import infer
from revcompile.gates.numbers import ENDS, PARTS, UNREAD_ITEM, UNREAD_PART, Numbers
from revcompile.gates.record import Gate
from revcompile.gates.samples import example, real
from revcompile.gates.table import TABLE, gate, known, register
from revcompile.gates.traits import Kind, Line
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Apply, Value
from revcompile.ir.types import Array, Scalar, is_float
from revcompile.runtime import copy_to_store, last_written, scatter_add

Step = tuple[Any, ...]  # of a path: a function that gives a view, and its arguments after the array


def part(index: Any) -> Step:
    """The step of a path to a part of an array: `x[index]`."""
    return operator.getitem, index


def is_part(step: Step) -> bool:
    """Whether a step of a path leads to a part of an array by an index."""
    return step[0] is operator.getitem


def reads_part(s: Apply) -> bool:
    """Whether an application reads a part of an array by an index."""
    return is_part((s.function, *s.args[1:]))


WHOLE = (part(Ellipsis),)


def at(a: Any, path: Any) -> Any:
    """What stands at the end of a path."""
    for function, *rest in path:
        a = function(a, *rest)
    return a


def store(a: Any, path: Any, value: Any) -> Any:
    """The array `a` with `value` written at the end of `path`, and what stood there."""
    old = np.copy(at(a, path))
    *way, (_, index) = path
    at(a, way)[index] = value
    return a, old


def holds(array: Value, value: Any) -> bool:
    """Whether an array holds what is written into it: one of whole numbers cuts off the rest."""
    return is_float(array.type) or not (isinstance(value, Value) and is_float(value.type))


def part_type(facts: Facts, a: Value, path: Any) -> Scalar | Array:
    """The type of what stands at the end of a path."""
    part = a
    for function, *rest in path:
        part = Value(infer(TABLE[function], function, (part, *rest), facts))
    return part.type  # type: ignore[return-value]


def store_types(facts: Facts, a: Value, path: Any, value: Any) -> Any:
    """The array keeps its type: a store changes neither shape nor dtype."""
    part = part_type(facts, a, path)
    if isinstance(value, Value):
        _check_shape(facts, value, part)
    return a.type, part


def _check_shape(facts: Facts, value: Value, part: Scalar | Array) -> None:
    """NumPy stretches what is written to the place where it is written, never the place."""
    have, want = value.type.dims, part.dims
    while len(have) > len(want) and have[0].can_be_one:
        have = have[1:]
    if len(have) > len(want):
        raise HostError(
            ValueError(f"could not broadcast: {an(value.type)} is stored where {an(part)} stands")
        )
    for h, w in zip(reversed(have), reversed(want), strict=False):
        if not facts.alike(h, w):
            facts.compare(h, w, stretches=True)
            facts.stretch(h, w)
        if not h.can_be_one:
            if h.size is not None and w.size is not None and h.size != w.size:
                raise HostError(
                    ValueError(f"could not broadcast: {an(value.type)} is stored where {an(part)} stands")
                )
            facts.unify(h, w)


def _store_rule(grad_y: Any, a: Any, path: Any, value: Any) -> Any:
    raise NotImplementedError("the reversal of a store is a statement's: statements/store.py")


def _store_sign(args: Any, a: int, path: int, value: int) -> int:
    return a | value


def _store_zeros(args: Any, operand: int) -> int:
    """The gradient of the array before has zeros where it was overwritten."""
    *_, (_, index) = args[1]
    return zeros_of_index((args[0], index), 0) | PARTS if operand == 0 else 0


def _unread_store(args: Any, operand: int) -> int:
    """What is stored may be what is not read, or what is left of the array; unless it is all there is."""
    left = zeros_of_index((args[0], args[1][-1][1]), 0)
    is_long = left == ENDS if operand == 2 else left != ENDS
    return 0 if not left else UNREAD_PART if is_long else UNREAD_ITEM


register(
    Gate(
        "store",
        (store,),
        store,
        rule=_store_rule,
        types=store_types,
        kind=Kind.STORE,
        writes=True,
        line=Line.STORE,
        numbers=Numbers(sign=_store_sign, zeros=_store_zeros, within=_unread_store),
    )
)


def is_view_of(x: Any, a: Any) -> bool:
    """Whether what was made of an array is a view of it."""
    return np.may_share_memory(x, a)


known(is_view_of, tests=True, dims=lambda *_: (), written="np.may_share_memory(x, a)")


@gate(copy_to_store, raises=True, examples=[example(real(3), np.arange(3), np.arange(3), True)])
def copy_to_store_(grad_y: Any, value: Any, place: Any, own: Any, in_any_order: Any) -> Any:
    return grad_y, None, None


@gate(
    last_written,
    numbers=Numbers(zeros=PARTS),
    dims=lambda facts, grad, index: getitem_dims(facts, grad, index),
    examples=[
        example(real(4), np.array([0, 2, 2])),
        example(real(4, 2), np.array([1, 0, 1])),
        example(real(3, 4), (np.array([0, 2, 0]), np.array([1, 3, 1]))),
    ],
)
def last_written_(grad_y: Any, grad: Any, index: Any) -> Any:
    stays = last_written(np.ones_like(grad), index)  # 0 for what is written over
    return scatter_add(stays * grad_y, index, grad.shape)
