"""Code that is replaced while a program runs: edited files, cells that run again, `__code__` set in place."""

from __future__ import annotations

import importlib
import linecache
import os
import sys

import numpy as np
import pytest

from revcompile import UnsupportedError, gate, grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

FORMS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def agrees(f, *args, gradient=None, optimize=True):
    """The gradient is that of the function as it is now, and so is the value."""
    g = gradient if gradient is not None else grad(f, 0, optimize=optimize)
    for _ in range(2):
        value, found = g.value_and_grad(*args)
        assert np.isclose(value, f(*args), rtol=1e-12)
        assert_close(found, numerical_gradients(lambda x: f(x, *args[1:]), args[:1]))
        assert g(*args) == found


EDITS = [
    # two bodies of `def f(x):` with the same names
    ("return x * x", "return x + x"),
    ("return x * x if x > 1.0 else x", "return x * x if x < 1.0 else x"),
    ("return x * D['a']", "return x * D['b']"),
    ("return x if True else 3.0 * x", "return x if False else 3.0 * x"),
    ("return 2 * x", "return 2.0 * x"),
    ("return x * 1", "return x * True"),
    ("return x ** 0.0 + x", "return x ** -0.0 + x"),
    ("return (lambda y: y * 2.0)(x)", "return (lambda y: y * 3.0)(x)"),
    ("return [y * 2.0 for y in (x, 1.0)][0]", "return [y * 2.0 for y in (x, 1.0)][1] + x"),
    ("return x * (1.0 in {1.0, 2.0})", "return x * (1.0 in {3.0, 2.0})"),
    ("return x * sum((1.0, 2.0))", "return x * sum((1.0, 3.0))"),
    ("return x - D['a']\n", "return D['a'] - x\n"),
    ("y = x\n    y = y * 2.0\n    return y", "y = x\n    return y"),
    ("for _ in range(3): x = x * 2.0\n    return x", "for _ in range(4): x = x * 2.0\n    return x"),
    (
        "y = x\n    while y < 4.0: y = y * x\n    return y",
        "y = x\n    while y < 9.0: y = y * x\n    return y",
    ),
    ("return np.sin(x) * np.cos(1.0)", "return np.cos(x) * np.sin(1.0)"),
]
NAMES = "import numpy as np\nD = {'a': 5.0, 'b': 7.0}\n"


def body(text):
    return f"{NAMES}def f(x):\n    {text}\n"


@FORMS
@pytest.mark.parametrize("before, after", EDITS)
def test_a_file_is_edited_and_reloaded(before, after, optimize, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "edited_module.py"
    path.write_text(body(before))
    importlib.invalidate_caches()
    module = importlib.import_module("edited_module")
    try:
        old = module.f
        gradient = grad(old, 0, optimize=optimize)
        agrees(old, 1.5, gradient=gradient)
        path.write_text(body(after))
        os.utime(path, (1, 1))
        importlib.reload(module)
        assert module.f.__code__ is not old.__code__
        agrees(module.f, 1.5, optimize=optimize)
        agrees(old, 1.5, gradient=gradient)
        old.__code__ = module.f.__code__  # as autoreload does
        agrees(module.f, 1.5, gradient=gradient)
    finally:
        del sys.modules["edited_module"]


@pytest.mark.parametrize("before, after", EDITS)
def test_an_edit_that_was_not_reloaded_is_noticed(before, after, tmp_path):
    for i, (first, second) in enumerate(((before, after), (after, before))):
        path = tmp_path / f"edited_{i}.py"
        path.write_text(body(first))
        scope = {}
        exec(compile(body(first), str(path), "exec"), scope)
        path.write_text(body(second))
        with pytest.raises(UnsupportedError, match="not what was compiled"):
            grad(scope["f"])
        path.write_text("# moved\n\n\n" + body(first))
        os.utime(path, (1, 1))
        agrees(scope["f"], 1.5)


@pytest.mark.parametrize("before, after", EDITS)
def test_a_text_executed_under_an_old_name(before, after, tmp_path):
    name = f"<cell {tmp_path}>"

    def run(text, known):
        linecache.cache[name] = (1, None, known.splitlines(keepends=True), name)
        scope = {}
        exec(compile(text, name, "exec"), scope)
        return scope["f"]

    for text in (before, after, before):
        agrees(run(body(text), known=body(text)), 1.5)
    unknown = run(body("return x * 77.0 + D['a']"), known=body(before))
    with pytest.raises(UnsupportedError, match="not what was compiled"):
        grad(unknown)


# -- code that is replaced in place ----------------------------------------------------------------

LARGE = "\n".join(f"    x = np.sin(x) + {i}.0 * x" for i in range(8))
PLACES = [
    # the program, and how its function `f` is reached by what is replaced
    ("def f(x):\n    return {0}\n", "f"),
    ("def h(x): return {0}\ndef f(x): return h(x) * x\n", "h"),
    ("def k(x): return {0}\ndef h(x): return k(x) + 1.0\ndef f(x): return h(x) * x\n", "k"),
    (f"def h(x):\n{LARGE}\n    return {{0}}\ndef f(x): return h(x) * h(2.0 * x) * h(3.0 * x)\n", "h"),
    ("def h(x): return {0}\ndef f(x):\n    if x > 1.0:\n        return h(x)\n    return x\n", "h"),
    ("def h(x): return {0}\ndef f(x):\n    for _ in range(int(3 * 1)):\n        x = h(x)\n    return x\n", "h"),
    ("def h(x): return {0}\ndef f(x):\n    while x < 100.0:\n        x = h(x) + 2.0\n    return x\n", "h"),
    ("def h(x): return {0}\ndef f(x): return sum([h(y) for y in [x, 2.0 * x]])\n", "h"),
    ("def h(x): return {0}\nL = [h]\ndef f(x): return L[0](x) * x\n", "h"),
    ("def h(x): return {0}\ndef f(x, g=h): return g(x) * x\n", "h"),
    ("h = lambda x: {0}\ndef f(x): return h(x) * x\n", "h"),
    ("class C:\n    def m(self, x): return {0}\nc = C()\ndef f(x): return c.m(x) * x\n", "C.m"),
    ("class C:\n    def __call__(self, x): return {0}\nc = C()\ndef f(x): return c(x) * x\n", "C.__call__"),
    ("class C:\n    def m(self, x): return {0}\ndef f(x): return C().m(x) * x\n", "C.m"),
    ("class C:\n    def __init__(self, x): self.y = {0}\ndef f(x): return C(x).y * x\n", "C.__init__"),
    ("class C:\n    def __init__(self, x): self.x = x\n    @property\n    def y(self):\n        x = self.x\n"
     "        return {0}\ndef f(x): return C(x).y * x\n", "C.y.fget"),
    ("class C:\n    x = 2.0\n    @property\n    def y(self):\n        x = self.x\n"
     "        return {0}\nc = C()\ndef f(x): return c.y * x\n", "C.y.fget"),
    ("class C:\n    @staticmethod\n    def m(x): return {0}\ndef f(x): return C.m(x) * x\n", "C.m"),
    ("class C:\n    @classmethod\n    def m(cls, x): return {0}\ndef f(x): return C.m(x) * x\n", "C.m.__func__"),
    ("class C:\n    def __add__(self, x): return {0}\nc = C()\ndef f(x): return (c + x) * x\n", "C.__add__"),
    ("class B:\n    def m(self, x): return {0}\nclass C(B):\n    def m(self, x): return super().m(x) * x\n"
     "c = C()\ndef f(x): return c.m(x)\n", "B.m"),
    ("import functools\ndef h(x): return {0}\np = functools.partial(h)\ndef f(x): return p(x) * x\n", "h"),
    ("def deco(h):\n    def inner(*a): return h(*a) * 2.0\n    return inner\ndef h(x): return {0}\nw = deco(h)\n"
     "def f(x): return w(x) * x\n", "h"),
    ("from revcompile import grad\ndef h(x): return {0}\ng = grad(h)\ndef f(x): return g(x) * x\n", "h"),
    ("from revcompile import grad\ndef h(x): return {0}\ndef f(x): return grad(h)(x) * x\n", "h"),
]  # fmt: skip


def reached(scope, path):
    name, *rest = path.split(".")
    found = scope[name]
    for step in rest:
        found = getattr(found, step)
    return found


@FORMS
@pytest.mark.parametrize("text, path", PLACES)
def test_code_that_is_replaced_in_place(text, path, optimize):
    f = make(text.format("x * x"))
    gradient = grad(f, 0, optimize=optimize)
    agrees(f, 1.5, gradient=gradient)
    target = reached(f.__globals__, path)
    old = target.__code__
    for new in ("x + x", "x * x * x"):
        other = reached(make(text.format(new)).__globals__, path)
        target.__code__ = other.__code__
        agrees(f, 1.5, gradient=gradient)
    target.__code__ = old
    agrees(f, 1.5, gradient=gradient)


@FORMS
def test_new_code_may_have_other_parameters_and_defaults(optimize):
    f, new = make("def f(x): return x * x\n"), make("def f(x, k=3.0): return x * k\n")
    gradient = grad(f, 0, optimize=optimize)
    assert gradient(2.0) == 4.0
    f.__code__, f.__defaults__ = new.__code__, new.__defaults__
    assert gradient(2.0) == 3.0
    assert gradient(2.0, 5.0) == gradient(2.0, k=5.0) == 5.0
    f.__defaults__ = (7.0,)
    assert gradient(2.0) == 7.0 and gradient.value_and_grad(2.0) == (14.0, 7.0)
    f.__code__ = make("def f(y, k=3.0): return y * k * k\n").__code__
    assert gradient(2.0) == 49.0 and "y" in gradient.source


@FORMS
@pytest.mark.parametrize("argnums", [None, 0, "x"])
def test_defaults_are_read_as_they_are(argnums, optimize):
    f = make("def f(x, k=2.0, *, m=3.0): return x * k * m\n")
    gradient = grad(f, argnums, optimize=optimize)
    assert gradient(1.0) == gradient(1.0) == 6.0
    f.__defaults__ = (5.0,)
    assert gradient(1.0) == 15.0
    f.__kwdefaults__ = {"m": 7.0}
    assert gradient(1.0) == 35.0
    f.__kwdefaults__["m"] = 2
    assert gradient(1.0) == 10.0
    f.__defaults__ = (np.array([1.0, 2.0]),)
    with pytest.raises(Exception):
        gradient(1.0)
    f.__defaults__ = (4,)
    assert gradient(1.0) == 8.0


@FORMS
def test_the_defaults_of_helpers(optimize):
    f = make("def h(x, a=2.0, *, b=3.0): return x * a * b\ndef f(x): return h(x) * 2.0\n")
    h = f.__globals__["h"]
    gradient = grad(f, optimize=optimize)
    assert gradient(1.0) == 12.0
    h.__defaults__ = (5.0,)
    assert gradient(1.0) == 30.0
    h.__kwdefaults__["b"] = 1.0
    assert gradient(1.0) == 10.0
    h.__defaults__ = (9.0, 4.0)  # of x and a
    assert gradient(1.0) == 8.0
    h.__defaults__ = None
    with pytest.raises(TypeError, match="missing"):
        gradient(1.0)
    h.__defaults__ = (True,)
    assert gradient(1.0) == 2.0
    h.__kwdefaults__ = None
    with pytest.raises(TypeError, match="missing"):
        gradient(1.0)


def test_a_gate_rule_that_is_replaced_in_place():
    f = make("def opaque(x): return np.hypot(x, 0.0)\ndef f(x): return opaque(x) * 1.0\n")
    rule = make("def rule(grad_y, x): return grad_y * helper(x)\ndef helper(x): return 2.0\n", "rule")
    scope = rule.__globals__
    gate(f.__globals__["opaque"])(scope["rule"])
    gradient = grad(f)
    assert gradient(1.0) == 2.0
    scope["rule"].__code__ = make("def rule(grad_y, x): return grad_y * 3.0\n", "rule").__code__
    assert gradient(1.0) == 3.0
    scope["rule"].__code__ = make("def rule(grad_y, x): return grad_y * helper(x)\n", "rule").__code__
    assert gradient(1.0) == 2.0
    scope["helper"].__code__ = make("def helper(x): return 5.0\n", "helper").__code__
    assert gradient(1.0) == 5.0
    scope["helper"] = make("def helper(x): return 7.0\n", "helper")
    assert gradient(1.0) == 7.0


def test_a_decorated_function_that_autoreload_gives_new_code():
    old = make("@grad\ndef f(x): return x * x\n", grad=grad)
    assert old(3.0) == 6.0
    new = make("@grad\ndef f(x): return x * x * x\n", grad=grad)
    for part in ("__code__", "__defaults__", "__doc__", "__dict__"):
        setattr(old, part, getattr(new, part))
    assert (old(3.0), old(2.0), new(3.0), old(3.0)) == (27.0, 12.0, 27.0, 27.0)


# -- what a guard reads is there no longer -----------------------------------------------------------

GONE = [
    # a program, and what is done to it one after the other
    ("K = 2.0\ndef f(x): return K * x\n", ["del K", "K = 5.0", "K = [1.0]", "K = 3"]),
    ("def abs(x): return 3.0 * x\ndef f(x): return abs(x)\n", ["del abs", "abs = float"]),
    ("L = [1.0, 2.0]\ndef f(x): return L[1] * x\n", ["L.pop()", "L.append(5.0)", "L.clear()", "L = (1.0, 7.0)"]),
    ("L = [[1.0, 2.0]]\ndef f(x): return L[0][1] * x\n", ["L.pop()", "L.append((1.0, 7.0))", "L[0] = None"]),
    ("D = {'a': {'b': 2.0}}\ndef f(x): return D['a']['b'] * x\n",
     ["del D['a']['b']", "D['a'] = {'b': 4.0}", "D['a'] = None", "del D['a']", "D['a'] = {'c': 1.0, 'b': 3.0}"]),
    ("class C:\n    def m(self, x): return 2.0 * x\nc = C()\ndef f(x): return c.m(x)\n",
     ["c.m = lambda x: 5.0 * x", "del c.m", "del C.m", "C.m = staticmethod(lambda x: 7.0 * x)", "C.m = np.sin",
      "C.m = property(lambda self: lambda x: 9.0 * x)", "del C.m", "C.m = lambda self, x: 3.0 * x"]),
    ("class C: pass\nc = C()\nc.w = 2.0\ndef f(x): return c.w * x\n",
     ["C.w = property(lambda self: 3.0 * self.__dict__['w'])", "C.w = property(lambda self: 1 / 0)",
      "C.w = property(lambda self: [].w)", "del C.w", "del c.w", "C.w = 6.0", "c.w = None", "c = None"]),
    ("class M: pass\nm = M()\nm.h = M()\nm.h.k = 2.0\ndef f(x): return m.h.k * x\n",
     ["del m.h.k", "m.h.k = 5.0", "m.h = 3", "del m.h", "del m"]),
    ("def h(x): return 2.0 * x\ndef f(x):\n    for _ in range(3): x = h(x)\n    return x\n", ["del h", "h = abs"]),
    ("class C: w = 2.0\nc = C()\ndef f(x):\n    for _ in range(3): x = c.w * x\n    return x\n", ["del C.w", "c.w = 3.0"]),
    ("import types\nm = types.ModuleType('m')\nm.w = 2.0\ndef f(x):\n    while x < 9.0: x = m.w * x\n    return x\n",
     ["del m.w", "m.w = 3.0"]),
    ("class C: w = property(lambda self: 2.0 / k)\nk = 1.0\nc = C()\ndef f(x):\n    while x < 9.0: x = c.w * x\n"
     "    return x\n", ["k = 0.0", "k = 0.5"]),
]  # fmt: skip


@FORMS
@pytest.mark.parametrize("text, changes", GONE)
def test_what_is_gone_is_what_the_program_says_it_is(text, changes, optimize):
    f = make(text)
    gradient = grad(f, optimize=optimize)
    agrees(f, 1.5, gradient=gradient)
    for change in changes:
        name = f"<change {change}>"
        linecache.cache[name] = (1, None, [change + "\n"], name)
        exec(compile(change, name, "exec"), f.__globals__)
        for _ in range(2):
            try:
                f(1.5)
            except Exception as expected:
                with pytest.raises(type(expected)):
                    gradient(1.5)
            else:
                agrees(f, 1.5, gradient=gradient)


@FORMS
def test_a_closure_variable_is_deleted(optimize):
    def outer():
        k = 2.0

        def f(x):
            return k * x

        def delete():
            nonlocal k
            del k

        return f, delete

    f, delete = outer()
    gradient = grad(f, optimize=optimize)
    assert gradient(1.0) == 2.0
    delete()
    with pytest.raises(NameError, match="k"):
        gradient(1.0)
