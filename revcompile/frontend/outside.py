"""What is done with an object of another library: attributes, items, methods, operators, as they are.

Products of a constant sparse matrix are gates. Imports the abstract values.
"""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from revcompile.errors import HostError, UnsupportedError, an, host
from revcompile.frontend.at_hand import is_varied
from revcompile.frontend.foreign import SHOWING, SILENT, home_of, is_sparse, make
from revcompile.frontend.lowering import Lowering
from revcompile.gates.sparse import is_matrix, sparse_times, times_sparse
from revcompile.ir.nodes import Structure, Value, leaves
from revcompile.ir.rebuild import replace
from revcompile.ir.types import INT, Array, Foreign, Opaque, Scalar, is_number
from revcompile.syntax.abstract import Method, class_of
from revcompile.syntax.operators import symbol_of

# What a number or an array has that only reads it, and shares no memory with it.
READING = frozenset(
    {"tolist", "tobytes", "dumps", "is_integer", "as_integer_ratio", "hex", "bit_length",
     "bit_count", "to_bytes"}
)  # fmt: skip
OF_STORAGE = frozenset({"nbytes", "itemsize", "strides"})  # whatever its elements are
PLAIN = OF_STORAGE | {"numerator", "denominator"}


def attribute(low: Lowering, owner: Value, name: str) -> Structure:
    """`owner.name`: a method, which waits for its call; else what it is now."""
    cls = class_of(owner)
    if name == "__class__":
        return cls
    if name == "T" and is_sparse(owner):
        assert isinstance(owner.type, Foreign)
        with host():
            kind = type(owner.type.cls((1, 1)).T)
        known = replace(owner.type, what=kind.__name__, cls=kind, lengths=owner.type.lengths[::-1])
        return make(low, "attribute", owner, (), {}, "the transpose", name, known=known, pure=True)
    found = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
    if callable(found) and not isinstance(found, type):
        return Method(owner, name)
    return make(low, "attribute", owner, (), {}, f"the attribute {name!r} of {an(owner.type)}", name)


def check_has(value: Value, name: str) -> None:
    """Raises AttributeError where a number has not what an array has: Python's have no shape."""
    if isinstance(value.type, Scalar) and not value.type.varies and hasattr(np.ndarray, name):
        cls = class_of(value)
        if not hasattr(cls, name):
            raise HostError(AttributeError(f"{cls.__name__!r} object has no attribute {name!r}"))


def of_number(low: Lowering, value: Value, name: str) -> Structure:
    """An attribute without a rule of a number or an array: what only reads it is as it is."""
    if name in READING and hasattr(class_of(value), name):
        return Method(value, name)
    if name == "imag" and isinstance(value.type, Scalar) and is_number(value.type):
        return class_of(value)(0)
    if name in PLAIN and hasattr(class_of(value), name):
        what = f"the attribute .{name} of {an(value.type)}"
        return make(low, "attribute", value, (), {}, what, name, pure=True, excused=name in OF_STORAGE)
    cls = class_of(value)
    if isinstance(value.type, (Array, Scalar)) and not hasattr(cls, name):
        owner = "numpy.ndarray" if cls is np.ndarray else cls.__name__
        raise HostError(AttributeError(f"{owner!r} object has no attribute {name!r}"))
    raise UnsupportedError(
        f"the attribute .{name} of {an(value.type)} is not supported",
        way_out="If it is a method, write the NumPy function of that name.",
    )


def item(low: Lowering, owner: Value, index: Structure) -> Structure:
    return make(low, "item", owner, (index,), {}, f"an item of {an(owner.type)}")


def method(
    low: Lowering, owner: Value, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Structure:
    what = f"the method {name!r} of {an(owner.type)}"
    if name == "tolist" and not args and not kwargs and is_varied(low, owner):
        return _listed(low, owner)
    if not isinstance(owner.type, Opaque):
        return make(low, "method", owner, args, kwargs, what, name, pure=True)
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


def _listed(low: Lowering, x: Value) -> Structure:
    """`x.tolist()` of floats: Python's own, in lists of lists."""
    if not x.type.dims:
        return low.apply(float, (x,), {})
    return low.own([_listed(low, item) for item in low.items(x)])


def operate(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure:
    """A Python operator of which an operand is a foreign object."""
    product = _product(low, function, args)
    if product is not None:
        return product
    whose = next(v.type for v in leaves(args) if isinstance(v.type, Opaque))
    return make(low, "call", function, args, {}, f"{function.__name__} of {an(whose)}")


def _product(low: Lowering, function: Any, args: tuple[Any, ...]) -> Structure | None:
    """A product of a sparse matrix and a vector or a matrix."""
    a, b = args if len(args) == 2 else (None, None)
    if (is_sparse(a) or is_sparse(b)) and (isinstance(a, (list, tuple)) or isinstance(b, (list, tuple))):
        a, b = (low.apply(np.array, (x,), {}) if isinstance(x, (list, tuple)) else x for x in (a, b))
    for matrix, other in ((a, b), (b, a)):
        if not isinstance(matrix, Value) or not is_sparse(matrix):
            continue
        is_array = isinstance(other, Value) and isinstance(other.type, Array) and bool(other.type.dims)
        older = symbol_of(function) == "*" and is_matrix(class_of(matrix))
        if is_array and (symbol_of(function) == "@" or older):
            return low.emit(sparse_times, a, b) if matrix is a else low.emit(times_sparse, a, b)
    return None


def items(low: Lowering, owner: Value) -> list[Structure]:
    """What going through a foreign object gives."""
    many = sys.maxsize
    found = make(low, "call", tuple, (owner,), {}, f"going through {an(owner.type)}", many=many)
    if isinstance(found, Value):
        raise UnsupportedError(
            f"{an(owner.type)} that has now more items, now fewer is gone through",
            way_out="If they are numbers, make an array of them: np.array(...).",
        )
    return list(found)
