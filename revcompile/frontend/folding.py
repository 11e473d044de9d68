"""Calls as they are that are made while compiling, since what they give must be known.

Imports the abstract values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.errors import host
from revcompile.foreign import kind_of
from revcompile.frontend.at_hand import UNKNOWN, flat, value_of
from revcompile.frontend.lowering import Lowering
from revcompile.gates.foreign import ForeignCall
from revcompile.ir.nodes import Structure, Value, leaves, map_structure
from revcompile.syntax.decisions import Fold, Restart


def fold(low: Lowering, value: Value) -> None:
    """Begin again with a call made while compiling, if it is one of which the result must be known."""
    for v in low.builder.ancestors([value]):
        made = low.builder.definitions.get(v)
        if made is None or not isinstance(made.function, ForeignCall) or made.function.key is None:
            continue
        decision = Fold(made.function.key)
        if decision not in low.decisions and all(_is_settled(low, x) for x in made.inputs):
            raise Restart(decision)


def _is_settled(low: Lowering, x: Value) -> bool:
    """Whether it is one of the program's objects, or made of such."""
    made = low.builder.definitions.get(x)
    is_made = made is not None and isinstance(made.function, ForeignCall) and made.function.pure
    return x in low.host.objects_of or (is_made and all(_is_settled(low, y) for y in made.inputs))  # type: ignore[union-attr]


def folded_of(low: Lowering, key: Any, form: str, attribute: str, given: Structure, guarded: bool) -> Any:
    """What a call on what is known gives. The code holds as long as it gives that."""
    inputs = list(low.builder.ancestors(leaves(given)))
    if not all(_is_settled(low, v) for v in leaves(given)):
        return UNKNOWN
    for path, item in list(low.host.live.items()):
        if item.value in inputs:
            low.host.is_still(path, low.host.objects_of[item.value])
    now = map_structure(lambda leaf: value_of(low, leaf), given)
    with host():
        outcome = low.learning.tried(key, form, attribute, *_own(now, form))
    if any(isinstance(x, np.ndarray) for x in flat(outcome)):
        return UNKNOWN
    if not guarded:
        return outcome

    def gives_the_same() -> bool:
        try:
            again = low.learning.tried(key, form, attribute, *_own(now, form))
            return kind_of(again) == kind_of(outcome) and bool(again == outcome)
        except Exception:  # the program's own: it is raised when the function is compiled again
            return False

    low.host.holds_while(gives_the_same)
    return low.own(outcome) if isinstance(outcome, (list, dict, set)) else outcome


def _own(structure: Structure, form: str) -> Structure:
    """Copies of arrays, which a call may change."""
    if form == "changing":  # which makes them itself
        return structure
    return map_structure(lambda x: x.copy() if type(x) is np.ndarray else x, structure)
