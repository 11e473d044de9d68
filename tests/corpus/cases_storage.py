"""Whose storage it is: gradients that are one array, what is kept and written, results that are the argument."""

import numpy as np

from revcompile import stop_gradient
from tests.corpus.table import ONE, A, U, V, case, refused

V3, U3 = V[:3], U[:3]


# gradients that are one array when a reversed trip begins


@case((V, U, 3), (V, U, 1), (V, U, 0), (ONE, ONE, 2))
def two_gradients_are_one_array(x, w, n):
    a, b = x.copy(), w.copy()
    for _ in range(n):
        s = a + b
        a = np.sin(s)
        a[0] = 0.5
        b = np.cos(s)
    return np.sum(a * b)


@case((A, 3), (A, 1), (A, 0))
def two_gradients_are_one_view(x, n):
    a, b = x.copy(), x * 2.0
    for _ in range(n):
        s = a.T + b.T
        a = s.T * 1.0
        b = np.sin(s).T
        a[0] = 0.1
    return np.sum(a * b * b)


# a list that a reversed loop goes through, and what that loop writes


@case((V, U, 3), (V, U, 1), (V, U, 0))
def gradient_begins_as_what_was_saved_last(x, w, n):
    a, b, total = x.copy(), w.copy(), 0.0
    for _ in range(n):
        a[0] = b[-1] * 0.5
        b = a + b
        total += np.sum(b * b)
        a = b * 0.5
        a[-1] = total
    return total + np.sum(a * b)


@case((V3, U3, 3), (V3, U3, 2), (V3, U3, 1), (V3, U3, 0))
def one_array_saved_in_two_trips(x, w, n):
    b, total = w * 2.0, 0.0
    for i in range(n):
        if i % 2:
            b = 0.5 * b
        a = x * (i + 1.0)
        a[i] = 0.5
        total += np.sum(a * b)
    return total


# what is stored is computed with other numbers than its place holds


@case(V3, U3)
def half_of_whole_numbers_stored_in_their_place(x):
    counts = np.arange(3)
    counts[:2] = counts[:2] / 2
    return np.sum(x * counts)


# results that are the argument, or a part of it


@refused(
    V,
    says="z may share its memory with y, which was written to: what it holds is known only at run time",
    at="z * z",
)
def what_stop_gradient_gives_is_written(x):
    z = x * 1.0
    y = stop_gradient(z)
    y[0] = 5.0
    return np.sum(z * z)


@refused(
    V,
    says="y may share its memory with z, which was written to: what it holds is known only at run time",
    at="z * y",
)
def what_stop_gradient_was_given_is_written(x):
    z = x * 1.0
    y = stop_gradient(z)
    z[0] = 5.0 * x[-1]
    return np.sum(z * y)


@case(V, -V)
def differences_of_order_zero_are_written(x):
    z = x * 1.0
    y = np.diff(z, n=0)
    y[0] = 5.0
    return np.sum(z * z)


@case(A)
def index_of_an_open_mesh_is_written(x):
    rows = np.array([0, 1])
    index = np.ix_(rows, [0, 1])
    rows[0] = 1
    return np.sum(x[index] ** 2)


@case(A)
def index_of_an_open_mesh_is_written_after_its_use(x):
    rows = np.array([0, 1])
    total = np.sum(x[np.ix_(rows, [0, 1])] ** 2)
    rows[0] = 1
    return total + np.sum(x[rows])
