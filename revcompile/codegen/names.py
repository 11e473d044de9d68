"""Names for values: the user's where there is one, `s0, s1, …` for temporaries, `grad_x` for gradients.

Names are deterministic and never collide with the user's, with a global or with a keyword.
"""

from __future__ import annotations

import builtins
import keyword
from collections import Counter
from collections.abc import Container

from revcompile.codegen.coalesce import Groups
from revcompile.ir.values import Value, ValueTable
from revcompile.lazy import lazy

RESERVED = frozenset({*keyword.kwlist, *dir(builtins), "np", "math"})


class Names:
    """Hands out one name for each group of values, in the order of asking."""

    def __init__(
        self,
        reserved: set[str],
        outer: Container[str],
        given: set[str],
        groups: Groups,
        counts: Counter[Value],
        table: ValueTable,
    ) -> None:
        self._primals, self._hints, self._prefix = table.primals, dict(table.hints), table.prefix
        self._groups = groups
        self._counts = counts  # how often each value is read
        self._taken = set(reserved) | RESERVED
        self._outer = outer  # the globals of generated code, which grow while it is written
        self._given = given  # to which the names are added that are given here
        self._names: dict[Value, str] = {}
        self._owners: dict[str, Value] = {}  # what has a name
        self._temporaries = 0
        self._next: dict[str, int] = {}  # of a name that was wished for: the number to try
        self._waiting: set[Value] = set()  # the groups that are being named

    def __getitem__(self, value: Value) -> str:
        name = self._names.get(value)
        if name is not None:  # most values stand for themselves
            return name
        value = self._groups.find(value)
        if value not in self._names:
            self._waiting.add(value)
            fresh = self._names[value] = self._fresh(value)
            self._owners[fresh] = value
            self._given.add(fresh)
            self._waiting.discard(value)
        return self._names[value]

    def give(self, value: Value, name: str) -> None:
        """Fix a value's name (a parameter's)."""
        value = self._groups.find(value)
        self._names[value] = name
        self._owners[name] = value
        self._taken.add(name)

    def suggest(self, value: Value, name: str) -> None:
        """Let a value that has no name of the user's be called so, or like that."""
        self._hints.setdefault(value, name)

    def _fresh(self, value: Value) -> str:
        members = self._groups.members(value)
        value = next((v for v in members if v in self._hints or v in self._primals), value)
        primal, hint = self._primals.get(value), self._hints.get(value)
        if primal is not None and self._groups.find(primal) not in self._waiting:
            return self._unique(f"{self._prefix(value)}_{self._called(primal)}")
        if hint is not None and hint.strip("_"):
            return self._unique(hint)
        if hint is not None and not any(self._counts[v] for v in members):
            return "_"
        while self._is_taken(f"s{self._temporaries}"):
            self._temporaries += 1
        name = f"s{self._temporaries}"
        self._taken.add(name)
        return name

    def _called(self, primal: Value) -> str:
        """What a variable is called in the name of its gradient: `x_1` as `x`, unless another `x` has one."""
        name, group = self[primal], self._groups.find(primal)
        wish = next((self._hints[v] for v in self._groups.members(group) if v in self._hints), name)
        owner = self._owners.get(wish)
        return name if owner is None or owner in self._with_gradients else wish

    @lazy
    def _with_gradients(self) -> set[Value]:
        """The variables of which a gradient is read."""
        return {self._groups.find(primal) for v, primal in self._primals.items() if self._counts[v]}

    def _unique(self, wish: str) -> str:
        n = self._next.get(wish, 0)
        name = f"{wish}_{n}" if n else wish
        while self._is_taken(name):
            n += 1
            name = f"{wish}_{n}"
        self._next[wish] = n + 1
        self._taken.add(name)
        return name

    def _is_taken(self, name: str) -> bool:
        return name in self._taken or name in self._outer
