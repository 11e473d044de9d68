"""`for`: over ranges, rows, enumerate, zip, reversed, dicts, lists; what loops carry."""

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case

# ranges


@case((1.5, 0), (1.5, 1), (0.7, 40))
def for_range(x, n):
    total = 0.0
    for i in range(n):
        total = total + x * x * i
    return total + x


@case((1.2, 0), (1.2, 1), (1.01, 30))
def for_range_not_named(x, n):
    y = x
    for _ in range(n):
        y = y * x
    return y


@case((V, 0, 5, 2), (V, 4, -1, -1), (V, 3, 3, 1), (V, 4, 0, -3), (V, 0, 5, -1), (V, -5, -1, 2))
def for_range_of_any_sign_and_step(x, start, stop, step):
    total = 0.0
    for i in range(start, stop, step):
        total = total * 0.5 + x[i] ** 2 * (i + 1)
    return total


@case(V, ONE, EMPTY, MANY)
def for_range_backwards(x):
    y = 1.0
    for i in range(len(x) - 1, -1, -1):
        y = y * 0.5 + np.sin(x[i] + y)
    return y


@case(A, ROW, NO_ROWS)
def for_range_of_a_shape(x):
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += x[i, j] ** 2 * (i - j)
    return total


@case((1.2, 1), (1.2, 4))
def for_variable_used_after_the_loop(x, n):
    y = x
    for i in range(n):
        y = y * x
    return y * (i + 2.0)


@case((1.2, 0), (1.2, 4))
def for_variable_with_a_value_before(x, n):
    i = -3
    for i in range(n):
        pass
    return x**2 * i


@case((1.2, 0), (1.2, 1), (1.2, 5))
def for_variable_reassigned(x, n):
    total = x
    for i in range(n):
        i = i * 2 + 1
        total = total + x**i
    return total


@case((1.2, 1), (0.8, 4))
def for_variable_becomes_active(x, n):
    total = 0.0
    for i in range(n):
        i = i * x + x
        total = total + i * i
    return total * i


@case((1.2, 0), (1.2, 5))
def for_bound_reassigned(x, n):
    y = x
    for i in range(n):
        n = n - 1  # the range was made before
        y = y + x * n * i
    return y * n


@case((1.15,), (0.1,), (3.3,))
def for_bound_from_an_active_value(x):
    y = 1.0
    for i in range(int(x * 3.0)):
        y = y * x + i
    return y


@case(V, ONE, EMPTY)
def for_half_of_the_elements(x):
    total = np.sum(x)
    for i in range(len(x) // 2):
        total = total + x[i] * x[-1 - i]
    return total


@case((V, 0), (V, 1), (V, 5))
def for_triangle(x, n):
    total = 0.0
    for i in range(n):
        for j in range(i):
            total += x[i] * np.sin(x[j])
    return total


@case((V, 1), (V, 5))
def for_inner_range_with_every_bound_of_the_outer(x, n):
    total = 1.0
    for i in range(n):
        for j in range(n - 1, i - 1, -(i + 1)):
            total = total * 0.9 + x[i] * x[j] ** 2
    return total


@case((S, S.T.copy() + 0.3), (S[:1], U[:3].reshape(3, 1)), (S[:, :1], ROW))
def for_three_deep(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(b.shape[1]):
            dot = 0.0
            for k in range(a.shape[1]):
                dot += a[i, k] * b[k, j]
            total += np.tanh(dot)
    return total


@case((0.9, 1.1, 0), (0.9, 1.1, 1), (0.9, 1.1, 8))
def for_two_carried_values(a, b, n):
    for _ in range(n):
        a, b = b, a * 0.5 + b * b * 0.1
    return a * b


@case((V, 0), (V, 5))
def for_last_value_survives(x, n):
    y = 2.0
    for i in range(n):
        y = np.exp(x[i])
    return y * y


@case((1.3, 0), (1.3, 3))
def for_carried_value_that_nothing_needs(x, n):
    y = waste = x
    for _ in range(n):
        waste = waste * y + 1.0
        y = y * 0.5
    return y * y


@case((0.4, 1.2, 0), (0.4, 1.2, 6))
def for_loop_invariants(x, y, n):
    total = x
    for _ in range(n):
        factor = np.exp(x) * y
        total = total * 0.5 + factor
    return total


@case((0.6, 0), (0.6, 200))
def for_many_trips(x, n):
    y = 1.0
    for _ in range(n):
        y = np.cos(x * y)
    return y


@case((V, 2, 3), (V, 0, 3), (V, 3, 0))
def for_loops_in_sequence(x, n, m):
    y = x[0]
    for i in range(n):
        y = y * x[i + 1]
    for i in range(m):
        y = y + np.sin(y) * x[i]
    return y * i


@case((0.6, 0), (0.6, 1), (0.6, 7))
def for_parity(x, n):
    y = x
    for i in range(n):
        if i % 2 == 0:
            y = y * (1.0 + x)
        else:
            y = y - x / (i // 2 + 1)
    return y


@case((V, (0.5, 2.0, -1.0)), (V, [0.5]))
def for_static_range_of_a_tuple(x, coefficients):
    y = x
    for i in range(len(coefficients)):
        y = np.tanh(y * coefficients[i])
    return np.sum(y)


# over arrays and lists


@case(V, ONE, EMPTY, MANY)
def for_elements(x):
    y = 1.0
    for v in x:
        y = y * 0.7 + v * v
    return y


@case(A, ROW, NO_ROWS)
def for_rows(x):
    total = 1.0
    for row in x:
        total = total + np.sum(np.tanh(row)) * row[0]
    return total


@case(A, ROW)
def for_columns_of_a_transposed(x):
    total = 1.0
    for column in x.T:
        total = total * 0.5 + column @ column
    return total


@case(np.stack([A[:, :2], -A[:, 2:]]), np.zeros((0, 2, 2)), np.full((1, 1, 1), 0.4))
def for_planes_rows_and_elements(x):
    total = 0.0
    for plane in x:
        for row in plane:
            product = 1.0
            for v in row:
                product = product * v
            total += product * np.sum(plane)
    return total


@case(V, ONE, EMPTY)
def for_slices_and_reversals(x):
    y = 1.0
    for v in x[::-1]:
        y = y * 0.5 + v
    for v in x[1:]:
        y = y * v + 1.0
    for v in reversed(x):
        y = np.sin(y + v)
    return y


@case(V, EMPTY)
def for_iterable_rebound_in_the_body(x):
    y = 0.0
    for v in x:
        x = x * 0.5  # the loop goes on over the old array
        y = y + v * np.sum(x)
    return y


@case((V, np.array([1, 3, 3, 0])), (V, np.array([], dtype=int)))
def for_elements_of_an_index_array(x, where):
    y = 1.0
    for i in where:
        y = y * 0.5 + x[i] ** 2
    return y


@case((0.7, 3), (0.7, 0))
def for_points_of_a_grid(x, n):
    total = x
    for t in np.linspace(0.0, 1.0, n):
        total = total + np.sin(x * t)
    for k in np.arange(n):
        total = total * 0.5 + x * k
    return total


@case((0.7, 1.3))
def for_list_and_tuple_of_active_values(x, y):
    total = 1.0
    for v in [x, y, x * y]:
        total = total * v + 1.0
    for v in (y, 2.0, x):
        total = total + v * total
    return total


@case(V)
def for_list_of_indices(x):
    y = 1.0
    for i in [3, 0, 0, 2]:
        y = y * 0.5 + x[i] * y
    return y


@case(0.4)
def for_functions(x):
    y = x
    for f in (np.sin, np.exp, lambda t: t * x):
        y = f(y)
    return y


@case({"a": 1.5, "b": -0.5})
def for_characters(p):
    y = 1.0
    for key in "aba":
        y = y * p[key] + 1.0
    return y


@case((V, U), (ONE, V), (EMPTY, V))
def for_zip_ends_with_the_shortest(x, y):
    total = 1.0
    for a, b, k in zip(x, y, range(4)):
        total = total * 0.5 + a * b * k
    return total


@case(V, ONE, EMPTY)
def for_enumerate(x):
    total = 0.0
    for i, v in enumerate(x):
        total += v**2 / (i + 1)
    for i, v in enumerate(x[1:], start=2):
        total += v * i * total
    return total


@case((A, V[:3]), (ROW, ONE), (NO_ROWS, EMPTY))
def for_enumerate_zip(rows, weights):
    total = 0.0
    for i, (row, w) in enumerate(zip(rows, weights)):
        total += w * np.sum(row**2) * (i + 1)
    return total


@case(V, ONE, EMPTY)
def for_neighbours(x):
    total = 0.0
    for a, b in zip(x[:-1], x[1:]):  # noqa: RUF007
        total += (b - a) ** 2 * a
    return total


@case((0.8, 0), (0.8, 5))
def for_reversed_range_and_list(x, n):
    y = x
    for i in reversed(range(n)):
        y = y * x + i
    for v in reversed([x, y, 2.0]):
        y = y * 0.5 + v
    return y


@case({"w": V, "b": 0.5, "c": np.float64(1.5)})
def for_items_keys_values(p):
    total = 0.0
    for name, v in p.items():
        total = total + np.sum(v * v) * len(name)
    for name in p:
        total = total * np.sum(np.cos(p[name]))
    for name in p.keys():
        total = total + np.sum(p[name])
    for v in p.values():
        total = total * 0.5 + np.sum(v)
    return total


@case({"first": {"w": V, "b": U}, "second": {"w": ONE, "b": P}})
def for_items_of_items(layers):
    total = 1.0
    for name, layer in layers.items():
        for v in layer.values():
            total = total * 0.5 + np.sum(v**2)
    return total


@case(([(0.5, (1.0, 2.0)), (1.5, (-1.0, 0.5))],))
def for_patterns(pairs):
    total = 0.0
    for a, (b, *rest) in pairs:
        total += a * b + sum(rest) ** 2
    return total


# what a loop carries


@case(A, ROW, NO_ROWS)
def carried_scalar_becomes_an_array(x):
    acc = 0
    for row in x:
        acc = acc + np.tanh(row)
    return np.sum(acc * acc)


@case(V, ONE, EMPTY)
def carried_int_becomes_a_float(x):
    s = 1
    for v in x:
        s = s * v
    return s * 2.0 + np.sum(x)


@case(V, ONE, EMPTY)
def carried_none_becomes_a_number(x):
    previous, total = None, 0.0
    for v in x:
        if previous is not None:
            total += (v - previous) ** 2 * previous
        previous = v
    return total


@case((0.5, V[:4], A, 0), (0.5, V[:4], A, 1), (0.5, V[:4], A, 4))
def carried_state_of_a_network(scale, h, x, n):
    for t in range(n):
        h = np.tanh(scale * h + x[t % 3] * h[::-1])
    return np.sum(h**2)


@case((V, 0), (V, 1), (V, 4))
def carried_array_that_shrinks(x, n):
    for _ in range(n):
        x = 0.4 * x[:-1] + 0.6 * x[1:] * x[:-1]
    return np.sum(x)


@case((V[:2], 0), (V[:2], 3))
def carried_array_that_grows(x, n):
    for i in range(n):
        x = np.concatenate([x, x[-2:] * 0.5 + i])
    return np.sum(np.sin(x))


@case(MANY, V, ONE, EMPTY)
def carried_maximum(x):
    best = -10.0
    for v in x:
        best = max(best, v)
    lowest = 10.0
    for v in x:
        if v < lowest:
            lowest = v
    return best * lowest


@case((0.8, 0), (0.8, 5))
def carried_sign_and_flag(x, n):
    sign, seen, total = 1, False, x
    for i in range(n):
        total = total + sign * x**i
        sign = -sign
        if total > 1.0:
            seen = True
    return total * 2.0 if seen else total


@case((0.8, 1.2, 0), (0.8, 1.2, 4))
def carried_tuple_and_dict(x, y, n):
    pair, state = (x, y), {"p": x, "v": y}
    for _ in range(n):
        pair = (pair[1], pair[0] * pair[1])
        state = {"p": state["p"] + 0.1 * state["v"], "v": state["v"] - 0.1 * state["p"] ** 2}
    return pair[0] + pair[1] * state["p"] * state["v"]


@case((V, 3), (EMPTY, 2), (V, 0))
def carried_array_of_run_time_length(x, n):
    y = np.zeros(len(x))
    for i in range(n):
        y = y * 0.5 + np.sin(x * (i + 1) + y)
    return np.sum(y * x)
