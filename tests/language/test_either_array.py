"""Arrays that are one of two, again and again: what was written is read under every name, and the text stays short."""

from __future__ import annotations

import numpy as np
import pytest

from revcompile import grad
from tests.language.checking import check
from tests.support.program import make

X, Z = np.array([0.3, -0.7, 1.1, 0.4]), np.array([0.9, 0.2, -0.5, 1.3])

CHOICES = {
    "a view or its own": "y = x * 1.5 if s > {k} else x[::-1]\ny[{i}] = s\n",
    "itself or its own": "y = x if s > {k} else x * 1.5\ny[1:3] = z[:2] * s\n",
    "one of two": "y = x if s > {k} else z\ny[{i}] = s\nx[1] *= t\n",
    "two names": "y, w = (x, z) if s > {k} else (z, x)\ny[{i}] = w[1] * s\nw[2] += y[0] * t\n",
    "an if": "if s > {k}:\n    y = x[1:]\nelse:\n    y = z[1:]\ny[0] = x[2] * s\nz[3] *= t\n",
    "one of what is one": "y = y if t > {k} else x\ny[{i}] = s\nx[0] *= t\n",
    "the whole": "y = x if s > {k} else z\ny[:] = x * z\ny += x\n",
    "in a branch": "y = x if s > {k} else z[::-1]\nif t > 0.1:\n    y[{i}] = s\n    x[1] = y[2] * t\nz[0] *= s\n",
    "in a loop": "y = x if s > {k} else z\nfor i in range(3):\n    y[i] = x[i + 1] * s\nx[2] *= t\n",
    "a helper": "y = one(x, z, s - {k})\ny[{i}] = s\nz[1] += x[0] * t\n",
    "an early end": "y = x if s > {k} else z\ny[{i}] = s\nif np.sum(x) > 50.0:\n    return np.sum(y)\nx[0] *= t\n",
}
ONE = "def one(x, z, s):\n    if s > 0.0:\n        return x\n    return z\n"


def program(body: str, count: int) -> str:
    text = "".join(body.format(k=0.2 * k - 0.5, i=k % 3) for k in range(count))
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return f"{ONE}\ndef f(x, z, s, t):\n    y = x * 0.5\n{lines}    return np.sum(x * y[0] + z * 0.3) + np.sum(y * y)\n"


@pytest.mark.parametrize("body", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("s, t", [(-0.2, 0.25), (0.2, -0.4)])
def test_gradients(body: str, s: float, t: float) -> None:
    check(make(program(body, 4)), X, Z, s, t)


@pytest.mark.parametrize("body", CHOICES.values(), ids=CHOICES)
def test_the_text_grows_with_the_number_of_choices(body: str) -> None:
    lengths = []
    for count in (3, 6):
        gradient = grad(make(program(body, count)))
        gradient(X, Z, 0.6, 0.3)
        lengths.append(gradient.source.count("\n"))  # type: ignore[attr-defined]
    assert lengths[1] <= 2.5 * lengths[0]
