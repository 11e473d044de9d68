"""The operators besides `grad`: what they return, of which structure, shape and dtype, and how they nest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from revcompile import (
    UnsupportedError,
    elementwise_grad,
    gate,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    stop_gradient,
    vjp,
)
from tests.support.program import make

X = np.array([0.5, -1.25, 2.0, 0.75])
A = np.array([[0.3, -0.7, 1.1, 0.2], [0.9, 0.4, -0.6, 1.3], [-1.2, 0.8, 0.5, -0.1]])
FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def layer(x, w):
    h = np.tanh(w @ x)
    return h * np.sum(x)


def early(x, w):
    if x[0] > 10.0:
        return w @ x
    y = np.zeros(3)
    for i in range(3):
        if i == 1:
            continue
        y[i] = np.sin(w[i] @ x) * x[i]
    return y


def while_loop(x, w):
    y = w @ x
    while np.sum(y * y) > 0.1:
        y = y * 0.5 * np.cos(x[0])
    return y


def in_place(x, w):
    y = w @ x
    y *= 2.0
    y[1:] += x[:2] ** 2
    return y


def of_list(x, w):
    rows = []
    for row in w:
        rows.append(np.sum(row * x) ** 2)
    return np.array(rows)


def helper(x, w):
    def scaled(v, by):
        return v * by

    return scaled(w @ x, np.sum(x**2))


VECTORS = [layer, early, while_loop, in_place, of_list, helper]


def differences(f: Any, args: tuple[Any, ...], k: int, step: float = 1e-6) -> Any:
    """The Jacobian of an array by an array, by central differences."""
    x = np.asarray(args[k], dtype=float)
    columns = []
    for index in np.ndindex(x.shape):
        moved = []
        for sign in (1, -1):
            e = np.zeros(x.shape)
            e[index] = sign * step
            other = x + e if x.shape else float(x + e)
            moved.append(np.asarray(f(*args[:k], other, *args[k + 1 :])))
        columns.append((moved[0] - moved[1]) / (2 * step))
    return np.moveaxis(np.array(columns), 0, -1).reshape(np.shape(f(*args)) + x.shape)


@FORMS
@pytest.mark.parametrize("operator", [jacobian, jacfwd, jacrev])
@pytest.mark.parametrize("f", VECTORS, ids=lambda f: f.__name__)
def test_jacobians_agree_with_differences(f: Any, operator: Any, optimize: bool) -> None:
    kept = X.copy(), A.copy()
    by_x, by_w = operator(f, argnums=(0, 1), optimize=optimize)(X, A)
    np.testing.assert_allclose(by_x, differences(f, (X, A), 0), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(by_w, differences(f, (X, A), 1), rtol=1e-6, atol=1e-8)
    assert by_x.shape == (3, 4) and by_w.shape == (3, 3, 4) and by_x.dtype == np.float64
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(A, kept[1])


@pytest.mark.parametrize("f", VECTORS, ids=lambda f: f.__name__)
def test_a_second_call_with_other_values_and_lengths(f: Any) -> None:
    jac = jacfwd(f, argnums=0)
    jac(X, A)
    x, w = np.array([11.0, 0.2, -0.4, 0.3, 0.1]), np.arange(15.0).reshape(3, 5) / 20
    np.testing.assert_allclose(jac(x, w), differences(f, (x, w), 0), rtol=1e-6, atol=1e-7)


@FORMS
@pytest.mark.parametrize("f", VECTORS, ids=lambda f: f.__name__)
def test_second_derivatives(f: Any, optimize: bool) -> None:
    loss = make("def loss(x, w):\n    return np.sum(f(x, w) ** 2)\n", name="loss", f=f)
    gradient = grad(loss, argnums=0)
    expected = differences(gradient, (X, A), 0)
    found = hessian(loss, argnums=0, optimize=optimize)(X, A)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, found.T, rtol=1e-9, atol=1e-9)
    vector = np.array([1.0, -2.0, 0.5, 3.0])
    product = hvp(loss, argnums=0, optimize=optimize)(X, A, vector)
    np.testing.assert_allclose(product, expected @ vector, rtol=1e-5, atol=1e-5)
    # all four orders of the modes
    for outer in (jacfwd, jacrev):
        for inner in (jacfwd, jacrev):
            both = outer(inner(loss, argnums=0), argnums=0)(X, A)
            np.testing.assert_allclose(both, found, rtol=1e-9, atol=1e-9)


def test_trees_of_arguments_and_results() -> None:
    p = {"w": 2.0, "x": X}
    found = jacobian(lambda p: (p["w"] * p["x"], {"s": p["w"] ** 2}))(p)
    np.testing.assert_allclose(found[0]["w"], X)
    np.testing.assert_allclose(found[0]["x"], 2.0 * np.eye(4))
    assert found[1]["s"]["w"] == 4.0
    np.testing.assert_array_equal(found[1]["s"]["x"], np.zeros(4))
    assert hessian(lambda q: q["a"] ** 2 * q["b"])({"a": 2.0, "b": 3.0}) == {
        "a": {"a": 6.0, "b": 4.0},
        "b": {"a": 4.0, "b": 0.0},
    }
    value, tangent = jvp(lambda q: {"s": q[0] * q[1][0]}, ((2.0, [X]),), ((1.0, [X]),))
    np.testing.assert_allclose(value["s"], 2.0 * X)
    np.testing.assert_allclose(tangent["s"], 3.0 * X)


def test_what_has_no_tangent() -> None:
    value, tangent = jvp(lambda x: (x * 2, "text", 3, None, x > 0), (1.5,), (1.0,))
    assert value == (3.0, "text", 3, None, True) and tangent == (2.0, None, None, None, None)
    assert jvp(lambda x, n: x**n, (2.0, 3), (1.0, None)) == (8.0, 12.0)
    assert jvp(lambda x: 3.0, (1.0,), (1.0,)) == (3.0, 0.0)
    assert jvp(lambda x: x * stop_gradient(x), (3.0,), (1.0,)) == (9.0, 3.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes(dtype: Any) -> None:
    x = X.astype(dtype)
    value, tangent = jvp(lambda x: x * 2, (x,), (x,))
    assert value.dtype == tangent.dtype == dtype
    for operator in (jacfwd, jacrev):
        assert operator(lambda x: x * x)(x).dtype == dtype
    assert hvp(lambda x: np.sum(x**3))(x, x).dtype == dtype
    number = dtype(1.5)
    assert type(jvp(lambda t: t * t, (number,), (number,))[1]) is dtype


def test_numbers() -> None:
    found = jvp(lambda t: math.sin(t) * t, (0.5,), (2.0,))
    assert type(found[1]) is float
    assert found[1] == pytest.approx(2.0 * (math.cos(0.5) * 0.5 + math.sin(0.5)), rel=1e-14)
    assert hessian(lambda t: t**3)(2.0) == 12.0
    np.testing.assert_allclose(jacobian(lambda t: np.array([t, t * t]))(3.0), [1.0, 6.0])
    np.testing.assert_allclose(elementwise_grad(np.tanh)(X), 1 - np.tanh(X) ** 2)
    np.testing.assert_allclose(elementwise_grad(lambda a, b: a**b)(np.abs(X), 2.0), 2 * np.abs(X))
    assert jacobian(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)


def test_a_division_by_zero_gives_an_infinite_derivative() -> None:
    with np.errstate(all="ignore"):
        assert jvp(lambda x: math.sqrt(x))((0.0,), (1.0,)) == (0.0, math.inf)
        assert grad(grad(lambda x: math.sqrt(x)))(0.0) == -math.inf


def test_names_that_are_those_of_the_compiler() -> None:
    assert jvp(lambda x, tangent_x: x * tangent_x, (2.0, 3.0), (1.0, 0.5)) == (6.0, 4.0)
    assert jvp(
        lambda function, options, apply: function * options * apply, (2.0, 3.0, 1.0), (1.0, 0.0, 0.0)
    ) == (
        6.0,
        3.0,
    )
    assert hvp(lambda vector: vector**3)(2.0, 1.0) == 12.0


def test_nesting_without_confusion() -> None:
    """The perturbations of nested derivatives are kept apart."""
    assert grad(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1])(1.0) == 1.0
    found = jvp(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,))
    assert found == (9.0, 6.0)
    assert jvp(lambda t: jvp(lambda s: s**3, (t,), (1.0,))[1], (2.0,), (1.0,)) == (12.0, 12.0)
    np.testing.assert_allclose(grad(lambda x: jvp(lambda y: np.sum(y**2), (x,), (x,))[1])(X), 4 * X)
    trace = grad(lambda x: np.trace(hessian(lambda y: np.sum(y**4))(x)))
    np.testing.assert_allclose(trace(X), 24 * X)
    third = jacobian(jacobian(jacobian(lambda x: x[0] * x[1] * x[2])))(X[:3])
    assert third.shape == (3, 3, 3) and third[0, 1, 2] == third[2, 1, 0] == 1.0 and third[0, 0, 0] == 0.0


SQUARES = hessian(lambda x: np.sum(x**4))
ALONG = jvp(lambda x: np.sum(x**3))


def test_what_an_operator_made_may_be_called_inside() -> None:
    np.testing.assert_allclose(grad(lambda x: np.sum(SQUARES(x) @ x))(X), 36 * X**2)
    np.testing.assert_allclose(grad(lambda x: ALONG((x,), (x,))[1])(X), 9 * X**2)


class Model:
    def __init__(self, k: float) -> None:
        self.k = k

    def value(self, x):
        return self.k * np.sum(x**3)

    @hessian
    def curvature(self, x):
        return self.k * np.sum(x**3)

    @jvp
    def along(self, x):
        return self.k * x * x


def test_methods() -> None:
    model = Model(2.0)
    np.testing.assert_allclose(hessian(model.value)(X), np.diag(12 * X))
    np.testing.assert_allclose(model.curvature(X), np.diag(12 * X))
    assert model.along((3.0,), (1.0,)) == (18.0, 12.0)
    model.k = 3.0
    np.testing.assert_allclose(model.curvature(X), np.diag(18 * X))


def test_variadic_and_keyword_arguments() -> None:
    assert jacobian(lambda *xs: xs[0] * xs[1])(2.0, 3.0) == (3.0, 2.0)
    np.testing.assert_allclose(jacobian(lambda x, k=2: x**k)(X, k=3), np.diag(3 * X**2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        jacobian(lambda x: x)(X, z=1)
    with pytest.raises(ValueError, match="has 1 parameters, no number 3"):
        jacobian(lambda x: x, argnums=3)(X)


def test_a_recursion_that_the_run_decides() -> None:
    def newton(x, a):
        step = (x * x - a) / (2 * x)
        return x if abs(step) < 1e-12 else newton(x - step, a)

    value, tangent = jvp(newton, (1.0, 2.0), (0.0, 1.0))
    assert value == pytest.approx(math.sqrt(2.0)) and tangent == pytest.approx(0.5 / math.sqrt(2.0))


def test_tangents_that_do_not_fit() -> None:
    def f(x):
        return np.sum(x)

    with pytest.raises(ValueError, match=r"the tangent of argument 0 has the shape \(2,\), not \(4,\)"):
        jvp(f, (X,), (np.ones(2),))
    with pytest.raises(ValueError, match=r"the tangent of argument 0 has the shape \(\), not \(4,\)"):
        jvp(f, (X,), (1.0,))
    with pytest.raises(TypeError, match="one tangent for each argument"):
        jvp(f, (X,), (X, X))
    with pytest.raises(TypeError, match="must be of the argument's own structure"):
        jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},))


def test_what_is_not_supported_is_refused_at_its_line() -> None:
    def f(x):
        return sorted(x, key=lambda v: object())[0]

    with pytest.raises((UnsupportedError, TypeError)):
        jvp(f)((X,), (X,))


def test_texts() -> None:
    along = jvp(layer)
    along((X, A), (X, None))
    assert along.tangent_source.startswith("def jvp_layer(x, w, tangent_x, tangent_w):")
    assert "tangent_x * (1 - h * h)" in along.tangent_source
    assert along.source_for((X, A), (X, A)).count("def ") == 1  # what it stands for is the user's own text
    assert along.primal is layer and along.__name__ == "layer"
    product = hvp(lambda x: np.sum(np.sin(x) ** 2))
    product(X, X)
    assert "for " not in product.derivative_source


@pytest.mark.parametrize("operator", [jacfwd, jacrev, jacobian])
def test_what_is_printed_is_printed_once(operator: Any, capsys: Any) -> None:
    def f(x):
        print("called")
        return x * x

    np.testing.assert_allclose(operator(f)(X), np.diag(2 * X))
    assert capsys.readouterr().out == "called\n"


def test_what_is_written_into_is_not_the_callers() -> None:
    def f(x):
        x *= 2.0
        return np.sum(x**3)

    x = X.copy()
    value, tangent = jvp(f, (x,), (x,))
    assert value == pytest.approx(np.sum(8 * X**3)) and tangent == pytest.approx(np.sum(24 * X**3))
    np.testing.assert_allclose(hvp(f)(x, x), 48 * X * X)
    np.testing.assert_array_equal(x, X)
    direction = np.ones(4)
    value, tangent = jvp(lambda x: x, (x,), (direction,))
    assert not np.shares_memory(tangent, direction) and not np.shares_memory(value, x)


FACTOR = 2.0
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])


def test_what_the_program_changes_is_noticed(monkeypatch: Any) -> None:
    def f(x):
        return np.sum(FACTOR * WEIGHTS * x * x)

    second = hessian(f)
    np.testing.assert_allclose(second(X), np.diag(4.0 * WEIGHTS))
    monkeypatch.setitem(f.__globals__, "FACTOR", 5.0)
    np.testing.assert_allclose(second(X), np.diag(10.0 * WEIGHTS))
    monkeypatch.setitem(f.__globals__, "WEIGHTS", WEIGHTS[::-1].copy())
    np.testing.assert_allclose(second(X), np.diag([40.0, 30.0, 20.0, 10.0]))
    cubes = [lambda x, a=a: a * x**3 for a in (1.0, 2.0, 3.0)]
    assert [jvp(c, (2.0,), (1.0,))[1] for c in cubes] == [12.0, 24.0, 36.0]


class Pair:
    def __init__(self, a: float) -> None:
        self.a = a


def test_objects_as_arguments_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="by the attributes of a Pair are gradients only"):
        jacobian(lambda p: p.a * p.a)(Pair(2.0))
    with pytest.raises(UnsupportedError, match="by the attributes of a Pair are gradients only"):
        jvp(lambda p: p.a * p.a, (Pair(2.0),), (Pair(1.0),))


@FORMS
@pytest.mark.parametrize("f", VECTORS, ids=lambda f: f.__name__)
def test_pullbacks(f: Any, optimize: bool) -> None:
    x, w = X.copy(), A.copy()
    value, pullback = vjp(f, x, w, optimize=optimize)
    np.testing.assert_array_equal(value, f(X, A))
    rows = jacrev(f)(X, A)
    for cotangent in (np.array([1.0, 0.0, -2.0]), np.array([0.5, 1.0, 0.0]), np.array([1.0, 0.0, -2.0])):
        by_x, by_w = pullback(cotangent)
        np.testing.assert_allclose(by_x, np.tensordot(cotangent, rows[0], 1), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(by_w, np.tensordot(cotangent, rows[1], 1), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(w, A)


def test_pullbacks_of_trees_and_numbers() -> None:
    value, pullback = vjp(lambda p: {"a": p["x"] * p["w"], "b": (p["w"] ** 2, "text", 3)}, {"x": X, "w": 2.0})
    gradient = pullback({"a": np.ones(4), "b": (1.0, None, None)})
    np.testing.assert_allclose(gradient["x"], 2.0 * np.ones(4))
    assert gradient["w"] == pytest.approx(np.sum(X) + 4.0) and type(gradient["w"]) is float
    value, pullback = vjp(lambda t: math.sin(t) * t, 0.5)
    assert pullback(2.0) == pytest.approx(2.0 * (math.cos(0.5) * 0.5 + math.sin(0.5)))
    y = X.astype(np.float32)
    assert vjp(lambda x: x * x, y)[1](y).dtype == np.float32
    twice = vjp(lambda x: (x, x * 1.0, x), X)[1]
    np.testing.assert_allclose(twice((X, X, X)), 3 * X)
    np.testing.assert_array_equal(vjp(lambda x: np.ones(2), X)[1](np.ones(2)), np.zeros(4))
    assert vjp(lambda x, n: x**n, 2.0, 3, argnums=(0, 1))[1](1.0) == (12.0, None)
    assert vjp(lambda x, k=2: x**k)(3.0, k=3)[1](1.0) == 27.0
    with np.errstate(all="ignore"):
        assert vjp(lambda x: math.sqrt(x), 0.0)[1](1.0) == math.inf
    with pytest.raises(ValueError, match=r"the cotangent of the result has the shape \(3,\), not \(4,\)"):
        vjp(lambda x: x * x, X)[1](np.ones(3))
    with pytest.raises(TypeError, match="the cotangent of the result must be"):
        vjp(lambda x: (x, x), X)[1]((X,))
    with pytest.raises(ZeroDivisionError):
        vjp(lambda x: 1.0 / 0 + x, 1.0)


def test_a_pullback_inside() -> None:
    def f(x):
        value, pullback = vjp(lambda y: y**3, x)
        return np.sum(value * pullback(x))

    np.testing.assert_allclose(grad(f)(X), 3 * 6 * X**5)


def test_the_same_function_is_compiled_once() -> None:
    def f(x):
        return x * x

    assert jvp(f, (2.0,), (1.0,)) == jvp(f, (2.0,), (1.0,)) == (4.0, 4.0)
    rows = jacobian(f)
    assert rows(X).shape == (4, 4) and rows(X[:2]).shape == (2, 2)
    many = jacobian(lambda x: np.array([np.sum(x), np.sum(x * x)]))
    wide = np.arange(20.0)
    np.testing.assert_allclose(many(wide), np.stack([np.ones(20), 2 * wide]))
    assert "grad" in many.derivative_source  # row by row: there are fewer results than arguments


def test_optimisers_take_them() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    integrate = pytest.importorskip("scipy.integrate")

    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = np.array([-1.2, 1.0, 0.7])
    found = optimize.minimize(
        grad(rosenbrock).value_and_grad, start, jac=True, hessp=hvp(rosenbrock), method="Newton-CG"
    )
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)
    exact = optimize.minimize(
        grad(rosenbrock).value_and_grad, start, jac=True, hess=hessian(rosenbrock), method="trust-exact"
    )
    np.testing.assert_allclose(exact.x, 1.0, atol=1e-5)

    def residuals(p):
        t = np.linspace(0.0, 1.0, 9)
        return p[0] * np.exp(-p[1] * t) - 2.0 * np.exp(-1.5 * t)

    fitted = optimize.least_squares(residuals, np.array([1.0, 1.0]), jac=jacobian(residuals))
    np.testing.assert_allclose(fitted.x, [2.0, 1.5], rtol=1e-6)

    def system(x):
        return np.array([x[0] ** 2 + x[1] - 3.0, x[0] - x[1]])

    root = optimize.root(system, np.array([1.0, 2.0]), jac=jacobian(system))
    np.testing.assert_allclose(system(root.x), 0.0, atol=1e-9)

    def van_der_pol(t, y):
        return np.array([y[1], 10.0 * (1.0 - y[0] ** 2) * y[1] - y[0]])

    jac = jacobian(van_der_pol, argnums=1)
    solved = integrate.solve_ivp(van_der_pol, (0.0, 2.0), [2.0, 0.0], jac=jac, method="Radau")
    assert solved.success and solved.njev > 0


def powered(x: Any, n: Any) -> Any:
    return x * n


@gate(powered)
def powered_rule(grad_y: Any, x: Any, n: Any) -> Any:
    return grad_y * n, grad_y * x


@pytest.mark.parametrize("operator", [jacfwd, jacrev, jacobian, hessian, elementwise_grad])
def test_a_number_that_must_be_known_is_not_differentiated_in_silence(operator: Any) -> None:
    """`n` is a name of what the compiler must know: a real number that is differentiated cannot be that."""
    message = "must know it: as n= of powered"
    with pytest.raises(UnsupportedError, match=message):
        operator(lambda y: powered(2.0, y))(3.0)
    with pytest.raises(UnsupportedError, match=message):
        jvp(lambda x, y: powered(x, y), (2.0, 3.0), (1.0, 1.0))
    with pytest.raises(UnsupportedError, match=message):
        vjp(lambda x, y: powered(x, y), 2.0, 3.0)
    with pytest.raises(UnsupportedError, match=message):
        grad(lambda x, y: x * operator(lambda z: powered(2.0, z))(y), argnums=0)(1.0, 3.0)
    assert jvp(lambda x, y: powered(x, y), (2.0, 3.0), (1.0, None)) == (6.0, 3.0)
    assert vjp(lambda x, y: powered(x, y), 2.0, 3.0, argnums=0)[1](1.0) == 3.0
    assert operator(lambda x, y: x * powered(x, y), argnums=0)(2.0, 3.0) == (
        6.0 if operator is hessian else 12.0
    )
