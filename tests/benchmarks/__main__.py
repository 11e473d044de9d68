"""`python -m tests.benchmarks [NAME ...]`: run all contests, or those of the named files."""

from __future__ import annotations

import platform
import statistics
import sys
from importlib import metadata

from tests.benchmarks import (
    call_overhead,
    chain,
    compile_time,
    derivatives,
    growth,
    import_time,
    indexing,
    kernels,
    network,
    neuron,
    newton,
    ode,
    report,
    rnn,
    softmax_regression,
)

CONTESTS = {
    "neuron": neuron,
    "chain": chain,
    "softmax_regression": softmax_regression,
    "network": network,
    "call_overhead": call_overhead,
    "ode": ode,
    "newton": newton,
    "rnn": rnn,
    "indexing": indexing,
    "kernels": kernels,
    "derivatives": derivatives,
}


def _versions() -> str:
    parts = [f"Python {platform.python_version()}"]
    for name in ("numpy", "autograd", "jax", "torch"):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(parts)


def _compile_time() -> None:
    print("\ndecoration and first call, 20 statements")
    for name, times in (
        ("ours", compile_time.ours()),
        ("made again", compile_time.made_again()),
        ("JAX (jit)", compile_time.jax_jit()),
    ):
        if times is None:
            print(f"  {name:10} not installed")
            continue
        median, best = report.duration(statistics.median(times)), report.duration(min(times))
        print(f"  {name:10} median {median}, best {best}, first in the process {report.duration(times[0])}")
        if name == "ours":
            each = report.duration(min(times) / compile_time.operations())
            print(f"  {'':10} best {each} for each of {compile_time.operations()} operations")


def _import_time() -> None:
    measured = import_time.seconds()
    own, added = (statistics.median(column) for column in zip(*measured))
    print("\nimport, in a fresh process")
    print(
        f"  numpy      median {report.duration(own)}\n  revcompile median {report.duration(added)} more, "
        f"best {report.duration(min(pair[1] for pair in measured))} more"
    )


def _growth() -> None:
    print()
    for line in growth.table():
        print(f"  {line}", flush=True)


def main(names: list[str]) -> None:
    known = [*CONTESTS, "compile_time", "import_time", "growth"]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = names or known
    print(_versions())
    if "compile_time" in chosen:  # first: the first compilation in the process counts too
        _compile_time()
    if "growth" in chosen:
        _growth()
    if "import_time" in chosen:
        _import_time()
    contests = [name for name in CONTESTS if name in chosen]
    if contests:
        print(f"\nratios: median of the rounds (of the best times)\n{report.header()}")
    for name in contests:
        for contest in CONTESTS[name].contests():
            print(report.row(contest.run()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
