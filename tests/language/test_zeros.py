"""Where no gradient comes in, none goes out: DESIGN.md, section 9.

The first element of x is one at which a function of it, or its derivative, is infinite or NaN, and what the
program does with that element does not matter to its result. Each form of that, with each kind of such a
function: the gradient is what central differences of the program say, in both texts.
"""

from __future__ import annotations

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
