"""Loops as Numba can read them go through the same items."""

from __future__ import annotations

from typing import Any

import pytest

from revcompile.native.legal import legal

LOOPS = [
    "for x in reversed(a):",
    "for x, y in zip(reversed(a), reversed(b)):",
    "for x in reversed(range(n)):",
    "for x in reversed(range(2, n)):",
    "for x in reversed(range(2, n, 3)):",
    "for x in reversed(range(n, 1, -2)):",
    "for x in reversed(range(n)[:m]):",
    "for x in range(1, n)[::-1][:m]:",
    "for x in reversed(range(n)[::-1][:m]):",
    "for x, y in zip(reversed(range(len(a))), reversed(a)):",
    "for x, y in zip(reversed(range(1, 1 + len(a))), reversed(a)):",
    "for x, y in zip(range(len(a)), reversed(a)):",
    "for x, (y, z) in zip(reversed(range(len(a))), reversed(pairs)):",
    "for _, y in zip(reversed(range(len(a))), reversed(a)):",
    "for x in a:",
    "for x, y in zip(a, b):",
    "for x in range(3, n):",
]


@pytest.mark.parametrize("heading", LOOPS)
def test_the_items_are_the_same(heading: str) -> None:
    lines = [
        "def f(a, b, pairs, n, m):",
        "    x = y = z = None",
        "    found = []",
        f"    {heading}",
        "        if x == 6:",
        "            continue",
        "        found.append((x, y, z))",
        "    return found",
    ]
    made = legal(lines)
    head = "\n".join(made[:-4])
    assert "reversed" not in head and "[::-1]" not in head
    names: dict[str, Any] = {}
    for text, name in ((lines, "before"), (made, "after")):
        exec("\n".join(text), names)
        names[name] = names["f"]
    for n, m, count in ((9, 4, 3), (5, 7, 1), (2, 0, 4), (0, 3, 0)):
        a, b = list(range(count)), [i * i for i in range(count)]
        arguments = (a, b, list(zip(a, b, strict=True)), n, m)
        assert names["before"](*arguments) == names["after"](*arguments)


def test_headings_of_several_lines() -> None:
    lines = [
        "def f(a, b):",
        "    for x, y in zip(",
        "        reversed(a), reversed(b),",
        "    ):",
        "        print(x, y)",
    ]
    assert legal(lines) == [
        "def f(a, b):",
        "    for trip in range(len(a) - 1, -1, -1):",
        "        x = a[trip]",
        "        y = b[trip]",
        "        print(x, y)",
    ]
