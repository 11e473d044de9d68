"""Gates of the user's: what their results are, what their rules may do, and what they are told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, gate, grad, value_and_grad
from tests.language.checking import check
from tests.support.program import make
from tests.support.texts import TEXTS

LABELS = np.array([0, 1, 1, 2, 0])
V = np.array([0.5, -1.0, 2.0])
A = 2.0 * np.eye(3) + np.ones((3, 3))


def distinct(a: Any) -> Any:
    return np.unique(a)


@gate(distinct)
def distinct_rule(grad_y: Any, a: Any) -> Any:
    return np.zeros(a.shape)


def positive(x: Any) -> Any:
    return x[x > 0]


@gate(positive)
def positive_rule(grad_y: Any, x: Any) -> Any:
    out = np.zeros(x.shape)
    out[x > 0] = grad_y
    return out


def cross(v: Any) -> Any:
    if v.shape != (3,):
        raise AssertionError("three numbers are needed")
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


@gate(cross)
def cross_rule(grad_y: Any, v: Any) -> Any:
    g = grad_y
    return np.stack([g[2, 1] - g[1, 2], g[0, 2] - g[2, 0], g[1, 0] - g[0, 1]])


def solve3(a: Any, b: Any) -> Any:
    if a.shape != (3, 3):
        raise TypeError("three by three")
    return np.linalg.solve(a, b)


def solve3_forward(a: Any, b: Any) -> Any:
    y = solve3(a, b)
    return y, (a, y)


@gate(solve3, forward=solve3_forward)
def solve3_backward(grad_y: Any, saved: Any) -> Any:
    a, y = saved
    w = np.linalg.solve(a.T, grad_y)
    return -np.outer(w, y), w


def tripled(x: Any) -> Any:
    if x.size != 3:
        raise ValueError("three")
    return 3.0 * x


@gate(tripled, like="x")
def tripled_rule(grad_y: Any, x: Any) -> Any:
    return 3.0 * grad_y


def first_two(x: Any) -> Any:
    if x.size != 3:
        raise ValueError("three")
    return x[:2] * 2.0


@gate(first_two, like=np.zeros(1))
def first_two_rule(grad_y: Any, x: Any) -> Any:
    return np.concatenate((2.0 * grad_y, np.zeros(1)))


def of_labels(x: Any) -> Any:
    s = 0.0
    for k in distinct(LABELS):
        s = s + np.sum(x[LABELS == k]) ** 2
    return s


def of_floats(x: Any) -> Any:
    return np.sum(x) * len(distinct(np.array([0.5, 0.5, 1.5]))) + np.sum(x**2)


def in_a_branch(b: Any, n: int) -> Any:
    if n > 1:
        return np.sum(solve3(A, b) ** 2)
    return np.sum(cross(b) * np.arange(9.0).reshape(3, 3))


def in_a_loop(v: Any, n: int) -> Any:
    s = 0.0
    for i in range(n):
        s = s + np.sum(cross(v * i) ** 2 * np.arange(9.0).reshape(3, 3))
    return s


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (of_labels, (np.arange(5.0),)),
        (of_floats, (V,)),
        (lambda x: np.sum(positive(x) ** 2) / positive(x).shape[0], (V,)),
        (lambda x: np.sum(positive(x) * positive(2.0 * x)), (V,)),
        (lambda v: np.sum(cross(v) ** 2 * np.arange(9.0).reshape(3, 3)), (V,)),
        (lambda b: np.sum(solve3(A, b) ** 2), (V,)),
        (lambda x: np.sum(tripled(x) ** 2), (V,)),
        (lambda x: np.sum(first_two(x) ** 2), (V,)),
    ],
)
def test_results(f: Callable[..., Any], args: Any) -> None:
    check(f, *args)


def slopes(f: Any, *spacing: Any) -> Any:
    return np.gradient(f, *spacing)


@pytest.mark.usefixtures("gates_of_its_own")
def test_a_signature_with_stars() -> None:
    @gate(slopes, forward=lambda f, *h: (slopes(f, *h), (f.size, h)))
    def gradient_backward(grad_y: Any, saved: Any) -> Any:
        n, h = saved
        return np.stack([slopes(row, *h) for row in np.eye(n)], 1).T @ grad_y

    check(lambda x: np.sum(slopes(x) ** 2), V)
    check(lambda x: np.sum(slopes(x, 0.5) ** 2), V)


@pytest.mark.parametrize("f", [in_a_branch, in_a_loop])
def test_in_blocks(f: Callable[..., Any]) -> None:
    gradient = grad(f, argnums=0)
    for n in (1, 2, 0, 3):
        check(f, V, n, argnums=(0,))
        h = 1e-6 * np.eye(3)
        slope = [(f(V + e, n) - f(V - e, n)) / 2e-6 for e in h]
        np.testing.assert_allclose(gradient(V, n), slope, rtol=1e-5, atol=1e-7)


def test_like_is_checked() -> None:
    with pytest.raises(ValueError, match="no parameter 'z'"):
        gate(lambda x: x, like="z")(lambda grad_y, x: grad_y)
    with pytest.raises(TypeError, match="like: what softplus gives is like a parameter.* not a function"):
        gate(lambda x: x, like=lambda x: x, name="softplus")(lambda grad_y, x: grad_y)


PICKS = {
    "unique": np.unique,
    "small": lambda x: x[np.abs(x) < 9.0],
    "negative": lambda x: x[x < 0.0],
    "trimmed": lambda x: np.trim_zeros(np.maximum(x, 0.0)),
}
MANY = [np.array([2.0, 2.0, -1.0, 50.0, 0.0]), np.array([3.0, 1.0]), np.array([-2.0, 4.0, 4.0, -2.0])]


def picked_sum(pick: Any, y: Any, x: Any) -> Any:
    return np.sum(pick(x) * y) * len(pick(x))


def picked_one_by_one(pick: Any, y: Any, x: Any) -> Any:
    s = y * 0.0
    for v in pick(x):
        s = s + v * v * y
    return s


def picked_and_stored(pick: Any, y: Any, x: Any) -> Any:
    out, i = np.zeros(8), 0
    out[: len(pick(x))] = pick(x) * y
    while i < pick(x).size:
        out[i] += y
        i += 1
    return np.sum(out * out)


def picked_in_a_helper(pick: Any, y: Any, x: Any) -> Any:
    def helper(v: Any) -> Any:
        return np.sum(np.outer(pick(v), pick(v))) if len(pick(v)) > 1 else v.size * 1.0

    return helper(x) * y * y


@pytest.mark.parametrize("opaque", [True, False])
@pytest.mark.parametrize("pick", PICKS)
@pytest.mark.parametrize("f", [picked_sum, picked_one_by_one, picked_and_stored, picked_in_a_helper])
def test_a_length_that_the_elements_say(f: Any, pick: str, opaque: bool) -> None:
    def picked(x: Any) -> Any:
        return PICKS[pick](x)

    if opaque:
        gate(picked, forward=lambda x: (picked(x), None))(lambda grad_y, saved: None)
    else:
        gate(picked)(lambda grad_y, x: np.zeros(x.shape))
    for optimize in (True, False):
        gradient = value_and_grad(lambda y, x: f(picked, y, x), 0, optimize=optimize)
        for x in MANY:
            value, slope = gradient(1.5, x)
            assert value == f(picked, 1.5, x)
            np.testing.assert_allclose(
                slope, (f(picked, 1.5 + 1e-4, x) - f(picked, 1.5 - 1e-4, x)) / 2e-4, atol=1e-8
            )


def pair_that_gives(outcome: Callable[[Any], Any], saves: bool = True) -> Any:
    def doubled(x: Any) -> Any:
        return 2.0 * x

    @gate(doubled, forward=lambda x: (2.0 * x, None) if saves else 2.0 * x, name="my gate")
    def backward(grad_y: Any, saved: Any) -> Any:
        return outcome(2.0 * grad_y)

    return grad(lambda x: doubled(x) * 1.0)


def test_a_pair_is_told_of_a_wrong_structure() -> None:
    assert pair_that_gives(lambda g: (g,))(1.5) == 2.0
    for outcome in (lambda g: [g], lambda g: (g, g), lambda g: {"x": g}):
        with pytest.raises(TypeError, match="the rule of the gate 'my gate' must return"):
            pair_that_gives(outcome)(1.5)
    with pytest.raises(TypeError, match="forward= function of the gate 'my gate' must return a pair"):
        pair_that_gives(lambda g: g, saves=False)(1.5)


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(
    "x", [1.5, np.float64(1.5), V, np.float32([1.0, 2.0])], ids=["float", "np.float64", "array", "float32"]
)
def test_none_of_a_pair_is_a_zero(x: Any, optimize: bool) -> None:
    def product(a: Any, b: Any) -> Any:
        return a * b

    for gradients, zeros in (
        ((None, 1), (0, 1)),
        ((None, None), (0, 0)),
        ((1, None), (1, 0)),
        ((None,), (0,)),
    ):

        @gate(product, forward=lambda a, b: (a * b, None), name="my product")
        def backward(grad_y: Any, saved: Any, gradients: Any = gradients) -> Any:
            return tuple(None if g is None else grad_y * g for g in gradients)

        def f(x: Any, y: Any) -> Any:
            s = 0.0
            for i in range(2):
                if i >= 0:
                    s = s + np.sum(product(2.0 * x, y))
            return s

        for i, slope in enumerate(zeros):
            found = grad(f, i, optimize=optimize)(x, x)
            assert type(found) is type(x) and np.shape(found) == np.shape(x)
            assert getattr(found, "dtype", None) == getattr(x, "dtype", None)
            np.testing.assert_array_equal(found, np.full(np.shape(x), (4.0, 2.0)[i] * slope))


@pytest.mark.parametrize("optimize", TEXTS)
def test_a_pair_is_told_of_gradients_that_are_missing(optimize: bool) -> None:
    def product(a: Any, b: Any) -> Any:
        return a * b

    for outcome in (None, (None,), (2.0,), 2.0):

        @gate(product, forward=lambda a, b: (a * b, None), name="my product")
        def backward(grad_y: Any, saved: Any, outcome: Any = outcome) -> Any:
            return outcome

        for argnums in (1, (0, 1)):
            with pytest.raises(TypeError, match="gate 'my product' must return .* at least of the first 2"):
                grad(lambda x, y: product(x, y) * 1.0, argnums, optimize=optimize)(1.5, 2.5)
        assert grad(lambda x, y: product(x, y) * 1.0, 0, optimize=optimize)(1.5, 2.5) in (0.0, 2.0)


def lenient(grad_y: Any, x: Any) -> Any:
    try:
        return grad_y * np.cos(x)
    except ValueError:
        return grad_y


def rule_that_gives(outcome: Callable[[Any, Any], Any]) -> Any:
    def sine(x: Any) -> Any:
        return np.sin(x)

    @gate(sine, name="my sine")
    def rule(grad_y: Any, x: Any) -> Any:
        return outcome(grad_y, x)

    return grad(lambda x: np.sum(sine(x)))


def test_a_rule_calls_what_it_likes() -> None:
    for outcome in (
        lenient,
        lambda g, x: np.fft.ifft(np.fft.fft(g * np.cos(x))).real,
        lambda g, x: g * np.vectorize(math.cos)(x),
    ):
        np.testing.assert_allclose(rule_that_gives(outcome)(V), np.cos(V))


def test_a_rule_is_told_of_a_wrong_structure() -> None:
    for outcome in (lambda g, x: [g], lambda g, x: (g, g)):
        with pytest.raises(UnsupportedError, match="the rule of the gate 'my sine' must return"):
            rule_that_gives(outcome)(V)


def test_a_rule_that_fails_points_at_its_line() -> None:
    def failing(grad_y: Any, x: Any) -> Any:
        return grad_y * undefined_name  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(NameError, match="return grad_y \\* undefined_name"):
        rule_that_gives(failing)(V)


CALLED: list[float] = []


def counted(x: Any) -> Any:
    CALLED.append(float(np.sum(x)))
    return x * x


def counted_forward(x: Any) -> Any:
    return counted(x), x


def twice(x: Any) -> Any:
    return np.sum(counted(x) * counted(x)) + np.sum(counted(2.0 * x))


def twice_in_a_loop(x: Any) -> Any:
    s = 0.0
    for _ in range(2):
        s = s + np.sum(counted(x) * counted(x))
    return s


def twice_in_a_branch(x: Any) -> Any:
    a = counted(x)
    if np.sum(x) > 0.0:
        b = counted(2.0 * x)
        return np.sum(counted(x) * b) + np.sum(a)
    return np.sum(a)


def in_order(x: Any) -> Any:
    a = counted(x)
    b = counted(3.0 * x)
    c = counted(x + 1.0)
    return np.sum(np.sin(b) * a + c * a)


def a_helper(x: Any) -> Any:
    y = counted(x)
    return y * counted(x) * np.sin(y)


def in_a_helper(x: Any) -> Any:
    return np.sum(a_helper(x) * a_helper(x))


@pytest.mark.parametrize("x", [1.5, np.array([0.5, 1.5])], ids=["float", "array"])
@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("opaque", [True, False])
@pytest.mark.parametrize("f", [twice, twice_in_a_loop, twice_in_a_branch, in_order, in_a_helper])
def test_each_call_is_made_once_in_order(f: Any, opaque: bool, optimize: bool, x: Any) -> None:
    if opaque:
        gate(counted, forward=counted_forward)(lambda grad_y, x: 2.0 * grad_y * x)
    else:

        @gate(counted)
        def rule(grad_y: Any, x: Any) -> Any:
            return 2.0 * grad_y * x

    g = value_and_grad(f, optimize=optimize)
    g(x)
    CALLED.clear()
    expected = f(x)
    calls = CALLED.copy()
    CALLED.clear()
    value, slope = g(x)
    assert CALLED == calls
    np.testing.assert_allclose(value, expected)
    step = 1e-6 * np.eye(np.size(x))[0].reshape(np.shape(x))
    np.testing.assert_allclose(np.ravel(slope)[0], (f(x + step) - f(x - step)) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        (lambda g: np.ones(7), "is of shape"),
        (lambda g: 3.0, "is of shape"),
        (lambda g: g * 1j, "is an? (ndarray|complex.*) of dtype complex"),
        (lambda g: "a", "is a str of dtype"),
        (lambda g: (v for v in (g,)), "is a generator of dtype object"),
    ],
)
def test_a_pair_is_told_of_gradients_that_do_not_fit(outcome: Any, what: str) -> None:
    with pytest.raises(TypeError, match=f"the rule of the gate 'my gate' must return real gradients.*{what}"):
        grad_of_sum(outcome)(V)


def grad_of_sum(outcome: Callable[[Any], Any]) -> Any:
    def doubled(x: Any) -> Any:
        return 2.0 * x

    gate(doubled, forward=lambda x: (2.0 * x, None), name="my gate")(lambda grad_y, saved: outcome(grad_y))
    return grad(lambda x: np.sum(doubled(x)))


def test_a_zero_is_a_gradient_of_any_shape() -> None:
    np.testing.assert_array_equal(grad_of_sum(lambda g: 0.0)(V), np.zeros(3))


def test_a_rule_that_returns_nothing_is_told_so() -> None:
    with pytest.raises(UnsupportedError, match="the rule of the gate 'my sine' must return .* not 0 of them"):
        rule_that_gives(lambda g, x: ())(V)


SHAPES = {  # rules of the sum of a matrix that give gradients of other shapes
    "a number of elements": "np.ones(7)",
    "other axes": "np.ones((3, 2)) * grad_y",
    "of other rows": "grad_y * np.ones((x.shape[0] + 1, x.shape[1]))",
    "a row too short": "grad_y * x[:, 1:]",
    "what only the run knows": "grad_y * np.ones((int(x[0, 0]) + 5, 3))",
}
FORMS_OF_CALLS = {
    "plain": "return total(x)",
    "of an expression": "return total(x * 2.0) * 3.0",
    "if": "return total(x) if x[0, 0] > 0.0 else x[0, 0]",
    "for": "s = 0.0\n    for _ in range(2):\n        s += total(x)\n    return s",
    "helper": "g = lambda z: total(z) * 2.0\n    return g(x)",
}


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize("form", FORMS_OF_CALLS)
@pytest.mark.parametrize("given", SHAPES)
def test_a_rule_that_gives_another_shape_is_no_gradient(given: str, form: str, optimize: bool) -> None:
    f = make(
        "def total(x):\n    return np.sum(x)\n"
        f"def rule(grad_y, x):\n    return {SHAPES[given]}\n"
        f"def f(x):\n    {FORMS_OF_CALLS[form]}\n"
    )
    gate(f.__globals__["total"])(f.__globals__["rule"])
    with pytest.raises((ValueError, TypeError, UnsupportedError)):
        grad(f, optimize=optimize)(np.arange(1.0, 7.0).reshape(2, 3))


def test_a_rule_whose_shape_is_proved_is_not_looked_at() -> None:
    def cubed(x: Any) -> Any:
        return x**3

    gate(cubed, like="x")(lambda grad_y, x: grad_y * 3.0 * x * x)
    gradient = grad(lambda x, y: np.sum(cubed(x) * y), (0, 1))
    np.testing.assert_allclose(gradient(V, 2.0 * V)[0], 6.0 * V**3)
    assert "unbroadcast" not in gradient.source


@pytest.mark.parametrize("body", ["raise KeyError('k')", "return refuse(grad_y)"])
@pytest.mark.parametrize("form", FORMS_OF_CALLS)
@pytest.mark.parametrize("optimize", TEXTS)
def test_a_rule_that_always_raises_is_refused_at_its_line(form: str, body: str, optimize: bool) -> None:
    f = make(
        "def total(x):\n    return np.sum(x)\n"
        "def refuse(g):\n    raise ValueError('h')\n"
        f"def rule(grad_y, x):\n    {body}\n"
        f"def f(x):\n    {FORMS_OF_CALLS[form]}\n"
    )
    gate(f.__globals__["total"])(f.__globals__["rule"])
    with pytest.raises(UnsupportedError, match="always raises.*\n.*in rule"):
        grad(f, optimize=optimize)(np.arange(1.0, 7.0).reshape(2, 3))
