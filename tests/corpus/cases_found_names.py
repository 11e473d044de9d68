"""Programs that the random generator found, made small: names, containers, aliases, kernels."""

import numpy as np

from tests.corpus.table import EMPTY, NO_ROWS, ONE, A, P, S, U, V, case

V3 = V[:3]
FLAT = S.ravel()


# names that are set on one way only


@case((V, U, S), (V, U, -S))
def array_set_and_read_under_one_flag(x, y, rows):
    s = 0.1
    for i in range(1, rows.shape[1]):
        flag = i > 1
        if flag:
            t = np.concatenate([y, x])
        if flag:
            s = t[1] * t[6]
    return s


@case((S, 0.5, S), (S, 0.5, -S))
def row_set_and_read_under_one_flag(rows, b, q):
    flag = np.sum(q) > 0.1
    if flag:
        t = rows[1]
    if flag:
        b = np.mean(t)
    return b * b


@case((V, U, 2.0 * FLAT[:5]), (V, U, -P))
def slice_of_the_last_trip_that_set_it(y, z, limits):
    v = z
    for i in range(len(z)):
        if limits[i] >= 0.2:
            continue
        v = y[:2]
    return np.sum(v * v)


@case((V, S, 0.5, 0), (V, S, 0.5, 2), (V[:1], S, -0.9, 0))
def number_unset_in_two_nested_ways(z, rows, b, k):
    for i, _ in enumerate(z):
        if k > 1:
            if k > 7:
                break
        flag = b >= 0.2
        if flag:
            s = 0.5
        if i != 1:
            s = 0.5
        else:
            b = s * rows[0][i]
    return b + s


@case(V, ONE)
def name_for_the_argument_from_the_first_trip_on(x):
    s = 1.0
    for i in range(x.shape[0]):
        if i == 0:
            t = x
        if i < 2:
            clipped(x)
        t[t > 0.2] = 0.9 * s
        s = np.mean(t)
    return s


def clipped(p):
    p[p > 0.5] = 0.5 * p[0]


@case((V, U, 0.4), (ONE, ONE, 0.4))
def maximum_found_in_the_first_trip(x, y, w):
    s = 1
    for i in range(y.shape[0]):
        if i == 0:
            w = np.max(x) * (s * np.max(x))
    return w


@case((V, U, 0.4), (V, ONE, 0.4))
def never_the_other_side(x, y, w):
    s = 1.0
    for i in range(y.shape[0]):
        u = y
        if i < 2:
            u = x
        y[::1] = 0.5 * u[0]
        if np.all(x < 9.0):
            w = np.max(x)
        else:
            s = w
    return 0.5 * w * s + np.sum(y)


@case((V, U, S, 0.3, np.float64(0.4)), (V, U, S[:1], 0.3, np.float64(0.4)))
def numbers_of_two_kinds_exchanged(x, y, rows, w, b):
    s = 0.5
    for _ in range(rows.shape[0]):
        if np.any(rows > 0.0):
            b, w = w, b
        else:
            s = x @ y * w
    return s * b + w * w


@case((V, U), (-V, U))
def zero_dimensional_choice_and_a_number(x, y):
    s = np.where(x[0] > 0.1, x[1], y[0])
    return max(s, -2.5) * min(0.2, s)


@case((V, 0.4), (-V, 0.4), (V, 0.05))
def maximum_of_a_zero_dimensional_array_and_a_number(x, w):
    s = 0.5
    for i in range(2):
        s = max(np.where(x[i] > 0, s * w, w), 0.1)
        s = min(s, np.mean(x) + 2.0)
    return s * max([np.where(w > 0.1, w, 0.3), 0.2])


@case((V, 1), (V, 3))
def clipped_under_a_static_flag(z, k):
    s = 0.1
    v = z[::1]
    if k < 2:
        old = v
        v = np.clip((0.5 * (old + old))[::1], -0.9, 0.9)
        v[v > 0.5] = s
    return np.sum(v * z)


@case((S, 0.6, np.float64(0.3)), (S, -0.9, np.float64(0.3)))
def maximum_of_two_kinds_of_number(rows, w, b):
    return max(w, rows[1][1]) * b


@case((V, 0.7), (V, -0.7))
def not_assigned_and_exchanged(z, w):
    for _ in range(len(z)):
        flag = w > 0.5
        if flag:
            t = 0.5 - z
        if flag:
            z, t = t, z
    return np.sum(z * V)


@case((V, 3), (V, 1), (V, 0))
def whole_numbers_only_before_the_first_trip(x, n):
    total = np.zeros(5, int)
    for _ in range(n):
        total = total + x[0]
    return np.sum(total * x)


# containers


@case((S, {"u": V[:3], "c": 0.3}, 5), (S, {"u": V[:3], "c": 0.3}, 3))
def dict_of_which_one_item_is_replaced(rows, state, k):
    for _ in range(3, k, 2):
        v = state["u"]
        for row in rows.T:
            v += v * row
            state["c"] = 0.5 * v[0]
    return np.sum(state["u"]) * state["c"]


@case((V, U, 3), (V, U, 0))
def dict_whose_items_are_exchanged_later(x, y, k):
    state = {"u": x * 1.0, "v": y * 1.0, "c": 0.5}
    flag = 0
    for _ in range(k):
        if flag > 0:
            state["u"], state["v"] = state["v"], state["u"]
        state["c"] = state["c"] * x[0]
        state["u"] += y
        flag = flag + 1
    return np.sum(state["u"] * x) * state["c"] + np.sum(state["v"] * P)


@case(V, ONE)
def item_of_a_growing_list_is_written(x):
    items = []
    for _ in range(len(x)):
        items.append(np.exp(x))
    if items:
        items[0][::2] = 0.5
    return np.sum(np.array(items))


@case((V, {"u": 1.5 * V, "c": 0.3}, 3), (V, {"u": 1.5 * V, "c": 0.3}, 0))
def dict_of_an_array_that_shrinks(x, state, k):
    for _ in range(k):
        state["c"] = 0.5
        state["u"] -= 0.4
        x = state["u"]
    return np.sum(x * x) + state["c"]


@case((S, 0.4, 0), (S, 0.4, 2))
def tuple_around_an_array_that_is_written(rows, w, k):
    s = 0.5
    box = (rows, s)
    box[0][0, 1] = 0.5 * w
    for _ in range(k):
        s = w / rows[0, 1] + rows[1, 1]
    return s


@case((S, {"u": V, "c": 0.3}), (S, {"u": ONE, "c": 0.3}))
def dict_in_a_loop_that_never_runs(rows, state):
    s = 0.0
    for row in rows.T:
        for _ in range(1, 1, 1):
            state["c"], s = s, 0.5
            state["u"][[0, 1]] = 0.4
        s += row[0] * state["u"][0]
    return s * state["c"]


@case((V3, [1.0 * V3, 2.0 * V3]), (V3, [ONE, 1.5 * ONE]))
def item_scaled_and_replaced_while_it_is_gone_through(x, parts):
    for i, e in zip(range(len(parts[0])), parts[0]):
        parts[0] *= x[0]
        parts[0] = np.full(3, e * (i + 1))
    return np.sum(parts[0] * x)


@case((V, U), (V, -U))
def list_of_an_array_or_of_a_number(x, y):
    items = []
    if y[0] > 0:
        items.append(x * 2)
    else:
        items.append(0.5)
    return np.sum(items if items else x) + np.sum(x * y)


# two names, or one array


@case((V, S), (ONE, S), (EMPTY, NO_ROWS))
def column_of_a_vector(x, rows):
    column = x.reshape(-1, 1)
    x += np.sum(rows)
    return np.sum(column * x)


@case((V[::2], 3), (V[::2], 1), (V[::2], 0))
def strided_vector_as_a_matrix(x, k):
    pair = np.reshape(x, (1, -1))
    for _ in range(k):
        pair[0] *= x
    return np.sum(x)


@case((V, U), (EMPTY, EMPTY[:0]))
def one_array_by_two_names_after_a_loop(x, y):
    v = x
    for _ in zip(y, y):
        v = y
    y -= 1.0
    return np.sum(v * y)


@case((V, U, S), (V, U, S[:1]), (V, U, S[:0]))
def other_array_scaled_from_the_second_trip_on(x, y, rows):
    box = (y, 0.5)
    for _ in rows:
        x *= 0.9
        x = y
    return np.sum(box[0] * x)


@case((V, U), (V[:1], U[:1]), (EMPTY, EMPTY[:0]))
def argument_that_becomes_the_other(x, y):
    for _ in range(y.shape[0]):
        x[:] -= 0.4
        x = y
        y[:] = np.sin(y)
    return np.sum(x * y)


@case((V, U, 2), (V, U, 0))
def fresh_array_only_in_later_trips(x, y, k):
    j = 0
    while True:
        if j > k:
            x = np.cumsum(y)
            break
        x[[0, 1]] = [0.5, 0.1 * x[2]]
        j += 1
    return np.sum(x * y)


@case((U, S, 2), (V, S, 2))
def column_or_vector_written_by_a_function(y, rows, k):
    replaced(rows[:, k % 3], y[:3])
    return np.sum(y) * np.sum(rows)


def replaced(p, q):
    r = 0.5
    if q[0] <= 0.9:
        p = q
    p[::1] *= r


@case((V, U), (V, -U))
def chosen_half_is_written(x, y):
    half = x[:2] if y[0] > 0.0 else x[2:]
    half *= y[1]
    return np.sum(x * x)


@case((V, U, S), (V, U, S[:1]), (V, U, S[:0]))
def scaled_before_and_after_another_name(x, y, rows):
    z = x
    for row in rows:
        x *= row[0]
        z += y
    return np.sum(x * z)


# kernels by hand that showed nothing wrong, or no longer


@case((S, V3), (-S, V3), (0.1 * S, V3))
def rows_until_a_sum_is_large(rows, x):
    y = np.zeros(3)
    for i in range(3):
        for j in range(3):
            y[i] += rows[i, j] * x[j]
            if y[i] > 0.3:
                return y[i] * np.sum(y)
        x[i] = y[i] * 0.5
    return np.sum(y * x)


@case((V3, 3), (V3, 1), (V3, 0))
def history_read_before_it_is_scaled(x, n):
    history = np.zeros((n + 1, 3))
    history[0] = x
    for t in range(n):
        before = history[t]
        history[t + 1] = np.tanh(before) * x
        before = before * 2
        x = x + 0.1 * history[t + 1]
    return np.sum(history**2) + np.sum(x)


@case(V)
def overlapping_views_written_by_each_other(x):
    a, b = x[:3], x[2:]
    a += b
    b *= a
    return np.sum(x**2)


@case((V3, np.array([0, 1, 1, 2])), (V3, np.array([2, 2, 2])))
def repeated_places_of_two_arrays(x, where):
    y = np.zeros(4)
    for t in range(3):
        y[where] += x[where] * (t + 1)
        np.add.at(y, where, x[where] ** 2)
        x[where] *= 0.5
    return np.sum(y**2) + np.sum(x)


@case(A, S)
def view_of_a_transposed_view(rows):
    across = rows.T[1:]
    turned = across[:, ::-1]
    for i in range(2):
        turned[i] *= rows[:, 0]
        across += turned[0]
    return np.sum(rows**2)


@case((P, 2), (P, 1))
def container_assigned_before_a_later_trip_breaks(x, n):
    j = 0
    while True:
        if j >= n:
            break
        rows = [row * (j + 1.0) for row in x]
        j = j + 1
    first, *_ = rows
    return np.sum(first**2)
