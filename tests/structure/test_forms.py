"""A form of statement says in its class what analyses and passes ask of it: they go through forms that they have
never seen, and the rooms that tell forms from one another are few."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import revcompile
from revcompile.dataflow.activity import active
from revcompile.dataflow.cotangents import Useful
from revcompile.dataflow.presence import missing
from revcompile.ir.nodes import UNDEFINED, Apply, Block, Form, Function, Value, leaves
from revcompile.ir.renaming import substitute
from revcompile.ir.types import INT, Array, Dim
from revcompile.ir.values import ValueTable
from revcompile.lazy import lazy
from revcompile.passes.order import Order
from revcompile.passes.walk import count_uses

HOUSE = Path(revcompile.__file__).parent
FORMS = frozenset({"Branch", "Loop", "Raise"})
# What a form means there is said form by form.
TELL_THEM_APART = {
    "ir/verify": "the rules that each keeps",
    "ir/undefined": "what is None where it would have no value",
    "ir/build": "a block that raises is at its end",
    "statements/origins": "which array a version was",
    "statements/probe": "what a picture is told at the start of a trip",
    "frontend/objects": "what an `__getattr__` raises",
    "autodiff/parted": "the two passes of `linearize`",
    "autodiff/residuals": "what is kept for the backward pass",
    "autodiff/slices": "what is computed again",
    "autodiff/long_loops": "which loops keep some states only",
    "passes/walk": "how each is rebuilt when values are replaced",
    "passes/in_place": "which of its arrays share storage",
    "passes/scalar_math": "whose numbers it carries, NumPy's or Python's",
    "passes/overwritten": "loops that write one place",
    "passes/extents": "the first loop of the backward pass",
    "passes/before_loops": "loops",
    "passes/kept_floats": "loops that keep states",
    "passes/last": "reversed loops",
    "passes/unguarded": "branches that guard",
    "codegen/coalesce": "which of its values may be one variable",
    "codegen/write": "its text",
    "codegen/blocks": "its text",
    "transforms/circuit": "how it runs, for a picture",
}


def asks(path: Path) -> bool:
    """Whether a file asks of a statement which form with blocks it is."""
    forms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "revcompile.ir.nodes":
            forms.update(alias.name for alias in node.names if alias.name in FORMS)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            if any(isinstance(n, ast.Name) and n.id in forms for n in ast.walk(node.args[1])):
                return True
    return False


def test_few_rooms_tell_forms_apart() -> None:
    found = {str(p.relative_to(HOUSE).with_suffix("")) for p in HOUSE.rglob("*.py") if asks(p)}
    assert found == set(TELL_THEM_APART)


VECTOR = Array(np.dtype(float), (Dim(size=3),))


@dataclass(frozen=True, eq=False)
class Switch(Form):
    """One of three sides runs, by a number."""

    number: Value
    first: Block
    second: Block
    third: Block
    results: tuple[Value, ...]
    line: Any = None

    parts = ("first", "second", "third")

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        return (self.number,)

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        return self.results

    @lazy
    def decides(self) -> tuple[Value, ...]:
        return (self.number,)

    @lazy
    def gives(self) -> tuple[tuple[Value, tuple[Any, ...]], ...]:
        return tuple(zip(self.results, zip(*(side.yields for side in self.blocks))))


@dataclass(frozen=True, eq=False)
class Twice(Form):
    """A body that runs twice: what it carries goes through it."""

    inits: tuple[Any, ...]
    params: tuple[Value, ...]
    body: Block
    results: tuple[Value, ...]
    line: Any = None

    parts = ("body",)
    repeats = True

    @lazy
    def inputs(self) -> tuple[Value, ...]:
        return tuple(leaves(self.inits))

    @lazy
    def outputs(self) -> tuple[Value, ...]:
        return self.results

    @lazy
    def bound(self) -> tuple[Value, ...]:
        return self.params

    @lazy
    def begins(self) -> tuple[tuple[Value, Any], ...]:
        return tuple(zip(self.params, self.inits))

    @lazy
    def goes_on(self) -> tuple[tuple[Value, Any], ...]:
        return tuple(zip(self.params, self.body.yields))

    @lazy
    def gives(self) -> tuple[tuple[Value, tuple[Any, ...]], ...]:
        return tuple((result, (end,)) for result, end in zip(self.results, self.body.yields))


def value() -> Value:
    return Value(VECTOR)


def times(a: Value, b: Any, result: Value) -> Apply:
    return Apply(operator.mul, (a, b), result)


@pytest.fixture
def made() -> dict[str, Value]:
    names = ("x", "y", "square", "product", "given", "absent", "param", "end", "after", "first", "unread")
    return {name: value() for name in names}


def body_of(v: dict[str, Value]) -> tuple[Block, Value]:
    """given = x * x, y or x, by n; absent only if n is not 2; after = given * y, twice, of which `first` is x."""
    n = Value(INT)
    switch: Any = Switch(
        n,
        Block((times(v["x"], v["x"], v["square"]),), (v["square"], v["y"])),
        Block((), (v["y"], v["y"])),
        Block((), (v["x"], UNDEFINED)),
        (v["given"], v["absent"]),
    )
    trip = Block((times(v["param"], v["y"], v["end"]),), (v["end"],))
    twice: Any = Twice((v["given"],), (v["param"],), trip, (v["after"],))
    return Block((switch, twice), (v["after"],)), n


def test_analyses_go_through_a_form_that_they_do_not_know(made: dict[str, Value]) -> None:
    body, _ = body_of(made)
    assert missing(body) == {made["absent"]}
    follow_x = ("x", "square", "given", "param", "end", "after")
    assert active(body, (made["x"],), ()) == {made[name] for name in follow_x}
    useful = Useful(None, None)  # type: ignore[arg-type]
    useful.run(body, {made["after"]: 1})
    assert {name for name, v in made.items() if v in useful.facts} == {*follow_x, "y"}


def test_a_form_that_is_not_known_is_counted_ordered_and_renamed(made: dict[str, Value]) -> None:
    body, n = body_of(made)
    assert body.nested == body.statements
    own = {made[name] for name in ("square", "given", "absent", "param", "end", "after")}
    assert set(body.defined) == own
    counts = count_uses(body)
    assert (counts[made["x"]], counts[made["y"]], counts[made["given"]], counts[n]) == (3, 5, 1, 1)
    order = Order(Function("f", (), body, ValueTable()))
    assert [point.sides for point in order.reads[made["x"]]] == [((1, 0),), ((1, 0),), ((1, 2),)]
    assert [len(point.loops) for point in order.reads[made["param"]]] == [1]
    new = substitute(body, {made["y"]: made["x"]})
    assert made["y"] not in new.uses and set(new.defined) == own
    assert new.statements[0].results == body.statements[0].results  # type: ignore[union-attr]
    assert not new.map(lambda s: None if isinstance(s, Apply) else s).functions
