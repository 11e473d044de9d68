"""Where no gradient comes in, none goes out: DESIGN.md, section 9.

The first element of x is one at which a function of it, or its derivative, is infinite or NaN, and what the
program does with that element does not matter to its result. Each form of that, with each kind of such a
function: the gradient is what central differences of the program say, in both texts.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# What is computed of the array x, of its element x[i]; and the first element of x.
PARTIALS = {
    "log": ("np.log(x)", "np.log(x[i])", 0.0),
    "div": ("1 / x", "1 / x[i]", 0.0),
    "exp": ("np.exp(x)", "np.exp(x[i])", 800.0),
    "xexp": ("x * np.exp(x)", "x[i] * np.exp(x[i])", 800.0),
    "cosh": ("np.cosh(x)", "np.cosh(x[i])", 800.0),
    "expm1": ("np.expm1(x)", "np.expm1(x[i])", 800.0),
    "sqrt": ("np.sqrt(x)", "np.sqrt(x[i])", -1.0),
    "sqrt0": ("np.sqrt(x)", "np.sqrt(x[i])", 0.0),
    "pow": ("x ** -1.5", "x[i] ** -1.5", 0.0),
    "pow_run": ("x ** (k - 0.5)", "x[i] ** (k - 0.5)", 0.0),
    "pow_run_neg": ("x ** (k - 2.5)", "x[i] ** (k - 2.5)", 0.0),
    "log1p": ("np.log1p(x)", "np.log1p(x[i])", -1.0),
    "arccos": ("np.arccos(x * 0.3)", "np.arccos(x[i] * 0.3)", 9.0),
    "arctanh": ("np.arctanh(x * 0.25)", "np.arctanh(x[i] * 0.25)", 4.0),
    "ratio": ("np.sin(x) / x", "np.sin(x[i]) / x[i]", 0.0),
    "xlogx": ("x * np.log(x)", "x[i] * np.log(x[i])", 0.0),
    "pow4": ("x ** 4", "x[i] ** 4", 1e120),
    "pow200": ("(0.5 * x) ** 200", "(0.5 * x[i]) ** 200", 8000.0),
    "base": ("2.0 ** x", "2.0 ** x[i]", 1200.0),
    "product": ("x * x * x * x", "x[i] * x[i] * x[i] * x[i]", 1e120),
    "expexp": ("np.exp(np.exp(x))", "np.exp(np.exp(x[i]))", 800.0),
    "chain": ("np.log(1 / x) * x", "np.log(1 / x[i]) * x[i]", 0.0),
}

# {whole} is the array, {element} one element of it. m is False at the first element alone; k is 1.0.
FORMS = {
    "where": """
    y = {whole}
    return np.sum(np.where(m, y, 0.0))
    """,
    "where_other_arm": """
    y = {whole}
    return np.sum(np.where(~m, 0.0, y))
    """,
    "where_then_scaled": """
    y = {whole}
    return np.sum(3.0 * np.where(m, y, 0.0))
    """,
    "scaled_then_where": """
    y = 2.0 * {whole} + 1.0
    return np.sum(np.where(m, y, 0.0))
    """,
    "select": """
    y = {whole}
    return np.sum(np.select([m, x > 5.0], [y, 0.0 * k], 0.0))
    """,
    "if_in_a_loop": """
    y = {whole}
    s = 0.0
    for i in range(len(x)):
        if m[i]:
            s += y[i]
    return s
    """,
    "if_inside": """
    s = 0.0
    for i in range(len(x)):
        v = {element}
        if m[i]:
            s += v
    return s
    """,
    "else_side": """
    s = 0.0
    for i in range(len(x)):
        v = {element}
        if not m[i]:
            s += 1.0
        else:
            s += v * 2.0
    return s
    """,
    "conditional_expression": """
    s = 0.0
    for i in range(len(x)):
        v = {element}
        s += v if m[i] else 0.0
    return s
    """,
    "continue": """
    s = 0.0
    for i in range(len(x)):
        v = {element}
        if not m[i]:
            continue
        s += v
    return s
    """,
    "break": """
    s = 0.0
    for i in range(len(x) - 1, -1, -1):
        v = {element}
        if not m[i]:
            break
        s += v
    return s
    """,
    "early_return_in_loop": """
    s = 0.0
    for i in range(len(x) - 1, -1, -1):
        v = {element}
        if not m[i]:
            return s
        s += v
    return s
    """,
    "early_return": """
    y = {whole}
    if k > 5:
        return k * 2.0
    return np.sum(y[1:])
    """,
    "whole_not_taken": """
    y = {whole}
    if k > 0:
        return np.sum(np.sin(x))
    return np.sum(y)
    """,
    "whole_if": """
    y = {whole}
    s = np.sum(np.sin(x))
    if k < 0:
        s = s + np.sum(y)
    return s
    """,
    "whole_ifexp": """
    y = {whole}
    return np.sum(y) if k < 0 else np.sum(np.sin(x))
    """,
    "no_trip": """
    y = {whole}
    s = np.sum(np.sin(x))
    for i in range(int(k) - 1):
        s = s + np.sum(y)
    return s
    """,
    "no_while_trip": """
    y = {whole}
    s = np.sum(np.sin(x))
    while s < 0:
        s = s + np.sum(y)
    return s
    """,
    "last_trip": """
    v = 0.0
    s = 0.0
    for i in range(len(x) - 1, -1, -1):
        s += v
        v = {element}
    return s
    """,
    "index": """
    y = {whole}
    s = 0.0
    for i in range(1, len(x)):
        s += y[i] * 2.0
    return s
    """,
    "while": """
    y = {whole}
    s = 0.0
    i = 1
    while i < len(x):
        s += y[i]
        i += 1
    return s
    """,
    "literal_index": """
    y = {whole}
    return y[1] + 2.0 * y[2] + y[3]
    """,
    "slice": """
    y = {whole}
    return np.sum(y[1:])
    """,
    "mask_index": """
    y = {whole}
    return np.sum(y[m])
    """,
    "index_array": """
    y = {whole}
    return np.sum(y[np.array([1, 2, 3])])
    """,
    "take": """
    y = {whole}
    return np.sum(np.take(y, [1, 2, 3]))
    """,
    "store": """
    y = {whole}
    y[0] = 0.0
    return np.sum(y)
    """,
    "store_slice": """
    y = {whole}
    y[:1] = 0.0
    return np.sum(y * y)
    """,
    "mask_store": """
    y = {whole}
    y[~m] = 0.0
    return np.sum(y)
    """,
    "store_in_loop": """
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = {element}
    return np.sum(y[1:])
    """,
    "store_in_loop_masked": """
    y = {whole}
    for i in range(len(x)):
        if not m[i]:
            y[i] = 0.0
    return np.sum(y)
    """,
    "put": """
    y = {whole}
    np.put(y, [0], [0.0])
    return np.sum(y)
    """,
    "copyto": """
    y = {whole}
    np.copyto(y, 0.0 * k, where=~m)
    return np.sum(y)
    """,
    "putmask": """
    y = {whole}
    np.putmask(y, ~m, 0.0)
    return np.sum(y)
    """,
    "helper": """
    y = {whole}
    return small(y, m)
    """,
    "big_helper": """
    y = {whole}
    return big(y, x, m)
    """,
    "helper_computes": """
    y = value(x)
    return np.sum(np.where(m, y, 0.0))
    """,
    "method": """
    y = {whole}
    return Model().masked(y, m)
    """,
    "closure": """
    y = {whole}
    def total():
        return np.sum(np.where(m, y, 0.0))
    return total()
    """,
    "list": """
    ys = []
    for i in range(len(x)):
        ys.append({element})
    s = 0.0
    for i in range(1, len(x)):
        s += ys[i]
    return s
    """,
    "comprehension": """
    y = {whole}
    return sum([y[i] for i in range(1, 4)])
    """,
    "comprehension_if": """
    y = {whole}
    return sum([y[i] for i in range(4) if m[i]])
    """,
    "tril": """
    y = {whole}.reshape(2, 2)
    return np.sum(np.tril(y, -1)) + y[1, 1]
    """,
    "fill_diagonal": """
    y = {whole}.reshape(2, 2)
    np.fill_diagonal(y, 0.0)
    return np.sum(y)
    """,
    "trace": """
    y = {whole}.reshape(2, 2)
    return np.trace(y[:, ::-1])
    """,
    "diag": """
    y = {whole}.reshape(2, 2)
    return np.sum(np.diag(y[::-1]))
    """,
    "diagonal": """
    y = {whole}.reshape(2, 2)
    return np.sum(np.diagonal(y, 1))
    """,
    "compress": """
    y = {whole}
    return np.sum(np.compress(m, y))
    """,
    "maximum_of_masked": """
    y = np.where(m, {whole}, -5.0)
    return np.sum(np.maximum(y, -4.0))
    """,
    "nested": """
    s = 0.0
    for t in range(2):
        y = {whole}
        for i in range(len(x)):
            if m[i]:
                s += y[i] * (t + 1.0)
    return s
    """,
    "sum_where": """
    y = {whole}
    return np.sum(y, where=m)
    """,
    "split": """
    y = {whole}
    a, b = np.split(y, [1])
    return np.sum(b)
    """,
    "unpack": """
    y = {whole}
    a, b, c, d = y
    return b + c * d
    """,
    "matmul_of_rows": """
    y = np.where(m, {whole}, 0.0)
    return y @ y
    """,
    "two_uses": """
    y = {whole}
    a = np.where(m, y, 0.0)
    return np.sum(a * a) + np.sum(y[2:])
    """,
    "triu": """
    y = {whole}.reshape(2, 2)
    return np.sum(np.triu(y, 1))
    """,
    "list_of_two": """
    y = {whole}
    ys = [y, x * 2.0]
    return np.sum(ys[int(k)] * 1.0) if k < 1 else np.sum(ys[1])
    """,
}

HELPERS = """
def small(y, m):
    return np.sum(np.where(m, y, 0.0))
def big(y, x, m):
    a = x * 2.0
    b = a + 1.0
    c = np.sin(b)
    d = c * 0.5
    e = np.cos(d)
    f = e + c
    g = f * 0.25
    h = g - d
    i = h * h
    j = np.tanh(i)
    k = j + a
    l = k * 0.125
    n = np.where(m, y * 1.5, 0.0)
    return np.sum(n) + 0.0 * np.sum(l)
class Model:
    def masked(self, y, m):
        return np.sum(np.where(m, y, 0.0))
"""


def program(form, partial):
    whole, element, _ = PARTIALS[partial]
    body = FORMS[form].format(whole=f"({whole})", element=element)
    value = f"def value(x):\n    k = 1.0\n    return {whole}\n"
    return make(f"{HELPERS}\n{value}\ndef f(x, m, k):{body}")


def differences(f, x, *others):
    found = []
    for step in np.diag(1e-6 * np.maximum(1.0, np.abs(x))):
        found.append((f(x + step, *others) - f(x - step, *others)) / (2.0 * np.max(step)))
    return np.array(found)


def check(form, partial):
    f = program(form, partial)
    x, m = np.array([PARTIALS[partial][2], 0.5, 1.25, 2.0]), np.array([False, True, True, True])
    expected = differences(f, x, m, 1.0)
    assert np.all(np.isfinite(expected))
    np.testing.assert_allclose(grad(f, "x")(x, m, 1.0), expected, rtol=1e-5, atol=1e-6)
    value, gradient = value_and_grad(f, "x", optimize=False)(x, m, 1.0)
    assert value == f(x, m, 1.0)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("number", "form"), list(enumerate(FORMS)), ids=list(FORMS))
def test_forms(number, form):
    check(form, ("log", "xexp", "pow_run")[number % 3])


@pytest.mark.parametrize("form", ["where", "continue", "mask_store", "big_helper"])
@pytest.mark.parametrize("partial", PARTIALS)
def test_partials(form, partial):
    check(form, partial)


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
        assert found == 2.0
        assert type(found) is type(x)
