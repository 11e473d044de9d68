"""Many programs: what became of them, refusals by reason, failures by kind, the smallest program of each."""

from __future__ import annotations

import ast
import linecache
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.fuzz.calls import grow
from tests.fuzz.imperative import program as imperative
from tests.fuzz.imperative.judge import Hangs, Verdict, judge
from tests.fuzz.imperative.program import Program, World
from tests.fuzz.imperative.shrink import shrink

GENERATORS = {"imperative": imperative.generate, "calls": grow.generate}
# Of programs of calls there are many, which are small: beside its gradient, each is judged by one of these.
BESIDE = (
    "textbook", "forward", "hvp", "textbook", "vjp", "linearize", "textbook", "jacobian", "forward", "hessian", "checkpoint", "hvp",
)  # fmt: skip


def judged(program: Program, kind: str) -> tuple[str, ...]:
    """The routes that a program is judged by."""
    if kind == "calls":
        return "optimised", BESIDE[program.numbers % len(BESIDE)]
    return ("optimised", "textbook", "gradient")[: 2 + (program.numbers % 4 == 0)]


@dataclass
class Report:
    """The count of outcomes, and by their keys the seeds of refusals and failures."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, list[int]] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)

    def add(self, seed: int, program: Program, verdict: Verdict) -> None:
        self.outcomes[verdict.outcome] += 1
        table = {"refused": self.refusals, "failed": self.failures}.get(verdict.outcome)
        if table is not None:
            table.setdefault(key(program, verdict), []).append(seed)

    def merge(self, other: Report) -> None:
        self.outcomes += other.outcomes
        for mine, more in ((self.refusals, other.refusals), (self.failures, other.failures)):
            for k, seeds in more.items():
                mine.setdefault(k, []).extend(seeds)

    @property
    def programs(self) -> int:
        return sum(self.outcomes.values())

    def share(self, outcome: str) -> float:
        return self.outcomes[outcome] / max(self.programs, 1)


def run(seeds: Iterable[int], worlds: int | None = None, kind: str = "imperative") -> Report:
    """Judge the programs of the seeds: with arguments of all lengths that they have, or of so many."""
    report = Report()
    for seed in seeds:
        program = GENERATORS[kind](random.Random(seed))
        try:
            verdict = judge(program, judged(program, kind), program.worlds[:worlds])
        except Hangs:  # the alarm of who runs this
            verdict = Verdict("failed", "hangs", "no verdict in time")
        report.add(seed, program, verdict)
        linecache.clearcache()
    return report


def key(program: Program, verdict: Verdict) -> str:
    """Failures that look alike have the same key: the program's own names and numbers are left out."""
    names = {n.id for n in ast.walk(ast.parse(program.text)) if isinstance(n, ast.Name)} - {"np", "math"}
    text = verdict.category
    if "raises" in text:
        text += ": " + verdict.detail.partition("\n")[0][:120].partition(" exceeded")[0]

    def word(match: re.Match[str]) -> str:
        return "…" if match.group() in names or match.group()[0].isdigit() else match.group()

    text = re.sub(r"-?[A-Za-z_0-9.]+", word, text)
    return (
        text if verdict.route == "optimised" and verdict.outcome == "refused" else f"{verdict.route}: {text}"
    )


def smallest(seed: int, seconds: float = 60.0, kind: str = "imperative") -> tuple[Program, Verdict]:
    """The program of a seed, shrunk as long as its verdict stays the same."""
    program = GENERATORS[kind](random.Random(seed))
    verdict = judge(program, judged(program, kind))
    if verdict.outcome not in ("failed", "refused"):
        return program, verdict
    wanted = key(program, verdict)
    routes = tuple(dict.fromkeys(["optimised", verdict.route]))
    worlds = [verdict.world] if verdict.world else list(program.worlds)

    def fails(candidate: Program, worlds: Sequence[World]) -> bool:
        found = judge(candidate, routes, worlds)
        return found.outcome == verdict.outcome and key(candidate, found) == wanted

    if not fails(program, worlds):
        worlds = list(program.worlds)
    program = shrink(program, lambda candidate: fails(candidate, worlds), seconds)
    return program, judge(program, routes, worlds)


def told(seed: int, program: Program, verdict: Verdict) -> str:
    """A failure, to be read and to be run again."""
    head = f"seed {seed}, {verdict.route}, n, m, k = {verdict.world}: {verdict.category}"
    more = [f"argnums={program.argnums}"] * (program.argnums is not None)
    more += ["float32"] * program.single + [f"layout {program.layout}"] * (program.layout != "C")
    return "\n".join(filter(None, [head, " ".join(more), verdict.detail[:600], program.text]))
