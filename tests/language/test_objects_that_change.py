"""Objects whose attributes change: one made inside, an argument, one of the program's own."""

from __future__ import annotations

import functools
import types

import pytest

from revcompile import UnsupportedError, grad, value_and_grad
from tests.language.checking import check
from tests.language.test_objects import Point


class Account:
    """Attributes that change, with two names for one object."""

    interest = 0.1

    def __init__(self, balance):
        self.balance = balance
        self.history = [balance]
        self.names = {"a": balance}

    def deposit(self, amount):
        self.balance = self.balance + amount
        self.history.append(self.balance)
        self.names["a"] = amount
        return self

    @property
    def total(self):
        return self.balance * (1 + self.interest)

    @total.setter
    def total(self, value):
        self.balance = value / (1 + self.interest)

    @functools.cached_property
    def first(self):
        return self.history[0] ** 2


def changing(x, y):
    a = Account(x)
    b = a
    b.deposit(y).deposit(x * y)
    a.total = a.total * 2.0
    a.balance += x
    a.history[0] = y * a.history[0]
    assert a is b
    return b.balance * a.names["a"] + sum(a.history) + a.first * b.first + b.total


def branching(x, y):
    a = Account(x)
    if x > y:
        a.deposit(y)
        a.extra = x
    else:
        a.balance = y * y
        a.extra = 2.0 * x
    return a.balance * a.extra


def leaving_early(x, y):
    a = Account(x)
    if x > 100:
        return x
    a.deposit(y)
    if y > 100:
        raise ValueError
    a.deposit(x)
    return a.history[1] * a.history[2] + a.total


@pytest.mark.parametrize("f", [changing, branching, leaving_early])
@pytest.mark.parametrize("args", [(0.7, 1.3), (1.3, 0.7)])
def test_objects_that_change(f, args):
    check(f, *args)


def test_arguments_are_not_changed():
    def f(account, y):
        account.deposit(y)
        account.balance *= y
        account.new = y
        return account.balance * account.history[-1] * account.new + account.names["a"]

    check(f, Account(2.0), 3.0)
    assert grad(lambda a, y: a.deposit(y).history[-1] * y)(Account(2.0), 3.0)[1] == 8.0


def test_objects_of_the_program_are_not_changed():
    layer = Account(2.0)
    scale = types.SimpleNamespace(k=3.0)

    def assigns(x):
        layer.balance = layer.balance + x
        return layer.total

    def assigns_on_one_side(x):
        if x > 0:
            scale.k = x
        return scale.k * x

    for refused in (assigns, assigns_on_one_side):
        with pytest.raises(UnsupportedError, match="is an object of the program"):
            grad(refused)(0.7)

    def f(x, account):
        account.balance = account.balance * x
        balance = layer.balance + account.total
        interest = x if x > 0 else layer.interest
        return balance * (1 + interest) * (x * scale.k) + account.balance

    account = Account(5.0)

    def pure(x):
        a = 5.0 * x
        b = 2.0 + a * 1.1
        return b * (1 + (x if x > 0 else 0.1)) * 3.0 * x + a

    for x in (0.7, -0.7):
        h = 1e-6
        slope = (pure(x + h) - pure(x - h)) / (2 * h)
        for optimize in (True, False):
            assert grad(f, 0, optimize=optimize)(x, account) == pytest.approx(slope)
    assert (account.balance, layer.balance, scale.k) == (5.0, 2.0, 3.0)


def test_lists_of_the_program_are_not_changed():
    account = Account(2.0)
    with pytest.raises(UnsupportedError, match=r"history is a list of the program"):
        grad(lambda x: account.history.append(x) or account.balance)(1.0)


def test_what_contains_itself_is_refused_where_it_is_read():
    p = Point(2.0, 3.0)
    p.me = p
    assert grad(lambda p: p.x * p.y)(p).x == 3.0
    with pytest.raises(UnsupportedError, match="contains itself"):
        grad(lambda p: p.me.x)(p)

    def f(x):
        p = Point(x, x)
        p.me = p
        return p.x

    with pytest.raises(UnsupportedError, match="contains itself"):
        grad(f)(1.0)


def test_the_same_object_twice_must_not_change():
    def f(p, q):
        p.x = p.x * 2.0
        return p.x * q.x

    p, q = Point(2.0, 3.0), Point(4.0, 5.0)
    g = grad(f)
    assert g(p, q)[0].x == 8.0
    with pytest.raises(UnsupportedError, match="same object"):
        g(p, p)
    assert g(p, q)[0].x == 8.0
    assert value_and_grad(lambda p, q: p.x * q.x)(p, p)[0] == 4.0
