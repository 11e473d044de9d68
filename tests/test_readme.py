"""README.md's Python blocks run, and print what the text block after each says."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"```python\n(.*?)```\n+```text\n(.*?)```", re.DOTALL)


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
