"""Every test run checks the IR between the compiler's stages. `-m smoke` runs one test in sixteen.

Of the longest files one test in so many runs daily, and all with the fuzzers: `-m fuzz`.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterator

import pytest

from revcompile.dispatch import forget_all
from revcompile.gates.table import TABLE
from revcompile.ir import verify

verify.enabled = True
SMOKE = 16  # one test in so many
DAILY = {
    "tests/corpus/test_language.py": 3, "tests/gates/test_every_gate.py": 2,
    "tests/language/test_second_order.py": 2, "tests/language/test_foreign.py": 2,
    "tests/language/test_nested_grad.py": 2, "tests/language/test_identity.py": 2,
    "tests/language/test_bounded_work.py": 2, "tests/language/test_pairs.py": 2,
    "tests/language/test_zeros.py": 2, "tests/face/test_numbers.py": 2, "tests/face/test_made_again.py": 2,
    "tests/programs/test_memory.py": 2, "tests/programs/test_growth.py": 2, "tests/programs/test_kernels.py": 2,
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that run daily and those of a first look, by their names: the same in every process."""
    for item in items:
        chance = zlib.crc32(item.nodeid.encode())
        if chance // SMOKE % DAILY.get(item.nodeid.partition("::")[0], 1) != 0:
            item.add_marker(pytest.mark.fuzz)
        long = any(item.get_closest_marker(mark) for mark in ("fuzz", "bench"))
        if not long and chance % SMOKE == 0:
            item.add_marker(pytest.mark.smoke)


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay until the end: no garbage collection has to look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def gates_of_its_own() -> Iterator[None]:
    """A test may give NumPy's functions gates, which other tests of the same process do not see."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)
    forget_all()
