"""Two names for one array: aliases, views, views of views, buffers that are swapped, callees that write."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case, refused

# aliases


@case(V, ONE, EMPTY)
def alias_written(x):
    y = x * x
    z = y
    z *= 2.0
    return np.sum(y * x)


@case((V, U), (ONE, ONE))
def alias_of_an_argument_augmented(x, v):
    y = x
    y += v  # x too
    x[0] = x[0] * 3.0  # y too
    return np.sum(x * y)


@case((V, U))
def alias_ends_with_a_rebinding(x, v):
    y = x
    y = y + v
    y += v
    x = x * 2.0
    return np.sum(x * y)


@case(V)
def alias_by_chained_assignment(x):
    a = b = np.zeros(5)
    a += x
    b *= x
    return np.sum(a * b)


@case(V)
def alias_by_itself(x):
    x += x
    x *= x
    x -= x[0]
    x /= x[1]
    x += x[::-1]
    return np.sum(x)


@case((V, 3), (V, 0))
def alias_made_in_a_loop(x, n):
    y = x
    for i in range(n):
        y = x
        y[i] *= 2.0
        y = y * 0.5
    return np.sum(x**2) + np.sum(y)


@case(V)
def alias_in_a_list(x):
    xs = [x, x * 2.0, x]
    xs[0] += 1.0
    xs[1][0] = x[0]
    rows = [np.zeros(2)] * 3
    rows[0][0] = x[1]
    rows[2] += x[2]
    return np.sum(xs[2] * xs[1]) * np.sum(np.stack(rows) ** 2)


@case(V)
def alias_in_a_dict_and_a_tuple(x):
    state = {"x": x, "y": x * 1.0}
    pair = (state["y"], 2.0)
    state["x"] *= 3.0
    pair[0][1:] += x[:-1]
    state["y"] = state["y"] * x
    return np.sum(pair[0] * state["y"])


@case(V)
def asarray_is_an_alias_and_array_a_copy(x):
    a, b, c = np.asarray(x), np.array(x), x.copy()
    a[0] = 2.0
    b[1] *= 3.0
    c += x
    return np.sum(a * b * c) + np.sum(x)


# views


@case((A, 1), (A, -1), (ROW, 0))
def view_of_a_row(x, i):
    row = x[i]
    row += 1.0
    row[0] *= row[1]
    return np.sum(x**2)


@case(A)
def view_sees_later_stores(x):
    y = x * 1.0
    column, corner = y[:, 1], y[1:, 1:]
    y[1] = x[0] ** 2
    y *= 2.0
    return np.sum(column**2) * np.sum(corner)


@case((A, 0.5), (ROW, 0.5))
def views_of_views(x, v):
    tail = x[:, 1:]
    last = tail.T[::-1]
    last[0] = v
    last[-1][:] *= v
    tail[0][1] += v
    return np.sum(x**2)


@case((A, 0.5))
def view_transposed(x, v):
    y = x * x
    y.T[...] = x.T * v
    y.T[0] += 1.0
    y.transpose()[1, 2] *= v
    np.swapaxes(y, 0, 1)[2:, 0] = v
    return np.sum(np.sin(y))


@case((A, 7), (A, 0))
def view_reshaped(x, k):
    y = np.zeros((3, 4))
    y += x
    flat = y.reshape(-1)
    flat[k] = x[0, 0] * 2.0
    y.ravel()[k + 1] *= 3.0
    y.reshape(2, 6)[1] += flat[:6]
    return np.sum(y**2)


@case(A)
def flatten_is_a_copy(x):
    y = x.flatten()
    y[0] = 9.0
    y[1:] *= x[0, 0]
    return np.sum(x**2) + np.sum(y**2)


@case((V, 0.5))
def view_with_a_new_axis(x, v):
    column = x[:, None]
    column[1:] *= v
    x[None, :][0, 0] = v
    np.expand_dims(x, 0)[:, 2] += v
    column.squeeze()[3] = v * v
    return np.sum(x**2)


@case(V, P)
def views_that_overlap(x):
    a, b = x[:-1], x[1:]
    b += a
    a *= b
    a[1:] = b[:-1] ** 2
    return np.sum(x * x)


@case((V, 3), (P, 1))
def view_kept_over_a_loop(x, n):
    y = np.cos(x)
    middle = y[1:4]
    for i in range(n):
        middle *= x[i]
        y[i + 1] += 0.5
        y[0] += np.sum(middle**2)
    return np.sum(y)


@case(A, ROW, NO_ROWS)
def rows_of_a_loop_are_views(x):
    for row in x:
        row *= np.sum(row)
        row[0] = 1.5
    return np.sum(x**2)


@case((A, U[:3]), (NO_ROWS, EMPTY))
def rows_of_zip_are_views(x, v):
    y = x * 1.0
    for i, (row, a) in enumerate(zip(y, v)):
        row += a
        row[i] *= row[-1]
    for column in y.T:
        column[:1] -= np.sum(column)
    return np.sum(y**2)


@case((0.5, V), (2.0, U))
def view_by_unpacking(a, x):
    first, second = np.zeros((2, 5))
    first += x
    second[:] = first * a
    first[0] = a
    rows = np.ones((2, 5))
    up, down = rows
    down *= x
    return np.sum(first * second) * np.sum(rows**2)


@case(V, EMPTY)
def elements_of_a_loop_are_copies(x):
    for v in x:
        v *= 2.0
        v += 1.0
    total = x[:1].sum()
    total += 5.0
    return np.sum(x**2) + total


@case(V)
def element_read_before_its_store_is_a_copy(x):
    first = x[0]
    rest = x[1:]
    x[:] = x[::-1] * 2.0
    return first * np.sum(rest**2)


@case(S)
def diagonal_and_triangles_are_read_before_stores(x):
    d = np.diag(x).copy()
    lower = np.tril(x)
    x[0, 0] = 5.0
    x += lower
    return np.sum(d * x[0]) + np.sum(lower * x)


# buffers


@case((V, 0), (V, 1), (V, 2), (V, 5))
def buffers_swapped_in_a_time_loop(x, steps):
    u, new = x.copy(), np.zeros(5)
    for t in range(steps):
        new[1:-1] = u[1:-1] * u[:-2] + 0.5 * u[2:]
        new[0] = u[0]
        new[-1] = u[-1] * 0.5
        u, new = new, u
    return np.sum(u**2) + np.sum(new)


@case((V, U, 0), (V, U, 3))
def buffers_of_arguments_swapped(a, b, n):
    for i in range(n):
        a[i] = b[i] ** 2
        b *= 0.5 + a[i]
        a, b = b, a
    return np.sum(a * np.arange(5)) + np.sum(b**2)


@case((V, 4), (V, 1))
def buffer_reused_in_each_trip(x, n):
    work, total = np.empty(5), 0.0
    for i in range(n):
        work[:] = x * (i + 1)
        work[1:] += work[:-1] ** 2
        total += np.sum(np.sin(work))
    return total


@case((V, 3), (V, 0))
def buffer_made_in_each_trip(x, n):
    keep = x
    for i in range(n):
        buffer = np.zeros(5)
        buffer[i:] = x[i:] ** 2
        buffer[0] += keep[1]
        keep = buffer
    return np.sum(keep**2)


@case((V, 4), (V, 0))
def history_in_the_rows_of_a_matrix(x, n):
    h = np.zeros((n + 1, 5))
    h[0] = x
    for t in range(n):
        h[t + 1] = np.tanh(h[t] * 1.1 + 0.2)
        h[t + 1, 0] += h[t, 1]
    return np.sum(h**2) + np.sum(h[-1])


# callees that write


def scale_in_place(a, factor):
    a *= factor


def kernel(a, b):
    for i in range(1, len(a)):
        a[i] += b[i - 1] * a[i - 1]
        b[i] = a[i] ** 2


def doubled_in_place(a):
    a *= 2.0
    return a


def last_row(a):
    return a[-1]


def accumulate(target, source):
    target += source
    source *= 0.5


@case((V, 0.7), (ONE, 0.7), (EMPTY, 0.7))
def callee_writes_its_argument(x, a):
    scale_in_place(x, a)
    y = x * x
    scale_in_place(y[1:], a)
    return np.sum(y)


@case((V, U), (ONE, ONE))
def callee_writes_two_arguments(a, b):
    kernel(a, b)
    kernel(b, a)
    return np.sum(a * b)


@case((A, 0), (A, 2))
def callee_writes_rows_in_a_loop(x, n):
    for i in range(n):
        kernel(x[i], x[i + 1])
    return np.sum(x**2)


@case(V)
def callee_returns_its_argument(x):
    y = x + 1.0
    z = doubled_in_place(y)
    z[0] = x[1]
    return np.sum(y * x) + np.sum(z**2)


@case((A, 0.4))
def callee_returns_a_view(x, v):
    row = last_row(x)
    row *= v
    last_row(x.T)[0] = v
    return np.sum(x**2)


@case(V)
def callee_gets_one_array_twice(x):
    accumulate(x, x)
    return np.sum(x**2)


@case(V)
def nested_function_writes_a_captured_array(x):
    buffer = np.zeros(5)

    def push(i, v):
        buffer[i] += v * v

    for i in range(5):
        push(i, x[i])
        push(0, x[i])
    return np.sum(buffer**2)


# what may be refused, but never be wrong


@case((A, True), (A, False))
def view_chosen_at_run_time(x, flag):
    target = x[0] if flag else x[1]
    target *= 2.0
    return np.sum(x**2)


@case((V, U, True), (V, U, False))
def alias_or_copy(x, y, flag):
    z = x if flag else y * 1.0
    z += 1.0
    return np.sum(x**2) + np.sum(z * y)


@case((V, 0), (V, 2))
def alias_after_the_first_trip(x, n):
    y = np.ones(5)
    for i in range(n):
        y *= 2.0
        y[i] += x[0]
        y = x
    return np.sum(x**2) + np.sum(y)


@case(A, A[:, ::2], np.asfortranarray(A))
def ravel_of_an_argument(x):
    flat = x.ravel()
    flat[1] = 2.0
    flat[0] *= 3.0
    return np.sum(x**2) * flat[2]


@case(A)
def ravel_of_a_transposed_is_a_copy(x):
    y = x * 1.0
    y.T.ravel()[1] = 7.0
    y.T.reshape(-1)[0] *= 5.0
    return np.sum(y**2)


BUFFER = np.ones(5)


@refused(
    V,
    says="cases_views.BUFFER is an array of the program, which a gradient function does not change",
    at="BUFFER[:] = x * 2.0",
)
def global_array_written(x):
    BUFFER[:] = x * 2.0
    return np.sum(BUFFER * x)


# parts of an array that are stored into other parts of it


@case((S, 2), (S, 0))
def a_column_becomes_a_row(x, k):
    x[k] = x[:, k]
    x[0] = x[:, -1].copy()
    x[1, 1:] = x[1:, 1]
    return np.sum(np.cos(x) * x)


@case(MANY)
def even_and_odd_elements_are_brought_together(x):
    half, odd = x.size // 2, x[1::2].copy()
    x[:half] = x[::2]
    x[half:] = odd
    x[2:] = x[:-2]
    return np.sum(np.sin(x) * x)
