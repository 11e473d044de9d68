"""One walk over the whole table: every function of every gate, on every example that its rule carries.

Daily every example with one function of its gate, and with the others the first and every fourth one; by the complex
step and twice differentiated, the first and every fourth one of each gate; the rest with `pytest -m fuzz`.
"""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from revcompile.codegen.spell import public_name
from revcompile.gates.effects import identity
from revcompile.gates.options import MUST_BE_KNOWN
from revcompile.gates.record import Gate
from revcompile.gates.samples import Example
from revcompile.gates.table import TABLE
from revcompile.ir.nodes import map_structure
from tests.support.oracle import (
    assert_close,
    assert_same_kind,
    complex_steps,
    float_leaves,
    numerical_gradients,
)
from tests.support.program import make

# Gates of whose derivatives one is zero for these numbers, or for so few elements, though all are read.
VANISHING = {
    "arange", "average", "cofactor", "copysign", "diff", "divmod", "ediff1d", "fmod", "full_like", "linspace", "logspace",
    "matrix_power", "mod", "nextafter", "norm", "pow", "recurrence", "remainder", "sinc", "trapezoid", "var", "vector_norm",
}  # fmt: skip

# What takes conjugates, sizes or real parts of complex numbers; `sinc` loses the step where it is 1.
NOT_ANALYTIC = {
    "arange", "cholesky", "cond", "conjugate", "corrcoef", "correlate", "cov", "eig", "eigh", "full_like", "insert", "lstsq", "partition", "pinv", "poly", "polyfit", "qr", "sinc", "slogdet", "svd", "unique_values", "vdot", "vecdot", "vecmat",
}  # fmt: skip

Case = tuple[Gate, Callable[..., Any], Example]


def cases() -> Iterator[Any]:
    seen: set[int] = set()
    for gate in TABLE.values():
        if id(gate) in seen or not gate.carries_gradient:
            continue
        seen.add(id(gate))
        functions = [f for f in gate.functions if f is not identity]
        for function in functions:
            for i, example in enumerate(gate.examples):
                marks = [pytest.mark.fuzz] * (function is not functions[0] and i % 4 != 0)
                yield pytest.param((gate, function, example), id=f"{name_of(function)}-{i}", marks=marks)


def every_fourth() -> Iterator[Any]:
    count: Counter[str] = Counter()
    for case in cases():
        gate = case.values[0][0].name
        yield pytest.param(*case.values, id=case.id, marks=[pytest.mark.fuzz] * (count[gate] % 4 != 0))
        count[gate] += 1


def name_of(function: Callable[..., Any]) -> str:
    return public_name(function) or f"{function.__module__}.{function.__name__}"


def is_real(x: Any) -> bool:
    return bool(float_leaves(x))


def program(case: Case, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...], list[Any]]:
    """A function of the call's real arguments that sums everything that comes out, weighed by more arguments.

    Also those real arguments, and weights.
    """
    gate, function, example = case
    parameters = list(gate.signature.parameters.values())
    steering = {i for i, p in enumerate(parameters) if p.name in MUST_BE_KNOWN}
    real = [i for i, a in enumerate(args) if is_real(a) and i not in steering]
    static = {f"c{i}": a for i, a in enumerate(args) if i not in real}
    spelled = [f"x{i}" if i in real else f"c{i}" for i in range(len(args))]
    options = {f"o_{k}": v for k, v in example.options.items()}
    spelled += [f"{k}=o_{k}" for k in example.options]
    random = np.random.default_rng(1)
    terms, weights = [], []
    for j, (path, value) in enumerate(outputs(function(*args, **example.options))):
        drawn = np.round(random.uniform(-2, 2, np.shape(value)), 3)
        weights.append(drawn if np.shape(value) else float(drawn))
        terms.append(f"np.sum(w{j} * y{path})")
    names = ", ".join([*(f"x{i}" for i in real), *(f"w{j}" for j in range(len(weights)))])
    text = f"def f({names}):\n    y = the_gate({', '.join(spelled)})\n    return {' + '.join(terms)}\n"
    return make(text, the_gate=function, **static, **options), tuple(args[i] for i in real), weights


def outputs(outcome: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(outcome, (tuple, list)):
        for i, item in enumerate(outcome):
            yield from outputs(item, f"{path}[{i}]")
    elif is_real(outcome):
        yield path, outcome
    elif np.iscomplexobj(outcome) and not np.any(np.imag(outcome)):  # of eigenvalues, from NumPy 2.5 on
        yield f"{path}.real", outcome.real


@pytest.mark.parametrize("case", list(cases()))
def test_gradients_agree_with_differences(case: Case) -> None:
    """The optimised text's and the textbook's; and they are linear in what comes in."""
    gate = case[0]
    f, variables, weights = program(case, arguments(case))
    which = tuple(range(len(variables)))
    before = [np.array(leaf) for leaf in float_leaves(variables)]
    optimised, as_written = grad(f, argnums=which), grad(f, argnums=which, optimize=False)
    gradients = optimised(*variables, *weights)
    assert_close(gradients, numerical_gradients(lambda *args: f(*args, *weights), variables))
    assert_is_linear(lambda *upstream: optimised(*variables, *upstream), weights)
    textbook = as_written(*variables, *weights)
    assert_is_linear(lambda *upstream: as_written(*variables, *upstream), weights)
    assert_close(textbook, float_leaves(gradients), rtol=1e-10, atol=1e-12)
    for found in (gradients, textbook):
        for gradient, leaf in zip(float_leaves(found), float_leaves(variables), strict=True):
            assert_same_kind(gradient, leaf)
    for leaf, kept in zip(float_leaves(variables), before, strict=True):
        np.testing.assert_array_equal(leaf, kept)
    if any(np.any(np.equal(gradient, 0.0)) for gradient in float_leaves(gradients)):
        said = gate.numbers.zeros or gate.name in VANISHING or gate.composed
        assert said, "it sends zeros back: say so in its record"


def complex_of(x: Any) -> Any:
    return x + 0j if is_real(x) else x


def arguments(case: Case) -> tuple[Any, ...]:
    _, function, example = case
    args = example.draw(np.random.default_rng(0))
    if not _accepts(function, args, example):
        pytest.skip("this spelling of the gate does not take the example")
    return args


def assert_is_linear(gradient: Callable[..., Any], weights: list[Any]) -> None:
    """What a rule gives is linear in the upstream gradient: in `weights`."""
    others = [w * w - 0.3 for w in weights]
    first, second = float_leaves(gradient(*weights)), float_leaves(gradient(*others))
    both = gradient(*(2.0 * w - 3.0 * o for w, o in zip(weights, others, strict=True)))
    assert_close(both, [2.0 * a - 3.0 * b for a, b in zip(first, second, strict=True)], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", list(every_fourth()))
def test_gradients_agree_with_the_complex_step(case: Case) -> None:
    """Of what takes complex numbers and is analytic: to the last digits."""
    if case[0].name in NOT_ANALYTIC:
        pytest.skip("it takes sizes or conjugates of complex numbers, or has another order for them")
    f, variables, weights = program(case, arguments(case))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = f(*map_structure(complex_of, variables), *weights)
            expected = complex_steps(lambda *args: f(*args, *weights), variables)
    except (TypeError, NotImplementedError):
        pytest.skip("it takes no complex numbers")
    except np.exceptions.ComplexWarning:
        pytest.skip("it takes real parts of complex numbers")
    if not np.iscomplexobj(value):
        pytest.skip("it gives real numbers of complex ones")
    found = grad(f, argnums=tuple(range(len(variables))))(*variables, *weights)
    assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", list(every_fourth()))
def test_second_derivatives_agree_with_differences(case: Case) -> None:
    """Those of the gradient by the variables, and by what comes in: a rule text is differentiated in both."""
    f, variables, weights = program(case, arguments(case))
    if np.isnan(f(*variables, *weights)):
        pytest.skip("it is NaN: the median of nothing")
    first = grad(f, argnums=tuple(range(len(variables))))
    random = np.random.default_rng(2)
    terms, directions = [], {}
    for j, (path, value) in enumerate(outputs(first(*variables, *weights))):
        directions[f"v{j}"] = random.uniform(-2, 2, np.shape(value))
        terms.append(f"np.sum(v{j} * g{path})")
    given = (*variables, *weights)
    names = ", ".join(f"a{i}" for i in range(len(given)))
    text = f"def f({names}):\n    g = first({names})\n    return {' + '.join(terms)}\n"
    along = make(text, first=first, **directions)
    try:
        second = grad(along, argnums=tuple(range(len(given))))(*given)
        assert_close(second, numerical_gradients(along, given), 1e-4, 1e-5)
    except UnsupportedError as e:  # a slice in a branch of a loop, in reverse mode twice
        assert case[0].name == "reduceat" and "asked for in another" in str(e), e


def _accepts(function: Callable[..., Any], args: tuple[Any, ...], example: Example) -> bool:
    """`math` functions take numbers only; a newer NumPy's option may be unknown to this one."""
    try:
        function(*args, **example.options)
    except TypeError:
        return False
    return True


def test_every_gate_has_an_example() -> None:
    ours = (g for f, g in TABLE.items() if not str(getattr(f, "__module__", "")).startswith("tests."))
    without = {g.name for g in ours if g.carries_gradient and not g.examples}
    # What is made of no numbers, or gives none that vary.
    steady = {"imag", "tril_indices", "triu_indices", "tril_indices_from", "triu_indices_from", "diag_indices",
              "diag_indices_from", "isscalar", "iterable", "isfortran", "iscomplexobj", "isrealobj"}  # fmt: skip
    lists = {"list", "repeat", "append", "pop", "slice", "concatenate", "stack", "with_row"}
    # A cast rounds; stores and lists that grow are statements: tested in the corpus. Sparse: see test_sparse.
    # The square of a root is of a root and its square, which are not independent: see test_even_powers.
    assert without <= {"copy", "cast", "store", "sparse matmul", "square of a root"} | lists | steady, without


def test_signatures_match_numpy() -> None:
    """A gate's parameters stand in NumPy's order, so that positional options mean what NumPy says."""
    for function, gate in TABLE.items():
        try:
            theirs = list(inspect.signature(function).parameters.values())
        except (ValueError, TypeError):
            continue
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if gate.locals is not None or not all(p.kind in kinds for p in theirs):
            continue
        ours = [p.name for p in gate.signature.parameters.values() if p.kind in kinds]
        common = [p.name for p in theirs if p.name in ours]
        assert [n for n in ours if n in common] == common, gate.name
