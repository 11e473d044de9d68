"""`checkpoint=` of the operators besides `grad`: as without it, in the memory of the states that are kept."""

from __future__ import annotations

import copy
import math
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import (
    UnsupportedError,
    check_grads,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_jacobian,
    vjp,
)
from tests.derivatives import long_loops
from tests.derivatives.long_loops import ARGUMENTS, OF_STATES, X, constant

SMOOTH = [p for p in OF_STATES if p is not constant]


def of_arrays(program: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the same loop that gives arrays."""

    def f(x: Any, w: Any, n: int) -> Any:
        number = program(x, w, n)
        return {"array": number * np.exp(0.1 * x), "number": number * w}

    return f


def close(found: Any, expected: Any) -> None:
    """The same structure, of the same types, with the same numbers."""
    assert type(found) is type(expected)
    if isinstance(expected, (tuple, dict)):
        pairs = expected.items() if isinstance(expected, dict) else enumerate(expected)
        assert len(found) == len(expected)
        for key, item in pairs:
            close(found[key], item)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def given(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return copy.deepcopy(args)


@pytest.mark.parametrize("program", OF_STATES)
@pytest.mark.parametrize(("slots", "optimize"), [(1, False), (3, True)])
def test_pullbacks(program: Any, slots: int, optimize: bool) -> None:
    """A pullback may be called many times, and each time begins with the states that were kept."""
    f = of_arrays(program)
    again = vjp(f, argnums=(0, 1), optimize=optimize, checkpoint=slots)
    stored = vjp(f, argnums=(0, 1), optimize=optimize)
    assert f"checkpoints({max(1, slots // 2)}" in again.source_for(*given(ARGUMENTS[0]))
    for args in ARGUMENTS:
        value, pullback = again(*given(args))
        expected, wanted = stored(*given(args))
        close(value, expected)
        one = {"array": np.arange(4.0), "number": 0.3}
        other = {"array": np.ones(4), "number": -1.0}
        first = pullback(one)
        close(first, wanted(one))
        close(pullback(other), wanted(other))
        close(pullback(one), first)
        close(copy.deepcopy(pullback)(other), wanted(other))


@pytest.mark.parametrize("program", OF_STATES)
@pytest.mark.parametrize("slots", [1, 4])
def test_jacobians(program: Any, slots: int) -> None:
    f = of_arrays(program)
    again = jacrev(f, (0, 1), checkpoint=slots)
    assert f"checkpoints({slots}" in again.source_for(*given(ARGUMENTS[0]))
    for args in ARGUMENTS:
        close(again(*given(args)), jacrev(f, (0, 1))(*given(args)))
    both = value_and_jacobian(f, 0, checkpoint=slots)
    close(both(*given(ARGUMENTS[1])), value_and_jacobian(f, 0)(*given(ARGUMENTS[1])))


@pytest.mark.parametrize("program", SMOOTH)
@pytest.mark.parametrize("optimize", [True, False])
def test_second_derivatives(program: Any, optimize: bool) -> None:
    for args in ARGUMENTS[:3]:
        vector = (np.cos(np.arange(4.0)), 0.7)
        product = hvp(program, (0, 1), optimize=optimize, checkpoint=3)
        close(product(*given(args), vector), hvp(program, (0, 1))(*given(args), vector))
        assert "checkpoints(3" in product.source
        close(hessian(program, 0, checkpoint=2)(*given(args)), hessian(program, 0)(*given(args)))


@pytest.mark.parametrize("program", [long_loops.two_carried, long_loops.while_, long_loops.broken])
def test_of_differences(program: Any) -> None:
    x, w, n = X, 1.3, 7
    step = 1e-6
    gradient, product = grad(program, 0), hvp(program, 0, checkpoint=2)
    up, down = (gradient(x + s * step * X, w, n) for s in (1, -1))
    np.testing.assert_allclose(product(x, w, n, X), (up - down) / (2 * step), rtol=1e-5, atol=1e-7)
    f = of_arrays(program)
    rows = jacrev(f, 0, checkpoint=2)(x, w, n)["array"]
    columns = [
        (f(x + e, w, n)["array"] - f(x - e, w, n)["array"]) / (2 * step) for e in step * np.eye(len(x))
    ]
    np.testing.assert_allclose(rows, np.array(columns).T, rtol=1e-5, atol=1e-7)
    check_grads(grad(program, (0, 1), checkpoint=2), (x, w, n))


def test_other_forms() -> None:
    """A decorator, aux, a method, elementwise, a pattern, a Jacobian of a gradient, trees."""

    @jacrev(argnums=0, has_aux=True, checkpoint=2)
    def f(state: Any, n: int) -> Any:
        x, v = state["x"], state["v"]
        for _ in range(n):
            v = v - 0.1 * np.sin(x)
            x = x + 0.1 * v
        return (x, x * v), n

    state = {"x": X, "v": 0.1 * X}
    found, aux = f(state, 9)
    assert aux == 9
    close(found, jacfwd(lambda state: f.primal(state, 9)[0])(state))

    class Model:
        def __init__(self, w: float) -> None:
            self.w = w

        def run(self, x: Any, n: int) -> Any:
            for _ in range(n):
                x = x + 0.1 * np.sin(self.w * x)
            return x

        energy = hvp(lambda self, x, n: np.sum(self.run(x, n) ** 2), "x", checkpoint=2)

    model = Model(1.3)
    expected = jacfwd(model.run, 0)(X, 9)
    close(jacrev(model.run, 0, checkpoint=2)(X, 9), expected)
    close(vjp(model.run, argnums=0, checkpoint=2)(X, 9)[1](X), X @ expected)
    close(elementwise_grad(model.run, 0, checkpoint=2)(X, 9), np.diag(expected))
    close(jacobian(model.run, 0, sparsity="diagonal", checkpoint=2)(X, 9), expected)
    close(model.energy(X, 9, X), hessian(lambda x: np.sum(model.run(x, 9) ** 2))(X) @ X)
    slope = grad(lambda x: np.sum(model.run(x, 9) ** 3))
    of_slope = jacobian(slope, checkpoint=2)
    close(of_slope(X), jacobian(slope)(X))
    assert "checkpoints(2" in of_slope.source


def energy(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x - 0.1 * np.sin(1.3 * x)
    return np.sum(x**3)


def test_what_is_refused() -> None:
    """What would have to keep all, and says so; forward mode keeps nothing, and has no such option."""
    slope = grad(energy, 0, checkpoint=3)
    rows = jacrev(energy, 0, checkpoint=3)
    for f in (
        lambda x: np.sum(slope(x, 9)),
        lambda x: np.sum(rows(x, 9)),
        lambda x: np.sum(grad(energy, 0, checkpoint=3)(x, 9)),
        lambda x: np.sum(jacrev(energy, 0, checkpoint=3)(x, 9)),
        lambda x: np.sum(hvp(energy, 0, checkpoint=3)(x, 9, x)),
    ):
        for make in (grad, jacfwd, lambda f: lambda x: jvp(f, (x,), (x,))):
            with pytest.raises(UnsupportedError, match="would have to keep all states"):
                make(f)(X)
    for make in (grad, hessian, jacobian, jvp, vjp):
        with pytest.raises(UnsupportedError, match="hvp and hessian have it themselves"):
            make(slope)
    for operator in (jvp, jacfwd):
        with pytest.raises(TypeError, match="unexpected keyword argument 'checkpoint'"):
            operator(energy, checkpoint=3)
    for operator in (vjp, jacrev, jacobian, value_and_jacobian, hessian, hvp, elementwise_grad):
        with pytest.raises(ValueError, match="1 or more"):
            operator(energy, checkpoint=0)


def pendulums(x: Any, v: Any, n: int) -> Any:
    for _ in range(n):
        v = v - 0.01 * np.sin(x)
        x = x + 0.01 * v
    return np.array([np.sum(x * v), np.sum(x), np.sum(v)])


def pulled(checkpoint: int | None) -> Any:
    f = vjp(pendulums, argnums=(0, 1), checkpoint=checkpoint)
    return lambda *args: f(*args)[1](np.array([1.0, 2.0, 3.0]))


def rows(checkpoint: int | None) -> Any:
    return jacrev(pendulums, (0, 1), checkpoint=checkpoint)


def product(checkpoint: int | None) -> Any:
    f = hvp(lambda x, v, n: pendulums(x, v, n)[0], (0, 1), checkpoint=checkpoint)
    return lambda x, v, n: f(x, v, n, (x, v))


@pytest.mark.parametrize(("make", "most"), [(pulled, 30), (rows, 35), (product, 60)])
def test_memory_is_that_of_the_slots(make: Any, most: int) -> None:
    """A pullback keeps half of them, which it begins with; a state of second derivatives has the tangents, too."""
    x, n = np.linspace(0.1, 2.0, 1000), 2_000
    f = make(20)
    f(x, 0.1 * x, 3)
    tracemalloc.start()
    f(x, 0.1 * x, n)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * 2 * x.nbytes


@pytest.mark.parametrize("make", [pulled, rows, product])
def test_time(make: Any) -> None:
    """Of 10,000 trips: less than four times that of the stored loop, on a machine that is busy."""
    x = np.linspace(0.1, 2.0, 10)
    functions, seconds = (make(None), make(20)), [math.inf, math.inf]
    for _ in range(4):
        for i, f in enumerate(functions):
            f(x, 0.1 * x, 2)
            start = time.process_time()
            f(x, 0.1 * x, 10_000)
            seconds[i] = min(seconds[i], time.process_time() - start)
    assert seconds[1] < 4.0 * seconds[0], seconds
