"""What refusals say: in the program's own words, and with a way out that works."""

from __future__ import annotations

import functools
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, check_grads, gate, grad, value_and_grad
from revcompile.errors import an
from tests.support.program import make

special = pytest.importorskip("scipy.special")
X = np.array([1.0, 2.0])
M = np.array([1.0, -2.0, 3.0])
BIG = np.arange(2000.0).reshape(200, 10)
MASKED = np.ma.array([1.0, 2.0])
STEEP = functools.partial(lambda A, x: np.fft.fft(A @ x)[0].real, BIG)


class Thing:
    pass


THING = Thing()


def written(a, b, c):
    a[0] = b[0] * c[0]
    return np.sum(a * b)


def refusal(f: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(UnsupportedError) as caught:
        grad(f)(*args)
    return str(caught.value)


SAID: list[tuple[Callable[..., Any], str, str]] = [
    (lambda x: np.sum(np.r_["0,2", x, x]), "np.r_[...] with such an item is not supported", "np.column_stack"),
    (lambda x: np.sum(np.r_[0 : x[0]]), "np.r_[...] with such an item is not supported", "np.concatenate"),
    (lambda x: np.sum(np.mgrid[0 : x[0]]), "np.mgrid[...] of what only the run knows", "np.arange"),
    (lambda x: special.logsumexp(x), "no gate rule for scipy.special.logsumexp", "gate(scipy.special.logsumexp)"),
    (lambda x: np.sum(special.gammaln(x)), "no gate rule for scipy.special.gammaln", "gate(scipy.special.gammaln)"),
    (lambda x: np.fft.fft(x)[0], "no gate rule for numpy.fft.fft, which gives complex", "from real numbers to real"),
    (lambda x: np.sum(np.fft.irfft(x)), "no gate rule for numpy.fft.irfft", "gate(numpy.fft.irfft)"),
    (lambda x: eval("x[0]"), "no gate rule for eval", "  Take the result as a constant: stop_gradient(...)"),
    (lambda x: STEEP(np.ones(10) * x[0]), "no gate rule for numpy.fft.fft", "stop_gradient"),
    (lambda x: np.sum(x, foo=1), "this form of numpy.sum is not supported",
     "Supported: numpy.sum(a, axis=None, dtype=None, *, keepdims=False, where=True)."),
    (lambda x: np.sum(np.tile(x, (M[M > 0].shape[0], 1))), "as reps= of tile", "Pass it as an argument"),
    (lambda x: np.sum(MASKED * x), "is a MaskedArray", "MASKED.filled(0.0)"),
    (lambda x: ..., "the function returns an ellipsis", ""),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SAID)))
def test_in_these_words(number: int) -> None:
    f, reason, way_out = SAID[number]
    text = refusal(f, X)
    assert reason in text.splitlines()[0]
    assert way_out in text.splitlines()[-1]
    assert re.search(rf'File "{re.escape(__file__)}", line \d+, in ', text)
    assert len(text) < 1200 and "'Any'" not in text and "._" not in text.replace(__file__, "")


@pytest.mark.parametrize(
    ("argument", "is_a", "way_out"),
    [
        (OrderedDict(a=1.0), "an OrderedDict", "Pass dict(x)."),
        (defaultdict(int), "a defaultdict", "Pass dict(x)."),
        (Counter("a"), "a Counter", "Pass dict(x)."),
        ({1, 2}, "a set", "Pass list(x)."),
        (deque([1.0]), "a deque", "Pass list(x)."),
        (MASKED, "a MaskedArray", "Pass x.filled(0.0)"),
        (object(), "an object", "Pass numbers"),
    ],
)  # fmt: skip
def test_how_to_pass_it(argument: Any, is_a: str, way_out: str) -> None:
    text = refusal(lambda x: 1.0, argument)
    assert f"argument x is {is_a}," in text and way_out in text


def test_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1.0, 2.0])
    assert ".to_numpy()" in refusal(lambda x: np.sum(series * x), X)
    assert "Pass x.to_numpy(), or" in refusal(lambda x: np.sum(x), series)
    assert "Pass x.to_numpy(), or" in refusal(lambda x: np.sum(x), pandas.DataFrame({"a": [1.0]}))


def test_which_arguments_share_memory() -> None:
    z = np.zeros(3)
    for args, pair in [((z, z, M), "a and b"), ((z, M, z), "a and c"), ((z[:2], z[1:], M), "a and b")]:
        text = refusal(written, *args)
        assert f"{pair} share memory, and written writes into a" in text and "a.copy()" in text
    assert grad(written)(z, M, M.copy())[0].shape == (3,)


@pytest.mark.parametrize("transform", [grad, value_and_grad])
@pytest.mark.parametrize(
    ("keyword", "meant"),
    [("argnum", "argnums"), ("argnames", "argnums"), ("hasaux", "has_aux"), ("optimise", "optimize")],
)  # fmt: skip
def test_an_unknown_keyword(transform: Any, keyword: str, meant: str) -> None:
    words = (
        rf"{transform.__name__}\(\) got an unexpected keyword argument '{keyword}'. Did you mean '{meant}'\?"
    )
    with pytest.raises(TypeError, match=words):
        transform(lambda x: x, **{keyword: 0})
    with pytest.raises(TypeError, match=words):
        transform(**{keyword: 0})
    with pytest.raises(TypeError, match="'argnum'. Did you mean 'argnums'"):
        check_grads(lambda x: x, (1.0,), argnum=0)  # type: ignore[call-arg]


def test_articles() -> None:
    words = "float int64 object uint8 array OrderedDict Instance ufunc union undefined"
    assert [an(w).split()[0] for w in words.split()] == [
        "a",
        "an",
        "an",
        "a",
        "an",
        "an",
        "an",
        "a",
        "a",
        "an",
    ]


def test_what_is_called_is_no_function() -> None:
    with pytest.raises(TypeError, match="'Thing' object is not callable"):
        grad(lambda x: THING(x))(1.0)


def test_a_long_repr_is_cut() -> None:
    with pytest.raises(UnsupportedError) as caught:
        grad(BIG)
    assert len(str(caught.value)) < 300


@pytest.mark.usefixtures("gates_of_its_own")
def test_advice_that_can_be_followed() -> None:
    """`gate` takes what the refusal names."""

    @gate(np.fft.hfft)
    def hfft_rule(grad_y: "np.ndarray", a: "np.ndarray", n: "int" = 3) -> Any:
        return grad_y

    assert "numpy.fft.hfft(a, n=3)" in refusal(lambda x: np.fft.hfft(x, foo=1)[0], X)


# -- what need not be refused -----------------------------------------------------------------------


@pytest.mark.parametrize("among", [(0.5, 0.6), [0.5, 0.6], {0.5, 0.6}, frozenset({0.5, 1})])
@pytest.mark.parametrize("optimize", [True, False])
def test_a_real_number_among_others(among: Any, optimize: bool) -> None:
    inside = grad(lambda a: a * 2.0 if a in among else a * a, optimize=optimize)
    outside = grad(lambda a: a * 2.0 if a not in among else a * a, optimize=optimize)
    for a in (0.5, 0.75):
        assert inside(a) == (2.0 if a in among else 2.0 * a)
        assert outside(a) == (2.0 if a not in among else 2.0 * a)


def test_a_real_number_among_numbers_of_the_run() -> None:
    def f(a, b, x):
        if a in (b, 0.5) or a in x:
            return 3.0 * a * b
        return a * b

    for a, b, x in [(0.5, 1.0, X), (0.7, 0.7, X), (2.0, 1.0, X), (0.7, 1.0, X)]:
        factor = 3.0 if a in (b, 0.5) or a in x else 1.0
        assert grad(f)(a, b, x)[:2] == (factor * b, factor * a)


def test_where_with_one_argument() -> None:
    f = grad(lambda x: np.sum(x[np.where(x > 1.5)] ** 2))
    assert f(M).tolist() == [0.0, 0.0, 6.0] and f(X).tolist() == [0.0, 4.0]


def test_numpys_own_index_objects() -> None:
    assert grad(lambda x: np.sum(x * np.mgrid[0:2]))(X).tolist() == [0.0, 1.0]
    assert grad(lambda x: np.sum(x * np.r_[1.0, 3.0]))(X).tolist() == [1.0, 3.0]
    assert grad(lambda x: np.sum(np.r_[x, 1.0, 0:3] * np.r_[x[1], x, 1:2:3j]))(X).tolist() == [4.0, 3.0]
    assert grad(lambda x: np.sum(np.c_[x, x[1] * x, [1.0, 2.0]][1]))(X).tolist() == [0.0, 5.0]
    assert grad(lambda x: np.sum(np.c_[x[0], 3.0]))(X).tolist() == [1.0, 0.0]
    a = grad(lambda x: np.sum(x[0] * (np.ogrid[0:2, 0:3][0] + np.ogrid[0:2, 0:3][1])))(X)
    assert a.tolist() == [9.0, 0.0]
    single = X.astype(np.float32)
    assert value_and_grad(lambda x: np.sum(np.r_[x, 1.0, 0.5 * x[0]]))(single)[0].dtype == np.float32
    assert grad(lambda x: np.sum(x[np.s_[1:]]))(X).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "made", ["map(np.sin, x)", "zip(x, x)", "filter(None, x)", "enumerate(x)", "reversed(x)"]
)
def test_next_of_what_is_made_later(made: str) -> None:
    said = refusal(make(f"def f(x):\n    m = {made}\n    a = next(m)\n    return np.sum(a)\n"), X)
    assert "next() of m, whose items are made when it is gone through, is not supported" in said
    assert "line 3, in f" in said and "iter(list(...))" in said
    works = make(
        f"def f(x):\n    m = iter(list({made.replace('filter(None, x)', 'x')}))\n    return np.sum(next(m))\n"
    )
    assert np.all(np.isfinite(grad(works)(X)))


def test_next_of_nothing() -> None:
    with pytest.raises(StopIteration):
        grad(lambda x: next(map(np.sin, [])) * x)(1.0)


@pytest.mark.parametrize("before", ["if True:", "for i in range(2):", "while x < 3.0:"])
def test_a_try_block(before: str) -> None:
    block = "        try:\n            y = x\n        finally:\n            y = 2.0 * x\n        x = x + 1.0\n        return x\n"
    said = refusal(make(f"def f(x):\n    {before}\n{block.replace('x + 1.0', '2.0')}    return x\n"), 1.0)
    assert "a try block is not supported yet" in said and "line 3, in f\n" in said
    assert "`if`" in said and "stop_gradient(g(...))" in said


@pytest.mark.parametrize(
    ("function", "name", "advises"),
    [
        (np.lib.stride_tricks.as_strided, "numpy.lib.stride_tricks.as_strided", True),
        (np.ma.array, "numpy.ma.array", True),
        (open, "open", False),
        (np.fft.irfft, "numpy.fft.irfft", True),
    ],
)
def test_the_public_name_is_said(function, name, advises):
    with pytest.raises(UnsupportedError, match=f"^no gate rule for {re.escape(name)}\n") as caught:
        grad(lambda x: np.sum(function(x)))(np.ones(3))
    assert (f"@revcompile.gate({name})" in str(caught.value)) == advises


@pytest.mark.parametrize("args", [(), (1.0, 2.0, 3.0, 4.0)])
@pytest.mark.parametrize("function", [np.add.at, np.copyto, np.put, np.putmask, np.fill_diagonal])
def test_a_function_that_writes_gets_too_few_arguments_or_too_many(function, args):
    with pytest.raises((UnsupportedError, TypeError), match="is not supported|argument"):
        grad(lambda x: function(x, *args) or np.sum(x))(np.ones(3))


def _inside(v):
    return v * v if v > 0 else -v


@pytest.mark.parametrize("options", [{"cache": True}, {"otypes": [float], "cache": True}])
def test_a_vectorized_function_says_what_to_do(options):
    vectorized = np.vectorize(_inside, **options)
    said = refusal(lambda x: np.sum(vectorized(x)), X)
    assert (
        "no gate rule for numpy.vectorize of " in said and "_inside, which calls it for each element" in said
    )
    assert "_inside with the whole array" in said and "_inside(v) for v in x])." in said
    of_lambda = np.vectorize(lambda v: v * v, cache=True)
    assert "Call the function with the whole array" in refusal(lambda x: np.sum(of_lambda(x)), X)
    constant = np.ones(len(X))
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * vectorized(constant)))(X), constant)
