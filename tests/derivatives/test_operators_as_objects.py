"""What the operators give, as objects: pickled, copied, asked for help; and where their errors point."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, hvp, jacfwd, jvp, linearize, vjp
from tests.face import living_module as living
from tests.face.test_pickling import in_fresh_process

X = np.array([0.5, -1.0, 2.0])


@pytest.mark.parametrize(
    "function, args",
    [
        (living.moved, ((2.0,), (1.0,))),
        (living.along, ((0.5, 2.0), (1.0, 0.0))),
        (living.matrix, (0.5, 2.0)),
        (living.rows, (0.5, 2.0)),
        (living.valued, (0.5,)),
        (living.curved, (0.5, 2.0)),
        (living.product, (0.5, 2.0, (1.0, 1.0))),
        (living.each, (0.5, 2.0)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_they_pickle(function: Any, args: Any) -> None:
    same = pickle.loads(pickle.dumps(function))
    assert same is function is copy.deepcopy(function)
    np.testing.assert_allclose(in_fresh_process(function, *args), function(*args))


def test_those_that_give_functions_pickle() -> None:
    assert pickle.loads(pickle.dumps(living.pulled)) is living.pulled
    value, along = living.line(0.5, 2.0)
    assert np.isclose(in_fresh_process(along, 1.0, 0.0), along(1.0, 0.0))
    assert copy.deepcopy(along)(1.0, None) == along(1.0, None)
    assert "living_module" in pickle.dumps(living.line).decode("latin-1")


def test_a_pullback_is_copied_and_does_not_pickle() -> None:
    x = X.copy()
    _, pullback = vjp(living.layer, x, 2.0)
    expected = pullback(X)
    apart = copy.deepcopy(pullback)
    assert copy.copy(pullback) is pullback
    for pull in (apart, pullback):
        np.testing.assert_array_equal(pull(X)[0], expected[0])
    with pytest.raises(TypeError, match="does not pickle: pickle vjp"):
        pickle.dumps(pullback)


def test_what_cannot_be_imported_says_so() -> None:
    def inner(x: Any) -> Any:
        return x * x

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(jvp(inner))


def test_help_teaches() -> None:
    text = pydoc.render_doc(living.along, renderer=pydoc.plaintext)
    assert "layer(primals, tangents)" in text and "takes two tuples" in text and "A layer." in text
    for name in (
        "jvp",
        "vjp",
        "linearize",
        "jacobian",
        "hessian",
        "hvp",
        "elementwise_grad",
        "value_and_jacobian",
    ):
        import revcompile

        assert ">>> " in inspect.getdoc(getattr(revcompile, name))  # type: ignore[operator]
    assert str(inspect.signature(living.product)).startswith("(x, y, vector, /)")


# -- errors ----------------------------------------------------------------------------------------


def wave(x: Any) -> Any:
    return np.sin(x)


LINE = wave.__code__.co_firstlineno

WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a tangent's shape": (
        lambda: jvp(wave, (X,), (X[:2],)),
        ValueError,
        "the tangent of argument 0 has the shape",
    ),
    "a tangent's structure": (lambda: jvp(wave, (X,), ((X,),)), TypeError, "of the argument's own structure"),
    "a vector's shape": (lambda: hvp(wave_sum)(X, X[:2]), ValueError, "has the shape"),
    "a direction's shape": (lambda: linearize(wave, X)[1](X[:2]), ValueError, "has the shape"),
    "a number of an argument": (
        lambda: jacfwd(wave, argnums=3)(X),
        ValueError,
        "f has|wave has 1 parameters",
    ),
}


def wave_sum(x: Any) -> Any:
    return np.sum(wave(x))


@pytest.mark.parametrize("case", WRONG)
def test_errors_point_at_the_users_function(case: str) -> None:
    call, kind, message = WRONG[case]
    with pytest.raises(kind, match=message) as caught:
        call()
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
    f = wave_sum if call is WRONG["a vector's shape"][0] else wave
    assert f'File "{__file__}", line {f.__code__.co_firstlineno}, in {f.__name__}' in text
    assert "<revcompile" not in text
    frames = [frame.path for frame in caught.traceback]
    assert str(frames[-1]).endswith("errors.py") or "<revcompile" not in "".join(map(str, frames))


def test_errors_of_functions_without_source_have_no_line() -> None:
    with pytest.raises(ValueError, match=r"^the tangent of argument 0 has the shape \(2,\), not \(3,\)$"):
        jvp(np.tanh, (X,), (X[:2],))


def test_a_cotangent_of_the_wrong_shape() -> None:
    with pytest.raises(ValueError, match="the cotangent of the result has the shape") as caught:
        vjp(wave, X)[1](X[:2])
    assert all("pullback.py" not in str(frame.path) for frame in caught.traceback)


def test_refusals_stand_at_their_own_line() -> None:
    def refused(x):
        return np.fft.fft(x)

    with pytest.raises(UnsupportedError, match="in refused"):
        jvp(refused, (X,), (X,))
