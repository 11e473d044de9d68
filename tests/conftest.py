"""Every test run checks the IR between the compiler's stages. `-m smoke` runs one test in sixteen."""

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a first look, by their names: the same ones in every process."""
    for item in items:
        long = any(item.get_closest_marker(mark) for mark in ("fuzz", "bench"))
        if not long and zlib.crc32(item.nodeid.encode()) % SMOKE == 0:
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
