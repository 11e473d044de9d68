"""An array that is divided by a number is infinite as a whole where that is 0: what is not read of it is either
a part, and then all is infinite, or all of it, as a part of something else. Where nothing comes in, none goes out.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import body, make

HEAD = """
def small(v, k):
    return v * (v / k)

def large(v, k):
    a = v / k
    b = a * v
    c = b + np.sin(v)
    e = c * np.cos(v)
    g = e + b
    h = g * v + e
    m = h * b + np.cos(v) * c
    return m * v + np.sin(m) * 0.1 + h * a + g * e
"""
FORMS = {
    "store of a row": """
        A = np.zeros((len(d), len(v)))
        for i in range(len(d)):
            A[i] = v / d[i]
        return np.sum(A[1:] * 2.0)""",
    "store of a product": """
        A = np.zeros((len(d), len(v)))
        for i in range(len(d)):
            A[i, :] = v * (v / d[i])
        return np.sum(A[-1] * v)""",
    "store of a number": """
        s = np.zeros(len(d))
        for i in range(len(d)):
            s[i] = np.sum(v * (v / d[i]))
        return s[1]""",
    "store of a half": """
        z = np.zeros(2 * len(v))
        z[: len(v)] = v * (v / d[0])
        z[len(v) :] = v
        return np.sum((z * z)[len(v) :])""",
    "overwritten": "y = v * (v / d[0])\ny[:] = v\nreturn np.sum(y * v)",
    "list": """
        rows = []
        for i in range(len(d)):
            rows.append(v / d[i])
        return np.sum(rows[1] * v)""",
    "array of a list": """
        rows = []
        for i in range(len(d)):
            rows.append(v / d[i])
        return np.sum(np.array(rows)[1:] ** 2)""",
    "comprehension": "return np.sum(np.array([v * (v / k) for k in d])[1])",
    "concatenate": "return np.sum(np.concatenate([v * (v / d[0]), v * (v / d[1])])[len(v) :])",
    "stack": "return np.sum(np.stack([v * (v / d[0]), v * (v / d[1])])[1])",
    "vstack": "return np.sum(np.vstack([v * (v / d[0]), v * (v / d[1])])[1:])",
    "column_stack": "return np.sum(np.column_stack([v * (v / d[0]), v * (v / d[1])])[:, 1:])",
    "pad": "return np.sum(np.pad(v * (v / d[0]), 1)[:1]) + np.sum(v)",
    "diagonal": "D = np.diag(v * (v / d[0])) * 2.0\nreturn np.sum(D[0, 1:]) + np.sum(v)",
    "interior": "u = v.copy()\nu[1:-1] = v[1:-1] / d[0]\nz = u * u\nreturn z[0] * z[-1] + np.sum(v)",
    "interior of a loop": """
        u = v.copy()
        for _ in range(2):
            u[1:-1] = u[1:-1] * v[2:] / d[0]
        z = u * u * v
        return z[0]""",
    "interior in a part": """
        u = v.copy()
        u[1:-1] = v[1:-1] * v[1:-1] / d[0]
        q = np.concatenate([u, v])
        return np.sum((q * q)[len(v) :])""",
    "interior overwritten": "u = v / d[0]\nu[1:-1] = v[1:-1] * 2.0\nz = u * u\nreturn np.sum(z[1:-1])",
    "interior of a matrix": """
        A = np.zeros((3, 3))
        A[1:-1, 1:-1] = np.outer(v, v)[1:-1, 1:-1] / d[0]
        z = A * A
        return np.sum(z[0]) + np.sum(z[:, 0]) + np.sum(v)""",
    "product of matrices": """
        c = np.zeros(2 * len(v))
        c[: len(v)] = (v / d[0]) @ np.outer(v, v)
        c[len(v) :] = v
        return np.sum(np.sin(c)[len(v) :])""",
    "lost": "return np.sum(np.minimum(v * (v / d[0]), 3.0)) + np.sum(v)",
    "lost in a part": "return np.max(np.concatenate([np.minimum(v * (v / d[0]), 3.0), v + 10.0]))",
    "where": "return np.sum(np.where(v > 5.0, v * (v / d[0]), v * v))",
    "if": "y = v * (v / d[0])\nif v[0] > 5.0:\n    return np.sum(y)\nreturn np.sum(v)",
    "continue": """
        s = 0.0
        for i in range(len(d)):
            y = v * (v / d[i])
            if i == 0:
                continue
            s += np.sum(y)
        return s""",
    "while": """
        s, i = 0.0, 0
        while i < len(d):
            y = v * (v / d[i])
            s = np.sum(y) if i == 1 else s
            i += 1
        return s""",
    "helper": "A = np.zeros((2, len(v)))\nfor i in range(2):\n    A[i] = small(v, d[i])\nreturn np.sum(A[1])",
    "larger helper": "A = np.zeros((2, len(v)))\nfor i in range(2):\n    A[i] = large(v, d[i])\nreturn np.sum(A[1])",
    "larger helper in a stack": "return np.sum(np.stack([large(v, d[0]), large(v, d[1])])[1])",
}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_a_number_that_divides_what_is_not_read_may_be_zero(form, optimize):
    f = make(f"{HEAD}\ndef f(v, d):\n{body(FORMS[form])}\n")
    gradient = value_and_grad(f, (0, 1), optimize=optimize)
    v = np.array([1.0, 2.0, 0.5])
    for d in ([0.0, 3.0], [2.0, 3.0], [0.0, 5.0]):
        args = (v, np.array(d))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value, gradients = gradient(*args)
            expected = numerical_gradients(f, args)
            np.testing.assert_allclose(value, f(*args), rtol=1e-12)
        if form != "lost" or d[0]:  # minimum(∞, 3): from the other side it is minimum(-∞, 3)
            assert_close(gradients, expected)
        assert all(np.all(np.isfinite(g)) for g in gradients)


GRIDS = {
    "diffusion": "u[1:-1] += dt * k[1:-1] * (u[2:] - 2.0 * u[1:-1] + u[:-2]) / dx**2",
    "advection": "u[1:] -= dt / dx * u[1:] * (u[1:] - u[:-1])",
    "both": "u[1:-1] = u[1:-1] - u[1:-1] * dt / dx * (u[2:] - u[:-2]) + k[1:-1] / dx**2 * (u[2:] - u[:-2])",
    "fluxes": "flux = -k[1:] * (u[1:] - u[:-1]) / dx\n        u[1:-1] -= dt * (flux[1:] - flux[:-1]) / dx",
}


@pytest.mark.parametrize("step", GRIDS)
def test_a_grid_that_a_number_divides_needs_no_guard(step):
    """The ends of a grid, which some stencils do not read, are not all of it."""
    f = make(
        "def f(u, k, dt, dx, steps):\n"
        "    u = u.copy()\n"
        "    for _ in range(steps):\n"
        f"        {GRIDS[step]}\n"
        "    return np.sum(u * u)\n"
    )
    gradient = grad(f, (0, 1, 3))
    args = (np.sin(np.arange(6.0)), 1.0 + np.cos(np.arange(6.0)), 0.05, 0.5, 3)
    found = gradient(*args)
    assert_close(found, numerical_gradients(lambda u, k, dx: f(u, k, args[2], dx, 3), (*args[:2], args[3])))
    assert "where" not in gradient.source and "!= 0" not in gradient.source


@pytest.mark.parametrize("optimize", [True, False])
def test_number_beyond_the_precision_of_what_it_meets(optimize):
    """`1e200 * x` overflows in 32 bits whatever x is."""

    def f(x):
        total = np.float32(0.0)
        for i in range(x.shape[0]):
            total += min(1e200 * x[i], 1.0)
        return total + np.sum(np.minimum(x * 1e200, x[0]))

    x = np.array([0.5, 2.0], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = grad(f, optimize=optimize)(x)
    np.testing.assert_array_equal(found, np.array([2.0, 0.0], np.float32))
    assert found.dtype == np.float32


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    "form", ["min(1.0 / np.exp(-900.0 * v), 1.0)", "max(np.log(np.exp(-900.0 * v)), -1.0)"]
)
def test_an_exponential_that_underflows(form, optimize):
    f = make(f"def f(x):\n    s = 0.0\n    for v in x:\n        s = s + v * {form}\n    return s\n")
    x = np.array([1.0, 0.5, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = grad(f, optimize=optimize)(x)
        assert_close([found], numerical_gradients(f, (x,)))
