"""The fourteen kernels of tests/programs: how many times as long as the loss its gradient takes.

The loss itself runs on copies of the arrays that its kernel writes into, as the gradient does. A kernel's
name is followed by its sizes: the number of steps where there is one, then the lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revcompile import grad
from tests.benchmarks.kernels_in_jax import LOSSES
from tests.benchmarks.peers import JAX, OURS, PRIMAL, jax_gradient
from tests.benchmarks.timing import Contender, Contest
from tests.programs.kernels import CASES, Case


def contests() -> list[Contest]:
    return [contest(name) for name in CASES]


def contest(name: str, size: str = "large") -> Contest:
    """One kernel's gradient by all its float inputs, the loss itself, and JAX."""
    case = CASES[name]
    args = case.arguments(size)
    contenders = [
        Contender(OURS, grad(case.loss, argnums=case.active), args),
        Contender(PRIMAL, _on_copies(case), args, is_gradient=False),
    ]
    missing = []
    if name in LOSSES:
        argnums = tuple(case.names.index(active) for active in case.active)
        jax = jax_gradient(LOSSES[name], args, argnums)
        if jax is None:
            missing.append(JAX)
        else:
            contenders.append(jax)
    return Contest(f"{name} {'×'.join(map(str, case.sizes[size]))}", contenders, 7, missing)


def _on_copies(case: Case) -> Callable[..., Any]:
    """The loss, its caller's arrays left alone."""
    loss, written = case.loss, [case.names.index(name) for name in case.written]

    def function(*args: Any) -> Any:
        own = list(args)
        for k in written:
            own[k] = own[k].copy()
        return loss(*own)

    return function
