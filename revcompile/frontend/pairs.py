"""Calls of the user's functions: which are interpreted where they stand, and which are calls of a pair.

A function that is not small is lowered on its own, once for each signature, into a `Pair`; so is a function
that calls itself as often as only the run decides. How long a function is shows when it is lowered, at its
first call. What shows later only (it is called twice within itself, or it is recursive) is a reason to lower
all again, with the decision ("pair", signature) or ("recursive", function). All other calls are
interpreted in place: of small functions, of a function in itself as often as is known while compiling (but
for what is so called twice), and of what is not provably a function of its arguments alone, since it writes
into them, gives a part of them, or draws random numbers.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

from revcompile.errors import HostError, UnsupportedError
from revcompile.frontend import recursive
from revcompile.frontend.alone import (
    Lowered,
    Node,
    emit,
    finish,
    lower_alone,
    may_be_called,
    name_of,
    outside,
    own_types,
    parts_of,
)
from revcompile.frontend.names import is_library
from revcompile.frontend.needed import number_at_hand
from revcompile.frontend.parts import Inseparable, Parts, identity
from revcompile.gates.halves import Half, Pair
from revcompile.ir.nodes import Apply, Block, Structure, Value, applications
from revcompile.ir.types import Array, Scalar, Type
from revcompile.syntax.abstract import Frame, Left, NeedStatic, Restart
from revcompile.syntax.source import find_source

if TYPE_CHECKING:
    from revcompile.frontend.lower import Lowering

SMALL = 12  # applications up to which a function is interpreted where it is called
OF_A_CALL = 20  # operations of the interpreter's that a call costs
FEW = 5  # operations in the text of a function that is taken to be small before it is interpreted
MANY = 100
LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp)
OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.AugAssign, ast.BoolOp, ast.If)


class Pairs:
    """What one lowering knows of the functions that it meets."""

    def __init__(self) -> None:
        self.inlined: list[Inlined] = []
        self.around: list[Inlined] = []  # the calls that are being interpreted, the innermost last
        self.known: dict[Any, Lowered | None] = {}  # by signature; None: it is interpreted in place
        self.large: set[Any] = set()  # signatures of what was interpreted in place and is not small
        self.lengths: dict[Pair, int] = {}
        self.found: set[Any] = set()  # those of which it was found out late that they are called twice
        self.recursive: dict[Any, list[Lowered]] = {}  # by function
        self.attempts: list[Lowered] = []  # recursive functions that are being lowered
        self.nested: Counter[Any] = Counter()  # calls of a function in itself under conditions, by function
        self.making = 0  # functions that are being lowered on their own, to see whether they can be
        self.weights: dict[ast.AST, int] = {}  # about how long functions are, see `_weight`
        self.closed = 0  # where no pairs are made, since their gradients are differentiated again
        # Of their differentiation, see `autodiff/halves`: the variants, those that are being made, which one
        # it is whose forward half gives what is saved, and what is saved for gradients within the program.
        self.variants: dict[Any, Any] = {}
        self.open: list[Any] = []
        self.chosen: dict[Value, Any] = {}
        self.settled: set[Value] = set()

    @contextmanager
    def none(self) -> Iterator[None]:
        self.closed += 1
        try:
            yield
        finally:
            self.closed -= 1

    def made(self) -> list[Pair]:
        """The pairs that there are."""
        found = [*self.known.values(), *(one for items in self.recursive.values() for one in items)]
        return [lowered.pair for lowered in found if lowered is not None]

    def keep_called(self, block: Block) -> None:
        """Forget the pairs that are not called, after all: attempts have called them that were given up."""
        halves = (s.function for s in applications(block) if isinstance(s.function, Half))
        called = {pair for half in halves for pair in half.pair.reached()}
        self.known = {k: one for k, one in self.known.items() if one is None or one.pair in called}

    def wanted(self, block: Block) -> frozenset[tuple[str, Any]]:
        """The decisions to make pairs of what was interpreted in place, and is not small."""
        functions = [pair.function for pair in self.made()]
        alive = {v for b in (block, *(f.body for f in functions if f is not None)) for v in b.defined}
        seen: set[Any] = set()
        found: set[Any] = set()
        for call in self.inlined:
            if call.witness in alive and not any(outer.again for outer in call.outer):
                call.again = call.key in seen
                seen.add(call.key)
                if call.again or not call.is_recursive:
                    found.add(call.key)
        tried = {key for key, lowered in self.known.items() if lowered is None}
        return frozenset(("pair", key) for key in (found | self.found) - tried)


@dataclass(eq=False)
class Inlined:
    """A call that was interpreted where it stands: not a small one."""

    key: Any
    outer: tuple[Inlined, ...]
    witness: Value | None = None  # one of the values that it made
    again: bool = False

    @property
    def is_recursive(self) -> bool:
        function, *_ = self.key
        return any(outer.key[0] == function for outer in self.outer)


def call(low: Lowering, node: Node, frame: Frame) -> Structure:
    """The structure that a call denotes; `frame` begins with the arguments' names."""
    if frame.is_rule:
        return low.body(node, frame)
    low.work(OF_A_CALL)
    if ("recursive", frame.key(node)) in low.decisions:
        return recursive.call(low, node, frame)
    if own_calls(node) and all(f.activation != frame.key(node) for f in low.frames):
        return _outermost(low, node, frame)
    return _call(low, node, frame)


def _outermost(low: Lowering, node: Node, frame: Frame) -> Structure:
    """A call of a function that calls itself. If only the run decides how deep that goes, it is decided here;
    so is for which whole numbers it is compiled."""
    decision = ("recursive", frame.key(node))
    names = frame.names
    while low.decisions.may_make(decision):
        inner = replace(frame, names=dict(names), unset=set(), outer={})
        try:
            with low.tentatively():
                result = _call(low, node, inner)
            low.decisions.miss(decision)
            return result
        except Restart as restart:
            if restart.decisions != {decision}:
                raise
            low.decisions.make(decision)
        except NeedStatic as need:
            if need.decision != decision:
                raise
            if low.needed.note(low, need):
                n = low.needed.settle(low, need, partial(number_at_hand, low, need.value))
                names = {name: n if v is need.value else v for name, v in names.items()}
                if all(v is not n for v in names.values()):
                    raise
            else:
                low.decisions.make(decision)
    if decision in low.decisions:
        return recursive.call(low, node, replace(frame, names=dict(names)))
    return _call(low, node, frame)


def _call(low: Lowering, node: Node, frame: Frame) -> Structure:
    pairs = low.pairs
    if pairs.closed or low.frames[-1].function.__dict__.get("interpreted"):
        return low.body(node, frame)
    try:
        parts = parts_of(low, node, frame, together=True)
    except Inseparable:
        return low.body(node, frame)
    key, types = _signature(low, identity(frame, node), parts)
    decided = ("pair", key) in low.decisions
    if decided or key in pairs.large or _may_be_large(low, node, frame, key):
        if key not in pairs.known:
            pairs.around.append(Inlined(key, tuple(pairs.around)))
            try:
                pairs.known[key] = _make(low, node, frame, parts, types, decided)
            finally:
                pairs.around.pop()
        lowered = pairs.known[key]
        if lowered is not None and may_be_called(low, lowered):
            if not decided and key in pairs.large:
                pairs.found.add(key)
            return emit(low, lowered, parts.atoms)
    return _inline(low, node, frame, key)


def _may_be_large(low: Lowering, node: Node, frame: Frame, key: Any) -> bool:
    """Whether to find out at the first call how long a function is.

    One that is being interpreted waits, if it calls itself once: most such are interpreted in place.
    """
    function, *_ = key
    if own_calls(node) < 2 and any(outer.key[0] == function for outer in low.pairs.around):
        return False
    return bool(own_calls(node)) or _weight(low, node, frame) > FEW


def _weight(low: Lowering, node: Node, frame: Frame) -> int:
    """About how many statements the text of a function gives, with those of what it calls by name."""
    return _weight_of(node, frame.function, low.pairs.weights)


def _weight_of(node: ast.AST, function: Any, known: dict[ast.AST, int]) -> int:
    if node not in known:
        known[node] = found = _operations(node)
        for name in _called(node) if found <= FEW else ():
            inner = function.__globals__.get(name)
            if isinstance(inner, FunctionType) and not is_library(inner):
                with suppress(UnsupportedError):  # which is said where it is called
                    found += _weight_of(find_source(inner).node, inner, known)
        known[node] = found
    return known[node]


@lru_cache(maxsize=256)
def _called(node: ast.AST) -> tuple[str, ...]:
    """The functions that a text calls by name, as often as it does."""
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return tuple(f.id for f in calls if isinstance(f, ast.Name))


@lru_cache(maxsize=256)
def own_calls(node: Node) -> int:
    """How often a function calls itself in its text; more than once where it does in a loop."""
    name = name_of(node)

    def count(part: ast.AST) -> int:
        calls = [n.func for n in ast.walk(part) if isinstance(n, ast.Call)]
        by_name = sum(isinstance(f, ast.Name) and f.id == name for f in calls)
        methods = (f for f in calls if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name))
        return by_name + sum(f.attr == name for f in methods)

    return count(node) + sum(count(part) for part in ast.walk(node) if isinstance(part, LOOPS))


def _length(low: Lowering, made: Iterable[Apply]) -> int:
    """How many applications there would be if all functions were interpreted in place."""
    lengths = low.pairs.lengths
    return sum(lengths.get(s.function.pair, 1) if isinstance(s.function, Half) else 1 for s in made)


@lru_cache(maxsize=256)
def _operations(node: Node) -> int:
    """About how many statements the text of a function gives; many, where it has loops."""
    return sum(MANY if isinstance(n, LOOPS) else isinstance(n, OPERATIONS) for n in ast.walk(node))


def _inline(low: Lowering, node: Node, frame: Frame, key: Any) -> Structure:
    pairs, statements = low.pairs, low.builder.statements
    start = len(statements)
    record = Inlined(key, tuple(pairs.around))
    at = len(pairs.inlined)
    pairs.around.append(record)
    try:
        return low.body(node, frame)
    finally:
        pairs.around.pop()
        made = list(applications(Block(tuple(statements[start:]))))
        if _length(low, made) > SMALL:
            record.witness = next((v for s in reversed(made) for v in s.outputs), None)
            pairs.large.add(key)
            pairs.inlined.insert(at, record)


# -- signatures ----------------------------------------------------------------------------------


def _signature(low: Lowering, function: Any, parts: Parts) -> tuple[Any, list[Type | None]]:
    """What calls must have in common to run the same code; and the types of its parameters."""
    types = own_types(low.builder.facts, parts.atoms)
    keys = [_key(a, t) for a, t in zip(parts.atoms, types, strict=True)]
    return (function, parts.shape, tuple(keys)), types


def _key(atom: Structure, t: Type | None) -> Any:
    """The same for atoms that may stand for one another: numbers that are known must be equal."""
    if not isinstance(t, (Scalar, Array)):
        return type(atom), repr(atom)
    return type(t), t.dtype.str, getattr(t, "python", None), tuple((d.size, d.can_be_one) for d in t.dims)


# -- lowering a function on its own --------------------------------------------------------------


def _make(
    low: Lowering, node: Node, frame: Frame, parts: Parts, types: list[Type | None], decided: bool
) -> Lowered | None:
    """The pair of a function. None: it is not a function of its arguments alone, or small."""
    atoms = [
        a if t is None else Value(t, name, fold=False)
        for a, t, name in zip(parts.atoms, types, parts.names, strict=True)
    ]
    lowered = Lowered(Pair(name_of(node)), parts.shape, atoms)
    low.pairs.making += 1
    try:
        lower_alone(low, node, frame, parts, lowered)
    except NeedStatic as need:
        outer = outside(low, need, lowered, parts.atoms)
        if need.decision is None or outer is None:
            return None
        raise outer from None
    except (Inseparable, Left, NotImplementedError, HostError, UnsupportedError):
        return None
    finally:
        low.pairs.making -= 1
    body = lowered.pair.function.body  # type: ignore[union-attr]
    low.pairs.lengths[lowered.pair] = length = _length(low, applications(body))
    if not decided and length <= SMALL:
        return None
    used = set(body.uses)
    finish(lowered, [i for i, a in enumerate(atoms) if isinstance(a, Value) and a in used])
    return lowered if lowered.fresh and lowered.outs else None
