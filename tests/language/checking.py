"""One check for all of these tests: gradients against differences, arguments left as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from revcompile import grad
from tests.corpus.differences import Differences, assert_gradient, assert_unchanged, copied, leaves


def check(f: Callable[..., Any], *args: Any, argnums: tuple[int, ...] | None = None) -> None:
    """The gradients of `f` at `args` have the structure, the kinds and the values that they should have."""
    positions = argnums
    if positions is None:
        positions = tuple(i for i, a in enumerate(args) if any(True for _ in leaves(a)))
    expected = Differences(f, args, positions)
    assert expected.doubt < 1e-2
    for optimize in (True, False):
        gradient = grad(f, argnums=positions, optimize=optimize)
        for _ in range(2):  # the second call runs inline
            given = copied(args)
            alone = gradient(*given)
            assert_unchanged(given, args)
            value, gradients = gradient.value_and_grad(*given)
            assert_unchanged(given, args)
            np.testing.assert_allclose(np.squeeze(value), expected.value, rtol=1e-12, atol=1e-12)
            for found in (alone, gradients):
                assert type(found) is tuple and len(found) == len(positions)
                for position, one in zip(positions, found):
                    assert_gradient(args[position], one, expected.gradients, (position,), expected.value)
