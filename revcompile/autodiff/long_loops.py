"""Which loops keep only some of their states for the backward pass: with `checkpoint=`, the outermost.

Of others it is noted why they cannot: one that fills an array, as one of a trajectory, and reads it would
have all of that in each state. Such a loop is refused where its backward pass reads what each trip has
computed, unless its trips are no more than the slots. Imports the IR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from revcompile.dataflow.variance import Variance
from revcompile.gates.halves import Half, Pair
from revcompile.gates.halves import lengths as lengths_of
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import (
    Apply,
    Block,
    Function,
    Loop,
    Statement,
    Structure,
    Value,
    applications,
    leaves,
)
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Rows
from revcompile.ir.values import ValueTable

RANGES = ("range", "reversed range")
OF_A_GRADIENT = (
    "is of a gradient, which is differentiated again",
    "hvp and hessian have checkpoint= themselves; or leave it out.",
)
CALLS_ITSELF = "is in a function that calls itself", "Leave out checkpoint=."


def keep_states(function: Function, slots: int, seen: set[Pair]) -> Function:
    """The function whose outermost loops keep so many states, and so those of the pairs that it calls."""
    _of_pairs(function.body, slots, seen)
    made = {v: s for s in applications(function.body) for v in s.outputs}

    def kept(loop: Loop) -> Loop:
        stored, trips = _why_stored(loop, made, function.table), most_trips(loop)
        if stored is None:
            return replace(loop, slots=slots)
        return loop if trips is not None and trips <= slots else replace(loop, stored=stored)

    return replace(function, body=_outermost(function.body, kept))


def keep_all(function: Function, stored: tuple[str, str]) -> Function:
    """The function whose loops keep no states; it is told why."""
    return replace(function, body=_outermost(function.body, lambda loop: replace(loop, stored=stored)))


def _outermost(block: Block, kept: Callable[[Loop], Loop]) -> Block:
    def keeping(s: Statement) -> Statement:
        return kept(s) if isinstance(s, Loop) else s.map_blocks(lambda b: _outermost(b, kept))

    return replace(block, statements=tuple(map(keeping, block.statements)))


def _of_pairs(block: Block, slots: int, seen: set[Pair]) -> None:
    """The same in the pairs that are called in a block, but not in its loops."""
    for s in block.statements:
        half = s.function if isinstance(s, Apply) else None
        if isinstance(half, Half) and half.pair not in seen:
            seen.add(pair := half.pair)
            if pair.function is not None:
                calls_itself = any(pair in one.reached() for one in pair.calls)
                pair.function = (
                    keep_all(pair.function, CALLS_ITSELF)
                    if calls_itself
                    else keep_states(pair.function, slots, seen)
                )
        for inner in () if s.repeats else s.blocks:
            _of_pairs(inner, slots, seen)


def _why_stored(loop: Loop, made: Mapping[Value, Apply], table: ValueTable) -> tuple[str, str] | None:
    """Why a loop cannot keep some of its states only, and what to do; None if it can."""
    if loop.saves or loop.trips is not None or any(each.kind not in RANGES for _, each in loop.each):
        return OF_A_GRADIENT
    for param, init in zip(loop.params, loop.inits, strict=True):
        grows = isinstance(param.type, Rows) or _is_as_long_as_the_loop(loop, init, made)
        if grows and _is_filled_and_read(loop, param):
            name = table.hints.get(param, "an array")
            return (
                f"fills {name} and reads it: all of that would be a part of each state",
                "Carry what it reads of that from trip to trip in a variable; or leave out checkpoint=.",
            )
    return None


def most_trips(loop: Loop) -> int | None:
    """How many trips a loop makes at most, if that is known."""
    bounds = loop.each[0][1].args if loop.each else (None,)
    return len(range(*bounds)) if all(type(b) is int for b in bounds) else None


def _is_as_long_as_the_loop(loop: Loop, array: Structure, made: Mapping[Value, Apply]) -> bool:
    """Whether the length of an array follows from what tells how many trips there are."""
    if not isinstance(array, Value) or not loop.each:
        return False
    while array in made and TABLE[made[array].function].writes:
        array = made[array].args[0]
    trips, lengths = most_trips(loop), array.type.dims
    if trips is not None:
        return any(d.size is not None and 2 * d.size > trips for d in lengths)
    bounds = _behind(leaves(loop.each[0][1].args), made)
    s = made.get(array)
    own = {array} if s is None else {array, *(v for v in s.inputs if v.type.dims)}
    own |= _behind(leaves(s.args[:1]), made) if s is not None and TABLE[s.function].of_a_shape else set()
    symbols = {d.symbol for v in bounds for d in lengths_of(v.type)} - {None}
    return not own.isdisjoint(bounds) or not symbols.isdisjoint(d.symbol for d in lengths)


def _behind(values: Iterable[Value], made: Mapping[Value, Apply]) -> set[Value]:
    """The values, and what they are computed from."""
    found: set[Value] = set()
    ahead = list(values)
    while ahead:
        v = ahead.pop()
        if v not in found:
            found.add(v)
            ahead.extend(made[v].inputs if v in made else ())
    return found


def _is_filled_and_read(loop: Loop, param: Value) -> bool:
    """Whether a loop writes into an array in each trip at another place, or adds to a list, and reads it."""
    if not isinstance(param.type, Array):
        return False
    versions = {param}
    _follow(loop.body, versions)
    made = list(applications(loop.body))
    written = [s for s in made if TABLE[s.function].writes and s.args[0] in versions]
    if not any(v in versions for s in made for v in _read_of(s)):
        return False
    if isinstance(param.type, Rows):
        return bool(written)
    stores = [s for s in written if TABLE[s.function].kind is Kind.STORE]
    varies = Variance(loop, {*loop.body.defined, *loop.bound}, {}) if stores else None
    return varies is not None and any(varies.of(_places(s)) for s in stores)


def _follow(block: Block, versions: set[Value]) -> None:
    """Add what an array is after it was written into."""
    for s in block.statements:
        if isinstance(s, Apply):
            if TABLE[s.function].writes and s.args[0] in versions:
                versions.add(s.outputs[0])
            continue
        versions.update(p for p, init in s.begins if init in versions)
        for inner in s.blocks:
            _follow(inner, versions)
        versions.update(v for v, end in s.flows if isinstance(end, Value) and end in versions)


def _read_of(s: Apply) -> tuple[Value, ...]:
    """The values whose elements an operation reads."""
    gate = TABLE[s.function]
    if gate.of_shape:
        return ()
    return s.inputs[1:] if gate.writes else s.inputs


def _places(s: Apply) -> tuple[object, ...]:
    """Where a store writes."""
    return tuple(argument for _, *rest in s.args[1] for argument in rest)
