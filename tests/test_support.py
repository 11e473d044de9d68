"""The table of what is supported, `revcompile gates`: its rows, and that what it says of a form is what ran."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from revcompile import gate
from revcompile.gates.samples import example, real
from revcompile.gates.table import TABLE
from revcompile.transforms.support import CHECKS, Row, counted, executed, listed, written

ROWS = {row.name: row for row in listed()}
RAN = dict.fromkeys(CHECKS, "ran")


def test_every_function_stands_in_it_by_its_name() -> None:
    for name in (
        "np.sum",
        "np.linalg.svd",
        "math.gamma",
        "np.add.reduce",
        ".reshape",
        ".sort",
        "np.copyto",
        "math.prod",
    ):
        assert ROWS[name].how != "constant"
    assert ROWS["np.sign"].how == "constant"
    assert ROWS["np.sign"].examples == ()
    assert list(ROWS) == sorted(ROWS)
    assert all(getattr(np.ndarray, name[1:]) for name in ROWS if name.startswith("."))


def test_signatures_are_numpys_own_names() -> None:
    assert ROWS["np.clip"].signature.startswith("(a, a_min")
    assert all("object at" not in row.signature and "no value" not in row.signature for row in ROWS.values())


def test_the_count_leaves_out_what_has_no_derivative() -> None:
    assert sum(counted().values()) == sum(row.how != "constant" for row in ROWS.values())


def only(row: Row, form: str) -> Row:
    """The row with the examples that are written so."""
    assert row.gate is not None
    chosen = tuple(e for e in row.gate.examples if written(e) == form)
    return replace(row, gate=replace(row.gate, examples=chosen))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("np.sum", "x[3, 4], axis=0"),
        ("np.linalg.svd", "x[4, 3], full_matrices=False"),
        ("math.log", "x in (0.1, 2), 2"),
        (".sum", "x[5], axis=0, keepdims=True"),
        ("np.concatenate", "[x[3], x[2]]"),
    ],
)
def test_forms_that_run(name: str, form: str) -> None:
    assert list(executed(only(ROWS[name], form))) == [(form, RAN)]


def test_what_goes_by_elements_is_run_of_arrays_too() -> None:
    assert dict(executed(ROWS["np.arctan2"]))["x[2, 1], x[3]"] == RAN
    assert dict(executed(ROWS["np.multiply"])) == {"x, x": RAN, "x[2, 3], x[3]": RAN}
    assert dict(executed(ROWS["math.sin"])) == {"x": RAN}


def test_a_function_of_numbers_is_not_run_of_arrays() -> None:
    assert list(dict(executed(ROWS["math.hypot"]))) == ["x, x"]


# -- what does not run --------------------------------------------------------------------------


def halved(x: Any) -> Any:
    return x / 2.0


def bent(x: Any) -> Any:
    return x**3


def hidden(x: Any) -> Any:
    try:
        return x * 1.0
    except ValueError:
        return x


@gate(halved)
def wrong_rule(grad_y: Any, x: Any) -> Any:
    return 2.0 * grad_y


@gate(bent)
def wrong_twice(grad_y: Any, x: Any) -> Any:
    return grad_y * np.round(3.0 * x**2, 12)


def of(function: Any) -> dict[str, str]:
    record = replace(TABLE[halved], examples=(example(real(3)),))
    ((form, ran),) = executed(Row(function.__name__, function, "rule", record))
    assert form == "x[3]"
    return ran


def test_a_wrong_rule_is_wrong_in_every_mode() -> None:
    assert [what.split(":")[0] for what in of(halved).values()] == ["wrong"] * 3
    assert "wrong gradient of f: 3 of 3 elements" in of(halved)["reverse"]


def test_a_rule_whose_own_derivative_is_wrong() -> None:
    ran = of(bent)
    assert (ran["reverse"], ran["forward"]) == ("ran", "ran")
    assert ran["second order"].startswith("wrong: wrong tangent of a tangent of f: 3 of 3 elements")


def test_what_is_refused_says_why() -> None:
    assert of(hidden) == dict.fromkeys(CHECKS, "refused: a try block is not supported yet")
