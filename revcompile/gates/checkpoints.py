"""What keeps some of the states of a loop, and gives them again, last to first: see `revcompile/checkpoints`.

    states = checkpoints(20, range(n))       before the loop
    states.append((x, v))                    at the beginning of each trip
    x, v = states.pop(advance, dt)              at the beginning of each trip of the reversed loop

`advance` is a function of generated code: the primal of a pair. Imports the gate table and the effects.
"""

from __future__ import annotations

from typing import Any

from revcompile.gates.effects import EFFECTS, KEEPING
from revcompile.gates.table import Gate, known, register
from revcompile.gates.traits import Kind, Line, Memory
from revcompile.ir.nodes import Each
from revcompile.ir.types import Opaque
from revcompile.runtime import checkpoints

STATES = Opaque("states")
Trips = tuple[Any, Any, Any, bool]  # of a range, and whether it is gone through from its end


def trips_of(each: Each) -> Trips:
    """What a loop over a range goes through."""
    start, stop, step = each.args
    return start, stop, step, each.kind == "reversed range"


def begin(slots: int, start: Any, stop: Any, step: Any, turned: bool) -> Any:
    """What keeps states of a loop over that range; of a `while`, if `stop` is None."""
    return checkpoints(slots, None if stop is None else range(start, stop, step)[:: -1 if turned else 1])


def keep(states: Any, state: Any) -> None:
    """The state with which a trip begins: it may be kept."""
    states.append(state)


def take_back(states: Any, advance: Any, given: tuple[Any, ...]) -> Any:
    """The state with which the last trip began."""
    return states.pop(advance, *given)


def _begun(to: Any, slots: int, start: Any, stop: Any, step: Any, turned: bool) -> str:
    if stop is None:
        return "checkpoints(slots)"
    bounds = "start, stop, step" if step != 1 else "start, stop" if start != 0 else "stop"
    return f"checkpoints(slots, range({bounds}){'[::-1]' if turned else ''})"


KEEPING.add(keep)
EFFECTS.add(keep)
register(Gate("checkpoints", (begin,), begin, types=lambda *_: STATES, memory=Memory.FRESH, written=_begun))
known(keep, kind=Kind.KEEP, written="states.append(state)", line=Line.BARE)
known(take_back, kind=Kind.TAKE_BACK, memory=Memory.FRESH, written="states.pop(advance, *given)")
