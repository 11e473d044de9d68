"""`revcompile.autograd`: programs for autograd, of which the imports are swapped, give autograd's numbers."""

from __future__ import annotations

import importlib.util
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import revcompile.autograd as ours
from revcompile.autograd import misc as optimizers
from revcompile.autograd_misc import flatten
from tests.derivatives.test_operators import differences

pytest.importorskip("autograd")

HEAD = """
import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import *
from autograd.builtins import isinstance, tuple
from autograd.differential_operators import make_jvp_reversemode
from autograd.extend import defjvp, defvjp, primitive
from autograd.test_util import check_grads

x = np.array([0.5, -1.0, 2.0])
w = np.arange(6.0).reshape(2, 3) / 3

def layer(x, w):
    return np.tanh(np.dot(w, x))

def loss(x, w):
    return np.sum(layer(x, w) ** 2)

"""

PROGRAMS = {
    "gradients": """
out = [grad(loss)(x, w), grad(loss, 1)(x, w), grad(loss, (0, 1))(x, w), grad(loss, argnum=[1])(x, w)]
out += [value_and_grad(loss)(x, w), grad_named(loss, "w")(x, w), grad(loss)(x, w=w)]
out += [grad_and_aux(lambda x: (np.sum(x**2), np.cos(x)))(x)]
""",
    "elements": """
out = [elementwise_grad(np.tanh)(x), elementwise_grad(elementwise_grad(np.sin))(x), deriv(np.sin)(0.3), deriv(np.tanh)(x)]
out += [elementwise_grad(lambda a, b: a * b**2, 1)(x, x), grad(grad(grad(np.tanh)))(0.4)]
""",
    "matrices": """
out = [jacobian(layer)(x, w), jacobian(layer, 1)(x, w), hessian(loss)(x, w), hessian(loss, 1)(x, w), hessian(layer)(x, w)]
out += [jacobian(jacobian(layer))(x, w), jacobian(grad(loss))(x, w)]
""",
    "products": """
pullback, value = make_vjp(layer, 1)(x, w)
product, slope = make_hvp(loss)(x, w)
out = [value, pullback(np.ones(2)), product(x), slope]
out += [make_jvp(layer)(x, w)(x), make_jvp(layer, (0, 1))(x, w)((x, w)), make_jvp_reversemode(layer)(x, w)(x)]
out += [make_ggnvp(layer)(x, w)(x), make_ggnvp(layer, lambda y: np.sum(y**4), 1)(x, w)(w)]
out += [hessian_vector_product(loss)(x, w, -x), hessian_tensor_product(loss, 1)(x, w, w)]
out += [vector_jacobian_product(layer)(x, w, np.array([1.0, 2.0])), tensor_jacobian_product(layer, 1)(x, w, np.ones(2))]
out += [vector_jacobian_product(jacobian(layer))(x, w, np.ones(2)), make_jvp(loss)(x, w=w)(x)]
""",
    "primitives": """
@primitive
def largest(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))

def largest_vjp(ans, x):
    shape = x.shape
    return lambda g: np.full(shape, g) * np.exp(x - np.full(shape, ans))

defvjp(largest, largest_vjp)

@primitive
def mul(a, b, k=2):
    return a * b * k

defvjp(mul, lambda ans, a, b, k=2: lambda g: g * b * k, lambda ans, a, b, k=2: lambda g: g * a * k)
defjvp(mul, lambda g, ans, a, b, k=2: g * b * k, lambda g, ans, a, b, k=2: g * a * k)

@primitive
def thrice(a):
    return 3.0 * a

defvjp(thrice, lambda ans, a: lambda g: 3.0 * g)
defjvp(thrice, "same")

@primitive
def second(a, b):
    return a + b**2

defvjp(second, None, lambda ans, a, b: lambda g: 2.0 * g * b, argnums=(0, 1))

check_grads(lambda y: np.sum(largest(y**2)), modes=["rev"])(x)
check_grads(lambda a: mul(a, 3.0) ** 2, modes=["fwd", "rev"], order=2)(x)
check_grads(mul, (0, 1), order=1)(x, x)
out = [grad(largest)(x), grad(lambda y: np.sum(largest(y**2)))(x), hessian(largest)(x)]
out += [grad(lambda a: np.sum(mul(a, a, k=3)))(x), make_jvp(lambda a: mul(a, a) ** 2)(x)(x)]
out += [make_jvp(lambda a: thrice(a) * a)(x)(x), grad(second, 1)(2.0, 3.0), grad(second)(2.0, 3.0)]
""",
    "a network that learns": """
def init(scale, sizes, rs=npr.RandomState(0)):
    return [(scale * rs.randn(m, n), scale * rs.randn(n)) for m, n in zip(sizes[:-1], sizes[1:])]

def predict(params, inputs):
    for W, b in params:
        outputs = np.dot(inputs, W) + b
        inputs = np.tanh(outputs)
    return outputs - np.log(np.sum(np.exp(outputs), axis=1, keepdims=True))

def objective(params, inputs, targets, reg):
    prior = sum(np.sum(W**2) + np.sum(b**2) for W, b in params)
    return reg * prior - np.sum(predict(params, inputs) * targets)

rs = npr.RandomState(1)
inputs, targets = rs.randn(20, 4), np.eye(3)[rs.randint(3, size=20)]
params, slope = init(0.1, [4, 5, 3]), grad(objective)
for i in range(5):
    steps = slope(params, inputs, targets, 0.01)
    params = [(W - 0.05 * dW, b - 0.05 * db) for (W, b), (dW, db) in zip(params, steps)]
out = [params, objective(params, inputs, targets, 0.01)]
""",
    "a fluid": """
def project(vx, vy):
    p = np.zeros(vx.shape)
    h = 1.0 / vx.shape[0]
    div = -0.5 * h * (np.roll(vx, -1, axis=0) - np.roll(vx, 1, axis=0) + np.roll(vy, -1, axis=1) - np.roll(vy, 1, axis=1))
    for k in range(4):
        p = (div + np.roll(p, 1, axis=0) + np.roll(p, -1, axis=0) + np.roll(p, 1, axis=1) + np.roll(p, -1, axis=1)) / 4.0
    vx = vx - 0.5 * (np.roll(p, -1, axis=0) - np.roll(p, 1, axis=0)) / h
    return vx, vy - 0.5 * (np.roll(p, -1, axis=1) - np.roll(p, 1, axis=1)) / h

def advect(f, vx, vy):
    rows, cols = f.shape
    ys, xs = np.meshgrid(np.arange(rows), np.arange(cols))
    xs, ys = (xs - vx).ravel(), (ys - vy).ravel()
    left, top = np.floor(xs).astype(int), np.floor(ys).astype(int)
    right, below = xs - left, ys - top
    left, top = np.mod(left, rows), np.mod(top, cols)
    last, low = np.mod(left + 1, rows), np.mod(top + 1, cols)
    flat = (1 - right) * ((1 - below) * f[left, top] + below * f[left, low])
    flat = flat + right * ((1 - below) * f[last, top] + below * f[last, low])
    return np.reshape(flat, (rows, cols))

def objective(params):
    vx, vy = np.reshape(params[:36], (6, 6)), np.reshape(params[36:], (6, 6))
    smoke = start
    for t in range(3):
        moved_x, moved_y = advect(vx, vx, vy), advect(vy, vx, vy)
        vx, vy = project(moved_x, moved_y)
        smoke = advect(smoke, vx, vy)
    return np.mean((target - smoke) ** 2)

rs = npr.RandomState(0)
start, target = rs.rand(6, 6), rs.rand(6, 6)
out = [value_and_grad(objective)(rs.randn(72) * 0.3)]
""",
    "checkpoints": """
step = checkpoint(lambda y, w: np.tanh(np.dot(w, y)))
square = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.6], [-1.2, 0.8, 0.5]])

def rolled(y, w):
    for t in range(4):
        y = step(y, w)
    return np.sum(y**2)

out = [grad(rolled)(x, square), grad(rolled, 1)(x, square)]
""",
    "newton's method": """
def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

slope, curvature = grad(rosenbrock), hessian(rosenbrock)
point = np.array([1.2, 0.8, 1.1])
for i in range(6):
    point = point - np.linalg.solve(curvature(point), slope(point))
out = [point, hessian_vector_product(rosenbrock)(point, x), curvature(x)]
""",
}


def run(text: str, name: str, folder: Path) -> Any:
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module.out


def agree(found: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            agree(a, b)
        return
    assert np.shape(found) == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_swapping_the_imports_is_all(name: str, tmp_path: Path) -> None:
    text = HEAD + PROGRAMS[name]
    theirs = run(text, "of_autograd", tmp_path)
    swapped = text.replace("from autograd", "from revcompile.autograd")
    swapped = swapped.replace("import autograd.", "import revcompile.autograd.")
    agree(run(swapped, "of_ours", tmp_path), theirs)


def test_gradients_by_name() -> None:
    """autograd needs a package for it that is no longer made."""

    def f(a: Any, b: Any = 2.0, *rest: Any, c: Any = 0.5, **more: Any) -> Any:
        return a * b**2 * c + rest[0] ** 2 + more["d"] ** 3

    found = ours.multigrad_dict(f)(3.0, 2.0, 5.0, d=2.0)
    assert isinstance(found, OrderedDict) and list(found) == ["a", "b", "rest", "c", "more"]
    assert found == {"a": 2.0, "b": 6.0, "rest": (10.0,), "c": 12.0, "more": {"d": 12.0}}


def test_numpy_is_numpy() -> None:
    import revcompile.autograd.numpy as anp
    import revcompile.autograd.numpy.linalg as linalg
    import revcompile.autograd.numpy.random as random

    from revcompile.autograd import isinstance as same

    assert anp is np and linalg is np.linalg and random is np.random and same is isinstance
    scipy = pytest.importorskip("scipy.special")
    from revcompile.autograd.scipy.special import logsumexp

    assert logsumexp is scipy.logsumexp
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ours.nothing


def test_inside_a_compiled_function() -> None:
    def f(x):
        pullback, value = ours.make_vjp(lambda y: y**3)(x)
        return np.sum(ours.grad(lambda y: np.sum(np.sin(y)))(x)) + np.sum(pullback(value))

    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(ours.grad(f)(x), -np.sin(x) + 15.0 * x**4, rtol=1e-12)


def test_every_operator_says_what_it_is() -> None:
    for name in ours.__all__:
        assert name in dir(ours)
        assert callable(getattr(ours, name)) or name in ("numpy", "builtins")
        assert getattr(ours, name).__doc__


def net(params: Any, x: Any) -> Any:
    for w, b in params:
        out = x @ w + b
        x = np.tanh(out)
    return out


def start() -> Any:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(1, 5)), np.zeros(5)), (rng.normal(size=(5, 1)), rng.normal(size=1))]


DATA = np.linspace(-2.0, 2.0, 9)[:, None]


def misfit(params: Any, i: int = 0) -> Any:
    return np.mean((net(params, DATA) - np.sin(DATA)) ** 2)


def test_trees_as_vectors() -> None:
    tree = {"a": [1.0, np.array([[2.0, 3.0]])], "b": (np.zeros(0), 4.0, np.array(5.0))}
    vector, unflatten = flatten(tree)
    np.testing.assert_array_equal(vector, [1.0, 2.0, 3.0, 4.0, 5.0])
    again = unflatten(10 * vector)
    assert again["a"][0] == 10.0 and again["b"][1:] == (40.0, 50.0) and again["b"][0].shape == (0,)
    np.testing.assert_array_equal(again["a"][1], [[20.0, 30.0]])
    assert flatten([])[0].shape == (0,) and flatten([])[1](np.zeros(0)) == []
    # both are differentiated
    vector, unflatten = flatten(start())
    slope = differences(lambda v: misfit(unflatten(v)), (vector,), 0)
    np.testing.assert_allclose(ours.grad(lambda v: misfit(unflatten(v)))(vector), slope, atol=1e-8)
    by_tree = ours.grad(lambda params: np.sum(flatten(params)[0] ** 3))(start())
    np.testing.assert_allclose(flatten(by_tree)[0], 3 * vector**2)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_optimisers_are_autograds(name: str) -> None:
    theirs = pytest.importorskip("autograd.misc.optimizers")
    seen: list[float] = []

    def note(params: Any, i: int, g: Any) -> None:
        seen.append(misfit(params))

    options = {"num_iters": 30, "step_size": 0.02}
    found = getattr(optimizers, name)(ours.grad(misfit), start(), callback=note, **options)
    expected = getattr(theirs, name)(ours.grad(misfit), start(), **options)
    for mine, other in zip(found, expected, strict=True):
        for a, b in zip(mine, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    assert len(seen) == 30 and misfit(found) < seen[0]
