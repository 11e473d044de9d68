"""What is decided of a program while it is lowered, and may be found out late: then all is lowered again.

A decision is a record: what is to be done, and with what (`key`: a statement, a site, a function). It is
made on the spot where nothing was done without it before; otherwise `Restart` says that an attempt begins
anew with it. The one driver of attempts is `revcompile/compiler.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decision:
    key: Any = None


class Unroll(Decision):
    """A loop is written out, trip by trip."""


class Peel(Decision):
    """The first trip of a loop is written before it."""


class TestInside(Decision):
    """The test of a `while` is made in the trip, which writes into what the test reads."""

    __test__ = False  # for pytest


class Split(Decision):
    """What follows an `if` is written on either side of it."""


class WriteTwice(Decision):
    """A statement with a conditional expression is written twice, under an `if`."""


class TellApart(Decision):
    """Which of two arrays a name means is told at run time, by the condition."""


class OneByOne(Decision):
    """What gives several views of an array gives them one by one: each as the part of it that it is."""


class AsItLies(Decision):
    """Whether what is a view of some layouts is one, and a copy else, is told at run time."""


class Grow(Decision):
    """A list is made whose length only the run decides."""


class WriteOut(Decision):
    """A list for which `Grow` has failed has items that are known while compiling."""


class AsPair(Decision):
    """A function is lowered on its own, and called."""


class AsRecursion(Decision):
    """A function that calls itself is lowered on its own: the run decides how often."""


class Regain(Decision):
    """What calls of a recursion give is as deep as the run decides: it is computed again where it is read."""


class OfArguments(Decision):
    """Gradients, within the program, of functions that call themselves begin with the arguments again: they
    are differentiated themselves."""


class AsItIs(Decision):
    """A function is called as it is, not read."""


class Fold(Decision):
    """A call as it is is made while compiling: its result must be known."""


LOOP_FORMS = (Unroll, Peel, TestInside)  # how to lower a loop that cannot be one as it stands
OF_FUNCTIONS = (AsPair, AsRecursion, AsItIs, Fold)  # how to lower a call, as far as its arguments are known
DOUBLING = (Split, WriteTwice)  # what writes the rest of the function, or a statement, twice


class Decisions(set[Decision]):
    """What was found out, by earlier attempts to compile and by this one."""

    def __init__(self, known: Iterable[Decision] = ()) -> None:
        super().__init__(known)
        self._missed: set[Decision] = set()

    def of_kind(self, *kinds: type[Decision]) -> list[Decision]:
        return [decision for decision in self if isinstance(decision, kinds)]

    def miss(self, *decisions: Decision) -> None:
        """Note that something is done without these."""
        self._missed.update(decisions)

    def may_make(self, *decisions: Decision) -> bool:
        """Whether these are new, and nothing was done without them."""
        return self.isdisjoint(decisions) and self._missed.isdisjoint(decisions)

    def make(self, decision: Decision) -> None:
        """Decide on the spot. Raises Restart where it comes too late for that."""
        if decision in self._missed:
            raise Restart(decision)
        self.add(decision)

    def take_up(self, decision: Decision) -> None:
        """Decide on the spot: what was done without it since it was missed first is taken back."""
        self._missed.discard(decision)
        self.add(decision)

    def after(self, restart: Restart) -> frozenset[Decision]:
        """What the next attempt begins with: unrolling a loop, or telling arrays apart, replaces others."""
        new = restart.decisions
        told_apart = any(isinstance(d, TellApart) for d in new)
        unrolled = any(isinstance(d, Unroll) for d in new)
        replaced = DOUBLING if told_apart else (Grow,) if unrolled else ()
        return frozenset(d for d in self if not isinstance(d, replaced)) | new


class Restart(Exception):
    """The function is to be lowered again, with these decisions."""

    def __init__(self, *decisions: Decision) -> None:
        super().__init__(*decisions)
        self.decisions = frozenset(decisions)
