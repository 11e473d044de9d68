"""What keeps some of the states of a loop, and gives them again, last to first: see `revcompile/checkpoints`.

    states = checkpoints(20, range(n))       before the loop
    if i == states.due:                                  at the beginning of each trip; of a `while`,
        states.keep((x, v))                              states.append((x, v))
    back = states.backwards(range(n), advance, dt)       before the reversed loop
    x, v = next(back)                                    at the beginning of each of its trips

`advance` is a function of generated code, the primal of a pair, and a generator: it gives x, v of each trip.
Imports the gate table and the effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile.gates.effects import EFFECTS, KEEPING
from revcompile.gates.table import Gate, register
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.nodes import Each
from revcompile.ir.types import Opaque
from revcompile.runtime import checkpoints

STATES, BACK = Opaque("states"), Opaque("states, the last first")
Trips = tuple[Any, Any, Any, bool]  # of a range, and whether it is gone through from its end


def trips_of(each: Each) -> Trips:
    """What a loop over a range goes through."""
    start, stop, step = each.args
    return start, stop, step, each.kind == "reversed range"


def _range(start: Any, stop: Any, step: Any, turned: bool) -> range:
    return range(start, stop, step)[:: -1 if turned else 1]


def begin(slots: int, start: Any, stop: Any, step: Any, turned: bool) -> Any:
    """What keeps states of a loop over that range; of a `while`, if `stop` is None."""
    return checkpoints(slots, None if stop is None else _range(start, stop, step, turned))


def keep(states: Any, state: Any, trip: Any) -> None:
    """The state with which a trip begins, of a `while` if that is None: it may be kept."""
    if trip is None:
        states.append(state)
    elif trip == states.due:
        states.keep(state)


def give(state: Any) -> None:
    """Stands for `yield state`: what `advance` gives of a trip."""


def go_back(
    states: Any,
    start: Any,
    stop: Any,
    step: Any,
    turned: bool,
    made: Any,
    many: bool,
    advance: Any,
    given: tuple[Any, ...],
) -> Any:
    """The states with which the trips of a range began, the last first; `made` tells how many, if not all.

    `many`: this may be asked for many times."""
    states = states.copy() if many else states
    return states.backwards(_range(start, stop, step, turned)[:made], advance, *given)


def take_back(back: Any) -> Any:
    """The state with which the last trip began that was not taken back yet."""
    return next(back)


def _as_range(start: Any, step: Any, turned: bool) -> str:
    bounds = "start, stop, step" if step != 1 else "start, stop" if start != 0 else "stop"
    return f"range({bounds}){'[::-1]' if turned else ''}"


def _begun(to: Any, slots: int, start: Any, stop: Any, step: Any, turned: bool) -> str:
    return f"checkpoints(slots{'' if stop is None else ', ' + _as_range(start, step, turned)})"


def _went_back(
    to: Any, states: Any, start: Any, stop: Any, step: Any, turned: bool, made: Any, many: bool, *_: Any
) -> str:
    trips = _as_range(start, step, turned)
    return f"states{'.copy()' * many}.backwards({trips}{'' if made is None else '[:made]'}, advance, *given)"


def _made(function: Callable[..., Any], types: Any, **traits: Any) -> None:
    register(Gate(function.__name__, (function,), function, types=lambda *_: types, **traits))


KEEPING.update((keep, give))
EFFECTS.update((keep, give))
_made(begin, STATES, memory=Memory.FRESH, written=_begun)
_made(keep, None, kind=Kind.KEEP, written="states.append(state)", line=Line.KEEP)
_made(give, None, line=Line.YIELD)
_made(go_back, BACK, kind=Kind.GO_BACK, memory=Memory.FRESH, written=_went_back)
_made(take_back, None, kind=Kind.TAKE_BACK, memory=Memory.FRESH, written="next(back)")
