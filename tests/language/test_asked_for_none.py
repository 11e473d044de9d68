"""What a function gives on one way, and leaves None on another, is asked for by `is None`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from revcompile import grad, jvp, value_and_grad
from tests.support.oracle import assert_close, numerical_gradients
from tests.support.program import make

HITS = {
    "flat": "def hit(x):\n    if x > 1:\n        return x * x\n    return None\n",
    "falls off": "def hit(x):\n    if x > 1:\n        return x * x\n",
    "three ways": "def hit(x):\n    if x < 0:\n        return None\n    if x > 1:\n        return x * x\n"
    "    if x > 0.5:\n        return np.sin(x)\n    return None\n",
    "else": "def hit(x):\n    if x > 1:\n        y = x * x\n    elif x > 0.5:\n        y = np.exp(x)\n    else:\n"
    "        y = None\n    return y\n",
    "larger": "def hit(x):\n    s = x\n    for i in range(4):\n        s = s * 0.5 + np.sin(s) * np.cos(x + i) + x\n"
    "        s = np.tanh(s) * np.sqrt(1.0 + s * s) - 0.3 * s + np.exp(-s * s)\n    if s < 0.9:\n        return None\n    return s\n",
}  # fmt: skip
ASKED = {
    "is not": "    t = hit(x[0])\n    if t is not None:\n        return t * w\n    return x[1] * w\n",
    "is": "    t = hit(x[0])\n    if t is None:\n        return x[1] * w\n    return t * w\n",
    "turned": "    t = hit(x[0])\n    return w * (x[1] if None is t else t)\n",
    "and": "    t = hit(x[0])\n    if t is not None and t < 3.0:\n        w = w * t\n    return w * x[1]\n",
    "or": "    t = hit(x[0])\n    if t is None or t > 3.0:\n        w = w * x[1]\n    return w * x[2]\n",
    "for": "    best, found = np.inf, -1\n    for i in range(len(x)):\n        t = hit(x[i])\n"
    "        if t is not None and t < best:\n            best, found = t, i\n"
    "    return best * w + x[found] if found >= 0 else np.sum(x) * w\n",
    "values": "    s = 0.0\n    for v in x:\n        t = hit(v)\n        if t is None:\n            continue\n        s = s + t * w\n"
    "    return s + x[0]\n",
    "while": "    i, t = 0, hit(x[0])\n    while t is None and i < 2:\n        i += 1\n        t = hit(x[i])\n"
    "    return w * x[2] if t is None else t * w\n",
    "helper": "    return used(hit(x[0]), x[1]) * w\n",
    "list": "    s = w\n    for t in [hit(x[0]), hit(x[1])]:\n        if t is not None:\n            s = s + t\n    return s * x[2]\n",
}  # fmt: skip
USED = "def used(t, otherwise):\n    return otherwise if t is None else t * otherwise\n"
CALLS = [np.array(x) for x in ([1.3, 0.7, -0.4], [-0.3, 1.6, 1.2], [0.7, 0.2, 1.4], [0.1, -0.2, 0.3])]


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("hit", HITS)
def test_what_may_be_none(hit: str, asked: str, optimize: bool) -> None:
    f: Any = make(f"{HITS[hit]}\n{USED}\ndef f(x, w):\n{ASKED[asked]}")
    both = value_and_grad(f, (0, 1), optimize=optimize)
    for x in CALLS:
        value, found = both(x, 0.8)
        assert value == pytest.approx(f(x, 0.8))
        assert_close(found, numerical_gradients(f, (x, 0.8)))
        _, along = jvp(f, (x, 0.8), (x, 0.5))
        assert along == pytest.approx(np.sum(found[0] * x) + 0.5 * found[1])


def test_what_is_none_is_no_number() -> None:
    f = make(f"{HITS['flat']}\ndef f(x):\n    return hit(x) * 2.0\n")
    assert grad(f)(1.5) == pytest.approx(6.0)
    with pytest.raises(TypeError, match="None is no number"):
        grad(f)(0.5)
