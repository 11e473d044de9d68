"""What changes between calls: captured arrays, globals, objects; draws and effects; what a call leaves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.corpus.cases import CASES
from tests.corpus.differences import Differences, assert_gradient, copied
from tests.corpus.table import A, P, S, U, V

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def agrees(gradient: Callable[..., Any], function: Callable[..., Any], *args: Any) -> None:
    """Value and gradient of the first argument are those of the function as it is now."""
    value, found = gradient(*copied(args))
    expected = Differences(function, args, (0,))
    np.testing.assert_allclose(value, expected.value, rtol=1e-12)
    assert_gradient(args[0], found, expected.gradients, (0,), expected.value)


WEIGHTS = V.copy()
LAYERS = [V.copy(), U.copy()]
TRIPS = 3


def uses_a_global_array(x):
    total = 0.0
    for i, w in enumerate(WEIGHTS):
        total += np.sin(x[i % 2] * w) * np.sum(WEIGHTS)
    return total


@FORMS
def test_a_captured_array_is_mutated_and_rebound(optimize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "WEIGHTS", V.copy())
    gradient = value_and_grad(uses_a_global_array, argnums=0, optimize=optimize)
    agrees(gradient, uses_a_global_array, U)
    WEIGHTS[1:3] *= 5.0
    agrees(gradient, uses_a_global_array, U)
    for rebound in (P * 2.0, P[:1], np.zeros(0), np.arange(3), [0.5, 1.5], P):
        monkeypatch.setitem(globals(), "WEIGHTS", rebound)
        agrees(gradient, uses_a_global_array, U)


def uses_a_list_of_arrays(x):
    for _ in range(TRIPS):
        for w in LAYERS:
            x = np.tanh(x * w)
    return np.sum(x)


@FORMS
def test_a_captured_list_and_a_captured_bound_change(optimize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [V.copy(), U.copy()]
    monkeypatch.setitem(globals(), "LAYERS", layers)
    gradient = value_and_grad(uses_a_list_of_arrays, argnums=0, optimize=optimize)
    agrees(gradient, uses_a_list_of_arrays, P)
    layers[0] *= 2.0
    agrees(gradient, uses_a_list_of_arrays, P)
    layers.append(P)
    agrees(gradient, uses_a_list_of_arrays, P)
    layers[1] = np.float64(0.5)
    agrees(gradient, uses_a_list_of_arrays, P)
    for trips in (0, 1, 5):
        monkeypatch.setitem(globals(), "TRIPS", trips)
        agrees(gradient, uses_a_list_of_arrays, P)
    layers.clear()
    agrees(gradient, uses_a_list_of_arrays, P)


@FORMS
def test_a_closure_variable_is_mutated_and_rebound(optimize: bool) -> None:
    weights, n = V.copy(), 2

    def f(x):
        y = x
        for i in range(n):
            y = y * weights + weights[i]
        return np.sum(y**2)

    gradient = value_and_grad(f, argnums=0, optimize=optimize)
    agrees(gradient, f, U)
    weights[0] = -2.0
    agrees(gradient, f, U)
    weights, n = P * 0.5, 4
    agrees(gradient, f, U)
    n = 0
    agrees(gradient, f, U)


class Settings:
    power = 2

    def __init__(self, scale: Any) -> None:
        self.scale = scale

    def apply(self, x):
        return x**self.power * self.scale


SETTINGS = Settings(0.5)


def uses_an_object(x):
    total = 0.0
    for v in x:
        total = total + np.sum(SETTINGS.apply(v))
    return total


@FORMS
def test_an_object_changes(optimize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "SETTINGS", Settings(0.5))
    gradient = value_and_grad(uses_an_object, argnums=0, optimize=optimize)
    agrees(gradient, uses_an_object, V)
    SETTINGS.scale = P.copy()
    agrees(gradient, uses_an_object, V)
    SETTINGS.scale[:] = 2.0
    agrees(gradient, uses_an_object, V)
    SETTINGS.power = 3
    agrees(gradient, uses_an_object, V)
    monkeypatch.setattr(Settings, "apply", lambda self, x: np.sin(x) * self.power)
    agrees(gradient, uses_an_object, V)


DEFAULT = V.copy()


def has_an_array_as_default(x, w=DEFAULT):
    for i in range(len(w)):
        x = x * 0.5 + w[i]
    return np.sum(x * w)


@FORMS
def test_a_default_is_an_array_that_changes(optimize: bool) -> None:
    gradient = value_and_grad(has_an_array_as_default, argnums=0, optimize=optimize)
    try:
        agrees(gradient, has_an_array_as_default, U)
        DEFAULT[2] = 4.0
        agrees(gradient, has_an_array_as_default, U)
        assert DEFAULT[2] == 4.0
    finally:
        DEFAULT[:] = V


def step(x):
    return np.sin(x)


def calls_a_helper(x, n):
    for _ in range(n):
        x = step(x) + 0.1
    return np.sum(x)


@FORMS
def test_a_helper_is_rebound(optimize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    gradient = value_and_grad(calls_a_helper, argnums=0, optimize=optimize)
    agrees(gradient, calls_a_helper, V, 3)
    monkeypatch.setitem(globals(), "step", lambda x: x * x * 0.5)
    agrees(gradient, calls_a_helper, V, 3)
    agrees(gradient, calls_a_helper, V, 0)


@FORMS
def test_draws_are_made_once(optimize: bool) -> None:
    """A gradient call leaves a captured generator where a call of the function leaves it."""
    rng = np.random.default_rng(5)

    def f(x, n):
        for i in range(n):
            x = x * rng.normal(size=len(x)) + i
        return np.sum(x**2) * rng.random()

    gradient = grad(f, argnums=0, optimize=optimize)
    for n in (0, 1, 4):
        before = copy.deepcopy(rng.bit_generator.state)
        f(V, n)
        after = copy.deepcopy(rng.bit_generator.state)
        rng.bit_generator.state = before
        found = gradient(V, n)
        assert rng.bit_generator.state == after

        def again(x, n):
            rng.bit_generator.state = before
            return f(x, n)

        expected = Differences(again, (V, n), (0,))
        assert_gradient(V, found, expected.gradients, (0,), expected.value)


@FORMS
def test_effects_happen_once_and_in_order(optimize: bool, capsys: pytest.CaptureFixture[str]) -> None:
    def f(x, n):
        for i in range(n):
            print(i, f"{x[i]:.2f}")
            if x[i] < 0:
                continue
            x = x * 2.0
            print("doubled", np.sum(x) > 0)
        return np.sum(x)

    for n in (0, 1, 3):
        f(V, n)
        said = capsys.readouterr().out
        gradient = grad(f, argnums=0, optimize=optimize)
        capsys.readouterr()
        gradient(V, n)
        assert capsys.readouterr().out == said


@FORMS
def test_an_exception_leaves_nothing_behind(optimize: bool) -> None:
    def f(x, n):
        hs = [x]
        for i in range(n):
            hs.append(hs[-1] * x[i])
        return np.sum(hs[-1])

    gradient = value_and_grad(f, argnums=0, optimize=optimize)
    agrees(gradient, f, V, 3)
    with pytest.raises(IndexError):
        gradient(V.copy(), 9)
    agrees(gradient, f, V, 3)
    agrees(gradient, f, V, 5)


@FORMS
def test_gradients_of_earlier_calls_are_kept(optimize: bool) -> None:
    def f(x, n):
        y = x
        for i in range(n):
            y[i] *= y[i + 1]
            y = y * 1.5
        return np.sum(y**2)

    gradient = grad(f, argnums=0, optimize=optimize)
    first = gradient(V.copy(), 3)
    kept = first.copy()
    second = gradient(U.copy(), 3)
    first_again = gradient(V.copy(), 3)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, first_again)
    assert not np.shares_memory(first, second)


SINGLE = [
    "loops.for_elements",
    "loops.for_rows",
    "loops.carried_state_of_a_network",
    "loops.carried_scalar_becomes_an_array",
    "branches.if_in_a_loop",
    "exits.return_in_nested_loops",
    "mutation.store_prefix_sums",
    "mutation.slices_in_a_time_loop",
    "mutation.augmented_arrays",
    "mutation.add_at_adds_up",
    "views.buffers_swapped_in_a_time_loop",
    "views.callee_writes_two_arguments",
    "containers.growing_list_stacked",
    "functions.helper_with_a_loop",
    "programs.gauss_seidel",
]


@FORMS
@pytest.mark.parametrize("name", SINGLE)
def test_single_precision_stays_single(name: str, optimize: bool) -> None:
    case = CASES[name, "case", ""]
    args = case.inputs[0]
    positions = tuple(i for i, arg in enumerate(args) if isinstance(arg, np.ndarray) and arg.dtype == float)
    single = tuple(arg.astype(np.float32) if i in positions else arg for i, arg in enumerate(args))
    given = copied(single)
    found = grad(case.function, argnums=positions, optimize=optimize)(*given)
    double = Differences(case.function, args, positions)
    for position, gradient in zip(positions, found):
        assert gradient.dtype == np.float32
        expected = double.gradients[position,]
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3 * np.max(np.abs(expected)))
        np.testing.assert_array_equal(given[position], single[position])


@FORMS
def test_the_caller_keeps_read_only_and_shared_arrays(optimize: bool) -> None:
    """Arguments that must not be written, that overlap, or that are one and the same array."""

    def f(x, rows, y):
        total = 0.0
        for row in rows:
            total += np.sum(row * x) ** 2
        return total * np.sum(y)

    base = A.copy()
    base.flags.writeable = False
    args = (base[0], base, base.T[::2])
    found = grad(f, optimize=optimize)(*args)
    expected = Differences(f, args, (0, 1, 2))
    for i in range(3):
        assert_gradient(args[i], found[i], expected.gradients, (i,), expected.value)
        assert found[i].flags.writeable
    np.testing.assert_array_equal(base, A)


@FORMS
def test_one_gradient_function_serves_every_structure(optimize: bool) -> None:
    def f(tree, n):
        total = 0.0
        for _ in range(n):
            for leaf in tree:
                total = total * 0.9 + np.sum(leaf**2)
        return total

    gradient = value_and_grad(f, argnums=0, optimize=optimize)
    for tree in (V, [V, 0.5], (S, A), [], V, [0.5, 1.5, 2.5], A, (np.float64(2.0),), [V, 0.5]):
        for n in (2, 0):
            agrees(gradient, f, tree, n)
