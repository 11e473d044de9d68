"""Fuzz for hours: `python -m tests.fuzz --programs 100000 --seed 0 --jobs 2`.

Reports the count of programs, refusals by reason and failures by kind, with the smallest program found of each kind.
`--for-seconds` ends the run by itself, with its report, which `--report` writes to a file.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.fuzz import long_run
from tests.fuzz.imperative import batch


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", choices=sorted(batch.GENERATORS), default="imperative", help="of program")
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the others follow")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--worlds", type=int, help="lengths of arguments to judge each program with")
    parser.add_argument("--shrink", type=int, default=1, help="how many failures of a kind are shrunk")
    parser.add_argument(
        "--refusals", action="store_true", help="shrink a program of each reason of refusal too"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="for shrinking one program")
    parser.add_argument("--for-seconds", type=float, default=float("inf"), help="end then, with the report")
    parser.add_argument("--report", help="the file that the report is written to as well")
    parser.add_argument(
        "--only", action="store_true", help="judge and shrink the program of --seed, nothing else"
    )
    options = parser.parse_args()
    for library in ("OPENBLAS", "OMP", "MKL"):  # one thread a process
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    long_run.begin()
    only = vars(options).pop("only")
    if only:
        print(long_run.example(options.seed, options.seconds, options.kind))
        return 0
    report, text = long_run.fuzz(long_run.Options(**vars(options)))
    print(text)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
