"""The undoing of broadcasting, as a gate. Imports NumPy, the gate table and the run-time helpers."""

from __future__ import annotations

from typing import Any

import numpy as np

from revcompile.gates.axes import shape_dims
from revcompile.gates.samples import example, real
from revcompile.gates.table import gate
from revcompile.gates.traits import Kind, Memory
from revcompile.runtime import unbroadcast


@gate(
    unbroadcast,
    kind=Kind.UNSTRETCH,
    memory=Memory.SHARED,
    dims=lambda facts, gradient, shape: shape_dims(facts, shape),
    examples=[
        example(real(3, 4), (1, 4)),
        example(real(2, 3, 4), (3, 1)),
        example(real(4), (4,)),
        example(real(1), (4,)),
        example(real(3, 1, 2), (1, 4, 2)),
    ],
)
def unbroadcast_(grad_y: Any, gradient: Any, shape: Any) -> Any:
    if grad_y.ndim == gradient.ndim:  # an axis of length 1 was stretched, or will be
        grad_gradient = unbroadcast(grad_y, gradient.shape)
    else:
        grad_gradient = np.broadcast_to(grad_y, gradient.shape)
    return grad_gradient
