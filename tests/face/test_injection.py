"""Every function of the compiler raises, one after the other: what a user sees is an internal error."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import pytest

import revcompile
from revcompile import InternalError, dispatch, gate, grad

# No StopIteration: it ends what goes through `map`, whoever raises it.
FAULTS = [
    KeyError,
    AttributeError,
    TypeError,
    IndexError,
    ValueError,
    RecursionError,
    AssertionError,
    RuntimeError,
]
# Where the compiler is not entered yet, or is left already; what generated code, `check_grads` and the command
# line are made of.
SEAMS = {
    "dispatch:Dispatcher.dispatch", "dispatch:Dispatcher.dispatch_carefully", "transforms.gradient:grad",
    "transforms.gradient:value_and_grad", "transforms.gradient:_transform", "transforms.register:gate",
    "transforms.gradient:make_gradient", "transforms.gradient:_add_value", "transforms.gradient:slots_of",
    "transforms.gradient:backend_of",
    "codegen.specialization:Specialization._run",
}  # fmt: skip
NOT_THE_COMPILER = (
    "runtime",
    "errors",
    "__main__",
    "transforms.check",
    "transforms.differences",
    "transforms.alike",
)


class Thing:
    def __init__(self, a: Any) -> None:
        self.a = a
        self.parts = [a]

    def times(self, x: Any) -> Any:
        return self.a * x


TABLE_OF = {"a": 2.0, "b": [1.0, 2.0]}


def large_helper(x: Any, k: Any) -> Any:
    y = np.tanh(x) * k
    for _ in range(3):
        y = np.cos(y) * x + y * y - np.exp(-y) * k
    if np.sum(y) > 1e6:
        y = y * 0.5
    return np.sum(y)


def recursive(x: Any, n: int) -> Any:
    return x if n == 0 else x * recursive(x * 0.9, n - 1)


def small_helper(v: Any, k: Any = 2) -> Any:
    return v**k if v > 0 else -v


def loops(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0.5:
            s = s + x[i] ** 1.5
        elif x[i] < -5:
            break
        else:
            s = s + TABLE_OF["a"] * x[i]
    return s


def stores(x: Any) -> Any:
    y = x.copy()
    y[1:] = y[:-1] * 2.0
    y[0] += 1.0
    rows = []
    for k in range(3):
        rows.append(np.sum(y * k))
    return np.sum(np.stack(rows) ** 2) + large_helper(y, 2.0)


def objects(x: Any) -> Any:
    thing = Thing(x[0])
    thing.a = thing.a * 2.0
    thing.parts.append(x[1])
    named = {"p": x, "q": thing.times(3.0), "text": f"{len(x)} of {TABLE_OF['b']}"}
    first, *rest = [v * 2 for v in named["p"]]
    return first * named["q"] + sum(rest) + thing.parts[1]


def numbers(x: Any) -> Any:
    w, n = x[0], 0
    while w < 4.0:
        w, n = w * 1.5 + 0.1, n + 1
        if n > 10:
            return w
    return np.where(x > 0.3, np.log(x), x).sum() * w + np.einsum("i,i->", x, x) + recursive(x[0], 3)


def trees(x: Any, p: Any) -> Any:
    z = np.maximum(p["w"] @ x + p["b"], 0.0)
    return np.mean((z - np.sort(x)[::-1]) ** 2) + small_helper(x[0]) + np.linalg.norm(x)


def of_its_gradient(x: Any) -> Any:
    return np.sum(grad(loops)(x) ** 2)


X = np.array([0.7, 0.2, 1.3])
P = {"w": np.arange(9.0).reshape(3, 3) / 9, "b": np.ones(3)}
PROGRAMS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (loops, (X,)), (stores, (X,)), (objects, (X,)), (numbers, (X,)), (trees, (X, P)), (of_its_gradient, (X,)),
]  # fmt: skip


def all_functions() -> Iterator[tuple[str, FunctionType]]:
    """The compiler's functions and methods, with their names."""
    seen: set[CodeType] = set()
    for found in pkgutil.walk_packages(revcompile.__path__, "revcompile."):
        if found.name.removeprefix("revcompile.") in NOT_THE_COMPILER:
            continue
        module = importlib.import_module(found.name)
        for name, thing in list(vars(module).items()):
            inside = vars(thing) if isinstance(thing, type) else {"": thing}
            for key, member in inside.items():
                raw = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
                raw = getattr(raw, "func", raw)  # of a cached property
                own = isinstance(raw, FunctionType) and raw.__module__ == found.name
                special = key.startswith("__") and key not in ("__init__", "__post_init__")
                if own and not special and raw.__code__ not in seen and not raw.__code__.co_freevars:
                    seen.add(raw.__code__)
                    yield f"{found.name.partition('.')[2]}:{name}.{key}".rstrip("."), raw


EVERY = dict(sorted((n, f) for n, f in all_functions() if n not in SEAMS))
ENTRANCE = ("dispatch", "codegen.primal", "codegen.load", "frontend.wanted", "syntax.source", "transforms.gradient",
            "transforms.register")  # fmt: skip
AT_THE_ENTRANCE = [n for n in EVERY if n.partition(":")[0] in ENTRANCE]


def raising(function: FunctionType) -> CodeType:
    """The code of a function of the same kind that calls `reached`."""
    names: dict[str, Any] = {}
    is_generator = function.__code__.co_flags & inspect.CO_GENERATOR
    exec("def f(*args, **options):\n    reached()\n" + "    yield\n" * bool(is_generator), names)
    code: CodeType = names["f"].__code__
    return code


def inject(name: str, kind: type[Exception], run: Callable[[], Any]) -> bool:
    """Run something while a function of the compiler raises. Whether the function was called."""
    hits, function = [], EVERY[name]

    def reached() -> None:
        hits.append(name)
        raise kind("an injected fault")

    own = function.__code__
    function.__globals__["reached"] = reached
    dispatch._memory.forget()
    function.__code__ = raising(function)
    try:
        run()
    except InternalError:
        assert hits
    except Exception as e:
        raise AssertionError(f"{kind.__name__} in {name} is shown as {type(e).__name__}: {e}") from e
    else:
        assert not hits, f"{kind.__name__} in {name} goes unnoticed"
    finally:
        function.__code__ = own
        del function.__globals__["reached"]
    return bool(hits)


def differentiate(number: int, optimize: bool) -> Callable[[], Any]:
    f, args = PROGRAMS[number % len(PROGRAMS)]
    fresh = FunctionType(f.__code__.replace(), f.__globals__, f.__name__, f.__defaults__)
    return lambda: grad(fresh, optimize=optimize).value_and_grad(*args)


def register_a_gate() -> None:
    @gate(lambda x: np.sin(x), name="own")
    def rule(grad_y: Any, x: Any) -> Any:
        return grad_y * np.cos(x)


def by_keyword() -> None:
    grad(small_helper)(v=2.0)


def try_all(functions: Iterable[str], seed: int, times: int) -> int:
    pick, reached = random.Random(seed), 0
    for name in functions:
        for _ in range(times):
            run = differentiate(pick.randrange(99), pick.random() < 0.5)
            reached += inject(name, pick.choice(FAULTS), run)
    return reached


def test_at_the_entrance() -> None:
    reached = 0
    for i, name in enumerate(AT_THE_ENTRANCE):
        run = (differentiate(0, i % 2 == 0), by_keyword, register_a_gate)[i % 3]
        reached += inject(name, FAULTS[i % len(FAULTS)], run)
    assert reached > 30


def test_anywhere() -> None:
    assert try_all(random.Random(1).sample(list(EVERY), 36), 1, 1) > 5


@pytest.mark.fuzz
@pytest.mark.parametrize("room", sorted({n.partition(":")[0].partition(".")[0] for n in EVERY}))
def test_everywhere(room: str) -> None:
    try_all([n for n in EVERY if n.startswith(room)], len(room), 1)
