"""Calls that are made as they are: of what has no rule, where nothing that is differentiated enters.

`np.unique(labels)`, `frame["age"].to_numpy()`, a function of the user's with a `try` in it. Such a call is a
statement like any other, made when the program gets there, once. What it gives is found out by making it
(`frontend/foreign`) and is checked at each call from then on. Whether something that is differentiated enters
is known when all is lowered: the plan of a differentiation refuses that (`autodiff/plan`).
Imports the IR and the gate table.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from revcompile.errors import HostError, Place, UnsupportedError, an
from revcompile.foreign import ChangedArguments, ChangedKind, ChangedState, changing, copies_of, kind_of
from revcompile.gates.options import signature_of
from revcompile.gates.record import TANGENT, Gate
from revcompile.gates.sparse import is_sparse
from revcompile.gates.traits import Memory
from revcompile.given import MANY, Fixed, Given, Held, Items, make_object
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import EMPTY, Instance, Structure, Value
from revcompile.ir.rebuild import replace
from revcompile.ir.types import ONE, Array, Foreign, Opaque, Rows, Scalar, scalar_type
from revcompile.lazy import lazy

TOO_MANY = 10_000
MAX_CHANGES = 16  # of the kinds of what calls give, in one call of a gradient
MAX_WASTED = 8  # of what is noted while compiling, and is not asked for afterwards
TEXT = Opaque("str")


@dataclass(eq=False)
class ForeignCall:
    """One such call. Its arguments are what is called (or of what an attribute or an item is read), the
    positional arguments, and the options.

    `pure`: it does nothing but give its result, which shares memory with nothing. `excused`: what is
    differentiated may enter, since the user says that the result is a constant, or since there is none.
    """

    form: str  # "call", "method", "attribute", "item", "changing" (see `Given`); "display", of what is made;
    # "read", of a place of the program
    attribute: str  # of a method or an attribute, the name
    pattern: Any  # what it gives, see `pattern_of`
    kind: str | None  # the same in words, to be checked; None where that is certain
    refusal: UnsupportedError  # what is said where something that is differentiated enters
    pure: bool
    excused: bool
    only_shows: bool  # it has an effect, and no result
    copies: Callable[[], bool]  # whether what the program has made is passed as a copy
    watched: Callable[[], dict[str, str]] = dict  # what it must leave alone, as the program has it
    key: Any = None  # what names it in every attempt to compile

    @property
    def name(self) -> str:
        return self.attribute or "call"

    @property
    def effects(self) -> bool:
        return not self.pure

    @lazy
    def gate(self) -> Gate:
        return Gate(
            self.name, (self,), ("first", "args", "options"), memory=Memory.SHARED, types=self._types,
            last=not self.excused,
        )  # fmt: skip

    def _types(self, facts: Facts, *_: Any) -> Any:
        return types_of(self.pattern, facts)

    def __call__(self, first: Any, args: Any, options: Any) -> Any:
        return act(self.form, self.attribute, first, args, options)


def act(form: str, attribute: str, first: Any, args: Any, options: Any) -> Any:
    """Do what a call of this form stands for."""
    if form == "display":
        return made(first)
    if form == "changing":
        own, changes, *args = args
        return changing(own, changes, first, *args, **options)
    if form == "attribute":
        return getattr(first, attribute)
    if form == "item":
        return first[args[0]]
    function = getattr(first, attribute) if form == "method" else first
    return function(*args, **options)


def made(structure: Structure) -> Any:
    """An object, a list or a dict as it is when the program runs."""
    if isinstance(structure, Instance) and structure.cls is list:
        return _items(*structure.attributes.values())
    if isinstance(structure, Instance):
        return make_object(structure.cls, **structure.attributes)
    return structure.copy()


def _items(content: Any) -> list[Any]:
    """The items of a growing list: a list, or several of the items' parts."""
    if isinstance(content, tuple):
        return list(zip(*map(_items, content)))
    return [] if content is EMPTY else list(content)


def try_out(form: str, attribute: str, first: Any, args: Any, options: Any) -> Any:
    """The same on copies of what it may change, to find out what it gives."""
    return act(form, attribute, copies_of(first), *copies_of((args, options)))


def pattern_of(outcome: Any, many: int = MANY) -> Any:
    """What is known of a result: types without lengths, in a structure of tuples and lists; None for None."""
    if outcome is None or isinstance(outcome, Fixed):
        return outcome
    if type(outcome) is Items:
        return _rows(outcome)
    if type(outcome) is Held:
        return tuple(pattern_of(item) for item in outcome)
    if type(outcome) in (tuple, list) or (isinstance(outcome, tuple) and hasattr(outcome, "_make")):
        if len(outcome) <= many:
            items = [pattern_of(item) for item in outcome]
            return type(outcome)(*items) if hasattr(outcome, "_fields") else type(outcome)(items)
    if type(outcome) is np.ndarray and outcome.dtype.kind in "fiub" and outcome.dtype.isnative:
        return Array(outcome.dtype, (None,) * outcome.ndim)  # type: ignore[arg-type]
    if type(outcome) in (bool, int, float) or (
        isinstance(outcome, np.generic) and outcome.dtype.kind in "fiub"
    ):
        return scalar_type(outcome)
    if type(outcome) is str:
        return TEXT
    return foreign_type(outcome)


def _rows(items: Items) -> Any:
    """What is known of a growing list."""
    kinds = [pattern_of(x) for x in items.kinds]
    if not kinds:
        return EMPTY
    first = kinds[0]
    if any(k != first for k in kinds) or not isinstance(first, (Scalar, Array)):
        raise UnsupportedError(f"a list whose length only the run decides would hold {items.kind}")
    return Rows(first.dtype, (None, *first.dims), python=getattr(first, "python", False))  # type: ignore[arg-type]


def foreign_type(obj: Any) -> Foreign:
    """The type of an object that is no number and no array. A sparse matrix has lengths, yet to come."""
    cls = type(obj)
    if is_sparse(cls) and obj.ndim == 2:
        return Foreign(cls.__name__, cls, obj.dtype, (ONE, ONE))
    return Foreign(f"{obj.dtype} array" if cls is np.ndarray else cls.__name__, cls)


def either(pattern: Any, kind: str, outcome: Any) -> tuple[Any, str] | None:
    """What is known of a call that gives now one thing, now another; None where that is nothing.

    Of numbers, the kind that they have together, as where two branches meet; of containers of several
    lengths, which one. What gives a whole number and a float gives floats.
    """
    other = pattern_of(outcome)
    if isinstance(pattern, Scalar) and isinstance(other, Scalar):
        return _together(pattern, other), f"{kind} or {kind_of(outcome)}"
    for container in (list, tuple, dict):
        if type(outcome) is container and kind.startswith(f"{container.__name__}("):
            return foreign_type(outcome), container.__name__
    if isinstance(pattern, Foreign) and pattern == other:
        return pattern, f"{kind} or {kind_of(outcome)}"
    return None


def _together(a: Scalar, b: Scalar) -> Scalar:
    """The kind of a number that is the one or the other: a Python number takes a NumPy number's."""
    weak = [{"b": False, "i": 0, "f": 0.0}[t.dtype.kind] for t in (a, b) if t.python]
    whole = [t.dtype for t in (a, b) if not t.python]
    if whole:
        return Scalar(np.result_type(*whole, *weak))
    return Scalar(np.result_type(a.dtype, b.dtype), python=True)


def types_of(pattern: Any, facts: Facts) -> Any:
    """The types of a result, each length one of its own."""
    if isinstance(pattern, (tuple, list)):
        items = [types_of(p, facts) for p in pattern]
        return type(pattern)(*items) if hasattr(pattern, "_fields") else type(pattern)(items)
    if isinstance(pattern, Array):
        return replace(pattern, dims=tuple(facts.fresh() for _ in pattern.dims))
    if isinstance(pattern, Scalar) and pattern.python and pattern.dtype.kind == "i":
        return Scalar(pattern.dtype, python=True, extent=facts.fresh())
    if isinstance(pattern, Foreign) and pattern.lengths:
        return replace(pattern, lengths=tuple(facts.fresh() for _ in pattern.lengths))
    return pattern


class NotKnownYet(Exception):
    """A call whose result is not known yet was reached, and is known now: compile again."""


class Unfinished(NotKnownYet):
    """The place of that number, which could not be compiled as such a call comes before it, was reached."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Learning:
    """What calls as they are have given so far, by their places and what was passed to them."""

    def __init__(self) -> None:
        self.allowed = True  # whether a call may be made to find out what it gives
        self.patterns: dict[Any, tuple[Any, str]] = {}
        self.changes: dict[Any, tuple[Any, ...]] = {}  # what calls change of what they are given, see `Given`
        self.state: set[str] = set()  # the texts of paths in the program where calls change what is there
        self.refusals: dict[Any, UnsupportedError] = {}  # of what is called since it could not be read
        self.outcomes: dict[Any, Any] = {}  # of the calls made in this compilation
        self.guards: dict[Any, Any] = {}  # of what this compilation has read of the program
        self._keys: list[Any] = []
        self.begin()

    def begin(self) -> None:
        """What is kept for one compilation."""
        self.outcomes.clear()
        self.changing: list[Any] = []  # what is called that may change the program
        self._noted = False
        self._unused: Any = None  # the key noted last, until it is asked for
        self._wasted = 0  # how many keys were never asked for

    @contextmanager
    def forbidden(self) -> Iterator[None]:
        """Inside, no call is made: the arguments are made up."""
        self.allowed = False
        try:
            yield
        finally:
            self.allowed = True

    def is_stuck(self) -> bool:
        """Whether nothing was noted since this was asked last, or what is noted is not asked for."""
        stuck = not self._noted or self._wasted > MAX_WASTED
        self._noted = False
        return stuck

    def of(self, key: Any) -> tuple[Any, str] | None:
        """What is known of a call."""
        if key == self._unused:
            self._unused = None
        return self.patterns.get(key)

    def number_of(self, key: Any) -> int:
        """The number of a call for `find_out`."""
        self._keys.append(key)
        return len(self._keys) - 1

    def note(self, key: Any, outcome: Any, many: int = MANY) -> None:
        if many > MANY and type(outcome) in (tuple, list) and len(outcome) > TOO_MANY:
            raise UnsupportedError(
                f"{len(outcome):,} items that a call gives would have to be gone through while compiling",
                way_out="A loop over a range, or over the rows of an array, stays a loop.",
            )
        self._wasted += self._unused is not None
        self._noted, self._unused = True, key
        self.patterns[key] = (pattern_of(outcome, many), kind_of(outcome))

    def has_changed(self, change: ChangedKind, times: int, places: Sequence[Place]) -> None:
        """A call gave something of another kind than is noted: find all out again, then note either."""
        if times > MAX_CHANGES:
            raise UnsupportedError(
                str(change),
                next(iter(places), None),
                "Let it give things of one kind: numbers, or arrays of one dtype and rank, as float(...) and "
                "np.asarray(..., dtype=float) do.",
            ) from None
        if isinstance(change, ChangedState):
            if change.in_place:
                way_out = "Let it give a new array, and use that; or pass the array as an argument."
                raise UnsupportedError(str(change), next(iter(places), None), way_out) from None
            self.state |= change.paths
            return
        if times == 1 or isinstance(change, ChangedArguments):
            self.patterns.clear()
        for key, (pattern, kind) in self.patterns.items():
            found = either(pattern, kind, change.outcome) if kind == change.kind else None
            if found is not None:
                self.patterns[key] = found

    def find_out(
        self, number: int, form: str, attribute: str, many: int, first: Any, args: Any, options: Any
    ) -> Exception:
        """Make a call, and note what it gives."""
        self.note(
            self._keys[number], self.tried(self._keys[number], form, attribute, first, args, options), many
        )
        return NotKnownYet()

    def tried(self, key: Any, form: str, attribute: str, first: Any, args: Any, options: Any) -> Any:
        """What a call gives; what it changes of its arguments is noted."""
        if form != "changing":
            return try_out(form, attribute, first, args, options)
        own, _, *args = args
        given = Given(own)
        outcome = given.make(first, args, options)
        known = self.changes.get(key, ())
        self.changes[key] = (*known, *sorted(given.changes().difference(known), key=repr))
        return given.left(outcome, self.changes[key])


# -- gates of the user's -----------------------------------------------------------------------------


def like(what: Any, signature: inspect.Signature, name: str) -> Callable[..., Any]:
    """The type rule of a gate whose result is like one of its parameters, or like an example."""
    if not isinstance(what, str):
        pattern = pattern_of(what)
        items = pattern if isinstance(pattern, (tuple, list)) else (pattern,)
        if not all(isinstance(t, (Array, Scalar)) for t in items):
            text = (
                f"like: what {name} gives is like a parameter, by its name, or like an example, which is a "
                f"number, an array or a tuple of them, and not {an(type(what).__name__)}"
            )
            raise HostError(TypeError(text))
        return lambda facts, *_: types_of(pattern, facts)
    names = list(signature.parameters)
    if what not in names:
        raise HostError(ValueError(f"like: {name} has no parameter {what!r}; it has {', '.join(names)}"))
    at = names.index(what)

    def types(facts: Facts, *args: Any) -> Any:
        given = args[at]
        return given.type if isinstance(given, Value) else types_of(pattern_of(given), facts)

    return types


def check_tangent_rule(rule: Callable[..., Any], signature: inspect.Signature, name: str) -> None:
    """Raises ValueError where a tangent rule does not begin with tangents of parameters."""
    found = [n for n in signature_of(rule).parameters if n.startswith(TANGENT)]
    given = [f"{TANGENT}{n}" for n in signature.parameters]
    if not found or list(signature_of(rule).parameters)[: len(found)] != found or set(found) - set(given):
        text = f"the tangent rule of the gate {name!r} takes first tangents, named {', '.join(given)}"
        raise HostError(ValueError(f"{text}; then [y,] {', '.join(signature.parameters)}"))


def forward_half(forward: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`forward`, which must give a pair; with what it saves go the arguments' shapes."""

    @wraps(forward)
    def checked(*args: Any, **options: Any) -> Any:
        outcome = forward(*args, **options)
        if type(outcome) is not tuple or len(outcome) != 2:
            raise TypeError(
                f"the forward= function of the gate {name!r} must return a pair, its output and what it "
                f"saves for the backward pass, not {_described(outcome)}"
            )
        return outcome[0], (
            outcome[1],
            [(type(a), getattr(a, "shape", ()), getattr(a, "dtype", None)) for a in args],
        )

    return checked


def backward_half(backward: Callable[..., Any], many: int, name: str) -> Callable[..., Any]:
    """`backward`, which must give one gradient or a tuple of at most `many`, and of those `needed` at least.

    None is a zero.
    """

    @wraps(backward)
    def checked(grad_y: Any, saved: Any, needed: int = many) -> Any:
        saved, operands = saved
        outcome = backward(grad_y, saved)
        given = outcome if type(outcome) is tuple else (outcome,)
        if isinstance(outcome, (list, dict)) or not needed <= len(given) <= many:
            least = f", at least of the first {needed}" if len(given) < needed else ""
            raise TypeError(
                f"the rule of the gate {name!r} must return the gradients of its {many} parameters, "
                f"one or a tuple{least}, not {_described(outcome)}"
            )
        given = tuple(
            _zero(*of) if g is None else _fitting(g, of, name, i)
            for i, (g, of) in enumerate(zip(given, operands))
        )
        return given[0] if many == 1 else given + (None,) * (many - len(given))

    vars(checked)["__signature__"] = inspect.signature(checked, follow_wrapped=False)
    return checked


def _fitting(g: Any, operand: tuple[type, tuple[int, ...], Any], name: str, place: int) -> Any:
    """A gradient as it is, if it has its operand's shape, or one to which that is broadcast; a zero for 0."""
    _, shape, _ = operand
    found = np.asarray(g)
    own, is_real = found.shape, found.dtype.kind in "fiub"
    if is_real and (own == shape or _is_broadcast(shape, own)):
        return g
    if is_real and not own and not found:
        return _zero(*operand)
    what = f"of shape {own}" if is_real else f"{an(type(g).__name__)} of dtype {found.dtype}"
    raise TypeError(
        f"the rule of the gate {name!r} must return real gradients of its parameters' shapes; that of "
        f"parameter {place + 1}, of shape {shape}, is {what}"
    )


def _is_broadcast(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(to) >= len(shape) and all(m in (n, 1) for m, n in zip(shape[::-1], to[::-1]))


def _zero(kind: type, shape: tuple[int, ...], dtype: Any) -> Any:
    """The zero gradient of an operand."""
    if dtype is None:
        return 0.0
    return np.zeros(shape, dtype if dtype.kind == "f" else float)[... if issubclass(kind, np.ndarray) else ()]


def _described(outcome: Any) -> str:
    if isinstance(outcome, (tuple, list)):
        return f"{an(type(outcome).__name__)} of {len(outcome)}"
    return "None" if outcome is None else f"{an(type(outcome).__name__)}"
