"""`backend="numba"`: what native code gives is what the NumPy text gives, of the same types, or it is refused."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from revcompile import (
    UnsupportedError,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_grad,
    value_and_jacobian,
)
from tests.corpus.differences import copied

pytest.importorskip("numba")

X = np.array([0.7, -1.2, 0.4, 1.5])
M = X.reshape(2, 2) + np.eye(2)
SCALE = 3.0


class Point(NamedTuple):
    x: float
    y: float


class Spring:
    def __init__(self, k: float) -> None:
        self.k = k

    def energy(self, x: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            total += 0.5 * self.k * x[i] ** 2
        return total


def steps(y: Any, p: Any, n: int) -> Any:
    for _ in range(n):
        y = y + 0.1 * (p * y * (1.0 - y) - 0.1 * y * y)
    return y


def newton(x: Any, tol: float) -> Any:
    y = x
    while abs(y * y - x) > tol:
        y = 0.5 * (y + x / y)
    return y


def sweeps(a: Any, n: int) -> Any:
    a = a.copy()
    for _ in range(n):
        for i in range(1, a.shape[0] - 1):
            for j in range(a.shape[1] - 2, 0, -1):
                a[i, j] = 0.3 * (a[i - 1, j] * a[i + 1, j]) + np.sin(a[i, j])
    return np.sum(a * a)


def left_early(x: Any, limit: float) -> Any:
    total = 0.0
    for i in range(len(x)):
        if x[i] < -1.0:
            continue
        total += math.exp(x[i])
        if total > limit:
            break
    return total


def returned_early(x: Any, limit: float) -> Any:
    for i in range(0, len(x), 2):
        for j in range(len(x)):
            if x[i] * x[j] > limit:
                return x[i] * x[j] * 2.0
    return x[0] * 3.0


def branches(x: Any, w: float) -> Any:
    y = np.tanh(x)
    if w > 0.0:
        y = y * w
    elif w < -1.0:
        y = y[::-1] * x
    return np.sum(y)


def filled(x: Any) -> Any:
    out = np.zeros(len(x))
    for i in range(1, len(x)):
        out[i] = out[i - 1] * 0.5 + x[i] * x[i - 1]
    return out @ out


def cube(x: Any) -> Any:
    s = 0.0
    for _ in range(3):
        s = s + x * x * x
    return s


def helped(x: Any) -> Any:
    total = 0.0
    for v in x:
        total += cube(v)
    return total


def parts(p: Point, d: dict[str, Any]) -> Any:
    total = p.x * d["a"]
    for i in range(len(d["b"])):
        total += p.y * d["b"][i]
    return total


def of_the_program(x: Any) -> Any:
    return SCALE * x * x


def whole(x: Any, n: int) -> Any:
    total = 0.0
    for i in range(n):
        total += x[i % len(x)] * (i // 2)
    return total


def solved(a: Any, b: Any) -> Any:
    return np.sum(np.linalg.solve(a @ a.T + np.eye(2), b))


def dived(x: Any, k: int) -> Any:
    return x if k == 0 else math.sin(dived(x, k - 1)) * x


def exchanged(x: Any, w: float, n: int) -> Any:
    a, b = x, x * w
    for i in range(n):
        a, b = b, a * 0.5
        if i == 2:
            a = np.sin(a)
    return np.sum(a * b)


A = np.arange(20.0).reshape(4, 5) / 10
CASES: list[tuple[Callable[..., Any], tuple[tuple[Any, ...], ...]]] = [
    (steps, ((0.1, 1.2, 20), (0.3, 0.7, 0), (np.float64(0.2), 1.1, 3))),
    (newton, ((2.0, 1e-9), (9.0, 1e-3), (np.float64(3.0), 1e-6))),
    (sweeps, ((A, 3), (A[:, ::-1], 2), (A.T.copy().T, 1), (A, 0))),
    (left_early, ((X, 2.5), (X, 100.0), (X[::2], 0.1), (X[:0], 1.0))),
    (returned_early, ((X, 0.3), (X, 100.0), (X[1:], 1.0))),
    (branches, ((X, 2.0), (X, -2.0), (X, -0.5))),
    (filled, ((X,), (X[:1],), (X[::-1],))),
    (cube, ((1.5,), (-0.5,))),
    (helped, ((X,), (X[:2],))),
    (parts, ((Point(1.0, 2.0), {"a": 0.5, "b": X}), (Point(-1.0, 0.5), {"a": 1.5, "b": X[:1]}))),
    (of_the_program, ((1.5,), (np.float64(0.5),), (X[:1],))),
    (whole, ((X, 7), (X[:3], 2))),
    (solved, ((M, X[:2]), (M.T, X[1:3]))),
    (dived, ((0.7, 3), (0.4, 0))),
    (exchanged, ((X, 0.4, 5), (X[:2], 1.5, 1), (X, 0.3, 0))),
    (Spring(2.0).energy, ((X,), (X[1:],))),
]


def name_of(case: Any) -> str | None:
    return case.__name__ if callable(case) else None


def alike(a: Any, b: Any) -> bool:
    """Whether two answers are of the same kinds and of the same numbers."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(alike, a, b))
    if a is None:
        return True
    same = np.shape(a) == np.shape(b) and np.asarray(a).dtype == np.asarray(b).dtype
    return same and np.allclose(a, b, rtol=1e-11, atol=1e-13, equal_nan=True)


@pytest.mark.parametrize("optimize", [True, pytest.param(False, marks=pytest.mark.fuzz)])
@pytest.mark.parametrize(("f", "calls"), CASES, ids=name_of)
def test_native_code_gives_what_the_text_gives(f: Any, calls: Any, optimize: bool) -> None:
    ours = value_and_grad(f, backend="numba", optimize=optimize)
    theirs = value_and_grad(f, optimize=optimize)
    for args in calls:
        given = copied(args)
        found = ours(*given)
        assert alike(found, theirs(*copied(args))), (found, theirs(*copied(args)))
        assert alike(given, args)
    assert "@njit(" in ours.backward_source and "from numba import njit" in ours.source


def gathered(x: Any, w: Any) -> Any:
    y = np.zeros(len(x))
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + np.sin(w * x[i])
    return y


def squares(x: Any, w: Any) -> Any:
    return np.sum(gathered(x, w) ** 2)


def tanh_times(x: Any, w: Any) -> Any:
    return np.tanh(x * w) * x


OPERATORS: dict[str, tuple[Callable[..., Any], Any]] = {
    "jvp": (lambda **how: jvp(gathered, **how), lambda x, w: ((x, w), (x * 2.0, 1.0))),
    "jacfwd": (lambda **how: jacfwd(gathered, (0, 1), **how), lambda x, w: (x, w)),
    "jacrev": (lambda **how: jacrev(gathered, (0, 1), **how), lambda x, w: (x, w)),
    "jacobian": (lambda **how: jacobian(gathered, 0, **how), lambda x, w: (x, w)),
    "diagonal": (lambda **how: jacobian(tanh_times, 0, sparsity="diagonal", **how), lambda x, w: (x, w)),
    "value_and_jacobian": (lambda **how: value_and_jacobian(gathered, 1, **how), lambda x, w: (x, w)),
    "hessian": (lambda **how: hessian(squares, (0, 1), **how), lambda x, w: (x, w)),
    "hvp": (lambda **how: hvp(squares, (0, 1), **how), lambda x, w: (x, w, (x * 2.0, 1.0))),
    "elementwise_grad": (lambda **how: elementwise_grad(tanh_times, **how), lambda x, w: (x, w)),
    "inside": (
        lambda **how: grad(lambda x, w: grad(squares, 0, **how)(x, w)[1], 0, **how),
        lambda x, w: (x, w),
    ),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator(operator: str) -> None:
    make, arguments = OPERATORS[operator]
    ours, theirs = make(backend="numba"), make()
    for x, w in ((X, 0.9), (X[:3], -0.4)):
        assert alike(ours(*arguments(x, w)), theirs(*arguments(x, w)))
    assert "@njit(" in ours.source


def test_what_is_read_before_it_is_computed() -> None:
    def scaled(p: Point, d: dict[str, Any]) -> Any:
        return SCALE * p.x * d["a"] + p.y

    ours, theirs = jvp(scaled, backend="numba"), jvp(scaled)
    for x in (0.5, 2.0):
        args = (Point(x, 1.5), {"a": 0.7}), (Point(1.0, 0.5), {"a": 2.0})
        assert alike(ours(*args), theirs(*args))


def test_unknown_backends() -> None:
    for make in (grad, value_and_grad, jvp, jacobian, hessian, hvp):
        with pytest.raises(ValueError, match="unknown backend 'jax'; there is 'numpy', 'numba'"):
            make(squares, backend="jax")


def test_globals_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    slope = grad(of_the_program, backend="numba")
    assert slope(2.0) == 12.0
    monkeypatch.setitem(globals(), "SCALE", 4.0)
    assert slope(2.0) == 16.0


def test_errors_are_those_of_the_program() -> None:
    def sixth(x: Any) -> Any:
        return x[5] * 2.0

    slope = grad(sixth, backend="numba")
    assert slope(np.arange(9.0)).tolist() == [0.0] * 5 + [2.0] + [0.0] * 3
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3"):
        slope(np.ones(3))


def test_whole_numbers_divided_by_zero_raise() -> None:
    def shared(x: Any, n: int) -> Any:
        return x * (7 // n)

    slope = grad(shared, "x", backend="numba")
    assert slope(2.0, 2) == 3.0
    with pytest.raises(ZeroDivisionError):
        slope(2.0, 0)


def test_asserts_and_kinds_that_the_run_decides() -> None:
    def guarded(x: Any) -> Any:
        total = 0
        for v in x:
            assert v > 0.0, "not positive"
            total = total + v
        return total

    with pytest.raises(UnsupportedError, match="Numba gives"):  # of no trips it is an int
        value_and_grad(guarded, backend="numba")(X[:1])
    slope = grad(guarded, backend="numba")
    assert slope(X[:1]).tolist() == [1.0]
    with pytest.raises(AssertionError, match="not positive"):
        slope(X)


def _factorials(x: Any, n: int) -> Any:
    total, f = 0.0, 1
    for k in range(1, n):
        f = f * k
        total += x / f
    return total


def _fibonacci(x: Any, n: int) -> Any:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return x * b


def _power(x: Any, n: int) -> Any:
    return x * n**9


def test_whole_numbers_of_floats_that_have_none() -> None:
    def trips(x: Any, w: Any) -> Any:
        total = x * math.floor(w)
        for _ in range(int(w)):
            total += x
        return total

    slope = grad(trips, "x", backend="numba")
    assert slope(1.0, 3.5) == 6.0
    with pytest.raises(ValueError, match="cannot convert float NaN to integer"):
        slope(1.0, float("nan"))


def _squeezed(x: Any) -> Any:
    return np.sum(x.squeeze() ** 2)


def _drawn(x: Any) -> Any:
    return np.sum(x * np.random.standard_normal(4))


def _printed(x: Any) -> Any:
    print(x)
    return np.sum(x * x)


def _copied_row(x: Any, k: Any) -> Any:
    y = x[k]
    y[0] = 2.0
    return np.sum(y) * np.sum(x)


def _flattened(x: Any) -> Any:
    y = x * 2.0
    z = np.ravel(y)
    z[0] = 1.0
    return np.sum(y * y)


def _descended(x: Any, limit: float) -> Any:
    return x if x < limit else math.sin(_descended(x * 0.5, limit)) * x


@pytest.mark.parametrize(
    ("f", "args", "says"),
    [
        (_descended, (3.0, 0.5), "no recursion"),
        (_factorials, (1.5, 30), "whole numbers of 64 bits"),
        (_fibonacci, (1.5, 120), "whole numbers of 64 bits"),
        (_power, (1.5, 1000), "whole numbers of 64 bits"),
        (_copied_row, (M, np.array(1)), "an array without axes for a number"),
        (_flattened, (M,), "no ravel that shares memory"),
        (_squeezed, (np.ones((3, 1)),), "x.squeeze"),
        (np.sum, (X.astype(np.float32),), "not with float32"),
        (_drawn, (X,), "draw"),
        (_printed, (X,), "print"),
    ],
    ids=name_of,
)
def test_what_numba_cannot_do_is_refused(f: Any, args: Any, says: str) -> None:
    with pytest.raises(UnsupportedError, match=says) as refused:
        grad(f, backend="numba")(*args)
    assert 'Leave backend="numba" out.' in str(refused.value)


def test_arrays_that_lie_otherwise_in_memory_are_refused_where_that_matters() -> None:
    def flat(x: Any) -> Any:
        y = x.reshape(4)
        total = 0.0
        for i in range(4):
            total += y[i] * y[i]
        return total

    slope = grad(flat, backend="numba")
    assert slope(np.ones((2, 2))).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    with pytest.raises(UnsupportedError, match=r"y = x\.reshape\(4\)"):
        slope(np.ones((4, 2))[::2])


def test_pickled_and_drawn() -> None:
    slope = grad(cube, backend="numba")
    again = pickle.loads(pickle.dumps(slope))
    assert again(1.5) == slope(1.5) == grad(cube)(1.5)
    assert slope.graph(1.5).dot == grad(cube).graph(1.5).dot
