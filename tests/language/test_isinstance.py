"""What `isinstance` is asked for: unions, aliases of `typing`, protocols, classes with a metaclass of their own."""

from __future__ import annotations

import typing
from typing import Any

import numpy as np
import pytest

from revcompile import UnsupportedError, grad
from tests.support.program import make


@typing.runtime_checkable
class HasMethod(typing.Protocol):
    def method(self) -> float: ...


@typing.runtime_checkable
class HasNumber(typing.Protocol):
    number: float


class Meta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return True


class All(metaclass=Meta):
    pass


class Thing:
    def __init__(self) -> None:
        self.number = 2.0

    def method(self) -> float:
        return 2.0


class Empty:
    pass


NAMES = {
    "typing": typing, "HasMethod": HasMethod, "HasNumber": HasNumber, "All": All, "Thing": Thing, "Empty": Empty,
    "THING": Thing(), "EMPTY": Empty(),
}  # fmt: skip
ASKED = [
    "x, int | float", "x, int | str", "x, (int, (str | float,))", "x, float | None", "None, int | None", "x, ()",
    "THING, Thing | None", "EMPTY, Thing | None", "[x], typing.Sized", "[x], typing.List", "x, typing.Callable",
    "Thing, typing.Callable", "THING, HasMethod", "EMPTY, HasMethod", "Thing(), HasMethod", "(1, x), list | tuple",
    "x * np.ones(2), np.ndarray | float", "x, typing.SupportsFloat", "3, All", "x, All", "EMPTY, (int, All)",
    "THING, HasNumber", "x, typing.Optional[float]", "x, list[int]", "x, 'float'",
]  # fmt: skip
FORMS = [
    "return 3.0 * x if isinstance({a}) else x",
    "if isinstance({a}):\n        return 3.0 * x\n    return x",
    "s = x\n    for _ in range(2):\n        s = s + x * isinstance({a})\n    return s",
    "def inner(x):\n        return 3.0 * x if isinstance({a}) else x\n    return inner(x)",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", ASKED)
def test_it_is_python_s_answer(asked: str, form: str) -> None:
    f = make(f"def f(x):\n    {form.format(a=asked)}\n", np=np, **NAMES)
    decided = "All" in asked or "HasNumber" in asked or "Optional" in asked
    for optimize in (True, False):
        try:
            expected: Any = f(2.0) / 2.0
        except TypeError as e:
            expected = e
        if decided or isinstance(expected, TypeError):
            with pytest.raises(UnsupportedError if decided else TypeError):
                grad(f, optimize=optimize)(2.0)
        else:
            assert grad(f, optimize=optimize)(2.0) == expected


@pytest.mark.parametrize(
    "text",
    [
        "3.0 * x if EMPTY else x",
        "x if not EMPTY else 3.0 * x",
        "(EMPTY and 3.0 * x) or x",
        "x * 3.0 ** bool(EMPTY)",
    ],
)
def test_an_object_of_the_program_is_true(text: str) -> None:
    """Until its class says otherwise."""

    class Kind:
        pass

    g = grad(make(f"def f(x):\n    return {text}\n", EMPTY=Kind()))
    assert g(2.0) == 3.0
    Kind.__bool__ = lambda self: False  # type: ignore[attr-defined]
    assert g(2.0) == 1.0
    del Kind.__bool__  # type: ignore[attr-defined]
    Kind.__len__ = lambda self: 0  # type: ignore[attr-defined]
    assert g(2.0) == 1.0


def test_what_has_items_that_are_not_supported() -> None:
    f = make("def f(x):\n    B[0] = 3\n    return x * B[0]\n", B=bytearray(b"ab"))
    with pytest.raises(UnsupportedError, match="storing into a bytearray"):
        grad(f)(2.0)
