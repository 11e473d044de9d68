"""A random program: its text, and its arguments in worlds that differ in lengths and trip counts."""

from __future__ import annotations

import ast
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fuzz.imperative.blocks import FEATURES, RARE, Blocks, indented
from tests.fuzz.imperative.expressions import Helper
from tests.fuzz.imperative.kinds import NUMBER, Choices, Dead, Scope, matrix, vector
from tests.fuzz.imperative.state import FEATURES as STATEFUL

World = tuple[int, int, int]  # the lengths n and m, the trip count k
FIRST: tuple[World, ...] = ((4, 3, 3), (3, 2, 2), (5, 3, 4), (3, 4, 3))
OTHERS: tuple[World, ...] = (
    (2, 3, 1), (1, 2, 2), (6, 2, 0), (3, 3, 1), (4, 1, 0), (2, 2, 5), (1, 1, 1), (3, 5, 2), (0, 2, 1), (3, 0, 0),
)  # fmt: skip
SAFE = """\
def safe(n):
    try:
        return 1.0 / n
    except ZeroDivisionError:
        return 0.5
"""
RECURSIVE = """\
def descend(p, c):
    if c < 0.2:
        return np.sum(p) * 0.3
    return np.mean(p) * c + descend(np.sin(p), 0.5 * c - 0.1)
"""


@dataclass(frozen=True)
class Situation:
    """A call: the lengths of its arguments, which values they have, and the state of the module.

    The values 0 and 1 are ordinary ones, those of 2 are large."""

    lengths: World
    values: int = 0
    state: int = 0


@dataclass(frozen=True)
class Program:
    """A module's text, whose function `f` is differentiated, and how its arguments are drawn."""

    text: str
    parameters: tuple[str, ...]
    argnums: tuple[str, ...] | None
    numbers: int  # the seed of the arguments
    worlds: tuple[World, ...]
    single: bool = False
    layout: str = "C"
    features: frozenset[str] = field(default_factory=frozenset)

    def arguments(self, call: Situation, dtype: Any = None) -> tuple[Any, ...]:
        """New arguments each time. The numbers do not depend on the dtype."""
        drawn = draw(self.numbers, call, dtype or (np.float32 if self.single else np.float64), self.layout)
        return tuple(drawn[name] for name in self.parameters)

    def calls(self, worlds: Sequence[World]) -> list[Situation]:
        """Calls of one gradient in a row, other values and another state of the module among them.

        The first is made again in the end: nothing is left behind."""
        changes = bool(STATEFUL & self.features)
        first, *others = (Situation(world, state=2 * changes * (world != worlds[0])) for world in worlds)
        again = Situation(first.lengths, 1, int(changes))
        found = [first, again, *others]
        if "overflow" in self.features:
            large = Situation(first.lengths, 2)
            found = (
                [large, first, large, *found[1:]]
                if self.numbers % 2
                else [first, large, again, large, *others]
            )
        return [*found, found[0]]


def draw(seed: int, call: Situation, dtype: Any, layout: str) -> dict[str, Any]:
    n, m, k = call.lengths
    rng = np.random.default_rng(seed if call.values == 0 else (seed, call.values))
    widest = 1.2 if call.values < 2 else 12.0

    def number() -> float:
        return float(np.float32(rng.uniform(-widest, widest)))

    def array(*shape: int) -> Any:
        values = np.asarray(rng.uniform(-widest, widest, shape), np.float32).astype(dtype)
        if layout == "F":
            return np.asfortranarray(values)
        if layout == "strided" and values.ndim:
            wide = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)
            wide[..., ::2] = values
            return wide[..., ::2]
        return values

    return {
        "x": array(n), "y": array(n), "z": array(m), "A": array(n, m), "S": array(m, m), "w": number(),
        "b": np.float64(number()), "k": k, "idx": np.array([0, 2, 0, 1]) % max(n, 1),
        "P": {"u": array(n), "c": number()}, "Q": [array(n), array(n)],
    }  # fmt: skip


def generate(source: random.Random) -> Program:
    """A program. Where a choice leads nowhere, another is begun."""
    while True:
        try:
            return _generate(source)
        except Dead:
            continue


def _generate(source: random.Random) -> Program:
    """A program of random choices."""
    c = Choices(source)
    features = frozenset(f for f in FEATURES if c.chance(RARE.get(f, 0.4)))
    if "overflow" in features and c.chance(0.6):  # what restarts has to begin with what it was given
        features |= {"rebind", "augment"}
    scope = Scope()
    parameters = ["x"]
    scope.add("x", vector("n"))
    two = bool({"matrix", "rows"} & features)
    optional = [
        ("y", 0.6, vector("n")), ("z", 0.3 + 0.4 * two, vector("m")), ("A", 0.9 * two, matrix("n", "m")),
        ("S", 0.3 * two, matrix("m", "m")), ("w", 0.7, NUMBER), ("b", 0.3, NUMBER),
    ]  # fmt: skip
    for name, probability, kind in optional:
        if c.chance(probability):
            parameters.append(name)
            scope.add(name, kind)
    if c.chance(0.7):
        parameters.append("k")
        scope.counters.append("k")
    if "gather" in features:
        parameters.append("idx")
        scope.add("idx", vector("p"))
        del scope.places["idx"]  # of integers: its length is all that expressions may use
    if "params" in features:
        parameters.append("P")
        scope.add("P['u']", vector("n"))
        scope.add("P['c']", NUMBER)
    if "arrays" in features:
        parameters.append("Q")
        scope.add("Q[0]", vector("n"))
        scope.add("Q[1]", vector("n"))
    grower = Blocks(c, features, scope)
    modules = _helpers(grower, features)
    begins = grower.rebind() if "rebind" in features and c.chance(0.5) and scope.of(NUMBER) else []
    body = [*begins, "s = " + c.pick(["0", "0.0", "1.0", "0.5", "1"])]
    scope.add("s", NUMBER)
    for part in range(3):  # at least one loop, with something before and after
        body += grower.a_loop() if part == 1 else grower.block(c.between(0, 2))
        if part == 1 and "written" in features and c.chance(0.7):
            body += grower.write_state()
    body += grower.block(c.between(0, 3))
    if "overflow" in features and c.chance(0.7):
        body += grower.overflows()
    body = [line for line in body if line != "pass"]
    body.append(f"return {grower.result()}")
    text = "\n\n\n".join([*modules, "\n".join([f"def f({', '.join(parameters)}):", *indented(body)])])
    some = [p for p in parameters if p not in ("k", "idx")]
    argnums = tuple(p for p in some if c.chance(0.6)) if c.chance(0.2) else None
    worlds = (c.pick(FIRST), c.pick(OTHERS[:8]), c.pick(OTHERS))
    return Program(
        tidy(text), tuple(parameters), argnums or None, c.below(10**6), tuple(dict.fromkeys(worlds)),
        c.chance(0.06), c.weighted([(0.88, "C"), (0.06, "F"), (0.06, "strided")]), features,
    )  # fmt: skip


def _helpers(grower: Blocks, features: frozenset[str]) -> list[str]:
    c = grower.choices
    texts = []
    if "helper" in features:
        made = grower.grow_helper("h1", c.pick([NUMBER, vector("d")]))
        grower.helpers.append(made)
        texts.append("\n".join(made.lines))
    if "effect" in features:
        made = grower.grow_helper("h2", None)
        grower.helpers.append(made)
        texts.append("\n".join(made.lines))
    if "recursion" in features:
        grower.helpers.append(Helper("descend", (vector("d"), NUMBER), NUMBER, []))
        texts.append(RECURSIVE)
    if "constant" in features:
        texts.append(SAFE)
    return texts


def tidy(text: str) -> str:
    """Without the brackets that holes were filled in."""
    return ast.unparse(ast.parse(text)) + "\n"
