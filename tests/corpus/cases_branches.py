"""`while`, `if` on run-time values, conditional expressions, `and` and `or`, walrus."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, ONE, A, P, U, V, case

# while


@case((1.2, 0), (1.2, 1), (1.05, 25))
def while_counting(x, n):
    i, y = 0, x
    while i < n:
        y = y * x + i
        i += 1
    return y


@case(1.7, 11.0, 1.0523)
def while_on_an_active_value(x):
    y = x
    while y < 10.0:
        y = y * x + 0.1
    return y * x


@case((V, 1.0), (MANY, 2.5), (EMPTY, 1.0), (V, -5.0))
def while_with_a_guarded_index(x, limit):
    total, i = 0.0, 0
    while i < len(x) and total < limit:
        total = total + x[i] ** 2
        i = i + 1
    return total * limit


@case(2.1, 0.3)
def while_true_with_break(x):
    y = x
    while True:
        y = y * 0.5 + 0.1 * x
        if y < 0.5:
            break
    return y * y


@case((V, 2), (V, 5), (V, 0))
def while_with_continue(x, n):
    i, total = 0, 1.0
    while i < n:
        i += 1
        if x[i - 1] < 0:
            continue
        total = total * x[i - 1] + 1.0
    return total


@case((0.5, 3), (1.5, 3), (0.5, 0))
def while_else(x, n):
    y = x
    while n > 0:
        y = y * x
        n -= 1
        if y > 2.0:
            break
    else:
        y = np.sin(y)
    return y * 3.0


@case(2.0, 9.0, 0.04)
def while_newton_with_walrus(x):
    y = 1.0 + x * 0.25
    while (error := y * y - x) > 1e-12:
        y = y - error / (2.0 * y)
    return y


@case((V, 1), (MANY[:19], 3))
def while_walrus_reads_an_element(x, k):
    i, total = 0, 0.0
    while (v := x[i]) > -0.9 and i < len(x) - 1:
        total += v * v * k
        i += k
    return total * v


@case((1.3, 3), (1.3, 0))
def while_nested(x, n):
    total, i = 0.0, 0
    while i < n:
        j = i
        while j > 0:
            total = total + x**j * i
            j = j - 2
        i = i + 1
    return total + x


@case((1.3, 27), (1.3, 6), (1.3, 1))
def while_collatz(x, n):
    y = x
    while n > 1:
        if n % 2 == 0:
            n //= 2
            y = y * 0.9 + x
        else:
            n = 3 * n + 1
            y = np.sin(y)
    return y


@case((1.3, 18, 12), (1.3, 5, 0))
def while_two_integers(x, a, b):
    y = x
    while b:
        a, b = b, a % b
        y = y * x + a
    return y * a


@case(0.9, 2.5)
def while_flag(x):
    done, y = False, x
    while not done:
        y = y * 1.5
        done = y > 3.0
    return y * x


@case(0.4, 3.0, -0.3)
def while_both_bounds(x):
    y, steps = x, 0
    while -5.0 < y < 5.0 and steps < 6:
        y = y * 1.7 + 0.2 * y * y
        steps += 1
    return y / (steps + 1)


@case((0.517, 4), (2.513, 4))
def while_in_for_in_while(x, n):
    y = x
    while n > 0:
        for i in range(n):
            while y > 1.0:
                y = y * 0.3
            y = y + x * i
        n -= 2
    return y


# if


@case(0.3, 1.4, 2.7, -1.0)
def if_elif_else(x):
    if x < 0:
        y = x * x
    elif x < 1:
        y = np.sin(x)
    elif x < 2:
        y = np.exp(x) * x
    else:
        y = 1.0 / (x * x)
    return y * x


@case(V, MANY, EMPTY)
def if_in_a_loop(x):
    y = 1.0
    for v in x:
        if v > 0.5:
            y = y * v
        elif v > -0.5:
            y = y + v
        else:
            y = y / (2.0 - v)
    return y


@case((V, 0.5), (MANY, -0.2))
def if_nested_in_a_loop(x, k):
    y = z = 1.0
    for v in x:
        if v > 0:
            if v > k:
                y = y * v + z
            z = z + y
        else:
            z = z * k
    return y * z


@case((1.3, True), (1.3, False))
def if_name_bound_on_one_side(x, flag):
    y = x
    if flag:
        z = x * 2.0
        y = y + 1.0
    if flag:
        y = y * z
    return y


@case(V, ONE)
def if_name_bound_in_the_first_trip(x):
    for i, v in enumerate(x):
        if i == 0:
            y = v
        else:
            y = y * 0.5 + v * y
    return y


@case(0.5, -0.5)
def if_array_or_number(x):
    y = np.array([x, x * x]) if x > 0 else x
    return np.sum(y) * x


@case(0.5, -0.5)
def if_int_or_float(x):
    y = x if x > 0 else 0
    return y * y + x


@case(V, -V, EMPTY)
def if_on_what_an_array_holds(x):
    if np.any(x > 1.3):
        x = x * 2.0
    if np.all(x < 1.3) and x.size > 0:
        x = np.sin(x)
    if not np.isnan(x).any():
        return np.sum(x**2)
    return np.sum(x)


@case((0.5, 2.0), (2.0, 0.5))
def if_condition_from_an_overwritten_name(x, y):
    c = x < y
    x = x * y
    y = x * x
    if c:
        return x + y
    return x * y


@case(V, MANY)
def if_counts_what_it_takes(x):
    count, total = 0, 0.0
    for v in x:
        if v > 0:
            count += 1
            total += v**2
    return total / count


@case(1.3, -1.3)
def if_both_sides_return(x):
    if x > 0:
        y = x * x
        return y
    else:
        return np.exp(x)
    return x  # is never reached


@case((0.3, 0.8), (0.8, 0.3))
def if_sorts_two(x, y):
    if x > y:
        x, y = y, x
    return x * x * y


@case((V, "square"), (V, "cube"), (V, None))
def if_on_a_string(x, how):
    for v in x:
        if how == "square":
            x = x + v**2
        elif how is not None:
            x = x + v**3
    return np.sum(x)


# expressions


@case(V, U, EMPTY)
def conditional_expressions(x):
    total = 0.0
    for v in x:
        total += v * v if v > 0 else -v if v > -1 else np.exp(v)
    return total


@case((0.0, 1.5), (0.7, 1.5), (-0.4, 0.3))
def and_or_give_values(x, y):
    x = x + 0.2
    z = (x > 0.5 and y) or x * y
    w = x and y * y
    return z * (w or 1.0) + (y or x)


@case(V, MANY, EMPTY)
def and_or_in_a_loop(x):
    y = 0.0
    for v in x:
        y = (y and y * 0.5) + ((v > 0 and v * v) or v)
    return y


@case(V, P, EMPTY)
def chained_comparisons(x):
    total, low = 0.0, 0.0
    for v in x:
        if -1.0 < v <= 1.0 != low:
            total += v * v
        if low < v < 2.0 * total + 0.7:
            total = total * v
    return total + np.sum(x)


@case((0.5, 0.7), (1.5, 0.7))
def walrus(x, y):
    if (z := x * y) > 0.5:
        z = z + (w := z * y)
        return z * w
    return z * (w := x + y) * w


@case(V, EMPTY)
def walrus_in_a_comprehension(x):
    doubled = [y for v in x if (y := v * 2.0) > 0]
    return sum(doubled) ** 2 + np.sum(x)


@case((V, 1.2), (P, 0.4))
def abs_min_max_round_of_run_time_numbers(x, a):
    total = 0.0
    for v in x:
        total += max(v, a * 0.5, -1.0) * min(v, a + 2.0) + abs(v - a) + round(v * a, 0)
    return total


@case(V)
def errstate(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(x > 0, np.log(x), 0.0)
    return np.sum(y * x)


@case((V, 3), (V, 0))
def errstate_round_a_loop_and_in_it(x, n):
    y = 1.0
    with np.errstate(all="ignore"):
        for i in range(n):
            with np.errstate(over="ignore"):
                y = y * np.exp(x[i])
            if y > 2.0:
                return y
    return y * x[0]


@case(A)
def loop_and_branch_on_shapes(x):
    total = 0.0
    for axis in range(x.ndim):
        if x.shape[axis] > 3:
            total = total + np.sum(x.sum(axis=axis) ** 2)
        else:
            total = total + np.sum(x.prod(axis=axis))
    return total
