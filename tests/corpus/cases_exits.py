"""`break`, `continue`, `else` of a loop, and `return` from anywhere."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ROW, A, P, U, V, case


@case(V, P, EMPTY, MANY)
def break_on_a_value(x):
    y = 1.0
    for v in x:
        if v < 0:
            break
        y = y * v + 1.0
    return y * y


@case(V, P, EMPTY)
def break_after_the_update(x):
    total = 0.0
    for i in range(len(x)):
        total = total + x[i] ** 2
        if total > 2.0:
            break
        total = total * 1.1
    return total


@case((V, 0), (V, 4), (V, 9))
def break_on_a_counter(x, last):
    y = 1.0
    for i, v in enumerate(x):
        y = y * 0.5 + v * y
        if i == last:
            break
    return y


@case(V, P, EMPTY, MANY)
def continue_on_a_value(x):
    y = 1.0
    for v in x:
        if v < 0:
            continue
        y = y * v + 1.0
    return y


@case(V, P)
def continue_skips_one_of_two_updates(x):
    y, z = 1.0, 0.5
    for v in x:
        y = y * 0.5 + v
        if y * v > 0.8:
            continue
        z = z * y + v
    return y * z


@case(V, MANY)
def break_and_continue(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0.9:
            continue
        total += x[i] ** 2 * (i + 1)
        if total > 4.0:
            break
        total = total * 0.8
    return total


@case(P, V, EMPTY)
def for_else(x):
    total = 1.0
    for v in x:
        if v < -1.0:
            total = total * v
            break
        total = total + v
    else:
        total = np.sin(total)
    return total * 2.0


@case(A, -A, ROW, NO_ROWS)
def break_of_the_inner_loop(x):
    total = 0.0
    for row in x:
        for v in row:
            if v < -0.5:
                break
            total = total + v * v
        total = total * 0.9
    return total


@case(A, -A)
def break_of_both_loops_by_a_flag(x):
    total, stop = 1.0, False
    for row in x:
        for v in row:
            total = total * 0.5 + v**2
            if total > 1.4:
                stop = True
                break
        if stop:
            break
    return total


@case((1.1, 10), (1.1, 3), (1.1, 2))
def for_else_in_a_loop(x, n):
    total = x
    for i in range(2, n):
        for j in range(2, i):
            if i % j == 0:
                break
        else:  # no divisor: a prime
            total = total * x + i
    return total


@case(A, -A)
def continue_of_the_outer_loop_through_else(x):
    total = 0.0
    for row in x:
        for v in row:
            if v < -1.0:
                total += v
                break
        else:
            continue
        total = total * row[0]
    return total + np.sum(x)


@case(V, P, EMPTY)
def return_in_a_loop(x):
    y = 1.0
    for v in x:
        y = y * v + 1.0
        if y < 0.7:
            return y * v
    return y


@case(A, -A, np.abs(A), NO_ROWS)
def return_in_nested_loops(x):
    y = 1.0
    for row in x:
        for v in row:
            if v < -1.0:
                return y * v
            y = y + v * v
    return y * np.sum(x)


@case((V, 4), (V, 1), (V, 0), (P, 3))
def return_in_a_while_in_a_for(x, n):
    y = 0.5
    for i in range(n):
        k = i
        while k >= 0:
            y = y + x[k] * 0.3
            if y > 1.0:
                return y**2 * x[i]
            k -= 1
    return y


@case(V, P, np.array([0.2, 0.3]))
def return_a_constant_from_a_loop(x):
    total = 0.0
    for v in x:
        total += v
        if total > 1.5:
            return 7.0
        if total < 0:
            return v * v
    return total * total


@case(V, P, EMPTY)
def return_from_the_else_of_a_loop(x):
    total = 0.0
    for v in x:
        if v < 0:
            break
        total += v * v
    else:
        return total
    return total * v


@case((V, 0.5), (V, 1.4), (V, 9.0), (EMPTY, 1.0))
def return_what_was_found(x, limit):
    for i in range(len(x)):
        if x[i] > limit:
            return x[i] ** 2 * (i + 1)
    return limit**2


@case(V)
def return_in_the_first_trip(x):
    for v in x:
        return v * v
    return 0.0


@case((V, 2), (V, 7))
def return_before_code_that_would_fail(x, n):
    for i in range(n):
        if i == len(x):
            return np.sum(x**2)
        x = x * (1.0 + x[i])
    return x[0]


@case((V, 1), (V, 2), (V, 3))
def returns_of_several_depths(x, depth):
    if depth == 1:
        return x[0] * x[1]
    for i in range(3):
        if i == depth:
            return x[i] * x[i + 1] ** 2
        for j in range(i):
            if i + j == depth:
                return x[i] + x[j] ** 3
            x = x * (1.0 + 0.1 * x[j])
    return np.sum(x)


@case(V, -V, EMPTY)
def return_an_earlier_value(x):
    saved = y = 1.0
    for v in x:
        saved = y
        y = y * 0.5 + v
        if y > 1.2:
            return saved * v
    return saved + y


def first_negative(x):
    for i, v in enumerate(x):
        if v < 0:
            return i, v
    return -1, 1.0


@case(V, P, EMPTY)
def return_from_a_loop_in_a_helper(x):
    i, v = first_negative(x)
    return v * v * i + np.sum(x)


def clipped_sum(x, limit):
    total = 0.0
    for v in x:
        if total > limit:
            return limit
        total = total + v * v
    return total


@case((V, 1.0), (V, 20.0), (EMPTY, 1.0))
def return_an_argument_or_a_sum(x, limit):
    total = 0.0
    for k in range(3):
        total = total + clipped_sum(x[k:], limit) * (k + 1)
    return total


@case((V, 3), (V, 0))
def unreachable_after_return(x, n):
    for i in range(n):
        if x[i] < 0:
            return x[i] * x[0]
            x = x * 2.0
    return x[0] ** 2


@case(MANY, V)
def continue_and_return_and_else(x):
    y = 1.0
    for i, v in enumerate(x):
        if v < -0.95:
            continue
        if i > 12:
            return y * v
        y = y * 0.8 + v
    else:
        y = y * 3.0
    return y


@case((U, 0), (U, 3))
def break_in_while_in_for(x, n):
    total = 1.0
    for i in range(n):
        y = x[i]
        while True:
            y = y * y * 0.5
            if y < 0.3:
                break
        total = total * (1.0 + y)
    return total


@case((V, 3), (V, 0), (P, 3))
def continue_in_while_else(x, n):
    y, i = 1.0, 0
    while i < n:
        i += 1
        if x[i] > 1.0:
            continue
        if x[i] < -0.5:
            y = y - x[i]
        y = y + x[i] * y
    else:
        y = y * y
    return y


@case(A, ROW)
def array_values_leave_a_loop(x):
    best = x[0]
    for row in x:
        if np.sum(row) > 0.5:
            best = row * 2.0
            break
        best = best + row
    return np.sum(best**2)


@case(V, P)
def pass_and_empty_bodies(x):
    for v in x:
        pass
    else:
        pass
    while False:
        x = x * 2.0
    if v > 0:
        pass
    return v * v


@case(0.7)
def swap_before_a_break(x):
    s, j = 0.0, 0
    while True:
        if j >= 3:
            break
        s, x = x * s + 1.0, s + x
        if j < 2:
            break
        j = 1
    return s * x + x


@case((0.7, 0), (0.7, 1), (0.7, 5))
def swap_before_breaks_on_two_conditions(x, n):
    s, j = 1.0, 0
    while True:
        if j >= n:
            break
        s, x = x, s
        x = x * s
        if x > 2.0:
            if s > 1.5:
                break
        else:
            j = j + 1
        s, x = x * 1.1, s + 0.5
        if j > 3:
            break
        j = j + 1
    return s * x + x


@case((V, A), (V, -A))
def rows_of_what_is_transposed_until_a_return(x, S):
    for i, row in enumerate(S):
        u = S[i] + (0.3 * S[i] + x[0])
        S = S.T
        if row[0] > 0:
            return np.sum(u)
    return np.sum(x)


@case((2.0, 1e-9), (0.3, 1e-9), (1.0, 5.0), argnums=(0,))
def break_at_the_top_of_a_trip(a, tol):
    x = a
    n = 0
    while True:
        if abs(x * x - a) < tol:
            break
        x = 0.5 * (x + a / x)
        n += 1
    return x * n + x


@case((V, 3), (V, 0), (V[:1], 1))
def break_and_continue_at_the_top_of_a_trip(x, n):
    i, s = 0, 0.0
    while True:
        if i >= n or s > 50.0:
            break
        i += 1
        if i == 2:
            continue
        s += np.sum(x**i)
    return s * i


def grown_until(q, top):
    for i in range(len(q)):
        q[i] *= 2.0
        if q[i] > top:
            return
    q *= 1.5


def grown_in_a_while(q, top):
    i = 0
    while i < len(q):
        if q[i] > top:
            return None
        q[i] *= 2.0
        i += 1
    q[:1] = q[:1] ** 2


def grown_within(q, top):
    for i in range(len(q)):
        for j in range(2):
            q[i] *= 2.0 + j
            if q[i] > top:
                return
            elif q[i] < -top:
                q[i] *= 0.5
                return
        q[i] *= 0.3


@case((V, 0.5), (V, 1e3), (P, 1.9), (EMPTY, 1.0), (MANY, 2.0))
def helpers_that_return_nothing_from_a_loop(x, top):
    y = x * 1.0
    grown_until(y, top)
    z = x * 0.7
    grown_in_a_while(z, top)
    u = x * 1.1
    grown_within(u, top)
    for _ in range(2):
        grown_until(u, 3.0 * top)
    return np.sum(y * z) + np.sum(u * u)
