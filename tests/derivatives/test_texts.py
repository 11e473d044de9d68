"""The texts of tangents, of Hessian-vector products and of Jacobians, to be read as a user reads them."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np

from revcompile import hvp, jacfwd, jacrev, jvp, vjp

X = np.array([0.5, -1.25, 2.0])
A = np.array([[0.3, -0.7, 1.1], [0.9, 0.4, -0.6]])


def is_text(found: str, expected: str) -> None:
    assert found == dedent(expected).lstrip("\n"), found


def pendulum(theta, omega, steps, dt):
    for _ in range(steps):
        omega = omega - dt * np.sin(theta)
        theta = theta + dt * omega
    return theta


def test_a_loop_carries_its_tangents() -> None:
    along = jvp(pendulum)
    along((0.3, 0.1, 5, 0.1), (1.0, 0.0, None, None))
    is_text(
        along.tangent_source,
        """
        def jvp_pendulum(theta, omega, steps, dt, tangent_theta, tangent_omega, tangent_steps, tangent_dt):
            for _ in range(steps):
                omega = omega - dt * math.sin(theta)
                tangent_omega -= tangent_theta * math.cos(theta) * dt  # sin, mul, sub gates
                theta = theta + dt * omega
                tangent_theta += tangent_omega * dt  # mul, add gates
            return np.float64(theta), np.float64(tangent_theta)
        """,
    )


def clipped(x, w):
    y = w @ x
    if np.sum(y) > 0.0:
        y[0] = np.exp(x[0])
    else:
        y = y * 2.0
    return y


def test_branches_and_stores() -> None:
    along = jvp(clipped)
    along((X, A), (X, A))
    is_text(
        along.tangent_source,
        """
        def jvp_clipped(x, w, tangent_x, tangent_w):
            y = w @ x
            tangent_y = w @ tangent_x + tangent_w @ x
            if np.sum(y) > 0.0:
                s0 = np.exp(x[0])
                y[0] = s0
                tangent_y[0] = tangent_x[0] * s0  # exp, store gates
            else:
                y = y * 2.0
                tangent_y = 2.0 * tangent_y       # mul gate
            return y, tangent_y
        """,
    )


def loss(x, w):
    h = np.tanh(w @ x)
    return np.sum(h * h)


def test_a_product_of_the_hessian_and_a_vector() -> None:
    product = hvp(loss, argnums=0)
    product(X, A, X)
    is_text(
        product.derivative_source,
        """
        def hvp_loss(x, w, vector):
            h = np.tanh(w @ x)
            s0 = 1 - h * h                        # tanh gate
            s1 = 2.0 * (w @ vector * s0)          # tanh, mul gates
            tangent_grad_x = (s1 * s0 - s1 * h * (2.0 * h)) @ w  # mul gate
            return tangent_grad_x
        """,
    )


def layer(x, w):
    return np.tanh(w @ x)


def test_jacobians() -> None:
    columns, rows = jacfwd(layer, argnums=0), jacrev(layer, argnums=0)
    columns(X, A), rows(X, A)
    is_text(
        columns.derivative_source,
        """
        def jacfwd_layer(x, w):
            s0 = np.tanh(w @ x)
            return w * (1 - s0 * s0)[:, None]
        """,
    )
    is_text(
        rows.derivative_source,
        """
        def jacrev_layer(x, w):
            s0 = np.tanh(w @ x)
            grad_x = (1 - s0 * s0)[:, None] * w   # tanh, matmul gates
            return grad_x
        """,
    )


def newton(x: Any, a: Any) -> Any:
    step = (x * x - a) / (2.0 * x)
    return x if abs(step) < 1e-12 else newton(x - step, a)


def test_a_recursion() -> None:
    along = jvp(newton)
    along((1.0, 2.0), (0.0, 1.0))
    is_text(
        along.tangent_source,
        """
        def jvp_newton_2(x, a, tangent_x, tangent_a):
            s0 = 2.0 * tangent_x                  # mul gate
            s1 = 2.0 * x
            step_1 = (x * x - a) / s1
            tangent_step_1 = (s0 * x - tangent_a) / s1 - s0 * step_1 / s1  # mul, sub, div gates
            if abs(step_1) < 1e-12:
                s2 = x
                tangent_s2 = tangent_x
            else:
                s2, tangent_s2 = jvp_newton_2(x - step_1, a, tangent_x - tangent_step_1, tangent_a)  # sub gate
            return s2, tangent_s2


        def jvp_newton(x, a, tangent_x, tangent_a):
            s0, tangent_s0 = jvp_newton_2(x, a, tangent_x, tangent_a)
            return s0, tangent_s0
        """,
    )


def test_a_pullback() -> None:
    pulled = vjp(layer)
    pulled(X, A)[1](np.ones(2))
    is_text(
        pulled.source_for(X, A).split("\n\n\n", 1)[1].rsplit("\n\ndef vjp_layer", 1)[0],
        """
        def forward_layer(x, w):
            # forward pass
            s0 = np.tanh(w @ x)
            return s0.copy(), (x, w, s0)


        def backward_layer(grad_y, saved):
            # backward pass
            x, w, s0 = saved
            grad_s1 = grad_y * (1 - s0 * s0)      # tanh gate
            grad_w = np.outer(grad_s1, x)         # matmul gate
            grad_x = grad_s1 @ w                  # matmul gate
            return grad_x, grad_w
        """,
    )


def test_a_tree_of_lists() -> None:
    """What is read of a list in one direction is read of its tangents; the loop is written once."""

    def tree(x: Any, parents: Any) -> Any:
        places = [np.sin(x)]
        for parent in parents:
            places.append(np.sin(places[parent]) * x)
            if places[-1][0] > 9.0:
                break
        return np.array(places)

    columns = jacfwd(tree, argnums=0)
    columns(X, np.array([0, 0, 1]))
    is_text(
        columns.derivative_source,
        """
        def jacfwd_tree(x, parents):
            unit = np.eye(x.size)
            places = [np.sin(x)]
            tangent_places = [unit * np.cos(x)]   # sin, list gates
            for i in range(parents.shape[0]):
                parent = parents[i]
                s0 = places[parent]
                s1 = np.sin(s0)
                tangent_s2 = tangent_places[parent] * np.cos(s0) * x + unit * s1  # sin, mul gates
                places.append(s1 * x)
                tangent_places.append(tangent_s2)  # append gate
                if places[-1][0] > 9.0:
                    break
            return np.moveaxis(np.array(tangent_places), 1, 2)
        """,
    )


def test_a_loop_whose_value_nobody_reads_is_not_run() -> None:
    def halved(x: Any) -> Any:
        while np.sum(x * x) > 0.1:
            x = 0.5 * np.sin(x)
        return x

    columns = jacfwd(halved)
    columns(X)
    is_text(
        columns.derivative_source,
        """
        def jacfwd_halved(x):
            tangent_x = np.eye(x.size)
            while np.sum(x * x) > 0.1:
                tangent_s0 = tangent_x * np.cos(x)  # sin gate
                x = 0.5 * np.sin(x)
                tangent_x = 0.5 * tangent_s0      # mul gate
            return tangent_x.T
        """,
    )
