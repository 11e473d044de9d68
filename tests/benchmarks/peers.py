"""The other frameworks, each if it is installed, behind one interface: a function to a contender."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from tests.benchmarks.timing import Contender, Contest

HAND, OURS, AUTOGRAD, JAX, TORCH = "hand", "ours", "autograd", "JAX (jit)", "PyTorch"
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
) -> Contest:
    """All contenders for the gradient of `function` by its first `active` arguments.

    The peers run the same code with their own `np`; PyTorch runs `torch_function` where its names differ.
    """
    contenders = [Contender(HAND, by_hand, args), Contender(OURS, ours, args)]
    makers = {
        AUTOGRAD: lambda: _autograd(function, args, active),
        JAX: lambda: _jax(function, args, active),
        TORCH: lambda: _torch(torch_function or function, args, active),
    }
    missing = []
    for name in PEERS:
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
    autograd, numpy = installed("autograd"), installed("autograd.numpy")
    if autograd is None:
        return None
    gradient = autograd.grad(with_numpy(function, numpy), argnum=tuple(range(active)))
    return Contender(AUTOGRAD, gradient, args)


def _jax(function: Function, args: tuple[Any, ...], active: int) -> Contender | None:
    jax, numpy = installed("jax"), installed("jax.numpy")
    if jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    gradient = jax.jit(jax.grad(with_numpy(function, numpy), argnums=tuple(range(active))))
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
