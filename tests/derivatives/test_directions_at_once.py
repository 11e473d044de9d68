"""Jacobians, of which all directions are computed at once, against products in single random directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, hessian, jacfwd, jacobian, jacrev, jvp
from tests.corpus.differences import copied
from tests.corpus.table import Case
from tests.derivatives.test_tangents_of_every_gate import chosen
from tests.derivatives.test_tangents_of_the_corpus import firsts
from tests.derivatives.trees import tangent_of
from tests.gates import test_every_gate as every_gate

AT_ONCE = [jacfwd, jacrev, jacobian]


def leaves(x: Any) -> list[Any]:
    if isinstance(x, (tuple, list)):
        return [leaf for item in x for leaf in leaves(item)]
    if isinstance(x, dict):
        return [leaf for item in x.values() for leaf in leaves(item)]
    return [] if x is None else [x]


def check(f: Callable[..., Any], jacobians: Any, args: tuple[Any, ...], atol: float = 1e-9) -> None:
    """Jacobians by all arguments, times random tangents of these, are what `jvp` gives in that direction."""
    tangents = tuple(tangent_of(x, x, np.random.default_rng(7))[0] for x in args)
    _, tangent = jvp(f)(copied(args), tangents)
    results = leaves(tangent)
    found = leaves(jacobians)
    parts = leaves(tangents)
    assert len(found) == len(results) * len(parts)
    for i, result in enumerate(results):
        row = found[i * len(parts) : (i + 1) * len(parts)]
        assert [np.shape(j) for j in row] == [(*np.shape(result), *np.shape(t)) for t in parts]
        assert {np.asarray(j).dtype for j in row} == {np.asarray(result).dtype}
        product = sum(np.tensordot(j, t, np.ndim(t)) for j, t in zip(row, parts, strict=True))
        np.testing.assert_allclose(product, result, rtol=1e-8, atol=atol)


@pytest.mark.parametrize(
    ("case", "operator"), [(case.values[0], AT_ONCE[i % 2]) for i, case in enumerate(chosen(10_000))]
)
def test_of_gradients_of_every_gate(case: every_gate.Case, operator: Any) -> None:
    f, variables, weights = every_gate.program(case, every_gate.arguments(case))
    given = (*variables, *weights)
    gradient = grad(f, argnums=tuple(range(len(given))))
    check(gradient, operator(gradient, argnums=tuple(range(len(given))))(*copied(given)), given)


@pytest.mark.parametrize(("case", "number"), firsts()[::4])
def test_hessians_of_the_corpus(case: Case, number: int) -> None:
    """The product of a Hessian and a vector, and that by forward mode over the gradient."""
    args = case.inputs[number]
    positions = case.positions(args)
    if case.name == "containers.argument_dict_changed":  # a negative base: log is NaN
        return
    gradient = grad(case.function, argnums=positions)
    with np.errstate(all="ignore"):
        values = gradient(*copied(args))
        random = np.random.default_rng(5)
        tangents = [tangent_of(args[p], g, random)[0] for p, g in zip(positions, values, strict=True)]
        directions = tuple(tangents[positions.index(i)] if i in positions else None for i in range(len(args)))
        try:
            _, products = jvp(gradient)(copied(args), directions)
            found = hessian(case.function, argnums=positions)(*copied(args))
        except Exception as e:
            known = "may share its memory", "whether an axis has length 1"
            assert isinstance(e, UnsupportedError) and any(words in str(e) for words in known), e
            return
    parts = leaves(tangents)
    blocks = leaves(found)
    for i, product in enumerate(leaves(products)):
        row = blocks[i * len(parts) : (i + 1) * len(parts)]
        total = sum(np.tensordot(h, t, np.ndim(t)) for h, t in zip(row, parts, strict=True))
        np.testing.assert_allclose(total, product, rtol=1e-7, atol=1e-8)


# -- statements ----------------------------------------------------------------------------------


def loop(x: Any, w: Any) -> Any:
    for _ in range(3):
        x = np.sin(w @ x)
    return x


def loop_with_a_store(x: Any, w: Any) -> Any:
    y = np.zeros((3, x.shape[0]))
    for i in range(3):
        x = np.tanh(w @ x)
        y[i] = x * x
        y[i, 0] += x[1]
    return y


def while_(x: Any, w: Any) -> Any:
    n = 0
    while np.sum(x * x) > 0.01 and n < 5:
        x = 0.5 * (w @ x)
        n += 1
    return x


def branches(x: Any, w: Any) -> Any:
    y = w @ x
    if np.sum(y) > 0:
        y = y * x
    elif x[0] > 0:
        y = np.outer(x, y)[0]
    else:
        y = y[::-1]
    return y


def early(x: Any, w: Any) -> Any:
    for i in range(4):
        x = w @ x + 0.1
        if x[0] > 0.5 + 0.1 * i:
            return x * x
    return np.exp(-x)


def breaks(x: Any, w: Any) -> Any:
    total = np.zeros_like(x)
    for i in range(6):
        if i == 1:
            continue
        total = total + x**i
        if total[0] > 1.5:
            break
    return total @ w


def grown(x: Any, w: Any) -> Any:
    rows = []
    for _ in range(3):
        x = np.cos(w @ x)
        rows.append(x)
    return np.array(rows)


def listed(x: Any, w: Any) -> Any:
    return np.array([x[0] * x[1], np.sum(w @ x), x[2] ** 2])


def helped(x: Any, w: Any) -> Any:
    def layer(z: Any, k: float) -> Any:
        return np.where(z > 0, z, k * z)

    return layer(w @ layer(x, 0.1), 0.2)


def several(x: Any, w: Any) -> Any:
    return {"a": w @ x, "b": (np.sum(x), x[0] * w[1])}


def joined(x: Any, w: Any) -> Any:
    return np.concatenate([x[1:], np.cumsum(w @ x), np.stack([x, x * x]).ravel()])


def indexed(x: Any, w: Any) -> Any:
    return x[[0, 2, 2]] * w[:, np.array([0, 0, 1])].T @ x


def masked(x: Any, w: Any) -> Any:
    y = w @ x
    y[y < 0] = 0.0
    return y


def solved(x: Any, w: Any) -> Any:
    return np.linalg.solve(w + 5.0 * np.eye(x.shape[0]), x)


def contracted(x: Any, w: Any) -> Any:
    return np.einsum("i,ij,k->jk", x, w, x) + np.tensordot(w, x, 1)


PROGRAMS = [
    loop, loop_with_a_store, while_, branches, early, breaks, grown, listed, helped, several, joined, indexed,
    masked, solved, contracted,
]  # fmt: skip
X = np.array([0.6, -0.3, 0.9])
W = np.array([[0.4, -0.7, 0.2], [0.3, 0.5, -0.6], [-0.1, 0.8, 0.25]])


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("operator", AT_ONCE)
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program: Any, operator: Any, optimize: bool) -> None:
    jacobians = operator(program, argnums=(0, 1), optimize=optimize)
    for args in ((X, W), (-X, 2.0 * W), (X[:2] + 1.0, W[:2, :2]), (X, W)):
        if program in (listed, indexed) and args[0].shape != (3,):
            continue
        given = copied(args)
        check(program, jacobians(*given), args)
        np.testing.assert_array_equal(given[0], args[0])
        np.testing.assert_array_equal(given[1], args[1])


@pytest.mark.parametrize("operator", [jacfwd, jacrev])
@pytest.mark.parametrize("program", PROGRAMS)
def test_all_directions_are_computed_at_once(program: Any, operator: Any) -> None:
    """There are the program's own loops, and none over directions."""
    text = operator(program, argnums=0).source_for(X, W)
    assert "made" not in text, text


@pytest.mark.parametrize("operator", AT_ONCE)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_lengths(operator: Any, n: int) -> None:
    found = operator(lambda x: np.cumsum(np.sin(x)))(np.linspace(0.0, 1.0, n))
    np.testing.assert_allclose(found, np.tri(n) * np.cos(np.linspace(0.0, 1.0, n)))


@pytest.mark.parametrize("operator", AT_ONCE)
def test_narrow_floats_stay_narrow(operator: Any) -> None:
    x = X.astype(np.float32)
    found = operator(lambda x: np.tanh(x) * 2.0)(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.diag(2.0 * (1.0 - np.tanh(x) ** 2)), rtol=1e-6)


@pytest.mark.parametrize("operator", AT_ONCE)
@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: w @ x,
        lambda x, w: (x, x),
        lambda x, w: w @ (w[0] * x),
        lambda x, w: (w @ x) * w[:, 1],
        lambda x, w: (np.zeros(3), x),
    ],
)
def test_what_is_given_belongs_to_the_caller(operator: Any, f: Any) -> None:
    w = W.copy()
    found = leaves(operator(f, argnums=0)(X, w))
    for i, matrix in enumerate(found):
        assert matrix.flags.writeable
        assert not np.shares_memory(matrix, w)
        assert not any(np.shares_memory(matrix, other) for other in found[:i])


def test_an_index_that_cannot_be_followed_at_once_is_followed_one_by_one() -> None:
    def f(x: Any) -> Any:
        return np.reshape(x, (2, 2, 2))[[0, 1, 1], :, [1, 0, 0]] ** 2

    x = np.arange(8.0)
    found = jacfwd(f)
    check(lambda x: (f(x),), (found(x),), (x,))
    assert "for i in range" in found.derivative_source
