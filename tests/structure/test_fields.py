"""Our classes of named fields are what `dataclasses` would make of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from revcompile import records


def classes(made_by: Any) -> tuple[type, type, type]:
    @made_by.dataclass(frozen=True)
    class Point:
        x: float
        y: float = 2.0
        seen: int = made_by.field(default=0, compare=False)

    @made_by.dataclass(frozen=True)
    class Named(Point):
        item: str = "p"

    @made_by.dataclass
    class Box:
        items: list[int] = made_by.field(default_factory=list)
        made: list[int] = made_by.field(default_factory=list)

        def __post_init__(self) -> None:
            self.total = sum(self.items)

    return Point, Named, Box


def outcomes(made_by: Any) -> list[Any]:
    Point, Named, Box = classes(made_by)
    p, q = Point(1.0), Named(1.0, item="q")
    changed = made_by.replace(q, y=5.0, item="r")
    boxes = Box([1, 2]), Box()
    boxes[1].made.append(3)
    facts: list[Any] = [
        p == Point(1.0, 2.0, 7), p == q, p == Point(1.5), hash(p) == hash(Point(1.0, seen=3)), len({p, Point(1.0)}),
        q != changed, (changed.x, changed.y, changed.item), Point.seen, Point.__match_args__, Named.__match_args__,
        boxes[0].total, boxes[0] == Box([1, 2]), Box().made, Box.__hash__, repr(q).split(".")[-1], repr(Box([4])).split(".")[-1],
    ]  # fmt: skip
    for wrong in (
        lambda: Point(),
        lambda: Point(1.0, z=3),
        lambda: hash(Box()),
        lambda: setattr(p, "x", 3.0),
    ):
        with pytest.raises((TypeError, AttributeError)) as e:
            wrong()
        facts.append(e.type)
    return facts


def test_they_are_what_dataclasses_makes() -> None:
    assert outcomes(records) == outcomes(dataclasses)
