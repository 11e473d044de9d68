"""`dataclasses.replace` for what the IR consists of: passes rebuild so much that its cost tells.

Imports the standard library.
"""

from __future__ import annotations

from typing import Any, TypeVar

Item = TypeVar("Item")


def replace(item: Item, /, **changes: Any) -> Item:
    """The same statement, block or function with other parts."""
    kind: Any = type(item)
    made: Item = kind(**{**{name: getattr(item, name) for name in kind.__match_args__}, **changes})
    return made
