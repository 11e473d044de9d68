"""Calls that are made as they are, where nothing that is differentiated enters."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad, stop_gradient, value_and_grad
from revcompile.errors import InternalError
from revcompile.frontend import foreign
from tests.language.checking import check

LABELS = np.array([0, 1, 1, 2, 0])
DATA = np.linspace(0.0, 1.0, 7) ** 2
CALLS: list[Any] = []


def risky(n: Any) -> float:
    """A helper that is not read: it has a `try`."""
    CALLS.append(n)
    try:
        return [1.0, 2.0, 3.0][n]
    except IndexError:
        return 0.5


class Table:
    def __init__(self) -> None:
        self.rows = {0: 2.0, 1: 3.0}

    def look_up(self, n: int) -> float:
        try:
            return self.rows[n]
        except KeyError:
            return 1.5


TABLE = Table()


def straight(x: float, n: int) -> float:
    return x * risky(n) + x**2 * np.percentile(DATA, 5)


def in_if(x: float, n: int) -> float:
    if n > 1:
        y = x * risky(n)
    else:
        y = x * x
    return y * x


def both_sides(x: float, n: int) -> float:
    return x * risky(n) if n > 1 else x * TABLE.look_up(n) ** 2


def in_for(x: float, n: int) -> float:
    s = 0.0
    for i in range(n):
        s = s + math.sin(x) * risky(i)
    return s


def in_a_later_trip(x: float, n: int) -> float:
    s = x
    for i in range(n):
        if i > 2:
            s = s * risky(i - 2)
        else:
            s = s + x * x
    return s


def in_while(x: float, n: int) -> float:
    while n > 0:
        x = x * x * risky(n - 1)
        n = n - 1
    return x


def in_test_of_while(x: float, n: int) -> float:
    i = 0
    while risky(i) < 3.0 and i < n:
        x = x * risky(i) * math.sin(x)
        i = i + 1
    return x * x


def early(x: float, n: int) -> float:
    for i in range(5):
        x = x * 1.5
        if risky(i) == 0.5 or i == n:
            return x * x
    return x


def small(x: float, n: int) -> float:
    return x * risky(n)


def in_helper(x: float, n: int) -> float:
    return small(x * x, n) + small(x, n + 5)


def large(x: float, n: int) -> float:
    s = x
    s = s * math.sin(s) + x * math.cos(s) + x * x * math.exp(-x) + math.tanh(s)
    s = s * risky(n) + math.sin(x * s) + s * s + x * x * x + math.cos(x) * x
    return s


def in_large_helper(x: float, n: int) -> float:
    return large(x, n) * large(x * x, n + 1)


def in_list(x: float, n: int) -> float:
    ws = [risky(i) for i in range(3)]
    return sum(w * x**i for i, w in enumerate(ws))


def in_growing_list(x: float, n: int) -> float:
    ws = []
    for i in range(n):
        ws.append(risky(i) * x)
    s = 0.0
    for w in ws:
        s = s + w * w
    return s


def in_store(x: float, n: int) -> float:
    a = np.zeros(4)
    for i in range(4):
        a[i] = x * risky(i)
    return np.sum(a * a)


def in_closure(x: float, n: int) -> float:
    def scaled(v: float) -> float:
        return v * risky(n)

    return scaled(x) + scaled(x * x)


def by_method(x: float, n: int) -> float:
    return x * TABLE.look_up(n) + x * x


def of_float(x: float, n: int) -> float:
    k = risky(n)
    return x * risky(int(k)) * math.lgamma(k + 1.0)


FORMS = [
    straight, in_if, both_sides, in_for, in_a_later_trip, in_while, in_test_of_while, early, in_helper, in_large_helper, in_list,
    in_growing_list, in_store, in_closure, by_method, of_float,
]  # fmt: skip


@pytest.mark.parametrize("f", FORMS)
def test_in_every_form(f: Callable[..., float]) -> None:
    for n in (2, 1, 4):
        check(f, 0.7, n, argnums=(0,))


@pytest.mark.parametrize("f", FORMS)
def test_with_other_values_at_the_second_call(f: Callable[..., float]) -> None:
    gradient = value_and_grad(f, argnums=0)
    for x, n in ((0.3, 0), (0.7, 5), (0.9, 1), (0.2, 3)):
        value, slope = gradient(x, n)
        h = 1e-6
        assert value == pytest.approx(f(x, n), rel=1e-12)
        assert slope == pytest.approx((f(x + h, n) - f(x - h, n)) / (2 * h), rel=1e-5, abs=1e-8)


def test_is_made_as_often_as_the_program_makes_it() -> None:
    gradient = value_and_grad(in_for, argnums=0)
    gradient(0.5, 3)
    CALLS.clear()
    gradient(0.6, 4)
    assert CALLS == [0, 1, 2, 3]


def lenient(v: Any) -> float:
    try:
        return float(np.sum(v))
    except TypeError:
        return 2.0


def varied(x: float) -> float:
    return x * lenient(x)


def varied_in_loop(x: float) -> float:
    y = 0.0
    for _ in range(3):
        k = lenient(y)
        y = y + x
    return x * k


def varied_in_a_list(x: float) -> float:
    ys = [1.0, 2.0]
    ys[1] = x
    return x * lenient(ys)


def varied_by_store(x: float) -> float:
    a = np.zeros(3)
    a[1] = x
    return x * np.percentile(a, 50)


def varied_by_branch(x: float, n: int = 1) -> float:
    y = x if n > 0 else 2.0
    return x * lenient(y)


def varied_in_text(x: float) -> float:
    return x * lenient(f"{x}")


def larger(x: float) -> float:
    s = x * math.sin(x) + x * math.cos(x) + x * x * math.exp(-x) + math.tanh(x)
    return s * lenient(s) + math.sin(x * s) + s * s + x * x * x + math.cos(x) * x


def varied_in_helper(x: float) -> float:
    return larger(x)


@pytest.mark.parametrize(
    "f", [varied, varied_in_loop, varied_in_a_list, varied_by_store, varied_by_branch, varied_in_text,
          varied_in_helper],
)  # fmt: skip
@pytest.mark.parametrize("optimize", [True, False])
def test_what_is_differentiated_does_not_enter(f: Callable[..., float], optimize: bool) -> None:
    with pytest.raises(UnsupportedError, match="not supported|no gate rule"):
        grad(f, argnums=0, optimize=optimize)(0.5)


def test_stop_gradient_is_a_way_out() -> None:
    def f(x: Any) -> Any:
        return np.sum(x * stop_gradient(np.fft.fft(x).real))

    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(grad(f)(x), np.fft.fft(x).real)


def test_stop_gradient_of_a_helper() -> None:
    def f(x: float) -> float:
        return x * stop_gradient(risky(x))

    with pytest.raises(TypeError):  # the helper's own: a list's index is no float
        grad(f)(1.0)
    g = grad(lambda x: x * stop_gradient(TABLE.look_up(x)))
    assert g(1.0) == 3.0 and g(7.0) == 1.5


def changing(n: int) -> Any:
    try:
        return {0: 2, 1: 2.0, 2: np.float64(2.0), 3: np.array([2.0, 3.0]), 4: (1.0, 3.0)}[n]
    except KeyError:
        return None


def test_another_kind_compiles_again() -> None:
    def f(x: float, n: int) -> float:
        w = changing(n)
        if w is None:
            return x
        return np.sum(x * x * np.sum(w))

    gradient = grad(f, argnums=0)
    for n, slope in [(0, 12.0), (1, 12.0), (2, 12.0), (3, 30.0), (4, 24.0), (5, 1.0), (0, 12.0), (3, 30.0)]:
        assert gradient(3.0, n) == slope


def writes(a: Any) -> float:
    try:
        a[0] = 5.0
    except IndexError:
        pass
    return 1.0


def fills(items: Any, item: Any) -> None:
    try:
        items.append(item)
    except AttributeError:
        items[item] = 1.0


def _writes_into_an_array(x: float) -> float:
    a = np.zeros(3)
    k = writes(a)
    return x * k * (a[0] + 1.0)


def _writes_in_a_loop(x: float) -> float:
    a = np.zeros(3)
    for _ in range(2):
        x = x * writes(a)
    return x * (a[0] + 1.0)


def _fills_a_list(x: float) -> float:
    items: list[Any] = []
    for i in range(2):
        fills(items, i)
    return x * len(items)


def _fills_a_dict(x: float) -> float:
    items: dict[Any, Any] = {}
    fills(items, "a")
    return x * len(items)


def _writes_out(x: float) -> Any:
    a = np.zeros(2)
    np.minimum.accumulate(np.array([x, x]) > 0, out=a)
    return x * a[0]


def _writes_out_in_a_branch(x: float) -> Any:
    a = np.zeros(1)
    if x > 1:
        np.percentile(DATA, 5, out=a[:1])
    return x * a[0]


@pytest.mark.parametrize(
    "f",
    [
        _writes_into_an_array,
        _writes_in_a_loop,
        _fills_a_list,
        _fills_a_dict,
        _writes_out,
        _writes_out_in_a_branch,
    ],
)
def test_an_argument_is_not_changed_in_silence(f: Callable[..., Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"changes its arguments|out= of .* is not supported"):
        grad(f)(2.0)


def same(a: Any) -> Any:
    try:
        return a
    finally:
        pass


def test_what_it_gives_may_be_what_it_was_given() -> None:
    def reads(x: float) -> float:
        a = np.ones(3)
        b = same(a)
        a[0] = 7.0
        return x * np.sum(b)

    def stores(x: float) -> float:
        b = same(DATA)
        b[0] = 7.0
        return x * np.sum(b)

    for f in (reads, stores):
        with pytest.raises(UnsupportedError, match="share|of the program"):
            grad(f)(2.0)
    assert grad(lambda x: x * np.sum(same(DATA)))(1.0) == pytest.approx(np.sum(DATA))


def test_of_libraries() -> None:
    special = pytest.importorskip("scipy.special")
    k = np.array([1.0, 2.0, 3.0])

    def f(x: Any) -> Any:
        lengths, edges = np.histogram(DATA, bins=3)
        total = 0.0
        for label in np.unique(LABELS):
            total = total + np.sum(x[LABELS == label]) ** 2
        return total * lengths[0] * edges[-1] + np.sum(x) * np.sum(special.gammaln(k + 1))

    check(f, np.linspace(0.1, 0.5, 5))


def test_objects() -> None:
    box = SimpleNamespace(rows=LABELS)

    def f(x: Any) -> Any:
        return np.sum(x * np.bincount(box.rows)[:2])

    check(f, np.array([1.0, 2.0]))


TOTAL = 1.0
BUFFER = np.ones(3)
STATE = SimpleNamespace(v=1.0)
WEIGHTS = {"k": 1.0}
MEMO: dict[int, float] = {}


def bump_global(n: float) -> float:
    global TOTAL
    try:
        TOTAL = TOTAL + n
    finally:
        return 1.0


def bump_array(n: float) -> float:
    try:
        BUFFER[0] += n
    finally:
        return 1.0


def bump_object(n: float) -> float:
    try:
        STATE.v += n
    finally:
        return 1.0


def bump_dict(n: float) -> float:
    try:
        WEIGHTS["k"] += n
    finally:
        return 1.0


def remembered(n: int) -> float:
    try:
        return MEMO[n]
    except KeyError:
        MEMO[n] = 1.5 * n
        return MEMO[n]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * TOTAL * bump_global(2.0) * TOTAL,
        lambda x: x * bump_array(2.0) * np.sum(BUFFER),
        lambda x: x * STATE.v * bump_object(2.0),
        lambda x: bump_dict(2.0) * x * WEIGHTS["k"],
    ],
)
def test_what_the_function_reads_is_not_changed_in_silence(f: Any) -> None:
    with pytest.raises(TypeError, match="changes what the function that calls it reads"):
        grad(f)(3.0)


def test_a_memory_of_its_own_may_change() -> None:
    f = lambda x: x * remembered(2) * TOTAL + remembered(3) * x
    assert grad(f)(1.0) == pytest.approx(3.0 * TOTAL + 4.5)


def test_learning_what_a_call_gives_ends(monkeypatch):
    """A call that is called by another name in each attempt to compile it is a defect, and no endless loop."""
    monkeypatch.setattr(foreign, "_key_of", lambda *_: object())

    def f(x, n):
        for _ in range(2):
            np.unique(n)
        return x * x

    with pytest.raises(InternalError, match="what a call gives is not learnt"):
        grad(f, argnums=0)(2.0, np.ones(2))


def _in_branch(x: Any, whole: Any, n: int) -> Any:
    return x[0] * sum(whole.tolist()) if n > 1 else x[1] * n.bit_length()


def _in_loop(x: Any, whole: Any, n: int) -> Any:
    s = x[0]
    for i in range(3):
        s = s * whole[i:].tolist()[0] + len(whole.tobytes()) * x[1]
    return s


def _of_a_cut(x: Any, whole: Any, n: int) -> Any:
    return np.sum(np.insert(x.astype(int), 1, 5) * x[0]) + np.gradient(np.floor(x).astype(int)) @ x


def _of_a_comparison(x: Any, whole: Any, n: int) -> Any:
    return x[0] * sum((x > 1.0).tolist()) * float(n).as_integer_ratio()[0] * whole.nbytes


@pytest.mark.parametrize("f", [_in_branch, _in_loop, _of_a_cut, _of_a_comparison])
def test_methods_of_what_is_not_differentiated(f: Callable[..., Any]) -> None:
    for n in (2, 1):
        check(f, np.array([0.5, 1.7, 2.2]), np.array([3, 1, 2]), n, argnums=(0,))


def test_a_method_without_a_rule_of_what_is_differentiated() -> None:
    with pytest.raises(UnsupportedError, match=r"no gate rule for the method 'tolist' of a float64\[:\]"):
        grad(lambda x: sum(x.tolist()))(np.ones(3))


# -- calls that give now one kind of thing, now another ----------------------------------------------


def any_number(n: int) -> Any:
    try:
        return [1, 2.5, np.float64(3.0), True][n % 4]
    except IndexError:
        return 0


def ones(n: int) -> Any:
    try:
        return [1.0] * n
    except TypeError:
        return []


def over(n: Any) -> Any:
    try:
        return 1.0 / n
    except ZeroDivisionError:
        return 0.0


def array_or_number(n: int) -> Any:
    try:
        return np.ones(2) if n else 1.0
    except IndexError:
        return None


def _numbers_in_for(x: float, n: int) -> float:
    s = x
    for i in range(n + 2):
        s = s + any_number(i) * x
    return s * x


def _numbers_in_while(x: float, n: int) -> float:
    i = 0
    while i < n + 2:
        x = x * any_number(i)
        i += 1
    return x * x


def _numbers_of_two_sides(x: float, n: int) -> float:
    s = x
    for i in range(4):
        s = s * (any_number(n) if i < n else any_number(i))
    return s


def _numbers_until(x: float, n: int) -> float:
    for i in range(5):
        if any_number(i) > n:
            return x * any_number(i) ** 2
        x = x * any_number(i)
    return x


def _numbers_in_pair(x: float, n: int) -> float:
    def larger(x: float, i: int) -> float:
        w = any_number(i)
        for _ in range(2):
            x = x * w + x * x * 0.1 - w * 0.3 + x / (1.0 + x * x) * 0.5 - x * w * 0.01 + w * w
        return x

    return sum([larger(x, i) for i in range(n + 1)])


def _numbers_stored(x: float, n: int) -> Any:
    a = np.zeros(4)
    for i in range(4):
        a[i] = x * any_number(i + n)
    return np.sum(a * a)


def _lists_of_several_lengths(x: float, n: int) -> float:
    s = x
    for i in range(n + 1):
        s = s * len(ones(i + 1)) + ones(i + 1)[0] * x
    return s


def _numbers_then_numpy(x: float, n: int) -> Any:
    t, step = 0.0, np.float64(n)
    for _ in range(3):
        x = x * over(float(t)) + n
        t = t + step
    return x * x


KINDS = [_numbers_in_for, _numbers_in_while, _numbers_of_two_sides, _numbers_until, _numbers_in_pair,
         _numbers_stored, _lists_of_several_lengths, _numbers_then_numpy]  # fmt: skip


@pytest.mark.parametrize("f", KINDS)
def test_calls_that_give_several_kinds(f: Callable[..., Any]) -> None:
    for n in (2, 1):
        check(f, 0.7, n, argnums=(0,))


def test_calls_that_give_what_has_no_kind_together() -> None:
    def arrays(x: float, n: int) -> float:
        for i in range(n):
            x = x * np.sum(array_or_number(i))
        return x

    with pytest.raises(UnsupportedError, match="a call gave a .* where this code was compiled for a"):
        grad(arrays, argnums=0)(2.0, 3)


def _retyped_in_loop(x: float, n: Any) -> Any:
    t = 0.0
    for _ in range(3):
        x = x * over(t) + n
        t = t + n
    return x


def _retyped_in_branch(x: float, n: Any) -> Any:
    t = 0.0
    if n > 1:
        t = n
    return x * over(t + 0.0)


@pytest.mark.parametrize("f", [_retyped_in_loop, _retyped_in_branch])
def test_a_call_is_not_passed_a_number_of_another_kind(f: Callable[..., Any]) -> None:
    """A Python zero that is NumPy's in compiled code would be divided by."""
    check(f, 0.7, 2.0, argnums=(0,))
    with pytest.raises(UnsupportedError, match="Python's on one way and NumPy's on another"):
        grad(f, argnums=0)(0.7, np.float64(2.0))


def _text_in(x: float, n: int) -> float:
    return x * x if text_of(n) in ("a", "c") else x * 3


def _text_not_in(x: float, n: int) -> float:
    for i in range(3):
        if text_of(i) not in ["a", "c"]:
            x = x * x * n
    return x


def text_of(n: int) -> str:
    try:
        return "abc"[n]
    except IndexError:
        return ""


@pytest.mark.parametrize("f", [_text_in, _text_not_in])
def test_a_text_that_a_call_gives_is_looked_for(f: Callable[..., Any]) -> None:
    for n in (0, 1, 5):
        check(f, 0.7, n, argnums=(0,))


def counted(n: int) -> Any:
    try:
        return {"a": n}
    except ValueError:
        return {}


def test_writing_into_what_a_call_gives() -> None:
    def f(x: float, n: int) -> float:
        made = counted(n)
        made["b"] = 2.0
        return x * made["b"]

    with pytest.raises(UnsupportedError, match="writing into a dict is not supported"):
        grad(f, argnums=0)(2.0, 1)
