"""Types are found by running functions on examples: are they true of every other run?

For every gate's sample calls and many shapes: what the inferred type says of rank, dtype and lengths must
hold of what NumPy returns. An array's lengths are given to the compiler as symbols, the way a call's
arguments are, and also as lengths that may be 1 (a slice's) or that hang together (x and x[1:]).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from revcompile.errors import HostError
from revcompile.gates.axes import UnknownLength
from revcompile.gates.effects import EFFECTS, backward_begins, identity
from revcompile.gates.infer import infer
from revcompile.gates.options import MUST_BE_KNOWN
from revcompile.gates.record import Gate
from revcompile.gates.samples import Example, Real, example, real
from revcompile.gates.table import TABLE
from revcompile.ir.lengths import Facts
from revcompile.ir.nodes import Value
from revcompile.ir.types import ONE, Array, Dim, Opaque, Scalar
from tests.gates.test_every_gate import cases, name_of

LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7)
TRIES = 12

# Gates without a gradient have no samples; these are theirs.
KNOWN = {
    np.nonzero: [example(real(4)), example(real(2, 3))],
    np.flatnonzero: [example(real(4)), example(real(2, 3)), example(np.array([0, 1, 1]))],
    np.argwhere: [example(real(4)), example(real(2, 3))],
    np.less: [example(real(3), real(3)), example(real(3, 1), real(4)), example(real(3), 0.5)],
    np.argmax: [example(real(3)), example(real(3, 4), 0), example(real(3, 4), axis=1, keepdims=True)],
    np.argsort: [example(real(3)), example(real(3, 4), 0)],
    np.searchsorted: [example(real(5), real(3))],
    np.zeros_like: [example(real(3, 4))],
    np.isfinite: [example(real(3, 4))],
    np.floor: [example(real(3, 4)), example(real())],
    np.eye: [example(3), example(3, 4)],
    np.zeros: [example((3, 4)), example(3)],
}


def all_cases() -> Iterator[Any]:
    yield from (c for c in cases())
    for function, examples in KNOWN.items():
        for i, sample in enumerate(examples):
            yield pytest.param((TABLE[function], function, sample), id=f"{name_of(function)}-{i}")


class Stage:
    """Values for the operands of a call, and real operands that fit them."""

    def __init__(self, rng: np.random.Generator, facts: Facts, ties: dict[int, Any]) -> None:
        self.rng = rng
        self.facts = facts
        self.ties = ties  # a sample's length -> (how the length is told, the real length)
        self.lengths: dict[int, int] = {}  # symbol -> real length

    def axis(self, n: int, fixed: bool) -> tuple[Dim, int]:
        """One axis of the sample: as a Dim and as a real length. The same sample length, the same axis."""
        if fixed or n == 1:
            return (ONE, 1) if n == 1 else (self.plain(n, n), n)
        if n not in self.ties:
            real_length = int(self.rng.choice(LENGTHS))
            self.ties[n] = (self.plain(n, real_length), real_length)
        return self.ties[n]

    def plain(self, n: int, real_length: int) -> Dim:
        if real_length == 1 or self.rng.random() < 0.3:
            d = self.facts.fresh(maybe_one=True)
        else:
            d = self.facts.fresh(maybe_one=False)
        assert d.symbol is not None
        self.lengths[d.symbol] = real_length
        return d


def operands(stage: Stage, sample: Example, keep: bool) -> tuple[list[Any], list[Any]]:
    abstract, concrete = [], []
    for argument in sample.args:
        if isinstance(argument, (Real, np.ndarray)) and np.shape(_dummy(argument)):
            axes = [stage.axis(n, keep) for n in np.shape(_dummy(argument))]
            shape = tuple(n for _, n in axes)
            if isinstance(argument, Real):
                x: Any = Real(shape, argument.low, argument.high, argument.kind).draw(stage.rng)
            elif shape == argument.shape:
                x = argument
            elif argument.dtype.kind == "b":
                x = stage.rng.random(shape) < 0.5
            else:
                x = np.zeros(shape, argument.dtype)
            abstract.append(Value(Array(x.dtype, tuple(d for d, _ in axes))))
            concrete.append(x)
        elif isinstance(argument, Real):
            x = argument.draw(stage.rng)
            abstract.append(Value(Scalar(np.dtype(float), python=True)))
            concrete.append(x)
        elif isinstance(argument, (list, tuple)) and any(
            isinstance(a, (Real, list, np.ndarray)) for a in argument
        ):
            inner_abstract, inner_concrete = operands(stage, Example(tuple(argument), {}), keep)
            abstract.append(type(argument)(inner_abstract))
            concrete.append(type(argument)(inner_concrete))
        else:
            abstract.append(argument)
            concrete.append(argument)
    return abstract, concrete


def _dummy(argument: Any) -> Any:
    return np.empty(argument.shape) if isinstance(argument, Real) else argument


def agree(t: Any, outcome: Any, stage: Stage, lengths: dict[Any, int]) -> None:
    """Raises AssertionError where the type is not true of the outcome."""
    if isinstance(outcome, (tuple, list)):
        assert len(t) == len(outcome), "number of results"
        for a, b in zip(t, outcome, strict=True):
            agree(a, b, stage, lengths)
        return
    if isinstance(t, Opaque):
        return
    if isinstance(t, Scalar):
        assert not isinstance(outcome, np.ndarray), f"{t} for an array of shape {np.shape(outcome)}"
        assert t.dtype == np.asarray(outcome).dtype, f"{t} for {np.asarray(outcome).dtype}"
        assert t.python == (type(outcome) in (bool, int, float)), f"{t} for {type(outcome)}"
        return
    assert isinstance(outcome, np.ndarray), f"{t} for {type(outcome)}"
    assert t.dtype == outcome.dtype, f"{t} for {outcome.dtype}"
    assert len(t.dims) == outcome.ndim, f"{t} for shape {outcome.shape}"
    for d, n in zip(t.dims, outcome.shape, strict=True):
        if d.size is not None:
            assert d.size == n, f"a length that is said to be {d.size} is {n}"
            continue
        assert d.can_be_one or n != 1, "a length that is said not to be 1 is 1"
        root = stage.facts.root(d.symbol)
        if root in lengths:
            assert max(lengths[root] - d.trim, 0) == n, f"{d} of {lengths[root]} is {n}"
        elif (root, d.trim) in lengths:
            assert lengths[root, d.trim] == n, f"{d} is {lengths[root, d.trim]} and {n}"
        else:
            lengths[root, d.trim] = n


def compare(gate: Gate, function: Callable[..., Any], sample: Example, seed: int, keep: bool) -> bool:
    """Whether NumPy took these operands; AssertionError where the inferred type does not fit."""
    rng = np.random.default_rng(seed)
    stage = Stage(rng, Facts(), {})
    for _ in range(int(rng.integers(3))):  # symbols from elsewhere
        stage.facts.fresh()
    abstract, concrete = operands(stage, sample, keep)
    if gate.name == "cross" and any(n == 2 for _, n in stage.ties.values()):
        return False  # refused when run
    if function is sum and isinstance(concrete[0], np.ndarray) and concrete[0].size == 0:
        return False  # 0, an int, which is as good
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            outcome = function(*concrete, **sample.options)
        except Exception:
            return False
    # Two lengths that this rule only prefers to be equal: compared at each call, not assumed in a block.
    stage.facts.in_block = gate.name == "trapezoid"
    try:
        t = infer(gate, function, gate.bind(tuple(abstract), sample.options), stage.facts)
    except (NotImplementedError, HostError, UnknownLength):
        return False  # refused: the lengths are not known to fit
    lengths: dict[Any, int] = {}
    for symbol, n in stage.lengths.items():
        root = stage.facts.root(symbol)
        assert lengths.setdefault(root, n) == n, "lengths that differ are said to agree"
    agree(t, outcome, stage, lengths)
    return True


@pytest.mark.parametrize("case", list(all_cases()))
def test_inferred_types_are_true(case: Any) -> None:
    gate, function, sample = case
    if function in EFFECTS or function in (identity, backward_begins) or gate.composed:
        pytest.skip("no function of numbers, or one whose type is that of other functions")
    if function is np.float64 and isinstance(np.float64(np.ones(1)), np.float64):
        pytest.skip("this NumPy makes a number of an array of one element (a defect mended in 2.3)")
    if function is np.bincount:
        pytest.skip("of no places, NumPy gives whole numbers: zeros, whatever the weights are")
    taken = 0
    for seed in range(TRIES):
        try:
            taken += compare(gate, function, sample, seed, keep=seed % 5 == 0)
        except AssertionError as e:
            raise AssertionError(f"seed {seed}: {e}") from None
    named = gate.signature.parameters.keys()
    if not taken and not MUST_BE_KNOWN & named:
        pytest.skip("NumPy takes no other shapes")


# -- lengths that hang together --------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("m", [0, 1, 2, 4])
def test_equal_trims_do_not_make_equal_lengths(n: int, m: int) -> None:
    facts = Facts()
    a, b = facts.fresh(), facts.fresh()
    if max(n - 1, 0) == max(m - 1, 0):
        facts.unify(a.trimmed(1), b.trimmed(1))
    if n != m:
        assert not facts.same(a, b)


def test_facts_of_a_branch_stay_there() -> None:
    facts = Facts()
    a, b = facts.fresh(maybe_one=False), facts.fresh(maybe_one=False)
    before = facts.snapshot()
    facts.broadcast((a,), (b,))
    assert facts.same(a, b)
    facts.restore(before)
    assert not facts.same(a, b)


def test_a_broadcast_with_what_may_be_one_proves_nothing() -> None:
    facts = Facts()
    a, b = facts.fresh(maybe_one=False), facts.fresh(maybe_one=True)
    (out,) = facts.broadcast((a,), (b,))
    assert out == a and not facts.same(a, b)
    (out,) = facts.broadcast((b,), (facts.fresh(maybe_one=True),))
    assert not facts.same(out, b)


def test_what_is_stretched_both_ways_is_equal() -> None:
    facts = Facts()
    a, b, c = (facts.fresh().trimmed(2) for _ in range(3))
    facts.stretch(a, b)
    assert not facts.same(a, b)
    facts.stretch(b, c)
    facts.stretch(c, a)
    assert facts.same(a, b) and facts.same(b, c)


def test_a_sum_that_is_stored_over_one_of_its_terms_is_as_long() -> None:
    facts = Facts()
    a, b = facts.fresh(), facts.fresh()
    (out,) = facts.broadcast((a,), (b,))
    assert not facts.same(out, a)
    facts.stretch(out, a)
    assert facts.same(out, a) and not facts.same(out, b)
    assert facts.broadcast((b,), (a,)) == (out,)


def test_the_same_part_of_axes_that_agree_is_equally_long() -> None:
    facts = Facts()
    a, b = facts.fresh(), facts.fresh()
    first, second = facts.part(a, (None, 3)), facts.part(b, (None, 3))
    assert facts.part(a, (None, 3)) == first and facts.part(a, (None, 4)) != first
    assert not facts.same(first, second)
    facts.unify(a, b)
    assert facts.same(first, second)
    assert facts.same(first.trimmed(1), second.trimmed(1)) and not facts.same(first.trimmed(1), second)
