"""A defect of the compiler is called one: it is no exception of the program, no refusal, no reason to try again."""

from __future__ import annotations

import ast
import math
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import revcompile
from revcompile import InternalError, UnsupportedError, compiler, dispatch, grad, value_and_grad
from revcompile.autodiff import reverse
from revcompile.codegen import primal, spell, write
from revcompile.frontend import binding, building, builtin, calls, expressions, lower, pairs
from revcompile.gates import infer, reductions
from revcompile.passes import line
from tests.support.program import make

FAULTS = [KeyError("k"), TypeError("t"), ValueError("v"), IndexError("i"), AttributeError("a"), NameError("n"),
          ZeroDivisionError("z"), AssertionError("s"), RuntimeError("r"), StopIteration(3)]  # fmt: skip
WEIGHTS = [1.0, 2.0]


def straight(x: Any) -> Any:
    y = np.sum(x * x)
    return y + len(x)


def in_if(x: Any) -> Any:
    if x[0] > 0.0:
        y = np.sum(x * x)
        return y + len(x)
    return np.sum(x)


def in_for(x: Any) -> Any:
    y = 0.0
    for v in x:
        y = y + v * v
    return y + len(x)


def in_while(x: Any) -> Any:
    y = np.sum(x)
    while y < 100.0:
        y = y * len(x)
    return y


def in_condition(x: Any) -> Any:
    y = np.sum(x)
    return y * y + len(x) if y > 0.0 else y


def in_list(x: Any) -> Any:
    parts = []
    for v in x:
        parts.append(v * v)
    return sum(parts) + len(x)


def long_helper(x: Any) -> Any:
    y = np.sum(x)
    for _ in range(3):
        y = np.sin(y) * y + y * y - y / 3.0 + len(x)
    return np.cos(y) * y + np.exp(-y * y) * y - y / 7.0 + np.tanh(y) * y * np.sqrt(y * y + 1.0)


def in_helper(x: Any) -> Any:
    return long_helper(x) * long_helper(2.0 * x)


FORMS = [straight, in_if, in_for, in_while, in_condition, in_list, in_helper]


def throw(error: Exception) -> Callable[..., Any]:
    def fault(*_: Any, **__: Any) -> Any:
        raise error

    return fault


def raising(f: Callable[..., Any], error: Exception, **options: Any) -> InternalError:
    with pytest.raises(InternalError) as caught:
        grad(f, **options)(np.array([1.0, 2.0]))
    assert type(error).__name__ in str(caught.value)
    assert isinstance(caught.value.__cause__, type(error))
    return caught.value


@pytest.mark.parametrize(
    "form, error",
    [(straight, e) for e in FAULTS] + [(f, e) for f in FORMS[1:] for e in FAULTS[:2]],
    ids=lambda x: getattr(x, "__name__", type(x).__name__),
)
def test_in_lowering(monkeypatch: pytest.MonkeyPatch, form: Any, error: Exception) -> None:
    monkeypatch.setitem(builtin.SPECIAL, len, throw(error))
    monkeypatch.setitem(calls.SPECIAL, len, throw(error))
    found = raising(form, error)
    assert found.place is not None and "len(x)" in found.place.text, "the line that was being compiled"


STAGES: list[tuple[Any, Any]] = [
    (expressions.EXPRESSIONS, ast.BinOp), (expressions.EXPRESSIONS, ast.Name), (lower.STATEMENTS, ast.Return),
    (lower.STATEMENTS, ast.For), (calls, "apply_gate"), (binding, "bind_parameters"), (building, "infer"),
    (infer, "_infer"), (infer, "_element"), (infer, "_plain_keys"), (pairs, "parts_of"), (pairs, "lower_alone"),
    (pairs, "finish"), (compiler, "structure_of"), (compiler, "fuse_gates"), (compiler, "eliminate_common"),
    (compiler, "differentiate"), (compiler, "learn_of_calls"), (compiler, "refuse_cutting"),
    (line, "simplify"), (line, "eliminate_dead"), (line, "write_in_place"), (line, "choose_halves"),
    (compiler, "check"), (compiler, "apart"), (compiler, "agreements"), (reverse.Reverser, "apply"),
    (reverse.Reverser, "accumulate"), (reverse.Reverser, "_by_rule"), (write.Writer, "_apply"),
    (write, "to_text"), (spell.Speller, "application"), (dispatch, "guard_tests"), (dispatch, "function_text"),
    (dispatch, "signature_tests"), (dispatch, "Module"), (primal, "key_of"),
]  # fmt: skip


def inject(monkeypatch: pytest.MonkeyPatch, where: Any, what: Any, error: Exception) -> None:
    dispatch.forget_all()
    infer._element_type.cache_clear()  # what another test has asked
    if isinstance(where, dict):
        monkeypatch.setitem(where, what, throw(error))
    else:
        monkeypatch.setattr(where, what, throw(error))


@pytest.mark.parametrize(
    "number", range(len(STAGES)), ids=lambda i: getattr(STAGES[i][1], "__name__", STAGES[i][1])
)
def test_in_every_stage(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    where, what = STAGES[number]
    error = FAULTS[number % 5]
    gradient = grad(in_helper)
    inject(monkeypatch, where, what, error)
    with pytest.raises(InternalError, match=type(error).__name__):
        gradient(np.array([1.0, 2.0]))


@pytest.mark.parametrize("error", FAULTS[:3], ids=lambda e: type(e).__name__)
def test_in_other_ways_to_compile(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def nested(x: Any) -> Any:
        return np.sum(grad(straight)(x) ** 2)

    inject(monkeypatch, reverse.Reverser, "accumulate", error)
    x = np.array([1.0, 2.0])
    for gradient in (
        grad(straight, optimize=False),
        value_and_grad(in_if),
        grad(nested),
        grad(grad(straight)),
    ):
        for ask in (gradient, gradient.source_for):
            with pytest.raises(InternalError):
                ask(x)


def test_in_the_text_of_the_primal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written when it is read."""
    gradient = grad(lambda x: x * x)
    gradient(3.0)
    with monkeypatch.context() as patch:
        patch.setattr(write, "to_text", throw(KeyError("k")))
        for _ in range(2):
            with pytest.raises(InternalError, match="KeyError: 'k'"):
                print(gradient.source)
        assert "grad_x" in gradient.backward_source
    assert "L = x * x" in gradient.source


def test_in_the_careful_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made when `math` has raised."""
    gradient = grad(lambda x: np.exp(x) * x)
    assert np.isfinite(gradient(1.0))
    monkeypatch.setattr(compiler.scalar_math, "on_numpy", throw(ValueError("v")))
    with pytest.raises(InternalError, match="ValueError: v"):
        gradient(1000.0)


def test_in_a_rule_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Static parts of rules run while compiling."""
    fault = throw(KeyError("k"))
    fault = FunctionType(
        fault.__code__, vars(reductions), "fault", None, fault.__closure__
    )  # one of the room's
    monkeypatch.setattr(reductions, "drops_leading", fault)
    with pytest.raises(InternalError, match="KeyError"):
        grad(lambda x: np.sum(np.var(x, axis=0) ** 2))(np.ones((2, 3)))


def test_what_it_says() -> None:
    error = InternalError("KeyError: 'k'")
    assert "a defect of revcompile, not of your function: KeyError: 'k'" in str(error)
    assert "report" in str(error) and np.__version__ in str(error) and revcompile.__version__ in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert not isinstance(error, (TypeError, UnsupportedError))


def test_an_exception_of_another_class_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the one that a signal's handler raises."""

    class Alarm(Exception):
        pass

    for error in (Alarm("late"), TimeoutError("late"), KeyboardInterrupt()):
        monkeypatch.setattr(line, "simplify", throw(error))  # type: ignore[arg-type]
        with pytest.raises(type(error)):
            grad(straight)(np.ones(2))


def test_what_raises_recursion_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is nested deeply is refused; the program's own error is its own; ours is a defect."""

    def deep(n: int) -> float:
        try:
            return 0.0 if n == 0 else 1.0 + deep(n - 1)
        except ZeroDivisionError:
            return 0.0

    def raises(n: int) -> float:
        try:
            raise RecursionError("of the program")
        except ZeroDivisionError:
            return 0.0

    x = np.ones(2)
    assert (grad(lambda x: np.sum(x) * deep(40))(x) == 40.0).all()
    for gradient, args in [
        (grad(lambda x: np.sum(x) * deep(10**6)), (x,)),
        (grad(lambda x, n: np.sum(x) * deep(n), 0), (x, 10**6)),
        (grad(lambda x: np.sum(x) * raises(1)), (x,)),
        (grad(lambda x, n: np.sum(x) * raises(n), 0), (x, 1)),
    ]:
        with pytest.raises(RecursionError):
            gradient(*args)
    gradient = grad(straight)
    monkeypatch.setattr(line, "simplify", throw(RecursionError("r")))
    with pytest.raises(InternalError, match="RecursionError: r"):
        gradient(x)


def test_what_says_nothing() -> None:
    """An exception of the program's that has no text is shown all the same."""

    class Odd(Exception):
        def __str__(self) -> str:
            raise ValueError

    def f(x: Any) -> Any:
        if x > 1.0:
            raise Odd
        return x * x

    gradient = grad(f)
    assert gradient(0.5) == 1.0
    with pytest.raises(Odd):
        gradient(2.0)


def test_wrappers_of_themselves_and_methods_without_parameters() -> None:
    def f(*xs: Any) -> Any:
        return xs[0]

    f.__wrapped__ = f  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="wrapper loop"):
        grad(f)

    class Thing:
        def method() -> float:  # type: ignore[misc]
            return 1.0

    with pytest.raises(TypeError, match="too many positional arguments"):
        grad(Thing().method)


# -- what the program raises ------------------------------------------------------------------------


class Weights:
    @property
    def broken(self) -> float:
        raise KeyError("of the property")

    def __getattr__(self, name: str) -> float:
        raise AttributeError(f"there is no {name}")


THING, TABLE_OF, NOTHING = Weights(), {"a": 1}, None
RAISING: dict[str, Callable[[Any], Any]] = {
    "ZeroDivisionError: division by zero": lambda x: np.sum(x) * (1 / 0),
    "IndexError: list index out of range": lambda x: np.sum(x) * WEIGHTS[5],
    "KeyError: 'zz'": lambda x: np.sum(x) * TABLE_OF["zz"],
    "NameError: name 'nowhere' is not defined": lambda x: np.sum(x) * nowhere,  # type: ignore[name-defined] # noqa: F821
    "TypeError: too many positional arguments": lambda x: straight(x, 1),  # type: ignore[call-arg]
    "TypeError: missing a required argument: 'x'": lambda x: straight(),  # type: ignore[call-arg]
    "ValueError: not enough values to unpack (expected 3, got 2)": lambda x: sum(
        a for a, b, c in [(1.0, 2.0)]  # type: ignore[misc]
    ) * np.sum(x),
    "KeyError: 'of the property'": lambda x: np.sum(x) * THING.broken,
    "AttributeError: there is no depth": lambda x: np.sum(x) * THING.depth,
    "AttributeError: module 'numpy' has no attribute 'summ'": lambda x: np.summ(x),
    "AxisError: axis 3 is out of bounds for array of dimension 1": lambda x: np.sum(x, axis=3),
    "TypeError: len() takes exactly one argument (2 given)": lambda x: len(x, x) * np.sum(x),  # type: ignore[call-arg]
    "TypeError: object of type 'int' has no len()": lambda x: len(3) * np.sum(x),  # type: ignore[arg-type]
    "TypeError: list.append() takes exactly one argument (0 given)": lambda x: [].append() * np.sum(x),  # type: ignore
    "ValueError: invalid literal for int() with base 10: 'abc'": lambda x: int("abc") * np.sum(x),
    "ValueError: math domain error": lambda x: math.sqrt(-1.0 * len(WEIGHTS[:1])) * np.sum(x),
    "ValueError: cannot reshape array of size 3 into shape (2,2)": lambda x: np.sum(
        np.reshape(np.ones(3), (2, 2))
    ) * np.sum(x),
    "TypeError: 'float' object cannot be interpreted as an integer": lambda x: sum(x[i] for i in range(0.5)),  # type: ignore
    "TypeError: max expected at least 1 argument, got 0": lambda x: max() * np.sum(x),  # type: ignore[call-overload]
    "ValueError: zip() argument 2 is shorter than argument 1": lambda x: sum(
        a for a, b in zip([1.0, 2.0], [1.0], strict=True)
    ) * np.sum(x),
    "TypeError: unhashable type: 'list'": lambda x: {[]: 2}[0] * np.sum(x),
    "TypeError: argument of type 'int' is not iterable": lambda x: (3 in 4) * np.sum(x),  # type: ignore[operator]
    "IndexError: pop from empty list": lambda x: [].pop() * np.sum(x),
    "ValueError: 5 is not in list": lambda x: [1].index(5) * np.sum(x),
    "TypeError: list indices must be integers or slices, not str": lambda x: WEIGHTS["a"] * np.sum(x),  # type: ignore
    "TypeError: unsupported operand type(s) for *: 'NoneType' and 'float'": lambda x: NOTHING * np.sum(x),  # type: ignore
    "ValueError: negative dimensions are not allowed": lambda x: np.sum(np.zeros(-1)) * np.sum(x),
    "ValueError: Unknown format code 'q' for object of type 'int'": lambda x: len(f"{1:q}") * np.sum(x),
    "TypeError: 'str' object cannot be interpreted as an integer": lambda x: round(np.sum(x), "a"),
}  # fmt: skip


@pytest.mark.parametrize("said", RAISING)
def test_what_the_program_raises_is_its_own(said: str) -> None:
    """At the top it is raised while compiling; in a branch, where the program gets there."""
    f = RAISING[said]
    kind, _, text = said.partition(": ")

    def in_a_branch(x: Any, far: float) -> Any:
        if far > 10.0:
            return f(x)
        return np.sum(x)

    x = np.array([1.0, 2.0, 3.0])
    for gradient, args in [
        (grad(f), (x,)),
        (grad(f, optimize=False), (x,)),
        (grad(in_a_branch, 0), (x, 11.0)),
    ]:
        if args[1:]:
            assert (gradient(x, 1.0) == 1.0).all()
        with pytest.raises(Exception) as caught:
            gradient(*args)
        assert type(caught.value).__name__ == kind
        assert str(caught.value).partition("\n")[0] == text


def refuses(v: Any) -> Any:
    raise KeyError("of the helper")


BEFORE = {
    "for": "for k in range(int(x)):\n        held.append(refuses(x))",
    "while": "n = 0\n    while n < x:\n        n += 1\n        held.append(refuses(x))",
    "if": "if x > 0.0:\n        held.append(refuses(x))",
    "nested": "for k in range(2):\n        if x > k:\n            refuses(x)",
}
AFTER = [
    "return held[0] + x",
    "return [x][3]",
    "return {'a': x}['b']",
    "return x * np.zeros(2)[5]",
    "return x / 'a'",
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("after", AFTER)
def test_what_is_raised_first_is_raised(before: str, after: str) -> None:
    """An error that is sure to come waits for what comes before it, which may raise another, or print."""
    text = f"def f(x):\n    held = []\n    {BEFORE[before]}\n    {after}\n"
    f = make(text, np=np, refuses=refuses)
    for optimize in (True, False):
        for x in (2.5, -0.5):
            with pytest.raises(Exception) as expected:
                f(x)
            with pytest.raises(type(expected.value)) as caught:
                grad(f, optimize=optimize)(x)
            assert type(caught.value) is type(expected.value)


def test_what_is_printed_before_an_error_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    f = make("def f(x):\n    print('before')\n    return [x][3]\n")
    with pytest.raises(IndexError):
        grad(f)(1.0)
    assert capsys.readouterr().out == "before\n"
