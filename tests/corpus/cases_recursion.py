"""Functions that call themselves, or each other: on integers, containers, arrays and active values."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, ONE, A, P, S, U, V, case, refused


@case((1.3, 0), (1.3, 1), (0.9, 6))
def recursion_of_the_function_itself(x, n):
    if n == 0:
        return x
    return x * np.sin(recursion_of_the_function_itself(x + 0.1, n - 1))


def power(x, n):
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


@case((1.2, 0), (1.2, 1), (1.2, 13), (0.7, 6))
def recursion_on_an_integer(x, n):
    return power(x, n) * x


def fibonacci(x, n):
    return x**n if n < 2 else fibonacci(x, n - 1) + 0.5 * fibonacci(x, n - 2) * x


@case((0.8, 0), (0.8, 6))
def recursion_that_branches_twice(x, n):
    return fibonacci(x, n)


def total(tree):
    if isinstance(tree, tuple):
        return sum(total(branch) for branch in tree)
    return np.sum(np.sin(tree) * tree)


@case(((0.5, (V, (1.5, 2.0)), ()),), ((),), (0.5,))
def recursion_over_nested_tuples(tree):
    return total(tree) + 1.0


def evaluate(node, x):
    if isinstance(node, dict):
        left, right = evaluate(node["left"], x), evaluate(node["right"], x)
        return left * right if node["op"] == "*" else left + right
    return x if node is None else node


@case(({"op": "*", "left": None, "right": {"op": "+", "left": 2.0, "right": None}}, 0.7), (1.5, 0.7))
def recursion_over_nested_dicts(tree, x):
    return evaluate(tree, x) * x


def is_even(x, n):
    return x * x if n == 0 else is_odd(x * 1.1, n - 1)


def is_odd(x, n):
    return np.sin(x) if n == 0 else is_even(x + 0.2, n - 1)


@case((0.7, 0), (0.7, 3), (0.7, 6))
def recursion_mutual(x, n):
    return is_even(x, n) + is_odd(x, n)


def shrink(x):
    if x < 1.0:
        return x * x
    return shrink(x * 0.5) + x


@case(0.3, 1.7, 30.0)
def recursion_on_an_active_condition(x):
    return shrink(x) * shrink(x + 0.5)


def pairwise_sum(x):
    if len(x) == 0:
        return 0.0
    if len(x) == 1:
        return x[0] ** 2
    middle = len(x) // 2
    return pairwise_sum(x[:middle]) + pairwise_sum(x[middle:]) * 0.9


@case(V, ONE, EMPTY, MANY[:9])
def recursion_over_halves_of_an_array(x):
    return pairwise_sum(x)


def settle(u, n):
    if n > 0:
        u[1:] += 0.5 * u[:-1]
        u[0] *= u[n]
        settle(u, n - 1)


@case((V, 0), (V, 1), (V, 4))
def recursion_that_writes_its_argument(x, n):
    settle(x, n)
    return np.sum(x**2)


def quicksort(x, low, high):
    if low >= high:
        return
    pivot, k = x[high], low
    for i in range(low, high):
        if x[i] < pivot:
            x[i], x[k] = x[k], x[i]
            k += 1
    x[k], x[high] = x[high], x[k]
    quicksort(x, low, k - 1)
    quicksort(x, k + 1, high)


@refused(
    V,
    P,
    MANY[:8],
    says="quicksort calls itself as often as only the run decides, and it writes into an array that it was given",
    at="quicksort(x, 0, len(x) - 1)",
)
@case(ONE)
def recursion_that_sorts_in_place(x):
    quicksort(x, 0, len(x) - 1)
    return np.sum(x * np.arange(len(x)))


@case((V, 3), (V, 0))
def recursion_of_a_nested_function(x, n):
    def descend(y, k):
        if k == 0:
            return y
        return descend(np.tanh(y * x), k - 1) + k

    return np.sum(descend(x, n))


def simpson(f, a, b, depth):
    middle = 0.5 * (a + b)
    if depth == 0:
        return (b - a) / 6.0 * (f(a) + 4.0 * f(middle) + f(b))
    return simpson(f, a, middle, depth - 1) + simpson(f, middle, b, depth - 1)


@case((0.2, 1.5, 0), (0.2, 1.5, 2))
def recursion_with_a_function_as_argument(a, b, depth):
    return simpson(lambda t: np.exp(-t * t) * a, a, b, depth)


def collect(x, n, found):
    if n < 0:
        return found
    return collect(x * 1.2, n - 1, [*found, x**2])


@case((0.7, 3), (0.7, -1))
def recursion_with_a_list_that_grows(x, n):
    return sum(collect(x, n, [x])) * 2.0


@case((0.7, 3), (0.7, 0))
def recursion_in_a_loop(x, n):
    y = x
    for i in range(n):
        y = power(y, i + 1) + shrink(y)
    return y


@case((A, 2), (A, 0))
def recursion_over_rows(x, i):
    if i < 0:
        return 1.0
    row = x[i]
    best = 0.0
    for v in row:
        if v > 0:
            best = best + v * recursion_over_rows(x, i - 1)
    return best + row[0]


@refused(
    (U, 3),
    (U, 0),
    says="changing this list is not supported: what else refers to it is not known",
    at="found.append(x[i] ** 2)",
)
def recursion_that_appends(x, n):
    found = []

    def visit(i):
        if i < n:
            found.append(x[i] ** 2)
            visit(i + 1)

    visit(0)
    return sum(found) + x[0]


@case((0.8, 0.7, S[:2, :3] ** 2, 0.5))
def recursion_with_a_table(cost_in, cost_out, s, gamma):
    n, m = s.shape
    known = {}

    def distance(i, j):
        if (i, j) in known:
            return known[i, j]
        if i == 0 or j == 0:
            result = j * cost_in + i * cost_out
        else:
            ways = [distance(i - 1, j) + cost_out, distance(i, j - 1) + cost_in]
            ways.append(distance(i - 1, j - 1) + s[i - 1, j - 1])
            result = -gamma * np.log(sum(np.exp(-w / gamma) for w in ways))
        known[i, j] = result
        return result

    return distance(n, m)


def scaled_up(p, s):
    if s > 1.0:
        return p
    return scaled_up(p * 1.5, s + np.sum(p * p) * 0.1 + 0.3) + p


@refused(
    (V, 0.12),
    (V, 3.0),
    (ONE, 2.0),
    says="x may share its memory with y, which was written to: what it holds is known only at run time",
    at="y * x",
)
def recursion_that_may_give_its_argument(x, s):
    y = scaled_up(x, s)
    y[0] = 4.0
    return np.sum(y * x)
