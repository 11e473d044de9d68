"""What compositions give is in the memory in which NumPy has it: a program that writes into it shows that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from revcompile.gates.table import TABLE
from tests.gates.test_every_gate import Case, arguments, cases, is_real, name_of, program
from tests.support.oracle import assert_close, float_leaves, numerical_gradients
from tests.support.program import make

COMPOSED = [case for case in cases() if case.values[0][0].composed]
# Joins of an array mean what its rows do.
OF_ROWS = [
    "np.stack(x)",
    "np.stack(x, 1)",
    "np.concatenate(x)",
    "np.vstack(x)",
    "np.hstack(x)",
    "np.dstack(x)",
    "np.column_stack(x)",
    "np.concatenate(x, None)",
    "np.subtract.reduce(x, 0)",
    "np.subtract.reduce(x[:1], 0)",
    "np.hypot.reduce(x, ())",
]


@pytest.mark.parametrize("case", COMPOSED)
def test_what_is_written_into_a_result(case: Case) -> None:
    _, function, example = case
    args = arguments(case)
    if any(np.isnan(a).any() for a in args if isinstance(a, np.ndarray) and is_real(a)):
        pytest.skip("it has holes")
    outcome = function(*args, **example.options)
    arrays = [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and is_real(a)]
    if (
        not isinstance(outcome, np.ndarray)
        or 0 in (outcome.ndim, outcome.size)
        or not arrays
        or not outcome.flags.writeable
    ):
        pytest.skip("nothing can be written into what it gives")
    spelled = [f"x{i}" if i in arrays else f"c{i}" for i in range(len(args))]
    spelled += [f"{k}=o_{k}" for k in example.options]
    check(f"the_gate({', '.join(spelled)})", tuple(args[i] for i in arrays), [f"x{i}" for i in arrays], {
        "the_gate": function,
        **{f"c{i}": a for i, a in enumerate(args) if i not in arrays},
        **{f"o_{k}": v for k, v in example.options.items()},
    })  # fmt: skip


@pytest.mark.parametrize("case", COMPOSED)
def test_operands_that_were_written(case: Case) -> None:
    """Of arrays that hold no variable when they are made."""
    f, variables, weights = program(case, arguments(case))
    names = [f"x{i}" for i, v in enumerate(variables) if isinstance(v, np.ndarray)]
    if not names or np.isnan(f(*variables, *weights)):
        pytest.skip("it has no array, or holes")
    given = ", ".join(f"x{i}" for i in range(len(variables)))
    stores = "".join(
        f"    y = np.zeros({n}.shape, {n}.dtype)\n    y[...] = {n}\n    {n} = y\n" for n in names
    )
    written = make(
        f"def written({given}):\n{stores}    return f({given}, *weights)\n", "written", f=f, weights=weights
    )
    which = tuple(range(len(variables)))
    found = grad(written, argnums=which)(*variables)
    assert_close(found, float_leaves(grad(f, argnums=which)(*variables, *weights)))


@pytest.mark.parametrize("case", COMPOSED)
def test_operands_that_a_loop_carries(case: Case) -> None:
    """Of which it is not known in the loop that they vary."""
    f, variables, weights = program(case, arguments(case))
    arrays = [i for i, v in enumerate(variables) if isinstance(v, np.ndarray)]
    smaller = tuple(v * 0.9 if i in arrays else v for i, v in enumerate(variables))
    if not arrays or np.isnan(f(*variables, *weights) + f(*smaller, *weights)):
        pytest.skip("it has no array, or holes")
    given = ", ".join(f"x{i}" for i in range(len(variables)))
    scaled = "".join(f"        x{i} = x{i} * 0.9\n" for i in arrays)
    text = f"    t = 0.0\n    for _ in range(2):\n        t += f({given}, *weights)\n{scaled}    return t\n"
    carried = make(f"def carried({given}):\n{text}", "carried", f=f, weights=weights)
    which = tuple(range(len(variables)))
    found = grad(carried, argnums=which)(*variables)
    gradient = grad(f, argnums=which)
    first, second = gradient(*variables, *weights), gradient(*smaller, *weights)
    scales = [float_leaves(second[i] * 0.9 if i in arrays else second[i]) for i in which]
    expected = [a + b for a, b in zip(float_leaves(first), float_leaves(scales), strict=True)]
    assert_close(found, expected)


@pytest.mark.parametrize("text", OF_ROWS)
def test_what_is_written_into_a_join(text: str) -> None:
    check(text, (np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]]),), ["x"], {})


def check(call: str, arrays: tuple[np.ndarray, ...], names: list[str], others: dict[str, Any]) -> None:
    copies = "".join(f"    {n} = {n} * 1.0\n" for n in names)
    lines = f"    y = {call}\n    y *= 3.0\n    y[0] = 0.5\n"
    loss = " + ".join(f"np.sum({n} * np.sin({n}))" for n in [*names, "y"])
    f: Callable[..., Any] = make(f"def f({', '.join(names)}):\n{copies}{lines}    return {loss}\n", **others)
    expected = numerical_gradients(f, arrays)
    for optimize in (True, False):
        try:
            found = grad(f, argnums=tuple(range(len(arrays))), optimize=optimize)(*arrays)
        except UnsupportedError:
            pytest.skip("refused, where it is not known in whose memory it is")
        assert_close(found, expected)


def test_there_are_many() -> None:
    assert len({id(gate) for gate in TABLE.values() if gate.composed}) > 50
    assert name_of(np.quantile) == "np.quantile"
