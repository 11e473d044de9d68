"""The corpus as a table: small functions, each with the inputs on which its gradient is checked.

    @case(V, EMPTY, (ONE, 3))
    def halves(x, n=1): ...

registers `halves` and leaves it as it is. Each input is the tuple of a call's arguments; what is no tuple
stands for a call with that one argument. Differentiated are the arguments in which there are floats, or
those that `argnums` names. `test_language.py` runs the table.

- `case`: the gradient is that of differences of the function.
- `raising`: the gradient function raises what the function itself raises.
- `refused`: the compiler refuses, with an UnsupportedError that `says` why and points `at` a piece of the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.corpus.differences import leaves

Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the arguments of its calls, and what is expected of it."""

    function: Function
    inputs: tuple[tuple[Any, ...], ...]
    argnums: tuple[int, ...] | None
    kind: str
    says: str = ""
    at: str = ""

    @property
    def name(self) -> str:
        return (
            f"{self.function.__module__.rpartition('.')[2].removeprefix('cases_')}.{self.function.__name__}"
        )

    def positions(self, args: tuple[Any, ...]) -> tuple[int, ...]:
        """The arguments that are differentiated."""
        if self.argnums is not None:
            return self.argnums
        return tuple(i for i, argument in enumerate(args) if any(True for _ in leaves(argument)))


CASES: dict[tuple[str, str, str], Case] = {}


def _register(kind: str) -> Callable[..., Callable[[Function], Function]]:
    def decorator(
        *inputs: Any, argnums: tuple[int, ...] | None = None, says: str = "", at: str = ""
    ) -> Callable[[Function], Function]:
        calls = tuple(each if type(each) is tuple else (each,) for each in inputs)
        assert calls, "a case without inputs checks nothing"

        def register(function: Function) -> Function:
            found = Case(function, calls, argnums, kind, says, at)
            known = CASES.setdefault((found.name, kind, says), found)
            lines = (known.function.__code__.co_firstlineno, function.__code__.co_firstlineno)
            assert lines[0] == lines[1], f"two cases are called {found.name}"
            return function

        return register

    return decorator


case = _register("case")
raising = _register("raising")
refused = _register("refused")


def calls_of(*kinds: str) -> list[tuple[Case, int]]:
    """Every case of these kinds with the number of each of its inputs."""
    return [(c, i) for c in CASES.values() if c.kind in kinds for i in range(len(c.inputs))]


# Inputs that many cases share. No two elements are equal, none is zero, and none has few digits, so that no
# comparison in a case comes out as a tie: at a kink differences say nothing.
V = np.array([0.7127, -1.1869, 0.4213, 1.5091, -0.6083])
U = np.array([1.1039, 0.3171, -0.8117, 0.5923, -1.4011])
P = np.array([0.5147, 1.3129, 0.8081, 2.1033, 1.7219])
ONE = np.array([0.9137])
EMPTY = np.zeros(0)
MANY = np.sin(np.arange(1.0, 21.0))
A = np.array(
    [[0.3119, -1.2083, 0.5171, 0.8237], [1.1041, 0.4129, -0.7093, -0.2161], [-0.9127, 0.6211, 1.3033, 0.1087]]
)
S = np.array([[1.2071, -0.3119, 0.5231], [0.4027, 0.9173, -0.7141], [-0.2053, 0.6127, 1.4091]])
ROW = np.array([[0.6131, -0.4017, 1.1093, 0.2213]])
NO_ROWS = np.zeros((0, 4))
