"""Types are found on small examples: the same ones as on arrays of the program's own lengths."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest

from revcompile import grad
from revcompile.gates import small
from revcompile.gates.axes import broadcast_dims
from revcompile.gates.creation import count_of
from revcompile.gates.infer import infer
from revcompile.gates.record import Gate
from revcompile.gates.samples import Example, Real
from revcompile.gates.table import TABLE
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Value, map_structure
from revcompile.ir.types import FLOAT, Array, Dim
from tests.support.program import make

GATES = [
    pytest.param(gate, id=gate.name)
    for gate in dict.fromkeys(TABLE.values())
    if gate.locals is None and gate.types is None and gate.examples and not gate.composed
]


def as_values(gate: Gate, example: Example) -> tuple[Any, ...]:
    """An example's arguments as the compiler sees them, with all lengths known."""

    def value(x: Any) -> Any:
        if not isinstance(x, Real):
            return x
        return Value(Array(np.dtype(float), tuple(Dim(size=n) for n in x.shape)) if x.shape else FLOAT)

    def structure(x: Any) -> Any:
        if isinstance(x, np.ndarray) and gate.dims is broadcast_dims:
            return Value(Array(x.dtype, tuple(Dim(size=n) for n in x.shape)))
        return value(x) if isinstance(x, Real) else map_structure(value, x)

    return gate.bind(tuple(map(structure, example.args)), example.options)


@pytest.mark.parametrize("gate", GATES)
def test_a_type_does_not_depend_on_how_large_the_examples_are(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [as_values(gate, example) for example in gate.examples]
    expected = [infer(gate, gate.functions[0], args, Facts()) for args in calls]
    monkeypatch.setattr(small, "MOST_ELEMENTS", 0)
    monkeypatch.setattr(small, "LEAST_SCALED", 4)
    assert [infer(gate, gate.functions[0], args, Facts()) for args in calls] == expected


@pytest.mark.parametrize(
    "bounds",
    [
        (5,),
        (0,),
        (-3,),
        (2, 7),
        (7, 2),
        (0, 7, 3),
        (7, 0, -2),
        (2.5,),
        (0, 1, 0.1),
        (1, 0.05, -0.1),
        (0.0, 3, 1),
    ]
    + [(np.int32(4),), (1, np.float32(3.5))],
)
def test_a_range_is_counted_without_making_it(bounds: tuple[Any, ...]) -> None:
    assert count_of(*bounds) == len(np.arange(*bounds))


# Of arrays of ones, weighed by x: what makes more elements of N than there are.
LARGE = [
    "np.outer(x * np.ones(N), np.ones(N))",
    "np.outer(x * np.ones(N), np.ones(N))[np.repeat(np.arange(N), N), np.tile(np.arange(N), N)]",
    "np.ix_(np.arange(N), np.arange(N))[0] * x",
    "(np.eye(N) * x)[np.ix_(np.arange(N), np.arange(N))]",
    "np.einsum('i,j,k->ijk', x * np.ones(N), np.ones(N), np.ones(N))",
    "np.einsum('i,j,k->', x * np.ones(N), np.ones(N), np.ones(N))",
    "np.meshgrid(x * np.arange(N), np.linspace(0, 1, N), np.arange(N))[0]",
    "np.kron(x * np.ones((N, N)), np.ones((N, N)))",
    "np.pad(x * np.ones(3), N * N)",
    "np.outer(np.pad(x * np.ones(3), N), np.pad(x * np.ones(3), N))",
    "np.tile(x * np.ones(3), (N, N))",
    "np.repeat(x * np.ones(3), N * N)",
    "np.linspace(0.0, x, N * N)",
    "np.arange(N * N) * x",
    "np.arange(0.0, N * N, 0.5) * x",
    "np.zeros((20 * N, 20 * N)) * x",
    "np.full((N, N), x)",
    "np.identity(N) * x",
    "np.broadcast_to(x * np.ones(N), (N, N))",
    "np.cumsum(np.ones((N, N)) * x)",
    "np.cumsum(np.ones((N, N)) * x, axis=1)",
    "np.sort(np.ones((N, N)) * x, axis=None)",
    "np.lib.stride_tricks.sliding_window_view(np.ones(2 * N) * x, N)",
    "np.diagflat(np.ones(N) * x)",
    "(np.ones((N, N)) * x)[:, N - 1]",
    "(np.ones((N, N)) * x)[np.arange(N), N - 1]",
    "np.split(np.ones(2 * N) * x, [N, N + 1])[0]",
    "np.split(np.ones(2 * N) * x, 4)[0]",
    "np.tensordot(np.ones((N, N)) * x, np.ones((N, N)), 0)",
    "np.reshape(np.ones(N * N) * x, (N, N)) @ np.ones(N)",
    "np.concatenate([np.ones((N, N)), np.ones((2, N)) * x])[N + 1]",
    "np.outer((np.ones(3) * x)[:, None] * np.ones(N), np.ones(N))",
]


def sized(expression: str, n: int) -> str:
    return re.sub(r"\bN\b", str(n), expression)


@pytest.mark.parametrize("expression", LARGE)
def test_compiling_takes_no_memory_for_the_arrays_of_the_program(expression: str) -> None:
    f = make(f"def f(x):\n    return np.sum({sized(expression, 1000)})\n")
    tracemalloc.start()
    try:
        grad(f).source_for(0.5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3e6


@pytest.mark.parametrize("expression", [e for e in LARGE if "20" not in e])
@pytest.mark.parametrize("optimize", [True, False])
def test_the_gradient_is_that_of_the_arrays(expression: str, optimize: bool) -> None:
    """Each sum is linear in x. With 12, lengths are scaled down; with 4, most are not."""
    for n in (4, 12):
        f = make(f"def f(x):\n    return np.sum({sized(expression, n)})\n")
        np.testing.assert_allclose(grad(f, optimize=optimize)(0.5), f(1.0), rtol=1e-12)
