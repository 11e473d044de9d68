"""What the numbers of an operation may be, which a gate's record states for the analyses of `dataflow/`.

Sets are whole numbers whose bits are the members, so that a union is `|`. Imports NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# The signs that a number may have, NaN apart.
NEGATIVE, ZERO, POSITIVE = 1, 2, 4
ANY_SIGN = NEGATIVE | ZERO | POSITIVE

# Why a number may be infinite or NaN.
LARGE = 1  # it is a product, of numbers beyond 1e150 or so
EXPONENTIAL = 2  # it is an exponential, of a number beyond 700
SINGULAR = 4  # it was divided by zero, or is not defined
GIVEN = 8  # it follows from an argument of which the program asks whether it is NaN or infinite
AT_ONCE = 16  # a number that may be zero has divided all of it: no element is finite where another one is not
INSIDE = 32  # so, but for a few elements at the ends of its axes
UNIFORM = AT_ONCE | INSIDE
OVERFLOW = LARGE | EXPONENTIAL

# Where the cotangent of a value may be zero.
WHOLE = 1  # everywhere, in a run that goes another way; or as a part, that is not read, of something else
PARTS = 2  # in elements that are not read
CHOSEN = 4  # in elements that a condition of the program's leaves out
TRIP = 8  # everywhere, in one trip of a loop
LOST = 16  # in elements that lost against others
ENDS = 32  # in a few elements at the ends of its axes, which are not read

UNREAD_ITEM = PARTS | LOST | ENDS  # what may be all of an item
UNREAD_PART = PARTS | LOST  # what may be all of a part that is longer than that

SignRule = Callable[..., int]  # of the arguments of a call, and of the sign of each
Tells = Callable[..., bool]  # of the arguments
Select = Callable[..., tuple[int, ...]]  # of the arguments
Sends = Callable[[Any, int], int]  # of the arguments, and of which of them


@dataclass(frozen=True)
class Numbers:
    """Operands are named by their position in the signature."""

    sign: int | SignRule = ANY_SIGN  # of the result
    grows: int | SignRule = 0  # LARGE or EXPONENTIAL: how the result may overflow though its operands do not
    slope_grows: int | SignRule = (
        0  # how a local gradient may, if that is no number which the forward pass computes
    )
    pole: int | None = None  # the operand whose being zero is all that makes the gate singular
    pole_at: int = ZERO  # with which signs of that operand
    raises_there: bool = False  # of Python's numbers, it raises there
    undefined: int | SignRule = 0  # for which signs of its first operand the gate is NaN
    steep: bool | Tells = False  # a local gradient may be infinite, though the rule itself keeps zeros
    saturates: tuple[int, ...] | Select = ()  # the operands in which it is constant at infinity
    saturates_at: int = NEGATIVE | POSITIVE  # at which
    zeros: int | Sends = 0  # where it sends zeros back
    within: int | Sends = 0  # which zeros of the result may be all that there is of an operand, a part of it
    passes: bool = False  # the rule passes the upstream gradient on as it is, or zero, by no product
    chooses: bool | Tells = False  # the rule multiplies by zero where it sends nothing back
    at_least: int | None = None  # the result is not below this operand
    difference: bool = False  # it subtracts the second operand from the first
    condition: int | None = None  # the operand that chooses between the next two
    asks: bool = False  # whether a number is NaN or infinite matters to it as to nothing else
    pointwise: bool = False  # an element of the result follows from those at its place alone
    reduces: bool = False  # it follows from those along the parameter `axis` of the first operand
    as_read: Callable[..., Any] | None = None  # a rule: the operands without what meets zeros alone backwards
    harmless: float = 0.5  # an operand of which it is finite, and so is its slope

    @property
    def risky(self) -> tuple[int, ...]:
        """The operands of some values of which it is infinite or NaN."""
        first = (0,) if self.undefined else ()
        return first if self.pole is None else (*first, self.pole)


PLAIN = Numbers()


def sign_of(number: Any) -> int:
    """The sign of a number that is known while compiling."""
    if not isinstance(number, (int, float, np.number)) or number != number:
        return ANY_SIGN
    return POSITIVE if number > 0 else ZERO if number == 0 else NEGATIVE


def negated(sign: int) -> int:
    return sign & ZERO | (POSITIVE if sign & NEGATIVE else 0) | (NEGATIVE if sign & POSITIVE else 0)


def size(sign: int) -> int:
    """Of an absolute value."""
    return sign & ZERO | (POSITIVE if sign & (NEGATIVE | POSITIVE) else 0)


def added(a: int, b: int) -> int:
    if (a & NEGATIVE and b & POSITIVE) or (a & POSITIVE and b & NEGATIVE):
        return ANY_SIGN
    return (a | b) & ~ZERO | (a & b & ZERO)


def times(a: int, b: int) -> int:
    same = a & b & POSITIVE or a & b & NEGATIVE
    unlike = (a & NEGATIVE and b & POSITIVE) or (a & POSITIVE and b & NEGATIVE)
    return (a | b) & ZERO | (POSITIVE if same else 0) | (NEGATIVE if unlike else 0)


def largest(*signs: int) -> int:
    found = 0
    for s in signs:
        found |= s
    if POSITIVE in signs:
        return POSITIVE
    return found & ~NEGATIVE if any(not s & NEGATIVE for s in signs) else found


# Rules for the sign of a result.


def same_sign(args: Any, sign: int, *_: int) -> int:
    """The first operand's."""
    return sign


def sign_of_negative(args: Any, sign: int) -> int:
    return negated(sign)


def sign_of_size(args: Any, sign: int) -> int:
    return size(sign)


def sign_of_root(args: Any, sign: int) -> int:
    return sign & POSITIVE | (ZERO if sign != POSITIVE else 0)


def sign_of_sum(args: Any, a: int, b: int) -> int:
    return added(a, b)


def sign_of_difference(args: Any, a: int, b: int) -> int:
    return added(a, negated(b))


def sign_of_product(args: Any, a: int, b: int) -> int:
    return size(a) if args[0] is args[1] else times(a, b)


def sign_of_power(args: Any, base: int, exponent: int) -> int:
    if not base & NEGATIVE:
        return base
    return size(base) if isinstance(args[1], int) and args[1] % 2 == 0 else ANY_SIGN


def sign_of_larger(args: Any, *signs: int) -> int:
    return largest(*signs)


def sign_of_smaller(args: Any, *signs: int) -> int:
    return negated(largest(*map(negated, signs)))


# Rules for how a result grows.


def grows_if_both_vary(args: Any, *signs: int) -> int:
    """A product of two numbers of which neither is known while compiling, or of a huge one."""
    return LARGE if all(not isinstance(a, (int, float)) or abs(a) > 1e100 for a in args) else 0


def grows_above_zero(args: Any, sign: int) -> int:
    """An exponential overflows where its operand may be positive."""
    return EXPONENTIAL if sign & POSITIVE else 0
