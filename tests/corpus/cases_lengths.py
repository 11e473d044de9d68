"""Lengths that a program proves equal by running, and lengths that only look so."""

from __future__ import annotations

import numpy as np

from tests.corpus.table import case, raising

V = np.array([0.3, -0.7, 1.2, 0.9, 0.1, 0.55])
W = np.array([0.5, 0.2, -0.3, 0.8, 1.1, -0.4])
A = np.arange(12.0).reshape(3, 4) / 7 + 0.1


@case((V, 4), (V, 1), (V[:2], 2))
def slice_that_an_earlier_trip_took(x, n):
    """Bounds of one name are other numbers in the next trip: here they differ by a broadcast."""
    s = 0.0
    for k in range(1, n):
        if k == 2:
            s = s + np.sum(h * np.tanh(x[:k]))  # noqa: F821  h is set in the trip before
        h = x[:k] * x[0]
    return s


@case((V, 5), (V, 2), (V, 1))
def slices_of_a_bound_that_a_while_loop_moves(x, n):
    j, s, h = 1, 0.0, x * 1.0
    while j < n:
        h[:j] += x[:j] * np.sum(h[j - 1 : j])
        j += 1
        s = s + np.sum(h[:j] * x[:j] * h[j - 1 : j])
    return s


@case((V, W), (V[:3], W), (V[:2], W[:2]), (V[:3], W[:3]))
def interior_that_may_be_stretched(a, b):
    b[1:-1] = 0.5 * a[1:-1] * a[1:-1]
    return np.sum(b**2)


@case((V, W, 2), (V, W, 0), (V[:3], W[:3], 2))
def interiors_that_are_stored_in_turn(a, b, n):
    for _ in range(n):
        b[1:-1] = 0.5 * a[1:-1] * a[:-2]
        a[1:-1] = 0.5 * b[1:-1] + b[2:]
    return np.sum(a**2) + np.sum(b**3)


@case((V, W[:3], 0), (V[:3], W, 0), (V, W, 1))
def interiors_that_agree_only_where_the_loop_runs(a, b, n):
    for _ in range(n):
        b[1:-1] = a[1:-1]
        a[1:-1] = b[1:-1] * a[1:-1]
    return np.sum(a[1:-1] * np.sum(b[1:-1] ** 2))


@case((V, W), (V, W[:1]), (V[:1], W[:1]))
def sum_that_is_stretched_to_its_place(x, y):
    for i in range(x.shape[0]):
        x[: i + 1] += x[i] * y[: i + 1]
        x[: i + 1] *= y[:1]
    return np.sum(x**2)


@case((V, W), (V, W[:2]), (V, W[:0]))
def sum_of_what_is_one_or_none(x, y):
    z = x[:1] + y[2:3]
    return np.sum(z * z) + np.sum(y)


@case((V, W[:1]), (V[:5], W[:5]), (V[:1], W[:1]))
def all_elements_take_what_fits(x, w):
    h = np.zeros(x.shape[0])
    for i in range(3):
        h[:] = np.tanh(h * w + x[i % x.shape[0]])
    return np.sum(h**2)


@case((V, W[:4]), (V, W[:2]))
def all_elements_take_a_part(x, w):
    h = np.zeros(x[2:].shape[0])
    for i in range(3):
        before = h
        h[:] = h * w[:1] + x[i : i + 1]
        x = x * np.sum(before)
    return np.sum(h**2)


@case((A, V), (A[:2], V[:4]))
def triangular_products(a, v):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[j, :j]) * v[j]
        v[: i + 1] *= a[i, i]
    return np.sum(a**2) + np.sum(v)


def sparse_product(data, columns, rows, x):
    y = np.zeros(len(rows) - 1)
    for i in range(len(y)):
        for k in range(rows[i], rows[i + 1]):
            y[i] += data[k] * x[columns[k]]
    return y


@case(
    (np.sin(np.arange(1.0, 8.0)), V[:3], np.array([0, 1, 0, 1, 2, 1, 2]), np.array([0, 2, 5, 7]), 3),
    argnums=(0, 1),
)
def helper_whose_array_is_as_long_as_it_says(data, b, columns, rows, n):
    x = np.zeros_like(b)
    for _ in range(n):
        x = x + 0.3 * (b - sparse_product(data, columns, rows, x))
    return x @ b


@case(V, V[:1])
def factor_of_a_sum_with_an_identity_of_another_size_by_name(x):
    a = np.outer(x, x) + 3 * np.eye(len(x))
    b = np.outer(x[:1], x[:1]) + 3 * np.eye(1)
    return np.sum(np.linalg.solve(np.linalg.cholesky(a), x)) + np.linalg.cholesky(b)[0, 0]


@case(V)
def factor_of_a_sum_with_an_identity_of_a_number(x):
    a = np.outer(x[:3], x[:3]) + 3 * np.eye(3)
    return np.sum(np.linalg.solve(np.linalg.cholesky(a), x[:3]))


@raising((V[:2], 3), (V[:3], 2), argnums=(0,))
def slice_of_what_is_no_argument(y, n):
    return np.sum(np.arange(3)[:n] + y)


@case((V[:2], 2), (V[:3], 3), (V[:1], 2), (V[:3], 5))
def slice_of_what_is_no_argument_that_agrees(y, n):
    return np.sum(np.arange(3)[:n] + y * y)


@case((V, W), (V[:3], W[:3]), (V[:2], W[:2]), argnums=(0, 1))
def parts_of_parts_joined_and_stored(x, y):
    y = y.copy()
    y[:-1] = np.concatenate([y[1:][:1], x[:-1][1:]])
    return np.sum(y * x)


# an array that each trip makes anew, of another length


@case(V[:3], V)
def shorter_in_each_trip(x):
    for _ in range(2):
        t = x * x
        x = x[:-1]
    return np.sum(t * t)


@case((V[:3], 2), (V[:3], 3), (V, 1))
def of_one_element_at_last(x, n):
    i = 0
    while i < n:
        t = 2.0 * x
        x = x[: max(1, len(x) - i - 1)]
        i += 1
    return np.sum(t * np.sin(t))


@case((A[:, :3], A[:, 1:]), (A[:2, :3], A[:, :3]))
def product_of_fewer_rows(a, s):
    for _ in range(3):
        t = a @ s.T
        s = np.take(s, [1, 0], axis=0)
    return np.sum(t * t)


@case((V[:3], 1), (V[:3], 2), (V, 0))
def longer_in_each_trip_that_may_be_left(x, k):
    for i in range(3):
        t, u = np.concatenate([x, x]), x * x
        if i == k:
            break
        x = t[1:]
    return np.sum(t * t) + np.prod(u)


def _last_difference(x, n):
    y = x * x
    for _ in range(n):
        d = y[1:] - y[:-1]
        y = d * d + np.sin(d) * np.cos(d) - d / (1.0 + d * d) + np.tanh(d) * 0.5 + np.exp(-d * d)
    return d


@case((V, 2), (V, 1))
def differences_of_differences_in_a_helper(x, n):
    return np.sum(_last_difference(x, n)) * np.sum(_last_difference(np.sin(x), 1))


@case((A, 0.4), (A[:, :3], -3.0))
def chosen_elements_of_each_trip(a, least):
    for row in a:
        t = row[row > least]
        least = least + 0.3
    return np.sum(t * t) + np.sum(a)


@case(np.arange(6.0) / 7 + 0.1, V[:4], argnums=(0,))
def reshaped_into_another_form_in_each_trip(x):
    for t in range(2):
        a = x.reshape(-1, 2) if t == 0 else x.reshape(2, -1)
        b = a @ a.T
        x = b.ravel()[:4]
    return np.sum(b) + np.sum(a * a)


@case((V[:4], 3), (V[:3], 1), (V, 4))
def of_two_trips(x, n):
    for i in range(n):
        a = x[i:]
        c = np.outer(a * a, a)
        if i == 1:
            continue
        d = c.sum(0)
    return np.sum(d * d) + np.sum(c)


@case(A[:, :3], A)
def fewer_rows_and_columns_until_there_is_one(a):
    while a.shape[0] > 1:
        b = a[1:] - a[:1]
        p = a[0, 0]
        a = b[:, 1:] / (p + 3.0)
    return np.sum(b * b) * p
