"""Random draws: once a call, in the program's order, with the gradients that a sample has."""

from __future__ import annotations

import types

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient, value_and_grad
from tests.language.checking import check

V = np.array([0.5, -0.25, 0.75])
A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])


def every_draw(x):
    rng = np.random.default_rng(0)
    n = len(x)
    total = np.sum(x * rng.normal(size=n)) + np.sum(x[0] * rng.uniform(-1.0, 1.0, (2, n)))
    total = total + rng.random() * x[0] + rng.standard_normal() * np.sum(x**2) + rng.exponential() * x[1]
    total = total + rng.integers(5) * x[0] + np.sum(x * rng.integers(0, 9, n)) + x[rng.integers(n)]
    total = total + np.sum(x[rng.permutation(n)] * np.arange(n)) + x[rng.choice(n)] * rng.poisson(3.0)
    total = total + np.sum(rng.choice([0.0, 1.0], n) * x) + rng.gamma(2.0) * x[0] + rng.beta(1.0, 2.0) * x[1]
    total = total + np.sum(rng.random((n, 2), dtype=np.float32)) * x[0] + rng.binomial(4, 0.3) * x[0]
    total = total + np.sum(rng.multivariate_normal(np.zeros(3), np.eye(3)) * x)
    return total + np.sum(rng.choice(np.arange(5.0), 3, replace=False) * x)


def of_the_global_generator(x):
    np.random.seed(3)
    noise = np.random.randn(len(x)) + np.random.rand() + np.random.normal(size=len(x)) * np.random.uniform()
    index = np.random.randint(len(x))
    order = np.random.permutation(len(x))
    state = np.random.RandomState(5)
    return np.sum(x * noise) + x[index] ** 2 + np.sum(x[order] * state.rand(len(x))) + state.normal() * x[0]


def samples(x, s):
    rng = np.random.default_rng(0)
    z = rng.normal(x, s) + rng.normal(loc=x) * rng.uniform(x, 2.0) + rng.laplace(x, s, size=x.shape)
    z = z + rng.exponential(s) + rng.lognormal(x * 0.1, s, 3) + rng.gamma(2.0, scale=s) + rng.gumbel(x, 1.0)
    return np.sum(z * x) + np.sum(rng.multivariate_normal(x, np.eye(3)) ** 2)


def rows(x):
    rng = np.random.default_rng(0)
    batch = rng.choice(x, 3)
    mixed = rng.permutation(x)
    return (
        np.sum(np.sin(batch))
        + np.sum(mixed * np.arange(x.size).reshape(x.shape))
        + np.sum(rng.choice(x) ** 2)
    )


def dropout(x, n):
    rng = np.random.default_rng(1)
    for i in range(n):
        mask = rng.random(x.shape) < 0.7
        x = np.tanh(x * mask / 0.7) if rng.random() > 0.3 else x * 2.0
    return np.sum(x)


def test_draws():
    check(every_draw, V)
    state = np.random.get_state()
    check(of_the_global_generator, V)
    np.random.set_state(state)
    check(samples, V, 0.7)
    check(rows, V)
    check(rows, A)
    for n in (0, 1, 4):
        check(dropout, V, n)


RNG = np.random.default_rng(0)
HOLDER = types.SimpleNamespace(rng=np.random.default_rng(0))


def of_the_program(x):
    y = np.exp(x * RNG.normal(size=3))
    RNG.random()
    return np.sum(y) * HOLDER.rng.random()


@pytest.mark.parametrize("optimize", [True, False])
def test_a_generator_of_the_program_moves_on_as_in_the_function(optimize):
    g = value_and_grad(of_the_program, optimize=optimize)
    g(V)
    for _ in range(3):
        for rng in (RNG, HOLDER.rng):
            rng.bit_generator.state = np.random.default_rng(7).bit_generator.state
        first = [of_the_program(V) for _ in range(3)]
        after = RNG.bit_generator.state, HOLDER.rng.bit_generator.state
        for rng in (RNG, HOLDER.rng):
            rng.bit_generator.state = np.random.default_rng(7).bit_generator.state
        again = [g(V)[0] for _ in range(3)]
        np.testing.assert_allclose(again, first, rtol=1e-14)
        assert (RNG.bit_generator.state, HOLDER.rng.bit_generator.state) == after
    assert len(set(first)) == 3


def test_a_generator_as_an_argument():
    def f(x, rng):
        return np.sum(rng.normal(x, 1.0) ** 2)

    g = grad(f)
    for seed in (1, 2, 3):
        gradient, none = g(V, np.random.default_rng(seed))
        assert none is None
        np.testing.assert_allclose(gradient, 2 * np.random.default_rng(seed).normal(V, 1.0))
    assert len([s for s in g.specializations if "Generator" in s]) == 1
    assert grad(f, 0)(V, np.random.RandomState(1)).shape == (3,)


def test_the_text_is_what_was_written():
    def f(x):
        rng = np.random.default_rng(0)
        np.random.seed(0)
        noise = rng.normal(size=x.shape)
        return np.sum(x * noise) * np.random.uniform(1.0, 2.0)

    g = grad(f)
    g(V)
    for line in ("rng = np.random.default_rng(0)", "noise = rng.normal(size=x.shape)", "np.random.seed(0)"):
        assert line in g.backward_source
    assert "np.random.uniform(1.0, 2.0)" in g.backward_source


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: np.sum(np.random.default_rng(0).gamma(x)), "gamma"),
        (lambda x: np.random.default_rng(0).beta(x[0], 1.0), "stop_gradient"),
        (lambda x: np.random.default_rng(0).shuffle(x), "shuffle"),
        (lambda x: np.sum(np.random.default_rng(0).permutation(x, axis=1)), "axis|form"),
    ],
)
def test_refused(f, message):
    with pytest.raises(UnsupportedError, match=message):
        grad(f)(V)


def test_a_parameter_that_is_taken_as_a_constant():
    def f(x):
        return np.sum(np.random.default_rng(0).gamma(stop_gradient(np.abs(x))) * x)

    np.testing.assert_allclose(grad(f)(V), np.random.default_rng(0).gamma(np.abs(V)))


def test_pure_functions_of_libraries_on_known_arguments():
    def f(x):
        nodes, weights = np.polynomial.legendre.leggauss(4)
        window = np.hanning(3)
        return (
            np.sum(weights * np.exp(x[0] * nodes)) + np.sum(window * x) + np.binary_repr(5).count("1") * x[0]
        )

    g = grad(lambda x: np.sum(np.hanning(3) * x))
    np.testing.assert_allclose(g(V), np.hanning(3))
    check(lambda x: np.sum(np.polynomial.legendre.leggauss(4)[1] * np.exp(x[0])), V)
    check(f, V)
