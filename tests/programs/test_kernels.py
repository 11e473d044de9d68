"""The kernels' gradients against central differences, and the kernels against independent formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.special

from revcompile import grad, value_and_grad
from tests.programs.kernels import CASES, Case
from tests.support.oracle import assert_same_kind

STEP = 1e-4
TOLERANCE = 1e-8


def copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


def slope(case: Case, args: tuple[Any, ...], direction: dict[int, Any]) -> float:
    """The loss's derivative along `direction` (argument's position to its change): a five-point formula."""

    def at(t: float) -> float:
        moved = list(copies(args))
        for position, change in direction.items():
            moved[position] = moved[position] + t * change
        return float(case.loss(*moved))

    return (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)


def random_direction(rng: np.random.Generator, args: tuple[Any, ...], active: list[int]) -> dict[int, Any]:
    """A change of all active arguments at once, of length 1."""
    drawn = {k: rng.standard_normal(np.shape(args[k])) for k in active}
    length = np.sqrt(sum(np.sum(change**2) for change in drawn.values()))
    return {k: change / length for k, change in drawn.items()}


def each_element(args: tuple[Any, ...], active: list[int]) -> list[tuple[int, tuple[int, ...]]]:
    return [(k, index) for k in active for index in np.ndindex(np.shape(args[k]))]


def tolerance(gradients: tuple[Any, ...], value: float) -> float:
    """The oracle is good to a hundredth of this at every point tested here (found by complex steps)."""
    return 1e-11 + TOLERANCE * max(abs(value), *(np.max(np.abs(g), initial=0.0) for g in gradients))


def positions(case: Case) -> list[int]:
    return [case.names.index(name) for name in case.active]


def checked_gradients(case: Case, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradients of the active arguments, with their kind, the value and the caller's arrays checked."""
    given = copies(args)
    value, gradients = value_and_grad(case.loss, argnums=case.active)(*given)
    for name, before, after in zip(case.names, args, given):
        np.testing.assert_array_equal(after, before, err_msg=f"the call changed {name}")
    np.testing.assert_allclose(value, case.loss(*copies(args)), rtol=1e-13)
    for position, gradient in zip(positions(case), gradients, strict=True):
        assert_same_kind(gradient, args[position])
    return gradients


def assert_every_element(case: Case, args: tuple[Any, ...], gradients: tuple[Any, ...]) -> None:
    active = positions(case)
    allowed = tolerance(gradients, case.loss(*copies(args)))
    for position, index in each_element(args, active):
        unit = np.zeros(np.shape(args[position]))
        unit[index] = 1.0
        computed = np.asarray(gradients[active.index(position)])[index]
        expected = slope(case, args, {position: unit if unit.ndim else 1.0})
        assert abs(computed - expected) <= allowed, f"{case.names[position]}{list(index)}"


@pytest.mark.parametrize("name", CASES)
def test_tiny_every_element(name: str) -> None:
    case = CASES[name]
    args = case.arguments("tiny")
    assert_every_element(case, args, checked_gradients(case, args))


@pytest.mark.parametrize("name", CASES)
def test_moderate_random_directions(name: str) -> None:
    case = CASES[name]
    args = case.arguments("moderate")
    gradients = checked_gradients(case, args)
    active = positions(case)
    allowed = tolerance(gradients, case.loss(*copies(args)))
    rng = np.random.default_rng(1)
    for _ in range(5):
        direction = random_direction(rng, args, active)
        computed = sum(np.sum(g * direction[k]) for k, g in zip(active, gradients))
        assert abs(computed - slope(case, args, direction)) <= allowed
    for k, g in zip(active, gradients):  # one argument at a time, lest a small gradient hide
        direction = random_direction(rng, args, [k])
        computed = np.sum(g * direction[k])
        assert abs(computed - slope(case, args, direction)) <= allowed, case.names[k]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "edge" in case.sizes])
def test_no_trip_and_length_one(name: str) -> None:
    case = CASES[name]
    args = case.arguments("edge")
    assert_every_element(case, args, checked_gradients(case, args))


@pytest.mark.parametrize("name", CASES)
def test_one_compilation_serves_all_sizes(name: str) -> None:
    case = CASES[name]
    compiled = grad(case.loss, argnums=case.active)
    for size in ("moderate", "tiny"):
        args = case.arguments(size)
        for g, expected in zip(compiled(*args), checked_gradients(case, args), strict=True):
            np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-14)
    assert len(compiled.specializations) == 1 or name in (
        "softmax",
        "fdtd_2d",
    )  # tiny ones have axes of length 1


@pytest.mark.parametrize("name", CASES)
def test_all_arguments(name: str) -> None:
    """Without argnums: counts steer and have no gradient, the weights' gradients are the outputs squared."""
    case = CASES[name]
    args = case.arguments("moderate")
    gradients = grad(case.loss)(*args)
    assert len(gradients) == len(args)
    by_name = dict(zip(case.names, gradients))
    for name, gradient in by_name.items():
        assert (gradient is None) == (name in ("TSTEPS", "TMAX", "N")), name
    for g, expected in zip((by_name[name] for name in case.active), checked_gradients(case, args)):
        np.testing.assert_allclose(g, expected, rtol=1e-12, atol=1e-14)
    for output, weight in zip(outputs(case, args), case.names[case.count :], strict=True):
        np.testing.assert_allclose(by_name[weight], output**2, rtol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_float32(name: str) -> None:
    case = CASES[name]
    args = case.arguments("moderate")
    single = tuple(a.astype(np.float32) if isinstance(a, np.ndarray) else a for a in args)
    rounded = tuple(a.astype(np.float64) if isinstance(a, np.ndarray) else a for a in single)
    gradients = checked_gradients(case, rounded)
    for position, g, expected in zip(
        positions(case), grad(case.loss, argnums=case.active)(*single), gradients
    ):
        if isinstance(args[position], np.ndarray):
            assert_same_kind(g, single[position])
        np.testing.assert_allclose(g, expected, rtol=1e-3, atol=1e-4 * np.max(np.abs(expected)))


# the kernels themselves


def outputs(case: Case, args: tuple[Any, ...]) -> list[np.ndarray]:
    """What the kernel returns, or else what it has written: in the order of the loss's weights."""
    given = copies(args[: case.count])
    returned = case.kernel(*given)
    if returned is not None:
        return [returned]
    by_name = dict(zip(case.names, given))
    return [by_name[name] for name in OUTPUTS[case.kernel.__name__]]


OUTPUTS = {
    "gemm": ("C",),
    "gemver": ("w", "x", "A"),
    "hdiff": ("out_field",),
    "jacobi_2d": ("A", "B"),
    "heat_3d": ("A", "B"),
    "fdtd_2d": ("ex", "ey", "hz"),
    "seidel_2d": ("A",),
    "syrk": ("C",),
    "cholesky": ("A",),
    "lu": ("A",),
}


def gemver_formula(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    A = A + np.einsum("i,j->ij", u1, v1) + np.einsum("i,j->ij", u2, v2)
    x = x + beta * np.einsum("ij,i->j", A, y) + z
    return w + alpha * np.einsum("ij,j->i", A, x), x, A


def hdiff_formula(field, _, coeff):
    """Point by point: the flux through each face of a cell, limited where it would run uphill."""

    def laplacian(i, j, k):
        around = field[i + 1, j, k] + field[i - 1, j, k] + field[i, j + 1, k] + field[i, j - 1, k]
        return 4.0 * field[i, j, k] - around

    def flux(i, j, k, di, dj):
        difference = laplacian(i + di, j + dj, k) - laplacian(i, j, k)
        uphill = difference * (field[i + di, j + dj, k] - field[i, j, k]) > 0
        return 0.0 if uphill else difference

    out = np.empty_like(coeff)
    for i, j, k in np.ndindex(coeff.shape):
        p, q = i + 2, j + 2
        divergence = (
            flux(p, q, k, 1, 0) - flux(p - 1, q, k, 1, 0) + flux(p, q, k, 0, 1) - flux(p, q - 1, k, 0, 1)
        )
        out[i, j, k] = field[p, q, k] - coeff[i, j, k] * divergence
    return (out,)


def smoothed(source, target, stencil):
    """The target with its interior replaced by the source, convolved."""
    inner = (slice(1, -1),) * source.ndim
    target = target.copy()
    target[inner] = scipy.ndimage.convolve(source, stencil)[inner]
    return target


def stencil_formula(steps, A, B):
    cross = scipy.ndimage.generate_binary_structure(A.ndim, 1) * 1.0
    if A.ndim == 2:
        cross *= 0.2
    else:
        cross *= 0.125
        cross[1, 1, 1] = 0.25
    for _ in range(1, steps):
        B = smoothed(A, B, cross)
        A = smoothed(B, A, cross)
    return A, B


def fdtd_formula(steps, ex, ey, hz, fict):
    ex, ey, hz = ex.copy(), ey.copy(), hz.copy()
    rows, columns = hz.shape
    for t in range(steps):
        for i, j in np.ndindex(rows, columns):
            ey[i, j] = fict[t] if i == 0 else ey[i, j] - 0.5 * (hz[i, j] - hz[i - 1, j])
            if j > 0:
                ex[i, j] -= 0.5 * (hz[i, j] - hz[i, j - 1])
        for i, j in np.ndindex(rows - 1, columns - 1):
            hz[i, j] -= 0.7 * (ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
    return ex, ey, hz


def seidel_formula(steps, n, A):
    A = A.copy()
    for _ in range(steps - 1):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                A[i, j] = np.mean(A[i - 1 : i + 2, j - 1 : j + 2])
    return (A,)


def lu_formula(A):
    """Unpivoted elimination, the multipliers below the diagonal."""
    A = A.copy()
    for k in range(len(A)):
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
    return (A,)


FORMULAS: dict[str, Callable[..., tuple[np.ndarray, ...]]] = {
    "gemm": lambda alpha, beta, C, A, B: (alpha * np.einsum("ik,kj->ij", A, B) + beta * C,),
    "k3mm": lambda A, B, C, D: (np.linalg.multi_dot([A, B, C, D]),),
    "gemver": gemver_formula,
    "softmax": lambda x: (scipy.special.softmax(x, axis=-1),),
    "hdiff": hdiff_formula,
    "jacobi_2d": stencil_formula,
    "heat_3d": stencil_formula,
    "fdtd_2d": fdtd_formula,
    "seidel_2d": seidel_formula,
    "syrk": lambda alpha, beta, C, A: (np.tril(alpha * A @ A.T + beta * C) + np.triu(C, 1),),
    "cholesky": lambda A: (np.tril(scipy.linalg.cholesky(A, lower=True)) + np.triu(A, 1),),
    "lu": lu_formula,
    "go_fast": lambda a: (a + np.tanh(np.diag(a)).sum(),),
    # the Yule-Walker equations: a Toeplitz system
    "durbin": lambda r: (scipy.linalg.solve_toeplitz(np.append(1.0, r[:-1]), -r),),
}


@pytest.mark.parametrize("size", ["tiny", "moderate", "edge"])
@pytest.mark.parametrize("name", CASES)
def test_kernel_is_its_formula(name: str, size: str) -> None:
    case = CASES[name]
    if size not in case.sizes:
        pytest.skip("no such size")
    args = case.arguments(size)
    computed = outputs(case, args)
    expected = FORMULAS[name](*copies(args[: case.count]))
    for have, want in zip(computed, expected, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_kernel_writes_what_it_says(name: str) -> None:
    case = CASES[name]
    args = case.arguments("moderate")
    given = copies(args)
    case.loss(*given)
    changed = {n for n, a, b in zip(case.names, args, given) if not np.array_equal(a, b)}
    assert changed == set(case.written)


def test_durbin_by_hand() -> None:
    """One step of the recurrence, differentiated on paper: y = (a + a b, b) with a = -r0, b as below."""
    r, W = np.array([0.4, 0.1]), np.array([2.0, 3.0])
    case = CASES["durbin"]
    y0, y1 = case.kernel(r)
    b = -(r[1] - r[0] ** 2) / (1 - r[0] ** 2)
    np.testing.assert_allclose([y0, y1], [-r[0] - r[0] * b, b], rtol=1e-14)
    b_r0 = (2 * r[0] + 2 * r[0] * b) / (1 - r[0] ** 2)
    b_r1 = -1 / (1 - r[0] ** 2)
    grad_y0, grad_y1 = 2 * W[0] * y0, 2 * W[1] * y1
    expected = [
        grad_y0 * (-1 - b - r[0] * b_r0) + grad_y1 * b_r0,
        grad_y0 * -r[0] * b_r1 + grad_y1 * b_r1,
    ]
    np.testing.assert_allclose(grad(case.loss, argnums="r")(r, W), expected, rtol=1e-12)
