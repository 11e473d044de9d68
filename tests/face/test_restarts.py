"""What restarts starts from what the caller gave: numbers beyond `math`, called again and again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from revcompile import gate, grad, value_and_grad
from tests.corpus.differences import Differences, assert_gradient, assert_unchanged, copied
from tests.support.program import make

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
TEXTS = pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])


def is_huge(x):
    """For x above 709, where np.exp gives inf and math.exp raises."""
    return np.exp(x) > 1e300


def rebinds(x):
    x *= 1000.0
    return x * x if np.exp(x) > 1e300 else 3.0 * x


def rebinds_after(x):
    huge = np.exp(900.0 * x) > 1e300
    x = 2.0 * x
    x += 1.0
    y = np.log(x - x)
    return x * x if huge and y < 0 else 3.0 * x


def in_a_loop(x):
    for _ in range(3):
        x = 10.0 * x
    return x * x if is_huge(x) else 3.0 * x


def in_a_while(x, n):
    while n > 0:
        x *= 10.0
        n -= 1
    return x * n - x * x if is_huge(x) else 3.0 * x


def leaves_a_loop(x):
    for i in range(5):
        x *= 10.0
        if is_huge(x):
            return x * x + i
    return 3.0 * x


def by_a_tuple(x, y):
    x, y = 900.0 * y, 2.0 * x
    return x * y * y if is_huge(x) else 3.0 * x + y


def counts(x, k):
    k += 1
    x, k = x * 900.0, k + 1
    return x * x + k if is_huge(x) else 3.0 * x - k


def writes(w, x):
    for i in range(2):
        w[i] *= 300.0 * x
    return w[0] * w[1] if is_huge(w[0]) else w[1]


def writes_a_whole_array(w, x):
    w *= 900.0
    w += x
    return np.sum(w) if is_huge(np.sum(w)) else x


def a_list(p, x):
    p[0] *= 900.0
    p.append(x)
    return p[0] * p[-1] if is_huge(p[0]) else p[0]


def a_dict(d, x):
    d["k"] *= 900.0
    d["new"] = x
    return d["k"] * d["new"] if is_huge(d["k"]) else d["k"]


@dataclass
class State:
    a: float
    b: float


def an_object(s, x):
    s.a *= 900.0
    s.b, s.a = s.a, s.b + x
    return s.b * s.a if is_huge(s.b) else s.a


def small(x):
    x *= 900.0
    return x


def a_small_helper(x):
    x = small(x)
    return x * x if is_huge(x) else 3.0 * x


def large(x, y):
    x *= 30.0
    y += 1.0
    for _ in range(3):
        y = y * 2.0 + x * x
        x = x * 1.5 - y / 9.0 + y / 9.0
    x, y = y, x
    return x * 2.0 + y if is_huge(x) else y * y + x


def a_larger_helper(x):
    x = large(x, 1.0) + large(x, x)
    return x * x * 1e-6


def recursive(x, n):
    if n == 0:
        return x * x if is_huge(x) else 3.0 * x
    x *= 10.0
    n -= 1
    return recursive(x, n) + n * x


def of_many(*xs):
    xs = (xs[0] * 900.0, *xs[1:])
    return xs[0] * xs[1] if is_huge(xs[0]) else xs[1] * xs[1]


def by_keyword(x, *, y, **more):
    y *= 900.0
    x, more["z"] = x + y, x
    return x * x + more["z"] if is_huge(y) else x


def a_closure(x):
    scale = 900.0

    def inner():
        return x * scale

    x += 0.25
    return inner() * x if is_huge(inner()) else x


W = np.array([1.5, 0.5])
FORMS = [  # the arguments beyond `math`, and ordinary ones
    (rebinds, (1.0,), (0.002,)),
    (rebinds_after, (1.0,), (0.3,)),
    (in_a_loop, (1.0,), (0.002,)),
    (in_a_while, (1.0, 3), (0.002, 2)),
    (leaves_a_loop, (1.0,), (1e-6,)),
    (by_a_tuple, (0.5, 1.5), (0.5, 0.1)),
    (counts, (1.0, 2), (0.1, 3)),
    (writes, (3.0 * W, 1.0), (W, 0.1)),
    (writes_a_whole_array, (W, 0.5), (-W, 0.5)),
    (a_list, ([1.5, 2.0], 0.5), ([0.1, 2.0], 0.5)),
    (a_dict, ({"k": 1.5}, 0.5), ({"k": 0.1}, 0.5)),
    (an_object, (State(1.5, 0.5), 0.25), (State(0.1, 0.5), 0.25)),
    (a_small_helper, (1.5,), (0.1,)),
    (a_larger_helper, (1.5,), (0.1,)),
    (recursive, (1.5, 3), (0.001, 3)),
    (a_closure, (1.5,), (-0.125,)),
]


@TEXTS
@pytest.mark.parametrize("f, beyond, ordinary", FORMS, ids=[form[0].__name__ for form in FORMS])
def test_the_careful_text_starts_from_the_arguments(f, beyond, ordinary, optimize):
    positions = tuple(i for i, a in enumerate(beyond) if not isinstance(a, int))
    gradient = grad(f, argnums=positions, optimize=optimize)
    both = value_and_grad(f, argnums=positions, optimize=optimize)
    for args in (beyond, ordinary, beyond):
        expected = Differences(f, args, positions)
        for call in (both, lambda *args: (None, gradient(*args)), gradient.value_and_grad):
            given = copied(args)
            value, found = call(*given)
            assert_unchanged(given, args)
            if value is not None:
                np.testing.assert_allclose(value, expected.value, rtol=1e-12)
            for position, one in zip(positions, found):
                assert_gradient(args[position], one, expected.gradients, (position,), expected.value)


@TEXTS
def test_keywords_and_star_arguments_are_given_back_too(optimize):
    many = value_and_grad(of_many, optimize=optimize)
    for _ in range(2):
        assert many(1.5, 2.0, 3.0) == (2700.0, (1800.0, 1350.0, 0.0))
        assert many(0.5, 2.0, 3.0) == (4.0, (0.0, 4.0, 0.0))
    both = value_and_grad(by_keyword, argnums=("x", "y"), optimize=optimize)
    for _ in range(2):
        for y in (1.5, 0.1):
            value, (gx, gy) = both(2.0, y=y, z=1.0)
            x = 2.0 + 900.0 * y
            assert value == (x * x + 2.0 if y > 1 else x)
            assert (gx, gy) == ((2 * x + 1.0, 1800.0 * x) if y > 1 else (1.0, 900.0))


NAMES = """
def f(x, given_x):
    dispatch_f, careful_f, explain = x, given_x, 1.0
    x *= 1000.0
    return x * given_x + dispatch_f + careful_f * explain if np.exp(x) > 1e300 else given_x
"""


def test_names_of_the_program_are_not_those_of_the_dispatch():
    both = value_and_grad(make(NAMES))
    for _ in range(3):
        assert both(1.0, 2.0) == (2003.0, (2001.0, 1001.0))
        assert both(0.1, 2.0) == (2.0, (0.0, 1.0))


def doubled(w, x):
    w *= 2.0
    return np.sum(w * x)


class Doubled:
    def loss(self, w, x):
        w *= 2.0
        return np.sum(w * x)


@pytest.mark.parametrize("f", [doubled, Doubled().loss], ids=["a function", "a method"])
def test_what_says_why_lengths_do_not_agree_writes_into_copies(f):
    gradient, w = grad(f), np.ones(3)
    for _ in range(2):
        gradient(w, np.ones(3))
        with pytest.raises(ValueError, match="could not be broadcast"):
            gradient(w, np.ones(4))
        np.testing.assert_array_equal(w, np.ones(3))


# -- names that are bound on one way only -----------------------------------------------------


def roots(a, b, c):
    d = b * b - 4 * a * c
    r = np.sqrt(d)
    if d < 0:
        return -b / (2 * a)
    return (r - b) / (2 * a)


def one_side(x, y):
    r = np.log(x)
    if x > 0:
        s = x * y
        t = s * s
        return t * y + r
    return y * y


def inside_a_loop(x, y):
    total = y
    for i in range(3):
        r = np.sqrt(x - i)
        if x > i:
            s = x * y
            total += s * s + r * 0.5
        else:
            total += y * i
    return total


def nested_sides(x, y):
    r = np.sqrt(x)
    if y > 0:
        if x > 0:
            s = x * y
            u = s * x
        else:
            u = y
            s = y * y
        return u * s + y
    q = x * x
    return q * q * y


def a_loop_on_one_side(x, y):
    r = np.log(x)
    if x > 0:
        s = x * y
        for _ in range(3):
            s = s * x + r
        return s * y
    return y * x


def leaves_early(x, y):
    r = np.sqrt(x)
    for i in range(4):
        s = x * y
        if x * i < -1:
            return s * y + i
        y = y * s
    return r * y


ONE_WAY = [
    (roots, [(1.0, 1.0, 1.0), (1.0, 3.0, 1.0)]),
    (one_side, [(-1.0, 2.0), (1.5, 2.0)]),
    (inside_a_loop, [(1.5, 2.0), (3.5, 2.0)]),
    (nested_sides, [(-1.0, 2.0), (1.0, 2.0), (1.5, -2.0), (-1.5, -2.0)]),
    (a_loop_on_one_side, [(-1.0, 2.0), (1.5, 0.5)]),
    (leaves_early, [(-0.75, 1.1), (0.75, 1.1)]),
]


@TEXTS
@pytest.mark.parametrize("f, points", ONE_WAY, ids=[f.__name__ for f, _ in ONE_WAY])
def test_names_bound_on_one_way_only(f, points, optimize):
    positions = tuple(range(len(points[0])))
    both = value_and_grad(f, optimize=optimize)
    for args in (*points, *points):
        expected = Differences(f, args, positions)
        value, found = both(*args)
        np.testing.assert_allclose(value, expected.value, rtol=1e-12)
        for position, one in zip(positions, found):
            assert_gradient(args[position], one, expected.gradients, (position,), expected.value)


# -- effects happen once ----------------------------------------------------------------------


def prints(x):
    print("once")
    return np.sqrt(x) if np.exp(x) > 0 else x


@TEXTS
def test_what_is_printed_is_printed_once(optimize, capsys):
    gradient = grad(prints, optimize=optimize)
    gradient(1.0)
    capsys.readouterr()
    for x, expected in ((0.0, np.inf), (800.0, 0.5 / np.sqrt(800.0)), (0.0, np.inf)):
        assert gradient(x) == expected and type(gradient(x)) is float
        assert capsys.readouterr().out == "once\nonce\n"


@TEXTS
def test_draws_are_made_once(optimize):
    def f(x, rng):
        z = rng.normal()
        return z * x * x if np.exp(x) > 1e300 else z * np.sqrt(x)

    both = value_and_grad(f, argnums=0, optimize=optimize)
    rng, twin = np.random.default_rng(0), np.random.default_rng(0)
    for x in (800.0, 1.0, 800.0, 0.0, 800.0):
        z = twin.normal()
        value, found = both(x, rng)
        assert value == (z * x * x if x > 700 else z * np.sqrt(x))
        assert found == (2 * z * x if x > 700 else z * (0.5 / np.sqrt(x)))


@TEXTS
@pytest.mark.parametrize("opaque", [False, True], ids=["a rule", "a pair"])
def test_gates_of_the_user_run_once(optimize, opaque):
    ran = []

    def cube(x):
        ran.append("function")
        return x * x * x

    def forward(x):
        ran.append("forward")
        return x * x * x, x

    def backward(grad_y, x):
        ran.append("backward")
        if x < 0:
            raise ValueError("no cube of a negative number")
        return grad_y * 3 * x * x

    if opaque:
        gate(cube, forward=forward)(backward)
    else:

        @gate(cube)
        def cube_rule(grad_y, x):
            return grad_y * 3 * x * x

    def helper(x, n):
        for _ in range(n):
            x = x * 2.0 * 0.5
        return cube(x)

    once, twice = lambda x: cube(x) * np.exp(x), lambda x: (helper(x, 1) + helper(x, 2)) * 0.5 * np.exp(x)
    for calls, f in ((1, once), (2, twice)):
        gradient = grad(f, optimize=optimize)
        for x in (1.0, 800.0, 1.0, 800.0):
            gradient(x)
            ran.clear()
            np.testing.assert_allclose(gradient(x), 3 * x * x * np.exp(x) + x**3 * np.exp(x))
            assert not opaque or sorted(set(ran)) == ["backward", "forward"]
            assert len(ran) == calls * len(set(ran))
    if opaque:
        gradient = grad(once, optimize=optimize)
        gradient(1.0)
        for _ in range(2):
            ran.clear()
            with pytest.raises(ValueError, match="no cube"):
                gradient(-1.0)
            assert ran == ["forward", "backward"]


def test_an_error_of_the_user_comes_alone():
    """Not as what happened while another was handled."""

    def f(x):
        if x < 0:
            raise ValueError("below zero")
        return math.sqrt(x) * math.log(x)

    gradient = grad(f)
    gradient(1.0)
    for x, message in ((-1.0, "below zero"), (0.0, "math domain error")):
        for _ in range(2):
            with pytest.raises(ValueError, match=message) as caught:
                gradient(x)
            assert caught.value.__context__ is None
