"""Functions made from text, with a source that `linecache` knows, as a REPL makes them."""

from __future__ import annotations

import itertools
import linecache
import math
import operator
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

_count = itertools.count()


def make(text: str, name: str = "f", **names: Any) -> Callable[..., Any]:
    """The function `name` that `text` defines."""
    filename = f"<program {next(_count)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    modules = {"np": np, "math": math, "operator": operator, "statistics": statistics, "itertools": itertools}
    scope: dict[str, Any] = {**modules, "__name__": "program", **names}
    exec(compile(text, filename, "exec"), scope)
    return scope[name]


def body(text: str) -> str:
    """Lines with the margin of a function's body."""
    lines = [line for line in text.split("\n") if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join("    " + line[margin:] for line in lines)
