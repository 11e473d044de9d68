"""What comes from the program's data is never code in generated text, and odd names simply work."""

from __future__ import annotations

import ast
import builtins
import collections
import enum
import functools
import io
import sys
import types
from dataclasses import make_dataclass

import numpy as np
import pytest

from revcompile import gate, grad, value_and_grad
from revcompile.codegen.load import compile_text
from revcompile.codegen.text import to_text
from revcompile.errors import InternalError
from revcompile.ir import identifiers
from tests.support.program import make

RUN = "__import__('builtins').ran.append(1)"
HOSTILE = [
    f"y; {RUN}; D_y", f"y\n    {RUN}\n    ", f"f(x):\n    {RUN}\n    return 1.0\ndef g", f"k[{RUN}]", f"' + {RUN} + '",
    f"\r{RUN}", f"\u2028{RUN}", f"\x0c{RUN}",
]  # fmt: skip
ODD = [
    "loss (train)", "learning rate", "class", "None", "__debug__", "", " ", "1", "_", "len", "np", "grad_x", "s0", "λ",
    "\ufb01", "fi", "\ud800", "\\", "'", '"', "'\"", "{x}", "%s", "\x00", "x" * 5000,
]  # fmt: skip


@pytest.fixture
def ran():
    builtins.ran = []
    yield builtins.ran
    del builtins.ran


def some(i):
    """A part of the names, another one for each test, and by which text each is tried."""
    names = [*HOSTILE, *ODD]
    return [(k, bool((i + j) % 3)) for j, k in enumerate(names[i % 5 :: 5])]


def gradients(f, optimize, *args):
    """Of the first argument, called twice; what is shown parses."""
    g = value_and_grad(f, argnums=0, optimize=optimize)
    out = [g(*args)[1] for _ in range(2)]
    compile(g.source, "source", "exec")
    compile(g.backward_source, "backward source", "exec")
    return out


class Empty:
    pass


def with_attribute(name, value):
    made = Empty()
    made.__dict__[name] = value
    return made


def of_class(name):
    """An object of a class that says it has this name."""
    cls = type("Plain", (), {})
    cls.__qualname__ = name
    if "\x00" not in name and "\ud800" not in name:
        cls.__name__ = name
    made = cls()
    made.w = 2.0
    return made


def with_class_attribute(name, value):
    return type("WithAttribute", (), {name: value} if "\x00" not in name and "\ud800" not in name else {})


TIMES = "def h(x, /, **kw):\n    return x * x * kw[K]\n"


def two(self):
    return 2.0


def square(x):
    return x * x


def summed(*args, **kwargs):
    try:
        return sum(args) + sum(kwargs.values())
    finally:
        pass


def named(f, name):
    f.__qualname__ = name
    try:
        f.__name__ = name
    except UnicodeEncodeError:
        pass
    return f


def gated(name, **how):
    """A function with a rule under this name."""

    def square(x):
        return x * x

    if "forward" in how:
        gate(square, name=name, **how)(lambda grad_y, saved: grad_y * 2.0 * saved)
    else:
        gate(square, name=name)(square_rule)
    return square


def square_rule(grad_y, x):
    return grad_y * 2.0 * x


def module_called(name):
    made = types.ModuleType(name)
    made.c = 2.0
    return made


KEYS = [
    # the function, its globals for a name, its other arguments; the gradient at 3 is 12
    ("return x * x * D[K]", lambda k: {"D": {"y": 1.0, k: 2.0}}),
    ("return x * x * D[K][K][0]", lambda k: {"D": {"y": 1.0, k: {k: [2.0]}}}),
    ("return np.sum(x * x * D[K])", lambda k: {"D": {"y": 1.0, k: np.ones(2)}}),
    ("s = 0.0\n    for k in D:\n        s = s + x * x * D[k]\n    return s", lambda k: {"D": {k: 2.0}}),
    ("return x * x * getattr(o, K)", lambda k: {"o": with_attribute(k, 2.0)}),
    ("return x * x * getattr(o, K)", lambda k: {"o": types.SimpleNamespace(**{k: 2.0})}),
    ("return x * x * getattr(o, K)[0][K]", lambda k: {"o": with_attribute(k, [{k: 2.0}])}),
    ("return x * x * 2.0 if hasattr(o, K) else x", lambda k: {"o": with_attribute(k, 2.0)}),
    ("return x * x * 2.0 if not hasattr(o, K) else x", lambda k: {"o": Empty()}),
    ("o = E()\n    setattr(o, K, x * x)\n    return 2.0 * getattr(o, K)", lambda k: {"E": Empty}),
    ("return x * x * getattr(m, K)", lambda k: {"m": types.SimpleNamespace(**{k: 2.0})}),
    ("return x * x * o.w", lambda k: {"o": of_class(k)}),
    ("return x * x * m.c", lambda k: {"m": module_called(k)}),
    ("return h(x, **{K: x})", lambda k: {"h": make("def h(_x, **kw):\n    return kw[K] * _x * 2.0\n", "h", K=k)}),
    ("return h(x) * 2.0", lambda k: {"h": named(make("def h(x):\n    return x * x\n", "h"), k)}),
    ("return p(x) * 2.0", lambda k: {"p": gated(k)}),
    ("return p(x) * 2.0", lambda k: {"p": gated(k, forward=lambda x: (x * x, x))}),
    ("return x * x * getattr(C, K)", lambda k: {"C": with_class_attribute(k, 2.0)}),
    ("return x * x * getattr(C(), K)", lambda k: {"C": with_class_attribute(k, 2.0)}),
    ("return x * x * getattr(o, K)", lambda k: {"o": with_class_attribute(k, property(two))()}),
    ("return 2.0 * getattr(o, K)(x)", lambda k: {"o": with_class_attribute(k, staticmethod(square))()}),
    ("return 2.0 * x * x * s(1.0, **{K: 0.0})", lambda k: {"s": summed}),
    ("return 2.0 * x * dict(**{K: x})[K]", lambda k: {}),
    ("return 2.0 * p(x)", lambda k: {"p": functools.partial(make(TIMES, "h", K=k), **{k: np.float64(1.0)})}),
    ("assert x > 0, K\n    return 2.0 * x * x", lambda k: {}),
    ("if x < 0:\n        raise ValueError(K)\n    return 2.0 * x * x", lambda k: {}),
    ("print(f'{K}{x:.2f}{K!r}', K, x, file=b, end=K)\n    return 2.0 * x * x", lambda k: {"b": io.StringIO()}),
    ("s = K + str(x) + '{}{}'.format(x, K)\n    return 2.0 * x * x if s else x", lambda k: {}),
    ("return np.sum(x * x * (2.0 if mode == K else 1.0))", lambda k: {}),
]  # fmt: skip


@pytest.mark.parametrize("i", range(len(KEYS)), ids=[body[:40] for body, _ in KEYS])
def test_of_the_program(ran, i):
    body, names = KEYS[i]
    for k, optimize in some(i):
        if "with_class_attribute" in names.__code__.co_names and not k.isprintable():
            continue
        f = make(f"def f(x, mode=K):\n    {body}\n", K=k, **names(k))
        assert gradients(f, optimize, 3.0) == [12.0] * 2, k
        assert not ran


@pytest.mark.parametrize("i", range(4))
def test_keys_of_an_argument(ran, i):
    body = ["return x * np.sum(d[K] ** 2)", "return x * np.sum([d[k] ** 2 for k in d])"][i % 2]
    for k, optimize in some(i):
        for key in (k, k.encode(errors="surrogatepass"), (k, 1)):
            f = make(f"def f(d, x):\n    {body}\n", K=key)
            for found in gradients(f, optimize, {key: np.ones(2) if i > 1 else 1.0}, 1.0):
                assert list(found) == [key]
                np.testing.assert_array_equal(found[key], np.full(2, 2.0) if i > 1 else 2.0)
        assert not ran


@pytest.mark.parametrize("i", range(5))
def test_attributes_of_an_argument(ran, i):
    for k, optimize in some(i):
        f = make("def f(o, x):\n    return x * getattr(o, K) ** 2\n", K=k)
        for found in gradients(f, optimize, with_attribute(k, 3.0), 1.0):
            assert found.__dict__ == {k: 6.0}
        f = make("def f(x, o):\n    return x * getattr(o, K) ** 2\n", K=k)
        assert gradients(f, optimize, 1.0, with_attribute(k, 3.0)) == [9.0] * 2
        assert not ran


def test_other_arguments(ran):
    for k in HOSTILE:
        f = make("def f(x, mode):\n    return x * x if mode == K else x\n", K=k)
        assert gradients(f, True, 3.0, k) == [6.0] * 2
        f = make("def f(o):\n    return o.w ** 2\n")
        assert [found.w for found in gradients(f, False, of_class(k))] == [4.0] * 2
        f = make("def f(x):\n    return x * x, {K: x}\n", K=k)
        assert grad(f, has_aux=True)(3.0) == (6.0, {k: 3.0})
    renamed = collections.namedtuple("renamed", "class x class", rename=True)
    f = make("def f(t):\n    return t[0] * t.x ** 2 + t[2]\n")
    assert gradients(f, True, renamed(1.0, 3.0, 1.0)) == [renamed(9.0, 6.0, 1.0)] * 2
    made = make_dataclass("Made", ["w", "grad_w", "len"])
    f = make("def f(o):\n    return o.w * o.grad_w * o.len\n")
    for found in gradients(f, True, made(1.0, 2.0, 3.0)):
        assert vars(found) == {"w": 6.0, "grad_w": 3.0, "len": 2.0}
    assert not ran


def test_the_name_of_the_function(ran):
    for k in (*HOSTILE, *ODD):
        f = named(make("def f(x):\n    return x * x\n"), k)
        f.__module__ = f.__doc__ = k
        assert gradients(f, True, 3.0) == [6.0] * 2
        assert not ran
    for k, optimize in some(0):
        f = named(make("def f(x):\n    return x * x\n"), k)
        f.__globals__["__name__"] = k
        assert grad(grad(f, optimize=optimize))(3.0) == 2.0
        assert not ran


def test_the_name_of_a_module(ran, monkeypatch):
    """What is shown stands alone: it must not run what a module is called, either."""
    for k in HOSTILE:
        f = make("def f(x):\n    return x * c\n", c=2.0)
        module = types.ModuleType(k)
        module.__dict__.update(f.__globals__, __name__=k)
        f = types.FunctionType(f.__code__, module.__dict__, "f")
        monkeypatch.setitem(sys.modules, k, module)
        g = grad(f)
        assert g(3.0) == 2.0
        compile(g.source, "source", "exec")
        assert "import __" not in g.source
        assert not ran


def test_names_that_mean_something_to_every_object():
    for k in ("__class__", "__dict__", "__weakref__", "__doc__", "__module__", "__init__"):
        f = make("def f(o):\n    return o.w ** 2 * vars(o)[K]\n", K=k)
        given = with_attribute(k, 3.0)
        given.__dict__["w"] = 2.0
        assert [found.__dict__ for found in gradients(f, True, given)] == [{k: 4.0, "w": 12.0}] * 2

    class Slots:
        __slots__ = ("class", "w")

    given = Slots()
    setattr(given, "class", 3.0)
    given.w = 2.0
    f = make("def f(o):\n    return o.w ** 2 * getattr(o, 'class')\n")
    assert [(found.w, getattr(found, "class")) for found in gradients(f, True, given)] == [(12.0, 4.0)] * 2


class Colour(enum.Enum):
    RED = "a'\n"


class Level(enum.IntEnum):
    LOW = 1


def test_defaults():
    inf, nan = float("inf"), float("nan")
    for default in (..., None, inf, nan, -0.0, 10**5000, Colour.RED, Level.LOW, b"\n"):
        f = make("def f(x, d=D):\n    return x * x\n", D=default)
        assert gradients(f, True, 3.0) == [6.0] * 2
    f = make("def f(x, c):\n    return x * x if c is RED else x\n", RED=Colour.RED)
    assert gradients(f, True, 3.0, Colour.RED) == [6.0] * 2


def test_keys_that_are_no_strings():
    for k in (
        True,
        None,
        -1,
        -0.0,
        1.5,
        (),
        (1, "a'"),
        b"'",
        np.int64(3),
        np.str_("q"),
        np.float32(0.1),
        10**5000,
        ...,
    ):
        f = make("def f(d, x):\n    return x * d[K] ** 2\n", K=k)
        assert gradients(f, True, {k: 3.0}, 1.0) == [{k: 6.0}] * 2
    for k in (Colour.RED, np.timedelta64(5, "ns"), float("nan"), frozenset([1]), Key("a")):
        f = make("def f(d, x):\n    return x * d[K] ** 2\n", K=k)
        with pytest.raises(TypeError, match="a dict with a key of the class"):
            grad(f)({k: 3.0}, 1.0)


class Key(str):
    def __repr__(self):
        return RUN

    __str__ = __format__ = __repr__


class Number(float):
    def __repr__(self):
        return RUN


@pytest.mark.parametrize("optimize", [True, False])
def test_what_objects_say_of_themselves_is_not_believed(ran, optimize):
    f = make("def f(x):\n    return x * c\n", c=Number(2.0))
    assert grad(f, optimize=optimize)(3.0) == 2.0
    f = make("def f(x, o):\n    return x * getattr(o, K)\n", K=Key("w"))
    assert grad(f, argnums=0, optimize=optimize)(3.0, of_class("C")) == 2.0
    f = make("def f(x, d):\n    return x * d['w']\n")
    with pytest.raises(TypeError, match="a dict with a key of the class Key"):
        grad(f, argnums=0, optimize=optimize)(3.0, {Key("w"): 2.0})
    assert not ran


def test_what_a_name_becomes():
    for wish, name in [
        ("loss (train)", "loss_train"), ("class", "class_"), ("", "value"), ("1", "value_1"), ("\ufb01", "fi"),
        ("D_log p", "D_log_p"), ("λ", "λ"), ("a\nb", "a_b"), ("__debug__", "__debug___"), ("()", "value"),
    ]:  # fmt: skip
        assert identifiers.identifier(wish) == name
        assert identifiers.is_name(name)
    assert all(identifiers.is_name(identifiers.identifier(k)) for k in (*HOSTILE, *ODD))


def test_the_printer_refuses_what_is_no_name():
    load = ast.Load()
    for node in (
        ast.Name("x; y", load), ast.Name("class", load), ast.Attribute(ast.Name("x", load), "y z", load),
        ast.Call(ast.Name("f", load), [], [ast.keyword("a b", ast.Name("x", load))]), ast.Name("\ufb01", load),
        ast.Constant(Key("a")), ast.Name("1; x", load),
    ):  # fmt: skip
        with pytest.raises(InternalError):
            to_text(node)
    with pytest.raises(InternalError):
        compile_text(f"def f(x):\n    {RUN}\ndef g(x):\n    return 1.0\n", "test")
