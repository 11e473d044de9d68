"""`import revcompile` in a fresh process, against NumPy's own import."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import revcompile
print(middle - start, perf_counter() - middle)
"""


def seconds(runs: int = 7) -> list[tuple[float, float]]:
    """For each run: NumPy's import, and what revcompile's adds to it. The first run warms the caches."""
    measured = []
    for _ in range(runs + 1):
        run = subprocess.run(
            [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=60
        )
        numpy_seconds, added = map(float, run.stdout.split())
        measured.append((numpy_seconds, added))
    return measured[1:]
