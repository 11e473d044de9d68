"""What a number does not have raises what Python raises; what it has is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check
from tests.support.program import make

FORMS = [
    "def f(x, n):\n    y = 2.0 * x\n    return x * {}\n",
    "def f(x, n):\n    y = 2.0 * x\n    if x > 0:\n        x = x * {}\n    return x\n",
    "def f(x, n):\n    y = 2.0 * x\n    for i in range(n):\n        x = x * {}\n    return x\n",
    "def h(x, y, n):\n    return x * {}\ndef f(x, n):\n    return h(x, 2.0 * x, n)\n",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("asked", "kind"),
    [(f"{who}.{what}", kind) for who, kind in (("x", "float"), ("y", "float"), ("n", "int"))
     for what in ("shape[0]", "ndim", "size", "T", "sum()", "reshape(-1)", "colour")],
)  # fmt: skip
def test_pythons_numbers_have_no_shape(asked: str, kind: str, form: str) -> None:
    f: Any = make(form.format(asked))
    name = asked.partition(".")[2].partition("(")[0].partition("[")[0]
    for optimize in (True, False):
        with pytest.raises(AttributeError, match=f"'{kind}' object has no attribute '{name}'"):
            grad(f, argnums=0, optimize=optimize)(0.7, 2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", ["x.real", "(1.0 + y.imag)", "n.real", "(1 + n.imag)", "np.exp(x).size"])
def test_what_they_have(asked: str, form: str) -> None:
    check(make(form.format(asked)), 0.7, 2, argnums=(0,))


@pytest.mark.parametrize(
    "asked", ["x.ndim + 1", "x.shape == ()", "x.size", "x.T", "x.sum()", "x.reshape(-1)[0]"]
)
def test_numpys_numbers_have_a_shape(asked: str) -> None:
    check(make(f"def f(x):\n    return x * ({asked})\n"), np.float64(0.7))
