"""Called functions as pairs of a forward and a backward half: when they are made, what they save."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, gate, grad, stop_gradient, value_and_grad
from tests.language.checking import check

V = np.array([0.7, -0.3, 1.1, 0.4])
W = np.array([[0.3, -0.2, 0.5, 0.1], [0.2, 0.6, -0.4, 0.3], [0.7, 0.1, 0.2, -0.5], [-0.1, 0.4, 0.3, 0.2]])


def text(f: Any, *args: Any, **options: Any) -> str:
    return str(grad(f, **options).source_for(*args))


def layer(x, w, b):
    z = x @ w + b
    s = np.exp(-np.abs(z))
    t = (1.0 - s) / (1.0 + s) * np.sign(z)
    u = np.where(z > 0, t * z, 0.1 * z)
    return np.tanh(u) * 0.5 + np.sin(u) - s * 0.3


def shrink(x):
    if x < 1.0:
        return x * x
    return shrink(x * 0.5) + x


# which calls are calls of pairs


def test_a_large_function_that_is_called_twice_is_written_once():
    def network(x, w, b):
        return np.sum(layer(layer(x, w, b), w * 2.0, b))

    made = text(network, V, W, V)
    assert made.count("def forward_layer(x, w, b):") == made.count("def backward_layer(") == 1
    assert made.count("np.tanh(") == 2  # in the primal and in the forward half
    check(network, V, W, V)


def test_what_is_small_stands_where_it_is_called():
    def small(x):
        return x * x + 1.0

    assert "def forward_" not in text(lambda x, w, b: np.sum(small(small(x)) @ w + b), V, W, V)


def test_what_is_called_in_a_loop_saves_one_thing_a_trip():
    def repeated(x, w, b, n):
        for _ in range(n):
            x = layer(x, w, b)
        return np.sum(x)

    made = text(repeated, V, W, V, 3)
    assert made.count("def forward_layer(x, w, b):") == made.count("def backward_layer(") == 1
    assert made.count(".append(") == 1
    check(repeated, V, W, V, 3)


def test_a_recursion_of_known_depth_is_written_out():
    def descend(x, layers):
        return np.sum(x) if not layers else descend(layer(x, layers[0], V) * x, layers[1:]) * 0.5

    made = text(lambda x, layers: descend(x, layers), V, [W, W.T, W @ W])
    assert made.count("def forward_layer(") == 1 and made.count("= forward_layer(") == 3
    assert made.count("def forward_descend") == 1
    check(lambda x, layers: descend(x, layers), V, [W, W.T, W @ W])


def test_layers_of_a_list_of_weights_are_calls():
    def network(x, layers):
        for w, b in layers:
            x = layer(x, w, b)
        return np.sum(x)

    layers = [(W, V), (W.T, 2.0 * V), (W @ W, -V)]
    made = text(network, V, layers)
    assert made.count("= forward_layer(") == made.count("= backward_layer(") == 3
    check(network, V, layers)


def test_calls_of_other_types_are_calls_of_other_pairs():
    def network(x, w, b):
        one = layer(layer(x, w, b), w, b)
        two = layer(layer(w.T, w, b), w, b)
        return np.sum(one) + np.sum(two)

    made = text(network, V, W, V)
    assert "def forward_layer(" in made and "def forward_layer_2(" in made
    check(network, V, W, V)


def test_a_pair_is_called_in_a_pair():
    def block(x, w, b):
        return layer(x, w, b) * np.cos(x) - np.sin(x * x) * b

    made = text(lambda x, w, b: np.sum(block(block(x, w, b), w, b)), V, W, V)
    for name, calls in (("block", 2), ("layer", 1)):
        assert made.count(f"def forward_{name}(") == 1 and made.count(f"= forward_{name}(") == calls


def test_what_needs_no_gradient_is_a_plain_call():
    def f(x, w):
        fixed = layer(np.cos(V), W, V) + layer(np.sin(V), W, V)
        return np.sum(x * fixed)

    made = text(f, V, W, argnums=0)
    assert "def layer(x, w, b):" in made and "forward_layer" not in made


def test_only_what_is_asked_for_is_computed():
    def f(x, w, b):
        return np.sum(layer(x, w, b)) + np.sum(layer(2.0 * x, w, b))

    assert "return grad_z\n" in text(f, V, W, V, argnums="b")
    check(f, V, W, V, argnums=(2,))


NOT_ALONE: list[Any] = []


def not_alone(f):
    NOT_ALONE.append(f)
    return f


@not_alone
def writes(x):
    x[0] = 2.0
    return layer(x, W, V)


@not_alone
def gives_a_part(x):
    layer(x, W, V)
    return x[::-1]


@not_alone
def draws(x):
    return layer(x, W, V) + np.random.default_rng(0).normal(size=4)


@not_alone
def gives_one_array_twice(x):
    y = layer(x, W, V)
    return (y, y)[0]


@pytest.mark.parametrize("f", NOT_ALONE, ids=lambda f: f.__name__)
def test_what_is_more_than_a_function_of_its_arguments(f):
    def twice(x):
        y = f(x)
        y = y * f(x + 1.0)
        return np.sum(x * y)

    if f is not gives_one_array_twice:
        assert f"forward_{f.__name__}" not in text(twice, V)
    check(twice, V)


def test_what_changes_a_container_or_a_variable_is_interpreted():
    def f(x):
        seen = []
        count = 0.0

        def note(t):
            nonlocal count
            count = count + np.sum(t)
            seen.append(layer(t, W, V))
            return layer(t, W, V)

        return np.sum(note(x) * note(2.0 * x)) * count + sum(np.sum(s) for s in seen)

    check(f, V)


class Model:
    def __init__(self, w, b):
        self.w, self.b, self.calls = w, b, 0.0

    def __call__(self, x):
        self.calls = self.calls + 1.0
        return layer(x, self.w, self.b) * self.calls


def test_an_object_that_its_method_changes():
    def f(x, w, b):
        model = Model(w, b)
        return np.sum(model(model(x))) * model.calls

    check(f, V, W, V)


# what may be wrong between the two halves


def test_arrays_that_are_written_after_the_call():
    def f(x, w, b):
        y = x * 2.0
        a = layer(y, w, b)
        y[0] = 3.0 * b[1]
        c = layer(y, w, b)
        a[1] = 0.5
        y *= c
        return np.sum(a * c * y)

    assert "forward_layer" in text(f, V, W, V)
    check(f, V, W, V)


def test_arrays_that_a_loop_writes():
    def f(x, w, b, n):
        y = x.copy()
        total = 0.0
        for i in range(n):
            total += np.sum(layer(y, w, b))
            y[i] = y[i - 1] * 0.5
            total += np.sum(layer(y, w, b) * y)
        return total

    assert "forward_layer" in text(f, V, W, V, 3)
    check(f, V, W, V, 3, argnums=(0, 1, 2))


def test_a_result_that_is_an_argument():
    def until(x):
        return x if np.sum(x * x) < 1.0 else until(0.5 * x)

    def f(x):
        y = until(0.3 * x)
        z = until(3.0 * x)
        return np.sum(y * x) + np.sum(z * z)

    check(f, V)

    def g(x):
        y = until(x)
        x[0] = 5.0
        return np.sum(y * x)

    with pytest.raises(UnsupportedError, match="may share its memory"):
        grad(g)(0.1 * V)


def test_a_zero_is_kept_out_of_a_pair():
    def logs(x, y):
        z = np.log(x) * y
        w = np.sqrt(np.abs(z)) + np.sin(z) * np.cos(y) - np.exp(-z * z) * y
        return w * z + np.tanh(w) - z / x + np.cos(w * y)

    def f(x, y):
        return np.sum(np.where(x > 0, logs(x, y) + logs(x, 2.0 * y), y))

    with np.errstate(all="ignore"):
        found = grad(f)(np.array([0.5, 0.0, 2.0]), np.array([0.3, 0.4, 0.5]))
        assert "forward_logs" in text(f, V, V)
    assert all(np.all(np.isfinite(g)) for g in found)
    assert found[0][1] == 0.0 and found[1][1] == 1.0


def test_numbers_beyond_math():
    def tower(x, n):
        return np.exp(x) if n > 3.0 else tower(x * x, n + 1.0) + x

    with np.errstate(all="ignore"):
        assert grad(tower)(5.0, 0.5) == (math.inf, 0.0)
    assert grad(tower, 0)(0.3, 0.5) == pytest.approx(1.7097497147950218)

    def own_error(x):
        return math.exp(x) if x > 800.0 else own_error(x * 2.0)

    with pytest.raises(OverflowError):
        grad(own_error)(5.0)


def test_single_precision():
    def until(x, limit):
        return x * 2 if np.sum(x * x) < limit else until(0.5 * x, limit) + x

    def f(x, limit):
        return np.sum(until(x, limit) ** 2)

    x = V.astype(np.float32)
    g = grad(f)
    first, _ = g(x, np.float32(0.5))
    assert first.dtype == np.float32
    np.testing.assert_allclose(first, g(x.astype(float), 0.5)[0], rtol=1e-5)
    assert isinstance(grad(shrink)(np.float32(3.0)), np.float32)


RATE = 0.5


def test_numbers_of_the_program_are_read_at_each_call(monkeypatch):
    def discounted(x):
        return x * RATE if x < 1.0 else discounted(x * 0.5) + RATE * x

    g = grad(discounted)
    assert g(3.0) == 0.875
    monkeypatch.setitem(globals(), "RATE", 1.0)
    assert g(3.0) == 1.75
    monkeypatch.setitem(globals(), "RATE", np.float64(2.0))
    assert g(3.0) == 3.5


def made_with(k):
    def shrunk(x):
        return x * k if x < k else shrunk(x * 0.5) + x

    def large(x):
        a = np.sin(x * k) - x
        b = np.cos(a) / (1.0 + a * a) - np.tanh(a)
        return np.exp(-b * b) * k + a * b - x * 0.1 + x * x - np.sqrt(1.0 + b * b)

    return shrunk, large


def test_functions_of_one_text_are_not_one_function():
    (f, p), (g, q) = made_with(1.0), made_with(0.3)
    check(lambda x: f(x) * g(x) * f(2.1 * x), 1.7)
    check(lambda x: p(x) * q(x) * p(2.0 * x) * q(x * x), 0.7)


# recursion


def test_a_recursion_saves_a_tree():
    made = text(shrink, 3.0)
    assert "saved_shrink = forward_shrink(x * 0.5)" in made
    assert "return s0, (x, saved_shrink)" in made
    check(shrink, 3.3)
    check(shrink, 0.3)


def test_what_a_recursion_passes_on_unchanged_gets_no_gradient_it_does_not_have():
    def descend(x, limit):
        return x if x < limit else descend(x * 0.7, limit) * 1.1

    assert grad(descend)(3.0, 0.5)[1] == 0.0
    assert "return grad_x\n" in text(descend, 3.0, 0.5)


def test_other_types_at_the_first_call():
    def total(x, sofar, n):
        return sofar * n if x < 0.5 else total(x * 0.5, sofar + x, n + 1)

    check(lambda x: total(x, 0, 0), 3.3)
    check(lambda x: total(np.sin(x) * 4.0, x, 1) * total(x, 1, 2), 1.3)


def test_python_may_be_too_small():
    def count(x, n):
        return x if n <= 0 else count(x, n - 1) + 0.5 * x

    f = grad(lambda x: count(x, int(x)))
    assert f(300.0) == 151.0
    with pytest.raises(RecursionError):
        f(float(10 * sys.getrecursionlimit()))


def test_what_is_refused():
    def circle(x):
        return circle(x * 0.5) if x > 1.0 else circle(x + 1.0)

    def dice(x):
        return x if x < 1.0 else dice(x * np.random.rand())

    def settle(x, k):
        x[0] = x[1] * k
        return np.sum(x) if k < 0.1 else settle(x, 0.5 * k)

    for f, args, words in (
        (circle, (3.0,), "no way through it ends"),
        (dice, (3.0,), "it draws random numbers"),
        (settle, (V.copy(), 3.0), "it writes into an array that it was given"),
    ):
        with pytest.raises(UnsupportedError, match=f"(?s)as only the run decides, and {words}.*Write a loop"):
            grad(f)(*args)


def test_second_derivatives():
    def f(x, w, b):
        return np.sum(layer(layer(x, w, b), w, b))

    check(lambda x: np.sum(grad(f, 0)(x, W, V) * x), V)  # what is differentiated twice is interpreted
    check(lambda x: grad(shrink)(x) * x, 3.0)
    check(grad(shrink), 3.0)
    assert grad(lambda x: grad(shrink)(stop_gradient(x)) * x)(3.0) == grad(shrink)(3.0)


def test_the_gradient_of_an_opaque_gate_is_not_taken_for_a_constant():
    def cube(x):
        return x**3

    @gate(cube, forward=lambda x: (x**3, x))
    def cube_backward(grad_y, x):
        return 3.0 * grad_y * x**2

    assert grad(lambda x: cube(x))(2.0) == 12.0
    with pytest.raises(UnsupportedError, match="its gradient cannot be differentiated"):
        grad(grad(lambda x: cube(x)))(2.0)


def test_what_an_opaque_gate_has_saved_is_not_written():
    def waves(x):
        return np.sum(np.sin(x))

    @gate(waves, forward=lambda x: (np.sum(np.sin(x)), x))
    def waves_backward(grad_y, x):
        return grad_y * np.cos(x)

    def overwritten(x, n):
        z = x * 1.0
        total = 0.0
        for i in range(n):
            y = waves(z)
            z[i] = y * x[0]
            total += y * y
        return total + np.sum(z)

    for n in range(4):
        check(overwritten, V, n)


# the face


def test_the_source_stands_alone():
    for f, args in ((shrink, (3.0,)), (lambda x, w, b: np.sum(layer(layer(x, w, b), w, b)), (V, W, V))):
        g = grad(f)
        expected = g(*args)
        name = "shrink" if f is shrink else "function"
        for source in (g.source, "import math\nimport numpy as np\n" + g.backward_source):
            scope: dict[str, Any] = {}
            exec(source, scope)
            np.testing.assert_equal(scope[f"grad_{name}"](*args), expected)
        exec(g.source, scope)
        assert scope[name](*args) == f(*args)


def test_a_text_does_not_depend_on_what_was_compiled_before():
    def f(x):
        return np.sum(until(x))

    def until(x):
        return x if np.sum(x * x) < 1.0 else until(x * 0.5)

    alone = text(f, V.astype(np.float32))
    g = grad(f)
    g(V), g(W)
    assert g.source_for(V.astype(np.float32)) == alone
    np.testing.assert_equal(g(V), grad(f)(V))


def test_values_and_names():
    def forward_shrink(x):
        return shrink(x) * 2.0

    def f(forward_shrink, saved):
        backward_shrink = shrink(forward_shrink) * saved
        return shrink(backward_shrink)

    check(f, 3.3, 1.4)
    check(forward_shrink, 2.3)
    assert value_and_grad(shrink)(3.0) == (3.0 + 1.5 + 0.75**2, 1.5 + 2 * 0.75 / 4)
