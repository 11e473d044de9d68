"""Iterators that are kept: made where they are gone through, and that once; names that := assigns."""

import itertools

import numpy as np

from tests.corpus.table import ONE, V, case, refused

# what is changed in between


@case(V)
def generator_made_before_its_array_is_written(x):
    squares = (v * 2.0 for v in x)
    x[0] = 5.0 * x[1]
    return sum(squares)


@case(V)
def generator_made_before_its_factor_is_bound_again(x):
    k = x[0]
    scaled = (v * k for v in x)
    k = 3.0
    return sum(scaled) * k


@case(V)
def generator_made_before_its_array_is_bound_again(x):
    squares = (v * v for v in x)
    x = x * 2.0
    return sum(squares) + np.sum(x)


@case(V)
def map_made_before_its_array_is_written(x):
    squares = map(lambda v: v * v, x)
    x[1] = x[0] * x[0]
    return sum(squares) + np.sum(x)


@case((V, 3), (V, 1))
def iterators_made_before_their_list_grows(x, n):
    xs = [x[0], x[1]]
    pairs = itertools.pairwise(xs)
    numbered = enumerate(xs)
    scaled = map(lambda v: v * n, xs)
    ahead = zip(xs, xs)
    xs.append(x[2])
    xs[0], n = x[4], n + 1
    return sum(a * b for a, b in ahead) + sum(i * a for i, a in numbered) + sum(scaled) * len(list(pairs))


@case((V, 3), (V, 0))
def generator_made_in_each_trip(x, n):
    s = 0.0
    for i in range(n):
        scaled = (v * i for v in x)
        x[i] = 2.0
        s += sum(scaled)
    return s + np.sum(x)


@refused(V, says="the array that this iterator goes through was written to", at="next(items)")
def iterator_of_an_array_that_is_written(x):
    items = iter(x)
    a = next(items)
    x[1] = x[0] * x[0]
    return a * next(items)


@refused(
    V,
    says="this loop changes what the items that it goes through are made of",
    at="for v in (a * 2.0 for a in x):",
)
def loop_that_writes_what_its_generator_reads(x):
    s = 0.0
    for v in (a * 2.0 for a in x):
        s += v
        x *= 1.1
    return s


@refused(
    V,
    says="this loop changes what the items that it goes through are made of",
    at="for v in map(lambda a: a * 2.0, [x[0:1], x[1:2]]):",
)
def loop_that_writes_what_its_map_reads(x):
    s = 0.0
    for v in map(lambda a: a * 2.0, [x[0:1], x[1:2]]):
        s += v[0]
        x *= 1.1
    return s


@refused(V, says="this loop changes what the items that it goes through are made of", at="for v in scaled:")
def loop_that_binds_again_what_its_generator_reads(x):
    s, k = 0.0, 1.0
    scaled = (a * k for a in [x[0], x[1], x[2]])
    for v in scaled:
        s += v
        k *= 2.0
    return s


@case(V)
def loop_that_leaves_alone_what_its_generator_reads(x):
    s, y, k = 0.0, np.zeros(5), 2.0
    for i, v in enumerate(a * k for a in x):
        s += v
        y[i] = s * v
    for v in map(np.sin, [x[0], x[1]]):
        y *= v
    return np.sum(y)


# gone through once


@case((V, 2), (V, 0), (V, -1))
def pairs_gone_through_after_a_return(x, n):
    pairs = zip(x, x[::-1])
    if n == 0:
        return x[0]
    s = 0.0
    for a, b in pairs:
        s += a * b
    return s


@refused(V, says="squares is an iterator, which can be gone through once: make it a list", at="squares")
def generator_gone_through_twice(x):
    squares = (v * v for v in (x[0], x[1]))
    return sum(squares) + sum(squares)


@refused(V, says="pairs is an iterator, which can be gone through once: make it a list", at="pairs")
def pairs_gone_through_twice(x):
    pairs = zip(x, x)
    return sum(a * b for a, b in pairs) + sum(a * b for a, b in pairs)


@refused((V, 2), says="squares is an iterator, which can be gone through once: make it a list", at="squares")
@case((V, 0), (V, 1))
def generator_gone_through_in_each_trip(x, n):
    squares, s = (v * v for v in x), 0.0
    for _ in range(n):
        s += sum(squares)
    return s + np.sum(x)


@refused(
    (V, 2),
    (V, 0),
    (V, 1),
    says="going through an iterator is not supported where only the run decides whether, or how often, that happens",
    at="sum(items)",
)
def iterator_gone_through_in_each_trip(x, n):
    items, s = iter([x[0], x[1]]), 0.0
    for _ in range(n):
        s = s * x[2] + sum(items)
    return s


@refused(
    V,
    -V,
    says="going through an iterator is not supported where only the run decides whether, or how often, that happens",
    at="sum(items)",
)
def iterator_gone_through_on_one_side(x):
    items, s = iter([x[0], x[1], x[2]]), 0.0
    if x[0] > 0:
        s = sum(items)
    return s + sum(items)


@case(V)
def iterator_left_and_taken_up_again(x):
    items, s = iter([x[0], x[1], x[2], x[3]]), 0.0
    for a in items:
        s += a * next(items)
        break
    for a in items:
        s = s * a
    else:
        s += x[4]
    return s


@case(V)
def endless_iterator_left(x):
    s = 0.0
    for i in itertools.count():
        if i > 3:
            break
        s += x[i] * i
    else:
        s = 5.0
    return s


@case((V, 3), (V, 0))
def endless_iterator_made_in_each_trip(x, n):
    s = 0.0
    for k in range(n):
        for a, i in zip([x[0], x[1]], itertools.count(1)):
            s += a * i * x[k]
    return s


# := in a comprehension


@case((V, 3), (V, 0))
def total_of_a_comprehension(x, n):
    total = 0.0
    totals = [total := total * 0.5 + v for v in x]
    return sum(totals)


@refused(V, says="last is assigned by := in a comprehension", at="last")
def last_of_a_comprehension(x):
    last = x[4]
    doubled = [last := v * 2.0 for v in [x[0], x[1]]]
    return sum(doubled) * last


@case(V, -V)
def filter_of_a_comprehension(x):
    return sum([y * y for v in x if (y := v * 2.0) > 0])


@refused(V, says="an iterator in a container, or given to a caller, is not supported", at="g")
def generator_in_a_list(x):
    g = (v * 2.0 for v in x)
    d = [g]
    return sum(d[0]) + sum(d[0])


@refused(V, says="an iterator in a container, or given to a caller, is not supported", at="zip(x, x * x)")
def zip_in_a_dict(x):
    d = {"pairs": zip(x, x * x)}
    return sum(a * b for a, b in d["pairs"]) + sum(a for a, _ in d["pairs"])


@refused(
    V, says="an iterator in a container, or given to a caller, is not supported", at="(v * v for v in x)"
)
def generator_from_a_function(x):
    g = squares(x)
    return sum(g) + sum(g)


def squares(x):
    return (v * v for v in x)


@case(V, ONE)
def first_that_a_generator_gives(x):
    return next(v * v for v in x) + next((v for v in x[:0]), 0.5) * x[0]


@refused(
    (V, 8),
    (ONE, 2),
    says="a list that changes while a loop goes through it is not supported",
    at="items.append(0.5)",
)
def list_that_its_own_loop_makes_longer(x, n):
    items = [t for t in x]
    for _ in items:
        if len(items) < n:
            items.append(0.5)
    return sum(items)


@refused((V,), says="a list that changes while a loop goes through it is not supported", at="for _ in items:")
def list_of_known_length_that_its_loop_makes_longer(x):
    items = [0.5, x[0]]
    for _ in items:
        if len(items) < 5:
            items.append(x[1])
    return sum(items)


@refused((V,), says="a list that changes while a loop goes through it is not supported", at="for v in items:")
def item_changed_before_its_trip(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v in items:
        items[2] = v * 2.0
        total = total + v
    return total


@case((V,))
def item_changed_after_its_trip(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v in items:
        items[0] = v * 2.0
        total = total + v * items[0]
    return total


@refused(
    (V,),
    says="a list that changes while a loop goes through it is not supported",
    at="for i, v in enumerate(items):",
)
def item_ahead_changed_in_enumerate(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for i, v in enumerate(items):
        if i + 1 < len(items):
            items[i + 1] = v * 2.0
        total = total + v
    return total


@refused(
    (V,),
    says="a list that changes while a loop goes through it is not supported",
    at="for v, w in zip(reversed(items), x):",
)
def item_ahead_changed_in_zip_or_reversed(x):
    items, total = [x[0], x[1], x[2]], 0.0
    for v, w in zip(reversed(items), x):
        items[0] = v * 2.0
        total = total + v * w
    return total


@refused(
    (V,),
    says="a list that changes while a loop goes through it is not supported",
    at="for _, v in entries.items():",
)
def entry_ahead_changed_in_items(x):
    entries, total = {"a": x[0], "b": x[1]}, 0.0
    for _, v in entries.items():
        entries["b"] = v * 3.0
        total = total + v
    return total


@case((V,))
def items_changed_in_their_own_trips(x):
    items, entries, total = [x[0], x[1], x[2]], {"a": x[0], "b": x[1]}, 0.0
    for i, v in enumerate(items):
        items[i] = v * 2.0
    for k in entries:
        entries["b"] = entries[k] * 3.0
    for i, v in reversed(list(enumerate(items))):
        items[0] = v * items[i]
        total = total + v * entries["b"]
    return total + sum(items)


# the first item, and those that a test lets through


@case(V)
def first_items(x):
    a = next(map(np.sin, x)) * next(v * v for v in x) * next(iter(x))
    b, c = next(zip(x, x[::-1]))
    i, d = next(enumerate(x, start=3))
    e = (
        next(reversed(x))
        * next(itertools.chain([x[1]], x))
        * next(map(lambda v, k: v * k, x, itertools.count(2)))
    )
    return a + b * c * d * i + e * next(map(np.cos, []), x[2]) * next(filter(None, [0.0, 2.0]))


@case(V, ONE)
def first_items_in_forms(x):
    total = 0.0
    for i in range(3):
        total = total + next(map(lambda v: v * i, x))
        if total > -10.0:
            total = total * next(v * v for v in (x[0], 2.0) if i < 5)
    return total + next(map(_scaled, x), 0.0) ** 2


def _scaled(v):
    return 3.0 * v


@case(V, np.zeros(0), np.abs(V))
def filtered_by_what_only_the_run_knows(x):
    above = list(filter(lambda v: v > 0.0, x))
    total = sum(map(lambda v: v * v, filter(lambda v: v < 1.0, x))) + len(above)
    for v in filter(None, x * (x > 0.5)):
        total = total + v * len(above)
    return total + sum(v * k for v in above for k in filter(lambda k: k % 2, range(4)))


# a list is gone through by its places, which do not begin at zero


@case((V, [2, 0, 1, 1]), (-V, [1, 1, 2, 0]))
def places_of_a_list_from_the_second_on(w, y):
    s = w[y[0]]
    for k in range(1, len(y)):
        s = s * w[y[k]] + w[y[k - 1]]
    return s


@case((V, [2, 0, 1, 1]))
def every_second_place_of_a_list_backwards(w, y):
    s = 0.0
    for k in range(len(y) - 1, -1, -2):
        s = np.sin(s) + w[y[k]]
    return s


@case((V, [[2, 0, 1], [1], [0, 2]]), (-V, [[0, 0], [2, 1], [1, 2]]))
def places_of_lists_of_many_lengths(w, lists):
    total = 0.0
    for y in lists:
        s = w[y[0]]
        for k in range(1, len(y)):
            if y[k] == 0:
                continue
            s = np.tanh(s) + w[y[k]]
        total += s * s
    return total
