"""Calls that fail: the gradient raises what the function raises. And what the compiler refuses."""

import numpy as np

from tests.corpus.table import EMPTY, NO_ROWS, ONE, A, P, U, V, case, raising, refused

# names without a value


@raising((1.5, 0))
@case((1.5, 2))
def loop_variable_after_an_empty_loop(x, n):
    y = x * x
    for i in range(n):
        y = y * x
    return y * i


@raising(EMPTY)
@case(V)
def element_after_an_empty_loop(x):
    for v in x:
        pass
    return v * v


@raising((1.5, 0))
@case((1.5, 1), (1.5, 3))
def name_bound_in_the_body(x, n):
    for k in range(n):
        y = x * x * k
    return y * y + x


@raising((1.5, False))
@case((1.5, True))
def name_bound_in_one_branch(x, flag):
    if flag:
        y = x * x
    return y * x


@raising(-0.5)
@case(0.5)
def name_bound_in_one_branch_on_an_active_value(x):
    if x > 0:
        y = x * x
    return y * x


@raising((V, 0))
@case((V, 2))
def name_bound_in_a_while(x, n):
    while n > 0:
        y = x * n
        n -= 1
    return np.sum(y * y)


@raising(V, EMPTY)
@case(-P)
def name_bound_in_a_branch_of_a_loop(x):
    for v in x:
        if v < 0:
            y = v * v
        x = x * y
    return y * np.sum(x)


@raising((V, 0))
@case((V, 1))
def name_deleted(x, n):
    y = x * 2.0
    if n == 0:
        del y
    return np.sum(y * y)


# indices and shapes


@raising((V, 6), (EMPTY, 1))
@case((V, 5), (V, 0))
def index_beyond_the_end(x, n):
    total = 0.0
    for i in range(n):
        total += x[i] ** 2
    return total


@raising((V, 5), (V, -6))
@case((V, 4), (V, -5))
def index_beyond_the_end_in_a_store(x, i):
    x[i] = x[0] ** 2
    return np.sum(x**2)


@raising((V, U[:3], 1), (V, U, 1))
@case((V, U[:4], 1), (V, ONE, 3), (V, U, 0))
def shapes_of_a_store(x, v, i):
    x[i:] = v * v
    return np.sum(x**2)


@raising((V, U[:3]))
@case((V, U), (V, ONE))
def shapes_of_an_augmented_store(x, v):
    for i in range(2):
        x += v * i
    return np.sum(x * x)


@raising(A[:, :3], A[:, :1])
@case(A[:, :2])
def unpacking_of_rows(x):
    total = 0.0
    for a, b in x:
        total += a * b
    return total


@raising((A, 2), (A, 1))
@case((A[:, :3].copy(), 2))
def shapes_of_products(x, n):
    y = x
    for _ in range(n):
        y = y @ x
    return np.sum(y)


# containers


@raising((V, 0))
@case((V, 2))
def stack_of_nothing(x, n):
    parts = []
    for i in range(n):
        parts.append(x * i)
    return np.sum(np.stack(parts) ** 2)


@raising((V, 0), (EMPTY, 0))
@case((V, 3))
def last_of_an_empty_list(x, n):
    found = []
    for v in x[:n]:
        found.append(v * v)
    return found[-1] * found.pop()


@raising((V, 3))
@case((V, 2))
def pop_from_an_empty_list(x, n):
    stack = [x[0], x[1]]
    total = 0.0
    for _ in range(n):
        total = total * 0.5 + stack.pop() ** 2
    return total


@raising(EMPTY)
@case(V)
def largest_of_nothing(x):
    return max(v * v for v in x) * np.sum(x)


@raising(({"a": 0.5}, "b"))
@case(({"a": 0.5, "b": 1.5}, "b"))
def missing_key(p, key):
    total = 0.0
    for _ in range(2):
        total += p[key] * p["a"]
    return total


# the user's own


@raising(V)
@case(P)
def raise_in_a_loop(x):
    total = 0.0
    for i, v in enumerate(x):
        if v < 0:
            raise ArithmeticError(f"element {i} is {v:.2f}")
        total += np.sqrt(v)
    return total


@raising((V, 3))
@case((V, 1))
def assert_in_a_loop(x, n):
    total = 1.0
    for i in range(n):
        total = total * x[i]
        assert total > 0, "negative"
    return total


def root(v):
    if v < 0:
        raise ValueError("no root")
    return v**0.5


@raising((V, 2), (V, 5))
@case((V, 1), (V, 0))
def raise_in_a_helper(x, n):
    total = 0.0
    for i in range(n):
        total = total + root(x[i])
    return total + x[0]


@raising((0.5, 0))
@case((0.5, 2), (0.5, -1))
def range_without_a_step(x, step):
    total = x
    for i in range(0, 3, step):
        total = total * x + i
    return total


@raising((0.5, 0))
@case((0.5, 3))
def integers_divided_by_zero(x, n):
    total = x
    for i in range(2):
        total = total * x + 7 // n
    return total


@raising((V, U[:3]))
@case((V, U), (EMPTY, EMPTY))
def zip_strict(x, y):
    total = 0.0
    for a, b in zip(x, y, strict=True):
        total += a * b * b
    return total


@raising(V)
def integers_take_no_floats(x):
    y = np.arange(5)
    y += x
    return np.sum(y * x)


@raising(V)
def read_only_view_is_not_written(x):
    y = np.broadcast_to(x, (2, 5))
    y[0] = x * 2.0
    return np.sum(y * x)


@raising((NO_ROWS, 1))
@case((A, 1))
def largest_of_no_rows(x, n):
    total = 0.0
    for _ in range(n):
        total += np.sum(np.max(x, axis=0) ** 2)
    return total


# refused


@refused(V, says="complex numbers are not supported; only real numbers are", at="1j * x")
def complex_numbers(x):
    return np.sum(np.abs(np.exp(1j * x) + x))


@refused(V, says="no gate rule for eval", at='eval("np.sum(x * x)")')
def evaluated_text(x):
    return eval("np.sum(x * x)")


@refused(0.5, says="no gate rule for float", at="float(str(x))")
def number_in_a_text(x):
    return float(str(x)) * x


@refused(0.5, says="global is not supported yet", at="global LAST")
def global_rebound(x):
    global LAST
    LAST = x * x
    return LAST * x


@refused(
    V,
    says="a number computed at run time stands where the compiler must know it: as an item of a set",
    at="{v * v for v in x}",
)
def set_of_active_values(x):
    return sum({v * v for v in x})


@raising((A, 2.0), (A, np.float64(2.0)))
def matrix_times_number_by_matmul(rows, x):
    return np.sum(rows @ x)


@raising((0.6, 0), (0.6, 1))
@case((0.6, 2))
def too_few_to_take_apart(x, n):
    xs = []
    for i in range(n):
        xs.append(x * i)
    first, *_, last = xs
    return last * 2.0 + first


# an argument that can be gone through once


def summed_twice(items):
    return sum(items) + sum(items)


@refused(0.6, says="items is an iterator, which can be gone through once: make it a list", at="items")
def argument_gone_through_twice(x):
    return summed_twice(map(lambda v: v * v, [x, 2.0 * x]))


def longer_and_summed(xs, items):
    xs.append(1.0)
    return sum(items)


@case(0.6)
def argument_gone_through_once(x):
    xs = [x, 2.0 * x]
    return longer_and_summed(xs, (v * v for v in xs)) + (lambda pairs: sum(a * b for a, b in pairs))(
        zip(xs, xs)
    )


@refused(
    V,
    says="the two ways to return do not agree: a np.float64 on one side, a float64[:] on the other",
    at="for x in x:",
)
@refused(
    ONE,
    says="the two ways to return do not agree: a np.float64 on one side, a float64[1] on the other",
    at="for x in x:",
)
def for_name_hides_what_it_runs_over(x):
    y = 0.0
    for x in x:
        y = y * x + x
    return y * x
