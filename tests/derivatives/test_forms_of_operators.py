"""Every operator in every form of use: as a decorator, on methods, with trees, argnums, aux and keywords."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    value_and_jacobian,
    vjp,
)

X, W = np.array([0.5, -0.3, 0.8]), 1.3
T, C = np.array([0.2, 1.0, -0.7]), np.array([1.0, -2.0, 0.5])


def arrays(x: Any, w: Any) -> Any:
    return np.sin(w * x) * x[::-1] + w * w


def number(x: Any, w: Any) -> Any:
    return np.sum(np.sin(w * x) * x[::-1] ** 2)


def differences(f: Callable[[Any], Any], x: Any, step: float = 1e-6) -> np.ndarray:
    """The Jacobian, its last axis that of x."""
    x = np.asarray(x, float)
    columns = [
        (np.asarray(f(x + e.reshape(x.shape))) - np.asarray(f(x - e.reshape(x.shape)))) / (2 * step)
        for e in step * np.eye(x.size)
    ]
    return np.reshape(np.array(columns).T, (*np.shape(columns[0]), *x.shape))


def slope(x: Any, w: Any = W) -> np.ndarray:
    """By hand, for second derivatives by differences."""
    return w * np.cos(w * x) * x[::-1] ** 2 + 2.0 * x * np.sin(w * x[::-1])


JACOBIAN = differences(lambda x: arrays(x, W), X)
BY_W = differences(lambda w: arrays(X, w), W)
GRADIENT, GRADIENT_W = slope(X), differences(lambda w: number(X, w), W)
HESSIAN = differences(slope, X)


class Use:
    """How an operator is used: on which function, what a call is given besides the arguments, and what of its
    answer is to be what by `x`, and by `w`."""

    def __init__(
        self, operator: Any, f: Any, by_x: Any, by_w: Any, kind: str = "", of: int | None = None
    ) -> None:
        self.operator, self.f, self.by_x, self.by_w, self.kind, self.of = operator, f, by_x, by_w, kind, of

    def call(self, made: Any, *args: Any, tangents: Any = None, **kwargs: Any) -> Any:
        """The derivative that `made` gives; `tangents` are those of the arguments."""
        if self.kind == "pull":
            return made(*args, **kwargs)[1](C)
        if self.kind == "push":
            return made(args, tangents)[1]
        if self.kind == "linear":
            return made(*args, **kwargs)[1](*tangents)
        if self.kind == "vector":
            given = [t for t in tangents if t is not None]
            return made(*args, given[0] if len(given) == 1 else tuple(given), **kwargs)
        found = made(*args, **kwargs)
        return found if self.of is None else found[self.of]


USES = {
    "grad": Use(grad, number, GRADIENT, GRADIENT_W),
    "value_and_grad": Use(value_and_grad, number, GRADIENT, GRADIENT_W, of=1),
    "jacobian": Use(jacobian, arrays, JACOBIAN, BY_W),
    "jacfwd": Use(jacfwd, arrays, JACOBIAN, BY_W),
    "jacrev": Use(jacrev, arrays, JACOBIAN, BY_W),
    "value_and_jacobian": Use(value_and_jacobian, arrays, JACOBIAN, BY_W, of=1),
    "elementwise_grad": Use(elementwise_grad, arrays, JACOBIAN.sum(0), BY_W.sum()),
    "hessian": Use(hessian, number, HESSIAN, None),
    "hvp": Use(hvp, number, HESSIAN @ T, None, "vector"),
    "vjp": Use(vjp, arrays, C @ JACOBIAN, C @ BY_W, "pull"),
    "jvp": Use(jvp, arrays, JACOBIAN @ T, None, "push"),
    "linearize": Use(linearize, arrays, JACOBIAN @ T, None, "linear"),
}
ALL = pytest.mark.parametrize("use", USES.values(), ids=USES)
CHOOSING = {name: use for name, use in USES.items() if use.kind not in ("push", "linear")}
SOME = pytest.mark.parametrize("use", CHOOSING.values(), ids=CHOOSING)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@ALL
def test_called_and_as_a_decorator(use: Use) -> None:
    @use.operator
    def plain(x):
        return use.f(x, W)

    options = {} if use.kind in ("push", "linear") else {"argnums": 0}

    @use.operator(**options)
    def with_brackets(x):
        return use.f(x, W)

    for made in (plain, with_brackets, use.operator(lambda x: use.f(x, W)), use.operator(plain.primal)):
        close(use.call(made, X, tangents=(T,)), use.by_x)
        assert "def " in made.source and made.primal is not None
    assert plain.__name__ == "plain"


@ALL
def test_on_methods(use: Use) -> None:
    function, operator = use.f, use.operator
    options = {} if use.kind in ("push", "linear") else {"argnums": "x"}

    class Model:
        def __init__(self, w: float) -> None:
            self.w = w

        @operator(**options)
        def decorated(self, x):
            return function(x, self.w)

        def plain(self, x):
            return function(x, self.w)

        @staticmethod
        @operator
        def static(x):
            return function(x, W)

        @classmethod
        @operator(**options)
        def of_class(cls, x):
            return function(x, W)

        def __call__(self, x):
            return function(x, self.w)

    model = Model(W)
    for made in (model.decorated, operator(model.plain), model.static, Model.of_class, operator(model)):
        close(use.call(made, X, tangents=(T,)), use.by_x)
    model.w = 0.0  # it is read at each call
    for made in (model.decorated, operator(model.plain), operator(model)):
        close(
            use.call(made, X, tangents=(T,)), use.call(operator(lambda x: function(x, 0.0)), X, tangents=(T,))
        )


@ALL
def test_partials_and_keywords(use: Use) -> None:
    f, operator = use.f, use.operator
    close(use.call(operator(functools.partial(f, w=W)), X, tangents=(T,)), use.by_x)
    if use.kind == "push":
        return

    def named(x, *, w=0.0, unused=None):
        return f(x, w)

    for made in (operator(named), operator(lambda x, **given: f(x, given["w"]))):
        close(use.call(made, X, tangents=(T,), w=W), use.by_x)


@ALL
def test_trees_of_arguments(use: Use) -> None:
    f, operator = use.f, use.operator

    def of_tree(p):
        return f(p["x"], p["rest"][0])

    tree, tangent = {"x": X, "rest": (W,)}, {"x": T, "rest": (0.0,)}
    found = use.call(operator(of_tree), tree, tangents=(tangent,))
    if use.kind in ("push", "linear"):
        close(found, use.by_x)
    elif use.kind == "vector":
        close(found["x"], use.by_x)
    elif use.operator is hessian:
        close(found["x"]["x"], use.by_x)
    else:
        assert type(found) is dict and type(found["rest"]) is tuple
        close(found["x"], use.by_x)
        close(found["rest"][0], use.by_w)


@ALL
def test_trees_of_results(use: Use) -> None:
    if use.f is number:
        return

    def of_tree(x):
        y = arrays(x, W)
        return {"y": y, "two": [y, 2.0 * y]}

    operator = use.operator
    if use.kind == "pull":
        found = operator(of_tree)(X)[1]({"y": C, "two": [0.0 * C, C]})
        close(found, 3.0 * use.by_x)
        return
    found = use.call(operator(of_tree), X, tangents=(T,))
    if operator is elementwise_grad:
        close(found, 4.0 * use.by_x)
        return
    assert list(found) == ["y", "two"] and type(found["two"]) is list
    close(found["y"], use.by_x)
    close(found["two"][1], 2.0 * use.by_x)


@SOME
@pytest.mark.parametrize("argnums", [(1, 0), ("w", "x"), (-1, 0), [1, 0]], ids=str)
def test_argnums(use: Use, argnums: Any) -> None:
    made = use.operator(use.f, argnums=argnums)
    found = use.call(made, X, W, tangents=(0.0, T))
    assert type(found) is tuple and len(found) == 2
    if use.operator is hessian:
        close(found[1][1], use.by_x)
    else:
        close(found[1], use.by_x)
    if use.by_w is not None:
        close(found[0], use.by_w)
    for one in (0, "x", -2):
        close(use.call(use.operator(use.f, argnums=one), X, W, tangents=(T, None)), use.by_x)


@ALL
def test_aux(use: Use) -> None:
    if use.operator in (hvp, elementwise_grad, linearize):
        with pytest.raises(TypeError, match="has_aux"):
            use.operator(use.f, has_aux=True)
        return

    def with_aux(x, w):
        return use.f(x, w), {"twice": 2.0 * x, "word": "said"}

    made = use.operator(has_aux=True)(with_aux)
    if use.kind == "push":
        value, found, aux = made((X, W), (T, 0.0))
    elif use.kind == "pull":
        value, pullback, aux = made(X, W)
        found = pullback(C)[0]
    elif use.of is not None:
        (value, aux), found = made(X, W)
        found = found[0]
    else:
        found, aux = made(X, W)
        found, value = found[0], use.f(X, W)
        found = found[0] if use.operator is hessian else found
    close(found, use.by_x)
    close(value, use.f(X, W))
    assert aux["word"] == "said"
    close(aux["twice"], 2.0 * X)
