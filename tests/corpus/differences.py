"""Trees of arguments, and the derivative of a function by each float in them, by central differences.

A tree is a number or an array, or a tuple, list, dict, named tuple, dataclass or object of the corpus' own
classes, of trees.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

STEP = 1e-4
Path = tuple[Any, ...]


def children(tree: Any) -> list[tuple[Any, Any]] | None:
    """What a tree consists of, by index, key or attribute; None for a leaf."""
    if isinstance(tree, (tuple, list)):
        return list(enumerate(tree))
    if isinstance(tree, dict):
        return list(tree.items())
    if type(tree).__module__.startswith(("tests.", "revcompile_example")) and hasattr(tree, "__dict__"):
        return list(vars(tree).items())
    return None


def is_float(leaf: Any) -> bool:
    return isinstance(leaf, (float, np.floating)) or (
        isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.floating)
    )


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The floats and arrays of floats of a tree, each with the way to it."""
    inside = children(tree)
    if inside is None:
        if is_float(tree):
            yield path, tree
        return
    for step, child in inside:
        yield from leaves(child, (*path, step))


def mapped(tree: Any, change: Callable[[Path, Any], Any], path: Path = ()) -> Any:
    """A new tree of the same kind, with each leaf changed."""
    inside = children(tree)
    if inside is None:
        return change(path, tree)
    new = [(step, mapped(child, change, (*path, step))) for step, child in inside]
    if isinstance(tree, dict):
        return dict(new)
    if isinstance(tree, (tuple, list)):
        items = [child for _, child in new]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    same_kind = copy.copy(tree)
    for name, child in new:
        object.__setattr__(same_kind, name, child)
    return same_kind


def copied(tree: Any) -> Any:
    """A tree that shares no array with this one: functions may write into their arguments."""
    return mapped(tree, lambda _, leaf: leaf.copy(order="K") if isinstance(leaf, np.ndarray) else leaf)


def value_of(function: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """The function's value as a float, on copies of its arguments."""
    with np.errstate(all="ignore"):
        value = function(*copied(args))
    assert np.size(value) == 1, f"{function.__name__} returns {value!r}"
    return float(np.asarray(value).reshape(()))


def moved(args: tuple[Any, ...], where: Path, index: tuple[int, ...], by: float) -> tuple[Any, ...]:
    """The arguments with one element of the leaf at `where` changed."""

    def change(path: Path, leaf: Any) -> Any:
        if path != where:
            return leaf
        if not isinstance(leaf, np.ndarray):
            return type(leaf)(leaf + by)
        new = leaf.copy(order="K")
        new[index] += by
        return new

    return mapped(args, change)


class Differences:
    """The derivatives of a function at a point, and how far they can be relied upon."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], positions: tuple[int, ...]
    ) -> None:
        self.value = value_of(function, args)
        self.gradients: dict[Path, np.ndarray] = {}
        self.doubt = 0.0  # the largest disagreement of two steps, or of two sides, relative to the slope
        for position in positions:
            for path, leaf in leaves(args[position], (position,)):
                gradient = self.gradients[path] = np.zeros(np.shape(leaf))
                for index in np.ndindex(np.shape(leaf)):
                    gradient[index] = self._slope(function, args, path, index)

    def _slope(
        self, function: Callable[..., Any], args: tuple[Any, ...], path: Path, index: tuple[int, ...]
    ) -> float:
        """Central differences with two steps, extrapolated (Richardson)."""

        def at(by: float) -> float:
            return value_of(function, moved(args, path, index, by))

        up, down = at(STEP), at(-STEP)
        coarse = (up - down) / (2 * STEP)
        fine = (at(STEP / 2) - at(-STEP / 2)) / STEP
        scale = max(1.0, abs(self.value), abs(coarse))
        sides = abs((up - self.value) - (self.value - down)) / STEP  # at a kink the two sides differ
        self.doubt = max(self.doubt, 100 * abs(coarse - fine) / scale, sides / scale)
        return (4 * fine - coarse) / 3


def assert_gradient(
    variable: Any, gradient: Any, expected: dict[Path, np.ndarray], path: Path, scale: float
) -> None:
    """The gradient has the structure, shapes and dtypes of its variable, and the values expected."""
    inside = children(variable)
    if inside is not None:
        if gradient is None and not any(True for _ in leaves(variable)):
            return
        assert type(gradient) is type(variable), f"a {type(gradient).__name__} for {variable!r} at {path}"
        found = dict(children(gradient) or ())
        assert list(found) == [step for step, _ in inside], f"{gradient!r} for {variable!r} at {path}"
        for step, child in inside:
            assert_gradient(child, found[step], expected, (*path, step), scale)
    elif is_float(variable):
        assert type(gradient) is type(variable), f"a {type(gradient).__name__} for {variable!r} at {path}"
        assert np.shape(gradient) == np.shape(variable), f"shape {np.shape(gradient)} at {path}"
        assert np.asarray(gradient).dtype == np.asarray(variable).dtype, f"{gradient!r} at {path}"
        np.testing.assert_allclose(
            gradient, expected[path], rtol=1e-6, atol=1e-8 * max(1.0, abs(scale)), err_msg=f"at {path}"
        )


def assert_unchanged(now: Any, before: Any) -> None:
    """The tree is what it was: the same structure, arrays with the same elements."""
    inside = children(before)
    if inside is not None:
        assert type(now) is type(before), f"{now!r} was {before!r}"
        found = dict(children(now) or ())
        assert list(found) == [step for step, _ in inside], f"{now!r} was {before!r}"
        for step, child in inside:
            assert_unchanged(found[step], child)
    elif isinstance(before, np.ndarray):
        np.testing.assert_array_equal(now, before, err_msg="the gradient call changed its argument")
    else:
        assert now is before or now == before, f"{now!r} was {before!r}"
