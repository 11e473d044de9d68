"""Lists, dicts and objects that one side of a branch changes and the other replaces, or that only one names."""

import numpy as np

from tests.corpus.table import V, case

V3 = V[:3]


class Box:
    def __init__(self, value):
        self.value = value


@case((V3, 0), (V3, 1))
def entry_set_or_dict_replaced(x, k):
    d = {"a": x[0]}
    if k == 0:
        d["a"] = 0.5 * x[1]
    else:
        d = {"a": x[1] * 2.0}
    return d["a"] * x[0]


@case((V3, 0), (V3, 1))
def item_set_or_list_replaced(x, k):
    items = [x[0], x[1]]
    if k == 0:
        items[0] = 0.5 * x[2]
    else:
        items = [*items, 0.7]
        items = items[1:]
    return items[0] * x[0]


@case((V3, 0), (V3, 1))
def attribute_set_or_object_replaced(x, k):
    box = Box(x[0])
    if k == 0:
        box.value = box.value * 3.0
    else:
        box = Box(x[1] * 5.0)
    return box.value * x[1]


@case((V3, 0), (V3, 1))
def item_added_or_growing_list_replaced(x, k):
    items = [t for t in x]
    if k == 0:
        items.append(0.5 * x[0])
    else:
        items = items + [0.7]
    return items[-1] * x[0]


@case((V3, 0), (V3, 1))
def growing_list_replaced_or_item_added(x, k):
    items = [t for t in x]
    other = items
    if k == 0:
        items = items + [0.7]
    else:
        items.append(0.5 * x[0])
    return items[-1] * x[0] * len(other) * other[-1]


@case((V3, 0), (V3, 1))
def one_of_two_changed_and_named(x, k):
    d, e = {"a": x[0]}, {"a": x[1]}
    if k == 0:
        d["a"] = 0.5 * x[2]
        c = [d, 2.0]
    else:
        e["a"] = x[2] * 4.0
        c = [e, 3.0]
    return c[0]["a"] * d["a"] * e["a"] * c[1]


@case((V3, 0), (V3, 1))
def one_of_two_changed_by_a_function(x, k):
    d, e = [x[0]], [x[1]]
    c = tripled(d) if k == 0 else tripled(e)
    return c[0] * d[0] * e[0]


def tripled(items):
    items[0] = items[0] * 3.0
    return items


@case((V3, 0), (V3, 1))
def changed_and_named_on_one_side_only(x, k):
    d = {"a": x[0]}
    if k == 0:
        d["a"] = 0.5 * x[1]
        e = d
    if k == 0:
        return e["a"] * x[0]
    return d["a"]


@case((V3, 0), (V3, 1))
def named_on_one_side_only_and_changed_later(x, k):
    d = [x[0]]
    if k == 0:
        e = d
        d[0] = d[0] * 2.0
    d[0] = d[0] * 3.0
    if k == 0:
        return e[0]
    return d[0]


@case((V3, 0), (V3, 1), (V3, 3))
def replaced_in_every_trip(x, n):
    d = {"a": x[0]}
    e = d
    for _ in range(n):
        d["a"] = d["a"] * 2.0
        d = {"a": d["a"] + 1.0}
    return d["a"] * x[1] * e["a"]


@case((V3, 0), (V3, 1), (V3, 4))
def exchanged_in_every_trip(x, n):
    d, e = Box(x[0]), Box(x[1])
    for _ in range(n):
        d.value = d.value * 2.0 + e.value
        d, e = e, d
    return d.value * x[1] * e.value


@case((V3, 0), (V3, 1), (V3, 3))
def replaced_in_some_trips(x, n):
    d = [x[0], x[1]]
    e = d
    for i in range(n):
        d[0] = d[0] * 2.0
        if i > 0:
            d = [x[2], d[0]]
    return d[0] * x[1] * e[0] + np.sum(x)
