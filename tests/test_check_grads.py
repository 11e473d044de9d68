"""`check_grads` accepts right gradients and, above all, rejects wrong ones."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from revcompile import gate, grad, stop_gradient, value_and_grad
from revcompile.transforms.check import check_grads

X = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
B = np.array([0.5, -0.25, 1.5])


class Claimed:
    """A gradient somebody claims for a function: `.primal` and a call, nothing compiled."""

    def __init__(self, primal: Callable[..., Any], claim: Callable[..., Any]) -> None:
        self.primal = primal
        self.claim = claim

    def __call__(self, *args: Any) -> Any:
        return self.claim(*args)


def shifted(x: np.ndarray, b: np.ndarray) -> float:
    return float(np.sum(np.sin(x + b)))


def rejected(primal: Callable[..., Any], claim: Callable[..., Any], *args: Any, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_grads(Claimed(primal, claim), args, **options)
    return str(caught.value)


# what it accepts


def test_accepts_a_right_claim() -> None:
    def claim(x: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.cos(x + b), np.cos(x + b).sum(axis=0)

    check_grads(Claimed(shifted, claim), (X, B))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_accepts_each_precision(dtype: type) -> None:
    def f(x: np.ndarray) -> Any:
        return np.sum(x * x)

    check_grads(Claimed(f, lambda x: x + x), (X.astype(dtype),))
    assert "wrong gradient" in rejected(f, lambda x: dtype(2.5) * x, X.astype(dtype))


def test_scale_does_not_matter() -> None:
    for scale in (1e-8, 1e-3, 1.0, 1e4, 1e9):
        check_grads(Claimed(lambda x: x * x * x, lambda x: 3.0 * x * x), (1.7 * scale,))


def test_a_kink_nearby_is_seen_past() -> None:
    check_grads(Claimed(lambda x: max(x, 0.0), lambda x: 1.0), (2e-3,))


def test_nan_on_both_sides_agrees() -> None:
    x = np.array([1.0, 2.0])
    check_grads(Claimed(lambda x: float(np.fmin(np.nan, 1.0)) + x[0], lambda x: np.array([1.0, 0.0])), (x,))


def test_integers_and_strings_are_left_alone() -> None:
    check_grads(
        Claimed(lambda x, n, how: x**n, lambda x, n, how: (n * x ** (n - 1), None, None)), (1.5, 3, "up")
    )


def test_functions_may_write_into_what_they_are_given() -> None:
    def f(x: np.ndarray) -> float:
        x *= 2.0
        return float(np.sum(x))

    check_grads(Claimed(f, lambda x: np.full(3, 2.0)), (B,))
    assert B[0] == 0.5


def test_nothing_to_compare_is_an_error() -> None:
    empty = Claimed(lambda x: float(np.sum(x)), lambda x: np.ones_like(x))
    with pytest.raises(ValueError, match=r"nothing to compare: .*x is an array of shape \(0, 3\)"):
        check_grads(empty, (np.zeros((0, 3)),))
    check_grads(lambda x, y: np.sum(x) * y, (np.zeros((0, 3)), 2.0))
    with pytest.raises(ValueError, match="nothing to compare: no argument is given"):
        check_grads(lambda x=3.0: x * x, ())
    check_grads(lambda x=3.0: x * x, (), argnums="x")
    check_grads(lambda y, x=3.0, *, z=2.0: x * x * y * z, (1.0,), argnums=1)
    with pytest.raises(ValueError, match=r"nothing to compare: .*how is a str"):
        check_grads(Claimed(lambda how: 1.0, lambda how: None), ("up",))
    with pytest.raises(ValueError, match=r"nothing to compare: .*n is an int"):
        check_grads(lambda n: float(np.sum(np.ones(n))), (3,))


def test_accepts_compiled_gradients() -> None:
    def f(x, b):
        return np.sum(np.tanh(x * b))

    check_grads(f, (X, B))
    check_grads(grad(f), (X, B))
    check_grads(f, (X, B), argnums=1)
    check_grads(f, (X, B), argnums=("b", "x"))
    check_grads(grad(f, argnums=1), (X, B))
    check_grads(grad(f, argnums=(1,)), (X, B))
    check_grads(value_and_grad(f), (X, B))


def test_the_coarsest_argument_decides_the_precision() -> None:
    check_grads(lambda a, x: np.sum(a * x), (2.0, X.astype(np.float32)))


def test_accepts_methods() -> None:
    class Spring:
        def __init__(self) -> None:
            self.k = 2.0

        def energy(self, x):
            return 0.5 * self.k * np.sum(x * x)

    check_grads(Spring().energy, (B,))
    check_grads(grad(Spring().energy), (B,))


def test_accepts_auxiliary_results() -> None:
    def f(x):
        y = np.sin(x)
        return np.sum(y), y

    check_grads(grad(f, has_aux=True), (B,))
    check_grads(value_and_grad(f, has_aux=True), (B,))


# what it rejects


def test_rejects_a_sign() -> None:
    text = rejected(shifted, lambda x, b: (np.cos(x + b), -np.cos(x + b).sum(axis=0)), X, B)
    assert "wrong gradient of shifted: 3 of 9 elements" in text
    assert "b[" in text


def test_rejects_a_factor() -> None:
    assert "2 of 2" in rejected(lambda x, y: x * y, lambda x, y: (2 * y, 1.01 * x), 3.0, 5.0)


def test_rejects_a_missing_broadcast_sum() -> None:
    text = rejected(shifted, lambda x, b: (np.cos(x + b), np.cos(x + b)), X, B)
    assert text == "the gradient for b must have shape (3,), not (2, 3)"


def test_rejects_one_row_instead_of_the_sum() -> None:
    text = rejected(shifted, lambda x, b: (np.cos(x + b), np.cos(x + b)[0]), X, B)
    assert "of shifted: 3 of 9 elements" in text


def test_rejects_a_nan() -> None:
    def claim(x: np.ndarray) -> np.ndarray:
        gradient = 2.0 * x
        gradient[1] = np.nan
        return gradient

    text = rejected(lambda x: float(np.sum(x * x)), claim, B)
    assert "1 of 3 elements" in text
    assert "x[1] = -0.25" in text
    assert "analytic   nan" in text


def test_rejects_an_infinity() -> None:
    assert "analytic   inf" in rejected(lambda x: x * x, lambda x: np.inf, 1.0)


def test_rejects_a_number_where_the_differences_are_nan() -> None:
    assert "numeric    inf" in rejected(lambda x: float(np.sqrt(x)), lambda x: 0.0, 0.0)


def test_rejects_a_point_where_the_function_is_nan() -> None:
    assert "is nan at this point" in rejected(lambda x: x * np.nan, lambda x: 1 / x, -1.0)


def test_names_the_worst_element_by_its_path() -> None:
    params = {"W": np.ones((3, 2)), "b": [0.5, (1.0, 2.0)]}

    def f(params: dict) -> float:
        return float(np.sum(params["W"] ** 2) + params["b"][1][0] * params["b"][0])

    def claim(params: dict) -> dict:
        W = 2.0 * params["W"]
        W[2, 1] += 1e-3
        W[0, 0] += 1e-5
        return {"b": [1.0, (0.5, 0.0)], "W": W}

    text = rejected(f, claim, params)
    assert "2 of 9 elements" in text
    assert "params['W'][2, 1] = 1.0" in text
    assert "analytic   2.001" in text


def test_names_a_named_tuple_field_and_varargs() -> None:
    Point = namedtuple("Point", "x y")
    text = rejected(
        lambda *ps: ps[0].x * ps[1].y,
        lambda *ps: (Point(ps[1].y, 0.0), Point(0.0, 7.0)),
        *[Point(1.0, 2.0)] * 2,
    )
    assert "ps[1].y = 2.0" in text


@pytest.mark.parametrize(
    ("argument", "claim", "message"),
    [
        ([1.0, 2.0], (2.0, 4.0), "must have its structure, a list of [0], [1], not a tuple"),
        ([1.0, 2.0], [2.0], "must have its structure"),
        ({"a": 1.0, "b": 2.0}, {"a": 2.0}, "must have its structure"),
        ((1.0, 2.0), None, "must have its structure"),
        (B, B.astype(np.float32), "must have dtype float64, not float32"),
        (B, 1.0, "must have shape (3,), not ()"),
        (B, None, "must be an array of shape (3,) and dtype float64, not None"),
        (np.float32(1.0), 1.0, "must have dtype float32, not float64"),
        (1.0, np.ones(1), "must have shape (), not (1,)"),
        (1.0, 1, "must be a float, not an int"),
        (1.0, 1j, "must be a float, not a complex"),
    ],
)  # fmt: skip
def test_rejects_another_structure_shape_or_dtype(argument: Any, claim: Any, message: str) -> None:
    assert message in rejected(lambda p: 1.0, lambda p: claim, argument)


def test_rejects_too_few_gradients() -> None:
    assert "must be a tuple of 2" in rejected(lambda x, y: x * y, lambda x, y: (y,), 1.0, 2.0)


def test_rejects_a_gradient_that_changes_its_argument() -> None:
    def claim(x: np.ndarray) -> np.ndarray:
        x += 1.0
        return x

    assert "changed its argument x" in rejected(lambda x: float(np.sum(x)), claim, B.copy())


def test_rejects_a_vector_valued_function() -> None:
    assert "must return one number" in rejected(lambda x: x, lambda x: x, B)
    assert "must return one number" in rejected(lambda x: (x, B), lambda x: x, 1.0)


# wrong rules, compiled: the checker sees them through the engine


@pytest.mark.parametrize(
    ("what", "factor"), [("sign", -3.0), ("factor", 3.1), ("nan", np.nan), ("right", 3.0)]
)  # fmt: skip
def test_user_gates_with_wrong_rules(what: str, factor: float) -> None:
    def triple(x):
        return 3.0 * x

    @gate(triple, forward=lambda x: (3.0 * x, None))
    def triple_backward(grad_y, saved):
        return factor * grad_y

    def f(x):
        return np.sum(triple(x) * x)

    if what == "right":
        check_grads(f, (B,))
    else:
        with pytest.raises(AssertionError, match="wrong gradient of f"):
            check_grads(f, (B,))


# what it asks for


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="unknown mode 'sideways'; there are 'rev', 'fwd'"):
        check_grads(shifted, (X, B), modes=("sideways",))
    for order in (0, 1.5):
        with pytest.raises(ValueError, match="order must be 1 or more"):
            check_grads(shifted, (X, B), order=order)
    with pytest.raises(TypeError, match="args must be the tuple"):
        check_grads(shifted, X)


def test_tolerances_and_steps_can_be_given() -> None:
    claim = lambda x: 2.0 * x + 1e-4
    assert "wrong gradient" in rejected(lambda x: x * x, claim, 1.0)
    check_grads(Claimed(lambda x: x * x, claim), (1.0,), rtol=1e-3)
    check_grads(Claimed(lambda x: x * x, claim), (1.0,), atol=1e-3)
    check_grads(Claimed(lambda x: x * x, lambda x: 2.0 * x), (1.0,), eps=1e-4)


class Spring:
    """A plain object; `parent` holds it, so the two are a circle."""

    def __init__(self, stiffness: float, length: np.ndarray) -> None:
        self.stiffness, self.length, self.name, self.turns = stiffness, length, "spring", 3
        self.parent = {"child": self}


@dataclass(frozen=True)
class Pair:
    left: Spring
    right: Spring
    weight: float


def stretched(pair: Pair, x: float) -> float:
    left, right = pair.left, pair.right
    left.length = left.length * right.stiffness
    return pair.weight * np.sum((x - left.length) ** 2) * left.stiffness + np.sum(right.length)


def test_objects_are_taken_apart() -> None:
    pair = Pair(Spring(0.7, B), Spring(1.3, B * 2.0), 0.4)
    check_grads(stretched, (pair, 0.2))
    assert pair.left.length is B
    halved = Claimed(lambda pair: pair.weight * pair.left.stiffness, lambda pair: None)

    def claim(pair: Pair) -> Pair:
        left, right = Spring(pair.weight / 2, 0.0 * B), Spring(0.0, 0.0 * B)
        for spring in (left, right):
            spring.parent = spring.name = spring.turns = None
        return Pair(left, right, pair.left.stiffness)

    halved.claim = claim
    with pytest.raises(AssertionError, match=r"pair\.left\.stiffness = 0\.7"):
        check_grads(halved, (pair,))
    halved.claim = lambda pair: (pair.weight, pair.left.stiffness)
    with pytest.raises(AssertionError, match="must have its structure, a Pair of .left, .right, .weight"):
        check_grads(halved, (pair,))
    with pytest.raises(NotImplementedError, match="objects"):
        check_grads(stretched, (pair, 0.2), order=2)


def entropy(p: Any, scale: float) -> Any:
    return -np.sum(p["w"] * np.log(p["w"])) * scale**2 + p["b"][0] * np.sum(p["w"])


def test_accepts_a_right_second_order() -> None:
    point = ({"w": B**2, "b": (0.3, None)}, 1.7)
    for f in (entropy, grad(entropy), value_and_grad(entropy), grad(entropy, argnums=(1, 0))):
        check_grads(f, point, order=2)
    check_grads(entropy, point, order=2, argnums=1)
    check_grads(grad(lambda x, n: (np.sum(x**n), x), has_aux=True), (B**2, 3), order=2)


def cubed(x: Any) -> Any:
    return x**3


@gate(cubed)
def cubed_rule(grad_y: Any, x: Any) -> Any:
    return grad_y * stop_gradient(3.0 * x**2)


def test_rejects_a_wrong_second_order() -> None:
    check_grads(lambda n, x: n * np.sum(cubed(x)), (2, B))
    with pytest.raises(AssertionError, match=r"3 of 4 elements(.|\n)*x\[\d\]"):
        check_grads(lambda n, x: n * np.sum(cubed(x)), (2, B), order=2)


def as_it_is(x: Any) -> Any:
    return x**3


@gate(as_it_is, forward=lambda x: (x**3, x))
def as_it_is_rule(grad_y: Any, x: Any) -> Any:
    return grad_y * 3.0 * x**2


def test_second_order_of_what_cannot_be_compiled_twice() -> None:
    check_grads(halved, (3.0,), order=2)
    check_grads(lambda x: np.sum(as_it_is(x)), (B,))
    with pytest.raises(NotImplementedError, match="order=2 needs the gradient of a gradient"):
        check_grads(lambda x: np.sum(as_it_is(x)), (B,), order=2)


def halved(x: Any) -> Any:
    """As deep as the run says."""
    return x * x if x < 1.0 else halved(0.5 * x) + x
