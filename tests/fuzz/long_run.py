"""A long run: many programs in several processes, and the report of it.

A process that dies or hangs, and a program that takes too long, are failures in the report; they do not end the run.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from revcompile.ir import verify
from tests.fuzz import workers
from tests.fuzz.imperative import batch
from tests.fuzz.imperative.judge import alarm

PROGRAM_SECONDS = 60.0  # for all that is asked of one program
GRACE = 60.0  # for what no alarm of Python's ends, before the process is ended
SHRINKING = 0.3  # of --for-seconds at most
LOST = "the process is lost"


@dataclass(frozen=True)
class Options:
    """As the command line has them."""

    kind: str
    programs: int
    seed: int
    jobs: int
    worlds: int | None
    shrink: int
    refusals: bool
    seconds: float
    for_seconds: float
    report: str | None


def begin() -> None:
    verify.enabled = True
    gc.freeze()
    gc.set_threshold(200_000, 20, 1000)  # a fifth of the time went there


def judged(seed: int, options: Options) -> batch.Report:
    with alarm(PROGRAM_SECONDS):
        return batch.run([seed], options.worlds, options.kind)


def example(seed: int, seconds: float, kind: str) -> str:
    return batch.told(seed, *batch.smallest(seed, seconds, kind))


def fuzz(options: Options) -> tuple[batch.Report, str]:
    """All programs, and then the smallest of each kind of failure. The file is written now and then as well."""
    report, began, written = batch.Report(), time.monotonic(), time.monotonic()
    until = began + options.for_seconds * (1 - SHRINKING * (options.shrink > 0))
    seeds = range(options.seed, options.seed + options.programs)
    tasks = ((seed, (judged, (seed, options))) for seed in seeds)
    for seed, found in workers.run(tasks, options.jobs, PROGRAM_SECONDS + GRACE, begin, until):
        if isinstance(found, workers.Lost):
            found = batch.Report(Counter(failed=1), {}, {f"{LOST}: {found.reason}": [seed]})
        report.merge(found)
        for kind in found.failures:
            print(f"after {report.programs}: {kind} (seed {seed})", flush=True)
        if report.programs % 200 == 0:
            print(f"{time.monotonic() - began:.0f} s: {report.programs}, {dict(report.outcomes)}", flush=True)
        if options.report and time.monotonic() - written > 30:
            written = time.monotonic()
            write(options.report, summary(report, options, written - began, {}))
    judging = time.monotonic() - began
    examples: dict[int, Any] = {}
    until = began + options.for_seconds - options.seconds
    tasks = ((seed, (example, (seed, options.seconds, options.kind))) for seed in chosen(report, options))
    for seed, found in workers.run(tasks, options.jobs, options.seconds + PROGRAM_SECONDS, begin, until):
        examples[seed] = found.reason if isinstance(found, workers.Lost) else found
        if options.report:
            write(options.report, summary(report, options, judging, examples))
    text = summary(report, options, judging, examples)
    if options.report:
        write(options.report, text)
    return report, text


def by_count(table: dict[str, list[int]]) -> list[tuple[str, list[int]]]:
    return sorted(table.items(), key=lambda item: (-len(item[1]), item[0]))


def chosen(report: batch.Report, options: Options) -> Iterator[int]:
    """The programs to shrink: of each kind one, then of each kind a second one, …"""
    tables = [report.failures] + [report.refusals] * options.refusals
    kinds = [seeds for table in tables for kind, seeds in by_count(table) if not kind.startswith(LOST)]
    for i in range(options.shrink):
        yield from dict.fromkeys(sorted(seeds)[i] for seeds in kinds if i < len(seeds))


def summary(report: batch.Report, options: Options, seconds: float, examples: dict[int, Any]) -> str:
    lines = [
        f"{report.programs} programs from seed {options.seed} in {seconds:.0f} s: {dict(report.outcomes)}"
    ]
    for title, table in (("failures", report.failures), ("refusals", report.refusals)):
        lines.append(f"\n=== {title}: {sum(map(len, table.values()))} of {len(table)} kinds")
        for kind, seeds in by_count(table):
            lines.append(f"\n{len(seeds)} × {kind}   (seeds {', '.join(map(str, sorted(seeds)[:8]))})")
            lines += [examples[seed] for seed in seeds if seed in examples]
    return "\n".join(lines)


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
