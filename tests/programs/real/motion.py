"""A rigid body with contacts, a Kalman filter, a regulator, a pole that is balanced."""

import math

import numpy as np


def rotation(a):
    c, s = math.cos(a), math.sin(a)
    return np.array([[c, -s], [s, c]])


def bounce(position, velocity, angle, spin, corners, dt, steps, stiffness):
    x, v = position.copy(), velocity.copy()
    mass, inertia = 1.0, 0.2
    trace = []
    for k in range(steps):
        force = np.array([0.0, -9.81 * mass])
        torque = 0.0
        R = rotation(angle)
        for corner in corners:
            arm = R @ corner
            point = x + arm
            if point[1] < 0.0:
                speed = v + spin * np.array([-arm[1], arm[0]])
                normal = max(-stiffness * point[1] - 5.0 * speed[1], 0.0)
                friction = -0.3 * normal * np.tanh(speed[0] / 0.1)
                contact = np.array([friction, normal])
                force = force + contact
                torque += arm[0] * contact[1] - arm[1] * contact[0]
        v = v + dt * force / mass
        spin = spin + dt * torque / inertia
        x = x + dt * v
        angle = angle + dt * spin
        if k % 5 == 0:
            trace.append(x[1])
        if x[1] < -10:
            break
    return x[0] + 0.3 * sum(t * t for t in trace) + 0.1 * angle**2


def ekf(readings, controls, log_q, log_r, start):
    def move(state, u):
        px, py, heading = state
        v, w = u
        return np.array([px + v * np.cos(heading), py + v * np.sin(heading), heading + w])

    def move_jacobian(state, u):
        J = np.eye(3)
        J[0, 2] = -u[0] * np.sin(state[2])
        J[1, 2] = u[0] * np.cos(state[2])
        return J

    def sense(state, beacon):
        d = beacon - state[:2]
        r = np.hypot(d[0], d[1])
        return np.array([r, np.arctan2(d[1], d[0]) - state[2]])

    def sense_jacobian(state, beacon):
        dx, dy = beacon - state[:2]
        q = dx**2 + dy**2
        r = np.sqrt(q)
        return np.array([[-dx / r, -dy / r, 0.0], [dy / q, -dx / q, -1.0]])

    beacons = [np.array([4.0, 1.0]), np.array([-2.0, 5.0])]
    Q = np.diag(np.exp(log_q))
    R = np.diag(np.exp(log_r))
    m, P = start.copy(), 0.1 * np.eye(3)
    loglik = 0.0
    for t, (z, u) in enumerate(zip(readings, controls)):
        F = move_jacobian(m, u)
        m = move(m, u)
        P = F @ P @ F.T + Q
        beacon = beacons[t % 2]
        H = sense_jacobian(m, beacon)
        y = z - sense(m, beacon)
        y[1] = (y[1] + np.pi) % (2 * np.pi) - np.pi
        S = H @ P @ H.T + R
        K = np.linalg.solve(S, H @ P).T
        m = m + K @ y
        P = (np.eye(3) - K @ H) @ P
        sign, logdet = np.linalg.slogdet(S)
        loglik -= 0.5 * (y @ np.linalg.solve(S, y) + logdet + 2 * np.log(2 * np.pi))
    return -loglik


def lqr_cost(A, B, q, r, x0, horizon):
    Q, R = np.diag(q), np.diag(r)
    P = Q
    gains = []
    for _ in range(horizon):
        K = np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
        P = Q + A.T @ P @ (A - B @ K)
        gains.append(K)
    x, cost = x0, 0.0
    for K in reversed(gains):
        u = -K @ x
        cost += x @ Q @ x + u @ R @ u
        x = A @ x + B @ u + 0.01 * np.sin(x)
    return cost + x @ Q @ x


def rollout(theta, x0, steps, noise):
    W1, b1, W2 = theta["W1"], theta["b1"], theta["W2"]
    x, xdot, a, adot = x0
    ret, discount = 0.0, 1.0
    for t in range(steps):
        obs = np.array([x, xdot, np.cos(a), np.sin(a), adot])
        hidden = np.tanh(W1 @ obs + b1)
        force = 10 * np.tanh(W2 @ hidden) + noise[t]
        sin, cos = np.sin(a), np.cos(a)
        temp = (force + 0.05 * adot**2 * sin) / 1.1
        aacc = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        xacc = temp - 0.05 * aacc * cos / 1.1
        x, xdot = x + 0.02 * xdot, xdot + 0.02 * xacc
        a, adot = a + 0.02 * adot, adot + 0.02 * aacc
        ret += discount * (1.0 - a**2 - 0.1 * x**2 - 1e-3 * force**2)
        discount *= 0.99
        if abs(a) > 0.8 or abs(x) > 2.4:
            ret -= 5.0 * discount * (abs(a) + abs(x))
            break
    return ret


rng = np.random.default_rng(2)


def normal(*shape):
    return rng.normal(size=shape)


CORNERS = np.array([[-0.3, -0.2], [0.3, -0.2], [0.3, 0.2], [-0.3, 0.2]])
CASES = [
    (
        bounce,
        (np.array([0.0, 0.6]), np.array([1.0, -0.5]), 0.3, 0.8, CORNERS, 0.01, 60, 800.0),
        (0, 1, 2, 3, 4, 7),
    ),
    (
        ekf,
        (np.abs(normal(6, 2)), 0.3 * normal(6, 2), normal(3) - 2, normal(2) - 1, 0.2 * normal(3)),
        (0, 1, 2, 3, 4),
    ),
    (
        lqr_cost,
        (normal(3, 3) * 0.5, normal(3, 2), np.abs(normal(3)) + 0.1, np.abs(normal(2)) + 0.1, normal(3), 6),
        (0, 1, 2, 3, 4),
    ),
    (
        rollout,
        (
            {"W1": normal(4, 5), "b1": normal(4), "W2": normal(4)},
            np.array([0.1, 0.0, 0.2, 0.1]),
            60,
            0.1 * normal(60),
        ),
        (0, 1, 3),
    ),
]
