"""Calls by keyword, methods of ufuncs and functions that are others in other words, wherever they may stand.

Each in every form of statement, in both texts, and twice with other values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from revcompile import grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make
from tests.sweep.calls import Call, call_of
from tests.sweep.judge import judge

CALLS = [
    "np.log(v, out=np.zeros(3), where=v > 0)", "np.divide(v, w, out=t, where=w > 0)", "np.add(v, w, dtype=np.float32)",
    "np.multiply(v, n, casting='unsafe', order='F')", "np.max(M, 1, initial=a, where=M > 0)", "np.std(M, axis=0, correction=1)",
    "np.mean(M, 1, where=k)", "np.nansum(v, initial=a)", "np.prod(M, axis=0, where=M > 0)", "np.hypot.reduce(v)",
    "np.subtract.accumulate(v)", "np.multiply.outer(v, u)", "np.add.reduceat(v, [0, 2, 1])", "np.hypot.reduceat(v, [1, 2])", "np.maximum.accumulate(v)",
    "np.delete(v, [0, -1])", "np.insert(v, 1, a)", "np.append(M, v)", "np.resize(v, (2, 4))", "np.zeros((2, 3), order='F') + v",
    "np.real(v) + np.imag(v)", "np.conj(v)", "np.polyval([a, b, c], v)", "np.polymul(v, w)", "np.polydiv(u, v)",
    "np.quantile(v, [0.3, 0.8])", "np.nanpercentile(M, 30, axis=1)", "np.histogram(v, 3, None, None, p)", "np.cov(M)",
    "np.unique(v)", "np.setdiff1d(v, w)", "np.gradient(v, a)", "np.unwrap(3 * v)", "np.nancumsum(v)", "np.stack(M)",
    "np.concatenate([v, w], dtype=np.float64)", "np.interp(v, [-1.0, 0.0, 1.0], w, a, b)", "np.partition(u, 2)",
    "np.piecewise(v, [v > 0], [lambda x: x * x, a])", "np.apply_along_axis(lambda r: r @ r, 0, M)",
    "np.trim_zeros(M)", "np.nan_to_num(v, copy=False)", "np.array(v, ndmin=2)", "np.convolve(v, a)", "v.flat[1] * w",
    "np.choose(n, [v, w], mode='clip')", "k.choose(v, w)", "np.arange(a, stop=5)", "np.bincount(n, v)", "np.linspace(a, b, 3, retstep=True)[1] * v",
    "np.modf(v, w, t)", "np.place(t, k, [a, b])", "np.put_along_axis(t, n, w, 0)", "np.multiply.at(t, [0, 0, 1], w)",
    "np.einsum(A, [0, 1], B, [1, 2], [0, 2])", "np.i0(v)", "np.roll(v, 1.7)", "np.unique(M, axis=0)", "tM.partition(1)",
    "np.put(tM, [0, -1], [a, b], mode='wrap')", "np.fill_diagonal(tM, v[:2], wrap=True)", "np.take(v, v > 0)",
    "np.nan_to_num(np.log(v), nan=a) + M.item(1, 0)",
]  # fmt: skip

FORMS = {
    "alone": "def f({p}):\n{body}    return {loss}\n",
    "if": "def f({p}):\n    if SWITCH > 0.5:\n{deep}        return {loss}\n    return 0.0\n",
    "for": "def f({p}):\n    s = 0.0\n    for _ in range(TWICE):\n{deep}        s = s + ({loss})\n    return s\n",
    "while": "def f({p}):\n    s, k_ = 0.0, 0\n    while k_ < TWICE:\n        k_ += 1\n{deep}        s = s + ({loss})\n    return s\n",
    "early exit": "def f({p}):\n    for i_ in range(3):\n{deep}        if i_ == TWICE - 1:\n            return {loss}\n    return 0.0\n",
    "helper": "def h({p}):\n{body}    return {loss}\n\ndef f({p}):\n    return h({p}) * 1.0\n",
    "larger helper": "def h({p}):\n    if SWITCH > 0.5:\n{deep}        return {loss}\n    return 0.0\n\n"
    "def f({p}):\n    s = 0.0\n    for _ in range(TWICE):\n        s += h({p})\n    return s\n",
    "method": "class C:\n    def h(self, {p}):\n{deep}        return {loss}\n\ndef f({p}):\n    return C().h({p})\n",
    "list": "def f({p}):\n    kept = []\n    for _ in range(TWICE):\n{deep}        kept.append({loss})\n    return sum(kept)\n",
    "store": "def f({p}):\n    kept = np.zeros(3)\n    for i_ in range(TWICE):\n{deep}        kept[i_] = {loss}\n    return np.sum(kept)\n",
}  # fmt: skip


def in_form(call: Call, form: str) -> Call:
    _, *body, last = call.program.splitlines()
    program = FORMS[form].format(
        p=", ".join(call.variables),
        body="".join(f"{line}\n" for line in body),
        deep="".join(f"    {line}\n" for line in body),
        loss=last.strip().removeprefix("return "),
    )
    return replace(call, program=program, weights=(*call.weights, ("SWITCH", 0.7), ("TWICE", 2)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", CALLS)
def test_every_form(text: str, form: str) -> None:
    call = call_of(text)
    if call is None:
        pytest.skip("an older NumPy does not take this")
    for optimize in (True, False):
        verdict = judge(in_form(call, form), optimize, with_value=optimize)
        assert verdict.outcome in ("right", "unjudged"), verdict


@pytest.mark.parametrize("text", CALLS)
def test_a_second_call_with_other_values(text: str) -> None:
    call = call_of(text)
    if call is None:
        pytest.skip("an older NumPy does not take this")
    f = make(call.program, **dict(call.weights))
    which = call.differentiated
    gradient = grad(f, argnums=which)
    gradient(*call.arguments)
    moved = tuple(0.83 * x - 0.011 if i in which else x for i, x in enumerate(call.arguments))
    if "float32" in text:
        pytest.skip("differences are coarse there")
    expected = numerical_gradients(
        lambda *given: f(*_put(moved, which, given)), tuple(moved[i] for i in which)
    )
    assert_close(gradient(*moved), expected)


def _put(args: tuple[Any, ...], which: tuple[int, ...], given: tuple[Any, ...]) -> list[Any]:
    found = list(args)
    for i, x in zip(which, given, strict=True):
        found[i] = x
    return found


def test_what_numpy_refuses_is_refused_alike() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.add(x, x, dtype=int))

    with pytest.raises(TypeError, match="Cannot cast"):
        grad(f)(np.array([0.3, 0.4]))


def test_where_without_out_is_refused() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.log(x, where=x > 0))

    with pytest.raises(TypeError, match="without out= leaves the other elements"):
        grad(f)(np.array([0.3, 0.4]))
