"""Programs that the random generator found, made small: each was compiled wrongly once, or refused without need.

These are of adjoints, loops, stores and exits; the others are in `cases_found_names`.
"""

import math

import numpy as np

from tests.corpus.table import EMPTY, ONE, A, P, S, U, V, case, raising, refused

V3 = V[:3]


# adjoints that are one array


@case((V, U), (V[:2], U[:2]))
def product_with_a_summand_again(y, u):
    q = u + 0.4 * y * u
    return q[1]


@case(V, ONE, EMPTY)
def product_added_in_place_to_its_factor(x):
    x += x * x
    return np.sum(np.sin(x))


@case((V3, 0.4, 0.3), (-V3, 0.4, 0.3))
def written_by_two_calls_in_one_expression(x, w, limit):
    if x[1] >= limit - 2.0:
        w = decreased(x) * decreased(x)
    return w


def decreased(q):
    if q.shape[0] > 2:
        q[:] -= 0.4
    else:
        q[...] = q
    return np.sum(np.sin(q))


# what a loop carries


@refused(
    (V, 3),
    (V, 0),
    says="u differs in kind from trip to trip of a loop: a float64[:] on one side, an int64[:] on the other",
    at="u",
)
def whole_numbers_and_floats_exchanged(x, k):
    u, v = np.full(5, 1), np.zeros(5)
    for _ in range(k):
        v[1:] = u[:-1] * x[0] + 0.25
        u, v = v, u
    return np.sum(u)


@case((V, 2), (V, 0))
def carried_as_a_view_of_itself(x, k):
    for _ in range(k):
        x = x[::1]
    return np.sum(x)


@case((V, U, S), (V, U, S[:2]), (V, U, S[:0]))
def names_exchanged_over_rows(x, y, rows):
    for _ in rows:
        y, x = x, y
    return np.sum(y * P)


@case((V, 3), (V, 2), (V, 0))
def number_and_array_exchanged(y, k):
    u, v = y, 0.5
    for _ in range(k):
        v = v + u
        u, v = v, u
    return np.sum(u * y)


@case((V, 3), (V, 2), (V, 0))
def buffers_exchanged(x, k):
    u, v = x, np.zeros(len(x))
    for _ in range(k):
        v[1:-1] = u[2:]
        u, v = v, u
    return np.sum(np.sin(v)) + np.sum(u * P)


@case((V, 3), (V, 0))
def buffers_exchanged_by_a_third_name(x, k):
    u, v = x, np.zeros(len(x))
    for _ in range(k):
        v[1:-1] = 0.5
        w = u
        u = v
        v = w
    return np.sum(np.sin(v))


@case((V, U, 3), (V, U, 0))
def copy_and_fresh_array_exchanged(u, y, k):
    old, new = u.copy(), np.ones(y.shape)
    for _ in range(k):
        new[:] = u[k % len(u)]
        old, new = new, old
    return np.sum(old * y)


@case((np.float64(0.3), 1), (np.float64(0.3), 0), (0.3, 1))
def kind_of_number_from_the_trip_before(b, k):
    s = 0.0
    for _ in range(k):
        s, b = b, s
    return b * b + s


@case((np.float64(0.3), 5), (np.float64(0.3), 0))
def factor_that_becomes_a_constant(b, k):
    s = t = 0.5
    for _ in range(2, k):
        s = b * s
        b = t
    return s


@case((V, S), (V, S[:0]))
def name_of_an_array_that_shrinks_by_a_number(x, rows):
    u = x * 2.0
    for _ in range(0, rows.shape[0], 2):
        u -= 0.4
        x = u
    return np.sum(x * x)


@case((V3, S, 2.0 * S, 1, 0.5))
def matrix_made_anew_from_a_stored_row(x, rows, start, k, c):
    for i in range(len(x)):
        x -= c
        rows[i, 1] = start[k, 0]
        start = np.zeros((rows.shape[1], start.shape[0])) + rows[i]
    return np.sum(start) + np.sum(x)


@case((V, U, 1), (V, U, 2))
def maximum_added_while_a_number_falls(y, z, k):
    s = 0.5
    while s > 0.3:
        s = 0.6 * s
        z[k] += np.max(y)
    return np.sum(z * y)


@case((V, S, 0.5, 1))
def while_over_what_the_body_reads(z, rows, w, k):
    s = 0.5
    while s > 0.3:
        w = rows[k, k % rows.shape[1]]
        s = w - 2.0 * z[2]
    return s * w


@case((V, U), (ONE, ONE), (EMPTY, EMPTY[:0]))
def array_of_the_inner_loop_used_after_both(y, z):
    u = y
    for _ in range(len(z)):
        j = 0
        while j < 4:
            u = np.exp(y)
            j = j + 1
    u[: len(u) // 2] *= 0.7
    return np.sum(u)


# stores and the versions between them


@case((V3, S), (V3, S[:1]))
def same_places_in_each_trip(x, rows):
    s = 1.0
    for i in range(len(rows)):
        x[[0, 0, 1]] = 0.5
        x += rows[:, i % rows.shape[1]][: len(x)].sum()
        s /= x[i]
    return s


@case((V, 2), (V, 0), (V, 5))
def number_from_what_was_just_cut(x, k):
    for _ in range(k):
        x[:k] = 0.5
        x[0] = np.dot(x, x) * 0.1
    return np.sum(x * x)


@case((S, V3, 2), (S, V3, 0))
def row_overwritten_by_the_trip_index(rows, y, k):
    c = 0.5
    for t in range(k):
        rows[t][k] = 0.5
        c = np.sum(rows * y)
    return c


@case((V, U, 1), (V, U, 4))
def mask_in_a_loop_that_may_not_run(x, y, k):
    for _ in range(1, k, 2):
        y[y < 0.5] = x[k % y.shape[0]]
    return np.sum(y * x)


@case((V3, S, 0), (V3, S, 1))
def masked_rows_and_a_product(y, rows, k):
    for row in rows:
        row[np.abs(row) > 0.5] = row[np.abs(row) > 0.5] * y[0]
    if -rows[k, k] > -1.0:
        y = rows @ rows[0]
    return np.sum(y)


@case((V, 0.3, 0), (V, 0.3, 3))
def last_element_written_while_going_backwards(y, w, k):
    s = 0.0
    for e in y[::-1]:
        if k < 2:
            e, s = s, e
        else:
            y[-1] -= 0.4 * s
            if np.sqrt(e * e + 0.3) < 0.1:
                halved(y)
    return s * w


def halved(p):
    p[:] = p / (1.5 + p * p)


@case((0.5, 1, S), (0.5, 0, S), (0.5, 2, S))
def masked_row_then_a_row_from_a_dict(x, k, rows):
    if k > 1:
        return 0.5
    s = x
    mask = rows[0] > 0.1
    rows[1][mask] = 0.5
    for _ in range(k):
        box = {"p": s, "r": x}
        rows[0] = rows[1][k] * box["p"]
    return np.sum(rows)


@case((V, U, 3), (V, U, 0), (-V, U, 2))
def same_in_each_trip_of_a_loop_in_a_branch(x, y, k):
    s = 1.0
    if y[0] > 0:
        x[0] = 0.5 * y[1]
        for _ in range(k):
            s = s * 0.5 + np.sum(np.cos(x) * y)
    return s * x[1]


# leaving a loop


@case((V3, S), (V3, S.T))
def stores_before_a_break_from_the_end(y, rows):
    for i in reversed(range(rows.shape[1])):
        if 0.4 < rows[i, -1] < 0.6:
            break
        y[[0, 1]] = rows[i][i]
    return np.sum(y * y)


@case((V, 0.5), (ONE, 0.5))
def left_after_one_reversed_trip(z, c):
    for i in reversed(range(z.shape[0])):
        c = z[i] * c
        break
    return c


@case((V, 4), (V, 2))
def return_in_the_first_trip(x, k):
    for _ in range(3, k, 2):
        x[k] = 0.5
        return np.sum(np.sin(x))
    return 0.5


@case((V, U, P, A[:, :3], 0.5, 2), (V[:1], U[:1], P[:1], A[:1, :1], 0.5, 2))
def two_ways_to_return_from_a_loop(x, y, z, rows, w, k):
    s = 0.5
    for i in range(1, min(y.shape[0], 3)):
        if i > 1:
            return w * x[0]
        y[i], y[i - 1] = 0.5 * y[0], y[i]
        w = 0.5 + rows[i - 1][1] / (k * (0.1 * k)) + np.sum(y)
        if np.dot(rows[:, i], rows[:, 0]) > 9.0:
            return s
    return np.sum(np.maximum(z, x)) + s * w


@case((V3, S, 3), (V3, S, 0))
def break_where_a_function_writes(z, rows, k):
    s = 1.0
    for _ in range(k):
        if s > 0.5:
            set_to(z, z * 0.4)
        else:
            break
        for i in range(1, rows.shape[0]):
            s = max(z[i], 0.07) * rows[i, 0]
    return s


def set_to(p, q):
    p[:] = np.sin(q)


@case((S, 0.3, V3), (S[:1], 0.3, V3))
def loop_else_that_always_runs(rows, w, u):
    c = 0.3
    for _ in range(len(rows)):
        for _ in range(1):
            set_to(u, u)
        else:
            c = 0.7
        set_to(rows[:, -1], c * u[0] * w)
    return rows[0, -1]


# static numbers that overflow on a side that is not taken


@case((0.3, 0.7))
def power_too_large_in_an_expression(w, x):
    s = 50.0
    return w * ((s**200 != np.inf) * 0.2 if w > 0.5 else x)


@case((V, 0.3, 3), (V, 0.3, 0))
def exponential_too_large_in_a_loop(x, w, k):
    s = 800.0
    for i in range(k):
        if i > 4:
            w = w + math.exp(s)
        w = w * x[i]
    return w


@raising((0.7, 0.3), (0.7, 0.9))
def power_too_large_where_it_is_reached(w, x):
    s = 50.0
    while w > 0.5:
        w = w - s**200
    return w * x


def kept_and_dropped(p, q):
    for i in range(q.shape[0], 0, 1):
        if i != 1:
            box = {"p": p, "q": q, "r": p}


@case((V3, 2), (V3, 0))
def aliases_in_a_helper_in_a_loop(y, k):
    u = y.copy()
    v = np.zeros(y.shape)
    for i in range(k):
        kept_and_dropped(u, v)
        u[[0, 1]] = 0.5 * i
        u = v * 2.0
        v = y * y
    return np.sum(u * y)


# a part of an axis of length one, whose gradient is stretched where it is added


@case(A, -A)
def part_of_a_sum_that_keeps_its_axis(x):
    s = np.sum(x, axis=0, keepdims=True)
    return np.sum(x * x) + np.sum(s[0] ** 2)


@case(V, -V)
def item_of_a_sum_that_keeps_its_axis(x):
    s = np.sum(x, keepdims=True)
    return s[0] * s[0] + 3.0 * x[0]


@case(A, -A)
def part_of_what_is_stretched_in_a_loop(x):
    y = x * 1.0
    for _ in range(3):
        m = y.mean(axis=1, keepdims=True)
        y = y - 0.3 * np.tanh(m[:, 0]).sum() * x
    return np.sum(y * y)


@case((A, 1), (A, 0))
def part_of_a_row_that_is_stretched_in_a_branch(x, k):
    row = x[:1] * 2.0
    y = x * row
    if k:
        y = y + row[0] * x
    return np.sum(y * row[0])
