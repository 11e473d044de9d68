"""Derivatives besides the gradient, of a two-layer network 100 -> 200 -> 100: a tangent, a Jacobian, and the
product of a Hessian with a vector; and the gradient of a long loop of which 20 states are kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from revcompile import grad, hvp, jacobian, jvp
from tests.benchmarks.peers import AUTOGRAD, HAND, JAX, OURS, PRIMAL, installed
from tests.benchmarks.timing import Contender, Contest

GRADIENT = "gradient"
STORED = "stored"


def network(x, W, b, V):
    return np.tanh(V @ np.tanh(W @ x + b))


def loss(x, W, b, V):
    y = np.tanh(V @ np.tanh(W @ x + b))
    return np.sum(y * y)


def tangent_by_hand(x, W, b, V, tangent_x):
    h = np.tanh(W @ x + b)
    y = np.tanh(V @ h)
    return y, (1 - y * y) * (V @ ((1 - h * h) * (W @ tangent_x)))


def jacobian_by_hand(x, W, b, V):
    h = np.tanh(W @ x + b)
    y = np.tanh(V @ h)
    return (1 - y * y)[:, None] * (V @ (W * (1 - h * h)[:, None]))


def product_by_hand(x, W, b, V, vector):
    h = np.tanh(W @ x + b)
    y = np.tanh(V @ h)
    slope_h, slope_y = 1 - h * h, 1 - y * y
    tangent_h = slope_h * (W @ vector)
    tangent_y = slope_y * (V @ tangent_h)
    grad_s = 2 * y * slope_y
    tangent_grad_s = 2 * tangent_y * (slope_y - 2 * y * y)
    grad_h = grad_s @ V
    tangent_grad_h = tangent_grad_s @ V
    return (tangent_grad_h * slope_h - 2 * grad_h * h * tangent_h) @ W


def data() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    W, V = 0.1 * rng.standard_normal((200, 100)), 0.1 * rng.standard_normal((100, 200))
    return rng.standard_normal(100), W, 0.1 * rng.standard_normal(200), V


def contests() -> list[Contest]:
    return [tangent(), jacobian_(), product(), long_loop(), long_loop_of_numbers()]


def tangent() -> Contest:
    x, W, b, V = data()
    along = jvp(network)

    def ours(x, W, b, V, tangent_x):
        return along((x, W, b, V), (tangent_x, None, None, None))

    args = (x, W, b, V, x[::-1].copy())
    contenders = [Contender(HAND, tangent_by_hand, args), Contender(OURS, ours, args)]
    return Contest("tangent, 100-200-100", contenders)


def jacobian_() -> Contest:
    x, W, b, V = args = data()
    contenders = [
        Contender(HAND, jacobian_by_hand, args),
        Contender(OURS, jacobian(network, argnums=0), args),
    ]
    autograd, anp = installed("autograd"), installed("autograd.numpy")
    jax, jnp = installed("jax"), installed("jax.numpy")
    missing = [name for name, package in ((AUTOGRAD, autograd), (JAX, jax)) if package is None]
    if autograd is not None:
        traced = autograd.jacobian(lambda x: anp.tanh(V @ anp.tanh(W @ x + b)))
        contenders.append(Contender(AUTOGRAD, traced, (x,)))
    if jax is not None:
        jax.config.update("jax_enable_x64", True)
        compiled = jax.jit(jax.jacobian(lambda x: jnp.tanh(V @ jnp.tanh(W @ x + b))))
        contenders.append(Contender(JAX, compiled, (jnp.asarray(x),), finish=np.asarray))
    return Contest("Jacobian, 100-200-100", contenders, missing=missing)


def product() -> Contest:
    x, W, b, V = data()
    args = (x, W, b, V, x[::-1].copy())
    contenders = [
        Contender(HAND, product_by_hand, args),
        Contender(OURS, hvp(loss, argnums=0), args),
        Contender(GRADIENT, grad(loss, argnums=0), args[:4], is_gradient=False),
    ]
    anp, operators = installed("autograd.numpy"), installed("autograd.differential_operators")
    missing = [AUTOGRAD] if operators is None else []
    if operators is not None:

        def traced(x: Any) -> Any:
            y = anp.tanh(V @ anp.tanh(W @ x + b))
            return anp.sum(y * y)

        contenders.append(Contender(AUTOGRAD, operators.hessian_vector_product(traced), (x, x[::-1].copy())))
    return Contest("Hessian times vector, the same", contenders, missing=missing)


def pendulums(x, v, steps):
    for _ in range(steps):
        v = v - 0.01 * np.sin(x)
        x = x + 0.01 * v
    return np.sum(x * v)


def pendulum(x, v, steps):
    for _ in range(steps):
        v = v - 0.01 * math.sin(x)
        x = x + 0.01 * v
    return x * v


def long_loop() -> Contest:
    x = np.linspace(0.1, 2.0, 1000)
    return _long_loop("10,000 steps, 20 states kept", pendulums, x, 0.1 * x)


def long_loop_of_numbers() -> Contest:
    return _long_loop("the same of numbers", pendulum, 0.6, 0.1)


def _long_loop(name: str, program: Any, x: Any, v: Any) -> Contest:
    args = (x, v, 10_000)
    contenders = [
        Contender(STORED, grad(program, argnums=(0, 1)), args),
        Contender(OURS, grad(program, argnums=(0, 1), checkpoint=20), args),
        Contender(PRIMAL, program, args, is_gradient=False),
    ]
    return Contest(name, contenders, rounds=5)
