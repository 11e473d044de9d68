"""The other frameworks, each if it is installed, behind one interface: a function to a contender."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from tests.benchmarks.timing import Contender, Contest

PRIMAL, HAND, OURS = "function", "hand", "ours"
AUTOGRAD, JAX, TORCH = "autograd", "JAX (jit)", "PyTorch"
PEERS = (AUTOGRAD, JAX, TORCH)

Function = Callable[..., Any]


def installed(module: str) -> Any:
    """The module, or None."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def contest(
    title: str,
    function: Function,
    by_hand: Function,
    ours: Function,
    args: tuple[Any, ...],
    active: int,
    torch_function: Function | None = None,
    rounds: int = 15,
    *,
    pure_function: Function | None = None,
    jax_function: Function | None = None,
    peers: tuple[str, ...] = PEERS,
) -> Contest:
    """All contenders for the gradient of `function` by its first `active` arguments, and itself.

    The peers run the same code with their own `np`; PyTorch runs `torch_function` where its names differ,
    JAX `jax_function` where a loop must be one of `lax`, and all `pure_function` where a store is in the way.
    """
    contenders = [
        Contender(HAND, by_hand, args),
        Contender(OURS, ours, args),
        Contender(PRIMAL, function, args, is_gradient=False),
    ]
    pure = pure_function or function
    makers = {
        AUTOGRAD: lambda: _autograd(with_numpy(pure, installed("autograd.numpy")), args, active),
        JAX: lambda: jax_gradient(
            jax_function or with_numpy(pure, installed("jax.numpy")), args, tuple(range(active))
        ),
        TORCH: lambda: _torch(torch_function or pure, args, active),
    }
    missing = []
    for name in peers:
        contender = makers[name]()
        if contender is None:
            missing.append(name)
        else:
            contenders.append(contender)
    return Contest(title, contenders, rounds, missing)


def with_numpy(function: Function, module: Any) -> Function:
    """The same function, its global `np` another module."""
    assert isinstance(function, FunctionType)
    scope = {**function.__globals__, "np": module}
    for name, value in scope.items():  # helpers of the same file see the same module
        if isinstance(value, FunctionType) and value.__globals__ is function.__globals__:
            scope[name] = FunctionType(value.__code__, scope, value.__name__, value.__defaults__)
    return FunctionType(function.__code__, scope, function.__name__, function.__defaults__)


def _autograd(function: Function, args: tuple[Any, ...], active: int) -> Contender | None:
    autograd = installed("autograd")
    if autograd is None:
        return None
    gradient = autograd.grad(function, argnum=tuple(range(active)))
    return Contender(AUTOGRAD, gradient, args)


def jax_gradient(function: Function, args: tuple[Any, ...], argnums: tuple[int, ...]) -> Contender | None:
    """JAX's compiled gradient of a function written for `jax.numpy`; integers steer."""
    jax = installed("jax")
    if jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    static = tuple(k for k, a in enumerate(args) if isinstance(a, int))
    gradient = jax.jit(jax.grad(function, argnums=argnums), static_argnums=static)
    moved = tuple(jax.device_put(a) if isinstance(a, np.ndarray) else a for a in args)
    return Contender(JAX, gradient, moved, jax.block_until_ready)


def _torch(function: Function, args: tuple[Any, ...], active: int) -> Contender | None:
    torch = installed("torch")
    if torch is None:
        return None
    run = with_numpy(function, torch)
    moved = [torch.as_tensor(a, dtype=None if isinstance(a, np.ndarray) else torch.float64) for a in args]
    leaves = tuple(a.clone().requires_grad_() for a in moved[:active])
    differentiate = torch.autograd.grad

    def gradient(*tensors: Any) -> Any:
        return differentiate(run(*tensors), leaves)

    return Contender(TORCH, gradient, (*leaves, *moved[active:]))
