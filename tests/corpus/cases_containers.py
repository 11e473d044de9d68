"""Tuples, lists, dicts, named tuples, dataclasses and objects: arguments, locals, results; comprehensions."""

import dataclasses
from collections import namedtuple
from types import SimpleNamespace

import numpy as np

from tests.corpus.table import EMPTY, MANY, NO_ROWS, ONE, ROW, A, P, S, U, V, case, refused

Layer = namedtuple("Layer", "w b")


@dataclasses.dataclass
class Body:
    position: np.ndarray
    speed: np.ndarray
    mass: float = 1.0

    def energy(self):
        return 0.5 * self.mass * np.sum(self.speed**2)


@dataclasses.dataclass(frozen=True)
class Spring:
    k: float
    length: float = 1.0


class Model:
    """A plain object: weights in attributes."""

    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def __call__(self, x):
        return np.tanh(x * self.weights + self.bias)


# as arguments


@case(((0.5, (V, [1.5, -0.5])), 2.0))
def argument_of_tuples_and_lists(p, scale):
    a, (x, (b, c)) = p
    return a * np.sum(x**2) * b + c * scale


@case({"w": S, "b": U[:3], "more": {"scale": 0.7, "name": "linear", "none": None}})
def argument_of_dicts(p):
    y = np.tanh(p["w"] @ p["b"]) * p["more"]["scale"]
    return np.sum(y) if p["more"]["name"] == "linear" else 0.0


@case(([Layer(A, U[:3]), Layer(A[:, :3].T.copy(), U[:3])], V[:4]))
def argument_of_named_tuples(layers, x):
    x = np.tanh(layers[0].w @ x + layers[0].b)
    for layer in layers[1:]:
        x = np.tanh(x @ layer.w[:3] + layer.b)
    return np.sum(x)


@case(([(S, U[:3]), (S.T * 0.5, V[:3]), (ROW[:, :3], ONE)], V[:3]), ([(S, U[:3])], V[:3]), ([], V[:3]))
def argument_of_layers_of_several_shapes(layers, x):
    for w, b in layers:
        x = np.tanh(w @ x + b)
    return np.sum(x**2)


@case((Body(V, U, 1.5), 3), (Body(ONE, ONE * 2.0), 0))
def argument_dataclass(body, n):
    x, v = body.position, body.speed
    for _ in range(n):
        v = v - 0.1 * np.sin(x) / body.mass
        x = x + 0.1 * v
    return np.sum(x**2) + body.energy()


@case((Spring(2.0, 0.5), 0.3), (Spring(1.5), 0.3))
def argument_frozen_dataclass(spring, x):
    stiff = dataclasses.replace(spring, k=spring.k * 2.0)
    return 0.5 * stiff.k * (x - stiff.length) ** 2 + spring.k


@case((Model(V, 0.3), U), (Model(ONE, -0.2), U))
def argument_object(model, x):
    y = model(x)
    return np.sum(model(y) * model.weights) + model.bias


@case(([V, U, 0.5],))
def argument_list_changed(xs):
    xs[0] = xs[0] * xs[2]
    xs[1][0] = 3.0
    xs.append(xs[0] + xs[1])
    return np.sum(xs[-1] ** 2)


@case({"w": V, "b": U, "n": 2})
def argument_dict_changed(p):
    p["w"] *= p["b"]
    p["b"] = p["w"] ** p["n"]
    p["c"] = p["b"] + p["w"]
    return np.sum(p["c"] * p["b"])


@case({"used": V, "unused": (U, [0.5, S]), "text": "t"})
def argument_of_which_a_part_is_used(p):
    return np.sum(p["used"] ** 2)


@case((Model(V, 0.3), U))
def argument_object_changed(model, x):
    model.bias = model.bias * 2.0
    model.weights[0] = 1.0
    return np.sum(model(x))


# locals and results


def split(x):
    return {"low": x[:2], "high": (x[2:], x[-1])}, [x.sum()]


@case(V)
def containers_returned_by_a_helper(x):
    parts, (total,) = split(x)
    high, last = parts["high"]
    return np.sum(parts["low"]) * np.sum(high**2) * last + total


def bodies_at(x, v):
    return Body(x, v), Layer(w=x[0], b={"mass": v[1] ** 2})


@case((V, U))
def objects_returned_by_a_helper(x, v):
    body, layer = bodies_at(x * v, v)
    body.mass = layer.b["mass"]
    return body.energy() * layer.w + np.sum(body.position)


@case((V, 0.5))
def named_tuple_made_and_replaced(x, b):
    layer = Layer(x, b=b)
    layer = layer._replace(b=layer.b * 2.0)
    w, c = Layer._make(part * 3.0 for part in layer)
    return np.sum(w * c) * layer[1] + getattr(layer, "b")


@case((V, U, 0), (V, U, 4))
def dataclass_made_and_changed_in_a_loop(x, v, n):
    body = Body(x * 1.0, v * 1.0, mass=2.0)
    for _ in range(n):
        body.speed = body.speed - 0.1 * body.position
        body.position += 0.1 * body.speed
        body.mass *= 1.1
    return np.sum(body.position**2) + body.energy()


class Counter:
    def __init__(self):
        self.total = 0.0
        self.calls = 0

    def add(self, v):
        self.total += v * v
        self.calls += 1
        return self


@case(V, ONE, EMPTY)
def object_that_counts(x):
    counter = Counter()
    for v in x:
        counter.add(v).add(v * 0.5)
    return counter.total * counter.calls


@case((V, 0.3))
def object_made_of_active_values(x, b):
    model = Model(np.sin(x), b)
    model.extra = SimpleNamespace(scale=b * b)
    return np.sum(model(x)) * model.extra.scale


@case((0.5, 1.5))
def starred_unpacking(x, y):
    first, *middle, last = (x, y, x * y, y * y)
    (a, *rest), b = [middle, first]
    merged = [*middle, last, *rest]
    return sum(merged) * a + b * len(rest)


@case((0.5, 1.5))
def dict_displays_and_updates(x, y):
    p = {"a": x, **{"b": y}}
    p |= {"c": x * y}
    p.update(a=p["b"], d=2.0)
    total = p.pop("d") + p.get("a", 1.0) * p.get("z", 3.0) + p.setdefault("e", x)
    return total * p["c"] if "c" in p and "d" not in p else 0.0


@case((0.5, 1.5))
def list_methods(x, y):
    xs = [x]
    xs.append(y)
    xs.extend([x * y, 2.0])
    xs += (x + y,)
    xs.insert(0, y * y)
    xs.reverse()
    last, xs[1] = xs.pop(), xs[0] * 3.0
    del xs[2]
    return last * xs[0] + sum(xs[::2]) * len(xs) + (xs * 2)[-1] + xs[-1] ** 2


@case((0.5, 1.5))
def tuples_are_added_and_compared(x, y):
    p = (x,) + (y, x * y)
    q = p[:2] * 2
    return sum(p) * q[-1] if len(q) == 4 and p != () else 0.0


@case((A, 0.5))
def list_as_a_stack(x, a):
    stack, total = [x], 0.0
    while stack:
        part = stack.pop()
        if part.ndim > 1:
            stack.append(part[0])
            stack.append(part[1] * a)
        else:
            total = total + np.sum(part**3)
    return total


# growing lists


@case((0.5, V, 0), (0.5, V, 1), (0.5, V, 5))
def growing_list_stacked(a, x, n):
    hs = [x]
    for t in range(n):
        hs.append(np.tanh(hs[-1] * a + t))
    return np.sum(np.stack(hs) ** 2) + np.sum(hs[-1])


@case(V)
def growing_list_of_a_static_loop(x):
    hs = []
    for i in range(4):
        hs.append(x[i] * x[i + 1])
    return sum(hs) * hs[0] + hs[-1] ** 2 + len(hs)


@case(V, ONE, MANY)
def growing_list_of_numbers(x):
    ys = []
    for v in x:
        if v > 0:
            ys.append(v * v)
    return np.sum(np.array(ys) ** 2) + sum(ys) * len(ys) + max(ys)


@case((V, 2), (V, 5))
def growing_list_read_by_index(x, n):
    ys = [1.0, 2.0]
    for i in range(n):
        ys.append(ys[i] * x[i] + ys[i + 1] * ys[-1] * 0.3)
    return ys[n] * ys[1] + ys[-2]


@case((V, 3), (V, 1))
def growing_list_read_backwards(x, n):
    hs, total = [], 0.0
    for i in range(n):
        hs.append(x * (i + 1.0))
    for h in reversed(hs):
        total = total * 0.5 + np.sum(np.sin(h))
    for i, h in enumerate(hs):
        total = total + h[i] ** 2
    while hs:
        total = total * 0.9 + np.sum(hs.pop())
    return total


@case((A, 0.5), (ROW, 0.5), (NO_ROWS, 0.5))
def growing_lists_of_pairs(x, a):
    pairs, total = [], a
    for row in x:
        pairs.append((row[0] * a, {"sum": np.sum(row)}))
    for first, rest in pairs:
        total = total + first * rest["sum"]
    return total * (len(pairs) + 1)


@case((A, 3), (A, 1))
def growing_list_of_lists(x, n):
    table = []
    for i in range(n):
        line = []
        for j in range(i + 1):
            line.append(x[i, j] * (table[-1][0] if table else 1.0))
        table.append(line)
    return sum(sum(line) for line in table) * table[n - 1][0]


@case((V, 3), (V, 0))
def growing_list_concatenated(x, n):
    parts = [x[:1]]
    for i in range(n):
        parts = parts + [x[i:] * (i + 1)]
    return np.sum(np.concatenate(parts) ** 2)


@case((V, U, 4))
def list_of_arrays_rewritten_in_a_loop(x, y, n):
    xs = [x, y, x * y]
    for t in range(n):
        for i in range(3):
            xs[i] = 0.5 * xs[i] + 0.1 * np.sin(xs[i - 1])
        xs[t % 3] = xs[t % 3] * 1.5
    return np.sum(xs[0] * xs[1]) + np.sum(xs[2])


@case((0.7, 4), (0.7, 0))
def list_of_zeros_filled(x, n):
    ys = [0.0] * (n + 1)
    ys[0] = x
    for i in range(n):
        ys[i + 1] = ys[i] * x + i
    return sum(ys) + ys[-1] ** 2


@case((V, 3), (V, 0))
def dict_of_lists_grows(x, n):
    log = {"low": [], "high": []}
    for i in range(n):
        log["low" if x[i] < 0 else "high"].append(x[i] ** 2)
    return sum(log["low"]) * 2.0 + sum(log["high"]) + np.sum(x)


# comprehensions


@case(V, ONE, EMPTY)
def list_comprehension_over_an_array(x):
    squares = [v * v for v in x]
    return sum(squares) * 2.0 + np.sum(np.array([v * i for i, v in enumerate(x)]))


@case((A, S), (ROW, S))
def list_comprehension_stacked(x, w):
    y = np.stack([np.tanh(w @ row[:3]) for row in x])
    return np.sum(y[:, ::-1] * y)


@case(V, -P, EMPTY)
def list_comprehension_with_a_condition(x):
    positive = [v for v in x if v > 0 and v < 1.2]
    return sum(v**2 for v in positive) * len(positive) + np.sum(x)


@case(A, ROW)
def list_comprehension_nested(x):
    rows = [[v * v * (i + 1) for v in row] for i, row in enumerate(x)]
    flat = [v for row in rows for v in row if v > 0.1]
    return sum(flat) + rows[0][1]


@case((V, 4), (V, 0))
def generator_expressions(x, n):
    total = sum(x[i] * x[i + 1] for i in range(n))
    largest = max((v * v for v in x), default=0.0)
    return total * largest if any(v < -1.0 for v in x) and all(v < 9.0 for v in x) else total


@case({"a": V, "b": U})
def dict_comprehension(p):
    q = {key + "2": v * 2.0 for key, v in p.items() if key != "c"}
    r = {i: v for i, v in enumerate(q.values())}
    return np.sum(q["a2"] * r[1])


@case(([(0.5, 2.0), (1.5, -1.0), (0.3, 0.2)],))
def zip_of_starred_pairs(pairs):
    xs, ys = zip(*pairs)
    return sum(a * b for a, b in zip(xs, ys[::-1])) * np.sum(np.array(xs))


@case(V, EMPTY, P)
def map_and_filter(x):
    doubled = list(map(lambda v: v * 2.0, x))
    total = sum(map(lambda v, w: v * w, x, doubled))
    return total + sum(filter(lambda v: v > 0, x))


@case((0.5, V))
def sums_of_containers(a, x):
    parts = [x, x * a, x**2]
    total = sum(parts, start=np.ones(5))
    return np.sum(total * sum((p * i for i, p in enumerate(parts)), 0.0)) + np.sum([a, a * a, 2.0])


@case([0.31, -0.72, 1.24], [0.31], [1.24, -0.31, 0.72, -2.1])
def sorted_by_a_key(xs):
    first, *rest = sorted(xs, key=lambda v: np.sin(v))
    down = sorted(xs, key=abs, reverse=True)
    return first**2 * down[0] + sum(rest) * down[-1]


@case([(0.31, -0.72), (1.24, 0.93), (0.11, 0.23)])
def sorted_pairs(pairs):
    near = sorted(pairs, key=lambda p: p[0] * p[1])
    swapped = sorted((b, a) for a, b in pairs)
    pairs.sort(key=lambda p: -p[1])
    return near[0][0] * swapped[2][1] + near[2][1] * swapped[0][0] + pairs[1][0] ** 2


@case(([V, U, V * U],))
def sorted_arrays(xs):
    xs = sorted(xs, key=lambda v: np.sum(v**2))
    return np.sum(xs[0] * xs[1]) + np.sum(xs[2] ** 2)


@case((V, 0.4), (-V, 0.4))
def sorted_keeps_what_is_equal_in_order(v, x):
    pairs = [(v[0], x), (v[2], x**2), (v[1], x**3), (v[4], x**4)]
    up = sorted(pairs, key=lambda p: np.floor(p[0]))
    down = sorted(pairs, key=lambda p: np.floor(p[0]), reverse=True)
    return sum(i * a * b for i, (a, b) in enumerate(up)) + sum(i * a * b for i, (a, b) in enumerate(down))


@case(([Spring(0.4, 1.2), Spring(1.4, 0.3), Spring(0.2, 0.8)], 0.5))
def largest_and_smallest_by_a_key(springs, x):
    stiff = max(springs, key=lambda s: s.k * s.length)
    short = min(springs, key=lambda s: (s.length - x) ** 2)
    return stiff.k * x**2 + short.length * max((s.k, s.length) for s in springs)[1]


@case((0.5, V))
def sets_of_known_things(x, v):
    seen, total = {0}, 0.0
    for i in (0, 1, 3, 1):
        if i not in seen | {2}:
            seen.add(i)
            total = total + x * v[i]
    return total * len({k % 2 for k in seen}) + len(seen & {1, 2}) * x


class Link:
    """A list as a chain of objects."""

    def __init__(self, value, after=None):
        self.value, self.after = value, after


@case((Link(0.3, Link(0.4, Link(0.7))), 2.0), (Link(0.3), 2.0))
def chain_of_objects(link, x):
    total, k = 0.0, 1
    while link is not None:
        total, k = total * x + k * link.value**2, k + 1
        link = link.after
    return total


@case((Link(0.3, Link(0.4, Link(0.7))),))
def chain_of_objects_reversed(link):
    done = None
    while link:
        link.after, done, link = done, link, link.after
    return done.value * 3.0 + done.after.value * done.after.after.value


@case(({"a": [V, 0.3, (U, {"z": 1.2})], "b": (0.1, V[:2])},))
def tree_with_a_stack(tree):
    total, stack = 0.0, [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, (list, tuple)):
            stack += node
        else:
            total = total + np.sum(np.sin(node))
    return total


@refused(
    (V, 3),
    (V, -1),
    says="whether two objects are the same one is known only at run time",
    at="chosen is first",
)
def list_that_may_be_another(x, n):
    first = [x, x * 2.0]
    chosen = first if n > 0 else [x * 3.0, x]
    return np.sum(chosen[0] * chosen[1]) * (2.0 if chosen is first else 1.0)
