"""Lists, dicts, sets and queues that a function builds and changes."""

from __future__ import annotations

import collections
import copy
import itertools
from collections import OrderedDict, defaultdict, deque

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.language.checking import check
from tests.support.program import make

V = np.array([0.5, -0.25, 0.75])
POINTS = [(0.7, 1.3), (1.3, 0.7)]


def methods_of_lists(x, y):
    xs = [x, y]
    ys = xs
    ys.append(x * y)
    xs.extend([y, 2.0 * x])
    xs.extend(v * v for v in (x, y))
    xs.insert(1, x + y)
    last, first = xs.pop(), xs.pop(0)
    xs.reverse()
    zs = xs.copy()
    xs += [first, last]
    xs[0] = xs[0] * xs[-1]
    xs[1:3] = [x, y, x]
    xs[-1] += y
    del xs[2]
    del xs[0:1]
    ys *= 2
    zs.clear()
    assert len(zs) == 0 and xs is ys
    total = 0.0
    for i, v in enumerate(xs):
        total = total + (i + 1) * v
    return total * len(xs)


def methods_of_dicts(x, y):
    d = {"a": x}
    e = d
    e["b"] = y
    d.update(c=x * y)
    d.update({"a": y * d["a"]}, d=x)
    d.update([("e", x)])
    f = d.setdefault("f", [])
    f.append(x)
    d.setdefault("f", None).append(y)
    p = d.pop("c") * d.pop("zzz", 2.0)
    del d["d"]
    d["a"] += x
    d |= {"g": p}
    k = {**d, "a": x}
    k["a"] = k["a"] * y
    name, last = k.popitem()
    return (
        sum(v for n, v in e.items() if n != "f")
        + d["f"][0] * d["f"][1]
        + k["a"]
        + last * len(name)
        + k.get("q", x)
    )


def nested(x, y):
    params = {"layers": [{"w": x}, {"w": y}]}
    for layer in params["layers"]:
        layer["h"] = layer["w"] ** 2
        layer["w"] *= 2.0
    params["layers"][0]["w"], params["layers"][1]["w"] = params["layers"][1]["w"], params["layers"][0]["h"]
    return params["layers"][0]["w"] * params["layers"][1]["w"] + params["layers"][1]["h"]


def swaps(x, y):
    xs = [x, y, x * y]
    xs[0], xs[2] = xs[2], xs[0]
    (a, xs[1]), *rest = (x, y * y), xs
    return xs[0] * xs[1] + a * rest[0][2] * len(rest)


def other_kinds(x, y):
    q = deque([x, y], maxlen=3)
    q.append(x * y)
    q.appendleft(y)
    d = defaultdict(list)
    d["a"].append(x)
    d["b"].append(q.popleft())
    d["a"].append(y)
    o = OrderedDict(a=x)
    o["b"] = y
    o.move_to_end("a")
    n = defaultdict(float)
    n["k"] += x
    n["k"] += y
    seen = set()
    seen.add("a")
    seen |= set("b")
    c = collections.Counter("aab")
    return sum(d["a"]) * d["b"][0] + list(o.values())[1] * q[0] * n["k"] + len(seen) * x + c["a"] * y


def copies(x, y):
    a = [[x, y], [y]]
    b, c = copy.copy(a), copy.deepcopy(a)
    d = list(a)
    e = [*a]
    f = a[:]
    g = [list(r) for r in a]
    a[0][0] = a[0][0] * y
    a.append([x])
    b.append([y])
    return sum(len(r) * r[0] for r in (*a, *b, *c, *d, *e, *f, *g))


def in_branches(x, y):
    xs, d = [x, y], {"a": x}
    if x > y:
        xs[0] = y * y
        d["a"] = d["a"] * y
    else:
        xs[1] = xs[1] * 3.0
    z = xs[0] * xs[1] + d["a"]
    if z > 0:
        xs[0] *= z
    return z * xs[0]


def of_different_length(x, y):
    xs = [x]
    if x > y:
        xs.append(y)
        xs.append(x * y)
    xs.append(3.0 * x)
    return xs[-1] * xs[0] + len(xs) * y


def after_a_check(x, y):
    xs = [x]
    if x < -100:
        raise ValueError("too small")
    xs.append(y)
    if y < -100:
        return xs[0]
    xs.append(x * y)
    if y > x:
        return xs[1] * xs[2]
    xs.append(y)
    return xs[3] * xs[2]


def made_in_a_branch(x, y):
    if x > y:
        xs = ys = [x]
        xs.append(y)
    else:
        xs = [y, x * x]
        ys = [x]
    ys.append(x * y)
    return xs[1] * xs[0] + len(xs) * x + ys[-1]


def conditional_item(x, y):
    xs = [x, y]
    v = xs.pop() if len(xs) > 1 else x
    w = xs[0] if x > y else v
    return v * w


def of_one_of_two(x, y):
    a, b = [x], [y]
    c = a if x > y else b
    return c[0] * a[0] * b[0]


def helper_that_changes(x, y):
    def add(xs, v, scale=2.0):
        xs.append(v * scale)
        return xs

    log = []
    add(log, x)
    add(add(log, y), x * y, scale=x)
    return log[0] * log[1] + log[2]


def stacks(x, y):
    stack = [(x, 0), (y, 1)]
    total = 0.0
    while stack:
        v, depth = stack.pop()
        total = total + v * v
        if depth < 2:
            stack.append((v * 0.5, depth + 1))
    return total


def star_containers(x, y):
    def f(*args, **kwargs):
        kwargs["k"] = kwargs["k"] * args[0]
        kwargs.update(m=args[1])
        return g(**kwargs) + len(args)

    def g(k, m):
        return k * m

    first, *rest = [x, y, x * y]
    rest.append(first)
    return f(*rest, k=x) * rest[-1]


FUNCTIONS = [
    methods_of_lists, methods_of_dicts, nested, swaps, other_kinds, copies, in_branches, of_different_length,
    after_a_check, made_in_a_branch, conditional_item, of_one_of_two, helper_that_changes, stacks, star_containers,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("args", POINTS)
def test_containers(f, args):
    check(f, *args)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_containers_of_arrays(f):
    if f in (
        in_branches,
        of_different_length,
        after_a_check,
        made_in_a_branch,
        conditional_item,
        of_one_of_two,
    ):
        return
    check(lambda x, y: np.sum(f(x, y)), V, 2.0 * V + 1.0)


def of_arguments(xs, d, k):
    xs.append(k)
    xs[0] = xs[0] * k
    d["new"] = xs[1]
    d["inner"].reverse()
    inner = d.pop("inner")
    return sum(xs) * d["new"] + inner[0] * xs[0] + len(d) * k


def test_arguments_stay_as_they_are():
    check(of_arguments, [2.0, 3.0], {"inner": [1.0, 5.0], "a": 7.0}, 0.5)


def test_a_list_that_is_passed_twice():
    def f(xs, ys):
        xs.append(2.0)
        return xs[0] * ys[0] * len(ys)

    g = grad(f)
    assert g([1.0], [3.0]) == ([3.0], [1.0])
    xs = [1.0]
    with pytest.raises(UnsupportedError, match="xs is changed, and ys is the same object"):
        g(xs, xs)
    assert g([1.0], [3.0]) == ([3.0], [1.0])
    assert grad(lambda xs, ys: xs[0] * ys[0])(xs, xs) == ([1.0], [1.0])


PROGRAM = """
log, table = [], {"a": 1.0}

def f(x):
    STATEMENT
    return x

def h(x, acc=[]):
    acc.append(x)
    return acc[0]

def g(x):
    return h(x)
"""


@pytest.mark.parametrize(
    "statement",
    [
        "log.append(x)",
        "table['b'] = x",
        "table.update(b=x)",
        "log.clear()",
        "del table['a']",
        "y = log; y.append(x)",
    ],
)
def test_containers_of_the_program_are_not_changed(statement):
    f = make(PROGRAM.replace("STATEMENT", statement))
    with pytest.raises(UnsupportedError, match="of the program"):
        grad(f)(1.0)
    assert f.__globals__["log"] == [] and f.__globals__["table"] == {"a": 1.0}


def test_a_default_is_not_changed():
    g = make(PROGRAM, "g")
    with pytest.raises(UnsupportedError, match="of the program"):
        grad(g)(1.0)


@pytest.mark.parametrize(
    "f, message",
    [
        (lambda x: (lambda xs: xs.append(xs))([x]), "contains itself"),
        (lambda x: [x].remove(x), "must know it"),
        (lambda x: [x].index(x), "must know it"),
        (lambda x: {1.0: x}[x], "must know it"),
        (lambda x: (x,)[int(x)], "must know it"),
        (lambda x: next(iter([x])) if x > 0 else x, "next"),
    ],
)
def test_refused(f, message):
    with pytest.raises(UnsupportedError, match=message):
        grad(f)(1.0)


@pytest.mark.parametrize(
    "f, kind",
    [
        (lambda x: [].pop(), IndexError),
        (lambda x: {}.pop("a"), KeyError),
        (lambda x: {"a": x}["b"], KeyError),
        (lambda x: [x].append(), TypeError),
        (lambda x: [x].append(x, x), TypeError),
        (lambda x: (x,).append(x), AttributeError),
        (lambda x: [x].extend(x), TypeError),
    ],
)
def test_pythons_own_errors(f, kind):
    with pytest.raises(kind):
        grad(f)(1.0)


def sequences(x, y):
    xs = [x, y, x * y]
    pairs = list(zip(xs, reversed(xs)))
    columns = list(zip(*pairs))
    total = sum(a * b for a, b in pairs) + columns[0][1] * columns[1][2]
    for i, (a, b) in enumerate(zip(xs, xs[::-1]), start=1):
        total += i * a * b
    for a, b in itertools.combinations(xs, 2):
        total += a * b
    for a, b in itertools.product(xs, [x, 2.0]):
        total += a * b
    for a, b in itertools.pairwise(xs):
        total += a / b
    for a, n in zip(xs, itertools.count(1)):
        total += a**n
    for a, n in zip(xs, itertools.cycle([1.0, x])):
        total += a * n
    for a in itertools.chain(xs, (x, y), itertools.repeat(x, 2)):
        total += a
    for a in itertools.accumulate(xs):
        total += a * x
    for a in itertools.accumulate(xs, lambda s, v: s * v):
        total += a
    for a, b in itertools.zip_longest(xs, [x], fillvalue=y):
        total += a * b
    for a in itertools.islice(itertools.chain.from_iterable([xs, xs]), 1, 5, 2):
        total += a * a
    for n, group in itertools.groupby(xs, key=lambda v: 1):
        total += n * sum(group)
    total += sum(itertools.starmap(lambda a, b: a * b, pairs)) + sum(itertools.compress(xs, [1, 0, 1]))
    for p in itertools.permutations(xs, 2):
        total += p[0] * p[1] ** 2
    return total + max(xs) * min(xs) + dict(zip("abc", xs))["b"] + dict([("k", x)])["k"] + tuple(xs)[0]


def ordered(x, y):
    names = {"b": x, "a": y}
    total = 0.0
    for i, (name, v) in enumerate(sorted(names.items())):
        total = total + (i + 1) * v
    s = sorted([x, y, x * y])
    r = sorted([x, y], reverse=True)
    t = sorted([("z", x), ("k", y)], key=lambda pair: pair[0])
    best = max([("a", x), ("b", y)], key=lambda pair: ord(pair[0]))
    first, *_ = sorted("ba")
    xs = [3, 1, 2]
    xs.sort(key=lambda n: -n)
    return (
        total
        + s[0] * 2
        + s[1] * 3 * s[2]
        + r[0] * t[0][1]
        + best[1] * xs[0]
        + names[first]
        + max([], default=x)
    )


@pytest.mark.parametrize("f", [sequences, ordered])
@pytest.mark.parametrize("args", POINTS)
def test_sequences(f, args):
    check(f, *args)
