"""The functions whose tangents, Hessian products and Jacobians are kept as text."""

from __future__ import annotations

import numpy as np

from revcompile import grad, hvp, jacfwd, jacrev, jvp, vjp
from tests.golden.table import case, real


@case((0.3, 0.1, 50, 0.01), (1.0, 0.0, None, None), transform=jvp, name="tangent_of_a_pendulum")
def pendulum(theta, omega, steps, dt):
    for _ in range(steps):
        omega = omega - dt * np.sin(theta)
        theta = theta + dt * omega
    return theta


@case((real(4), real(3, 4)), (real(4), None), transform=jvp, name="tangent_of_branches_and_stores")
def branches_and_stores(x, w):
    y = np.zeros(3)
    if x[0] > 0.0:
        y[1:] = w[1:] @ x
        y[0] = np.exp(x[1])
    else:
        y = np.tanh(w @ x)
    return np.sum(y**2)


def front(parameters, u, steps):
    diffusion, growth = parameters
    for _ in range(steps):
        inner = u[1:-1]
        flow = diffusion * (u[:-2] - 2.0 * inner + u[2:])
        u[1:-1] = inner + 0.08 * (flow + growth * inner * (1.0 - inner))
    return u


case(real(2), real(9) ** 2, 50, transform=vjp, argnums=0, checkpoint=20, name="pullback_of_a_long_front")(
    front
)


@case(
    real(2),
    real(9) ** 2,
    real(9),
    50,
    transform=grad,
    argnums=0,
    checkpoint=20,
    name="gradient_of_a_long_front",
)
def misfit(parameters, u, seen, steps):
    return np.sum((front(parameters, u, steps) - seen) ** 2)


@case(
    0.3,
    0.1,
    50,
    0.01,
    1.0,
    transform=hvp,
    argnums=0,
    checkpoint=20,
    name="hessian_product_of_a_long_swing",
)
def swing(theta, omega, steps, dt):
    for _ in range(steps):
        omega = omega - dt * np.sin(theta)
        theta = theta + dt * omega
    return theta * omega


@case(real(4), real(3, 4), real(3), real(4), transform=hvp, argnums="x", name="hessian_product_of_a_network")
def network(x, w, v):
    return v @ np.tanh(w @ x)


@case(real(4), real(3, 4), transform=jacfwd, argnums="x", name="jacobian_of_a_layer")
def layer(x, w):
    return np.tanh(w @ x) * np.sum(x)


@case(real(5), 0.1, 10, transform=jacfwd, argnums="u", name="jacobian_of_steps")
def steps(u, dt, n):
    for _ in range(n):
        u[1:-1] += dt * (u[:-2] - 2.0 * u[1:-1] + u[2:]) * u[1:-1]
        if np.max(u) < 0.01:
            break
    return u


@case(real(4), real(3, 4), transform=jacrev, argnums="x", name="jacobian_by_rows")
def curve(x, w):
    for _ in range(5):
        x = x + np.sin(x[::-1]) * x
    return w @ x
