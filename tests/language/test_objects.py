"""Dataclasses and objects with attributes: as arguments, made inside, as what a method belongs to."""

from __future__ import annotations

import dataclasses
import math
import types
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check

V = np.array([0.5, -0.25, 0.75])
A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])


class Neuron:
    """The lecture's neuron."""

    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def neuron_tick(self, inputs):
        cell_body_sum = np.sum(inputs * self.weights) + self.bias
        firing_rate = 1.0 / (1.0 + math.exp(-cell_body_sum))
        return firing_rate


def test_a_neuron_is_differentiated():
    neuron, x = Neuron(V.copy(), 0.3), np.array([1.0, 2.0, -1.0])
    g = grad(lambda neuron, x: neuron.neuron_tick(x))
    gradient, grad_x = g(neuron, x)
    y = neuron.neuron_tick(x)
    assert type(gradient) is Neuron
    np.testing.assert_allclose(gradient.weights, y * (1 - y) * x)
    assert type(gradient.bias) is float and gradient.bias == pytest.approx(y * (1 - y))
    np.testing.assert_allclose(grad_x, y * (1 - y) * V)
    np.testing.assert_array_equal(neuron.weights, V)
    assert neuron.bias == 0.3
    assert "make_object(Neuron, weights=" in g.backward_source
    check(lambda neuron, x: neuron.neuron_tick(x), neuron, x)


def test_a_method_by_name_and_by_object():
    neuron, x = Neuron(V, 0.3), np.array([1.0, 2.0, -1.0])
    g, _ = grad(Neuron.neuron_tick, ("self", "inputs"))(neuron, x)
    assert type(g) is Neuron and g.weights.shape == (3,)
    np.testing.assert_allclose(grad(neuron.neuron_tick)(x), grad(Neuron.neuron_tick, 1)(neuron, x))


@dataclass
class Point:
    x: float
    y: float = 2.0

    def norm(self):
        return math.sqrt(self.x**2 + self.y**2)

    @property
    def half(self):
        return Point(self.x / 2, self.y / 2)

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    def __mul__(self, k):
        return Point(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __neg__(self):
        return Point(-self.x, -self.y)

    def __abs__(self):
        return self.norm()

    @classmethod
    def diagonal(cls, t):
        return cls(t, t)

    @staticmethod
    def dot(p, q):
        return p.x * q.x + p.y * q.y


@dataclass(frozen=True)
class Layer:
    W: Any
    b: Any
    name: str = "layer"
    active: bool = True

    def __call__(self, x):
        return np.tanh(self.W @ x + self.b) if self.active else self.W @ x + self.b


@dataclass(slots=True) if "slots" in dataclass.__kwdefaults__ else dataclass
class Slotted:
    a: float
    b: float = 1.0


@dataclass
class Model:
    layers: list
    scale: float = 1.0
    options: dict = field(default_factory=dict)
    seen: Any = None

    def __post_init__(self):
        self.count = len(self.layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x * self.scale


def product(p):
    return p.x * p.y**2


def of_methods(p, k):
    q = p.half + Point.diagonal(k) * 3.0 + 2.0 * p
    return abs(-q) + Point.dot(p, q) + p.norm()


def of_layers(layers, x):
    h = layers[0](x)
    return np.sum(layers[1](h) ** 2)


def of_model(model, x):
    return np.sum(model.forward(x)) + model.options["decay"] * model.scale**2 + model.count * model.scale


MODEL = Model([Layer(A, np.array([0.1, -0.2])), Layer(A.T, V, "out", False)], 1.5, {"decay": 0.1})


def test_precision():
    g = grad(lambda p: p.x * np.sum(p.y))(Point(np.float32(2.0), np.array([1, 2], np.float32)))
    assert type(g.x) is np.float32 and g.x == 3.0 and g.y.dtype == np.float32


@pytest.mark.parametrize(
    "f, args",
    [
        (product, (Point(2.0, 3.0),)),
        (of_methods, (Point(2.0, 3.0), 0.7)),
        (of_layers, ([Layer(A, np.array([0.1, -0.2])), Layer(A.T, V, "out", False)], V)),
        (of_model, (MODEL, V)),
        (lambda s: s.a * s.b**2, (Slotted(2.0, 3.0),)),
        (
            lambda p, q: p.x * q[0].y * q[1]["k"].x,
            (Point(2.0, 3.0), (Point(4.0, 5.0), {"k": Point(6.0, 7.0)})),
        ),
        (lambda p: p.x * np.sum(p.y**2), (Point(np.float64(2.0), np.array([1.0, 2.0])),)),
    ],
)
def test_arguments(f, args):
    check(f, *args)


def test_attributes_that_are_no_numbers():
    (gradient,) = grad(of_model, ("model",))(MODEL, V)
    assert type(gradient) is Model and list(vars(gradient)) == list(vars(MODEL))
    assert gradient.layers[0].name is None and gradient.layers[0].active is None
    assert gradient.seen is None and gradient.options == {"decay": pytest.approx(1.5**2)}
    assert gradient.count == 1.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        gradient.layers[0].W = 1.0


def test_a_change_of_kind_is_noticed():
    g = grad(lambda m: m.f(m.w) * (2.0 if m.kind == "double" else 1.0))
    m = types.SimpleNamespace(w=2.0, kind="single", f=np.sin)
    assert g(m).w == pytest.approx(np.cos(2.0))
    m.kind = "double"
    assert g(m).w == pytest.approx(2 * np.cos(2.0))
    m.f = np.exp
    assert g(m).w == pytest.approx(2 * np.exp(2.0))
    m.w = np.float64(1.0)
    assert type(g(m).w) is np.float64
    m.extra = np.zeros(3)
    assert g(m).extra.tolist() == [0.0, 0.0, 0.0]
    assert type(g(m)) is types.SimpleNamespace


class Base(ABC):
    rate = 2.0

    def __init__(self, k):
        self.k = k
        self._set(k)

    def _set(self, k):
        self.__hidden = k * self.rate

    @abstractmethod
    def value(self, x): ...

    def twice(self, x):
        return 2.0 * self.value(x) * self.__hidden


class Square(Base):
    def __init__(self, k, shift=0.5):
        super().__init__(k)
        self.shift = shift

    def value(self, x):
        return self.k * x**2 + self.shift


class Quartic(Square):
    rate = 3.0

    def value(self, x):
        return super().value(x) ** 2

    @classmethod
    def make(cls, *args):
        return super().__new__(cls) if not args else cls(*args)


@pytest.mark.parametrize("cls", [Square, Quartic])
def test_inheritance(cls):
    def f(x, k):
        o = cls(k, shift=x)
        return o.twice(x) + (1.0 if isinstance(o, Base) else 0.0) * o.k + type(o)(x).value(k)

    check(f, 0.7, 1.3)
    check(lambda o, x: o.twice(x), cls(1.3), 0.7)


def test_abstract_classes_are_not_made():
    with pytest.raises(TypeError, match="abstract"):
        grad(lambda x: Base(x).value(x))(1.0)


def test_classmethods_reach_super():
    check(lambda x: Quartic.make(x, 2.0).value(x), 0.7)


class Switch:
    """Every special method that there is a use for."""

    def __init__(self, xs):
        self.xs = xs

    def __len__(self):
        return len(self.xs)

    def __getitem__(self, i):
        return self.xs[i]

    def __setitem__(self, i, v):
        self.xs[i] = v

    def __delitem__(self, i):
        del self.xs[i]

    def __iter__(self):
        return iter(self.xs)

    def __contains__(self, k):
        return k == "k"

    def __bool__(self):
        return len(self.xs) > 1

    def __lt__(self, other):
        return self.xs[0] < other.xs[0]

    def __eq__(self, other):
        return len(self) == len(other)

    def __call__(self, x, *, k=1.0):
        return self.xs[0] * x * k

    def __getattr__(self, name):
        if name == "last":
            return self.xs[-1]
        raise AttributeError(name)

    def __radd__(self, other):
        return other + self.xs[0]

    def __matmul__(self, other):
        return sum(a * b for a, b in zip(self, other))

    def __truediv__(self, k):
        return NotImplemented

    def __rtruediv__(self, k):
        return k / self.xs[0]

    def __float__(self):
        return self.xs[0] * 1.0

    def __pow__(self, k):
        return self.xs[0] ** k


def special(x, y):
    s = Switch([x, y, x * y])
    t = Switch([y, x])
    s[0] = s[1] * s[0]
    del s[1]
    total = 0.0
    for v in s:
        total = total + v * v
    if s and "k" in s and "q" not in s and not (s != t):
        total = total + s(y, k=x) + s.last + x + s + s @ t + 3.0 / t + float(s) + s**2
    first, second = s
    return (
        total
        + len(s) * x
        + (y if s < t else x)
        + first * second
        + getattr(s, "nothing", x) * hasattr(s, "last")
    )


@pytest.mark.parametrize("args", [(0.7, 1.3), (1.3, 0.7)])
def test_special_methods(args):
    check(special, *args)


class Pair(NamedTuple):
    a: float
    b: float = 3.0

    @property
    def product(self):
        return self.a * self.b

    def plus(self, k):
        return self._replace(a=self.a + k)

    @classmethod
    def same(cls, k):
        return cls(k, k)


def dataclass_tools(x, y):
    p = Point(x)
    q = dataclasses.replace(p, y=y)
    d = dataclasses.asdict(q)
    t = dataclasses.astuple(p)
    names = [f.name for f in dataclasses.fields(p)]
    r = Pair.same(x).plus(y)
    equal = 1.0 if p == dataclasses.replace(p) and p != 3 else 0.0
    return d["y"] * q.x + t[0] * t[1] + len(names) * x + r.product * equal + getattr(p, names[1]) * y


@dataclass
class Deep:
    inner: Point
    items: list = field(default_factory=lambda: [1.0])
    total: float = field(init=False)
    k: dataclasses.InitVar[float] = 2.0
    rate: Any = dataclasses.field(default=0.5, repr=False)

    def __post_init__(self, k):
        self.total = self.inner.x * k


def dataclasses_inside(x, y):
    d, e = Deep(Point(x, y)), Deep(Point(y), k=x)
    d.items.append(x)
    d.inner.x = d.inner.x * y
    return d.total * e.total + sum(d.items) + sum(e.items) + d.inner.x * d.rate


def namespaces(x, y):
    n = types.SimpleNamespace(a=x, b=[y])
    n.c = n.a * n.b[0]
    vars(n)["d"] = n.c * 2.0
    setattr(n, "e", x)
    del n.a
    return n.d * n.e + (0.0 if hasattr(n, "a") else y)


@pytest.mark.parametrize("f", [dataclass_tools, dataclasses_inside, namespaces])
def test_making(f):
    check(f, 0.7, 1.3)


def test_objects_as_auxiliary_results():
    def f(x):
        p = Point(x, x * x)
        return p.norm(), {"p": p, "list": [p]}

    g, aux = grad(f, has_aux=True)(2.0)
    assert aux["p"] == Point(2.0, 4.0) and aux["list"] == [Point(2.0, 4.0)]


def test_printing_an_object(capsys):
    def f(x):
        p = Point(x, 1.0)
        print(p, f"{p!r}", str(p))
        return p.x

    capsys.readouterr()
    grad(f)(2.0)
    assert capsys.readouterr().out == "Point(x=2.0, y=1.0) Point(x=2.0, y=1.0) Point(x=2.0, y=1.0)\n"


class Meta(type):
    pass


class Strange(metaclass=Meta):
    pass


class Validated:
    def __get__(self, owner, kind=None):
        return 1.0

    def __set__(self, owner, value):
        raise ValueError


class WithDescriptor:
    v = Validated()


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: (Strange(), x)[1], "metaclass"),
        (lambda x: WithDescriptor().v * x, "descriptor"),
        (lambda x: np.sin(Point(x)), "Point"),
        (lambda x: len(Point(x)) * x, "Point"),
        (lambda x: Point(x) - Point(x), "Point"),
        (lambda x: Point(x)[0], "Point"),
        (lambda x: setattr(np, "k", x) or x, "numpy"),
        (lambda x: setattr(Point, "k", x) or x, "Point"),
        (lambda x: [p for p in Point(x)], "Point"),
    ],
)
def test_refused(f, message):
    with pytest.raises(TypeError, match=message):
        grad(f)(1.0)


@pytest.mark.parametrize(
    "f, kind",
    [
        (lambda x: Point(), TypeError),
        (lambda x: Point(x, x, x), TypeError),
        (lambda x: Point(x).z, AttributeError),
        (lambda x: setattr(Layer(x, x), "W", 1.0), AttributeError),
        (lambda x: setattr(Point(x), "half", 1.0), AttributeError),
        (lambda x: Switch([x]).nothing, AttributeError),
        (lambda x: setattr(Slotted(x), "other", 1.0), AttributeError),
        (lambda x: Strange.__mro__[9], IndexError),
    ],
)
def test_pythons_own_errors(f, kind):
    with pytest.raises(kind):
        grad(f)(1.0)
