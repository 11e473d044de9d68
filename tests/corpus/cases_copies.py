"""What looks like a view and is a copy, what looks like a number and is an array, and the reverse."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, ONE, A, S, U, V, case, refused

F, ROWS, NUMBER = np.asfortranarray(A), np.array([2, 0, 1]), np.array(0.7127)


# layouts


@case(A, F)
def ravel_of_a_copy_in_the_other_order(x):
    y = x.copy("F")
    flat = y.ravel()
    flat[0] = 5.0
    return np.sum(y * x)


@refused(
    A,
    F,
    says="y may share its memory with another array, which was written to: what it holds is known only at run time",
    at="y * x",
)
def reshape_of_a_copy_in_the_order_of_its_array(x):
    y = x.copy(order="K")
    y.reshape(-1)[1] = 5.0
    return np.sum(y * x)


@refused(
    A,
    F,
    says="y may share its memory with flat, which was written to: what it holds is known only at run time",
    at="y * x.T",
)
def ravel_of_a_reshape_in_the_other_order(x):
    y = np.zeros((3, 4)).reshape((4, 3), order="F")
    y += x.T
    flat = y.ravel()
    flat[1] = 5.0
    z = np.zeros(12).reshape((4, 3), order="F")
    z += x.T
    z.ravel()[1] = 7.0
    return np.sum(y * x.T) + np.sum(z * y)


# indices


@case(V)
def elements_by_a_tuple_in_a_tuple_are_a_copy(x):
    y = x[(0, 1),]
    y[0] = 2.0
    return np.sum(y) * np.sum(x)


@case(A)
def rows_by_a_tuple_in_a_tuple_are_a_copy(x):
    y = x[(0, 1), :]
    y[0] = 2.0
    x[(2, 0), :] *= 3.0
    return np.sum(y) * np.sum(x**2)


@case((A, ROWS), (A, ROWS - 2))
def row_by_an_array_without_axes_is_a_copy(x, rows):
    y = x[rows[..., 0]]
    y[0] = 2.0
    return np.sum(y) * np.sum(x)


@case((A, np.array(1)), (A, np.array(-1)))
def column_by_an_argument_without_axes_is_a_copy(x, k):
    y = x[:, k]
    y[0] = 2.0
    return np.sum(y) * np.sum(x)


# arrays without axes


@case(MANY, MANY[:9])
def element_as_a_view(x):
    u = x[..., 7]
    u += 1.0
    u *= x[0]
    x[7] *= 2.0
    return np.sum(x * u)


@case((V, 3), (V, 0), (V, 1))
def element_as_a_view_in_a_loop(x, n):
    u = x[..., 0]
    for i in range(n):
        if i != 1:
            u *= x[i + 1]
        else:
            x[0] += u
    return np.sum(x * u)


@case((A, 3), (A, 0))
def elements_as_views_made_in_a_loop(x, n):
    for i in range(n):
        u = x[..., i, 0]
        u *= x[0, i]
        u += u * x[2, 3]
    return np.sum(x**2)


@case(V)
def slice_as_an_array_without_axes(x):
    first, second = x[:1].reshape(()), np.squeeze(x[1:2], axis=0)
    first += 3.0
    second[()] = x[2] * first
    return np.sum(x**2) * first


@refused(
    NUMBER,
    says="writing into an array without axes through a view that has some is not supported",
    at="y[0] *= 2.0",
)
def array_without_axes_written_through_one_with_an_axis(x):
    y = x.reshape(1)
    y[0] *= 2.0
    return x * y[0]


# of one, of none


@case(V, ONE, EMPTY)
def sum_of_one_array_is_new(x):
    y = sum([x])
    y[:1] = 2.0
    return np.sum(x * y)


@case(V, ONE)
def maximum_of_one_array_is_itself(x):
    y = max([x])
    y[0] = x[0] * 2.0
    return np.sum(x * y)


@refused(
    (S[:0], V[:3]),
    (S, V[:3]),
    says="x may share its memory with y, which was written to: what it holds is known only at run time",
    at="x * y",
)
def sum_that_is_what_it_begins_with(rows, x):
    y = sum(rows, x)
    y[0] = 2.0
    return np.sum(x * y)


@case((S[:0], V[:3]), (S, V[:3]))
def sum_that_begins_with_an_array(rows, x):
    y = sum(rows, x)
    return np.sum(x * y * y)


@case(V, -V)
def difference_of_order_zero_is_the_array(x):
    y = np.diff(x, n=0)
    y[0] = 2.0
    return np.sum(x * y)


# a part written with another part that it shares elements with: NumPy reads what it has overwritten


@case(S, -S)
def row_written_with_a_column_times_one(x):
    y = x * 1.5
    y[0, 0] = 2.0
    y[1] = y[:, 2] * 1.0
    y[2] = -(-y[:, 1])
    y[:, 0] = y[0].astype(float)
    return np.sum(y * y * np.arange(9.0).reshape(3, 3))


@case((MANY, 3), (MANY, 0))
def every_other_element_written_with_a_slice_times_one(x, n):
    for _ in range(n):
        x[::2] = x[:10] * 1.0
        x[5:15] = x[::2] / 1.0
    return np.sum(x * x * np.arange(20.0))


# changed in place by what the class says


class Shifted:
    def __init__(self, x, by=0.0):
        self.x, self.by = x, by

    def __iadd__(self, other):
        self.x = self.x + other
        self.by += 1.0
        return self

    def __add__(self, other):
        return Shifted(self.x + other, self.by)


@case((V, U), (ONE, ONE))
def augmented_object(x, u):
    a = Shifted(x)
    b = a
    a += u
    c = a + u
    c += 1.0
    return np.sum(b.x * c.x) * (b.by + c.by)


@case((V, 3), (V, 0))
def augmented_object_in_a_loop(x, n):
    a = Shifted(x)
    for i in range(n):
        a += x[i] * a.by
    return np.sum(a.x * x) + a.by
