"""Records are what `dataclasses` would make of their classes, and the compiler's classes are records."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revcompile.records import record, replace
from tests.structure.test_floors import HOUSE, modules


def classes(decorate: Callable[..., Any]) -> list[type]:
    @decorate(frozen=True)
    class Frozen:
        x: int
        y: float = 0.5
        z: Any = dataclasses.field(default=None, compare=False)

    @decorate(frozen=True)
    class Further(Frozen):
        y: float = 1.5
        w: str = "w"

        def __str__(self) -> str:
            return "further"

    @decorate(eq=False)
    class Plain:
        x: int
        items: list[int] = dataclasses.field(default_factory=list)

        def __post_init__(self) -> None:
            self.twice = 2 * self.x

    @decorate()
    class Changing:
        x: int
        y: int = 2

    return [Frozen, Further, Plain, Changing]


NAMES = ["Frozen", "Further", "Plain", "Changing"]


@pytest.mark.parametrize("number", range(4), ids=NAMES.__getitem__)
def test_a_record_is_a_dataclass(number: int) -> None:
    found = []
    for cls in (classes(record)[number], classes(dataclasses.dataclass)[number]):
        a, b, c = cls(1), cls(x=1), cls(2)
        changed = dataclasses.replace(a, x=3)
        other = replace(a, x=3)
        hashes = cls.__hash__ is not None and (hash(a) == hash(b), hash(a) == hash(c))
        found.append(
            [repr(a), str(a), a == b, a == c, a == 1, hashes, vars(a), vars(changed), vars(other),
             cls.__match_args__, vars(copy.deepcopy(a)), getattr(cls, "y", None), a is not b]
        )  # fmt: skip
        for wrong in (lambda: cls(), lambda: cls(1, 2, 3, 4, 5), lambda: cls(1, q=2)):
            with pytest.raises(TypeError):
                wrong()
        try:
            a.x = 7
        except dataclasses.FrozenInstanceError:
            found[-1].append("frozen")
    assert found[0] == found[1]


def test_a_list_is_not_shared() -> None:
    plain = classes(record)[2]
    a, b = plain(1), plain(2)
    a.items.append(1)
    assert (b.items, a.twice, b.twice) == ([], 2, 4)


def test_a_record_is_pickled() -> None:
    from revcompile.frontend.wanted import Options

    options = Options(("x",), False, True, False)
    assert pickle.loads(pickle.dumps(options)) == options == copy.copy(options)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_classes_are_records(path: Path) -> None:
    """But for a class with slots; to import the package is to be quick."""
    if path.name == "records.py" or path == HOUSE / "ir" / "values.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses":
            assert {a.name for a in node.names} <= {"field"}, "revcompile.records has these"
