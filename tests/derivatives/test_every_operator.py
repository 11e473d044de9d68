"""Every operator on forty functions of all kinds: against differences, and against each other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import (
    check_grads,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    value_and_jacobian,
    vjp,
)
from tests.derivatives.of_all_kinds import CASES, Case
from tests.support.oracle import assert_same_kind, float_leaves, replace_leaf

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_there_are_forty() -> None:
    assert len({case.name for case in CASES}) == len(CASES) == 40


class Point:
    """A function at one set of arguments, as a function of one vector."""

    def __init__(self, case: Case, args: tuple[Any, ...]) -> None:
        self.case, self.args = case, args
        self.kept = copy.deepcopy(args)
        self.chosen = tuple(args[i] for i in case.argnums)
        self.leaves = float_leaves(self.chosen)
        self.narrow = any(np.asarray(x).dtype == np.float32 for x in self.leaves)
        self.rtol = 2e-3 if self.narrow else 1e-5  # of differences
        self.exact = 1e-6 if self.narrow else 1e-12
        self.value = case.f(*copy.deepcopy(args))

    def moved(self, vector: np.ndarray) -> tuple[Any, ...]:
        """The arguments, with these numbers in their places, in double precision."""
        chosen, start = copy.deepcopy(self.chosen), 0
        for k, leaf in enumerate(self.leaves):
            part = vector[start : start + np.size(leaf)].reshape(np.shape(leaf))
            chosen = replace_leaf(chosen, k, part if np.ndim(leaf) else float(part))
            start += np.size(leaf)
        args = list(copy.deepcopy(self.args))
        for i, x in zip(self.case.argnums, chosen, strict=True):
            args[i] = x
        return tuple(args)

    @property
    def vector(self) -> np.ndarray:
        return flat(self.chosen)

    def differences(self, f: Callable[..., Any], step: float = 1e-6) -> np.ndarray:
        """The derivatives of all that `f` gives by all numbers of the arguments."""
        x, columns = self.vector, []
        for e in step * np.eye(x.size):
            up, down = (flat(f(*self.moved(x + sign * e))) for sign in (1, -1))
            columns.append((up - down) / (2 * step))
        return np.array(columns).T

    def like(self, vector: np.ndarray) -> tuple[Any, ...]:
        """Numbers in the structure, the shapes and the dtypes of what is differentiated."""
        made, start = copy.deepcopy(self.chosen), 0
        for k, leaf in enumerate(self.leaves):
            part = vector[start : start + np.size(leaf)].reshape(np.shape(leaf))
            made = replace_leaf(
                made, k, part.astype(leaf.dtype) if isinstance(leaf, np.ndarray) else type(leaf)(part)
            )
            start += np.size(leaf)
        return made

    def tangents(self, direction: tuple[Any, ...]) -> tuple[Any, ...]:
        given = dict(zip(self.case.argnums, direction, strict=True))
        return tuple(given.get(i) for i in range(len(self.args)))

    def unchanged(self) -> None:
        np.testing.assert_equal(self.args, self.kept)

    def close(self, found: Any, expected: np.ndarray) -> None:
        scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
        np.testing.assert_allclose(found, expected, rtol=self.rtol, atol=self.rtol * scale)


def flat(structure: Any) -> np.ndarray:
    leaves = [np.ravel(np.asarray(x, float)) for x in float_leaves(structure)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def same_kind(made: Any, like: Any) -> None:
    """The structure of one is that of the other, with the shapes and dtypes of its numbers."""
    assert _form(made) == _form(like)
    for a, b in zip(float_leaves(made), float_leaves(like), strict=True):
        assert_same_kind(a, b)


def _form(x: Any) -> Any:
    if isinstance(x, (tuple, list)):
        return type(x), [_form(item) for item in x]
    return {key: _form(item) for key, item in x.items()} if isinstance(x, dict) else None


def matrix(found: Any, point: Point) -> np.ndarray:
    """A tree of Jacobians as one matrix; each is of the shape of a result, then of an argument."""
    results = float_leaves(point.value)
    blocks = iter(float_leaves(found))
    rows = [[np.asarray(next(blocks), float) for _ in point.leaves] for _ in results]
    for row, y in zip(rows, results, strict=True):
        for block, x in zip(row, point.leaves, strict=True):
            assert block.shape == np.shape(y) + np.shape(x)
    assert next(blocks, None) is None
    return np.vstack(
        [
            np.hstack([b.reshape(np.size(y), np.size(x)) for b, x in zip(row, point.leaves, strict=True)])
            for row, y in zip(rows, results, strict=True)
        ]
    )


@FORMS
@EACH
def test_first_derivatives(case: Case, optimize: bool) -> None:
    f, numbers, rng = case.f, case.argnums, np.random.default_rng(7)
    along, pulled = jvp(f, optimize=optimize), vjp(f, argnums=numbers, optimize=optimize)
    at = linearize(f, optimize=optimize)
    operators = [op(f, argnums=numbers, optimize=optimize) for op in (jacobian, jacfwd, jacrev)]
    both = value_and_jacobian(f, argnums=numbers, optimize=optimize)
    for args in case.inputs:
        point = Point(case, args)
        expected = point.differences(f)
        # Jacobians
        found = [matrix(op(*args), point) for op in operators]
        point.close(found[0], expected)
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-5 if point.narrow else 1e-9, atol=1e-9)
        value, jac = both(*args)
        same_kind(value, point.value)
        np.testing.assert_allclose(flat(value), flat(point.value), rtol=point.exact)
        np.testing.assert_array_equal(matrix(jac, point), found[0])
        point.unchanged()
        # a direction
        direction = rng.uniform(-1.0, 1.0, point.vector.size)
        tangents = point.tangents(point.like(direction))
        value, tangent = along(args, tangents)
        same_kind(value, point.value)
        same_kind(tangent, point.value)
        point.close(flat(tangent), expected @ direction)
        value, linear = at(*args)
        np.testing.assert_allclose(flat(linear(*tangents)), flat(tangent), rtol=point.exact)
        point.unchanged()
        # a cotangent
        value, pullback = pulled(*args)
        same_kind(value, point.value)
        cotangent = _like(value, rng)
        for _ in range(2):
            gradients = pullback(cotangent)
            same_kind(gradients, point.chosen)
            point.close(flat(gradients), flat(cotangent) @ expected)
        point.unchanged()


def _like(value: Any, rng: np.random.Generator) -> Any:
    for k, y in enumerate(float_leaves(value)):
        drawn = rng.uniform(-1.0, 1.0, np.shape(y))
        value = replace_leaf(value, k, drawn.astype(y.dtype) if isinstance(y, np.ndarray) else type(y)(drawn))
    return value


def total(y: Any) -> Any:
    if isinstance(y, dict):
        y = tuple(y.values())
    if isinstance(y, (tuple, list)):
        return sum(total(item) for item in y)
    return np.sum(np.cos(y) * y)


def loss_of(case: Case) -> Callable[..., Any]:
    """One number of all that a function gives."""
    f = case.f
    losses: list[Callable[..., Any]] = [
        lambda a: total(f(a)),
        lambda a, b: total(f(a, b)),
        lambda a, b, c: total(f(a, b, c)),
    ]
    return losses[len(case.inputs[0]) - 1]


@FORMS
@EACH
def test_gradients_and_second_derivatives(case: Case, optimize: bool) -> None:
    loss, numbers, rng = loss_of(case), case.argnums, np.random.default_rng(8)
    gradient = grad(loss, argnums=numbers, optimize=optimize)
    both = value_and_grad(loss, argnums=numbers, optimize=optimize)
    product = hvp(loss, argnums=numbers, optimize=optimize)
    matrices = [
        hessian(loss, argnums=numbers, optimize=optimize),
        jacfwd(gradient, argnums=numbers, optimize=optimize),
    ]
    for args in case.inputs:
        point = Point(case, args)
        slopes = gradient(*args)
        same_kind(slopes, point.chosen)
        point.close(flat(slopes), point.differences(loss)[0])
        value, again = both(*args)
        np.testing.assert_allclose(value, loss(*copy.deepcopy(args)), rtol=point.exact)
        np.testing.assert_allclose(flat(again), flat(slopes), rtol=point.exact)
        point.unchanged()
        expected = point.differences(gradient)
        n = point.vector.size
        for op in matrices:
            found = _square(op(*args), point)
            point.close(found, expected)
            np.testing.assert_allclose(found, found.T, rtol=1e-3, atol=1e-3 if point.narrow else 1e-9)
        direction = rng.uniform(-1.0, 1.0, n)
        vector = point.like(direction)
        along = product(*args, vector)
        same_kind(along, point.chosen)
        near = 1e-4 if point.narrow else 1e-8
        np.testing.assert_allclose(flat(along), found @ direction, rtol=near, atol=near)
        point.unchanged()


def _square(found: Any, point: Point) -> np.ndarray:
    """A tree of second derivatives as one matrix."""
    blocks = iter(float_leaves(found))
    rows = [
        np.hstack([np.reshape(next(blocks), (np.size(y), np.size(x))) for x in point.leaves])
        for y in point.leaves
    ]
    assert next(blocks, None) is None
    return np.vstack(rows)


@FORMS
@pytest.mark.parametrize("case", [c for c in CASES if c.elementwise], ids=lambda case: case.name)
def test_diagonals(case: Case, optimize: bool) -> None:
    diagonal = elementwise_grad(case.f, argnums=0, optimize=optimize)
    for args in case.inputs:
        point = Point(case, args)
        found = diagonal(*args)
        assert_same_kind(found, args[0])
        full = jacobian(case.f, argnums=0, optimize=optimize)(*args)
        np.testing.assert_allclose(np.diag(found), full, rtol=1e-12, atol=1e-14)
        point.unchanged()


@EACH
def test_check_grads_agrees(case: Case) -> None:
    for args in case.inputs[:1]:
        check_grads(loss_of(case), args, order=2, modes=("fwd", "rev"), argnums=case.argnums)
