"""Globals and closure cells are read live; what was baked in is compiled again when it changes."""

from __future__ import annotations

import math
import types
from collections import namedtuple

import numpy as np
import pytest

from revcompile import grad
from tests.face import living_module as living
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

X = np.array([[0.3, -1.2, 2.0], [1.1, 0.4, -0.7]])
Pair = namedtuple("Pair", "a b")


def agrees(g, *args):
    """The gradient of the first argument is that of the primal as it is now."""
    gradient = g(*args)
    first = gradient[0] if isinstance(gradient, tuple) else gradient
    rest = args[1:]
    assert_close(first, numerical_gradients(lambda x: g.primal(x, *rest), (args[0],)))


CHANGES = [
    # expression, name, values that it takes one after the other
    ("np.sum(x * c)", "c", [2.0, 3.0, 4, 5, np.float32(0.5), np.float64(1.5), True, -1.0]),
    (
        "np.sum(x * c)",
        "c",
        [np.ones(3), 2 * np.ones(3), np.ones((2, 1)), np.ones((2, 3)), np.ones((1, 1)), np.arange(3)],
    ),
    (
        "np.sum(x * c)",
        "c",
        [np.float32([1, 2, 3]), np.array(2.0), np.array([True, False, True]), [1.0, 2.0, 3.0]],
    ),
    (
        "np.sum(x * c[0] + c[1] ** 2)",
        "c",
        [[1.0, 2.0], [3.0, 2.0], (4.0, 5.0), [6.0, 7.0, 8.0], {0: 2.0, 1: 1.0}, np.ones(2)],
    ),
    ("np.sum(x * c['w'])", "c", [{"w": 2.0}, {"w": 3.0}, {"w": np.ones(3)}, {"b": 1.0, "w": 4.0}]),
    ("np.sum(x * c.a)", "c", [Pair(1.0, 2.0), Pair(3.0, 2.0), types.SimpleNamespace(a=5.0)]),
    ("np.sum(x.sum(axis=c) ** 2)", "c", [0, 1, None, -1, (0, 1)]),
    ("np.sum(x ** 2) if c else np.sum(x ** 3)", "c", [True, False, 1, 0, None, "a", "", 1.0, 0.0]),
    ("np.sum(x ** 2) if c == 'square' else np.sum(x ** 3)", "c", ["square", "cube", "square"]),
    ("np.sum(x ** c)", "c", [2, 3, 1, 0, 4.0]),
    ("np.sum(x[:, c] ** 2)", "c", [0, 1, slice(0, 2), [0, 0], np.array([2, 2]), -1]),
    ("np.sum(x.reshape(c) ** 2 * x.reshape(c))", "c", [(3, 2), 6, (6, 1), -1]),
    ("np.sum(c(x))", "c", [np.sin, np.cos, abs, np.exp]),
    ("c.sum(c.exp(x))", "c", [np, np]),
    ("np.sum(x) * c.pi", "c", [math, np]),
    ("np.sum(c.loss(x[0, 0]))", "c", [living.Model(2.0), living.Model(3.0)]),
]


@pytest.mark.parametrize("text, name, values", CHANGES)
def test_a_global_may_change(text, name, values):
    f = make(f"def f(x):\n    return {text}\n", **{name: values[0]})
    g = grad(f)
    for value in [*values, values[0], values[-1]]:
        f.__globals__[name] = value
        agrees(g, X)


@pytest.mark.parametrize("text, name, values", CHANGES)
def test_a_closure_variable_may_change(text, name, values):
    source = f"def outer({name}):\n    def f(x):\n        return {text}\n    def change(new):\n        nonlocal {name}\n        {name} = new\n    return f, change\n"
    f, change = make(source, "outer")(values[0])
    g = grad(f)
    for value in [*values, values[0], values[-1]]:
        change(value)
        agrees(g, X)


@pytest.mark.parametrize("text, name, values", CHANGES)
def test_an_attribute_of_an_object_may_change(text, name, values):
    holder = types.SimpleNamespace(**{name: values[0]})
    f = make(
        f"def g(h, x, {name}):\n    return {text}\ndef f(x):\n    k = h\n    return g(k, x, k.{name})\n",
        h=holder,
    )
    g = grad(f)
    for value in [*values, values[0], values[-1]]:
        setattr(holder, name, value)
        agrees(g, X)


def test_numbers_are_read_live_without_compiling_again():
    f = make("def f(x):\n    return x * c\n", c=1.0)
    g = grad(f)
    for c in (1.0, 2.0, 3.0):
        f.__globals__["c"] = c
        assert g(5.0) == c
    assert len(g.specializations) == 1


def test_helpers_may_be_rebound_and_their_own_names_change():
    f = make(
        "def leaf(x): return k * x\n"
        "def helper(x, p=2.0): return leaf(x) ** p\n"
        "def f(x): return helper(x) + table['h'](x)\n"
        "table = {'h': leaf}\n",
        k=3.0,
    )
    names = f.__globals__
    g = grad(f)
    agrees(g, 2.0)
    names["k"] = 5.0
    agrees(g, 2.0)
    names["helper"].__defaults__ = (3.0,)
    agrees(g, 2.0)
    names["leaf"] = make("def leaf(x): return x ** 3\n", "leaf")
    agrees(g, 2.0)
    names["table"]["h"] = names["leaf"]
    agrees(g, 2.0)
    names["helper"] = names["leaf"]
    agrees(g, 2.0)


def test_two_functions_with_the_same_closure_variable():
    def make_helper(c):
        return lambda x: c * x

    first, second = make_helper(2.0), make_helper(3.0)

    def f(x, flag):
        return first(x) if flag else second(x)

    g = grad(f, 0)
    assert [g(1.0, flag) for flag in (True, False, True, False)] == [2.0, 3.0, 2.0, 3.0]


def test_loop_variables_of_the_definition():
    functions = [lambda x, i=i: x * i + len(functions) * x for i in (1.0, 2.0, 3.0)]
    assert [grad(f)(1.0) for f in functions] == [4.0, 5.0, 6.0]
    late = [lambda x: x * i for i in (1.0, 2.0, 3.0)]
    assert [grad(f)(1.0) for f in late] == [3.0, 3.0, 3.0]


def test_attributes_of_a_module():
    def f(x):
        return living.plain(x) + living.scale * x

    g = grad(f)
    assert g(1.0) == 6.0
    living.scale = 5.0
    try:
        assert g(1.0) == 15.0
    finally:
        living.scale = 2.0


def test_a_parameter_called_like_its_module():
    f = make("c = 3.0\ndef f(program, c_cell, x):\n    return c * program * x * c_cell\n")
    assert grad(f)(2.0, 5.0, 7.0) == (105.0, 42.0, 30.0)


@pytest.mark.parametrize(
    "module",
    ["np", "math", "safe_divide", "scatter", "f", "grad_f", "s0", "L", "x", "list", "class", "my mod"],
)
def test_a_module_called_like_a_name_of_generated_code(module):
    f = make("c = 3.0\ndef f(x):\n    return c * np.exp(x) * math.sin(x)\n", __name__=module)
    agrees(grad(f), 0.5)
    agrees(grad(f), 0.5)


def test_np_rebound_to_another_module():
    fake = types.ModuleType("fake")
    fake.sin = np.cos
    f = make("def f(x):\n    return np.sin(x)\n")
    g = grad(f)
    agrees(g, 0.5)
    f.__globals__["np"] = fake
    agrees(g, 0.5)


def test_a_name_defined_after_decoration():
    f = make("def f(x):\n    return later(x) * constant\n")
    g = grad(f)
    with pytest.raises(NameError, match="later"):
        g(1.0)
    f.__globals__.update(later=make("def later(x): return x * x\n", "later"), constant=2.0)
    assert g(3.0) == 12.0
    del f.__globals__["constant"]
    with pytest.raises((NameError, AttributeError), match="constant"):
        g(3.0)


class Layer:
    rate = 1.0

    def __init__(self, w, kind="linear"):
        self.w, self.kind = w, kind

    @property
    def double(self):
        return 2.0 * self.w

    def __call__(self, x):
        return self.w * x if self.kind == "linear" else np.tanh(self.w * x)

    def energy(self, x):
        return self(x) * self.rate * self.double


class Other(Layer):
    def __call__(self, x):
        return x**3


def test_objects_read_live():
    layer = Layer(2.0)

    def f(x, model):
        return (
            model.energy(x)
            + layer(x)
            + getattr(model, "extra", 1.0) * x
            + (x if hasattr(layer, "flag") else 0.0)
        )

    g = grad(f, 0)
    agrees(g, 0.3, layer)
    layer.w = 3.0
    agrees(g, 0.3, layer)
    layer.kind = "tanh"
    agrees(g, 0.3, layer)
    agrees(g, 0.3, Layer(5.0))
    agrees(g, 0.3, Other(5.0))
    layer.extra, layer.flag = 7.0, True
    agrees(g, 0.3, layer)
    Layer.rate = 4.0
    try:
        agrees(g, 0.3, layer)
        agrees(g, 0.3, Other(5.0))
    finally:
        Layer.rate = 1.0
    layer.__class__ = Other
    agrees(g, 0.3, layer)
    layer = Layer(1.5)
    agrees(g, 0.3, layer)


def test_objects_in_containers():
    def f(x, layers):
        h = layers[0](x)
        return layers[1](h) * layers[1].w

    g = grad(f, 0)
    agrees(g, 0.3, [Layer(2.0), Layer(3.0)])
    agrees(g, 0.3, [Other(2.0), Layer(3.0, "tanh")])


def test_a_method_of_a_patched_object():
    layer = Layer(2.0)
    g = grad(layer.energy)
    agrees(g, 0.3)
    original = Layer.__call__
    Layer.__call__ = lambda self, x: x * x
    try:
        agrees(g, 0.3)
    finally:
        Layer.__call__ = original
    agrees(g, 0.3)


def test_is_on_run_time_values_is_refused():
    with pytest.raises(TypeError, match="same one"):
        grad(lambda a, b: a * 1.0 if a is b else a * b)(1.0, 2.0)


def holder(kind):
    """What has attributes: a class, a module, a function, an object, the class of one."""
    if kind == "module":
        return types.ModuleType("holder")
    cls = type("Holder", (), {"method": lambda self: 0.0})
    return {"class": cls, "function": lambda: 0.0, "object": cls(), "method": cls().method}[kind]


ASKING = {
    "hasattr": lambda x, owner: x * 2.0 if hasattr(owner, "k") else x,
    "getattr": lambda x, owner: x * getattr(owner, "k", 1.0),
    "in a loop": lambda x, owner: sum([x * getattr(owner, "k", 1.0) for _ in range(2)]),
    "of its class": lambda x, owner: x * 2.0 if hasattr(type(owner), "k") else x,
    "callable": lambda x, owner: x * 2.0 if callable(owner) else x,
}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("kind", ["class", "module", "function", "object", "method"])
@pytest.mark.parametrize("question", ASKING)
def test_what_attributes_there_are_may_change(question, kind, optimize):
    owner = holder(kind)
    ask = ASKING[question]
    gradients = grad(lambda x: ask(x, owner), optimize=optimize), grad(ask, 0, optimize=optimize)
    given = [((1.5,), gradients[0])] + [((1.5, owner), gradients[1])] * (kind == "object")
    target = owner.__func__ if kind == "method" else owner
    for change in (
        lambda: None,
        lambda: setattr(target, "k", 4.0),
        lambda: delattr(target, "k"),
        lambda: setattr(type(owner), "k", 4.0) if kind == "object" else setattr(target, "other", 1.0),
        lambda: setattr(type(owner), "__call__", lambda self: 0.0) if kind == "object" else None,
    ):
        change()
        for args, gradient in given:
            assert gradient(*args) == ask(1.5, owner) / 1.5
