"""The other operators, of one program: what they are called with here, and what they are to give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from revcompile import grad, hessian, hvp, jvp, linearize, value_and_grad, value_and_jacobian, vjp
from tests.fuzz.imperative.arguments import is_real, stepped

STEP = 1e-5  # of differences of a gradient
Vector = Any


def _pulled(f: Any, argnums: Any) -> Callable[..., Any]:
    compiled = vjp(f, argnums=argnums)

    def call(*args: Any) -> Any:
        value, pullback = compiled(*args)
        first, again = pullback(1.0), pullback(1.0)
        assert repr(first) == repr(again), "a second pullback differs"
        return value, again

    return call


def _rows(f: Any, argnums: Any) -> Callable[..., Any]:
    """A Jacobian of one number; of Python's numbers it is NumPy's."""
    compiled = value_and_jacobian(f, argnums)

    def call(*args: Any) -> Any:
        value, gradients = compiled(*args)
        one = argnums is None and len(args) == 1
        found = tuple(map(_plain, (gradients,) if one else gradients, args if argnums is None else gradients))
        return value, found[0] if one else found

    return call


def _plain(gradient: Any, variable: Any) -> Any:
    return float(gradient) if type(variable) is float and gradient is not None else gradient


# give value and gradient
REVERSE: dict[str, Callable[[Any, Any], Any]] = {
    "vjp": _pulled,
    "jacobian": _rows,
    "checkpoint": lambda f, argnums: value_and_grad(f, argnums, checkpoint=2),
}


def _along(f: Any) -> Callable[..., Any]:
    compiled = jvp(f)
    return lambda args, tangents: compiled(args, tangents)[1]


def _linear(f: Any) -> Callable[..., Any]:
    compiled = linearize(f)
    return lambda args, tangents: compiled(*args)[1](*tangents)


# give the derivative in a direction
FORWARD: dict[str, Callable[[Any], Any]] = {"forward": _along, "linearize": _linear}


def _product(f: Any) -> Callable[..., Any]:
    compiled = hvp(f)
    return lambda args, tangents: compiled(*args, tangents if len(args) > 1 else tangents[0])


def _matrix(f: Any) -> Callable[..., Any]:
    compiled = hessian(f)

    def call(args: Any, tangents: Any) -> Any:
        found = compiled(*args)
        if len(args) == 1:
            return _times([found], tangents)
        return tuple(None if row is None else _times(row, tangents) for row in found)

    return call


def _times(row: Sequence[Any], tangents: Sequence[Any]) -> Any:
    return sum(
        np.tensordot(block, t, np.ndim(t)) for block, t in zip(row, tangents, strict=True) if t is not None
    )


# give the derivative of the gradient in a direction
SECOND: dict[str, Callable[[Any], Any]] = {"hvp": _product, "hessian": _matrix}


class Along:
    """An operator that derives the function, or its gradient, along a direction."""

    def __init__(self, f: Any, name: str) -> None:
        self.is_second = name in SECOND
        self.derive = (SECOND if self.is_second else FORWARD)[name](f)
        self.gradient = grad(f) if self.is_second else None

    def __call__(self, args: Any, direction: Vector) -> Any:
        still, moved = stepped(args, None), stepped(args, direction)
        tangents = tuple(m - x if is_real(x) else None for m, x in zip(moved, still, strict=True))
        found = self.derive(args, tangents)
        return numbers(found, args) if self.is_second else float(found)

    def differences(self, args: Any, direction: Vector) -> tuple[Vector, Any]:
        """Those of the gradient, and of which of its elements they are certain."""

        def at(by: float) -> Vector:
            given = stepped(args, by * direction)
            return numbers(self.gradient(*given), given)  # type: ignore[misc]

        here, up, down, up2, down2 = map(at, (0.0, STEP, -STEP, 2 * STEP, -2 * STEP))
        near, wide = (up - down) / (2 * STEP), (up2 - down2) / (4 * STEP)
        right, left = (up - here) / STEP, (here - down) / STEP
        scale = 1 + np.abs(near) + 1e-3 * np.abs(here)
        sure = (np.abs(near - wide) < 1e-5 * scale) & (np.abs(right - left) < 1e-2 * scale)
        return near, sure & np.isfinite(near)


def numbers(gradient: Any, variables: Sequence[Any]) -> Vector:
    """The gradient as one vector."""
    parts = (gradient,) if len(variables) == 1 else gradient
    real = [np.ravel(g).astype(float) for g, x in zip(parts, variables, strict=True) if is_real(x)]
    return np.concatenate(real) if real else np.zeros(0)
