"""Operators on what they are not for: Python's own exception, with the user's line."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import grad, value_and_grad

X = np.array([1.0, 2.0])


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "/": lambda x, y: x / y, "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y,
    "**": lambda x, y: x**y, "//": lambda x, y: x // y, "@": lambda x, y: x @ y, "<": lambda x, y: x < y,
    ">=": lambda x, y: x >= y, "divmod": lambda x, y: divmod(x, y)[0], "&": lambda x, y: x & y,
    "truediv": lambda x, y: operator.truediv(x, y), "pow": lambda x, y: pow(x, y),
    "operator.pow": lambda x, y: operator.pow(x, y), "hypot": lambda x, y: math.hypot(x, y),
    "abs": lambda x, y: abs(x if isinstance(y, float) else y), "round": lambda x, y: round(x if isinstance(y, float) else y),
    "exp": lambda x, y: math.exp(x if isinstance(y, float) else y),
    "index": lambda x, y: operator.index(x if isinstance(y, float) else y),
}  # fmt: skip
ODD: list[Any] = ["a", [1.0], (1.0,), {"a": 1.0}, None, np.sin]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("odd", ODD, ids=lambda x: type(x).__name__)
def test_python_says_what_it_says(name: str, odd: Any) -> None:
    f, number = OPERATORS[name], 2.0 if name in "/*<&@" else np.float64(2.0)
    for args in ((odd, number), (number, odd)):
        try:
            expected = f(*args)
        except TypeError as e:
            with pytest.raises(TypeError) as caught:
                grad(f)(*args)
            assert str(caught.value).splitlines()[0] == str(e).splitlines()[0]
            assert f'File "{__file__}"' in str(caught.value) and "lambda x, y" in str(caught.value)

            def in_a_branch(far: Any, odd: Any, number: Any) -> Any:
                if far > 10.0:
                    return f(odd, number)
                return far * 2.0

            gradient = grad(in_a_branch, 0)
            assert gradient(1.0, *args) == 2.0
            with pytest.raises(TypeError):
                gradient(11.0, *args)
        else:
            assert isinstance(expected, (list, tuple, np.ndarray, np.generic, bool, float))


@pytest.mark.parametrize(
    ("f", "args", "said"),
    [
        (lambda x, y: np.sum(x + y), (X, "a"), "ufunc 'add' did not contain a loop"),
        (lambda x, y: np.sum(x * y), (X, None), "unsupported operand type(s) for *: 'float' and 'NoneType'"),
        (lambda x, y: y * (lambda t: t), (1.0, 2.0), "unsupported operand type(s) for *: 'float' and 'function'"),
        (lambda x, y: y[0], (1.0, 2.0), "'float' object is not subscriptable"),
        (lambda x, y: y(2.0), (1.0, 2.0), "'float' object is not callable"),
        (lambda x, y: "text"(y), (1.0, 2.0), "'str' object is not callable"),
        (lambda x, y: len(y) * x, (1.0, 2.0), "object of type 'float' has no len()"),
        (lambda x, y: {**y}["a"] * x, (1.0, 2.0), "'float' object is not a mapping"),
        (lambda x, y: {**[("a", y)]}["a"] * x, (1.0, 2.0), "'list' object is not a mapping"),
        (lambda x, y: abs([y, x]), (1.0, 2.0), "bad operand type for abs(): 'list'"),
        (lambda x, y: math.sqrt((y,)), (1.0, 2.0), "must be real number, not tuple"),
        (lambda x, y: operator.index(y) * x, (1.0, 2.0), "'float' object cannot be interpreted as an integer"),
        (lambda x, y: sum(v for v in y), (1.0, 2.0), "'float' object is not iterable"),
        (lambda x, y: 1.0 if x in y else 2.0, (1.0, 2.0), "argument of type 'float' is not"),
        (lambda x, y: 1.0 if y in x else 2.0, ("a", 2.0), "'in <string>' requires string as left operand, not float"),
    ],
)  # fmt: skip
def test_other_uses_of_what_is_no_number(f: Any, args: Any, said: str) -> None:
    with pytest.raises(TypeError):
        f(*args)
    for transform in (grad, value_and_grad):
        with pytest.raises(TypeError) as caught:
            transform(f)(*args)
        assert said in str(caught.value).splitlines()[0]
        assert f'File "{__file__}"' in str(caught.value)


@pytest.mark.parametrize("optimize", [True, False])
def test_what_an_exception_of_numpy_says_is_raised_in_a_loop_too(optimize: bool) -> None:
    def f(x: Any, y: Any) -> Any:
        total = 0.0
        for _ in range(2):
            total = total + np.sum(x + y)
        return total

    for transform in (grad, value_and_grad):
        with pytest.raises(TypeError, match="ufunc 'add' did not contain a loop"):
            transform(f, argnums=1, optimize=optimize)("a", X)


@pytest.mark.parametrize("q", [[1.0, 2.0], (1.0,), [], np.ones(3)], ids=["two", "one", "none", "array"])
def test_points_of_other_dimensions(q: Any) -> None:
    for f in (lambda x: math.dist([x, x, x, x, x], q) * x, lambda x: math.dist(q, (x, x, x, x))):
        with pytest.raises(ValueError, match="same number of dimensions"):
            f(2.0)
        with pytest.raises(ValueError, match="same number of dimensions"):
            grad(f)(2.0)


def test_too_many_indices_in_the_words_of_numpy() -> None:
    with pytest.raises(IndexError, match="array is 1-dimensional, but 2 were indexed"):
        grad(lambda x: x[0, 0])(X)


def test_a_comparison_with_a_text_is_for_equality_alone() -> None:
    assert grad(lambda x, how: x * x if how == "square" else x, 0)(3.0, "square") == 6.0
    assert grad(lambda x, how: x * x if x != how else x, 0)(3.0, "square") == 6.0
