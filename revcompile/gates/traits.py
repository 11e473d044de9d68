"""What a gate's record says of an operation besides its rule: its *facts*.

Whoever needs a fact asks the record, `TABLE[function].memory`, and names no gate. Imports `numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, TypedDict

from revcompile.gates.numbers import Numbers


class Memory(Enum):
    """In whose memory the result of an operation is."""

    NEW = "what it computes: two calls on the same arguments give what is the same in all but memory"
    FRESH = "an array or a list that is made to be written into: two calls give two of them"
    COPY = "so, with the content of the first operand"
    SAME = "the first operand, under another name"
    ITSELF = "the first operand itself, if that has the type of the result"
    VIEW = "the memory of the first operand, which can be written through the result"
    REGULAR = (
        "a view where the steps of the array allow it, as they do in C order or along one axis; a copy else"
    )
    IN_ORDER = "a view where the elements of the array lie in C order; a copy else"
    READ_ONLY = "the memory of the first operand, which cannot be written through the result"
    STRETCHED = "so, with elements that stand in several places: a copy is larger than the operand"
    SPREAD = "perhaps so, or an operand itself; whether it can be written is not known"
    SHARED = "perhaps the memory of an operand; whether it can be written through the result is not known"


OWN = frozenset({Memory.FRESH, Memory.COPY})
COMPUTED = frozenset({Memory.NEW, *OWN})
ONLY_READ = frozenset({Memory.READ_ONLY, Memory.STRETCHED})
UNWRITABLE = frozenset({*ONLY_READ, Memory.SPREAD, Memory.SHARED})


class Kind(Enum):
    """What an operation is to those that rewrite or reverse it, whatever the function is called."""

    SUM = "the sum of the elements"
    STRETCH = "its operand, which stands in several places of a larger shape"
    UNSTRETCH = "a gradient of what was stretched, summed to what that was"
    RESHAPE = "the same elements, in other axes"
    TRANSPOSE = "the axes in another order"
    FLAT = "the elements, counted in C order: their array is written by their numbers, however it lies"
    COUNTING = "numbers with equal steps, from 0"
    UNIT = "a matrix with ones on a diagonal, and zeros elsewhere"
    EXP = "the exponential function"
    QUOTIENT = "a quotient that stays zero where the upstream gradient is zero, whatever divides it"
    CHOICE = "one of two operands, as a condition says"
    FLOAT = "Python's float of a number"
    PART = "what stands at an index"
    SUBLIST = "the part of a list that the run makes long"
    ITEM_LENGTH = "the length of an axis of its items"
    SCATTER = "its operand at an index, zeros elsewhere"
    SCATTER_SUM = "so, where an index may name a place twice"
    ADD_AT = "an array to which something is added at an index"
    STORE = "an array with something else at an index"
    APPEND = "a list with an item more"
    POP = "a list with an item less, and the item"
    CALL = "a call of a function that has a gradient of its own, or of half of that"
    KEEP = "what notes the state with which a trip of a loop begins"
    GO_BACK = "what gives those states again, the last first"
    TAKE_BACK = "the next of these"
    ARRAY = "an array of what is in a list"
    FORMATTED = "an f-string"
    CONSTANT = "its operand, with which no gradient flows"
    HOOK = "its operand, with whose gradient something is done"
    PROBE = "what tells a picture of a value"


class Line(Enum):
    """How an operation is written that is no expression: in lines of its own."""

    ADD = "old += extra"
    SUBTRACT = "old -= extra"
    ADD_AT = "old[index] += extra"
    ADD_MANY = "add_many(old, index, extra)"
    SCATTER = "zeros, then the elements"
    STORE = "a[index] = value"
    APPEND = "rows.append(x)"
    POP = "x = rows.pop()"
    CHECK = "if x is None: raise UnboundLocalError"
    NUMBERS = "if x != x or y != y: raise OverflowError"
    ASSERT = "assert condition, message"
    BARE = "the expression alone"
    KEEP = "if trip == states.due: states.keep(state)"
    YIELD = "yield state"
    HEADING = "a comment"


class Text(NamedTuple):
    """What decides how an application is written, besides its arguments."""

    result: Any  # its type
    textbook: bool  # whether each gate is to be seen as what it is


class Traits(TypedDict, total=False):
    """The facts of an operation as they are told where it is registered; `Gate` says what each means."""

    linear: tuple[tuple[int, ...], ...]
    joins: bool
    tangent: Callable[..., Any] | None
    memory: Memory
    copies: Callable[..., Any] | None
    in_order: bool | Callable[..., Any]
    writes: bool
    reads_late: bool
    in_place: Callable[..., Any] | None
    added_to: Callable[..., Any] | None
    kind: Kind | None
    of_items: Callable[..., Any] | None
    of_scalar: Callable[..., Any] | None
    folds: Callable[..., Any] | None
    means: Callable[..., Any] | None
    parts: Callable[..., Any] | None
    symbol: str
    mirrored: str
    python: Callable[..., Any] | None
    written: str | Callable[..., str]
    line: Line | None
    cheap: bool
    raises: bool
    tests: bool
    of_shape: bool
    picks: bool
    passes_none: bool
    casts: bool
    odd: bool
    extreme: bool
    power: float
    squared: Callable[..., Any] | None
    root: Callable[..., Any] | None
    shift: Callable[..., Any] | None
    numbers: Numbers
