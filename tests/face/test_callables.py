"""The gradient of a partial, a ufunc, a builtin, an object that is called, methods of all kinds."""

from __future__ import annotations

import copy
import functools
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, check_grads, grad, value_and_grad

X = np.array([0.5, 1.5])


def small(w, x, k=1.0, *, scale=1.0):
    return np.sum(w * x * x) * k * scale


def large(w, x, k=1.0, *, scale=1.0):
    """Of more operations than are written out where a function is called."""
    y = np.tanh(w * x) + np.sin(x) * w
    for _ in range(3):
        y = np.cos(y) * w + y * y - np.exp(-y) * k
    if np.sum(y) > 1e6:
        return np.sum(y)
    return np.sum(y * scale + np.sqrt(y * y + 1.0))


class Model:
    def __init__(self) -> None:
        self.w = np.array([1.0, 2.0])

    def __call__(self, x, y=2.0):
        return np.sum(self.w * x * x) * y

    def energy(self, a, b):
        return np.sum(self.w * a * b)

    @classmethod
    def made(cls, a, b=2.0):
        return a * a * b

    @staticmethod
    def plain(a, b):
        return a * b

    doubled = functools.partialmethod(energy, 2.0)
    tripled = functools.partialmethod(energy, b=3.0)


@functools.lru_cache
def cached(x):
    return x * x


MODEL = Model()
CALLABLES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "partial": (functools.partial(large, 2.0), (X,)),
    "partial by keyword": (functools.partial(small, k=2.0), (2.0, X)),
    "partial by a keyword before others": (functools.partial(large, x=X), (2.0,)),
    "partial with an array": (functools.partial(large, X), (1.5,)),
    "partial of a partial": (functools.partial(functools.partial(small, 2.0), k=3.0), (X,)),
    "partial of a method": (functools.partial(MODEL.energy, 2.0), (3.0,)),
    "partial of an object": (functools.partial(MODEL, y=3.0), (X,)),
    "partial of a rule": (functools.partial(np.power, 2.0), (3.0,)),
    "partial of a reduction": (functools.partial(np.sum, axis=None), (X,)),
    "partial of einsum": (functools.partial(np.einsum, "i,i->"), (X, X)),
    "partial of a lambda": (functools.partial(lambda a, b: a * b, 2.0), (3.0,)),
    "partialmethod": (MODEL.doubled, (3.0,)),
    "partialmethod by keyword": (MODEL.tripled, (X,)),
    "object": (MODEL, (X,)),
    "object, two arguments": (MODEL, (X, 3.0)),
    "bound method": (MODEL.energy, (X, 2.0)),
    "classmethod": (Model.made, (3.0, 2.0)),
    "classmethod of an object": (MODEL.made, (3.0,)),
    "staticmethod": (Model.plain, (3.0, 4.0)),
    "np.sin": (np.sin, (1.0,)),
    "math.exp": (math.exp, (1.0,)),
    "np.linalg.norm": (np.linalg.norm, (X,)),
    "np.linalg.det": (np.linalg.det, (np.array([[1.0, 2.0], [3.0, 5.0]]),)),
    "np.sum": (np.sum, (X,)),
    "np.mean": (np.mean, (X,)),
    "np.dot": (np.dot, (X, 2.0 * X)),
    "np.add": (np.add, (1.0, 2.0)),
    "sum": (sum, ([1.0, 2.0],)),
    "max": (max, (1.0, 2.0)),
    "abs": (abs, (-3.0,)),
    "pow": (pow, (3.0, 2.0)),
    "operator.mul": (operator.mul, (3.0, 4.0)),
    "math.hypot": (math.hypot, (3.0, 4.0)),
    "a cache": (cached, (3.0,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLABLES)
def test_against_differences(name: str) -> None:
    f, args = CALLABLES[name]
    gradient = grad(f)
    if name != "a cache":  # of whole calls, by arguments that have no hash
        check_grads(gradient, args)
        check_grads(grad(f, optimize=False), args)
    first = repr(gradient(*args))
    value, second = value_and_grad(f)(*args)
    assert repr(second) == first and value == pytest.approx(f(*args))
    assert repr(gradient.value_and_grad(*args)) == repr((value, second))
    assert "forward_" not in gradient.backward_source, "it is written out"
    assert gradient.primal is f or gradient.primal == f
    twice = tuple(2.0 * a if not isinstance(a, list) else a for a in args)
    check_grads(grad(f), twice) if name != "a cache" else None


def test_pickled_with_what_they_are_of() -> None:
    for f, args in (CALLABLES[n] for n in ("partial", "object", "np.sin", "bound method", "max")):
        again = pickle.loads(pickle.dumps(grad(f)))
        assert repr(again(*args)) == repr(grad(f)(*args))
        assert repr(again.value_and_grad(*args)) == repr(grad(f).value_and_grad(*args))


def test_what_a_partial_holds_is_read_at_each_call() -> None:
    w = np.array([1.0, 2.0])
    gradient = grad(functools.partial(small, w))
    assert gradient(X).tolist() == [1.0, 6.0]
    w *= 2.0
    assert gradient(X).tolist() == [2.0, 12.0]


def test_a_keyword_of_a_partial_may_be_given_again_or_differentiated() -> None:
    half = functools.partial(small, 1.0, k=0.5)
    assert grad(half)(2.0) == 2.0
    assert grad(half)(2.0, k=1.0) == 4.0
    assert grad(half, "k")(2.0) == 4.0
    assert grad(half, ("x", "k"))(2.0, k=3.0) == (12.0, 4.0)


def test_attributes_of_an_object_are_the_owners() -> None:
    model = copy.deepcopy(MODEL)
    gradient = grad(model)
    assert gradient(X).tolist() == [2.0, 12.0]
    model.w = np.array([2.0, 2.0])
    assert gradient(X).tolist() == [4.0, 12.0]
    assert "model.w" in gradient.backward_source and "def grad_model(x, y=2.0):" in gradient.backward_source


def test_names_and_texts() -> None:
    assert grad(np.sin).__name__ == "sin"
    assert "def grad_sin(x, /):" in grad(np.sin).source_for(1.0)
    assert "def grad_large(x" in grad(functools.partial(large, 2.0)).source_for(X)


@pytest.mark.parametrize("f", [iter, open, Model, len, np.packbits, "text", 3])
def test_what_has_no_gradient_is_refused(f: Any) -> None:
    with pytest.raises(UnsupportedError):
        grad(f)


def doubling(f: Any) -> Any:
    @functools.wraps(f)
    def wrapper(*args: Any, **options: Any) -> Any:
        return f(*args, **options) * 2.0

    return wrapper


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("f", "args"),
    [
        (math.exp, (0.5,)), (np.sin, (0.5,)), (np.sum, (np.ones(2),)), (np.dot, (2.0, 3.0)), (max, (2.0, 3.0)),
        (math.hypot, (3.0, 4.0)), (functools.partial(pow, 2.0), (3.0,)), (lambda x: x * x, (3.0,)),
    ],
)  # fmt: skip
def test_a_wrapper_of_anything(f: Any, args: Any, optimize: bool) -> None:
    wrapped = doubling(f)
    value, slope = value_and_grad(wrapped, 0, optimize=optimize)(*args)
    assert np.allclose(value, wrapped(*args))
    up, down = (wrapped(args[0] + h, *args[1:]) for h in (1e-6, -1e-6))
    assert np.allclose(np.sum(slope), (up - down) / 2e-6)
    every = grad(wrapped, optimize=optimize)(*args)
    assert np.allclose(every[0] if isinstance(every, tuple) else every, slope)


class _Doubling:
    def __call__(self, x):
        return 2.0 * x

    def method(self, x):
        return 2.0 * x


def _wrapper_of(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize(
    ("wrapped", "x", "slope"),
    [
        (abs, 2.0, 1.0),
        (math.sqrt, 4.0, 0.25),
        (np.exp, 0.0, 1.0),
        (np.sum, np.ones(2), np.ones(2)),
        (_Doubling(), 3.0, 2.0),
        (_Doubling().method, 3.0, 2.0),
        (functools.partial(operator.mul, 2.0), 3.0, 2.0),
        (functools.partial(np.multiply, 2.0), 3.0, 2.0),
        (functools.lru_cache(lambda x: 2.0 * x), 3.0, 2.0),
        (_wrapper_of(math.sqrt), 4.0, 0.25),
        (_wrapper_of(_Doubling()), 3.0, 2.0),
    ],
)
def test_a_wrapper_counts_as_what_it_wraps(wrapped, x, slope, optimize):
    f = _wrapper_of(wrapped)
    gradient = grad(f, optimize=optimize)
    for _ in range(2):
        for found in (gradient(x), gradient.value_and_grad(x)[1]):
            assert type(found) is not tuple
            np.testing.assert_allclose(found, slope, rtol=1e-14)
    assert type(grad(f, argnums=(0,), optimize=optimize)(x)) is tuple
    check_grads(f, (x,))


def test_a_wrapper_of_what_takes_any_number_gives_a_tuple():
    assert grad(_wrapper_of(max))([3.0, 4.0]) == ([0.0, 1.0],)
    assert grad(_wrapper_of(math.hypot))(3.0, 4.0) == (0.6, 0.8)
    assert grad(_wrapper_of(math.pow))(2.0, 3.0)[0] == 12.0
