"""Traps: what compilers and tapes before us have got wrong."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case

# indices that repeat


@case(V)
def gather_with_repeated_indices(x):
    return np.sum(x[[0, 0, 1]] * np.array([1.0, 10.0, 100.0])) + np.sum(np.take(x, [2, 2, -1]) ** 2)


@case((V, np.array([3, 3, 0, 3])), (V, np.array([], dtype=int)), (A, np.array([2, 2])))
def gather_by_an_index_argument(x, where):
    y = x[where]
    return np.sum(y[::-1] ** 2) + np.sum(x[where] * y)


@case((V, 3), (V, 0))
def gather_in_a_loop(x, n):
    y = x
    for i in range(n):
        y = y[[0, 0, i, 4, 1]] * x
    return np.sum(y)


@case((A, np.array([[0, 0], [2, 1]])))
def gather_rows_columns_and_both(x, where):
    return np.sum(x[where] ** 2) + np.sum(x[:, where] * 2.0) + np.sum(x[where, where[::-1]] ** 3)


# broadcasting


@case((V, 0.7), (ONE, 0.7), (EMPTY, 0.7))
def stretched_number(x, a):
    return np.sum(x / a) + np.sum(a / (x + 3.0)) + np.sum((x + 2.0) ** a) + np.sum(np.maximum(x, a))


@case((A, U[:4], P[:3, None]), (ROW, U[:4], ONE[:, None]), (NO_ROWS, U[:4], np.zeros((0, 1))))
def stretched_rows_and_columns(x, row, column):
    y = x / (row + 3.0) - column / row
    z = column**row + (x + 2.0) ** column
    return np.sum(y * z + np.maximum(x, column - 1.0) * np.minimum(row, x))


@case((U[:4], ROW), (ROW, U[:4]), (ROW, ROW.T), (ONE, V), (V, ONE), (ONE[:, None], EMPTY[None]))
def stretched_axes_of_length_one(x, y):
    z = x * y
    z = z + x / (y + 2.0)
    return np.sum(np.maximum(z, x)) + np.sum(y)


@case((V, A), (V, NO_ROWS))
def stretched_in_a_loop(x, rows):
    acc = 1.0
    for row in rows:
        acc = acc / (row + 3.0) + x[:, None]
    return np.sum(acc**2)


# constants, and what depends on nothing


@case(0.5, -0.5)
def branch_returns_a_constant(x):
    if x < 0:
        return 3.0
    return x * x


@case(0.5, -0.5, 1.5)
def branch_returns_an_integer(x):
    if x < 0:
        return 0
    return x * x if x < 1 else 1


@case((V, {"a": 0.5, "b": (U, [A, 1.5])}, 2.0))
def output_does_not_depend_on_the_input(x, p, a):
    return 7.5


@case((V, (U, 0.5), 3), (EMPTY, (ONE, 0.5), 0))
def output_depends_on_lengths_only(x, p, n):
    total = 0.0
    for i in range(n):
        total += x.shape[0] * 2.0
    return total + float(len(p))


@case((V, 0.5), (EMPTY, 0.5))
def output_depends_on_comparisons_only(x, a):
    count = 0.0
    for v in x:
        if v > a:
            count += 1.0
    return count * 2.0 + np.sum(np.sign(x))


@case((V, 0), (V, 2))
def output_loses_its_input(x, n):
    y = x * x
    for _ in range(n):
        y = np.ones(5)
    y = y * 2.0
    return np.sum(y * 0.0) + np.sum(y)


@case((V, 1.5, True), (V, 1.5, False))
def output_depends_on_one_input_a_side(x, a, flag):
    return np.sum(x * x) if flag else a * a


@case(1.5, np.float64(1.5), np.array(1.5))
def output_is_the_input(x):
    return x


# overwritten


@case((0.5, True), (0.5, False))
def overwritten_in_a_branch_not_taken(x, flag):
    y = x * x
    z = np.sin(y)
    if flag:
        y = z * 3.0
    return y * z


@case((V, 0.3), (V, 3.0))
def overwritten_in_a_branch_of_a_loop(x, limit):
    y = z = 1.0
    for v in x:
        z = y * v
        if v > limit:
            y = z * z + 1.0
    return y * z


@case(0.8)
def overwritten_by_itself(x):
    x = x * x
    x = np.exp(x) * x
    x = x / (x + 1.0)
    return x * x


@case(V)
def overwritten_before_it_is_used(x):
    y = np.exp(x)
    y = x + 1.0
    for _ in range(2):
        z = np.sin(y)
        z = y * 0.5
        y = z + x
    return np.sum(y)


@case(V)
def overwritten_after_a_function_saved_it(x):
    y = np.exp(x)  # the gradient needs y, the result of exp
    z = y * x
    y[:] = 0.0
    return np.sum(z) + np.sum(y * x)


@case(V)
def overwritten_while_its_square_is_needed(x):
    total = 0.0
    for i in range(3):
        y = x * (i + 1)
        total += np.sum(y**2)
        y *= y
        total += np.sum(y**2)
    return total


# singular where it does not matter


@case(np.array([0.5, 0.0, -1.2]))
def where_with_a_singular_side(x):
    safe = np.where(x != 0, np.sin(x) / x, 1.0)
    root = np.where(x > -2.0, x * x, np.sqrt(x))
    return np.sum(safe) + np.sum(root) + np.sum(np.where(x < 3.0, x, np.log(x - 3.0)))


@case((np.array([0.5, 0.0, -1.2]), np.array([True, False, False])))
def where_with_a_mask_argument(x, mask):
    total = 0.0
    for _ in range(2):
        total += np.sum(np.where(mask, np.log(x) * x**0.5, 0.0) + np.where(mask, 1.0 / x, x))
    return total


@case(np.array([0.5, 0.0, -1.2]))
def singular_in_a_branch_not_taken(x):
    total = 0.0
    for v in x:
        total += 1.0 / v if v > 0.1 else v * v
        if v < -1:
            total += np.sqrt(-v)
    return total


@case(np.array([2.0, 3.0, 5.0]), np.array([0.0, 3.0, 5.0]), np.array([0.0, 3.0, 0.0]), EMPTY, np.zeros(3))
def product_with_zeros(x):
    by_hand = 1.0
    for v in x:
        by_hand = by_hand * v
    return np.prod(x) + 2.0 * by_hand + np.sum(np.cumprod(x))


@case(np.array([[0.0, 2.0], [0.0, 0.5], [1.5, -1.0]]), NO_ROWS)
def product_with_zeros_by_axis(x):
    return np.sum(np.prod(x, axis=0) ** 2) + np.sum(np.prod(x, axis=1, keepdims=True) * x)


@case((0.0, 3), (-1.2, 3), (1.2, 0), (-0.7, 1))
def powers_at_zero_and_below(x, n):
    total = x**2 + np.power(x, 3)
    for i in range(n):
        total = total + x**i * (i + 1)
    return total + (-x) ** n


@case(np.array([0.0, -1.5, 2.0]))
def powers_of_arrays_at_zero_and_below(x):
    total = 0.0
    for i in range(1, 4):
        total = total + np.sum(x**i) * i
    x **= 2
    return total + np.sum(x ** np.array([1, 2, 3]))


# names


@case((0.5, 1.5, 3))
def names_that_generated_code_would_like(grad_x, s0, n):
    grad_y = saved_y = stack = path = trips = grad_x * s0
    for i_1 in range(n):
        grad_grad_x, s1 = saved_y * i_1, stack + s0
        saved_y = grad_grad_x * path + s1
    return saved_y * grad_y + trips


@case((V, 0.5))
def names_of_builtins(x, a):
    sum, len, range_ = a * a, 3, range
    max = np.sum(x) * sum
    for abs in range_(len):
        max = max * a + abs
    return max


@case((0.5, 3), (0.5, 0))
def names_reused_with_other_types(x, n):
    y = "text"
    y = [x, x * 2.0]
    y = np.array(y)
    for y in range(n):
        x = x * (y + 1.0)
    y = x if n else None
    return x * x if y is None else y * x


# numbers


@case((3, 0.5), (0, 0.5), (-2, 1.5), argnums=(1,))
def integers_are_numbers(k, x):
    total = k
    for i in range(3):
        total = total * x + k // 2
        k = k + i
    return total / 4 + (k % 3) * x


@case((np.float64(0.5), np.array(1.5), 2), (0.5, np.array(1.5), 0))
def scalars_of_every_kind(x, y, n):
    for i in range(n):
        x, y = x * y + i, y / (x + 2.0)
    return float(x) * y.item() + y.sum() * x


@case((V, 2), (V, 0))
def numbers_from_arrays(x, n):
    total = float(x[0]) + x[1].item() * 2.0
    for i in range(n):
        total = total + float(np.sum(x)) * total
    return np.float64(total) * int(x[3] * 10.0)


@case((V, V), (V, U))
def same_array_twice(x, y):
    total = 0.0
    for a, b in zip(x, y):
        total += a * b * b
    return total + x @ y


@case(A, A.T, A[:, ::2], A[::-1], np.asfortranarray(A))
def memory_of_every_layout(x):
    y = x.T
    total = np.sum(x[0]) * 1.0
    for row in y:
        total = total + np.sum(row * row) * row[0]
    x[0] *= total
    return np.sum(np.sin(x))


@case((V, 3), (V, 0))
def effects_of_dead_code(x, n):
    dead = np.zeros(5)
    unused = {}
    for i in range(n):
        dead[i] = x[i] ** 2
        unused[i] = dead * x
        x = x * 1.1
    return np.sum(x)


@case(MANY)
def running_statistics(x):
    mean, m2 = 0.0, 0.0
    for k, v in enumerate(x):
        delta = v - mean
        mean += delta / (k + 1)
        m2 += delta * (v - mean)
    return m2 / (len(x) - 1) + mean


@case((S, 3), (S, 0))
def matrix_powers_and_traces(a, n):
    total, power = 0.0, np.eye(3)
    for k in range(n):
        power = power @ a / (k + 1)
        total = total + np.trace(power) + power[k, 0]
    return total * np.linalg.norm(a)


@case((ONE, 0.5 * ONE, 2), (ONE, 0.5 * ONE, 0), (V, U, 3))
def one_argument_takes_the_place_of_another(x, y, k):
    for _ in range(k):
        y -= 0.4
        y = x
    return np.sum(y * y)
