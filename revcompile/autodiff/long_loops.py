"""Which loops keep only some of their states for the backward pass: with `checkpoint=`, the outermost.

A loop that fills an array or a list and reads it, as one of a trajectory, stays as it is: what it has filled
is all that is to be kept, and would be a part of each state. Imports the IR.
"""

from __future__ import annotations

from revcompile.dataflow.variance import Variance
from revcompile.gates.halves import Half, Pair
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Kind
from revcompile.ir.nodes import Apply, Block, Branch, Function, Loop, Statement, Value, applications
from revcompile.ir.rebuild import replace
from revcompile.ir.types import Array, Rows

RANGES = ("range", "reversed range")


def keep_states(function: Function, slots: int, seen: set[Pair]) -> Function:
    """The function whose outermost loops keep so many states, and so those of the pairs that it calls."""
    for s in function.body.statements:
        _of_pairs(s, slots, seen)
    return replace(function, body=_outermost(function.body, slots))


def _outermost(block: Block, slots: int) -> Block:
    def keeping(s: Statement) -> Statement:
        if isinstance(s, Loop):
            return replace(s, slots=slots) if _is_of_states(s) else s
        return s.map_blocks(lambda b: _outermost(b, slots))

    return replace(block, statements=tuple(map(keeping, block.statements)))


def _of_pairs(s: Statement, slots: int, seen: set[Pair]) -> None:
    """The same in the pairs that a statement calls, unless it is a loop, or they call themselves."""
    half = s.function if isinstance(s, Apply) else None
    if isinstance(half, Half) and half.pair not in seen:
        seen.add(pair := half.pair)
        if pair.function is not None and not any(pair in one.reached() for one in pair.calls):
            pair.function = keep_states(pair.function, slots, seen)
    for block in s.blocks if isinstance(s, Branch) else ():
        for inner in block.statements:
            _of_pairs(inner, slots, seen)


def _is_of_states(loop: Loop) -> bool:
    """Whether a trip begins with its number, and with numbers and arrays that the loop carries."""
    is_of_a_gradient = loop.saves or loop.trips is not None or len(loop.each) > 1
    if is_of_a_gradient or any(each.kind not in RANGES for _, each in loop.each):
        return False
    return not any(_is_filled_and_read(loop, p) for p in loop.params)


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
        elif isinstance(s, Loop):
            versions.update(p for p, init in zip(s.params, s.inits, strict=True) if init in versions)
        for inner in s.blocks:
            _follow(inner, versions)
        if isinstance(s, Branch | Loop):
            ends = [end for b in s.blocks for end in zip(s.results, b.yields, strict=False)]
            versions.update(result for result, end in ends if isinstance(end, Value) and end in versions)


def _read_of(s: Apply) -> tuple[Value, ...]:
    """The values whose elements an operation reads."""
    gate = TABLE[s.function]
    if gate.of_shape:
        return ()
    return s.inputs[1:] if gate.writes else s.inputs


def _places(s: Apply) -> tuple[object, ...]:
    """Where a store writes."""
    return tuple(argument for _, *rest in s.args[1] for argument in rest)
