"""Recursion that the run decides, and large functions that are called several times: pairs."""

import math

import numpy as np

from tests.corpus.table import A, P, S, U, V, case, raising, refused

# recursion that the run decides


def halving(x, n):
    if x < 0.5:
        return x * n
    return halving(x * 0.5, n + 1) * 1.1 + x


@case(0.3, 1.7, 30.0)
def recursion_until_a_number_is_small(x):
    return halving(x, 1) + halving(x * x, 2)


def simpson(f, a, b):
    middle = 0.5 * (a + b)
    return (b - a) / 6.0 * (f(a) + 4.0 * f(middle) + f(b))


def adaptive(f, a, b, tolerance, whole):
    middle = 0.5 * (a + b)
    left, right = simpson(f, a, middle), simpson(f, middle, b)
    error = left + right - whole
    if abs(error) < 15.0 * tolerance:
        return left + right + error / 15.0
    return adaptive(f, a, middle, tolerance / 2.0, left) + adaptive(f, middle, b, tolerance / 2.0, right)


@case((0.1, 2.0, 3.0), (0.3, 0.4, 1.0))
def recursion_of_adaptive_quadrature(a, b, k):
    def f(t):
        return np.sin(k * t) * np.exp(-t)

    return adaptive(f, a, b, 1e-4, simpson(f, a, b))


def interpolate(xs, ys, t, low, high):
    if high - low <= 1:
        return ys[low] + (t - xs[low]) * (ys[high] - ys[low]) / (xs[high] - xs[low])
    middle = (low + high) // 2
    if t < xs[middle]:
        return interpolate(xs, ys, t, low, middle)
    return interpolate(xs, ys, t, middle, high)


@case((np.cumsum(P), V, 1.31), (np.cumsum(P), V, 4.9), (P[:2] + np.arange(2), V[:2], 1.2))
def recursion_of_a_binary_search(xs, ys, t):
    return interpolate(xs, ys, t, 0, len(xs) - 1) ** 2


def even_steps(x):
    return x if x < 0.7 else odd_steps(x * 0.6) * x


def odd_steps(x):
    return np.sin(x) if x < 0.4 else even_steps(x - 0.3) + x


@case(0.2, 0.9, 5.3)
def recursion_mutual_and_steered_by_numbers(x):
    return even_steps(x * 3) + odd_steps(x)


def until_small(x, limit):
    if np.sum(x * x) < limit:
        return x
    return until_small(0.7 * x, limit) + np.sin(x) * limit


@case((V, 0.5), (V, 9.0), (np.zeros(0), 0.5))
def recursion_on_an_array_until_it_is_small(x, limit):
    y = until_small(x, limit)
    return np.sum(y * y) + np.sum(y * x)


def shorter(x):
    if len(x) < 2 or np.sum(x) < 1.0:
        return np.sum(x * x)
    return shorter(x[1:]) + x[0]


@case(P, V, P[:1])
def recursion_on_an_array_that_grows_shorter(x):
    return shorter(x) * 2.0


def powers(M, limit):
    return powers(M * 0.5, limit) @ M if np.sum(np.abs(M)) > limit else M + np.eye(len(M))


@case((S, 2.0), (S, 20.0))
def recursion_of_matrices(M, limit):
    return np.sum(powers(M, limit))


@case((1.7, 0.8), (0.4, 3.0))
def recursion_of_a_closure(x, k):
    def descend(y):
        if y < k:
            return y * y * x
        return descend(y * 0.5) + k

    first = descend(x * 4.0)
    k = k * 1.3
    return first * descend(x + 9.0)


def countdown(x, n):
    return x if n <= 0 else countdown(x * 0.999, n - 1) + 0.001


@case(1.0015, 0.011)
def recursion_of_three_hundred_levels(x):
    return countdown(x, int(x * 300.0))


def gathered(x, total):
    if x < 0.5:
        return total, x
    a, b = gathered(x * 0.5, total + x)
    return a * 1.1, b + x


@case(0.3, 4.7)
def recursion_with_two_results(x):
    a, b = gathered(x, 0.0)
    return a * b + b


def sprout(x, d):
    if x < 0.3:
        return {"sum": x, "count": 1}
    left, right = sprout(x * 0.4, d), sprout(x * 0.6, d)
    return {"sum": left["sum"] * right["sum"] + d * x, "count": left["count"] + right["count"]}


@case((0.2, 0.3), (1.9, 0.3))
def recursion_that_grows_a_tree(x, d):
    tree = sprout(x, d)
    return tree["sum"] * tree["count"]


def spread(x, w):
    if x < 1.0:
        return x * w
    total = 0.0
    for i in range(3):
        total = total + spread(x * 0.4, w) * (i + 1)
    return total


@case((0.53, 0.9), (4.3, 0.9))
def recursion_in_a_loop_of_its_own(x, w):
    total = 1.0
    for i in range(3):
        total += spread(x + i, w)
    return total


@case((2.2, 1.0), (1.0, 2.3))
def recursion_on_one_side_of_a_branch(x, y):
    if x > y:
        return halving(x, 1) * y
    return halving(y * 3.0, 2) + x


def root(x, a):
    y = 0.5 * (x + a / x)
    return y if abs(y - x) < 1e-13 else root(y, a)


@case(3.0, 0.2)
def recursion_of_newton_steps(a):
    return root(1.0, a) * a


def checked(x, depth):
    if depth > 400:
        raise RecursionError("too deep")
    return x * x if x < 1.0 else checked(x - 0.5, depth + 1)


@case(0.4, 3.2)
def recursion_that_may_raise(x):
    return checked(x, 0)


@raising(3000.0)
def recursion_that_raises(x):
    return checked(x, 0)


def logarithms(x):
    return np.log(x) if x < 1.0 else logarithms(np.log(x) + 0.4) * x


@case(P, U)
def recursion_that_is_masked(x):
    y = [logarithms(v) if v > 0.6 else v for v in x]
    return np.sum(np.where(x > 0.6, np.array(y), 0.0))


RATE = np.array([0.5, 0.25])


def discounted(x):
    return x * RATE[1] if x < 1.0 else discounted(x * RATE[0]) + RATE[1] * x


@case(0.7, 9.0)
def recursion_that_reads_the_program(x):
    return discounted(x)


@refused(
    3.0,
    says="circle calls itself as often as only the run decides, and no way through it ends without another call of it",
    at="circle(x)",
)
def recursion_that_never_ends(x):
    def circle(y):
        return circle(y * 0.5) if y > 1.0 else circle(y + 1.0)

    return circle(x)


@refused(
    (V, 3.0),
    says="settle calls itself as often as only the run decides, and it writes into an array that it was given",
    at="settle(x.copy(), n)",
)
def recursion_that_writes_what_it_is_given(x, n):
    def settle(y, k):
        if k < 0.3:
            return np.sum(y)
        y[0] = y[1] * k
        return settle(y, k * 0.5)

    return settle(x.copy(), n)


# large functions


def layer(x, W, b, slope=0.1, *, scale=1.0):
    z = x @ W + b
    s = np.exp(-np.abs(z))
    t = (1.0 - s) / (1.0 + s) * np.sign(z)
    u = np.where(z > 0, t * z, slope * z)
    return np.tanh(u - np.max(u)) * scale + np.sin(u) * np.sqrt(0.5 + s) + 0.1 * b


@case((A, A.T @ A, P[:4]))
def large_helper_called_three_times(x, W, b):
    h = layer(x, W, b)
    h = layer(h, W * 0.5, b * h[0])
    h = layer(h, W, h[1])
    return np.sum(h * layer(x, W, np.zeros(4))) + np.sum(layer(A, W, 1.0))


@case((S, U[:3], V[:3]))
def large_helper_with_keywords(W, b, x):
    first = layer(x, W, b, scale=2.0) + layer(b, W, x, 0.3)
    second = layer(first, W, b=x, scale=2.0) + layer(W=W, x=first, b=b, slope=0.3)
    return np.sum(second * layer(x, W, b, scale=b[0]) * layer(second, W, x, scale=x[1]))


@case((S, U[:3], 0), (S, U[:3], 3))
def large_helper_in_a_loop(W, x, n):
    h = x
    for i in range(n):
        h = layer(h, W, x * i)
        x = x + layer(h, W, x) * 0.5
    return np.sum(h) + np.sum(x)


@case((S, U[:3], 1.0), (S, U[:3], -1.0))
def large_helper_in_a_branch(W, x, side):
    if side > 0:
        y = layer(x, W, x)
    else:
        y = layer(2.0 * x, W, x) + layer(x, W, 2.0 * x)
    return np.sum(y * y)


@case((S, V[:3]), argnums=(0,))
def large_helper_on_what_is_not_differentiated(W, x):
    first = layer(x, W, np.sin(x))
    second = layer(np.cos(x), S, x)
    return np.sum(first * second)


def cell(state, params):
    h, c = state
    gates = np.tanh(h @ params["W"] + params["b"])
    f, i = 1.0 / (1.0 + np.exp(-gates)), np.exp(-gates * gates)
    c = f * c + i * gates
    c = c / np.sqrt(1.0 + np.sum(c * c)) + params["x"][0] * params["x"][1]
    return (np.tanh(c) * f, c), np.sum(c * c * f)


@case(({"W": S, "b": U[:3], "x": [0.5, 1.5], "unused": V}, P[:3]))
def large_helper_of_containers(params, h):
    state, total = (h, h * 0.5), 0.0
    for _ in range(2):
        state, loss = cell(state, params)
        total += loss
    params["x"][1] = total
    state, loss = cell(state, {**params, "b": h})
    return total * loss + np.sum(state[0] * cell(state, params)[1])


def wobble(x, k):
    y = np.sin(x) * math.pi + k
    for _ in range(3):
        y = y - (y * y - x) / (2.0 * y + 4.0)
    return math.exp(-y * y) * np.log(1.5 + y * y) + y / (1.0 + x * x) + math.cos(x * y) - k


@case((0.7, 1.2), (1.3, -0.2))
def large_helper_of_numbers(x, k):
    y = wobble(x, k) + wobble(k, x)
    return wobble(y, 1.0) * wobble(k * y, x) + wobble(2.0, k)


@case((V, 0.4))
def large_helper_of_a_closure(x, k):
    def inner(t, s):
        a = np.sin(t * k) * x + s
        b = np.cos(a) / (1.0 + a * a) - np.tanh(t)
        return np.exp(-b * b) * k + a * b + np.sum(a) * s - x * 0.1 + t * t

    first = inner(np.sin(x), 1.0)
    k = k * 1.3
    second = inner(np.tanh(first), 1.0)
    return np.sum(first * second) * k


def written(x, s):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * s + (y[i - 1] if i > 0 else 0.0)
    y[0] *= 2.0
    y += np.sin(y) * s
    return y * y - np.cos(x) * s + 1.0


@case((V, 0.4))
def large_helper_that_writes_into_its_own(x, s):
    y = written(x, s)
    y[1] = s
    z = written(y, 0.5 * s)
    y[2] = np.sum(z)
    return np.sum(y * z * x)


@case((V, 0.4))
def large_helper_whose_arguments_are_written_later(x, s):
    y = x * 2.0
    a = written(y, s)
    y[1] = 0.3 * s
    b = written(y, s)
    a[0] = b[1]
    y *= b
    return np.sum(a * b * y)


def guarded(x, y):
    """Infinite where the mask is off."""
    z = np.log(x) * y + 1.0 / x
    w = np.sqrt(np.abs(z)) * np.exp(-y * y) + np.sin(z) * np.cos(y)
    return w + z * 0.1 - np.tanh(w) * x


@case((np.array([0.4, 0.0, 1.2]), U[:3]), argnums=(1,))
def large_helper_that_is_masked(x, y):
    safe = np.where(x > 0, x, 1.0)
    return np.sum(np.where(x > 0, guarded(safe, y) + guarded(safe, 2.0 * y), 0.0))


# what a large function gives shares memory, or is a function


def stirred(a):
    b = a * 1.1
    b = b + np.sin(b)
    c = np.tanh(b * b + a) + a
    d = c * c + np.exp(-c * c)
    return d / (1.0 + d * d) + np.cos(d) * c


def stirred_and_reversed(a):
    b = stirred(a)
    b[1:] += a[:-1]
    c = b[::-1]
    c[0] = a[0]
    return b, c


@case(V, U)
def array_given_with_a_view_of_it(x):
    b, c = stirred_and_reversed(x)
    b[0] = 1.0
    return np.sum(b * c * x)


def weighing(a):
    b, c = stirred(a), stirred(a + 0.1)[1:]
    b[0] = 1.0

    def weigh(v):
        return np.sum(v * b) + np.sum(c * b[1:])

    b *= 2.0
    return weigh


@case(V, U)
def function_given_by_a_large_one(x):
    first, second = weighing(x), weighing(x * 0.5)
    return first(x) * second(x)


class Halved:
    def __init__(self, b):
        self.b, self.tail = b, b[1:]


def halved_object(a):
    b, c = stirred(a), stirred(a + 0.1)
    b[0] = 1.0
    given = Halved(b)
    b *= 2.0
    given.tail[0] = c[1]
    return given, {"c": c, "b": b, "parts": [c, b[::2]]}


@case(V, U)
def object_given_with_a_view_of_its_array(x):
    first, some = halved_object(x)
    second, others = halved_object(x * 0.5)
    first.b[2] = 7.0
    others["c"][0] = 3.0
    return np.sum(some["b"] * second.b) + np.sum(first.tail * second.tail) + np.sum(others["parts"][0])
