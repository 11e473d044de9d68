"""What the gates' records say beside their rules, held against what the functions do on the examples."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from revcompile.gates.effects import EFFECTS
from revcompile.gates.record import Gate
from revcompile.gates.samples import Example, example, real
from revcompile.gates.table import TABLE
from revcompile.gates.traits import Memory, Text
from revcompile.ir.nodes import Value
from revcompile.ir.types import FLOAT, Array, Dim
from tests.gates.test_every_gate import name_of

# Of gates without a gradient, and of those whose examples draw numbers only.
MORE: dict[Any, list[Example]] = {
    np.zeros: [example((2, 3)), example(3)],
    np.ones: [example((2, 3))],
    np.empty: [example((2, 3))],
    np.eye: [example(3), example(2, 3, 1)],
    np.tri: [example(3)],
    np.identity: [example(3)],
    np.zeros_like: [example(real(2, 3))],
    np.ones_like: [example(real(2, 3))],
    np.empty_like: [example(real(2, 3))],
    np.argsort: [example(real(4))],
    np.isnan: [example(real(4))],
    np.floor: [example(real(4))],
    np.round: [example(real(4), 1)],
    np.nonzero: [example(real(4))],
}


def gates() -> Iterator[Gate]:
    ours = (g for f, g in TABLE.items() if not str(getattr(f, "__module__", "")).startswith("tests."))
    return iter(dict.fromkeys(g for g in ours if not g.composed))


def examples_of(gate: Gate, function: Callable[..., Any]) -> list[Example]:
    wide = [example(*(real(3, low=0.1, high=0.9) for _ in gate.locals))] if gate.locals is not None else []
    return [*gate.examples, *wide, *MORE.get(function, [])]


def gate_cases(having: Callable[[Gate], bool] = lambda gate: True) -> Any:
    """A test of each gate of which something is true."""
    return pytest.mark.parametrize(
        "gate", list(filter(having, gates())), ids=lambda g: name_of(g.functions[0])
    )


def arrays_in(structure: Any) -> Iterator[np.ndarray]:
    if isinstance(structure, np.ndarray):
        yield structure
    elif isinstance(structure, (tuple, list)):
        for item in structure:
            yield from arrays_in(item)


def as_value(x: Any) -> Any:
    """An argument as the compiler meets it."""
    if isinstance(x, np.ndarray):
        return Value(Array(x.dtype, tuple(Dim(size=n) for n in x.shape)))
    return type(x)(map(as_value, x)) if type(x) in (tuple, list) else x


def calls(gate: Gate) -> Iterator[tuple[Any, Any, Any]]:
    """The arguments of calls as the compiler knows them, those that are passed, and the outcomes."""
    for function in gate.functions:
        for sample in examples_of(gate, function) if function not in EFFECTS else ():
            args = sample.draw(np.random.default_rng(0))
            try:
                outcome = function(*args, **sample.options)
            except TypeError:
                continue  # `math` takes numbers only
            known = tuple(map(as_value, args))
            if gate.means is not None and gate.means(known, sample.options) is not None:
                continue  # it is other functions
            yield tuple(map(as_value, gate.bind(args, sample.options))), args, outcome


@gate_cases()
def test_in_whose_memory_the_result_is(gate: Gate) -> None:
    for known, args, outcome in calls(gate):
        results = [y for y in arrays_in(outcome) if y.size]
        shared = [np.shares_memory(y, a) for y in results for a in arrays_in(args)]
        first = args[0] if args and isinstance(args[0], np.ndarray) else None
        if gate.memory in (Memory.SAME, Memory.ITSELF):
            assert first is None or all(y is first for y in results)
        elif not gate.may_be_view(known):
            assert not any(shared), "a result that is said to be new is in an operand's memory"
        if first is not None and gate.view:
            said = gate.shares(known, as_value(outcome), order_of(first))
            assert said is not True or all(shared), "it is no view"
            assert said is not False or not any(shared), "it is no copy"
            assert gate.unwritable or all(y.flags.writeable for y in results)
            is_copy = not gate.may_be_view(known)
            assert not gate.read_only or is_copy or not any(y.flags.writeable for y in results)


@gate_cases(lambda gate: gate.in_order is not False)
def test_what_lies_in_order_does_so_whatever_is_given(gate: Gate) -> None:
    """Of arrays whose elements lie in another order, too: but for a view of them."""
    for function in gate.functions:
        for sample in examples_of(gate, function):
            args = tuple(map(turned, sample.draw(np.random.default_rng(0))))
            known = tuple(map(as_value, gate.bind(args, sample.options)))
            outcome = function(*args, **sample.options)
            order = gate.gives_order(known)
            if order and not (gate.view and np.shares_memory(outcome, args[0])):
                assert outcome.flags[f"{order}_CONTIGUOUS"]


def order_of(x: Any) -> str:
    return "C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "-"


def turned(x: Any) -> Any:
    return np.asfortranarray(x) if isinstance(x, np.ndarray) and x.ndim > 1 else x


NUMBERS = [(7, 3), (6, 2), (True, False), (5, 5)]


@gate_cases(lambda gate: gate.symbol != "")
def test_symbols_mean_the_first_function(gate: Gate) -> None:
    text = gate.symbol if gate.symbol.endswith("x") else f"x {gate.symbol} y"
    for x, y in NUMBERS:
        if gate.symbol == "@":
            x, y = np.array([x, y]), np.array([y, x])
        if not isinstance(y, bool) or gate.symbol not in ("/", "//", "%", "~x"):
            operands = (x,) if gate.symbol.endswith("x") else (x, y)
            assert gate.functions[0](*operands) == eval(text, {"x": x, "y": y})
            if gate.mirrored:
                assert gate.functions[0](x, y) == getattr(operator, gate.mirrored)(y, x)


@gate_cases(lambda gate: any(gate.on_floats(f) is not None for f in gate.functions))
def test_what_computes_a_gate_of_floats(gate: Gate) -> None:
    for function in gate.functions:
        chosen = gate.on_floats(function)
        for sample in gate.examples if chosen is not None else ():
            args = sample.draw(np.random.default_rng(0))
            if chosen is None or sample.options or not all(type(a) in (float, int) for a in args):
                continue
            expected, found = function(*args), chosen(*args)
            np.testing.assert_allclose(found, expected, rtol=1e-14)
            for one, like in (
                zip(found, expected, strict=True) if type(found) is tuple else [(found, expected)]
            ):
                assert type(one) is float or np.asarray(like).dtype.kind != "f"
            assert not gate.picks or any(found is a for a in args)
            if gate.cheap and not gate.raises:
                assert math.isfinite(chosen(*([0.0] * len(args))))


@gate_cases(lambda gate: gate.tests)
def test_tests_give_truth_values(gate: Gate) -> None:
    (function,) = gate.functions
    assert type(function(*([1.5] * len(gate.signature.parameters)))) is bool


@gate_cases(lambda gate: gate.odd or gate.casts or gate.extreme)
def test_what_is_said_of_the_numbers(gate: Gate) -> None:
    for function in gate.functions:
        for sample in examples_of(gate, function):
            args = sample.draw(np.random.default_rng(0))
            outcome = function(*args, **sample.options)
            if gate.odd:
                np.testing.assert_array_equal(function(-args[0], *args[1:], **sample.options), -outcome)
            if gate.casts:
                np.testing.assert_array_equal(outcome, args[0])
            if gate.extreme:
                numbers = np.concatenate([np.ravel(x) for x in args if x is not None])
                assert np.isin(outcome, numbers).all()


ROWS = {"items": [1.0, 2.0], "x": 3.0, "n": 2, "rows": [1.0, 2.0], "index": slice(1), "a": [1.0], "b": [2.0]}
VECTORS = {"rows": [np.ones(2), np.zeros(2)], "x": np.ones(2), "axis": 0, "text": "%s", "values": 1.5}
MATRICES = {"a": np.arange(6.0).reshape(2, 3), "x": np.arange(3.0), "axis": (0, 2), "axes": None}
WAYS = (ROWS, ROWS | VECTORS, MATRICES, MATRICES | {"x": np.arange(2.0)}, MATRICES | {"axis": 1})
WORDS = {"upstream": 3.0, "denominator": 2.0}


@pytest.mark.parametrize("textbook", [True, False])
@gate_cases(lambda gate: gate.written != "")
def test_what_is_written_for_a_gate_means_it(gate: Gate, textbook: bool) -> None:
    """Of arguments of every kind: what the text gives is what the function gives, if it takes these."""
    (function,), taken = gate.functions, 0
    names = list(gate.signature.parameters)
    ways = [dict(w) for w in (*WAYS, WORDS) if all(n in w for n in names)]
    ways = [w for w in ways if not gate.of_shape or isinstance(w["x"], np.ndarray)]
    ways += [dict(zip(names, e.args, strict=False)) for e in drawn(gate) if len(e.args) == len(names)]
    for way in ways:
        given = {n: way[n] for n in names}
        try:
            expected = function(*given.values())
        except (TypeError, AttributeError, IndexError, ValueError):
            continue
        is_float = all(type(x) is float for x in given.values())
        t = FLOAT if is_float else Array(np.dtype(float), (Dim(size=2),))
        text = gate.text(tuple(map(as_value, given.values())), Text(t, textbook))
        taken += 1
        if text and not isinstance(expected, str):
            np.testing.assert_allclose(eval(text, {"np": np, "math": math, **given}), expected, rtol=1e-15)
    untold = ("call", "sparse matmul", "begin", "go_back", "take_back")
    assert taken or function in EFFECTS or gate.name in untold, gate.name


def drawn(gate: Gate) -> Iterator[Example]:
    for sample in gate.examples:
        if not sample.options:
            yield Example(sample.draw(np.random.default_rng(0)), {})


def test_what_writes_says_how_it_is_written() -> None:
    """The first result of what writes takes the place of its first operand: it is in a line of its own."""
    for gate in gates():
        assert not gate.writes or (gate.line is not None and not gate.view), gate.name
        for other in (gate.in_place, gate.added_to):
            assert other is None or TABLE[other].writes, gate.name
