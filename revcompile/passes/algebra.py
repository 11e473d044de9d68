"""Arithmetic as an expert leaves it: no double negation, one constant in front, a sum of halves as one.

Before:                                  After:
    grad_x = a + -(L * x)                    grad_x = a - L * x
    grad_y = 1.0 / n * 2.0 * y               grad_y = 2.0 / n * y
    grad_z = t * z + t * z                   grad_z = 2.0 * t * z

Used by `simplify`, in the backward pass only: the forward pass is the user's. Moving a sign is exact in
IEEE arithmetic (of a sum that cancels, the sign of the zero may differ); constants are joined where
their product or quotient is exact, so that a result has fewer roundings, never more.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Structure, Value, is_static
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Scalar


def add(r: Any, s: Apply) -> Structure | None:
    a, b = s.args
    if a is b:
        return _double(r, s, a)
    joined = _join_masked(r, s)
    if joined is not None:
        return joined
    made = r.made_by(a, "+")
    if made is not None and made.args[1] is b and r.is_last_use(a) and r.same_type(b, s.result):
        return r.replace(s, operator.add, made.args[0], _twice(r, s, b))
    for one, other in ((b, a), (a, b)):
        plain = positive(r, s, one)
        if plain is not None:
            return r.replace(s, operator.sub, other, plain, alike=True)
    return _whole_number(r, s)


def _twice(r: Any, s: Apply, b: Value) -> Structure:
    """`2.0 * b`, before whatever b is a product of."""
    made = r.made_by(b, "*")
    if made is None or r.walk.counts[b] > 2 or not all(isinstance(x, Value) for x in made.args):
        return r.emit(s, operator.mul, 2.0, b)
    return r.emit(s, operator.mul, r.emit(s, operator.mul, 2.0, made.args[0]), made.args[1])


def _whole_number(r: Any, s: Apply) -> Structure | None:
    """`1.0 * n + y`: the sum makes a float of n by itself."""
    a, b = s.args
    for i, atom in enumerate(s.args):
        made = r.made_by(atom, "*")
        if made is not None and made.args[0] == 1.0 and _is_count(made.args[1]):
            return r.replace(s, s.function, *((made.args[1], b) if i == 0 else (a, made.args[1])))
    return None


def subtract(r: Any, s: Apply) -> Structure | None:
    a, b = s.args
    plain = positive(r, s, b)
    if plain is not None:
        return r.replace(s, operator.add, a, plain, alike=True)
    return _whole_number(r, s)


def negative(r: Any, s: Apply) -> Structure | None:
    (a,) = s.args
    plain = positive(r, s, a)
    if plain is not None and r.same_type(plain, s.result):
        return plain
    made = r.made_by(a, "*")
    if made is not None and r.is_last_use(a) and type(made.args[0]) is float:
        return r.replace(s, operator.mul, -made.args[0], made.args[1])
    return None


def multiply(r: Any, s: Apply) -> Structure | None:
    a, b = s.args
    if type(b) in (int, float) and isinstance(a, Value) and not r.made_by(a, "/"):
        return _scale(r, s, b, a) or r.replace(s, operator.mul, b, a)
    if type(b) in (int, float):
        return _scale(r, s, b, a)
    if type(a) in (int, float):
        return _scale(r, s, a, b)
    for one, other in ((a, b), (b, a)):
        weak = _weak(r, s, one) if isinstance(other, Value) and other.type.dims else None
        if weak is not None:
            return r.replace(s, operator.mul, weak, other)
    made = r.made_by(a, "/")
    if made is not None and r.is_last_use(a):
        upstream, divisor = made.args
        if upstream == 1.0 and not _is_count(divisor):
            return r.replace(noted(s, made), operator.truediv, b, divisor)
        if _is_part_of(r, b, divisor):  # a share of a sum of exponentials is at most 1; 1 / sum may overflow
            return r.replace(s, operator.mul, upstream, r.emit(s, operator.truediv, b, divisor))
    return _into_mask(r, s)


def divide(r: Any, s: Apply) -> Structure | None:
    a, b = s.args
    if type(a) is float and type(b) in (int, float) and b != 0:
        return a / b
    made = r.made_by(b, "*")
    if type(a) is float and made is not None and r.is_last_use(b):
        factor, rest = made.args
        if type(factor) is float and _is_power_of_two(factor) and _is_normal(a / factor):
            return r.replace(noted(s, made), operator.truediv, a / factor, rest)
    return _into_mask(r, s)


def product(r: Any, s: Apply) -> Structure | None:
    """The product of the unit matrix, or of a diagonal one, and another."""
    for i, (one, other) in enumerate((s.args, s.args[::-1])):
        if not isinstance(other, Value) or len(other.type.dims) != 2:
            continue
        if _is_unit(r, one):
            return other if r.same_type(other, s.result) else None
        made = r.made_by(one, "*")
        diagonal = [x for x in made.args if not _is_unit(r, x)] if made is not None else []
        if len(diagonal) == 1 and r.is_last_use(one) and _is_vector(diagonal[0]):
            factor = diagonal[0] if i == 1 else r.emit(made, np.expand_dims, diagonal[0], 1)
            return r.replace(s, operator.mul, factor, other)
    return None


def _is_vector(x: Structure) -> bool:
    return isinstance(x, Value) and len(x.type.dims) == 1


def _is_unit(r: Any, x: Structure) -> bool:
    made = r.made_by(x, Kind.UNIT)
    return made is not None and made.args[1:3] == (None, 0)


def order_of_axes(s: Apply) -> list[int] | None:
    """The axes of an array in the order in which what is made of it has them; None if that is not known."""
    a, *how = s.args
    if not (isinstance(a, Value) and type(a.type) is Array and is_static(how)):
        return None
    example = np.broadcast_to(0, range(1, len(a.type.dims) + 1))
    return [n - 1 for n in s.function(example, *how).shape]


def in_order(r: Any, s: Apply, a: Value, order: list[int]) -> Structure:
    """An array with its axes in this order."""
    axes = range(len(order))
    if order == [*reversed(axes)]:
        return r.replace(s, np.transpose, a, None)
    for i in axes:
        j = order.index(i)
        if [*order[:j], *order[j + 1 :]] == [n for n in axes if n != i]:
            return r.replace(s, np.moveaxis, a, i, j)
    return r.replace(s, np.transpose, a, tuple(order))


def transpose(r: Any, s: Apply) -> Structure | None:
    """`(a.T @ b).T` as `b.T @ a`, `(a.T * v).T` as `a * v[:, None]`, `(-a.T).T` as `-a`."""
    x, *axes = s.args
    return _turned(r, x) if axes == [None] and r.made_by(x, "@", "*", "-x") is not None else None


def _turned(r: Any, x: Structure) -> Structure | None:
    """The transpose of a matrix, where one that is in it goes away."""
    made = r.made_by(x, Kind.TRANSPOSE, "@", "*", "-x")
    if made is None or len(x.type.dims) != 2:
        return None
    if TABLE[made.function].kind is Kind.TRANSPOSE:
        return made.args[0] if made.args[1] is None else None
    if not r.is_last_use(x) or x in r.walk.forward:
        return None
    if TABLE[made.function].symbol == "-x":
        turned = _turned(r, made.args[0])
        return None if turned is None else r.emit(made, made.function, turned)
    a, b = made.args
    if TABLE[made.function].symbol == "@" and len(a.type.dims) == len(b.type.dims) == 2:
        first, second = _turned(r, b), _turned(r, a)
        if first is None and second is None:
            return None
        first = r.emit(made, np.transpose, b, None) if first is None else first
        second = r.emit(made, np.transpose, a, None) if second is None else second
        return r.emit(made, made.function, first, second)
    for matrix, factor in ((a, b), (b, a)) if TABLE[made.function].symbol == "*" else ():
        if _is_vector(factor) and _is_as(r, matrix, x):
            turned = _turned(r, matrix)
            if turned is not None:
                return r.emit(made, made.function, turned, r.emit(made, np.expand_dims, factor, 1))
    return None


def _is_as(r: Any, x: Structure, other: Value) -> bool:
    """Whether it is of the same shape and dtype."""
    return isinstance(x, Value) and r.same_type(x, other)


def total(r: Any, s: Apply) -> Structure | None:
    plain = positive(r, s, s.args[0])
    if plain is None:
        return None
    return r.replace(s, operator.neg, r.emit(s, s.function, plain, *s.args[1:]))


def reshape(r: Any, s: Apply) -> Structure | None:
    """Axes that a sum keeps with length 1, to be dropped at once, need not be kept."""
    made = r.made_by(s.args[0], "-x")
    if made is not None and r.is_last_use(s.args[0]):
        return r.replace(s, operator.neg, r.emit(s, s.function, made.args[0], *s.args[1:]))
    made = r.made_by(s.args[0], Kind.SUM)
    if made is None or not r.is_last_use(s.args[0]) or made.args[3] is not True:
        return None
    return r.replace(s, np.sum, *made.args[:3], False, *made.args[4:])


def as_float(r: Any, s: Apply) -> Structure | None:
    """A cast makes a float of a whole number by itself."""
    made = r.made_by(s.args[0], "*")
    if (
        made is None
        or not r.is_last_use(s.args[0])
        or made.args[0] != 1.0
        or not isinstance(made.args[1], Value)
    ):
        return None
    return r.replace(s, float, made.args[1])


# -- signs ---------------------------------------------------------------------------------------


def positive(r: Any, s: Apply, atom: Structure) -> Structure | None:
    """What `atom` is the negative of, where the sign is written in it and nobody else reads it."""
    if type(atom) in (int, float) and atom < 0:
        return -atom
    made = r.walk.definitions.get(atom) if isinstance(atom, Value) else None
    if made is None or atom in r.walk.forward:
        return None
    symbol = TABLE[made.function].symbol
    if symbol == "-x":
        return made.args[0]
    if not r.is_last_use(atom):
        return None
    if symbol in ("*", "/"):
        for i, operand in enumerate(made.args):
            plain = positive(r, s, operand)
            if plain is None:
                continue
            args = (plain, made.args[1]) if i == 0 else (made.args[0], plain)
            if (
                symbol == "*"
                and type(plain) in (int, float)
                and plain == 1
                and r.same_type(args[1 - i], atom)
            ):
                return args[1 - i]
            return r.emit(made, made.function, *args)
    if TABLE[made.function].odd:
        plain = positive(r, s, made.args[0])
        if isinstance(plain, Value):
            return r.emit(made, made.function, plain, *made.args[1:])
    if symbol == "@":
        plain = positive(r, s, made.args[1])
        if isinstance(plain, Value):
            return r.emit(made, made.function, made.args[0], plain)
    return None


# -- constants -----------------------------------------------------------------------------------


def _scale(r: Any, s: Apply, factor: float, x: Structure) -> Structure | None:
    """`factor * x`, where x has a sign or a constant of its own."""
    plain = positive(r, s, x)
    if plain is not None:
        return r.replace(s, operator.mul, -factor, plain)
    if not r.is_last_use(x):
        return None
    made = r.made_by(x, "*", "/")
    if made is None:
        return _scale_part(r, s, factor, x)
    own, rest = made.args
    if type(rest) is float and TABLE[made.function].symbol == "*":
        own, rest = rest, own
    if type(own) is not float or not _is_exact(factor, own):
        return None
    return _multiple(r, noted(s, made), made.function, factor * own, rest)


def _scale_part(r: Any, s: Apply, factor: float, x: Value) -> Structure | None:
    """`factor * (constant * y)[i]` as `constant * y[i]`."""
    part = r.walk.definitions.get(x)
    if part is None or x in r.walk.forward or not TABLE[part.function].view or not TABLE[part.function].odd:
        return None
    whole = part.args[0]
    made = r.made_by(whole, "*")
    if made is None or whole in r.walk.forward or not r.is_last_use(whole) or type(made.args[0]) is not float:
        return None
    own, rest = made.args
    if not isinstance(rest, Value) or not r.same_type(rest, whole) or not _is_exact(factor, own):
        return None
    looked_at = r.emit(part, part.function, rest, *part.args[1:])
    return _multiple(r, noted(s, made), made.function, factor * own, looked_at)


def _multiple(
    r: Any, s: Apply, function: Callable[..., Any], factor: float, x: Structure
) -> Structure | None:
    """`factor * x` or `factor / x`, the former without a factor of 1."""
    if TABLE[function].symbol == "*" and isinstance(x, Value) and x not in r.walk.integral:
        if factor == 1.0 and r.same_type(x, s.result):
            return x
        if factor == -1.0 and r.same_type(x, s.result):
            return r.replace(s, operator.neg, x)
    return r.replace(s, function, factor, x)


def noted(s: Apply, absorbed: Apply) -> Apply:
    """`s` with the gate of what goes up in it named too."""
    words = [
        w
        for note in (absorbed.note, s.note)
        for w in note.removesuffix(" gates").removesuffix(" gate").split(", ")
    ]
    names = list(dict.fromkeys(w for w in words if w))
    return replace(s, note=f"{', '.join(names)} gate{'s' if len(names) > 1 else ''}" if names else "")


def _times(r: Any, s: Apply, factor: float, x: Value) -> Value:
    """`factor * x`, joined with the constant that x begins with."""
    made = r.made_by(x, "*", "/")
    if (
        made is not None
        and r.is_last_use(x)
        and type(made.args[0]) is float
        and _is_exact(factor, made.args[0])
    ):
        own, rest = factor * made.args[0], made.args[1]
        if own == 1.0 and TABLE[made.function].symbol == "*" and r.same_type(rest, x):
            return rest
        return r.emit(noted(s, made), made.function, own, rest)
    return r.emit(s, operator.mul, factor, x)


def _weak(r: Any, s: Apply, atom: Structure) -> Structure | None:
    """`np.float32(1.0) / n` as the Python number `1.0 / n`, which takes on the dtype of its partner."""
    made = r.walk.definitions.get(atom) if isinstance(atom, Value) and not atom.type.dims else None
    if made is None:
        return None
    if made.function in (np.float32, np.float16):
        return made.args[0] if type(made.args[0]) is float else None
    if TABLE[made.function].symbol not in ("*", "/"):
        return None
    operands = [x if type(x) is float or _is_count(x) else _weak(r, s, x) for x in made.args]
    return None if None in operands else r.emit(made, made.function, *operands)


def _double(r: Any, s: Apply, a: Value) -> Structure | None:
    made = r.made_by(a, "*")
    if made is None or r.walk.counts[a] > 2:
        return r.replace(s, operator.mul, 2.0, a)
    first, second = made.args
    if isinstance(first, Value) and isinstance(second, Value):
        plain = positive(r, s, first)
        twice = _times(r, s, 2.0, first) if plain is None else _times(r, s, -2.0, plain)
        return r.replace(noted(s, made), operator.mul, twice, second)
    if isinstance(first, float) and _is_exact(2.0, first):
        return _multiple(r, s, made.function, 2.0 * first, second)
    return r.replace(s, operator.mul, 2.0, a)


def _is_exact(a: float, b: float) -> bool:
    """Whether the product of two constants is exact."""
    product = a * b
    if not math.isfinite(product):
        return False
    (m, p), (n, q), (r, s) = (x.as_integer_ratio() for x in (a, b, product))
    return m * n * s == r * p * q


def _is_power_of_two(x: float) -> bool:
    return x != 0 and math.isfinite(x) and abs(math.frexp(x)[0]) == 0.5


def _is_normal(x: float) -> bool:
    return math.isfinite(x) and abs(x) > 1e-300


def _is_count(atom: Structure) -> bool:
    """Whether an atom is a number of elements."""
    if not isinstance(atom, Value):
        return isinstance(atom, int)
    return isinstance(atom.type, Scalar) and atom.type.python and atom.type.dtype.kind == "i"


def _is_part_of(r: Any, part: Structure, whole: Structure) -> bool:
    """Whether `whole` is the sum of the exponentials `part`."""
    made = r.made_by(whole, Kind.SUM)
    if made is None or made.args[0] is not part:
        return False
    return r.made_by(part, Kind.EXP) is not None


# -- masks ---------------------------------------------------------------------------------------


def _is_zero(atom: Structure) -> bool:
    return type(atom) is float and atom == 0.0


def _choice(r: Any, atom: Structure) -> Apply | None:
    """The application that chose an atom between two by a condition, if one did."""
    made = r.walk.definitions.get(atom) if isinstance(atom, Value) else None
    return made if made is not None and TABLE[made.function].numbers.condition is not None else None


def _into_mask(r: Any, s: Apply) -> Structure | None:
    """`where(c, g, 0.0) * v` is `where(c, g * v, 0.0)`: nothing flows where c is false, whatever v is."""
    if not r.chooses:
        return None
    a, b = s.args
    symbol = TABLE[s.function].symbol
    for i, atom in enumerate(s.args[:1] if symbol == "/" else s.args):
        made = _choice(r, atom)
        if made is None or not r.is_last_use(atom) or atom in r.walk.forward:
            continue
        condition, *arms = made.args
        if not (_is_zero(arms[0]) ^ _is_zero(arms[1])):
            continue
        new = []
        for arm in arms:
            if _is_zero(arm):
                new.append(0.0)
                continue
            args = (arm, b) if i == 0 else (a, arm)
            one = symbol == "*" and type(arm) is float and arm == 1.0
            new.append(args[1 - i] if one else r.emit(s, s.function, *args))
        return r.replace(s, np.where, condition, *new)
    return None


def _join_masked(r: Any, s: Apply) -> Structure | None:
    """`where(c, a, 0.0) + where(c, 0.0, b)` is `where(c, a, b)`."""
    if not r.chooses:
        return None
    first, second = (_choice(r, atom) for atom in s.args)
    if first is None or second is None or first.args[0] is not second.args[0]:
        return None
    (condition, a, zero), (_, other_zero, b) = first.args, second.args
    if _is_zero(a) and _is_zero(b):
        a, zero, other_zero, b = other_zero, b, a, zero
    if not (_is_zero(zero) and _is_zero(other_zero)):
        return None
    return r.replace(s, np.where, condition, a, b)


def where(r: Any, s: Apply) -> Structure | None:
    """`where(c, a, where(c, b, d))` is `where(c, a, d)`, and so is that in the other arm."""
    condition, *arms = s.args
    for i, arm in enumerate(arms):
        made = _choice(r, arm)
        if made is not None and made.args[0] is condition and r.is_last_use(arm):
            new = [*arms[:i], made.args[1 + i], *arms[i + 1 :]]
            return r.replace(s, np.where, condition, *new)
    return None


def part_of_beginning(r: Any, s: Apply) -> Structure | None:
    """`x[:n][i]`: `x[i]`."""
    part, index = s.args
    made = r.made_by(part, Kind.PART, Kind.SUBLIST)
    if made is None or type(index) is not int or index < 0:
        return None
    beginning = made.args[1]
    if isinstance(beginning, slice) and (beginning.start, beginning.step) == (None, None):
        return r.replace(s, operator.getitem, made.args[0], index)
    return None


ARITHMETIC: dict[str, Callable[[Any, Apply], Structure | None]] = {
    "+": add, "-": subtract, "-x": negative, "*": multiply, "/": divide, "@": product,
}  # fmt: skip
ALGEBRA: dict[Kind | None, Callable[[Any, Apply], Structure | None]] = {
    Kind.SUM: total, Kind.RESHAPE: reshape, Kind.FLOAT: as_float, Kind.PART: part_of_beginning,
    Kind.CHOICE: where, Kind.TRANSPOSE: transpose,
}  # fmt: skip
