"""README.md's Python blocks run, and print what the text block after each says."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from revcompile.transforms.support import counted

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"```python\n(.*?)```\n+```text\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or not np.__version__.startswith("2.4."), reason="others have others"
)
def test_readme_counts_what_is_in_the_table() -> None:
    count = counted()
    said = f"{count['NumPy']} functions of NumPy, {count['math']} of `math` and {count['methods']} methods of arrays"
    assert said in README.read_text(encoding="utf-8")


def test_readme_blocks_print_what_they_say() -> None:
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) >= 2
    scope: dict[str, Any] = {"__name__": "readme"}
    for number, (code, expected) in enumerate(blocks):
        filename = f"<README block {number}>"
        linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, filename, "exec"), scope)
        assert printed.getvalue() == expected
