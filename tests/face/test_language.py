"""Python's statements and expressions, each compared with differences of the function itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients

A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])


def chained(x, y):
    if 0.0 < x < y <= 9.0:
        return x * y
    return x - y


def early(x, y):
    if y > 2.0:
        return x
    if x > 0:
        z = y = x * 3 * y
    else:
        z = x * 4
    w = z * z
    if w > 10:
        return w + y
    elif w > 5:
        w = w * x
        return w + 1
    return y * w


def walrus(x, y):
    if (z := x * y) > 1:
        return z * (w := z * x) + w
    return z * (y := x)


def nested(x, y):
    def g(a, b=2.0, *c, k=1.0, **rest):
        return a * b * k + sum(c) + rest.get("q", 0.0)

    h = lambda t, s=y: t * s * x
    return g(x) + g(x, 3.0, x, y, k=x, q=y * y) + h(x) + h(x, s=1.0)


def comprehensions(x, y):
    xs = [x, y, x * y]
    d = {k: a * a for k, a in zip("abc", xs)}
    return (
        sum(a * a for a in xs if a is not None) + d["a"] + d["c"] * sum([t * u for t in xs for u in (x, 2.0)])
    )


def starred(x, y):
    a, *b = (x, y, x * y)
    (c, [d, e]), f = (b, (x, y))[::-1] if False else ((b[0], (b[1], x)), y)

    def g(*q, **k):
        return q[0] * q[1] * k["m"]

    return g(*(*b, a), m={**{"m": c}, "n": 1.0}["m"]) + d * e + f


def remainders(x, y):
    return (x // y) * x + x % y + divmod(7, 3)[0] * x + (-x) % y + (-x) // y


def swaps(x, y):
    x, y = y, x
    if x > y:
        x, y = y, x
    return x * x * y


def logic(x, y):
    return (
        (x and y) + (x or y * y) + ((x > y and x) or y) + (not x) + (x if not (x > y or y > 3.0) else y * y)
    )


def reassigned(x, y):
    z = x
    x = x * 2
    x += z
    x -= y
    x *= y
    x /= 2.0
    x **= 2
    return x * z


def one_sided(x, y):
    z = x
    if x > 1.0:
        z = z * y
        if y > 1.0:
            z = z * z
    return z * x


def extrema(x, y):
    return (
        max(x, y, 1.5) * min([x, y])
        + abs(x - 2 * y)
        + pow(x, 2)
        + sum((x, y), start=1.0)
        + round(x)
        + float(y)
    )


def static_control(x, y):
    kinds = {"a": 2, "b": [1.0, 2.0]}
    total = 0.0
    if "a" in kinds and kinds["a"] == 2 and len(kinds["b"]) > 1:
        total = total + kinds["b"][-1] * x
    if isinstance(x, float) and type(y) is float:
        total = total + y * y
    return total if total is not None else x


def checked(x, y):
    assert x < 100, f"x is {x}"
    if y > 1000:
        raise ValueError(f"y is {y:.1f}")
    return x * y


def both_raise_or_return(x, y):
    if x > 50:
        if y > 50:
            raise ValueError("much")
        else:
            raise ValueError("more")
    return x * y


def arrays_in_branches(x, y):
    a = np.array([x, y, x * y])
    b = a * 2 if a.sum() > 0 else np.sin(a)
    if b[0] > b[1]:
        c = b[::-1]
    else:
        c = b * b
    return np.sum(b * c) if y > 0 else c[0]


def conditional_call(x, y):
    return (math.sin if x > 1 else math.cos)(x) * y if False else (math.sin(x) if x > 1 else math.cos(y)) * y


def annotated(x: float, y: "float") -> float:
    """A docstring."""
    z: float = x * y
    w: int
    ...
    pass
    return z


def default_of_nested(x, y):
    z = x
    f = lambda a, b=z: a * b
    z = y
    return f(x) + z


def late_binding(x, y):
    k = x

    def g():
        return k * y

    k = y * y
    return g()


FUNCTIONS = [
    chained, early, walrus, nested, comprehensions, starred, remainders, swaps, logic, reassigned, one_sided, extrema,
    static_control, checked, both_raise_or_return, arrays_in_branches, annotated, default_of_nested, late_binding,
    conditional_call,
]  # fmt: skip
POINTS = [(1.3, 2.1), (2.1, 1.3), (-1.3, 2.1), (0.4, 0.6), (-0.7, -1.9), (1.2, 1.1), (0.7, -0.3), (3.3, 5.2)]


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("optimize", [True, False])
def test_scalars(f, optimize):
    g = value_and_grad(f, (0, 1), optimize=optimize)
    for args in POINTS:
        value, gradients = g(*args)
        assert value == pytest.approx(f(*args), nan_ok=True)
        assert_close(gradients, numerical_gradients(f, args))
        small = [np.float64(a) for a in args]
        if f is not static_control:
            assert_close(grad(f, (0, 1), optimize=optimize)(*small), numerical_gradients(f, args))


@pytest.mark.parametrize("n", [0, 1, 2, 3, -1, -2])
@pytest.mark.parametrize("x", [2.0, -2.0, 0.5])
def test_integer_exponents_at_run_time(n, x):
    f = lambda x, n: x**n
    assert_close(grad(f, 0)(x, n), numerical_gradients(lambda x: f(x, n), (x,)))
    assert_close(
        grad(f, 0)(np.array([x]), n) if n >= 0 else [],
        numerical_gradients(lambda x: f(x, n), (np.array([x]),)) if n >= 0 else [],
    )


def test_printing_happens_once_a_call(capsys):
    @grad
    def f(x):
        print("x is", f"{x:.2f}", x, sep="|", end="!\n")
        if x > 1:
            print("large")
        return x * x

    capsys.readouterr()
    f(2.0)
    f(0.5)
    f(np.float64(0.25))
    f(2.0)
    assert (
        capsys.readouterr().out
        == "x is|2.00|2.0!\nlarge\nx is|0.50|0.5!\nx is|0.25|0.25!\nx is|2.00|2.0!\nlarge\n"
    )


def test_exceptions_of_the_user():
    for x in (-2.0, np.float64(-2.0)):
        with pytest.raises(AssertionError, match="bad -2.0"):
            grad(lambda x: check_positive(x))(x)
    with pytest.raises(ValueError, match="y is 2000.0"):
        grad(checked)(1.0, 2000.0)
    with pytest.raises(ValueError, match="much"):
        grad(both_raise_or_return)(60.0, 60.0)
    with pytest.raises(ValueError, match="more"):
        grad(both_raise_or_return)(60.0, 6.0)
    with pytest.raises(KeyError):
        grad(lambda x: fail_if(x, True))(1.0)
    with pytest.raises(KeyError):
        grad(lambda x: x * fail_if(x, True) + 1.0)(1.0)
    with pytest.raises(KeyError):
        grad(lambda x: (fail_if(x, True) if x > 0 else x) + x)(1.0)
    assert grad(lambda x: (fail_if(x, True) if x > 0 else x) + x)(-1.0) == 2.0
    assert grad(lambda x: fail_if(x, False))(1.0) == 2.0


def check_positive(x):
    assert x > 0, f"bad {x}"
    return x


def fail_if(x, flag):
    if flag:
        raise KeyError("flag")
    return x * 2.0


def test_effects_are_kept_even_where_nothing_depends_on_them(capsys):
    def f(x):
        y = np.exp(x)
        print(y)
        assert y < 100
        return x

    assert grad(f)(1.0) == 1.0
    assert capsys.readouterr().out == f"{np.exp(1.0)}\n"
    with pytest.raises(AssertionError):
        grad(f)(10.0)


@pytest.mark.parametrize(
    "x", [np.zeros((0, 3)), np.ones((1, 3)), np.ones((2, 1)), np.ones((1, 1)), A, A[:, ::2]]
)
def test_branches_on_arrays_of_every_shape(x):
    def f(x):
        y = x.T @ x if x.shape[0] > 1 else x * 2
        z = y if np.sum(y) > 1 else y * y
        return np.sum(z * z) + len(x) * np.sum(x) * x.size + x.ndim

    assert_close(grad(f)(x), numerical_gradients(f, (x,)))


def test_a_name_that_an_expression_may_not_assign_is_refused():
    def f(x):
        if x > 1 and (w := x * x) > 2:
            return w
        return x

    with pytest.raises(UnsupportedError, match="w is assigned by :="):
        grad(f)(3.0)
