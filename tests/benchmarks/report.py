"""The table: one line a contest, medians, and ratios with those of the best times in brackets."""

from __future__ import annotations

import statistics

from tests.benchmarks.peers import HAND, OURS, PEERS
from tests.benchmarks.timing import Contest

COLUMNS = (HAND, OURS, *PEERS)
_WIDTH = 15


def duration(seconds: float) -> str:
    """Three significant digits and a unit."""
    for unit, scale in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 999.5 * scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds:.3g} s"


def header() -> str:
    times = "".join(f"{name:>{_WIDTH}}" for name in COLUMNS)
    ratios = "".join(f"{name:>{_WIDTH}}" for name in ("ours/hand", *(f"{peer[:8]}/ours" for peer in PEERS)))
    return f"{'median time per gradient':32}{times}{ratios}"


def row(contest: Contest) -> str:
    cells = []
    for name in COLUMNS:
        if name in contest.seconds:
            cells.append(duration(statistics.median(contest.seconds[name])))
        else:
            cells.append("not installed" if name in contest.missing else "")
    for slow, fast in ((OURS, HAND), *((peer, OURS) for peer in PEERS)):
        if slow in contest.seconds and fast in contest.seconds:
            median, best = contest.ratio(slow, fast)
            cells.append(f"{median:.3g} ({best:.3g})")
        else:
            cells.append("")
    return f"{contest.title:32}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells).rstrip()
