"""Lists whose length only the run decides, together with the rest of the language; second order."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

X = np.array([0.7, -1.2, 0.4, 1.5, -0.6])
W = np.array([[0.5, 0.2, -0.3], [0.1, -0.4, 0.6], [0.9, 0.3, 0.2]])


def as_an_index(x, w):
    keep = []
    for i in range(x.shape[0]):
        if x[i] > 0:
            keep.append(i)
    return np.sum(x[keep] ** 2) * w + np.sum(x[np.array(keep)]) + x[keep[-1]]


def in_a_closure(x, w):
    kept = []

    def record(v):
        if v > 0:
            kept.append(v * w)

    for v in x:
        record(v)
    return sum(kept) * kept[0]


def under_two_names(x, w):
    a = [w]
    b = a
    for v in x:
        if v > 0:
            b.append(v * a[-1])
    return sum(a) + len(b)


def two_lists_under_one_condition(x, w):
    a, b = [w], [w * 2.0]
    for v in x:
        if v > 0:
            a.append(v * b[-1])
        else:
            b.append(v + a[-1])
            if v < -1:
                a.pop()
    return sum(a) * sum(b) if a else sum(b)


def returned_early(x, w):
    seen = []
    for v in x:
        seen.append(v * w)
        if v > 1.0:
            return sum(seen) * v
    return seen[0]


def in_a_dict(x, w):
    history = {"loss": [], "w": []}
    for v in x:
        w = w - 0.1 * (2 * w - v)
        history["loss"].append(w * w)
        history["w"].append(w)
    return sum(history["loss"]) * history["w"][-1]


def of_arrays_made_of_lists(x, w):
    return np.sum(np.array([np.array([v * u * w for v in x]) for u in x if u > 0.0]) ** 2)


def taken_apart_by_columns(x, w):
    pairs = []
    for v in x:
        if v > 0:
            pairs.append((v * w, v * v))
    a, b = zip(*pairs)
    return sum(a) * sum(b)


def of_a_known_length_after_all(x, w):
    ys = []
    for i in range(3):
        ys.append(x[i] * w)
    a, b, c = ys
    ys.sort()
    return a * b * c + ys[0]


def of_texts(x, w):
    names = []
    for i in range(3):
        names.append(f"w{i}")
    return len(names) * np.sum(x) * w


def begun_with_a_whole_number(x, w):
    sums = [0]
    for v in x:
        sums.append(sums[-1] + v * w)
    return sums[-1] * sums[2]


def captured_by_an_inner_gradient(x, w):
    kept = []
    for v in x:
        if v > 0:
            kept.append(v)
    return grad(lambda a: np.sum(np.array(kept) * a**3))(w)


FUNCTIONS = [
    as_an_index,
    in_a_closure,
    under_two_names,
    two_lists_under_one_condition,
    returned_early,
    in_a_dict,
    of_arrays_made_of_lists,
    taken_apart_by_columns,
    of_a_known_length_after_all,
    of_texts,
    begun_with_a_whole_number,
    captured_by_an_inner_gradient,
]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_growing_list(f):
    check(f, X, 0.7)


def trajectory(x, n):
    xs = []
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
        xs.append(x)
    return np.sum(np.array(xs) ** 2)


def slope_of_trajectory(x):
    return grad(trajectory, 0)(x, 4)


def states(w, h):
    hs = [h]
    for _ in range(3):
        hs.append(np.tanh(w @ hs[-1]))
    return np.sum(np.stack(hs) ** 2) + np.sum(hs[-1])


def slopes_of_states(w, h):
    grad_w, grad_h = grad(states, (0, 1))(w, h)
    return np.sum(np.sin(grad_w)) + np.sum(grad_h**2)


def work(x):
    stack, total = [x], 0.0
    while stack:
        y = stack.pop()
        total += y * y
        if y > 0.5:
            stack.append(y * 0.5)
            stack.append(y * 0.3)
    return total


def slope_of_work(x):
    return grad(work)(x) ** 2


@pytest.mark.parametrize(
    ("f", "args"), [(slope_of_trajectory, (0.7,)), (slopes_of_states, (W, X[:3])), (slope_of_work, (1.3,))]
)
def test_second_order(f, args):
    check(f, *args)


PARTS_WITHOUT_ITEMS = {
    "for": "s = np.sum(rows[0])\nfor r in rows[1:]:\n    s = s + np.sum(r * r)\nreturn s",
    "the best": "b = rows[0]\nfor r in rows[1:]:\n    if np.sum(r) > np.sum(b):\n        b = r\nreturn np.sum(b**2)",
    "part of a part": "s = np.sum(rows[0])\nfor r in rows[1:][:2]:\n    s = s + np.sum(r * r)\nreturn s",
    "reversed": "s = 0.0\nfor r in rows[:-1]:\n    s = s + np.sum(r * r)\nreturn s + np.sum(rows[-1])",
    "if": "s = np.sum(rows[0])\nif s > 0.0:\n    for r in rows[1:]:\n        s = s * np.sum(r)\nreturn s",
    "helper": "return np.sum(rows[0]) + total(rows[1:])",
}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("form", PARTS_WITHOUT_ITEMS)
def test_a_part_of_a_list_may_have_no_items(form, optimize):
    text = "\n".join("    " + line for line in PARTS_WITHOUT_ITEMS[form].split("\n"))
    f = make(
        "def total(parts):\n    s = 0.0\n    for r in parts:\n        s = s + np.sum(r * r)\n    return s\n"
        f"def f(x, y):\n    rows = [x * v for v in y]\n{text}\n"
    )
    gradient = grad(f, (0, 1), optimize=optimize)
    x = np.array([0.5, 1.5, 2.0])
    for y in (np.array([1.0, 0.5, 2.0]), np.array([0.7]), np.array([0.3, 1.2])):
        assert_close(gradient(x, y), numerical_gradients(f, (x, y)))


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("join", ["stack", "vstack", "concatenate"])
def test_what_has_no_items_is_not_stacked(join, optimize):
    """A list that may have none, as far as can be seen, in a helper that is lowered on its own."""
    f = make(
        f"def h(p, c):\n    rows = []\n    for _ in range(3):\n        c = p * p\n        rows.append(c)\n"
        f"    s = np.{join}(rows)\n    return np.sum(s) + np.sum(c)\n"
        "def f(p, c):\n    return h(p, c)\n"
    )
    x = np.array([0.5, 1.5, 2.0])
    assert_close(grad(f, optimize=optimize)(x, 0.5), numerical_gradients(f, (x, 0.5)))
