"""What is refused: at the user's line, with a caret, a reason and, where there is one, a way out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make

A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

REFUSED = [
    # statement, what the message says
    ("with open('x') as y: y = x", "with block"),
    ("try:\n        y = x\n    except ValueError:\n        y = 1", "a try block"),
    ("global q\n    q = 1", "global"),
    ("yield x", "yield"),
    ("y = yield", "yield"),
    ("class C: pass", "class"),
    ("import math", "import inside"),
    ("from math import sin", "import inside"),
    ("async def g(z): return z", "async def is not supported"),
    ("match x:\n        case _: pass", "a match statement is not supported"),
    ("y = scipy.signal.lfilter([1.0], [1.0], x)", "no gate rule for scipy.signal"),
    ("y = np.fft.fft(x)", "no gate rule for numpy.fft"),
    ("y = np.sort_complex(x)", "no gate rule for numpy.*sort_complex"),
    ("y = eval('x')", "no gate rule for eval"),
    ("y = x * 1j", "complex"),
    ("y = x ** 1j", "complex"),
    ("y = np.zeros(3, dtype=complex) + x", "complex"),
    ("y = x.astype(str)", "only real numbers"),
    ("y = x.astype(object)", "only real numbers"),
    ("y = words * x", "only real numbers"),
    ("y = things * x", "only real numbers"),
    ("y = matrix @ x.T", "matrix"),
    ("y = np.exp(x, where=x > 0)", "where"),
    ("y = np.exp(x, where=x > 0)", "without out="),
    ("y = x.tobytes()", "tobytes"),
    ("y = x.view(np.int64)", "view"),
    ("y = sorted(x)", "must know it: as an argument of sorted"),
    ("y = {v for v in x}", "must know it: as an item of a set"),
    ("y = (1, 2)[np.argmax(x)]", "must know it: as an index"),
    ("raise ValueError from None", "raise"),
]


@pytest.mark.parametrize("statement, message", REFUSED)
def test_refused_at_its_line(statement, message):
    text = f"import scipy.signal\ndef helper(z): return z\n\ndef f(x):\n    y = x\n    {statement}\n    return np.sum(y)\n"
    names = {"words": np.array(["a"]), "things": np.array([None, 1]), "matrix": np.matrix(A)}
    with pytest.raises(UnsupportedError, match=message) as caught:
        grad(make(text, **names))(A)
    error = caught.value
    assert error.place is not None and error.place.line in (6, 7)
    first = statement.splitlines()[error.place.line - 6].strip()
    lines = str(error).splitlines()
    assert lines[1].startswith('  File "<program ') and lines[1].endswith("in f")
    assert lines[2].strip() == first
    assert set(lines[3].strip()) == {"^"}
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_way_out_is_named():
    for statement, way_out in [
        ("y = np.fft.fft(x)", "@revcompile.gate"),
    ]:
        with pytest.raises(UnsupportedError) as caught:
            grad(make(f"def f(x):\n    {statement}\n    return np.sum(x)\n"))(A)
        assert way_out in caught.value.way_out


PYTHONS_OWN = [
    ("y = nope + x", NameError), ("y = x[5, 5, 5]", IndexError), ("y = x.sum(axis=7)", ValueError),
    ('y = "a" + 1', TypeError), ("y = (1, 2)[5]", IndexError), ('y = {}["k"]', KeyError), ("y = None + x", TypeError),
    ("y = helper(x, 1, 2)", TypeError), ("y = np.sin()", TypeError), ("y = len(3.0)", TypeError),
    ("a, b = (1, 2, 3)", ValueError), ("y = 1 / 0", ZeroDivisionError), ("y = np.nope(x)", AttributeError),
    ("y = x if x else 1.0", ValueError), ("assert x", ValueError), ("y = not x", ValueError), ("if x: y = 2", ValueError),
    ("y = x and y", ValueError), ("y = np.reshape(x, (5, 'a'))", TypeError), ("y = x.copy + 1", TypeError),
    ("y = helper + x", TypeError), ("y = np.array(['a']) * x", TypeError), ("y = later; later = 1", UnboundLocalError),
]  # fmt: skip


@pytest.mark.parametrize("statement, kind", PYTHONS_OWN)
def test_pythons_own_errors_keep_their_type_and_name_the_line(statement, kind):
    f = make(f"def helper(z): return z\n\ndef f(x):\n    y = x\n    {statement}\n    return np.sum(y)\n")
    with pytest.raises(kind):
        f(A)
    with pytest.raises(kind) as caught:
        grad(f)(A)
    assert "line 5, in f" in str(caught.value) and "^" in str(caught.value)


def test_an_error_in_a_helper_names_the_helpers_line():
    text = "def helper(z):\n    return np.fft.fft(z)\ndef f(x):\n    return np.sum(helper(x))\n"
    with pytest.raises(UnsupportedError, match="line 2, in helper"):
        grad(make(text))(A)


def test_a_result_that_is_no_number_names_the_return():
    with pytest.raises(UnsupportedError, match="line 3, in f") as caught:
        grad(make("def f(x):\n    y = x * 2\n    return y\n"))(A)
    assert "np.sum" in caught.value.way_out
    with pytest.raises(UnsupportedError, match="line 1, in <lambda>"):
        grad(make("f = lambda x: x\n"))(A)


@pytest.mark.parametrize(
    "argument, message",
    [
        (1j, "complex"), (np.complex64(1), "complex"), (A * 1j, "complex128"), (np.array(["a"]), "<U1"),
        (np.array([None]), "object"), ({1, 2}, "set"), (object(), "object"), (np.matrix(A), "matrix"),
        (np.ma.masked_array(A), "MaskedArray"), (A.astype(">f8"), "byte order"), (np.datetime64("2020"), "datetime64"),
        (np.zeros(2, [("a", float)]), r"\['a'\]|dtype"), (range(3), "range"), ([1.0, 2j], r"x\[1\] is complex"),
        ({"k": "a", "l": {3}}, r"x\['l'\] is a set"), (iter([1.0]), "iterator"),
    ],
)  # fmt: skip
def test_arguments_that_are_no_numbers_are_refused(argument, message):
    with pytest.raises(UnsupportedError, match=message):
        grad(lambda x: np.sum(x))(argument)


class Settings:
    k = 2.0


def test_an_object_is_not_differentiated():
    f = lambda x, s: x * s.k
    with pytest.raises(UnsupportedError, match="(?s)s is a Settings.*argnums"):
        grad(f)(1.0, Settings())
    assert grad(f, 0)(1.0, Settings()) == 2.0
    for use in (
        lambda x, s: x * s,
        lambda x, s: x * s[0],
        lambda x, s: np.sin(s),
        lambda x, s: x * len(s),
    ):
        with pytest.raises(UnsupportedError, match="Settings"):
            grad(use, 0)(1.0, Settings())
    assert grad(lambda x, s: x if s else 2 * x, 0)(1.0, Settings()) == 1.0


def test_a_number_that_would_lose_its_gradient_is_not_made_static():
    with pytest.raises(UnsupportedError, match="must know it"):
        grad(lambda x: x * (1.0, 2.0)[int(x)])(1.0)


def test_shapes_that_do_not_fit_are_refused():
    for f in (lambda x, y: np.sum(x * y), lambda x, y: np.sum(x + y), lambda x, y: x @ y):
        with pytest.raises(ValueError):
            grad(f)(np.ones(3), np.ones(2))
    with pytest.raises(ValueError):
        grad(lambda x: np.sum(x * np.ones(3)))(np.ones(2))
