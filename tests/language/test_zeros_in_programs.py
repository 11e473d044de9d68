"""Where no gradient comes in, none goes out: in data with NaN, choices, the logistic function, rows, numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from revcompile import grad
from tests.language.test_zeros import differences

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# -- NaN in data ---------------------------------------------------------------------------------

HOLES = np.array([1.0, np.nan, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda a, y: np.nansum((y - a) ** 2),
        lambda a, y: np.sum(((y - a) ** 2)[~np.isnan(y)]),
        lambda a, y: np.sum(np.where(np.isnan(y), 0.0, (y - a) ** 2)),
        lambda a, y: np.sum(np.where(np.isfinite(y), (y - a) * (y - a), 0.0)),
        lambda a, y: np.sum(np.nan_to_num((y - a) ** 2)),
        lambda a, y: 3.0 * np.nanmean((y - a) ** 2) * 2.0 / 3.0,
    ],
    ids=["nansum", "index", "where", "isfinite", "nan_to_num", "nanmean"],
)
@pytest.mark.parametrize("optimize", [True, False])
def test_nan_in_data(f, optimize):
    a = np.array([0.0, 2.0, 8.0])
    np.testing.assert_allclose(grad(f, 0, optimize=optimize)(a, HOLES), [-2.0, 0.0, 12.0])


@pytest.mark.parametrize("optimize", [True, False])
def test_nan_in_data_in_a_loop(optimize):
    def f(a, y):
        total = 0.0
        for i in range(len(y)):
            r = (y[i] - a[i]) * (y[i] - a[i])
            if np.isnan(y[i]):
                continue
            total += r
        return total

    a = np.array([0.0, 2.0, 8.0])
    np.testing.assert_allclose(grad(f, 0, optimize=optimize)(a, HOLES), [-2.0, 0.0, 12.0])


# -- an infinite cotangent meets a zero ----------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum(np.sqrt(np.maximum(x, 0.0))), [0.0, 0.25]),
        (lambda x: np.sum(np.sqrt(np.fmax(x, 0.0))), [0.0, 0.25]),
        (lambda x: np.sum(np.sqrt(np.clip(x, 0.0, 9.0))), [0.0, 0.25]),
        (lambda x: np.sum(np.sqrt(x.clip(0.0))), [0.0, 0.25]),
        (lambda x: np.sum(np.clip(x, 0.0, None) ** 0.5), [0.0, 0.25]),
        (lambda x: np.sum(np.arcsin(np.clip(x / 2.0, -1.0, 1.0))), [0.5 / np.sqrt(0.75), 0.0]),
        (lambda x: np.sum(np.arccos(np.minimum(x, 1.0))), [-np.inf, 0.0]),
        (lambda x: np.sqrt(np.max(np.maximum(x - 4.0, 0.0))), [0.0, np.inf]),
    ],
)
@pytest.mark.parametrize("optimize", [True, False])
def test_choice_before_a_steep_slope(f, expected, optimize):
    gradient = grad(f, optimize=optimize)(np.array([-1.0, 4.0]))
    np.testing.assert_allclose(gradient, expected)


@pytest.mark.parametrize("optimize", [True, False])
def test_choice_before_a_steep_slope_on_numbers(optimize):
    def by_numpy(x):
        return np.sqrt(np.maximum(x, 0.0))

    def by_python(x):
        return math.sqrt(max(x, 0.0))

    def in_a_loop(x):
        total = 0.0
        for i in range(len(x)):
            total += np.sqrt(np.maximum(x[i], 0.0)) + np.sqrt(max(x[i], 0.0)) + np.sqrt(np.clip(x[i], 0, 9))
        return total

    assert grad(by_numpy, optimize=optimize)(-1.0) == 0.0
    assert grad(by_python, optimize=optimize)(-1.0) == 0.0
    np.testing.assert_allclose(grad(in_a_loop, optimize=optimize)(np.array([-1.0, 4.0])), [0.0, 0.75])


@pytest.mark.parametrize(
    "f", [lambda x, y: math.hypot(x, y), lambda x, y: np.hypot(x, y)], ids=["math", "np"]
)
@pytest.mark.parametrize("optimize", [True, False])
def test_hypot_at_the_origin(f, optimize):
    assert grad(f, optimize=optimize)(0.0, 0.0) == (0.0, 0.0)


# -- the logistic function -----------------------------------------------------------------------

X = np.array([[-1000.0], [0.5], [1000.0]])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda z: np.sum(1 / (1 + np.exp(-z))), 1.0),
        (lambda z: np.sum((1 + np.exp(-z)) ** -1), 1.0),
        (lambda z: np.sum(3.0 / (1 + np.exp(-z))), 3.0),
        (lambda z: np.sum(1 / (1 + np.exp(-z * 1.0))), 1.0),
        (lambda z: np.sum(1 / (np.exp(-1.0 * z) + 1)), 1.0),
        (lambda z: np.sum(np.reciprocal(1 + np.exp(-z))), 1.0),
        (lambda z: np.sum(1 / (1 + np.exp(-X @ z[:1] * 0.0 - z))), 1.0),
        (lambda z: np.sum(np.power(1.0 + np.exp(-z), -1.0)), 1.0),
    ],
)
@pytest.mark.parametrize("optimize", [True, False])
def test_logistic_function(f, slope, optimize):
    z = np.array([-1000.0, 0.5, 1000.0])
    s = 1.0 / (1.0 + np.exp(-0.5))
    np.testing.assert_allclose(grad(f, optimize=optimize)(z), [0.0, slope * s * (1.0 - s), 0.0])


@pytest.mark.parametrize("optimize", [True, False])
def test_logistic_function_of_numbers(optimize):
    def f(z, a, k):
        return a / (1.0 + np.exp(-k * z))

    def g(z, a, k):
        return a / (1.0 + math.exp(k * z))

    for z in (-1000.0, 1000.0):
        assert grad(f, optimize=optimize)(z, 2.0, 1.0)[0] == 0.0
    assert grad(g, "z", optimize=optimize)(-1000.0, 2.0, 1.0) == 0.0


@pytest.mark.parametrize("optimize", [True, False])
def test_fermi_function_and_sech(optimize):
    def fermi(e, mu, kT):
        return np.sum(1.0 / (np.exp((e - mu) / kT) + 1.0))

    def sech(x):
        return np.sum(1.0 / np.cosh(x))

    def logistic_regression(w):
        return np.sum(1 / (1 + np.exp(-X @ w)))

    e = np.array([-1000.0, 0.5, 1000.0])
    gradients = grad(fermi, optimize=optimize)(e, 0.5, 0.1)
    np.testing.assert_allclose(gradients[0], [0.0, -2.5, 0.0])
    np.testing.assert_allclose(gradients[1:], (2.5, 0.0))
    np.testing.assert_allclose(grad(sech, optimize=optimize)(e), [0.0, -np.tanh(0.5) / np.cosh(0.5), 0.0])
    s = 1.0 / (1.0 + np.exp(-0.5))
    np.testing.assert_allclose(
        grad(logistic_regression, optimize=optimize)(np.ones(1)), [0.5 * s * (1.0 - s)]
    )


# -- what needs no care gets none ----------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.log(x)),
        lambda x: np.sum(1.0 / x),
        lambda x: np.sum(x * np.exp(x)),
        lambda x: np.log(np.sum(np.exp(x - np.max(x)))),
        lambda x: np.sum(np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x)))),
        lambda x: np.sum(np.where(x > 0, np.log(1.0 + np.exp(-np.abs(x))), 0.0)),
        lambda x: np.sum(np.maximum(x @ x * x, 0.0) ** 2),
        lambda x: np.sum((x[1:] - x[:-1]) / 0.1),
        lambda x: -0.5 * np.sum(((x - 1.0) / np.exp(x[0])) ** 2) - np.sum(np.log(np.abs(x) + 1.0)),
    ],
)
def test_no_guard_where_none_is_needed(f):
    gradient = grad(f)
    gradient(np.array([0.5, 2.0, 1.0]))
    assert "!= 0" not in gradient.backward_source


def test_one_mask_serves_many():
    def f(x, y):
        return np.sum(np.where(x > 0, x * np.log(x) / y, 0.0))

    gradient = grad(f)
    gradient(np.array([0.0, 2.0]), np.array([0.0, 2.0]))
    assert gradient.backward_source.count("!=") == 0
    assert gradient.backward_source.count("> 0") == 1


# -- what reads many elements --------------------------------------------------------------------

ROWS = np.array([[1.0, 2.0], [np.nan, 1.0], [0.5, -1.0]])
DISTANCES = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 3.0], [2.0, 3.0, 0.0]])


def of_known_rows(w, x):
    return np.sum(((x @ w - 1.0) ** 2)[~np.isnan(x).any(axis=1)])


def of_known_rows_by_where(w, x):
    known = ~np.isnan(x).any(axis=1)
    return np.sum(np.where(known[:, None], x @ np.outer(w, w), 0.0) ** 2)


def of_known_rows_in_a_loop(w, x):
    total = 0.0
    for i in range(len(x)):
        r = x[i] @ w
        if np.isnan(r):
            continue
        total += r * r
    return total


def of_softmax(w, x):
    z = x * w
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return np.nansum((e / np.sum(e, axis=1, keepdims=True))[:, 0])


@pytest.mark.parametrize(
    "f",
    [
        of_known_rows,
        of_known_rows_by_where,
        of_known_rows_in_a_loop,
        of_softmax,
        lambda w, x: np.nansum(x.dot(w) ** 2),
        lambda w, x: np.nansum((w @ x.T) ** 2),
        lambda w, x: np.nansum(np.einsum("ij,j->i", x, w) ** 2),
        lambda w, x: np.nansum(np.einsum("ij,j->ji", x, w)[0] ** 2),
        lambda w, x: np.nansum(np.var(x * w, axis=1)),
        lambda w, x: np.nansum(np.std(x * w, axis=1)),
        lambda w, x: np.nansum(np.prod(x * w, axis=1)),
        lambda w, x: np.nansum(np.max(x * w, axis=1)),
        lambda w, x: np.nansum(np.linalg.norm(x * w, axis=1)),
        lambda w, x: np.nanmean(np.log(np.sum(np.exp(x * w), axis=1))),
    ],
)
@pytest.mark.parametrize("optimize", [True, False])
def test_rows_with_nan(f, optimize):
    w = np.array([0.3, 0.7])
    gradient = grad(f, 0, optimize=optimize)(w, ROWS)
    np.testing.assert_allclose(gradient, differences(lambda v: f(v, ROWS), w), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("optimize", [True, False])
def test_outer_product(optimize):
    def f(x):
        a = np.outer(1.0 / x, x)
        a[0] = 0.0
        return np.sum(a * a)

    x = np.array([0.0, 0.5, 2.0])
    np.testing.assert_allclose(grad(f, optimize=optimize)(x), differences(f, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimize", [True, False])
def test_inverse_distances(optimize):
    def energy(d, q):
        inverse = 1.0 / d
        np.fill_diagonal(inverse, 0.0)
        return q @ inverse @ q

    q = np.array([1.0, 2.0, -3.0])
    gradient = grad(energy, optimize=optimize)(DISTANCES, q)
    others = ~np.eye(3, dtype=bool)
    expected = np.zeros((3, 3))
    expected[others] = -np.outer(q, q)[others] / DISTANCES[others] ** 2
    np.testing.assert_allclose(gradient[0], expected)
    np.testing.assert_allclose(gradient[1], differences(lambda v: energy(DISTANCES, v), q), atol=1e-6)


# -- numbers -------------------------------------------------------------------------------------


def root_that_lost(x, c):
    return max(x**0.5, 1.0) + c * x


def root_on_one_side(x, c):
    y = x**0.3
    return y if y > 1.0 else c * x


def exponential_on_one_side(x, c):
    y = np.exp(x + 800.0)
    return y if x > 1.0 else c * x


def overflow_in_a_sigmoid(x, c):
    return np.tanh(np.exp(x + 800.0)) + c * x


def gompertz(x, c):
    return np.exp(-np.exp(x + 800.0)) + c * x


def in_a_dict(x, c):
    both = {"log": np.log(x), "line": c * x}
    return both["log"] if c < 0 else both["line"]


def early(x, c):
    y = np.log(x)
    z = y * y + np.sin(y)
    if c > 0:
        return c * x
    return z


def recursive(x, c, n=3):
    y = np.log(x)
    if n == 0:
        return c * x
    return recursive(x, c, n - 1) + (y if c < 0 else 0.0)


@pytest.mark.parametrize(
    "f",
    [root_that_lost, root_on_one_side, exponential_on_one_side, overflow_in_a_sigmoid, gompertz, in_a_dict, early,
     recursive],
    ids=lambda f: f.__name__,
)  # fmt: skip
@pytest.mark.parametrize("optimize", [True, False])
def test_numbers(f, optimize):
    """At 0, where what is left of the function is 2 x; a number of Python's has a gradient of its kind."""
    gradient = grad(f, "x", optimize=optimize)
    for x in (0.0, np.float64(0.0), 0.0):
        found = gradient(x, 2.0)
