"""The sweep as a test: never wrong, never a crash. Some of the calls daily, all of them with the fuzzers."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from tests.face.test_refusals import rows
from tests.sweep.calls import LEFT_OUT, OF_NO_FLOATS, a_call_of, call_of, functions
from tests.sweep.judge import judge, swept

FAULTS = ("wrong", "crash")

# A call of each kind that has died inside generated text, or was wrong.
KINDS = [
    "np.meshgrid(v, u, a)", "np.meshgrid(M, v)", "np.sum(q, where=[True, False, True])", "v.clip(-0.5, 0.5, order='F')",
    "v.clip(c, b, np.zeros(3))", "np.take(v, 0.3)", "np.take(M, (3, 2))", "np.take(M, k)", "v.take(k)", "np.floor_divide(n, w[:1])",
    "np.floor_divide(v, [0.5, 1.5, 2.5])", "np.linalg.qr(M)", "np.linalg.qr(T)", "np.linalg.svd(M)", "np.linalg.svd(A)", "np.cross(w[:2], v)",
    "np.cross(v[:2], w[:2])", "np.cross(M, v, 0)", "np.trapezoid(v, (0.5, 1.0, 2.5))", "np.trapezoid(v, (2, 3))", "np.rot90(M, 0.5)",
    "np.linalg.pinv(A, 0.5)", "np.linalg.pinv(A)", "np.size(R, (0, 2))", "np.convolve(a, v)", "np.select(k, v)", "np.argpartition(v, i)",
    "np.digitize(v, np.zeros(3))", "np.geomspace((2, 3), a)", "np.hsplit(M, (3, 2))", "np.put(t, [0, 1], w)", "np.put(t, k, a)", "sum(v, n)",
    "sum(M, v)", "sum(v, M)", "np.isclose(v, [0.5, 1.5, 2.5])", "divmod(np.zeros(3), v)", "M.all(0, None, None)", "v.reshape(None)", "math.log(z)",
    "max([[a, b], [c, 1.5]])", "np.linalg.multi_dot(M)", "np.average(A, [0, 1])", "np.squeeze(a, axis=0)", "np.logical_and(np.zeros(3), v)",
]  # fmt: skip


@pytest.mark.parametrize("text", KINDS)
def test_kinds(text: str) -> None:
    call = call_of(text)
    if call is None:
        pytest.skip("an older NumPy does not take this")
    for optimize in (True, False):
        verdict = judge(call, optimize, with_value=optimize)
        assert verdict.outcome not in FAULTS, verdict


# Lengths that NumPy takes and a rule does not: refused at the line, also where only a block meets them.
UNEQUAL = [
    "np.linalg.svd(M)",
    "np.cross(M, v, 0)",
    "np.cross(v[:2], w[:2])",
    "np.trapezoid(v, (2, 3))",
    "np.linalg.qr(M)",
]
FORMS = {
    "if": "def f({p}):\n    if SWITCH > 0.5:\n{body}        return {loss}\n    return 0.0\n",
    "for": "def f({p}):\n    s = 0.0\n    for _ in range(TWICE):\n{body}        s = s + ({loss})\n    return s\n",
    "while": "def f({p}):\n    s, k = 0.0, 0\n    while k < TWICE:\n        k += 1\n{body}        s = s + ({loss})\n    return s\n",
    "helper": "def h({p}):\n    if True:\n{body}        return {loss}\n\ndef f({p}):\n    return h({p}) * 1.0\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", UNEQUAL + [text for text in KINDS[::2] if text not in UNEQUAL])
def test_kinds_in_every_form(text: str, form: str) -> None:
    call = call_of(text)
    if call is None:
        pytest.skip("an older NumPy does not take this")
    _, *body, last = call.program.splitlines()
    program = FORMS[form].format(
        p=", ".join(call.variables),
        body="".join(f"    {line}\n" for line in body),
        loss=last.strip().removeprefix("return "),
    )
    weights = (*call.weights, ("SWITCH", 0.7), ("TWICE", 2))
    verdict = judge(replace(call, program=program, weights=weights))
    assert verdict.outcome not in FAULTS, verdict


@pytest.mark.parametrize("third", range(3))
def test_some_of_each(third: int) -> None:
    """One call of every second function."""
    found = [(call, judge(call)) for f in functions()[third::6] if (call := a_call_of(f)) is not None]
    assert [(call.text, verdict) for call, verdict in found if verdict.outcome in FAULTS] == []


HOMES = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft, "math": math}


def test_none_is_missing() -> None:
    """Every public function is swept, or it is said why not."""
    swept_ones = set(functions())
    public = [
        (f"{home}.{name}", name)
        for home, module in HOMES.items()
        for name in dir(module)
        if not name.startswith("_") and callable(getattr(module, name))
    ]
    public += [(f".{name}", name) for name in dir(np.ndarray) if not name.startswith("_")]
    assert [text for text, name in public if (text in swept_ones) == (name in LEFT_OUT)] == []


@pytest.mark.fuzz
def test_each_is_called() -> None:
    never = {f for f in functions() if f not in OF_NO_FLOATS and a_call_of(f) is None}
    assert never == set()


@pytest.mark.fuzz
@pytest.mark.parametrize("function", functions())
def test_all(function: str) -> None:
    found = swept(function)
    assert [(call.text, verdict) for call, verdict in found if verdict.outcome in FAULTS] == []
    refused = [(call.text, verdict) for call, verdict in found if verdict.outcome == "refused"]
    assert [(text, verdict) for text, verdict in refused if kind(verdict.why) not in KINDS_OF_REFUSAL] == []


# -- what README says is refused -----------------------------------------------------------------

ODD = {  # of arguments that no program has
    "bincount of such lengths: 0 is not 3",
    "the dtype <U32 is not supported; only real numbers are",
    "what it gives has 1 axes, and not 2",
}


def kind(words: str) -> str:
    """What is said, without what it is said of."""
    words = words.split(":")[0]
    for pattern, name in (
        (r"\b(np|numpy)(\.\w+)+", "NAME"),
        (r"'[^']*'", "STR"),
        (r"dtype=\w+", "dtype="),
        (r"(float|int|bool)\d*\[[:, ]*\]|np\.float64", "T"),
        (r"(of|the) \.?\w+ (gate|is not implemented)", "GATE"),
        (r"(attribute|form of) \.?\w+", "it"),
        (r"(without|of) \w+=\w*", "OPTION"),
        (r"^\w+ (has no rule|of lists)", "GATE"),
        (r"(do not agree|arrays of one shape).*", ""),
    ):
        words = re.sub(pattern, name, words)
    return words


KINDS_OF_REFUSAL = {kind(words) for words in (*(words for _, words in rows()), *ODD)}


def test_some_of_what_is_refused_stands_in_readme() -> None:
    found = [
        judged
        for f in functions()[::9]
        if (call := a_call_of(f)) and (judged := judge(call)).outcome == "refused"
    ]
    assert [verdict for verdict in found if kind(verdict.why) not in KINDS_OF_REFUSAL] == []
