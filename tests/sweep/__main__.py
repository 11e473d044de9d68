"""`python -m tests.sweep`: each function with how many of its calls are right, refused, wrong, a crash.

python -m tests.sweep                      the table of all functions
python -m tests.sweep np.clip .sum         of some
python -m tests.sweep --show wrong,crash   with the calls that had these outcomes
python -m tests.sweep --part 0/2           every second function, for another process to do the others
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tests.sweep.calls import functions
from tests.sweep.judge import OUTCOMES, swept


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("functions", nargs="*")
    parser.add_argument("--show", default="wrong,crash", help="the outcomes whose calls are shown")
    parser.add_argument("--part", default="0/1")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    total: Counter[str] = Counter()
    begun = time.perf_counter()
    print(f"{'':28}" + "".join(f"{o:>10}" for o in OUTCOMES), flush=True)
    for function in (options.functions or functions())[part::parts]:
        found = swept(function)
        count = Counter(verdict.outcome for _, verdict in found)
        total += count
        if found:
            print(f"{function:28}" + "".join(f"{count[o] or '':>10}" for o in OUTCOMES), flush=True)
        for call, verdict in found:
            if verdict.outcome in options.show.split(","):
                print(f"    {verdict.outcome}: {call.text}    {verdict.why}")
    print(f"{'all ' + str(total.total()):28}" + "".join(f"{total[o]:>10}" for o in OUTCOMES))
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
