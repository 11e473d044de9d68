"""autograd's `misc`: parameters as one vector (`flatten`), and optimisers of functions that have a gradient.

    from revcompile.autograd.misc.flatten import flatten
    from revcompile.autograd.misc.optimizers import adam

Imports NumPy alone: `revcompile.autograd` gives it its names.

>>> vector, unflatten = flatten({"w": np.ones((2, 2)), "b": 3.0})
>>> vector, unflatten(2 * vector)["b"]
(array([1., 1., 1., 1., 3.]), np.float64(6.0))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Function = Callable[..., Any]
Step = Callable[[int, Any, Any, Any], tuple[Any, Any]]


class _Place(NamedTuple):
    """Where in the vector the numbers of a leaf are; a number has no shape."""

    start: int
    stop: int
    shape: tuple[int, ...]


def flatten(value: Any) -> tuple[Any, Function]:
    """The numbers of a tree as one vector, and the function that makes such a tree of a vector.

    Trees are of arrays and numbers in lists, tuples and dicts. Both can be differentiated.
    """
    leaves: list[Any] = []
    tree, _ = _placed(value, leaves, 0)

    def unflatten(vector: Any) -> Any:
        return _rebuilt(tree, vector)

    return np.concatenate([np.ravel(leaf) for leaf in leaves]) if leaves else np.zeros(0), unflatten


def _placed(value: Any, leaves: list[Any], start: int) -> tuple[Any, int]:
    """The tree with places for its leaves, from `start`, and where they end."""
    if isinstance(value, (list, tuple)):
        items = []
        for item in value:
            made, start = _placed(item, leaves, start)
            items.append(made)
        return (items if isinstance(value, list) else tuple(items)), start
    if isinstance(value, dict):
        named = {}
        for key in value:
            named[key], start = _placed(value[key], leaves, start)
        return named, start
    leaves.append(value)
    stop = start + int(np.size(value))
    return _Place(start, stop, np.shape(value)), stop


def _rebuilt(tree: Any, vector: Any) -> Any:
    if isinstance(tree, _Place):
        part = vector[tree.start : tree.stop]
        return np.reshape(part, tree.shape) if tree.shape else part[0]
    if isinstance(tree, dict):
        return {key: _rebuilt(tree[key], vector) for key in tree}
    items = [_rebuilt(item, vector) for item in tree]
    return items if isinstance(tree, list) else tuple(items)


def _optimised(
    step: Step, state: Any, grad: Function, x0: Any, callback: Function | None, num_iters: int
) -> Any:
    """What `x0` has become after so many steps along gradients `grad(x, i)`; `state` is the steps' own."""
    x, unflatten = flatten(x0)
    for i in range(num_iters):
        g = grad(unflatten(x), i)
        if callback is not None:
            callback(unflatten(x), i, g)
        x, state = step(i, x, flatten(g)[0], state)
    return unflatten(x)


def sgd(
    grad: Function, x: Any, callback: Function | None = None, num_iters: int = 200, step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:  # fmt: skip
    """Gradient descent with momentum."""

    def step(i: int, x: Any, g: Any, velocity: Any) -> tuple[Any, Any]:
        velocity = mass * velocity - (1.0 - mass) * g
        return x + step_size * velocity, velocity

    return _optimised(step, 0.0, grad, x, callback, num_iters)


def rmsprop(
    grad: Function, x: Any, callback: Function | None = None, num_iters: int = 100, step_size: float = 0.1,
    gamma: float = 0.9, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Root mean square propagation (T. Tieleman, G. Hinton, 2012)."""

    def step(i: int, x: Any, g: Any, square: Any) -> tuple[Any, Any]:
        square = gamma * square + (1.0 - gamma) * g**2
        return x - step_size * g / (np.sqrt(square) + eps), square

    return _optimised(step, 1.0, grad, x, callback, num_iters)


def adam(
    grad: Function, x: Any, callback: Function | None = None, num_iters: int = 100, step_size: float = 0.001,
    b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8,
) -> Any:  # fmt: skip
    """Adam (D. P. Kingma, J. Ba: Adam, a method for stochastic optimization, 2015)."""

    def step(i: int, x: Any, g: Any, moments: Any) -> tuple[Any, Any]:
        mean, square = moments
        mean, square = b1 * mean + (1.0 - b1) * g, b2 * square + (1.0 - b2) * g**2
        steady = mean / (1.0 - b1 ** (i + 1)), square / (1.0 - b2 ** (i + 1))
        return x - step_size * steady[0] / (np.sqrt(steady[1]) + eps), (mean, square)

    return _optimised(step, (0.0, 0.0), grad, x, callback, num_iters)
