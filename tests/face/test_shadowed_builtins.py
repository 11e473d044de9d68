"""The program may call anything of its own by a builtin's name; generated text means the builtin all the same."""

from __future__ import annotations

import builtins
import io
import types

import numpy as np
import pytest

from revcompile import grad, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

SHADOWS = """
import builtins
def abs(x): return x * x
def int(x): return x * 3.0
def float(x): return x * 5.0
def max(a, b): return a * b
def min(a, b): return a - b
def sum(xs): return xs[0] * 2
def len(x): return 7.0
def range(n): return [1.0, 2.0, 3.0]
def reversed(x): return x
def list(x): return x
def type(x): return x
def zip(*a): return [(1.0, 2.0)]
def getattr(o, name): return 3.0
"""
BODIES = [
    "return abs(x) + builtins.abs(x) * 2",
    "return int(x) * float(x) + builtins.float(x)",
    "return max(x, 2.0) + min(x, 3.0) + len(x) * x + sum([x, x]) + getattr(x, 'real')",
    """s = 0.0
    for i in range(4):
        s = s + x * i * x
    for i in builtins.range(4):
        s = s * x + i
    return s""",
    """a = np.ones(3) * x
    s = 0.0
    for v in a:
        s = s + abs(v) * builtins.len(a)
    for i in builtins.reversed(builtins.range(3)):
        s = s + a[i] * i * s * 0.1
    for p, q in zip(a, a):
        s = s + p * q
    return np.sum(a * s)""",
    """i = 0
    while i < 3:
        x = x * x + builtins.max(x, 0.3)
        i = i + 1
    return x""",
    """def abs(y):
        return y * y * y
    return abs(x)""",
    """len = x * 2.0
    range = len * x
    for float in builtins.range(3):
        range = range * len + float
    return range""",
    """ys = []
    for i in builtins.range(3):
        ys.append(x * i)
    return builtins.sum(ys) + builtins.len(ys) * x""",
    "return h(x) + h(0.5 * x)",
    "return C().square(x)",
]
HELPERS = """
def h(len, zip=2.0):
    s = len
    for i in builtins.range(3):
        s = s * len * 0.3 + abs(len) * i - np.sin(s) * zip + builtins.max(s, len) + np.exp(-s)
    return s

class C:
    def float(self, x): return x * 2.0
    def square(self, x): return self.float(x) * float(x)
"""


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("body", BODIES)
def test_a_module_that_shadows(body, optimize):
    f = make(f"{SHADOWS}{HELPERS}\ndef f(x):\n    {body}\n", np=np)
    for transform in (grad, value_and_grad):
        g = transform(f, optimize=optimize)
        for x in (0.7, 0.7, 1.3):
            expected = numerical_gradients(f, (x,))
            assert_close(g(x) if transform is grad else g(x)[1], expected)


@pytest.mark.parametrize("optimize", [True, False])
def test_a_global_that_is_a_range(optimize):
    f = make(
        "def f(x):\n    s = x\n    for i in R:\n        for j in range(len(R)):\n            s = s * x + j\n    return s\n",
        R=range(3),
    )
    assert_close(grad(f, optimize=optimize)(0.7), numerical_gradients(f, (0.7,)))
    f = make(
        "def f(x):\n    s = 0.0\n    for i in range:\n        s = s + x * x * i\n    return s * abs\n",
        range=range(3),
        abs=2.5,
    )
    assert grad(f, optimize=optimize)(2.0) == 30.0


LATER = [
    ("return abs(x) * max(x, 1.0)", {"abs": lambda x: x * x, "max": lambda a, b: a * b}),
    ("for i in range(3):\n        x = x * x + i\n    return x", {"range": lambda n: [1.0]}),
    ("return h(x) + h(2.0 * x)", {"abs": lambda x: x * x, "range": lambda n: [0.5], "min": lambda a, b: a * b}),
    ("return [abs(y) for y in [x, x * x]][1]", {"abs": lambda x: x * x * x}),
    ("return (lambda y: abs(y))(x)", {"abs": lambda x: x * x * x}),
]  # fmt: skip
LARGE = """
def h(y):
    s = y
    for i in range(3):
        s = s * y + min(s, 2.0) - y * s * i + abs(y)
        s = s + s * y * 0.1 + 0.3 * s * s - 0.01 * s * y * y
    return s * 0.1 + y
"""


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("body, later", LATER)
def test_a_builtin_that_is_shadowed_later_and_no_more(body, later, optimize):
    f = make(f"{LARGE}\ndef f(x):\n    {body}\n", np=np)
    g = grad(f, optimize=optimize)

    def agrees():
        for _ in range(2):
            assert_close(g(-0.7), numerical_gradients(f, (-0.7,)))

    agrees()
    for name, function in later.items():
        source = types.FunctionType(function.__code__, f.__globals__, name)
        f.__globals__[name] = source
        agrees()


def test_a_helper_in_another_module_has_its_own():
    own = make("def abs(x):\n    return x * x\ndef h(x):\n    return abs(x)\n", "h")
    f = make("def f(x):\n    return h(x) + 3.0 * abs(x)\n", h=own)
    assert grad(f)(-2.0) == -7.0


def test_builtins_of_its_own():
    f = make("def f(x):\n    return abs(x)\n", __builtins__={"abs": np.square})
    assert grad(f)(-2.0) == -4.0


PARAMETERS = [
    ("len, range", "s = len\n    for i in builtins.range(2):\n        s = s * range\n    return s", (2.0, 3.0), (9.0, 12.0)),
    ("float, x=2.0, *, type=1.5", "return float * x * type", (2.0,), (3.0,)),
    ("list", "return list[0] * list[1]", ([1.0, 2.0],), ([2.0, 1.0],)),
    ("dict", "return dict['a'] * dict['b'] ** 2", ({"a": 1.0, "b": 2.0},), ({"a": 4.0, "b": 4.0},)),
    ("ValueError, OverflowError=2.0", "return np.exp(ValueError) * OverflowError", (0.0, 3.0), (3.0, 1.0)),
    ("ValueError, OverflowError=2.0", "return np.exp(ValueError) * OverflowError", (800.0, 3.0), (np.inf, np.inf)),
    ("getattr, hasattr", "return getattr * hasattr * builtins.getattr(o, 'a b')", (2.0, 3.0), (6.0, 4.0)),
    ("x, zip", "s = 0.0\n    for v in x:\n        s = s + v * zip\n    return s", (np.arange(3.0), 2.0), (np.full(3, 2.0), 3.0)),
    ("reversed, x", "for v in x:\n        reversed = reversed * v\n    return reversed", (0.5, np.ones(2)), (1.0, np.full(2, 0.5))),
    ("tuple, slice", "return tuple[0] * np.sum(slice[1:])", ((1.0, 2.0), np.ones(2)), ((1.0, 0.0), np.array([0.0, 1.0]))),
    ("int, UnboundLocalError", "if int > 0:\n        y = int * 2\n    return y * UnboundLocalError", (2.0, 3.0), (6.0, 4.0)),
    ("gradient, x", "return gradient * x * x", (2.0, 3.0), (9.0, 12.0)),
    ("format, repr", "print(f'{format}\\n{repr!r:>30}', file=b)\n    return format * repr", (2.0, 3.0), (3.0, 2.0)),
]  # fmt: skip


class Odd:
    pass


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("parameters, body, args, expected", PARAMETERS)
def test_parameters(parameters, body, args, expected, optimize):
    o = Odd()
    o.__dict__["a b"] = 2.0
    f = make(f"def f({parameters}):\n    {body}\n", np=np, builtins=builtins, o=o, b=io.StringIO())
    g = grad(f, argnums=tuple(range(len(args))), optimize=optimize)
    for _ in range(2):
        with np.errstate(over="ignore"):
            found = g(*args)
        assert type(found) is tuple
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_equal(one, other)


def test_a_gradient_of_a_gradient_whose_parameter_is_called_gradient():
    f = make("def f(gradient):\n    return gradient ** 3\n")
    assert grad(grad(f))(2.0) == 12.0


@pytest.mark.parametrize(
    "name", ["fits__0", "answer__0", "given_x", "careful_f", "dispatch_f", "the_abs", "globals"]
)
def test_names_that_generated_text_would_use(name):
    for text in (
        f"def f({name}):\n    {name} = {name} * c\n    return np.exp({name}) * {name} * c\n",
        f"def f(x):\n    {name} = x * c\n    x = x + {name} * 0.0\n    return np.exp({name}) * x * c\n",
        f"def f(x):\n    x = x * c\n    return np.exp(x) * {name} * x\n",
    ):
        f = make(text, c=1.0, **{name: 1.0})
        for g in (grad(f), grad(f, optimize=False)):
            for _ in range(2):
                assert_close(g(0.5), numerical_gradients(f, (0.5,)))
