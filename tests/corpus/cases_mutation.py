"""Stores: elements, slices, masks, index arrays, augmented operators, `out=`, methods that write."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case

# elements


@case(V, ONE)
def store_constant(x):
    x[0] = 3.0
    return np.sum(x**2)


@case((V, 0, -1), (V, 2, 2), (ONE, 0, 0))
def store_active_at_run_time_indices(x, i, j):
    y = x.copy()
    y[i] = x[j] * x[i]
    y[j] = y[i] ** 2 + y[j]
    return np.sum(y * y)


@case((V, 0.7, 1), (V, 0.7, -2))
def augmented_elements(x, a, i):
    y = x * 1.0
    y[i] += a
    y[i - 1] -= a * y[i]
    y[i] *= y[i - 1]
    y[i - 2] /= a + 1.0
    y[i + 1] **= 2
    y[i] //= 0.5  # a step: no gradient
    y[i - 2] %= 0.3
    return np.sum(y**2)


@case((V, U), (ONE, ONE * 2), (EMPTY, EMPTY))
def augmented_arrays(x, v):
    y = np.cos(x)
    y += v
    y -= y * x
    y *= v
    y /= v * v + 1.0
    y **= 2
    y += 1
    return np.sum(y * x)


@case((P, 2.5), (P, 2))
def augmented_power(x, e):
    x **= e
    x[1:] **= 2
    x[0] **= x[1]
    return np.sum(x)


@case((S, S.T + 0.1))
def augmented_matmul(a, b):
    a @= b
    a @= np.sin(a)
    return np.sum(a * b)


@case((V, 2), (V, 0))
def augmented_in_a_loop(x, n):
    y = np.ones(5)
    for i in range(n):
        y[i + 1] += y[i] * x[i]
        y[i] -= x[i + 1] ** 2
        y *= 1.0 + x[i]
    return y @ x


@case((A, 0.6, 1, 2), (A, 0.6, -1, 0))
def store_in_a_matrix(x, v, i, j):
    x[i, j] = v * v
    x[i, j - 1] += v * x[i, j]
    x[0, j] *= x[i, 0]
    return np.sum(x**2)


@case((A, U[:4], U[:3]), (ROW, P[:4], ONE))
def store_rows_and_columns(x, row, column):
    x[0] = row
    x[:, 1] = column
    x[-1] *= row
    x[:, -1] += column * x[:, 0]
    return np.sum(np.sin(x))


@case((A, 0.6))
def store_in_a_row_of_a_matrix(x, v):
    x[1][2] = v
    x[0][1:] *= v
    x[2][:] = x[0]
    return np.sum(x**2)


@case((np.stack([A[:, :2], A[:, 2:]]), 0.8))
def store_in_three_dimensions(x, v):
    x[1, ..., 0] = v
    x[..., 1] *= 2.0
    x[0, 1:, :] = x[1, :2] * v
    x[:, 0, :] -= v
    return np.sum(x**2)


@case(V, MANY, ONE)
def store_prefix_sums(x):
    y = np.empty_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * 0.9 + x[i] ** 2
    return np.sum(y * y)


@case(A, ROW)
def store_a_table(x):
    best = np.zeros((x.shape[0] + 1, x.shape[1] + 1))
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            best[i + 1, j + 1] = x[i, j] + np.log(np.exp(best[i, j + 1]) + np.exp(best[i + 1, j]))
    return best[-1, -1]


@case((V, 4), (V, 0))
def store_many_times_in_one_place(x, n):
    y = np.zeros(2)
    for i in range(n):
        y[0] = y[0] ** 2 * 0.5 + x[i]
        y[1] = y[0] * y[1] + 1.0
    return y[0] + y[1]


@case(0.8, -0.4)
def store_in_new_arrays(x):
    y, z = np.zeros(3), np.ones((2, 2))
    y[1] = x
    z[1] = [x, x * x]
    w = np.array([x, 1.0, 2.0])
    w[1:] = y[:2] * x
    f = np.full(2, x)
    f[0] *= f[1]
    return np.sum(y) + np.sum(z**2) * np.sum(w) + np.sum(f)


@case(V)
def store_in_integers_cuts_off(x):
    y = np.array([1, 2, 3])
    y[0] = x[3] * 3.0  # 4, without a gradient
    counts = np.zeros(2, dtype=int)
    for v in x:
        counts[0 if v > 0 else 1] += 1
    return np.sum(y) * x[0] + counts[0] * x[1] ** 2


@case((V, 0.5))
def store_through_an_empty_index(x, v):
    s = np.zeros(())
    s += v
    s[()] = s * v
    s[...] += x[0]
    x[...] = s * x
    return np.sum(x) * s


# slices


@case(V, P)
def slices(x):
    y = np.zeros(8)
    y[:5] = x
    y[5:] = x[1:4] ** 2
    y[::2] += 1.0
    y[::-3] *= 2.0
    y[-2:] = y[:2]
    return np.sum(y**2)


@case((V, 0.8))
def slices_stretch_what_is_stored(x, v):
    y = np.ones((3, 5))
    y[:] = x
    y[1:, ::2] = v
    y[:, 0] += x[:3]
    y[2] = x[:1] * v
    y[:2] *= np.array([[v], [2.0]])
    return np.sum(y**3)


@case((V, 0.8), (V[:2], 0.5), (ONE, 0.5))
def slices_that_overlap(u, w):
    u[1:] = u[:-1] * w
    u[:-1] = u[1:] + u[:-1] ** 2
    u[::-1] = u * w
    return np.sum(u**2)


@case((V, 0), (V, 1), (V, 4), (V[:3], 2))
def slices_in_a_time_loop(u, steps):
    for t in range(steps):
        u[1:-1] = 0.5 * (u[:-2] + u[2:])
        u[0] = u[1] * u[-1]
    return np.sum(u**2)


@case((V, 3), (P, 1))
def slices_that_overlap_in_augmented_stores(u, n):
    for _ in range(n):
        u[1:] += u[:-1]
        u[:-1] *= u[1:]
        u -= u[::-1] * 0.5
        u[:] = u / 2.0
    return np.sum(u)


@case((V, 1, 4), (V, -2, 5), (V, 3, 1), (V, 0, 99))
def slices_with_run_time_bounds(x, a, b):
    x[a:b] *= 2.0
    x[:a] = x[:a] ** 2
    for i in range(3):
        x[i : i + 2] += x[i] * 0.5
    return np.sum(x**2)


@case((A, 2), (A, 0))
def slices_of_rows_eliminate(x, n):
    for k in range(n):
        for i in range(k + 1, x.shape[0]):
            x[i, k:] -= x[k, k:] * (x[i, k] / x[k, k])
    return np.sum(x**2)


# masks and index arrays


@case(V, MANY, EMPTY)
def mask_constant(x):
    x[x < 0] = 0.0
    x[x > 0.5] *= 2.0
    return np.sum(x**2)


@case((V, U), (ONE, -ONE), (EMPTY, EMPTY))
def mask_from_another_array(x, y):
    x[y > 0] = y[y > 0] ** 2
    x[~(y > 0)] += x[y < 0]
    return np.sum(np.sin(x))


@case((A, 0.4))
def mask_of_a_matrix(x, v):
    x[x > v] = v
    x[np.array([True, False, True])] *= 2.0
    x[np.abs(x) < 0.25] -= v * v
    return np.sum(x**2)


@case((V, U[:3]))
def index_array_store(x, v):
    y = x * 2.0
    y[[4, 0, 2]] = v
    y[np.array([1, 3])] += v[:2] * x[[0, 1]]
    y[[-1]] = v[0] ** 2
    return np.sum(y**2)


@case((V, U[:3]))
def index_array_with_repetitions_keeps_the_last(x, v):
    x[[0, 0, 1]] = v * v
    return np.sum(x**3)


@case((V, U[:3], np.array([0, 0, 1])), (V, U[:3], np.array([3, 4, 2])), (V, EMPTY, np.array([], dtype=int)))
def index_array_augmented_is_buffered(x, v, where):
    x[where] += v
    x[where] *= v
    return np.sum(x**2)


@case((A, np.array([0, 2, 2]), np.array([1, 1, 3]), 0.7))
def index_arrays_of_two_axes(x, rows, columns, v):
    x[rows, columns] += v
    x[rows, 0] = v * x[0, columns]
    x[np.ix_([0, 1], [2, 3])] *= 2.0
    x[1:, [0, 0]] = v
    return np.sum(x**2)


@case((V, U[:4], np.array([0, 0, 1, 0])), (V, EMPTY, np.array([], dtype=int)))
def add_at_adds_up(x, v, where):
    np.add.at(x, where, v)
    np.add.at(x, [1, 1], x[0])
    np.subtract.at(x, where, v * 2.0)
    return np.sum(x**2)


@case((A, U[:3], np.array([0, 0, 1]), np.array([2, 2, 3])))
def add_at_on_two_axes(x, v, rows, columns):
    np.add.at(x, (rows, columns), v)
    np.add.at(x, rows, x[2])
    return np.sum(np.sin(x))


@case((MANY, 4), (EMPTY, 2))
def histogram_by_a_loop(x, bins):
    sums = np.zeros(bins)
    for i, v in enumerate(x):
        sums[i % bins] += v**2
        sums[(i + 1) % bins] *= 1.1
    return np.sum(sums**2)


@case(V)
def store_into_a_copy_by_indices_is_lost(x):
    x[[0, 1]][0] = 5.0
    x[x > 0][0] *= 3.0
    y = x[[0, 1, 1]]
    y[1] = 2.0
    return np.sum(x**2) * y[0]


# functions and methods that write


@case((V, U), (EMPTY, EMPTY))
def out_arguments(a, b):
    c = np.empty_like(a)
    np.multiply(a, b, out=c)
    np.add(c, a, out=c)
    np.sin(c, out=b)
    np.exp(a, a)
    return np.sum(a * b * c)


@case(A, ROW)
def out_of_reductions_and_products(x):
    sums, square = np.zeros(4), np.zeros((4, 4))
    np.sum(x * x, axis=0, out=sums)
    np.dot(x.T, x, out=square)
    np.cumsum(sums, out=sums)
    np.maximum(square, 0.1, out=square)
    return np.sum(square @ sums)


@case((V, 0.5), (ONE, 0.5), (EMPTY, 0.5))
def fill_and_copyto(x, v):
    y = x * x
    z = y * 2.0
    y.fill(v)
    np.copyto(z, x, where=x > 0)
    x[:] = 1.0
    np.copyto(x, z)
    return np.sum(y * z * x)


@case(V, ONE, EMPTY)
def sort_in_place(x):
    x.sort()
    return np.sum(x * np.arange(len(x)))


@case((A, 0.3))
def sort_rows_and_fill_a_diagonal(x, v):
    x.sort(axis=1)
    x[1].sort()
    square = x[:, 1:] * v
    np.fill_diagonal(square, v)
    return np.sum(x[:, ::2] * 2.0) + np.sum(square**2)


@case(V, ONE, EMPTY)
def swaps_of_elements_sort(x):
    for i in range(len(x)):
        for j in range(len(x) - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    return np.sum(x * np.arange(len(x)) ** 2)


@case((A, 0, 2), (A, 1, 1))
def swaps_of_rows(x, i, j):
    x[[i, j]] = x[[j, i]]
    x[:, [0, 1]] = x[:, [1, 0]]
    return np.sum(x * np.arange(12.0).reshape(3, 4))


@case(A)
def swaps_of_rows_by_views_lose_one(x):
    x[0], x[1] = x[1], x[0]  # both are views: row 0 is written before it is read
    return np.sum(x * np.arange(12.0).reshape(3, 4))


# reads before and after


@case(V, ONE)
def read_before_and_after_the_store(x):
    before = np.sum(x**3)
    x[:] = x * x
    middle = np.exp(x[0])
    x[0] = 0.5
    return before * middle + np.sum(x**2)


@case((V, True), (V, False))
def store_on_one_side(x, flag):
    y = x * x
    if flag:
        y[0] = x[1] * 3.0
    else:
        y[1:] *= x[0]
        y[2] = 0.0
    return np.sum(y**2)


@case(V, EMPTY)
def store_where_a_value_says(x):
    for i in range(len(x)):
        if x[i] < 0:
            x[i] = 0.0
        elif x[i] > 1:
            x[i] = x[i] ** 2
            continue
        x[i] += 0.5
    return np.sum(x**2)


@case((V, 1.0), (P, 9.0), (EMPTY, 1.0))
def store_until_a_return(x, limit):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * 2.0
        if np.sum(y**2) > limit:
            return np.sum(y * x)
        y *= x[i]
    return np.sum(y)


@case(V, ONE, EMPTY)
def store_ahead_of_the_iteration(x):
    total = 0.0
    for i, v in enumerate(x):
        total = total + v * v
        if i + 1 < len(x):
            x[i + 1] += 0.5 * v * total
    return total


@case(NO_ROWS, ROW, A)
def store_rows_in_a_loop(x):
    y = np.zeros((len(x), 2))
    for i, row in enumerate(x):
        y[i] = row[:2] * np.sum(row)
        y[i, 0] = y[i, 1] ** 2
    return np.sum(y)
