"""Lists whose length only the run decides: grown in loops and under conditions, read, joined, taken apart."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, S, U, V, case, refused


@case((0.8, 5), (0.8, 1), (np.float64(0.8), 4))
def growing_trajectory(x, n):
    xs = []
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
        xs.append(x)
    return np.sum(np.array(xs) ** 2)


@case((S, U[:3], 4), (S, U[:3], 0))
def growing_states_read_at_the_end(w, h, n):
    hs = [h]
    for _ in range(n):
        hs.append(np.tanh(w @ hs[-1]))
    return np.sum(np.stack(hs) ** 2) + np.sum(hs[-1] * hs[0])


@case(V, EMPTY, ONE, -np.abs(V))
def growing_under_a_condition(x):
    out = []
    for v in x:
        if v > 0:
            out.append(v * v)
        elif v < -0.5:
            out.append(v**3)
            out.append(v)
    return np.sum(np.array(out)) * len(out)


@case((2.0,), (0.05,))
def growing_in_a_while(x):
    xs = [x]
    while xs[-1] > 0.1:
        xs.append(xs[-1] * 0.7)
    return sum(xs) + xs[len(xs) // 2] ** 2


@case((3.0,), (0.2,))
def growing_stack_of_work(x):
    work = [x]
    total = 0.0
    while work:
        y = work.pop()
        total += y * y
        if y > 0.5:
            work.append(y * 0.5)
            work.append(y * 0.3)
    return total


@case((V, 0.7), (-np.abs(V), 0.7), (EMPTY, 0.7))
def growing_comprehension_with_a_filter(x, w):
    ys = [np.sin(w * v) for v in x if v > 0.0]
    return max(ys) - min(ys) * sum(ys) if ys else 0.3 * w


@case((V, U, 0.7), (ONE, 0.5 * ONE, 0.7))
def growing_sum_of_a_generator(x, y, w):
    return sum(np.sin(w * a) * b for a, b in zip(x, y) if a > b) + sum((a * a for a in x), 1.0)


@case(A, ROW, NO_ROWS)
def growing_comprehension_of_rows(x):
    norms = np.array([row @ row for row in x])
    doubled = [2.0 * row for row in x]
    return np.sum(norms**2) + (np.sum(np.vstack(doubled) ** 3) if len(doubled) > 0 else 0.0)


@case(A, ROW)
def growing_comprehension_of_two_loops(x):
    ys = [v * row[0] for row in x for v in row if v > row[1]]
    return np.sum(np.array(ys) ** 2)


@case((V, U), (ONE, ONE), (EMPTY, EMPTY))
def growing_list_of_tuples(x, y):
    pairs = []
    for a, b in zip(x, y):
        pairs.append((a * b, a + b))
    total = 0.0
    for p, q in pairs:
        total += p * q * q
    return total + (pairs[-1][0] if pairs else 0.0)


@case((V, 3), (V, 1))
def growing_copies_of_a_buffer(u, n):
    u = u.copy()
    us = []
    for t in range(n):
        u[1:] = u[1:] + 0.1 * np.sin(u[:-1])
        us.append(u.copy())
    return np.sum(np.stack(us, axis=1)[0] ** 2) + np.sum(us[-1] * us[0]) + np.sum(np.concatenate(us) ** 3)


@case((V, 3))
def growing_by_plus_and_extend(u, n):
    us = [u]
    for _ in range(n):
        us += [us[-1] * 1.1, us[0] * us[-1]]
        us.extend([us[1] * 0.5])
    return np.sum(us[len(us) // 2] * us[-2])


@case((V[:3], 5))
def growing_then_assigned(u, n):
    us = [u[0]]
    for t in range(n):
        us.append(us[t] * 1.1 + u[1])
    us[2] = us[0] * us[1]
    for i in range(len(us)):
        us[i] = us[i] * us[i - 1]
    return us[2] * us[-1] + sum(us[1:]) + sum(us[::2])


@case((S, U[:3], 3))
def growing_rows_assigned(w, x, n):
    hs = [x]
    for i in range(n):
        hs.append(x * (i + 1.0))
    for i in range(1, len(hs)):
        hs[i] = hs[i - 1] * hs[i] + w[0]
    return np.sum(np.array(hs) ** 2)


@case((V, 4))
def growing_copied_and_chained(u, n):
    a, b = [], [u * 0.5]
    for i in range(n):
        a.append(u * (i + 1.0))
        b.append(u * u)
    c = a + b
    d = c.copy()
    d.append(u)
    return np.sum(np.stack(d) ** 2) * len(c) + np.sum(c[0] * d[-1])


@case((V, 4), (V, 0))
def growing_read_backwards(u, n):
    hs = []
    for i in range(n):
        hs.append(u * (i + 1.0))
    total = 0.0
    for i, h in enumerate(reversed(hs)):
        total = total * 0.5 + np.sum(np.sin(h)) * i
    for a, b in zip(hs, hs[1:]):  # noqa: RUF007
        total += np.sum(a * b)
    return total


@case((V, 3, True), (V, 3, False))
def growing_on_one_side_only(u, n, wide):
    hs = [np.sum(u)]
    for i in range(n):
        if u[i] > 0.2:
            hs.append(u[i] ** 2)
        else:
            hs = hs + [u[i], hs[-1] * 0.5]
    return np.prod(np.array(hs)) if wide else np.mean(np.array(hs))


def push(stack, x):
    stack.append(x)
    return len(stack)


@case((V, 1.5), (ONE, 1.5))
def growing_in_a_helper(x, w):
    kept = []
    for v in x:
        if push(kept, v * w) > 2:
            kept.pop()
            kept.append(w)
    return sum(kept) * kept[0]


class Recorder:
    def __init__(self):
        self.values = []
        self.best = 0.0

    def add(self, v):
        self.values.append(v * v)
        if self.values[-1] > self.best:
            self.best = self.values[-1]


@case((V, 0.5), (ONE, 0.5))
def growing_attribute(x, w):
    recorder = Recorder()
    for v in x:
        if v > -1.0:
            recorder.add(v * w)
    return recorder.best + sum(recorder.values)


@case((V, 3))
def growing_list_inside_a_loop(x, n):
    total = 0.0
    for i in range(n):
        parts = []
        for v in x:
            if v > i - 1.0:
                parts.append(v * (i + 1.0))
        total += sum(parts) * len(parts)
    return total


@case((V, 0.3), (ONE, 0.3))
def growing_until_break(x, w):
    seen = []
    for v in x:
        if v < w:
            continue
        seen.append(v * w)
        if len(seen) == 2:
            break
    else:
        seen.append(w)
    return sum(seen) * seen[-1]


@case((1.3, 0.2), (0.1, 0.2))
def growing_and_returned_from_the_loop(x, w):
    xs = [x]
    while True:
        xs.append(xs[-1] * w)
        if xs[-1] < 0.05:
            return sum(xs) * xs[1]


@case((A, 0.4))
def growing_statistics(x, w):
    losses = []
    for row in x:
        losses.append(np.sum(np.tanh(w * row)))
    return np.mean(losses) + np.max(losses) * np.std(losses) + np.linalg.norm(losses)


@case((V, 4), (V, 1))
def growing_twice_appended_value(x, n):
    a, b = [], []
    for i in range(n):
        y = np.sin(x * (i + 1.0))
        a.append(y)
        b.append(y)
        b.append(y * 2.0)
    return np.sum(np.stack(a) ** 2) + np.sum(b[-1] * b[0])


@case((V, U, 3))
def growing_two_arrays_of_one_buffer(x, y, n):
    xs = []
    for i in range(n):
        x, y = y * 0.5, x + y
        xs.append(x)
        xs.append(y)
    return np.sum(xs[0] * xs[-1]) + np.sum(np.hstack(xs))


@case((V, 3))
def growing_list_of_one_buffer(u, n):
    u = u.copy()
    us = []
    for _ in range(n):
        u *= 1.1
        us.append(u)
    return np.sum(us[0] * us[-1])


@case((V, 3))
def growing_list_whose_item_is_written(u, n):
    us = [u * 1.0]
    for _ in range(n):
        us.append(us[-1] * 1.5)
    us[1][0] = 0.0
    return np.sum(us[1] * us[-1])


@case((V, 3))
def growing_list_read_before_its_item_is_written(u, n):
    us = []
    for _ in range(n):
        v = u * 2.0
        us.append(v)
        v[0] = 1.0
    return np.sum(us[-1] ** 2)


@case((0.7, 4), (0.7, 0))
def list_of_a_length_that_the_run_says(x, n):
    ys = [0.0] * (n + 1)
    ys[0] = x
    for i in range(n):
        ys[i + 1] = ys[i] * 0.9 + np.sin(ys[i])
    return sum(ys) + ys[n // 2] ** 2


@case((V, 4), (V, 2))
def table_of_lists_filled_from_below(x, n):
    best = [1.0] * (n + 1)
    for i in range(1, n + 1):
        for j in range(i):
            best[i] = best[i] + 0.5 * best[j] * x[j]
    return best[n] * best[1]


@case((V, 3))
def one_row_many_times(x, n):
    rows = [x * 2.0] * n
    rows[1] = x * x
    return np.sum(np.array(rows) ** 2) + np.sum(rows[0] * rows[-1])


@case((0.7,))
def list_of_a_known_length_indexed_at_run_time(x):
    ys = [x] * 6
    for i in range(1, 6):
        ys[i] = ys[i - 1] * ys[i] + 0.1 * i
    return ys[-1]


@case(MANY, EMPTY)
def growing_array_of_nothing(x):
    out = []
    for v in x:
        if v > 100.0:
            out.append(v)
    return np.sum(np.array(out)) + np.sum(x)


# lists that begin with items, and get one item a trip


@case((V, 3), (V, 0), (V, 1), (EMPTY, 2))
def trajectory_from_its_beginning(x, n):
    xs = [x]
    for _ in range(n):
        x = np.sin(x) * 1.1
        xs.append(x)
    return np.sum(np.stack(xs) ** 2)


@case((V, 6), (V, 3), (V, 4), (ONE, 5))
def trajectory_from_two_items_on(x, n):
    xs = [x, x * x]
    y = xs[-1] * xs[0]
    for _ in range(3, n):
        x = np.sin(x) * y
        xs.append(x)
    return np.sum(np.stack(xs)[::2] ** 2) + np.sum(xs[0] * xs[-1])


@case((V, 3), (V, 0), (ONE, 1))
def list_filled_by_two_loops(x, n):
    xs = [x * 2.0]
    for _ in range(-2, n):
        x = np.sin(x) * xs[0]
        xs.append(x)
    for i in range(n):
        xs.append(x * i)
    return np.sum(xs[-1] * xs[1] * xs[0])


@case((V, 4), (V, 0), (V, 1))
def numbers_after_a_constant(x, n):
    xs = [x[0], 0.5]
    for i in range(n):
        xs.append(x[i] * x[i] * i)
    return sum(xs) * xs[0] * xs[1]


@case((0.6, 2), (0.6, 5))
def a_growing_list_is_taken_apart(x, n):
    xs = [x]
    while len(xs) < n:
        xs.append(xs[-1] * x + 1.0)
    first, *rest = xs
    *most, last = xs
    a, *middle, b = [(v, v * x) for v in xs]
    return first * sum(rest) + last * most[0] + a[0] * b[1] + sum(p * q for p, q in middle)


@case((A, 3), (A, 0), (A, 1))
def an_item_of_a_list_or_another_array_written(x, n):
    items = []
    for _ in range(n):
        items.append(x[:, 0] * 1.5)
    y = items[-1] if items else np.zeros(len(x))
    y **= 2
    return np.sum(y) + sum(np.sum(item * x[:, 1]) for item in items)


@case((A, 3), (A, 1))
def an_item_of_a_list_or_another_array_written_by_a_helper(x, n):
    def smooth(p):
        p[:2] = np.sin(p[:2]) * p[0]

    items = []
    for _ in range(n):
        items.append(x[:, 0] * 1.5)
    if n > 2:
        y = items[1]
    else:
        y = np.zeros(len(x))
    z = y * y
    smooth(y)
    return np.sum(items[0]) + np.sum(z) + np.sum(items[-1] * y)


@refused(
    (A, 3.0),
    says="writing into an item of a list whose length only the run decides is not supported",
    at="y[0] = 2.0",
)
def an_item_of_a_list_that_the_run_fills_or_another_array_written(x, most):
    items = []
    while len(items) == 0 or np.sum(items[-1]) < most:
        items.append(x[:, 0] * (1.5 + len(items)))
    y = items[1] if most > 2.0 else np.zeros(len(x))
    y[0] = 2.0
    return sum(np.sum(item * x[:, 1]) for item in items)
