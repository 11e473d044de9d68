"""The table: one line a contest, medians, and ratios with those of the best times in brackets."""

from __future__ import annotations

import statistics

from tests.benchmarks.peers import HAND, OURS, PEERS, PRIMAL
from tests.benchmarks.timing import Contest

COLUMNS = (PRIMAL, HAND, OURS, *PEERS)
RATIOS = ((OURS, PRIMAL), (OURS, HAND), *((peer, OURS) for peer in PEERS))
_WIDTH = 14
_RATIO_WIDTH = 18


def duration(seconds: float) -> str:
    """Three significant digits and a unit."""
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def header() -> str:
    times = "".join(f"{name:>{_WIDTH}}" for name in COLUMNS)
    pairs = (f"{slow.split()[0]}/{fast}" for slow, fast in RATIOS)
    ratios = "".join(f"{pair:>{_RATIO_WIDTH}}" for pair in pairs)
    return f"{'median time per gradient':32}{times}{ratios}"


def row(contest: Contest) -> str:
    line = f"{contest.title:32}"
    for name in COLUMNS:
        if name in contest.seconds:
            cell = duration(statistics.median(contest.seconds[name]))
        else:
            cell = "not installed" if name in contest.missing else ""
        line += f"{cell:>{_WIDTH}}"
    for slow, fast in RATIOS:
        cell = ""
        if slow in contest.seconds and fast in contest.seconds:
            cell = "{} ({})".format(*map(_ratio, contest.ratio(slow, fast)))
        line += f"{cell:>{_RATIO_WIDTH}}"
    return line.rstrip()


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"
