"""Random programs with loops and stores, against differences; `pytest -m fuzz` runs thousands.

`python -m tests.fuzz` does the same for hours. The first tests are of the fuzzer itself.
"""

from __future__ import annotations

import ast
import operator
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import workers
from tests.fuzz.imperative import batch, judge
from tests.fuzz.imperative.arguments import is_real, same, size, stepped
from tests.fuzz.imperative.program import generate
from tests.fuzz.imperative.state import install, snapshot, state

EVERYDAY, BATCH, BATCHES = 10, 50, 10

# What may be refused (a part of the reason), and the largest share of the programs that may be refused for it.
MAY_REFUSE: dict[str, float] = {
    "may share its memory": 0.16,
    "elements of it may be read after they were written": 0.06,  # a store into what may overlap
    "what else refers to it is not known": 0.06,  # rebinding an item of a container
    "that was made outside a loop": 0.06,  # the same in a loop
    "no gate rule for": 0.06,  # a function without a rule on what is known only at run time
    "of the program, which a gradient function does not change": 0.06,  # on a way that the primal does not go
    "a try block": 0.06,  # in a helper, on what is known only at run time
    "as a filter": 0.06,  # in a comprehension, on a run-time value
    "whose length only the run decides": 0.06,
    "changes while a loop goes through it": 0.06,
    "whole numbers alone": 0.06,
    "gone through once": 0.06,
    "an iterator in a container": 0.06,
    "as often as only the run decides": 0.06,  # recursion that a pair cannot be made of
    "which steers a recursion": 0.06,
    "as the number of items": 0.06,
    "as how often this loop runs": 0.06,
    "known only at run time": 0.06,
    "would be too long": 0.06,
    "would have to be written out": 0.06,
    "what this while loop carries": 0.06,
    "nested too deeply": 0.06,
    "does not settle to one kind": 0.06,
    "do not agree": 0.06,
    "differs in kind": 0.08,
    "differs from trip to trip": 0.06,
    "differ in kind": 0.06,
}
MAY_REFUSE_IN_ALL = 0.25
MAY_SAY_NOTHING = 0.1


def check(report: batch.Report) -> None:
    """No failure, no refusal that is not allowed, and not too many of those that are."""
    wrong = [
        batch.told(seed, *batch.smallest(seed))
        for _, seeds in sorted(report.failures.items(), key=lambda item: -len(item[1]))[:3]
        for seed in seeds[:1]
    ]
    assert not wrong, f"failures: {_counts(report.failures)}\n\n" + "\n\n".join(wrong)
    shares: Counter[str] = Counter()
    for reason, seeds in report.refusals.items():
        allowed = next((part for part in MAY_REFUSE if part in reason), None)
        assert allowed is not None, f"refused, seeds {seeds[:5]}: {reason}"
        shares[allowed] += len(seeds)
    few = 4  # in a small batch, so many are no share
    for part, count in shares.items():
        assert count <= max(few, MAY_REFUSE[part] * report.programs), f"{count} refused: {part}"
    assert report.outcomes["refused"] <= max(few, MAY_REFUSE_IN_ALL * report.programs), _counts(
        report.refusals
    )
    assert report.outcomes["unjudged"] <= max(few, MAY_SAY_NOTHING * report.programs)


def _counts(table: dict[str, list[int]]) -> str:
    return "\n".join(f"{len(seeds)} × {key}" for key, seeds in table.items())


# -- the fuzzer itself ------------------------------------------------------------------------


def in_every_program(seeds: Iterable[int]) -> Counter[str]:
    """How many programs have each construct."""
    found: Counter[str] = Counter()
    for seed in seeds:
        tree = ast.parse(generate(random.Random(seed)).text)
        here = {type(n).__name__ for n in ast.walk(tree)}
        here |= {f"{type(n.op).__name__}=" for n in ast.walk(tree) if isinstance(n, ast.AugAssign)}
        for loop in (n for n in ast.walk(tree) if isinstance(n, (ast.For, ast.While))):
            inside = [n for s in loop.body for n in ast.walk(s)]
            here |= {f"{type(n).__name__} in a loop" for n in inside}
            here |= {
                "a store in a loop"
                for n in inside
                if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)
            }
            if isinstance(loop, ast.For):
                here |= {f"over {n.func.id}" for n in ast.walk(loop.iter)
                         if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        here |= {
            n.func.attr
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
        }
        here |= {f"{n.id} is read" for n in ast.walk(tree) if isinstance(n, ast.Name)}
        here |= {
            f"{k.arg}={ast.unparse(k.value)}"
            for n in ast.walk(tree)
            if isinstance(n, ast.Call)
            for k in n.keywords
        }
        here |= {
            f"{n.value.id} is written"
            for n in ast.walk(tree)
            if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and isinstance(n.value, ast.Name)
        }
        found.update(here)
    return found


def test_programs_have_everything() -> None:
    found = in_every_program(range(400))
    wanted = [
        "For", "While", "If", "FunctionDef", "Tuple", "List", "Dict", "ListComp", "Raise", "Assert", "IfExp",
        "Add=", "Sub=", "Mult=", "Div=", "Pow=", "Mod=", "FloorDiv=", "a store in a loop",
        *[f"{n} in a loop" for n in ("For", "While", "If", "Break", "Continue", "Return", "AugAssign", "Call")],
        *[f"over {n}" for n in ("range", "enumerate", "zip", "reversed", "len")],
        "astype", "floor", "dtype=int", "exp", "sinh", "square", "percentile", "unique", "lgamma", "histogram",
        "int is read", "bool is read", "round is read", "safe is read", "GV is read", "GL is read", "GD is read", "GV is written",
    ]  # fmt: skip
    assert not [w for w in wanted if found[w] < 3]
    assert found["a store in a loop"] > 120


def by_differences(f: Callable[..., Any], argnums: Any, wrong: float = 0.0) -> Callable[..., Any]:
    """A stand-in for the compiler, with a gradient that may be a little wrong."""

    def both(*args: Any) -> Any:
        value = f(*stepped(args, None))
        names = f.__code__.co_varnames[: len(args)]
        gradient = np.zeros(size(args))
        for i in range(gradient.size):
            by = np.zeros(gradient.size)
            by[i] = 1e-5
            gradient[i] = (f(*stepped(args, by)) - f(*stepped(args, -by))) / 2e-5 + wrong
        structure = stepped(args, gradient - _numbers(args))
        picked = tuple(_none(g) for n, g in zip(names, structure) if argnums is None or n in argnums)
        return value, picked[0] if argnums is None and len(args) == 1 else picked

    return both


def _numbers(structure: Any) -> Any:
    leaves = [np.ravel(x) for x in judge.leaves(structure) if is_real(x)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _none(gradient: Any) -> Any:
    return None if any(not is_real(leaf) for leaf in judge.leaves(gradient)) else gradient


@pytest.mark.parametrize("wrong", [0.0, 1e-3])
def test_the_judge(monkeypatch: pytest.MonkeyPatch, wrong: float) -> None:
    monkeypatch.setattr(judge, "ROUTES", {"optimised": lambda f, argnums: by_differences(f, argnums, wrong)})
    outcomes: Counter[str] = Counter()
    for seed in range(40):
        program = generate(random.Random(seed))
        if not program.single and not {"written", "overflow"} & program.features:
            outcomes[judge.judge(program, ["optimised"]).outcome] += 1
    assert outcomes["unjudged"] <= 3
    assert outcomes["failed" if wrong else "well"] == sum(outcomes.values()) - outcomes["unjudged"]


def test_calls_in_a_row_have_other_values_and_find_another_state() -> None:
    found: Counter[str] = Counter()
    for seed in range(200):
        program = generate(random.Random(seed))
        calls = program.calls(program.worlds)
        assert calls[0] == calls[-1] and {c.lengths for c in calls} == set(program.worlds)
        values = "".join(str(c.values) for c in calls if c.lengths == program.worlds[0])
        found[values] += 1
        found["state changes"] += len({c.state for c in calls}) > 1
    assert found["state changes"] > 20
    assert found["010"] > 100 and found["20212"] > 5 and found["02120"] > 5, found


def test_the_state_of_the_module_is_installed_in_place_and_by_new_objects() -> None:
    scope = state(0)
    first = dict(scope)
    install(scope, 1)
    assert scope["GV"] is first["GV"] and scope["GL"] is first["GL"] and same(snapshot(scope), state(1))
    install(scope, 2)
    assert scope["GV"] is not first["GV"] and same(snapshot(scope), state(2))


def test_a_process_that_dies_or_hangs_ends_its_task_only() -> None:
    tasks = [("dies", (os._exit, (3,))), ("hangs", (time.sleep, (600,))), ("well", (operator.add, (1, 2)))]
    begins: Any = dict
    found = dict(workers.run(tasks, 2, 5.0, begins, time.monotonic() + 600))
    assert found["well"] == 3
    assert found["dies"] == workers.Lost("the process died with status 3")
    assert found["hangs"] == workers.Lost("no answer in time")


# -- the compiler -----------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(0, EVERYDAY, 10))
def test_random_programs(first: int) -> None:
    check(batch.run(range(first, first + 10)))


@settings(
    max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(st.randoms(use_true_random=False))
def test_programs_that_hypothesis_draws(source: random.Random) -> None:
    program = generate(source)
    verdict = judge.judge(program, batch.judged(program, "imperative"))
    assert verdict.outcome != "failed", batch.told(-1, program, verdict)


@pytest.mark.fuzz
@pytest.mark.parametrize("first", range(10_000, 10_000 + BATCH * BATCHES, BATCH))
def test_many_random_programs(first: int) -> None:
    check(batch.run(range(first, first + BATCH)))
