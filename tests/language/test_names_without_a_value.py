"""A name that a nested function assigns is its own, from its first line: it never stands for one around it."""

from __future__ import annotations

from typing import Any

import pytest

from revcompile import grad, value_and_grad
from tests.support.program import make

BODIES = {
    "read before it is assigned": "def go():\n        y = x\n        x = x * 2\n        return y\n    return go() + x",
    "added to": "def go():\n        x += 1\n        return x\n    return go() + x",
    "in a branch": (
        "def go():\n        if k > 1:\n            t = x\n        return t * x\n    t = x * 5\n    return go() + t"
    ),
    "a global's": "def go():\n        if k > 1:\n            Y = x\n        return Y * x\n    return go() + x",
    "in a loop": (
        "def go():\n        for i in range(k):\n            q = x * i\n        return q\n    q = 1.0\n    return go() + q"
    ),
    "loop's": (
        "def go():\n        r = x\n        for x in (1.0, 2.0):\n            r = r * x\n        return r\n    return go()"
    ),
    "deleted": "def go():\n        Y = x\n        del Y\n        return Y * x\n    return go()",
    "of the function around, later": "def go():\n        return Y * x\n    r = go()\n    Y = x\n    return r + Y",
    "read inside, later": "r = Y * x\n    Y = 2.0\n    def go():\n        return Y\n    return r + go()",
    "two deep": (
        "def go():\n        def deep():\n            return u * x\n        r = deep()\n        u = x * 2\n"
        "        return r + u\n    u = 5.0\n    return go() + u"
    ),
    "of its own": "def go():\n        y = x * 2\n        t = y * x\n        return t\n    t = 1.0\n    return go() + t",
    "nonlocal": (
        "t = x\n    def go():\n        nonlocal t\n        t = t * x\n        return t\n    return go() + t"
    ),
    "of a parameter": "def go(x):\n        x = x * x\n        return x\n    return go(x) + x",
    "of a comprehension": "def go():\n        return sum([x * i * x for i in range(3)])\n    i = x\n    return go() + i",
}


@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("name", BODIES)
def test_it_is_what_python_says(name: str, optimize: bool) -> None:
    f = make(f"def f(x, k):\n    {BODIES[name]}\n", Y=3.0)
    both, alone = value_and_grad(f, 0, optimize=optimize), grad(f, 0, optimize=optimize)
    for k in (2, 0, 1, 2):
        try:
            wanted: Any = f(0.7, k)
        except NameError as e:
            for gradient in (both, alone):
                with pytest.raises(NameError) as caught:
                    gradient(0.7, k)
                assert caught.type is type(e)
            continue
        value, slope = both(0.7, k)
        assert value == pytest.approx(wanted)
        assert slope == pytest.approx((f(0.7 + 1e-6, k) - f(0.7 - 1e-6, k)) / 2e-6, rel=1e-5)
        assert alone(0.7, k) == slope
