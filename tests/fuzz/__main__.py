"""Fuzz for hours: `python -m tests.fuzz --programs 100000 --seed 0 --jobs 2`.

Prints the count of programs, refusals by reason and failures by kind, with the smallest program found of each kind.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial

from revcompile.ir import verify
from tests.fuzz.imperative import batch

SIZE = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the others follow")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--worlds", type=int, help="lengths of arguments to judge each program with")
    parser.add_argument("--shrink", type=int, default=1, help="how many failures of a kind are shrunk")
    parser.add_argument(
        "--refusals", action="store_true", help="shrink a program of each reason of refusal too"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="for shrinking one program")
    parser.add_argument(
        "--only", action="store_true", help="judge and shrink the program of --seed, nothing else"
    )
    options = parser.parse_args()
    verify.enabled = True
    if options.only:
        print(_example(options.seed, options.seconds))
        return 0
    report, began = batch.Report(), time.monotonic()
    last = options.seed + options.programs
    chunks = [range(first, min(first + SIZE, last)) for first in range(options.seed, last, SIZE)]
    with ProcessPoolExecutor(options.jobs, initializer=_verify) as pool:
        for i, found in enumerate(pool.map(partial(batch.run, worlds=options.worlds), chunks), 1):
            report.merge(found)
            for kind, seeds in sorted(found.failures.items()):
                print(f"after {report.programs}: {kind} (seeds {', '.join(map(str, seeds))})", flush=True)
            if i % 20 == 0:
                print(f"{report.programs} programs, {dict(report.outcomes)}", file=sys.stderr, flush=True)
        seconds = time.monotonic() - began
        print(f"\n{report.programs} programs in {seconds:.0f} s: {dict(report.outcomes)}")
        _print("refusals", report.refusals, options.shrink if options.refusals else 0, pool, options.seconds)
        _print("failures", report.failures, options.shrink, pool, options.seconds)
    return 1 if report.failures else 0


def _verify() -> None:
    verify.enabled = True


def _print(title: str, table: dict[str, list[int]], examples: int, pool: Executor, seconds: float) -> None:
    print(f"\n=== {title}: {sum(map(len, table.values()))} of {len(table)} kinds")
    kinds = sorted(table.items(), key=lambda item: -len(item[1]))
    texts = [[pool.submit(_example, seed, seconds) for seed in seeds[:examples]] for _, seeds in kinds]
    for (kind, seeds), found in zip(kinds, texts, strict=True):
        print(f"\n{len(seeds)} × {kind}   (seeds {', '.join(map(str, seeds[:5]))})")
        for text in found:
            print(text.result(), flush=True)


def _example(seed: int, seconds: float) -> str:
    return batch.told(seed, *batch.smallest(seed, seconds))


if __name__ == "__main__":
    sys.exit(main())
