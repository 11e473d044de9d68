"""A part of an array that is stored into another part of it: NumPy's own answer, or a refusal.

NumPy makes no copy for a place of one axis if both parts run in one direction through memory. An element that
is read after it was written is then not what it was: that is never differentiated as if it were.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make
from tests.support.texts import TEXTS

LINE = np.array([0.71, -1.18, 0.42, 1.51, -0.61, 0.33, 1.9, -0.27])
SQUARE = np.sin(np.arange(1.0, 17.0) * 1.7).reshape(4, 4)
PLAIN = "    {store}\n"
FORMS = {
    "plain": PLAIN,
    "if": "    if k > 0:\n        {store}\n",
    "for": "    for _ in range(k):\n        {store}\n",
    "while": "    while k > 0:\n        k -= 1\n        {store}\n",
    "early exit": "    for _ in range(9):\n        if k == 0:\n            break\n        k -= 1\n        {store}\n",
    "closure": "    def inner():\n        {store}\n    inner()\n",
    "list": "    items = [a, 2.0 * a]\n    a = items[0]\n    {store}\n    a = items[0] * items[1]\n",
    "written before": "    a[:1] = a[1:2] * 3.0\n    {store}\n",
}
SAME = [  # as of a copy
    (LINE, "a[1:] = a[:-1]"),
    (LINE, "a[:-1] = a[1:]"),
    (LINE, "a[:] = a[::-1]"),
    (LINE, "a[::-2] = a[:4]"),
    (LINE, "a[:4] = a[::2]"),
    (LINE, "a[4:] = a[1::2]"),
    (LINE, "a[::3] = a[:3]"),
    (LINE, "a[-1:-5:-2] = a[-2:-4:-1]"),
    (LINE, "a[1::2] = a[::2]"),
    (LINE, "np.copyto(a[:4], a[::2], where=a[4:] > 0.0)"),
    (LINE, "a[:4] += a[::2]"),
    (LINE, "a[::2] *= a[:4]"),
    (LINE, "np.add(a[:4], a[2:6], out=a[::2])"),
    (LINE, "a[::2] = a[:4].copy()"),
    (LINE, "a[[0, 2, 4]] = a[:3]"),
    (SQUARE, "a[2] = a[:, 2]"),
    (SQUARE, "a[:, 1] = a[1]"),
    (SQUARE, "a[3, :3] = a[:3, 3]"),
    (SQUARE, "a[2:, 1] = a[1, 2:]"),
    (SQUARE, "a[1, :2] = a[:2, 2]"),
    (SQUARE, "a[:] = a.T"),
    (SQUARE, "a[1:] = a[0]"),
    (SQUARE, "a[2, ::2] = a[2, :2]"),
    (SQUARE, "a[2, :] += a[:, -1]"),
    (SQUARE, "a[a[0] > 0.0] = a[1]"),
    (SQUARE, "np.cumsum(a, axis=0, out=a)"),
    (SQUARE, "a[0], a[1] = a[1], a[0]"),
]
LATE = [  # elements that were written are read
    (LINE, "a[::2] = a[:4]"),
    (LINE, "np.copyto(a[::2], a[:4])"),
    (LINE, "np.copyto(a[::2], a[:4], where=a[4:] > -9.0)"),
    (LINE, "a[a > -9.0] = a[::-1]"),
    (LINE, "a.reshape(4, 2)[:, 0] = a[:4]"),
    (SQUARE, "a[2] = a[:, -1]"),
    (SQUARE, "a.T[3] = a[0, ::-1][::-1]"),
    (SQUARE, "np.fill_diagonal(a, a[1, ::-1])"),
    (SQUARE, "np.ptp(a, axis=0, out=a[1])"),
    (SQUARE, "np.stack([a[1], a[0], a[2], a[3]], out=a)"),
]

KNOWN_IN_ORDER = (
    "a.T[3] = a[0, ::-1][::-1]",
)  # what NumPy does there is known where the array lies in C order


def program(store: str, form: str) -> Any:
    body = FORMS[form].format(store=store)
    return make(
        f"def f(x, k):\n    a = x * 1.5\n{body}    w = np.arange(1.0, a.size + 1)\n"
        "    return np.sum(np.sin(a) * w.reshape(a.shape))\n"
    )


def calls(x: np.ndarray) -> list[tuple[Any, int]]:
    return [(x, 1), (x[::-1].copy() + 0.013, 2), (np.asfortranarray(x) * 1.1, 1)]


EACH = [
    pytest.param(*case, form, marks=() if (i + j) % 8 == 0 else pytest.mark.fuzz)
    for i, form in enumerate(FORMS)
    for j, case in enumerate(SAME)
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(("x", "store", "form"), EACH)
def test_it_is_as_of_a_copy(x: Any, store: str, form: str, optimize: bool) -> None:
    f = program(store, form)
    both = value_and_grad(f, argnums=0, optimize=optimize)
    for args in calls(x):
        value, gradient = both(*args)
        np.testing.assert_allclose(value, f(*args), rtol=1e-12)
        assert_close(gradient, numerical_gradients(lambda y, k=args[1]: f(y, k), args[:1]))


LATE_EACH = [
    pytest.param(*case, form, marks=() if (i + j) % 8 == 0 else pytest.mark.fuzz)
    for i, form in enumerate(FORMS)
    for j, case in enumerate(LATE)
]


@pytest.mark.parametrize("optimize", TEXTS)
@pytest.mark.parametrize(("x", "store", "form"), LATE_EACH)
def test_what_is_read_late_is_refused(x: Any, store: str, form: str, optimize: bool) -> None:
    f = program(store, form)
    both = value_and_grad(f, argnums=0, optimize=optimize)
    for args in calls(x)[::2]:
        if store in KNOWN_IN_ORDER and args[0].flags.c_contiguous:
            assert both(*args)[0] == pytest.approx(f(*args))
            continue
        with pytest.raises(UnsupportedError, match="may be read after they were written") as caught:
            both(*args)
        told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
        assert store in told and ".copy()" in told


def test_which_of_two_arrays_it_is_may_not_be_known() -> None:
    f = make(
        "def f(x, k):\n    a = x * 1.0\n    b = a if k > 0 else x * 2.0\n    b[::2] = a[:4]\n    return np.sum(b)\n"
    )
    with pytest.raises(UnsupportedError, match="may be a part of the array"):
        value_and_grad(f, argnums=0)(LINE, 1)


@pytest.mark.parametrize("optimize", TEXTS)
def test_an_argument_in_another_order(optimize: bool) -> None:
    """In C order NumPy begins at the end that is right here, in Fortran's at the other one."""
    f = make(
        "def f(x):\n    x[0] = 0.5\n    x[1] = x[:, 2]\n    return np.sum(x * np.arange(16.0).reshape(4, 4))\n"
    )
    both = value_and_grad(f, optimize=optimize)
    for x in (SQUARE, np.asfortranarray(SQUARE)):
        try:
            value, gradient = both(x.copy("K"))
        except UnsupportedError:
            continue
        np.testing.assert_allclose(value, f(x.copy("K")))
        assert_close(gradient, numerical_gradients(lambda y: f(y.copy("K")), (x,)))
