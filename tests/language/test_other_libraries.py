"""Objects of other libraries in globals, closures, attributes and arguments; and what must be known of them."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.language.checking import check

pd = pytest.importorskip("pandas")

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "k": ["u", "v", "u"]})
SERIES = FRAME["a"]
BOX = SimpleNamespace(frame=FRAME)
P = np.array([0.5, -1.0, 2.0])
PATTERN, NAME = re.compile(r"(\d+)"), "w12"
MODE = {"kind": "square"}


def closed_over(p: Any) -> Any:
    frame = FRAME

    def inner(q: Any) -> Any:
        return np.sum(frame["a"].to_numpy() * q)

    return inner(p) * inner(p)


def by_group(p: Any) -> Any:
    s = 0.0
    for _, part in FRAME.groupby("k"):
        s = s + len(part) * np.sum(p * part["b"].mean())
    return s


def by_row(p: Any) -> Any:
    s = 0.0
    for i, row in FRAME.iterrows():
        s = s + row["a"] * p[i] ** 2
    return s


def by_column(p: Any) -> Any:
    for c in FRAME.columns:
        if c == "b":
            return np.sum(FRAME[c].values * p)
    return p[0]


def contained(p: Any) -> Any:
    s = p[0]
    if "a" in FRAME.columns:
        s = s * 3.0
    if "z" not in FRAME.columns:
        s = s * p[1]
    return s


def in_loop(p: Any) -> Any:
    for i in range(3):
        p = p * FRAME["a"].values + i
    return np.sum(p)


@pytest.mark.parametrize(
    "f",
    [
        lambda p: FRAME["a"].values @ p,
        lambda p: np.sum(np.asarray(FRAME.a) * p),
        lambda p: np.sum(SERIES.to_numpy() * p),
        lambda p: np.sum(np.array(SERIES) * p),
        lambda p: np.sum(FRAME[["a", "b"]].to_numpy().T @ p),
        lambda p: FRAME["a"].mean() * np.sum(p) + len(FRAME) * p[0] + FRAME.shape[0] * p[1],
        lambda p: np.sum(BOX.frame.b.values * p),
        lambda p: np.sum(p[(FRAME["k"] == "u").values] ** 2),
        lambda p: FRAME.loc[1, "a"] * p[0] + FRAME.iloc[0]["a"] * p[1],
        lambda p: p[0] if FRAME.empty else p[1] * 2.0,
        lambda p: np.sum(FRAME.query("a > 1").b.values) * p[0],
        lambda p: int(PATTERN.search(NAME).group(1)) * np.sum(p),
        closed_over, by_group, by_row, by_column, contained, in_loop,
    ],
)  # fmt: skip
def test_of_constants(f: Any) -> None:
    check(f, P)


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.sum(SERIES * p),
        lambda p: np.sum(p - SERIES),
        lambda p: p @ SERIES,
        lambda p: np.dot(FRAME["a"], p),
        lambda p: np.sum(np.log(FRAME["a"]) * p),
    ],
)
def test_what_is_differentiated_enters(f: Any) -> None:
    with pytest.raises(UnsupportedError, match="to_numpy") as caught:
        grad(f)(P)
    assert "test_other_libraries.py" in str(caught.value)


def test_an_argument() -> None:
    def f(p: Any, frame: Any) -> Any:
        return np.sum(frame["a"].values * p)

    gradient = grad(f, argnums=0)
    np.testing.assert_allclose(gradient(P, FRAME), [1.0, 2.0, 3.0])
    np.testing.assert_allclose(gradient(P, FRAME[["a"]] * 2.0), [2.0, 4.0, 6.0])
    with pytest.raises(UnsupportedError, match="to_numpy"):
        grad(f)(P, FRAME)


def test_another_frame_at_the_next_call() -> None:
    box = SimpleNamespace(frame=FRAME)
    gradient = value_and_grad(lambda p: np.sum(box.frame["a"].values * p))
    for frame in (FRAME, FRAME.assign(a=[1, 2, 3]), FRAME.assign(a=np.float32(0.5)), FRAME.iloc[::-1]):
        box.frame = frame
        numbers = frame["a"].to_numpy()
        value, slope = gradient(P)
        np.testing.assert_allclose(value, np.sum(numbers * P))
        np.testing.assert_allclose(slope, numbers)


def mode() -> str:
    try:
        return MODE["kind"]
    except KeyError:
        return "none"


def axis(n: int) -> int:
    try:
        return (1, 0)[n]
    except IndexError:
        return 0


def test_what_steers_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(x: float) -> float:
        return x * x if mode() == "square" else 3.0 * x

    def a_key(x: float) -> float:
        return {"square": x * x, "cube": x**3, "none": x}[mode()]

    for f in (compared, a_key):
        gradient = grad(f)
        for kind in ("square", "cube", "square"):
            monkeypatch.setitem(MODE, "kind", kind)
            assert gradient(2.0) == pytest.approx((f(2.0 + 1e-6) - f(2.0 - 1e-6)) / 2e-6)
        monkeypatch.delitem(MODE, "kind")
        assert gradient(2.0) == pytest.approx((f(2.0 + 1e-6) - f(2.0 - 1e-6)) / 2e-6)


def test_an_axis_that_a_helper_gives() -> None:
    def f(x: Any, n: int) -> Any:
        return np.sum(np.cumsum(x, axis=axis(n)) ** 2)

    x = np.arange(6.0).reshape(2, 3)
    for n in (0, 1, 5):
        check(f, x, n, argnums=(0,))


def test_texts() -> None:
    def f(x: float, n: int) -> float:
        label = f"case {n}"
        if label == "case 1":
            return x * x
        if label.startswith("case 2") and len(label) == 6:
            return x * math.pi
        return x if "3" in label else 0.5 * x

    gradient = grad(f, argnums=0)
    assert [gradient(3.0, n) for n in (1, 2, 3, 4)] == [6.0, math.pi, 1.0, 0.5]


def test_functions_that_are_passed() -> None:
    integrate = pytest.importorskip("scipy.integrate")

    def by_lambda(x: float, n: int) -> float:
        return x * sum(integrate.quad(lambda t: t**2, 0, i)[0] for i in range(n))

    def by_def(x: float, n: int) -> float:
        def square(t: float) -> float:
            return t * t

        return x * integrate.quad(square, 0, n)[0]

    def closing(x: float, n: int) -> float:
        return x * integrate.quad(lambda t: t * x, 0, n)[0]

    for f in (by_lambda, by_def):
        check(f, 1.5, 3, argnums=(0,))
    with pytest.raises(UnsupportedError, match="x is differentiated, and read by a function"):
        grad(closing, argnums=0)(1.5, 2)


def test_lists_that_grow() -> None:
    def f(x: float, n: int) -> float:
        ws = []
        for i in range(n):
            ws.append(float(axis(i)))
            x = x * (1.0 + np.ptp(ws))
        return x

    for n in (0, 1, 3):
        assert grad(f, argnums=0)(2.0, n) == pytest.approx(f(1.0, n))


def sliced_in_a_loop(p: Any) -> Any:
    s = 0.0
    for k in range(2):
        s = s + np.sum(FRAME["a"][1:].to_numpy() * p[1:]) + np.sum(FRAME.iloc[k:, 0].to_numpy() * p[k:])
    return s * np.sum(p)


def sliced_in_a_branch(p: Any) -> Any:
    if p[0] > 0:
        return np.sum(SERIES[:2].to_numpy() * p[:2] ** 2)
    return np.sum(p)


def sliced_on_the_way_out(p: Any) -> Any:
    parts = []
    for k in range(3):
        parts.append(np.sum(SERIES.iloc[k:].to_numpy() * p[k:]) * p[k])
        if k == 1:
            return sum(parts) * np.sum(BOX.frame["b"][::2].to_numpy() * p[::2])
    return p[0]


def sliced_in_a_while(p: Any) -> Any:
    k, s = 0, p[0]
    while k < 2:
        s, k = s * np.sum(FRAME.iloc[:, :2][1:].to_numpy() @ p[:2]), k + 1
    return s


@pytest.mark.parametrize(
    "f", [sliced_in_a_loop, sliced_in_a_branch, sliced_on_the_way_out, sliced_in_a_while]
)
def test_slices_of_what_only_the_run_gets_to(f: Any) -> None:
    check(f, P)
    check(f, -P)
