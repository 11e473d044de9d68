"""Methods that `dataclasses` wrote are read while compiling: other code, or another method, is noticed."""

from __future__ import annotations

import dataclasses

import pytest

from revcompile import grad


def classes():
    @dataclasses.dataclass
    class Point:
        x: float
        k: float = 3.0

    @dataclasses.dataclass(frozen=True)
    class Cold:
        x: float = 1.0

    return Point, Cold


def made(x, Point, Cold):
    p = Point(x)
    return p.x * p.k


def made_in_a_loop(x, Point, Cold):
    s = 0.0
    for k in range(3):
        if k > 0:
            s = s + Point(x, k).x * 3.0
    return s / 2.0


def helper(x, Point):
    return Point(x)


def made_in_a_helper(x, Point, Cold):
    p = helper(x, Point)
    return [p.x, p.k][0] * p.k


def compared(x, Point, Cold):
    return 3.0 * x if Point(1.0) == Point(1.0) else x


def compared_cold(x, Point, Cold):
    return 3.0 * x if Cold() == Cold() else x


def other_init(self, x, k=3.0):
    self.x, self.k = 5.0 * x, k


def other_equality(self, other):
    return False


CHANGES = [
    (made, "Point", "__init__", other_init, 15.0),
    (made_in_a_loop, "Point", "__init__", other_init, 15.0),
    (made_in_a_helper, "Point", "__init__", other_init, 15.0),
    (compared, "Point", "__eq__", other_equality, 1.0),
    (compared_cold, "Cold", "__eq__", other_equality, 1.0),
]


@pytest.mark.parametrize("in_place", [True, False], ids=["code", "method"])
@pytest.mark.parametrize("optimize", [True, False], ids=["optimised", "textbook"])
@pytest.mark.parametrize("f, owner, name, new, slope", CHANGES, ids=lambda x: getattr(x, "__name__", None))
def test_noticed_at_the_next_call(f, owner, name, new, slope, optimize, in_place):
    Point, Cold = classes()
    gradient = grad(lambda x: f(x, Point, Cold), optimize=optimize)
    for _ in range(2):
        assert gradient(2.0) == 3.0
        assert gradient.value_and_grad(2.0) == (6.0, 3.0)
    cls = {"Point": Point, "Cold": Cold}[owner]
    old = vars(cls)[name]
    code = old.__code__
    if in_place:
        old.__code__ = new.__code__
    else:
        setattr(cls, name, new)
    for _ in range(2):
        assert gradient(2.0) == slope
        assert gradient.value_and_grad(2.0) == (2.0 * slope, slope)
    if in_place:
        old.__code__ = code
    else:
        setattr(cls, name, old)
    for _ in range(2):
        assert gradient(2.0) == 3.0
