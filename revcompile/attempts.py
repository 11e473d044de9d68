"""What attempts to lower a function find out, each for the next one. Imports the front end's places."""

from __future__ import annotations

from dataclasses import dataclass

from revcompile.errors import HostError, UnsupportedError
from revcompile.frontend.arguments import Place
from revcompile.syntax.decisions import OF_FUNCTIONS, Decision, Decisions, Grow, Peel, Restart, WriteOut

MAX_RESTARTS = 50


class MustBeStatic(Exception):
    """Arguments whose values the compiler must know from the beginning."""

    def __init__(self, places: frozenset[Place], refusal: Exception, end: Exception | None = None) -> None:
        super().__init__(places)
        self.places = places
        self.refusal = refusal  # what to say if that does not help
        self.end = end  # what the attempt that found this out has ended with


@dataclass
class Attempts:
    """What the attempts to compile for one call have found out."""

    static: frozenset[Place]  # the arguments that are known from the beginning
    decisions: frozenset[Decision] = frozenset()
    restarts: int = 0
    first: Exception | None = None  # what one with growing lists has failed by

    def fail(self, attempt: Decisions, end: Exception | None) -> bool:
        """Take up what an attempt has found out that ended so. Whether there is something new to try."""
        grown = frozenset(WriteOut(d.key) for d in attempt.of_kind(Grow))
        if isinstance(end, Restart):
            self.restarts += 1
            self.decisions = attempt.after(end)
            return not end.decisions <= attempt and self.restarts <= MAX_RESTARTS
        if isinstance(end, (UnsupportedError, HostError)) and grown:
            self.first = end if isinstance(end, UnsupportedError) else self.first
            # a loop that fills a list is written out with it, not peeled
            self.decisions = frozenset(d for d in attempt if not isinstance(d, (Grow, Peel))) | grown
            return True
        self.decisions = frozenset(attempt)
        return False

    def know(self, attempt: Decisions, needed: MustBeStatic) -> None:
        """Begin the next one with more arguments known. Raises what is to be said if they are already."""
        self.fail(attempt, needed.end)
        self.decisions -= {d for d in self.decisions if isinstance(d, OF_FUNCTIONS)}
        if needed.places <= self.static:
            raise needed.refusal
        self.static |= needed.places
