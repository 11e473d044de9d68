"""The IR does not change: a value is itself and its type, what else is known of it stands in the tables of stages."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from revcompile.ir.types import FLOAT, INT
from revcompile.ir.values import Value, ValueTable
from tests.structure.test_floors import HOUSE, modules

PARTS = {field.name for field in fields(Value)}


@pytest.mark.parametrize("name", ["type", "hint", "fold"])
def test_a_value_is_not_changed(name: str) -> None:
    value = Value(FLOAT)
    with pytest.raises((AttributeError, TypeError)):
        setattr(value, name, INT)
    assert value.type is FLOAT


def test_a_value_is_itself_and_its_type() -> None:
    assert PARTS == {"type"}
    assert not hasattr(Value(FLOAT), "__dict__")
    assert Value(FLOAT) != Value(FLOAT)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(HOUSE)))
def test_nobody_assigns_to_a_part_of_a_value(path: Path) -> None:
    """What an object says of itself (`self.type`) is its own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            own = isinstance(node.value, ast.Name) and node.value.id == "self"
            assert own or node.attr not in PARTS, f"line {node.lineno} changes {ast.unparse(node)}"


def test_what_a_pass_finds_out_is_its_own() -> None:
    """A copy of the table begins with what was known, and neither sees what the other learns."""
    first = ValueTable()
    value = first.new(FLOAT, "x")
    gradient = first.new(FLOAT, of=value)
    first.unset[value] = "x"
    second = first.copy()
    assert (second.wish(gradient), second.unset) == ("grad_x", {value: "x"})
    second.name(value, "y")
    second.fold(value, True)
    second.integral.add(value)
    assert (first.wish(gradient), second.wish(gradient)) == ("grad_x", "grad_y")
    assert value in first.unfolded and value not in first.integral


def test_another_value_is_written_and_known_alike() -> None:
    table = ValueTable()
    value = table.new(FLOAT, "x")
    table.unset[value] = "x"
    table.integral.add(value)
    other = table.retyped(value, INT)
    assert (other.type, table.wish(other), table.unset[other]) == (INT, "x", "x")
    assert other in table.unfolded and other in table.integral
    assert table.like(value, fold=True) not in table.unfolded
