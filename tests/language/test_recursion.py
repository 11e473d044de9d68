"""Functions that call themselves and each other: over containers, whole numbers and lengths."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check

V = np.array([0.5, -0.25, 0.75])
TREE = (1.5, [2.0, (0.5, [])], {"a": 3.0, "b": (V, 0.25)})


def total(tree):
    if isinstance(tree, dict):
        return total(list(tree.values()))
    if isinstance(tree, (tuple, list)):
        if not tree:
            return 0.0
        return total(tree[0]) + 0.9 * total(tree[1:])
    return np.sum(tree * tree)


def depth_of(tree):
    return 1 + max((depth_of(t) for t in tree), default=0) if isinstance(tree, (tuple, list)) else 0


def scaled(tree, k):
    """A tree of the same kind, and a branch at every leaf."""
    if isinstance(tree, list):
        return [scaled(t, k * 0.5) for t in tree]
    return tree * k if tree > 1.0 else tree


def test_over_containers():
    check(total, TREE)
    check(lambda t, k: total(scaled(t, k)) * depth_of(t), [1.5, [0.5, [2.0, [3.0]]]], 0.7)


def power(x, n):
    if n == 0:
        return 1.0
    return x * power(x, n - 1)


def fast_power(x, n):
    if n == 0:
        return 1.0
    half = fast_power(x, n // 2)
    return half * half * x if n % 2 else half * half


def even(x, n):
    return x * x if n == 0 else odd(x * 1.1, n - 1)


def odd(x, n):
    return np.sin(x) if n == 0 else even(x + 0.2, n - 1)


def fibonacci(x, n):
    return x**n if n < 2 else fibonacci(x, n - 1) + 0.5 * fibonacci(x, n - 2) * x


def inside(x, n):
    def descend(y, k):
        if k <= 0:
            return y
        return descend(np.tanh(y * x), k - 1) + k

    return descend(x, n)


def after_a_condition(x, n):
    if x > 0.5:
        y = power(x, n)
    else:
        y = power(2.0 * x, n + 1)
    return y + (power(y, 2) if y > 1.0 else y)


def with_a_function(x, n):
    def simpson(f, a, b, depth):
        middle = 0.5 * (a + b)
        if depth == 0:
            return (b - a) / 6.0 * (f(a) + 4.0 * f(middle) + f(b))
        return simpson(f, a, middle, depth - 1) + simpson(f, middle, b, depth - 1)

    return simpson(lambda t: np.exp(-t * t) * x, x, 2.0, n % 4)


@pytest.mark.parametrize(
    "f",
    [power, fast_power, even, fibonacci, inside, after_a_condition, with_a_function],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_on_a_whole_number(f, n):
    check(f, 0.8, n)


def test_the_number_is_compiled_in_and_not_differentiated():
    g = grad(power)
    assert [g(3.0, n) for n in (0, 1, 2, 3)] == [(0.0, None), (1.0, None), (6.0, None), (27.0, None)]
    assert len(g.specializations) >= 4
    h = grad(lambda x, n, k: power(x, n) * k)
    assert h(2.0, 3, 5) == (60.0, None, 8.0)


COUNT = 5


def test_a_number_of_the_program():
    g = grad(lambda x: power(x, COUNT))
    assert g(2.0) == 80.0


@pytest.mark.parametrize("deep", [40, pytest.param(150, marks=pytest.mark.fuzz)])
def test_a_deep_recursion(deep):
    limit = sys.getrecursionlimit()
    assert grad(power, 0)(1.0, deep) == float(deep)
    assert grad(lambda xs: total(xs))([1.0] * (deep * 2 // 5))[0] == 2.0
    assert sys.getrecursionlimit() == limit
    assert grad(power, 0)(1.0, 250) == 250.0  # by a pair, see test_pairs
    assert sys.getrecursionlimit() == limit


def pairwise_sum(x):
    if len(x) == 0:
        return 0.0
    if len(x) == 1:
        return x[0] ** 2
    middle = len(x) // 2
    return pairwise_sum(x[:middle]) + pairwise_sum(x[middle:]) * 0.9


def horner(coefficients, x):
    if coefficients.size == 0:
        return 0.0
    return coefficients[0] + x * horner(coefficients[1:], x)


def from_the_end(x, i):
    return 0.0 if i == len(x) else x[i] * (i + 1) + from_the_end(x, i + 1) ** 2


def of_what_is_outside(x):
    def rest(i):
        return 0.0 if i >= len(x) else x[i] ** 2 + 0.5 * rest(i + 1)

    return rest(0)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_on_the_length_of_an_array(n):
    x = np.linspace(0.5, 1.5, n)
    if n:
        check(pairwise_sum, x)
        check(from_the_end, x, 0, argnums=(0,))
        check(of_what_is_outside, x)
    check(horner, x, 0.7, argnums=(0, 1) if n else (1,))


def test_a_length_that_changes_is_noticed():
    g = grad(pairwise_sum)
    for n in (3, 4, 3, 5, 4):
        assert g(np.ones(n)).shape == (n,)


TABLE = np.array([1.0, 2.0, 3.0])


def test_the_length_of_an_array_of_the_program():
    g = grad(lambda x: horner(TABLE, x))
    assert g(2.0) == 2.0 + 12.0


@functools.lru_cache
def binomial(n, k):
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)


def test_with_a_cache():
    check(lambda x: x ** binomial(6, 2) / binomial(14, 7), 1.1)


class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right

    def evaluate(self, x):
        total = self.value * x
        for child in (self.left, self.right):
            if child is not None:
                total = total * child.evaluate(x + self.value)
        return total


def test_over_objects():
    check(lambda tree, x: tree.evaluate(x), Node(1.5, Node(0.5), Node(2.0, None, Node(0.7))), 0.3)

    def build(x, n):
        return Node(x, build(x * 0.9, n - 1), build(x + 0.1, n - 1)) if n > 0 else None

    check(lambda x: build(x, 3).evaluate(x), 0.8)
