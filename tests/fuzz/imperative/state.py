"""The module's state that programs read: globals that change between the calls of one gradient.

Some change in place, others are replaced, by longer ones too.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

FEATURES = frozenset({"state", "constant", "written"})


def state(number: int) -> dict[str, Any]:
    """New objects for the globals: the number 0 is how the module begins, others come later."""
    rng = np.random.default_rng(700 + number)
    more = number == 2
    return {
        "G": 0.75 - 0.25 * number,
        "GV": np.round(rng.uniform(-1.2, 1.2, 3 + more), 3),
        "GL": [round(float(g), 3) for g in rng.uniform(-1.2, 1.2, 3 - more)],
        "GD": {
            "c": round(float(rng.uniform(0.0, 0.8)), 3),
            "v": np.round(rng.uniform(-1.2, 1.2, 2 + more), 3),
        },
        "LABELS": np.array([[2, 0, 2, 1], [1, 2, 2, 0], [0, 2, 2, 2, 1]][number]),
        "DATA": np.round(rng.normal(size=7), 3),
    }


NAMES = tuple(state(0))


def install(scope: dict[str, Any], number: int) -> None:
    """Put the module into that state: in place where the number is odd, by new objects otherwise."""
    for name, new in state(number).items():
        old = scope.get(name)
        if number % 2 == 0 or old is None:
            scope[name] = new
        elif isinstance(old, np.ndarray) and old.shape == new.shape:
            old[...] = new
        elif isinstance(old, list):
            old[:] = new
        elif isinstance(old, dict):
            old.clear()
            old.update(new)
        else:
            scope[name] = new


def snapshot(scope: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy({name: scope[name] for name in NAMES})
