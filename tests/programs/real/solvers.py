"""Multigrid, a power grid, beams, stiff kinetics, a spline: systems of equations and what is made of them."""

import math

import numpy as np


def relax(u, f, h, sweeps):
    for _ in range(sweeps):
        for colour in (1, 2):
            u[colour:-1:2] = 0.5 * (u[colour - 1 : -2 : 2] + u[colour + 1 :: 2] + h * h * f[colour:-1:2])
    return u


def residual(u, f, h):
    r = np.zeros_like(u)
    r[1:-1] = f[1:-1] + (u[:-2] - 2 * u[1:-1] + u[2:]) / h**2
    return r


def restrict(r):
    coarse = r[::2].copy()
    coarse[1:-1] = 0.25 * (r[1:-2:2] + 2 * r[2:-1:2] + r[3::2])
    return coarse


def prolong(e):
    fine = np.zeros(2 * e.size - 1)
    fine[::2] = e
    fine[1::2] = 0.5 * (e[:-1] + e[1:])
    return fine


def v_cycle(u, f, h):
    if u.size <= 3:
        u[1:-1] = 0.5 * (u[:-2] + u[2:] + h * h * f[1:-1])
        return u
    u = relax(u, f, h, 2)
    coarse = restrict(residual(u, f, h))
    correction = v_cycle(np.zeros_like(coarse), coarse, 2 * h)
    u += prolong(correction)
    return relax(u, f, h, 2)


def poisson_energy(f, boundary, cycles):
    n = f.size
    u = np.zeros(n)
    u[0], u[-1] = boundary
    h = 1.0 / (n - 1)
    for _ in range(cycles):
        u = v_cycle(u, f, h)
    return h * np.dot(u, f) + 0.5 * np.sum(np.diff(u) ** 2) / h


def power_flow(load_p, load_q, lines, slack_v, n):
    Y_re, Y_im = np.zeros((n, n)), np.zeros((n, n))
    for a, b, r, x in lines:
        a, b = int(a), int(b)
        g, s = r / (r * r + x * x), -x / (r * r + x * x)
        for M, val in ((Y_re, g), (Y_im, s)):
            M[a, b] -= val
            M[b, a] -= val
            M[a, a] += val
            M[b, b] += val
    vm, va = np.ones(n), np.zeros(n)
    vm[0] = slack_v
    for it in range(6):
        d = va[:, None] - va[None, :]
        c, s = np.cos(d), np.sin(d)
        A = Y_re * c + Y_im * s
        B = Y_re * s - Y_im * c
        P = vm * (A @ vm)
        Q = vm * (B @ vm)
        mis = np.concatenate([(P + load_p)[1:], (Q + load_q)[1:]])
        if np.max(np.abs(mis)) < 1e-12:
            break
        H = np.outer(vm, vm) * B
        np.fill_diagonal(H, np.diag(H) - Q)
        Nn = vm[:, None] * A
        np.fill_diagonal(Nn, np.diag(Nn) + P / vm)
        J = -np.outer(vm, vm) * A
        np.fill_diagonal(J, np.diag(J) + P)
        Lm = vm[:, None] * B
        np.fill_diagonal(Lm, np.diag(Lm) + Q / vm)
        jac = np.block([[H[1:, 1:], Nn[1:, 1:]], [J[1:, 1:], Lm[1:, 1:]]])
        step = np.linalg.solve(jac, mis)
        va[1:] -= step[: n - 1]
        vm[1:] -= step[n - 1 :]
    loss = 0.0
    for a, b, r, x in lines:
        a, b = int(a), int(b)
        loss += r / (r * r + x * x) * (vm[a] ** 2 + vm[b] ** 2 - 2 * vm[a] * vm[b] * math.cos(va[a] - va[b]))
    return loss


def beam(E, inertia, lengths, load, tip):
    n = len(lengths)
    K = np.zeros((2 * n + 2, 2 * n + 2))
    F = np.zeros(2 * n + 2)
    for e, L in enumerate(lengths):
        k = (
            E
            * inertia[e]
            / L**3
            * np.array(
                [
                    [12, 6 * L, -12, 6 * L],
                    [6 * L, 4 * L**2, -6 * L, 2 * L**2],
                    [-12, -6 * L, 12, -6 * L],
                    [6 * L, 2 * L**2, -6 * L, 4 * L**2],
                ]
            )
        )
        dofs = np.arange(2 * e, 2 * e + 4)
        K[np.ix_(dofs, dofs)] += k
        F[dofs] += load[e] * L * np.array([0.5, L / 12, 0.5, -L / 12])
    F[-2] += tip
    free = slice(2, None)
    u = np.zeros(2 * n + 2)
    u[free] = np.linalg.solve(K[free, free], F[free])
    return F @ u + 10 * u[-2] ** 2


def robertson(y, k):
    r1, r2, r3 = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
    return np.array([-r1 + r2, r1 - r2 - r3, r3])


def robertson_jacobian(y, k):
    return np.array(
        [
            [-k[0], k[1] * y[2], k[1] * y[1]],
            [k[0], -k[1] * y[2] - 2 * k[2] * y[1], -k[1] * y[1]],
            [0.0, 2 * k[2] * y[1], 0.0],
        ]
    )


def kinetics(log_k, y0, measured):
    k = np.exp(log_k)
    y, h = y0, 1e-3
    loss = 0.0
    for m in measured:
        for _ in range(4):
            new = y
            for it in range(20):
                r = new - y - h * robertson(new, k)
                step = np.linalg.solve(np.eye(3) - h * robertson_jacobian(new, k), -r)
                new = new + step
                if np.linalg.norm(step) < 1e-13:
                    break
            y = new
            h = min(1.5 * h, 0.5)
        loss += np.sum(((y - m) / (0.1 + m)) ** 2)
    return loss


def tridiagonal(lower, diag, upper, rhs):
    n = len(diag)
    c, d = np.empty(n), np.empty(n)
    c[0] = upper[0] / diag[0]
    d[0] = rhs[0] / diag[0]
    for i in range(1, n):
        m = diag[i] - lower[i - 1] * c[i - 1]
        if i < n - 1:
            c[i] = upper[i] / m
        d[i] = (rhs[i] - lower[i - 1] * d[i - 1]) / m
    x = np.empty(n)
    x[-1] = d[-1]
    for i in reversed(range(n - 1)):
        x[i] = d[i] - c[i] * x[i + 1]
    return x


def spline_loss(knots, heights, xs, ys, smooth):
    h = np.diff(knots)
    slopes = np.diff(heights) / h
    inner = tridiagonal(h[1:-1], 2 * (h[:-1] + h[1:]), h[1:-1], 6 * np.diff(slopes))
    m = np.concatenate(([0.0], inner, [0.0]))
    total = 0.0
    for x, y in zip(xs, ys):
        k = min(max(np.searchsorted(knots, x) - 1, 0), len(h) - 1)
        a, b = knots[k + 1] - x, x - knots[k]
        s = (m[k] * a**3 + m[k + 1] * b**3) / (6 * h[k])
        s += (heights[k] / h[k] - m[k] * h[k] / 6) * a + (heights[k + 1] / h[k] - m[k + 1] * h[k] / 6) * b
        total += (s - y) ** 2
    return total + smooth * np.sum(h * (m[:-1] ** 2 + m[:-1] * m[1:] + m[1:] ** 2)) / 3


rng = np.random.default_rng(1)


def normal(*shape):
    return rng.normal(size=shape)


LINES = np.array([[0, 1, 0.02, 0.1], [1, 2, 0.03, 0.12], [2, 3, 0.02, 0.09], [0, 3, 0.04, 0.2]])
KNOTS = np.array([0.0, 0.9, 2.1, 3.0, 4.2])
XS = np.sort(rng.uniform(0, 4, 9))
CASES = [
    (poisson_energy, (normal(17), np.array([0.3, -0.2]), 3), (0, 1)),
    (power_flow, (np.array([0, 0.3, 0.4, 0.2]), np.array([0, 0.1, 0.2, 0.05]), LINES, 1.02, 4), (0, 1, 3)),
    (
        beam,
        (2.0, np.array([1.0, 0.8, 0.6]), np.array([0.5, 0.7, 0.4]), np.array([1.0, -0.5, 0.3]), 0.2),
        (0, 1, 2, 3, 4),
    ),
    (kinetics, (np.array([-3.0, 2.0, 3.0]), np.array([1.0, 0.0, 0.0]), np.abs(normal(3, 3))), (0, 1, 2)),
    (spline_loss, (KNOTS, normal(5), XS, np.sin(XS), 0.01), (0, 1, 2, 3, 4)),
]
