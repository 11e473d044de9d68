"""Programs that the random generator found, made small: what is saved, by loops, branches and pairs; forms."""

import math

import numpy as np

from tests.corpus.table import EMPTY, ONE, P, S, U, V, case, refused

V3, U3 = V[:3], U[:3]
NUMBER, HALF = np.float64(0.7), np.float64(0.5)


# a view of what a loop writes, carried and saved


@case((V3, S), (V3, S[:2]), (ONE, S[:2, :1]))
def row_carried_while_it_is_written(y, rows):
    s = 0.0
    for e in rows[0]:
        s = s + np.sum(y * y * e)
        rows[1] -= 0.4
        y = rows[1]
    return s


@case((V3, S), (ONE, S[:2, :1]))
def row_carried_while_a_function_writes_it(y, rows):
    for e in rows[0]:
        s = np.sum(y * e)
        lowered(rows[1])
        y = rows[1]
    return s


def lowered(p):
    p[:] -= 0.4


@case((V3, S, 3), (V3, S, 1), (V3, S, 0))
def array_itself_carried_while_it_is_written(x, rows, n):
    y, s = x, 0.0
    for _ in range(n):
        s = s + np.sum(y * y * rows)
        rows[1] = rows[1] * rows[1] + 0.1
        y = rows
    return s


@refused(
    (V3, S, 4),
    (V3, S, 1),
    (V3, S, 0),
    says="y may share its memory with rows, which was written to: what it holds is known only at run time",
    at="y * y",
)
def row_carried_under_a_condition(x, rows, n):
    y, s = x, 0.0
    for i in range(n):
        s = s + np.sum(y * y * rows[0])
        rows[1] = rows[1] * rows[1] + 0.1
        if i % 2 == 0:
            y = rows[1]
    return s


@refused(
    (V3, S, 4),
    (V3, S, 2),
    (V3, S, 0),
    says="before may share its memory with rows, which was written to: what it holds is known only at run time",
    at="before * now",
)
def two_rows_carried_one_behind_the_other(x, rows, n):
    before, now, s = x, x * 2.0, 0.0
    for _ in range(n):
        s = s + np.sum(before * now * now)
        rows[1] *= 0.4
        before, now = now, rows[1]
    return s


# two calls of one recursive function, of which other arguments are differentiated


@case((1, S[:2] + 0.6), (0, S[:2] + 0.6))
def recursion_differentiated_in_two_ways(k, rows):
    x = descend(rows[0], np.min(0.5))
    return np.sum(descend(x, rows[0][k]))


def descend(p, c):
    if c < 0.2:
        return p
    return p * c + descend(p, 0.5 * c)


@case((V, U, 0.7), (V, U, 0.1), (ONE, V, 1.5))
def recursion_with_a_number_and_with_an_argument(x, y, w):
    return means(y, w) + means(x, 0.5)


def means(p, c):
    if c < 0.2:
        return 0.5
    return np.mean(p) * c + means(p, 0.5 * c)


# one value that is saved for two


@case((V3, 0.5, U3 + 2.0), (V[:2], NUMBER, U[:2] + 2.0), (ONE, 0.5, ONE))
def two_indices_that_are_one(x, c, u):
    j = 0
    while True:
        if j >= 3:
            break
        x[j % len(x)] = c
        t = x / u
        u[j % len(u)] = 0.2
        s = np.mean(t)
        j += 1
    same = np.sum(u * x) < 1.5
    return s + same


# versions of an array after a branch


@case((V, 0.5), (V[:2], 0.5), (ONE, 0.5))
def length_of_what_one_side_wrote(x, w):
    u = 0.1 - x
    for i in range(1, len(u)):
        if i <= 1:
            u[i] = 0.4
            u *= x
        u, x = x, u
        if len(x) > 2:
            v = u
            v -= w
    return np.sum(u)


@case((V3, V3, S, 0.5), (V3, U3 + 2.0, S, 0.5), (EMPTY, EMPTY, S[:0], 0.5))
def return_from_a_loop_before_an_exchange(x, y, rows, b):
    b -= 0.5 * x.shape[0]
    for i in range(len(y)):
        if y[i] < 0.3:
            half_of(x, y)
            return np.sum(y * y)
    for i in range(rows.shape[0]):
        half_of(np.ones(3), y)
        u = rows @ rows[1]
        u, y = y, u
    return np.sum(y) + np.sum(np.cos(x))


def half_of(p, q):
    q[1:3] = p.mean()
    q[-2:] *= 0.5


@case((V3, U3, 2), (V3, U3, 0), (ONE, -ONE, 1))
def stores_on_both_sides_into_what_is_copied(x, y, k):
    for _ in range(k):
        for i in range(y.shape[0]):
            if i < 2:
                x[:] = y
                y = np.maximum(y, x)
            else:
                y[::1] = y * y
            x[i:] = 1.5
    return np.sum(x) + np.sum(y)


@case((V3, S, 0), (V3, S, 1))
def array_made_and_written_on_one_side(y, rows, k):
    for i in range(y.shape[0]):
        if k != 1:
            y = norm_of(np.full(rows.shape[1], y[i])) * rows[:, 1]
    return y[0]


def norm_of(p):
    p[[0, 0, 1]] = 0.5 * p[0]
    return np.linalg.norm(p)


@case((V3, U3, S, 0.5), (-V3, U3, S, 0.5), (V3, U3, S, -0.5))
def length_of_an_array_that_is_written_in_its_loop(x, y, rows, k):
    u = x if k >= 0.2 else y
    for _ in np.sin(u):
        rows[1] = np.full(len(u), overwritten(u, u[-1]))
    return np.sum(rows * x) + np.sum(u)


def overwritten(p, c):
    if c > 0.1:
        p[:1] = 0.5
        p /= p * p
    else:
        c = p @ p
    return c


@case((V3, 0.7, 0.5, 0.1), (V3, 0.7, 0.1, 0.5), (V3, 0.7, 0.5, 0.6))
def array_written_where_it_is_set(x, w, b, k):
    for e in [b, k]:
        flag = e >= 0.2
        if flag:
            t = x
        if flag:
            t[[0, 0]] = [0.0, 0.5 * w]
            x = np.array([w, t[0], 0.1 * t[2]])
    return np.sum(x * x)


# numbers, and arrays without axes


@case(0.5, NUMBER, np.array(0.5))
def choice_among_numbers(b):
    return np.where(b < 1.0, b, 2.0 * b)


@case((0.5, 1), (NUMBER, 1), (NUMBER, 0), (NUMBER, -1), (NUMBER, 2))
def numbers_exchanged_in_a_loop(b, k):
    s = 0.5
    b = np.sqrt(s) * b
    for _ in range(k + 1):
        b, s = s, b
    return s * s


@refused(
    (np.array(1.5), np.array(1.0)),
    says="x may share its memory with b, which was written to: what it holds is known only at run time",
    at="x * y",
)
@refused(
    (np.array(1.5), 0.5),
    (HALF, np.array(0.7)),
    says="this may be a number, or an array without axes that another name stands for too: what is changed is known only at run time",
    at="p *= 3.0",
)
def larger_of_arrays_without_axes_written(x, y):
    b = max(x, y)
    tripled(b)
    return x * y * b


@refused(
    (np.array(1.5), np.array(1.0)),
    says="this may be a number, or an array without axes that another name stands for too: what is changed is known only at run time",
    at="p *= 3.0",
)
def first_of_sorted_arrays_without_axes_written(x, y):
    b = sorted([x, y])[0]
    tripled(b)
    return x * y * b


@refused(
    (np.array(1.5), 0.5, 2),
    says="this may be a number, or an array without axes that another name stands for too: what is changed is known only at run time",
    at="p *= 3.0",
)
def larger_of_them_written_in_a_loop(x, y, n):
    b = y
    for _ in range(n):
        b = max(b, x)
        tripled(b)
    return x * b


@case((np.array(1.5), np.array(1.0)), (np.array(1.5), 0.5), (NUMBER, np.array(0.2)))
def larger_of_arrays_without_axes(x, y):
    b = max(x, y)
    b = b * 3.0
    return x * y * b


def tripled(p):
    p *= 3.0


# what a loop replaces by what it has computed before: the length of the first is read at each way back


@case(([V, U], V), ([V, U], P))
def item_that_is_the_same_array_in_each_trip(q, x):
    for _ in range(len(x)):
        q[0] = np.array(x) * 2.0
    return np.sum(q[0] * q[1])


@case((V, U, np.ones((3, 2))), (V, U, np.ones((3, 0))))
def argument_that_is_the_same_array_after_each_trip(x, y, s):
    for _ in range(s.shape[1]):
        y = np.cumsum(x) * s[0, 0]
    return np.sum(y * y)


@case((V, [U, P], np.ones((2, 2))), (V, [U, P], np.ones((0, 2))))
def item_that_is_another_name_in_each_trip(y, q, rows):
    for row in rows:
        q[1] = y
        y = y * 1.0
    return np.sum(q[1] * q[0]) + np.sum(rows)


@case((V, 3), (V, 0))
def arrays_exchanged_for_one_that_no_trip_changes(x, n):
    u, v = x * 0.5, np.full(len(x), 2.0)
    for _ in range(n):
        w = x
        v, u = u, w
    return np.sum(u * v) + np.sum(v)


@case((V, U, 3), (V, U, 1), (V, U, 0))
def names_exchanged_with_an_argument(x, z, n):
    u, v = z, z
    for _ in range(n):
        v = x
        u, v = v, u
    return np.sum(u * v)


@case((V, 3), (V, 1), (V, 0))
def number_that_is_the_same_after_each_trip(x, n):
    s = 1.0
    for _ in range(n):
        s = np.exp(x[1])
    return s * s


@case((V, 3), (V, 1), (V, 0))
def numbers_that_are_the_same_after_each_trip(x, n):
    s, t, u = 1.0, x[0], 0.5
    for _ in range(n):
        if n > 1:
            u = t
        s = t = np.exp(x[1]) * x[2]
    return s * t * u


@case((V3, 0, U3), (V, 1, P), (EMPTY, 0, P))
def squares_in_a_loop_on_one_side_in_a_loop(x, k, q):
    for _ in x:
        if k == 0:
            for _ in range(2):
                q[:] = 0.5 * q**2 + 0.3
    return np.sum(q) + np.sum(x)


@case((V3, S, 0.3, 0), (V3, S, 0.3, 5), (V3, S[:1], 0.3, 0))
def number_that_is_the_same_in_each_trip_of_a_loop_that_may_make_none(x, a, w, k):
    for i in range(len(a)):
        for _ in range(i):
            a[i, 1] = np.max(x)
        a[:, i % 2] = w
        if k < 2:
            x[i] = a[i - 1, 1]
            w = np.mean(x)
    return w + np.sum(a)


# what only a trip of an inner loop gives is missing where it makes none


@case((V, 0.4, 3), (V, 0.4, 1), (EMPTY, 0.4, 2), (V, 0.4, 0))
def squares_of_what_an_inner_loop_may_not_compute(y, w, n):
    j = 0
    while j < n:
        for _ in range(len(y) // 2 - j):
            y[:] = np.tanh(w) * y
        w = 0.5 * w
        j += 1
    return np.sum(y)


@case((V, 0.4, 3), (V, 0.4, 1), (V, 0.4, 0))
def square_that_is_computed_on_one_side_of_an_inner_loop(y, w, n):
    s = 0.0
    for i in range(n):
        for k in range(i):
            if k > 0:
                for _ in range(i - 2):
                    s = s * w + np.exp(w * s) * y[i]
            s = s + w
        w = w * w
    return s


@case((V3, 0.4, 3, P), (V3, 0.4, 0, P))
def square_that_an_inner_loop_of_a_helper_may_not_compute(y, w, n, p):
    for i in range(n):
        w = _often(y, w, i, p) * w
    return w + _often(y, w, n, p)


def _often(y, w, n, p):
    s = y[0] * w + y[1] / (1.0 + w * w) - p[0] * np.sin(w) + p[1] * y[2] * 0.5 - w / p[2]
    for _ in range(n - 1):
        for _ in range(n - 2):
            s = s * math.tanh(w) * math.exp(-w)
        w = w * 0.9
    return s + p[3] * p[4] - y[0] * y[2]


@case((V3, S, 0.4, 2), (V3, S, 0.4, 1))
def array_made_in_an_inner_loop_and_read_after_it(z, a, w, k):
    s = 0
    for i in range(1, -1, -1):
        t = s
        for _ in range(i, len(z)):
            made = np.ones(len(z))
            made[i] = a[k][i] * z[i]
        w = t
        s = np.mean(made)
    return w


@case((V3, S, 3), (V3, S, 1), (V3, S, 0))
def array_made_in_an_inner_loop_of_a_while_and_read_by_a_later_trip(z, a, n):
    s, j = 0.0, 0
    while j < n:
        for i in range(j):
            row = a[i] * z
            row[0] = s
        if j > 0:
            s = s + np.mean(row) * np.std(row * z)
        j += 1
    return s


# an index beyond what examples are long


@case((S, 2), (S[:, :1], 0))
def column_that_examples_have_not(s, k):
    column = s[:, k]
    row = s[k]
    return np.sum(column) * np.sum(row) + s[k, k] * np.sum(s[..., k])


@case((np.tile(S, (2, 2)), 5), (np.tile(S, (2, 2)), 4))
def far_column(s, k):
    total = 0.0
    for i in range(2):
        s[i, k] = s[k, i] * 2.0
        total += np.sum(s[:, k] * s[:, k - 1])
    return total


# a name that an inner loop gives in each of its trips, which a check reads


@case((V3, 0.5), (V3, -0.5))
def name_of_an_inner_loop_that_is_made_before_it(z, w):
    for _ in range(3):
        if w > 0:
            continue
        for _ in range(2):
            t = np.fabs(z)
        u = t * 2.0
        u[0] = w
    return w * w


@case((V3, 0.5, 2), (V3, 0.5, 1))
def name_of_an_inner_loop_that_may_make_no_trip(z, w, n):
    for i in range(n):
        if i == 0:
            continue
        for _ in range(i):
            t = np.sin(z)
        w = w + np.sum(t * z)
    return w * w
